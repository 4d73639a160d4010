/* What the tests of the SQL splitter share: tables of texts with the statements or the refusal that
 * is expected. Included behind tests/test.h. */
#ifndef TESTS_UNIT_LIB_SQL_STATEMENTS_H
#define TESTS_UNIT_LIB_SQL_STATEMENTS_H

#include "lib/sql/split.h"

#define STATEMENTS_MAX 64

struct split_case {
    const char *text;
    const char *want; /* statements joined by | */
};

struct split_refusal {
    const char *text;
    const char *want; /* how the error begins */
};

struct split_list {
    struct sql_statement at[STATEMENTS_MAX];
    size_t count;
};

static inline bool split_all(enum sql_dialect dialect, struct span text, struct split_list *out,
                             struct err *err)
{
    struct sql_splitter s;
    bool more = true;

    out->count = 0;
    sql_split_init(&s, dialect, text);
    while (out->count < STATEMENTS_MAX) {
        if (!sql_split_next(&s, &out->at[out->count], &more, err))
            return false;
        if (!more)
            return true;
        out->count++;
    }
    return err_set(err, ERR_FAILED, "more than %d statements", STATEMENTS_MAX);
}

static inline void assert_span(struct span got, const char *want)
{
    if (!span_is(got, want))
        fail_msg("got '%.*s', want '%s'", (int)got.len, got.at, want);
}

static inline void check_splits(enum sql_dialect dialect, const struct split_case *cases,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span rest = span_of(cases[i].want), want;
        struct split_list list;
        struct err err = {0};
        size_t n = 0;

        if (!split_all(dialect, span_of(cases[i].text), &list, &err))
            fail_msg("'%s': %s", cases[i].text, err.text);
        while (rest.len && span_split(&rest, '|', &want)) {
            if (n >= list.count || !span_eq(list.at[n].text, want))
                fail_msg("'%s': statement %zu is '%.*s', not '%.*s'", cases[i].text, n + 1,
                         n < list.count ? (int)list.at[n].text.len : 0, list.at[n].text.at,
                         (int)want.len, want.at);
            n++;
        }
        if (n != list.count)
            fail_msg("'%s': %zu statements, not %zu", cases[i].text, list.count, n);
    }
}

static inline void check_refusals(enum sql_dialect dialect, const struct split_refusal *cases,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct split_list list;
        struct err err = {0};

        if (split_all(dialect, span_of(cases[i].text), &list, &err))
            fail_msg("'%s': should have been refused", cases[i].text);
        if (err.code != ERR_SQL || !span_starts(span_of(err.text), cases[i].want))
            fail_msg("'%s': '%s', not '%s'", cases[i].text, err.text, cases[i].want);
    }
}

/* Splits every prefix, each in memory of its own size so that a sanitizer sees one byte too far. */
static inline void cut_everywhere(enum sql_dialect dialect, const char *text)
{
    for (size_t n = 0; n <= strlen(text); n++) {
        char *part = malloc(n ? n : 1);
        struct split_list list;
        struct err err = {0};

        assert_non_null(part);
        memcpy(part, text, n);
        if (!split_all(dialect, (struct span){part, n}, &list, &err))
            assert_int_equal(err.code, ERR_SQL);
        for (size_t i = 0; i < list.count; i++) {
            struct span rest = list.at[i].text, token;
            while (sql_token_next(dialect, &rest, &token) != SQL_END)
                assert_true(token.len > 0 && token.at + token.len <= part + n);
        }
        free(part);
    }
}

#endif
