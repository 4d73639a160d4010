#!/bin/bash
# Who may do what in MariaDB: accounts, roles and grants go there and back where they are asked for,
# and the proof names the one attribute, membership or right that was changed in the box.
. "$(dirname "$0")/lib.sh"
e2e_begin my_accounts
MY_OPTIONS="--plugin-load-add=auth_ed25519 --log-bin-trust-function-creators=1"
my_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")
SECRET=never-captured-4402

my_sql <<SQL || die "cannot make accounts"
CREATE DATABASE first; CREATE DATABASE o_ther; CREATE DATABASE pla_in;
CREATE TABLE first.t (id int PRIMARY KEY, v text, \`c d\` int); USE first; INSERT INTO t SELECT seq, 'v', seq FROM seq_1_to_100;
CREATE TABLE first.\`t\`\`wo\` (id int); CREATE TABLE first.gone (id int); CREATE TABLE o_ther.u (id int);
CREATE PROCEDURE first.p() SELECT 1; CREATE FUNCTION first.f() RETURNS int RETURN 1; CREATE SEQUENCE first.s;
CREATE ROLE reader; CREATE ROLE \`the lead\`; CREATE ROLE idle;
CREATE USER app@localhost IDENTIFIED BY '$SECRET' WITH MAX_QUERIES_PER_HOUR 5000 MAX_USER_CONNECTIONS 30;
CREATE USER \`it's\`@\`10.%\` IDENTIFIED VIA ed25519 USING PASSWORD('$SECRET') OR unix_socket REQUIRE SUBJECT 's''x' AND ISSUER 'i'
    ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 90 DAY;
CREATE USER ed@localhost IDENTIFIED VIA ed25519 USING PASSWORD('$SECRET');
CREATE USER \`\`@\`nowhere\`; CREATE USER old@\`%\` IDENTIFIED BY 'x' REQUIRE X509 PASSWORD EXPIRE NEVER;
ALTER USER old@\`%\` PASSWORD EXPIRE;
CREATE USER \`b\`\`c\`@\`%\` IDENTIFIED BY 'y' REQUIRE CIPHER 'AES';
GRANT reader TO \`the lead\`; GRANT \`the lead\` TO app@localhost WITH ADMIN OPTION; GRANT reader TO old@\`%\`;
SET DEFAULT ROLE \`the lead\` FOR app@localhost;
GRANT RELOAD, PROCESS ON *.* TO app@localhost WITH GRANT OPTION;
GRANT ALL ON first.* TO reader; GRANT SELECT ON \`fir__\`.* TO old@\`%\`; GRANT INSERT ON \`o\_ther\`.* TO old@\`%\`;
GRANT SELECT, INSERT (id, \`c d\`), UPDATE (v) ON first.t TO app@localhost WITH GRANT OPTION;
GRANT SELECT ON first.\`t\`\`wo\` TO \`b\`\`c\`@\`%\`; GRANT SELECT ON first.gone TO app@localhost; DROP TABLE first.gone;
GRANT SELECT, INSERT ON first.s TO app@localhost; GRANT SELECT ON o_ther.u TO app@localhost;
GRANT EXECUTE ON PROCEDURE first.p TO reader; GRANT EXECUTE, ALTER ROUTINE ON FUNCTION first.f TO app@localhost;
GRANT SELECT ON mysql.proc TO app@localhost; GRANT SELECT ON first.t TO PUBLIC;
GRANT PROXY ON app@localhost TO \`b\`\`c\`@\`%\`; GRANT PROXY ON \`\`@\`%\` TO old@\`%\` WITH GRANT OPTION;
CREATE DEFINER=app@localhost VIEW first.v AS SELECT * FROM first.t; CREATE DEFINER=ghost@\`%\` VIEW first.w AS SELECT 1 AS one;
CREATE DEFINER=reader PROCEDURE first.r() SELECT 1;
DELETE FROM mysql.global_priv WHERE user = 'root' AND host <> 'localhost'; DELETE FROM mysql.proxies_priv WHERE user = 'root' AND host <> 'localhost'; FLUSH PRIVILEGES; CREATE USER root@127.0.0.1 IDENTIFIED BY '$SECRET-root' WITH MAX_USER_CONNECTIONS 7;
GRANT SELECT, PROCESS ON *.* TO root@127.0.0.1; GRANT INSERT ON first.t TO root@127.0.0.1; CREATE DEFINER=root@127.0.0.1 VIEW first.of_root AS SELECT count(*) AS c FROM first.t;
GRANT SELECT ON first.* TO \`\`@\`nowhere\`; CREATE USER n1@db2, n2@db2, n3@db2, n4@db2, n5@db2, n6@db2; CREATE USER named@db1; GRANT SELECT ON first.* TO named@db1; CREATE DEFINER=named@db1 VIEW first.n AS SELECT count(*) AS c FROM first.t;
SQL
environment() { # ACCOUNTS [more]: of the database's entry; of the file
    printf 'name: prod\ndatabases:\n  - {name: db, engine: mariadb, socket: "%s", user: root, database: first%s}\n%s' \
        "$MY_SOCKET" "${1:+, accounts: $1}" "${2:-}" >"$T/env.yaml"
}
WITH_PLUGIN=$'box:\n  mariadb: {plugin_load_add: auth_ed25519}\n'
in_box() {
    mariadb --no-defaults --batch --raw --skip-column-names --default-character-set=utf8mb4 --user=root --socket="$BOX_SOCKET" "$@"
}
restore() { # [options]
    "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --start --journal "$T/journal" "$@" || return
    BOX_SOCKET=$("$REHEARSE" box show --json "$BOX" | jq -r '.servers[0].socket')
}
verify() { # [options]
    "$REHEARSE" box verify --from "$STORE" "$@" "$BOX"
}
# finds NAME DAMAGE MEND WORDS: this one difference, and none when it is mended.
finds() {
    in_box -e "$2" || die "$2"
    check_status "$1: found" 23 verify
    check_same "$1: named, and nothing else" "$(grep -c '^  differs' "$T/out") $(grep '^  differs' "$T/out" | sed 's/^  differs *//')" "1 $4"
    in_box -e "$3" || die "$3"
}

environment true
check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag whole --journal "$T/journal"
check_status "a plugin that the box lacks is told first" 17 restore
check_has "with the mend" "$(cat "$T/out")" "put 'plugin_load_add: auth_ed25519.so' into box.mariadb of the environment file"
rm -rf "$BOX"
environment true "$WITH_PLUGIN"
check "with it a restore proves itself" restore --env "$T/env.yaml" --verify || die "no box"
check_has "what rests on another server's names is told" "$(cat "$T/out")" 'account `ghost`@`%`'
check_has "and an account whose host is a name, since things run as it" "$(cat "$T/out")" 'account `named`@`db1`'"' why='its host is a name, which a box\'s server does not resolve: nobody can be it, and what runs as it fails"
check_has "others are told together" "$(cat "$T/out")" "what='7 accounts: "'``@`nowhere`, `n1`@`db2`, `n2`@`db2`, `n3`@`db2`, `n4`@`db2` and 2 more'"' why='the host is a name, which a box\'s server does not resolve: nobody can log in"
check_same "each in one line" "$(grep -c "does not resolve" "$T/out")" 2
check_status "nothing can run as it" 1 in_box -e "SELECT * FROM first.n"
check_same "the password is what it was" "$(mariadb --no-defaults -u app -p"$SECRET" --socket="$BOX_SOCKET" -BN -e 'SELECT current_user()' 2>&1)" app@localhost

finds "another password" "SET PASSWORD FOR app@localhost = PASSWORD('unseen-1')" "SET PASSWORD FOR app@localhost = PASSWORD('$SECRET')" 'account `app`@`localhost`: password or plugin: changed'
finds "another plugin" "ALTER USER \`b\`\`c\`@\`%\` IDENTIFIED VIA unix_socket" "ALTER USER \`b\`\`c\`@\`%\` IDENTIFIED BY 'y'" 'account `b``c`@`%`: password or plugin: changed'
finds "a lock" "ALTER USER app@localhost ACCOUNT LOCK" "ALTER USER app@localhost ACCOUNT UNLOCK" 'account `app`@`localhost`: locked: changed, from [no] to [yes]'
finds "a lock that is gone" "ALTER USER \`it's\`@\`10.%\` ACCOUNT UNLOCK" "ALTER USER \`it's\`@\`10.%\` ACCOUNT LOCK" "account \`it's\`@\`10.%\`: locked: changed, from [yes] to [no]"
finds "what TLS must be" "ALTER USER old@\`%\` REQUIRE SSL" "ALTER USER old@\`%\` REQUIRE X509" 'account `old`@`%`: REQUIRE: changed, from [REQUIRE X509] to [REQUIRE SSL]'
finds "a limit" "ALTER USER app@localhost WITH MAX_USER_CONNECTIONS 31" "ALTER USER app@localhost WITH MAX_USER_CONNECTIONS 30" 'account `app`@`localhost`: MAX_USER_CONNECTIONS: changed, from [30] to [31]'
finds "a limit that was none" "ALTER USER app@localhost WITH MAX_UPDATES_PER_HOUR 9" "ALTER USER app@localhost WITH MAX_UPDATES_PER_HOUR 0" 'account `app`@`localhost`: MAX_UPDATES_PER_HOUR: extra'
finds "an expired password" "ALTER USER app@localhost PASSWORD EXPIRE" "SET PASSWORD FOR app@localhost = PASSWORD('$SECRET')" 'account `app`@`localhost`: its password has expired: changed, from [no] to [yes]'
finds "when a password expires" "ALTER USER \`it's\`@\`10.%\` PASSWORD EXPIRE INTERVAL 91 DAY" "ALTER USER \`it's\`@\`10.%\` PASSWORD EXPIRE INTERVAL 90 DAY" "account \`it's\`@\`10.%\`: its password expires: changed, from [INTERVAL 90 DAY] to [INTERVAL 91 DAY]"
finds "an account too many" "CREATE USER stranger@\`%\`; GRANT SELECT ON first.* TO stranger@\`%\`" "DROP USER stranger@\`%\`" 'account `stranger`@`%`: extra'
finds "a role too many" "CREATE ROLE strangers" "DROP ROLE strangers" 'role `strangers`: extra'
finds "a role that is gone" "DROP ROLE idle" "CREATE ROLE idle" 'role `idle`: missing'
finds "a membership" "REVOKE reader FROM old@\`%\`" "GRANT reader TO old@\`%\`" 'account `old`@`%`: member of `reader`: missing'
finds "a role's membership" "GRANT idle TO reader" "REVOKE idle FROM reader" 'role `reader`: member of `idle`: extra'
finds "the option of one" "REVOKE ADMIN OPTION FOR \`the lead\` FROM app@localhost" "GRANT \`the lead\` TO app@localhost WITH ADMIN OPTION" 'account `app`@`localhost`: member of `the lead`: changed, from [WITH ADMIN OPTION] to []'
finds "a default role" "SET DEFAULT ROLE NONE FOR app@localhost" "SET DEFAULT ROLE \`the lead\` FOR app@localhost" 'account `app`@`localhost`: default role: missing'
finds "a right on the server" "GRANT FILE ON *.* TO app@localhost" "REVOKE FILE ON *.* FROM app@localhost" 'account `app`@`localhost`: rights on *.*: changed, from [RELOAD, PROCESS WITH GRANT OPTION] to [RELOAD, PROCESS, FILE WITH GRANT OPTION]'
finds "a right on a database" "REVOKE SELECT ON \`fir__\`.* FROM old@\`%\`" "GRANT SELECT ON \`fir__\`.* TO old@\`%\`" 'account `old`@`%`: rights on `fir__`.*: missing'
finds "one right of all" "REVOKE DROP ON first.* FROM reader" "GRANT ALL ON first.* TO reader" 'role `reader`: rights on `first`.*: changed, from [ALL PRIVILEGES] to [SELECT, INSERT, UPDATE, DELETE, CREATE, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, DELETE HISTORY]'
finds "a right on a column" "REVOKE INSERT (\`c d\`) ON first.t FROM app@localhost" "GRANT INSERT (\`c d\`) ON first.t TO app@localhost" 'account `app`@`localhost`: rights on `first`.`t`: changed, from [SELECT, INSERT (`c d`, `id`), UPDATE (`v`) WITH GRANT OPTION] to [SELECT, INSERT (`id`), UPDATE (`v`) WITH GRANT OPTION]'
finds "a grant option" "REVOKE GRANT OPTION ON first.t FROM app@localhost" "GRANT SELECT ON first.t TO app@localhost WITH GRANT OPTION" 'account `app`@`localhost`: rights on `first`.`t`: changed, from [SELECT, INSERT (`c d`, `id`), UPDATE (`v`) WITH GRANT OPTION] to [SELECT, INSERT (`c d`, `id`), UPDATE (`v`)]'
finds "a right on a function" "REVOKE ALTER ROUTINE ON FUNCTION first.f FROM app@localhost" "GRANT ALTER ROUTINE ON FUNCTION first.f TO app@localhost" 'account `app`@`localhost`: rights on FUNCTION `first`.`f`: changed, from [EXECUTE, ALTER ROUTINE] to [EXECUTE]'
finds "a right of everybody" "GRANT INSERT ON first.t TO PUBLIC" "REVOKE INSERT ON first.t FROM PUBLIC" 'everybody: rights on `first`.`t`: changed, from [SELECT] to [SELECT, INSERT]'
finds "a proxy" "REVOKE PROXY ON app@localhost FROM \`b\`\`c\`@\`%\`" "GRANT PROXY ON app@localhost TO \`b\`\`c\`@\`%\`" 'account `b``c`@`%`: proxy for `app`@`localhost`: missing'
check "what was granted again is the same" verify

# ---- secrets -------------------------------------------------------------------------------------
# What the server keeps of passwords, and the passwords.
my_sql -e "SELECT coalesce(json_value(priv, '\$.authentication_string'), ''), coalesce(json_value(priv, '\$.auth_or[0].authentication_string'), '') FROM mysql.global_priv" |
    tr '\t' '\n' | grep -E '.{20}' | sort -u >"$T/secrets"
echo "$SECRET" >>"$T/secrets"
echo unseen- >>"$T/secrets"
check_same "there are some" "$(wc -l <"$T/secrets")" 7
cp "$T/out" "$T/said"
check "bundle show" "$REHEARSE" bundle show --store "$STORE" --json latest
cat "$T/out" >>"$T/said"
check_status "none is in output, journal or box.json" 1 grep -F -f "$T/secrets" "$T/said" "$T/journal" "$BOX/box.json"

# ---- without hashes, without grants, without accounts ---------------------------------------------
environment without-passwords "$WITH_PLUGIN"
check "a snapshot without hashes" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag locked
check_has "what is left out is named" "$(cat "$T/out")" "password hashes of the accounts of db: not asked for; the accounts that have one are locked where they are restored"
check_status "bundle diff tells that accounts changed" 0 "$REHEARSE" bundle diff --store "$STORE" whole locked
check_has "by the name of the text" "$(cat "$T/out")" accounts.sql
cp "$T/out" "$T/said"
check_status "and no hash" 1 grep -F -f "$T/secrets" "$T/said"
everything_in() { # of a bundle's texts
    local file=$T/$1.tar
    rm -rf "$T/x" "$file"
    mkdir "$T/x"
    "$REHEARSE" bundle export --store "$STORE" --to "$file" "$1" && tar -C "$T/x" -xf "$file" &&
        cut -f3- "$T/x/segments.tsv" | while IFS=$'\t' read -r file offset bytes; do
            tail -c +$((offset + 1)) "$T/x/$file" | head -c "$bytes" | zstd -dcq
        done >"$T/x/all"
}
check "all texts of it are read" everything_in locked
check_status "no hash is in it" 1 grep -aF -f "$T/secrets" "$T/x/all"
check "a restore of it proves itself" restore --env "$T/env.yaml" --verify locked
check_same "accounts with a password are locked, others are not" \
    "$(in_box -e "SELECT group_concat(user, '=', coalesce(json_value(priv, '\$.account_locked'), 0) ORDER BY user) FROM mysql.global_priv WHERE user IN ('app', 'b\`c', 'old', 'it\\'s', '')")" \
    "=0,app=1,b\`c=1,it's=1,old=1"
check_status "nobody comes in" 1 mariadb --no-defaults -u app -p"$SECRET" --socket="$BOX_SOCKET" -e 'SELECT 1'
check "an account that is unlocked" in_box -e "ALTER USER app@localhost ACCOUNT UNLOCK"
check_status "has no password" 1 mariadb --no-defaults -u app --socket="$BOX_SOCKET" -e 'SELECT 1'
check "nor has one of another plugin" in_box -e "ALTER USER ed@localhost ACCOUNT UNLOCK"
check_status "which is not asked with an empty one" 1 mariadb --no-defaults -u ed --socket="$BOX_SOCKET" -e 'SELECT 1'
check_has "but has none that opens it" "$(in_box -e 'SHOW CREATE USER ed@localhost')" "invalid"
check "a restore without grants proves itself" restore --env "$T/env.yaml" --verify --no-privileges locked
check_same "memberships are there, grants are not" "$(in_box -e 'SHOW GRANTS FOR app@localhost' | cut -d' ' -f1-6 | sort)" \
    "$(printf '%s\n' "GRANT USAGE ON *.* TO \`app\`@\`localhost\`" "GRANT \`the lead\` TO \`app\`@\`localhost\` WITH" "SET DEFAULT ROLE \`the lead\` FOR" | cut -d' ' -f1-6 | sort)"
check "a table alone" restore --env "$T/env.yaml" --verify --only mariadb.db/t locked
check_same "has the grants on it" "$(in_box -e "SELECT group_concat(DISTINCT table_name) FROM mysql.tables_priv WHERE db = 'first'")" t

environment ""
check "a snapshot without accounts" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag none
check_has "says so" "$(cat "$T/out")" "accounts and grants of db: not asked for ('accounts' in the environment file)"
check "a restore of it proves itself" restore --verify none
check_has "who objects run as is made locked" "$(cat "$T/out")" 'what='"'"'account `app`@`localhost`'"'"' why='"'"'objects run as it and the bundle does not hold it: made locked'
check_same "an account and a role" "$(in_box -e "SELECT group_concat(user, '@', host, is_role ORDER BY user) FROM mysql.user WHERE user IN ('app', 'reader')")" "app@localhostN,reader@Y"
check_same "and can be it" "$(in_box first -e 'SELECT count(*) FROM v')" 100
roots() {
    in_box -e "SELECT group_concat(host ORDER BY host) FROM mysql.user WHERE user = 'root'"
}
check_same "root comes the two ways that its user has" "$(roots)" 127.0.0.1,localhost
sed -i 's/user: root/user: ops/' "$T/env.yaml"
check "a restore for another user" restore --env "$T/env.yaml" --no-owner none
check_same "root comes over the socket alone" "$(roots)" localhost
check_same "nobody comes without a password but over the socket" "$(in_box -e "SELECT count(*) FROM mysql.global_priv WHERE host <> 'localhost' AND coalesce(json_value(priv, '\$.authentication_string'), '') = '' AND NOT coalesce(json_value(priv, '\$.account_locked'), 0) AND NOT coalesce(json_value(priv, '\$.is_role'), 0)")" 0

# Two databases of one server, accounts asked for at one of them.
my_sql pla_in -e "CREATE TABLE t (id int); CREATE DEFINER=app@localhost VIEW v AS SELECT * FROM t; CREATE DEFINER=ghost@\`%\` TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @x = 1"
environment "" "  - {name: plain, engine: mariadb, socket: \"$MY_SOCKET\", user: root, database: pla_in}"$'\n'"$WITH_PLUGIN"
sed -i 's/database: first/database: first, accounts: true/' "$T/env.yaml"
check "a snapshot of two databases" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --tag two
sed -i 's/user: root/user: ops/' "$T/env.yaml"
# An installer that takes no file of one's own, as before 10.9, gives the option to the server.
sed '/--extra-file=\*)/,+1d' /usr/bin/mariadb-install-db >"$T/install" && chmod 755 "$T/install"
if unshare --mount mount --bind "$T/install" /usr/bin/mariadb-install-db 2>/dev/null; then
    cat >"$T/older" <<'END'
mount --bind "$1" /usr/bin/mariadb-install-db && shift && exec "$@"
END
    check "an older installer makes a box, too" unshare --mount bash "$T/older" "$T/install" \
        "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --replace --env "$T/env.yaml" two
else
    skipped "an older installer of MariaDB: nothing can be mounted here"
fi
check "a restore of them proves itself" restore --env "$T/env.yaml" --verify two
over_tcp() { # USER [PASSWORD]
    mariadb --no-defaults -u "$1" ${2:+-p"$2"} -h 127.0.0.1 -P "$("$REHEARSE" box show --json "$BOX" | jq -r '.servers[0].port')" -BN -e 'SELECT 1'
}
check "over TCP its user comes in" over_tcp ops "$("$REHEARSE" box exec "$BOX" -- sh -c 'echo "$BOX_DB_DB_PASSWORD"')"
check_status "not without the password" 1 over_tcp ops
check_status "nor does root" 1 over_tcp root
check_has "as nobody else would" "$(cat "$T/out")" "Access denied for user 'root'@'127.0.0.1'"
check "production's root of that way is there" over_tcp root "$SECRET-root"
check_same "with the rights that it has, and no others" "$(in_box -e 'SHOW GRANTS FOR root@127.0.0.1' | sed 's/ IDENTIFIED.*WITH/ WITH/')" \
    "GRANT SELECT, PROCESS ON *.* TO \`root\`@\`127.0.0.1\` WITH MAX_USER_CONNECTIONS 7"$'\n'"GRANT INSERT ON \`first\`.\`t\` TO \`root\`@\`127.0.0.1\`"
check_same "what runs as it runs" "$(in_box first -e 'SELECT c FROM of_root')" 100
check "the box is stopped" "$REHEARSE" box stop "$BOX"
check "and started" "$REHEARSE" box start "$BOX"
check "it is there yet" over_tcp root "$SECRET-root"
check "and all else" verify
check_same "an account that one brings is not made for the other" "$(in_box -e "SHOW GRANTS FOR app@localhost" | grep -c pla)" 0
check_same "and keeps its password" "$(mariadb --no-defaults -u app -p"$SECRET" --socket="$BOX_SOCKET" -BN -e 'SELECT 1')" 1
check_same "who nobody brings can do what runs as it" "$(in_box -e "SHOW GRANTS FOR ghost@\`%\`" | grep -c 'ALL PRIVILEGES ON')" 2
check_has "and in no database whose name is like it" "$(in_box -e "SHOW GRANTS FOR ghost@\`%\`")" 'ON `pla\_in`.*'

# ---- what is refused -----------------------------------------------------------------------------
environment yes
check_status "another word is refused" 11 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
check_has "with those that there are" "$(cat "$T/out")" "'accounts' cannot be 'yes' (hint: true, without-passwords or false)"
my_sql -e "CREATE USER limited@localhost; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON first.* TO limited@localhost; GRANT RELOAD ON *.* TO limited@localhost; GRANT SELECT ON mysql.proc TO limited@localhost"
environment true
sed -i 's/user: root/user: limited/' "$T/env.yaml"
check_status "an account that sees no others is refused" 14 "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE"
check_has "with the mend" "$(cat "$T/out")" "GRANT SELECT ON mysql.* to it, or leave 'accounts' out"
e2e_end
