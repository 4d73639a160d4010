#!/bin/bash
# run alone: latencies are compared in it.
# The main job: record, snapshot, rehearse a good and a bad release; read the reports as a release
# manager would, in a real browser; look for the secret everywhere it must not be.
. "$(dirname "$0")/lib.sh"
e2e_begin rehearsal
MY_OPTIONS="--default-time-zone=+02:00 --group-concat-max-len=4321"
shop_production_start "${FACTOR:-0.25}"
# Behaviour that the box has to share.
pg_sql -c "ALTER SYSTEM SET statement_timeout = '20s'" -c 'ALTER SYSTEM SET random_page_cost = 1.25' \
    -c 'SELECT pg_reload_conf()' postgres >/dev/null

STORE=$T/store
BOX=$T/box
TAPE=$T/monday.tape
E2E_BOXES+=("$BOX")

record() {
    "$REHEARSE" record --env "$PRODUCTION" --to "$TAPE" --duration 60 >"$T/record.out" 2>&1 &
    local recorder=$!
    wait_for 20 grep -q "recording" "$T/record.out" || return 1
    shop_traffic "${SECONDS_OF_TRAFFIC:-6}" 60 || return 1
    sleep 0.5
    kill -INT "$recorder"
    wait "$recorder" || { cat "$T/record.out"; return 1; }
}
check "record" record
check "snapshot" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag monday

shop_release 2 "$STORE" monday "$BOX" "$TAPE"
check_status "release 2 gets GO" 0 "$REHEARSE" run --out "$T/out2" "$RELEASE_FILE"
cp "$T/out" "$T/run2.out"

shop_release 3 "$STORE" monday "$BOX" "$TAPE"
check_status "release 3 gets NO-GO" 1 "$REHEARSE" run --out "$T/out3" "$RELEASE_FILE"
cp "$T/out" "$T/run3.out"

drift_of() { # KIND
    jq -r "select(.event == \"drift\" and .kind == \"$1\") | .name" "$T/out2/journal.jsonl"
}
check_same "the box runs under production's settings" "$(drift_of setting)" ""
check_same "and on servers of its version" "$(drift_of version)" ""

check_same "the journal tells of every start of a service" \
    "$(jq -r 'select(.event == "box.service") | .service + " " + .state' "$T/out2/journal.jsonl" | sort | uniq -c | xargs)" \
    "3 web healthy"

RUN3=$(cat "$T/run3.out")
SCRIPT=$(cd "$T/release3/data" && ls ./*.sql | head -1)
check_has "it names the wiped column" "$RUN3" "articles.price"
check_has "it names the script that lost the data" "$RUN3" "${SCRIPT#./}"
check_has "it names the rule of the renamed field" "$RUN3" "response-changed"
check_has "it names the slow endpoint's rule" "$RUN3" "slower"
check_has "it names the slow endpoint" \
    "$(jq -r 'select(.event == "verdict") | .reasons[] | select(.rule == "slower") | .subject' "$T/out3/journal.jsonl")" "/reviews"

html() { chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$T/chromium" "$@" 2>"$T/chromium.log"; }
DOM=$(html --dump-dom "file://$T/out3/report.html")
check_has "the report opens in a browser" "$DOM" "NO-GO"
check_has "the report shows the timeline" "$DOM" "timeline of the steps"
check_has "the report shows the latencies" "$DOM" "latency of each endpoint"
check_has "the report names the column" "$DOM" "articles.price"
check "a screenshot of it can be taken" html --window-size=1100,2600 --screenshot="$T/report.png" "file://$T/out3/report.html"
check "and is a picture" test "$(stat -c %s "$T/report.png" 2>/dev/null || echo 0)" -gt 20000
[ -z "${SHOTS:-}" ] || cp "$T/report.png" "$SHOTS/"

for n in 2 3; do
    check "junit of release $n is XML" xmllint --noout "$T/out$n/junit.xml"
    check "json of release $n is JSON" jq -e .verdict.verdict "$T/out$n/report.json"
done
check_has "the journal can be rendered again" \
    "$("$REHEARSE" report --format json "$T/out2" | jq -r .verdict.verdict)" GO

check_has "what is slower was replayed twice" "$RUN3" "in a second run"
check "and the second run has a journal" test -s "$T/out3/confirm.jsonl"

# A script that lacks a right fails the release, not the rehearsal.
cp -RP "$T/release3" "$T/release5"
rm -f "$T/release5/data/"*.sql
echo "DO \$\$ BEGIN RAISE insufficient_privilege; END \$\$;" >"$T/release5/data/V5__no_right.sql"
sed -e '/^migrations:/,/^code:/{/^code:/!d}' -e 's/database: catalog, dir: data/database: shop, dir: data/' \
    -e 's/baselines: 2/baselines: 1/' "$T/release3/release.yaml" >"$T/release5/release.yaml"
check_status "a script without a right gets NO-GO" 1 "$REHEARSE" run --out "$T/out5" "$T/release5/release.yaml"
check_has "and is named" "$(cat "$T/out")" "V5__no_right.sql"

# A journal that somebody changed is refused, wherever the change is.
sed '5s/"at":"2/"at":"3/' "$T/out3/journal.jsonl" >"$T/forged.jsonl"
check_status "a forged journal is refused" 16 "$REHEARSE" report "$T/forged.jsonl"

# ---- nothing of the secret is left anywhere ------------------------------------------------------
secret_free() { # files that hold it are listed
    ! grep -rlF "s3cret" "$@"
}
check "no secret in journals, reports and ledgers" secret_free "$T/out2" "$T/out3"
check "no secret in the outputs" secret_free "$T/run2.out" "$T/run3.out" "$T/record.out"
unpack() { # every frame of the store, raw
    find "$STORE/blobs" -type f -exec sh -c 'zstd -dcq "$1" 2>/dev/null || cat "$1"' _ {} \;
}
check_same "no secret in the bundle" "$(unpack | grep -cF s3cret)" 0

# ---- an interrupted run goes on -----------------------------------------------------------------
interrupt() {
    "$REHEARSE" run --out "$T/out4" "$RELEASE_FILE" >"$T/run4.out" 2>&1 &
    local run=$!
    wait_for 120 grep -q '"step.done".*"step":4\|"step":4.*"step.done"' "$T/out4/journal.jsonl" || return 1
    kill -KILL "$run"
    wait "$run" 2>/dev/null
    return 0
}
check "a run is killed after step 4" interrupt
check_status "and resumed to the same verdict" 1 "$REHEARSE" run --resume "$T/out4" "$RELEASE_FILE"
check_same "without restoring again" \
    "$(jq -r 'select(.event == "step.done" and .step == 4) | .status' "$T/out4/journal.jsonl" | wc -l)" 1
e2e_end
