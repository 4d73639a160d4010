#!/bin/bash
# Many at once on one store, for CROWD_S seconds (12): two that take snapshots, one that removes, two gc
# without any grace, one that verifies, one that restores, one that pushes and one that exports. Nobody
# crashes or is in another's way, and no bundle is lost that nobody removed.
# With BUILD of a program under sanitizers (make SAN=thread, SAN=address,undefined) these look on.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin crowd
STORE=$T/store
END=$((SECONDS + ${CROWD_S:-12}))
export TSAN_OPTIONS="exitcode=66 ${TSAN_OPTIONS:-}" ASAN_OPTIONS="exitcode=66 ${ASAN_OPTIONS:-}"

mkdir -p "$T/done" "$T/boxes"
for n in 1 2; do
    mkdir -p "$T/tree$n"
    for ((i = 0; i < 6; i++)); do head -c 400000 /dev/urandom >"$T/tree$n/file$i"; done
    printf 'name: shop%d\nfiles:\n  - {name: code, path: %s}\n' $n "$T/tree$n" >"$T/env$n.yaml"
done

# run WHO ALLOWED COMMAND...: ends the whole test when the status is another.
run() {
    local who=$1 allowed=$2 status
    shift 2
    "$@" >"$T/out.$who" 2>&1
    status=$?
    case " $allowed " in
    *" $status "*) return $status ;;
    esac
    { echo "$who: status $status of: $*"; cat "$T/out.$who"; } >>"$T/bad"
    END=0
    return $status
}
going() { [ "$SECONDS" -lt "$END" ] && [ ! -e "$T/bad" ]; }
pick() { shuf -n 1 -e "$T/done/$1"* | sed 's|.*/||'; } # a tag that begins so

snapshots() { # N
    local i=0 tag
    while going; do
        i=$((i + 1))
        head -c 3000 /dev/urandom >>"$T/tree$1/file$((i % 6))"
        # Every third is there to be removed.
        if [ $((i % 3)) -eq 0 ]; then tag=going-$1-$i; else tag=stays-$1-$i; fi
        run "snapshot$1" 0 "$REHEARSE" snapshot --quiet --jobs 2 --env "$T/env$1.yaml" --to "$STORE" --tag "$tag" && : >"$T/done/$tag"
    done
}
removes() {
    local tag
    while going; do
        sleep 0.3
        tag=$(pick going-)
        [ -e "$T/done/$tag" ] || continue
        run remove 0 "$REHEARSE" bundle rm --store "$STORE" "$tag"
        rm "$T/done/$tag"
    done
}
collects() { while going; do run "gc$1" 0 "$REHEARSE" bundle gc --store "$STORE" --grace 0; done; }
# What is removed between the choice and the lease may be missing (17) or incomplete (16), never wrong.
reads() { # WHO PREFIX ALLOWED COMMAND: {} stands for the tag
    local tag
    while going; do
        tag=$(pick "$2")
        [ -e "$T/done/$tag" ] || continue
        rm -rf "$T/boxes/$1" "$T/$1.tar"
        run "$1" "$3" "$REHEARSE" ${4//\{\}/$tag}
    done
}

snapshots 1 &
snapshots 2 &
wait_for 60 sh -c "ls '$T/done' | grep -q stays"
removes &
collects 1 &
collects 2 &
reads verify stays- 0 "bundle verify --quiet --store $STORE --jobs 2 {}" &
reads verify-going going- "0 16 17" "bundle verify --quiet --store $STORE --jobs 2 {}" &
reads restore stays- 0 "restore --quiet --from $STORE --into $T/boxes/restore --no-pristine {}" &
reads push stays- 0 "bundle push --quiet --store $STORE --to $T/other {}" &
reads export stays- 0 "bundle export --quiet --store $STORE --to $T/export.tar {}" &
wait

check_same "nobody failed" "$(head -c 3000 "$T/bad" 2>/dev/null)" ""
check "all that is listed is whole" "$REHEARSE" bundle verify --store "$STORE" --all
check "what was pushed is whole" "$REHEARSE" bundle verify --store "$T/other" --all
lost=0
for tag in "$T"/done/*; do
    "$REHEARSE" bundle verify --quiet --level 1 --store "$STORE" "${tag##*/}" >"$T/out" 2>&1 || { lost=$((lost + 1)); cat "$T/out"; }
done
check_same "no bundle is lost of $(ls "$T/done" | wc -l)" $lost 0
check "gc after all of it" "$REHEARSE" bundle gc --store "$STORE" --grace 0
check_same "leaves nothing" "$(ls -A "$STORE/tmp" | wc -l)" 0
e2e_end
