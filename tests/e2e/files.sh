#!/bin/bash
# File trees in bundles: what is captured and restored is compared with find, sha256sum and getfattr;
# the store is read with awk, zstd and tar alone; damage, a full disk, an interrupt and a kill leave
# neither half a bundle nor a broken store.
. "$(dirname "$0")/lib.sh"
e2e_begin files

TREE=$T/tree
STORE=$T/store
ENV=$T/env.yaml
ROOT_USER=$([ "$(id -u)" -eq 0 ] && echo yes || echo no)

make_tree() {
    local d=$TREE long
    long=$(printf 'long%.0s' {1..50})
    mkdir -p "$d/sub/deep" "$d/empty" "$d/cache/inner" "$d/sp ace" "$d/$long/$long/$long"
    printf 'one\n' >"$d/sub/a"
    ln "$d/sub/a" "$d/sub/deep/hard"
    ln "$d/sub/a" "$d/0 first by name"
    ln -s ../sub/a "$d/empty/link"
    ln -s /etc/passwd "$d/absolute"
    ln -s . "$d/circle"
    printf x >"$d/$(printf 'new\nline\ttab')"
    printf x >"$d/$(printf 'bytes\377\376')"
    printf x >"$d/ünïcödé"
    printf x >"$d/back\\slash"
    : >"$d/zero"
    printf 'deep' >"$d/$long/$long/$long/$long"
    mkfifo "$d/fifo"
    head -c 11000000 /dev/urandom >"$d/large"
    head -c 4194304 /dev/zero >"$d/exactly 4 MiB"
    head -c 4194305 /dev/urandom >"$d/one over"
    truncate -s 100M "$d/hole"
    truncate -s 20M "$d/sparse"
    printf end | dd of="$d/sparse" bs=1 seek=15000001 conv=notrunc status=none
    dd if=/dev/urandom of="$d/large and sparse" bs=1M count=9 seek=30 status=none
    truncate -s 64M "$d/large and sparse"
    printf gone >"$d/x.pid"
    printf gone >"$d/cache/inner/y"
    for ((i = 0; i < 1500; i++)); do printf '%d\n' $i >"$d/sp ace/$i"; done
    setfattr -n user.colour -v blue "$d/sub/a"
    setfattr -n user.bytes -v 0x00ff0a5c "$d/sub"
    command -v setfacl >/dev/null && setfacl -m u:nobody:r "$d/sub/deep"
    chmod 4755 "$d/sub/a"
    chmod 1777 "$d/empty"
    chmod 0400 "$d/zero"
    if [ $ROOT_USER = yes ]; then
        chown 12345:54321 "$d/large"
        chown -h 12345:54321 "$d/absolute"
        mknod "$d/device" c 1 3
    fi
    touch -d '1999-12-31 23:59:59.987654321' "$d/sub/a"
    touch -h -d '2001-02-03 04:05:06.070809' "$d/absolute" "$d/sub" "$d/sp ace"
}

# All that stat knows but inode numbers, and the size and link count of directories.
listing() {
    (cd "$1" && find . \( -name '*.pid' -o -path ./cache \) -prune -o \
        -type d -printf '%P\t%y\t%m\t%U\t%G\t%T@\0' -o \
        -printf '%P\t%y\t%m\t%U\t%G\t%T@\t%s\t%n\t%l\0' | sort -z)
}
sums() {
    (cd "$1" && find . \( -name '*.pid' -o -path ./cache \) -prune -o -type f -print0 | sort -z |
        xargs -0 sha256sum -z)
}
attributes() {
    (cd "$1" && find . \( -name '*.pid' -o -path ./cache \) -prune -o -print0 | sort -z |
        xargs -0 getfattr -h -d -m - -e hex)
}
same_tree() {
    cmp <(listing "$1") <(listing "$2") && cmp <(sums "$1") <(sums "$2") &&
        cmp <(attributes "$1") <(attributes "$2")
}
still_sparse() {
    [ "$(stat -c %b "$1/hole")" -lt 64 ] && [ "$(stat -c %b "$1/sparse")" -lt 256 ] &&
        [ "$(stat -c %b "$1/large and sparse")" -lt 20000 ]
}

# STREAM TAG: the reader of docs/bundle-format.md.
stock_reader() {
    blob() { cat "$STORE/blobs/sha256/${1#sha256:}"; }
    local manifest pack offset bytes
    manifest=$(jq -r --arg t "$2" '.manifests[] |
        select(.annotations["org.opencontainers.image.ref.name"] == $t) | .digest' "$STORE/index.json")
    blob "$(blob "$manifest" | jq -r '.layers[0].digest')" | zstd -dc |
        awk -F'\t' -v name="$1" '$1 == "pack" { pack[$2] = $3 }
            $1 == "stream" && $4 == name { id = $2 }
            $1 == "segment" && $2 == id { print pack[$4], $5, $6 }' |
        while read -r pack offset bytes; do
            tail -c +$((offset + 1)) "$STORE/blobs/sha256/$pack" | head -c "$bytes" | zstd -dc
        done
}
stock_restore() {
    mkdir "$T/stock" && stock_reader files/code one >"$T/code.tar" &&
        tar --numeric-owner --xattrs --xattrs-include='*' --acls -xpf "$T/code.tar" -C "$T/stock" 2>/dev/null
}
stock_columns() { stock_reader "$@" | LC_ALL=C awk -f "$ROOT/lib/bundle/columns.awk"; } # of one segment
catalog_paths() {
    local rows
    rows=$(stock_columns facts/catalog.code one | wc -l)
    stock_columns facts/catalog.code one | head -n $((rows / 11)) | sort
}
restore() { # BOX
    "$REHEARSE" restore --from "$STORE" --into "$1" --no-pristine "${2:-one}"
}
snapshot() {
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --jobs 2 "$@"
}
stored() { du -sb "$STORE/blobs" | cut -f1; }
blobs_sound() {
    local f
    for f in "$STORE"/blobs/sha256/*; do
        [ "$(sha256sum <"$f" | cut -d' ' -f1)" = "${f##*/}" ] || return 1
    done
}

make_tree
printf 'name: files\nfiles:\n  - {name: code, path: %s, exclude: ["*.pid", "cache/"]}\n' "$TREE" >"$ENV"

# ---- there and back -----------------------------------------------------------------------------
check "a tree is captured" snapshot --tag one
check_has "what was excluded is said" "$(cat "$T/out")" 'files/code/*.pid: excluded'
check "every blob hashes to its name" blobs_sound
check "the store is private" test "$(stat -c %a "$STORE/blobs" "$STORE/index.json" | tr '\n' ' ')" = '700 600 '
check "the bundle verifies" "$REHEARSE" bundle verify --store "$STORE" one
check "a pack is a zstd file" sh -c "for f in $STORE/blobs/sha256/*; do
    head -c 4 \$f | xxd -p | grep -q 28b52ffd && { zstd -tq \$f || exit 1; }; done; true"
E2E_BOXES+=("$T/box")
check "it is restored" restore "$T/box"
check "every entry, byte and attribute is the same" same_tree "$TREE" "$T/box/files/code"
check "holes are still holes" still_sparse "$T/box/files/code"
check "awk, zstd and tar restore it too" stock_restore
check "and just the same" same_tree "$TREE" "$T/stock"
check_same "the catalog has every entry" "$(catalog_paths | wc -l)" \
    "$(listing "$TREE" | tr -dc '\0' | wc -c)"

# The comparison itself must be able to fail.
cp -a "$T/stock" "$T/bent"
printf X | dd of="$T/bent/large" bs=1 seek=7777777 conv=notrunc status=none
touch -r "$T/stock/large" "$T/bent/large"
if same_tree "$TREE" "$T/bent" >/dev/null 2>&1; then
    not_ok "one changed byte is found" "it was not"
else
    ok "one changed byte is found"
fi

# ---- versions -----------------------------------------------------------------------------------
before=$(stored)
printf 'two\n' >"$TREE/sub/b"
check "a second version" snapshot --tag two
added=$(($(stored) - before))
[ $added -lt 3000000 ] && ok "stores little more ($added bytes)" || not_ok "stores little more" "$added bytes"
check_same "both are listed" "$("$REHEARSE" --json bundle ls --store "$STORE" | jq length)" 2
check "the first is still whole" "$REHEARSE" bundle verify --store "$STORE" one two

# ---- other tools --------------------------------------------------------------------------------
if command -v skopeo >/dev/null; then
    check "skopeo copies it out" skopeo copy -q "oci:$STORE:one" "oci-archive:$T/x.tar"
    check "and back" skopeo copy -q "oci-archive:$T/x.tar" "oci:$T/copy:one"
    check "the copy verifies" "$REHEARSE" bundle verify --store "$T/copy" one
fi

# ---- bad times ----------------------------------------------------------------------------------
tags() { jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$STORE/index.json" | sort; }
was=$(tags)
(
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --parent none --rate 4M >"$T/int.out" 2>&1 &
    pid=$!
    sleep 0.7
    kill -INT $pid
    wait $pid
)
check_same "an interrupt ends with its own status" $? 130
check_same "and leaves no bundle" "$(tags)" "$was"
check_same "and no temporary file" "$(find "$STORE/tmp" -type f | wc -l)" 0
"$REHEARSE" snapshot --env "$ENV" --to "$STORE" --parent none --rate 4M >"$T/kill.out" 2>&1 &
pid=$!
sleep 0.7
kill -KILL $pid
wait $pid 2>/dev/null
check_same "a kill leaves no bundle" "$(tags)" "$was"
check "and a store that works" snapshot --tag three
check "and verifies" "$REHEARSE" bundle verify --store "$STORE" --all

if small_disk "$T/small" 12M; then
    check_status "a full disk is said" 15 "$REHEARSE" snapshot --env "$ENV" --to "$T/small/store"
    check_same "and nothing is visible" "$(jq '.manifests | length' "$T/small/store/index.json")" 0
    check_same "and nothing is left" "$(find "$T/small/store/tmp" -type f | wc -l)" 0
    umount "$T/small"
fi

mkdir "$T/other" && : >"$T/other/thing"
check_status "a folder of other things is no store" 18 "$REHEARSE" snapshot --env "$ENV" --to "$T/other"
check_status "a bundle that is none" 17 "$REHEARSE" bundle show --store "$STORE" nothing
check_has "is named" "$(cat "$T/out")" "no bundle 'nothing'"

pack=$(find "$STORE/blobs/sha256" -type f -printf '%s %f\n' | sort -rn | head -n 1 | cut -d' ' -f2)
cp "$STORE/blobs/sha256/$pack" "$T/pack"
printf '\125' | dd of="$STORE/blobs/sha256/$pack" bs=1 seek=2000000 conv=notrunc status=none
check_status "a flipped byte is found" 16 "$REHEARSE" bundle verify --store "$STORE" one
check_has "the blob is named" "$(cat "$T/out")" "$pack"
check_has "and what it breaks" "$(cat "$T/out")" "breaks files/code"
E2E_BOXES+=("$T/bad")
check_status "and is not restored" 16 restore "$T/bad"
truncate -s 1000000 "$STORE/blobs/sha256/$pack"
check_status "a cut pack is refused" 16 restore "$T/bad2"
rm "$STORE/blobs/sha256/$pack"
check_status "a missing pack is refused" 16 restore "$T/bad3"
check_has "and named" "$(cat "$T/out")" "$pack"
cp "$T/pack" "$STORE/blobs/sha256/$pack"
check "put back, all is well" "$REHEARSE" bundle verify --store "$STORE" --all

printf 'name: files\nfiles:\n  - {name: code, path: %s/none}\n' "$T" >"$ENV"
check_status "a tree that is not there is named" 17 "$REHEARSE" snapshot --env "$ENV" --to "$STORE"
e2e_end
