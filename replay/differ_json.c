#include "lib/base/json.h"
#include "replay/differ.h"

#define DEPTH_MAX 64
#define MATCH_MAX 1000 /* longer lists are compared by position */

struct walk {
    const struct differ *d;
    struct buf path;
    struct err *err;
};

static bool differ_value(struct walk *w, const json_t *old, const json_t *new, int depth);

static char *text_of(const json_t *v)
{
    if (json_is_string(v))
        return span_dup((struct span){json_string_value(v), json_string_length(v)});
    return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
}

static bool tell(struct walk *w, enum differ_kind kind, const json_t *old, const json_t *new)
{
    AUTO(free) char *a = old ? text_of(old) : strdup("");
    AUTO(free) char *b = new ? text_of(new) : strdup("");
    char where[DIFFER_WHERE_MAX];

    if (!a || !b)
        return err_memory(w->err);
    snprintf(where, sizeof(where), "%s", buf_str(&w->path));
    return w->d->fn(w->d->ctx, where, kind, span_of(a), span_of(b), w->err);
}

static bool same_scalar(struct walk *w, const json_t *old, const json_t *new)
{
    AUTO(free) char *a = NULL;
    AUTO(free) char *b = NULL;

    if (json_equal(old, new))
        return true;
    if (json_typeof(old) != json_typeof(new) || !(json_is_string(old) || json_is_integer(old)))
        return false;
    a = text_of(old);
    b = text_of(new);
    return a && b && answers_same_value(w->d->old_side, span_of(a), w->d->new_side, span_of(b));
}

/* ---- objects ---- */

static void enter(struct walk *w, const char *key)
{
    buf_printf(&w->path, ".%s", key);
}

static void leave(struct walk *w, size_t len)
{
    w->path.len = len;
    if (w->path.at)
        w->path.at[len] = '\0';
}

static bool differ_object(struct walk *w, const json_t *old, const json_t *new, int depth)
{
    size_t len = w->path.len;
    const char *key = NULL;
    json_t *v = NULL;
    bool ok = true;

    json_object_foreach((json_t *)(uintptr_t)old, key, v)
    {
        const json_t *other = json_object_get(new, key);
        enter(w, key);
        ok = ok && (other ? differ_value(w, v, other, depth) : tell(w, DIFFER_MISSING, v, NULL));
        leave(w, len);
    }
    json_object_foreach((json_t *)(uintptr_t) new, key, v)
    {
        if (json_object_get(old, key))
            continue;
        enter(w, key);
        ok = ok && tell(w, DIFFER_ADDED, NULL, v);
        leave(w, len);
    }
    return ok;
}

/* ---- lists ---- */

/* The element of `list` that has the same id as `one`; NULL when there is none. */
static const json_t *find_same_id(struct walk *w, const json_t *one, bool one_is_old,
                                  const json_t *list)
{
    const json_t *id = json_object_get(one, "id"), *other = NULL;
    size_t i = 0;

    json_array_foreach((json_t *)(uintptr_t)list, i, other)
    {
        const json_t *theirs = json_object_get(other, "id");
        if (id && theirs && (one_is_old ? same_scalar(w, id, theirs) : same_scalar(w, theirs, id)))
            return other;
    }
    return NULL;
}

static bool have_ids(const json_t *list)
{
    const json_t *v = NULL;
    size_t i = 0;

    json_array_foreach((json_t *)(uintptr_t)list, i, v)
    {
        const json_t *id = json_object_get(v, "id");
        if (!json_is_string(id) && !json_is_integer(id))
            return false;
    }
    return json_array_size(list) > 0 && json_array_size(list) <= MATCH_MAX;
}

static bool same_order(struct walk *w, const json_t *old, const json_t *new)
{
    const json_t *v = NULL;
    size_t i = 0;

    json_array_foreach((json_t *)(uintptr_t)old, i, v)
    {
        const json_t *other = json_array_get(new, i);
        if (other && !same_scalar(w, json_object_get(v, "id"), json_object_get(other, "id")))
            return false;
    }
    return true;
}

static bool list_by_id(struct walk *w, const json_t *old, const json_t *new, int depth)
{
    const json_t *v = NULL;
    size_t i = 0, matched = 0;
    bool ok = true;

    json_array_foreach((json_t *)(uintptr_t)old, i, v)
    {
        const json_t *other = find_same_id(w, v, true, new);
        matched += other != NULL;
        ok = ok && (other ? differ_value(w, v, other, depth) : tell(w, DIFFER_MISSING, v, NULL));
    }
    json_array_foreach((json_t *)(uintptr_t) new, i, v)
    {
        if (!find_same_id(w, v, false, old))
            ok = ok && tell(w, DIFFER_ADDED, NULL, v);
    }
    if (!ok || matched != json_array_size(old) || matched != json_array_size(new) ||
        same_order(w, old, new))
        return ok;
    size_t len = w->path.len;
    buf_puts(&w->path, " order");
    ok = tell(w, DIFFER_CHANGED, json_object_get(json_array_get(old, 0), "id"),
              json_object_get(json_array_get(new, 0), "id"));
    leave(w, len);
    return ok;
}

static bool list_by_position(struct walk *w, const json_t *old, const json_t *new, int depth)
{
    size_t a = json_array_size(old), b = json_array_size(new);
    bool ok = true;

    for (size_t i = 0; ok && i < a && i < b; i++)
        ok = differ_value(w, json_array_get(old, i), json_array_get(new, i), depth);
    for (size_t i = b; ok && i < a; i++)
        ok = tell(w, DIFFER_MISSING, json_array_get(old, i), NULL);
    for (size_t i = a; ok && i < b; i++)
        ok = tell(w, DIFFER_ADDED, NULL, json_array_get(new, i));
    return ok;
}

static bool differ_list(struct walk *w, const json_t *old, const json_t *new, int depth)
{
    size_t len = w->path.len;

    buf_puts(&w->path, "[]");
    bool ok = have_ids(old) && have_ids(new) ? list_by_id(w, old, new, depth)
                                             : list_by_position(w, old, new, depth);
    leave(w, len);
    return ok;
}

static bool differ_value(struct walk *w, const json_t *old, const json_t *new, int depth)
{
    if (depth < DEPTH_MAX && json_is_object(old) && json_is_object(new))
        return differ_object(w, old, new, depth + 1);
    if (depth < DEPTH_MAX && json_is_array(old) && json_is_array(new))
        return differ_list(w, old, new, depth + 1);
    return same_scalar(w, old, new) || tell(w, DIFFER_CHANGED, old, new);
}

bool differ_json(const struct differ *d, struct span old, struct span new, bool *both_json,
                 struct err *err)
{
    AUTO(json) json_t *a = json_loadb(old.at, old.len, JSON_DECODE_ANY, NULL);
    AUTO(json) json_t *b = json_loadb(new.at, new.len, JSON_DECODE_ANY, NULL);
    AUTO(buf) struct buf path = {0};

    *both_json = a && b;
    if (!*both_json)
        return true;
    struct walk w = {.d = d, .path = path, .err = err};
    buf_puts(&w.path, "$");
    bool ok = differ_value(&w, a, b, 0);
    path = w.path;
    return ok;
}
