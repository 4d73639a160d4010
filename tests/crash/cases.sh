# What tests/e2e/crash*.sh and powerloss.sh share: commands that change a store, each beginning with
# the same folder of stores, and what must hold of the stores however such a command ends.
# shellcheck shell=bash disable=SC2034
#
# A case NAME has what it begins with in $T/begin/NAME, which is copied to $STORES, and a function
# do_NAME: the command. $STORES/s and $STORES/other are stores, x.tar an export. S and OTHER are their
# addresses, so that the same cases serve for stores on another host.

STORES=$T/stores
S=$STORES/s
OTHER=$STORES/other
CASES="first later gc rm tag push pull import export rotate"

# ---- what they begin with ------------------------------------------------------------------------
# Three small versions: new, changed by a little (deltas), and without a file.
crash_tree() { # VERSION
    case $1 in
    1)
        mkdir -p "$T/tree"
        for i in 1 2 3; do head -c 60000 /dev/urandom | base64 >"$T/tree/file$i"; done
        ;;
    *)
        echo "version $1" >>"$T/tree/file1"
        echo "version $1" >"$T/tree/new$1"
        ;;
    esac
}

crash_begin() {
    local begin=$T/begin case
    printf 'name: shop\nfiles:\n  - {name: code, path: %s}\n' "$T/tree" >"$T/env.yaml"
    for i in 1 2; do
        "$REHEARSE" key make --out "$T/k$i" >"$T/key" || die "no key"
        head -n 1 "$T/key" >"$T/k$i.pub"
    done
    sed "\$a bundle: {encrypt_to: ['$(cat "$T/k1.pub")']}" "$T/env.yaml" >"$T/sealed.yaml"
    mkdir -p "$begin/first" "$T/made"
    crash_tree 1
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/made/s" --tag one >/dev/null || die "no first bundle"
    crash_tree 2
    mkdir "$begin/later" && cp -a "$T/made/s" "$begin/later/s"
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/made/s" --tag two >/dev/null || die "no second bundle"
    for case in gc rm tag push pull import export rotate; do
        mkdir "$begin/$case" && cp -a "$T/made/s" "$begin/$case/s"
    done
    # gc: something to retire, something retired, and litter.
    "$REHEARSE" bundle rm --store "$begin/gc/s" one >/dev/null || die "cannot remove"
    crash_tree 3
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$begin/gc/s" --tag three >/dev/null || die "no third bundle"
    echo litter >"$begin/gc/s/tmp/0123456789abcdef0123456789abcdef"
    # push, pull, import: where they lead has the first bundle, and one of its own.
    cp -a "$begin/later/s" "$T/made/other"
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/made/other" --tag own >/dev/null || die "no bundle of its own"
    for case in push pull import; do cp -a "$T/made/other" "$begin/$case/other"; done
    "$REHEARSE" bundle export --quiet --store "$T/made/s" --to "$begin/import/x.tar" two >/dev/null || die "no export"
    "$REHEARSE" snapshot --quiet --env "$T/sealed.yaml" --to "$begin/rotate/s" --tag sealed >/dev/null || die "no sealed bundle"
}

crash_reset() { # CASE
    rm -rf "$STORES"
    cp -a "$T/begin/$1" "$STORES"
}

# ---- the commands --------------------------------------------------------------------------------
do_first() { "$REHEARSE" snapshot --quiet --jobs 1 --env "$T/env.yaml" --to "$S" --tag first; }
do_later() { "$REHEARSE" snapshot --quiet --jobs 1 --env "$T/env.yaml" --to "$S" --tag later; }
do_gc() { "$REHEARSE" bundle gc --quiet --store "$S" --keep-last 1 --grace 0; }
do_rm() { "$REHEARSE" bundle rm --quiet --store "$S" two; }
do_tag() { "$REHEARSE" bundle tag --quiet --store "$S" one golden; }
do_push() { "$REHEARSE" bundle push --quiet --store "$S" --to "$OTHER" --jobs 1 two; }
do_pull() { "$REHEARSE" bundle pull --quiet --store "$OTHER" --from "$S" --jobs 1 two; }
do_import() { "$REHEARSE" bundle import --quiet --store "$OTHER" "$STORES/x.tar"; }
do_export() { "$REHEARSE" bundle export --quiet --store "$S" --to "$STORES/y.tar" two; }
do_rotate() { "$REHEARSE" key rotate --quiet --store "$S" --key "$T/k1" --to "$(cat "$T/k2.pub")" sealed; }

# What the same command may say when it is run again: what it was to do was done the first time.
crash_done_before() { # CASE STATUS
    case $1 in
    rm) [ "$2" -eq 17 ] ;;
    export) [ "$2" -eq 18 ] ;;
    rotate) [ "$2" -eq 13 ] ;;
    *) false ;;
    esac
}

# ---- what must hold ------------------------------------------------------------------------------
listed() { # STORE: the digests of what index.json lists
    [ ! -e "$1/index.json" ] || jq -r '.manifests[].digest' "$1/index.json"
}

# The digests that are needed: of all that is listed and all that these name.
needed() { # STORE
    listed "$1" | sed "s|^sha256:|$1/blobs/sha256/|" | {
        mapfile -t manifests
        [ ${#manifests[@]} -eq 0 ] || printf '%s\n' "${manifests[@]##*/}"
        [ ${#manifests[@]} -eq 0 ] || jq -r '.. | .digest? // empty' "${manifests[@]}" | sed 's/^sha256://'
    } | sort -u
}

# All that is listed is whole, and what was there before still is.
is_whole() { # CASE STORE
    local name=${2##*/} digest
    [ -e "$2/oci-layout" ] || { [ ! -e "$T/begin/$1/$name" ] && return; }
    if [ "$1" != gc ]; then # which takes bundles away
        for digest in $(listed "$T/begin/$1/$name"); do
            case $1 in rotate) continue ;; esac
            listed "$2" | grep -qx "$digest" || { echo "$digest is not listed any more in $name"; return 1; }
        done
    fi
    "$REHEARSE" bundle verify --quiet --store "$2" --all --jobs 1 --level "$(level_of "$1")" >"$T/verified" 2>&1 || {
        cat "$T/verified"
        return 1
    }
}

# Without a key, only the hashes of a sealed bundle can be compared.
level_of() { # CASE
    if [ "$1" = rotate ]; then echo 1; else echo 2; fi
}

all_whole() { # CASE
    local store
    for store in "$STORES"/s "$STORES"/other; do
        [ ! -d "$store" ] || is_whole "$1" "$store" || return
    done
    [ ! -e "$STORES/y.tar" ] || tar -tf "$STORES/y.tar" >/dev/null
}

# After gc nothing is there but what is needed.
no_garbage() { # CASE
    local store
    for store in "$STORES"/s "$STORES"/other; do
        [ -d "$store" ] || continue
        "$REHEARSE" bundle gc --quiet --store "$store" --grace 0 2>&1 >/dev/null || return
        [ -z "$(ls -A "$store/tmp")" ] || { echo "left in tmp: $(ls "$store/tmp")"; return 1; }
        [ ! -e "$store/swap.lock" ] || { echo "swap.lock is left"; return 1; }
        diff <(needed "$store") <(ls "$store/blobs/sha256" | sort) || return
    done
    [ ! -e "$STORES/y.tar.rehearse-part" ] && [ ! -e "$STORES/y.tar.rehearse-full" ] || { echo "something is left beside the tar"; return 1; }
}

# However the command ended: the stores are whole, the command can be run again, and gc frees the rest.
recovers() { # CASE
    local status
    all_whole "$1" || return
    "do_$1" >"$T/again" 2>&1
    status=$?
    [ $status -eq 0 ] || crash_done_before "$1" $status || { echo "again: status $status"; cat "$T/again"; return 1; }
    all_whole "$1" && no_garbage "$1"
}

# ---- running with a fault ------------------------------------------------------------------------
CRASH_LIB=$BUILD/crash/interpose.so
STRIDE=${CRASH_STRIDE:-23}
# The same calls all day, so that a failure can be repeated, and others the next: in a month of days every
# one had its turn. make crash takes all.
OFFSET=${CRASH_OFFSET:-$(($(date -u +%s) / 86400))}
echo "# repeat with CRASH_OFFSET=$OFFSET"

crash_need_build() {
    [ -e "$CRASH_LIB" ] && [ -x "$BUILD/crash/replay" ] || ${MAKE:-make} -C "$ROOT" -s BUILD="${BUILD#"$ROOT"/}" crash-programs >"$T/make.log" 2>&1 ||
        die "cannot build what makes calls fail: $(tail -n 3 "$T/make.log")"
    # From here on in all programs: nothing waits for the disk.
    export CRASH_ROOT=$STORES CRASH_STATE=$T/idle LD_PRELOAD=$CRASH_LIB
}

calls_made() { [ ! -s "$T/state" ] || od -An -tu8 -N8 "$T/state" | tr -d ' '; }

# with_fault NAME=VALUE... FUNCTION: preloaded; its output is in $T/out and $T/err.
with_fault() {
    rm -f "$T/state"
    (
        while [ $# -gt 1 ]; do
            export "${1?}"
            shift
        done
        export CRASH_STATE=$T/state
        "$1"
    ) >"$T/out" 2>"$T/err"
}

# every_call NAME CASE FAULT AFTER [STRIDE]: the case with the fault at one call after the other, until
# there are no more; after each, AFTER CASE FAULT STATUS must hold.
every_call() {
    local name=$1 case=$2 fault=$3 after=$4 stride=${5:-$STRIDE} at status why calls rounds=0
    at=$((1 + OFFSET % stride))
    while :; do
        crash_reset "$case"
        with_fault CRASH_AT=$at "CRASH_DO=$fault" "do_$case"
        status=$?
        calls=$(calls_made)
        [ -n "$calls" ] || die "nothing counts the calls of '$case': $(cat "$T/err")"
        # Of few calls there is one to be had as well.
        [ "$at" -le "$calls" ] || [ $rounds -gt 0 ] || [ "$calls" -eq 0 ] || {
            at=$((1 + OFFSET % calls))
            continue
        }
        [ "$at" -le "$calls" ] || break
        rounds=$((rounds + 1))
        why=$("$after" "$case" "$fault" $status 2>&1) || {
            not_ok "$name" "at call $at: $why"
            return 1
        }
        at=$((at + stride))
    done
    ok "$name ($rounds calls)"
}

# ---- power loss ----------------------------------------------------------------------------------
REPLAY=$BUILD/crash/replay

give_away() { :; } # the stores to who looks at them, where that is somebody else

# lost CASE POINT LOSS: what the disk then holds is in $STORES, and whole.
lost() {
    rm -rf "$STORES"
    "$REPLAY" "$T/calls" "$T/begin/$1" "$STORES" "$2" "$3" "$STORES" && give_away && all_whole "$1"
}

# every_loss CASE LOSS POINTS
every_loss() {
    local at why rounds=0
    for ((at = 1 + OFFSET % ($3 > 0 && $3 < STRIDE ? $3 : STRIDE); at <= $3; at += STRIDE)); do
        rounds=$((rounds + 1))
        why=$(lost "$1" $at "$2" 2>&1) || {
            not_ok "'$1' loses '$2'" "after call $at, $(sed -n "${at}p" "$T/calls"): $why"
            return 1
        }
    done
    ok "'$1' loses '$2' ($rounds points)"
}

power_losses() {
    local case points loss
    for case in ${CRASH_CASES:-$CASES}; do
        crash_reset "$case"
        rm -f "$T/calls" "$T/calls.data"
        check "'$case' is recorded" with_fault CRASH_LOG="$T/calls" "do_$case"
        points=$(wc -l <"$T/calls")
        check "... keeps the order that is safe" "$REPLAY" "$T/calls" "$T/begin/$case" "$STORES" rules
        for store in "$STORES"/s "$STORES"/other; do
            [ ! -d "$store" ] || listed "$store" | sort >"$T/listed.${store##*/}"
        done
        for loss in unsynced bytes zeros $RANDOM; do
            every_loss "$case" $loss "$points"
        done
        check "... and is done for good when it has ended" lost "$case" 0 unsynced
        for store in "$STORES"/s "$STORES"/other; do
            [ ! -d "$store" ] || check_same "... with all that ${store##*/} lists" "$(listed "$store" | sort)" "$(cat "$T/listed.${store##*/}")"
        done
    done
}
