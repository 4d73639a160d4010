#!/bin/bash
# As crash.sh and powerloss.sh, for stores behind a private sshd: the program is killed at every call by
# which the server changes a store; the server's session is, and the program goes on; the server's disk
# is full; the server's host loses its power.
# Every 23rd call (the rest: every 61st); CRASH_STRIDE=1 (make crash): every one.
# run early: a minute of kills
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin crash_sftp
# shellcheck source=tests/crash/cases.sh
. "$ROOT/tests/crash/cases.sh"
crash_need_build
crash_begin
SELDOM=${CRASH_STRIDE:-61}
CASES="first later gc tag push pull import"

# The server is preloaded and told by a file, since it is not started anew for each fault; nobody's
# sessions must be able to read all of it, and to kill the program.
unset LD_PRELOAD
cp "$CRASH_LIB" "$T/interpose.so"
sshd_preloaded() {
    CRASH_CONF=$T/conf LD_PRELOAD=$T/interpose.so sshd_start
}
SSHD_DIR=$T/sshd
: >"$T/conf"
sshd_preloaded
export REHEARSE_KNOWN_HOSTS=$KNOWN_HOSTS REHEARSE_SSH_KEY=$T/key HOME=$T/home
mkdir "$HOME"
install -m 600 "$SSHD_DIR/id_ed25519" "$REHEARSE_SSH_KEY"
PROGRAM=$REHEARSE
cat >"$T/rehearse" <<SH
#!/bin/bash
echo \$\$ >"$T/victim"
exec $([ "$(id -u)" -ne 0 ] || echo "setpriv --reuid $SSHD_USER --regid $(id -g "$SSHD_USER") --init-groups --") "$PROGRAM" "\$@"
SH
chmod 755 "$T/rehearse"
REHEARSE=$T/rehearse
give_away() { [ "$(id -u)" -ne 0 ] || chown -R "$SSHD_USER": "$STORES"; }
[ "$(id -u)" -ne 0 ] || chown -R "$SSHD_USER": "$T"
S=sftp://$SSHD_USER@127.0.0.1:$SSHD_PORT$STORES/s
OTHER=sftp://$SSHD_USER@127.0.0.1:$SSHD_PORT$STORES/other

sessions() { pgrep -P "$(e2e_pid sshd)" >/dev/null; }
no_sessions() { ! sessions; }

with_fault() { # NAME=VALUE... FUNCTION
    local status
    rm -f "$T/state"
    printf '%s\n' "CRASH_ROOT=$STORES" "CRASH_STATE=$T/state" "${@:1:$#-1}" >"$T/conf"
    "${@: -1}" >"$T/out" 2>"$T/err"
    status=$?
    # What was under way is still done, by a session that outlives the program.
    wait_for 10 no_sessions
    : >"$T/conf"
    return $status
}

killed() { # CASE FAULT STATUS
    [ "$3" -eq 137 ] || { echo "status $3 instead of a kill"; cat "$T/err"; return 1; }
    recovers "$1"
}

goes_on() {
    [ "$3" -eq 0 ] || { echo "status $3"; cat "$T/err"; return 1; }
    recovers "$1"
}

full() {
    case $3 in
    0 | 15 | 22) ;;
    *) echo "status $3"; cat "$T/err"; return 1 ;;
    esac
    [ "$3" -eq 0 ] || [ "$(grep -c '(hint: ' "$T/err")" -eq 1 ] || { echo "not a line with a hint:"; cat "$T/err"; return 1; }
    recovers "$1"
}

victim() { # the program's faults carry who is to be killed
    every_call "$1" "$2" "kill
CRASH_VICTIM=$T/victim" killed
}

for case in ${CRASH_CASES:-$CASES}; do
    crash_reset "$case"
    check "'$case' without a fault" "do_$case"
    check "... leaves a whole store" recovers "$case"
    victim "'$case' is killed before a call of the server" "$case"
    every_call "'$case' goes on when the server's session is killed" "$case" kill goes_on "$SELDOM"
    # The shortest one has each of them: every step of a swap can find the disk full.
    every=$SELDOM
    [ "$case" != tag ] || every=1
    every_call "'$case' with a call that finds the server's disk full" "$case" ENOSPC full $every
    every_call "'$case' with a server's disk that stays full" "$case" ENOSPC+ full $every
done
power_losses
e2e_end
