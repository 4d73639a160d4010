#include "restore/selection.h"

#include "lib/base/log.h"

/* The journal has them all. */
#define SHOWN 20u

bool selection_tell(const char *component, json_t *report, struct journal *journal, struct err *err)
{
    json_t *selected = json_object_get(report, "selected"),
           *needed = json_object_get(report, "needed"),
           *left_out = json_object_get(report, "left_out");
    size_t count = json_array_size(left_out), i;
    const json_t *one;

    if (!report)
        return err_memory(err);
    log_info("a part is restored", f_str("component", component),
             f_num("selected", (int64_t)json_array_size(selected)),
             f_num("needed", (int64_t)json_array_size(needed)), f_num("left_out", (int64_t)count));
    json_array_foreach(left_out, i, one)
    {
        if (i == SHOWN)
            break;
        log_warn("left out", f_str("what", json_string_value(json_object_get(one, "what"))),
                 f_str("why", json_string_value(json_object_get(one, "why"))));
    }
    if (count > SHOWN)
        log_warn("more is left out", f_num("count", (int64_t)(count - SHOWN)));
    return JOURNAL(journal, err, "restore.selection", f_str("component", component),
                   f_json("selected", selected), f_json("needed", needed),
                   f_json("left_out", left_out));
}

bool selection_keep(const struct selection *what, json_t **out, struct err *err)
{
    AUTO(json) json_t *only = json_array(), *kept = NULL;

    for (size_t i = 0; only && i < what->only->count; i++)
        if (json_array_append_new(only, json_string(what->only->at[i])) != 0) {
            err_set(err, ERR_USAGE, "--only '%s' is not UTF-8", what->only->at[i]);
            return err_hint(err, "write its other bytes as %%XX");
        }
    kept = json_pack("{s:O, s:b}", "only", only, "references", what->references);
    if (!kept)
        return err_memory(err);
    *out = TAKE(kept);
    return true;
}

void selection_take(const json_t *kept, struct opt_list *only, bool *references)
{
    const json_t *one;
    size_t i;

    only->count = 0;
    json_array_foreach(json_object_get(kept, "only"), i, one)
    {
        if (only->count < COUNT(only->at) && json_is_string(one))
            only->at[only->count++] = json_string_value(one);
    }
    *references = json_is_true(json_object_get(kept, "references"));
}
