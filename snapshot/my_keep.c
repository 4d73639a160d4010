/* Ranges of keys as the parent had them: the same rows fall into the same segments again.
 *
 * Proof:  with the last keys k0 < k1 < ... of the parent's segments as bounds, the ranges are
 *         (-inf, k0] (k0, k1] ... (kn, +inf): no row is missed or read twice, wherever rows were
 *         added or deleted. That the bounds ascend rests on two things: the parent read the table in
 *         the order of the same key, and the table's definition, collations included, is the same, on
 *         the same release of the server.
 */
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "snapshot/keep.h"
#include "snapshot/my.h"

#define COUNTER " AUTO_INCREMENT="
#define RELAX   ((size_t)4096) /* ranges between two times that they go out of memory */

/* A later server may sort a collation in another way. */
static void hash_order(struct hash *h, const struct my_source *s, const struct my_table *t)
{
    const struct my_column *c = t->columns.at;
    const unsigned *key = t->key.at;
    unsigned release = s->main->version / 100;

    hash_add(h, &release, sizeof(release));
    for (size_t i = 0; i < t->key.count; i++)
        hash_add(h, c[key[i]].name, strlen(c[key[i]].name) + 1);
}

bool my_shape_digest(const struct my_source *s, const struct my_table *t, char out[HASH_HEX],
                     struct err *err)
{
    struct span text = buf_view(&t->create);
    const char *at = text.len ? memmem(text.at, text.len, COUNTER, strlen(COUNTER)) : NULL;
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err))
        return false;
    if (at) {
        hash_add(h, text.at, (size_t)(at - text.at));
        const char *end = text.at + text.len;
        for (at += strlen(COUNTER); at < end && *at >= '0' && *at <= '9';)
            at++;
        text = (struct span){at, (size_t)(end - at)};
    }
    hash_add(h, text.at, text.len);
    hash_order(h, s, t);
    struct digest digest = hash_end(h);
    digest_hex(&digest, out);
    return true;
}

/* Keys that a segment shows byte by byte, and that the rows were read in the order of. */
static bool key_fits(const struct my_table *t)
{
    const struct my_column *c = t->columns.at;
    const unsigned *key = t->key.at;

    if (!t->transactional || t->kind != MY_TABLE || !t->key.count)
        return false;
    for (size_t i = 0; i < t->key.count; i++) {
        const struct my_column *col = &c[key[i]];
        if (col->key == MY_KEY_NONE || (col->form != MY_FORM_BYTES && col->form != MY_FORM_PLAIN))
            return false;
    }
    return true;
}

/* Only what a server of ours would have given: it becomes part of a statement. */
static bool value_fits(const struct my_column *c, struct span value)
{
    uint64_t number;
    int64_t negative;

    if (!value.at)
        return false;
    if (c->key == MY_KEY_INTEGER)
        return span_u64(value, &number) || span_i64(value, &negative);
    if (c->key != MY_KEY_TEXT)
        return true;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == '\'' || value.at[i] == '\\')
            return false;
    return true;
}

/* The key as it stands in a segment, as literals; false with *sound cleared: it is no such key. */
static bool read_key(const struct my_table *t, struct span text, struct my_bound *out, bool *sound,
                     struct err *err)
{
    AUTO(free) char *copy = span_dup(text);
    const struct my_column *c = t->columns.at;
    const unsigned *key = t->key.at;

    if (!copy)
        return err_memory(err);
    struct span rest = {copy, text.len}, field, value;
    for (size_t i = 0; i < t->key.count; i++) {
        AUTO(buf) struct buf literal = {0};

        *sound = span_split(&rest, '\t', &field) &&
                 escape_undo((char *)(uintptr_t)field.at, field.len, &value) &&
                 value_fits(&c[key[i]], value);
        if (!*sound)
            return true;
        char **slot = vec_add(&out->literals, err);
        if (!slot)
            return false;
        my_literal(&c[key[i]], value, &literal);
        *slot = buf_take(&literal);
        if (!*slot)
            return err_memory(err);
    }
    *sound = rest.at == NULL;
    return true;
}

/* A range that is to be read again: up to and with the last key of segment `last`. */
struct range {
    size_t last;
    uint64_t raw_bytes;
    const struct segment *like;
};

struct my_kept {
    const struct my_source *source;
    const struct my_table *table;
    const struct stream *old;
    size_t at, given; /* segments behind it, and ranges, that were not given yet */
};

static uint64_t size_of(const void *segments, size_t i)
{
    return ((const struct segment *)segments)[i].raw_bytes;
}

/* Small ones are joined; the larger one gives the base. False: there are no more. */
static bool next_range(struct my_kept *k, struct range *out)
{
    const struct segment *all = k->old->segments;
    size_t count = k->old->segment_count, i = k->at;

    if (i == count)
        return false;
    k->at = i + keep_together(all, i, count, size_of);
    *out = (struct range){.last = k->at - 1, .like = &all[i]};
    for (; i < k->at; i++) {
        out->raw_bytes += all[i].raw_bytes;
        if (all[i].raw_bytes > out->like->raw_bytes)
            out->like = &all[i];
    }
    if (k->given++ % RELAX == 0)
        bundle_parent_forget(k->source->conf.writer);
    return true;
}

/* Rows that are added between others make a segment grow; at twice the size it becomes two. */
static struct my_range how_to_read(const struct range *r)
{
    uint64_t close = r->raw_bytes < SEGMENT_TARGET + SEGMENT_TARGET / 2
                         ? 2 * SEGMENT_TARGET
                         : r->raw_bytes / 2 + r->raw_bytes / 16;

    return (struct my_range){.segment_bytes = (size_t)close, .like = r->like};
}

/* That all the keys can be bounds is known before the first of them is one. */
static bool check_bounds(struct my_kept k, bool *sound, struct err *err)
{
    struct my_bound b = MY_BOUND(k.table);
    struct range r;
    bool ok = true;

    *sound = true;
    while (ok && *sound && next_range(&k, &r)) {
        ok = read_key(k.table, k.old->segments[r.last].key_to, &b, sound, err);
        my_bound_done(&b);
    }
    vec_done(&b.literals);
    return ok;
}

bool my_kept_next(struct my_kept *k, struct my_bound *to, struct my_range *how, struct err *err)
{
    bool sound = true;
    struct range r;

    my_bound_done(to);
    if (!next_range(k, &r))
        return true;
    *how = how_to_read(&r);
    return read_key(k->table, k->old->segments[r.last].key_to, to, &sound, err) &&
           (sound || err_set(err, ERR_FAILED, "a key of the parent has changed"));
}

void my_kept_close(struct my_kept *k)
{
    free(k);
}

static bool same_shape(const struct my_source *s, const struct my_table *t,
                       const struct stream *old, bool *same, struct err *err)
{
    const char *was = json_string_value(json_object_get(old->meta, "shape"));
    char shape[HASH_HEX];

    *same = false;
    if (!my_shape_digest(s, t, shape, err))
        return false;
    *same = was && strcmp(was, shape) == 0;
    return true;
}

bool my_kept_open(struct my_source *s, struct my_table *t, struct my_kept **out, struct err *err)
{
    AUTO(free) char *name = my_table_stream(s, t->name);
    bool sound = false;

    if (!name)
        return err_memory(err);
    const struct stream *old = bundle_parent_stream(s->conf.writer, name);
    if (!old || !old->segment_count || old->raw_bytes < KEEP_MIN || !key_fits(t))
        return true;
    if (!same_shape(s, t, old, &sound, err))
        return false;
    if (!sound)
        return true;
    AUTO(my_kept) struct my_kept *k = calloc(1, sizeof(*k));
    if (!k)
        return err_memory(err);
    *k = (struct my_kept){.source = s, .table = t, .old = old};
    if (!check_bounds(*k, &sound, err))
        return false;
    if (sound)
        *out = TAKE(k);
    return true;
}
