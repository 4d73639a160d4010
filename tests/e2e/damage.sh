#!/bin/bash
# Damaged and hostile stores: a bit of any blob, a blob that is short, gone, or something else; an
# index that asks for the absurd, under right hashes. No crash, no hang, little memory, and what is
# restored is right or refused.
. "$(dirname "$0")/lib.sh"
e2e_begin damage
shopt -s lastpipe # what stands behind a pipe counts here
STORE=$T/store
TREE=$T/tree
MEMORY_KB=$((600 << 10)) # of address space; an index that is believed would ask for more

# ---- a store: day 2 has references to and deltas on day 1, and its files are there twice ----------
mkdir -p "$TREE/deep/er"
for i in 1 2 3 4; do
    seq $((i * 100000)) $((i * 100000 + 150000)) >"$TREE/deep/numbers$i"
done
head -c 300000 /dev/urandom >"$TREE/random"
ln "$TREE/random" "$TREE/deep/er/hard"
ln -s ../random "$TREE/deep/link"
printf 'name: damage\nfiles:\n  - {name: tree, path: %s}\n' "$TREE" >"$T/env.yaml"
snapshot() {
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$STORE" --tag "$1" >"$T/out" 2>&1 || die "no snapshot: $(cat "$T/out")"
}
snapshot day1
cp -a "$TREE" "$T/day1"
sed -i '5000s/.*/changed/' "$TREE/deep/numbers2"
snapshot day2
check "day 2 rests on day 1" test "$("$REHEARSE" bundle show --store "$STORE" day2 --json | jq '[.. | .deltas? // empty | numbers] | max')" -gt 0

# What follows works on copies of it.
fresh() {
    rm -rf "$T/s" && cp -a "$STORE" "$T/s"
}

# ours COMMAND...: bounded in time and memory; its status.
ours() {
    (ulimit -v "$MEMORY_KB" && exec timeout -s KILL 30 "$REHEARSE" "$@") >"$T/out" 2>&1
}

crashed() { # STATUS: killed, out of time, or an abort
    [ "$1" -ge 124 ] || grep -q 'Sanitizer\|runtime error' "$T/out"
}

# judge WHAT DAY: verify and restore agree with the truth about the bundle in $T/s.
judge() {
    local what=$1 day=$2 verified restored
    ours bundle verify --store "$T/s" "$day"
    verified=$?
    ! crashed $verified || { not_ok "$what: verify $day" "status $verified: $(tail -n 2 "$T/out")"; return 1; }
    [ $verified -eq 0 ] || grep -qE "$TOLD" "$T/out" ||
        { not_ok "$what: verify $day does not name what is lost" "$(cat "$T/out")"; return 1; }
    rm -rf "$T/box"
    ours restore --from "$T/s" --into "$T/box" --no-pristine "$day"
    restored=$?
    ! crashed $restored || { not_ok "$what: restore $day" "status $restored: $(tail -n 2 "$T/out")"; return 1; }
    [ $restored -ne 0 ] || diff -r --no-dereference "$T/$day" "$T/box/files/tree" >"$T/diff" ||
        { not_ok "$what: $day is restored wrong" "$(head -n 3 "$T/diff")"; return 1; }
    # What verify calls good is good, and what cannot be restored it does not call good; but it knows
    # no environment, and takes a stream of any name and kind.
    [ $verified -ne 0 ] || [ $restored -eq 0 ] || [ "${SENSE:-0}" = 1 ] ||
        { not_ok "$what: verified, but not restored" "$(cat "$T/out")"; return 1; }
    HURT=$((HURT + (verified != 0 || restored != 0)))
}
cp -a "$TREE" "$T/day2"
TOLD=sha256
blobs=$(ls "$STORE/blobs/sha256")

flip() { # FILE OFFSET: its lowest bit
    local byte
    byte=$(od -An -tu1 -j"$2" -N1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# each_blob WHAT FUNCTION: the function on every blob of a fresh copy; each must hurt a bundle.
each_blob() {
    local what=$1 body=$2 blob bad=$FAILED harmless=0
    for blob in $blobs; do
        fresh
        HURT=0
        "$body" "$T/s/blobs/sha256/$blob"
        judge "$what of ${blob:0:12}" day1 && judge "$what of ${blob:0:12}" day2
        [ "$HURT" -gt 0 ] || harmless=$((harmless + 1))
    done
    check_same "$what of each of $(wc -w <<<"$blobs") blobs is noticed, and nothing wrong is restored" \
        "$((FAILED - bad)) $harmless" "0 0"
}
first_bit() { flip "$1" 0; }
last_bit() { flip "$1" $(($(stat -c %s "$1") - 1)); }
middle_bit() { flip "$1" $(($(stat -c %s "$1") / 2)); }
any_bit() { flip "$1" $(((RANDOM * 32768 + RANDOM) % $(stat -c %s "$1"))); }
cut_short() { truncate -s $(($(stat -c %s "$1") / 2)) "$1"; }
cut_one() { truncate -s -1 "$1"; }
grown() { echo more >>"$1"; }
empty() { : >"$1"; }
gone() { rm "$1"; }
a_folder() { rm "$1" && mkdir "$1"; }
a_pipe() { rm "$1" && mkfifo "$1"; }
a_link() { rm "$1" && ln -s /etc/passwd "$1"; }
a_loop() { rm "$1" && ln -s "${1##*/}" "$1"; }
endless() { rm "$1" && ln -s /dev/zero "$1"; }

for kind in first_bit middle_bit last_bit any_bit cut_short cut_one grown empty gone a_folder a_pipe a_link a_loop endless; do
    each_blob "$kind" $kind
done

# ---- what is still good is said --------------------------------------------------------------------
fresh
blobs_of() { # TAG: the layers and the config of its manifest
    local digest
    digest=$(jq -r --arg t "$1" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $t).digest' "$STORE/index.json")
    jq -r '.config.digest, .layers[].digest' "$STORE/blobs/sha256/${digest#sha256:}" | sed 's/sha256://' | sort
}
only_day2=$(comm -13 <(blobs_of day1) <(blobs_of day2) | head -n 1)
rm "$T/s/blobs/sha256/$only_day2"
ours bundle verify --store "$T/s" day1
check_same "what does not rest on a lost blob verifies" "$?" 0

# ---- index.json and oci-layout ---------------------------------------------------------------------
whole_store() { # WHAT: commands on the store end in order
    local command bad=$FAILED status
    for command in "bundle ls" "bundle verify day1" "bundle show day1" "bundle gc --grace 0s --dry-run" "bundle tag day1 again"; do
        # shellcheck disable=SC2086
        set -- $command
        ours "$1" "$2" --store "$T/s" "${@:3}"
        status=$?
        ! crashed $status || not_ok "$WHAT: $command" "status $status: $(tail -n 2 "$T/out")"
    done
    check_same "$WHAT: every command ends in order" "$((FAILED - bad))" 0
}
index() { # WHAT: standard input is index.json
    WHAT=$1
    fresh
    cat >"$T/s/index.json"
    whole_store
}
index "an empty index.json" </dev/null
echo '{"schemaVersion":2' | index "a torn index.json"
head -c 100000 /dev/zero | tr '\0' '[' | index "an index.json of deep arrays"
head -c 3000000 /dev/urandom | index "an index.json of noise"
jq '.manifests[].digest = "sha256:../../../../etc/passwd"' "$STORE/index.json" | index "digests that climb out"
jq '.manifests[].size = 9223372036854775807' "$STORE/index.json" | index "absurd sizes"
jq '.manifests[].size = -1' "$STORE/index.json" | index "negative sizes"
jq '.manifests[].size = 1e400' "$STORE/index.json" 2>/dev/null | index "sizes without end"
jq '.manifests[].annotations = {"org.opencontainers.image.ref.name": "../../x\u001b[31m\n"}' "$STORE/index.json" |
    index "tags that climb out and paint"
check_same "and none of them reaches the terminal" "$(ours bundle ls --store "$T/s"; grep -c $'\e' "$T/out")" 0
jq '.manifests = [range(200000) as $i | .manifests[0]]' "$STORE/index.json" | index "one tag very often"
WHAT="another oci-layout" && fresh && echo '{"imageLayoutVersion":"99"}' >"$T/s/oci-layout" && whole_store

# ---- a segment index that lies, under right hashes -------------------------------------------------
put_blob() { # FILE: into $T/s; its digest in PUT, its size in PUT_BYTES
    PUT=$(sha256sum "$1" | cut -d' ' -f1) PUT_BYTES=$(stat -c %s "$1")
    mv "$1" "$T/s/blobs/sha256/$PUT"
}

# lie WHAT: standard input is day 2's segment index; verify and restore refuse it, or are right.
lie() {
    local what=$1 manifest bad=$FAILED
    cat >"$T/index.text"
    fresh
    zstd -q -3 --content-size --stream-size="$(stat -c %s "$T/index.text")" -c <"$T/index.text" >"$T/index.zst"
    put_blob "$T/index.zst"
    manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "day2").digest' "$STORE/index.json")
    jq -c --arg d "sha256:$PUT" --argjson n "$PUT_BYTES" '.layers[0].digest = $d | .layers[0].size = $n' \
        "$T/s/blobs/sha256/${manifest#sha256:}" >"$T/manifest"
    put_blob "$T/manifest"
    jq --arg old "$manifest" --arg d "sha256:$PUT" --argjson n "$PUT_BYTES" \
        '(.manifests[] | select(.digest == $old)) |= (.digest = $d | .size = $n)' "$STORE/index.json" >"$T/s/index.json"
    HURT=0 TOLD=.
    judge "$what" day2
    check_same "$what is refused" "$((FAILED - bad)) $HURT" "0 1"
}
manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "day2").digest' "$STORE/index.json")
layer=$(jq -r '.layers[0].digest' "$STORE/blobs/sha256/${manifest#sha256:}")
zstd -dc "$STORE/blobs/sha256/${layer#sha256:}" >"$T/true.text"

# field N VALUE [WHICH]: of segment lines that match
field() {
    awk -F'\t' -v OFS='\t' -v n="$1" -v value="$2" -v base="${3:-}" \
        '$1 == "segment" && (base == "" || $12 != "-") { $n = value } { print }' "$T/true.text"
}
sed 's/^end\t.*/end\t1\t1\t1/' "$T/true.text" | lie "an index of other counts"
field 4 99 | lie "a pack that is none"
field 5 99999999999 | lie "an offset behind the pack"
field 5 18446744073709551615 | lie "an offset at the end of all numbers"
field 6 9223372036854775807 | lie "a segment of absurd stored bytes"
field 6 0 | lie "a segment of no bytes"
field 7 1099511627776 | lie "a bomb of a terabyte"
field 7 1073741824 | lie "a bomb of a gibibyte"
field 7 1 | lie "a segment that is larger than it says"
field 8 4000000000 | lie "absurd records"
field 9 "$(printf %064d 0)" | lie "another hash of the content"
field 3 7 | lie "the same place in a stream twice"
field 2 99 | lie "a stream that is none"
awk -F'\t' -v OFS='\t' '$1 == "segment" && $12 != "-" { $12 = $4; $13 = $5; $14 = $6; $15 = $7; $16 = $9 } { print }' "$T/true.text" |
    lie "a delta that rests on itself"
awk -F'\t' -v OFS='\t' '$1 == "segment" && $12 != "-" { $13 = $13 + 1 } { print }' "$T/true.text" | lie "a base at another place"
awk -F'\t' -v OFS='\t' '$1 == "segment" && $12 == "-" { split($0, whole, "\t") }
    $1 == "segment" && $12 != "-" && whole[9] != $16 { $12 = whole[4]; $13 = whole[5]; $14 = whole[6]; $15 = whole[7] } { print }' \
    "$T/true.text" | lie "another whole segment as a base"
check_same "which is what restore names" "$(grep -c 'the base of a delta: the content was altered' "$T/out")" 1
field 16 "$(printf %064d 0)" delta | lie "another hash of the base"
awk -F'\t' -v OFS='\t' '$1 == "segment" && $12 != "-" { $15 = 134217729 } { print }' "$T/true.text" | lie "a base beyond every window"
awk -F'\t' '{ print } $1 == "stream" { print }' "$T/true.text" | lie "a stream that is there twice"
SENSE=1
sed 's/^stream\t0\t[a-z]*\t/stream\t0\ttext\t/; s/^stream\t1\t[a-z]*\t/stream\t1\ttar\t/' "$T/true.text" | lie "streams of another kind"
sed 's/files\/tree/files\/..%2F..%2Fout/' "$T/true.text" | lie "a stream that climbs out"
SENSE=0
{ head -n 1 "$T/true.text"; yes "$(sed -n 2p "$T/true.text")" | head -n 300000; } | lie "very many packs"
head -c 270000000 /dev/zero | tr '\0' 'x' | lie "an index that is larger than allowed"
check "nothing was written beside the box" test ! -e "$T/out2" -a ! -e "$T/../out"
e2e_end
