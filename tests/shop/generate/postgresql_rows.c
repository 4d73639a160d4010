#include "tests/shop/generate/generate.h"

#include "lib/base/auto.h"
#include "tests/shop/common/password.h"
#include "tests/shop/common/words.h"

#include <inttypes.h>

#define YEAR_S       UINT64_C(31536000)
#define LINES_MAX    5
#define RECENT_SHARE 5 /* percent of customers who have a session open */

static uint64_t count_customers(const struct scale *s)
{
    return s->customers;
}

static uint64_t count_orders(const struct scale *s)
{
    return s->orders;
}

static uint64_t count_countries(const struct scale *s)
{
    (void)s;
    return countries_count;
}

static void put_address(struct buf *out, struct dice *d, const char **country)
{
    const struct place *place = &places[dice_below(d, places_count)];
    AUTO(buf) struct buf json = {0};

    /* Streets and cities hold no character that JSON escapes. */
    buf_printf(
        &json, "{\"street\": \"%s %" PRIu64 "\", \"zip\": \"%05" PRIu64 "\", \"city\": \"%s\"",
        word(&streets, dice_next(d)), 1 + dice_below(d, 200), dice_below(d, 100000), place->city);
    if (dice_percent(d, 10))
        buf_puts(&json, ", \"floor\": null, \"hints\": [\"ring twice\", {\"dog\": true}]");
    buf_printf(&json, ", \"country\": \"%s\"}", place->country);
    put_text(out, buf_str(&json));
    *country = place->country;
}

static void put_interests(struct buf *out, struct dice *d)
{
    AUTO(buf) struct buf list = {0};
    uint64_t count = dice_below(d, 4);

    buf_putc(&list, '{');
    for (uint64_t i = 0; i < count; i++)
        buf_printf(&list, "%s\"%s\"", i ? "," : "",
                   categories[dice_below(d, categories_count)].slug);
    buf_putc(&list, '}');
    put_text(out, buf_str(&list));
}

static void put_avatar(struct buf *out, struct dice *d)
{
    AUTO(buf) struct buf hex = {0};
    uint64_t bytes = 40 + dice_below(d, 200);

    if (!dice_percent(d, 8)) {
        put_null(out);
        return;
    }
    buf_puts(&hex, "\\x");
    for (uint64_t i = 0; i < bytes; i++)
        buf_printf(&hex, "%02x", (unsigned)dice_below(d, 256));
    put_text(out, buf_str(&hex));
}

static void put_name(struct buf *out, struct dice *d)
{
    char name[120];

    snprintf(name, sizeof(name), "%s %s", word(&first_names, dice_next(d)),
             word(&last_names, dice_next(d)));
    put_text(out, name);
}

static void customer_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_CUSTOMER, n);
    char email[80], password[80], salt[24], hash[PASSWORD_HASH] = "", phone[32];
    const char *country;

    customer_email(n, email, sizeof(email));
    customer_password(n, password, sizeof(password));
    snprintf(salt, sizeof(salt), "%016" PRIx64, dice_next(&d));
    password_hash(password, salt, PASSWORD_ROUNDS, hash);
    snprintf(phone, sizeof(phone), "+%" PRIu64, 4100000000 + dice_below(&d, 899999999));

    put_number(out, (int64_t)n);
    put_text(out, email);
    put_name(out, &d);
    put_text(out, hash);
    dice_percent(&d, 40) ? put_null(out) : put_text(out, phone);
    dice_percent(&d, 30) ? put_null(out) : put_date(out, -(int64_t)dice_below(&d, 25000) - 6000);
    put_address(out, &d, &country);
    put_interests(out, &d);
    put_text(out, dice_percent(&d, 50) ? "t" : "f");
    put_avatar(out, &d);
    dice_percent(&d, 85) ? put_null(out) : put_text(out, word(&customer_notes, dice_next(&d)));
    put_time(out, dice_below(&d, 2 * YEAR_S), true, dice_next(&d));
    line_end(out);
}

static void session_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_SESSION, n);

    if (!dice_percent(&d, RECENT_SHARE))
        return;
    buf_printf(out, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "\t", dice_next(&d),
               dice_next(&d), dice_next(&d), dice_next(&d));
    dice_percent(&d, 30) ? put_null(out) : put_number(out, (int64_t)n);
    dice_percent(&d, 5) ? put_null(out) : put_text(out, "Mozilla/5.0 (X11; Linux x86_64)");
    put_time(out, 2 * YEAR_S + dice_below(&d, 86400), true, dice_next(&d));
    put_time(out, 2 * YEAR_S + 86400 + dice_below(&d, 86400), true, dice_next(&d));
    line_end(out);
}

struct order {
    struct dice dice; /* for the rest of its columns */
    char id[40];
    uint64_t customer, seconds;
    unsigned lines;
    uint64_t article[LINES_MAX];
    int64_t quantity[LINES_MAX];
    int64_t subtotal;
    const char *status;
};

/* Orders, their lines and their events are tables of their own and must tell the same story. */
static struct order order_of(const struct scale *s, uint64_t n)
{
    static const char *const states[] = {"delivered", "delivered", "delivered", "delivered",
                                         "shipped",   "paid",      "placed",    "returned"};
    struct order o = {.dice = dice_of(s->seed, DICE_ORDER, n)};
    uint64_t a = dice_next(&o.dice), b = dice_next(&o.dice);

    snprintf(o.id, sizeof(o.id), "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)), b & UINT64_C(0xffffffffffff));
    o.customer = 1 + dice_skewed(&o.dice, s->customers);
    o.seconds = n * (2 * YEAR_S) / (s->orders + 1);
    o.lines = 1 + (unsigned)dice_below(&o.dice, LINES_MAX);
    for (unsigned i = 0; i < o.lines; i++) {
        o.article[i] = 1 + dice_skewed(&o.dice, s->articles);
        o.quantity[i] = 1 + (int64_t)dice_skewed(&o.dice, 6);
        o.subtotal += article_cents(s, o.article[i]) * o.quantity[i];
    }
    o.status = states[dice_below(&o.dice, COUNT(states))];
    return o;
}

static const struct country *country_of(const char *code)
{
    for (size_t i = 0; i < countries_count; i++) {
        if (strcmp(countries[i].code, code) == 0)
            return &countries[i];
    }
    return &countries[0];
}

static void order_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    static const char *const payments[] = {"invoice", "card", "card", "transfer"};
    struct order o = order_of(s, n);
    const char *code;

    put_text(out, o.id);
    put_number(out, (int64_t)n);
    put_number(out, (int64_t)o.customer);
    put_text(out, o.status);
    put_text(out, payments[dice_below(&o.dice, COUNT(payments))]);
    put_address(out, &o.dice, &code);
    put_text(out, code);

    const struct country *country = country_of(code);
    int64_t shipping = (double)o.subtotal >= 100 * country->free_from
                           ? 0
                           : (int64_t)(100 * country->shipping + 0.5);
    int64_t tax = (int64_t)((double)(o.subtotal + shipping) * country->tax + 0.5);
    put_cents(out, o.subtotal);
    put_cents(out, shipping);
    put_cents(out, tax);
    put_cents(out, o.subtotal + shipping + tax);
    dice_percent(&o.dice, 90) ? put_null(out)
                              : put_text(out, word(&customer_notes, dice_next(&o.dice)));
    put_time(out, o.seconds, true, dice_next(&o.dice));
    line_end(out);
}

static void order_line_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct order o = order_of(s, n);
    char title[200];

    for (unsigned i = 0; i < o.lines; i++) {
        article_title(s, o.article[i], title, sizeof(title));
        put_text(out, o.id);
        put_number(out, i + 1);
        put_number(out, (int64_t)o.article[i]);
        put_text(out, title);
        put_number(out, o.quantity[i]);
        put_cents(out, article_cents(s, o.article[i]));
        line_end(out);
    }
}

static void order_event_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    static const char *const path[] = {"placed", "paid", "shipped", "delivered", "returned"};
    struct order o = order_of(s, n);
    uint64_t at = o.seconds;

    for (size_t i = 0; i < COUNT(path); i++) {
        put_text(out, o.id);
        put_time(out, at, true, dice_next(&o.dice));
        put_text(out, path[i]);
        i == 2 ? put_text(out, "{\"carrier\": \"post\", \"parcels\": [1, 2]}") : put_null(out);
        line_end(out);
        if (strcmp(path[i], o.status) == 0)
            return;
        at += 3600 + dice_below(&o.dice, 3 * 86400);
    }
}

static void tax_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    (void)s;
    put_text(out, countries[n - 1].code);
    buf_printf(out, "%.4f\t", countries[n - 1].tax);
    line_end(out);
}

static void shipping_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    const struct country *c = &countries[n - 1];

    (void)s;
    buf_printf(out, "%s\tstandard\t%.2f\t%.2f\t[2,6)\n", c->code, c->shipping, c->free_from);
    buf_printf(out, "%s\texpress\t%.2f\t%.2f\t[1,3)\n", c->code, c->shipping * 3, c->free_from * 4);
}

const struct gen_table postgresql_tables[] = {
    {"tax_rates", "(country, rate)", count_countries, tax_rows},
    {"shipping_rates", "(country, method, price, free_from, delivery_days)", count_countries,
     shipping_rows},
    {"customers",
     "(id, email, name, password_hash, phone, birthday, address, interests, newsletter, avatar, "
     "note, created_at)",
     count_customers, customer_rows},
    {"sessions", "(id, customer_id, user_agent, created_at, last_seen_at)", count_customers,
     session_rows},
    {"orders",
     "(id, number, customer_id, status, payment, address, country, subtotal, shipping, tax, total, "
     "note, placed_at)",
     count_orders, order_rows},
    {"order_lines", "(order_id, line, article_id, title, quantity, price)", count_orders,
     order_line_rows},
    {"order_events", "(order_id, at, event, detail)", count_orders, order_event_rows},
    {0},
};
