#!/bin/bash
# Boxes on real servers: made, shown, started, reset, killed, replaced, cut off and removed; as root
# and as a normal user; side by side; in deep folders; with ports taken.
# run early: a minute of servers
. "$(dirname "$0")/lib.sh"
e2e_begin box
shop_production_start "${FACTOR:-0.02}"
STORE=$T/store
BOX=$T/boxes/one
E2E_BOXES+=("$BOX" "$T/boxes/two")
mkdir "$T/boxes"

check "a snapshot is taken" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE"

box() {
    "$REHEARSE" box "$@"
}

# field BOX JQ: of box show
field() {
    box show "$1" --json | jq -r "$2"
}

url() {
    echo "http://127.0.0.1:$(field "$1" '.services[0].port')"
}

# Processes that carry the box's mark, by the kernel's word.
processes() { # BOX
    local id pid
    id=$(jq -r .id "$1/box.json" 2>/dev/null || echo "$2")
    for pid in /proc/[0-9]*; do
        tr '\0' '\n' 2>/dev/null <"$pid/environ" | grep -qx "REHEARSE_BOX_ID=$id" && echo "${pid#/proc/}"
    done
}

# Those that we started: a server's own children, a moment after their fork, still carry its mark.
started() { # BOX
    local marked pid
    marked=" $(processes "$1" | paste -sd' ') "
    for pid in $marked; do
        case $marked in
        *" $(awk '/^PPid:/ {print $2}' "/proc/$pid/status" 2>/dev/null) "*) ;;
        *) echo "$pid" ;;
        esac
    done
}

# A zombie is over: who collects them may be slow, or nobody.
ended() { # PID
    ! grep -q '^State:[[:space:]]*[RSDTt]' "/proc/$1/status" 2>/dev/null
}

kill_and_wait() { # PID
    kill -KILL "$1"
    wait_for 10 eval "! kill -0 $1"
}

# ---- made ---------------------------------------------------------------------------------------
check "a bundle is restored" "$REHEARSE" restore --from "$STORE" --into "$BOX"
check_same "the box is ready" "$(field "$BOX" .state)" ready
check_same "nothing runs in it" "$(processes "$BOX")" ""
check_has "box ls names it" "$(box ls "$T/boxes")" "$BOX"
check_has "box show tells its ports" "$(box show "$BOX")" 127.0.0.1:
check_same "no password is shown" "$(box show "$BOX" --json | grep -c password)" 0
check_status "a box is not overwritten" 18 "$REHEARSE" restore --from "$STORE" --into "$BOX"
check_has "the mend is told" "$(cat "$T/out")" --replace
check_status "production's own tree is no box" 11 \
    "$REHEARSE" restore --from "$STORE" --into "$PROD/code/box"
mkdir "$T/full" && touch "$T/full/mine"
check_status "a folder that holds something is no box" 18 \
    "$REHEARSE" restore --from "$STORE" --into "$T/full" --replace
check "what it holds is still there" test -e "$T/full/mine"

# ---- started ------------------------------------------------------------------------------------
export PGPASSWORD=topsecret AWS_SECRET_ACCESS_KEY=topsecret
check "it starts" box start "$BOX"
unset PGPASSWORD AWS_SECRET_ACCESS_KEY
check_same "no key of the caller's reaches it" \
    "$(for pid in $(processes "$BOX"); do tr '\0' '\n' <"/proc/$pid/environ"; done | grep -c topsecret)" 0
check_same "it runs" "$(field "$BOX" .state)" running
check "the application answers" curl -fsS "$(url "$BOX")/healthz"
if [ "$(id -u)" -eq 0 ]; then
    for pid in $(processes "$BOX"); do
        stat -c %U "/proc/$pid"
    done >"$T/users"
    check_same "nothing of it runs as root" "$(grep -c '^root$' "$T/users")" 0
fi
check_same "psql finds the box's database" \
    "$(box exec "$BOX" -- psql -XAtc 'SELECT count(*) FROM customers')" "$(shop_customers)"
# shellcheck disable=SC2016
check_same "mariadb finds it too" \
    "$(box exec "$BOX" -- sh -c 'mariadb --no-defaults -N -u root "$BOX_DB_CATALOG_DATABASE" -e "SELECT count(*) FROM articles"')" \
    "$(my_sql catalog -e 'SELECT count(*) FROM articles')"
# shellcheck disable=SC2016
check "over TCP with the box's own password" box exec "$BOX" -- sh -c \
    'MYSQL_PWD=$BOX_DB_CATALOG_PASSWORD mariadb --no-defaults -h 127.0.0.1 -P $BOX_DB_CATALOG_PORT -u $BOX_DB_CATALOG_USER -e "SELECT 1"'
# shellcheck disable=SC2016
check_status "and not without it" 1 box exec "$BOX" -- sh -c \
    'mariadb --no-defaults -h 127.0.0.1 -P $BOX_DB_CATALOG_PORT -u $BOX_DB_CATALOG_USER -e "SELECT 1"'
check_same "the status of a command is handed on" "$(box exec "$BOX" -- sh -c 'exit 7'; echo $?)" 7
check_same "commands run in the trees" "$(box exec "$BOX" -- pwd)" "$BOX/files"
check_same "events do not fire" \
    "$(box exec "$BOX" -- mariadb --no-defaults -N -u root -e 'SELECT @@event_scheduler')" OFF
check_same "nothing is archived or subscribed to" \
    "$(box exec "$BOX" -- psql -XAt -c 'SHOW archive_mode' -c 'SHOW max_logical_replication_workers' | paste -sd,)" off,0
check_same "loading's settings are gone" \
    "$(box exec "$BOX" -- psql -XAt -c 'SHOW fsync' -c 'SHOW autovacuum' -c 'SHOW full_page_writes' | paste -sd,)" on,on,on
ports=$(field "$BOX" '.servers[].port, .services[].port')
for port in $ports; do
    grep -il ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp >/dev/null &&
        grep -i ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp
done | grep -vc ' 0100007F:' >"$T/open"
check_same "it listens on 127.0.0.1 alone" "$(cat "$T/open")" 0
check_status "another process is kept out" 20 sh -c "exec 9>>'$BOX/box.lock'; flock 9; '$REHEARSE' box stop '$BOX'"

# ---- reset --------------------------------------------------------------------------------------
box exec "$BOX" -- psql -Xqc 'DELETE FROM orders CASCADE' >/dev/null 2>&1 ||
    box exec "$BOX" -- psql -Xqc 'TRUNCATE customers CASCADE'
box exec "$BOX" -- mariadb --no-defaults -u root catalog -e 'SET foreign_key_checks=0; DELETE FROM articles'
echo changed >>"$BOX/files/config/shop.conf"
check "it is reset" box reset "$BOX"
check_same "PostgreSQL is as it was" \
    "$(box exec "$BOX" -- psql -XAtc 'SELECT count(*) FROM customers')" "$(shop_customers)"
check_same "MariaDB is as it was" \
    "$(box exec "$BOX" -- mariadb --no-defaults -N -u root catalog -e 'SELECT count(*) FROM articles')" \
    "$(my_sql catalog -e 'SELECT count(*) FROM articles')"
check_same "the files are as they were" "$(grep -c changed "$BOX/files/config/shop.conf")" 0
check "it runs again as before" curl -fsS "$(url "$BOX")/healthz"

# ---- killed -------------------------------------------------------------------------------------
kill_and_wait "$(field "$BOX" '.servers[] | select(.engine == "postgresql") | .pid')"
check_has "a killed server is told" "$(box show "$BOX")" down
check "start brings it up again" box start "$BOX"
check_status "and does not tell of itself as of another" 1 grep -q busy "$T/out"
kill_and_wait "$(field "$BOX" '.servers[] | select(.engine == "mariadb") | .pid')"
kill_and_wait "$(field "$BOX" '.services[0].pid')"
check "start brings the others up too" box start "$BOX"
check "the application answers after that" curl -fsS "$(url "$BOX")/healthz"
# A child that is busy outlives its server for as long as a write takes; a stopped one for ever.
postmaster=$(field "$BOX" '.servers[] | select(.engine == "postgresql") | .pid')
child=$(pgrep -P "$postmaster" | head -n 1)
kill -STOP "$child"
kill_and_wait "$postmaster"
check "start does not trip over a child of a killed server" box start "$BOX"
check "which is gone" ended "$child"
# Killed while a server is on its way down: that one is not up.
postmaster=$(field "$BOX" '.servers[] | select(.engine == "postgresql") | .pid')
child=$(pgrep -P "$postmaster" | head -n 1)
kill -STOP "$child"
timeout -s KILL 1 "$REHEARSE" box stop "$BOX" >/dev/null 2>&1
check "a stop that was killed left the server on its way down" kill -0 "$postmaster"
{ sleep 1; kill -CONT "$child"; } &
check "start waits for its end and starts it anew" box start "$BOX"
check "and the application answers then" curl -fsS "$(url "$BOX")/healthz"
# Killed before a server was seen ready: one that came up so far may have lost the signal to stop.
server=$(field "$BOX" '.servers[] | select(.engine == "mariadb") | .pid')
kill -STOP "$server"
jq '(.servers[] | select(.engine == "mariadb")) |= del(.mode)' "$BOX/box.json" >"$T/box.json"
cp "$T/box.json" "$BOX/box.json"
check "start does not wait long for one that nobody saw ready" timeout 60 "$REHEARSE" box start "$BOX"
check "that one is gone" ended "$server"
check "the application finds its database again" wait_for 20 curl -fsS "$(url "$BOX")/healthz"
box stop "$BOX"
pidfile=$BOX/pg.shop/data/postmaster.pid
e2e_start namesake postgres sleep 60
printf '%s\n%s\n' "$(e2e_pid namesake)" "${pidfile%/*}" | as postgres tee "$pidfile" >/dev/null
check "nor over a pid that is somebody else's by now" box start "$BOX"
check "who lives on" kill -0 "$(e2e_pid namesake)"
e2e_stop namesake

# ---- stopped, ports taken -----------------------------------------------------------------------
check "it stops" box stop "$BOX"
check_same "nothing is left running" "$(processes "$BOX")" ""
taken=$(field "$BOX" '.servers[] | select(.engine == "postgresql") | .port')
e2e_start squatter nobody perl -MIO::Socket::INET -e \
    'my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 1, ReuseAddr => 1) or die; sleep 60' "$taken"
wait_for 10 eval "! port_is_free $taken"
check_status "a port that is taken is told" 19 box start "$BOX"
check_has "by its number" "$(cat "$T/out")" "port $taken"
e2e_stop squatter
check "and the box starts once it is free" box start "$BOX"

# ---- a service that dies ------------------------------------------------------------------------
box stop "$BOX"
conf=$BOX/files/config/shop.conf
cp -p "$conf" "$T/conf" && echo 'nonsense' >"$conf"
check_status "a service that dies is told" 19 box start "$BOX"
check_has "by its name" "$(cat "$T/out")" "service 'web' died"
check_same "and nothing is left running then" "$(processes "$BOX")" ""
cp -p "$T/conf" "$conf"

# ---- side by side, and deep ---------------------------------------------------------------------
deep=$T/boxes/$(printf 'a-long-name-%.0s' 1 2 3 4 5 6 7 8)/two
E2E_BOXES+=("$deep")
check "a second box is made where no socket fits" \
    "$REHEARSE" restore --from "$STORE" --into "$deep" --start
check "the first one starts beside it" box start "$BOX"
check "the second answers" curl -fsS "$(url "$deep")/healthz"
private=$(field "$deep" '.servers[].private_dir')
id=$(field "$deep" .id)
check "it is removed" box destroy "$deep"
check "with its folder" test ! -e "$deep"
for dir in $private; do
    check "and its folder for sockets" test ! -e "$dir"
done
check_same "and its processes" "$(processes "$deep" "$id")" ""
check "the first one was left alone" curl -fsS "$(url "$BOX")/healthz"

# ---- replaced -----------------------------------------------------------------------------------
echo "# mine" >>"$BOX/files/config/shop.conf"
sed 's/match: "^listen = /match: "^no such line/' "$PRODUCTION" >"$T/wrong.yaml"
check_status "a failing restore is told" 11 \
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --env "$T/wrong.yaml"
check_same "what the box held is back" "$(tail -n 1 "$BOX/files/config/shop.conf")" "# mine"
check_has "and says that it runs, for it ran" "$(cat "$T/out")" "as it was before, and runs"
check_same "as box show does" "$(field "$BOX" .state)" running
check "and it answers" curl -fsS "$(url "$BOX")/healthz"
sed 's/^  - name: web$/  - name: web\n    user: no-such-user/' "$PRODUCTION" >"$T/nouser.yaml"
if [ "$(id -u)" -eq 0 ]; then
    check_status "a restore that fails before it has made anything is told" 17 \
        "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --env "$T/nouser.yaml"
    check "the box answers after that too" curl -fsS "$(url "$BOX")/healthz"
fi
cp -p "$conf" "$T/mine.conf" && echo 'nonsense' >>"$conf"
check_status "a failing restore over a box that cannot start again" 11 \
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --env "$T/wrong.yaml"
check_has "says that it is stopped" "$(cat "$T/out")" "as it was before, but stopped"
check_has "and why" "$(cat "$T/out")" "died: shopd"
check_same "and it is" "$(processes "$BOX")" ""
cp -p "$T/mine.conf" "$conf"
check_status "one that was stopped" 11 \
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace --env "$T/wrong.yaml"
check_same "stays stopped" "$(processes "$BOX")" ""
check "and starts" box start "$BOX"
check "a box is replaced when told to" "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace
check_same "by the new one" "$(grep -c mine "$BOX/files/config/shop.conf")" 0
check "nothing of the old is kept" test ! -e "$BOX/before"

check_status "a first restore that fails is told" 11 \
    "$REHEARSE" restore --from "$STORE" --into "$T/boxes/two" --env "$T/wrong.yaml"
check_has "the box says why it is none" "$(box show "$T/boxes/two")" "nothing in 'config/shop.conf' matches"
check_status "it does not start" 3 box start "$T/boxes/two"
check_same "nothing of it runs" "$(processes "$T/boxes/two")" ""
check "it can be removed" box destroy "$T/boxes/two"

# ---- kill -9 in the middle ----------------------------------------------------------------------
for moment in 0.3 0.8 1.6 2.4 3.2; do
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace >/dev/null 2>&1 &
    sleep $moment
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    check "killed after $moment s it is still a box" box show "$BOX"
    check "and starts as it was" box start "$BOX"
    check "with its application" curl -fsS "$(url "$BOX")/healthz"
    check_same "and leaves no second set of servers" "$(started "$BOX" | wc -l)" \
        "$(field "$BOX" '[.servers[], .services[] | select(.alive)] | length')"
done
"$REHEARSE" restore --from "$STORE" --into "$T/boxes/two" >/dev/null 2>&1 &
sleep 1.5
kill -KILL $! 2>/dev/null
wait $! 2>/dev/null
check "a first restore that was killed can be replaced" \
    "$REHEARSE" restore --from "$STORE" --into "$T/boxes/two" --replace --start
check "and answers" curl -fsS "$(url "$T/boxes/two")/healthz"
check "and is removed" box destroy "$T/boxes/two"

# ---- a normal user ------------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ]; then
    mkdir "$T/user"
    cp -R "$STORE" "$T/user/store"
    chown -R nobody: "$T/user"
    check "a normal user restores" as nobody "$REHEARSE" restore --from "$T/user/store" \
        --into "$T/user/box" --start
    E2E_BOXES+=("$T/user/box")
    check "and the application answers" curl -fsS "$(url "$T/user/box")/healthz"
    for pid in $(processes "$T/user/box"); do
        stat -c %U "/proc/$pid"
    done | sort -u >"$T/users"
    check_same "everything runs as that user" "$(cat "$T/users")" nobody
    check "and is reset" as nobody "$REHEARSE" box reset "$T/user/box"
    check "and removed" as nobody "$REHEARSE" box destroy "$T/user/box"
fi

check "the first box is removed" box destroy "$BOX"
check_same "nothing is left of the boxes" "$(ls -A "$T/boxes" | grep -v a-long-name)" ""
e2e_end
