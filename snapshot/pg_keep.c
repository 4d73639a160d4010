/* Ranges of blocks as the parent had them: the same rows fall into the same segments again.
 *
 * Kept ranges lie one behind the other from block 0 on, whatever the parent says: no row is missed
 * or read twice. They are used only while the table's file is the same: whatever writes the table
 * anew (VACUUM FULL, CLUSTER, TRUNCATE, many an ALTER TABLE) moves the rows to other blocks.
 */
#include "lib/base/json.h"
#include "snapshot/keep.h"
#include "snapshot/pg.h"

/* Ranges of the parent while they are put in order: those of one block are parts of one. */
struct group {
    uint64_t from, to, raw_bytes;
    const struct segment *first;
    size_t count;
};

static bool same_strings(const json_t *list, const struct pg_table *t, bool types)
{
    const struct pg_column *c = t->columns.at;

    if (json_array_size(list) != t->columns.count)
        return false;
    for (size_t i = 0; i < t->columns.count; i++) {
        const char *there = json_string_value(json_array_get(list, i));
        if (!there || strcmp(there, types ? c[i].type : c[i].name) != 0)
            return false;
    }
    return true;
}

static bool same_file(const struct stream *old, const struct pg_table *t, uint64_t *blocks)
{
    const json_t *node = json_object_get(old->meta, "filenode");
    json_int_t count = json_integer_value(json_object_get(old->meta, "blocks"));

    *blocks = (uint64_t)count;
    /* A table has fewer than 2^32 blocks; more would overflow where ranges are cut. */
    return count > 0 && count < UINT32_MAX && t->filenode && json_is_integer(node) &&
           (uint64_t)json_integer_value(node) == t->filenode &&
           same_strings(json_object_get(old->meta, "columns"), t, false) &&
           same_strings(json_object_get(old->meta, "types"), t, true);
}

#define KEPT_MAX ((size_t)512 << 20) /* of address space: ranges of 50 TB */
#define RELAX    ((size_t)4096)      /* ranges between two times that they go out of memory */

static void relax(const struct pg_source *s, const struct spill *groups)
{
    bundle_parent_forget(s->conf.writer);
    spill_forget(groups);
}

static struct group *groups_of(const struct spill *groups)
{
    return (struct group *)(void *)groups->at;
}

/* "512" or "512+3". */
static bool block_of(struct span key, uint64_t *block)
{
    struct span first;

    return span_split(&key, '+', &first) && span_u64(first, block);
}

/* False: the keys are not what this source writes. */
static bool gather(const struct pg_source *s, const struct stream *old, uint64_t blocks,
                   struct spill *groups, bool *sound, struct err *err)
{
    struct group *g = NULL;

    *sound = false;
    for (size_t i = 0; i < old->segment_count; i++) {
        const struct segment *seg = &old->segments[i];
        uint64_t from = 0;

        if (i % RELAX == 0)
            relax(s, groups);
        if (!block_of(seg->key_from, &from) || (g && from < g->from) || from >= blocks)
            return true;
        if (!g || from != g->from) {
            if (g)
                g->to = from;
            const struct group fresh = {.from = from, .first = seg};
            if (!(g = spill_add(groups, &fresh, sizeof(fresh), err)))
                return false;
        }
        g->raw_bytes += seg->raw_bytes;
        g->count++;
    }
    if (!g)
        return true;
    g->to = blocks;
    groups_of(groups)->from = 0;
    *sound = true;
    return true;
}

static uint64_t size_of(const void *group, size_t i)
{
    return ((const struct group *)group)[i].raw_bytes;
}

/* The larger one gives the base. */
static void join(struct group *a, const struct group *b)
{
    if (b->first->raw_bytes > a->first->raw_bytes) {
        a->first = b->first;
        a->count = b->count;
    }
    a->to = b->to;
    a->raw_bytes += b->raw_bytes;
}

/* How many are left, at the beginning. */
static size_t join_small(const struct spill *groups)
{
    struct group *all = groups_of(groups);
    size_t kept = 0, count = groups->len / sizeof(*all);

    for (size_t i = 0; i < count; kept++) {
        size_t end = i + keep_together(all, i, count, size_of);

        if (kept % RELAX == 0)
            spill_forget(groups);
        all[kept] = all[i];
        while (++i < end)
            join(&all[kept], &all[i]);
    }
    return kept;
}

/* A range of twice the size or more is cut into even ones. */
static bool keep_group(struct pg_source *s, struct pg_table *t, const struct group *g,
                       struct err *err)
{
    uint64_t blocks = g->to - g->from, pieces = 1;

    if (g->raw_bytes >= 2 * SEGMENT_TARGET)
        pieces = (g->raw_bytes + SEGMENT_TARGET / 2) / SEGMENT_TARGET;
    if (pieces > blocks)
        pieces = blocks;
    for (uint64_t i = 0; i < pieces; i++) {
        const struct pg_kept one = {.from = g->from + blocks * i / pieces,
                                    .to = g->from + blocks * (i + 1) / pieces,
                                    .raw_bytes = g->raw_bytes / pieces,
                                    .like = g->first + g->count * i / pieces};
        struct pg_kept *to = spill_add(&s->kept, &one, sizeof(one), err);
        if (!to)
            return false;
        t->kept = t->kept ? t->kept : to;
        t->kept_count++;
    }
    return true;
}

bool pg_keep_ranges(struct pg_source *s, struct pg_table *t, struct err *err)
{
    AUTO(free) char *name = stream_name(s->component, t->schema, t->name);
    AUTO(spill) struct spill groups = {0};
    uint64_t blocks = 0;
    bool sound = false;

    if (!name)
        return err_memory(err);
    const struct stream *old = bundle_parent_stream(s->conf.writer, name);
    if (!old || old->raw_bytes < KEEP_MIN || !same_file(old, t, &blocks))
        return true;
    if (!spill_open(&groups, old->segment_count * sizeof(struct group), err) ||
        !gather(s, old, blocks, &groups, &sound, err))
        return false;
    if (!sound)
        return true;
    size_t count = join_small(&groups);
    if (!s->kept.at && !spill_open(&s->kept, spill_share(KEPT_MAX), err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i % RELAX == 0)
            relax(s, &groups);
        if (!keep_group(s, t, &groups_of(&groups)[i], err))
            return false;
    }
    spill_forget(&s->kept);
    return true;
}
