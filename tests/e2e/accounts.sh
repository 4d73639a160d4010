#!/bin/bash
# Who may do what: roles and what is set for a database as a whole go there and back, and the proof
# names the one attribute, setting, membership or right that was changed in the box.
. "$(dirname "$0")/lib.sh"
e2e_begin accounts
pg_start
STORE=$T/store
BOX=$T/box
E2E_BOXES+=("$BOX")
SECRET=never-captured-4402

pg_sql postgres <<SQL >/dev/null || die "cannot make roles"
CREATE ROLE lead NOLOGIN;
CREATE ROLE "App user" LOGIN CONNECTION LIMIT 5 PASSWORD '$SECRET' VALID UNTIL '2031-01-01';
CREATE ROLE reader NOLOGIN NOINHERIT;
CREATE ROLE connects LOGIN SUPERUSER;
GRANT reader TO "App user" WITH ADMIN OPTION;
GRANT pg_read_all_data TO reader;
GRANT reader TO lead;
COMMENT ON ROLE reader IS 'reads; nothing: "else"';
ALTER ROLE "App user" SET search_path TO a, "B c";
ALTER ROLE reader SET "app.token" TO 'unseen-1';
ALTER ROLE ALL SET statement_timeout TO '77min';
ALTER ROLE ALL SET default_transaction_read_only TO on;
GRANT SET ON PARAMETER log_statement TO reader WITH GRANT OPTION;
SET default_transaction_read_only TO off;
CREATE DATABASE first OWNER lead CONNECTION LIMIT 9 TEMPLATE template0 LOCALE 'C';
CREATE DATABASE "Second one";
ALTER DATABASE first SET work_mem TO '5MB';
ALTER ROLE "App user" IN DATABASE first SET work_mem TO '6MB';
COMMENT ON DATABASE first IS 'unseen-2';
REVOKE ALL ON DATABASE first FROM PUBLIC;
GRANT CONNECT ON DATABASE first TO reader WITH GRANT OPTION;
SQL
export PGOPTIONS='-c default_transaction_read_only=off'
pg_sql first <<'SQL' >/dev/null || die "cannot fill"
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 100) g;
ALTER DEFAULT PRIVILEGES FOR ROLE lead IN SCHEMA public GRANT SELECT ON TABLES TO reader;
GRANT SELECT, UPDATE (v, id), REFERENCES (v) ON t TO reader;
SQL
pg_sql "Second one" -c 'CREATE TABLE u (id int)'

cat >"$T/env.yaml" <<YAML
name: prod
databases:
  - {name: first, engine: postgresql, host: "$PG_SOCKET_DIR", port: $PG_PORT, user: connects, database: first}
  - {name: second, engine: postgresql, host: "$PG_SOCKET_DIR", port: $PG_PORT, user: postgres, database: Second one}
YAML
verify() { # [options]
    "$REHEARSE" box verify --from "$STORE" --journal "$T/verified" "$@" "$BOX"
}
box_pg() { # DATABASE STATEMENT...
    local database=$1 host port statement
    shift
    read -r host port < <("$REHEARSE" box show --json "$BOX" | jq -r '.servers[0] | "\(.socket) \(.port)"')
    for statement; do
        PGOPTIONS='-c default_transaction_read_only=off' psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$host" -p "$port" -U postgres -c "$statement" "$database" || die "$statement"
    done
}
# finds NAME DATABASE DAMAGE MEND WORDS: this one difference, and none when it is mended.
finds() {
    box_pg "$2" "$3"
    check_status "$1: found" 23 verify
    cat "$T/out" >>"$T/said"
    check_same "$1: named, and nothing else" "$(grep -c '^  differs' "$T/out") $(grep '^  differs' "$T/out" | sed 's/^  differs *//')" "1 $5"
    box_pg "$2" "$4"
}

check "a snapshot is taken" "$REHEARSE" snapshot --env "$T/env.yaml" --to "$STORE" --journal "$T/journal"
check "a restore proves itself" "$REHEARSE" restore --from "$STORE" --into "$BOX" --no-pristine --verify --start --journal "$T/journal" ||
    jq -c 'select(.event == "restore.proof") | .listed[]' "$T/journal"
check_same "a setting of all roles is there" "$(box_pg postgres 'SHOW statement_timeout')" 77min
globals() {
    pg_dumpall "$@" --globals-only --no-role-passwords | grep -vE '^-- |restrict '
}
read -r host port < <("$REHEARSE" box show --json "$BOX" | jq -r '.servers[0] | "\(.socket) \(.port)"')
check_same "pg_dumpall says the same of both servers" "$(globals -h "$host" -p "$port" -U postgres)" "$(globals -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U postgres)"
check "one database alone is the same" verify --only postgresql.second

finds "an attribute" postgres 'ALTER ROLE reader LOGIN' 'ALTER ROLE reader NOLOGIN' 'role reader: LOGIN: changed, from [no] to [yes]'
finds "a limit" postgres 'ALTER ROLE "App user" CONNECTION LIMIT 6' 'ALTER ROLE "App user" CONNECTION LIMIT 5' 'role "App user": CONNECTION LIMIT: changed, from [5] to [6]'
finds "a limit that was none" postgres 'ALTER ROLE reader CONNECTION LIMIT 0' 'ALTER ROLE reader CONNECTION LIMIT -1' 'role reader: CONNECTION LIMIT: changed, from [-1] to [0]'
finds "an end of validity" postgres "ALTER ROLE \"App user\" VALID UNTIL '2031-01-02'" "ALTER ROLE \"App user\" VALID UNTIL '2031-01-01'" "role \"App user\": VALID UNTIL: changed, from ['2031-01-01 00:00:00+00'] to ['2031-01-02 00:00:00+00']"
finds "a membership" postgres 'REVOKE reader FROM lead' 'GRANT reader TO lead' 'role lead: member of reader: missing'
finds "the option of one" postgres 'REVOKE ADMIN OPTION FOR reader FROM "App user"' 'GRANT reader TO "App user" WITH ADMIN OPTION' 'role "App user": member of reader: changed, from [WITH ADMIN OPTION] to []'
finds "a membership too many" postgres 'GRANT pg_monitor TO reader' 'REVOKE pg_monitor FROM reader' 'role reader: member of pg_monitor: extra'
finds "a role too many" postgres 'CREATE ROLE stranger LOGIN CONNECTION LIMIT 3' 'DROP ROLE stranger' 'role stranger: extra'
finds "a setting of a role" postgres "ALTER ROLE reader SET \"app.token\" TO 'unseen-3'" "ALTER ROLE reader SET \"app.token\" TO 'unseen-1'" 'role reader: setting "app.token": changed'
finds "a setting that is a list" postgres 'ALTER ROLE "App user" SET search_path TO a, b, c' 'ALTER ROLE "App user" SET search_path TO a, "B c"' 'role "App user": setting search_path: changed'
finds "a comment" postgres "COMMENT ON ROLE reader IS 'unseen-4'" "COMMENT ON ROLE reader IS 'reads; nothing: \"else\"'" 'role reader: comment: changed'
finds "a setting of all roles" postgres "ALTER ROLE ALL RESET statement_timeout" "ALTER ROLE ALL SET statement_timeout TO '77min'" 'all roles: setting statement_timeout: missing'
finds "a right on a parameter" postgres 'REVOKE GRANT OPTION FOR SET ON PARAMETER log_statement FROM reader' 'GRANT SET ON PARAMETER log_statement TO reader WITH GRANT OPTION' 'parameter log_statement: right SET of reader: changed, from [WITH GRANT OPTION] to []'
finds "a setting of a database" first "ALTER DATABASE first SET work_mem TO '7MB'" "ALTER DATABASE first SET work_mem TO '5MB'" 'the database: setting work_mem: changed'
finds "a setting of a role in it" first 'ALTER ROLE "App user" IN DATABASE first RESET work_mem' "ALTER ROLE \"App user\" IN DATABASE first SET work_mem TO '6MB'" 'the database: of role "App user": setting work_mem: missing'
finds "a database's owner" first 'ALTER DATABASE first OWNER TO "App user"; GRANT CREATE, TEMPORARY ON DATABASE first TO lead; REVOKE TEMPORARY ON DATABASE first FROM "App user"; GRANT CONNECT ON DATABASE first TO lead; REVOKE ALL ON DATABASE first FROM "App user"' 'GRANT ALL ON DATABASE first TO "App user"; REVOKE ALL ON DATABASE first FROM lead; ALTER DATABASE first OWNER TO lead' 'the database: owner: changed, from [lead] to ["App user"]'
finds "a database's limit" first 'ALTER DATABASE first CONNECTION LIMIT -1' 'ALTER DATABASE first CONNECTION LIMIT 9' 'the database: CONNECTION LIMIT: changed, from [9] to [-1]'
finds "a database as a template" first 'ALTER DATABASE first IS_TEMPLATE true' 'ALTER DATABASE first IS_TEMPLATE false' 'the database: IS_TEMPLATE: changed, from [false] to [true]'
finds "a database's comment" first 'COMMENT ON DATABASE first IS NULL' "COMMENT ON DATABASE first IS 'unseen-2'" 'the database: comment: missing'
finds "a right on a database" first 'GRANT TEMPORARY ON DATABASE first TO reader' 'REVOKE TEMPORARY ON DATABASE first FROM reader' 'the database: right TEMPORARY of reader: extra'
finds "a right that a new one has" "Second one" 'REVOKE CONNECT ON DATABASE "Second one" FROM PUBLIC' 'GRANT CONNECT ON DATABASE "Second one" TO PUBLIC' 'the database: right CONNECT of PUBLIC: missing'
check "what was granted again is the same" verify
finds "a default privilege" first 'ALTER DEFAULT PRIVILEGES FOR ROLE lead IN SCHEMA public GRANT INSERT ON TABLES TO reader' 'ALTER DEFAULT PRIVILEGES FOR ROLE lead IN SCHEMA public REVOKE INSERT ON TABLES FROM reader' 'schema: ALTER DEFAULT PRIVILEGES FOR ROLE lead IN SCHEMA public GRANT INSERT ON TABLES TO reader: extra'
finds "a right on a column" first 'REVOKE UPDATE (id) ON t FROM reader' 'GRANT UPDATE (id) ON t TO reader' 'schema: GRANT UPDATE(id) ON TABLE public.t TO reader: missing'
finds "a right on a table" first 'GRANT DELETE ON t TO reader' 'REVOKE DELETE ON t FROM reader' 'schema: GRANT DELETE ON TABLE public.t TO reader: extra'

# Nothing was written: the encoding and locale of a database are as they were made.
box_pg postgres 'ALTER DATABASE "Second one" RENAME TO gone'
box_pg postgres 'CREATE DATABASE "Second one" TEMPLATE template0 ENCODING SQL_ASCII LOCALE "C"'
box_pg "Second one" 'CREATE TABLE u (id int)'
check_status "another encoding and locale: found" 23 verify --only postgresql.second
check_has "the encoding is named" "$(cat "$T/out")" "the database: ENCODING: changed, from ['UTF8'] to ['SQL_ASCII']"
check_has "and the locale" "$(cat "$T/out")" "the database: LC_CTYPE: changed, from ['C.UTF-8'] to ['C']"
cat "$T/out" >>"$T/said"
for what in 'setting "app.token": changed' 'comment: changed'; do
    check "said of what is not shown: $what" grep -qF "$what" "$T/said"
done
for file in said verified journal; do
    check "there is something in '$file'" test -s "$T/$file"
    check_status "no value of a setting or comment is shown in it" 1 grep -qF -e unseen- -e "$SECRET" "$T/$file"
done
e2e_end
