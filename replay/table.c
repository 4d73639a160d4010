#include "replay/table.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/vec.h"

#define FIRST_MIN 10
#define FIRST_MAX 60
#define NEXT      10 /* width of the other columns */
#define LAST_MAX  90 /* of text in the last one */

/* ---- safe text ---- */

/* U+0080 to U+009F are control characters, too: one of them begins an escape sequence. */
static bool is_control(const char *at, size_t len)
{
    unsigned char c = (unsigned char)at[0];

    return len == 0 || (len == 1 && (c < 0x20 || c == 0x7f)) ||
           (len == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

void table_safe(struct span s, size_t most)
{
    const char *end = s.at + (s.len < most ? s.len : most);

    while (s.at < end) {
        size_t len = span_utf8(s);
        if (is_control(s.at, len)) {
            len = len ? len : 1;
            for (size_t i = 0; i < len; i++)
                printf("\\x%02x", (unsigned char)s.at[i]);
        } else {
            fwrite(s.at, 1, len, stdout);
        }
        s = (struct span){s.at + len, s.len - len};
    }
    fputs(s.len ? "..." : "", stdout);
}

/* ---- choosing ---- */

struct picked {
    json_t *row; /* borrowed */
    double by;
    size_t at;
};

static int by_size(const void *x, const void *y)
{
    const struct picked *a = x, *b = y;

    if (a->by != b->by)
        return a->by < b->by ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

json_t *table_pick(const json_t *events, const char *event, const char *by)
{
    AUTO(vec) struct vec all = VEC(struct picked);
    struct err none = {0};
    json_t *e = NULL, *rows = json_array();
    size_t i = 0;

    json_array_foreach((json_t *)(uintptr_t)events, i, e)
    {
        const char *name = json_string_value(json_object_get(e, "event"));
        if (!name || strcmp(name, event) != 0)
            continue;
        struct picked *p = vec_add(&all, &none);
        if (p)
            *p = (struct picked){e, json_number_value(json_object_get(e, by)), i};
    }
    if (all.count)
        qsort(all.at, all.count, sizeof(struct picked), by_size);
    for (i = 0; rows && i < all.count; i++)
        none.code |= json_array_append(rows, ((struct picked *)all.at)[i].row) != 0;
    if (!none.code)
        return rows;
    json_decref(rows);
    return NULL;
}

/* ---- tables ---- */

static const char *text_of(const json_t *row, const char *field)
{
    const char *s = json_string_value(json_object_get(row, field));

    return s ? s : "";
}

static size_t first_width(const json_t *rows, size_t most, const struct column *c)
{
    size_t width = strlen(c->title) > FIRST_MIN ? strlen(c->title) : FIRST_MIN;

    for (size_t i = 0; i < json_array_size(rows) && i < most; i++) {
        size_t len = strlen(text_of(json_array_get(rows, i), c->field));
        width = len > width ? len : width;
    }
    return width < FIRST_MAX ? width : FIRST_MAX;
}

static void print_status(const json_t *status)
{
    const char *code = NULL;
    const json_t *n = NULL;
    const char *between = "";

    json_object_foreach((json_t *)(uintptr_t)status, code, n)
    {
        printf("%s%s", between, code);
        if (json_object_size(status) > 1)
            printf(" x %lld", (long long)json_integer_value(n));
        between = ", ";
    }
}

static void print_cell(const struct column *c, const json_t *row, size_t width)
{
    const json_t *value = json_object_get(row, c->field);
    double n = json_number_value(value);
    size_t len = json_string_length(value);

    switch (c->form) {
    case COLUMN_TEXT:
        if (width == 0)
            table_safe(span_of(text_of(row, c->field)), LAST_MAX);
        else
            table_safe(span_of(text_of(row, c->field)), len > width ? width - 3 : width);
        printf("%*s", len < width ? (int)(width - len) : 0, "");
        break;
    case COLUMN_COUNT:
        printf("%*.0f", (int)width, n);
        break;
    case COLUMN_MILLIS:
        printf("%*.2f", (int)width, n / 1000);
        break;
    case COLUMN_RATIO:
        printf("%*.*f", (int)width, n < 0.01 ? 4 : 2, n);
        break;
    case COLUMN_STATUS:
        print_status(value);
        break;
    }
}

/* 0: as wide as it is. */
static size_t width_of(const struct column *columns, size_t k, size_t count, size_t first)
{
    bool left = columns[k].form == COLUMN_TEXT || columns[k].form == COLUMN_STATUS;

    if (k + 1 == count && left)
        return 0;
    return k == 0 ? first : NEXT;
}

void table_print(const json_t *rows, size_t most, const struct column *columns, size_t count)
{
    size_t all = json_array_size(rows);
    size_t first = first_width(rows, most, &columns[0]);

    for (size_t k = 0; k < count; k++) {
        int width = (int)width_of(columns, k, count, first);
        printf("%s%*s", k ? "  " : "", k ? width : -width, columns[k].title);
    }
    putchar('\n');
    for (size_t i = 0; i < all && i < most; i++) {
        for (size_t k = 0; k < count; k++) {
            fputs(k ? "  " : "", stdout);
            print_cell(&columns[k], json_array_get(rows, i), width_of(columns, k, count, first));
        }
        putchar('\n');
    }
    if (all > most)
        printf("... and %zu more (--json lists them all)\n", all - most);
}
