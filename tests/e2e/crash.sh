#!/bin/bash
# kill -9 at every call by which a command changes a store, or the half of a write; and every such call
# failing for want of space, by a bad disk, for want of descriptors. Whatever happens, the store
# stays whole, the same command works afterwards, and gc frees what is left over.
# Every 23rd call (failures: every 61st); CRASH_STRIDE=1 (make crash): every one.
# CRASH_OFFSET, CRASH_CASES: begins with this call (default: another one every day), does only these cases.
# A few megabytes, written and removed a thousand times: in memory.
# run early: a minute of kills
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin crash
# shellcheck source=tests/crash/cases.sh
. "$ROOT/tests/crash/cases.sh"
crash_need_build
crash_begin
SELDOM=${CRASH_STRIDE:-61} # there are many kinds of failures
echo "# every ${STRIDE}th call, beginning with $((1 + OFFSET % STRIDE))"

killed() { # CASE FAULT STATUS
    [ "$3" -eq 137 ] || { echo "status $3 instead of a kill"; cat "$T/err"; return 1; }
    recovers "$1"
}

# faulty FAULT STATUS...: the command may end well, or with one of these and one line that says why.
# Nothing of it is left over by what could still be removed.
faulty() { # CASE FAULT STATUS
    local wanted=22 left
    case $2 in
    ENOSPC* | EDQUOT*) wanted=15 ;;
    short | EINTR) wanted=0 ;;
    esac
    [ "$3" -eq 0 ] || [ "$3" -eq $wanted ] || { echo "status $3"; cat "$T/err"; return 1; }
    if [ "$3" -ne 0 ]; then
        [ "$(grep -vc '^warn ' "$T/err")" -eq 1 ] || { echo "more than a line:"; cat "$T/err"; return 1; }
        case $2 in
        ENOSPC* | EDQUOT* | EMFILE*)
            grep -q '(hint: ' "$T/err" || { echo "no hint:"; cat "$T/err"; return 1; }
            # A folder cannot be removed without a descriptor; the next export does.
            left=$(find "$STORES" -path '*/tmp/*' ! -name '0123*' ! -path '*.rehearse-full/*' -o -name swap.lock -o -name 'y.tar.rehearse-part')
            [ -z "$left" ] || { echo "something is left: $left"; cat "$T/err"; return 1; }
            ;;
        esac
        grep -q "$T" "$T/err" || { echo "the line names nothing:"; cat "$T/err"; return 1; }
    fi
    recovers "$1"
}

for case in ${CRASH_CASES:-$CASES}; do
    crash_reset "$case"
    check "'$case' without a fault" "do_$case"
    check "... leaves a whole store" recovers "$case"
    every_call "'$case' is killed before a call" "$case" kill killed
    every_call "'$case' is killed in the middle of a write" "$case" torn killed
    every_call "'$case' with a call that finds the disk full" "$case" ENOSPC faulty $SELDOM
    every_call "'$case' with a disk that stays full" "$case" ENOSPC+ faulty $SELDOM
    every_call "'$case' with a quota that is used up" "$case" EDQUOT+ faulty $SELDOM
    every_call "'$case' with a call that fails" "$case" EIO faulty $SELDOM
    every_call "'$case' with a disk that fails for good" "$case" EIO+ faulty $SELDOM
    every_call "'$case' without a descriptor" "$case" EMFILE faulty $SELDOM
    every_call "'$case' without descriptors for good" "$case" EMFILE+ faulty $SELDOM
    every_call "'$case' with a short write" "$case" short faulty $SELDOM
    every_call "'$case' with a call that is interrupted" "$case" EINTR faulty $SELDOM
done
e2e_end
