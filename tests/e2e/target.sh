#!/bin/bash
# Into servers that are there already: what is restored is proven, what is there is safe, whatever is
# not possible is told before anything is made, and a kill leaves nothing behind. Roles are kept,
# mapped or dropped, and the proof knows; tablespaces are found again.
. "$(dirname "$0")/lib.sh"
e2e_begin target
ROWS=${ROWS:-20000}
STORE=$T/store

pg_start source
SRC_SOCKET=$PG_SOCKET_DIR SRC_PORT=$PG_PORT
pg_sql postgres -c 'CREATE ROLE clerk' -c 'CREATE ROLE reader' -c 'CREATE ROLE visitor' -c 'CREATE DATABASE shop' -c 'CREATE DATABASE notes'
as postgres mkdir -p "$PG_DIR/fast"
pg_sql postgres -c "CREATE TABLESPACE fast OWNER clerk LOCATION '$PG_DIR/fast'" -c "ALTER TABLESPACE fast SET (random_page_cost = 1.5)" \
    -c "COMMENT ON TABLESPACE fast IS 'quick'" -c 'GRANT CREATE ON TABLESPACE fast TO reader'
as postgres mkdir -p "$PG_DIR/wide"
pg_sql postgres -c "CREATE TABLESPACE \"wide one\" LOCATION '$PG_DIR/wide'" -c 'ALTER DATABASE notes SET TABLESPACE "wide one"'
pg_sql shop <<SQL >/dev/null || die "cannot fill PostgreSQL"
CREATE TABLE customers (id serial PRIMARY KEY, name text, mail text UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int REFERENCES customers, note text, doc jsonb) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO ($((ROWS / 2)));
CREATE TABLE orders_2 PARTITION OF orders DEFAULT TABLESPACE fast;
INSERT INTO customers (name, mail) SELECT 'c' || g, g || '@example.com' FROM generate_series(1, $((ROWS / 10))) g;
INSERT INTO orders (customer, note, doc) SELECT 1 + g % $((ROWS / 10)), repeat(md5(g::text), 4), jsonb_build_object('g', g) FROM generate_series(1, $ROWS) g;
CREATE INDEX by_note ON orders_1 (note) TABLESPACE fast;
CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY 1;
CREATE SCHEMA audit AUTHORIZATION clerk;
CREATE TABLE audit.log (id int PRIMARY KEY, line text);
INSERT INTO audit.log SELECT g, md5(g::text) FROM generate_series(1, 500) g;
ALTER TABLE audit.log OWNER TO clerk;
ALTER TABLE customers OWNER TO clerk;
GRANT SELECT ON orders TO reader WITH GRANT OPTION;
GRANT SELECT (id) ON customers TO reader;
GRANT CONNECT ON DATABASE shop TO reader WITH GRANT OPTION;
SET ROLE reader;
GRANT SELECT ON orders TO visitor;
GRANT CONNECT ON DATABASE shop TO visitor;
RESET ROLE;
ALTER DEFAULT PRIVILEGES FOR ROLE clerk IN SCHEMA audit GRANT SELECT ON TABLES TO reader;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON customers FOR SELECT TO reader, visitor USING (id > 0);
ALTER DATABASE shop OWNER TO clerk;
ALTER DATABASE shop SET work_mem = '5MB';
ALTER DATABASE shop CONNECTION LIMIT 3;
ALTER DATABASE shop SET dynamic_library_path = '\$libdir:/s3cret';
ALTER ROLE visitor IN DATABASE shop SET work_mem = '6MB';
SELECT lo_from_bytea(77, decode(repeat('ab', 50000), 'hex'));
SQL
pg_sql notes -c 'CREATE TABLE lines (id int PRIMARY KEY, line text)' -c "INSERT INTO lines SELECT g, 'l' || g FROM generate_series(1, 1000) g"
mkdir -p "$T/tree"
echo code >"$T/tree/file"
cat >"$T/env.yaml" <<YAML
name: prod
production: true
files:
  - {name: code, path: "$T/tree"}
databases:
  - {name: shop, engine: postgresql, host: "$SRC_SOCKET", port: $SRC_PORT, user: postgres, database: shop}
  - {name: notes, engine: postgresql, host: "$SRC_SOCKET", port: $SRC_PORT, user: postgres, database: notes}
YAML
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
src_sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$SRC_SOCKET" -p "$SRC_PORT" -U postgres "$@"
}

# ---- the server -----------------------------------------------------------------------------------
pg_start staging
server() { # NAME USER DATABASE-OF-SHOP [more lines]: a file of the staging server
    printf 'name: staging\ndatabases:\n  - {name: shop, engine: postgresql, host: "%s", port: %s, user: %s, database: "%s"}\n' \
        "$PG_SOCKET_DIR" "$PG_PORT" "$2" "$3" >"$T/$1.yaml"
    [ -z "${4:-}" ] || printf '%s\n' "$4" >>"$T/$1.yaml"
}
server plain postgres shop
server clone postgres "shop's \\\"copy\\\""
server both postgres shop2 "  - {name: notes, engine: postgresql, host: \"$PG_SOCKET_DIR\", port: $PG_PORT, user: postgres, database: notes}"
to() { # FILE [options]
    "$REHEARSE" restore --from "$STORE" --to "$T/$1.yaml" "${@:2}"
}
databases() {
    pg_sql postgres -c "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname !~ '^template'"
}
say() { # what the last command said
    cat "$T/out"
}
SETTINGS=$(pg_sql postgres -c 'SELECT md5(string_agg(name || setting, E'\''\n'\'' ORDER BY name)) FROM pg_settings')

sed "s/name: prod/name: x/; s/production: true/production: false/" "$T/env.yaml" >"$T/self.yaml"
check_status "the source is refused" 18 to self
check_has "and named" "$(say)" "is the server that the bundle was captured from"
cp "$T/env.yaml" "$T/production.yaml"
check_status "an environment that is production is refused" 11 to production
check_status "roles that are missing stop it" 17 to plain
check_has "all of them are named" "$(say)" "role 'clerk', role 'reader'"
check_has "those of policies, too" "$(say)" "role 'visitor'"
for name in postgres template0 template1; do
    server lobby postgres $name
    check_status "$name is nobody's to replace" 18 to lobby --replace-database $name
    check_has "and named" "$(say)" "'$name' is a database that every server has"
done
check_same "before anything is made" "$(databases)" "postgres"

pg_sql postgres -c 'CREATE ROLE clerk' -c 'CREATE ROLE reader' -c 'CREATE ROLE visitor'
check "with the roles it is restored, and proven" to plain --verify
check_has "a tablespace that is not there is named" "$(say)" "tablespace fast"
check_has "so are the trees that a server cannot take" "$(say)" "files/code"
check_has "and the database that the file does not name" "$(say)" "postgresql.notes"
check_same "rows are there" "$(pg_sql shop -c 'SELECT count(*), sum(id) FROM orders')" "$(src_sql shop -c 'SELECT count(*), sum(id) FROM orders')"
check_same "the owner is" "$(pg_sql shop -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'")" clerk
check_same "and the settings of the database" "$(pg_sql shop -c 'SHOW work_mem')" 5MB
grantors() { # DATABASE: of what visitor, or who it became, may do
    pg_sql "$1" -c "SELECT string_agg(DISTINCT pg_get_userbyid(grantor), ' ') FROM (SELECT relacl FROM pg_class WHERE oid = 'orders'::regclass UNION ALL SELECT datacl FROM pg_database WHERE datname = current_database()) o (acl), aclexplode(acl) WHERE grantee = 'visitor'::regrole"
}
check_same "who granted is who granted there" "$(grantors shop)" reader
check_same "nothing else is" "$(databases)" "postgres shop"
dump() { # SOCKET PORT: without what is random, and without tablespaces
    pg_dump -h "$1" -p "$2" -U postgres -s shop | grep -v '^\\\|^SET default_tablespace\|^--' | cat -s
}
check_same "the dump of both is the same" "$(diff <(dump "$SRC_SOCKET" "$SRC_PORT") <(dump "$PG_SOCKET_DIR" "$PG_PORT"))" ""

check_status "a database that is there is refused" 18 to plain
check_has "with the way out" "$(say)" "--replace-database shop"
check_same "and what was to be done once" "$(grep -o "cannot restore" "$T/out")" "cannot restore"
check_status "--replace is for boxes" 10 to plain --replace
check_status "a name that the file does not give is refused" 10 to plain --replace-database shopp
server twice postgres shop "  - {name: notes, engine: postgresql, host: \"$SRC_SOCKET\", port: $SRC_PORT, user: postgres, database: shop}"
check_status "so is one that it gives twice" 10 to twice --replace-database shop
check_has "both are named" "$(say)" "--replace-database 'shop' is both 'shop' and 'notes' of"
pg_sql shop -c 'CREATE TABLE ours (id int)' -c 'INSERT INTO ours VALUES (1)'

# ---- what fails loses nothing ---------------------------------------------------------------------
pg_sql postgres -c 'CREATE ROLE weak LOGIN'
server weak weak shop
check_status "who does not own the old one is refused" 14 to weak --replace-database shop
check_same "the old one is there" "$(pg_sql shop -c 'SELECT count(*) FROM ours')" 1
server weak weak fresh
check_status "rights that lack are told before anything is made" 17 to weak
check_has "to create databases" "$(say)" "the right to create 'databases'"
check_has "to give objects away" "$(say)" "membership in role 'clerk'"

psql -X -q -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U postgres shop -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 &
holder=$!
check "it is replaced when it is named, though somebody is on it" to plain --replace-database shop --verify --journal "$T/journal"
wait $holder 2>/dev/null
check_same "by the new one" "$(pg_sql shop -c "SELECT count(*) FROM pg_class WHERE relname = 'ours'")" 0
check_same "and nothing is left of the old one" "$(databases)" "postgres shop"
check_same "no setting of the server has changed" \
    "$(pg_sql postgres -c 'SELECT md5(string_agg(name || setting, E'\''\n'\'' ORDER BY name)) FROM pg_settings')" "$SETTINGS"
report() {
    to both --json 2>/dev/null >"$T/report"
}
as postgres mkdir -p "$PG_DIR/wide"
pg_sql postgres -c "CREATE TABLESPACE \"wide one\" LOCATION '$PG_DIR/wide'"
check "two databases, one under another name" report
check_same "one of them in its tablespace, which is there" "$(pg_sql notes -c "SELECT spcname FROM pg_tablespace t JOIN pg_database d ON t.oid = dattablespace WHERE datname = 'notes'")" "wide one"
check_same "the report names them" "$(jq -r '[.databases[].database] | sort | join(" ")' "$T/report")" "notes shop2"
check "any name will do" to clone --only postgresql.shop/audit --verify
check_same "a part is a part" "$(pg_sql "shop's \"copy\"" -c "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace > 16383")" log

# ---- roles ------------------------------------------------------------------------------------------
pg_sql postgres -c 'CREATE ROLE "Mapped Clerk"' -c 'CREATE ROLE viewer' -c 'DROP DATABASE "shop'"'"'s ""copy"""'
owner_of() { # DATABASE TABLE
    pg_sql "$1" -c "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '$2'::regclass"
}
check "roles are mapped, and the proof knows" to plain --replace-database shop --verify --owner 'clerk=Mapped Clerk' --owner reader=viewer
check_same "of tables" "$(owner_of shop customers)" "Mapped Clerk"
check_same "of the database" "$(pg_sql shop -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'")" "Mapped Clerk"
check_same "in grants" "$(pg_sql shop -c "SELECT has_table_privilege('viewer', 'orders', 'SELECT WITH GRANT OPTION'), has_table_privilege('reader', 'orders', 'SELECT')")" "t|f"
check_same "also as who granted" "$(grantors shop)" viewer
check_same "in policies" "$(pg_sql shop -c "SELECT roles::text FROM pg_policies")" "{viewer,visitor}"
check "two roles may become one" to plain --replace-database shop --verify --owner clerk=reader
check "owners are dropped, and the proof knows" to plain --replace-database shop --verify --no-owner
check_same "who restores owns" "$(owner_of shop customers)" postgres
check "grants are dropped, and the proof knows" to plain --replace-database shop --verify --no-privileges
check_same "none is left" "$(pg_sql shop -c "SELECT has_table_privilege('reader', 'orders', 'SELECT')")" f
check_same "owners are" "$(owner_of shop customers)" clerk
check_status "a mapping that is none is refused" 10 to plain --owner clerk

# ---- in a box ---------------------------------------------------------------------------------------
BOX=$T/box
E2E_BOXES+=("$BOX")
check "a box knows mappings, too" "$REHEARSE" restore --from "$STORE" --into "$BOX" --only postgresql.shop --only postgresql.notes --verify --start --owner 'clerk=Box Clerk'
in_box() {
    "$REHEARSE" box exec "$BOX" -- psql -X -q -A -t -c "$1" shop
}
check_same "it makes the role" "$(in_box "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'customers'::regclass")" "Box Clerk"
check "and so does its proof later" "$REHEARSE" box verify --from "$STORE" "$BOX"
tablespace_of() {
    in_box "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE spcname = 'fast' AND relname !~ '^pg_'"
}
check_same "objects lie in their tablespace" "$(tablespace_of)" "$(src_sql shop -c "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE spcname = 'fast' AND relname !~ '^pg_'")"
check_same "which is what it was" "$(in_box "SELECT pg_get_userbyid(spcowner), spcoptions, shobj_description(oid, 'pg_tablespace'), has_tablespace_privilege('reader', oid, 'CREATE') FROM pg_tablespace WHERE spcname = 'fast'")" "Box Clerk|{random_page_cost=1.5}|quick|t"
check_same "a database, too" "$(in_box "SELECT spcname FROM pg_tablespace t JOIN pg_database d ON t.oid = dattablespace WHERE datname = 'notes'")" "wide one"
check_has "which is the box's own" "$(in_box "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'")" "$BOX/"
in_box 'ALTER TABLE orders_2 SET TABLESPACE "wide one"'
in_box 'ALTER INDEX by_note SET TABLESPACE pg_default'
in_box 'ALTER TABLESPACE fast RESET (random_page_cost)'
in_box 'DELETE FROM orders_2'
check_status "what lies elsewhere is a difference" 23 "$REHEARSE" box verify --from "$STORE" "$BOX"
check_has "of tables" "$(say)" "tablespace wide one of CREATE TABLE public.orders_2: extra"
check_has "of indexes" "$(say)" "tablespace fast of CREATE INDEX by_note ON public.orders_1 USING btree: missing"
check_has "so are its options" "$(say)" "tablespace fast: options: missing"
check "a reset" "$REHEARSE" box reset "$BOX"
check "and a start" "$REHEARSE" box start "$BOX"
check_same "bring back what is in it" "$(in_box 'SELECT count(*) FROM orders')" "$ROWS"
"$REHEARSE" box destroy "$BOX" >/dev/null 2>&1

# ---- without a superuser ----------------------------------------------------------------------------
pg_sql postgres -c 'CREATE ROLE small LOGIN CREATEDB' -c 'GRANT clerk TO small'
server small small mine
check "without a superuser, and with more sessions than the database allows" \
    to small --verify --jobs 4 --owner postgres=small --journal "$T/small.journal"
check_has "a setting that is refused is named" "$(say)" "what='ALTER DATABASE \"mine\" SET dynamic_library_path'"
check_same "and what it is set to in no place" "$(grep -c s3cret "$T/out" "$T/small.journal")" "$T/out:0
$T/small.journal:0"
check_has "what it could not do is said" "$(say)" "settings of role visitor"
check_has "and for whom it granted" "$(say)" "grants made by role reader"
check_same "as the owners" "$(grantors mine)" "clerk small"
check_same "the limit is set at the end" "$(pg_sql postgres -c "SELECT datconnlimit FROM pg_database WHERE datname = 'mine'")" 3
check_same "the rows are there" "$(pg_sql mine -c 'SELECT count(*) FROM orders')" "$ROWS"

# ---- a bundle that does not know its source ---------------------------------------------------------
src_sql postgres -c 'CREATE ROLE taker LOGIN' -c 'CREATE DATABASE little OWNER taker'
src_sql little -c 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC'
pg_sql postgres -c 'CREATE ROLE taker' -c 'CREATE DATABASE little'
PROD=$STORE STORE=$T/little-store
printf 'name: prod\ndatabases:\n  - {name: little, engine: postgresql, host: "%s", port: %s, user: taker, database: little}\n' \
    "$SRC_SOCKET" "$SRC_PORT" >"$T/little-source.yaml"
check "a snapshot is taken by who may not ask" "$REHEARSE" snapshot --env "$T/little-source.yaml" --to "$STORE"
sed "s|$SRC_SOCKET|$PG_SOCKET_DIR|; s|port: $SRC_PORT|port: $PG_PORT|; s/user: taker/user: postgres/" "$T/little-source.yaml" >"$T/little.yaml"
check_status "nothing is replaced by it" 24 to little --replace-database little
check_has "and it is told why" "$(say)" "the bundle does not tell which server it was taken from"
pg_sql postgres -c 'DROP DATABASE little'
check "beside what is there it is restored" to little
check_has "with a warning" "$(say)" "the bundle does not tell which server it was taken from"
pg_sql postgres -c 'DROP DATABASE little'
STORE=$PROD

# ---- kills ------------------------------------------------------------------------------------------
pg_sql postgres -c 'DROP DATABASE mine' -c 'DROP DATABASE shop2' -c 'DROP DATABASE notes'
mkdir "$T/door"
src_sql postgres -c 'CREATE ROLE keeper' -c 'CREATE DATABASE held OWNER keeper' -c 'ALTER DATABASE held IS_TEMPLATE true' -c 'CREATE DATABASE second'
src_sql second <<'SQL'
CREATE SCHEMA s;
CREATE TABLE s.seconds (id int);
CREATE SCHEMA "Of ""types""";
CREATE DOMAIN "Of ""types""".some AS int;
CREATE FUNCTION s.next("Of ""types""".some) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION s.next FROM PUBLIC;
GRANT USAGE ON SCHEMA s, "Of ""types""" TO reader;
GRANT SELECT ON s.seconds TO reader WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION s.next TO reader WITH GRANT OPTION;
SET ROLE reader;
GRANT SELECT ON s.seconds TO visitor;
GRANT EXECUTE ON FUNCTION s.next TO visitor;
RESET ROLE;
REVOKE USAGE ON SCHEMA s, "Of ""types""" FROM reader;
SQL
seconds_grants() { # pg_sql or src_sql, DATABASE
    "$1" "$2" -c "SELECT (SELECT relacl FROM pg_class WHERE oid = 's.seconds'::regclass), (SELECT proacl FROM pg_proc WHERE proname = 'next' AND pronamespace = 's'::regnamespace)"
}
pg_sql postgres -c 'CREATE ROLE keeper'
src_sql held <<SQL >/dev/null || die "cannot fill PostgreSQL"
CREATE TABLE lines (id int PRIMARY KEY, line text);
INSERT INTO lines SELECT g, md5(g::text) FROM generate_series(1, 5000) g;
-- A door that is shut: as long as its file is there.
CREATE FUNCTION door(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN
WHILE (pg_catalog.pg_stat_file('$T/door/shut', true)).size IS NOT NULL LOOP PERFORM pg_catalog.pg_sleep(0.05); END LOOP;
RETURN n; END \$\$;
CREATE MATERIALIZED VIEW doors AS SELECT public.door(1);
SQL
printf 'name: prod\ndatabases:\n  - {name: held, engine: postgresql, host: "%s", port: %s, user: postgres, database: held}\n' \
    "$SRC_SOCKET" "$SRC_PORT" >"$T/held-source.yaml"
printf '  - {name: second, engine: postgresql, host: "%s", port: %s, user: postgres, database: second}\n' \
    "$SRC_SOCKET" "$SRC_PORT" >>"$T/held-source.yaml"
STORE=$T/held-store
check "a snapshot of one with a door is taken" "$REHEARSE" snapshot --env "$T/held-source.yaml" --to "$STORE"
printf 'name: staging\ndatabases:\n  - {name: held, engine: postgresql, host: "%s", port: %s, user: postgres, database: shop}\n' \
    "$PG_SOCKET_DIR" "$PG_PORT" >"$T/held.yaml"
cp "$T/held.yaml" "$T/pair.yaml"
printf '  - {name: second, engine: postgresql, host: "%s", port: %s, user: postgres, database: notes}\n' \
    "$PG_SOCKET_DIR" "$PG_PORT" >>"$T/pair.yaml"
at_door() {
    [ "$(pg_sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'rehearse_load_%' AND wait_event = 'PgSleep'")" = 1 ]
}
loads() {
    pg_sql postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'rehearse_load_%'"
}
begin() { # FILE [options]: $HELD is its pid, $T/part its words
    "$REHEARSE" restore --from "$STORE" --to "$T/$1.yaml" "${@:2}" >"$T/part" 2>&1 & # no function: its pid would be a shell's
    HELD=$!
}
held() { # NAME [options]: a restore that has come to the door
    touch "$T/door/shut"
    begin "${FILE:-held}" "${@:2}"
    check "$1: it comes to the door" wait_for 60 at_door
}
kill_it() { # NAME
    kill -KILL $HELD && ok "$1: killed" || not_ok "$1: killed" "it had ended"
    wait $HELD 2>/dev/null
    rm -f "$T/door/shut"
}
ask_it() { # NAME: asked to end, it puts away what it has made
    kill -TERM $HELD && ok "$1: asked to end" || not_ok "$1: asked to end" "it had ended"
    wait $HELD
    check_same "$1: it says so" $? 130
    rm -f "$T/door/shut"
    check_same "$1: and leaves nothing" "$(loads)" 0
    safe "$1"
}
# hold WHAT: a statement of somebody else, of a transaction that stays open until let_go.
hold() {
    psql -X -q -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U postgres postgres -c "SET application_name = holder; BEGIN; $1; SELECT pg_sleep(${2:-60}); ROLLBACK" >/dev/null 2>&1 &
    HOLDER=$!
    check "$1: it is held" wait_for 10 is_held
}
is_held() {
    [ "$(pg_sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'")" = 1 ]
}
let_go() {
    pg_sql postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null
    wait $HOLDER 2>/dev/null
}
at_owner() {
    [ "$(pg_sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER DATABASE%OWNER TO%' AND wait_event_type = 'Lock'")" = 1 ]
}
safe() { # NAME
    check_same "$1: what was there is" "$(pg_sql shop -c 'SELECT count(*) FROM ours')" 0
}
pg_sql shop -c 'CREATE TABLE ours (id int)'
hold 'DROP ROLE keeper'
begin held --replace-database shop
check "a signal before anything is loaded: its owner is waited for" wait_for 30 at_owner
ask_it "a signal before anything is loaded"
let_go
held "a signal" --replace-database shop
LOAD=$(pg_sql postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'rehearse_load_%'")
pg_sql postgres -c "ALTER DATABASE $LOAD IS_TEMPLATE true"
hold "COMMENT ON DATABASE $LOAD IS 'x'" 2 # the drop has to wait
ask_it "a signal"
let_go
held "a kill" --replace-database shop
check_same "a kill: one is loaded, under the name that it always has" "$(pg_sql postgres -c "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'rehearse_load_%'")" "$LOAD"
check_same "a kill: and is ours" "$(pg_sql "$LOAD" -c 'SELECT count(*) FROM lines')" 5000
OLD=${LOAD/load/old}
kill_it "a kill"
safe "a kill"
check_same "a kill: and the half of a new one" "$(loads)" 1
held "once more" --replace-database shop
check_has "the next one sweeps" "$(cat "$T/part")" "what a restore has left is removed database='$LOAD'"
kill_it "once more"
safe "once more"
PART=$("$REHEARSE" bundle show --store "$STORE" --json latest | jq -r .digest | cut -c 1-12)
for option in "--owner keeper=clerk" "--only postgresql.held/public" --no-privileges "--jobs 7"; do
    check_status "it does not go on with another $option" 10 to held --replace-database shop --resume $option
    check_has "that is named" "$(say)" "goes on as the restore was begun: no other ${option%% *}"
done
check "a newer snapshot is taken" "$REHEARSE" snapshot --env "$T/held-source.yaml" --to "$STORE"
check_status "nor does it with that" 10 to held --replace-database shop --resume
check_has "it is told of which it is" "$(say)" "the half of database 'shop' is of bundle $PART"
check_same "the half is still there" "$(loads)" 1
check "or goes on" to held --replace-database shop --resume --verify "$PART"
check_has "where it was" "$(say)" "the load goes on"
check_same "and leaves nothing" "$(databases)" "postgres shop"
check_same "it is the new one" "$(pg_sql shop -c 'SELECT count(*) FROM lines')" 5000

# ---- several ----------------------------------------------------------------------------------------
pg_sql postgres -c 'CREATE DATABASE notes'
pg_sql shop -c 'CREATE TABLE ours (id int)'
FILE=pair held "several" --replace-database shop --replace-database notes
pg_sql postgres -c 'ALTER DATABASE notes RENAME TO away'
rm -f "$T/door/shut"
wait $HELD
check_same "several: one cannot be replaced" $? 17
check_has "several: it is named" "$(cat "$T/part")" "cannot put 'postgresql.second' in its place"
check_has "several: and what the other one was" "$(cat "$T/part")" "what was replaced stays, until that is replaced again database='$OLD' replaced_by='shop'"
check_same "several: it is there, whole" "$(pg_sql "$OLD" -c 'SELECT count(*) FROM ours')" 0
check_same "several: beside the new one" "$(pg_sql shop -c 'SELECT count(*) FROM lines')" 5000
check_same "several: nothing else is" "$(databases)" "away postgres $OLD shop"
pg_sql postgres -c 'ALTER DATABASE away RENAME TO notes'
check "several: both are replaced, and proven" to pair --replace-database shop --replace-database notes --verify
check_same "several: with grants whose grantor may not use their schemas any more" "$(seconds_grants pg_sql notes)" "$(seconds_grants src_sql second)"
check_same "several: nor may he here" "$(pg_sql notes -c "SELECT has_schema_privilege('reader', 's', 'USAGE'), has_schema_privilege('reader', 'Of \"types\"', 'USAGE')")" "f|f"
check_same "several: it is granted as it was" "$(grep -c "granted by the owner" "$T/out")" 0
check_same "several: and nothing is left" "$(databases)" "notes postgres shop"
check_same "several: of the first" "$(pg_sql postgres -c "SELECT datistemplate FROM pg_database WHERE datname = 'shop'")" t
pg_sql postgres -c 'DROP DATABASE notes'

# ---- what was set aside -----------------------------------------------------------------------------
pg_sql postgres -c "CREATE DATABASE $OLD" -c 'ALTER DATABASE shop RENAME TO away'
pg_sql "$OLD" -c 'CREATE TABLE ours (id int)'
for option in "" "--replace-database shop" "--resume"; do
    check_status "what was set aside is nobody's to drop ($option)" 18 to held $option
    check_has "it is named" "$(say)" "'$OLD' at"
    check_has "with what it is" "$(say)" "is what 'shop' was before it was replaced"
done
check_same "and stays" "$(pg_sql "$OLD" -c 'SELECT count(*) FROM ours')" 0
pg_sql postgres -c 'ALTER DATABASE away RENAME TO shop'
check_status "nor is it without a word of replacing" 18 to held
check_same "it stays, still" "$(pg_sql "$OLD" -c 'SELECT count(*) FROM ours')" 0
sed 's/user: postgres/user: small/' "$T/held.yaml" >"$T/small-held.yaml"
pg_sql postgres -c 'ALTER DATABASE shop OWNER TO small'
check_status "what may not be dropped is told before anything is loaded" 14 \
    to small-held --replace-database shop --no-owner
check_has "and named" "$(say)" "database '$OLD' at"
held "set aside" --replace-database shop
check_same "set aside: it stays as long as the new one is not whole" "$(pg_sql "$OLD" -c 'SELECT count(*) FROM ours')" 0
kill_it "set aside"
check_same "set aside: and behind a restore that failed" "$(pg_sql "$OLD" -c 'SELECT count(*) FROM ours')" 0
check "beside a new one that may be replaced it goes" to held --replace-database shop --verify
check_has "and that is told" "$(say)" "what was set aside by an earlier restore is dropped database='$OLD'"
check_same "with nothing left, either" "$(databases)" "postgres shop"
e2e_end
