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

static void bounds_done(struct vec *bounds)
{
    struct my_bound *all = bounds->at;

    for (size_t i = 0; i < bounds->count; i++) {
        my_bound_done(&all[i]);
        vec_done(&all[i].literals);
    }
    vec_done(bounds);
}

/* A range that is to be read again: up to and with the last key of segment `last`. */
struct kept {
    size_t last;
    uint64_t raw_bytes;
    const struct segment *like;
};

static uint64_t size_of(const void *segments, size_t i)
{
    return ((const struct segment *)segments)[i].raw_bytes;
}

/* The larger one gives the base. */
static bool join_small(const struct stream *old, struct vec *out, struct err *err)
{
    for (size_t i = 0; i < old->segment_count;) {
        size_t end = i + keep_together(old->segments, i, old->segment_count, size_of);
        struct kept *k = vec_add(out, err);

        if (!k)
            return false;
        *k = (struct kept){end - 1, 0, &old->segments[i]};
        for (; i < end; i++) {
            k->raw_bytes += old->segments[i].raw_bytes;
            if (old->segments[i].raw_bytes > k->like->raw_bytes)
                k->like = &old->segments[i];
        }
    }
    return true;
}

/* Rows that are added between others make a segment grow; at twice the size it becomes two. */
static struct my_range how_to_read(const struct kept *k)
{
    uint64_t close = k->raw_bytes < SEGMENT_TARGET + SEGMENT_TARGET / 2
                         ? 2 * SEGMENT_TARGET
                         : k->raw_bytes / 2 + k->raw_bytes / 16;

    return (struct my_range){.segment_bytes = (size_t)close, .like = k->like};
}

static bool read_bounds(const struct my_table *t, const struct stream *old, const struct vec *kept,
                        struct vec *bounds, bool *sound, struct err *err)
{
    const struct kept *k = kept->at;

    *sound = true;
    for (size_t i = 0; *sound && i < kept->count; i++) {
        struct my_bound *b = vec_add(bounds, err);
        if (!b)
            return false;
        *b = (struct my_bound){t, VEC(char *)};
        if (!read_key(t, old->segments[k[i].last].key_to, b, sound, err))
            return false;
    }
    return true;
}

static bool plan(struct my_source *s, struct my_table *t, const struct vec *kept,
                 struct vec *bounds, struct sched *sched, struct err *err)
{
    struct my_bound open = {t, VEC(char *)}, *b = bounds->at;
    const struct kept *k = kept->at;
    size_t count = kept->count;

    for (size_t i = 0; i < count; i++) {
        struct my_range how = how_to_read(&k[i]);
        if (!my_plan_between(s, t, i ? &b[i - 1] : &open, &b[i], &how, sched, err))
            return false;
    }
    /* What is behind the last key is a segment of its own, which later days refer to: in the last one
     * it would be part of its delta every day. */
    return my_plan_walk(s, t, &b[count - 1], sched, err);
}

bool my_keep_ranges(struct my_source *s, struct my_table *t, struct sched *sched, bool *done,
                    struct err *err)
{
    AUTO(free) char *name = my_table_stream(s, t->name);
    AUTO(vec) struct vec kept = VEC(struct kept);
    struct vec bounds = VEC(struct my_bound);
    char shape[HASH_HEX];
    bool sound = false;

    *done = false;
    if (!name)
        return err_memory(err);
    const struct stream *old = bundle_parent_stream(s->conf.writer, name);
    if (!old || !old->segment_count || old->raw_bytes < KEEP_MIN || !key_fits(t))
        return true;
    if (!my_shape_digest(s, t, shape, err))
        return false;
    const char *was = json_string_value(json_object_get(old->meta, "shape"));
    if (!was || strcmp(was, shape) != 0)
        return true;
    if (!join_small(old, &kept, err))
        return false;
    bool ok = read_bounds(t, old, &kept, &bounds, &sound, err);
    if (ok && sound)
        *done = ok = plan(s, t, &kept, &bounds, sched, err);
    bounds_done(&bounds);
    return ok;
}
