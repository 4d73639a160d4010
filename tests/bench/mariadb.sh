# MariaDB: snapshot and restore against mariadb-dump, mydumper and the mariadb client.
# shellcheck shell=bash disable=SC2034

# The dominating table takes some 260 bytes a row, all tables together some 420.
my_data() {
    [ -z "${MY_DATA:-}" ] || return 0
    local rows=$((BENCH_MB * 1000000 / 420))
    MY_OPTIONS="--innodb-buffer-pool-size=1G --innodb-log-file-size=512M"
    my_start
    note "MariaDB: making $BENCH_MB MB"
    my_sql -e "CREATE DATABASE bench CHARACTER SET utf8mb4"
    sed -e "s/@ROWS@/$rows/g" -e "s/@QUARTER@/$((rows / 4))/g" "$ROOT/tests/bench/mariadb.sql" |
        my_sql bench >/dev/null || die "the data cannot be made"
    MY_DATA=$MY_SOCKET
}

my_environment() {
    my_data
    environment databases "name: bench, engine: mariadb, socket: \"$MY_DATA\", user: root, database: bench"
}

my_dump() {
    mariadb-dump --no-defaults --socket="$MY_DATA" --user=root --single-transaction bench
}

my_dump_zstd() {
    my_dump | zstd -q -T2 -o "$T/dump.zst"
}

my_mydumper() {
    mydumper --socket "$MY_DATA" --user root --database bench --threads 2 --compress --outputdir "$T/mydumper" \
        --trx-consistency-only
}

my_snapshot_clean() {
    rm -rf "$T/store" "$T/dump.zst" "$T/mydumper"
}

bench_my_snapshot_vs_mariadb_dump() {
    my_environment
    measure my-snapshot-vs-mariadb-dump our_snapshot my_dump_zstd my_snapshot_clean
}

bench_my_snapshot_vs_mydumper() {
    need mydumper
    my_environment
    measure my-snapshot-vs-mydumper our_snapshot my_mydumper my_snapshot_clean
}

bench_my_size_vs_mydumper() {
    need mydumper
    my_environment
    my_snapshot_clean
    seconds our_snapshot
    seconds my_mydumper
    report my-size-vs-mydumper "$(bytes_of "$T/store")" "$(bytes_of "$T/mydumper")" B
    my_snapshot_clean
}

# The peer's server, with MariaDB's defaults, is there already, empty and running; ours is counted from
# the bundle to a running box, the making of its server included.
my_peer_server() {
    [ -z "${MY_PEER:-}" ] || return 0
    MY_OPTIONS="--skip-log-bin --innodb-flush-log-at-trx-commit=1 --innodb-doublewrite=1 --innodb-buffer-pool-size=128M" \
        my_start my-peer
    MY_PEER=$MY_SOCKET
}

my_peer_sql() {
    mariadb --no-defaults --socket="$MY_PEER" --user=root "$@"
}

my_restore_clean() {
    drop_box
    my_peer_sql -e "DROP DATABASE IF EXISTS bench; CREATE DATABASE bench CHARACTER SET utf8mb4"
}

my_load_dump() {
    my_peer_sql bench <"$T/dump.sql"
}

my_myloader() {
    myloader --socket "$MY_PEER" --user root --directory "$T/mydumper" --threads 2 --overwrite-tables
}

# Both sides need a dump; ours comes from the same data.
my_restore_begin() {
    my_environment
    my_peer_server
    my_snapshot_clean
    seconds our_snapshot
}

bench_my_restore_vs_mariadb() {
    my_restore_begin
    my_dump >"$T/dump.sql"
    measure my-restore-vs-mariadb our_restore my_load_dump my_restore_clean
    rm -f "$T/dump.sql"
    my_snapshot_clean
}

bench_my_restore_vs_myloader() {
    need myloader
    my_restore_begin
    seconds my_mydumper
    measure my-restore-vs-myloader our_restore my_myloader my_restore_clean
    my_snapshot_clean
}
