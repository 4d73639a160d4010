#include "lib/db/values.h"
#include "lib/base/auto.h"

#include <ctype.h>

static bool is_class(const char *state, const char *class)
{
    return strncmp(state, class, 2) == 0;
}

/* ---- PostgreSQL --------------------------------------------------------------------------------*/

/* RAISE of PL/pgSQL may give any state; other languages pass on what their code has thrown. */
bool values_pg_raised(const char *state, const char *file, const char *function)
{
    static const char *const files[] = {"plperl.c", "pltcl.c", "plpy_elog.c", "plpy_plpymodule.c"};

    if (is_class(state, "P0") || is_class(state, "38") || strcmp(function, "exec_stmt_raise") == 0)
        return true;
    for (size_t i = 0; i < COUNT(files); i++)
        if (strcmp(file, files[i]) == 0)
            return true;
    return false;
}

bool values_hide_pg_raised(const char *context, struct buf *out)
{
    AUTO(buf) struct buf where = {0};

    values_hide_pg_context((struct span){context, strcspn(context, "\n")}, &where);
    return buf_puts(out, where.len ? buf_str(&where) : "a function") &&
           buf_puts(out, ": " VALUES_HIDDEN);
}

static bool is_ascii(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!isascii((unsigned char)text->at[i]))
            return false;
    return true;
}

bool values_hide_pg_primary(const char *state, const char *primary, struct buf *out)
{
    AUTO(buf) struct buf shown = {0};

    if (!is_class(state, "22"))
        return buf_puts(out, primary);
    /* From the first quote to the last: a value may hold quotes itself. In another language they may
     * be other signs. */
    const char *open = strchr(primary, '"'), *close = strrchr(primary, '"');
    buf_add(&shown, primary, open ? (size_t)(open - primary) : strlen(primary));
    buf_puts(&shown, open ? VALUES_HIDDEN : "");
    buf_puts(&shown, close > open ? close + 1 : "");
    return buf_puts(out,
                    is_ascii(&shown) ? buf_str(&shown) : "a value is not valid: " VALUES_HIDDEN);
}

/* "Key (a, b)=(1, 2) already exists." */
bool values_hide_pg_detail(const char *state, struct span detail, struct buf *out)
{
    static const char equals[] = ")=(";
    const char *values = memmem(detail.at, detail.len, equals, sizeof(equals) - 1);

    if (!detail.len || (!is_class(state, "22") && !is_class(state, "23")))
        return buf_span(out, detail);
    if (is_class(state, "23") && values)
        buf_add(out, detail.at, (size_t)(values + 2 - detail.at));
    return buf_puts(out, VALUES_HIDDEN);
}

/* "COPY t, line 17, column a: "x"", "JSON data, line 1: {...", "SQL statement "UPDATE ..."", which a
 * function may have put together. */
bool values_hide_pg_context(struct span context, struct buf *out)
{
    static const char statement[] = "SQL statement ";
    const char *value = memmem(context.at, context.len, ": ", 2);

    if (span_starts(context, statement))
        return buf_puts(out, statement) && buf_puts(out, VALUES_HIDDEN);
    return buf_add(out, context.at, value ? (size_t)(value - context.at) : context.len);
}

/* ---- MariaDB -----------------------------------------------------------------------------------*/

/* From the first quote to the last one that ends a value; without such a one, to the last of all. */
static bool hide_quoted(struct span text, struct buf *out)
{
    static const char *const ends[] = {"' for key", "' for column", "' for function",
                                       "' value found"};
    const char *open = memchr(text.at, '\'', text.len), *close = NULL;

    if (!open)
        return buf_span(out, text);
    const char *end = text.at + text.len;
    for (size_t i = 0; i < COUNT(ends); i++)
        for (const char *at = open; (at = memmem(at, (size_t)(end - at), ends[i], strlen(ends[i])));
             at++)
            close = !close || at > close ? at : close;
    if (!close)
        close = memrchr(open, '\'', (size_t)(end - open));
    buf_add(out, text.at, (size_t)(open - text.at));
    buf_puts(out, VALUES_HIDDEN);
    return buf_add(out, close + 1, (size_t)(end - close - 1));
}

/* Numbers: mysqld_error.h of MariaDB 10.11 and MySQL 8.0. instead: what is said in the place of a
 * message without quotes around its value. */
static const struct {
    unsigned number;
    const char *instead;
} with_values[] = {
    {1062, NULL}, /* Duplicate entry '%s' for key '%s' */
    {1292, NULL}, /* Truncated incorrect %s value: '%s' */
    {1300, NULL}, /* Invalid %s character string: '%s' */
    {1366, NULL}, /* Incorrect %s value: '%s' for column %s at row %lu */
    {1367, NULL}, /* Illegal %s '%s' value found during parsing */
    {1411, NULL}, /* Incorrect %s value: '%s' for function %s */
    {1525, NULL}, /* Incorrect %s value: '%s' */
    {1526, "no partition of the table takes the value " VALUES_HIDDEN},
    {1569, NULL}, /* ALTER TABLE causes ... duplicate entry '%s' for key '%s' */
    {1586, NULL}, /* Duplicate entry '%s' for key '%s' */
    {1644, "a trigger or routine refused it: " VALUES_HIDDEN},
    {1690, NULL}, /* %s value is out of range in '%s' */
    {1761, "a foreign key would make a duplicate entry in a table that has it: " VALUES_HIDDEN},
    {1762, "a foreign key would make a duplicate entry in a table that has it: " VALUES_HIDDEN},
    {1918, NULL}, /* Encountered illegal value '%s' when converting to %s */
    {3140, "JSON text is not valid: " VALUES_HIDDEN},
};

bool values_hide_my(unsigned number, struct span message, struct buf *out)
{
    for (size_t i = 0; i < COUNT(with_values); i++) {
        if (with_values[i].number != number)
            continue;
        return with_values[i].instead ? buf_puts(out, with_values[i].instead)
                                      : hide_quoted(message, out);
    }
    return buf_span(out, message);
}

bool values_warning(const struct db *db, const struct db_row *row, struct buf *out)
{
    uint64_t number = 0;

    if (row->count < 3)
        return buf_puts(out, "unknown");
    if (db->show_values)
        return buf_span(out, row->value[2]);
    return span_u64(row->value[1], &number) ? values_hide_my((unsigned)number, row->value[2], out)
                                            : buf_puts(out, VALUES_HIDDEN);
}
