#!/bin/bash
# Figures against other tools, one line each:
#   bench NAME ours=... peer=... ratio=... [cpu=OURS/PEER]   seconds or bytes; below 1 is better than the peer
# BENCH=NAME,NAME: only these. BENCH=list: their names. BENCH_MB, BENCH_RUNS: see tests/bench/lib.sh.
# Medians of BENCH_RUNS runs, the two sides by turns. Everything else goes to stderr.
here=$(dirname "$0")
# shellcheck source=tests/e2e/lib.sh
. "$here/../tests/e2e/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$here/../tests/bench/lib.sh"

# group: the file under tests/bench with the function of the bench
names=(
    postgresql:pg-snapshot-vs-pg_dump
    postgresql:pg-snapshot-vs-pg_dump-Z0
    postgresql:pg-snapshot-vs-floor
    postgresql:pg-size-vs-pg_dump
    postgresql:pg-restore-vs-pg_restore-tuned
    postgresql:pg-restore-vs-pg_restore
    postgresql:pg-restore-vs-floor
    postgresql:pg-clone-vs-pgcopydb
    mariadb:my-snapshot-vs-mariadb-dump
    mariadb:my-snapshot-vs-mydumper
    mariadb:my-size-vs-mydumper
    mariadb:my-restore-vs-mariadb
    mariadb:my-restore-vs-myloader
    files:files-vs-tar
    days:days-vs-restic
    days:days-vs-borg
    days:day2-vs-day1
    days:later-vs-first
    days:restore-7-vs-1
    transfer:export-vs-tar
    transfer:import-vs-tar
    transfer:export-deltas-vs-tar
    trees:tree-first-vs-restic
    trees:tree-unchanged-vs-restic
    trees:trees-vs-restic
    trees:snapshot-memory
    trees:segments-memory
    replay:replay-vs-wrk
)

if [ "${BENCH:-}" = list ]; then
    printf '%s\n' "${names[@]#*:}"
    exit 0
fi

wanted=()
IFS=, read -r -a asked <<<"${BENCH:-}"
for name in "${asked[@]}"; do
    known=
    for entry in "${names[@]}"; do
        [ "${entry#*:}" != "$name" ] || known=$entry
    done
    if [ -z "$known" ]; then
        echo "bench: unknown name '$name' (hint: one of: ${names[*]#*:})" >&2
        exit 10
    fi
    wanted+=("$known")
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${names[@]}")

[ -x "$REHEARSE" ] || {
    echo "bench: '$REHEARSE' is not built (hint: make)" >&2
    exit 3
}

e2e_begin bench
for entry in "${wanted[@]}"; do
    # shellcheck disable=SC1090
    . "$ROOT/tests/bench/${entry%%:*}.sh"
    name=${entry#*:}
    "bench_${name//-/_}"
done
exit 0
