/* Which rows differ: only asked when the sums do.
 *
 * Reads both sides again and counts the rows of the buckets that differ, up for the bundle and down
 * for the box; what does not come to zero differs. A third reading fetches those rows. Where more
 * rows are in question than fit into SLOTS_MAX, only some buckets are looked at: "at least".
 */
#include "restore/proof_part.h"

#include "lib/base/json.h"

#define SLOTS_MAX ((size_t)1 << 20) /* of 24 bytes; half of them are used */
#define ROW_KEPT  ((size_t)16 << 10)
#define KEPT_MAX  2000u /* rows of a side that are fetched */
#define KEY_SHOWN 80u

struct slot {
    uint64_t a, b; /* of the hash; both 0: free */
    int64_t more;  /* in the bundle than in the box */
};

struct kept {
    uint64_t line;
    char *row; /* NULL: too long to be kept */
    size_t len;
    bool matched;
};

struct find {
    struct proof_table *table;
    unsigned worker;
    struct hash *hash;
    bool *wanted; /* by bucket */
    struct slot *slots;
    size_t slot_count, used;
    bool partial;
    uint64_t missing, extra;      /* rows */
    struct vec in_bundle, in_box; /* struct kept */
    struct vec key;               /* unsigned */
    /* of the reading under way */
    bool box, fetching;
    uint64_t line;
};

/* ---- counting ----------------------------------------------------------------------------------*/

static struct slot *slot_of(struct find *f, const struct digest *d)
{
    struct slot want = {0};

    memcpy(&want.a, d->at + 8, 8);
    memcpy(&want.b, d->at + 16, 8);
    want.a |= 1; /* never free */
    for (size_t i = (size_t)want.b & (f->slot_count - 1);; i = (i + 1) & (f->slot_count - 1)) {
        struct slot *s = &f->slots[i];
        if (s->a == want.a && s->b == want.b)
            return s;
        if (s->a)
            continue;
        if (f->fetching || f->used >= f->slot_count / 2) {
            f->partial |= !f->fetching;
            return NULL;
        }
        f->used++;
        s->a = want.a;
        s->b = want.b;
        return s;
    }
}

static void kept_done(struct vec *v)
{
    struct kept *k = v->at;

    for (size_t i = 0; i < v->count; i++)
        free(k[i].row);
    vec_done(v);
}

static bool keep(struct find *f, struct span row, struct err *err)
{
    struct vec *to = f->box ? &f->in_box : &f->in_bundle;

    if (to->count >= KEPT_MAX)
        return true;
    struct kept *k = vec_add(to, err);
    if (!k)
        return false;
    *k = (struct kept){.line = f->line, .len = row.len};
    if (row.len > ROW_KEPT)
        return true;
    k->row = span_dup(row);
    return k->row || err_memory(err);
}

static bool look_at(struct find *f, struct span row, struct err *err)
{
    struct digest d = bag_hash(f->hash, &f->table->part->key, row);

    f->line++;
    if (!f->wanted[bag_bucket(f->table->bundle.bits, &d)])
        return true;
    struct slot *s = slot_of(f, &d);
    if (!s)
        return true;
    if (!f->fetching) {
        s->more += f->box ? -1 : 1;
        return true;
    }
    if (f->box ? s->more >= 0 : s->more <= 0)
        return true;
    s->more += f->box ? 1 : -1;
    return keep(f, row, err);
}

static bool look_at_rows(void *ctx, struct span rows, struct err *err)
{
    struct span row;

    while (proof_next_row(&rows, &row))
        if (!look_at(ctx, row, err))
            return false;
    return true;
}

static bool read_both(struct find *f, bool fetching, struct err *err)
{
    struct proof_table *t = f->table;

    f->fetching = fetching;
    f->box = false;
    f->line = 0;
    if (!proof_table_segments(t, 0, t->stream->segment_count, look_at_rows, f, err))
        return false;
    f->box = true;
    f->line = 0;
    return t->read(t, f->worker, PROOF_WHOLE, look_at_rows, f, err);
}

/* Of the buckets that differ, as many as may be held. */
static void choose(struct find *f)
{
    const struct proof_table *t = f->table;
    uint64_t rows = t->bundle.count > t->box.count ? t->bundle.count : t->box.count;
    uint64_t room = SLOTS_MAX / 4 / ((rows >> t->bundle.bits) + 1) + 1;

    for (unsigned i = 0; i < 1u << t->bundle.bits; i++) {
        if (bag_eq_bucket(&t->bundle, &t->box, i))
            continue;
        f->wanted[i] = room > 0;
        f->partial |= room == 0;
        room -= room > 0;
    }
}

static void count(struct find *f)
{
    for (size_t i = 0; i < f->slot_count; i++) {
        if (f->slots[i].more > 0)
            f->missing += (uint64_t)f->slots[i].more;
        else
            f->extra += (uint64_t)-f->slots[i].more;
    }
}

/* ---- telling -----------------------------------------------------------------------------------*/

static struct span column(const struct kept *k, unsigned at)
{
    struct span rest = {k->row, k->row ? k->len : 0}, value = {0};

    for (unsigned i = 0; i <= at; i++)
        if (!span_split(&rest, '\t', &value))
            return (struct span){0};
    return value;
}

static const char *column_name(const struct find *f, unsigned at)
{
    const json_t *c = json_array_get(json_object_get(f->table->stream->meta, "columns"), at);
    const char *name = json_string_value(json_is_object(c) ? json_object_get(c, "name") : c);

    return name ? name : "?";
}

static bool same_key(const struct find *f, const struct kept *a, const struct kept *b)
{
    const unsigned *key = f->key.at;

    for (size_t i = 0; i < f->key.count; i++)
        if (!a->row || !b->row || !span_eq(column(a, key[i]), column(b, key[i])))
            return false;
    return f->key.count > 0;
}

/* "id=17", or where it stands and what its key is. */
static json_t *row_name(const struct find *f, const struct kept *k, bool box)
{
    const unsigned *key = f->key.at;
    AUTO(buf) struct buf text = {0};

    bool values = f->table->part->conf->show_values;

    for (size_t i = 0; values && k->row && i < f->key.count; i++) {
        struct span value = column(k, key[i]);
        bool cut = value.len > KEY_SHOWN;
        buf_printf(&text, "%s%s=", i ? ", " : "", column_name(f, key[i]));
        buf_span(&text, (struct span){value.at, cut ? KEY_SHOWN : value.len});
        buf_puts(&text, cut ? "..." : "");
    }
    if (!text.len)
        buf_printf(&text, "row %llu of the %s", (unsigned long long)k->line,
                   box ? "box" : "bundle");
    for (size_t i = 0; !values && i < f->key.count; i++)
        buf_printf(&text, "%s%s%s", i ? ", " : " (key ", column_name(f, key[i]),
                   i + 1 == f->key.count ? ")" : "");
    return json_bytes(buf_view(&text));
}

static json_t *changed_columns(const struct find *f, const struct kept *a, const struct kept *b)
{
    json_t *list = json_array();

    for (unsigned i = 0; a->row && b->row && i < f->table->columns; i++)
        if (!span_eq(column(a, i), column(b, i)))
            json_array_append_new(list, json_string(column_name(f, i)));
    return list;
}

static void list_row(const struct find *f, json_t *rows, const struct kept *k, bool box,
                     const char *kind, json_t *columns)
{
    json_t *one = json_pack("{s:o, s:s}", "row", row_name(f, k, box), "kind", kind);

    if (columns)
        json_object_set_new(one, "columns", columns);
    if (json_array_size(rows) < PROOF_ROWS)
        json_array_append(rows, one);
    json_decref(one);
}

static uint64_t list_changed(struct find *f, json_t *rows)
{
    struct kept *a = f->in_bundle.at, *b = f->in_box.at;
    uint64_t changed = 0;

    for (size_t i = 0; i < f->in_bundle.count; i++)
        for (size_t j = 0; j < f->in_box.count && !a[i].matched; j++) {
            if (b[j].matched || !same_key(f, &a[i], &b[j]))
                continue;
            a[i].matched = b[j].matched = true;
            list_row(f, rows, &a[i], false, "changed", changed_columns(f, &a[i], &b[j]));
            changed++;
        }
    return changed;
}

/* When not all were fetched, the other half of a change may be among those that were not. */
static void list_single(struct find *f, json_t *rows)
{
    const struct kept *a = f->in_bundle.at, *b = f->in_box.at;
    bool all = f->missing <= KEPT_MAX && f->extra <= KEPT_MAX && !f->partial;

    for (size_t i = 0; i < f->in_bundle.count; i++)
        if (!a[i].matched)
            list_row(f, rows, &a[i], false, all ? "missing" : "differs", NULL);
    for (size_t i = 0; i < f->in_box.count; i++)
        if (!b[i].matched && (all || !f->key.count))
            list_row(f, rows, &b[i], true, "extra", NULL);
}

static bool tell(struct find *f, struct err *err)
{
    struct proof_part *p = f->table->part;
    AUTO(buf) struct buf what = {0};
    json_t *rows = json_array();

    if (!rows)
        return err_memory(err);
    uint64_t changed = list_changed(f, rows);
    list_single(f, rows);
    buf_printf(&what, "table %s", f->table->name);
    json_t *d =
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:b, s:o}", "what", json_bytes(buf_view(&what)),
                  "kind", "rows differ", "changed", (json_int_t)changed, "missing",
                  (json_int_t)(f->missing - changed), "extra", (json_int_t)(f->extra - changed),
                  "at_least", f->partial, "rows", rows);
    uint64_t total = f->missing + f->extra - changed;
    return proof_note(p, total ? total : 1, d, err);
}

static bool search(struct find *f, struct err *err)
{
    f->slot_count = 1024;
    while (f->slot_count < SLOTS_MAX &&
           f->slot_count < 4 * (f->table->bundle.count + f->table->box.count))
        f->slot_count *= 2;
    f->wanted = calloc((size_t)1 << f->table->bundle.bits, sizeof(*f->wanted));
    f->slots = calloc(f->slot_count, sizeof(*f->slots));
    if (!f->wanted || !f->slots)
        return err_memory(err);
    choose(f);
    if (!hash_open(&f->hash, err) || !f->table->key(f->table, f->worker, &f->key, err) ||
        !read_both(f, false, err))
        return false;
    count(f);
    return read_both(f, true, err) && tell(f, err);
}

bool proof_find(struct proof_table *t, unsigned worker, struct err *err)
{
    struct find f = {.table = t,
                     .worker = worker,
                     .in_bundle = VEC(struct kept),
                     .in_box = VEC(struct kept),
                     .key = VEC(unsigned)};
    bool ok = search(&f, err);

    hash_close(f.hash);
    free(f.wanted);
    free(f.slots);
    kept_done(&f.in_bundle);
    kept_done(&f.in_box);
    vec_done(&f.key);
    return ok;
}
