#include "restore/pg_key.h"

#include "lib/sql/split.h"

struct words {
    struct span rest; /* behind the last token */
    struct span token;
    enum sql_token kind;
};

static bool next(struct words *w)
{
    w->kind = sql_token_next(SQL_POSTGRESQL, &w->rest, &w->token);
    return w->kind != SQL_END;
}

static bool next_is(struct words *w, const char *word)
{
    return next(w) && span_is_nocase(w->token, word);
}

static struct span between(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

/* "[ONLY] schema.table"; *table is what stands behind ONLY. The ADD is eaten. */
static bool table_name(struct words *w, struct span *table)
{
    if (!next(w))
        return false;
    if (span_is_nocase(w->token, "only") && !next(w))
        return false;
    const char *from = w->token.at, *end = from;
    do {
        end = w->token.at + w->token.len;
        if (!next(w))
            return false;
    } while (w->kind == SQL_PUNCT || w->kind == SQL_QUOTED_NAME ||
             !span_is_nocase(w->token, "add"));
    *table = between(from, end);
    return true;
}

/* PRIMARY KEY or UNIQUE; the next token must open the columns. */
static bool key_kind(struct words *w, struct span *kind)
{
    if (!next(w))
        return false;
    *kind = w->token;
    if (span_is_nocase(w->token, "primary")) {
        if (!next_is(w, "key"))
            return false;
        *kind = between(kind->at, w->token.at + w->token.len);
    } else if (!span_is_nocase(w->token, "unique")) {
        return false;
    }
    return next(w) && span_is(w->token, "(");
}

/* Columns, INCLUDE and WITH belong to the index, DEFERRABLE and behind to the constraint. */
static void cut_tail(struct words *w, struct span *tail)
{
    unsigned depth = 1;

    *tail = (struct span){w->rest.at + w->rest.len, 0};
    while (next(w)) {
        if (depth == 0 && w->kind == SQL_WORD &&
            (span_is_nocase(w->token, "deferrable") || span_is_nocase(w->token, "not") ||
             span_is_nocase(w->token, "initially"))) {
            *tail = between(w->token.at, w->rest.at + w->rest.len);
            return;
        }
        if (w->kind == SQL_PUNCT && span_is(w->token, "("))
            depth++;
        if (w->kind == SQL_PUNCT && span_is(w->token, ")") && depth > 0)
            depth--;
    }
}

static void add(struct buf *out, const char *words, struct span s)
{
    buf_puts(out, words);
    buf_span(out, span_trim(s));
}

bool pg_key_split(struct span sql, struct buf *index, struct buf *constraint)
{
    struct words w = {.rest = sql};
    struct span table, name, kind, tail;

    if (!next_is(&w, "alter") || !next_is(&w, "table") || !table_name(&w, &table) ||
        !next_is(&w, "constraint") || !next(&w))
        return false;
    name = w.token;
    if (!key_kind(&w, &kind))
        return false;
    const char *columns = w.token.at;
    cut_tail(&w, &tail);

    add(index, "CREATE UNIQUE INDEX ", name);
    add(index, " ON ", table);
    add(index, " ", between(columns, tail.at));
    add(constraint, "ALTER TABLE ONLY ", table);
    add(constraint, " ADD CONSTRAINT ", name);
    add(constraint, " ", kind);
    add(constraint, " USING INDEX ", name);
    if (tail.len)
        add(constraint, " ", tail);
    return !index->failed && !constraint->failed;
}
