#!/bin/bash
# Parts of databases: selected schemas and tables with what they depend on, what is left out and
# said so, and a proof that covers just that. What is missing on the server is told before anything
# is loaded.
. "$(dirname "$0")/lib.sh"
e2e_begin select
pg_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

server() { # ENGINE FIELD
    "$REHEARSE" box show --json "$BOX" | jq -r ".servers[] | select(.engine == \"$1\") | $2"
}
in_pg() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$(server postgresql .socket)" -p "$(server postgresql .port)" \
        -U postgres -d torture "$@"
}
# relations SCHEMA: what is there, in one line.
relations() {
    in_pg -c "SELECT string_agg(relname, ' ' ORDER BY relname COLLATE \"C\") FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relnamespace = '$1'::regnamespace"
}
part() { # [options]
    rm -f "$T/journal"
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --no-pristine --verify --journal "$T/journal" "$@"
}
left_out() {
    jq -r 'select(.event == "restore.selection") | .left_out[].what' "$T/journal"
}
# with_box COMMAND...: while its servers run.
with_box() {
    "$REHEARSE" box start "$BOX" >/dev/null 2>&1 || return
    "$@"
    local status=$?
    "$REHEARSE" box stop "$BOX" >/dev/null 2>&1
    return $status
}

# ---- PostgreSQL ---------------------------------------------------------------------------------
pg_sql -c 'CREATE DATABASE torture ENCODING UTF8' postgres
pg_sql -f "$ROOT/tests/e2e/postgresql/torture.sql" torture >/dev/null || die "the torture schema does not load"
pg_sql torture <<'SQL' >/dev/null || die "cannot extend it"
CREATE FUNCTION shop.vat(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT n * 1.2 $$;
CREATE SEQUENCE public.numbers START 500;
CREATE TABLE public.picked (id int DEFAULT nextval('public.numbers') PRIMARY KEY, net numeric, gross numeric GENERATED ALWAYS AS (shop.vat(net)) STORED,
    customer bigint REFERENCES shop.customers, mood shop.mood);
CREATE INDEX picked_vat ON public.picked (shop.vat(net));
INSERT INTO public.picked (net, customer) SELECT g, g FROM generate_series(1, 1000) g;
CREATE VIEW public.shown AS SELECT p.id, c.mail FROM public.picked p JOIN shop.customers c ON c.id = p.customer;
SQL
printf 'name: prod\ndatabases:\n  - {name: db, engine: postgresql, host: "%s", port: %s, user: %s, database: torture}\n' \
    "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" >"$T/env.yaml"
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"

check "a table is restored with what it needs, and proven" part --only postgresql.db/public.picked
check_same "just that" "$(with_box relations public)" "numbers picked"
check_same "its rows" "$(with_box in_pg -c 'SELECT count(*), max(gross) FROM picked')" "1000|1200.0"
check_same "the sequence goes on" "$(with_box in_pg -c "SELECT nextval('numbers')")" 1500
check_same "the foreign key is left out, and named" "$(left_out | grep '^foreign key')" \
    "foreign key picked_customer_fkey of public.picked to shop.customers"
check_has "and in the output" "$("$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --no-pristine --only postgresql.db/public.picked 2>&1)" \
    "foreign key picked_customer_fkey"
check "the box knows what it is a part of" "$REHEARSE" box verify --from "$STORE" "$BOX"
with_box in_pg -c "CREATE TABLE stranger (i int)"
check_status "what is there beside it differs" 23 "$REHEARSE" box verify --from "$STORE" "$BOX"

check "with references" part --only postgresql.db/public.picked --with-references
check_has "the other table is there" "$(with_box relations shop)" "customers"
check_same "no foreign key is left out" "$(left_out | grep -c '^foreign key')" 0
check "a view comes with its tables" part --only postgresql.db/public.shown
check_same "all of them" "$(with_box in_pg -c 'SELECT count(*) FROM shown')" 1000
check "a partition comes with its parents" part --only postgresql.db/shop.events_2024_1
check_same "and without the others" "$(with_box relations shop)" "events events_2024 events_2024_1"
check "a partitioned table comes with all its parts" part --only postgresql.db/shop.events
check_same "and all rows" "$(with_box in_pg -c 'SELECT count(*) FROM shop.events')" 900
check "by a pattern, a schema, a name of any bytes" part --only 'postgresql.db/shop.list*' --only postgresql.db/empty_one \
    --only "postgresql.db/Odd \"Schema\" é.T;a'b%5Cc %25 ü"
check_same "just those" "$(with_box relations shop)" "listed listed_a listed_b"
check_same "rows of the odd one" "$(with_box in_pg -c "SELECT count(*) FROM \"Odd \"\"Schema\"\" é\".\"T;a'b\\c % ü\"")" 2
check "a whole schema" part --only postgresql.db/shop
check_same "with every table" "$(with_box in_pg -c "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'shop'::regnamespace")" \
    "$(pg_sql -c "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'shop'::regnamespace" torture)"
check_has "what is of the whole database is named" "$(left_out)" "event trigger watch"

check_status "what is not there is an error" 17 part --only postgresql.db/public.pickd
check_has "that names what is near" "$(cat "$T/out")" "did you mean 'public.picked'"
check_status "nothing behind the slash" 10 part --only postgresql.db/
check_status "an unknown component" 17 part --only postgresql.dc/public.picked

# ---- MariaDB ------------------------------------------------------------------------------------
my_start
STORE=$T/store.my
my_sql <<'SQL' >/dev/null || die "the catalog does not load"
CREATE DATABASE catalog CHARACTER SET utf8mb4;
USE catalog;
CREATE SEQUENCE numbers START WITH 500 NOCACHE;
CREATE TABLE makers (id INT PRIMARY KEY, name VARCHAR(40)) ENGINE=InnoDB;
CREATE TABLE articles (id INT NOT NULL DEFAULT NEXT VALUE FOR numbers PRIMARY KEY, maker INT, name VARCHAR(80), KEY (maker),
    CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (id)) ENGINE=InnoDB;
CREATE TABLE prices (article INT PRIMARY KEY, cents INT) ENGINE=InnoDB;
CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT) ENGINE=InnoDB;
CREATE TABLE `o'd"d``.%` (id INT PRIMARY KEY, audit INT) ENGINE=MyISAM;
INSERT INTO makers SELECT seq, CONCAT('maker ', seq) FROM seq_1_to_50;
INSERT INTO articles (maker, name) SELECT 1 + seq % 50, CONCAT('article ', seq) FROM seq_1_to_1000;
INSERT INTO prices SELECT id, id * 10 FROM articles;
INSERT INTO `o'd"d``.%` VALUES (1, 2);
CREATE FUNCTION vat(c INT) RETURNS INT DETERMINISTIC RETURN c * 1.2;
CREATE FUNCTION twice(c INT) RETURNS INT DETERMINISTIC RETURN 2 * vat(c);
CREATE VIEW shown AS SELECT a.id, a.name, twice(p.cents) AS gross FROM articles a JOIN prices p ON p.article = a.id;
CREATE VIEW cheap AS SELECT id FROM shown WHERE gross < 1000;
CREATE PROCEDURE note(t TEXT) INSERT INTO audit (what) VALUES (t);
CREATE TRIGGER watched AFTER UPDATE ON articles FOR EACH ROW CALL note(NEW.name);
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM audit;
SQL
printf 'name: prod\ndatabases:\n  - {name: db, engine: mariadb, socket: "%s", user: root, database: catalog}\n' "$MY_SOCKET" >"$T/env.yaml"
check "a snapshot of MariaDB" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
in_my() {
    mariadb --no-defaults --batch --skip-column-names --socket="$(server mariadb .socket)" --user=root catalog "$@"
}
my_things() {
    in_my -e "SELECT GROUP_CONCAT(n ORDER BY n SEPARATOR ' ') FROM (
        SELECT table_name n FROM information_schema.tables WHERE table_schema = 'catalog' UNION ALL
        SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'catalog' UNION ALL
        SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'catalog' UNION ALL
        SELECT event_name FROM information_schema.events WHERE event_schema = 'catalog') x"
}
check "a table with its sequence, trigger and procedure, proven" part --only mariadb.db/articles
check_same "just that" "$(with_box my_things)" "articles note numbers watched"
check_same "the rest is named" "$(left_out | sort | tr '\n' ';')" \
    "audit, named in the body of note;event nightly;foreign key of articles to makers;"
check_same "its rows, too" "$(with_box in_my -e 'SELECT COUNT(*) FROM articles')" 1000
check "the box knows what it is a part of, too" "$REHEARSE" box verify --from "$STORE" "$BOX"
check "a view of views" part --only mariadb.db/cheap
check_same "with what they read" "$(with_box my_things)" "articles cheap note numbers prices shown twice vat watched"
check_same "and their rows" "$(with_box in_my -e 'SELECT COUNT(*) FROM shown')" 1000
check "with references in MariaDB" part --only mariadb.db/articles --with-references
check_same "makers and audit come, too" "$(with_box my_things)" "articles audit makers note numbers watched"
check "by a pattern and a name of any bytes" part --only "mariadb.db/m*" --only "mariadb.db/o'd\"d\`.%25"
check_same "just these" "$(with_box my_things)" "makers o'd\"d\`.%"
check_status "a table that is not there" 17 part --only mariadb.db/artcles
check_has "names the one that is" "$(cat "$T/out")" "did you mean 'articles'"
e2e_end
