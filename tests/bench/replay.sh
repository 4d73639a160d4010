# Requests per second of a replay against wrk, on the same server, with as many threads and
# connections.
# shellcheck shell=bash

REPLAY_CONNECTIONS=16

# One worker, one small page from memory: the server has to be faster than both senders.
replay_server() {
    need nginx
    HTTP_PORT=$(free_port)
    mkdir -p "$T/www" "$T/nginx"
    head -c 1000 /dev/zero | tr '\0' 'x' >"$T/www/page"
    cat >"$T/nginx/nginx.conf" <<-CONF
	daemon off; worker_processes 1; pid $T/nginx/pid; error_log $T/nginx/error.log;
	events { worker_connections 256; }
	http { access_log off; keepalive_requests 100000000; client_body_temp_path $T/nginx; proxy_temp_path $T/nginx;
	    fastcgi_temp_path $T/nginx; uwsgi_temp_path $T/nginx; scgi_temp_path $T/nginx;
	    server { listen 127.0.0.1:$HTTP_PORT; root $T/www; } }
	CONF
    [ "$(id -u)" -ne 0 ] || chown -R nobody: "$T/nginx"
    e2e_start nginx nobody "$(command -v nginx || echo /usr/sbin/nginx)" -e "$T/nginx/error.log" -c "$T/nginx/nginx.conf"
    wait_for 10 curl -fsS "http://127.0.0.1:$HTTP_PORT/page" || die "nginx does not start"
}

# A tape of what wrk itself sends, for two seconds.
replay_tape() {
    "$REHEARSE" record --interface lo --port "$HTTP_PORT" --to "$T/tape" --buffer 256M >"$T/record.out" 2>&1 &
    local recorder=$!
    wait_for 20 grep -q recording "$T/record.out" || die "cannot record: $(cat "$T/record.out")"
    wrk -t1 -c"$REPLAY_CONNECTIONS" -d2s "http://127.0.0.1:$HTTP_PORT/page" >/dev/null || die "wrk failed"
    kill -INT "$recorder"
    wait "$recorder" || die "cannot record: $(tail -n 1 "$T/record.out")"
}

# Requests per second; the time is the replay's own, as wrk's is.
replay_ours() {
    rm -f "$T/replay.journal"
    "$REHEARSE" replay --quiet --to "127.0.0.1:$HTTP_PORT" --allow-source --no-wait --threads 1 --timeout 10s \
        --journal "$T/replay.journal" "$T/tape" >"$T/bench.out" 2>&1 || return
    jq -es 'map(select(.event == "replay.summary"))[0] | .answered * 1000 / .took_ms' "$T/replay.journal"
}

replay_wrk() {
    wrk -t1 -c"$REPLAY_CONNECTIONS" -d3s "http://127.0.0.1:$HTTP_PORT/page" | awk '/^Requests\/sec:/ { print $2 }'
}

bench_replay_vs_wrk() {
    need wrk
    local mine=() theirs=()
    replay_server
    replay_tape
    for ((run = 0; run < BENCH_RUNS; run++)); do
        mine+=("$(replay_ours)") || die "replay failed: $(tail -n 3 "$T/bench.out")"
        theirs+=("$(replay_wrk)")
        note "replay-vs-wrk: run $((run + 1)) of $BENCH_RUNS: ours ${mine[-1]}/s, peer ${theirs[-1]}/s"
    done
    local a b
    a=$(printf '%.0f' "$(median "${mine[@]}")")
    b=$(printf '%.0f' "$(median "${theirs[@]}")")
    # More is better here: the peer's is divided by ours, so that less than one is good as elsewhere.
    report replay-vs-wrk "$a" "$b" /s "$(divide "$b" "$a")"
    e2e_stop nginx
}
