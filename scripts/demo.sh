#!/usr/bin/env bash
# `make demo`: the main job, from nothing to two verdicts, on the demo shop.
#
# Starts the shop as a production of its own (private PostgreSQL and MariaDB, nothing of this host's
# is touched), takes a snapshot, records visitors, rehearses a good and a bad release, and fails
# unless the good one gets GO and the bad one NO-GO for the three faults that it has.
#
#   BUILD=build         build folder; the reports go to $BUILD/demo
#   DEMO_FACTOR=1       size of the shop: 1 is 200,000 reviews, 20,000 orders
#   DEMO_SECONDS=15     how long visitors are recorded
#   KEEP=1              production and box are stopped, but their folder stays
set -u
cd "$(dirname "$0")/.." || exit 1
FACTOR=${DEMO_FACTOR:-1}
RECORD_S=${DEMO_SECONDS:-15}
RATE=40
CLIENTS=10

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    BOLD=$'\e[1m' GREEN=$'\e[1;32m' RED=$'\e[1;31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
    BOLD='' GREEN='' RED='' DIM='' PLAIN=''
fi

chapter() {
    printf '\n%s== %s%s %s(%d s)%s\n' "$BOLD" "$1" "$PLAIN" "$DIM" "$SECONDS" "$PLAIN"
}

say() {
    printf '   %s\n' "$*"
}

scripts/install-deps run || exit
# shellcheck source=tests/e2e/lib.sh
. tests/e2e/lib.sh

chapter "Building rehearse and the demo shop"
# By the same name as `make` itself has it: what was built before is known under that name.
"${MAKE:-make}" --no-print-directory BUILD="${BUILD#"$ROOT"/}" all shop >"$BUILD.demo-build.log" 2>&1 || {
    tail -n 20 "$BUILD.demo-build.log"
    exit 1
}
rm -f "$BUILD.demo-build.log"
say "$("$REHEARSE" --version 2>/dev/null || echo "$REHEARSE")"

e2e_begin demo
OUT=$BUILD/demo
rm -rf "$OUT"
mkdir -p "$OUT"
STORE=$T/store
TAPE=$T/visitors.tape
BOX=$T/box
E2E_BOXES+=("$BOX")

# Only the right to listen on the wire needs more than an ordinary user.
capture() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -E "$@"
    fi
}

# record_visitors: the recorder listens while visitors come; both end by themselves.
record_visitors() {
    local recorder status=0
    capture "$REHEARSE" record --env "$PRODUCTION" --to "$TAPE" --duration "$((RECORD_S + 2))s" \
        >"$T/record.out" 2>&1 &
    recorder=$!
    # A visit that is under way when the recorder begins would be recorded from its middle.
    wait_for 10 grep -q recording "$T/record.out"
    shop_traffic "$RECORD_S" "$RATE" --clients "$CLIENTS" >"$T/traffic.out" || status=1
    wait $recorder || status=1
    [ "$(id -u)" -eq 0 ] || sudo chown "$(id -u):$(id -g)" "$TAPE"
    return $status
}

# rehearse_release N EXPECTED_STATUS VERDICT
rehearse_release() {
    local status
    shop_release "$1" "$STORE" demo "$BOX" "$TAPE"
    "$REHEARSE" run "$RELEASE_FILE" --out "$OUT/release$1" >"$T/run$1.out" 2>"$T/run$1.err"
    status=$?
    sed 's/^/   /' "$T/run$1.out"
    if [ $status -eq "$2" ]; then
        say "${GREEN}as expected: release $1 gets $3${PLAIN}"
        return 0
    fi
    say "${RED}release $1 was expected to get $3 (exit status $2), but the status is $status${PLAIN}"
    tail -n 20 "$T/run$1.err" | sed 's/^/   /'
    FAILED=$((FAILED + 1))
    return 1
}

# must_name WHAT TEXT: the evidence of release 3 holds the text.
must_name() {
    if grep -qF -- "$2" "$OUT/release3/report.json" 2>/dev/null; then
        say "  ${GREEN}found${PLAIN} $1"
    else
        say "  ${RED}missed${PLAIN} $1"
        FAILED=$((FAILED + 1))
    fi
}

chapter "Starting production: a web shop on PostgreSQL and MariaDB"
shop_production_start "$FACTOR"
say "shop        $SHOP_URL"
say "PostgreSQL  port $PG_PORT, $(pg_sql -c 'SELECT count(*) FROM orders' shop) orders of $(shop_customers) customers"
say "MariaDB     $(my_sql -e 'SELECT COUNT(*) FROM reviews' catalog) reviews of $(my_sql -e 'SELECT COUNT(*) FROM articles' catalog) articles"

chapter "Taking a snapshot of production: code, config, both databases, host facts"
"$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag demo >"$T/snapshot.out" || die "the snapshot failed"
sed 's/^/   /' "$T/snapshot.out"

chapter "Recording $RECORD_S s of visitors, $RATE requests per second"
record_visitors || {
    tail -n 5 "$T/record.out" "$T/traffic.out"
    die "the recording failed"
}
sed 's/^/   /' "$T/traffic.out" "$T/record.out"

chapter "Production is not needed any more: it stops, and its files stay as they are"
shop_production_stop

chapter "Rehearsing release 2: ratings; two engines migrated, new config, new code, a data script"
rehearse_release 2 0 GO

chapter "Rehearsing release 3: free gifts; with three faults that nobody saw in review"
if rehearse_release 3 1 NO-GO; then
    must_name "the script that set every price to 0" V3_0_9__gift_articles_are_free.sql
    must_name "the column that it wiped: articles.price" articles.price
    must_name "the JSON field that is gone: title" '$.title'
    must_name "the endpoint that lost its index" 'GET /api/articles/{}/reviews'
fi

chapter "Done"
say "report of release 2  $OUT/release2/report.html"
say "report of release 3  $OUT/release3/report.html"
if [ "$FAILED" -gt 0 ]; then
    say "${RED}$FAILED of what the demo promises did not come true${PLAIN}"
    exit 1
fi
