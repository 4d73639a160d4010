#include "tests/fake/db_note.h"

struct note {
    struct db base;
    struct buf *asked;
};

static void note_close(struct db *db)
{
    free(db->label);
    free(db);
}

static bool note_query(struct db *db, struct span sql, db_each each, void *ctx,
                       struct db_result *result, struct err *err)
{
    struct buf *asked = ((struct note *)db)->asked;

    (void)each;
    (void)ctx;
    if (result)
        *result = (struct db_result){0};
    buf_span(asked, sql);
    buf_putc(asked, '\n');
    return buf_ok(asked, err);
}

static bool note_quote(struct db *db, struct span text, bool identifier, struct buf *out)
{
    (void)db;
    buf_putc(out, identifier ? '`' : '\'');
    buf_span(out, text);
    return buf_putc(out, identifier ? '`' : '\'');
}

static const struct db_ops note_ops = {
    .name = "note", .close = note_close, .query = note_query, .quote = note_quote};

bool fake_db_note(unsigned version, struct buf *asked, struct db **out, struct err *err)
{
    struct note *n = calloc(1, sizeof(*n));

    if (!n)
        return err_memory(err);
    *n = (struct note){{.ops = &note_ops, .version = version}, asked};
    *out = &n->base;
    return true;
}
