#!/bin/bash
# MariaDB's databases into a server that is there already: proven before they get their names, moved at
# once, with all that belongs to them; definers kept, mapped or dropped; what is not possible is told
# before anything is loaded, and a kill loses nothing.
. "$(dirname "$0")/lib.sh"
e2e_begin target_my
ROWS=${ROWS:-3000}
STORE=$T/store

my_start source
SRC_SOCKET=$MY_SOCKET
my_sql <<SQL || die "cannot fill MariaDB"
CREATE USER ghost@localhost; CREATE USER 'Clerk'@'%';
CREATE DATABASE shop CHARACTER SET latin1 COLLATE latin1_german2_ci; CREATE DATABASE crm; CREATE DATABASE lone;
USE crm;
CREATE TABLE people (id int PRIMARY KEY, name varchar(40), KEY (name));
INSERT INTO people SELECT seq, concat('p', seq) FROM seq_1_to_100;
USE shop;
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 5 CACHE 10;
CREATE TABLE orders (id bigint NOT NULL DEFAULT nextval(numbers) PRIMARY KEY, twice bigint DEFAULT (nextval(numbers) * 2), person int, note varchar(80) COMMENT 'nextval(\`shop\`.\`numbers\`)', KEY (person), FULLTEXT KEY (note), CONSTRAINT of_person FOREIGN KEY (person) REFERENCES crm.people (id)) COMMENT 'shop.orders';
INSERT INTO orders (person, note) SELECT 1 + seq % 100, md5(seq) FROM seq_1_to_$ROWS;
CREATE TABLE parts (id int AUTO_INCREMENT PRIMARY KEY, o bigint, v decimal(10,2), CONSTRAINT of_order FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE, KEY (v));
INSERT INTO parts (o, v) SELECT id, id / 7 FROM orders;
CREATE TABLE history (id int PRIMARY KEY, v varchar(10), KEY (v)) WITH SYSTEM VERSIONING;
INSERT INTO history VALUES (1, 'a'), (2, 'b'); UPDATE history SET v = 'c' WHERE id = 1; DELETE FROM history WHERE id = 2;
CREATE TABLE cut (id int NOT NULL, d date NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (year(d)) (PARTITION p0 VALUES LESS THAN (2000), PARTITION pm VALUES LESS THAN MAXVALUE);
INSERT INTO cut SELECT seq, date'1990-01-01' + interval seq month FROM seq_1_to_200;
CREATE TABLE isam (id int PRIMARY KEY, t text, FULLTEXT KEY (t)) ENGINE=MyISAM; INSERT INTO isam VALUES (1, 'eins'), (2, 'zwei');
CREATE TABLE child (id int NOT NULL, KEY (id)) ENGINE=MyISAM; INSERT INTO child VALUES (7);
CREATE TABLE merged (id int NOT NULL, KEY (id)) ENGINE=MRG_MyISAM UNION=(child);
CREATE TABLE \`od\`\`d "näme" 100% .shop\` (\`c\`\`ol\` int PRIMARY KEY, shop int); INSERT INTO \`od\`\`d "näme" 100% .shop\` VALUES (1, 2);
CREATE TABLE shop (id int PRIMARY KEY, shop int); INSERT INTO shop VALUES (1, 1);
CREATE FUNCTION plus(x int) RETURNS int DETERMINISTIC RETURN x + (SELECT count(*) FROM shop.shop WHERE shop.id = 1);
CREATE DEFINER=ghost@localhost SQL SECURITY INVOKER VIEW zz_base AS SELECT id, person FROM orders;
CREATE VIEW aa_top AS SELECT z.id, p.name, plus(z.id) AS more FROM zz_base z JOIN crm.people p ON p.id = z.person;
CREATE VIEW selves AS SELECT shop.id AS shop, s.shop AS other FROM shop.shop JOIN shop.shop s USING (id);
CREATE VIEW crm.buyers AS SELECT name, count(*) AS n FROM shop.aa_top GROUP BY name;
DELIMITER ;;
CREATE TRIGGER shop.noted BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = coalesce(NEW.note, (SELECT max(name) FROM crm.people));;
CREATE DEFINER=ghost@localhost TRIGGER also BEFORE INSERT ON orders FOR EACH ROW FOLLOWS noted SET @also = 1;;
CREATE DEFINER='Clerk'@'%' PROCEDURE count_all(OUT n int) BEGIN SELECT count(*) INTO n FROM shop.orders JOIN crm.people p ON p.id = person; END;;
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';;
CREATE PROCEDURE ansi(OUT r varchar(30)) BEGIN SELECT concat('a\\', count(*)) INTO r FROM "shop"."orders"; END;;
SET sql_mode = 'ORACLE';;
CREATE PACKAGE pk AS FUNCTION g RETURN INT; END;;
CREATE PACKAGE BODY pk AS FUNCTION g RETURN INT AS BEGIN RETURN 1; END; END;;
SET sql_mode = DEFAULT;;
CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO INSERT IGNORE INTO shop.isam VALUES (99, 'event');;
CREATE DEFINER=ghost@localhost EVENT later ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO SELECT 1;;
CREATE EVENT never ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 2;;
DELIMITER ;
USE lone;
CREATE TABLE t (id int PRIMARY KEY, v varchar(40)); INSERT INTO t SELECT seq, md5(seq) FROM seq_1_to_500;
CREATE VIEW v AS SELECT count(*) AS n FROM t;
SQL
source_file() { # NAME DATABASE...: an environment file of production
    local file=$T/$1.yaml db
    printf 'name: prod\ndatabases:\n' >"$file"
    for db in "${@:2}"; do
        printf '  - {name: %s, engine: mariadb, socket: "%s", user: root, database: %s}\n' "$db" "$SRC_SOCKET" "$db" >>"$file"
    done
}
source_file env shop crm
sed -i '1a production: true' "$T/env.yaml"
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
src_sql() {
    mariadb --no-defaults --batch --skip-column-names --default-character-set=utf8mb4 --socket="$SRC_SOCKET" --user=root "$@"
}

# ---- the server -----------------------------------------------------------------------------------
my_start staging
file_of() { # NAME USER SHOP CRM: a file of the staging server, with the names there
    printf 'name: staging\ndatabases:\n' >"$T/$1.yaml"
    printf '  - {name: shop, engine: mariadb, socket: "%s", user: %s, database: "%s"}\n' "$MY_SOCKET" "$2" "$3" >>"$T/$1.yaml"
    [ -z "${4:-}" ] || printf '  - {name: crm, engine: mariadb, socket: "%s", user: %s, database: "%s"}\n' "$MY_SOCKET" "$2" "$4" >>"$T/$1.yaml"
}
file_of plain root shop crm
to() { # FILE [options]
    "$REHEARSE" restore --from "$STORE" --to "$T/$1.yaml" "${@:2}"
}
databases() {
    my_sql -e "SELECT ifnull(group_concat(schema_name ORDER BY schema_name SEPARATOR ' '), '') FROM information_schema.schemata WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
}
say() { # what the last command said
    cat "$T/out"
}
SETTINGS=$(my_sql -e 'SHOW GLOBAL VARIABLES' | grep -v '^gtid\|^last_\|_pos\b' | md5sum)

sed 's/name: prod/name: x/; /production/d' "$T/env.yaml" >"$T/self.yaml"
check_status "the source is refused" 18 to self
check_has "and named" "$(say)" "is the server that the bundle was captured from"
cp "$T/env.yaml" "$T/production.yaml"
check_status "an environment that is production is refused" 11 to production
for name in mysql Information_Schema; do
    file_of lobby root $name
    check_status "$name is nobody's to replace" 18 to lobby --replace-database $name
done
check_status "accounts that are missing stop it" 17 to plain
check_has "all of them are named" "$(say)" "account 'Clerk@%', account 'ghost@localhost'"
check_same "before anything is made" "$(databases)" ""

my_sql -e "CREATE USER ghost@localhost; CREATE USER 'Clerk'@'%'; GRANT ALL ON *.* TO ghost@localhost; GRANT ALL ON *.* TO 'Clerk'@'%'"
check "with the accounts it is restored, and proven" to plain --verify
dump() { # SOCKET DATABASE: but for the ids of transactions that rows of ver_ids are of
    mariadb-dump --no-defaults --socket="$1" --user=root --skip-comments --routines --events --triggers --hex-blob --skip-dump-date --order-by-primary "$2" |
        sed -E 's/,[0-9]+,18446744073709551615\)/,ID,NOW)/'
}
same() { # NAME
    local db
    for db in shop crm; do
        check_same "$1: the dump of $db is that of the source" "$(diff <(dump "$SRC_SOCKET" $db) <(dump "$MY_SOCKET" $db))" ""
    done
}
same "restored"
check_same "nothing else is there" "$(databases)" "crm shop"
check_same "no setting has changed" "$(my_sql -e 'SHOW GLOBAL VARIABLES' | grep -v '^gtid\|^last_\|_pos\b' | md5sum)" "$SETTINGS"
check_has "what was made is in the binlog, for replicas" "$(my_sql -e 'SHOW BINLOG EVENTS' | cut -f 6)" "RENAME TABLE"
my_sql shop -e 'SET GLOBAL event_scheduler = ON'
events_run() {
    [ "$(my_sql shop -e 'SELECT count(*) FROM isam WHERE id = 99')" = 1 ]
}
check "events run again" wait_for 5 events_run
my_sql -e 'SET GLOBAL event_scheduler = OFF; DELETE FROM shop.isam WHERE id = 99'
check_same "a new row draws from the sequence of its database" "$(my_sql shop -e 'INSERT INTO orders (person, note) VALUES (1, NULL); SELECT max(id) > 100, max(note) FROM orders WHERE id = (SELECT max(id) FROM orders)')" "$(printf '1\tp99')"

# ---- what is there --------------------------------------------------------------------------------
check_status "a database that is there is refused" 18 to plain
check_has "with the way out" "$(say)" "--replace-database crm"
my_sql <<SQL || die "cannot change the old one"
CREATE TABLE shop.ours (id int PRIMARY KEY); INSERT INTO shop.ours VALUES (1);
CREATE TRIGGER shop.mine BEFORE INSERT ON shop.ours FOR EACH ROW SET NEW.id = 1;
CREATE VIEW shop.mine AS SELECT * FROM shop.ours; CREATE PROCEDURE shop.mine() SELECT 1;
CREATE DATABASE other; CREATE TABLE other.t (id bigint, FOREIGN KEY (id) REFERENCES shop.orders (id));
SQL
check_status "foreign keys of others are told" 18 to plain --replace-database shop --replace-database crm
check_has "and named" "$(say)" "table 't' of database 'other' has a foreign key into 'shop'"
my_sql -e 'DROP DATABASE other'
hold() { # SECONDS TABLE [DATABASE]: somebody reads the table in a transaction, and sleeps so long
    my_sql -e "START TRANSACTION; SELECT count(*) FROM ${3:-shop}.$2; DO SLEEP($1)" >/dev/null 2>&1 &
}
is_held() { # SECONDS
    [ "$(my_sql -e "SELECT count(*) FROM information_schema.processlist WHERE info = 'DO SLEEP($1)'")" = 1 ]
}
let_go() { # SECONDS
    my_sql -e "KILL $(my_sql -e "SELECT id FROM information_schema.processlist WHERE info = 'DO SLEEP($1)'")"
}
waits() { # STATEMENT
    [ "$(my_sql -e "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '$1%' AND state LIKE 'Waiting for table metadata lock'")" -gt 0 ]
}
no_waiting() { # STATEMENT
    ! waits "$1"
}
begin() { # FILE [options]: in the background; $RUN is its pid, $T/part its words
    "$REHEARSE" restore --from "$STORE" --to "$T/$1.yaml" "${@:2}" >"$T/part" 2>&1 &
    RUN=$!
}
kill_it() { # NAME
    kill -KILL $RUN && ok "$1: killed" || not_ok "$1: killed" "it had ended"
    wait $RUN 2>/dev/null
}
REPLACE=(--replace-database shop --replace-database crm)
hold 101 parts && wait_for 10 is_held 101 && begin plain "${REPLACE[@]}" --verify
check "a replacing restore waits for who reads the old one" wait_for 30 waits "RENAME"
kill_it "before the move"
check "before the move: the server has seen it" wait_for 10 no_waiting "RENAME"
let_go 101
check_same "before the move: the old one stands" "$(my_sql shop -e "SELECT count(*) FROM mine; INSERT INTO ours VALUES (7)" 2>&1 | head -n 1)" 1
check_has "before the move: with its triggers" "$(my_sql -e "SHOW TRIGGERS FROM shop")" "mine"
check_status "other options are not those that it was begun with" 10 to plain "${REPLACE[@]}" --resume --no-owner
check_status "a plain --resume replaces nothing" 18 to plain --resume
hold 102 parts && wait_for 10 is_held 102 && begin plain "${REPLACE[@]}" --verify --resume
check "gone on: it waits again" wait_for 30 waits "RENAME"
check_same "gone on: with what was loaded of both" "$(grep -c "the load goes on" "$T/part")" 2
# Who comes now waits behind the move, and holds the new table then.
hold 103 orders
check "gone on: somebody waits for the new one" wait_for 10 waits "SELECT count"
let_go 102
check "gone on: and holds it" wait_for 30 waits "ALTER TABLE"
kill_it "behind the move"
check "behind the move: the server has seen it" wait_for 10 no_waiting "ALTER TABLE"
let_go 103
check_same "behind the move: the new rows stand" "$(my_sql shop -e 'SELECT count(*) FROM orders')" "$ROWS"
OLD=$(my_sql -e "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'rehearse_old_%' AND EXISTS (SELECT 1 FROM information_schema.tables t WHERE t.table_schema = schema_name AND t.table_name = 'parts')")
check_same "behind the move: the old ones, too" "$(my_sql "$OLD" -e 'SELECT count(*) > 0 FROM orders' 2>&1)" 1
check_status "behind the move: without a word nothing is touched" 18 to plain
check_has "behind the move: the way on is told" "$(say)" "--resume goes on"
check "behind the move: gone on" to plain "${REPLACE[@]}" --verify --resume
same "gone on"
check_same "nothing is left of the old one" "$(databases)" "crm shop"

# ---- other names, other accounts --------------------------------------------------------------------
CLONE="sh'op\`s 2"
printf 'name: staging\ndatabases:\n  - {name: shop, engine: mariadb, socket: "%s", user: root, database: "%s"}\n  - {name: crm, engine: mariadb, socket: "%s", user: root, database: crm2}\n' "$MY_SOCKET" "$CLONE" "$MY_SOCKET" >"$T/clone.yaml"
my_sql -e "CREATE USER new@localhost; GRANT ALL ON *.* TO new@localhost"
check "under other names, with other accounts" to clone --verify --owner 'Clerk@%=new@localhost' --owner ghost=new
check_same "all names one another" "$(my_sql crm2 -e "SELECT sum(n) FROM buyers")" "$ROWS"
check_same "by their new names" "$(my_sql -e "SELECT view_definition LIKE '%crm2%' AND view_definition NOT LIKE '%\`crm\`%' FROM information_schema.views WHERE table_schema = \"$CLONE\" AND table_name = 'aa_top'")" 1
definers() { # DATABASE
    my_sql -e "SELECT group_concat(DISTINCT definer ORDER BY definer) FROM (SELECT definer, table_schema AS s FROM information_schema.views UNION SELECT definer, routine_schema FROM information_schema.routines UNION SELECT definer, trigger_schema FROM information_schema.triggers UNION SELECT definer, event_schema FROM information_schema.events) d WHERE s = \"$1\""
}
check_same "with the new definers" "$(definers "$CLONE")" "new@localhost,root@localhost"
check_same "in bodies, too" "$(my_sql -r "$CLONE" -e 'CALL count_all(@n); CALL ansi(@a); SELECT @n, @a')" "$(printf '%s\ta\\%s' "$ROWS" "$ROWS")"
check_same "a new row draws from its own sequence" "$(my_sql "$CLONE" -e 'INSERT INTO orders (person) VALUES (1); SELECT note FROM orders ORDER BY id DESC LIMIT 1')" p99
my_sql -e "SET foreign_key_checks = 0; DROP DATABASE crm2; DROP DATABASE \`sh'op\`\`s 2\`"
my_sql -e "CREATE DATABASE made CHARACTER SET ucs2"
file_of made root made
check "a part, into one that is there and empty" to made --only mariadb.shop/history --no-owner --verify
check_same "a part is a part" "$(my_sql -e "SELECT group_concat(table_name) FROM information_schema.tables WHERE table_schema = 'made'")" history
my_sql -e 'DROP DATABASE made'
file_of late root late
my_sql -e "LOCK TABLES crm.people WRITE; DO SLEEP(104)" >/dev/null 2>&1 &
wait_for 10 is_held 104 && begin late --only mariadb.shop --no-owner
check "a restore beside another one's work waits for it" wait_for 30 waits ""
my_sql -e "CREATE DATABASE late; CREATE VIEW late.kept AS SELECT 1 AS n; CREATE PROCEDURE late.kept() SELECT 1; CREATE EVENT late.kept ON SCHEDULE EVERY 1 DAY DO SELECT 1"
let_go 104
wait $RUN
check_same "what came meanwhile refuses it" $? 18
check_has "and is told" "$(cat "$T/part")" "was filled while it was restored"
check_same "it stays" "$(my_sql late -e 'SELECT n FROM kept; CALL kept; SHOW EVENTS' | cut -f 1-2)" "$(printf '1\n1\nlate\tkept')"
check_same "and nothing else is left" "$(databases)" "crm late shop"
my_sql -e 'DROP DATABASE late'

# ---- what was set aside ---------------------------------------------------------------------------------
file_of gone root gone
OLD=rehearse_old_$(printf gone | sha256sum | cut -c 1-16)
my_sql -e "CREATE DATABASE $OLD; CREATE TABLE $OLD.ours (id int)"
for option in "" "--replace-database gone" "--resume"; do
    check_status "what was set aside is nobody's to drop ($option)" 18 to gone --only mariadb.shop/history $option
    check_has "it is named" "$(say)" "'$OLD' at"
done
check_same "and stays" "$(my_sql "$OLD" -e 'SELECT count(*) FROM ours')" 0
my_sql -e "CREATE DATABASE gone; CREATE TABLE gone.new (id int)"
interrupt() { # NAME: a replacing restore of 'gone' whose RENAME is killed while it waits, behind $1
    hold 105 new gone && wait_for 10 is_held 105 && begin gone --only mariadb.shop/history --replace-database gone --no-owner
    check "$1: the move waits" wait_for 30 waits "RENAME"
    "${@:2}"
    my_sql -e "KILL QUERY $(my_sql -e "SELECT id FROM information_schema.processlist WHERE info LIKE 'RENAME%'")"
    wait $RUN
    check_same "$1: the move fails" $? 130
    let_go 105
}
interrupt "undone" true
check_same "undone: nothing is left of it" "$(databases)" "crm gone shop"
hold 107 new gone && wait_for 10 is_held 107 && begin gone --only mariadb.shop/history --replace-database gone --no-owner
check "nothing moved: the move waits" wait_for 30 waits "RENAME"
kill_it "nothing moved"
check "nothing moved: the server has seen it" wait_for 10 no_waiting "RENAME"
let_go 107
check "nothing moved: the next one begins anew" to gone --only mariadb.shop/history --replace-database gone --no-owner --verify
my_sql -e 'DROP DATABASE gone; CREATE DATABASE gone; CREATE TABLE gone.new (id int)'
LOAD=rehearse_load_$(printf gone | sha256sum | cut -c 1-16)
interrupt "half" my_sql -e "RENAME TABLE $LOAD.history TO $OLD.theirs"
check_has "half: what somebody has there is told" "$(cat "$T/part")" "see '$OLD', which stays"
check_has "half: so is that tables may have moved" "$(cat "$T/part")" "'$LOAD' stays, too"
check_same "half: all of it stays" "$(databases)" "crm gone $LOAD $OLD shop"
check_same "half: with its rows" "$(my_sql "$OLD" -e 'SELECT count(*) > 0 FROM theirs')" 1
my_sql -e "LOCK TABLES crm.people WRITE; DO SLEEP(106)" >/dev/null 2>&1 &
wait_for 10 is_held 106 && begin gone --only mariadb.shop --replace-database gone --no-owner
check "set aside: a restore waits while it loads" wait_for 30 waits ""
kill -TERM $RUN
let_go 106
wait $RUN
check_same "set aside: and ends" $? 130
check_same "set aside: what was there before stays" "$(databases)" "crm gone $OLD shop"
check_same "set aside: with its rows" "$(my_sql "$OLD" -e 'SELECT count(*) > 0 FROM theirs')" 1
check "beside a new one that may be replaced it goes" to gone --only mariadb.shop/history --replace-database gone --no-owner --verify
check_has "and that is told" "$(say)" "what was set aside by an earlier restore is dropped database='$OLD'"
my_sql -e 'DROP DATABASE gone; CREATE DATABASE gone; CREATE TABLE gone.new (id int)'
interrupt "some" my_sql -e "CREATE TABLE $LOAD.more (id int)"
for option in "" "--resume"; do
    check_status "some: where nobody knows what has moved nothing is touched ($option)" 18 to gone --only mariadb.shop/history --replace-database gone --no-owner $option
    check_has "some: and it is told" "$(say)" "only some tables of 'gone'"
done
check_same "some: all of it stays" "$(databases)" "crm gone $LOAD shop"
my_sql -e "DROP TABLE $LOAD.more"
check "some: once it is put right --resume goes on" to gone --only mariadb.shop/history --replace-database gone --no-owner --verify --resume
my_sql -e 'DROP DATABASE gone'
check_same "with nothing left" "$(databases)" "crm shop"

# ---- an account with few rights ---------------------------------------------------------------------
my_sql -e "CREATE USER few@localhost"
file_of few few mine
few() { # [options]
    to few --only mariadb.shop --owner crm=crm "$@"
}
check_status "who may nothing is told so" 17 few
check_has "where" "$(say)" "REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EVENT on 'mine'"
my_sql -e "GRANT ALL ON \`rehearse\\_%\`.* TO few@localhost; GRANT ALL ON mine.* TO few@localhost; GRANT SELECT, REFERENCES ON crm.* TO few@localhost"
check_status "who may not set definers is told so" 17 few
check_has "of whom" "$(say)" "the right to make objects of 'Clerk@%'"
check_status "so is who may not make functions where there is a binlog" 17 few --no-owner
check_has "by what it takes" "$(say)" "log_bin_trust_function_creators"
check_same "before anything is loaded" "$(databases)" "crm shop"
my_sql -e 'SET GLOBAL log_bin_trust_function_creators = 1'
check "with that it is restored" few --no-owner --verify
check_same "all is its own" "$(definers mine)" "few@localhost"
check_same "rows are there" "$(my_sql mine -e 'SELECT count(*) FROM orders')" "$ROWS"

OLD=rehearse_old_$(printf mine | sha256sum | cut -c 1-16)
my_sql -e "CREATE DATABASE hidden; CREATE TABLE hidden.t (id bigint, FOREIGN KEY (id) REFERENCES mine.orders (id))"
my_sql -e "GRANT REFERENCES ON hidden.* TO few@localhost"
check_status "foreign keys that it may see stop it" 18 few --no-owner --replace-database mine
my_sql -e "REVOKE REFERENCES ON hidden.* FROM few@localhost"
check "foreign keys that it may not see do not stop it" few --no-owner --replace-database mine
check_has "but what they name stays" "$(say)" "$OLD"
check_same "with its rows" "$(my_sql "$OLD" -e 'SELECT count(*) FROM orders')" "$ROWS"
check_status "and they hold" 1 my_sql -e 'INSERT INTO hidden.t VALUES (-1)'
my_sql -e "DROP DATABASE hidden; DROP DATABASE $OLD"

# ---- a server that has other names --------------------------------------------------------------------
src_sql -e 'CREATE TABLE lone.Capital (id int PRIMARY KEY)'
source_file lone lone
STORE=$T/lone-store
check "a snapshot of one with a capital letter" "$REHEARSE" snapshot --env "$T/lone.yaml" --to "$STORE"
STAGING=$MY_SOCKET
MY_OPTIONS=--lower-case-table-names=1 my_start low
printf 'name: low\ndatabases:\n  - {name: lone, engine: mariadb, socket: "%s", user: root, database: lone}\n' "$MY_SOCKET" >"$T/low.yaml"
check_status "letters that would be others are told" 17 to low
check_has "of which table" "$(say)" "capital letters in the name of table 'Capital'"
src_sql -e "DROP TABLE lone.Capital; DROP VIEW lone.v; CREATE PROCEDURE lone.upper() SELECT count(*) FROM LONE.t; GRANT SELECT (v) ON lone.t TO ghost@localhost"
sed -i 's/database: lone}/database: lone, accounts: without-passwords}/' "$T/lone.yaml"
check "a snapshot without, but with accounts" "$REHEARSE" snapshot --env "$T/lone.yaml" --to "$STORE"
check_status "who is granted something must be there" 17 to low
check_has "and is named" "$(say)" '`ghost`@`localhost`'
my_sql -e 'CREATE USER heir@localhost'
check "or mapped" to low --verify --owner ghost=heir
check_has "who has the grants then" "$(my_sql -e 'SHOW GRANTS FOR heir@localhost')" 'GRANT SELECT (`v`) ON `lone`.`t`'
printf 'name: low\ndatabases:\n  - {name: lone, engine: mariadb, socket: "%s", user: few, database: lone2}\n' "$MY_SOCKET" >"$T/lowfew.yaml"
RIGHTS="SELECT, INSERT, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE ROUTINE, ALTER ROUTINE"
my_sql -e "CREATE USER few@localhost; GRANT $RIGHTS ON \`rehearse\\_%\`.* TO few@localhost; GRANT $RIGHTS, CREATE VIEW ON lone2.* TO few@localhost"
check_status "who may not grant is told so" 17 to lowfew --no-owner
for what in "GRANT OPTION on 'lone2'" "SELECT on 'mysql.user'" "CREATE VIEW on 'rehearse_load_" "--no-privileges"; do
    check_has "of all it lacks: $what" "$(say)" "$what"
done
my_sql -e "GRANT ALL ON \`rehearse\\_%\`.* TO few@localhost"
check "without grants it is restored" to lowfew --no-owner --no-privileges
check_has "names in bodies are one in any letters" "$(my_sql -e 'SHOW CREATE PROCEDURE lone2.upper')" 'FROM `lone2`.t'
check_status "who may not see all that is to go is told so" 17 to lowfew --no-owner --no-privileges --replace-database lone2
check_has "by what it lacks" "$(say)" "SHOW VIEW, TRIGGER, EVENT on 'lone2'"
my_sql -e "CREATE USER ghost@localhost; GRANT SELECT ON mysql.user TO few@localhost; GRANT ALL ON lone2.* TO few@localhost; GRANT GRANT OPTION ON lone2.* TO few@localhost"
check "with all of them it is replaced" to lowfew --no-owner --replace-database lone2
check_has "with its grants" "$(my_sql -e 'SHOW GRANTS FOR ghost@localhost')" 'ON `lone2`.`t`'
my_sql -e "GRANT SET USER ON *.* TO few@localhost"
check "a routine whose text it may not read is no difference" to lowfew --verify --no-privileges --replace-database lone2 --journal "$T/hidden"
check_has "but told as not compared" "$(cat "$T/hidden")" "PROCEDURE upper: its text is hidden"
my_sql -e "GRANT SELECT ON mysql.proc TO few@localhost"
check "one that it may read is compared" to lowfew --verify --no-privileges --replace-database lone2 --journal "$T/shown"
check_same "without a word" "$(grep -c hidden "$T/shown")" 0
MY_SOCKET=$STAGING STORE=$T/store

# ---- every kind of object, and both engines in one file -------------------------------------------------
pg_start pgsource
pg_sql postgres -c 'CREATE DATABASE notes'
pg_sql notes -c 'CREATE TABLE lines (id int PRIMARY KEY)' -c 'INSERT INTO lines SELECT generate_series(1, 1000)'
src_sql -e 'CREATE DATABASE torture; SET GLOBAL innodb_strict_mode = 0'
sed 's/_to_1[02]0000\b/_to_2000/' tests/e2e/mariadb/torture.sql | src_sql torture >/dev/null || die "the torture schema does not load"
src_sql -e 'DROP VIEW torture.broken'
source_file both torture
pg_line() {
    printf '  - {name: notes, engine: postgresql, host: "%s", port: %s, user: postgres, database: notes}\n' "$PG_SOCKET_DIR" "$PG_PORT"
}
pg_line >>"$T/both.yaml"
STORE=$T/both-store
check "a snapshot of one object of every kind" "$REHEARSE" snapshot --env "$T/both.yaml" --to "$STORE"
pg_start pgstaging
printf 'name: staging\ndatabases:\n  - {name: torture, engine: mariadb, socket: "%s", user: root, database: moved}\n' "$MY_SOCKET" >"$T/two.yaml"
pg_line >>"$T/two.yaml"
my_sql -e "CREATE USER nobody@'%'; GRANT ALL ON *.* TO nobody@'%'"
check "one file names servers of both engines" to two --verify
check_same "PostgreSQL's rows are there" "$(pg_sql notes -c 'SELECT count(*) FROM lines')" 1000
check_same "the dump of every object is that of the source" "$(diff <(dump "$SRC_SOCKET" torture) <(dump "$MY_SOCKET" moved | sed 's/nextval(`moved`/nextval(`torture`/') | cut -c 1-300)" ""
my_sql -e "CREATE TABLE moved.ours (id int PRIMARY KEY); CREATE DATABASE notes; CREATE TABLE notes.t (id int, FOREIGN KEY (id) REFERENCES moved.ours (id))"
check_status "a namesake on another server does not go with it" 18 to two --replace-database moved --replace-database notes
check_has "its foreign keys are told" "$(say)" "table 't' of database 'notes' has a foreign key into 'moved'"
my_sql -e 'DROP DATABASE notes'
check "and so it is when it is replaced" to two --verify --replace-database moved --replace-database notes
check_same "by the same" "$(diff <(dump "$SRC_SOCKET" torture) <(dump "$MY_SOCKET" moved | sed 's/nextval(`moved`/nextval(`torture`/') | cut -c 1-300)" ""
STORE=$T/store

# ---- databases that draw from one another's sequences ------------------------------------------------
src_sql <<SQL || die "cannot make sequences"
CREATE DATABASE draws; CREATE DATABASE gives;
CREATE SEQUENCE draws.own START WITH 7;
$(for n in $(seq 100); do echo "CREATE SEQUENCE gives.s$n START WITH 5;"; done)
CREATE TABLE draws.t (id bigint NOT NULL DEFAULT nextval(gives.s100) PRIMARY KEY, v int); INSERT INTO draws.t (v) VALUES (1), (2);
CREATE TABLE gives.t (id bigint NOT NULL DEFAULT (nextval(draws.own) * 2) PRIMARY KEY, v int); INSERT INTO gives.t (v) VALUES (1), (2);
SQL
source_file pair draws gives
STORE=$T/pair-store
check "a snapshot of two that draw from one another" "$REHEARSE" snapshot --env "$T/pair.yaml" --to "$STORE"
printf 'name: staging\ndatabases:\n  - {name: draws, engine: mariadb, socket: "%s", user: root, database: drawn}\n  - {name: gives, engine: mariadb, socket: "%s", user: root, database: given}\n' "$MY_SOCKET" "$MY_SOCKET" >"$T/pairto.yaml"
drawn() {
    my_sql -e 'INSERT INTO drawn.t (v) VALUES (3); INSERT INTO given.t (v) VALUES (3); SELECT (SELECT max(id) FROM drawn.t) > 6, (SELECT max(id) FROM given.t) > 16, (SELECT sum(v) FROM drawn.t), (SELECT sum(v) FROM given.t)'
}
check_status "one alone has nothing to draw from" 17 to pairto --only mariadb.draws
check_has "it is told what that is" "$(say)" 'sequence '"'"'`given`.`s100`'"'"
check_same "before anything is made" "$(my_sql -e "SHOW DATABASES LIKE 'rehearse%'")" ""
check "both are restored at once" to pairto --verify
check_same "and draw from one another by their new names" "$(drawn)" "$(printf '1\t1\t6\t6')"
check "both are replaced" to pairto --verify --replace-database drawn --replace-database given
check_same "and draw again" "$(drawn)" "$(printf '1\t1\t6\t6')"
check "one alone draws from what is there" to pairto --verify --only mariadb.draws --replace-database drawn
check_same "as before" "$(my_sql -e 'INSERT INTO drawn.t (v) VALUES (3); SELECT max(id) > 6 FROM drawn.t')" 1
my_sql -e 'DROP DATABASE drawn; DROP DATABASE given'
STORE=$T/store

# ---- a box knows definers, too ----------------------------------------------------------------------
BOX=$T/box
E2E_BOXES+=("$BOX")
check "a box maps definers" "$REHEARSE" restore --from "$STORE" --into "$BOX" --verify --start --owner ghost@localhost=boxed@localhost
check_has "of views" "$("$REHEARSE" box exec "$BOX" -- sh -c 'mariadb --no-defaults -u root -S "$BOX_DB_SHOP_SOCKET" -N -e "SELECT definer FROM information_schema.views"')" "boxed@localhost"
check "and so does its proof later" "$REHEARSE" box verify --from "$STORE" "$BOX"
"$REHEARSE" box destroy "$BOX" >/dev/null 2>&1
e2e_end
