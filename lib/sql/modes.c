#include "lib/sql/modes.h"

#include "lib/base/auto.h"

/* The combined modes hold ANSI_QUOTES too. */
static const char *const quoting_modes[] = {"ANSI_QUOTES", "ANSI",  "ORACLE",     "DB2",
                                            "MSSQL",       "MAXDB", "POSTGRESQL", NULL};

static struct span unquoted(struct span s)
{
    return s.len >= 2 ? (struct span){s.at + 1, s.len - 2} : s;
}

static bool among(struct span word, const char *const *words)
{
    for (; *words; words++)
        if (span_is_nocase(word, *words))
            return true;
    return false;
}

static void mode_list(struct sql_splitter *s, struct span list)
{
    struct span mode;

    s->ansi_quotes = s->no_backslash_escapes = false;
    while (span_split(&list, ',', &mode)) {
        mode = span_trim(mode);
        s->ansi_quotes |= among(mode, quoting_modes);
        s->no_backslash_escapes |= span_is_nocase(mode, "NO_BACKSLASH_ESCAPES");
    }
}

/* SET sql_mode = 'list' sets, = @saved or = DEFAULT puts back. A user variable of that name and the
 * global value leave the session alone. */
static void mariadb_set(struct sql_splitter *s, struct span rest)
{
    struct span token, before = {0};
    enum sql_token kind;
    bool global = false, user = false;

    while ((kind = sql_token_next(s->dialect, &rest, &token)) != SQL_END) {
        if (kind == SQL_PUNCT && span_is(token, ","))
            global = false;
        global |= span_is_nocase(token, "GLOBAL");
        if (kind == SQL_PUNCT && span_is(token, "@"))
            user = !span_is(before, "@");
        if (kind == SQL_WORD && span_is_nocase(token, "sql_mode") && !global && !user) {
            sql_token_next(s->dialect, &rest, &token);
            if (!span_is(token, "=") && !span_is(token, ":="))
                continue;
            kind = sql_token_next(s->dialect, &rest, &token);
            if (kind == SQL_STRING) {
                mode_list(s, unquoted(token));
            } else {
                s->ansi_quotes = s->outer_ansi_quotes;
                s->no_backslash_escapes = s->outer_no_backslash_escapes;
            }
        }
        if (kind != SQL_PUNCT)
            user = false;
        before = token;
    }
}

static void postgresql_set(struct sql_splitter *s, struct span rest)
{
    static const char *const offs[] = {"off", "false", "no", "0", NULL};
    struct span token;

    do {
        if (sql_token_next(s->dialect, &rest, &token) != SQL_WORD)
            return;
    } while (span_is_nocase(token, "session") || span_is_nocase(token, "local"));
    if (!span_is_nocase(token, "standard_conforming_strings"))
        return;
    sql_token_next(s->dialect, &rest, &token); /* = or TO */
    if (sql_token_next(s->dialect, &rest, &token) == SQL_STRING)
        token = unquoted(token);
    s->no_backslash_escapes = !among(token, offs);
}

void modes_follow(struct sql_splitter *s, struct span statement)
{
    struct span rest = statement, token;

    if (sql_token_next(s->dialect, &rest, &token) != SQL_WORD || !span_is_nocase(token, "SET"))
        return;
    if (s->dialect == SQL_MARIADB)
        mariadb_set(s, rest);
    else
        postgresql_set(s, rest);
}
