#!/bin/bash
# PostgreSQL: one object of every kind goes there and back, and is compared by pg_dump, which knows
# nothing of ours: schema in order, rows sorted, roles, large objects. Then accounts that see too
# little, DDL and locks of others while a snapshot runs, instants that must be consistent while
# others write, and restores that must not happen.
. "$(dirname "$0")/lib.sh"
e2e_begin postgresql
# shellcheck disable=SC2034
PG_SCRAM=limited
pg_start

STORE=$T/store
BOX=$T/box
ENV=$T/env.yaml
SECRET=never-captured-7781
E2E_BOXES+=("$BOX")

environment() { # USER DATABASE [more]
    printf 'name: prod\ndatabases:\n  - {name: db, engine: postgresql, host: "%s", port: %s, user: %s, database: %s%s}\n' \
        "${PG_HOST:-$PG_SOCKET_DIR}" "$PG_PORT" "$1" "$2" "${3:-}" >"$ENV"
}

snapshot() {
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" "$@"
}

# restore_box REF: a new box with its server running. Sets BOX_PG, the options of a client there.
restore_box() {
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --start "$1" || return
    # shellcheck disable=SC2016
    read -r host port user < <("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET $BOX_DB_DB_PORT $BOX_DB_DB_USER"')
    BOX_PG=(-h "$host" -p "$port" -U "$user")
}

in_box() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 "${BOX_PG[@]}" "$@"
}

PROD_PG=(-h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN")

# ---- every kind of object -----------------------------------------------------------------------
# What pg_dump makes up anew each time is taken out; the secrets are left out on purpose.
stable() {
    sed -E '/^\\(un)?restrict /d' | sed "s/'$SECRET'/''/"
}

schema() {
    pg_dump "$@" --create --schema-only torture | stable
}

# Rows in any order; large objects with them.
rows() {
    pg_dump "$@" --data-only --extra-float-digits=3 torture 2>/dev/null | stable | LC_ALL=C sort
}

# The box's own administrator is not production's.
roles() {
    pg_dumpall "$@" --globals-only --no-role-passwords | stable | grep -v '^-- '
}

compare() { # FUNCTION
    diff <("$1" "${PROD_PG[@]}") <("$1" "${BOX_PG[@]}")
}

torture() {
    pg_sql -c "CREATE DATABASE torture" postgres && pg_sql -f tests/e2e/postgresql/torture.sql torture
}

no_secret() {
    local blob
    ! grep -rqF "$SECRET" "$T/out" "$T/journal" || return 1
    while read -r blob; do
        ! { zstd -dcq "$blob" 2>/dev/null || cat "$blob"; } | grep -qF "$SECRET" || return 1
    done < <(find "$STORE" -type f)
}

cd "$ROOT" || exit 1
environment "$PG_ADMIN" torture
check "one object of every kind is made" torture || die "nothing to capture"
check "snapshot" snapshot --tag torture --journal "$T/journal" || die "nothing to restore"
check_has "a foreign table without rows of its own is named" "$(cat "$T/out" "$T/journal")" 'rows of "shop"."far"'
check_has "left-out passwords are named" "$(cat "$T/out" "$T/journal")" "passwords of"
check "no password is in the bundle" no_secret
check_has "the position is in the journal" "$(cat "$T/journal")" '"lsn":'
check "bundle verify" "$REHEARSE" bundle verify --store "$STORE" torture
check "restore" restore_box torture || die "nothing to compare"
check "the schema is the same, in the same order" compare schema
check "every row is the same" compare rows
check "the roles are the same" compare roles
check "there was something to compare" test "$(rows "${PROD_PG[@]}" | wc -c)" -gt 10000000
check_same "statistics are there before anybody asks" "$(in_box torture -c "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'orders'")" t
check_same "every index is valid" "$(in_box torture -c "SELECT count(*) FROM pg_index WHERE NOT indisvalid")" 0
check_same "every constraint is validated" "$(in_box torture -c "SELECT count(*) FROM pg_constraint WHERE NOT convalidated")" 0

in_box torture -c "UPDATE shop.orders SET raw = set_bit(raw, 77, 1 - get_bit(raw, 77)) WHERE id = 30000"
check_status "one changed bit is found" 1 compare rows
in_box torture -c "ALTER INDEX shop.orders_trgm SET (fastupdate = off)"
check_status "one changed index is found" 1 compare schema

# ---- accounts that see too little ---------------------------------------------------------------
export LIMITED_PASSWORD="it's \$ecret"
pg_sql -c "CREATE ROLE limited LOGIN PASSWORD 'it''s \$ecret'" postgres
PG_HOST=127.0.0.1
environment limited torture ", password_env: LIMITED_PASSWORD"
unset PG_HOST
refused() { # NAME STATUS WORDS
    check_status "$1" "$2" snapshot && check_has "$1: the mend is named" "$(cat "$T/out")" "$3"
}
refused "no right to read" 14 "GRANT"
pg_sql -c "GRANT pg_read_all_data TO limited" postgres
refused "row-level security would hide rows" 14 "BYPASSRLS"
pg_sql -c "ALTER ROLE limited BYPASSRLS" postgres
check "the rights that were asked for are enough" snapshot
LIMITED_PASSWORD=wrong refused "a wrong password" 13 "password_env"
cp "$T/out" "$T/refused"
check_status "no secret is shown" 1 grep -F ecret "$T/refused"
environment "$PG_ADMIN" absent
refused "a database that is not there" 17 "name"

# ---- locks and DDL of others --------------------------------------------------------------------
environment "$PG_ADMIN" torture
locks() { # MODE WANTED
    test "$(pg_sql -c "SELECT count(*) FROM pg_locks WHERE mode = '$1' AND relation = 'shop.orders'::regclass" torture)" -ge "$2"
}
PGAPPNAME=the-migration pg_sql -c "BEGIN; LOCK TABLE shop.orders; SELECT pg_sleep(6)" torture >/dev/null &
HOLDER=$!
wait_for 10 locks AccessExclusiveLock 1 || die "no lock is held"
check_status "a lock in the way ends the snapshot" 20 snapshot --lock-timeout 1
check_has "who holds the lock is named" "$(cat "$T/out")" "the-migration"
check_same "nothing of ours waits any more" "$(pg_sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rehearse'" postgres)" 0
wait "$HOLDER"

# A migration that comes meanwhile waits for the snapshot, and the snapshot does not wait for it.
alter_meanwhile() {
    local out=$T/altered status pid altering
    snapshot --tag meanwhile >"$out" 2>&1 &
    pid=$!
    wait_for 10 locks AccessShareLock 1
    pg_sql -c "ALTER TABLE shop.orders ADD COLUMN later int; ALTER TABLE shop.orders DROP COLUMN later" torture &
    altering=$!
    wait $pid
    status=$?
    cat "$out"
    wait $altering && [ $status -eq 0 ]
}
check "DDL during a snapshot stops neither" alter_meanwhile

# ---- a consistent instant while others write ----------------------------------------------------
pg_sql -c "CREATE DATABASE bank" postgres
pg_sql bank <<'SQL'
CREATE TABLE a (id int PRIMARY KEY, balance bigint NOT NULL, pad text NOT NULL);
INSERT INTO a SELECT g, 1000, repeat('p', 180) FROM generate_series(1, 100000) g;
CREATE TABLE b (LIKE a INCLUDING ALL);
INSERT INTO b SELECT * FROM a;
CREATE TABLE moves (id serial PRIMARY KEY, amount int NOT NULL);
CREATE TABLE moved (n int NOT NULL);
INSERT INTO moved VALUES (0);
SQL
cat >"$T/move.sql" <<'SQL'
\set n random(0, 100)
\set x random(1, 100000)
\set y random(1, 100000)
BEGIN;
UPDATE a SET balance = balance - :n WHERE id = :x;
UPDATE b SET balance = balance + :n WHERE id = :y;
INSERT INTO moves (amount) VALUES (:n);
UPDATE moved SET n = n + 1;
COMMIT;
SQL
environment "$PG_ADMIN" bank
consistent() {
    local sums
    snapshot --tag "bank$1" --journal "$T/journal$1" && restore_box "bank$1" || return
    sums=$(in_box bank -c "SELECT (SELECT sum(balance) FROM a) + (SELECT sum(balance) FROM b),
        (SELECT count(*) FROM moves) - (SELECT n FROM moved), (SELECT n FROM moved) > 0,
        nextval('moves_id_seq') > (SELECT max(id) FROM moves)")
    echo "sums: $sums"
    [ "$sums" = "200000000|0|t|t" ]
}
e2e_start mover postgres "$(pg_program pgbench)" -n -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -c 2 -T 120 -f "$T/move.sql" bank
chmod 644 "$T/move.sql"
wait_for 10 pg_sql -c "SELECT 1 / (n > 0)::int FROM moved" bank
for n in 1 2 3; do
    check "snapshot $n while others write is one instant" consistent "$n"
done
e2e_stop mover 2>/dev/null
check "the length of the lock is in the journal" grep -q '"event":"snapshot.lock"' "$T/journal1"

# ---- encodings ----------------------------------------------------------------------------------
# LATIN1 goes through UTF-8 and back; a database without an encoding keeps bytes that are no text.
# shellcheck disable=SC2059
encoded() { # ENCODING ESCAPES
    local name=in_${1,,}
    pg_sql -c "CREATE DATABASE $name TEMPLATE template0 ENCODING '$1' LOCALE 'C'" postgres &&
        PGCLIENTENCODING=$1 pg_sql "$name" <<<"$(printf "CREATE TABLE \"t_$2\" (\"c_$2\" text); INSERT INTO \"t_$2\" VALUES ('$2'), (E'\\\\t'); DROP SCHEMA IF EXISTS gone; CREATE SCHEMA other; ALTER TABLE \"t_$2\" SET SCHEMA other; DROP SCHEMA public")" &&
        environment "$PG_ADMIN" "$name" && snapshot --tag "$1" && restore_box "$1" || return
    diff <(pg_dump "${PROD_PG[@]}" --create "$name" | stable) <(pg_dump "${BOX_PG[@]}" --create "$name" | stable) &&
        [ "$(in_box "$name" -c "SELECT count(*) FROM pg_namespace WHERE nspname = 'public'")" = 0 ]
}
check "LATIN1 names and rows are the same" encoded LATIN1 '\344\337'
check "a database without an encoding keeps its bytes" encoded SQL_ASCII '\303\244'

# ---- interrupted --------------------------------------------------------------------------------
environment "$PG_ADMIN" torture
interrupted() {
    local before pid status
    before=$("$REHEARSE" bundle ls --store "$STORE" | wc -l)
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --tag cut --rate 1M >"$T/cut" 2>&1 &
    pid=$!
    wait_for 10 locks AccessShareLock 1
    sleep 0.5
    kill -TERM $pid
    wait $pid
    status=$?
    cat "$T/cut"
    echo "status $status"
    [ $status -eq 130 ] && [ "$("$REHEARSE" bundle ls --store "$STORE" | wc -l)" = "$before" ] &&
        wait_for 5 nobody_here
}
nobody_here() {
    test "$(pg_sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rehearse%'" postgres)" = 0
}
check "an interrupted snapshot leaves neither bundle nor session" interrupted
check "the store is usable" "$REHEARSE" bundle verify --store "$STORE" torture

check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
