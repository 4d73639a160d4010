#!/bin/bash
# A box's servers run under production's settings: taken over, overruled, refused, and compared.
. "$(dirname "$0")/lib.sh"
e2e_begin settings
MY_OPTIONS="--sql-mode=ANSI_QUOTES,STRICT_TRANS_TABLES,PIPES_AS_CONCAT --default-time-zone=+02:00
    --lower-case-table-names=1 --group-concat-max-len=4321 --ft-min-word-len=3
    --character-set-server=latin1 --collation-server=latin1_german2_ci
    --optimizer-switch=index_merge=off"
shop_need_build
pg_start
my_start
STORE=$T/store
BOX=$T/boxes/one
E2E_BOXES+=("$BOX" "$T/boxes/two")
mkdir "$T/boxes"

pg_sql postgres <<'SQL'
ALTER SYSTEM SET statement_timeout = '7s';
ALTER SYSTEM SET random_page_cost = 1.25;
ALTER SYSTEM SET work_mem = '6MB';
ALTER SYSTEM SET timezone = 'Europe/Berlin';
ALTER SYSTEM SET search_path = "$user", public, "it's \ odd";
ALTER SYSTEM SET enable_mergejoin = off;
CREATE ROLE dba SUPERUSER LOGIN;
ALTER ROLE dba SET lock_timeout = '99s';
SELECT pg_reload_conf() \g /dev/null
CREATE DATABASE shop;
SQL
pg_sql -c 'CREATE TABLE t (i int); INSERT INTO t SELECT generate_series(1, 10)' shop
my_sql -e 'CREATE DATABASE catalog; CREATE DATABASE stock; CREATE TABLE catalog.Articles (i int, b varchar(10))'

cat >"$T/production.yaml" <<YAML
name: shop
production: true
databases:
  - {name: shop, engine: postgresql, host: $PG_SOCKET_DIR, port: $PG_PORT, user: dba, database: shop}
  - {name: catalog, engine: mariadb, socket: $MY_SOCKET, user: root, database: catalog}
  - {name: stock, engine: mariadb, socket: $MY_SOCKET, user: root, database: stock}
YAML

show() { # BOX NAME
    "$REHEARSE" box exec "$1" -- psql -XAtc "SHOW $2" postgres
}
global() { # BOX NAME
    "$REHEARSE" box exec "$1" -- mariadb --no-defaults -N -u root -e "SELECT @@global.$2"
}

check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/production.yaml" --to "$STORE"
check "it is restored and started" "$REHEARSE" restore --from "$STORE" --into "$BOX" --start
check_same "statement_timeout, in its unit" "$(show "$BOX" statement_timeout)" 7s
check_same "random_page_cost" "$(show "$BOX" random_page_cost)" 1.25
check_same "work_mem, in its unit" "$(show "$BOX" work_mem)" 6MB
check_same "the time zone" "$(show "$BOX" timezone)" Europe/Berlin
check_same "a search_path with quotes" "$(show "$BOX" search_path)" "$(pg_sql -c 'SHOW search_path' shop)"
check_same "a planner's switch" "$(show "$BOX" enable_mergejoin)" off
check_same "what the capturing role has is not the server's" \
    "$("$REHEARSE" box exec "$BOX" -- psql -XAt -U postgres -c 'SHOW lock_timeout' postgres)" 0
for name in sql_mode time_zone lower_case_table_names group_concat_max_len ft_min_word_len \
    character_set_server collation_server optimizer_switch tx_isolation max_allowed_packet; do
    check_same "$name" "$(global "$BOX" $name)" "$(my_sql -e "SELECT @@global.$name")"
done
check_same "no option was unknown" "$(grep -c "unknown variable\|unknown option" "$BOX"/my.*/server.log)" 0
check "it stops" "$REHEARSE" box stop "$BOX"

# ---- overruled by the environment file --------------------------------------------------------
sed '$a box:\n  postgresql: {statement_timeout: 1s}\n  mariadb: {default-time-zone: "+01:00", max_connections: "33"}' \
    "$T/production.yaml" >"$T/own.yaml"
check "the environment has settings of its own" \
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --env "$T/own.yaml" --start
check_same "they win on PostgreSQL" "$(show "$BOX" statement_timeout)" 1s
check_same "they win on MariaDB, however they are written" "$(global "$BOX" time_zone)" +01:00
check_same "and stand beside production's" "$(global "$BOX" group_concat_max_len),$(global "$BOX" max_connections)" 4321,33
check "it stops again" "$REHEARSE" box stop "$BOX"

# ---- refused -----------------------------------------------------------------------------------
refused() { # NAME SETTINGS WANTED...
    local name=$1 wanted
    sed "\$a box:\n  $2" "$T/production.yaml" >"$T/bad.yaml"
    shift 2
    check_status "$name is refused" 19 \
        "$REHEARSE" restore --from "$STORE" --into "$T/boxes/two" --replace --env "$T/bad.yaml"
    for wanted in "$@"; do
        check_has "and told: $wanted" "$(cat "$T/out")" "$wanted"
    done
}
refused "a zone that is none" 'postgresql: {timezone: Mars/Phobos}' timezone Mars/Phobos \
    "mend 'timezone' in box.postgresql of the environment file"
refused "an unknown parameter" 'postgresql: {statement_timeot: 1s}' statement_timeot
refused "a mode that is none" 'mariadb: {sql_mode: NONSENSE}' sql_mode "mend 'sql_mode' in box.mariadb"
refused "an unknown option" 'mariadb: {sql-moode: ANSI}' sql-moode

# As if production's server had let it pass.
production_had() { # ENGINE NAME VALUE
    jq --arg e "$1" --arg n "$2" --arg v "$3" \
        '(.servers[] | select(.engine == $e) | .settings[$n]) = $v' "$BOX/box.json" >"$T/box.json" &&
        cat "$T/box.json" >"$BOX/box.json"
}
cp "$BOX/box.json" "$T/box.json.good"
production_had mariadb sql_mode NONSENSE
check_status "what production has and this server refuses" 19 "$REHEARSE" box start "$BOX"
check_has "is told by the server's words" "$(cat "$T/out")" "Error while setting value 'NONSENSE' to 'sql_mode'"
check_has "with the mend" "$(cat "$T/out")" "set 'sql_mode' in box.mariadb of the environment file, over production's"
# They come up side by side: what was on its way goes down again.
check_status "and leaves no server behind" 1 pgrep -f -- "$BOX/"
cp "$T/box.json.good" "$BOX/box.json"
production_had postgresql random_page_cost cheap
check_status "on PostgreSQL too" 19 "$REHEARSE" box start "$BOX"
check_has "is told before the FATAL" "$(cat "$T/out")" 'invalid value for parameter "random_page_cost"'
check_status "and leaves none either" 1 pgrep -f -- "$BOX/"
cp "$T/box.json.good" "$BOX/box.json"
production_had postgresql statement_timeout "1s
listen_addresses = '*'"
check "a value of two lines is left out" "$REHEARSE" box start "$BOX"
check_same "and sets nothing" "$(show "$BOX" listen_addresses)" 127.0.0.1
check "it stops once more" "$REHEARSE" box stop "$BOX"

# ---- what a new server cannot be told ----------------------------------------------------------
my_stop
MY_OPTIONS="$MY_OPTIONS --default-storage-engine=Aria" my_start my2
my_sql -e 'CREATE DATABASE catalog; CREATE DATABASE stock' &&
    mariadb-tzinfo-to-sql /usr/share/zoneinfo 2>/dev/null | my_sql mysql >/dev/null 2>&1
my_sql -e "SET GLOBAL time_zone = 'Europe/Berlin'"
sed "s|socket: [^,]*|socket: $MY_SOCKET|" "$T/production.yaml" >"$T/zones.yaml"
check "a production with a named zone is captured" "$REHEARSE" snapshot --env "$T/zones.yaml" --to "$STORE"
check "a zone whose tables are not there keeps nothing from starting" \
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --start
check_same "it stays the box's own" "$(global "$BOX" time_zone)" SYSTEM
e2e_end
