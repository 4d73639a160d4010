#include "restore/target.h"

#include "lib/base/log.h"

static bool is_known(const json_t *list, const json_t *one)
{
    const json_t *known;
    size_t i;

    json_array_foreach(list, i, known) if (json_equal(known, one)) return true;
    return false;
}

static bool leave(struct target *t, const char *component, json_t *one, struct err *err)
{
    if (!t->left_out)
        t->left_out = json_array();
    if (!t->left_out || !one)
        return err_memory(err);
    if (is_known(t->left_out, one))
        return true;
    log_warn("left out", f_str("component", component),
             f_str("what", json_string_value(json_object_get(one, "what"))),
             f_str("why", json_string_value(json_object_get(one, "why"))));
    return json_array_append(t->left_out, one) == 0 || err_memory(err);
}

bool target_leave(struct target *t, const char *component, const char *what, const char *why,
                  struct err *err)
{
    AUTO(json)
    json_t *one =
        json_pack("{s:o, s:o}", "what", json_words(span_of(what)), "why", json_words(span_of(why)));

    return leave(t, component, one, err);
}

bool target_leave_all(struct target *t, const char *component, const json_t *list, struct err *err)
{
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (!leave(t, component, one, err))
            return false;
    }
    return true;
}

void target_forget(struct target *t)
{
    json_decref(t->left_out);
}

bool target_refuse_aside(const char *old, const char *label, const char *final, const char *back,
                         struct err *err)
{
    err_set(err, ERR_EXISTS, "'%s' at %s is what '%s' was before it was replaced", old, label,
            final);
    return err_hint(err, "%s, or drop it", back);
}

bool target_refuse_source(const char *label, struct err *err)
{
    err_set(err, ERR_EXISTS, "%s is the server that the bundle was captured from", label);
    return err_hint(err, "name another one: a restore never writes into its own source");
}
