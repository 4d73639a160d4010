#!/bin/bash
# Stores on another host: the contract, whole bundles, who is let in and by whom, lines that are cut,
# full disks and missing rights, against a private sshd.
# run early: waits for connections that end
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin sftp
sshd_start
mkdir "$T/far" "$T/home"
[ "$(id -u)" -ne 0 ] || chown "$SSHD_USER": "$T/far"
# What the caller has of his own must not let him in, nor keep him out.
export HOME=$T/home
unset SSH_AUTH_SOCK REHEARSE_SSH_PASSPHRASE
export REHEARSE_KNOWN_HOSTS=$KNOWN_HOSTS REHEARSE_SSH_KEY=$SSHD_DIR/id_ed25519
HOST=sftp://$SSHD_USER@127.0.0.1:$SSHD_PORT
FAR=$HOST$T/far

# ---- the contract, also on a line that is cut ----------------------------------------------------
UNITS=$BUILD/tests/unit/lib/store
[ -x "$UNITS/sftp_test" ] || ${MAKE:-make} -C "$ROOT" -s BUILD="${BUILD#"$ROOT"/}" unit-programs >"$T/make.log" 2>&1
# The line's other end has a port of its own: the host is known by its name.
sed 's/^[^ ]*/127.0.0.1/' "$KNOWN_HOSTS" >"$T/known_line"
check "the store contract" env REHEARSE_TEST_STORE="$FAR/contract" "$UNITS/store_test"
check_has "was tested" "$(cat "$T/out")" "OK ] named_conforms"
# As the server's user: one test also writes into the directory itself.
mkdir "$T/far/line" && cp "$SSHD_DIR/id_ed25519" "$T/key"
[ "$(id -u)" -ne 0 ] || chown "$SSHD_USER": "$T/far/line" "$T/key"
check "a line that is cut" as "$SSHD_USER" env REHEARSE_SSH_KEY="$T/key" REHEARSE_KNOWN_HOSTS="$T/known_line" REHEARSE_TEST_SFTP_PORT="$SSHD_PORT" \
    REHEARSE_TEST_SFTP_USER="$SSHD_USER" REHEARSE_TEST_SFTP_DIR="$T/far/line" "$UNITS/sftp_test"
check_has "was tested" "$(cat "$T/out")" "OK ] swaps_once"

# ---- bundles -------------------------------------------------------------------------------------
mkdir -p "$T/tree/sub"
head -c 30000000 /dev/urandom >"$T/tree/large"
for ((i = 0; i < 300; i++)); do printf '%d\n' $i >"$T/tree/sub/$i"; done
printf 'name: far\nfiles:\n  - {name: code, path: %s}\n' "$T/tree" >"$T/env.yaml"
check "a snapshot" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/s"
check "is listed" "$REHEARSE" bundle ls --store "$FAR/s"
check_has "with its name" "$(cat "$T/out")" far
check "is whole" "$REHEARSE" bundle verify --store "$FAR/s" latest
check "is restored" "$REHEARSE" restore --from "$FAR/s" --into "$T/box" --no-pristine latest
check "as it was" diff -r "$T/tree" "$T/box/files/code"
printf 'changed\n' >"$T/tree/sub/7"
check "another snapshot" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/s"
check "the directory is a local store, too" "$REHEARSE" bundle verify --store "$T/far/s" latest
check_same "nobody else may read it" \
    "$(find "$T/far/s" -type d ! -perm 700 -o -type f ! -perm 600 | wc -l)" 0
check_same "nothing is left behind" "$(ls -A "$T/far/s/tmp" | wc -l) $(ls "$T/far/s" | grep -c lock)" "0 0"

# ---- who is there --------------------------------------------------------------------------------
refused() { # NAME STATUS WORDS URL
    check_status "$1" "$2" "$REHEARSE" bundle ls --store "$4" && check_has "... and says so" "$(cat "$T/out")" "$3"
}
PRINT=$(ssh-keygen -lf "$SSHD_DIR/host_ed25519.pub" | cut -d' ' -f2)
: >"$T/empty"
REHEARSE_KNOWN_HOSTS=$T/empty
check_status "an unknown host is refused" 13 "$REHEARSE" bundle ls --store "$FAR/s"
check_has "... with its fingerprint" "$(cat "$T/out")" "SHA256:"
check_has "... and the mend" "$(cat "$T/out")" "ssh-keyscan -t"
check_same "... and is not learnt" "$(wc -c <"$T/empty")" 0
printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$SSHD_DIR/id_ed25519.pub")" >"$T/changed"
REHEARSE_KNOWN_HOSTS=$T/changed
refused "a changed key is refused" 13 "is not the known one" "$FAR/s"
check_has "... with its fingerprint" "$(cat "$T/out")" "$PRINT"
check_has "... and the mend" "$(cat "$T/out")" "ssh-keygen -R '[127.0.0.1]:$SSHD_PORT'"
cat "$KNOWN_HOSTS" <(printf '@revoked * %s\n' "$(cut -d' ' -f1,2 "$SSHD_DIR/host_ed25519.pub")") >"$T/revoked"
REHEARSE_KNOWN_HOSTS=$T/revoked
refused "a revoked key is refused" 13 "revoked" "$FAR/s"
REHEARSE_KNOWN_HOSTS=$T/none
refused "a file of known hosts that is not there" 17 "known hosts" "$FAR/s"
cat <(printf '# comment\n\nbroken line\n@cert-authority * ssh-ed25519 AAAA\n') "$KNOWN_HOSTS" >"$T/hashed"
ssh-keygen -q -H -f "$T/hashed" >"$T/out" 2>&1
REHEARSE_KNOWN_HOSTS=$T/hashed
check "a hashed file with odd lines is read" "$REHEARSE" bundle ls --store "$FAR/s"
printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$SSHD_DIR/host_ecdsa.pub")" >"$T/ecdsa"
REHEARSE_KNOWN_HOSTS=$T/ecdsa
check "the known kind of key is asked for" "$REHEARSE" bundle ls --store "$FAR/s"
mkdir -m 700 "$HOME/.ssh"
cp "$KNOWN_HOSTS" "$HOME/.ssh/known_hosts"
unset REHEARSE_KNOWN_HOSTS
check "the user's own file is read" "$REHEARSE" bundle ls --store "$FAR/s"
export REHEARSE_KNOWN_HOSTS=$KNOWN_HOSTS

# ---- who we are ----------------------------------------------------------------------------------
ssh-keygen -q -t ed25519 -N '' -f "$T/other"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$T/rsa"
ssh-keygen -q -t ecdsa -N 'pass phrase' -f "$T/locked"
cat "$T/rsa.pub" "$T/locked.pub" >>"$SSHD_DIR/authorized_keys"
unset REHEARSE_SSH_KEY
refused "no key at all" 13 "neither an agent nor a key file" "$FAR/s"
refused "a wrong key" 13 "does not let '$SSHD_USER' in: key '$T/other' (refused)" "$FAR/s?identity=$T/other"
refused "a key that is not there" 17 "$T/nokey" "$FAR/s?identity=$T/nokey"
cp "$SSHD_DIR/id_ed25519" "$T/open" && chmod 644 "$T/open"
refused "a key that others can read" 14 "$T/open" "$FAR/s?identity=$T/open"
check "a key named in the address" "$REHEARSE" bundle ls --store "$FAR/s?identity=$SSHD_DIR/id_ed25519"
refused "an RSA key" 13 "SHA-1" "$FAR/s?identity=$T/rsa"
refused "a key with a passphrase" 13 "REHEARSE_SSH_PASSPHRASE" "$FAR/s?identity=$T/locked"
check "... which is given" env REHEARSE_SSH_PASSPHRASE='pass phrase' \
    "$REHEARSE" bundle ls --store "$FAR/s?identity=$T/locked"
cp "$SSHD_DIR/id_ed25519" "$HOME/.ssh/id_ed25519"
check "the user's own key" "$REHEARSE" bundle ls --store "$FAR/s"
rm "$HOME/.ssh/id_ed25519"
e2e_start agent "$(id -un)" ssh-agent -D -a "$T/agent"
wait_for 5 test -S "$T/agent"
export SSH_AUTH_SOCK=$T/agent
refused "an empty agent" 13 "neither an agent nor a key file" "$FAR/s"
ssh-add -q "$T/other" "$SSHD_DIR/id_ed25519"
check "the agent's second key" "$REHEARSE" bundle ls --store "$FAR/s"
unset SSH_AUTH_SOCK
export REHEARSE_SSH_KEY=$SSHD_DIR/id_ed25519
refused "a password in the address" 10 "has a password in it" "sftp://me:secret@127.0.0.1/x"
case $(cat "$T/out") in *secret*) not_ok "... is not repeated" ;; *) ok "... is not repeated" ;; esac
refused "an address without a path" 10 "names no directory" "$HOST"
refused "a port that is none" 10 "port" "sftp://127.0.0.1:99999/x"
refused "a host that is none" 12 "cannot look up" "sftp://no.such.host.invalid/x"
refused "a port where nobody listens" 12 "cannot connect" "sftp://127.0.0.1:$(free_port)/x"
refused "a store that is not there" 17 "is not a bundle store" "$FAR/none"
mkdir -m 777 "$T/far/foreign" && touch "$T/far/foreign/holiday.jpg"
check_status "a directory with other files" 18 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/foreign"

has_begun() { # STORE: some MiB of it are written
    [ -n "$(find "$T/far/$1/tmp" -type f -size +2M 2>/dev/null)" ]
}

marked() { # some of a blob is there for another push to go on with
    [ -n "$(find "$T/far/pushed/tmp" -name '*.at' -size +0 2>/dev/null)" ]
}

# ---- what goes wrong there -----------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ]; then
    mkdir "$T/far/root" && chmod 755 "$T/far/root"
    check_status "a directory of somebody else" 14 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/root/s"
    chmod 500 "$T/far/s/tmp"
    chown root: "$T/far/s/tmp"
    check_status "a store that may not be written" 14 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/s"
    chown "$SSHD_USER": "$T/far/s/tmp"
    chmod 700 "$T/far/s/tmp"
else
    skipped "what the server's root has: only root can lay it down"
fi
if small_disk "$T/far/small" 8m,mode=777; then
    check_status "a full disk" 15 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/small/s"
    check_has "... says so" "$(cat "$T/out")" "no space left"
    check_same "... and leaves nothing" "$(find "$T/far/small/s/blobs/sha256" "$T/far/small/s/tmp" -type f | wc -l)" 0
    umount "$T/far/small"
fi
printf 'web.example process 1 since long ago\ndead\n' >"$T/far/s/swap.lock"
[ "$(id -u)" -ne 0 ] || chown "$SSHD_USER": "$T/far/s/swap.lock"
check "the lock of a dead writer is broken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/s"

head -c 200000000 /dev/urandom >"$T/tree/larger"
"$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/killed" >"$T/killed.out" 2>&1 &
KILLED=$!
wait_for 10 has_begun killed
kill -KILL $KILLED 2>/dev/null
wait $KILLED 2>/dev/null
check_same "a snapshot is killed while it writes" $? 137
check "after a kill, a snapshot" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$FAR/killed"
check "is whole" "$REHEARSE" bundle verify --store "$FAR/killed" latest

check "a snapshot on this host" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$T/here"
"$REHEARSE" bundle push --store "$T/here" --to "$FAR/pushed" latest >"$T/pushed.out" 2>&1 &
PUSHED=$!
wait_for 20 marked
kill -KILL $PUSHED 2>/dev/null
wait $PUSHED 2>/dev/null
check_same "a push is killed while it writes" $? 137
check "a second push" "$REHEARSE" bundle push --store "$T/here" --to "$FAR/pushed" latest
check "is whole" "$REHEARSE" bundle verify --store "$FAR/pushed" latest
check_same "what the first one left was used" "$(find "$T/far/pushed/tmp" -name '*.at' | wc -l)" 0

# Two bring the same blobs, one from a store that is damaged: held while it writes, and let go at the end.
cp -a "$T/here" "$T/spoilt"
largest=$(find "$T/spoilt/blobs/sha256" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
printf 'X' | dd of="$largest" bs=1 seek=1000 conv=notrunc status=none
rm -rf "$T/far/pushed"
"$REHEARSE" bundle push --store "$T/spoilt" --to "$FAR/pushed" latest >"$T/spoilt.out" 2>&1 &
SPOILT=$!
wait_for 20 marked
kill -STOP $SPOILT
check "a push beside one of a damaged store" "$REHEARSE" bundle push --store "$T/here" --to "$FAR/pushed" latest
check "is whole" "$REHEARSE" bundle verify --store "$FAR/pushed" latest
check "which the other one's mark stood beside" marked
kill -CONT $SPOILT
wait $SPOILT
check_same "the other is told of the damage" $? 16
check "what was pushed stays whole" "$REHEARSE" bundle verify --store "$FAR/pushed" latest
check_same "and nothing is left" "$(find "$T/far/pushed/tmp" -type f | wc -l)" 0

# The server goes away and comes back while a snapshot is written.
"$REHEARSE" snapshot --verbose --env "$T/env.yaml" --to "$FAR/restarted" >"$T/restarted.out" 2>&1 &
RESTARTED=$!
wait_for 10 has_begun restarted
# Of each session the part that is root, and the one that is the user.
SESSIONS=$(pgrep -P "$(e2e_pid sshd)")
SESSIONS+=" $(pgrep -P "$(paste -sd, <<<"$SESSIONS")")"
e2e_stop sshd
# shellcheck disable=SC2086
kill -KILL $SESSIONS
sshd_start
check "a snapshot goes on when sshd comes back" wait $RESTARTED
check_has "on a new connection" "$(cat "$T/restarted.out")" "connecting anew"
check "and is whole" "$REHEARSE" bundle verify --store "$FAR/restarted" latest
e2e_end
