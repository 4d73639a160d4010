#!/bin/bash
# The names that `bundle export` writes under before its tar has its own: nobody else's files are
# touched, what a killed export left is taken over, and file systems that cannot rename without
# replacing, or know no second names, get their tar all the same, and a store there a dead writer's lock
# taken away.
. "$(dirname "$0")/lib.sh"
e2e_begin export_names
command -v strace >/dev/null || die "no program 'strace': run scripts/install-deps"
STORE=$T/store
DIR=$T/exported
TAR=$DIR/shop.tar
PART=$TAR.rehearse-part # as snapshot/export_part.h has them
FULL=$TAR.rehearse-full
mkdir "$T/tree" "$DIR"
seq 100000 >"$T/tree/numbers"
printf 'name: names\nfiles:\n  - {name: tree, path: %s}\n' "$T/tree" >"$T/env.yaml"
check "a snapshot" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag one
sed -i 's/77$/seventy-seven/' "$T/tree/numbers"
check "another, of deltas" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag two

export_it() {
    "$REHEARSE" bundle export --quiet --store "$STORE" --to "$TAR" two
}

# refused SYSCALLS=ERROR... [-- COMMAND...]: the kernel refuses these calls of an export, or of that.
refused() {
    local inject=() command
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        inject+=(-e inject="${1%%=*}":error="${1#*=}")
        shift
    done
    command=("$REHEARSE" bundle export --quiet --store "$STORE" --to "$TAR" two)
    [ $# -eq 0 ] || command=("${@:2}")
    : >"$T/trace"
    strace -f -qq -o "$T/trace" -e trace="rename,renameat2,?link,linkat" "${inject[@]}" "${command[@]}"
}

# reached CALL CALL THIRD: the first two were refused for the tar, the third gave it its name.
reached() {
    grep -qE " $1\\(.*shop\\.tar\".*INJECTED" "$T/trace" && grep -qE " $2(at)?\\(.*shop\\.tar\".*INJECTED" "$T/trace" &&
        grep -qE " $3\\(.*shop\\.tar\"\\) += 0" "$T/trace"
}

alone() { # what lies in the folder
    (cd "$DIR" && find . -mindepth 1 | sort | paste -sd' ')
}

check "an export" export_it
check_same "leaves the tar alone" "$(alone)" ./shop.tar
check "it is of deltas made complete" grep -q flattened_from <(tar -xOf "$TAR" --wildcards 'blobs/sha256/*' | tr -d '\0')
mv "$TAR" "$T/wanted.tar"

# ---- what is somebody else's ----------------------------------------------------------------------
mkdir "$TAR.full"
echo mine | tee "$TAR.part" >"$TAR.full/precious"
check "an export beside files of somebody else" export_it
check_same "leaves them alone" "$(cat "$TAR.part" "$TAR.full/precious")" "mine
mine"
rm -r "$TAR.part" "$TAR.full" "$TAR"
mkdir -p "$FULL/blobs"
echo mine >"$FULL/precious"
check_status "a folder under our own name that is no store" 18 export_it
check_has "is named" "$(cat "$T/out")" "$FULL"
check_has "with the mend" "$(cat "$T/out")" "(hint: move it away"
check_same "and stays" "$(alone)" "./shop.tar.rehearse-full ./shop.tar.rehearse-full/blobs ./shop.tar.rehearse-full/precious"
rm -r "$FULL"
echo mine >"$FULL"
check_status "so is a file" 18 export_it
check_same "which stays, too" "$(cat "$FULL")" mine
rm "$FULL"

# ---- what a killed export left ----------------------------------------------------------------------
cp -r "$STORE" "$FULL"
seq 1000000 >"$PART"
check "an export where a killed one was" export_it
check "writes the same" cmp "$TAR" "$T/wanted.tar"
check_same "and takes its leavings away" "$(alone)" ./shop.tar
# Killed between the two steps in which the tar gets its name where the file system has no better.
ln "$TAR" "$PART"
mv "$TAR" "$DIR/moved.tar"
check "an export where a second name was left" export_it
check_same "is another file" "$(stat -c %h "$TAR" "$DIR/moved.tar" | paste -sd' ')" "1 1"
check "and leaves the first one alone" cmp "$DIR/moved.tar" "$T/wanted.tar"
rm "$TAR" "$DIR/moved.tar"

# ---- file systems ---------------------------------------------------------------------------------------
check "NFS and FUSE know no rename that refuses to replace" refused renameat2=EINVAL
check "the tar is whole" cmp "$TAR" "$T/wanted.tar"
check_same "and alone" "$(alone)" ./shop.tar
check "it got its name by a second one" grep -qE '^[0-9]+ +link(at)?\(.*= 0' "$T/trace"
rm "$TAR"
check "exFAT knows no second names either" refused renameat2=EINVAL ?link,linkat=EPERM
check "both ways were tried, and a plain rename did it" reached renameat2 link 'rename'
check "the tar is whole there, too" cmp "$TAR" "$T/wanted.tar"
check_same "and alone" "$(alone)" ./shop.tar
check_status "a tar that is there is not replaced" 18 refused renameat2=ENOSYS ?link,linkat=EPERM
check_status "and that is seen before anything is renamed" 1 grep -q "$TAR" "$T/trace"
check "it is the same" cmp "$TAR" "$T/wanted.tar"
rm "$TAR"

dead() { # what a local writer leaves that is killed while it writes the index
    printf 'here process 1 since then\nflock\n' >"$T/locked/swap.lock"
}
cp -a "$STORE" "$T/locked"
dead
check "a dead writer's lock on exFAT" refused renameat2=EOPNOTSUPP ?link,linkat=EPERM -- "$REHEARSE" bundle tag --store "$T/locked" two again
check "could not be moved" grep -qE ' link(at)?\(.*swap.lock.*EPERM.*INJECTED' "$T/trace"
check "and is gone" test ! -e "$T/locked/swap.lock"
dead
check_status "... on a bad disk" 22 refused renameat2=EIO -- "$REHEARSE" bundle tag --store "$T/locked" two once-more
check_has "is named" "$(cat "$T/out")" "cannot move 'swap.lock' of a dead writer away"
check_has "with the mend" "$(cat "$T/out")" "(hint: remove 'swap.lock'"
rm -r "$T/locked"

# ---- a name that cannot be given ------------------------------------------------------------------------
meanwhile() { # a tar of somebody else is there as soon as ours is to get its name
    (wait_for 20 grep -qs renameat2 "$T/trace" && echo mine >"$TAR") >/dev/null 2>&1 &
    MEANWHILE=$!
}
check_status "somebody else's tar came up meanwhile" 18 refused renameat2=EEXIST
check_has "and where the tar is now" "$(cat "$T/out")" "'$PART'"
check "what was written is kept" cmp "$PART" "$T/wanted.tar"
rm "$PART"
check_status "... which is seen where names are given by a second one" 18 refused renameat2=EINVAL ?link,linkat=EEXIST
check_has "and said" "$(cat "$T/out")" "'$PART'"
check "and it is kept as well" cmp "$PART" "$T/wanted.tar"
rm "$PART"
: >"$T/trace"
meanwhile
check_status "... and where it is looked for" 18 refused renameat2=EINVAL:delay_enter=2s ?link,linkat=EPERM
check_has "and said, too" "$(cat "$T/out")" "'$PART'"
wait "$MEANWHILE"
check "it stays as it is" grep -qx mine "$TAR"
rm "$TAR"
check "the next export takes it over" export_it
check_same "and nothing else is there" "$(alone)" ./shop.tar
rm "$TAR"
check_status "a bad disk" 22 refused renameat2=EIO
check_same "is told in one line" "$(wc -l <"$T/out")" 1
check_has "with the mend" "$(cat "$T/out")" "(hint: what was written is whole and stays"
check "which is true" cmp "$PART" "$T/wanted.tar"
rm "$PART"
check_status "a full disk" 15 refused renameat2=ENOSPC
check_same "gets its room back" "$(alone)" ""
e2e_end
