/* The catalog of a file tree: what a later snapshot compares, to leave unchanged files unread.
 *
 * Rows stand in the order of the walk, but units are stored in any: those that are early wait here.
 */
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "snapshot/files.h"

#include <inttypes.h>

/* Small segments: one of the parent is in memory too, and few changes make small deltas. */
#define CATALOG_TARGET ((size_t)1 << 20)
/* Rows that may wait for a unit that takes long. */
#define EARLY_MAX ((size_t)4 << 20)

bool files_catalog_open(struct tree *t, struct err *err)
{
    AUTO(free) char *name = stream_name("facts", "catalog", t->env->name);
    AUTO(json) json_t *columns = json_array();

    for (size_t i = 0; i < CATALOG_COLUMNS; i++)
        json_array_append_new(columns, json_string(catalog_columns[i]));
    AUTO(json)
    json_t *meta =
        json_pack("{s:O, s:I}", "columns", columns, CATALOG_STARTED, (json_int_t)t->started_ns);
    if (!name || !meta)
        return err_memory(err);
    return bundle_stream(t->conf->writer, STREAM_COLUMNS, name, meta, &t->catalog.stream, err) &&
           columns_init(&t->catalog.cols, CATALOG_COLUMNS, err);
}

/* ---- rows ------------------------------------------------------------------------------------*/

static void add_row(struct unit *u, const struct node *n)
{
    escape_add(&u->rows, span_of(node_path(u, n)));
    buf_printf(&u->rows,
               "\t%o\t%u\t%u\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64
               "\t%u\t%" PRIu64 "\n",
               n->st.mode, n->st.uid, n->st.gid, n->st.size, n->st.mtime_ns, n->st.ctime_ns,
               n->st.device, n->st.inode, n->st.links, u->seq);
}

/* From here on only the rows are needed. */
static bool make_rows(struct unit *u, struct err *err)
{
    const struct node *nodes = u->nodes.at;

    for (size_t i = 0; i < u->nodes.count; i++)
        if (!nodes[i].left_out)
            add_row(u, &nodes[i]);
    vec_done(&u->nodes);
    buf_done(&u->text);
    return buf_ok(&u->rows, err);
}

/* Under the lock, as insert(), take_next() and append(). */
static bool flush(struct tree *t, struct err *err)
{
    struct files_catalog *c = &t->catalog;
    AUTO(buf) struct buf joined = {0};
    struct segment_raw seg = {.stream = c->stream, .seq = c->seq++};

    if (!buf_ok(&c->rows, err) || !columns_add_rows(&c->cols, buf_view(&c->rows), err) ||
        !columns_join(&c->cols, &joined, err))
        return false;
    seg.records = c->cols.rows;
    seg.bytes = buf_view(&joined);
    buf_clear(&c->rows);
    columns_clear(&c->cols);
    return bundle_segment(t->conf->writer, &seg, err);
}

static void insert(struct files_catalog *c, struct unit *u)
{
    struct unit **at = &c->early;

    while (*at && (*at)->seq < u->seq)
        at = &(*at)->next;
    u->next = *at;
    *at = u;
    c->early_bytes += u->rows.len;
}

static struct unit *take_next(struct files_catalog *c)
{
    struct unit *u = c->early;

    if (!u || u->seq != c->next)
        return NULL;
    c->early = u->next;
    c->early_bytes -= u->rows.len;
    c->next++;
    return u;
}

/* Those that are done with are put into *done: they cannot be freed under the lock. */
static bool append(struct tree *t, struct unit **done, struct err *err)
{
    struct files_catalog *c = &t->catalog;
    struct unit *u = NULL;

    while ((u = take_next(c))) {
        u->next = *done;
        *done = u;
        buf_span(&c->rows, buf_view(&u->rows));
        if (c->rows.len >= CATALOG_TARGET && !flush(t, err))
            return false;
    }
    return buf_ok(&c->rows, err);
}

static void free_all(struct tree *t, struct unit *u)
{
    while (u) {
        struct unit *next = u->next;
        unit_free(t, u);
        u = next;
    }
}

bool files_catalog_add(struct tree *t, struct unit *u, struct err *err)
{
    struct unit *done = NULL;

    if (!make_rows(u, err)) {
        unit_free(t, u);
        return false;
    }
    pthread_mutex_lock(&t->lock);
    insert(&t->catalog, u);
    bool ok = append(t, &done, err);
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
    free_all(t, done);
    return ok;
}

bool files_catalog_crowded(const struct tree *t)
{
    return t->catalog.early_bytes > EARLY_MAX;
}

bool files_catalog_end(struct tree *t, struct err *err)
{
    pthread_mutex_lock(&t->lock);
    bool ok = flush(t, err);
    pthread_mutex_unlock(&t->lock);
    return ok;
}

void files_catalog_done(struct tree *t)
{
    free_all(t, t->catalog.early);
    buf_done(&t->catalog.rows);
    columns_done(&t->catalog.cols);
}
