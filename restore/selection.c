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

struct selection selection_of(const struct chosen *c)
{
    return (struct selection){&c->only, c->references, &c->owners, c->no_owner, c->no_privileges};
}

static bool keep_list(json_t *to, const char *option, const struct opt_list *list, struct err *err)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (json_array_append_new(to, json_string(list->at[i])) != 0) {
            err_set(err, ERR_USAGE, "--%s '%s' is not UTF-8", option, list->at[i]);
            return err_hint(err, "write its other bytes as %%XX");
        }
    return true;
}

bool selection_keep(const struct selection *what, json_t **out, struct err *err)
{
    AUTO(json) json_t *only = json_array(), *owners = json_array(), *kept = NULL;

    if (!only || !owners)
        return err_memory(err);
    if (!keep_list(only, "only", what->only, err) || !keep_list(owners, "owner", what->owners, err))
        return false;
    kept = json_pack("{s:O, s:b, s:O, s:b, s:b}", "only", only, "references", what->references,
                     "owners", owners, "no_owner", what->no_owner, "no_privileges",
                     what->no_privileges);
    if (!kept)
        return err_memory(err);
    *out = TAKE(kept);
    return true;
}

static void take_list(const json_t *list, struct opt_list *out)
{
    const json_t *one;
    size_t i;

    out->count = 0;
    json_array_foreach(list, i, one)
    {
        if (out->count < COUNT(out->at) && json_is_string(one))
            out->at[out->count++] = json_string_value(one);
    }
}

void selection_take(const json_t *kept, struct chosen *out)
{
    take_list(json_object_get(kept, "only"), &out->only);
    take_list(json_object_get(kept, "owners"), &out->owners);
    out->references = json_is_true(json_object_get(kept, "references"));
    out->no_owner = json_is_true(json_object_get(kept, "no_owner"));
    out->no_privileges = json_is_true(json_object_get(kept, "no_privileges"));
}
