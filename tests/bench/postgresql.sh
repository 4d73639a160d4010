# PostgreSQL: snapshot and restore against pg_dump and pg_restore.
# shellcheck shell=bash disable=SC2034

# The dominating table takes some 330 bytes a row, all tables together some 480.
pg_data() {
    [ -z "${PG_DATA:-}" ] || return 0
    local rows=$((BENCH_MB * 1000000 / 480))
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

bench_pg_size_vs_pg_dump() {
    pg_environment
    pg_snapshot_clean
    seconds our_snapshot
    seconds pg_dump_default
    report pg-size-vs-pg_dump "$(bytes_of "$T/store")" "$(bytes_of "$T/pg_dump")" B
    pg_snapshot_clean
}

# The peer's server, with PostgreSQL's defaults, is there already, empty and running; ours is counted
# from the bundle to a running, analysed box, the making of its server included.
pg_peer_server() {
    [ -z "${PG_PEER:-}" ] || return 0
    pg_start pg-peer
    pg_sql -c "ALTER SYSTEM SET fsync = on" -c "ALTER SYSTEM SET synchronous_commit = on" \
        -c "ALTER SYSTEM SET full_page_writes = on" -c "ALTER SYSTEM SET max_wal_size = '1GB'" \
        -c "SELECT pg_reload_conf()" postgres >/dev/null || die "the peer's settings are refused"
    PG_PEER=$PG_SOCKET_DIR
    PG_PEER_PORT=$PG_PORT
}

pg_restore_clean() {
    drop_box
    PGOPTIONS=--client-min-messages=warning psql -Xq -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -c "DROP DATABASE IF EXISTS bench" \
        -c "CREATE DATABASE bench" postgres
}

pg_restore_peer() {
    "$(pg_program pg_restore)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -j2 -d bench "$T/pg_dump" &&
        "$(pg_program vacuumdb)" -h "$PG_PEER" -p "$PG_PEER_PORT" -U postgres -Z -j2 -q bench
}

bench_pg_restore_vs_pg_restore() {
    pg_environment
    pg_peer_server
    pg_snapshot_clean
    seconds our_snapshot
    seconds pg_dump_default
    measure pg-restore-vs-pg_restore our_restore pg_restore_peer pg_restore_clean
    pg_snapshot_clean
}
