#include "lib/bundle/index.h"

#include "lib/base/json.h"

static const char *const kinds[] = {
    [STREAM_TAR] = "tar", [STREAM_COLUMNS] = "columns", [STREAM_TEXT] = "text"};

const char *stream_kind_name(enum stream_kind kind)
{
    return kinds[kind];
}

void index_init(struct index *ix)
{
    *ix = (struct index){.packs = VEC(struct index_pack),
                         .streams = VEC(struct index_stream),
                         .owned = VEC(json_t *),
                         .strings = VEC(char *)};
}

void index_done(struct index *ix)
{
    json_t **metas = ix->owned.at;
    char **strings = ix->strings.at;

    for (size_t i = 0; i < ix->owned.count; i++)
        json_decref(metas[i]);
    for (size_t i = 0; i < ix->strings.count; i++)
        free(strings[i]);
    vec_done(&ix->packs);
    vec_done(&ix->streams);
    spill_done(&ix->segments);
    spill_done(&ix->keys);
    vec_done(&ix->owned);
    vec_done(&ix->strings);
    ix->segment_count = 0;
}

/* The shortest line of a segment has as many bytes. */
#define LINE_MIN 99

bool index_reserve(struct index *ix, size_t text_bytes, struct err *err)
{
    return spill_open(&ix->segments, (text_bytes / LINE_MIN + 1) * sizeof(struct segment), err) &&
           spill_open(&ix->keys, text_bytes, err);
}

static bool reserve_most(struct index *ix, struct err *err)
{
    return ix->keys.at || index_reserve(ix, spill_share(INDEX_MAX), err);
}

struct segment *index_add(struct index *ix, const struct segment *seg, struct err *err)
{
    if (!reserve_most(ix, err))
        return NULL;
    struct segment *to = spill_add(&ix->segments, seg, sizeof(*seg), err);
    ix->segment_count += to != NULL;
    return to;
}

bool index_keep_keys(struct index *ix, struct segment *seg, struct err *err)
{
    struct span *const keys[] = {&seg->key_from, &seg->key_to};

    if (!reserve_most(ix, err))
        return false;
    for (size_t i = 0; i < COUNT(keys); i++) {
        keys[i]->at = spill_add(&ix->keys, keys[i]->len ? keys[i]->at : NULL, keys[i]->len, err);
        if (!keys[i]->at)
            return false;
    }
    return true;
}

void index_forget(const struct index *ix)
{
    spill_forget(&ix->segments);
    spill_forget(&ix->keys);
}
