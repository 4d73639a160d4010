#include "tests/shop/generate/generate.h"

#include "lib/base/auto.h"
#include "tests/shop/common/words.h"

#include <inttypes.h>

#define YEAR_S UINT64_C(31536000)

static uint64_t count_categories(const struct scale *s)
{
    (void)s;
    return categories_count;
}

static uint64_t count_brands(const struct scale *s)
{
    return s->brands;
}

static uint64_t count_articles(const struct scale *s)
{
    return s->articles;
}

static uint64_t count_reviews(const struct scale *s)
{
    return s->reviews;
}

static void category_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    const struct category *c = &categories[n - 1];

    (void)s;
    put_number(out, (int64_t)n);
    c->parent ? put_number(out, c->parent) : put_null(out);
    put_text(out, c->slug);
    put_text(out, c->name);
    put_number(out, (int64_t)n * 10);
    line_end(out);
}

static void brand_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_BRAND, n);

    put_number(out, (int64_t)n);
    put_text(out, word(&brand_names, n - 1));
    dice_percent(&d, 20) ? put_null(out) : put_text(out, countries[n % countries_count].code);
    line_end(out);
}

static void put_description(struct buf *out, struct dice *d, const char *title)
{
    AUTO(buf) struct buf text = {0};
    uint64_t points = 2 + dice_below(d, 4);

    buf_puts(&text, title);
    for (uint64_t i = 0; i < points; i++)
        buf_printf(&text, "%s%s",
                   i == 0   ? ": "
                   : i == 2 ? "\n\n"
                            : " ",
                   word(&selling_points, dice_next(d)));
    put_text(out, buf_str(&text));
}

static void put_tags(struct buf *out, struct dice *d)
{
    static const char *const sets[] = {"",    "",     "",        "new",      "sale",
                                       "eco", "gift", "new,eco", "sale,gift"};
    put_text(out, sets[dice_below(d, COUNT(sets))]);
}

static void put_image(struct buf *out, struct dice *d)
{
    uint64_t words = 8 + dice_below(d, 60);

    if (!dice_percent(d, 25)) {
        put_null(out);
        return;
    }
    /* Hex, decoded by the server: raw bytes would have to be valid in the file's charset. */
    buf_puts(out, "89504E470D0A1A0A00");
    for (uint64_t i = 0; i < words; i++)
        buf_printf(out, "%016" PRIX64, dice_next(d));
    buf_putc(out, '\t');
}

static void put_dimensions(struct buf *out, struct dice *d)
{
    if (dice_percent(d, 30)) {
        put_null(out);
        return;
    }
    buf_printf(out, "{\"width\": %" PRIu64 ", \"height\": %" PRIu64 ".5, \"unit\": \"cm\"}\t",
               1 + dice_below(d, 200), dice_below(d, 150));
}

static uint64_t article_brand(const struct scale *s, uint64_t n)
{
    struct dice d = dice_of(s->seed, DICE_TITLE, n);
    return 1 + dice_next(&d) % brand_names.count;
}

static void article_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_ARTICLE, n);
    uint64_t leaves = categories_count - 3; /* the first three are tops */
    char title[200], sku[24];

    article_title(s, n, title, sizeof(title));
    snprintf(sku, sizeof(sku), "A%07" PRIu64 "-%c", n, (char)('A' + n % 26));
    put_number(out, (int64_t)n);
    put_number(out, (int64_t)(4 + dice_below(&d, leaves)));
    put_number(out, (int64_t)article_brand(s, n));
    put_text(out, sku);
    buf_printf(out, "%" PRIu64 "\t", UINT64_C(9999999999999) + dice_next(&d) / 4);
    put_text(out, title);
    put_description(out, &d, title);
    put_cents(out, article_cents(s, n));
    dice_percent(&d, 10) ? put_null(out) : put_cents(out, article_cents(s, n) * 6 / 10);
    dice_percent(&d, 10) ? put_null(out)
                         : (void)buf_printf(out, "%.4f\t", (double)dice_below(&d, 90000) / 7000.0);
    buf_printf(out, "%.17g\t", (double)dice_next(&d) / 1.8446744073709552e21);
    put_dimensions(out, &d);
    put_tags(out, &d);
    put_text(out, dice_percent(&d, 94) ? "active" : dice_percent(&d, 50) ? "draft" : "retired");
    dice_percent(&d, 25) ? put_null(out) : put_text(out, word(&suppliers, dice_next(&d)));
    put_image(out, &d);
    put_time(out, dice_below(&d, YEAR_S), true, dice_next(&d));
    put_time(out, YEAR_S + dice_below(&d, YEAR_S), false, 0);
    line_end(out);
}

static void put_opinion(struct buf *out, struct dice *d, size_t first)
{
    AUTO(buf) struct buf text = {0};
    uint64_t more = 1 + dice_below(d, 5);
    const char *language = sentences[first].language;

    buf_puts(&text, sentences[first].text);
    for (uint64_t i = 0; i < more; i++) {
        const struct sentence *next = &sentences[dice_below(d, sentences_count)];
        if (strcmp(next->language, language) == 0)
            buf_printf(&text, "%c%s", dice_percent(d, 10) ? '\n' : ' ', next->text);
    }
    buf_printf(&text, " (%s, %" PRIu64 " cm)", word(&materials, dice_next(d)), dice_below(d, 300));
    put_text(out, buf_str(&text));
}

static void review_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_REVIEW, n);
    size_t first = dice_below(&d, sentences_count);
    char author[120];

    snprintf(author, sizeof(author), "%s %.1s.", word(&first_names, dice_next(&d)),
             (const char[]){(char)('A' + dice_below(&d, 26)), '\0'});
    put_number(out, (int64_t)n);
    put_number(out, (int64_t)(1 + dice_skewed(&d, s->articles)));
    put_text(out, author);
    put_number(out, 5 - (int64_t)dice_skewed(&d, 5));
    dice_percent(&d, 35) ? put_null(out) : put_text(out, word(&things, dice_next(&d)));
    put_opinion(out, &d, first);
    put_text(out, sentences[first].language);
    put_number(out, (int64_t)dice_skewed(&d, 200));
    put_text(out, dice_percent(&d, 70) ? "1" : "0");
    put_time(out, dice_below(&d, 2 * YEAR_S), false, 0);
    line_end(out);
}

static void history_rows(const struct scale *s, uint64_t n, struct buf *out)
{
    struct dice d = dice_of(s->seed, DICE_HISTORY, n);
    uint64_t steps = dice_below(&d, 5);

    for (uint64_t i = 0; i < steps; i++) {
        put_number(out, (int64_t)n);
        put_date(out, (int64_t)(i * 180 + dice_below(&d, 150)));
        put_cents(out, article_cents(s, n) * (int64_t)(90 + dice_below(&d, 30)) / 100);
        line_end(out);
    }
}

const struct gen_table mariadb_tables[] = {
    {"categories", "(id, parent_id, slug, name, sort_order)", count_categories, category_rows},
    {"brands", "(id, name, country)", count_brands, brand_rows},
    {"articles",
     "(id, category_id, brand_id, sku, ean, title, description, price, cost, weight_kg, popularity, "
     "dimensions, tags, status, supplier, @image, created_at, changed_at) SET image = UNHEX(@image)",
     count_articles, article_rows},
    {"price_history", "(article_id, since, price)", count_articles, history_rows},
    {"reviews",
     "(id, article_id, author, stars, title, body, language, helpful, @verified, created_at) "
     "SET verified = CAST(@verified AS UNSIGNED)",
     count_reviews, review_rows},
    {0},
};
