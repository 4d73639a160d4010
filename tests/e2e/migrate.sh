#!/usr/bin/env bash
# `rehearse migrate` against real servers: order, transactions, resumption after kill -9, two runs at
# once, what is said to be committed, and what is found by measuring.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

e2e_begin migrate
[ -x "$REHEARSE" ] || die "'$REHEARSE' is not built (hint: make)"
command -v jq >/dev/null || die "no program 'jq': run scripts/install-deps"
pg_start
my_start
pg_sql -c 'CREATE DATABASE shop' postgres || die "no database"
my_sql -e 'CREATE DATABASE catalog; CREATE DATABASE other' || die "no database"

# ---- words of this script ------------------------------------------------------------------------
cat >"$T/box.yaml" <<YAML
name: copy
databases:
  - {name: shop, engine: postgresql, socket: $PG_SOCKET_DIR, port: $PG_PORT, user: $PG_ADMIN, database: shop}
  - {name: catalog, engine: mariadb, socket: $MY_SOCKET, user: root, database: catalog}
YAML
sed 's/^name: .*/name: live\nproduction: true/' "$T/box.yaml" >"$T/production.yaml"

# script DIR/FILE: stdin becomes a script.
script() {
    mkdir -p "$T/$(dirname "$1")"
    cat >"$T/$1"
}

# apply DATABASE DIR [OPTIONS]: ledger and journal are DIR.ledger and DIR.journal.
apply() {
    local database=$1 dir=$2
    shift 2
    "$REHEARSE" migrate apply --env "$T/box.yaml" --database "$database" --ledger "$T/$dir.ledger" \
        --journal "$T/$dir.journal" "$@" "$T/$dir"
}

# events DIR EVENT JQ: of the journal, one line each.
events() {
    jq -r "select(.event == \"$2\") | $3" "$T/$1.journal"
}

out() {
    cat "$T/out"
}

# ---- order and refusals --------------------------------------------------------------------------
script flyway/V1.10__later.sql <<<'CREATE TABLE later (id int);'
script flyway/V1.9__sooner.sql <<<'CREATE TABLE sooner (id int);'
script flyway/R__view.sql <<<'CREATE OR REPLACE VIEW v AS SELECT 1 AS one;'
script flyway/U1.9__sooner.sql <<<'DROP TABLE sooner;'
script flyway/notes.txt <<<'not SQL'
check "plan needs no server" "$REHEARSE" migrate plan "$T/flyway"
check_same "1.9 before 1.10, repeatable last" \
    "$(grep -o '[VRU][^ ]*\.sql' "$T/out" | head -3 | tr '\n' ' ')" \
    'V1.9__sooner.sql V1.10__later.sql R__view.sql '
check_has "what is left out is told" "$(out)" 'left out: U1.9__sooner.sql (an undo script, never run)'
check "flyway scripts apply" apply shop flyway
check_same "the undo script did not run" \
    "$(pg_sql -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" shop)" 2
check "a second run has nothing to do" apply shop flyway
check_has "and says so" "$(out)" 'applied 0, skipped 3'
script flyway/V1.9.5__late.sql <<<'SELECT 1;'
check_status "a late version is refused" 23 apply shop flyway
check_has "with both names and the mend" "$(out)" "'V1.9.5__late.sql' comes before 'V1.10__later.sql'"
check "or allowed" apply shop flyway --out-of-order
script flyway/V1.9__sooner.sql <<<'-- a comment
CREATE   TABLE sooner (id int);'
check "a changed comment does not block" apply shop flyway
check_same "but is told" "$(events flyway migrate.file 'select(.file == "V1.9__sooner.sql") | .why' | tail -1)" \
    'comments or white space changed since it was applied'
script flyway/V1.9__sooner.sql <<<'CREATE TABLE sooner (id bigint);'
check_status "a changed statement does" 23 apply shop flyway
script flyway/V1.9__sooner.sql <<<'CREATE TABLE sooner (id int);'
script flyway/R__view.sql <<<'CREATE OR REPLACE VIEW v AS SELECT 1 AS one, 2 AS two;'
check "a changed repeatable runs again" apply shop flyway
check_same "and did" "$(pg_sql -c 'SELECT two FROM v' shop)" 2
check_status "production is never a target" 11 "$REHEARSE" migrate apply --env "$T/production.yaml" \
    --database shop --ledger "$T/x.ledger" "$T/flyway"
script mixed/001_a.sql <<<'SELECT 1;'
script mixed/V2__b.sql <<<'SELECT 1;'
check_status "mixed conventions are refused" 11 "$REHEARSE" migrate plan "$T/mixed"

# ---- PostgreSQL: one transaction, COPY, failure -----------------------------------------------------
script pg/001_tables.sql <<'SQL'
CREATE TABLE articles (id int PRIMARY KEY, name text, price numeric, stock int, note json);
COPY articles (id, name, price, stock) FROM stdin;
1	first; DROP TABLE articles;	1.50	3
2	second\twith tab	2.50	4
3	third	3.50	5
\.
SELECT setval(pg_get_serial_sequence('articles', 'id'), 1) WHERE false;
SQL
script pg/002_function.sql <<'SQL'
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $body$
BEGIN
    RETURN n * 2; -- a semicolon; inside
END $body$;
CREATE FUNCTION thrice(n int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN n > 0 THEN n * 3 ELSE 0 END; END;
UPDATE articles SET stock = twice(stock) WHERE id = 1;
SQL
check "COPY data and functions" apply shop pg
check_same "the rows are there" "$(pg_sql -c 'SELECT count(*), sum(stock) FROM articles' shop)" '3|15'
check_same "a change is measured" \
    "$(events pg migrate.change 'select(.table == "public.articles" and .line == 6) | "\(.rows_before) \(.rows_after) \(.changed) \(.columns | length)"')" \
    '3 3 1 0'
check_same "locks are recorded" \
    "$(events pg migrate.statement 'select(.line == 6) | .locks[] | select(.mode == "RowExclusiveLock") | .table')" \
    public.articles

script pg/003_bad.sql <<'SQL'
CREATE TABLE half (id int);
INSERT INTO half VALUES (1);
INSERT INTO half VALUES ('x');
SQL
check_status "a failing file" 21 apply shop pg
check_has "is rolled back, and told so" "$(out)" \
    "file '003_bad.sql' failed at line 3 (statement 3 of 3)"
check_has "with what is committed" "$(out)" 'committed: of 003_bad.sql nothing (rolled back)'
check_same "nothing of it is left" "$(pg_sql -c "SELECT to_regclass('half') IS NULL" shop)" t
check_same "the journal has it" "$(events pg migrate.file 'select(.status == "failed") | .file')" 003_bad.sql
script pg/003_bad.sql <<'SQL'
CREATE TABLE half (id int);
INSERT INTO half VALUES (1);
SQL
check "a rolled-back file may be mended" apply shop pg

script wipe/V1__prices.sql <<'SQL'
-- new prices
UPDATE articles SET stock = stock + 1 WHERE id = 3;
UPDATE articles SET price = 0;
SQL
check "the accident runs" apply shop wipe
check_same "and is pinned to its line" \
    "$(events wipe migrate.change 'select(.columns | length > 0) | "\(.file):\(.line) \(.columns[0].column) \(.columns[0].distinct_before)>\(.columns[0].distinct_after) \(.changed)"')" \
    'V1__prices.sql:3 price 2>1 3'
check_same "no WHERE is seen" "$(events wipe migrate.statement 'select(.no_where) | .line')" 3
check_same "and linted" "$(events wipe migrate.lint 'select(.rule == "no-where") | .line')" 3

script stamp/1_setup.sql <<'SQL'
CREATE TABLE stamped (id int, a int, changed timestamptz DEFAULT now() - interval '1 year');
INSERT INTO stamped SELECT n, n, now() - n * interval '9 days' FROM generate_series(10, 100) n;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed = now(); RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
SQL
script stamp/2_all.sql <<'SQL'
UPDATE stamped SET a = a + 1;
SQL
script stamp/3_wipe.sql <<'SQL'
ALTER TABLE stamped DISABLE TRIGGER stamp;
UPDATE stamped SET changed = now() - id * interval '1 day';
UPDATE stamped SET changed = now();
SQL
check "time stamps of a trigger" apply shop stamp
check_same "are no accident, but a time that is set is" \
    "$(events stamp migrate.change 'select(.columns | length > 0) | "\(.file):\(.line) \(.columns[0].column)"')" \
    '3_wipe.sql:3 changed'

script truncate/1_t.sql <<'SQL'
TRUNCATE half;
DROP TABLE later;
SQL
check "TRUNCATE runs" apply shop truncate
check_same "and is measured" \
    "$(events truncate migrate.change 'select(.table == "public.half") | "\(.rows_before) \(.rows_after)"')" '1 0'

# ---- PostgreSQL: what cannot run in a transaction ------------------------------------------------------
script conc/1_index.sql <<'SQL'
CREATE TABLE dup (id int);
INSERT INTO dup VALUES (1), (1);
CREATE UNIQUE INDEX CONCURRENTLY dup_id ON dup (id);
SQL
check_status "a failing concurrent index" 21 apply shop conc
check_has "leaves what came before" "$(out)" 'committed: of 1_index.sql statements 1-2'
check_same "its invalid index is found" "$(events conc migrate.invalid_index '"\(.table) \(.index)"')" \
    'public.dup dup_id'
check "status tells" "$REHEARSE" migrate status --ledger "$T/conc.ledger"
check_has "how far it came" "$(out)" 'in part: 2 statements'
check "and with the folder" "$REHEARSE" migrate status --ledger "$T/conc.ledger" "$T/conc"
check_has "the same" "$(out)" "in part: 2 statements"
pg_sql -c 'DROP INDEX dup_id; DELETE FROM dup WHERE ctid = (SELECT max(ctid) FROM dup)' shop
check "it resumes behind them" apply shop conc
check_same "and the index is valid" \
    "$(pg_sql -c "SELECT indisvalid FROM pg_index WHERE indexrelid = 'dup_id'::regclass" shop)" t
script own/1.sql <<'SQL'
SET search_path = public;
BEGIN;
CREATE TABLE own1 (id int);
COMMIT;
VACUUM own1;
BEGIN;
CREATE TABLE own2 (id int);
SELECT 1/0;
COMMIT;
SQL
check_status "a file with transactions of its own" 21 apply shop own
check_has "is told by statements" "$(out)" 'committed: of 1.sql statements 1-5'
check_same "the open one is rolled back" "$(pg_sql -c "SELECT to_regclass('own2') IS NULL" shop)" t

# ---- PostgreSQL: killed ------------------------------------------------------------------------------
# kill_in DATABASE DIR: starts, waits until the statement with pg_sleep runs, kills -9.
running() {
    [ "$(pg_sql -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%$1%' AND state = 'active'
        AND pid <> pg_backend_pid()" shop)" -gt 0 ]
}
script kill/1_first.sql <<<'CREATE TABLE k1 (id int);'
script kill/2_slow.sql <<'SQL'
CREATE TABLE k2 (id int);
SELECT pg_sleep(4), 'marker-one';
SQL
apply shop kill >/dev/null 2>&1 &
pid=$!
# The function runs in a subshell: its child is the program.
wait_for 20 running marker-one || not_ok "the slow script runs"
check_status "two runs at once" 20 apply shop kill
child=$(pgrep -P $pid | head -1)
kill -9 "${child:-$pid}"
wait $pid 2>/dev/null
cp "$T/kill.ledger" "$T/kill2.ledger"
check_status "while the server still works on it" 20 "$REHEARSE" migrate apply --env "$T/box.yaml" \
    --database shop --ledger "$T/kill2.ledger" "$T/kill"
wait_for 20 eval '! running marker-one'
script kill/2_slow.sql <<'SQL'
CREATE TABLE k2 (id int);
SELECT pg_sleep(0), 'marker-one';
SQL
check "after kill -9 the server is asked" apply shop kill
check_same "and all is applied once" "$(pg_sql -c "SELECT count(*) FROM pg_tables WHERE tablename IN ('k1', 'k2')" shop)" 2

# ---- MariaDB -------------------------------------------------------------------------------------------
script my/1_tables.sql <<'SQL'
CREATE TABLE articles (id int PRIMARY KEY, name varchar(50), price decimal(10,2)) ENGINE=InnoDB;
CREATE TABLE reviews (id int PRIMARY KEY, article int, stars int,
    FOREIGN KEY (article) REFERENCES articles (id) ON DELETE CASCADE) ENGINE=InnoDB;
INSERT INTO articles VALUES (1, 'one; two', 1.5), (2, 'it''s \'quoted\'', 2.5), (3, 'c', 3.5);
INSERT INTO reviews VALUES (1, 1, 5), (2, 1, 4), (3, 2, 3);
SQL
script my/2_routine.sql <<'SQL'
DELIMITER $$
CREATE PROCEDURE raise_prices(IN by_percent int)
BEGIN
    IF by_percent > 0 THEN
        UPDATE articles SET price = price * (100 + by_percent) / 100;
    END IF;
END$$
DELIMITER ;
CALL raise_prices(100);
CREATE TRIGGER reviews_bi BEFORE INSERT ON reviews FOR EACH ROW BEGIN SET NEW.stars = LEAST(NEW.stars, 5); END;
INSERT INTO reviews VALUES (4, 3, 9);
SQL
check "MariaDB scripts and routines" apply catalog my
check_same "prices doubled, stars capped" \
    "$(my_sql -e 'SELECT SUM(price) FROM articles; SELECT stars FROM reviews WHERE id = 4' catalog | tr '\n' ' ')" \
    '15.00 5 '
script cascade/1_delete.sql <<<'DELETE FROM articles WHERE id = 1;'
check "a delete that cascades" apply catalog cascade
check_same "is measured in the child table" \
    "$(events cascade migrate.change 'select(.table == "reviews") | "\(.rows_before) \(.rows_after)"')" '4 2'
script mywipe/1_wipe.sql <<'SQL'
UPDATE articles SET name = CONCAT(name, '!') WHERE id = 2;
UPDATE articles SET price = NULL;
SQL
check "the accident on MariaDB" apply catalog mywipe
check_same "is pinned too" \
    "$(events mywipe migrate.change 'select(.columns | length > 0) | "\(.file):\(.line) \(.columns[0].column) \(.columns[0].nonnull_after)"')" \
    '1_wipe.sql:2 price 0'
script mybad/1_bad.sql <<'SQL'
CREATE TABLE b1 (id int);
INSERT INTO b1 VALUES (1);
INSERT INTO no_such VALUES (1);
INSERT INTO b1 VALUES (2);
SQL
check_status "a failing MariaDB file" 21 apply catalog mybad
check_has "is told by statements" "$(out)" 'committed: of 1_bad.sql statements 1-2'
script mybad/1_bad.sql <<'SQL'
CREATE TABLE b1 (id int);
INSERT INTO b1 VALUES (7);
INSERT INTO b1 VALUES (2);
SQL
check_status "the committed part must not be edited" 23 apply catalog mybad
script mybad/1_bad.sql <<'SQL'
CREATE TABLE b1 (id int);
INSERT INTO b1 VALUES (1);
INSERT INTO b1 VALUES (3);
INSERT INTO b1 VALUES (2);
SQL
check "the rest may" apply catalog mybad
check_same "each row once" "$(my_sql -e 'SELECT GROUP_CONCAT(id ORDER BY id) FROM b1' catalog)" 1,2,3

my_running() {
    [ "$(my_sql -e "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%$1%'
        AND ID <> CONNECTION_ID()")" -gt 0 ]
}
script mykill/1_slow.sql <<'SQL'
CREATE TABLE mk (id int);
INSERT INTO mk SELECT SLEEP(3) /* marker */;
INSERT INTO mk VALUES (2);
SQL
apply catalog mykill >/dev/null 2>&1 &
pid=$!
wait_for 20 my_running 'SLEEP(3)' || not_ok "the slow MariaDB script runs"
child=$(pgrep -P $pid | head -1)
kill -9 "${child:-$pid}"
wait $pid 2>/dev/null
wait_for 20 eval '! my_running "SLEEP(3)"'
check_status "an interrupted statement is in doubt" 23 apply catalog mykill
check_has "and named" "$(out)" "'1_slow.sql' was interrupted in statement 2 of 3 (line 2)"
rows=$(my_sql -e 'SELECT COUNT(*) FROM mk' catalog)
check "until somebody says" apply catalog mykill --resume-at "1_slow.sql:$((rows > 0 ? 3 : 2))"
check_same "it is whole" "$(my_sql -e 'SELECT COUNT(*) FROM mk' catalog)" 2

# ---- the ledger ------------------------------------------------------------------------------------------
printf '{"n":99,"torn' >>"$T/pg.ledger"
check "a torn last line is cut off" apply shop pg
pg_sql -c 'DROP DATABASE shop WITH (FORCE)' -c 'CREATE DATABASE shop' postgres
check_status "another database than the ledger's" 23 apply shop flyway
check_has "is noticed" "$(out)" 'is another one than ledger'
check "and can be begun anew" apply shop flyway --forget
check_same "with everything" "$(pg_sql -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" shop)" 2
e2e_end
