#!/usr/bin/env bash
# run alone: it looks at how well a replay keeps time.
# Record and replay on a real server: every request and response of a client is on the tape, a replay
# keeps time, and cookies and ids made by the server are carried.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin traffic
shop_production_start "${FACTOR:-0.05}"
TARGET=127.0.0.1:$SHOP_PORT

# record_while NAME COMMAND...: a tape $T/NAME.tape of what the command does.
record_while() {
    local name=$1 recorder status
    shift
    "$REHEARSE" record --interface lo --port "$SHOP_PORT" --to "$T/$name.tape" \
        --journal "$T/$name.journal" >"$T/$name.out" 2>&1 &
    recorder=$!
    wait_for 20 grep -q recording "$T/$name.out" || { cat "$T/$name.out"; return 1; }
    "$@"
    status=$?
    kill -INT "$recorder"
    wait "$recorder" || { cat "$T/$name.out"; return 1; }
    return $status
}

# listed NAME TYPE: the start lines of a tape's requests or responses, in order.
listed() {
    "$REHEARSE" tape show --requests --json "$T/$1.tape" | jq -r ".list[] | select(.type == \"$2\") | .line"
}

total() { # NAME FIELD: of the tape's last record
    "$REHEARSE" tape show --json "$T/$1.tape" | jq -r ".end.$2"
}

summary() { # JOURNAL FIELD
    jq -r "select(.event == \"replay.summary\") | .$2" "$1"
}

# ---- what a client sends is what the tape holds --------------------------------------------------
# A server that is asked to close after the last response ends what there is to read.
CLOSE=$'Host: shop\r\nConnection: close\r\n\r\n'
KEEP=$'Host: shop\r\n\r\n'

split_heads() { # one head in two segments, cut at another byte each time
    local i head
    for i in {1..40}; do
        head="GET /healthz?split=$i HTTP/1.1"$'\r\n'$CLOSE
        exec 3<>"/dev/tcp/127.0.0.1/$SHOP_PORT" || return 1
        printf '%s' "${head:0:i}" >&3
        sleep 0.01
        printf '%s' "${head:i}" >&3
        grep -aq '^HTTP/1.1 200' <&3 || return 1
        exec 3>&-
    done
}
check "a head split over two segments is answered" record_while split split_heads
check_same "and recorded, every one" "$(listed split request)" \
    "$(for i in {1..40}; do echo "GET /healthz?split=$i HTTP/1.1"; done)"
check_same "with its response" "$(listed split response | grep -c '200')" 40

pipelined() { # four in one segment
    local i text
    for i in {1..25}; do
        text=
        for k in 1 2 3; do
            text+="GET /healthz?pipe=$i.$k HTTP/1.1"$'\r\n'$KEEP
        done
        text+="GET /healthz?pipe=$i.4 HTTP/1.1"$'\r\n'$CLOSE
        exec 3<>"/dev/tcp/127.0.0.1/$SHOP_PORT" || return 1
        printf '%s' "$text" >&3
        [ "$(grep -ac '^HTTP/1.1 200' <&3)" -eq 4 ] || return 1
        exec 3>&-
    done
}
check "four pipelined requests are answered" record_while pipe pipelined
check_same "and recorded, every one" "$(listed pipe request)" \
    "$(for i in {1..25}; do for k in 1 2 3 4; do echo "GET /healthz?pipe=$i.$k HTTP/1.1"; done; done)"
check_same "with its response" "$(listed pipe response | grep -c '200')" 100

uploads() { # 100-continue, chunks, HEAD
    head -c 300000 /dev/zero | tr '\0' 'a' >"$T/large"
    curl -sS -m 10 -o /dev/null -H 'Expect: 100-continue' --data-binary "@$T/large" "$SHOP_URL/login" &&
        curl -sS -m 10 -o /dev/null -H 'Transfer-Encoding: chunked' --data-binary "@$T/large" "$SHOP_URL/login" &&
        curl -sS -m 10 -o /dev/null -I "$SHOP_URL/" && curl -sS -m 10 -o "$T/home" "$SHOP_URL/"
}
check "uploads and HEAD are answered" record_while upload uploads
check_same "and recorded" "$(listed upload request | cut -d' ' -f1,2 | tr '\n' ' ')" \
    "POST /login POST /login HEAD / GET / "
check_same "a body in chunks has its bytes" "$("$REHEARSE" tape show --requests --json "$T/upload.tape" |
    jq '[.list[] | select(.type == "response") | .body_bytes] | last')" "$(stat -c %s "$T/home")"
check_same "nothing was lost" "$(total upload gap_bytes) $(total upload dropped)" "0 0"

check "visitors are recorded" record_while visit shop_traffic 6 60
SENT=$(grep -o '^[0-9]* requests' "$T/out" | cut -d' ' -f1)
check_same "each of their requests" "$(total visit requests)" "$SENT"
check_same "each of their responses" "$(total visit responses)" "$SENT"
check_same "the tape is private" "$(stat -c %a "$T/visit.tape")" 600
check_same "the journal has the totals" "$(jq -r .requests "$T/visit.journal")" "$SENT"

# ---- replaying -----------------------------------------------------------------------------------
check_status "the recorded server is no target" 10 "$REHEARSE" replay --to "$TARGET" "$T/visit.tape"
check_has "and it says why" "$(cat "$T/out")" "where the tape was recorded"
check "a replay runs" "$REHEARSE" replay --to "$TARGET" --allow-source --results "$T/a.results" \
    --against tape --journal "$T/a.journal" "$T/visit.tape"
check_same "all is answered" "$(summary "$T/a.journal" answered)" "$SENT"
check_same "without errors" "$(summary "$T/a.journal" errors)" 0
# An order is read back by an id that the server made up a moment before, with a new cookie: without
# carrying both, each of them would be 401 or 404.
MAPPED=$(summary "$T/a.journal" mapped)
check "cookies and ids were carried" test "$MAPPED" -gt 10
check_same "every status is as recorded" \
    "$(jq -r 'select(.event == "replay.difference" and .where == "status") | .endpoint' "$T/a.journal")" ""
check "orders were read back" jq -es 'any(.[]; .event == "replay.endpoint" and .endpoint == "GET /api/orders/{}" and .status["200"] > 0)' "$T/a.journal"

# Measured, not judged: others may use this machine.
RECORDED=$("$REHEARSE" tape show --json "$T/visit.tape" | jq .spans_ms)
printf '# recorded %s ms, replayed in %s ms, sender late p50 %s us p99 %s us\n' "$RECORDED" \
    "$(summary "$T/a.journal" took_ms)" "$(summary "$T/a.journal" late_p50_us)" "$(summary "$T/a.journal" late_p99_us)"
check "it did not hurry" test "$(summary "$T/a.journal" took_ms)" -ge $((RECORDED - 200))
check "twice as fast takes half the time" "$REHEARSE" replay --to "$TARGET" --allow-source --speed 2 \
    --results "$T/b.results" --journal "$T/b.journal" "$T/visit.tape"
check "or little more" test "$(summary "$T/b.journal" took_ms)" -lt $((RECORDED * 9 / 10))

check "pipelined requests are replayed" "$REHEARSE" replay --to "$TARGET" --allow-source \
    --journal "$T/p.journal" "$T/pipe.tape"
check_same "all of them" "$(summary "$T/p.journal" answered)" 100
# Without --results they are kept for as long as they are compared.
mkdir "$T/tmp"
uploads_again() {
    TMPDIR=$T/tmp "$REHEARSE" replay --to "$TARGET" --allow-source --against tape --journal "$T/u.journal" "$T/upload.tape"
}
check "uploads are replayed" uploads_again
check_has "and compared with the tape" "$(cat "$T/out")" "responses compared with $T/upload.tape: none differs"
check_same "with no results left behind" "$(ls "$T/tmp")$(ls -d "$T"/rehearse-results.* 2>/dev/null)" ""
check_same "with the same answers" "$(jq -r 'select(.event == "replay.difference") | .where' "$T/u.journal")" ""

# ---- comparing -----------------------------------------------------------------------------------
e2e_stop web
cp -RP "$PROD/code" "$T/code3" && cp -RP "$SHOP/release3/code/." "$T/code3/"
[ "$(id -u)" -ne 0 ] || chown -R nobody: "$T/code3"
shop_serve web "$T/code3" "$PROD/config/shop.conf"
check "another release is started" wait_for 20 curl -fsS "$SHOP_URL/healthz"
check "it is compared with the old one" "$REHEARSE" replay --to "$TARGET" --allow-source --results "$T/c.results" \
    --against "$T/a.results" --noise "$T/b.results" --journal "$T/c.journal" "$T/visit.tape"
check_has "the renamed field is found" \
    "$(jq -r 'select(.event == "replay.difference") | "\(.where) \(.kind)"' "$T/c.journal")" 'title missing'

# ---- bad input -----------------------------------------------------------------------------------
check_status "a port must be named" 10 "$REHEARSE" record --to "$T/x.tape"
check_status "an unknown interface" 17 "$REHEARSE" record --interface nope0 --port 80 --to "$T/x.tape"
check_has "names those there are" "$(cat "$T/out")" "lo"
check "and leaves no tape" test ! -e "$T/x.tape"
check_status "a tape is never overwritten" 18 "$REHEARSE" record --port 80 --to "$T/visit.tape" --duration 1
check_status "a file that is no tape" 16 "$REHEARSE" tape show "$T/large"
check_status "a tape that is not there" 17 "$REHEARSE" replay --to "$TARGET" "$T/none.tape"
e2e_stop web
check_status "a server that is not there" 12 "$REHEARSE" replay --to "$TARGET" --allow-source \
    --results "$T/none.results" "$T/split.tape"
check_same "leaves no results" "$(ls "$T" | grep -c '^none')" 0
check_status "nor does it without a name for them" 12 "$REHEARSE" replay --to "$TARGET" --allow-source \
    --against tape "$T/split.tape"
check_same "anything else" "$(ls -d "$T"/rehearse-results.* 2>/dev/null)" ""

SIZE=$(stat -c %s "$T/visit.tape")
head -c $((SIZE - 100)) "$T/visit.tape" >"$T/cut.tape"
check_status "a cut tape is shown as far as it is good" 16 "$REHEARSE" tape show "$T/cut.tape"
check_has "and says where it is cut" "$(cat "$T/out")" "of the tape is cut"
check_has "and what there is until then" "$(cat "$T/out")" "GET /api/articles/{}"
shop_serve web "$PROD/code" "$PROD/config/shop.conf"
wait_for 20 curl -fsS "$SHOP_URL/healthz"
check "and replayed as far as it is good" "$REHEARSE" replay --to "$TARGET" --allow-source --no-wait "$T/cut.tape"
check_has "with a warning" "$(cat "$T/out")" "replaying what is good"
shop_production_stop
e2e_end
