# MariaDB: snapshot and restore against mariadb-dump, mydumper and the mariadb client.
#
# At BENCH_MB=2000 and BENCH_RUNS=2 all lines take some twenty minutes on two cores and 12 GB of disk.
# shellcheck shell=bash disable=SC2034

# Expressions for a random word, and a clause of five.
my_words() {
    sed -e 's/@CLAUSE@/@ADJECTIVE@, " ", @NOUN@, " ", @VERB@, " the ", @ADJECTIVE@, " ", @NOUN@/g' \
        -e "s/@ADVERB@/elt(1 + floor(rand() * 12), 'quickly', 'slowly', 'carefully', 'finally', 'quietly', 'boldly', 'evenly', 'always', 'rarely', 'often', 'never', 'soon')/g" \
        -e "s/@ADJECTIVE@/elt(1 + floor(rand() * 24), 'special', 'pending', 'unusual', 'express', 'regular', 'final', 'ironic', 'even', 'bold', 'silent', 'large', 'fragile', 'heavy', 'green', 'wooden', 'late', 'spare', 'second', 'old', 'new', 'open', 'small', 'broken', 'returned')/g" \
        -e "s/@NOUN@/elt(1 + floor(rand() * 32), 'packages', 'requests', 'accounts', 'deposits', 'neighbours', 'letters', 'gifts', 'theodolites', 'pinto beans', 'instructions', 'dependencies', 'excuses', 'platelets', 'asymptotes', 'courts', 'dolphins', 'tables', 'lamps', 'chairs', 'doors', 'invoices', 'parcels', 'drivers', 'garages', 'gardens', 'bells', 'keys', 'stairs', 'windows', 'ideas', 'patterns', 'forges')/g" \
        -e "s/@VERB@/elt(1 + floor(rand() * 24), 'sleep', 'wake', 'are', 'cajole', 'haggle', 'nag', 'use', 'boost', 'affix', 'detect', 'integrate', 'ring at', 'leave with', 'deliver to', 'wait for', 'ask', 'call', 'unwind', 'was', 'lose', 'solve', 'print', 'play', 'doze near')/g"
}

# At least 1 GB, or half as much again as the data, at most a third of the memory.
my_pool_mb() {
    awk -v mb="$BENCH_MB" '/^MemTotal/ { pool = mb * 1.5; if (pool < 1024) pool = 1024
        if (pool > $2 / 3072) pool = $2 / 3072; printf "%d\n", pool; exit }' /proc/meminfo
}

# All tables together take some 525 bytes for each row of the dominating one.
my_data() {
    [ -z "${MY_DATA:-}" ] || return 0
    local rows=$((BENCH_MB * 1000000 / 525))
    MY_OPTIONS="--innodb-buffer-pool-size=$(my_pool_mb)M --innodb-log-file-size=1G --innodb-sort-buffer-size=64M"
    my_start
    note "MariaDB: making $BENCH_MB MB"
    my_sql -e "CREATE DATABASE bench CHARACTER SET utf8mb4"
    my_words <"$ROOT/tests/bench/mariadb.sql" | sed -e "s/@ROWS@/$rows/g" -e "s/@QUARTER@/$((rows / 4))/g" |
        my_sql bench >/dev/null || die "the data cannot be made"
    MY_DATA=$MY_SOCKET
}

my_environment() {
    my_data
    environment databases "name: bench, engine: mariadb, socket: \"$MY_DATA\", user: root, database: bench"
}

# ---- snapshot -------------------------------------------------------------------------------------
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

# What other lines made of the same data is used again; it lies apart from the stores of other engines.
my_have_store() {
    [ ! -e "$T/my-store" ] || return 0
    my_snapshot_clean
    seconds our_snapshot
    mv "$T/store" "$T/my-store"
}

my_have_mydumper() {
    [ -e "$T/mydumper" ] || seconds my_mydumper
}

bench_my_size_vs_mydumper() {
    need mydumper
    my_environment
    my_have_store
    my_have_mydumper
    report my-size-vs-mydumper "$(bytes_of "$T/my-store")" "$(bytes_of "$T/mydumper")" B
}

# ---- restore --------------------------------------------------------------------------------------
# The peer's server is there already, empty and running, under the settings of a box that is being
# loaded (lib/box/server_my.c); ours is counted from the bundle to a running box under production's
# settings: the making of its server, its restart and ANALYZE included.
my_peer_options() {
    awk '/^MemTotal/ { pool = $2 / 8192; if (pool > 4096) pool = 4096; if (pool < 128) pool = 128
        printf "--innodb-buffer-pool-size=%dM", pool; exit }' /proc/meminfo
    echo " --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-log-file-size=1G" \
        "--debug-no-sync --innodb-max-dirty-pages-pct=5 --innodb-io-capacity=20000 --innodb-io-capacity-max=40000" \
        "--innodb-sort-buffer-size=64M --innodb-adaptive-hash-index=0 --innodb-autoinc-lock-mode=2" \
        "--max-allowed-packet=1G"
}

my_peer_server() {
    [ -z "${MY_PEER:-}" ] || return 0
    MY_OPTIONS="--skip-log-bin $(my_peer_options)"
    note "MariaDB: the peers' server has $MY_OPTIONS"
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

my_restore() {
    "$REHEARSE" restore --quiet --from "$T/my-store" --into "$T/box" --no-pristine --start bench
}

my_load_dump() {
    my_peer_sql bench <"$T/dump.sql"
}

my_myloader() {
    myloader --socket "$MY_PEER" --user root --directory "$T/mydumper" --threads 2 --overwrite-tables
}

bench_my_restore_vs_mariadb() {
    my_environment
    my_peer_server
    my_have_store
    my_dump >"$T/dump.sql"
    measure my-restore-vs-mariadb my_restore my_load_dump my_restore_clean
    rm -f "$T/dump.sql"
}

bench_my_restore_vs_myloader() {
    need myloader
    my_environment
    my_peer_server
    my_have_store
    my_have_mydumper
    measure my-restore-vs-myloader my_restore my_myloader my_restore_clean
}
