#include "migrate/walk.h"

struct walk walk_start(enum sql_dialect dialect, struct span text)
{
    return (struct walk){.dialect = dialect, .rest = text};
}

bool walk_next(struct walk *w)
{
    w->kind = sql_token_next(w->dialect, &w->rest, &w->token);
    if (w->kind == SQL_PUNCT && span_is(w->token, "("))
        w->depth++;
    if (w->kind == SQL_PUNCT && span_is(w->token, ")") && w->depth)
        w->depth--;
    return w->kind != SQL_END;
}

bool walk_is(const struct walk *w, const char *word)
{
    return w->kind == SQL_WORD && span_is_nocase(w->token, word);
}

bool walk_is_punct(const struct walk *w, const char *mark)
{
    return w->kind == SQL_PUNCT && span_is(w->token, mark);
}

bool walk_in(const struct walk *w, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (walk_is(w, words[i]))
            return true;
    }
    return false;
}

bool walk_finds(enum sql_dialect dialect, struct span text, const char *word)
{
    struct walk w = walk_start(dialect, text);

    while (walk_next(&w)) {
        if (walk_is(&w, word))
            return true;
    }
    return false;
}

bool walk_starts_any(enum sql_dialect dialect, struct span text, const char *const *starts,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sql_starts(dialect, text, starts[i]))
            return true;
    }
    return false;
}
