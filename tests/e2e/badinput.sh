#!/bin/bash
# Bad input and bad luck: each gives one line that names the thing and the mend, a status of its own,
# and leaves nothing half done.
. "$(dirname "$0")/lib.sh"
e2e_begin badinput
shop_production_start "${FACTOR:-0.02}"
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

# refused NAME STATUS TEXT COMMAND...: that status, one line of error that holds TEXT.
refused() {
    local name=$1 status=$2 text=$3
    shift 3
    "$@" >"$T/stdout" 2>"$T/stderr"
    local got=$?
    check_same "$name: status" "$got" "$status"
    local lines
    lines=$(grep -c '^rehearse: ' "$T/stderr")
    check_same "$name: one line of error" "$lines" 1
    check_has "$name: names it" "$(grep '^rehearse: ' "$T/stderr")" "$text"
}
variant() { # NAME SED-SCRIPT: an environment file with a fault
    sed "$2" "$PRODUCTION" >"$T/$1.yaml"
    echo "$T/$1.yaml"
}

# ---- files written by people --------------------------------------------------------------------
refused "unknown key" 11 "databse" "$REHEARSE" snapshot --to "$STORE" --env "$(variant key 's/database: shop}/databse: shop}/')"
line=$(grep -n 'databse' "$T/key.yaml" | cut -d: -f1)
check_has "unknown key: file and line" "$(cat "$T/stderr")" "key.yaml:$line"
refused "wrong type" 11 "port" "$REHEARSE" snapshot --to "$STORE" --env "$(variant type "s/port: $PG_PORT/port: many/")"
refused "broken YAML" 11 "broken.yaml" "$REHEARSE" snapshot --to "$STORE" --env "$(variant broken 's/^files:/files: [/')"
refused "no such environment file" 17 "nowhere.yaml" "$REHEARSE" snapshot --to "$STORE" --env "$T/nowhere.yaml"
refused "unknown option" 10 "--jobz" "$REHEARSE" snapshot --jobz 3 --env "$PRODUCTION" --to "$STORE"
refused "unknown command" 10 "snapshoot" "$REHEARSE" snapshoot

# ---- databases ----------------------------------------------------------------------------------
refused "PostgreSQL out of reach" 12 "shop" "$REHEARSE" snapshot --to "$STORE" --env "$(variant unreachable "s/port: $PG_PORT/port: $(free_port)/")"
refused "MariaDB out of reach" 12 "catalog" "$REHEARSE" snapshot --to "$STORE" --env "$(variant unreachable2 "s|socket: \"$MY_SOCKET\"|socket: \"$T/none.sock\"|")"
printf 'wrong' >"$T/wrong"
chmod 600 "$T/wrong"
refused "wrong password" 13 "password" "$REHEARSE" snapshot --to "$STORE" --env "$(variant password \
    "s|host: \"$PG_SOCKET_DIR\", port: $PG_PORT, user: \"$PG_ADMIN\"|host: 127.0.0.1, port: $PG_PORT, user: shop, password_file: $T/wrong|")"
check_same "wrong password: it is not shown" "$(grep -c 'wrong$' "$T/stderr")" 0
chmod 644 "$T/wrong"
refused "a secret that others may read" 14 "chmod" "$REHEARSE" snapshot --to "$STORE" --env "$T/password.yaml"
chmod 600 "$T/wrong"
pg_sql -c "CREATE ROLE weak LOGIN" postgres
refused "a missing right in PostgreSQL" 14 "GRANT" "$REHEARSE" snapshot --to "$STORE" --env "$(variant weak \
    "s|user: \"$PG_ADMIN\"|user: weak|")"
my_sql -e "CREATE USER weak@localhost"
refused "a missing right in MariaDB" 14 "GRANT" "$REHEARSE" snapshot --to "$STORE" --env "$(variant weak2 's|user: root|user: weak|')"
check "nothing was made visible" test ! -e "$STORE/index.json" -o "$(jq '.manifests | length' "$STORE/index.json" 2>/dev/null || echo 0)" = 0

# ---- a lock that somebody holds -----------------------------------------------------------------
pg_sql -c "BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(30); COMMIT" shop >/dev/null 2>&1 &
LOCKER=$!
locked() {
    [ "$(pg_sql -c "SELECT count(*) FROM pg_locks WHERE relation = 'customers'::regclass AND mode = 'AccessExclusiveLock' AND granted" shop)" = 1 ]
}
wait_for 10 locked || not_ok "the table is locked"
refused "a lock timeout says who holds it" 20 "pid" "$REHEARSE" snapshot --lock-timeout 1s --env "$PRODUCTION" --to "$STORE"
kill $LOCKER 2>/dev/null
wait $LOCKER 2>/dev/null
pg_sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()" postgres >/dev/null

# ---- a full disk --------------------------------------------------------------------------------
if small_disk "$T/small" 300k; then
    refused "a full disk" 15 "small" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$T/small/store"
    check_same "a full disk: no bundle" "$(jq '.manifests | length' "$T/small/store/index.json" 2>/dev/null || echo 0)" 0
    umount "$T/small"
fi

# ---- bundles ------------------------------------------------------------------------------------
check "a good snapshot in the same store" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag good
refused "no such bundle" 17 "tuesday" "$REHEARSE" restore --from "$STORE" --into "$BOX" tuesday
refused "no such store" 17 "$T/nostore" "$REHEARSE" restore --from "$T/nostore" --into "$BOX" good
check "no box was made" test ! -e "$BOX"
largest=$(find "$STORE/blobs/sha256" -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2)
cp -a "$STORE" "$T/truncated"
truncate -s -1000 "$T/truncated/blobs/sha256/${largest##*/}"
refused "a truncated bundle" 16 "${largest##*/}" "$REHEARSE" restore --from "$T/truncated" --into "$BOX" good
refused "verify of a truncated bundle" 16 "damaged" "$REHEARSE" bundle verify --store "$T/truncated" good
check_has "verify names the blob" "$(cat "$T/stdout")" "${largest##*/}"
cp -a "$STORE" "$T/altered"
printf 'X' | dd of="$T/altered/blobs/sha256/${largest##*/}" bs=1 seek=2000 conv=notrunc status=none
refused "an altered bundle" 16 "damaged" "$REHEARSE" bundle verify --store "$T/altered" good
check_has "verify names the altered blob" "$(cat "$T/stdout")" "${largest##*/}"
mkdir "$T/mine"
echo precious >"$T/mine/file"
refused "a folder that is no box" 18 "$T/mine" "$REHEARSE" restore --from "$STORE" --into "$T/mine" --replace good
check_same "what was in it is untouched" "$(cat "$T/mine/file")" precious

# ---- an interrupt -------------------------------------------------------------------------------
"$REHEARSE" snapshot --env "$PRODUCTION" --to "$T/store2" >"$T/int.out" 2>&1 &
pid=$!
sleep 0.15
kill -INT $pid
wait $pid
status=$?
check "an interrupt ends it" test $status -eq 130 -o $status -eq 0
check "and the store is usable" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$T/store2" --tag after
check "and whole" "$REHEARSE" bundle verify --store "$T/store2" after

# ---- a service that dies ------------------------------------------------------------------------
check "restore" "$REHEARSE" restore --from "$STORE" --into "$BOX" good
printf '#!/bin/sh\necho "cannot find my soul" >&2\nexit 3\n' >"$BOX/files/code/bin/shopd"
refused "a service that dies" 19 "web" "$REHEARSE" box start "$BOX"
check_has "its last words are shown" "$(cat "$T/stderr")" "cannot find my soul"
check "box stop" "$REHEARSE" box stop "$BOX"

# ---- tapes --------------------------------------------------------------------------------------
head -c 3000 /dev/urandom >"$T/noise.tape"
refused "what is no tape" 16 "noise.tape" "$REHEARSE" tape show "$T/noise.tape"
refused "no such tape" 17 "none.tape" "$REHEARSE" replay --to 127.0.0.1:9 "$T/none.tape"
refused "no such interface" 17 "nosuch0" "$REHEARSE" record --interface nosuch0 --port 80 --to "$T/x.tape" --duration 1
e2e_end
