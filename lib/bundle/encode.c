#include "lib/bundle/encode.h"

#include "lib/base/auto.h"
#include "lib/bundle/codes.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/scan.h"
#include "lib/bundle/words.h"

#include <stdlib.h>

#define MAGIC       "\\:"
#define MAGIC_BYTES (sizeof(MAGIC) - 1)
/* Columns so far never take more than they did, so that what is tried of the next one ends before the
 * end of all, and ROOM: what a sample may take more than it did is less than that. */
#define ROOM      ((size_t)2048)
#define RAW_LEAST 2048 /* bytes: less is not worth a first line */

/* So many lines show what a code would make of a column. */
#define SAMPLE_STEPS 256
#define SAMPLE_WORDS 512

/* A column is left as it is when a code leaves more of it than that: a little is lost again to zstd,
 * which does well with what repeats. In 256ths. */
#define WORTH_STEPS 236
#define WORTH_WORDS 230
#define GOOD        128 /* words are not tried beside this */
#define AGAIN_LEAST 4   /* of the sample: fewer say nothing */

static const struct code *const steps[] = {&code_number, &code_time,    &code_time_3,
                                           &code_time_6, &code_uuid_of, &code_uuid};
static const struct code *const readable[] = {&code_number, &code_time, &code_uuid, &code_word,
                                              &code_shape};

struct encoder {
    struct words words;
    struct buf out;
};

struct encoder *encoder_new(void)
{
    struct encoder *e = calloc(1, sizeof(*e));

    if (!e || !words_init(&e->words)) {
        encoder_free(e);
        return NULL;
    }
    e->out.max = 2 * ENCODE_RAW_MAX;
    return e;
}

void encoder_free(struct encoder *e)
{
    if (!e)
        return;
    words_done(&e->words);
    buf_done(&e->out);
    free(e);
}

void encoder_trim(struct encoder *e, size_t most)
{
    if (e && e->out.cap > most)
        buf_done(&e->out);
}

/* ---- writing ---------------------------------------------------------------------------------*/

static size_t lines_bytes(const struct code_lines *l)
{
    return (size_t)(l->end - l->from);
}

static bool first_value(const struct code_lines *l, struct span *out)
{
    const char *p = l->from;

    for (uint64_t i = 0; i < l->count; i++) {
        const char *at = memchr(p, '\n', (size_t)(l->end - p));

        *out = (struct span){p, (size_t)(at - p)};
        if (!code_is_null(*out))
            return true;
        p = at + 1;
    }
    return false;
}

/* `end` is that of all columns. */
static void begin(struct coder *c, struct words *words, const char *end, uint64_t rows)
{
    struct coder fresh = {.code = c->code, .words = words, .end = end};

    memcpy(fresh.form, c->form, sizeof(c->form));
    *c = fresh;
    if (c->code->of_words)
        words_clear(words, rows);
}

struct choice {
    struct coder coder; /* no code: as it is */
    unsigned left;      /* of the sample, in 256ths */
    const char *end;    /* of all columns */
};

static void take_if_better(const struct coder *c, uint64_t left, struct choice *best)
{
    if (left >= best->left)
        return;
    best->coder = *c;
    best->left = (unsigned)left;
}

static void try_steps(const struct code *code, const struct code_lines *sample, struct span first,
                      char *to, struct choice *best)
{
    struct coder c = {.code = code};
    size_t bytes = lines_bytes(sample);

    if (!code->suits(&c, first))
        return;
    begin(&c, NULL, best->end, sample->count);
    const char *end = code->put(&c, sample, to, to + bytes + ROOM);
    if (end)
        take_if_better(&c, (uint64_t)(end - to) * 256 / bytes, best);
}

/* Of `rows` there are more that were there before than of a sample: of values out of N there are about
 * N * n / (N + n) different ones in n. */
static void try_words(struct encoder *e, const struct code *code, const struct code_lines *sample,
                      uint64_t rows, char *to, struct choice *best)
{
    struct coder c = {.code = code, .words = &e->words};
    uint64_t n = sample->count, bytes = lines_bytes(sample);

    begin(&c, &e->words, best->end, n);
    const char *end = code->put(&c, sample, to, to + bytes + n + ROOM);
    uint64_t fresh = e->words.count, again = n - fresh;
    if (!end || again < AGAIN_LEAST)
        return;
    uint64_t all = n * fresh / again, fresh_of_all = all * rows / (all + rows) + 1;
    uint64_t fresh_bytes = fresh * (bytes + n) / n, made = (uint64_t)(end - to);
    uint64_t again_bytes = made > fresh_bytes + 2 * again ? made - fresh_bytes : 2 * again;
    uint64_t left = (fresh_of_all * (bytes + n) / n + (rows - fresh_of_all) * again_bytes / again) *
                    256 / (rows * bytes / n);
    take_if_better(&c, left, best);
}

/* All lines are the same: nothing makes less of them than zstd does. Of most columns the second tells. */
static bool is_one_value(const struct code_lines *l)
{
    size_t line = (size_t)(columns_skip(l->from, l->end, 1) - l->from);

    return memcmp(l->from, l->from + line, lines_bytes(l) - line) == 0;
}

static struct code_lines sample_of(const struct code_lines *l, uint64_t most)
{
    struct code_lines sample = *l;

    if (most < l->count)
        sample.count = most;
    sample.end = columns_skip(l->from, l->end, sample.count);
    return sample;
}

/* `to` has room for the samples. */
static struct choice choose(struct encoder *e, const struct code_lines *column, const char *end,
                            char *to)
{
    struct choice best = {.left = WORTH_STEPS, .end = end};
    struct coder text = {.end = end};
    struct code_lines sample = sample_of(column, SAMPLE_STEPS);
    struct span first;

    /* Lines of one byte and less on average. */
    if (!first_value(&sample, &first) ||
        lines_bytes(&sample) <= 2 * sample.count + sample.count / 4 || is_one_value(column))
        return best;
    for (size_t i = 0; i < COUNT(steps); i++)
        try_steps(steps[i], &sample, first, to, &best);
    if (best.left < GOOD)
        return best;
    if (!best.coder.code)
        best.left = WORTH_WORDS;
    sample = sample_of(column, SAMPLE_WORDS);
    try_words(e, &code_word, &sample, column->count, to, &best);
    /* Numbers in texts take more time than words: they must be worth it. */
    if (best.coder.code == &code_word)
        best.left /= 2;
    if (code_shape.suits(&text, first))
        try_words(e, &code_shape, &sample, column->count, to, &best);
    return best;
}

/* To the end of the column; NULL when the code does not make it smaller. */
static char *put_by(struct encoder *e, struct coder *by, const struct code_lines *column,
                    const char *all_end, char *to)
{
    begin(by, &e->words, all_end, column->count);
    return by->code->put(by, column, to, to + lines_bytes(column) - 1);
}

static char *put_column(struct encoder *e, const struct code_lines *column, const char *all_end,
                        char *to, struct buf *head)
{
    struct choice by = choose(e, column, all_end, to);
    char *end = by.coder.code ? put_by(e, &by.coder, column, all_end, to) : NULL;

    if (end) {
        buf_printf(head, " %c%s", by.coder.code->letter, by.coder.form);
        return end;
    }
    buf_puts(head, " -");
    return (char *)memcpy(to, column->from, lines_bytes(column)) + lines_bytes(column);
}

/* The first line, which is known last, is put in front of the columns. What is not so many rows of so
 * many columns stays as it is: who reads it will say so. */
static bool put_columns(struct encoder *e, struct span raw, unsigned columns, uint64_t rows,
                        struct span *encoded, struct err *err)
{
    AUTO(buf) struct buf head = {0};
    size_t head_bytes = 32 + (size_t)columns * (CODE_FORM + 2);
    const char *p = raw.at, *raw_end = raw.at + raw.len;

    buf_clear(&e->out);
    if (!words_index(&e->words) || !buf_reserve(&e->out, head_bytes + raw.len + 2 * ROOM))
        return err_memory(err);
    buf_printf(&head, MAGIC "%llu", (unsigned long long)rows);
    char *from = e->out.at + head_bytes, *to = from;
    for (unsigned i = 0; i < columns; i++) {
        struct code_lines column = {p, columns_skip(p, raw_end, rows), rows};

        if (!column.end)
            return true;
        to = put_column(e, &column, raw_end, to, &head);
        p = column.end;
    }
    buf_putc(&head, '\n');
    if (p != raw_end)
        return true;
    if (!buf_ok(&head, err))
        return false;
    from = memcpy(from - head.len, head.at, head.len);
    *encoded = (struct span){from, (size_t)(to - from)};
    return true;
}

bool encode_columns(struct encoder *e, struct span raw, unsigned columns, uint64_t rows,
                    struct span *encoded, struct err *err)
{
    *encoded = (struct span){0};
    if (columns == 0 || rows == 0 || raw.len < RAW_LEAST || raw.len > ENCODE_RAW_MAX)
        return true;
    if (!put_columns(e, raw, columns, rows, encoded, err))
        return false;
    if (encoded->len >= raw.len)
        *encoded = (struct span){0};
    return true;
}

bool encode_is(struct span columns)
{
    return span_starts(columns, MAGIC);
}

/* ---- reading -----------------------------------------------------------------------------------*/

struct reading {
    struct encoder *e;
    const char *p, *end; /* of what is read */
    char *to, *to_end;   /* of what is made; CODE_SLACK bytes lie behind */
    uint64_t rows;
};

static bool open_coder(const struct reading *r, struct span word, struct coder *c)
{
    *c = (struct coder){0};
    if (word.len == 0 || word.len > CODE_FORM || memchr(word.at, '\0', word.len))
        return false;
    memcpy(c->form, word.at + 1, word.len - 1);
    if (*word.at == '-')
        return word.len == 1;
    for (size_t i = 0; i < COUNT(readable); i++)
        if (readable[i]->letter == *word.at)
            c->code = readable[i];
    if (!c->code || !c->code->opens(c))
        return false;
    begin(c, &r->e->words, r->end, 0);
    c->reading = true;
    return true;
}

static bool copy_column(struct reading *r)
{
    const char *end = columns_skip(r->p, r->end, r->rows);
    size_t len = end ? (size_t)(end - r->p) : 0;

    if (!end || len > (size_t)(r->to_end - r->to))
        return false;
    memcpy(r->to, r->p, len);
    r->to += len;
    r->p = end;
    return true;
}

static bool get_column(struct reading *r, struct span word)
{
    struct coder c;
    struct code_lines lines = {r->p, r->end, r->rows};

    if (!open_coder(r, word, &c))
        return false;
    if (!c.code)
        return copy_column(r);
    char *to = c.code->get(&c, &lines, r->to, r->to_end);
    if (!to)
        return false;
    r->to = to;
    r->p = lines.from;
    return true;
}

static bool get_columns(struct reading *r)
{
    const char *head_end = memchr(r->p, '\n', (size_t)(r->end - r->p));
    struct span head, word;

    if (!head_end || !encode_is((struct span){r->p, (size_t)(head_end - r->p)}) ||
        r->end[-1] != '\n')
        return false;
    head = (struct span){r->p + MAGIC_BYTES, (size_t)(head_end - r->p) - MAGIC_BYTES};
    r->p = head_end + 1;
    if (!span_split(&head, ' ', &word) || !span_u64(word, &r->rows) || r->rows == 0)
        return false;
    while (span_split(&head, ' ', &word))
        if (!get_column(r, word))
            return false;
    return r->p == r->end && r->to == r->to_end;
}

bool decode_columns(struct encoder *e, struct span encoded, size_t raw_bytes, struct buf *out,
                    struct err *err)
{
    buf_clear(out);
    if (encoded.len == 0 || raw_bytes > ENCODE_RAW_MAX)
        return err_set(err, ERR_DAMAGED, "no encoded columns of %zu bytes", raw_bytes);
    if (!buf_reserve(out, raw_bytes + CODE_SLACK))
        return err_memory(err);
    struct reading r = {.e = e,
                        .p = encoded.at,
                        .end = encoded.at + encoded.len,
                        .to = out->at,
                        .to_end = out->at + raw_bytes};
    if (!get_columns(&r))
        return err_set(err, ERR_DAMAGED, "the encoded columns do not make %zu bytes", raw_bytes);
    out->len = raw_bytes;
    out->at[raw_bytes] = '\0';
    return true;
}
