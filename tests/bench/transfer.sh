# Export and import against tar of the same files: a store's layout out to one tar, and back. Both sides
# end durable: tar's with an fsync of all that it wrote.
# shellcheck shell=bash

# Two days of files of about BENCH_MB together: text of which 1.5 % of the lines change. Day 1 is all
# full frames; day 2 is deltas, which an export makes full frames.
transfer_data() {
    [ ! -e "$T/store-full" ] || return 0
    mkdir "$T/tree"
    note "transfer: making $BENCH_MB MB of files"
    for ((i = 0; i < BENCH_MB; i += 16)); do
        openssl enc -aes-128-ctr -nosalt -k "bench $i" -pbkdf2 -in /dev/zero 2>/dev/null |
            head -c $((8 << 20)) | base64 -w 100 | awk '{ print NR, $0, "ordered", NR % 97, "paid" }' |
            head -c 16000000 >"$T/tree/file$i" || die "no data"
    done
    environment files "name: tree, path: \"$T/tree\""
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/store-full" --tag day1 >/dev/null || die "no day 1"
    cp -R "$T/store-full" "$T/store-days"
    for ((i = 0; i < BENCH_MB; i += 16)); do
        sed -i '7~67s/paid$/sent/' "$T/tree/file$i"
    done
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/store-days" --tag day2 >/dev/null || die "no day 2"
    rm -rf "$T/tree"
}

# transfer_use full|delta: what the next functions work on; the peer's files are those of the export.
transfer_use() {
    transfer_data
    TRANSFER=$1
    [ ! -e "$T/files-$1" ] || return 0
    our_export || die "no export"
    mkdir "$T/files-$1"
    tar -C "$T/files-$1" -xf "$T/ours.tar" || die "no files"
    mv "$T/ours.tar" "$T/$1.tar"
}

our_export() {
    if [ "$TRANSFER" = full ]; then
        "$REHEARSE" bundle export --quiet --store "$T/store-full" --to "$T/ours.tar" day1
    else
        "$REHEARSE" bundle export --quiet --store "$T/store-days" --to "$T/ours.tar" day2
    fi
}
tar_export() { tar -C "$T/files-$TRANSFER" -cf "$T/theirs.tar" . && sync "$T/theirs.tar"; }
our_import() { "$REHEARSE" bundle import --quiet --store "$T/imported" "$T/$TRANSFER.tar"; }
tar_import() {
    mkdir "$T/untarred" && tar -C "$T/untarred" -xf "$T/$TRANSFER.tar" &&
        find "$T/untarred" -print0 | xargs -0 sync
}
transfer_clean() { rm -rf "$T/ours.tar" "$T/theirs.tar" "$T/imported" "$T/untarred"; }

bench_export_vs_tar() {
    transfer_use full
    measure export-vs-tar our_export tar_export transfer_clean
}
bench_import_vs_tar() {
    transfer_use full
    measure import-vs-tar our_import tar_import transfer_clean
}
# What the deltas cost: each is decoded and compressed again.
bench_export_deltas_vs_tar() {
    transfer_use delta
    measure export-deltas-vs-tar our_export tar_export transfer_clean
}
