#!/bin/bash
# Production, snapshot, box: every file and every row of both databases is compared with tools that
# know nothing of ours (diff, find, psql, mariadb). The comparison itself is put to the test: one
# flipped bit in a file and one changed value in each database must be found.
. "$(dirname "$0")/lib.sh"
e2e_begin roundtrip
shop_production_start "${FACTOR:-0.05}"
e2e_stop web # so that production stands still while it is compared

odd_files() {
    local d=$PROD/code/odd
    mkdir -p "$d/empty folder" "$d/deep/er/est"
    printf 'x' >"$d/$(printf 'line\nbreak\ttab "quote" \\ back')"
    printf 'y' >"$d/$(printf 'not utf-8 \377\376')"
    printf 'z' >"$d/-rf"
    head -c 9000000 /dev/urandom >"$d/large"
    truncate -s 50M "$d/sparse"
    printf 'end' >>"$d/sparse"
    ln -s /nowhere/at/all "$d/dangling"
    ln "$d/large" "$d/deep/er/est/hard link"
    mkfifo "$d/fifo"
    chmod 4751 "$d/-rf"
    chmod 1777 "$d/empty folder"
    : >"$d/empty file"
    touch -d '1999-12-31 23:59:59.987654321 UTC' "$d/large"
    setfattr -n user.origin -v 'by hand' "$d/large" 2>/dev/null || true
    [ "$(id -u)" -ne 0 ] || chown 12345:54321 "$d/empty file"
    touch -d '2001-02-03 04:05:06.070809 UTC' "$d/deep/er" "$d/empty folder" "$d"
}

# Everything that stat knows about a tree, one line an entry, without the inode numbers but with
# who is linked to whom.
listing() {
    (cd "$1" && find . -printf '%P\t%y\t%m\t%U\t%G\t%s\t%n\t%T@\t%l\0' |
        sed -z 's/^\([^\t]*\td\t[^\t]*\t[^\t]*\t[^\t]*\)\t[^\t]*\t[^\t]*/\1/' | sort -z)
}

same_tree() {
    # diff calls any two fifos different; the listing compares what there is of them.
    diff -r --no-dereference -x fifo "$1" "$2" && cmp <(listing "$1") <(listing "$2") &&
        cmp <(cd "$1" && getfattr -R -d -m - . 2>/dev/null) <(cd "$2" && getfattr -R -d -m - . 2>/dev/null)
}

pg_tables() {
    psql -XAtq "$@" -c "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
        AND (SELECT relkind FROM pg_class WHERE oid = (quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass) = 'r'
        ORDER BY 1"
}

pg_rows() { # psql options: every row of every table, sorted, and every sequence
    local table
    pg_tables "$@" | while read -r table; do
        printf 'table %s\n' "$table"
        psql -XAtq "$@" -c "COPY $table TO STDOUT" | LC_ALL=C sort
    done
    psql -XAtq "$@" -c "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"
}

pg_schema() {
    "$(pg_program pg_dump)" --schema-only "$@" | grep -v '^\\\(un\)\?restrict'
}

my_rows() { # mariadb options
    local table
    mariadb --no-defaults -BN "$@" -e "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'" | cut -f1 |
        while read -r table; do
            printf 'table %s\n' "$table"
            mariadb --no-defaults -BN --binary-mode --default-character-set=utf8mb4 "$@" \
                -e "SELECT * FROM \`$table\`" | LC_ALL=C sort
        done
}

my_schema() {
    mariadb-dump --no-defaults --no-data --routines --triggers --events --skip-dump-date "$@" |
        grep -v '^-- \(Host\|Server version\|MariaDB dump\)'
}

check "odd files are made" odd_files
# Without rewriting: here the box must equal production to the last byte.
sed '/^box:/,$d; /^services:/,/^traffic:/d' "$PRODUCTION" >"$T/exact.yaml"

STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")
check "snapshot" "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --tag monday --journal "$T/snapshot.journal"
check_same "the journal tells of each component once" \
    "$(jq -r 'select(.event == "snapshot.component") | .component' "$T/snapshot.journal" | sort | tr '\n' ' ')" \
    "facts files mariadb.catalog postgresql.shop "
check "bundle verify" "$REHEARSE" bundle verify --store "$STORE" monday
check "restore" "$REHEARSE" restore --from "$STORE" --into "$BOX" monday || die "nothing to compare"
check "box start" "$REHEARSE" box start "$BOX"

"$REHEARSE" box show --json "$BOX" >"$T/show.json" || die "box show failed"
# shellcheck disable=SC2016
"$REHEARSE" box exec "$BOX" -- sh -c 'printf "%s\n" "$BOX_DB_SHOP_HOST" "$BOX_DB_SHOP_PORT" "$BOX_DB_SHOP_USER" \
    "$BOX_DB_CATALOG_SOCKET" "$BOX_DB_CATALOG_USER" "$BOX_DB_SHOP_SOCKET"' >"$T/vars" || die "box exec failed"
mapfile -t VARS <"$T/vars"
BOX_PG=(-h "${VARS[5]:-${VARS[0]}}" -p "${VARS[1]}" -U "${VARS[2]}" -d shop)
PROD_PG=(-h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -d shop)
BOX_MY=(--socket="${VARS[3]}" --user="${VARS[4]}" catalog)
PROD_MY=(--socket="$MY_SOCKET" --user=root catalog)

compare_files() { same_tree "$PROD/code" "$BOX/files/code" && same_tree "$PROD/config" "$BOX/files/config"; }
compare_pg() { cmp <(pg_rows "${PROD_PG[@]}") <(pg_rows "${BOX_PG[@]}"); }
compare_my() { cmp <(my_rows "${PROD_MY[@]}") <(my_rows "${BOX_MY[@]}"); }

check "every file is the same" compare_files
check "every PostgreSQL row is the same" compare_pg
check "every MariaDB row is the same" compare_my
check "the PostgreSQL schema is the same" diff <(pg_schema "${PROD_PG[@]}") <(pg_schema "${BOX_PG[@]}")
check "the MariaDB schema is the same" diff <(my_schema "${PROD_MY[@]}") <(my_schema "${BOX_MY[@]}")
check "there were rows to compare" test "$(pg_rows "${PROD_PG[@]}" | wc -l)" -gt 1000
check "there were rows to compare in MariaDB" test "$(my_rows "${PROD_MY[@]}" | wc -l)" -gt 1000

flip_bit() { # the lowest bit of the last byte
    local size byte
    size=$(stat -c %s "$1")
    byte=$(tail -c 1 "$1" | od -An -tu1)
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$((size - 1)) conv=notrunc status=none
}
before=$(stat -c %y "$BOX/files/code/odd/large")
flip_bit "$BOX/files/code/odd/large"
touch -d "$before" "$BOX/files/code/odd/large"
check_status "one flipped bit in a file is found" 1 compare_files
psql -Xq "${BOX_PG[@]}" -c "UPDATE customers SET email = email || ' ' WHERE ctid = (SELECT min(ctid) FROM customers)"
check_status "one changed value in PostgreSQL is found" 1 compare_pg
mariadb --no-defaults "${BOX_MY[@]}" -e "UPDATE articles SET price = price + 0.01 ORDER BY id LIMIT 1"
check_status "one changed value in MariaDB is found" 1 compare_my

check "box stop" "$REHEARSE" box stop "$BOX"
check "box reset" "$REHEARSE" box reset "$BOX"
check "box start after the reset" "$REHEARSE" box start "$BOX"
check "the reset brought the files back" compare_files
check "the reset brought the PostgreSQL rows back" compare_pg
check "the reset brought the MariaDB rows back" compare_my
check_status "an existing box is not overwritten" 18 "$REHEARSE" restore --from "$STORE" --into "$BOX" monday
check "box stop at the end" "$REHEARSE" box stop "$BOX"
check "box destroy" "$REHEARSE" box destroy "$BOX"
check "nothing is left of the box" test ! -e "$BOX"
e2e_end
