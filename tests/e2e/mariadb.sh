#!/bin/bash
# MariaDB: one object of every kind that loses something somewhere goes there and back, and is
# compared by mariadb-dump and CHECKSUM TABLE, which know nothing of ours. Then accounts that see too
# little, DDL and locks of others while a snapshot runs, and instants that must be consistent while
# others write.
# run early: two minutes of servers
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mariadb/checks.sh"
e2e_begin mariadb
MY_OPTIONS="--innodb-strict-mode=0"
my_start

STORE=$T/store
BOX=$T/box
ENV=$T/env.yaml
E2E_BOXES+=("$BOX")

environment() { # USER DATABASE [more]
    printf 'name: prod\ndatabases:\n  - {name: db, engine: mariadb, socket: "%s", user: %s, database: %s%s}\n' \
        "$MY_SOCKET" "$1" "$2" "${3:-}" >"$ENV"
}

# restore_box REF: a new box with its server running. Sets BOX_MY, the options of a client there.
restore_box() {
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --start "$1" || return
    # shellcheck disable=SC2016
    BOX_MY=(--no-defaults --user=root --socket="$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_SOCKET"')")
}

in_box() {
    mariadb "${BOX_MY[@]}" --batch --skip-column-names --default-character-set=utf8mb4 "$@"
}

# ---- every kind of object -----------------------------------------------------------------------
PROD_MY=(--no-defaults --user=root --socket="$MY_SOCKET")

# Events come disabled, and rows of periods that are ids of transactions get new ones: that, and only
# that, is put right before comparing.
everything() { # client options
    mariadb-dump "$@" --skip-comments --hex-blob --routines --events --triggers --order-by-primary \
        --default-character-set=utf8mb4 --ignore-table=torture.broken torture |
        sed -E 's/^(\/\*!50106 CREATE\*\/.* EVENT .* ON COMPLETION (NOT )?PRESERVE) (ENABLE|DISABLE) /\1 STATE /
            s/,[0-9]+,18446744073709551615\)/,ID,NOW)/'
}

history() {
    mariadb-dump "$@" --skip-comments --dump-history torture ver ver2
}

checksums() {
    local table
    # Rows get new ids of transactions where they are restored, and some that were at no time are not.
    mariadb "$@" -BN --default-character-set=utf8mb4 torture -e "SHOW FULL TABLES WHERE table_type <> 'VIEW' AND
        table_type <> 'SEQUENCE' AND Tables_in_torture NOT IN ('ver_ids', 'ver_never')" | cut -f1 | LC_ALL=C sort |
        while IFS= read -r table; do
            # The client shows a newline in a name as \n.
            table=$(printf '%b' "${table//\`/\`\`}")
            mariadb "$@" -BN --default-character-set=utf8mb4 torture -e "CHECKSUM TABLE \`$table\`"
        done
}

# What MEMORY tables hold ends with the server: the box's was restarted since.
in_box_again() {
    in_box torture -e "INSERT INTO mem VALUES (1, 'm')"
}

compare() { # FUNCTION
    diff <("$1" "${PROD_MY[@]}") <("$1" "${BOX_MY[@]}")
}

event_states() {
    in_box -e "SELECT count(*) FROM information_schema.events WHERE status = 'ENABLED'"
}

# Without who is the box's own: root, and whom an object runs as that production has not. mariadb-dump
# stops at an account that the box's server does not take up: root of this host.
accounts_dump() { # client options
    mariadb-dump "$@" --skip-comments --skip-dump-date --system=users | grep -v -e '`root`@' -e "'root'@" -e ghost | LC_ALL=C sort
}
accounts_shown() {
    my_accounts "$@" | grep -v ghost
}
without_host() {
    in_box -e "DELETE FROM mysql.global_priv WHERE user = 'root' AND host NOT IN ('localhost', '127.0.0.1', '::1'); FLUSH PRIVILEGES"
}

torture() {
    my_sql -e "CREATE DATABASE torture CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci"
    my_sql torture <tests/e2e/mariadb/torture.sql
}

cd "$ROOT" || exit 1
environment root torture ", accounts: true"
check "one object of every kind is made" torture || die "nothing to capture"
check "snapshot" snapshot --tag torture || die "nothing to restore"
check_has "a broken view is named" "$(cat "$T/out")" "VIEW broken"
check_has "a table without rows of its own is named" "$(cat "$T/out")" "rows of table mg"
check_has "a table that does not outlive its server is named" "$(cat "$T/out")" "rows of table mem"
check_has "history that no server takes back is named" "$(cat "$T/out")" "history of table ver_ids"
check_has "rows that were at no time are named" "$(cat "$T/out")" "rows of the history of table ver_never: 1 that end no later"
check "bundle verify" "$REHEARSE" bundle verify --store "$STORE" torture
check "restore" restore_box torture || die "nothing to compare"
check "the rows of a MEMORY table are put back" in_box_again
check "every object and row is the same" compare everything
check "there was something to compare" test "$(everything "${PROD_MY[@]}" | wc -c)" -gt 1000000
check "the history of versioned tables is the same" compare history
check_same "and so is what a table whose clock stood still had at any time" "$(in_box torture -e "SELECT id, v, b < e FROM ver_never FOR SYSTEM_TIME ALL ORDER BY id, e")" \
    "$(printf '1\ta\t1\n1\ta2\t1\n2\tb\t1\n3\tc\t1')"
check_same "of periods that are ids the current rows are there" "$(in_box torture -e "SELECT id, v FROM ver_ids FOR SYSTEM_TIME ALL")" "$(printf '1\ta2\n3\tc')"
check_same "and go on to have a history" "$(in_box torture -e "UPDATE ver_ids SET v = 'd' WHERE id = 3;
    SELECT count(*), sum(e = 18446744073709551615) FROM ver_ids FOR SYSTEM_TIME ALL; UPDATE ver_ids SET v = 'c' WHERE id = 3")" "$(printf '3\t2')"
check "every bit that CHECKSUM TABLE sees is the same" compare checksums
check "there were tables to sum up" test "$(checksums "${PROD_MY[@]}" | wc -l)" -gt 30
check_same "no event is enabled" "$(event_states)" 0
check_same "a definer that was missing has a locked account" "$(in_box -e "SELECT count(*) FROM mysql.global_priv
    WHERE user = 'ghost' AND json_value(priv, '$.account_locked') = 1")" 1

check "a proof finds nothing" "$REHEARSE" box verify --from "$STORE" "$BOX"
check "the box's root of this host is taken away" without_host
check "mariadb-dump says the same of all accounts" compare accounts_dump
check "and so does the server" compare accounts_shown
check "there were accounts" test "$(accounts_dump "${PROD_MY[@]}" | grep -c torture)" -gt 40

in_box torture -e "UPDATE types SET fl = fl * 1.0000001 WHERE i = 77"
check_status "one changed bit of a FLOAT is found" 1 compare checksums
in_box torture -e "ALTER TABLE types ALTER INDEX k_ign NOT IGNORED"
check_status "one changed index is found" 1 compare everything

# ---- values that warn whenever they are stored ---------------------------------------------------
# More of them than the server keeps warnings of.
my_sql <<'SQL' || die "cannot make refused values"
SET sql_mode = ''; CREATE DATABASE refused; USE refused;
CREATE TABLE few (id int PRIMARY KEY, n int, e enum('a', 'b'), f float(30, 0));
INSERT INTO few SELECT seq, seq, if(seq % 3, '', 'a'), if(seq % 5, 7, 1e30) FROM seq_1_to_60000;
CREATE TABLE many (id int PRIMARY KEY, n int, e enum('a', 'b'), f float(30, 0), KEY (n));
INSERT INTO many SELECT seq, seq, '', 1e30 FROM seq_1_to_100000;
-- The last one, behind the index of the others, for its rows are few; they take a second all the same.
CREATE TABLE slow (id int PRIMARY KEY, hash char(128) AS (sha2(repeat(id, 1000000), 512)) STORED);
INSERT INTO slow (id) SELECT seq FROM seq_1_to_300;
SQL
environment root refused
check "a snapshot of refused values" snapshot --tag refused
check "is restored" timeout 60 "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace refused
check_same "warnings that nobody could look at are told, of this table alone" "$(grep -o "'warnings of loading .*" "$T/out")" \
    "'warnings of loading table many' why='there were more than the server keeps of a load, and none of those was a changed value: \\'box verify\\' compares all values'"
check "none is a difference" "$REHEARSE" box verify --from "$STORE" "$BOX"
check "with a proof it is restored, too" timeout 60 "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --verify refused
cp "$T/out" "$T/said"
check_status "that has nothing to tell" 1 grep "warnings of loading" "$T/said"
many_is_done() {
    local socket
    socket=$("$REHEARSE" box show --json "$T/half" | jq -r '.servers[0].socket')
    mariadb --no-defaults -BN --user=root --socket="$socket" -e "SELECT concat('SELECT count(*) FROM rehearse_loading.\`', table_name, '\` WHERE what LIKE \"%table many\"')
        FROM information_schema.tables WHERE table_schema = 'rehearse_loading'" | mariadb --no-defaults -BN --user=root --socket="$socket" | grep -qx 1
}
"$REHEARSE" restore --from "$STORE" --into "$T/half" --no-pristine --jobs 1 refused >"$T/part" 2>&1 &
HELD=$!
E2E_BOXES+=("$T/half")
check "the table is loaded" wait_for 60 many_is_done
check "the restore is killed behind it" kill -KILL $HELD
wait $HELD 2>/dev/null
check "and gone on with" "$REHEARSE" restore --from "$STORE" --into "$T/half" --no-pristine --resume
check_has "which tells them, too" "$(cat "$T/out")" "what='warnings of loading table many'"

# A value that its column does not take, as ones of another server: here of another table's files. What
# the server says of the column's name reads like that of one which is not loaded.
my_sql <<'SQL' || die "cannot make tables"
CREATE DATABASE changed; USE changed;
CREATE TABLE wide (id int PRIMARY KEY, f float(30, 0)) ENGINE=MyISAM; INSERT INTO wide VALUES (1, 1e20);
CREATE TABLE narrow (id int PRIMARY KEY, `it's` float(10, 0), g int AS (id + 1)) ENGINE=MyISAM;
FLUSH TABLES;
SQL
for suffix in MYD MYI; do
    cp "$MY_DIR/data/changed/"{wide,narrow}.$suffix || die "no table's files"
done
environment root changed
check "a value that its column does not take is captured" snapshot --tag changed
check_status "its restore ends" 21 restore_box changed
check_has "and names it" "$(cat "$T/out")" "table 'narrow', row 1 (key id): values were changed while loading: Out of range value for column 'it's' at row 1"

# ---- accounts that see too little ---------------------------------------------------------------
export LIMITED_PASSWORD="it's \$ecret"
my_sql -e "CREATE USER limited@localhost IDENTIFIED BY 'it\\'s \$ecret'; GRANT SELECT ON torture.* TO limited@localhost"
environment limited torture ", password_env: LIMITED_PASSWORD"
check_rights "GRANT SELECT, SHOW VIEW"
LIMITED_PASSWORD=wrong refused "a wrong password" 13 "password_env"
cp "$T/out" "$T/refused"
check_status "no secret is shown" 1 grep -F ecret "$T/refused"

# ---- locks and DDL of others --------------------------------------------------------------------
environment root torture
hold 6 "LOCK TABLES mi WRITE"
check_status "a lock in the way ends the snapshot" 20 snapshot --lock-timeout 1
check_has "who holds the lock is named" "$(cat "$T/out")" "root@localhost"
wait "$HOLDER"

check "DDL during a snapshot is found and named" alter_meanwhile

# ---- a consistent instant while others write ----------------------------------------------------
my_sql -e "CREATE DATABASE bank"
my_sql bank >/dev/null <<'SQL'
CREATE TABLE a (id int PRIMARY KEY, balance bigint NOT NULL, pad char(200) NOT NULL DEFAULT 'x') ENGINE=InnoDB;
INSERT INTO a SELECT seq, 1000, repeat('p', 180) FROM seq_1_to_200000;
CREATE TABLE b LIKE a;
INSERT INTO b SELECT * FROM a;
CREATE TABLE moves (id int AUTO_INCREMENT PRIMARY KEY, amount int NOT NULL) ENGINE=InnoDB;
CREATE TABLE moved (n int NOT NULL) ENGINE=InnoDB;
INSERT INTO moved VALUES (0);
ANALYZE TABLE a, b;
DELIMITER ;;
CREATE PROCEDURE move(seconds int) BEGIN
    DECLARE until datetime(6) DEFAULT now(6) + INTERVAL seconds SECOND;
    DECLARE n, x, y int;
    WHILE sysdate(6) < until DO
        SET n = floor(rand() * 100), x = 1 + floor(rand() * 200000), y = 1 + floor(rand() * 200000);
        START TRANSACTION;
        UPDATE a SET balance = balance - n WHERE id = x;
        UPDATE b SET balance = balance + n WHERE id = y;
        INSERT INTO moves (amount) VALUES (n);
        UPDATE moved SET moved.n = moved.n + 1;
        COMMIT;
    END WHILE;
END;;
SQL
environment root bank
consistent() {
    local sums
    snapshot --tag "bank$1" --journal "$T/journal$1" && restore_box "bank$1" || return
    sums=$(in_box bank -e "SELECT (SELECT sum(balance) FROM a) + (SELECT sum(balance) FROM b),
        (SELECT count(*) FROM moves) - (SELECT n FROM moved), (SELECT n FROM moved) > 0")
    echo "sums: $sums"
    [ "$sums" = "400000000	0	1" ]
}
for client in 1 2; do
    my_sql bank -e "CALL move(60)" >/dev/null 2>&1 &
    MOVERS+=($!)
done
sleep 0.5
for n in 1 2 3; do
    check "snapshot $n while others write is one instant" consistent "$n"
done
for pid in "${MOVERS[@]}"; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
done 2>/dev/null
check "the length of the lock is in the journal" grep -q '"event":"snapshot.lock"' "$T/journal1"
check_has "the position is in the journal" "$(cat "$T/journal1")" '"binlog_pos":'

# ---- one huge row -------------------------------------------------------------------------------
# Client memory is bounded by the largest row, of which no more than three copies are held, and not by
# the size of the database. E2E_ROW_MB: a row of so many MiB of random bytes (500 was tried by hand).
ROW_MB=${E2E_ROW_MB:-48}
peak_of() { # MB COMMAND...: the command, and whether its resident memory stayed below
    local limit=$1 kb peak=0
    shift
    "$@" &
    local pid=$!
    while kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$kb" ]; do
        peak=$kb
        sleep 0.05
    done
    wait "$pid" || return
    echo "peak: $((peak / 1024)) MiB, limit $limit MiB"
    [ "$peak" -gt 0 ] && [ $((peak / 1024)) -le "$limit" ]
}
huge_row() {
    head -c "${ROW_MB}M" /dev/urandom >"$MY_DIR/tmp/row" && chmod 644 "$MY_DIR/tmp/row"
    my_sql -e "CREATE DATABASE huge; SET GLOBAL max_allowed_packet = 1 << 30"
    # 16 MiB is the server's default, under which larger rows must come out too.
    my_sql huge <<SQL || return
CREATE TABLE huge (id int PRIMARY KEY, name varchar(40), body longblob, note text, KEY (name));
INSERT INTO huge VALUES (1, 'a\\tb', 'small', NULL), (2, 'c\\nd', load_file('$MY_DIR/tmp/row'), 'e\\\\f'),
    (3, NULL, repeat('\\0\\t\\n\\\\', ($ROW_MB << 20) / 4), ''), (4, 'last', 'small', 'g');
SET GLOBAL max_allowed_packet = 16 << 20;
CREATE TABLE fleeting (id int AUTO_INCREMENT PRIMARY KEY) ENGINE=MEMORY; INSERT INTO fleeting VALUES (7);
CREATE TABLE bare AS SELECT left(name, 1) AS v, COUNT(DISTINCT name), MAX(id) FROM huge GROUP BY v ORDER BY MAX(id);
CREATE TABLE smiling (a varchar(9) DEFAULT 'ß?😀', b text DEFAULT '?', \`c\`\`?\` enum('x','?','😀','''🎉?') NOT NULL DEFAULT '😀',
    d set('a','b😀','?') DEFAULT '?,b😀', e enum('🎉','?') CHARACTER SET utf16, f enum('?') CHARACTER SET latin1 DEFAULT '?');
INSERT INTO smiling (d) VALUES ('b😀,?');
CREATE TABLE asking (a varchar(9) NOT NULL DEFAULT '😀', b varchar(9) DEFAULT '😀');
CREATE TABLE changed (a int); CREATE TRIGGER lost BEFORE INSERT ON changed FOR EACH ROW SET NEW.a = 1;
CREATE TRIGGER kept BEFORE UPDATE ON changed FOR EACH ROW SET @a = 1; ALTER TABLE changed CHANGE a b int;
SQL
    rm -f "$MY_DIR/tmp/row"
}
# What SHOW CREATE TABLE shows as '?'; elements that no row holds, too.
shown_as_marks() { # client options
    mariadb "$@" -BN --default-character-set=utf8mb4 huge <<'SQL'
SELECT *, DEFAULT(a), DEFAULT(b), DEFAULT(`c``?`), DEFAULT(d) FROM smiling; SELECT DEFAULT(b) FROM (SELECT 1) AS one LEFT JOIN asking ON FALSE;
DELIMITER //
BEGIN NOT ATOMIC DECLARE c TYPE OF smiling.`c``?`; DECLARE d TYPE OF smiling.d; DECLARE e TYPE OF smiling.e; DECLARE i INT DEFAULT 1;
WHILE i <= 4 DO SET c = i; SELECT c; SET i = i + 1; END WHILE; SET d = 7; SET e = 1; SELECT d, e; SET e = 2; SELECT e; END//
SQL
}
huge_sums() { # client options
    mariadb "$@" -BN huge -e "SELECT id, name, length(body), md5(body), note FROM huge ORDER BY id"
}
check "a huge row is made" huge_row
check_same "it is as large as asked" "$(my_sql huge -e "SELECT length(body) >> 20 FROM huge WHERE id = 2")" "$ROW_MB"
environment root huge
check "a snapshot holds no more than three copies of a row" \
    peak_of $((3 * ROW_MB + 64)) "$REHEARSE" snapshot --env "$ENV" --to "$STORE" --tag huge --jobs 1
check_has "a trigger that no server can make again is named" "$("$REHEARSE" bundle show --store "$STORE" huge)" "TRIGGER lost: it refers to what is not there"
check_has "so is a default that no statement leaves out" "$("$REHEARSE" bundle show --store "$STORE" huge)" "columns without a default of table bare"
check_has "and one that neither SHOW CREATE nor a row tells" "$("$REHEARSE" bundle show --store "$STORE" huge)" "characters of defaults and elements of table asking"
check_status "but none that can be asked for" 1 grep "table smiling" <("$REHEARSE" bundle show --store "$STORE" huge)
check "bundle verify of a huge row" "$REHEARSE" bundle verify --store "$STORE" --level 2 huge
check "a restore holds no more than three" \
    peak_of $((3 * ROW_MB + 64)) "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --jobs 1 huge
check "and a second time, to look into it" restore_box huge
check "the huge row is the same" compare huge_sums
check "so are characters that no server shows" compare shown_as_marks
check_has "which are there" "$(shown_as_marks "${BOX_MY[@]}")" "a,b😀,?	🎉"
check_same "the other one is there" "$(in_box huge -e "SELECT group_concat(trigger_name) FROM information_schema.triggers WHERE trigger_schema = 'huge'")" kept
check "a proof reads it again" "$REHEARSE" box verify --from "$STORE" "$BOX"
in_box huge -e "ALTER TABLE smiling MODIFY e enum('🎈','?') CHARACTER SET utf16"
check_status "an element that is another one is found" 23 "$REHEARSE" box verify --from "$STORE" "$BOX"
check_has "and its table named" "$(cat "$T/out")" "smiling"

# ---- servers without BACKUP STAGE ---------------------------------------------------------------
# MySQL and MariaDB before 10.5 are held by FLUSH TABLES WITH READ LOCK: a server that says it is older
# takes that way.
my_stop
MY_OPTIONS="--innodb-strict-mode=0 --version=10.4.34-MariaDB" my_start old
PROD_MY=(--no-defaults --user=root --socket="$MY_SOCKET")
environment root torture
check "an older server has every object too" torture || die "nothing to capture"
check "snapshot of it" snapshot --tag old --journal "$T/journal-old"
check_has "all tables were locked for an instant" "$(cat "$T/journal-old")" '"kind":"FLUSH TABLES WITH READ LOCK"'
check_has "tables without transactions for longer" "$(cat "$T/journal-old")" '"kind":"LOCK TABLES READ"'
check "writers are let in again" my_sql torture -e "UPDATE types SET fl = fl WHERE i = 77"
check "restore of it" restore_box old
check "the rows of a MEMORY table are put back there" in_box_again
check "every object and row of it is the same" compare everything
hold 6 "LOCK TABLES mi WRITE"
check_status "a lock in the way of it ends the snapshot" 20 snapshot --lock-timeout 1
check_has "who holds that lock is named" "$(cat "$T/out")" "root@localhost"
check "and leaves no lock behind" timeout 3 mariadb "${PROD_MY[@]}" torture -e "UPDATE types SET fl = fl WHERE i = 77"
wait "$HOLDER"

check "box destroy" "$REHEARSE" box destroy "$BOX"
e2e_end
