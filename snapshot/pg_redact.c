#include "snapshot/pg_redact.h"

#include "lib/base/auto.h"
#include "lib/base/hash.h"
#include "lib/sql/split.h"

static bool is_secret(struct span name)
{
    static const char *const parts[] = {"pass", "secret", "token", "key", "credential"};
    char text[65] = "";

    memcpy(text, name.at, name.len < sizeof(text) ? name.len : sizeof(text) - 1);
    for (size_t i = 0; i < COUNT(parts); i++)
        if (strcasestr(text, parts[i]))
            return true;
    return false;
}

static bool has_options(struct span sql)
{
    static const char *const makers[] = {"create server", "create user mapping",
                                         "create foreign data wrapper", "create foreign table",
                                         "alter foreign table"};

    for (size_t i = 0; i < COUNT(makers); i++)
        if (sql_starts(SQL_POSTGRESQL, sql, makers[i]))
            return true;
    return false;
}

/* One statement; *from is what of the text is not yet in `out`. An option is a name and a string. */
static void redact_statement(struct span sql, const char **from, struct buf *out, unsigned *count)
{
    struct span rest = sql, token, before = {0};
    enum sql_token kind, kind_before = SQL_END;

    while ((kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END) {
        bool named = kind_before == SQL_WORD || kind_before == SQL_QUOTED_NAME;
        if (kind == SQL_STRING && named && is_secret(before)) {
            buf_add(out, *from, (size_t)(token.at - *from));
            buf_puts(out, "''");
            *from = token.at + token.len;
            ++*count;
        }
        before = token;
        kind_before = kind;
    }
}

bool pg_redact(struct span sql, struct buf *out, unsigned *count, struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    const char *from = sql.at;
    bool more = true;

    *count = 0;
    sql_split_init(&split, SQL_POSTGRESQL, sql);
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return false;
        if (!more)
            break;
        if (has_options(st.text))
            redact_statement(st.text, &from, out, count);
    }
    if (sql.len)
        buf_add(out, from, (size_t)(sql.at + sql.len - from));
    return buf_ok(out, err);
}

/* Where KEY stands in the line that begins with `command`; empty when `line` is none. */
static struct span key_in(struct span line, const char *command)
{
    struct span key = line;

    if (!span_starts(line, command))
        return (struct span){NULL, 0};
    key.at += strlen(command);
    key.len -= strlen(command);
    return key;
}

void pg_steady_key(struct buf *sql)
{
    struct span rest = buf_view(sql), line, first = {NULL, 0}, last = {NULL, 0};
    char hex[HASH_HEX];

    while (span_split(&rest, '\n', &line)) {
        if (!first.at)
            first = key_in(line, "\\restrict ");
        else if (key_in(line, "\\unrestrict ").at)
            last = key_in(line, "\\unrestrict ");
    }
    if (!last.at || !span_eq(first, last) || first.len >= sizeof(hex))
        return;

    char *const places[] = {sql->at + (first.at - sql->at), sql->at + (last.at - sql->at)};
    for (size_t i = 0; i < COUNT(places); i++)
        memset(places[i], '0', first.len);
    struct digest digest = hash_of(buf_view(sql));
    digest_hex(&digest, hex);
    for (size_t i = 0; i < COUNT(places); i++)
        memcpy(places[i], hex, first.len);
}
