#!/bin/bash
# Which bundles stay by --keep-last, --keep-daily, --keep-weekly and --keep-monthly: two environments,
# captured on chosen days by a program whose clock is libfaketime's, against what date(1) says of the
# same times. What stays is whole though what it builds on was removed; pins and the grace period hold.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin retention

FAKETIME_LIB=$(find /usr/lib/*/faketime -name libfaketime.so.1 2>/dev/null | head -n 1)
[ -n "$FAKETIME_LIB" ] || die "no libfaketime: scripts/install-deps test"
# at TIME COMMAND...: files keep their true times, and what waits waits as long as ever.
at() {
    local time=$1
    shift
    NO_FAKE_STAT=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME="@$time" LD_PRELOAD=$FAKETIME_LIB "$@"
}
bundle() { local verb=$1; shift; "$REHEARSE" bundle "$verb" --store "$S" "$@"; }

# ---- bundles of many days ------------------------------------------------------------------------
# Several a day, both sides of midnight and of a week's first second, a year whose last days are of the
# next one's first week, a leap day, the ends of months, days and weeks without any.
SHOP="2024-01-31 23:59:58
2024-02-29 12:00:00
2024-03-01 00:00:00
2024-12-22 23:59:58
2024-12-23 00:00:00
2024-12-29 08:00:00
2024-12-29 23:59:58
2024-12-30 00:00:00
2024-12-31 23:59:58
2025-01-01 00:00:00
2025-01-01 12:00:00
2025-01-05 23:59:58
2025-01-06 00:00:00
2025-01-06 09:00:00
2025-01-31 10:00:00
2025-02-01 10:00:00
2025-02-01 11:00:00
2025-02-03 12:00:00
2025-02-03 12:00:01"
DEPOT="2024-11-01 00:00:00
2025-01-15 06:00:00
2025-01-15 18:00:00
2025-01-16 06:00:00"

S=$T/made
mkdir "$T/shop" "$T/depot"
for env in shop depot; do
    head -c 200000 /dev/urandom | base64 >"$T/$env/big"
    printf 'name: %s\nfiles:\n  - {name: code, path: %s}\n' $env "$T/$env" >"$T/$env.yaml"
done
bad=0
take() { # ENVIRONMENT TIME: the tag is the time
    echo "$2" >>"$T/$1/big"
    at "$2" "$REHEARSE" snapshot --quiet --env "$T/$1.yaml" --to "$S" --tag "$1-$(tr ' :' '--' <<<"$2")" >"$T/out" 2>&1 || {
        bad=$((bad + 1))
        cat "$T/out"
    }
}
while read -r time; do take shop "$time"; done <<<"$SHOP"
while read -r time; do take depot "$time"; done <<<"$DEPOT"
check_same "snapshots of other days" $bad 0
MADE=$S

# ---- what date(1) would keep ---------------------------------------------------------------------
# wanted N FORMAT TIMES: the newest of each of the last N periods that have one, any order of TIMES
wanted() {
    local count=$1 format=$2 time period before=""
    while read -r time; do
        period=$(date -u -d "$time" "+$format")
        [ "$period" != "$before" ] || continue
        before=$period
        [ $((count--)) -gt 0 ] || break
        echo "$time"
    done < <(sort -r <<<"$3")
}

# expected LAST DAILY WEEKLY MONTHLY TIMES
expected() {
    {
        wanted "$1" '%s' "$5"
        wanted "$2" '%F' "$5"
        wanted "$3" '%G-%V' "$5"
        wanted "$4" '%Y-%m' "$5"
    } | sort -u
}

kept() { # ENVIRONMENT: the times of what is listed
    bundle ls --json | jq -r --arg env "$1" '.[] | select(.environment == $env) | .created' |
        sed 's/T/ /; s/\..*//' | sort -u
}
fresh() { S=$T/store; rm -rf "$S"; cp -a "$MADE" "$S"; }

check_same "all are listed with their time" "$(kept shop)" "$(sort <<<"$SHOP")"
check_same "those of the other environment too" "$(kept depot)" "$(sort <<<"$DEPOT")"

# rules LAST DAILY WEEKLY MONTHLY
rules() {
    local options=() names=(last daily weekly monthly) i=0 n would
    for n in "$@"; do
        [ "$n" -eq 0 ] || options+=("--keep-${names[i]}" "$n")
        i=$((i + 1))
    done
    fresh
    would=$(bundle gc --grace 0 --dry-run "${options[@]}" | sed -n 's/^would remove//p')
    check_same "${options[*]}: a dry run changes nothing" "$(kept shop; kept depot)" "$(sort <<<"$SHOP"; sort <<<"$DEPOT")"
    check_same "... and says what would go" "$(bundle gc --grace 0 "${options[@]}" | sed -n 's/^removed//p')" "$would"
    check_same "... what stays of the shop" "$(kept shop)" "$(expected "$@" "$SHOP")"
    check_same "... and of the depot" "$(kept depot)" "$(expected "$@" "$DEPOT")"
    check "... is whole" bundle verify --quiet --all
}
rules 3 0 0 0
rules 0 1 0 0
rules 0 5 0 0
rules 0 0 1 0
rules 0 0 4 0
rules 0 0 0 2
rules 0 0 0 100
rules 1 3 3 3
rules 2 7 8 12

# ---- rules that do not touch all -----------------------------------------------------------------
fresh
check "without rules" bundle gc --grace 0
check_same "all stay" "$(kept shop; kept depot)" "$(sort <<<"$SHOP"; sort <<<"$DEPOT")"
check "rules for one environment" bundle gc --grace 0 --keep-monthly 1 --environment shop
check_same "are its own" "$(kept shop; kept depot)" "$(expected 0 0 0 1 "$SHOP"; sort <<<"$DEPOT")"

fresh
check "a zone that is hours ahead" env TZ=Asia/Tokyo "$REHEARSE" bundle gc --quiet --store "$S" --grace 0 --keep-daily 4 --keep-weekly 2
check_same "makes no other days: they are of UTC" "$(kept shop)" "$(expected 0 4 2 0 "$SHOP")"

fresh
old=shop-2024-02-29-12-00-00
check "pin an old one" bundle pin $old
check_has "a rule names what is pinned" "$(bundle gc --grace 0 --keep-daily 2)" "1 of them only because they are pinned"
check_same "it stays beside what the rule keeps" "$(kept shop)" "$(echo "2024-02-29 12:00:00"; expected 0 2 0 0 "$SHOP")"
check "and is whole" bundle verify $old
# The lock file of a writer that was killed, and nothing to change but for the pin.
printf 'here process 1 since then\nflock\n' >"$S/swap.lock"
check "the same rule beside a dead writer's lock" bundle gc --grace 0 --keep-daily 2
check "takes the lock away" test ! -e "$S/swap.lock"
check "unpin" bundle unpin $old
check "the same rule again" bundle gc --grace 0 --keep-daily 2
check_same "removes it" "$(kept shop)" "$(expected 0 2 0 0 "$SHOP")"

fresh
check "remove the newest of a day" bundle rm shop-2025-02-03-12-00-01
check "a rule by days" bundle gc --grace 0 --keep-daily 1
check_same "takes the one before it" "$(kept shop)" "2025-02-03 12:00:00"

check "a restore of what stays" "$REHEARSE" restore --quiet --from "$S" --into "$T/box" --no-pristine shop-2025-02-03-12-00-00
check_same "has that day's bytes" "$(sha256sum <"$T/box/files/code/big")" "$(grep -vx '2025-02-03 12:00:01' "$T/shop/big" | sha256sum)"

# ---- the grace period, in days -------------------------------------------------------------------
fresh
blobs() { find "$S/blobs" -type f | wc -l; }
in_days() { date -u -d "+$1 days" '+%F %T'; }
before=$(blobs)
check "a rule tomorrow, with a week of grace" at "$(in_days 1)" "$REHEARSE" bundle gc --quiet --store "$S" --keep-last 1 --grace 7d
check_same "what was removed is not listed" "$(kept shop)" "$(expected 1 0 0 0 "$SHOP")"
check_same "and not freed" "$(blobs)" "$before"
check "gc six days later" at "$(in_days 7)" "$REHEARSE" bundle gc --quiet --store "$S" --grace 7d
check_same "frees nothing yet" "$(blobs)" "$before"
check "gc when the week is over" at "$(in_days 9)" "$REHEARSE" bundle gc --quiet --store "$S" --grace 7d
check "frees it" test "$(blobs)" -lt "$before"
check "what stays is whole" bundle verify --quiet --all

# ---- a full disk ---------------------------------------------------------------------------------
# filled: to the last byte, with what a writer left that was killed days ago
filled() {
    head -c 8M /dev/zero >"$S/tmp/00000000000000000000000000000000" 2>/dev/null
    touch -d '3 days ago' "$S/tmp/00000000000000000000000000000000"
    ! head -c 1 /dev/zero 2>/dev/null >"$S/more" && rm -f "$S/more"
}
if small_disk "$T/small" 4M; then
    S=$T/small/store
    check "a snapshot" "$REHEARSE" snapshot --quiet --env "$T/shop.yaml" --to "$S" --tag first
    echo more >>"$T/shop/big"
    check "and another one" "$REHEARSE" snapshot --quiet --env "$T/shop.yaml" --to "$S" --tag second
    check "the disk is filled" filled
    check_status "... so that no name can be written" 15 bundle tag first again
    check "gc on the full disk" bundle gc
    check_same "removes the litter" "$(find "$S/tmp" "$S/swap.lock" -type f 2>/dev/null | wc -l)" 0
    printf 'here process 1 since then\nflock\n' >"$S/swap.lock"
    touch -d '3 days ago' "$S/swap.lock"
    check "filled again" filled
    check "gc with a rule" bundle gc --keep-last 1 --grace 1h
    check_same "removes litter and lock" "$(find "$S/tmp" "$S/swap.lock" -type f 2>/dev/null | wc -l)" 0
    check_same "and what the rule says" "$(bundle ls --json | jq -r '.[].tags[]' | grep -cx 'first\|second')" 1
    check "what stays is whole" bundle verify --quiet --all
    umount "$T/small"
fi
e2e_end
