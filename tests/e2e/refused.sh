#!/bin/bash
# Restores that cannot be: what the server lacks is told all at once and before anything is loaded;
# the row and the object that it refuses are named.
. "$(dirname "$0")/lib.sh"
e2e_begin refused
pg_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

snapshot() { # ENGINE-OPTIONS DATABASE
    printf 'name: prod\ndatabases:\n  - {name: db, %s, database: %s}\n' "$1" "$2" >"$T/env.yaml"
    "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
}
refused() { # STATUS NAME [options]: a restore into a new box ends with it; its words are in $T/out
    local status=$1 name=$2
    shift 2
    rm -rf "$BOX" "$T/journal"
    check_status "$name" "$status" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --journal "$T/journal" \
        --jobs "${JOBS:-2}" "$@"
}
silent() { # NAME: neither output, journal nor box.json show what a row holds
    cp "$T/out" "$T/said"
    check_status "$1" 1 grep -F -e unseen "$T/said" "$T/journal" "$BOX/box.json"
    cp "$T/said" "$T/out"
}
says() {
    check_has "$1" "$(cat "$T/out")" "$2"
}
PG="engine: postgresql, host: \"$PG_SOCKET_DIR\", port: $PG_PORT, user: $PG_ADMIN"

# ---- rows that PostgreSQL refuses ----------------------------------------------------------------
pg_sql -c 'CREATE DATABASE checked' postgres
pg_sql checked <<'SQL' >/dev/null || die "cannot fill production"
CREATE FUNCTION fine(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE public.checked (a text, id int PRIMARY KEY, n int CHECK (public.fine(n)), filler text);
INSERT INTO public.checked SELECT 'unseen' || g, g, g, repeat('x', 900) FROM generate_series(1, 20000) g;
CREATE OR REPLACE FUNCTION fine(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT n <> 17123';
SQL
check "a snapshot of rows that do not hold any more" snapshot "$PG" checked
refused 21 "a check that does not hold any more"
says "names the table, the row's number and its key" 'cannot load table "public"."checked", row 17123 (key id)'
says "how to see its values" "--show-values"
silent "no value of it"
says "names the check" "checked_n_check"
refused 21 "the same with values" --show-values
says "names the row by its key" 'cannot load table "public"."checked", row 17123 (id=17123)'
says "shows what the server says of it" 'Failing row contains (unseen17123, 17123, 17123,'

pg_sql -c 'CREATE DATABASE raised' postgres
pg_sql raised <<'SQL' >/dev/null || die "cannot fill production"
CREATE FUNCTION fine(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE TABLE r (id int PRIMARY KEY, t text CHECK (public.fine(t)));
INSERT INTO r SELECT g, 'unseen' || g FROM generate_series(1, 100) g;
CREATE OR REPLACE FUNCTION fine(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''no %'', t; END';
SQL
check "a snapshot of rows that a function refuses" snapshot "$PG" raised
refused 21 "what a function raises"
says "names the function" "PL/pgSQL function public.fine(text) line 1 at RAISE"
silent "nothing that it says"
pg_sql raised <<'SQL' >/dev/null || die "cannot change a function"
CREATE OR REPLACE FUNCTION fine(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN RAISE ''no'' USING ERRCODE = ''check_violation'', DETAIL = t, HINT = ''not '' || t; END';
SQL
check "a snapshot of rows that a function refuses with a detail and a hint" snapshot "$PG" raised
refused 21 "what a function raises in full"
says "how to see it" "(hint: --show-values shows what is hidden)"
silent "nothing of that"
refused 21 "the same with values" --show-values
says "gives detail and hint" "no (unseen1), COPY r, line 1, SQLSTATE 23514 (hint: not unseen1)"
SOCKET=$PG_SOCKET_DIR PORT=$PG_PORT
pg_start other
printf 'name: staging\ndatabases:\n  - {name: db, engine: postgresql, host: "%s", port: %s, user: %s, database: here}\n' \
    "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" >"$T/here.yaml"
check_status "on a server that is there it is refused, too" 21 "$REHEARSE" restore --from "$STORE" --to "$T/here.yaml"
says "and told how to see it" "(hint: --show-values shows what is hidden)"
pg_stop other
PG_SOCKET_DIR=$SOCKET PG_PORT=$PORT PG_DIR=$T/pg

# What the server calls for a row counts lines of its own, and stands before the COPY in its words.
pg_sql -c 'CREATE DATABASE called' postgres
pg_sql called <<'SQL' >/dev/null || die "cannot fill production"
CREATE FUNCTION fine(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE TABLE called (id int PRIMARY KEY, n int CHECK (public.fine(n)));
INSERT INTO called SELECT g, g FROM generate_series(1, 20000) g;
CREATE OR REPLACE FUNCTION fine(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN IF n = 17123 THEN RAISE ''not fine''; END IF; RETURN true; END';
SQL
check "a snapshot of rows that a function refuses by now" snapshot "$PG" called
refused 21 "a check that raises" --show-values
says "names the table and the row by its key" 'cannot load table "public"."called", row 17123 (id=17123)'
says "gives the function's words" "not fine"

pg_sql -c 'CREATE DATABASE parsed' postgres
pg_sql parsed <<'SQL' >/dev/null || die "cannot fill production"
CREATE FUNCTION parses(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE DOMAIN doc AS text CHECK (public.parses(VALUE));
CREATE TABLE parsed (id int PRIMARY KEY, note text, d doc);
INSERT INTO parsed SELECT g, 'a, line 1', CASE g WHEN 4711 THEN 'x' ELSE '{"a": 1}' END FROM generate_series(1, 5000) g;
CREATE OR REPLACE FUNCTION parses(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t::json IS NOT NULL';
SQL
check "a snapshot of texts that are no JSON" snapshot "$PG" parsed
refused 21 "a domain of JSON" --show-values
says "names the table and the row by its key" 'cannot load table "public"."parsed", row 4711 (id=4711)'

pg_sql -c 'CREATE DATABASE twice' postgres
pg_sql twice <<'SQL' >/dev/null || die "cannot fill production"
CREATE FUNCTION same(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n';
CREATE TABLE t (id int);
INSERT INTO t SELECT g FROM generate_series(1, 100) g;
CREATE UNIQUE INDEX once ON t (same(id));
CREATE OR REPLACE FUNCTION same(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';
SQL
check "a snapshot of an index that is not unique any more" snapshot "$PG" twice
refused 21 "a unique index that cannot be built"
says "names the index" "'CREATE UNIQUE INDEX once ON public.t"
says "names the key without its value" "Key (public.same(id))=[hidden]"

# ---- what a server lacks ---------------------------------------------------------------------------
EXTENSIONS=$(pg_config --sharedir 2>/dev/null || echo /usr/share/postgresql/15)/extension
if [ -w "$EXTENSIONS" ]; then
    pg_sql -c 'CREATE DATABASE extended' postgres
    for name in rehearse_one rehearse_two; do
        printf "default_version = '1'\nrelocatable = true\n" >"$EXTENSIONS/$name.control"
        printf 'CREATE FUNCTION %s() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;\n' "$name" >"$EXTENSIONS/$name--1.sql"
        pg_sql -c "CREATE EXTENSION $name" extended
    done
    pg_sql -c 'CREATE TABLE plain (id int)' -c 'INSERT INTO plain VALUES (1)' extended
    check "a snapshot with extensions" snapshot "$PG" extended
    rm -f "$EXTENSIONS"/rehearse_*
    refused 17 "extensions that are not there"
    says "both are named at once" "lacks extension 'rehearse_one', extension 'rehearse_two'"
    says "with the mend" "install the extension's package"
    rm -rf "$BOX"
    check "a part that needs neither is restored" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify \
        --only postgresql.db/public.plain
fi

# A library that a function calls without an extension, and a locale.
LIBDIR=$(dirname "$(dirname "$(pg_program postgres)")")/lib
if [ -w "$LIBDIR" ] && [ -e "$LIBDIR/tcn.so" ]; then
    pg_sql -c 'CREATE DATABASE called_out' postgres
    cp "$LIBDIR/tcn.so" "$LIBDIR/rehearse_lib.so"
    pg_sql called_out <<-'SQL' >/dev/null || die "cannot fill production"
	CREATE FUNCTION watch() RETURNS trigger LANGUAGE c AS '$libdir/rehearse_lib', 'triggered_change_notification';
	CREATE FUNCTION named_c() RETURNS text LANGUAGE sql AS 'SELECT ''$libdir/no_such_lib''::text';
	CREATE COLLATION lost (LOCALE = 'C');
	CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-u-co-phonebk');
	UPDATE pg_collation SET collcollate = 'xx_XX.utf8', collctype = 'xx_XX.utf8' WHERE collname = 'lost';
	SQL
    check "a snapshot with a library and a locale" snapshot "$PG" called_out
    rm -f "$LIBDIR/rehearse_lib.so"
    refused 17 "a library and a locale that are not there"
    says "both are named at once, and nothing else" "lacks locale 'xx_XX.utf8', library '\$libdir/rehearse_lib' (hint: install"
    says "with the mend" "locale-gen"
fi

# Files of text search: the dictionary is made of them as the server reads them.
SEARCH=$(pg_config --sharedir 2>/dev/null || echo /usr/share/postgresql/15)/tsearch_data
if [ -w "$SEARCH" ]; then
    pg_sql -c 'CREATE DATABASE worded' postgres
    for suffix in dict affix; do
        cp "$SEARCH/ispell_sample.$suffix" "$SEARCH/rehearse_words.$suffix"
    done
    cp "$SEARCH/synonym_sample.syn" "$SEARCH/rehearse_same.syn"
    cp "$SEARCH/thesaurus_sample.ths" "$SEARCH/rehearse_more.ths"
    pg_sql worded <<-'SQL' >/dev/null || die "cannot fill production"
	CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = ispell, DictFile = rehearse_words, AffFile = rehearse_words, StopWords = english);
	CREATE TEXT SEARCH DICTIONARY same (TEMPLATE = synonym, Synonyms = rehearse_same);
	CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = pg_catalog.simple, StopWords = english);
	CREATE TEXT SEARCH DICTIONARY more (TEMPLATE = thesaurus, DictFile = rehearse_more, Dictionary = english_stem);
	CREATE TEXT SEARCH CONFIGURATION sought (COPY = simple);
	ALTER TEXT SEARCH CONFIGURATION sought ALTER MAPPING FOR asciiword WITH more, same, words, plain;
	SQL
    check "a snapshot with dictionaries" snapshot "$PG" worded
    rm -rf "$BOX"
    check "they are restored where their files are" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify
    rm -f "$SEARCH"/rehearse_*
    refused 17 "files of text search that are not there"
    for file in words.dict same.syn more.ths; do
        says "one is named: $file" "text search file '$SEARCH/rehearse_$file'"
    done
    says "with the mend" "folder tsearch_data"
fi

# Roles that are not captured: those that belong to a version of the server. Here are some that no box has.
pg_sql -c 'CREATE DATABASE peopled' postgres
for role in owner reader policy mapped granter granted; do
    pg_sql -c "CREATE ROLE $role" -c "UPDATE pg_authid SET rolname = 'pg_of_old_$role' WHERE rolname = '$role'" postgres
done
pg_sql peopled <<'SQL' >/dev/null || die "cannot fill production"
CREATE TABLE t (id int);
ALTER TABLE t OWNER TO pg_of_old_owner;
GRANT SELECT ON t TO pg_of_old_reader;
CREATE POLICY p ON t FOR SELECT TO postgres, pg_of_old_policy USING (true);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR pg_of_old_mapped SERVER s;
CREATE USER MAPPING FOR PUBLIC SERVER s;
ALTER DEFAULT PRIVILEGES FOR ROLE pg_of_old_granter GRANT SELECT ON TABLES TO pg_of_old_granted;
SQL
check "a snapshot with roles that are not captured" snapshot "$PG" peopled
refused 17 "roles that are not there"
for role in owner reader policy mapped granter granted; do
    says "$role is named before anything is loaded" "role 'pg_of_old_$role'"
done
check_same "and nobody else" "$(grep -c "missing what=.role" "$T/out")" 6

# ---- MariaDB -------------------------------------------------------------------------------------
printf '1;%064d\n' 7 >"$T/keys"
chmod 644 "$T/keys"
MY_OPTIONS="--plugin-load-add=ha_blackhole.so --plugin-load-add=file_key_management.so --file-key-management-filename=$T/keys" my_start
my_sql -e 'CREATE DATABASE holes; CREATE TABLE holes.hole (id INT) ENGINE=BLACKHOLE; CREATE TABLE holes.t (id INT)' ||
    die "no BLACKHOLE engine"
check "a snapshot with an engine that a box has not" snapshot "engine: mariadb, socket: \"$MY_SOCKET\", user: root" holes
refused 17 "an engine that is not there"
says "is named" "lacks storage engine 'BLACKHOLE'"
says "with what the server itself has for it" "put 'plugin_load_add: ha_blackhole.so' into box.mariadb of the environment file"
my_sql -e 'CREATE DATABASE sealed; CREATE TABLE sealed.s (id INT) ENCRYPTED=YES' || die "no encryption"
check "a snapshot with an encrypted table" snapshot "engine: mariadb, socket: \"$MY_SOCKET\", user: root" sealed
refused 17 "encryption that is not there"
says "is named with its table" "lacks encryption plugin for table 's'"

# A value that is there twice, as only a damaged index lets it be; the server says so in German.
my_stop
mkdir "$T/plugins"
cc -shared -fPIC -o "$T/plugins/rehearse_parser.so" "$ROOT/tests/e2e/parser.c" || die "the parser does not compile"
MY_OPTIONS="--lc-messages=de_DE --plugin-dir=$T/plugins --plugin-load-add=rehearse_parser.so" my_start my2
my_sql -e 'CREATE DATABASE sought; CREATE TABLE sought.s (t TEXT, FULLTEXT KEY f (t) WITH PARSER rehearse_words) ENGINE=MyISAM' ||
    die "no parser"
check "a snapshot with a full-text parser" snapshot "engine: mariadb, socket: \"$MY_SOCKET\", user: root" sought
refused 17 "a parser that is not there"
says "is named" "lacks full-text parser 'rehearse_words'"
my_sql -e 'CREATE DATABASE twice'
my_sql twice -e "CREATE TABLE t (id INT PRIMARY KEY, s CHAR(20) NOT NULL, UNIQUE KEY once (s)) ENGINE=MyISAM;
    INSERT INTO t SELECT seq, CONCAT('unseen', seq) FROM seq_1_to_50;
    CREATE TABLE other (id INT PRIMARY KEY, s CHAR(20) NOT NULL) ENGINE=MyISAM;
    INSERT INTO other SELECT id, IF(id = 40, 'unseen7', s) FROM t; FLUSH TABLES" || die "cannot fill"
as mysql cp "$MY_DIR/data/twice/other.MYD" "$MY_DIR/data/twice/t.MYD"
check "a snapshot of a damaged index" snapshot "engine: mariadb, socket: \"$MY_SOCKET\", user: root" twice
refused 21 "a unique index that cannot be built"
says "is named without its value" "Duplicate entry [hidden] for key 'once'"
silent "no value of it"
refused 21 "the same with values" --show-values
says "is named with its value" "Duplicate entry 'unseen7' for key 'once'"
e2e_end
