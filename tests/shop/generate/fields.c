#include "tests/shop/generate/generate.h"

#include "lib/base/auto.h"
#include "tests/shop/common/words.h"

#include <inttypes.h>

#define EPOCH_2023 INT64_C(1672531200)
#define DAY_S      INT64_C(86400)

struct scale scale_of(double factor, uint64_t seed, uint64_t day)
{
    struct scale s = {.seed = seed, .day = day, .factor = factor};

    s.customers = 100 + (uint64_t)(8000 * factor);
    s.orders = 100 + (uint64_t)(20000 * factor);
    s.articles = 200 + (uint64_t)(4000 * factor);
    s.reviews = 500 + (uint64_t)(200000 * factor);
    s.brands = 40;
    return s;
}

void gen_span(const struct gen_table *t, const struct scale *s, uint64_t *first, uint64_t *last)
{
    uint64_t count = t->count(s), more = count / 100;

    *first = s->day < 2 ? 1 : count + (s->day - 2) * more + 1;
    *last = s->day < 2 ? count : count + (s->day - 1) * more;
}

void put_text(struct buf *out, const char *text)
{
    static const char special[] = "\t\n\r\\";

    for (;;) {
        size_t plain = strcspn(text, special);
        buf_add(out, text, plain);
        text += plain;
        if (!*text)
            break;
        buf_putc(out, '\\');
        buf_putc(out, *text == '\t' ? 't' : *text == '\n' ? 'n' : *text == '\r' ? 'r' : '\\');
        text++;
    }
    buf_putc(out, '\t');
}

void put_number(struct buf *out, int64_t number)
{
    buf_printf(out, "%" PRId64 "\t", number);
}

void put_cents(struct buf *out, int64_t cents)
{
    buf_printf(out, "%" PRId64 ".%02d\t", cents / 100, (int)(cents % 100));
}

void put_null(struct buf *out)
{
    buf_puts(out, "\\N\t");
}

static void put_formatted(struct buf *out, int64_t at, bool day_only)
{
    time_t when = (time_t)at;
    struct tm tm;
    char text[32];

    gmtime_r(&when, &tm);
    size_t len = day_only ? strftime(text, sizeof(text), "%Y-%m-%d", &tm)
                          : strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    buf_add(out, text, len);
}

void put_time(struct buf *out, uint64_t seconds, bool micros, uint64_t fraction)
{
    put_formatted(out, EPOCH_2023 + (int64_t)seconds, false);
    if (micros)
        buf_printf(out, ".%06" PRIu64, fraction % 1000000);
    buf_putc(out, '\t');
}

void put_date(struct buf *out, int64_t days)
{
    put_formatted(out, EPOCH_2023 + days * DAY_S, true);
    buf_putc(out, '\t');
}

void line_end(struct buf *out)
{
    if (!out->failed)
        out->at[out->len - 1] = '\n';
}

int64_t article_cents(const struct scale *s, uint64_t article)
{
    struct dice d = dice_of(s->seed, DICE_PRICE, article);
    int64_t euros = 3 + (int64_t)dice_skewed(&d, 400);
    static const int64_t ends[] = {0, 50, 90, 95, 99};

    return euros * 100 + ends[dice_below(&d, COUNT(ends))];
}

void article_title(const struct scale *s, uint64_t article, char *out, size_t size)
{
    struct dice d = dice_of(s->seed, DICE_TITLE, article);
    const char *brand = word(&brand_names, dice_next(&d));
    const char *material = word(&materials, dice_next(&d));
    const char *thing = word(&things, dice_next(&d));
    unsigned model = (unsigned)(article % 900 + 100);

    snprintf(out, size, "%s %s %s %u", brand, material, thing, model);
}
