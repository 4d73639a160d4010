/* Bulk text out of and into MariaDB and MySQL. */
#include "lib/db/my.h"
#include "lib/db/my_text.h"
#include "lib/db/values.h"

/* Rows are handed on in pieces of about this size: small enough for the processor's cache. */
#define PIECE_BYTES ((size_t)256 << 10)

static void auto_myres(MYSQL_RES **res)
{
    mysql_free_result(*res);
}

/* ---- out -------------------------------------------------------------------------------------*/

static bool is_plain(const MYSQL_FIELD *f)
{
    return (f->flags & NUM_FLAG) && f->type != MYSQL_TYPE_BIT;
}

static bool add_row(struct buf *out, MYSQL_RES *res, MYSQL_ROW row, const bool *plain)
{
    const unsigned long *len = mysql_fetch_lengths(res);
    unsigned count = mysql_num_fields(res);

    for (unsigned i = 0; i < count; i++) {
        struct span value = {row[i], row[i] ? len[i] : 0};
        if (i)
            buf_putc(out, '\t');
        if (plain[i])
            my_text_plain(out, value);
        else
            my_text_add(out, value);
    }
    return buf_putc(out, '\n');
}

static bool copy_rows(struct mydb *db, MYSQL_RES *res,
                      bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                      struct err *err)
{
    unsigned count = mysql_num_fields(res);
    AUTO(buf) struct buf piece = {0};
    AUTO(free) bool *plain = calloc(count ? count : 1, sizeof(*plain));
    MYSQL_ROW row;

    if (!plain)
        return err_memory(err);
    for (unsigned i = 0; i < count; i++)
        plain[i] = is_plain(mysql_fetch_field_direct(res, i));
    while ((row = mysql_fetch_row(res))) {
        if (!add_row(&piece, res, row, plain))
            return buf_ok(&piece, err);
        if (piece.len < PIECE_BYTES)
            continue;
        if (!take(ctx, buf_view(&piece), err))
            return false;
        buf_clear(&piece);
    }
    if (mysql_errno(db->my))
        return my_fail(db, err);
    return !piece.len || take(ctx, buf_view(&piece), err);
}

bool my_copy_out(struct db *base, struct span sql,
                 bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                 struct err *err)
{
    struct mydb *db = (struct mydb *)base;
    AUTO(myres) MYSQL_RES *res = NULL;

    if (!my_start(db, sql, &res, err))
        return false;
    if (!res)
        return err_set(err, ERR_SQL, "%s: the statement gives no rows to copy", base->label);
    bool ok = copy_rows(db, res, take, ctx, err);
    if (!ok)
        my_drop_rest(db, res);
    return ok;
}

/* ---- in --------------------------------------------------------------------------------------*/

struct my_infile {
    bool (*give)(void *ctx, struct span *piece, struct err *err);
    void *ctx;
    struct err *err;
    struct span piece; /* what is left of it */
    bool failed;
};

/* The server names a file in its answer; what it names is never looked at, so that a hostile one
 * cannot read from this host. */
static int infile_init(void **out, const char *name, void *userdata)
{
    struct mydb *db = userdata;

    (void)name;
    *out = db->infile;
    return db->infile ? 0 : 1;
}

static int infile_read(void *ptr, char *to, unsigned room)
{
    struct my_infile *in = ptr;

    if (!in || in->failed)
        return -1;
    if (!in->piece.len && !in->give(in->ctx, &in->piece, in->err)) {
        in->failed = true;
        return -1;
    }
    size_t len = in->piece.len < room ? in->piece.len : room;
    if (len)
        memcpy(to, in->piece.at, len);
    in->piece.at += len;
    in->piece.len -= len;
    return (int)len;
}

static void infile_end(void *ptr)
{
    (void)ptr;
}

static int infile_error(void *ptr, char *text, unsigned room)
{
    snprintf(text, room, "%s", ptr ? "the data's source failed" : "reading files is refused");
    return 2000; /* CR_UNKNOWN_ERROR */
}

void my_infile_guard(struct mydb *db)
{
    mysql_set_local_infile_handler(db->my, infile_init, infile_read, infile_end, infile_error, db);
}

/* "Records: 2  Deleted: 0  Skipped: 1  Warnings: 1" */
static uint64_t info_number(const char *info, const char *name)
{
    const char *at = info ? strstr(info, name) : NULL;

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

struct said {
    const struct db *db;
    struct buf text;
};

static bool say_warning(void *ctx, const struct db_row *row, struct err *err)
{
    struct said *s = ctx;

    return values_warning(s->db, row, &s->text) && buf_ok(&s->text, err);
}

bool my_copy_in(struct db *base, struct span sql,
                bool (*give)(void *ctx, struct span *piece, struct err *err), void *ctx,
                uint64_t *rows, struct err *err)
{
    struct mydb *db = (struct mydb *)base;
    struct my_infile in = {.give = give, .ctx = ctx, .err = err};

    db->infile = &in;
    int failed = mysql_real_query(db->my, sql.at, sql.len);
    db->infile = NULL;
    if (in.failed)
        return false;
    if (failed)
        return my_fail(db, err);

    /* LOCAL makes the server skip what it cannot store instead of failing. */
    uint64_t skipped = info_number(mysql_info(db->my), "Skipped: ");
    uint64_t stored = mysql_affected_rows(db->my);
    if (skipped) {
        struct said why = {.db = base};
        base->ops->query(base, SPAN("SHOW WARNINGS LIMIT 1"), say_warning, &why, NULL, NULL);
        err_set(err, ERR_SQL, "%s: %llu rows were refused, the first one: %s", base->label,
                (unsigned long long)skipped, buf_str(&why.text));
        buf_done(&why.text);
        return false;
    }
    if (rows)
        *rows = stored;
    return true;
}
