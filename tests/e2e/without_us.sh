#!/bin/bash
# An exported bundle, restored by what its own README.txt says and nothing else: the commands are
# taken out of that file and run with a PATH that holds tar, sha256sum, zstd, psql, mariadb and the
# small tools of every system. The second capture has deltas, so the export has to make them whole.
# And skopeo carries a bundle from store to store.
. "$(dirname "$0")/lib.sh"
e2e_begin without_us
shop_production_start "${FACTOR:-0.05}"
e2e_stop web # so that production stands still while it is compared

STORE=$T/store
my_sql -e "CREATE ROLE writer; CREATE USER \`o'ther\`@\`10.%\` IDENTIFIED BY 'x' ACCOUNT LOCK; GRANT writer TO \`o'ther\`@\`10.%\`;
    GRANT UPDATE (price), SELECT ON catalog.articles TO writer; GRANT PROCESS ON *.* TO \`o'ther\`@\`10.%\` WITH GRANT OPTION;
    CREATE VIEW catalog.z_checked AS SELECT * FROM catalog.articles WHERE id > 0 WITH CASCADED CHECK OPTION;
    CREATE VIEW catalog.a_checked AS SELECT * FROM catalog.z_checked WHERE id > 1 WITH LOCAL CHECK OPTION"
# Dates at the limits of what columns are encoded from, and between two of them all others.
my_sql catalog -e "CREATE TABLE epochs (id int PRIMARY KEY, day date, at datetime(6), seen timestamp(3) NULL, ref uuid, said text);
    INSERT INTO epochs SELECT seq, '0000-01-01' + INTERVAL seq * 7303 DAY, '1690-01-01' + INTERVAL seq * 1000003 SECOND_MICROSECOND,
        '2001-01-01' + INTERVAL seq MINUTE, uuid(), concat('call ', seq % 7, ' at ', lpad(seq * 77 % 1000, 4, '0')) FROM seq_0_to_500;
    UPDATE epochs SET day = '0000-02-29' WHERE id = 3; UPDATE epochs SET day = '9999-12-31', at = '9999-12-31 23:59:59.999999' WHERE id = 4"
sed '/^box:/,$d; /^services:/,/^traffic:/d; s/engine: mariadb,/engine: mariadb, accounts: true,/' "$PRODUCTION" >"$T/exact.yaml"
check "first snapshot" "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --tag monday
pg_sql -c "UPDATE customers SET email = email || '.x' WHERE id % 40 = 0" shop
my_sql catalog -e "UPDATE articles SET price = price + 1 WHERE id % 40 = 0"
printf 'one = more\n' >>"$PROD/config/features.conf"
# What was is loaded by nobody who does not ask for it; nor is what a check let through once.
my_sql catalog -e "CREATE TABLE versions (id int PRIMARY KEY, v text) WITH SYSTEM VERSIONING; INSERT INTO versions VALUES (1, 'a'), (2, 'b');
    UPDATE versions SET v = 'c' WHERE id = 1; DELETE FROM versions WHERE id = 2;
    CREATE TABLE checked (id int PRIMARY KEY, v int CHECK (v > 0)); SET check_constraint_checks = 0; INSERT INTO checked VALUES (1, -1)"
check "second snapshot" "$REHEARSE" snapshot --env "$T/exact.yaml" --to "$STORE" --tag tuesday
check "export" "$REHEARSE" bundle export --store "$STORE" --to "$T/shop.tar" tuesday
check "export again" "$REHEARSE" bundle export --store "$STORE" --to "$T/again.tar" tuesday
check "the same bundle gives the same bytes" cmp "$T/shop.tar" "$T/again.tar"
check "nothing is left beside it" test -z "$(find "$T" -maxdepth 1 -name '*.part' -o -maxdepth 1 -name '*.full' -o -maxdepth 1 -name '*.rehearse-*')"
check_status "a file that is there is not overwritten" 18 \
    "$REHEARSE" bundle export --store "$STORE" --to "$T/shop.tar" tuesday

# ---- with stock tools alone -----------------------------------------------------------------------
PROD_PG=(-h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -d shop)
PROD_MY=(--socket="$MY_SOCKET" --user=root catalog)
pg_start bare_pg
my_start bare_my
BARE_PG=(-h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -d shop)
BARE_MY=(--socket="$MY_SOCKET" --user=root catalog)
my_sql -e "CREATE DATABASE catalog"

mkdir "$T/tools" "$T/bare" "$T/home"
for tool in bash tar sha256sum head tail split paste grep mktemp mkdir rm rmdir cat zstd awk mariadb; do
    ln -s "$(command -v $tool)" "$T/tools/$tool" || die "no $tool"
done
ln -s "$(pg_program psql)" "$T/tools/psql"
printf '[client]\nsocket=%s\nuser=root\n' "$MY_SOCKET" >"$T/home/.my.cnf"
chmod 600 "$T/home/.my.cnf"
bare() {
    (cd "$T/bare" && env -i PATH="$T/tools" HOME="$T/home" TMPDIR="$T/home" LC_ALL=C.UTF-8 PGHOST="$PG_SOCKET_DIR" \
        PGPORT="$PG_PORT" PGUSER="$PG_ADMIN" bash "$@")
}
check "tar unpacks it" tar -xf "$T/shop.tar" -C "$T/bare"
sed -n 's/^    //p' "$T/bare/README.txt" >"$T/restore.sh"
check "the README has commands" test "$(wc -l <"$T/restore.sh")" -gt 30
printf 'mkdir config && { stream files/config; head -c 1024 /dev/zero; } | tar -xpf - -C config\n' >>"$T/restore.sh"
bare -o pipefail "$T/restore.sh" >"$T/restore.log" 2>&1
check_same "what README.txt says runs" $? 0
check_same "sha256sum finds it whole" "$(head -n 1 "$T/restore.log")" whole
check_same "and no tool complains, but of the role that every server has" "$(grep -a 'ERROR' "$T/restore.log" | grep -v 'role "postgres" already exists')" ""

listing() { (cd "$1" && find . -printf '%P %y %m %U %G %s %T@ %l\n' | sed 's/^\([^ ]* d [^ ]* [^ ]* [^ ]*\) [^ ]*/\1/' | sort); }
same_tree() { diff -r --no-dereference "$1" "$2" && diff <(listing "$1") <(listing "$2"); }
pg_text() { "$(pg_program pg_dump)" "$@" | grep -av '^\\\(un\)\?restrict'; }
pg_sorted() { pg_text --data-only "$@" | LC_ALL=C sort; }
my_text() { mariadb-dump --no-defaults --skip-dump-date --routines --triggers --events "$@" | grep -av '^-- \|^$'; }
my_sorted() { my_text --skip-extended-insert --no-create-info "$@" | sed 's/ AUTO_INCREMENT=[0-9]*//' | LC_ALL=C sort; }
check "every file of the code is the same" same_tree "$PROD/code" "$T/bare/code"
check "every file of the config is the same" same_tree "$PROD/config" "$T/bare/config"
check "the PostgreSQL schema is the same" diff <(pg_text --schema-only "${PROD_PG[@]}") <(pg_text --schema-only "${BARE_PG[@]}")
check "every PostgreSQL row is the same" diff <(pg_sorted "${PROD_PG[@]}") <(pg_sorted "${BARE_PG[@]}")
check "there were PostgreSQL rows" test "$(pg_sorted "${BARE_PG[@]}" | wc -l)" -gt 1000
check "the MariaDB schema is the same" diff <(my_text --no-data "${PROD_MY[@]}") <(my_text --no-data "${BARE_MY[@]}")
check "every MariaDB row is the same" diff <(my_sorted "${PROD_MY[@]}") <(my_sorted "${BARE_MY[@]}")
check "what was is the same" diff <(my_sorted --dump-history "${PROD_MY[@]}" versions) <(my_sorted --dump-history "${BARE_MY[@]}" versions)
check_same "there was something" "$(my_sql catalog -e "SELECT count(*) FROM versions FOR SYSTEM_TIME ALL")" 3
check "there were MariaDB rows" test "$(my_sorted "${BARE_MY[@]}" | wc -l)" -gt 1000
check "MariaDB's accounts are the same" diff <(my_accounts --no-defaults "${PROD_MY[@]}") <(my_accounts --no-defaults "${BARE_MY[@]}")
check "there were accounts" test "$(my_accounts --no-defaults "${BARE_MY[@]}" | wc -l)" -gt 8

# ---- back, and damaged ----------------------------------------------------------------------------
check "import" "$REHEARSE" bundle import --store "$T/back" "$T/shop.tar"
check "what was imported is whole" "$REHEARSE" bundle verify --store "$T/back" tuesday
head -c "$(($(stat -c %s "$T/shop.tar") / 2))" "$T/shop.tar" >"$T/cut.tar"
check_status "half a tar is refused" 16 "$REHEARSE" bundle import --store "$T/none" "$T/cut.tar"
check_same "and leaves nothing to see" "$("$REHEARSE" bundle ls --store "$T/none" --json)" "[]"

# ---- skopeo ---------------------------------------------------------------------------------------
check "skopeo takes a bundle out" skopeo --insecure-policy copy --quiet "oci:$STORE:tuesday" "oci-archive:$T/sk.tar:tuesday"
check "skopeo puts it back" skopeo --insecure-policy copy --quiet "oci-archive:$T/sk.tar:tuesday" "oci:$T/sk:tuesday"
check "what skopeo carried is whole" "$REHEARSE" bundle verify --store "$T/sk" tuesday
check "an archive of skopeo's is imported" "$REHEARSE" bundle import --store "$T/sk2" "$T/sk.tar"
BOX=$T/box
E2E_BOXES+=("$BOX")
check "what skopeo carried restores" "$REHEARSE" restore --from "$T/sk" --into "$BOX" tuesday
check "with the same files" same_tree "$PROD/config" "$BOX/files/config"
check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
