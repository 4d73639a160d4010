#!/bin/bash
# Day after day into one store: what a day costs, that every day comes back whole, that tables which
# were rewritten, altered, renamed, emptied or grew a hundredfold stay right, and that a delta is read
# with zstd alone.
# run early: two minutes of servers
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin days
shop_production_start "${FACTOR:-0.1}"
e2e_stop web # so that production stands still while it is compared
sed '/^box:/,$d; /^services:/,/^traffic:/d' "$PRODUCTION" >"$T/exact.yaml"
STORE=$T/store
ROWS=${ROWS:-100000}

pg_rows() { # psql options: every row of every table, sorted
    local table
    psql -XAtq "$@" -c "SELECT oid::regclass FROM pg_class WHERE relkind = 'r'
        AND relnamespace = 'public'::regnamespace ORDER BY relname COLLATE \"C\"" | while read -r table; do
        printf 'table %s\n' "$table"
        psql -XAtq "$@" -c "COPY $table TO STDOUT" | LC_ALL=C sort
    done
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

# ---- tables of many segments --------------------------------------------------------------------
pg_ledger() {
    pg_sql shop -c "CREATE TABLE ledger (id bigint PRIMARY KEY, account text, state text, at timestamptz, note text);
        CREATE TABLE small (id int PRIMARY KEY, v text);
        INSERT INTO small SELECT i, md5(i::text) FROM generate_series(1, 2000) i;
        INSERT INTO ledger SELECT i, md5('a' || i), 'new', '2024-01-01'::timestamptz + i * interval '17 seconds',
            md5('b' || i) || md5('c' || i) || md5('d' || i) FROM generate_series(1, $ROWS) i"
}

# One with a number as key, one with a text and a number: other ways to be cut.
my_ledger() {
    my_sql catalog -e "CREATE TABLE ledger (id bigint AUTO_INCREMENT PRIMARY KEY, account char(32), state varchar(9),
            at datetime(3), note varchar(200));
        INSERT INTO ledger SELECT seq, md5(concat('a', seq)), 'new', '2024-01-01' + INTERVAL seq * 17 SECOND,
            concat(md5(concat('b', seq)), md5(concat('c', seq))) FROM seq_1_to_$ROWS;
        CREATE TABLE names (name varchar(60) COLLATE utf8mb4_unicode_ci, n int, note varchar(200), PRIMARY KEY (name, n));
        INSERT INTO names SELECT concat('Ä\\t\\'', left(md5(seq div 3), 20)), seq, concat(md5(seq), md5(seq + 1), md5(seq + 2))
            FROM seq_1_to_$ROWS;
        CREATE TABLE small (id int PRIMARY KEY, v text);
        INSERT INTO small SELECT seq, md5(seq) FROM seq_1_to_2000"
}

# one_day N: 1 % new rows, 1.5 % others changed, in both databases.
one_day() {
    local from=$((ROWS + ($1 - 2) * ROWS / 100)) new=$((ROWS / 100))
    pg_sql shop -c "INSERT INTO ledger SELECT i, md5('a' || i), 'new', now(), md5('b' || i) || md5('c' || i)
            FROM generate_series($from + 1, $from + $new) i;
        UPDATE ledger SET state = 'day$1', at = now() WHERE hashint8(id + $1) % 200 IN (0, 1, 2);
        UPDATE customers SET note = 'day $1' WHERE id % 67 = $1" &&
        my_sql catalog -e "INSERT INTO ledger SELECT seq, md5(concat('a', seq)), 'new', now(), md5(seq)
                FROM seq_$((from + 1))_to_$((from + new));
            UPDATE ledger SET state = 'day$1', at = now(3) WHERE crc32(id + $1) % 200 IN (0, 1, 2);
            INSERT INTO names SELECT concat('Ä\\t\\'', left(md5(seq), 20)), -$1, md5(seq)
                FROM seq_$((from + 1))_to_$((from + new));
            UPDATE names SET note = 'day $1' WHERE crc32(n + $1) % 200 IN (0, 1, 2);
            UPDATE reviews SET helpful = helpful + 1 WHERE id % 67 = $1"
}

# What breaks the order of rows and blocks in every way that there is.
upheaval() {
    pg_sql shop -c "VACUUM FULL ledger" -c "UPDATE ledger SET state = 'moved' WHERE id % 77 = 5" \
        -c "ALTER TABLE customers ADD COLUMN tier int NOT NULL DEFAULT 3" \
        -c "TRUNCATE sessions CASCADE" -c "ALTER TABLE order_lines RENAME TO lines_of_orders" \
        -c "INSERT INTO small SELECT i, md5(i::text) FROM generate_series(2001, 200000) i" &&
        my_sql catalog -e "ALTER TABLE reviews ADD COLUMN seen int NOT NULL DEFAULT 7 FIRST;
            DELETE FROM ledger WHERE id BETWEEN $ROWS / 3 AND $ROWS / 2;
            INSERT INTO ledger (id, account, state) SELECT CAST(seq AS SIGNED) - 500000, md5(seq), 'old' FROM seq_1_to_400000;
            RENAME TABLE small TO little; TRUNCATE price_history;
            INSERT INTO little SELECT seq, md5(seq) FROM seq_2001_to_200000"
}

take() { # DAY
    pg_rows -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -d shop >"$T/day$1.pg" &&
        my_rows --socket="$MY_SOCKET" --user=root catalog >"$T/day$1.my" &&
        "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --tag "day$1" &&
        "$REHEARSE" bundle show --json --store "$STORE" "day$1" | jq .config >"$T/day$1.json"
}

told() { # DAY KEY
    jq -r "$2" "$T/day$1.json"
}

check "tables of many segments are made in PostgreSQL" pg_ledger
check "and in MariaDB" my_ledger
check "day 1" take 1 || die "nothing to build on"
for day in 2 3; do
    check "changes of day $day" one_day $day
    check "day $day" take $day
done
check "upheaval" upheaval
check "day 4" take 4
check "changes of day 5" one_day 5
check "day 5" take 5
check "day 6, of nothing new" take 6

# A program that fails where it is run: what does not need it does not fail.
mkdir "$T/bin" && printf '#!/bin/sh\nexit 9\n' >"$T/bin/pg_restore" && chmod 755 "$T/bin/pg_restore"
without_pg_restore() { # OPTION...
    PATH=$T/bin:$PATH "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --parent day6 --tag same "$@"
}
check "a schema that did not change is not written anew" without_pg_restore
check_same "and is there" "$("$REHEARSE" bundle diff --store "$STORE" day6 same)" "no differences"
check_status "--paranoid writes it anew" 3 without_pg_restore --paranoid
pg_sql shop -c "COMMENT ON TABLE small IS 'another word'"
check_status "one word of it is another: it is written anew" 3 without_pg_restore
check "the snapshot with that word" "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --tag word
check_has "has it" "$("$REHEARSE" bundle diff --store "$STORE" day6 word)" "+COMMENT ON TABLE public.small IS 'another word'"

DATABASES='[.components | to_entries[] | select(.key | test("^(postgresql|mariadb)")) | .value'
for day in 1 2 3 4 5 6; do
    printf '# day %s: %s bytes stored new, %s of the databases (PostgreSQL %s, MariaDB %s); %s\n' "$day" \
        "$(told $day .new_bytes)" "$(told $day "$DATABASES.new_bytes] | add")" \
        "$(told $day '.components["postgresql.shop"].new_bytes')" \
        "$(told $day '.components["mariadb.catalog"].new_bytes')" \
        "$(told $day '"\(.segments) segments, \(.references) referenced, \(.deltas) deltas of \(.delta_bytes) bytes"')"
done
FIRST=$(told 1 "$DATABASES.new_bytes] | add")
for day in 2 3; do
    check "day $day costs at most 5 % of the first" test "$(($(told $day "$DATABASES.new_bytes] | add") * 100))" -le "$((FIRST * 5))"
    check "and is made of deltas" test "$(told $day .deltas)" -gt 5
done
check "a day of nothing new costs next to nothing" test "$(told 6 "$DATABASES.new_bytes] | add")" -lt $((FIRST / 100))
for day in 1 2 3 4 5 6; do
    check "day $day verifies" "$REHEARSE" bundle verify --store "$STORE" "day$day"
done

# ---- every day comes back -----------------------------------------------------------------------
compare() { # DAY
    local vars box=$T/box$1
    E2E_BOXES+=("$box")
    "$REHEARSE" restore --from "$STORE" --into "$box" "day$1" && "$REHEARSE" box start "$box" || return 1
    # shellcheck disable=SC2016
    "$REHEARSE" box exec "$box" -- sh -c 'printf "%s\n" "$BOX_DB_SHOP_HOST" "$BOX_DB_SHOP_PORT" "$BOX_DB_SHOP_USER" \
        "$BOX_DB_CATALOG_SOCKET" "$BOX_DB_CATALOG_USER" "$BOX_DB_SHOP_SOCKET"' >"$T/vars" || return 1
    mapfile -t vars <"$T/vars"
    cmp "$T/day$1.pg" <(pg_rows -h "${vars[5]:-${vars[0]}}" -p "${vars[1]}" -U "${vars[2]}" -d shop) &&
        cmp "$T/day$1.my" <(my_rows --socket="${vars[3]}" --user="${vars[4]}" catalog) &&
        "$REHEARSE" box stop "$box" && "$REHEARSE" box destroy "$box"
}
for day in 1 2 3 4 5 6; do
    check "day $day is restored and every row is the same" compare $day
done

# ---- by hand ------------------------------------------------------------------------------------
blob() { cat "$STORE/blobs/sha256/${1#sha256:}"; }
part() { tail -c +$(($2 + 1)) "$STORE/blobs/sha256/$1" | head -c "$3"; }
plain() { LC_ALL=C awk -f "$ROOT/lib/bundle/columns.awk"; }
columns=5 # of the table
arrange() { # as docs/bundle-format.md has it
    tail -c +9 delta | head -c "$(od -An -tu4 -j4 -N4 delta)" | zstd -dc |
        awk '{ at += $1; for (n = $2; n > 0; n--) print ++at }' >order
    split -l $(($(wc -l <base) / columns)) -a 4 base column.
    for column in column.*; do awk 'NR == FNR { line[NR] = $0; next } { print line[$1] }' "$column" order; done >base
}
by_hand() {
    local manifest line f pack base
    manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "day2") | .digest' "$STORE/index.json")
    blob "$(blob "$manifest" | jq -r '.layers[0].digest')" | zstd -dc >"$T/index" || return 1
    line=$(awk -F'\t' '$1 == "stream" && $4 ~ /^postgresql.*ledger/ { id = $2 } $1 == "segment" && $2 == id && $12 != "-" { print; exit }' "$T/index")
    IFS=$'\t' read -r -a f < <(sed 's/\t\t/\t-\t/g; s/\t\t/\t-\t/g' <<<"$line")
    pack=$(awk -F'\t' -v n="${f[3]}" '$1 == "pack" && $2 == n { print $3 }' "$T/index")
    base=$(awk -F'\t' -v n="${f[11]}" '$1 == "pack" && $2 == n { print $3 }' "$T/index")
    part "$base" "${f[12]}" "${f[13]}" | zstd -dc | plain >"$T/base" && part "$pack" "${f[4]}" "${f[5]}" >"$T/delta" || return 1
    [ "$(sha256sum <"$T/base" | cut -c1-64)" = "${f[15]}" ] && [ "$(head -c 4 "$T/delta" | xxd -p)" = 502a4d18 ] &&
        (cd "$T" && arrange) && zstd -q -d --patch-from="$T/base" "$T/delta" -o "$T/segment" || return 1
    printf '# one delta: %s of %s bytes\n' "${f[5]}" "${f[6]}"
    [ "$(sha256sum <"$T/segment" | cut -c1-64)" = "${f[8]}" ]
}
check "a delta is read with zstd alone" by_hand
e2e_end
