#!/bin/bash
# A restore that is killed, or whose server crashes, goes on where it was, whatever was done by then; at
# the end the box is proven to be what was captured, with nothing of ours left in it. Doors that are
# shut hold it where it is to be killed, so that no clock decides what is tested.
# run early: waits for servers
. "$(dirname "$0")/lib.sh"
e2e_begin resume
ROWS=${ROWS:-20000}
pg_start
my_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

mkdir "$T/door"

pg_sql -c 'CREATE ROLE clerk' -c 'CREATE DATABASE shop' -c 'CREATE DATABASE later' postgres
pg_sql shop <<SQL >/dev/null || die "cannot fill PostgreSQL"
CREATE TABLE customers (id serial PRIMARY KEY, name text, mail text UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int REFERENCES customers, note text, doc jsonb) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO ($((ROWS / 2)));
CREATE TABLE orders_2 PARTITION OF orders DEFAULT;
INSERT INTO customers (name, mail) SELECT 'c' || g, g || '@example.com' FROM generate_series(1, $((ROWS / 10))) g;
INSERT INTO orders (customer, note, doc) SELECT 1 + g % $((ROWS / 10)), repeat(md5(g::text), 4), jsonb_build_object('g', g) FROM generate_series(1, $ROWS) g;
CREATE INDEX ON orders (customer);
CREATE INDEX ON orders (note text_pattern_ops);
CREATE INDEX ON orders USING gin (doc);
CREATE MATERIALIZED VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY 1;
CREATE FUNCTION quiet() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN IF tg_tag LIKE 'DROP%' THEN RAISE 'no drops here'; END IF; END \$\$;
CREATE EVENT TRIGGER quiet ON ddl_command_start EXECUTE FUNCTION quiet();
ALTER EVENT TRIGGER quiet ENABLE ALWAYS;
SELECT lo_from_bytea(77, decode(repeat('ab', 50000), 'hex'));
ALTER TABLE customers OWNER TO clerk;
-- A door that is shut: as long as its file is there.
CREATE FUNCTION door(name text, n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN
WHILE (pg_catalog.pg_stat_file('$T/door/' || name, true)).size IS NOT NULL LOOP PERFORM pg_catalog.pg_sleep(0.05); END LOOP;
RETURN n; END \$\$;
CREATE TABLE doors (id int CHECK (public.door('rows', id) = id));
INSERT INTO doors VALUES (1);
CREATE INDEX doors_index ON doors (public.door('index', id));
CREATE MATERIALIZED VIEW doors_view AS SELECT public.door('view', id) FROM doors;
-- What a crash of the server empties. The trigger must not see its rows come again.
CREATE UNLOGGED TABLE visits (id serial PRIMARY KEY, page text);
INSERT INTO visits (page) SELECT md5(g::text) FROM generate_series(1, 5000) g;
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN NEW.page := NEW.page || '!'; RETURN NEW; END \$\$;
CREATE TRIGGER mark BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION mark();
ALTER TABLE visits ENABLE ALWAYS TRIGGER mark;
-- What sees every statement, in whatever role.
CREATE TABLE audit (what text);
CREATE FUNCTION audited() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO public.audit VALUES (tg_event || ' ' || tg_tag); END \$\$;
CREATE EVENT TRIGGER audit_drop ON sql_drop EXECUTE FUNCTION audited();
CREATE EVENT TRIGGER audit_end ON ddl_command_end EXECUTE FUNCTION audited();
CREATE EVENT TRIGGER audit_start ON ddl_command_start EXECUTE FUNCTION audited();
ALTER EVENT TRIGGER audit_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_end ENABLE REPLICA;
COMMENT ON EVENT TRIGGER audit_end IS 'sees all';
SQL
# Empty by right, with a sequence that is not where it began.
pg_sql later -c 'CREATE UNLOGGED TABLE drafts (id serial)' -c "SELECT setval('drafts_id_seq', 99)" >/dev/null ||
    die "cannot fill PostgreSQL"
my_sql <<SQL >/dev/null || die "cannot fill MariaDB"
CREATE DATABASE catalog CHARACTER SET utf8mb4;
USE catalog;
CREATE SEQUENCE numbers START WITH 7;
CREATE TABLE makers (id INT PRIMARY KEY DEFAULT NEXTVAL(numbers), name VARCHAR(100), KEY (name));
CREATE TABLE articles (id INT PRIMARY KEY, maker INT, name VARCHAR(200), KEY (maker), KEY (name), CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (id));
CREATE TABLE notes (id INT, line TEXT) ENGINE=MyISAM;
INSERT INTO makers SELECT seq, CONCAT('maker ', seq) FROM seq_1_to_1000;
INSERT INTO articles SELECT seq, 1 + seq % 1000, CONCAT(MD5(seq), MD5(seq + 1), MD5(seq + 2)) FROM seq_1_to_$ROWS;
INSERT INTO notes SELECT seq, MD5(seq) FROM seq_1_to_$((ROWS / 2));
CREATE VIEW shown AS SELECT id, name FROM articles;
CREATE TRIGGER watched BEFORE INSERT ON makers FOR EACH ROW SET NEW.name = UPPER(NEW.name);
CREATE PROCEDURE twice(x INT) SELECT 2 * x;
CREATE ROLE keeper; CREATE DEFINER=keeper PROCEDURE kept() SELECT COUNT(*) FROM articles;
SQL
mkdir -p "$T/tree"
head -c 3000000 /dev/urandom >"$T/tree/file"
printf 'name: prod\nfiles:\n  - {name: code, path: "%s"}\ndatabases:\n  - {name: shop, engine: postgresql, host: "%s", port: %s, user: %s, database: shop}\n  - {name: later, engine: postgresql, host: "%s", port: %s, user: %s, database: later}\n  - {name: catalog, engine: mariadb, socket: "%s", user: root, database: catalog}\n' \
    "$T/tree" "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" "$MY_SOCKET" >"$T/env.yaml"
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"

RESTORE=("$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify --jobs 2)
restore() { # [options]
    "${RESTORE[@]}" "$@"
}
check_status "without a box there is nothing to go on with" 17 restore --resume

state() {
    "$REHEARSE" box show --json "$BOX" 2>/dev/null | jq -r .state
}
server() { # ENGINE FIELD
    "$REHEARSE" box show --json "$BOX" 2>/dev/null | jq -r ".servers[] | select(.engine == \"$1\") | $2"
}
box_pg() { # DATABASE SQL
    psql -XAtq -h "$(server postgresql .socket)" -p "$(server postgresql .port)" -U postgres -d "$1" -c "$2" 2>/dev/null
}
box_my() { # SQL
    mariadb --no-defaults -N -B --socket="$(server mariadb .socket)" -u root -e "$1" 2>/dev/null
}
begun() {
    jq -e .restore.boot "$BOX/box.json"
}
noted() { # PATTERN HOW-MANY, in PostgreSQL
    [ "$(box_pg shop "SELECT count(*) >= $2 FROM rehearse_loading.done WHERE what LIKE '$1'")" = t ]
}
my_noted() { # HOW-MANY
    local table
    table=$(box_my "SELECT table_name FROM information_schema.tables WHERE table_schema = 'rehearse_loading'")
    [ -n "$table" ] && [ "$(box_my "SELECT COUNT(*) >= $1 FROM rehearse_loading.\`$table\`")" = 1 ]
}
at_door() {
    [ "$(box_pg shop "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND wait_event = 'PgSleep'")" = 1 ]
}
# held_at DOOR NAME [OPTION...]: a restore that has come to the door; $HELD is its pid, $T/part its words.
held_at() {
    local door=$1 name=$2
    shift 2
    rm -f "$T/door"/*
    touch "$T/door/$door"
    "${RESTORE[@]}" "$@" >"$T/part" 2>&1 & # no function: its pid would be a shell's
    HELD=$!
    check "$name: it comes to the $door" wait_for 60 at_door
    at_door || { # what it does instead
        tail -n 20 "$T/part" "$BOX"/*/server.log "$BOX"/*/*.log 2>/dev/null | cut -c1-300 | sed 's/^/#   /'
        box_pg shop "SELECT pid, state, wait_event, left(query, 100) FROM pg_stat_activity" | sed 's/^/#   /'
        ps -o pid,ppid,stat,wchan:20,etimes,args --forest -g "$(ps -o sess= -p $HELD)" | cut -c1-160 | sed 's/^/#   /'
    }
}
# With its servers alive: what they are at comes to nothing.
kill_it() {
    kill -KILL $HELD && ok "$1: killed" || not_ok "$1: killed" "it had ended"
    wait $HELD 2>/dev/null
    rm -f "$T/door"/*
}
crash_server() { # NAME
    local pid
    pid=$(head -n 1 "$BOX/pg.shop/data/postmaster.pid")
    kill -KILL "$pid" || not_ok "$1" "no server"
    check_status "$1: the restore fails" 12 wait $HELD
    rm -f "$T/door"/*
}
part_has() {
    check_has "$1" "$(cat "$T/part")" "$2"
}

"${RESTORE[@]}" >/dev/null 2>&1 &
HELD=$!
check "nothing is loaded: it begins" wait_for 60 begun
kill_it "nothing is loaded"

held_at rows "the schema is there" --resume
check "the schema is there: it is noted" wait_for 30 noted 'bundle %' 1
check "the schema is there: MariaDB has a table" wait_for 60 my_noted 1
kill_it "the schema is there"

held_at index "rows are there" --resume
part_has "rows are there: it has gone on" "the load goes on component='postgresql.shop'"
check "rows are there: they are noted" wait_for 60 noted 'rows % of "public"."visits"' 1
check "rows are there: MariaDB has its tables" wait_for 60 my_noted 3
crash_server "rows are there"

held_at view "steps are done" --resume
part_has "steps are done: unlogged tables are loaded again" "emptied unlogged tables: they are loaded again component='postgresql.shop' with_all=false"
part_has "steps are done: the others are not" "the load goes on component='postgresql.shop'"
check "steps are done: they are noted" noted 'step %' 8
check_same "steps are done: the rows are there again" "$(box_pg shop 'SELECT count(*) FROM visits')" 5000
kill_it "steps are done"

held_at view "triggers are there" --resume
check "triggers are there: they are" test "$(box_pg shop "SELECT count(*) FROM pg_trigger WHERE tgname = 'mark'")" = 1
crash_server "triggers are there"

# What the rows of an unlogged table would run into. Then all is complete, but the proof fails.
held_at view "from the start" --resume
part_has "from the start: PostgreSQL is" "emptied unlogged tables: they are loaded again component='postgresql.shop' with_all=true"
check "from the start: a row is spoilt" box_pg shop "UPDATE customers SET name = 'spoilt' WHERE id = 1"
rm -f "$T/door"/*
check_status "from the start: the proof fails" 23 wait $HELD
check_same "all components are complete" "$(sort "$BOX/journal.restore" | tr '\n' ' ')" "files/code mariadb.catalog postgresql.later postgresql.shop "

# A box that a crash has cost rows once they were complete.
E2E_SIGNAL=INT e2e_start crashed postgres "$(pg_program postgres)" -D "$BOX/pg.shop/data" -c "config_file=$BOX/pg.shop/server.conf"
check "the box's server runs" wait_for 30 box_pg shop 'SELECT 1'
kill -KILL "$(e2e_pid crashed)"
e2e_stop crashed
check "at last it is brought to its end, and proven" restore --resume
cp "$T/out" "$T/part"
part_has "what had lost rows is restored anew" "has lost something since: it is restored anew component='postgresql.shop'"
part_has "what had lost a sequence, too" "has lost something since: it is restored anew component='postgresql.later'"
check_status "a box that is ready has nothing to go on with" 3 restore --resume
check "the box is what was captured" "$REHEARSE" box verify --from "$STORE" "$BOX"
"$REHEARSE" box start "$BOX" >/dev/null
check_same "event triggers are as they were" \
    "$(box_pg shop "SELECT string_agg(evtname || evtenabled::text, ' ' ORDER BY 1) FROM pg_event_trigger")" \
    "audit_dropA audit_endR audit_startO quietA"
check_same "a comment on one, too" "$(box_pg shop "SELECT obj_description(oid) FROM pg_event_trigger WHERE evtname = 'audit_end'")" "sees all"
check_same "a role that routines run as, made before a kill, may do what they do" "$(box_my "SHOW GRANTS FOR keeper" | grep -c 'ALL PRIVILEGES ON `catalog`')" 1
check_same "no notes are left in PostgreSQL" \
    "$(box_pg shop "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rehearse%'")" 0
check_same "nor in MariaDB" "$(box_my "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'rehearse%'")" 0
check_same "nor in the box" "$(find "$BOX" -maxdepth 1 -name 'journal.restore' | wc -l)" 0

# ---- a crash behind the load ----------------------------------------------------------------------
# The restore waits for a reader of the file in which it notes what is complete.
"$REHEARSE" box destroy "$BOX" >/dev/null
PROVEN=("${RESTORE[@]}")
RESTORE=("$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --jobs 2)
loaded() {
    [ "$(box_pg shop "SELECT count(*) FROM pg_namespace WHERE nspname = 'rehearse_loading'")" = 0 ]
}
emptied() {
    [ "$(box_pg shop 'SELECT count(*) FROM visits')" = 0 ]
}
held_at view "a crash behind the load" --only postgresql.shop
mkfifo "$BOX/journal.restore"
rm -f "$T/door"/*
check "a crash behind the load: all is loaded" wait_for 60 loaded
kill -KILL "$(box_pg shop "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")"
check "a crash behind the load: the server has emptied a table, and serves" wait_for 30 emptied
cat "$BOX/journal.restore" >"$T/complete"
mv "$T/complete" "$BOX/journal.restore"
wait $HELD
check_same "a crash behind the load: the box is not ready" $? 3
part_has "a crash behind the load: which is told" "'postgresql.shop' has lost something: its server has crashed since it was loaded"
RESTORE=("${PROVEN[@]}")
check "a crash behind the load: it is restored again" restore --resume
check_has "for it is known" "$(cat "$T/out")" "has lost something since: it is restored anew component='postgresql.shop'"

# ---- a failure that is mended -------------------------------------------------------------------
"$REHEARSE" box destroy "$BOX" >/dev/null
pg_sql shop <<'SQL' >/dev/null
CREATE FUNCTION fine(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE zz_checked (id int CHECK (public.fine(id)));
INSERT INTO zz_checked VALUES (1);
CREATE OR REPLACE FUNCTION fine(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
SQL
check "a snapshot that cannot be restored" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
check_status "fails" 21 restore
check_status "and fails again" 21 restore --resume
check_has "where it was" "$(cat "$T/out")" "the load goes on component='postgresql.shop'"
check_status "another bundle is not what it began with" 10 restore --resume "$("$REHEARSE" bundle ls --store "$STORE" --json 2>/dev/null | jq -r '.[1].digest // "0000000"' 2>/dev/null || echo 0000000)"
sed 's/name: prod/name: other/' "$T/env.yaml" >"$T/other.yaml"
check_status "nor is another environment" 10 restore --resume --env "$T/other.yaml"
check_has "which is named" "$(cat "$T/out")" "no other --env"
check_status "nor another number of jobs" 10 restore --resume --jobs 77
check_has "which is named" "$(cat "$T/out")" "no other --jobs"
check_status "nor more than was begun" 10 restore --resume --with-references
check_has "which is named" "$(cat "$T/out")" "no other --with-references"
check_status "what is as it was begun is none" 21 restore --resume --jobs "$(jq .restore.jobs "$BOX/box.json")" --env "$T/env.yaml"
check "in the place of the half comes a new one" restore --replace --only mariadb.catalog
e2e_end
