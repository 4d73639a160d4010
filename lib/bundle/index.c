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
                         .segments = VEC(struct segment),
                         .owned = VEC(json_t *)};
}

void index_done(struct index *ix)
{
    json_t **metas = ix->owned.at;

    for (size_t i = 0; i < ix->owned.count; i++)
        json_decref(metas[i]);
    vec_done(&ix->packs);
    vec_done(&ix->streams);
    vec_done(&ix->segments);
    vec_done(&ix->owned);
    buf_done(&ix->text);
}
