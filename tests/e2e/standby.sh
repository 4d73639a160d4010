#!/bin/bash
# A standby of PostgreSQL and a replica of MariaDB as the source, while their primaries are written to:
# what the bundle says of its position is what it holds. What a standby cannot give is named, what
# its recovery takes away says how to mend it. --max-lag holds the readers and gives up.
# run early: waits for replicas
. "$(dirname "$0")/lib.sh"
e2e_begin standby
cd "$ROOT" || exit 1
HERE=tests/e2e/load
STORE=$T/store
BOX=$T/box
ENV=$T/env.yaml
E2E_BOXES+=("$BOX")

snapshot() {
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" "$@"
}

restored() { # TAG
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --start "$1"
}

position() { # FIELD of the last component in the journal
    jq -r "select(.event == \"snapshot.component\" and .position) | .position | $1" "$T/journal" | tail -n 1
}

held() { # the journal tells of a pause
    jq -se 'any(.[]; .event == "snapshot.lag" and .took_ms > 0 and .lag_s > .max_s)' "$T/journal"
}

# held_then NAME LET_GO...: a snapshot waits for a replica, goes on once that has caught up, and says so.
held_then() {
    local pid status
    # A replica that a primary has is known to be behind a second after it was first asked.
    snapshot --tag held --rate 1M --max-lag 1s --lag-timeout 60s --journal "$T/journal" >"$T/held" 2>&1 &
    pid=$!
    sleep 3
    kill -0 $pid 2>/dev/null || { cat "$T/held" && echo "it did not wait" && return 1; }
    "$@" || return
    wait $pid
    status=$?
    cat "$T/held"
    [ $status -eq 0 ]
}

# ---- PostgreSQL ---------------------------------------------------------------------------------
pg_environment() { # SOCKET PORT
    printf 'name: prod\ndatabases:\n  - {name: db, engine: postgresql, host: "%s", port: %s, user: %s, database: bank}\n' "$1" "$2" "$PG_ADMIN" >"$ENV"
}

pg_start primary
PRIMARY=("$PG_SOCKET_DIR" "$PG_PORT")
pg_sql -c "CREATE DATABASE bank" postgres
check "pgbench fills its tables" "$(pg_program pgbench)" -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -i -q -s 1 bank
check "so do we" pg_sql -f "$HERE/schema_postgresql.sql" bank
pg_sql -c "CREATE UNLOGGED TABLE fleeting (id int); INSERT INTO fleeting VALUES (1)" bank
STANDBY=$T/standby
mkdir "$STANDBY"
[ "$(id -u)" -ne 0 ] || chown postgres: "$STANDBY"
as postgres sh -c "echo 'local replication all trust' >>'$PG_DIR/data/pg_hba.conf'"
pg_sql -c "SELECT pg_reload_conf()" postgres >/dev/null
check "a standby is made" as postgres "$(pg_program pg_basebackup)" -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -D "$STANDBY/data" -R -X stream -c fast
STANDBY_PORT=$(free_port)
as postgres mkdir "$STANDBY/run"
as postgres tee -a "$STANDBY/data/postgresql.conf" >/dev/null <<-CONF
	port = $STANDBY_PORT
	unix_socket_directories = '$STANDBY/run'
	max_standby_streaming_delay = -1
	hot_standby_feedback = on
CONF
E2E_SIGNAL=INT e2e_start standby postgres "$(pg_program postgres)" -D "$STANDBY/data"
on_standby() {
    local PG_SOCKET_DIR=$STANDBY/run PG_PORT=$STANDBY_PORT
    pg_sql "$@"
}
wait_for 30 on_standby -c "SELECT 1" bank || die "the standby does not start"

cp "$HERE/transfer.sql" "$HERE/family.sql" "$T/" && chmod 644 "$T"/*.sql
e2e_start writers postgres "$(pg_program pgbench)" -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -n -c 2 -T 600 --rate 200 \
    -b tpcb-like@1 -f "$T/transfer.sql@1" -f "$T/family.sql@1" bank
wait_for 20 on_standby -c "SELECT 1 / (count(*) > 20)::int FROM pgbench_history" bank || die "nothing comes to the standby"

pg_environment "$STANDBY/run" "$STANDBY_PORT"
before=$(on_standby -c "SELECT pg_last_wal_replay_lsn()" bank)
check "a standby is captured while it follows" snapshot --tag standby --journal "$T/journal"
after=$(pg_sql -c "SELECT pg_current_wal_lsn()" bank)
check_has "an unlogged table is named as left out" "$(cat "$T/out")" 'rows of "public"."fleeting"'
check_same "the bundle says that it is a standby's" "$(position .standby)" true
check_same "the position is what the standby had applied" \
    "$(pg_sql -c "SELECT '$(position .lsn)'::pg_lsn BETWEEN '$before' AND '$after'" bank)" t
check "restore" restored standby
# shellcheck disable=SC2016
read -r host port user < <("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET $BOX_DB_DB_PORT $BOX_DB_DB_USER"')
check_same "it is one instant of the primary" "$(psql -XqAt -h "$host" -p "$port" -U "$user" -f "$HERE/invariants_postgresql.sql" bank)" "t|t|t|t|t|t|t|t"
check_same "the unlogged table is there, and empty" "$(psql -XqAt -h "$host" -p "$port" -U "$user" -c "SELECT count(*) FROM fleeting" bank)" 0

on_standby -c "SELECT pg_wal_replay_pause()" bank
sleep 2
check_status "a standby that stays behind is given up" 20 snapshot --max-lag 1s --lag-timeout 2s
check_has "which one, and by how much" "$(cat "$T/out")" "'postgresql.db' is "
: >"$T/journal" && rm "$T/journal"
check "a standby that catches up is waited for" held_then on_standby -c "SELECT pg_wal_replay_resume()" bank
check "the journal says for how long" held
# Neither does a standby that has applied all it got follow a primary that it does not hear.
CONNINFO=$(on_standby -c "SHOW primary_conninfo" bank)
hears() { # CONNINFO
    on_standby -c "ALTER SYSTEM SET primary_conninfo = '${1//\'/\'\'}'" -c "SELECT pg_reload_conf()" bank >/dev/null
}
gone() { # a standby's receiver is
    wait_for 20 on_standby -c "SELECT 1 / (count(*) = 0)::int FROM pg_stat_wal_receiver" bank
}
cut_off() {
    hears "host=127.0.0.1 port=1" && gone
}
check "a standby is cut off" cut_off
sleep 2
check_status "a standby that is cut off is given up" 20 snapshot --max-lag 1s --lag-timeout 2s
hears "$CONNINFO"
back() { # it is there again
    wait_for 30 on_standby -c "SELECT 1 / (count(*) > 0)::int FROM pg_stat_wal_receiver WHERE status = 'streaming'" bank
}
back || die "the standby does not come back"
pg_environment "${PRIMARY[@]}"
on_standby -c "SELECT pg_wal_replay_pause()" bank
# Recovery that is paused begins no new receiver.
gone_while_behind() {
    (sleep 3; pg_sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_replication" postgres >/dev/null; gone) &
    snapshot --rate 1M --max-lag 1s --lag-timeout 8s
    local status=$?
    wait $! || return 1
    return $status
}
check_status "a primary's replica that goes while it is behind is given up" 20 gone_while_behind
on_standby -c "SELECT pg_wal_replay_resume()" bank
back || die "the standby does not follow again"
on_standby -c "SELECT pg_wal_replay_pause()" bank
check_status "a primary's replica that stays behind is given up" 20 snapshot --rate 1M --max-lag 1s --lag-timeout 3s
rm "$T/journal"
check "a primary's replica that catches up is waited for" held_then on_standby -c "SELECT pg_wal_replay_resume()" bank
check "the journal says that too" held
check_same "and what was asked for" "$(jq -c 'select(.event == "snapshot.done") | [.max_lag_s, .lag_s >= 1, .held_ms > 0, .jobs > 0, .rate]' "$T/journal")" '[1,true,true,true,1048576]'
pg_sql -c "CREATE ROLE plain LOGIN; GRANT pg_read_all_data TO plain" postgres
sed -i 's/user: [a-z]*/user: plain/' "$ENV"
check_status "an account that cannot see the replicas" 14 snapshot --max-lag 1s
check_has "what it lacks" "$(cat "$T/out")" "GRANT pg_monitor"

# ---- what recovery takes away -------------------------------------------------------------------
pg_environment "$STANDBY/run" "$STANDBY_PORT"
e2e_stop writers
set_standby() { # SETTINGS
    local setting
    for setting in "$@"; do on_standby -c "ALTER SYSTEM SET $setting" postgres || return; done
    on_standby -c "SELECT pg_reload_conf()" postgres
    sleep 2
}
set_standby "hot_standby_feedback = off" >/dev/null
conflict() { # REST OPTIONS...: rows of that rest are taken away while they are read
    local status pid rest=$1
    shift
    snapshot --rate 1M "$@" >"$T/conflict" 2>&1 &
    pid=$!
    wait_for 10 on_standby -c "SELECT 1 / count(*) FROM pg_locks WHERE relation = 'purses'::regclass" bank
    pg_sql -c "DELETE FROM pgbench_accounts WHERE aid % 10 = $rest" bank
    pg_sql -c "VACUUM pgbench_accounts" bank
    wait $pid
    status=$?
    cat "$T/conflict"
    return $status
}
check_status "recovery that waits for the snapshot ends it under --max-lag" 20 conflict 3 --max-lag 1s
check_has "with what mends that" "$(cat "$T/out")" "hot_standby_feedback = on"
set_standby "max_standby_streaming_delay = 0" >/dev/null
check_status "recovery that takes rows away ends the snapshot" 20 conflict 7
check_has "with what mends it" "$(cat "$T/out")" "max_standby_streaming_delay"
"$REHEARSE" box destroy "$BOX" >/dev/null 2>&1
pg_stop standby
pg_stop primary

# ---- MariaDB ------------------------------------------------------------------------------------
my_environment() { # SOCKET
    printf 'name: prod\ndatabases:\n  - {name: db, engine: mariadb, socket: "%s", user: root, database: bank}\n' "$1" >"$ENV"
}

MY_OPTIONS="--binlog-format=row" my_start primary
PRIMARY_SOCKET=$MY_SOCKET PRIMARY_PORT=$MY_PORT
on_primary() {
    local MY_SOCKET=$PRIMARY_SOCKET
    my_sql "$@"
}
MY_OPTIONS="--server-id=2" my_start replica
my_sql -e "CHANGE MASTER TO master_host = '127.0.0.1', master_port = $PRIMARY_PORT, master_user = 'repl', master_password = 'x', master_use_gtid = slave_pos,
    master_connect_retry = 1; START SLAVE"
on_primary -e "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'x'; GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'; CREATE DATABASE bank"
on_primary bank -e "CREATE TABLE ticks (id bigint AUTO_INCREMENT PRIMARY KEY, at timestamp(6) NOT NULL DEFAULT current_timestamp(6)) ENGINE=InnoDB;
    CREATE TABLE gone_by (pad char(200)) ENGINE=InnoDB; INSERT INTO gone_by SELECT repeat('x', 200) FROM seq_1_to_20000"
# One row is one transaction is one number of the GTID.
BASE=$(on_primary -e "SELECT substring_index(@@gtid_binlog_pos, '-', -1)")
tick() {
    while [ -e "$T/ticking" ]; do echo "INSERT INTO ticks () VALUES ();"; sleep 0.005; done | on_primary bank
}
touch "$T/ticking"
tick &
TICKER=$!
wait_for 30 my_sql bank -e "SELECT 1 FROM ticks WHERE id > 50 LIMIT 1; SELECT 1 / (SELECT count(*) > 0 FROM ticks) INTO @x" || die "the replica does not follow"
sleep 2
my_environment "$MY_SOCKET"
rm -f "$T/journal"
check "a replica is captured while it follows" snapshot --tag replica --journal "$T/journal" --max-lag 60s
check "restore of it" restored replica
# shellcheck disable=SC2016
ROWS=$(mariadb --no-defaults -BN --user=root --socket="$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET"')" bank -e "SELECT count(*) FROM ticks")
check_same "the position in the primary's log is what the rows say" "$(position .replica_gtid)" "0-1-$((BASE + ROWS))"
check "there were rows" test "$ROWS" -gt 50
check_same "the primary, its file and its place in it are named" \
    "$(position '.replicates[0] | [.source, (.file | startswith("binlog.")), .pos > 4] | tojson')" "[\"127.0.0.1:$PRIMARY_PORT\",true,true]"

delay() { # SECONDS
    my_sql -e "STOP SLAVE; CHANGE MASTER TO master_delay = $1; START SLAVE"
}
delay 300
sleep 3
check_status "a replica that stays behind is given up" 20 snapshot --max-lag 1s --lag-timeout 2s
check_has "which replica, and by how much" "$(cat "$T/out")" "'mariadb.db' is "
rm "$T/journal"
check "a replica that catches up is waited for" held_then delay 0
check "the journal says for how long it was" held
my_sql -e "STOP SLAVE SQL_THREAD"
check_status "a replica that applies nothing is refused" 19 snapshot --max-lag 60s
check_has "with the mend" "$(cat "$T/out")" "START SLAVE"
my_sql -e "START SLAVE"
my_sql -e "CREATE USER plain@localhost; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON bank.* TO plain@localhost; GRANT SELECT ON mysql.proc TO plain@localhost; GRANT RELOAD ON *.* TO plain@localhost"
sed -i 's/user: [a-z]*/user: plain/' "$ENV"
check_status "an account that may not ask a replica" 14 snapshot --max-lag 1s
check_has "what that lacks" "$(cat "$T/out")" "SLAVE MONITOR"
check "without --max-lag it needs no such right" snapshot
my_environment "$PRIMARY_SOCKET"
check_status "a primary that cannot say it is refused" 24 snapshot --max-lag 1s
check_has "and the replica recommended" "$(cat "$T/out")" "capture one of the replicas"
rm "$T/ticking"
wait "$TICKER" 2>/dev/null
check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
