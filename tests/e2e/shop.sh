#!/usr/bin/env bash
# The demo shop itself: a fixture that does not work proves nothing about what is tested on it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin shop
shop_production_start "${FACTOR:-0.25}"

JAR=$T/cookies
# call METHOD PATH [JSON]: the body in $BODY, the status in $STATUS, the headers in $HEADERS.
call() {
    local data=()
    [ $# -lt 3 ] || data=(-H 'Content-Type: application/json' --data "$3")
    STATUS=$(curl -sS -m 10 -b "$JAR" -c "$JAR" -X "$1" "${data[@]}" -D "$T/headers" \
        -o "$T/body" -w '%{http_code}' "$SHOP_URL$2")
    BODY=$(cat "$T/body")
    HEADERS=$(tr -d '\r' <"$T/headers")
}

expect() { # NAME STATUS METHOD PATH [JSON]
    local name=$1 status=$2
    shift 2
    call "$@"
    check_same "$name" "$STATUS" "$status"
}

# ---- pages ----
expect "the home page is served" 200 GET /
check_has "it lists categories" "$BODY" '<a href="/categories/kitchen">Küche</a>'
check_has "it lists articles" "$BODY" '<li><a href="/articles/'
check_has "it says it is HTML" "$HEADERS" 'text/html; charset=utf-8'
check_has "it comes in chunks" "$HEADERS" 'Transfer-Encoding: chunked'
check_has "HEAD is answered" "$(curl -sSI "$SHOP_URL/")" '200 OK'
expect "the categories are served" 200 GET /categories
check_has "names are escaped" "$BODY" 'Desk &lt;small&gt;'
expect "a category is served" 200 GET '/categories/kitchen?page=2'
check_has "it is cut into pages" "$BODY" 'page 2 of'
expect "an article is served" 200 GET /articles/1
check_has "with reviews" "$BODY" '<article class="review">'
check_has "and escaped text" "$BODY" '&#39;'
case $BODY in *'{{'*) not_ok "no tag is left in a page" ;; *) ok "no tag is left in a page" ;; esac
expect "a static file is served" 200 GET /static/shop.css
check_has "as what it is" "$HEADERS" 'text/css'
expect "no static file outside the folder" 404 GET '/static/..%2f..%2fconfig%2fshop.conf'
expect "an unknown page is 404" 404 GET /nothing
expect "an unknown article is 404" 404 GET /articles/999999
expect "an absurd article is 404" 404 GET /api/articles/99999999999999999999
expect "a wrong method is 405" 405 POST /categories '{}'

# ---- the API ----
expect "articles are listed" 200 GET '/api/articles?category=light&page=1'
check_has "with prices as text" "$BODY" '"price":"'
FIRST=$(grep -o '"id":[0-9]*' <<<"$BODY" | head -n 1 | cut -d: -f2)
SECOND=$(grep -o '"id":[0-9]*' <<<"$BODY" | sed -n 2p | cut -d: -f2)
expect "a list needs a category" 400 GET /api/articles
expect "an unknown category is 404" 404 GET '/api/articles?category=nonsense'
expect "an article has its fields" 200 GET "/api/articles/$FIRST"
check_has "the title" "$BODY" '"title":"'
check_has "and the currency of the configuration" "$BODY" '"currency":"EUR"'
ONE=$BODY
call GET "/api/articles/$FIRST"
check_same "the same question gets the same answer" "$BODY" "$ONE"
expect "reviews are served" 200 GET "/api/articles/$FIRST/reviews"
check_has "with stars" "$BODY" '"stars":'
expect "search finds" 200 GET '/api/search?q=oak%20lamp'
check_has "articles" "$BODY" '"items":[{'
expect "search survives quotes" 200 GET "/api/search?q=%27%22%29%20OR%201%3D1%20--"

# ---- cart, login, order ----
expect "an empty cart" 200 GET /api/cart
check_has "is empty" "$BODY" '"items":[]'
expect "no order without login" 401 POST /api/orders '{"payment": "card"}'
expect "an article goes into the cart" 200 POST /api/cart "{\"article\": $FIRST, \"quantity\": 2}"
check_has "a session cookie is set" "$HEADERS" 'Set-Cookie: session='
BEFORE=$(grep -o 'session=[0-9a-f]*' <<<"$HEADERS")
check_has "the cart has it" "$BODY" "\"article\":$FIRST"
expect "no quantity below 1" 400 POST /api/cart "{\"article\": $FIRST, \"quantity\": 0}"
expect "no article that is not sold" 422 POST /api/cart '{"article": 99999999, "quantity": 1}'
expect "no body that is not JSON" 400 POST /api/cart 'article=1'
expect "no body of 100 KB" 413 POST /api/cart "{\"x\": \"$(head -c 100000 /dev/zero | tr '\0' x)\"}"
expect "a wrong password is refused" 401 POST /api/login \
    '{"email": "customer.7@example.net", "password": "nope"}'
expect "login works" 200 POST /api/login \
    '{"email": "customer.7@example.net", "password": "correct horse 7"}'
AFTER=$(grep -o 'session=[0-9a-f]*' <<<"$HEADERS")
check "login gives a new session" test "$BEFORE" != "$AFTER"
expect "the cart came along" 200 GET /api/cart
check_has "with the article" "$BODY" "\"article\":$FIRST"
expect "a second article" 200 POST /api/cart "{\"article\": $SECOND, \"quantity\": 1}"
expect "an order is placed" 201 POST /api/orders '{"payment": "invoice"}'
ORDER=$(grep -o '"id":"[0-9a-f-]*"' <<<"$BODY" | cut -d'"' -f4)
check_has "the server made its id" "$HEADERS" "Location: /api/orders/$ORDER"
expect "the order can be read" 200 GET "/api/orders/$ORDER"
check_has "with both lines" "$BODY" "\"article\":$SECOND"
check_has "and its state" "$BODY" '"status":"placed"'
check_same "it stands in the database" \
    "$(pg_sql -c "SELECT count(*) FROM order_lines WHERE order_id = '$ORDER'" shop)" 2
check_same "a trigger wrote its event" \
    "$(pg_sql -c "SELECT event FROM order_events WHERE order_id = '$ORDER'" shop)" placed
expect "the cart is empty again" 409 POST /api/orders '{"payment": "invoice"}'
expect "an id that is none" 404 GET /api/orders/1
mv "$JAR" "$JAR.7"
expect "nobody reads it without login" 401 GET "/api/orders/$ORDER"
expect "another customer logs in" 200 POST /api/login \
    '{"email": "CUSTOMER.8@example.net", "password": "correct horse 8"}'
expect "and does not see the order" 404 GET "/api/orders/$ORDER"
mv "$JAR.7" "$JAR"
expect "logout" 204 POST /logout '{}'
expect "ends the session" 401 GET "/api/orders/$ORDER"
expect "also for who kept the cookie" 401 GET "/api/orders/$ORDER"

# ---- the endpoint that lives on an index ----
# seconds PATH: the median of five.
seconds() {
    for _ in 1 2 3 4 5; do
        curl -sS -o /dev/null -w '%{time_total}\n' "$SHOP_URL$1"
    done | sort -n | sed -n 3p
}
FAST=$(seconds "/api/articles/$FIRST/reviews")
my_sql -e 'ALTER TABLE reviews DROP INDEX reviews_of_article' catalog
SLOW=$(seconds "/api/articles/$FIRST/reviews")
my_sql -e 'ALTER TABLE reviews ADD INDEX reviews_of_article (article_id, created_at)' catalog
printf '# reviews: %s s with the index, %s s without\n' "$FAST" "$SLOW"
check "reviews are slow without their index" awk -v f="$FAST" -v s="$SLOW" 'BEGIN { exit !(s > 3 * f && s - f > 0.005) }'

# ---- visitors ----
check "visitors find every answer as expected" shop_traffic 5 100 --clients 8
check_same "the server logged no error" "$(grep -cv -e listening -e stopping "$T/log/web.log")" 0
check_same "the secret stands nowhere but in its file" \
    "$(grep -rlF "$SHOP_PASSWORD" "$T/prod" "$T/log" | sed "s|$T/||")" prod/secrets/shop.secrets

# ---- the other releases serve too ----
other_release() { # N
    local code=$T/code$1 port
    port=$(free_port)
    cp -RP "$PROD/code" "$code" && cp -RP "$SHOP/release$1/code/." "$code/" || return 1
    cp -RP "$PROD/config" "$T/config$1"
    [ ! -d "$SHOP/release$1/config" ] || cp "$SHOP/release$1/config/"* "$T/config$1/"
    sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$T/config$1/shop.conf"
    [ "$(id -u)" -ne 0 ] || chown -R nobody: "$code" "$T/config$1"
    shop_serve "web$1" "$code" "$T/config$1/shop.conf"
    SHOP_URL=http://127.0.0.1:$port
    wait_for 20 curl -fsS "$SHOP_URL/healthz"
}
migrate() { # N
    local file
    for file in "$SHOP/release$1"/migrations/postgresql/*.sql; do
        [ ! -e "$file" ] || pg_sql -f "$file" shop || return 1
    done
    for file in "$SHOP/release$1"/migrations/mariadb/*.sql "$SHOP/release$1"/data/*.sql; do
        [ ! -e "$file" ] || my_sql catalog <"$file" || return 1
    done
}
check "release 2 migrates" migrate 2
check "release 2 serves" other_release 2
expect "release 2 serves an article" 200 GET "/api/articles/$FIRST"
check_has "with its rating" "$BODY" '"rating":'
expect "and its page" 200 GET "/articles/$FIRST"
check_has "with stars" "$BODY" '<p class="rating">&#9733; '
check "visitors of release 2" shop_traffic 3 100 --clients 8 --seed 2
check "release 3 migrates" migrate 3
check "release 3 serves" other_release 3
expect "release 3 serves an article" 200 GET "/api/articles/$FIRST"
check_has "whose title is called name" "$BODY" '"name":"'
check_has "and whose price is gone" "$BODY" '"price":"0.00"'
check "visitors of release 3" shop_traffic 3 50 --clients 8 --seed 3

# ---- what it refuses at the start ----
refuses() { # NAME TEXT SED_SCRIPT
    sed "$3" "$PROD/config/shop.conf" >"$T/bad.conf"
    cp "$PROD/config/features.conf" "$T/features.conf"
    timeout 10 "$PROD/code/bin/shopd" --config "$T/bad.conf" >"$T/refused" 2>&1
    check_has "$1" "$(cat "$T/refused")" "$2"
}
refuses "an unknown key is named with its line" "bad.conf:2: unknown key 'listne'" 's/^listen/listne/'
refuses "a wrong number too" "wrong value of 'connections'" 's/^connections = .*/connections = many/'
refuses "a missing key" "'mariadb_user' is missing" '/^mariadb_user/d'
refuses "a port in use" "cannot listen on '127.0.0.1:$SHOP_PORT'" 's/^nothing//'
cp "$SECRETS" "$T/open.secrets"
chmod 644 "$T/open.secrets"
refuses "secrets that others may read" "$T/open.secrets" "s|^secrets = .*|secrets = $T/open.secrets|"
check_status "a command line without --config" 10 "$PROD/code/bin/shopd"

# ---- a database that goes away, and comes back ----
expect "before" 200 GET /healthz
my_sql -e "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE user = 'shop'" |
    my_sql --force 2>/dev/null
pg_sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'" postgres >"$T/out"
answers_again() {
    # Each of the 8 connections to each database may have to be found out.
    for _ in {1..16}; do
        curl -fsS "$SHOP_URL/healthz"
    done
    curl -fsS "$SHOP_URL/healthz"
}
check "lost connections are replaced" answers_again

check "the shop ends cleanly on SIGTERM" e2e_stop web
check_same "and says so" "$(tail -n 1 "$T/log/web.log")" "shopd: stopping"
e2e_end
