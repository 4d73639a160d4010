#!/bin/bash
# Schemas that nobody here wrote, from Debian's packages, filled here: snapshot, restore, proof, and a
# second dump of source and box by pg_dump and mariadb-dump. PostGIS and the contributed extensions,
# applications of both engines, the tables and data of MariaDB's own test suite.
# The applications' packages are fetched by apt and unpacked into BUILD/packages, not installed.
#   PARTS: postgresql mariadb suite; the first two when left out
# run early: two minutes of servers
. "$(dirname "$0")/lib.sh"
e2e_begin packages
cd "$ROOT" || exit 1
HERE=tests/e2e/packages
STORE=$T/store
BOX=$T/box
ROWS=20
E2E_BOXES+=("$BOX")
DEBS=$BUILD/packages
scripts/unpack-packages "$DEBS" roundcube-core icinga2-ido-pgsql icinga2-ido-mysql zabbix-server-pgsql zabbix-server-mysql kea-admin \
    pdns-backend-pgsql pdns-backend-mysql freeradius-config bacula-director-pgsql phpmyadmin mariadb-test-data ||
    die "packages cannot be fetched"

# environment ENGINE DATABASE...: $ENV
environment() {
    local engine=$1 name
    shift
    ENV=$T/$engine.yaml
    printf 'name: %s\ndatabases:\n' "$engine" >"$ENV"
    for name in "$@"; do
        if [ "$engine" = postgresql ]; then
            printf '  - {name: %s, engine: postgresql, host: "%s", port: %s, user: %s, database: %s}\n' "$name" "$PG_SOCKET_DIR" "$PG_PORT" "$PG_ADMIN" "$name"
        else
            printf '  - {name: %s, engine: mariadb, socket: "%s", user: root, database: %s}\n' "$name" "$MY_SOCKET" "$name"
        fi
    done >>"$ENV"
}

there_and_back() { # ENGINE
    check "$1: snapshot" "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --tag "$1" || return
    cp "$T/out" "$T/$1.out"
    check "$1: restore, and proof" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --verify --start "$1"
}

# ---- PostgreSQL ---------------------------------------------------------------------------------
# load DATABASE FILE...: into a database of its own. Files of applications may hold what only their
# package's scripts know about; what loads is what counts, and something has to.
pg_load() {
    local name=$1 file
    shift
    pg_sql -c "CREATE DATABASE $name" postgres || return
    for file in "$@"; do
        case $file in *.gz) zcat "$file" ;; *) cat "$file" ;; esac | pg_sql -v ON_ERROR_STOP=0 "$name" >/dev/null 2>>"$T/load.log"
    done
    [ "$(pg_sql -c "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace" "$name")" -gt 5 ]
}

pg_fill() { # DATABASE...
    local name
    for name in "$@"; do
        # Kea's triggers want to know who changes what; its own tools say so too.
        PGOPTIONS="-c kea.disable_audit=true" pg_sql -v ON_ERROR_STOP=0 -v rows="$ROWS" -f "$HERE/fill_postgresql.sql" "$name" >/dev/null 2>>"$T/fill.log"
        pg_sql -c "ANALYZE" "$name"
    done
}

# How many of a database's tables have rows, in percent.
pg_filled() {
    pg_sql "$1" <<<"SELECT format('SELECT count(*) * 100 / %s FROM (%s) t', count(*), string_agg(format('(SELECT 1 FROM %s LIMIT 1)', c.oid::regclass), ' UNION ALL '))
        FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \gexec"
}

# What pg_dump makes up anew each time; and of a sign PostgreSQL says "(- 5)", and once it has read
# that, "'-5'::integer".
stable() {
    sed -E "/^\\\\(un)?restrict /d; s/\(- ([0-9.]+)\)/-\1/g; s/'-([0-9.]+)'::(numeric|integer|bigint)/-\1/g"
}

pg_dumped() { # DATABASE, then how to reach it: schema in order, rows sorted
    local name=$1
    shift
    pg_dump "$@" --create --schema-only "$name" | stable
    pg_dump "$@" --data-only --extra-float-digits=3 "$name" 2>/dev/null | stable | LC_ALL=C sort
}

box_pg() { # DATABASE: sets BOX_PG
    local up=${1^^} host port user
    read -r host port user < <("$REHEARSE" box exec "$BOX" -- sh -c "echo \$BOX_DB_${up}_SOCKET \$BOX_DB_${up}_PORT \$BOX_DB_${up}_USER")
    BOX_PG=(-h "$host" -p "$port" -U "$user")
}

pg_same() { # DATABASE
    pg_dumped "$1" -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" >"$T/source.dump"
    pg_dumped "$1" "${BOX_PG[@]}" >"$T/box.dump"
    [ -s "$T/source.dump" ] && diff "$T/source.dump" "$T/box.dump" | head -n 20 && cmp "$T/source.dump" "$T/box.dump"
}

DBCONFIG=usr/share/dbconfig-common/data
part_postgresql() {
    pg_start
    pg_sql -c "CREATE ROLE icinga; CREATE ROLE zabbix; CREATE ROLE radius; CREATE ROLE bacula" postgres
    check "PostGIS and what it keeps in tables" pg_load gis "$HERE/postgis.sql"
    check "the contributed extensions" pg_load extensions "$HERE/extensions.sql"
    check_same "nothing of both failed" "$(grep -v NOTICE "$T/load.log")" ""
    PG_APPS=(roundcube icinga zabbix kea pdns radius bacula)
    check "roundcube" pg_load roundcube "$DEBS/roundcube-core/$DBCONFIG/roundcube/install/pgsql"
    check "icinga" pg_load icinga "$DEBS/icinga2-ido-pgsql/usr/share/icinga2-ido-pgsql/schema/pgsql.sql"
    check "zabbix, with its data and images" pg_load zabbix "$DEBS"/zabbix-server-pgsql/usr/share/zabbix-server-pgsql/{schema,images,data}.sql.gz
    check "kea" pg_load kea "$DEBS/kea-admin/usr/share/kea/scripts/pgsql/dhcpdb_create.pgsql"
    check "PowerDNS" pg_load pdns "$DEBS/pdns-backend-pgsql/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql"
    check "FreeRADIUS" pg_load radius "$DEBS/freeradius-config/etc/freeradius/3.0/mods-config/sql/main/postgresql/schema.sql"
    check "bacula" pg_load bacula "$DEBS/bacula-director-pgsql/$DBCONFIG/bacula-director-pgsql/install/pgsql"
    pg_fill "${PG_APPS[@]}"
    for name in "${PG_APPS[@]}"; do
        echo "# $name: $(pg_filled "$name") % of the tables have rows"
        check "most tables of $name have rows" test "$(pg_filled "$name")" -ge 70
    done
    environment postgresql gis extensions "${PG_APPS[@]}"
    if there_and_back postgresql; then
        for name in gis extensions "${PG_APPS[@]}"; do
            box_pg "$name"
            check "$name: pg_dump says the same of source and box" pg_same "$name"
        done
        box_pg gis
        check_same "an SRID of one's own is there" "$(psql -XAtq "${BOX_PG[@]}" gis -c "SELECT count(*) FROM spatial_ref_sys WHERE srid = 990001")" 1
        check_same "a topology answers" "$(psql -XAtq "${BOX_PG[@]}" gis -c "SELECT count(*) FROM parcels WHERE ST_Area(shape::geometry) = 1")" 20
        psql -XAtq "${BOX_PG[@]}" gis -c "UPDATE spatial_ref_sys SET auth_srid = 1 WHERE srid = 990001"
        check_status "a changed row of an extension's table is found" 1 pg_same gis
    fi
    "$REHEARSE" box destroy "$BOX" >/dev/null 2>&1
    pg_stop
}

# ---- MariaDB ------------------------------------------------------------------------------------
my_load() { # DATABASE FILE...
    local name=$1 file
    shift
    my_sql -e "CREATE DATABASE $name CHARACTER SET utf8mb4" || return
    for file in "$@"; do
        case $file in *.gz) zcat "$file" ;; *) cat "$file" ;; esac | my_sql --force "$name" >/dev/null 2>>"$T/load.log"
    done
    [ "$(my_tables "$name" | wc -l)" -gt 5 ]
}

my_tables() { # DATABASE
    my_sql -e "SELECT table_name FROM information_schema.tables WHERE table_schema = '$1' AND table_type <> 'VIEW'"
}

my_fill() { # DATABASE...
    local name
    for name in "$@"; do
        { echo "SET @rows = $ROWS;" && cat "$HERE/fill_mariadb.sql"; } | my_sql --raw "$name" >"$T/fill.sql" 2>>"$T/fill.log"
        # Kea's triggers want to know who changes what; its own tools say so too.
        { echo "SET @disable_audit = 1, sql_mode = '';" && cat "$T/fill.sql"; } | my_sql --force "$name" 2>>"$T/fill.log"
    done
}

my_filled() { # DATABASE
    my_sql "$1" -e "$(my_tables "$1" | awk '{ printf "%s(SELECT 1 FROM `%s` LIMIT 1)", (NR > 1 ? " UNION ALL " : "SELECT count(*) FROM ("), $0 } END { print ") t" }')" |
        awk -v all="$(my_tables "$1" | wc -l)" '{ print int($1 * 100 / all) }'
}

# What the server itself cannot read, or make again from what it says of it, is asked of no copy: views
# whose tables are gone, tables of options that this server does not run with.
my_tidy() { # DATABASE
    local kind name
    my_sql -e "DROP DATABASE IF EXISTS scratch; CREATE DATABASE scratch"
    mariadb-dump --no-defaults --user=root --socket="$MY_SOCKET" --force --no-data --skip-triggers --default-character-set=utf8mb4 "$1" 2>/dev/null |
        my_sql --force scratch >/dev/null 2>&1
    my_sql -e "SELECT table_type, table_name FROM information_schema.tables t WHERE table_schema = '$1' AND (table_type = 'VIEW'
        OR NOT EXISTS (SELECT 1 FROM information_schema.tables s WHERE s.table_schema = 'scratch' AND s.table_name = t.table_name))" |
        while IFS=$'\t' read -r kind name; do
            name=$(printf '%b' "${name//\`/\`\`}")
            if [ "$kind" = VIEW ]; then
                my_sql "$1" -e "SELECT * FROM \`$name\` LIMIT 1" >/dev/null 2>&1 || my_sql "$1" -e "DROP VIEW \`$name\`"
            else
                my_sql "$1" -e "SET foreign_key_checks = 0; DROP TABLE \`$name\`" || rm -f "$MY_DIR/data/$1/$name".*
            fi
        done 2>>"$T/load.log"
    my_tables "$1" | while IFS= read -r name; do
        name=$(printf '%b' "${name//\`/\`\`}")
        my_sql "$1" -e "SELECT * FROM \`$name\` LIMIT 1" >/dev/null 2>&1 || my_sql "$1" -e "SET foreign_key_checks = 0; DROP TABLE \`$name\`"
    done 2>>"$T/load.log"
    # Their rows and counters end with the server that a box stops: that is told, and tried elsewhere.
    my_sql -e "SELECT table_name FROM information_schema.tables WHERE table_schema = '$1' AND engine = 'MEMORY'" | while IFS= read -r name; do
        name=$(printf '%b' "${name//\`/\`\`}")
        my_sql "$1" -e "TRUNCATE TABLE \`$name\`; ALTER TABLE \`$name\` AUTO_INCREMENT = 1" || my_sql "$1" -e "DROP TABLE \`$name\`"
    done 2>>"$T/load.log"
}

suite_load() { # DATABASE TEST
    my_sql -e "CREATE DATABASE $1" || return
    LC_ALL=C awk -f "$HERE/suite.awk" "$2" | timeout 60 mariadb --no-defaults --force --socket="$MY_SOCKET" --user=root --binary-mode "$1" >/dev/null 2>>"$T/suite.log"
    my_tidy "$1"
    [ -n "$(my_tables "$1")" ]
}

# Tables as files: of other versions, and some are there because they are broken.
std_data_load() {
    local file name
    my_sql -e "CREATE DATABASE std_data"
    for file in "$SUITE"/std_data/*.frm; do
        name=$(basename "$file" .frm)
        as mysql cp "$SUITE/std_data/$name".* "$MY_DIR/data/std_data/" 2>/dev/null || cp "$SUITE/std_data/$name".* "$MY_DIR/data/std_data/"
    done
    [ "$(id -u)" -ne 0 ] || chown -R mysql: "$MY_DIR/data/std_data"
    for file in "$SUITE"/std_data/*.frm; do
        name=$(basename "$file" .frm)
        my_sql std_data -e "SELECT count(*) FROM \`$name\`; SHOW CREATE TABLE \`$name\`" >/dev/null 2>&1 &&
            [ "$(my_sql std_data -e "CHECK TABLE \`$name\`" 2>/dev/null | tail -n 1 | cut -f4)" = OK ] && continue
        echo "# this server cannot read $name"
        my_sql std_data -e "FLUSH TABLES" && rm -f "$MY_DIR/data/std_data/$name".*
    done
    my_tidy std_data
    [ "$(my_tables std_data | wc -l)" -gt 3 ]
}

my_dumped() { # DATABASE, then how to reach it
    local name=$1
    shift
    # Events come disabled, times of old files in today's form, options that nobody here knows not at
    # all, ids of transactions as periods are others, what had no default has NULL: that, and only that,
    # is put right.
    mariadb-dump --no-defaults "$@" --user=root --skip-comments --hex-blob --routines --events --triggers --order-by-primary \
        --default-character-set=utf8mb4 "$name" |
        sed -E 's/^(\/\*!50106 CREATE\*\/.* EVENT .* ON COMPLETION (NOT )?PRESERVE) (ENABLE|DISABLE) /\1 STATE /; s, /\* mariadb-5.3 \*/,,g; s, /\* (`compression`=[^*]*|TRANSACTIONAL=0) \*/,,
            s/\b[0-9]+,18446744073709551615\b/ID,NOW/g; s/^(  `.*) DEFAULT NULL(,?)$/\1\2/'
}

my_same() { # DATABASE
    my_dumped "$1" --socket="$MY_SOCKET" >"$T/source.dump"
    my_dumped "$1" --socket="$BOX_SOCKET" >"$T/box.dump"
    [ -s "$T/source.dump" ] && diff -a "$T/source.dump" "$T/box.dump" | cut -c1-300 | head -n 20 && cmp "$T/source.dump" "$T/box.dump"
}

# Triggers that the snapshot has told to be left out are compared no more.
my_forget_told() { # DATABASE
    local name
    comm -23 <(my_sql -e "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '$1'" | LC_ALL=C sort) \
        <(mariadb --no-defaults -BN --user=root --socket="$BOX_SOCKET" -e "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '$1'" | LC_ALL=C sort) |
        while IFS= read -r name; do
            "$REHEARSE" bundle show --json --store "$STORE" mariadb | grep -qF "\"TRIGGER $name\"" && my_sql "$1" -e "DROP TRIGGER \`$name\`"
        done
}

my_there_and_back() { # DATABASE...
    environment mariadb "$@"
    there_and_back mariadb || return
    BOX_SOCKET=$("$REHEARSE" box exec "$BOX" -- sh -c "echo \$BOX_DB_${1^^}_SOCKET")
    local name
    for name in "$@"; do
        my_forget_told "$name"
        check "$name: mariadb-dump says the same of source and box" my_same "$name"
    done
}

MY_OPTIONS="--default-storage-engine=InnoDB --sql-mode= --innodb-strict-mode=0 --sync-frm=0 --max-connections=1000"
SUITE=$DEBS/mariadb-test-data/usr/share/mysql/mysql-test
part_mariadb() {
    MY_APPS=(roundcube icinga zabbix kea pdns radius phpmyadmin)
    : >"$T/load.log"
    check "roundcube" my_load roundcube "$DEBS/roundcube-core/$DBCONFIG/roundcube/install/mysql"
    check "icinga" my_load icinga "$DEBS/icinga2-ido-mysql/usr/share/icinga2-ido-mysql/schema/mysql.sql"
    check "zabbix, with its data and images" my_load zabbix "$DEBS"/zabbix-server-mysql/usr/share/zabbix-server-mysql/{schema,images,data}.sql.gz
    check "kea" my_load kea "$DEBS/kea-admin/usr/share/kea/scripts/mysql/dhcpdb_create.mysql"
    check "PowerDNS" my_load pdns "$DEBS/pdns-backend-mysql/usr/share/pdns-backend-mysql/schema/schema.mysql.sql"
    check "FreeRADIUS" my_load radius "$DEBS/freeradius-config/etc/freeradius/3.0/mods-config/sql/main/mysql/schema.sql"
    check "phpMyAdmin" my_load phpmyadmin "$DEBS/phpmyadmin/$DBCONFIG/phpmyadmin/install/mysql"
    my_fill "${MY_APPS[@]}"
    for name in "${MY_APPS[@]}"; do
        echo "# $name: $(my_filled "$name") % of the tables have rows"
        check "most tables of $name have rows" test "$(my_filled "$name")" -ge 70
    done
    check "tables of the test suite as files" std_data_load
    check "the suite's world and order data" my_load world "$SUITE"/include/{world_schema,world,dbt3_s001}.inc
    my_there_and_back "${MY_APPS[@]}" std_data world
}

# ---- the tables of MariaDB's own tests ----------------------------------------------------------
part_suite() {
    local tests=() loaded=() name file
    local small="gis type_bit type_float type_newdecimal type_blob type_date type_timestamp type_time type_enum type_set type_year type_varchar
        ctype_utf8mb4 ctype_latin1_de ctype_ucs ctype_utf16 ctype_gbk ctype_sjis ctype_filename func_json view sp trigger partition
        fulltext create alter_table default check_constraint column_compression foreign_key invisible_field long_unique bigint"
    local small_suites="sql_sequence/default versioning/t/create versioning/t/update versioning/t/partition period/t/create gcol/t/gcol_bugfixes
        compat/oracle/t/sp-package innodb_gis/t/geometry innodb_fts/t/fulltext innodb/t/innodb parts/t/partition_char_innodb json/t/json_table"
    for name in $small; do tests+=("$SUITE/main/$name.test"); done
    for name in $small_suites; do tests+=("$SUITE/suite/$name.test"); done
    for file in "${tests[@]}"; do
        name=$(basename "$file" .test)
        name=t_${name//[^a-z0-9_]/_}
        [[ " ${loaded[*]} " != *" $name "* ]] || name=${name}_${#loaded[@]}
        if suite_load "$name" "$file"; then loaded+=("$name"); else echo "# nothing is left of $file"; fi
    done
    echo "# $(my_sql -e "SELECT count(*) FROM information_schema.tables WHERE table_schema LIKE 't\_%'") tables and views, $(my_sql -e "SELECT count(*) FROM information_schema.routines WHERE routine_schema LIKE 't\_%'") routines of the suite"
    my_there_and_back "${loaded[@]}"
}

PARTS=" ${PARTS:-postgresql mariadb} "
[[ $PARTS != *" postgresql "* ]] || part_postgresql
if [[ $PARTS == *" mariadb "* || $PARTS == *" suite "* ]]; then
    my_start
    [[ $PARTS != *" mariadb "* ]] || part_mariadb
    [[ $PARTS != *" suite "* ]] || part_suite
    "$REHEARSE" box destroy "$BOX" >/dev/null 2>&1
    my_stop
fi
e2e_end
