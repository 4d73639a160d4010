#!/bin/bash
# A bundle of a real MySQL 5.6.24, exported by `make mysql`, into a box: MySQL's words for tables, views
# and routines are proven against those of the box's MariaDB, and what differs is found all the same.
. "$(dirname "$0")/lib.sh"
e2e_begin from_mysql
cd "$ROOT" || exit 1
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")

check "a bundle of MySQL is imported" "$REHEARSE" bundle import --store "$STORE" tests/e2e/mysql/small.tar || die "nothing to restore"
check "a restore of it proves itself" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --start --verify latest || die "nothing to look into"
# shellcheck disable=SC2016
MY_SOCKET=$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET"')
proof() {
    "$REHEARSE" box verify --from "$STORE" "$BOX"
}
check "a proof finds nothing" proof
check_same "and leaves nothing" "$(my_sql -e "SHOW DATABASES LIKE 'rehearse%'")" ""
check_same "utf8 is utf8mb3" "$(my_sql small -e "SELECT character_set_name, collation_name, hex(utf8) FROM information_schema.columns, charsets
    WHERE table_schema = 'small' AND table_name = 'charsets' AND column_name = 'utf8'")" $'utf8mb3\tutf8mb3_turkish_ci\tC4B1C49FC4B0'
check_same "the default of bytes has all of them" "$(my_sql small -e "INSERT INTO types (i) VALUES (5); SELECT hex(dbin) FROM types ORDER BY id DESC LIMIT 1; DELETE FROM types ORDER BY id DESC LIMIT 1")" 00FF41
check_same "a view over a later one checks" "$(my_sql small -e "INSERT INTO chkl (id) VALUES (-11)" 2>&1 | grep -o 'CHECK OPTION failed')" "CHECK OPTION failed"

found() { # WHAT STATEMENT NAMED: a proof finds it
    my_sql small -e "$2"
    check_status "a proof finds $1" 23 proof
    check_has "$1 is named" "$(cat "$T/out")" "$3"
}
found "an index" "ALTER TABLE nopk DROP KEY a, ADD KEY a (a, b)" "table nopk"
found "a default" "ALTER TABLE cust ALTER parent SET DEFAULT 3" "table cust"
found "a partition" "ALTER TABLE part_h ADD PARTITION PARTITIONS 1" "table part_h"
found "another charset" "ALTER TABLE charsets MODIFY swe7 varchar(20) CHARACTER SET latin1" "table charsets"
found "a view" "CREATE OR REPLACE DEFINER=nobody@\`%\` VIEW zv AS SELECT id, i FROM types WHERE i > 6 AND (vc LIKE 'r%' OR NOT i BETWEEN 1 AND 2)" "VIEW zv"
found "a function" "DROP FUNCTION f2; CREATE DEFINER=root@localhost FUNCTION f2(x varchar(10) CHARACTER SET latin1) RETURNS text CHARSET utf8mb4 READS SQL DATA SQL SECURITY INVOKER RETURN x" "FUNCTION f2"
check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
