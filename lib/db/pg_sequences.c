/* Values of sequences. */
#include "lib/base/vec.h"
#include "lib/db/pg_schema.h"

#define SEQUENCES_PER_QUERY 200

static const char sequences_sql[] =
#include "lib/db/pg_sequences.sql.h"
    ;

struct reading {
    struct db *db;
    struct vec names; /* struct name */
    struct buf query;
    struct buf *out;
    unsigned pending;
};
struct name {
    char *schema, *sequence;
};

static bool add_name(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    struct name *name = vec_add(&r->names, err);

    if (!name)
        return false;
    name->schema = span_dup(row->value[0]);
    name->sequence = span_dup(row->value[1]);
    return (name->schema && name->sequence) || err_memory(err);
}

static bool add_statement(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;

    buf_span(r->out, row->value[0]);
    buf_puts(r->out, ";\n");
    return buf_ok(r->out, err);
}

/* Each gives its own setval(). */
static bool add_sequence(struct reading *r, const struct name *n, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    AUTO(buf) struct buf call = {0};

    db_quote_qualified(r->db, n->schema, n->sequence, &name);
    buf_puts(&call, PG_SEQUENCE_HEAD);
    db_quote_text(r->db, buf_str(&name), &call);
    buf_puts(&call, ", ");
    buf_printf(&r->query, "%sSELECT ", r->query.len ? " UNION ALL " : "");
    db_quote_text(r->db, buf_str(&call), &r->query);
    buf_printf(&r->query, " || last_value || ', ' || is_called || ')' FROM %s", buf_str(&name));
    r->pending++;
    return buf_ok(&r->query, err) && buf_ok(&name, err) && buf_ok(&call, err);
}

static bool run(struct reading *r, struct err *err)
{
    if (!r->pending)
        return true;
    if (!db_rows(r->db, add_statement, r, err, "%s", buf_str(&r->query)))
        return err_add(err, "cannot read the sequences");
    buf_clear(&r->query);
    r->pending = 0;
    return true;
}

static bool read_all(struct reading *r, struct err *err)
{
    if (!db_rows(r->db, add_name, r, err, "%s", sequences_sql))
        return false;
    const struct name *n = r->names.at;
    for (size_t i = 0; i < r->names.count; i++) {
        if (!add_sequence(r, &n[i], err))
            return false;
        if (r->pending == SEQUENCES_PER_QUERY && !run(r, err))
            return false;
    }
    return run(r, err);
}

bool pg_sequences_read(struct db *db, struct buf *out, unsigned *count, struct err *err)
{
    struct reading r = {.db = db, .names = VEC(struct name), .out = out};
    bool ok = read_all(&r, err);
    struct name *n = r.names.at;

    if (ok)
        *count = (unsigned)r.names.count;
    for (size_t i = 0; i < r.names.count; i++) {
        free(n[i].schema);
        free(n[i].sequence);
    }
    vec_done(&r.names);
    buf_done(&r.query);
    return ok;
}
