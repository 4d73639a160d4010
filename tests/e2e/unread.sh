#!/bin/bash
# What did not change is not read again, and what changed is: by size, by times that were set back, by
# another inode, by the company it keeps. Files that were opened are counted by strace; each version is
# restored and compared.
# run early: waits for clocks
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin unread

TREE=$T/tree
STORE=$T/store
ENV=$T/env.yaml
N=0

make_tree() {
    local d
    for d in bin lib lib/deep share; do
        mkdir -p "$TREE/$d"
        # Numbers compress too well to fill segments: digests do not.
        for ((i = 0; i < 400; i++)); do printf '%s %d\n' "$d" $i; done | sha512sum >"$TREE/$d/sum"
        openssl enc -aes-128-ctr -K "$(printf '%032d' ${#d})" -iv "$(printf '%032d' ${#d})" \
            -in /dev/zero 2>/dev/null | head -c 6000000 | split -b 20000 -a 3 - "$TREE/$d/f."
    done
    head -c 13000001 /dev/urandom >"$TREE/lib/large"
    head -c 9000000 /dev/urandom | dd of="$TREE/share/holes" bs=1M seek=20 status=none iflag=fullblock
    truncate -s 60M "$TREE/share/holes"
    truncate -s 3M "$TREE/bin/hole"
    ln "$TREE/bin/f.aaa" "$TREE/share/zz-same"
    ln "$TREE/lib/large" "$TREE/share/large"
    ln -s f.aaa "$TREE/bin/link"
    setfattr -n user.colour -v blue "$TREE/bin/f.aab"
}

listing() {
    (cd "$1" && find . -printf '%P %y %m %U %G %T@ %n %l ' \( -type f -printf '%s\n' -o -printf '\n' \) | sort
        find . -type f -print0 | sort -z | xargs -0 sha256sum
        find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex)
}

# Sets FILES to what bundle.json says of the files, and OPENED to how many were opened.
snapshot() {
    N=$((N + 1))
    strace -f -qq -e trace=openat -o "$T/strace" "$REHEARSE" snapshot --quiet --json --env "$ENV" \
        --to "$STORE" --jobs 2 --tag "v$N" "$@" >"$T/json" || return 1
    FILES=$(jq -c .config.components.files "$T/json")
    OPENED=$(grep -c O_NOATIME "$T/strace" || :)
}
said() { jq "$1" <<<"$FILES"; }
comes_back() {
    E2E_BOXES+=("$T/box$N")
    "$REHEARSE" restore --quiet --from "$STORE" --into "$T/box$N" --no-pristine "v$N" &&
        cmp <(listing "$TREE") <(listing "$T/box$N/files/code") && rm -rf "$T/box$N"
}
# Changes within this time before a snapshot are not told by the clock.
settle() { sleep 3.5; }
# version WHAT UP-TO-HOW-MANY-OPENED [OPTION...]
version() {
    local name=$1 most=$2
    shift 2
    settle
    check "$name: captured" snapshot "$@"
    check "$name: $OPENED files were opened, at most $most" test "$OPENED" -le "$most"
    check "$name: comes back" comes_back
}

make_tree
printf 'name: unread\nfiles:\n  - {name: code, path: %s}\n' "$TREE" >"$ENV"
settle
check "a first version" snapshot
ENTRIES=$(said .trees.code.entries)
check_same "says how many entries it has" "$ENTRIES" "$(find "$TREE" | wc -l)"
check_same "has read them all" "$(said .trees.code.unread)" 0
check "comes back" comes_back

version "nothing changed" 0
check_same "it has read nothing" "$(said .trees.code.unread)" "$ENTRIES"
check_same "and stored nothing" "$(said .new_bytes)" 0
check "and verifies" "$REHEARSE" bundle verify --store "$STORE" "v$N"

# ---- what changed is found ----------------------------------------------------------------------
printf 'X' | dd of="$TREE/lib/f.abc" bs=1 seek=777 conv=notrunc status=none
touch -r "$TREE/lib/f.aaa" "$TREE/lib/f.abc"
before=$(stat -c '%s %y' "$TREE/lib/f.abc")
version "same size, mtime set back" 450
printf 'Y' | dd of="$TREE/lib/f.abc" bs=1 seek=777 conv=notrunc status=none
touch -d "$(cut -d' ' -f2- <<<"$before")" "$TREE/lib/f.abc"
check_same "the change shows nothing but in ctime" "$(stat -c '%s %y' "$TREE/lib/f.abc")" "$before"
version "size and mtime as before" 450

cp -p "$TREE/share/f.aaa" "$T/other"
printf 'Z' | dd of="$T/other" bs=1 seek=7 conv=notrunc status=none
touch -r "$TREE/share/f.aaa" "$T/other"
mv "$T/other" "$TREE/share/f.aaa"
version "another inode" 450

printf 'Z' | dd of="$TREE/lib/large" bs=1 seek=7777777 conv=notrunc status=none
version "a byte of a large file" 450
printf 'Z' | dd of="$TREE/share/holes" bs=1 seek=50000000 conv=notrunc status=none
version "a byte in a hole" 450
chmod 600 "$TREE/bin/f.aac"
setfattr -n user.colour -v red "$TREE/bin/f.aab"
version "rights and attributes" 900

rm "$TREE/bin/f.aad"
mkdir "$TREE/lib/new"
printf new >"$TREE/lib/new/file"
mv "$TREE/share/f.abb" "$TREE/share/f.renamed"
rm "$TREE/lib/large" # its other name has the content now
version "removed, added, renamed" 1300
mv "$TREE/share/large" "$TREE/share/f.zzz" # behind the others: the parent had its pieces elsewhere
version "a large file renamed" 450

# A further name that did not change refers to a first one that is called otherwise now.
mv "$TREE/bin" "$TREE/aaa"
version "a folder renamed" 1300
check "a folder renamed: little is stored ($(said .new_bytes) bytes)" test "$(said .new_bytes)" -lt 300000
sed -i 's/path: \(.*\)}/path: \1, exclude: ["aaa\/f.aaa"]}/' "$ENV"
settle
check "the first name of a file excluded" snapshot
rm "$TREE/aaa/f.aaa"
touch -r "$T/box$N/files/code/aaa" "$TREE/aaa" 2>/dev/null
check "its other name has the content" sh -c "'$REHEARSE' restore --quiet --from '$STORE' --into '$T/box' \
    --no-pristine v$N && cmp '$T/box/files/code/share/zz-same' '$TREE/share/zz-same'"
cp -a "$TREE/lib" "$TREE/releases"
version "a folder copied" 1700
check "a folder copied: little is stored ($(said .new_bytes) bytes)" test "$(said .new_bytes)" -lt 1500000

# ---- what is not believed -----------------------------------------------------------------------
touch "$TREE/share/f.aaf"
check "changed just before" snapshot
check "and right behind it" snapshot
check "what is too fresh to tell is read" grep -q '"f.aaf"' "$T/strace"
version "nothing changed again" 450

MAPPED=$(mktemp -d /dev/shm/rehearse-unread.XXXXXX)
printf 'name: mapped\nfiles:\n  - {name: code, path: %s}\n' "$MAPPED" >"$T/mapped.yaml"
# A file in memory does not keep the time of what is written through a map.
cat >"$T/poke.c" <<'END'
#include <fcntl.h>
#include <sys/mman.h>
int main(int argc, char **argv)
{
    char *at = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(argv[argc - 1], O_RDWR), 0);
    at[5]++;
    return 0;
}
END
check "a tool that writes unseen" cc -o "$T/poke" "$T/poke.c"
head -c 5000 /dev/zero >"$MAPPED/file"
ENV=$T/mapped.yaml
settle
check "a tree in memory" snapshot
before=$(stat -c '%s %y %z' "$MAPPED/file")
"$T/poke" "$MAPPED/file"
check_same "a change that nothing tells" "$(stat -c '%s %y %z' "$MAPPED/file")" "$before"
check "is not seen" snapshot
check_same "by the catalog" "$(said .new_bytes)" 0
check "but with --paranoid" snapshot --paranoid
check_same "all is read" "$(said .trees.code.unread)" 0
check "and it is" test "$(said .new_bytes)" -gt 0
rm -rf "$MAPPED"

# ---- what may not be believed -------------------------------------------------------------------
ENV=$T/env.yaml
"$REHEARSE" key make --signing --out "$T/sign.key" >"$T/sign.pub" || die "no key"
"$REHEARSE" key make --out "$T/seal.key" >"$T/seal.pub" || die "no key"
printf 'bundle: {sign_with: sign.key}\n' >>"$ENV"
settle
check "signed, upon a parent that is not" snapshot
check_same "all is read" "$(said .trees.code.unread)" 0
settle
check "signed, upon one that is" snapshot
check_same "nothing is read" "$(said .trees.code.unread)" "$(said .trees.code.entries)"
check "and verifies" "$REHEARSE" bundle verify --store "$STORE" "v$N"
sed -i "s,^bundle:.*,bundle: {encrypt_to: ['$(grep -o 'rehearse1pub:[^ ]*' "$T/seal.pub" | head -1)']}," "$ENV"
check "encrypted, by who cannot read the parent" snapshot
check "all is read" test "$OPENED" -gt 1000
e2e_end
