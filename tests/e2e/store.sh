#!/bin/bash
# Commands on a store: gc beside snapshots at work and killed ones, retention, pins, diff, push and
# pull, with files alone.
. "$(dirname "$0")/lib.sh"
e2e_begin store

STORE=$T/store
mkdir -p "$T/prod/code" "$T/prod/config"
printf 'port = 1\n' >"$T/prod/config/app.conf"
for i in $(seq 1 24); do head -c 1000000 /dev/urandom >"$T/prod/code/file$i"; done
cat >"$T/env.yaml" <<YAML
name: shop
production: true
files:
  - {name: code, path: $T/prod/code}
  - {name: config, path: $T/prod/config}
YAML
snap() { "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$STORE" "$@"; }
bundle() { local verb=$1; shift; "$REHEARSE" bundle "$verb" --store "$STORE" "$@"; }
blobs() { find "$STORE/blobs" -type f | wc -l; }

check "first snapshot" snap --tag one
printf 'port = 2\n' >"$T/prod/config/app.conf"
chmod 600 "$T/prod/code/file1"
rm "$T/prod/code/file2"
check "second snapshot" snap --tag two

# ---- what differs ---------------------------------------------------------------------------------
bundle diff one two >"$T/diff.txt"
check "diff shows the line of the config" grep -qx '+port = 2' "$T/diff.txt"
check "diff shows the mode" grep -qx '~ code/file1  mode' "$T/diff.txt"
check "diff shows what is gone" grep -qx -- '- code/file2' "$T/diff.txt"
check "diff shows nothing else of the code" test "$(grep -c ' code/file' "$T/diff.txt")" -eq 2
check_same "a bundle does not differ from itself" "$(bundle diff two two)" "no differences"

# ---- removing -------------------------------------------------------------------------------------
check "pin" bundle pin one
check_status "a pinned bundle is not removed" 18 bundle rm one
check "a rule does not remove it either" bundle gc --keep-last 1 --grace 0
check "it is still whole" bundle verify one
check "unpin" bundle unpin one
check "the rule removes it" bundle gc --keep-last 1
check_status "it is not listed any more" 17 bundle show one
check "the one that builds on it stays whole" bundle verify two
before=$(blobs)
check "gc without grace" bundle gc --grace 0
check "frees something" test "$(blobs)" -lt "$before"
check "the one that built on it is whole" bundle verify --all

# ---- gc beside a snapshot at work -----------------------------------------------------------------
printf 'port = 3\n' >"$T/prod/config/app.conf"
for i in $(seq 1 12); do head -c 1000000 /dev/urandom >"$T/prod/code/file$i"; done
snap --tag three --rate 6M >"$T/snap.log" 2>&1 &
pid=$!
wait_for 10 sh -c "ls '$STORE/tmp/' | grep -q lease"
bundle rm two >/dev/null
rounds=0
while kill -0 $pid 2>/dev/null; do
    bundle gc --grace 0 >"$T/gc.log" 2>&1 || break
    rounds=$((rounds + 1))
    sleep 0.2
done
wait $pid
check_same "the snapshot ends well although its parent was removed" $? 0
check "gc ran beside it" test "$rounds" -ge 3
check "what it took is whole" bundle verify three
check "gc after it" bundle gc --grace 0
check "and is whole after that" bundle verify --all

# ---- a killed snapshot ----------------------------------------------------------------------------
for i in $(seq 1 12); do head -c 1000000 /dev/urandom >"$T/prod/code/file$i"; done
snap --tag four --rate 4M >"$T/snap.log" 2>&1 &
pid=$!
wait_for 10 sh -c "ls '$STORE/tmp/' | grep -v lease | grep -q ."
child=$(pgrep -P $pid | head -n 1)
kill -9 "${child:-$pid}" $pid 2>/dev/null
wait $pid 2>/dev/null
check "gc after a kill" bundle gc --grace 0
check_same "nothing is left of it" "$(find "$STORE/tmp" -type f | wc -l)" 0
check "the others are whole" bundle verify --all

# ---- push and pull --------------------------------------------------------------------------------
check "push" bundle push --to "$T/other" --all
check_has "a second push has nothing to send" "$(bundle push --to "$T/other" --all)" "0 B in 0 objects"
victim=$(find "$T/other/blobs" -type f -size +100k | head -n 1)
rm "$victim"
check "push puts back what is missing" bundle push --to "$T/other" three
check "the other store is whole" "$REHEARSE" bundle verify --store "$T/other" --all
check "pull" "$REHEARSE" bundle pull --store "$T/third" --from "$T/other" three
check "what was pulled is whole" "$REHEARSE" bundle verify --store "$T/third" three
e2e_end
