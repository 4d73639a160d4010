#!/bin/bash
# A box against its bundle: nothing differs after a restore; then each kind of damage is found and
# named, and nothing else is.
. "$(dirname "$0")/lib.sh"
e2e_begin proof
shop_production_start "${FACTOR:-0.02}"
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

# What production has beside the shop: a table without a key, sequences, a large object, history.
pg_sql shop <<'SQL' >/dev/null || die "cannot extend the shop"
CREATE TABLE log (at timestamptz, line text);
INSERT INTO log SELECT 'epoch'::timestamptz + n * interval '1 s', 'line ' || n % 50 FROM generate_series(1, 500) n;
CREATE SEQUENCE tickets START 100;
SELECT setval('tickets', 4711);
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
SELECT lo_from_bytea(77, decode(repeat('ab', 5000), 'hex'));
-- What PostgreSQL says of a sign changes once it has read its own words.
CREATE TABLE signs (i int DEFAULT - '5'::int, b bigint DEFAULT - '5'::int, c bigint DEFAULT - '5'::bigint, n numeric(9, 2) DEFAULT - '0.5'::numeric,
    f float8 DEFAULT - '5'::float8, r real DEFAULT - '0.5'::numeric, s smallint DEFAULT - '5'::smallint, m numeric DEFAULT - '1.50'::numeric(9, 2),
    CHECK (s > - '70'::int AND n > - '1.5'::numeric AND b > - '3000000000'::bigint AND f > - '2'::float8 AND i > - '0'::int AND n > - '7'::int));
CREATE VIEW signed AS SELECT - '5'::int AS x, - '5'::bigint AS y, - '2.5'::numeric AS z, - '25'::numeric AS w;
SQL
my_sql catalog <<'SQL' >/dev/null || die "cannot extend the catalog"
CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, d DOUBLE(10,2), b BIT(9), e ENUM('', 'x'), g POINT, u UUID);
INSERT INTO floats SELECT seq, seq / 3, seq / 7, seq, 1 + seq % 2, ST_GeomFromText('POINT(1 2)'), UUID() FROM seq_1_to_300;
CREATE SEQUENCE numbers START WITH 5 NOCACHE;
SELECT NEXT VALUE FOR numbers;
CREATE TABLE kept (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING;
INSERT INTO kept VALUES (1, 1), (2, 2);
UPDATE kept SET v = 3;
CREATE TABLE short (id INT) ENGINE=MEMORY;
INSERT INTO short VALUES (1);
CREATE VIEW shown AS SELECT id FROM floats;
CREATE TRIGGER watched BEFORE INSERT ON floats FOR EACH ROW SET NEW.f = 1;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO SELECT 1;
SQL
head -c 9000000 /dev/urandom >"$PROD/code/large.bin"
truncate -s 40M "$PROD/code/sparse.bin"
printf 'in the middle' | dd of="$PROD/code/sparse.bin" bs=1 seek=20000000 conv=notrunc status=none
printf 'plain\n' >"$PROD/code/plain.txt"
setfattr -n user.mark -v one "$PROD/code/plain.txt" 2>/dev/null
[ "$(id -u)" -ne 0 ] || chown -R nobody: "$PROD/code"

verify() { # [options]
    "$REHEARSE" box verify --from "$STORE" --journal "$T/journal" --show-values "$@" "$BOX"
}

# The box's own servers, while they run.
box_pg() {
    local PG_SOCKET_DIR PG_PORT
    PG_SOCKET_DIR=$(server postgresql .socket) PG_PORT=$(server postgresql .port)
    pg_sql "$@" shop
}
box_my() {
    local MY_SOCKET
    MY_SOCKET=$(server mariadb .socket)
    my_sql catalog "$@"
}
server() { # ENGINE FIELD
    "$REHEARSE" box show --json "$BOX" | jq -r ".servers[] | select(.engine == \"$1\") | $2"
}

# finds NAME COUNT WORDS...: COUNT differences in all, and each of the words is said.
finds() {
    local name=$1 count=$2 word
    shift 2
    check_status "$name: found" 23 verify
    check_same "$name: nothing else" \
        "$(tail -n 4 "$T/journal" | jq -s 'map(.differences) | add')" "$count"
    for word; do
        check_has "$name: named" "$(cat "$T/out")" "$word"
    done
}

check "a snapshot is taken" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE"
check "a restore proves itself" "$REHEARSE" restore --from "$STORE" --into "$BOX" --verify --journal "$T/restore" ||
    jq -c "select(.event == \"restore.proof\") | .listed[]" "$T/restore"
check_same "the journal says so" "$(jq -s '[.[] | select(.event == "restore.proof") | .ok] | all and length == 4' "$T/restore")" true
check "a stopped box is verified" verify
check_has "what a rule changed is listed" "$(cat "$T/out")" "rewritten shop.conf"
check_has "what cannot be compared is listed" "$(cat "$T/out")" "rows of table short"
check_same "its servers are down again" "$(server postgresql .alive)" false

# ---- damage -------------------------------------------------------------------------------------
# Each starts from the restored state. Services are left out: what they write would differ, too.
up() {
    "$REHEARSE" box reset "$BOX" >/dev/null && "$REHEARSE" box start "$BOX" >/dev/null
}
again() {
    "$REHEARSE" box reset "$BOX" >/dev/null || die "the box is not reset"
}
CODE=$BOX/files/code

printf '\x01' | dd of="$CODE/large.bin" bs=1 seek=8000000 conv=notrunc status=none
touch -r "$PROD/code/large.bin" "$CODE/large.bin"
finds "one byte of a large file" 1 "file large.bin: content"
again
printf 'x' | dd of="$CODE/sparse.bin" bs=1 seek=30000000 conv=notrunc status=none
touch -r "$PROD/code/sparse.bin" "$CODE/sparse.bin"
finds "a byte in a hole" 1 "file sparse.bin: content"
again
printf 'plaim\n' >"$CODE/plain.txt"
touch -r "$PROD/code/plain.txt" "$CODE/plain.txt"
chmod g+w "$CODE/static/shop.css"
touch -d 2001-01-01 "$CODE/bin/shopd"
stamp=$(stat -c %y "$CODE/static")
ln -sfn nowhere "$CODE/static/style.css"
touch -h -r "$PROD/code/static/style.css" "$CODE/static/style.css"
[ "$(id -u)" -ne 0 ] || chown -h nobody: "$CODE/static/style.css"
touch -d "$stamp" "$CODE/static"
stamp=$(stat -c %y "$CODE")
touch "$CODE/more"
touch -d "$stamp" "$CODE"
finds "kinds of differences of files" 5 "file plain.txt: content" "file static/shop.css: mode" \
    "file bin/shopd: time" "file static/style.css: link" "file more: extra"
again
rm "$CODE/plain.txt"
touch -d "$stamp" "$CODE"
finds "a file that is gone" 1 "file plain.txt: missing"

up
box_pg -c "UPDATE customers SET name = name || 'x' WHERE id = 17"
finds "one value of PostgreSQL" 1 "table public.customers: rows differ, 1 changed, 0 missing, 0 extra: id=17 changed in name"
check_status "the same without values" 23 "$REHEARSE" box verify --from "$STORE" --only postgresql.shop --journal "$T/quiet" "$BOX"
check_has "a row has its number and the name of its key" "$(cat "$T/out")" "1 changed, 0 missing, 0 extra: row 17 of the bundle (key id) changed in name"
up
box_pg -c "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log)" \
    -c "INSERT INTO log SELECT * FROM log ORDER BY ctid DESC LIMIT 1"
finds "a row gone, another twice" 2 "table public.log: rows differ, 0 changed, 1 missing, 1 extra: row 1 of the bundle missing"
up
box_pg -c "UPDATE log SET line = CASE at WHEN 'epoch'::timestamptz + '1 s' THEN 'line 2' ELSE 'line 1' END WHERE line IN ('line 1', 'line 2') AND at <= 'epoch'::timestamptz + '2 s'"
finds "values swapped between rows" 4 "table public.log: rows differ, 0 changed, 2 missing, 2 extra"
up
box_pg -c "SELECT nextval('tickets')" >/dev/null
finds "a sequence moved" 1 "value of sequence '\"public\".\"tickets\"': changed"
up
index=$(box_pg -c "SELECT indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE NOT indisprimary AND relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) LIMIT 1")
box_pg -c "DROP INDEX $index"
finds "an index dropped" 1 "INDEX $index ON"
up
box_pg -c "DROP TABLE nothing" -c "CREATE TABLE stranger (i int)" -c "SELECT lo_put(77, 4999, '\\x00')" >/dev/null
finds "tables gone and come, a large object" 6 "table public.nothing: missing" "CREATE TABLE public.stranger: extra" "pg_largeobject"

up
box_my -e "UPDATE floats SET d = d + 0.01 WHERE id = 200"
finds "one value of MariaDB" 1 "table floats: rows differ, 1 changed, 0 missing, 0 extra: id=200 changed in d"
up
box_my -e "DELETE FROM floats WHERE id = 1; INSERT INTO kept VALUES (9, 9); SELECT NEXT VALUE FOR numbers" >/dev/null
finds "rows and a sequence of MariaDB" 3 "table floats: rows differ, 0 changed, 1 missing" "table kept: rows differ, 0 changed, 0 missing, 1 extra" "value of sequence numbers: changed"
up
box_my -e "ALTER TABLE floats ADD KEY new_key (b); DROP TRIGGER watched; CREATE VIEW more AS SELECT 1; ALTER EVENT nightly ENABLE"
finds "objects of MariaDB" 4 "KEY \`new_key\`: extra" "TRIGGER watched: missing" "VIEW more: extra" "EVENT nightly: changed"

# ---- a restore that proves itself -------------------------------------------------------------------
again
check "the box is as it was" verify
check_status "an unknown component" 17 verify --only postgresql.nobody
check_status "a box is needed" 10 "$REHEARSE" box verify --from "$STORE"

e2e_end
