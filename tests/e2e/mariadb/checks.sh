# What a source is asked for whether MariaDB or MySQL serves it: rights one by one, locks and DDL of
# others. Sourced behind lib.sh; ENV is the environment's file, STORE the store.
# shellcheck shell=bash disable=SC2034,SC2153

snapshot() {
    "$REHEARSE" snapshot --env "$ENV" --to "$STORE" "$@"
}

refused() { # NAME STATUS WORDS
    check_status "$1" "$2" snapshot && check_has "$1: the mend is named" "$(cat "$T/out")" "$3"
}

# limited@localhost, who may SELECT ON torture.* and is in ENV, gets what is asked for, and no more.
check_rights() { # WORDS of the first mend
    refused "no SHOW VIEW, TRIGGER, EVENT" 14 "$1"
    my_sql -e "GRANT SHOW VIEW, TRIGGER, EVENT ON torture.* TO limited@localhost"
    refused "hidden routines" 14 "mysql.proc"
    my_sql -e "GRANT SELECT ON mysql.proc TO limited@localhost"
    refused "no RELOAD" 14 "GRANT RELOAD"
    my_sql -e "GRANT RELOAD ON *.* TO limited@localhost"
    refused "no LOCK TABLES" 14 "LOCK TABLES"
    my_sql -e "GRANT LOCK TABLES ON torture.* TO limited@localhost"
    check "the rights that were asked for are enough" snapshot
}

sleeps() {
    test "$(my_sql -e "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%'")" = 1
}

hold() { # SECONDS STATEMENT: runs it in the background, as HOLDER, and waits until it holds
    my_sql torture -e "$2; SELECT sleep($1)" >/dev/null &
    HOLDER=$!
    wait_for 10 sleeps || die "no lock is held"
}

# DDL of others is neither held up nor overlooked: here between the instant and the end.
alter_meanwhile() {
    local out=$T/altered pid status
    snapshot >"$out" 2>&1 &
    pid=$!
    while kill -0 $pid 2>/dev/null; do # also when it takes long until its instant
        my_sql torture -e "ALTER TABLE bigstr COMMENT = '$RANDOM$RANDOM'" 2>/dev/null
    done
    wait $pid
    status=$?
    cat "$out"
    [ $status -eq 20 ] && grep -q bigstr "$out"
}
