#!/bin/bash
# bundle diff on real bundles: every sort of change in file trees, tables of both engines, schemas,
# settings and config is named, and nothing else.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin bundle_diff
unset REHEARSE_KEY
shop_production_start "${FACTOR:-0.02}"
e2e_stop web
STORE=$T/store
TREE=$T/tree

sed '/^box:/,$d; /^services:/,/^traffic:/d' "$PRODUCTION" >"$T/plain.yaml"
sed -i "s|^files:|files:\n  - {name: tree, path: $TREE}|" "$T/plain.yaml"
snapshot() { "$REHEARSE" snapshot --env "$T/plain.yaml" --to "$STORE" --tag "$@"; }
diff_json() { "$REHEARSE" --json bundle diff --store "$STORE" "$@" >"$T/diff.json"; }
diff_text() { "$REHEARSE" bundle diff --store "$STORE" "$@" >"$T/diff.txt"; }
told() { jq -r "$1" "$T/diff.json"; }

# ---- before -------------------------------------------------------------------------------------
mkdir -p "$TREE/sub/empty" "$TREE/gone-dir"
for ((i = 0; i < 300; i++)); do echo "file $i" >"$TREE/sub/f$i"; done
head -c 18000000 /dev/urandom >"$TREE/large-changed"
head -c 18000000 /dev/urandom >"$TREE/large-touched"
head -c 18000000 /dev/urandom >"$TREE/large-shrunk"
head -c 3000000 /dev/urandom >"$TREE/middle"
for name in content mode mtime removed type $'new\nline'; do echo "this is $name" >"$TREE/$name"; done
ln -s content "$TREE/link"
echo x >"$TREE/gone-dir/y"
setfattr -n user.note -v one "$TREE/mode" 2>/dev/null && XATTRS=1
touch -d '2026-01-01 12:00:00' "$TREE"/* "$TREE"
tables() {
    pg_sql shop -c "CREATE TABLE wide (id int PRIMARY KEY, v text); INSERT INTO wide SELECT i, md5(i::text) FROM generate_series(1, 1000) i;
        CREATE TABLE leaves (a int); INSERT INTO leaves VALUES (1), (2);
        CREATE TABLE still (a int); INSERT INTO still SELECT generate_series(1, 50)" &&
        my_sql catalog -e "CREATE TABLE wide (id int PRIMARY KEY, v text); INSERT INTO wide SELECT seq, md5(seq) FROM seq_1_to_1000;
            CREATE TABLE leaves (a int PRIMARY KEY); INSERT INTO leaves VALUES (1), (2)"
}
check "tables are made" tables
check "the first bundle" snapshot one || die "nothing to compare"
check "a second one of the same" snapshot same
diff_json one same
check_same "in which no file differs" "$(told '.files | length')" 0
check_same "nor a table" "$(told '.tables | map(.stream) | join(" ")')" ""
check_same "nor a schema" "$(told '.texts | map(.stream) | join(" ")')" ""
check_same "nor a fact" "$(told '.facts | map(.fact + " " + .path) | join(",")')" ""
check_same "which is told in words" "$("$REHEARSE" bundle diff --store "$STORE" one same)" "no differences"

# ---- changes ------------------------------------------------------------------------------------
printf 'X' | dd of="$TREE/large-changed" bs=1 seek=9000000 conv=notrunc status=none
touch -d '2026-01-01 12:00:00' "$TREE/large-changed" # who looks at times alone sees nothing
touch -d '2026-02-02 12:00:00' "$TREE/large-touched" "$TREE/mtime"
truncate -s 100 "$TREE/large-shrunk"
echo "THIS IS content" >"$TREE/content"
printf 'Y' | dd of="$TREE/middle" bs=1 seek=1500000 conv=notrunc status=none
touch -d '2026-01-01 12:00:00' "$TREE/content" "$TREE/large-shrunk" "$TREE/middle"
chmod 700 "$TREE/mode"
rm "$TREE/removed" "$TREE/type" && mkdir "$TREE/type" && rm -r "$TREE/gone-dir"
ln -sfn mode "$TREE/link"
echo new >"$TREE/added"
echo odd >"$TREE/"$'added\tto\e[31m'
echo odd >"$TREE/"$'two\n- lines'
echo more >>"$TREE/sub/f77"
[ -z "${XATTRS:-}" ] || setfattr -n user.note -v two "$TREE/mode"
touch -d '2026-01-01 12:00:00' "$TREE" "$TREE/sub"
sed -i 's/^listen = .*/listen = 127.0.0.1:9/' "$PROD/config/shop.conf"

change() {
    pg_sql shop -c "INSERT INTO wide SELECT i, 'new' FROM generate_series(1001, 1010) i" \
        -c "DROP TABLE leaves; CREATE TABLE joins (a int); INSERT INTO joins VALUES (1), (2), (3)" \
        -c "ALTER TABLE customers ADD COLUMN tier int" -c "VACUUM FULL still" \
        -c "ALTER SYSTEM SET work_mem = '7MB'" -c "SELECT pg_reload_conf()" &&
        my_sql catalog -e "UPDATE wide SET v = 'changed' WHERE id = 5; DELETE FROM wide WHERE id > 990;
            DROP TABLE leaves; CREATE TABLE joins (a int PRIMARY KEY); INSERT INTO joins VALUES (1), (2), (3);
            ALTER TABLE reviews ADD COLUMN seen int NOT NULL DEFAULT 7; SET GLOBAL max_allowed_packet = 33554432"
}
check "production changes" change
sleep 1
check "the third bundle" snapshot two
check "they are compared" diff_json one two

# ---- files --------------------------------------------------------------------------------------
kinds() { # PATH: how and what of it changed
    jq -r --arg p "$1" '.files[] | select(.tree == "tree" and .path == $p) | .change + " " + (.kinds | join(","))' "$T/diff.json"
}
check_same "content of the same size and time" "$(kinds content)" "changed content"
check_same "one byte of a middling file" "$(kinds middle)" "changed content"
check_same "one byte of a large file" "$(kinds large-changed)" "changed content"
check_same "the time of a large file" "$(kinds large-touched)" "changed mtime"
check_same "a large file that is small now" "$(kinds large-shrunk)" "changed content,size"
check_same "its sizes" "$(told '.files[] | select(.path == "large-shrunk") | "\(.before) \(.after)"')" "18000000 100"
check_same "a time" "$(kinds mtime)" "changed mtime"
check_same "a mode and an attribute" "$(kinds mode)" "changed mode${XATTRS:+,xattrs}"
check_has "a link" "$(kinds link)" "link"
check_has "a file that is a directory now" "$(kinds type)" "changed type"
check_same "a removed file" "$(kinds removed)" "removed "
check_same "a removed directory" "$(kinds gone-dir)" "removed "
check_same "and what was in it" "$(kinds gone-dir/y)" "removed "
check_same "an added file" "$(kinds added)" "added "
check_same "one with a strange name" "$(kinds $'added\tto\e[31m')" "added "
check_has "one among many" "$(kinds sub/f77)" "content"
check_same "and nothing else of the tree" "$(told '[.files[] | select(.tree == "tree")] | length')" 16
check_same "of the code nothing" "$(told '[.files[] | select(.tree == "code")] | length')" 0
check_has "config is shown line by line" "$(told '.files[] | select(.tree == "config" and .path == "shop.conf") | .diff')" "+listen = 127.0.0.1:9"
check_same "other files are not" "$(told '.files[] | select(.path == "sub/f77") | .diff')" null
check "unless they are asked for" diff_json --text one two
check_has "line by line" "$(told '.files[] | select(.path == "sub/f77") | .diff')" "+more"
check_same "but not what is no text" "$(told '.files[] | select(.path == "large-changed") | .diff')" null

# ---- tables, schemas, facts ---------------------------------------------------------------------
table() { told ".tables[] | select(.stream == \"$1\") | \"\\(.change) \\(.rows_before) \\(.rows_after)\""; }
check_same "rows were added in PostgreSQL" "$(table postgresql.shop/public.wide)" "changed 1000 1010"
check_same "a table was dropped" "$(table postgresql.shop/public.leaves)" "removed 2 0"
check_same "a table was made" "$(table postgresql.shop/public.joins)" "added 0 3"
check_same "rows were changed and removed in MariaDB" "$(table mariadb.catalog/wide)" "changed 1000 990"
check_same "a table was dropped there" "$(table mariadb.catalog/leaves)" "removed 2 0"
check_same "a table was made there" "$(table mariadb.catalog/joins)" "added 0 3"
check_has "a table got a column" "$(table mariadb.catalog/reviews)" "changed"
check_same "one that was only written anew is the same" "$(table postgresql.shop/public.still)" ""
check "bytes are told" test "$(told '.tables[] | select(.stream == "postgresql.shop/public.wide") | .bytes_after - .bytes_before')" -gt 10
check_same "of the tables nothing else" "$(told '.tables | map(.stream) | sort | join(" ")')" \
    "mariadb.catalog/joins mariadb.catalog/leaves mariadb.catalog/reviews mariadb.catalog/wide postgresql.shop/public.customers postgresql.shop/public.joins postgresql.shop/public.leaves postgresql.shop/public.wide"
check_has "the schema of PostgreSQL" "$(told '.texts[] | select(.stream | startswith("postgresql.shop/")) | .diff')" "tier integer"
check_has "the schema of MariaDB" "$(told '.texts[] | select(.stream | startswith("mariadb.catalog/")) | .diff')" 'seen'
check_has "a setting of PostgreSQL" "$(told '[.texts[], .facts[]] | map(tostring) | .[]' | grep work_mem)" "work_mem"
check_has "a setting of MariaDB" "$(told '[.texts[], .facts[]] | map(tostring) | .[]' | grep max_allowed_packet)" "33554432"

# ---- in words, and the other way round ----------------------------------------------------------
check "it is told in words" diff_text one two
for line in "~ tree/content  content" "- tree/removed" "+ tree/added" "-listen = " "+listen = 127.0.0.1:9" \
    "rows 1,000 -> 1,010" "- postgresql.shop/public.leaves" "+ mariadb.catalog/joins"; do
    check "'$line'" grep -qF -e "$line" "$T/diff.txt"
done
check_same "nothing steers the terminal" "$(grep -c $'\e' "$T/diff.txt")" 0
check_same "a name has one line" "$(grep -cE 'added\?to|two\?- lines' "$T/diff.txt")" 2
check "the other way round" diff_json two one
check_same "what was added is removed" "$(kinds added)" "removed "
check_same "and the rows are fewer" "$(table postgresql.shop/public.wide)" "changed 1010 1000"
check_status "of two" 10 "$REHEARSE" bundle diff --store "$STORE" one
check_status "that are there" 17 "$REHEARSE" bundle diff --store "$STORE" one none

# ---- encrypted ----------------------------------------------------------------------------------
but_for_the_key() { jq -S 'del(.texts[] | select(.stream == "facts/environment.yaml"))'; }
"$REHEARSE" bundle diff --store "$STORE" --json two one | but_for_the_key >"$T/plain.json"
"$REHEARSE" key make --out "$T/qa.key" >"$T/pub"
printf 'bundle:\n  encrypt_to: ["%s"]\n' "$(head -n 1 "$T/pub")" >>"$T/plain.yaml"
check "an encrypted bundle of the same" snapshot sealed
check_status "is not compared without a key" 13 "$REHEARSE" bundle diff --store "$STORE" sealed one
sealed_diff() {
    "$REHEARSE" bundle diff --store "$STORE" --json --key "$T/qa.key" sealed one | but_for_the_key | diff - "$T/plain.json"
}
check "with one it says the same as of the plain one" sealed_diff
e2e_end
