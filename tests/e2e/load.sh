#!/bin/bash
# Writers at work, and snapshot after snapshot: each one, restored, must hold what holds at every
# instant of the source and between no two of them: sums over accounts, what pgbench's four tables say
# of each other, parents that know how many children they have. And how long a writer had to wait.
#   LOAD_ROUNDS: snapshots of each engine (3; `make load`: 50)
# run early: a minute of writers
. "$(dirname "$0")/lib.sh"
e2e_begin load
cd "$ROOT" || exit 1
ROUNDS=${LOAD_ROUNDS:-3}
HERE=tests/e2e/load
STORE=$T/store
BOX=$T/box
ENV=$T/env.yaml
E2E_BOXES+=("$BOX")
LOG=$T/lengths
mkdir -p "$LOG"
chmod 777 "$LOG"

now_us() {
    local at=${EPOCHREALTIME/[.,]/}
    echo "$at"
}

# round ENGINE N WANTED: one snapshot while writers write, restored, and asked.
round() {
    local engine=$1 n=$2 wanted=$3 from got
    from=$(now_us)
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --tag "$engine$n" --jobs 2 --journal "$T/journal.$engine" || return
    echo "$from $(now_us)" >>"$T/windows.$engine"
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --start "$engine$n" || return
    got=$(ask_"$engine")
    echo "invariants: $got"
    [ "$got" = "$wanted" ]
}

# waits ENGINE FILE: lines "end length" in microseconds; a writer waited longest within snapshots, and
# outside of them.
waits() {
    awk -v engine="$1" -v windows="$T/windows.$1" '
        BEGIN { while ((getline line < windows) > 0) { split(line, w, " "); from[++n] = w[1]; to[n] = w[2] } }
        { for (i = 1; i <= n && !($1 >= from[i] && $1 - $2 <= to[i]); i++);
          if (i <= n) { inside++; if ($2 > in_max) in_max = $2 } else { outside++; if ($2 > out_max) out_max = $2 } }
        END { printf "load %s writer_wait_max_ms snapshot=%.1f else=%.1f transactions=%d/%d\n", engine, in_max / 1000, out_max / 1000, inside, outside
              exit !(inside > 0) }' "$2"
}

locked() { # ENGINE: the longest lock that the journal tells of
    jq -r 'select(.event == "snapshot.lock") | .took_ms' "$T/journal.$1" | sort -g | tail -n 1
}

rounds() { # ENGINE WANTED
    local n held=0
    for ((n = 1; n <= ROUNDS; n++)); do
        if round "$1" "$n" "$2" >"$T/out" 2>&1; then
            held=$((held + 1))
        else
            tail -n 5 "$T/out" | sed "s/^/# $1 $n: /"
        fi
    done
    check_same "$1: $ROUNDS snapshots in a row are one instant each" "$held" "$ROUNDS"
}

# ---- PostgreSQL ---------------------------------------------------------------------------------
ask_postgresql() {
    local host port user
    # shellcheck disable=SC2016
    read -r host port user < <("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET $BOX_DB_DB_PORT $BOX_DB_DB_USER"')
    psql -X -q -A -t -h "$host" -p "$port" -U "$user" -f "$HERE/invariants_postgresql.sql" bank
}

pg_start
printf 'name: bank\ndatabases:\n  - {name: db, engine: postgresql, host: "%s", port: %s, user: %s, database: bank}\n' "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" >"$ENV"
pg_sql -c "CREATE DATABASE bank" postgres
PGBENCH=("$(pg_program pgbench)" -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN")
check "pgbench fills its tables" "${PGBENCH[@]}" -i -q -s 1 bank
check "so do we" pg_sql -f "$HERE/schema_postgresql.sql" bank
cp "$HERE/transfer.sql" "$HERE/family.sql" "$T/" && chmod 644 "$T"/*.sql
e2e_start writers postgres "${PGBENCH[@]}" -n -c 4 -T 3600 -l --log-prefix="$LOG/pg" -b tpcb-like@1 -f "$T/transfer.sql@1" -f "$T/family.sql@1" bank
wait_for 20 pg_sql -c "SELECT 1 / (count(*) > 20)::int FROM pgbench_history" bank || die "pgbench does not write"
sleep 2
rounds postgresql "t|t|t|t|t|t|t|t"
e2e_stop writers 2>/dev/null
cat "$LOG"/pg.* | awk '{ print $5 * 1000000 + $6, $3 }' >"$T/waits.postgresql"
check "the writers' waits are measured" waits postgresql "$T/waits.postgresql" && cat "$T/out"
echo "load postgresql lock_max_ms=$(locked postgresql)"
"$REHEARSE" box destroy "$BOX" >/dev/null 2>&1
pg_stop

# ---- MariaDB ------------------------------------------------------------------------------------
ask_mariadb() {
    # shellcheck disable=SC2016
    mariadb --no-defaults -BN --user=root --socket="$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET"')" bank <"$HERE/invariants_mariadb.sql"
}

my_start
printf 'name: bank\ndatabases:\n  - {name: db, engine: mariadb, socket: "%s", user: root, database: bank}\n' "$MY_SOCKET" >"$ENV"
my_sql -e "CREATE DATABASE bank"
check "tables of purses and families" my_sql bank -e "source $HERE/schema_mariadb.sql"
e2e_start writers mysql sysbench "$ROOT/$HERE/writer.lua" --mysql-socket="$MY_SOCKET" --mysql-user=root --mysql-db=bank --threads=4 --time=3600 --events=0 \
    --log="$LOG/my" run
wait_for 20 my_sql bank -e "SELECT 1 FROM moved WHERE n > 20 OR (SELECT count(*) FROM nothing)" || sleep 3
sleep 2
rounds mariadb "1	1	1	1	1	1"
e2e_stop writers 2>/dev/null
cat "$LOG"/my.* >"$T/waits.mariadb"
check "the writers' waits are measured in MariaDB" waits mariadb "$T/waits.mariadb" && cat "$T/out"
echo "load mariadb lock_max_ms=$(locked mariadb)"
check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
