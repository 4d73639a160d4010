# Seven days of the shop's databases in one store: what they take beside restic and borg, who keep the
# dumps of the same days, what a later day costs, and how quickly day 7 is there again.
#
# BENCH_MB: megabytes of both databases together on day 1 (400; the shop's factor is a 80th of it).
# Every day 1 % of the rows is new and 1.5 % of them, anywhere, are changed: tests/bench/days.*.sql.
# shellcheck shell=bash disable=SC2034,SC2153

DAYS=7

days_change() { # DAY
    "$SHOP/shop-generate" --postgresql "host=$DAYS_PG port=$DAYS_PG_PORT user=postgres dbname=shop" \
        --mariadb-socket "$DAYS_MY" --factor "$DAYS_FACTOR" --day "$1" &&
        psql -Xq -v ON_ERROR_STOP=1 -v day="$1" -h "$DAYS_PG" -p "$DAYS_PG_PORT" -U postgres \
            -f "$ROOT/tests/bench/days.postgresql.sql" shop &&
        { printf 'SET @day = %s;\n' "$1" && cat "$ROOT/tests/bench/days.mariadb.sql"; } |
        mariadb --no-defaults --socket="$DAYS_MY" --user=root catalog
}

days_dump() {
    "$(pg_program pg_dump)" -h "$DAYS_PG" -p "$DAYS_PG_PORT" -U postgres -f "$T/dumps/shop.sql" shop &&
        mariadb-dump --no-defaults --socket="$DAYS_MY" --user=root --single-transaction --routines \
            --events catalog >"$T/dumps/catalog.sql"
}

days_peers_init() {
    need restic
    need borg
    mkdir -p "$T/dumps" "$T/peers"
    printf 'a password of the bench\n' >"$T/peers/password"
    export RESTIC_REPOSITORY=$T/restic RESTIC_PASSWORD_FILE=$T/peers/password RESTIC_CACHE_DIR=$T/peers/cache
    export BORG_REPO=$T/borg BORG_PASSPHRASE='a password of the bench' BORG_BASE_DIR=$T/peers/base
    { restic init && borg init -e repokey; } >/dev/null 2>"$T/peers/log" || die "$(cat "$T/peers/log")"
}

# Plain backups with what restic and borg do unasked, their own compression included.
days_peers_take() { # DAY
    { days_dump && restic backup -q "$T/dumps" && borg create "::day$1" "$T/dumps"; } >"$T/peers/log" 2>&1 ||
        die "$(cat "$T/peers/log")"
}

days_take() {
    "$REHEARSE" snapshot --quiet --env "$T/days.yaml" --to "$T/days" --tag "day$DAY" \
        --parent "$([ "$DAY" -eq 1 ] && echo none || echo "day$((DAY - 1))")"
}

# The same day as if there were none before it: what a later snapshot is measured against.
days_take_first() {
    "$REHEARSE" snapshot --quiet --env "$T/days.yaml" --to "$T/first" --tag first --parent none
}

days_servers() {
    shop_need_build
    pg_start days-pg
    my_start days-my
    DAYS_PG=$PG_SOCKET_DIR DAYS_PG_PORT=$PG_PORT DAYS_MY=$MY_SOCKET
    DAYS_FACTOR=$(awk -v mb="$BENCH_MB" 'BEGIN { print mb / 80 }')
    note "days: making $BENCH_MB MB"
    shop_databases "$DAYS_FACTOR"
    cat >"$T/days.yaml" <<-YAML
	name: days
	databases:
	  - {name: shop, engine: postgresql, host: "$DAYS_PG", port: $DAYS_PG_PORT, user: postgres, database: shop}
	  - {name: catalog, engine: mariadb, socket: "$DAYS_MY", user: root, database: catalog}
	YAML
}

# All seven days, once for all benches of this file.
days_prepare() {
    [ -z "${DAYS_READY:-}" ] || return 0
    DAYS_READY=1 DAYS_NEW=() DAYS_FIRST=() DAYS_FIRST_CPU=() DAYS_LATER=() DAYS_LATER_CPU=()
    local before=0 now
    days_servers
    days_peers_init
    note_load days
    for ((DAY = 1; DAY <= DAYS; DAY++)); do
        [ "$DAY" -eq 1 ] || days_change "$DAY" || die "day $DAY cannot be made"
        days_peers_take "$DAY"
        # By turns which comes first: the second one finds the pages in memory.
        if [ $((DAY % 2)) -eq 0 ]; then
            seconds days_take_first && DAYS_FIRST+=("$TOOK") DAYS_FIRST_CPU+=("$TOOK_CPU")
        fi
        seconds days_take
        [ "$DAY" -eq 1 ] || DAYS_LATER+=("$TOOK") DAYS_LATER_CPU+=("$TOOK_CPU")
        if [ $((DAY % 2)) -eq 1 ] && [ "$DAY" -gt 1 ]; then
            seconds days_take_first && DAYS_FIRST+=("$TOOK") DAYS_FIRST_CPU+=("$TOOK_CPU")
        fi
        rm -rf "$T/first"
        now=$(bytes_of "$T/days")
        DAYS_NEW+=("$((now - before))")
        before=$now
        note "day $DAY: $((DAYS_NEW[-1])) bytes; restic $(bytes_of "$T/restic"), borg $(bytes_of "$T/borg") so far"
    done
}

bench_days_vs_restic() {
    days_prepare
    report days-vs-restic "$(bytes_of "$T/days")" "$(bytes_of "$T/restic")" B
}

bench_days_vs_borg() {
    days_prepare
    report days-vs-borg "$(bytes_of "$T/days")" "$(bytes_of "$T/borg")" B
}

# The worst of the later days.
bench_day2_vs_day1() {
    days_prepare
    report day2-vs-day1 "$(printf '%s\n' "${DAYS_NEW[@]:1}" | sort -n | tail -n 1)" "${DAYS_NEW[0]}" B
}

bench_later_vs_first() {
    days_prepare
    report later-vs-first "$(median "${DAYS_LATER[@]}")" "$(median "${DAYS_FIRST[@]}")" s "" \
        "cpu=$(median "${DAYS_LATER_CPU[@]}")s/$(median "${DAYS_FIRST_CPU[@]}")s"
}

days_restore_7() {
    "$REHEARSE" restore --quiet --from "$T/days" --into "$T/box" --no-pristine --start day7
}

days_restore_1() {
    "$REHEARSE" restore --quiet --from "$T/days" --into "$T/box" --no-pristine --start day1
}

bench_restore_7_vs_1() {
    days_prepare
    measure restore-7-vs-1 days_restore_7 days_restore_1 drop_box
}
