#include "migrate/script.h"

#include "lib/base/fd.h"

#define SCRIPT_MAX   ((size_t)1 << 30)
#define SCRIPT_SHORT ((size_t)16 << 10)

const struct statement *script_statements(const struct script *s)
{
    return s->statements.at;
}

const struct unit *script_units(const struct script *s)
{
    return s->units.at;
}

bool script_one_transaction(const struct script *s)
{
    const struct unit *u = s->units.at;

    return s->units.count == 1 && (u->wrap || u->own);
}

void script_close(struct script *s)
{
    if (!s)
        return;
    free(s->name);
    free(s->version);
    buf_done(&s->bytes);
    vec_done(&s->statements);
    vec_done(&s->units);
    free(s);
}

static bool add_statement(struct script *s, enum sql_dialect dialect,
                          const struct sql_statement *sql, struct err *err)
{
    struct statement *st = vec_add(&s->statements, err);

    if (!st)
        return false;
    *st = (struct statement){.text = sql->text,
                             .copy_data = sql->copy_data,
                             .line = sql->line,
                             .tx = classify_tx(dialect, sql->text),
                             .no_where = classify_no_where(dialect, sql->text)};
    return true;
}

static bool split(struct script *s, enum sql_dialect dialect, const struct script_modes *modes,
                  const struct section *part, struct err *err)
{
    struct sql_splitter sp;
    struct sql_statement sql;
    bool more;

    sql_split_init(&sp, dialect, part->up);
    sp.line = part->line;
    sp.ansi_quotes = modes->ansi_quotes;
    sp.no_backslash_escapes = dialect == SQL_POSTGRESQL || modes->no_backslash_escapes;
    for (;;) {
        if (!sql_split_next(&sp, &sql, &more, err))
            return false;
        if (!more)
            return true;
        if (!add_statement(s, dialect, &sql, err))
            return false;
    }
}

/* What stands before the up part would never run: it must not be more than comments. */
static bool check_outside(enum sql_dialect dialect, const struct section *part, struct err *err)
{
    struct sql_splitter sp;
    struct sql_statement sql;
    bool more;

    if (part->style == SECTION_NONE)
        return true;
    sql_split_init(&sp, dialect, part->before);
    if (!sql_split_next(&sp, &sql, &more, err))
        return false;
    return !more || err_set(err, ERR_CONFIG, "line %u: a statement before the up part", sql.line);
}

/* ---- checksums ---------------------------------------------------------------------------------*/

/* PostgreSQL folds words that are not quoted; MariaDB's table names may mind the case. */
static void hash_token(struct hash *h, enum sql_dialect dialect, enum sql_token kind,
                       struct span token)
{
    unsigned char mark = (unsigned char)('a' + (int)kind);
    uint64_t len = token.len;

    hash_add(h, &mark, 1);
    hash_add(h, &len, sizeof(len));
    if (kind != SQL_WORD || dialect != SQL_POSTGRESQL) {
        hash_add(h, token.at, token.len);
        return;
    }
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        char low = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        hash_add(h, &low, 1);
    }
}

bool script_normal(const struct script *s, enum sql_dialect dialect, size_t count,
                   struct digest *out, struct err *err)
{
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err))
        return false;
    for (size_t i = 0; i < count && i < s->statements.count; i++) {
        const struct statement *st = &script_statements(s)[i];
        struct span rest = st->text, token;
        enum sql_token kind;

        while ((kind = sql_token_next(dialect, &rest, &token)) != SQL_END)
            hash_token(h, dialect, kind, token);
        hash_add(h, ";", 1);
        if (st->copy_data.at)
            hash_token(h, dialect, SQL_STRING, st->copy_data);
    }
    *out = hash_end(h);
    return true;
}

/* ---- opening -----------------------------------------------------------------------------------*/

static bool fill(struct script *s, const struct order_file *file, enum sql_dialect dialect,
                 const struct script_modes *modes, struct err *err)
{
    struct section part;

    s->raw = hash_of(buf_view(&s->bytes));
    s->is_short = s->bytes.len <= SCRIPT_SHORT;
    if (!section_find(buf_view(&s->bytes), &part, err) || !check_outside(dialect, &part, err) ||
        !split(s, dialect, modes, &part, err))
        return false;
    s->section = part.style;
    return units_build(dialect, s->statements.at, s->statements.count,
                       part.no_transaction || file->no_transaction, &s->units, err) &&
           script_normal(s, dialect, s->statements.count, &s->normal, err);
}

bool script_open(const struct order *order, const struct order_file *file, enum sql_dialect dialect,
                 const struct script_modes *modes, struct script **out, struct err *err)
{
    AUTO(free) char *path = path_join(order->dir, file->name);
    AUTO(script) struct script *s = calloc(1, sizeof(*s));

    if (!path || !s)
        return err_memory(err);
    s->statements = (struct vec)VEC(struct statement);
    s->units = (struct vec)VEC(struct unit);
    s->repeatable = file->repeatable;
    s->name = span_dup(span_of(file->name));
    s->version = span_dup(span_of(file->version));
    if (!s->name || !s->version)
        return err_memory(err);
    if (!file_read(path, SCRIPT_MAX, &s->bytes, err))
        return false;
    if (!fill(s, file, dialect, modes, err))
        return err_add(err, "'%s'", path);
    *out = TAKE(s);
    return true;
}
