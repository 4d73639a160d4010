# PostgreSQL: snapshot and restore against pg_dump, pg_restore and pgcopydb, and against the least that
# a server can spend on giving its rows.
# shellcheck shell=bash disable=SC2034

# All tables together take some 525 bytes for each row of the dominating one.
pg_data() {
    [ -z "${PG_DATA:-}" ] || return 0
    local rows=$((BENCH_MB * 1000000 / 525))
    pg_start
    note "PostgreSQL: making $BENCH_MB MB"
    pg_sql -c "CREATE DATABASE bench" postgres
    pg_sql -v rows="$rows" -f "$ROOT/tests/bench/postgresql.sql" bench >/dev/null ||
        die "the data cannot be made"
    PG_DATA=$PG_SOCKET_DIR
    PG_DATA_PORT=$PG_PORT
}

pg_environment() {
    pg_data
    environment databases "name: bench, engine: postgresql, host: \"$PG_DATA\", port: $PG_DATA_PORT, user: postgres, database: bench"
}

pg_query() {
    psql -Xqt -v ON_ERROR_STOP=1 -h "$PG_DATA" -p "$PG_DATA_PORT" -U postgres "$@" bench
}

pg_dump_with() {
    "$(pg_program pg_dump)" -h "$PG_DATA" -p "$PG_DATA_PORT" -U postgres -Fd -j2 "$@" -f "$T/pg_dump" bench
}

pg_dump_default() {
    pg_dump_with
}

pg_dump_plain() {
    pg_dump_with -Z0
}

pg_snapshot_clean() {
    rm -rf "$T/store" "$T/pg_dump"
}

bench_pg_snapshot_vs_pg_dump() {
    pg_environment
    measure pg-snapshot-vs-pg_dump our_snapshot pg_dump_default pg_snapshot_clean
}

bench_pg_snapshot_vs_pg_dump_Z0() {
    pg_environment
    measure pg-snapshot-vs-pg_dump-Z0 our_snapshot pg_dump_plain pg_snapshot_clean
}

# Half of each large table, by blocks, is what one session reads.
pg_floor_half() { # OPERATOR
    local table blocks copies=()
    for table in orders customers items sessions; do
        blocks=$(pg_query -c "SELECT pg_relation_size('$table') / 8192 / 2") || return 1
        copies+=(-c "COPY (SELECT * FROM $table WHERE ctid $1 '($blocks,0)') TO '/dev/null'")
    done
    pg_query "${copies[@]}"
}

pg_floor() {
    pg_floor_half '<' &
    local other=$! status=0
    pg_floor_half '>=' || status=1
    wait "$other" && return "$status"
}

# How far we are from what no dump can undercut: the server's own work, nothing sent nor stored.
bench_pg_snapshot_vs_floor() {
    pg_environment
    measure pg-snapshot-vs-floor our_snapshot pg_floor pg_snapshot_clean
}

bench_pg_size_vs_pg_dump() {
    pg_environment
    pg_snapshot_clean
    seconds our_snapshot
    seconds pg_dump_default
    report pg-size-vs-pg_dump "$(bytes_of "$T/store")" "$(bytes_of "$T/pg_dump")" B
    pg_snapshot_clean
}

# The peers' servers are there already, empty and running, and stay as they are; ours is counted from
# the bundle to a running, analysed box: the making of its server, its restart under normal settings and
# the sync that makes it durable are in our time only.
# pg_peer_server NAME SETTING...
declare -p PG_PEER_PORTS >/dev/null 2>&1 || declare -A PG_PEER_PORTS=() PG_PEER_DIRS=()
pg_peer_server() {
    local name=$1 setting args=()
    shift
    if [ -z "${PG_PEER_PORTS[$name]:-}" ]; then
        pg_start "$name"
        for setting in "$@"; do
            args+=(-c "ALTER SYSTEM SET $setting")
        done
        pg_sql "${args[@]}" postgres >/dev/null || die "the peer's settings are refused"
        pg_stop "$name"
        E2E_SIGNAL=INT e2e_start "$name" postgres "$(pg_program postgres)" -D "$PG_DIR/data"
        wait_for 30 pg_sql -c 'SELECT 1' postgres || die "PostgreSQL does not start again"
        PG_PEER_PORTS[$name]=$PG_PORT
        PG_PEER_DIRS[$name]=$PG_SOCKET_DIR
    fi
    PG_PEER=${PG_PEER_DIRS[$name]}
    PG_PEER_PORT=${PG_PEER_PORTS[$name]}
}
pg_default_server() {
    pg_peer_server pg-default 'fsync = on' 'synchronous_commit = on' 'full_page_writes = on' \
        "max_wal_size = '1GB'"
}

# memory_share DIVISOR MIN MAX: in MB, as lib/box/server_pg.c reckons.
memory_share() {
    awk -v d="$1" -v min="$2" -v max="$3" '/^MemTotal/ { mb = int($2 / 1024 / d)
        print (mb < min ? min : mb > max ? max : mb) }' /proc/meminfo
}

# What a box of ours has while it is loaded.
pg_tuned_server() {
    pg_peer_server pg-tuned "shared_buffers = '$(memory_share 32 128 512)MB'" \
        "maintenance_work_mem = '$(memory_share 16 64 1024)MB'" 'wal_level = minimal' \
        'max_wal_senders = 0' "max_wal_size = '16GB'" "checkpoint_timeout = '1h'" \
        'autovacuum = off' 'jit = off'
}

pg_restore_clean() {
    drop_box
    rm -rf "$T/pgcopydb"
    PGOPTIONS=--client-min-messages=warning psql -Xq -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres \
        -c "DROP DATABASE IF EXISTS bench" -c "CREATE DATABASE bench" postgres
}

pg_restore_peer() {
    "$(pg_program pg_restore)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -j2 -d bench "$T/pg_dump" &&
        "$(pg_program vacuumdb)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -Z -j2 -q bench
}

# Both from what they stored before.
pg_restore_bench() { # NAME
    pg_snapshot_clean
    seconds our_snapshot
    seconds pg_dump_default
    measure "$1" our_restore pg_restore_peer pg_restore_clean
    pg_snapshot_clean
}

bench_pg_restore_vs_pg_restore() {
    pg_environment
    pg_default_server
    pg_restore_bench pg-restore-vs-pg_restore
}

bench_pg_restore_vs_pg_restore_tuned() {
    pg_environment
    pg_tuned_server
    pg_restore_bench pg-restore-vs-pg_restore-tuned
}

# The least that a server spends on taking the same rows: two sessions read them from files of its own
# format, the dominating table in one, all others in the other, behind a TRUNCATE that saves the log;
# then two build indexes and keys, and two analyse. No client, no decompression, no proof.
PG_FLOOR_OTHERS="articles customers items sessions"
pg_floor_files() {
    local table
    install -d -o postgres "$T/rows"
    for table in orders $PG_FLOOR_OTHERS; do
        pg_query -c "COPY $table TO '$T/rows/$table' (FORMAT binary)" || return 1
    done
    pg_dump_with -Z0
}

pg_floor_psql() {
    psql -Xq -v ON_ERROR_STOP=1 -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -d bench "$@"
}

pg_floor_load() { # TABLE...
    local table
    for table; do
        pg_floor_psql -1 -c "TRUNCATE $table" \
            -c "COPY $table FROM '$T/rows/$table' (FORMAT binary, FREEZE)" || return 1
    done
}

pg_floor_section() {
    "$(pg_program pg_restore)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -d bench "$@" "$T/pg_dump"
}

pg_restore_floor() {
    pg_floor_section --section=pre-data || return 1
    # shellcheck disable=SC2086 # a list
    pg_floor_load $PG_FLOOR_OTHERS &
    local other=$! status=0
    pg_floor_load orders || status=1
    wait "$other" || status=1
    pg_floor_section -j2 --section=post-data || status=1
    "$(pg_program vacuumdb)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -Z -j2 -q bench || status=1
    return "$status"
}

bench_pg_restore_vs_floor() {
    pg_environment
    pg_tuned_server
    pg_snapshot_clean
    seconds our_snapshot
    seconds pg_floor_files
    measure pg-restore-vs-floor our_restore pg_restore_floor pg_restore_clean
    pg_snapshot_clean
    rm -rf "$T/rows"
}

# From one server to the other, nothing kept: for us a snapshot and a restore.
pg_clone_ours() {
    our_snapshot && our_restore
}

pg_clone_peer() {
    pgcopydb clone --table-jobs 2 --index-jobs 2 --dir "$T/pgcopydb" \
        --source "host=$PG_DATA port=$PG_DATA_PORT user=postgres dbname=bench" \
        --target "host=$PG_PEER port=$PG_PEER_PORT user=postgres dbname=bench"
}

pg_clone_clean() {
    pg_restore_clean
    pg_snapshot_clean
}

bench_pg_clone_vs_pgcopydb() {
    need pgcopydb
    pg_environment
    pg_tuned_server
    measure pg-clone-vs-pgcopydb pg_clone_ours pg_clone_peer pg_clone_clean
}
