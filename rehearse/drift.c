#include "rehearse/drift.h"

#include "lib/base/json.h"
#include "lib/env/facts.h"

/* Thousands of packages differ between two releases of a distribution: the first tell enough. */
#define DRIFT_MAX 200

bool drift_note(struct drift *d, const char *name, const json_t *production, const json_t *box,
                struct err *err)
{
    AUTO(free) char *old = production ? json_text(production) : strdup("nothing");
    AUTO(free) char *now = box ? json_text(box) : strdup("nothing");

    if (!old || !now)
        return err_memory(err);
    if (d->noted >= DRIFT_MAX)
        return true;
    d->noted++;
    return JOURNAL(
        d->run->journal, err, "drift", f_str("kind", d->kind), f_str("name", name),
        f_str("production", json_is_string(production) ? json_string_value(production) : old),
        f_str("box", json_is_string(box) ? json_string_value(box) : now));
}

/* Both ways: what differs, what only production has, what only the box has. */
static bool compare(struct drift *d, json_t *production, json_t *box, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(production, key, value)
    {
        const json_t *other = json_object_get(box, key);
        if (!json_equal(value, other) && !drift_note(d, key, value, other, err))
            return false;
    }
    json_object_foreach(box, key, value)
    {
        if (!json_object_get(production, key) && !drift_note(d, key, NULL, value, err))
            return false;
    }
    return true;
}

bool drift_facts(struct bundle *b, const char *stream, json_t **out, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    return bundle_read_text(b, stream, &text, err) && json_parse(buf_view(&text), stream, out, err);
}

static bool package_drift(struct run *r, struct bundle *b, struct err *err)
{
    AUTO(json) json_t *production = NULL, *box = NULL;
    struct drift d = {.run = r, .kind = "package"};
    const char *manager;
    json_t *packages;

    if (!drift_facts(b, "facts/packages", &production, err) || !facts_packages(&box, err))
        return false;
    json_object_foreach(production, manager, packages)
    {
        if (json_is_object(packages) && !compare(&d, packages, json_object_get(box, manager), err))
            return false;
    }
    return true;
}

/* Only what a program's answers may depend on; names and sizes of machines differ by nature. */
static bool host_drift(struct run *r, struct bundle *b, struct err *err)
{
    static const char *const keys[] = {"machine", "os", "locale", "timezone", "glibc"};
    AUTO(json) json_t *production = NULL, *box = NULL;
    struct drift d = {.run = r, .kind = "host"};

    if (!drift_facts(b, "facts/host", &production, err) || !facts_host(&box, err))
        return false;
    for (size_t i = 0; i < COUNT(keys); i++) {
        const json_t *a = json_object_get(production, keys[i]), *c = json_object_get(box, keys[i]);
        if (!json_equal(a, c) && !drift_note(&d, keys[i], a, c, err))
            return false;
    }
    return true;
}

static bool against_bundle(struct run *r, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    AUTO(bundle) struct bundle *b = NULL;

    return run_open_bundle(r, &store, &b, err) && package_drift(r, b, err) &&
           host_drift(r, b, err) && drift_settings(r, b, err);
}

bool run_drift(struct run *r, struct err *err)
{
    return r->box->ops->databases(r->box, BOX_NORMAL, true, err) && against_bundle(r, err) &&
           r->box->ops->databases(r->box, BOX_NORMAL, false, err);
}
