#include "lib/db/my_shown.h"

#include <string.h>

#include "lib/sql/split.h"

#define VERSION_TYPE_OF 100300

/* ---- where a `?` is shown ------------------------------------------------------------------------*/

struct finding {
    struct span rest; /* behind the token */
    struct span token, before;
    enum sql_token kind;
    unsigned depth;
};

static bool next(struct finding *f)
{
    f->before = f->token;
    f->kind = sql_token_next(SQL_MARIADB, &f->rest, &f->token);
    if (f->kind == SQL_PUNCT)
        f->depth += span_is(f->token, "(") ? 1U : span_is(f->token, ")") ? -1U : 0U;
    return f->kind != SQL_END;
}

static bool add(struct vec *out, enum my_shown_as as, struct span column, struct span text,
                struct err *err)
{
    if (!memchr(text.at, '?', text.len))
        return true;
    struct my_shown *s = vec_add(out, err);
    if (!s)
        return false;
    *s = (struct my_shown){as, column, text};
    return true;
}

/* The token is the type; then it is the one behind the last element. */
static bool find_elements(struct finding *f, struct span column, struct vec *out, struct err *err)
{
    enum my_shown_as as = span_is_nocase(f->token, "set") ? MY_SHOWN_SET : MY_SHOWN_ENUM;
    struct span text = {0};

    if (as == MY_SHOWN_ENUM && !span_is_nocase(f->token, "enum"))
        return true;
    while (next(f) && f->depth > 1) {
        if (f->kind != SQL_STRING)
            continue;
        text.at = text.at ? text.at : f->token.at;
        text.len = (size_t)(f->token.at + f->token.len - text.at);
    }
    return !text.at || add(out, as, column, text, err);
}

/* The token is the column; then it is what ends its definition. */
static bool find_in_column(struct finding *f, struct vec *out, struct err *err)
{
    struct span column = f->token;
    bool ok = next(f);
    bool bytes = span_is_nocase(f->token, "binary") || span_is_nocase(f->token, "varbinary");

    ok = !ok || find_elements(f, column, out, err);
    while (ok && f->depth && !(f->depth == 1 && span_is(f->token, ",")) && next(f))
        if (f->kind == SQL_STRING && !bytes && span_is_nocase(f->before, "DEFAULT"))
            ok = add(out, MY_SHOWN_DEFAULT, column, f->token, err);
    return ok;
}

bool my_shown_find(struct span create, struct vec *out, struct err *err)
{
    struct finding f = {.rest = create};

    while (next(&f)) {
        bool begins = f.depth == 1 && (span_is(f.before, "(") || span_is(f.before, ","));
        if (begins && f.kind == SQL_QUOTED_NAME && !find_in_column(&f, out, err))
            return false;
    }
    return true;
}

/* ---- what is meant -------------------------------------------------------------------------------*/

/* The next character that is shown as `?`: one of four bytes, or a `?`. No other begins with F0 to F4. */
static struct span next_shown(struct span *value)
{
    while (value->len) {
        const char *at = value->at;
        size_t len = (unsigned char)*at >= 0xf0 ? 4 : 1;

        if (len > value->len)
            break;
        value->at += len;
        value->len -= len;
        if (len == 4 || *at == '?')
            return (struct span){at, len};
    }
    return (struct span){0};
}

/* As many characters, and those that the server shows are the same. */
static bool belong(struct span shown, struct span value)
{
    struct span mark, meant;

    do {
        mark = next_shown(&shown);
        meant = next_shown(&value);
        if (!mark.at != !meant.at || (mark.len == 4 && !span_eq(mark, meant)))
            return false;
    } while (mark.at);
    return true;
}

bool my_shown_fill(struct span shown, struct span value, struct buf *out)
{
    const char *from = shown.at, *end = shown.at + shown.len;
    struct span mark;

    if (!belong(shown, value))
        return false;
    while ((mark = next_shown(&shown)).at) {
        buf_add(out, from, (size_t)(mark.at - from));
        buf_span(out, next_shown(&value));
        from = shown.at;
    }
    buf_add(out, from, (size_t)(end - from));
    return true;
}

/* ---- asking --------------------------------------------------------------------------------------*/

/* The join gives the one row that the function needs, and reads none; but there a column that is NOT
 * NULL has no default either: that takes a row of the table. */
static bool ask_default(struct db *db, const char *table, const struct my_shown *s,
                        struct buf *value, struct err *err)
{
    int len = (int)s->column.len;

    return db_value(db, value, err,
                    "SELECT CONVERT(DEFAULT(%.*s) USING utf8mb4) FROM (SELECT 1) AS one LEFT JOIN "
                    "%s ON FALSE",
                    len, s->column.at, table) &&
           (value->len ||
            db_value(db, value, err, "SELECT CONVERT(DEFAULT(%.*s) USING utf8mb4) FROM %s LIMIT 1",
                     len, s->column.at, table));
}

/* An ENUM is the number of its element, a SET one bit for each. */
static bool ask_elements(struct db *db, const char *table, const struct my_shown *s,
                         struct buf *value, struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    struct span rest = s->text, token, left;
    enum sql_token kind;
    unsigned n = 0;

    if (db->is_mysql || db->version < VERSION_TYPE_OF)
        return err_set(err, ERR_SQL, "this server has no variables of a column's type");
    buf_printf(&sql, "BEGIN NOT ATOMIC DECLARE element TYPE OF %s.%.*s; SET @rehearse_shown = ''; ",
               table, (int)s->column.len, s->column.at);
    while ((kind = sql_token_next(SQL_MARIADB, &rest, &token)) != SQL_END) {
        n += kind == SQL_STRING;
        left = token;
        if (kind == SQL_STRING && next_shown(&left).at)
            buf_printf(&sql,
                       "SET element = %s%u; SET @rehearse_shown = CONCAT(@rehearse_shown, "
                       "CONVERT(element USING utf8mb4)); ",
                       s->as == MY_SHOWN_SET ? "1 << " : "", s->as == MY_SHOWN_SET ? n - 1 : n);
    }
    buf_puts(&sql, "END");
    return buf_ok(&sql, err) && db->ops->query(db, buf_view(&sql), NULL, NULL, NULL, err) &&
           db_value(db, value, err, "SELECT @rehearse_shown");
}

/* What the server refuses to tell, or has no row for, is not known: no error. */
static bool ask(struct db *db, const char *table, const struct my_shown *s, struct buf *value,
                bool *known, struct err *err)
{
    struct err why = {0};

    *known = (s->as == MY_SHOWN_DEFAULT ? ask_default : ask_elements)(db, table, s, value, &why);
    return *known || why.code == ERR_SQL || why.code == ERR_MISSING || why.code == ERR_RIGHTS ||
           err_pass(err, &why);
}

bool my_shown_whole(struct db *db, const char *table, struct buf *create, bool *unsure,
                    struct err *err)
{
    AUTO(vec) struct vec found = VEC(struct my_shown);
    AUTO(buf) struct buf quoted = {0}, value = {0}, whole = {0};
    struct span left = buf_view(create);

    if (!create->len || !memchr(create->at, '?', create->len))
        return true;
    db_quote_name(db, table, &quoted);
    if (!buf_ok(&quoted, err) || !my_shown_find(left, &found, err))
        return false;
    const struct my_shown *all = found.at;
    for (size_t i = 0; i < found.count; i++) {
        struct span text = all[i].text;
        bool known = false;

        if (!ask(db, buf_str(&quoted), &all[i], &value, &known, err))
            return err_add(err, "table '%s'", table);
        buf_add(&whole, left.at, (size_t)(text.at - left.at));
        if (!known || !my_shown_fill(text, buf_view(&value), &whole)) {
            *unsure = true;
            buf_span(&whole, text);
        }
        left.len -= (size_t)(text.at + text.len - left.at);
        left.at = text.at + text.len;
    }
    buf_span(&whole, left);
    buf_clear(create);
    return buf_span(create, buf_view(&whole)) || err_memory(err);
}
