# A real code tree, captured day after day, against restic with its default settings.
# BENCH_TREE_MB: so much of /usr/share and /usr/lib (400; 2000 is the size of the claims).
# shellcheck shell=bash

BENCH_TREE_MB=${BENCH_TREE_MB:-400}
TREE_VERSIONS=7

# tree_part FOLDER MB: its files and links in the order of their paths, those that still fit.
tree_part() {
    find "$1" -xdev \( -type f -o -type l \) -readable -printf '%s %P\0' 2>/dev/null | sort -z -k2 |
        awk -v RS='\0' -v ORS='\0' -v left=$(($2 * 1000000)) \
            '{ if (n + $1 > left) next; n += $1; sub(/^[0-9]+ /, ""); print }' |
        tar -C "$1" --null --no-recursion -T - -cf - 2>/dev/null
}

tree_data() {
    [ ! -e "$T/tree" ] || return 0
    need restic
    mkdir -p "$T/tree/share" "$T/tree/lib"
    note "trees: copying up to $BENCH_TREE_MB MB"
    tree_part /usr/share $((BENCH_TREE_MB * 2 / 5)) | tar -C "$T/tree/share" -xf - || die "cannot copy files"
    tree_part /usr/lib $((BENCH_TREE_MB * 3 / 5)) | tar -C "$T/tree/lib" -xf - || die "cannot copy files"
    note "trees: $(find "$T/tree" | wc -l) entries, $(($(bytes_of "$T/tree") / 1000000)) MB"
    environment files "name: tree, path: \"$T/tree\""
    export RESTIC_REPOSITORY=$T/restic RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$T/restic-cache
    sleep 4 # what is younger when a snapshot begins is read again
}

tree_clean() {
    rm -rf "$T/store" "$T/restic" "$T/restic-cache"
    restic init -q || die "restic has no repository"
}

tree_ours() {
    "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/store"
}

tree_restic() {
    restic backup -q "$T/tree"
}

tree_captured() {
    tree_data
    [ -e "$T/store" ] && [ -e "$T/restic" ] && return
    tree_clean
    tree_ours >/dev/null && tree_restic || die "the tree is not captured"
}

# A day's work: of every thousand files three are edited, one is touched, one removed, one new, one
# renamed; and one folder is renamed. The same files each time it is run.
tree_day() { # NUMBER
    local day=$1 n=0 file folder
    while IFS= read -r -d '' file; do
        n=$((n + 1))
        case $(((n + day * 131) % 1000)) in
        1 | 334) printf 'edited on day %d\n' "$day" >>"$file" ;;
        667) printf 'DAY%d' "$day" | dd of="$file" bs=1 seek=100 conv=notrunc status=none ;;
        100) touch "$file" ;;
        200) rm "$file" ;;
        300) { printf 'new on day %d\n' "$day" && cat "$file"; } >"$file.new$day" ;;
        400) mv "$file" "$file.renamed$day" ;;
        esac
    done < <(find "$T/tree" -type f -writable -print0 | sort -z)
    folder=$(find "$T/tree" -mindepth 2 -maxdepth 2 -type d | sort | sed -n "$((day * 3))p")
    [ -z "$folder" ] || mv "$folder" "$folder.day$day"
}

bench_tree_first_vs_restic() {
    tree_data
    measure tree-first-vs-restic tree_ours tree_restic tree_clean
}

bench_tree_unchanged_vs_restic() {
    tree_captured
    measure tree-unchanged-vs-restic tree_ours tree_restic
}

bench_trees_vs_restic() {
    local ours peer
    tree_data
    tree_clean
    for ((version = 1; version <= TREE_VERSIONS; version++)); do
        [ $version -eq 1 ] || tree_day $version
        sleep 4
        tree_ours >/dev/null && tree_restic || die "the tree is not captured"
        ours=$(bytes_of "$T/store") peer=$(bytes_of "$T/restic")
        note "trees-vs-restic: version $version: ours $ours bytes, restic $peer bytes"
    done
    report trees-vs-restic "$ours" "$peer" B
    rm -rf "$T/tree" "$T/store" "$T/restic" "$T/restic-cache"
}

# rss COMMAND...: its peak in KiB.
rss() {
    /usr/bin/time -f %M -o "$T/rss" "$@" >"$T/bench.out" 2>&1 || {
        tail -n 20 "$T/bench.out" >&2
        die "$* failed"
    }
    cat "$T/rss"
}

# The most that any of these takes: a tree anew, a day later, unchanged; a database anew, and again.
bench_snapshot_memory() {
    local most=0 kib what
    need /usr/bin/time
    tree_data
    rm -rf "$T/store"
    # shellcheck source=tests/bench/postgresql.sh
    . "$ROOT/tests/bench/postgresql.sh"
    for what in "a tree" "a day later" "unchanged" "a database" "again"; do
        [ "$what" != "a day later" ] || tree_day 8
        [ "$what" != "a database" ] || { pg_data && pg_environment; }
        kib=$(rss "$REHEARSE" snapshot --quiet --env "$T/env.yaml" --to "$T/store")
        note "snapshot-memory: $what: $kib KiB"
        [ "$kib" -le "$most" ] || most=$kib
    done
    report snapshot-memory "$most" $((65536 + 24576 * $(nproc))) KiB
    rm -rf "$T/tree" "$T/store"
}

# What a snapshot knows of its segments: a million of them, which 4 TB have, anew and a day later.
bench_segments_memory() {
    local most=0 kib parent
    need /usr/bin/time
    rm -rf "$T/segments"
    for parent in "" first; do
        kib=$(rss "$BUILD/tests/bench/segments" "$T/segments" "${BENCH_SEGMENTS:-1000000}" $parent)
        note "segments-memory: ${parent:+with a parent: }$kib KiB"
        [ "$kib" -le "$most" ] || most=$kib
    done
    report segments-memory "$most" 65536 KiB
    rm -rf "$T/segments"
}
