#!/bin/bash
# Databases of both engines day after day in encrypted and signed bundles: later days are deltas and
# references by the cache alone, nothing can be read without the secret key, every day comes back, and
# a release is rehearsed on it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin sealed_days
unset REHEARSE_KEY REHEARSE_TRUSTED
shop_production_start "${FACTOR:-0.05}"

STORE=$T/store
CACHE=$T/cache
VAULT=$T/vault # what only those hold who may read
ROWS=${ROWS:-60000}
MARK=4711-nobody-may-read-this
mkdir -m 700 "$VAULT"

key() { # NAME [--signing]: makes $VAULT/NAME.key, sets the variable NAME to the public key
    local name=$1
    shift
    "$REHEARSE" key make "$@" --out "$VAULT/$name.key" >"$T/pub" || die "no key: $(cat "$T/pub")"
    printf -v "$name" %s "$(head -n 1 "$T/pub")"
}
READER=QA
key QA
key SPARE
key LATER
key SIGNER --signing
key FORGER --signing
mv "$VAULT/SIGNER.key" "$VAULT/FORGER.key" "$T/" # the capturing host signs

plain=$T/plain.yaml
cp "$PRODUCTION" "$plain"
sealed() { # RECIPIENTS SIGNER [LINE...]: the environment file with these in 'bundle'
    local to=$1 signer=$2
    shift 2
    { cat "$plain"; printf 'bundle:\n  encrypt_to: [%s]\n  sign_with: %s\n  require_signature: true\n  trusted: ["%s"]\n' \
        "$to" "$T/$signer.key" "$SIGNER"; [ $# -eq 0 ] || printf '  %s\n' "$@"; } >"$PRODUCTION"
}
sealed "\"$QA\", \"$SPARE\"" SIGNER "cache: $CACHE"

TAPE=$T/monday.tape
record() {
    "$REHEARSE" record --env "$PRODUCTION" --to "$TAPE" --duration 60 >"$T/record.out" 2>&1 &
    local recorder=$!
    wait_for 20 grep -q recording "$T/record.out" || return 1
    shop_traffic "${SECONDS_OF_TRAFFIC:-4}" 40 || return 1
    sleep 0.5
    kill -INT "$recorder"
    wait "$recorder"
}
check "traffic is recorded" record
e2e_stop web # so that production stands still while it is compared

tables() {
    pg_sql shop -c "CREATE TABLE ledger (id bigint PRIMARY KEY, state text, note text);
        INSERT INTO ledger SELECT i, 'new', md5('b' || i) || md5('c' || i) || md5('d' || i) FROM generate_series(1, $ROWS) i;
        INSERT INTO ledger VALUES (-1, 'x', '$MARK')" &&
        my_sql catalog -e "CREATE TABLE ledger (id bigint PRIMARY KEY, state varchar(9), note varchar(200));
            INSERT INTO ledger SELECT seq, 'new', concat(md5(concat('b', seq)), md5(concat('c', seq))) FROM seq_1_to_$ROWS;
            INSERT INTO ledger VALUES (-1, 'x', '$MARK')"
}
one_day() { # N: 1.5 % of the rows are others, 1 % are new
    local from=$((ROWS + $1 * ROWS / 100)) new=$((ROWS / 100))
    pg_sql shop -c "UPDATE ledger SET state = 'day$1' WHERE hashint8(id + $1) % 200 IN (0, 1, 2);
        INSERT INTO ledger SELECT i, 'new', md5('b' || i) FROM generate_series($from + 1, $from + $new) i" &&
        my_sql catalog -e "UPDATE ledger SET state = 'day$1' WHERE crc32(id + $1) % 200 IN (0, 1, 2);
            INSERT INTO ledger SELECT seq, 'new', md5(seq) FROM seq_$((from + 1))_to_$((from + new))"
}
rows() { # psql options, --, mariadb options
    local pg=()
    while [ "$1" != -- ]; do pg+=("$1"); shift; done
    shift
    psql -XAtq "${pg[@]}" -d shop -c 'SELECT * FROM ledger ORDER BY id' -c 'SELECT * FROM customers ORDER BY id' &&
        mariadb --no-defaults -BN "$@" catalog -e 'SELECT * FROM ledger ORDER BY id; SELECT * FROM articles ORDER BY id'
}
take() { # DAY [SNAPSHOT OPTIONS]
    local day=$1
    shift
    rows -h "$PG_SOCKET_DIR" -p "$PG_PORT" -U "$PG_ADMIN" -- --socket="$MY_SOCKET" --user=root >"$T/day$day.rows" &&
        "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag "day$day" "$@" >"$T/day$day.out" 2>&1 || { cat "$T/day$day.out"; return 1; }
    "$REHEARSE" bundle show --json --store "$STORE" --key "$VAULT/$READER.key" "day$day" >"$T/day$day.json"
}
told() { jq -r ".config | $2" "$T/day$1.json"; } # DAY FILTER
found() { # TEXT DIRECTORY: whether it stands in any file, as it is or decompressed
    find "$2" -type f -exec sh -c '{ cat "$1"; zstd -dcq "$1" 2>/dev/null; } | grep -qaF -e "$0"' "$1" {} \; -print | grep -q .
}
verify() { "$REHEARSE" bundle verify --store "$STORE" "$@"; }
not() { ! "$@"; }

# ---- days ---------------------------------------------------------------------------------------
check "tables are made" tables
check "day 1" take 1 || die "nothing to build on"
for day in 2 3; do
    check "changes of day $day" one_day $day
    check "day $day" take $day
done
for day in 1 2 3; do
    printf '# day %s: %s bytes new; %s\n' $day "$(told $day .new_bytes)" \
        "$(told $day '"\(.segments) segments, \(.references) referenced, \(.deltas) deltas of \(.delta_bytes) bytes"')"
done
for day in 2 3; do
    check "day $day has deltas" test "$(told $day .deltas)" -gt 2
    check "and references" test "$(told $day .references)" -gt 2
    check "and costs a fraction of the first" test "$(told $day .new_bytes)" -lt $(($(told 1 .new_bytes) / 5))
    check_same "and says nothing of the cache" "$(grep -c cache "$T/day$day.out")" 0
    check "it verifies with a key" verify --key "$VAULT/SPARE.key" --env "$PRODUCTION" "day$day"
done
check_same "the cache is private" "$(stat -c %a "$CACHE" "$CACHE/shop" | sort -u)" 700

# ---- who reads ----------------------------------------------------------------------------------
for text in "$MARK" ledger customers public; do
    check "'$text' is nowhere in the store" not found "$text" "$STORE"
done
check "the search finds what is there: the cache has it" found "$MARK" "$CACHE"
check_status "the host that captures reads no content" 13 verify day3
check_status "nor the second day" 13 "$REHEARSE" restore --from "$STORE" --into "$T/none" day2
check_same "no key of a blob lies in the cache" "$(find "$CACHE" -type f ! -name 'full-*' ! -name 'delta-*' ! -name 'index-*' ! -name 'details-*' | wc -l)" 0
check "without it the host has nothing of other days" sh -c "mv '$CACHE' '$VAULT/cache'; ! grep -rqaF '$MARK' '$STORE'"
mv "$VAULT/cache" "$CACHE"

compare() { # DAY
    local vars box=$T/box$1
    E2E_BOXES+=("$box")
    "$REHEARSE" restore --from "$STORE" --into "$box" --key "$VAULT/QA.key" --env "$PRODUCTION" --no-pristine "day$1" &&
        "$REHEARSE" box start "$box" || return 1
    # shellcheck disable=SC2016
    "$REHEARSE" box exec "$box" -- sh -c 'printf "%s\n" "$BOX_DB_SHOP_HOST" "$BOX_DB_SHOP_PORT" "$BOX_DB_SHOP_USER" \
        "$BOX_DB_CATALOG_SOCKET" "$BOX_DB_CATALOG_USER" "$BOX_DB_SHOP_SOCKET"' >"$T/vars" || return 1
    mapfile -t vars <"$T/vars"
    cmp "$T/day$1.rows" <(rows -h "${vars[5]:-${vars[0]}}" -p "${vars[1]}" -U "${vars[2]}" -- --socket="${vars[3]}" --user="${vars[4]}") &&
        "$REHEARSE" box stop "$box" && "$REHEARSE" box destroy "$box"
}
for day in 1 2 3; do
    check "day $day is restored and its rows are the same" compare $day
done

# ---- signatures ---------------------------------------------------------------------------------
sealed "\"$QA\", \"$SPARE\"" FORGER "cache: $CACHE"
check "somebody else signs" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag forged
sed -i '/sign_with/d' "$PRODUCTION"
check "nobody signs" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag unsigned
for tag in forged unsigned; do
    check_status "verify refuses the $tag one" 13 verify --key "$VAULT/QA.key" --env "$PRODUCTION" $tag
    check_status "and so does restore" 13 "$REHEARSE" restore --from "$STORE" --into "$T/none" --key "$VAULT/QA.key" --env "$PRODUCTION" $tag
    check_status "and restore by the bundle's own file" 13 "$REHEARSE" restore --from "$STORE" --into "$T/none" --key "$VAULT/QA.key" $tag
done

# ---- a rehearsal --------------------------------------------------------------------------------
sealed "\"$QA\", \"$SPARE\"" SIGNER "cache: $CACHE"
E2E_BOXES+=("$T/box")
shop_release 2 "$STORE" day3 "$T/box" "$TAPE"
rehearse_release() {
    "$REHEARSE" run --key "$VAULT/QA.key" --out "$T/out2" "$RELEASE_FILE"
    [ $? -le 2 ] && jq -e .verdict.verdict <("$REHEARSE" report --format json "$T/out2")
}
check "a release is rehearsed on the third day" rehearse_release
check_status "not without the key" 13 "$REHEARSE" run --out "$T/out3" "$RELEASE_FILE"
check "nothing of the key is in the journal" not grep -rqaE 'rehearse1sec:' "$T/out2"

# ---- copies, rotation, gc -----------------------------------------------------------------------
exported() {
    "$REHEARSE" bundle export --store "$STORE" --to "$T/day3.tar" day3 &&
        "$REHEARSE" bundle import --store "$T/copy" "$T/day3.tar" &&
        "$REHEARSE" bundle verify --store "$T/copy" --key "$VAULT/QA.key" --env "$PRODUCTION" day3
}
check "an export without a key is the same bundle" exported
check "it is pushed without a key" "$REHEARSE" bundle push --store "$STORE" --to "$T/pushed" day2 day3
check "and verifies there" "$REHEARSE" bundle verify --store "$T/pushed" --key "$VAULT/QA.key" --env "$PRODUCTION" day2 day3

check "all are rotated to another recipient" "$REHEARSE" key rotate --store "$STORE" --key "$VAULT/QA.key" --to "$LATER" --all
check_status "the old one reads no more" 13 verify --key "$VAULT/QA.key" day3
check "the new one reads what rests on older packs" verify --key "$VAULT/LATER.key" --env "$PRODUCTION" day1 day2 day3
check "changes of day 4" one_day 4
sed -i "s|encrypt_to: .*|encrypt_to: [\"$LATER\"]|" "$PRODUCTION"
READER=LATER
check "day 4 for the new recipient" take 4
check "builds on the rotated one" test "$(told 4 .deltas)" -gt 2
check "and is hers to read" verify --key "$VAULT/LATER.key" --env "$PRODUCTION" day4
check_status "and hers alone" 13 verify --key "$VAULT/QA.key" day4
sed -i "s|encrypt_to: .*|encrypt_to: [\"$LATER\", \"$QA\"]|" "$PRODUCTION"
check "a recipient is added" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag day5
check_has "which begins anew, and is said" "$(cat "$T/out")" "encrypted to other recipients"
check "she reads it" verify --key "$VAULT/QA.key" --env "$PRODUCTION" day5

gc() { "$REHEARSE" bundle gc --store "$STORE" --grace 0 "$@"; }
check "the first days go" "$REHEARSE" bundle rm --store "$STORE" day1 day2 forged unsigned
check "and are swept" sh -c "'$REHEARSE' bundle gc --store '$STORE' --grace 0 && '$REHEARSE' bundle gc --store '$STORE' --grace 0"
check "what rests on their packs stays whole" verify --key "$VAULT/LATER.key" --env "$PRODUCTION" day3 day4

# ---- the cache ----------------------------------------------------------------------------------
chmod 750 "$CACHE"
check_status "a cache that others can read is refused" 14 "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE"
chmod 700 "$CACHE"
find "$CACHE" -type f -name 'full-*' -exec truncate -s -5 {} +
check "changes of day 6" one_day 6
check "a damaged cache is survived" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$STORE" --tag day6
check_has "and told of" "$(cat "$T/out")" "missing or damaged in the cache"
check "day 6 is good" verify --key "$VAULT/QA.key" --env "$PRODUCTION" day6
check "another store is no parent" "$REHEARSE" snapshot --env "$PRODUCTION" --to "$T/second" --tag first
check "but its bundle is good" "$REHEARSE" bundle verify --store "$T/second" --key "$VAULT/QA.key" --env "$PRODUCTION" first
e2e_end
