# File trees against tar.
# shellcheck shell=bash

# Real files of every size: what Debian itself has installed, up to BENCH_MB.
files_data() {
    [ ! -e "$T/tree" ] || return 0
    mkdir "$T/tree"
    note "files: copying up to $BENCH_MB MB"
    find /usr/include /usr/share /usr/lib /usr/bin -xdev \( -type f -o -type l \) -readable -printf '%s %p\0' \
        2>/dev/null | sort -z -k2 |
        awk -v RS='\0' -v ORS='\0' -v left=$((BENCH_MB * 1000000)) \
            '{ n += $1; if (n > left) exit; sub(/^[0-9]+ \//, ""); print }' |
        tar -C / --null --no-recursion -T - -cf - 2>/dev/null | tar -C "$T/tree" -xf - || die "cannot copy files"
}

files_tar() {
    tar -C "$T/tree" -cf - . | zstd -q -T0 -o "$T/tree.tar.zst"
}

files_clean() {
    rm -rf "$T/store" "$T/tree.tar.zst"
}

bench_files_vs_tar() {
    files_data
    environment files "name: tree, path: \"$T/tree\""
    measure files-vs-tar our_snapshot files_tar files_clean
}
