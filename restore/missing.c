#include "restore/missing.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

void missing_done(struct missing *m)
{
    json_decref(m->list);
}

bool missing_add(struct missing *m, const char *kind, const char *name, const char *mend,
                 struct err *err)
{
    AUTO(buf) struct buf what = {0};
    const json_t *known;
    size_t i;

    buf_printf(&what, "%s '%s'", kind, name);
    AUTO(json)
    json_t *one = json_pack("{s:o, s:s}", "what", json_words(buf_view(&what)), "mend", mend);
    if (!m->list)
        m->list = json_array();
    if (!one || !m->list || what.failed)
        return err_memory(err);
    json_array_foreach(m->list, i, known) if (json_equal(known, one)) return true;
    return json_array_append(m->list, one) == 0 || err_memory(err);
}

bool missing_judge(const struct missing *m, const char *component, const char *label,
                   struct journal *journal, struct err *err)
{
    AUTO(buf) struct buf all = {0};
    const json_t *one;
    size_t i;

    if (!json_array_size(m->list))
        return true;
    json_array_foreach(m->list, i, one)
    {
        AUTO(free)
        char *what = json_bytes_back(json_string_value(json_object_get(one, "what")), NULL);
        if (!what)
            return err_memory(err);
        log_error("missing", f_str("what", what),
                  f_str("mend", json_string_value(json_object_get(one, "mend"))));
        buf_printf(&all, "%s%s", i ? ", " : "", what);
    }
    if (!JOURNAL(journal, err, "restore.missing", f_str("component", component),
                 f_str("server", label), f_json("missing", m->list)))
        return false;
    one = json_array_get(m->list, 0);
    err_set(err, ERR_MISSING, "%s lacks %s", label, buf_str(&all));
    return err_hint(err, "%s", json_string_value(json_object_get(one, "mend")));
}
