#include "replay/events.h"

bool events_put(struct events *e, const char *event, const struct field *fields, struct err *err)
{
    json_t *o = e->all ? fields_json(fields) : NULL;

    if (e->all && (!o || json_object_set_new(o, "event", json_string(event)) != 0 ||
                   json_array_append_new(e->all, o) != 0))
        return err_memory(err);
    return journal_event(e->journal, event, fields, err);
}
