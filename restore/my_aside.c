#include "restore/my_aside.h"

#include "lib/sql/split.h"
#include "restore/place.h"

#include <stdlib.h>

struct keys {
    struct db *db;
    const char *table;
    struct buf away, back; /* "DROP FOREIGN KEY a, ADD CONSTRAINT b FOREIGN KEY ..." */
};

/* Those that InnoDB has named follow the table's name. */
static bool is_generated(struct span name, const char *table)
{
    size_t len = strlen(table);

    return name.len > len && memcmp(name.at, table, len) == 0 &&
           span_starts((struct span){name.at + len, name.len - len}, "_ibfk_");
}

/* The text of a quoted name. */
static char *name_of(struct span quoted)
{
    AUTO(buf) struct buf name = {0};

    for (size_t i = 1; i + 1 < quoted.len; i++) {
        buf_putc(&name, quoted.at[i]);
        i += quoted.at[i] == '`';
    }
    return buf_take(&name);
}

static void exchange(struct keys *k, struct buf *out, const char *from, const char *to,
                     struct span rest)
{
    buf_puts(out, out->len ? ", DROP FOREIGN KEY " : " DROP FOREIGN KEY ");
    db_quote_name(k->db, from, out);
    buf_puts(out, ", ADD CONSTRAINT ");
    db_quote_name(k->db, to, out);
    buf_span(out, rest);
}

/* "CONSTRAINT `name` FOREIGN KEY ..." of SHOW CREATE TABLE. */
static bool add_key(struct keys *k, struct span line, struct err *err)
{
    struct span word = {0}, quoted = {0}, kind = {0}, rest = line, behind;
    char other[PLACE_NAME];

    sql_token_next(SQL_MARIADB, &rest, &word);
    sql_token_next(SQL_MARIADB, &rest, &quoted);
    behind = rest;
    sql_token_next(SQL_MARIADB, &rest, &kind);
    if (!span_is(word, "CONSTRAINT") || !span_is(kind, "FOREIGN"))
        return true;
    AUTO(free) char *name = name_of(quoted);
    if (!name)
        return err_memory(err);
    if (is_generated(span_of(name), k->table))
        return true;
    place_old_name(name, other);
    exchange(k, &k->away, name, other, behind);
    exchange(k, &k->back, other, name, behind);
    return buf_ok(&k->away, err) && buf_ok(&k->back, err);
}

static bool add_keys(void *ctx, const struct db_row *row, struct err *err)
{
    struct span rest = row->value[1], line;

    while (span_split(&rest, '\n', &line)) {
        line = span_trim(line);
        if (line.len && line.at[line.len - 1] == ',')
            line.len--;
        if (span_starts(line, "CONSTRAINT ") && !add_key(ctx, line, err))
            return false;
    }
    return true;
}

static bool run(struct my_aside *a, struct keys *k, struct err *err)
{
    AUTO(buf) struct buf name = {0}, back = {0};

    if (!k->away.len)
        return true;
    db_quote_name(a->db, k->table, &name);
    buf_printf(&back, "ALTER TABLE %s%s", buf_str(&name), buf_str(&k->back));
    if (!buf_ok(&name, err) || !buf_ok(&back, err))
        return false;
    char **slot = vec_add(&a->back, err);
    if (!slot)
        return false;
    if (!db_exec(a->db, err, "ALTER TABLE %s%s", buf_str(&name), buf_str(&k->away))) {
        a->back.count--;
        return false;
    }
    *slot = buf_take(&back);
    return true;
}

bool my_aside_keys(struct my_aside *a, const char *table, struct err *err)
{
    struct keys k = {.db = a->db, .table = table};
    AUTO(buf) struct buf name = {0};

    db_quote_name(a->db, table, &name);
    bool ok = buf_ok(&name, err) &&
              db_rows(a->db, add_keys, &k, err, "SHOW CREATE TABLE %s", buf_str(&name)) &&
              run(a, &k, err);
    buf_done(&k.away);
    buf_done(&k.back);
    return ok;
}

bool my_aside_back(struct my_aside *a, struct err *err)
{
    char **sql = a->back.at;
    bool ok = true;

    for (size_t i = a->back.count; i > 0; i--) {
        struct err why = {0};
        if (sql[i - 1] && !db_exec(a->db, &why, "%s", sql[i - 1]) && ok)
            ok = err_pass(err, &why);
    }
    return ok;
}

void my_aside_done(struct my_aside *a)
{
    char **sql = a->back.at;

    for (size_t i = 0; i < a->back.count; i++)
        free(sql[i]);
    vec_done(&a->back);
}
