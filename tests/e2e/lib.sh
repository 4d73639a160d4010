# What every end-to-end script needs: a folder of its own, private database servers, the demo shop
# in production, and words for passed and failed. Sourced by bash; see tests/shop/README.md.
#
#   . tests/e2e/lib.sh
#   e2e_begin NAME               $T is an empty folder; at exit all that was started is stopped
#   shop_production_start 0.1    both servers, filled; the shop at $SHOP_URL; $PRODUCTION (yaml)
#   check "what is proven" COMMAND...
#   e2e_end                      exit status 0 only when nothing failed
#
# Works as root (servers run as postgres, mysql and nobody) and as a normal user (all run as you).
# BUILD: the build folder (default build). KEEP=1: the folder stays, to be looked into.
# shellcheck shell=bash disable=SC2034,SC2015,SC2119,SC2120

set -u
export LC_ALL=C.UTF-8 TZ=UTC
# A setting of the caller's must not lead a client to a server that is not ours.
unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGOPTIONS MYSQL_HOST MYSQL_PWD \
    MYSQL_TCP_PORT MYSQL_UNIX_PORT

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$ROOT/$BUILD ;; esac
REHEARSE=$BUILD/bin/rehearse
SHOP=$BUILD/shop
PASSED=0
FAILED=0
E2E_PIDS=()    # what we started, in order; stopped in reverse
E2E_NAMES=()
E2E_SIGNALS=() # that ask each to end

# ---- passed and failed --------------------------------------------------------------------------
ok() {
    PASSED=$((PASSED + 1))
    printf 'ok %s\n' "$1"
}

not_ok() { # NAME WHY
    FAILED=$((FAILED + 1))
    printf 'not ok %s%s\n' "$1" "${2:+: $2}"
}

# check_status NAME EXPECTED COMMAND...: the command's output is kept in $T/out, and shown when the
# check fails. It runs in this shell, so a function may start servers and set variables.
check_status() {
    local name=$1 expected=$2 status
    shift 2
    "$@" >"$T/out" 2>&1
    status=$?
    if [ $status -eq "$expected" ]; then
        ok "$name"
        return 0
    fi
    not_ok "$name" "status $status, not $expected, of: $*"
    tail -n 20 "$T/out" | sed 's/^/    /'
    return 1
}

# check NAME COMMAND...
check() {
    local name=$1
    shift
    check_status "$name" 0 "$@"
}

# check_has NAME TEXT WANTED: TEXT contains WANTED.
check_has() {
    case $2 in
    *"$3"*) ok "$1" ;;
    *)
        not_ok "$1" "no '$3'"
        printf '%s\n' "$2" | head -c 2000 | sed 's/^/    /'
        return 1
        ;;
    esac
}

# check_same NAME GOT WANTED
check_same() {
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "got '${2:0:300}', wanted '${3:0:300}'"
        return 1
    fi
}

# skipped WHY: what this machine does not let us check; counted and shown at the end of a run.
skipped() {
    printf '# skipped: %s: %s\n' "$E2E_NAME" "$1"
}

# small_disk FOLDER SIZE[,OPTIONS]: a file system that is soon full; umount FOLDER takes it away.
small_disk() {
    if [ "$(id -u)" -ne 0 ]; then
        skipped "a full disk: only root may mount one"
    elif ! mkdir -p "$1" || ! mount -t tmpfs -o "size=$2" none "$1" 2>/dev/null; then
        skipped "a full disk: no tmpfs can be mounted here"
    else
        return 0
    fi
    return 1
}

# die WHY: what cannot be tested any further.
die() {
    not_ok "${E2E_NAME:-e2e}" "$1"
    exit 1
}

# ---- the folder and its end ---------------------------------------------------------------------
e2e_begin() {
    E2E_NAME=$1
    T=$(mktemp -d "${TMPDIR:-/tmp}/rehearse-$1.XXXXXX") || exit 1
    # The servers' users must reach what is theirs in it.
    chmod 755 "$T"
    trap e2e_cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

e2e_end() {
    [ $((PASSED + FAILED)) -gt 0 ] || not_ok "$E2E_NAME" "nothing was checked"
    printf '# %s: %d passed, %d failed\n' "$E2E_NAME" "$PASSED" "$FAILED"
    [ "$FAILED" -eq 0 ]
    exit
}

# Boxes are stopped by the command that made them; a script names its own here.
E2E_BOXES=()

e2e_cleanup() {
    local status=$? i box
    trap - EXIT
    trap '' INT TERM HUP
    for box in "${E2E_BOXES[@]}"; do
        [ ! -e "$box/box.json" ] || "$REHEARSE" box stop "$box" >/dev/null 2>&1
    done
    # By name, for a name may stand for several; the last one first.
    while [ ${#E2E_NAMES[@]} -gt 0 ]; do
        e2e_stop "${E2E_NAMES[-1]}"
    done
    if [ $status -ne 0 ] && [ "${KEEP:-0}" != 1 ]; then
        e2e_show_logs
    fi
    if [ "${KEEP:-0}" = 1 ]; then
        printf '# kept: %s\n' "$T"
    else
        rm -rf --one-file-system "$T"
    fi
    exit $status
}

e2e_show_logs() {
    local log
    for log in "$T"/log/*.log; do
        [ -s "$log" ] || continue
        printf '# last lines of %s\n' "${log##*/}"
        tail -n 5 "$log" | sed 's/^/#   /'
    done
}

# ---- processes ----------------------------------------------------------------------------------
# as USER COMMAND...: as that user when we are root, else as who we are.
as() {
    local user=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
    else
        "$@"
    fi
}

# e2e_start NAME USER COMMAND...: in the background, output to $T/log/NAME.log. With E2E_SIGNAL set,
# that one and not TERM asks it to end.
e2e_start() {
    local name=$1 user=$2
    shift 2
    mkdir -p "$T/log"
    # exec, so that the pid is the program's own; no input, and none of our descriptors.
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@" \
            </dev/null >>"$T/log/$name.log" 2>&1 &
    else
        "$@" </dev/null >>"$T/log/$name.log" 2>&1 &
    fi
    E2E_PIDS+=($!)
    E2E_NAMES+=("$name")
    E2E_SIGNALS+=("${E2E_SIGNAL:-TERM}")
}

e2e_pid() { # NAME
    local i
    for i in "${!E2E_NAMES[@]}"; do
        [ "${E2E_NAMES[i]}" != "$1" ] || echo "${E2E_PIDS[i]}"
    done
}

# e2e_stop NAME: asks, waits, and after 20 s does not ask any more. Gives its status.
e2e_stop() {
    local i pid status=0 tries
    for i in "${!E2E_NAMES[@]}"; do
        [ "${E2E_NAMES[i]}" = "$1" ] || continue
        pid=${E2E_PIDS[i]}
        kill "-${E2E_SIGNALS[i]}" "$pid" 2>/dev/null
        unset "E2E_PIDS[i]" "E2E_NAMES[i]" "E2E_SIGNALS[i]"
        for ((tries = 0; tries < 200; tries++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        [ $tries -lt 200 ] || kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        status=$?
    done
    E2E_PIDS=("${E2E_PIDS[@]}")
    E2E_NAMES=("${E2E_NAMES[@]}")
    E2E_SIGNALS=("${E2E_SIGNALS[@]}")
    return $status
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the range from which the kernel takes ports for outgoing connections.
free_port() {
    local port
    while :; do
        port=$((15000 + RANDOM % 15000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
}

# ---- PostgreSQL ---------------------------------------------------------------------------------
pg_program() {
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        [ -x "$dir/$1" ] && echo "$dir/$1" && return
    done
    command -v "$1" || die "no program '$1': run scripts/install-deps"
}

# pg_start [NAME]: a server in $T/NAME (default pg). Sets PG_DIR PG_SOCKET_DIR PG_PORT PG_ADMIN, by
# which pg_sql finds it; who starts a second one keeps the first's.
# Sockets and 127.0.0.1 need no password, but for the role "shop" and those named in PG_SCRAM.
pg_start() {
    local name=${1:-pg}
    PG_DIR=$T/$name
    PG_SOCKET_DIR=$PG_DIR/run
    PG_PORT=$(free_port)
    PG_ADMIN=postgres
    mkdir -p "$PG_DIR/run"
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$PG_DIR"
    as postgres "$(pg_program initdb)" -D "$PG_DIR/data" -U postgres -A trust -E UTF8 \
        --locale=C.UTF-8 --no-sync >"$T/initdb.log" 2>&1 || die "initdb failed: $(tail -n 3 "$T/initdb.log")"
    as postgres tee "$PG_DIR/data/pg_hba.conf" >/dev/null <<-HBA
	local all all trust
	host all shop${PG_SCRAM:+,$PG_SCRAM} 127.0.0.1/32 scram-sha-256
	host all all 127.0.0.1/32 trust
	HBA
    as postgres tee -a "$PG_DIR/data/postgresql.conf" >/dev/null <<-CONF
	listen_addresses = '127.0.0.1'
	port = $PG_PORT
	unix_socket_directories = '$PG_SOCKET_DIR'
	fsync = off
	synchronous_commit = off
	full_page_writes = off
	max_wal_size = 2GB
	timezone = 'UTC'
	CONF
    # INT is "fast": it does not wait for clients.
    E2E_SIGNAL=INT e2e_start "$name" postgres "$(pg_program postgres)" -D "$PG_DIR/data"
    wait_for 30 pg_sql -c 'SELECT 1' postgres || die "PostgreSQL does not start: $(tail -n 3 "$T/log/$name.log")"
}

# pg_sql [psql options] [DATABASE]: as the administrator, through the socket.
pg_sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" "$@"
}

pg_stop() {
    e2e_stop "${1:-pg}"
}

# ---- MariaDB ------------------------------------------------------------------------------------
# my_start [NAME]: a server in $T/NAME (default my). Sets MY_DIR MY_SOCKET MY_PORT. root@localhost
# needs no password. MY_OPTIONS: more options for the server.
my_start() {
    local name=${1:-my}
    MY_DIR=$T/$name
    MY_SOCKET=$MY_DIR/run/my.sock
    MY_PORT=$(free_port)
    mkdir -p "$MY_DIR/run" "$MY_DIR/data" "$MY_DIR/tmp"
    [ "$(id -u)" -ne 0 ] || chown -R mysql: "$MY_DIR"
    as mysql mariadb-install-db --no-defaults --datadir="$MY_DIR/data" --tmpdir="$MY_DIR/tmp" \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
        >"$T/install-db.log" 2>&1 || die "mariadb-install-db failed: $(tail -n 3 "$T/install-db.log")"
    # shellcheck disable=SC2086
    e2e_start "$name" mysql "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults \
        --datadir="$MY_DIR/data" --tmpdir="$MY_DIR/tmp" --socket="$MY_SOCKET" \
        --pid-file="$MY_DIR/run/my.pid" --bind-address=127.0.0.1 --port="$MY_PORT" \
        --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
        --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
        --innodb-buffer-pool-size=256M --log-bin=binlog --server-id=1 --sync-binlog=0 \
        ${MY_OPTIONS:-}
    wait_for 30 my_sql -e 'SELECT 1' || die "MariaDB does not start: $(tail -n 3 "$T/log/$name.log")"
}

# my_sql [mariadb options] [DATABASE]: as root, through the socket.
my_sql() {
    mariadb --no-defaults --batch --skip-column-names --default-character-set=utf8mb4 \
        --socket="$MY_SOCKET" --user=root "$@"
}

# my_accounts CLIENT-OPTIONS: all accounts and roles but root and the server's own, as SHOW says them.
my_accounts() {
    local who="concat(quote(user), if(is_role = 'Y', '', concat('@', quote(host))))"
    mariadb "$@" -BN --raw -e "SELECT concat(if(is_role = 'Y', '', concat('SHOW CREATE USER ', $who, '; ')), 'SHOW GRANTS FOR ', $who, ';')
        FROM mysql.user WHERE user NOT IN ('root', 'mariadb.sys') ORDER BY user, host" | mariadb "$@" -BN --raw -f 2>&1
    mariadb "$@" -BN --raw -e "SELECT * FROM mysql.roles_mapping WHERE user <> 'root' ORDER BY 1, 2, 3"
}

my_stop() {
    e2e_stop "${1:-my}"
}

# ---- sshd -----------------------------------------------------------------------------------------
# sshd_start [NAME]: a server in $T/NAME (default sshd) on 127.0.0.1, for SSHD_USER (nobody when we
# are root, else who we are), who is let in by the key $SSHD_DIR/id_ed25519. Sets SSHD_DIR SSHD_PORT
# SSHD_USER, and KNOWN_HOSTS: a file in which the host's key stands. SSHD_OPTIONS: more lines of its
# configuration; SSHD_SFTP: what serves SFTP. A second start with the same NAME keeps the keys and the port.
sshd_start() {
    local name=${1:-sshd} kind
    SSHD_DIR=$T/$name
    SSHD_USER=$(id -un)
    [ "$(id -u)" -ne 0 ] || SSHD_USER=nobody
    KNOWN_HOSTS=$SSHD_DIR/known_hosts
    if [ ! -d "$SSHD_DIR" ]; then
        mkdir -p "$SSHD_DIR"
        SSHD_PORT=$(free_port)
        for kind in host_ed25519 host_ecdsa id_ed25519; do
            ssh-keygen -q -t "${kind#*_}" -N '' -C "$kind" -f "$SSHD_DIR/$kind" || die "ssh-keygen failed"
        done
        cp "$SSHD_DIR/id_ed25519.pub" "$SSHD_DIR/authorized_keys"
        printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$SSHD_DIR/host_ed25519.pub")" >"$KNOWN_HOSTS"
    fi
    cat >"$SSHD_DIR/sshd_config" <<-CONF
	ListenAddress 127.0.0.1
	Port $SSHD_PORT
	HostKey $SSHD_DIR/host_ed25519
	HostKey $SSHD_DIR/host_ecdsa
	PidFile none
	UsePAM no
	StrictModes no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	AuthorizedKeysFile $SSHD_DIR/authorized_keys
	Subsystem sftp ${SSHD_SFTP:-internal-sftp}
	MaxStartups 100
	${SSHD_OPTIONS:-}
	CONF
    [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
    e2e_start "$name" "$(id -un)" "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$SSHD_DIR/sshd_config"
    wait_for 10 ssh-keyscan -p "$SSHD_PORT" 127.0.0.1 || die "sshd does not start: $(tail -n 3 "$T/log/$name.log")"
}

# ---- the demo shop ------------------------------------------------------------------------------
# A password with what careless tools trip over; it must not turn up anywhere but in the secrets.
SHOP_PASSWORD="s3cret 'of' the \$hop\\"

shop_need_build() {
    [ -x "$SHOP/release1/code/bin/shopd" ] && [ -x "$SHOP/shop-generate" ] ||
        die "the shop is not built (hint: make BUILD=${BUILD#"$ROOT"/} shop)"
}

shop_databases() {
    local quoted="s3cret ''of'' the \$hop\\"
    pg_sql -c "CREATE ROLE shop LOGIN PASSWORD '$quoted'" postgres &&
        pg_sql -c "CREATE DATABASE shop" postgres &&
        pg_sql -f "$SHOP/release1/schema/postgresql.sql" shop &&
        my_sql -e "CREATE DATABASE catalog CHARACTER SET utf8mb4;
            CREATE USER shop@localhost IDENTIFIED BY 's3cret \\'of\\' the \$hop\\\\';
            GRANT SELECT, INSERT, UPDATE, DELETE ON catalog.* TO shop@localhost" &&
        my_sql catalog <"$SHOP/release1/schema/mariadb.sql" || die "the shop's schema does not load"
    "$SHOP/shop-generate" --postgresql "host=$PG_SOCKET_DIR port=$PG_PORT user=$PG_ADMIN dbname=shop" \
        --mariadb-socket "$MY_SOCKET" --factor "$1" --seed "${SHOP_SEED:-1}" ||
        die "the shop's generator failed"
}

# fill FILE.in FILE: replaces @NAME@ by the variable's value; a name without one is an error.
fill() {
    local text name
    text=$(cat "$1") || return 1
    while [[ $text =~ @([A-Z_]+)@ ]]; do
        name=${BASH_REMATCH[1]}
        [ -n "${!name+set}" ] || die "no value for @$name@ of '$1'"
        text=${text//"@$name@"/"${!name}"}
    done
    printf '%s\n' "$text" >"$2"
}

# The trees of production: $PROD/code and $PROD/config; secrets beside them, not in them.
shop_trees() {
    PROD=$T/prod
    SECRETS=$PROD/secrets/shop.secrets
    mkdir -p "$PROD/secrets"
    cp -RP "$SHOP/release1/code" "$SHOP/release1/config" "$PROD/" || die "cannot copy the shop"
    rm "$PROD/config/shop.conf.in"
    fill "$SHOP/release1/config/shop.conf.in" "$PROD/config/shop.conf"
    printf 'postgresql_password = %s\nmariadb_password = %s\n' "$SHOP_PASSWORD" "$SHOP_PASSWORD" >"$SECRETS"
    chmod 600 "$SECRETS"
    chmod 640 "$PROD/config/shop.conf"
    ln -s shop.css "$PROD/code/static/style.css"
    ln "$PROD/config/features.conf" "$PROD/config/features.conf.last"
    mkdir -p "$PROD/code/var"
    printf 'written by the last deploy\n' >"$PROD/code/var/deployed at \"noon\""
    touch -d '2024-02-29 12:34:56.789012345 UTC' "$PROD/code/var/deployed at \"noon\""
    [ "$(id -u)" -ne 0 ] || chown -R nobody: "$PROD"
}

# shop_serve NAME CODE CONF: a shop server in the foreground of NAME.
shop_serve() {
    e2e_start "$1" nobody "$2/bin/shopd" --config "$3"
}

# shop_production_start FACTOR. Sets SHOP_PORT SHOP_URL PROD PRODUCTION (the environment file).
shop_production_start() {
    shop_need_build
    pg_start
    my_start
    SHOP_PORT=$(free_port)
    SHOP_URL=http://127.0.0.1:$SHOP_PORT
    shop_databases "$1"
    shop_trees
    PRODUCTION=$T/production.yaml
    fill "$SHOP/production.yaml.in" "$PRODUCTION"
    shop_serve web "$PROD/code" "$PROD/config/shop.conf"
    wait_for 20 curl -fsS "$SHOP_URL/healthz" || die "the shop does not start: $(tail -n 3 "$T/log/web.log")"
}

shop_production_stop() {
    e2e_stop web
    my_stop
    pg_stop
}

# shop_customers: how many the generator made.
shop_customers() {
    pg_sql -c 'SELECT count(*) FROM customers' shop
}

# shop_traffic SECONDS RATE [more options]
shop_traffic() {
    local seconds=$1 rate=$2
    shift 2
    "$SHOP/shop-traffic" --url "$SHOP_URL" --seconds "$seconds" --rate "$rate" \
        --customers "$(shop_customers)" "$@"
}

# shop_release N STORE REF BOX TAPE: puts release N together in $T/releaseN. Sets RELEASE_FILE.
shop_release() {
    local ENVIRONMENT=$PRODUCTION STORE=$2 REF=$3 BOX=$4 TAPE=$5
    cp -RP "$SHOP/release$1" "$T/" || die "cannot copy release $1"
    RELEASE_FILE=$T/release$1/release.yaml
    rm "$T/release$1/release.yaml.in"
    fill "$SHOP/release$1/release.yaml.in" "$RELEASE_FILE"
}
