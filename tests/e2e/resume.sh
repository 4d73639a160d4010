#!/bin/bash
# A restore that is killed goes on where it was, whenever it was: kills at many moments, one restore,
# and at the end the box is proven to be what was captured, with nothing of ours left in it.
. "$(dirname "$0")/lib.sh"
e2e_begin resume
ROWS=${ROWS:-60000}
KILLS=${KILLS:-6}
pg_start
my_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

pg_sql -c 'CREATE ROLE clerk' -c 'CREATE DATABASE shop' postgres
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
SELECT lo_from_bytea(77, decode(repeat('ab', 50000), 'hex'));
ALTER TABLE customers OWNER TO clerk;
SQL
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
SQL
mkdir -p "$T/tree"
head -c 3000000 /dev/urandom >"$T/tree/file"
printf 'name: prod\nfiles:\n  - {name: code, path: "%s"}\ndatabases:\n  - {name: shop, engine: postgresql, host: "%s", port: %s, user: %s, database: shop}\n  - {name: catalog, engine: mariadb, socket: "%s", user: root, database: catalog}\n' \
    "$T/tree" "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" "$MY_SOCKET" >"$T/env.yaml"
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"

restore() { # [options]
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify "$@"
}
check_status "without a box there is nothing to go on with" 17 restore --resume

state() {
    "$REHEARSE" box show --json "$BOX" 2>/dev/null | jq -r .state
}
# As long as a whole one takes: the kills are spread over it.
BEGAN=$(date +%s%N)
check "a whole restore" restore
TOOK_MS=$((($(date +%s%N) - BEGAN) / 1000000))
check_status "a box that is ready has nothing to go on with" 3 restore --resume
"$REHEARSE" box destroy "$BOX" >/dev/null

kills=0 went_on=0
for ((i = 1; i <= KILLS; i++)); do
    # Before there was anything to go on with: from the start.
    [ "$(state)" != new ] || "$REHEARSE" box destroy "$BOX" >/dev/null
    # shellcheck disable=SC2046
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify \
        $([ -e "$BOX/box.json" ] && echo --resume) >"$T/part" 2>&1 &
    pid=$!
    sleep "$(awk -v ms=$TOOK_MS -v i=$i -v n="$KILLS" 'BEGIN { print ms * i / (n + 1) / 1000 }')"
    kill -KILL $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
    ! grep -q 'the load goes on' "$T/part" || went_on=$((went_on + 1))
    [ "$(state)" != ready ] || break
done
echo "# killed $kills times, of which $went_on had gone on; a whole one takes $TOOK_MS ms"
[ "$(state)" = ready ] ||
    check "at last it is brought to its end, and proven" restore --resume
[ $kills -ge 2 ] && [ $went_on -ge 1 ] && ok "it was killed in the middle" || not_ok "it was killed in the middle" "$kills kills, $went_on went on"
check "the box is what was captured" "$REHEARSE" box verify --from "$STORE" "$BOX"
"$REHEARSE" box start "$BOX" >/dev/null
server() { # ENGINE FIELD
    "$REHEARSE" box show --json "$BOX" | jq -r ".servers[] | select(.engine == \"$1\") | $2"
}
check_same "no notes are left in PostgreSQL" \
    "$(psql -XAtq -h "$(server postgresql .socket)" -p "$(server postgresql .port)" -U postgres -d shop -c "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rehearse%'")" 0
check_same "nor in MariaDB" \
    "$(mariadb --no-defaults -N -B --socket="$(server mariadb .socket)" -u root -e "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'rehearse%'")" 0
check_same "nor in the box" "$(find "$BOX" -maxdepth 1 -name 'journal.restore' | wc -l)" 0

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
