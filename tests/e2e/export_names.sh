#!/bin/bash
# The names that `bundle export` writes under before its tar has its own: nobody else's files are
# touched, and what a killed export left is taken over.
. "$(dirname "$0")/lib.sh"
e2e_begin export_names
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
e2e_end
