#!/bin/bash
# How many sessions a snapshot, a restore and a proof open where there are many databases: one for each
# of PostgreSQL's and a few per job, none per database and job. The servers let in fewer than that.
# SESSIONS_DATABASES: so many databases of each engine, whose servers keep their default limits from 40
# on.
. "$(dirname "$0")/lib.sh"
e2e_begin sessions

COUNT=${SESSIONS_DATABASES:-12}
JOBS=4
LIMIT=$((COUNT + 3 * JOBS + 6))
[ "$COUNT" -lt 40 ] || LIMIT=0
pg_start
[ "$LIMIT" = 0 ] || pg_sql postgres -c "ALTER SYSTEM SET max_connections = $LIMIT"
pg_sql postgres -c 'ALTER SYSTEM SET log_connections = on' -c 'ALTER SYSTEM SET log_disconnections = on'
pg_stop
E2E_SIGNAL=INT e2e_start pg postgres "$(pg_program postgres)" -D "$PG_DIR/data"
wait_for 30 pg_sql -c 'SELECT 1' postgres || die "PostgreSQL does not start again"
MY_OPTIONS="--max-connections=$([ "$LIMIT" = 0 ] && echo 151 || echo "$LIMIT")" my_start

fill_pg() {
    local i
    pg_sql postgres -c 'CREATE DATABASE d1' || return
    pg_sql d1 -c 'CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int); CREATE TABLE c (t text)' \
        -c "INSERT INTO a SELECT g, md5(g::text) FROM generate_series(1, 500) g; INSERT INTO b SELECT 1" || return
    for ((i = 2; i <= COUNT; i++)); do
        pg_sql postgres -c "CREATE DATABASE d$i TEMPLATE d1" || return
    done
}
fill_my() {
    local i
    for ((i = 1; i <= COUNT; i++)); do
        echo "CREATE DATABASE d$i; CREATE TABLE d$i.a (id INT PRIMARY KEY, v TEXT); CREATE TABLE d$i.b (id INT) ENGINE=MyISAM;
              INSERT INTO d$i.a SELECT seq, MD5(seq + $i) FROM mysql.seq_1_to_500; INSERT INTO d$i.b VALUES ($i);"
    done | my_sql
}
fill_pg || die "cannot fill PostgreSQL"
fill_my || die "cannot fill MariaDB"
my_sql -e "CREATE TABLE d1.w (n BIGINT); INSERT INTO d1.w VALUES (0); CREATE TABLE d$COUNT.w AS SELECT * FROM d1.w"

# env_of FILE USER ENGINE: all databases of it.
env_of() {
    local i
    printf 'name: many\ndatabases:\n' >"$1"
    for ((i = 1; i <= COUNT; i++)); do
        if [ "$3" = postgresql ]; then
            echo "  - {name: d$i, engine: postgresql, host: \"$PG_SOCKET_DIR\", port: $PG_PORT, user: $2, database: d$i}"
        else
            echo "  - {name: d$i, engine: mariadb, socket: \"$MY_SOCKET\", user: $2, database: d$i}"
        fi
    done >>"$1"
}
env_of "$T/pg.yaml" "$PG_ADMIN" postgresql
env_of "$T/my.yaml" root mariadb

# Sessions of others, which stay.
others() {
    local i
    for i in 1 2 3; do
        e2e_start other "$(id -un)" psql -X -q -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -c 'SELECT pg_sleep(600)' postgres
        e2e_start other "$(id -un)" mariadb --no-defaults --socket="$MY_SOCKET" --user=root -e 'SELECT SLEEP(600)'
    done
}
pg_open() {
    pg_sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
}

# most_pg COMMAND...: its status; $MOST is the most sessions that were open at once, by the server's log
# of who came and who went.
most_pg() {
    local status from
    from=$(wc -l <"$T/log/pg.log")
    "$@"
    status=$?
    MOST=$(tail -n +$((from + 1)) "$T/log/pg.log" | awk '/connection authorized:/ {n++} /disconnection:/ {n--} n > most {most = n} END {print most + 0}')
    return $status
}
most_my() {
    local status before
    before=$(my_sql -e "FLUSH STATUS; SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'THREADS_CONNECTED'")
    "$@"
    status=$?
    MOST=$(my_sql -e "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'MAX_USED_CONNECTIONS'")
    MOST=$((MOST - before + 1))
    return $status
}
bounded() { # NAME LIMIT
    if [ "$MOST" -gt 0 ] && [ "$MOST" -le "$2" ]; then ok "$1 ($MOST of $2)"; else not_ok "$1" "$MOST, not 1 to $2"; fi
}

others
others_stand() { [ "$(pg_open)" = 3 ]; }
wait_for 10 others_stand || die "the others' sessions do not stand"

check "PostgreSQL is captured" most_pg "$REHEARSE" snapshot --env "$T/pg.yaml" --to "$T/pg.store" --jobs $JOBS --journal "$T/pg.journal"
# Of those that were closed some are still counted.
bounded "with sessions that leave room for others" $(((LIMIT ? LIMIT - 9 : 100 - 16) + JOBS))
# What somebody commits in two databases at once.
written() {
    my_sql -e 'SELECT n FROM d1.w'
}
writes() {
    [ "$(written)" -gt 0 ]
}
yes "BEGIN; UPDATE d1.w SET n = n + 1; UPDATE d$COUNT.w SET n = n + 1; COMMIT;" |
    timeout 120 mariadb --no-defaults --socket="$MY_SOCKET" --user=root >/dev/null 2>&1 &
WRITER=$!
wait_for 10 writes || die "the writer does not write"
BEFORE=$(written)
check "MariaDB is captured" most_my "$REHEARSE" snapshot --env "$T/my.yaml" --to "$T/my.store" --jobs $JOBS --journal "$T/my.journal"
bounded "with a session per job and two" $((JOBS + 2))
AFTER=$(written)
kill $WRITER
wait $WRITER 2>/dev/null
check_same "at one instant" "$(jq -r 'select(.event == "snapshot.component" and .component != "facts" and .position != null) | .position.binlog_pos' "$T/my.journal" | sort -u | wc -l)" 1

# A pg_dump that takes a second longer: those that run keep no instant waiting.
mkdir "$T/slow"
printf '#!/bin/sh\n"%s" "$@"\nstatus=$?\nsleep 1\nexit $status\n' "$(command -v pg_dump)" >"$T/slow/pg_dump"
chmod +x "$T/slow/pg_dump"
head -n $((2 + 5)) "$T/pg.yaml" >"$T/five.yaml"
check "PostgreSQL is captured by one job" env PATH="$T/slow:$PATH" "$REHEARSE" snapshot --env "$T/five.yaml" --to "$T/five.store" --jobs 1
apart() { # seconds from the first instant to the last
    "$REHEARSE" bundle show --store "$T/five.store" --json latest |
        jq '[.. | .taken_at? // empty | sub(" "; "T") | sub("\\.[0-9]+.*"; "Z") | fromdate] | max - min'
}
APART=$(apart)
if [ -n "$APART" ] && [ "$APART" -lt 4 ]; then ok "its instants wait for no pg_dump's end ($APART s)"; else not_ok "its instants wait for no pg_dump's end" "$APART s apart"; fi

# Debian's are a script that chooses by the default cluster, whatever server is asked.
mkdir "$T/wrapped"
printf '#!/bin/sh\necho "of the default cluster: $*" >&2\nexit 1\n' >"$T/wrapped/pg_wrapper"
chmod +x "$T/wrapped/pg_wrapper"
ln -s pg_wrapper "$T/wrapped/pg_dump"
ln -s pg_wrapper "$T/wrapped/pg_restore"
check "the newest programs are used, not those of the default cluster" env PATH="$T/wrapped:$PATH" "$REHEARSE" snapshot --env "$T/five.yaml" --to "$T/wrapped.store"

# ---- few are free ---------------------------------------------------------------------------------
pg_sql postgres -c "CREATE ROLE reader LOGIN CONNECTION LIMIT $((COUNT + JOBS + 1)); GRANT pg_read_all_data, pg_monitor TO reader"
env_of "$T/reader.yaml" reader postgresql
check "an account that may open just enough captures all" "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/reader.store" --jobs $JOBS
check_status "but not with who watches replicas" 12 "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/none" --jobs $JOBS --max-lag 60s
check_has "which is a session more" "$(cat "$T/out")" "needs $((COUNT + JOBS + 1)) sessions, and $((COUNT + JOBS)) are free"
pg_sql postgres -c "ALTER ROLE reader CONNECTION LIMIT $((COUNT + JOBS + 2))"
check "with that one it does" "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/reader.store" --jobs $JOBS --max-lag 60s
pg_sql postgres -c "ALTER ROLE reader CONNECTION LIMIT $((COUNT + JOBS))"
check_status "one session less is refused" 12 "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/none" --jobs $JOBS
check_has "with what is needed" "$(cat "$T/out")" "a snapshot of $COUNT databases with $JOBS jobs needs $((COUNT + JOBS)) sessions, and $((COUNT + JOBS - 1)) are free"
check_has "and the setting" "$(cat "$T/out")" "raise the connection limit of role reader (it is $((COUNT + JOBS)), 1 are in use), or use fewer --jobs"
check_same "before a bundle is begun" "$("$REHEARSE" bundle ls "$T/none" 2>/dev/null | wc -l)" 0
check "with fewer jobs it goes" "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/reader.store" --jobs 1

my_sql -e "CREATE USER reader@localhost WITH MAX_USER_CONNECTIONS $((JOBS + 2));
           GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, RELOAD, BINLOG MONITOR ON *.* TO reader@localhost"
env_of "$T/reader.yaml" reader mariadb
check "MariaDB: so it is there" "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/reader.store" --jobs $JOBS
check_status "MariaDB: with who watches replicas it is one too few" 12 "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/none" --jobs $JOBS --max-lag 60s
check_has "MariaDB: too" "$(cat "$T/out")" "needs $((JOBS + 2)) sessions, and $((JOBS + 1)) are free"
my_sql -e "ALTER USER reader@localhost WITH MAX_USER_CONNECTIONS $((JOBS + 1))"
check_status "and one less is refused" 12 "$REHEARSE" snapshot --env "$T/reader.yaml" --to "$T/none" --jobs $JOBS
check_has "with the account's limit" "$(cat "$T/out")" "raise max_user_connections of reader@localhost (it is $((JOBS + 1)), 1 are in use)"

# ---- there and back -------------------------------------------------------------------------------
for e in pg my; do
    E2E_BOXES+=("$T/$e.box")
    check "$e: restored into a box" "$REHEARSE" restore --from "$T/$e.store" --into "$T/$e.box" --jobs $JOBS
    check "$e: and proven" "$REHEARSE" box verify --from "$T/$e.store" "$T/$e.box" --jobs $JOBS
done
check "my: what was committed at once is there at once" "$REHEARSE" box start "$T/my.box"
COUNTED=$("$REHEARSE" box exec "$T/my.box" -- mariadb --no-defaults -N -u root -e "SELECT a.n, b.n FROM d1.w a, d$COUNT.w b" | tr '\t' ' ')
check_same "my: by both counters" "${COUNTED% *}" "${COUNTED#* }"
check_same "my: of a moment between" "$(((BEFORE < ${COUNTED% *}) && (${COUNTED% *} < AFTER)))" 1

# ---- onto a server whose account has few -----------------------------------------------------------
pg_start staging
SOME=5 # more than jobs
printf 'name: staging\ndatabases:\n' >"$T/to.yaml"
for ((i = 1; i <= SOME; i++)); do
    echo "  - {name: d$i, engine: postgresql, host: \"$PG_SOCKET_DIR\", port: $PG_PORT, user: restorer, database: d$i}"
done >>"$T/to.yaml"
ENOUGH=$((SOME + JOBS + 3)) # one each, one that settles it, a pg_dump and one that ends meanwhile
pg_sql postgres -c "CREATE ROLE restorer LOGIN CREATEDB CONNECTION LIMIT $ENOUGH"
to() {
    "$REHEARSE" restore --from "$T/pg.store" --to "$T/to.yaml" --owner "$PG_ADMIN=restorer" --jobs $JOBS --verify
}
check "a restore onto a server and its proof make do with just enough" to
for ((i = 1; i <= SOME; i++)); do
    pg_sql postgres -c "DROP DATABASE IF EXISTS d$i"
done
pg_sql postgres -c "ALTER ROLE restorer CONNECTION LIMIT $((ENOUGH - 1))"
check_status "one less is refused" 12 to
check_has "with what is needed" "$(cat "$T/out")" "a restore with $JOBS jobs and its proof needs $((ENOUGH - 1)) sessions, and $((ENOUGH - 2)) are free"
check_same "before a database is made" "$(pg_sql postgres -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'd%' OR datname LIKE 'rehearse%'")" 0
e2e_end
