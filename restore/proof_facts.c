#include "restore/proof_facts.h"

static json_t *text_of(struct span s)
{
    return json_words(s.at ? s : SPAN(""));
}

bool facts_put(json_t *map, const struct fact *fact, struct err *err)
{
    AUTO(json) json_t *name = json_words(fact->key);
    json_t *one = json_pack("{s:o, s:o, s:b}", "of", text_of(fact->of), "value",
                            text_of(fact->value), "hidden", fact->hidden);

    return (name && one && json_object_set_new(map, json_string_value(name), one) == 0) ||
           err_memory(err);
}

const char *fact_member(const json_t *fact, const char *member)
{
    const char *text = json_string_value(json_object_get(fact, member));

    return text ? text : "";
}

bool facts_know(const json_t *map, json_t *known, struct err *err)
{
    const char *key;
    json_t *fact;

    json_object_foreach((json_t *)(uintptr_t)map, key, fact)
    {
        const char *of = fact_member(fact, "of");
        if (*of && json_object_set_new(known, of, json_true()) != 0)
            return err_memory(err);
    }
    return true;
}

/* mine: where the fact is; other: where it is not, or is another. */
static bool goes_without_saying(struct facts_both *c, const char *key, const char *of,
                                const json_t *mine, const json_t *other)
{
    if (!*of)
        return false;
    if (json_object_get(c->own, of)) {
        c->met_own = true;
        return true;
    }
    bool whole = strcmp(key, of) == 0;
    return (!whole && json_object_get(mine, of) && !json_object_get(other, of)) ||
           (!json_object_get(c->bundle, of) && json_object_get(c->known, of));
}

static bool note(struct facts_both *c, const char *key, const char *kind, const json_t *was,
                 const json_t *is, struct err *err)
{
    json_t *what = json_pack("{s:s, s:s}", "what", key, "kind", kind);

    if (what && was && is && !json_is_true(json_object_get(was, "hidden")))
        json_object_update_new(what, json_pack("{s:O, s:O}", "was", json_object_get(was, "value"),
                                               "is", json_object_get(is, "value")));
    return proof_note(c->part, 1, what, err);
}

bool facts_compare(struct facts_both *c, struct err *err)
{
    const char *key;
    json_t *fact;

    json_object_foreach(c->bundle, key, fact)
    {
        const json_t *other = json_object_get(c->box, key);
        if ((other &&
             json_equal(json_object_get(fact, "value"), json_object_get(other, "value"))) ||
            goes_without_saying(c, key, fact_member(fact, "of"), c->bundle, c->box))
            continue;
        if (!note(c, key, other ? "changed" : "missing", fact, other, err))
            return false;
    }
    json_object_foreach(c->box, key, fact)
    {
        if (json_object_get(c->bundle, key) ||
            goes_without_saying(c, key, fact_member(fact, "of"), c->box, c->bundle))
            continue;
        if (!note(c, key, "extra", NULL, fact, err))
            return false;
    }
    return true;
}
