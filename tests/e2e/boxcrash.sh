#!/bin/bash
# A box whose making, replacing, resetting or removing is killed at any call that changes a directory:
# it stands again as it was, or as it was to be, and is never stuck. Files alone, so that all calls of
# a kind are tried.
. "$(dirname "$0")/lib.sh"
e2e_begin boxcrash
command -v strace >/dev/null || die "no program 'strace': run scripts/install-deps"
STORE=$T/store
BOX=$T/box
SEEN=0 # calls at which something was killed

tree() { # WORD: a tree that says it everywhere, as a bundle with that tag
    mkdir -p "$T/tree/a/b"
    for name in one a/two a/b/three; do
        echo "$1" >"$T/tree/$name"
    done
    printf 'name: crash\nfiles:\n  - {name: tree, path: %s}\n' "$T/tree" >"$T/env.yaml"
    "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag "$1" >"$T/out" 2>&1 || die "no snapshot"
}
tree old
tree new

restored() { # TAG [OPTION]
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --quiet "$@"
}

# What the box says everywhere: one word, or several when it is torn.
words() {
    cat "$BOX"/files/tree/one "$BOX"/files/tree/a/two "$BOX"/files/tree/a/b/three | sort -u | paste -sd+
}

# killed CALL N COMMAND...: by the kernel, right when it makes that call for the Nth time.
killed() {
    local call=$1 n=$2
    shift 2
    # In a shell of its own, which tells of the kill in a file and not here.
    (strace -f -qq -o "$T/trace" -e trace="$call" -e inject="$call":signal=KILL:when="$n" "$@"
        exit $?) >"$T/killed.out" 2>&1
}

usable() { # WHAT: it opens, holds one state and the lock is free
    "$REHEARSE" box show "$BOX" >"$T/out" 2>&1 || { not_ok "$1: box show" "$(cat "$T/out")"; return 1; }
    "$REHEARSE" box start "$BOX" >"$T/out" 2>&1 || { not_ok "$1: box start" "$(cat "$T/out")"; return 1; }
}

# each CALL BODY: BODY with the number, until it says with status 9 that nothing was killed.
each() {
    local call=$1 body=$2 n status bad=0
    for ((n = 1; n <= 200; n++)); do
        "$body" "$call" "$n"
        status=$?
        [ $status -ne 9 ] || break
        [ $status -eq 0 ] || bad=$((bad + 1))
        SEEN=$((SEEN + 1))
        [ $bad -lt 3 ] || break
    done
    check_same "$body killed at each of $((n - 1)) calls of $call" "$bad" 0
}

# ---- each is one try ------------------------------------------------------------------------------
replacing() {
    local word
    [ "$(words)" = old ] || restored --replace old >"$T/out" 2>&1 ||
        { not_ok "$1 $2: it cannot be replaced again" "$(cat "$T/out")"; return 1; }
    killed "$1" "$2" "$REHEARSE" restore --from "$STORE" --into "$BOX" --replace new && return 9
    usable "replacing, $1 $2" || return 1
    word=$(words)
    [ "$word" = old ] || [ "$word" = new ] || { not_ok "replacing, $1 $2" "it holds '$word'"; return 1; }
}

making() {
    rm -rf "$BOX"
    killed "$1" "$2" "$REHEARSE" restore --from "$STORE" --into "$BOX" old && return 9
    restored --replace old >"$T/out" 2>&1 ||
        { not_ok "making, $1 $2: it cannot be made again" "$(cat "$T/out")"; return 1; }
    usable "making, $1 $2" || return 1
    "$REHEARSE" box destroy "$BOX" >"$T/out" 2>&1 || { not_ok "making, $1 $2" "$(cat "$T/out")"; return 1; }
}

resetting() {
    restored --replace old >"$T/out" 2>&1 || { not_ok "resetting, $1 $2" "$(cat "$T/out")"; return 1; }
    echo changed >"$BOX/files/tree/one"
    killed "$1" "$2" "$REHEARSE" box reset "$BOX" && return 9
    usable "resetting, $1 $2" || return 1
    case $(words) in
    old | changed+old) ;; # before it began
    *) not_ok "resetting, $1 $2" "it holds '$(words)'" && return 1 ;;
    esac
    "$REHEARSE" box reset "$BOX" >"$T/out" 2>&1 ||
        { not_ok "resetting, $1 $2: again" "$(cat "$T/out")"; return 1; }
    [ "$(words)" = old ] || { not_ok "resetting, $1 $2: again" "it holds '$(words)'"; return 1; }
}

removing() {
    rm -rf "$BOX"
    restored old >"$T/out" 2>&1 || die "no box"
    killed "$1" "$2" "$REHEARSE" box destroy "$BOX" && return 9
    "$REHEARSE" box destroy "$BOX" >"$T/out" 2>&1 || [ ! -e "$BOX/box.json" ] ||
        { not_ok "removing, $1 $2: again" "$(cat "$T/out")"; return 1; }
    restored --replace old >"$T/out" 2>&1 || { not_ok "removing, $1 $2: a new one" "$(cat "$T/out")"; return 1; }
}

restored old >"$T/out" 2>&1 || die "no box: $(cat "$T/out")"
for body in replacing making resetting removing; do
    for call in rename mkdir fsync unlink unlinkat rmdir; do
        each $call $body
    done
done
check "something was killed at all" test "$SEEN" -gt 60
echo "# killed $SEEN times"
e2e_end
