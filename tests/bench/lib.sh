# What every bench needs: timing, medians, and the line that is the result. Sourced by scripts/bench.sh
# behind tests/e2e/lib.sh.
#
# A bench is a function bench_NAME (with _ for - in the name) that calls `measure` or `report`.
# BENCH_RUNS: how often each side runs (3). BENCH_MB: megabytes of generated data per engine (400).
# shellcheck shell=bash disable=SC2034

BENCH_RUNS=${BENCH_RUNS:-3}
BENCH_MB=${BENCH_MB:-400}

note() {
    printf '# %s\n' "$*" >&2
}

# The middle one; of an even number the lower of the two.
median() {
    printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"
}

divide() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.3f\n", a / b; else print "inf" }'
}

# seconds COMMAND...: how long it took, in TOOK, and the processor seconds of it and its children, in
# TOOK_CPU. A failure ends the bench: its time would be a lie.
seconds() {
    local TIMEFORMAT='%3R %3U %3S' failed=
    { time "$@" >"$T/bench.out" 2>&1 || failed=1; } 2>"$T/bench.time"
    if [ -n "$failed" ]; then
        tail -n 20 "$T/bench.out" >&2
        die "$* failed"
    fi
    read -r TOOK TOOK_CPU < <(awk '{ print $1, $2 + $3 }' "$T/bench.time")
}

# report NAME OURS PEER UNIT [RATIO] [MORE]
report() {
    printf 'bench %s ours=%s%s peer=%s%s ratio=%s%s\n' "$1" "$2" "$4" "$3" "$4" \
        "${5:-$(divide "$2" "$3")}" "${6:+ $6}"
}

# Where more wants to run than there are processors, the scheduler shares them by thread: a pipe of
# four threads is then faster than two that do the same work. Processor seconds tell.
note_load() {
    awk -v cores="$(nproc)" '$1 > cores { exit 1 }' /proc/loadavg ||
        note "$1: others keep this machine busy (load $(cut -d' ' -f1 /proc/loadavg)): compare cpu, not the ratio"
}

# measure NAME OURS PEER [CLEAN]: the two functions by turns, so that a busy minute hits both; CLEAN,
# which is not timed, takes away before each run what the last one left. The line ends in the
# processor seconds of both sides; those of a server that works for them are not in it.
measure() {
    local name=$1 ours=$2 peer=$3 clean=${4:-:} mine=() theirs=() my_cpu=() their_cpu=()
    note_load "$name"
    for ((run = 0; run < BENCH_RUNS; run++)); do
        $clean
        seconds "$ours"
        mine+=("$TOOK") my_cpu+=("$TOOK_CPU")
        $clean
        seconds "$peer"
        theirs+=("$TOOK") their_cpu+=("$TOOK_CPU")
        note "$name: run $((run + 1)) of $BENCH_RUNS: ours ${mine[-1]} s, peer ${theirs[-1]} s"
    done
    $clean
    report "$name" "$(median "${mine[@]}")" "$(median "${theirs[@]}")" s "" \
        "cpu=$(median "${my_cpu[@]}")s/$(median "${their_cpu[@]}")s"
}

bytes_of() {
    du -sb "$1" | cut -f1
}

# environment ENGINE-OR-FILES LINE: an environment file in $T/env.yaml with one entry.
environment() {
    printf 'name: bench\n%s:\n  - {%s}\n' "$1" "$2" >"$T/env.yaml"
}

our_snapshot() {
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/store" --tag bench --parent none
}

our_restore() {
    "$REHEARSE" restore --quiet --from "$T/store" --into "$T/box" --no-pristine --start bench
}

# Takes down the box of the last restore.
drop_box() {
    [ ! -e "$T/box" ] || "$REHEARSE" box destroy --quiet "$T/box" >/dev/null || die "the box stays"
}

need() {
    command -v "$1" >/dev/null || die "no program '$1' (hint: scripts/install-deps bench)"
}
