#include "replay/groups.h"

#include <ctype.h>

#include "lib/base/json.h"
#include "replay/made.h"

#define GROUPS_MAX 5000 /* further places count as one of their endpoint: "elsewhere" */

struct group {
    size_t endpoint;
    char where[DIFFER_WHERE_MAX];
    enum differ_kind kind;
    uint64_t count, first, last; /* requests */
    uint64_t counted;            /* the last request that counted here */
    size_t size;                 /* of the example, before it was cut */
    char line[EXAMPLE_MAX], old[EXAMPLE_MAX], new[EXAMPLE_MAX];
};

struct groups {
    struct vec at;  /* struct group */
    json_t *index;  /* "endpoint\nwhere\nkind" -> index */
    json_t *places; /* "endpoint\nwhere" */
    struct endpoints *names;
    uint64_t *requests; /* compared, by endpoint */
    struct groups_totals totals;
};

bool groups_new(struct groups **out, struct err *err)
{
    AUTO(groups) struct groups *g = calloc(1, sizeof(*g));
    if (!g)
        return err_memory(err);
    g->at = (struct vec)VEC(struct group);
    g->index = json_object();
    g->places = json_object();
    g->requests = calloc(ENDPOINTS_MAX + 1, sizeof(*g->requests));
    if (!g->index || !g->places || !g->requests)
        return err_memory(err);
    if (!endpoints_new(&g->names, err))
        return false;
    *out = TAKE(g);
    return true;
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    vec_done(&g->at);
    json_decref(g->index);
    json_decref(g->places);
    endpoints_free(g->names);
    free(g->requests);
    free(g);
}

struct groups_totals groups_totals(const struct groups *g)
{
    struct groups_totals t = g->totals;

    t.groups = g->at.count;
    return t;
}

/* ---- examples ---- */

static bool secret_place(const char *where)
{
    static const char *const words[] = {"password", "passwd",  "secret", "authorization",
                                        "cookie",   "api_key", "apikey"};
    char low[DIFFER_WHERE_MAX];
    size_t n = 0;

    for (; where[n] && n + 1 < sizeof(low); n++)
        low[n] = (char)tolower((unsigned char)where[n]);
    low[n] = '\0';
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(low, words[i]))
            return true;
    return made_is_token_name(span_of(low));
}

static bool in_secret(char c)
{
    return isalnum((unsigned char)c) || strchr("-_+/=.", c) != NULL;
}

/* A run of characters that has the look of a key or token: long, letters and digits mixed. */
static bool secret_run(struct span s)
{
    size_t digits = 0, letters = 0;

    for (size_t i = 0; i < s.len; i++) {
        digits += isdigit((unsigned char)s.at[i]) != 0;
        letters += isalpha((unsigned char)s.at[i]) != 0;
    }
    return s.len >= 20 && digits >= 3 && letters >= 3;
}

const char *groups_example(const char *where, struct span v, char out[EXAMPLE_MAX])
{
    size_t len = 0;

    if (v.len && secret_place(where)) {
        snprintf(out, EXAMPLE_MAX, "[hidden]");
        return out;
    }
    for (size_t i = 0; i < v.len && len + 12 < EXAMPLE_MAX;) {
        size_t n = 0;
        while (i + n < v.len && v.at[i + n] && in_secret(v.at[i + n]))
            n++;
        if (n && secret_run((struct span){v.at + i, n})) {
            len += (size_t)snprintf(out + len, EXAMPLE_MAX - len, "[hidden]");
            i += n;
            continue;
        }
        for (n = n ? n : 1; n > 0 && len + 12 < EXAMPLE_MAX; n--, i++) {
            unsigned char c = (unsigned char)v.at[i];
            out[len++] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
        }
    }
    out[len] = '\0';
    return out;
}

/* The request line without the values of parameters that are secret by name. Part by part of its
 * path: a long path of ids is not one secret. */
static void request_example(struct span line, char out[EXAMPLE_MAX])
{
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf shown = {0};
    struct span rest = line, pair, name;

    for (bool first = true; span_split(&rest, '&', &pair); first = false) {
        const char *sign = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
        buf_puts(&text, first ? "" : "&");
        name = (struct span){pair.at, sign ? (size_t)(sign - pair.at) : pair.len};
        char key[DIFFER_WHERE_MAX];
        snprintf(key, sizeof(key), "%.*s", (int)name.len, name.at);
        buf_span(&text, sign && secret_place(key) ? name : pair);
    }
    for (rest = buf_view(&text); span_split(&rest, '/', &pair);) {
        char part[EXAMPLE_MAX];
        buf_puts(&shown, shown.len ? "/" : "");
        buf_puts(&shown, groups_example("", pair, part));
    }
    snprintf(out, EXAMPLE_MAX, "%s", buf_str(&shown));
}

/* ---- grouping ---- */

struct comparing {
    struct groups *g;
    const struct groups *noise;
    size_t endpoint;
    const struct answer *old;
    bool differs, noisy;
};

static void place_key(const struct groups *g, size_t endpoint, const char *where,
                      char out[ENDPOINT_MAX + DIFFER_WHERE_MAX + 16])
{
    snprintf(out, ENDPOINT_MAX + DIFFER_WHERE_MAX + 16, "%s\n%s",
             endpoints_name(g->names, endpoint), where);
}

/* json_object_set wants UTF-8, which a line of a page need not be. */
static void plain(const char *where, char out[DIFFER_WHERE_MAX])
{
    size_t n = 0;

    for (; where[n] && n + 1 < DIFFER_WHERE_MAX; n++) {
        unsigned char c = (unsigned char)where[n];
        out[n] = (char)(c < 0x20 || c > 0x7e ? '?' : c);
    }
    out[n] = '\0';
}

static struct group *group_for(struct groups *g, size_t endpoint, const char *where,
                               enum differ_kind kind, struct err *err)
{
    char key[ENDPOINT_MAX + DIFFER_WHERE_MAX + 16];
    size_t len = 0;

    if (g->at.count >= GROUPS_MAX)
        where = "elsewhere";
    place_key(g, endpoint, where, key);
    if (json_object_set_new(g->places, key, json_true()) != 0) {
        err_memory(err);
        return NULL;
    }
    len = strlen(key);
    snprintf(key + len, sizeof(key) - len, "\n%d", (int)kind);
    const json_t *known = json_object_get(g->index, key);
    if (known)
        return &((struct group *)g->at.at)[json_integer_value(known)];
    json_t *index = json_integer((json_int_t)g->at.count);
    struct group *new =
        json_object_set_new(g->index, key, index) == 0 ? vec_add(&g->at, err) : NULL;
    if (!new) {
        err_memory(err);
        return NULL;
    }
    new->endpoint = endpoint;
    snprintf(new->where, sizeof(new->where), "%s", where);
    new->kind = kind;
    return new;
}

/* A path of one element is not broad; the whole document and the status are. */
static bool is_noise(const struct comparing *c, const char *where)
{
    char key[ENDPOINT_MAX + DIFFER_WHERE_MAX + 16];

    if (!c->noise || strcmp(where, "status") == 0 || strcmp(where, "$") == 0)
        return false;
    place_key(c->g, c->endpoint, where, key);
    return json_object_get(c->noise->places, key) != NULL;
}

static bool on_difference(void *ctx, const char *raw_where, enum differ_kind kind, struct span old,
                          struct span new, struct err *err)
{
    struct comparing *c = ctx;
    char where[DIFFER_WHERE_MAX];

    plain(raw_where, where);
    if (is_noise(c, where)) {
        c->noisy = true;
        return true;
    }
    c->differs = true;
    struct group *g = group_for(c->g, c->endpoint, where, kind, err);
    if (!g)
        return false;
    if (g->counted != c->old->number) {
        g->count++;
        g->counted = g->last = c->old->number;
        g->first = g->first ? g->first : c->old->number;
    }
    if (g->count == 1 ? g->size == 0 : old.len + new.len < g->size) {
        g->size = old.len + new.len;
        request_example(c->old->line, g->line);
        groups_example(where, old, g->old);
        groups_example(where, new, g->new);
    }
    return true;
}

bool groups_compare(struct groups *g, const struct answers *old, const struct answers *new,
                    const struct groups *noise, struct err *err)
{
    struct comparing c = {.g = g, .noise = noise};
    const struct differ d = {old, new, on_difference, &c};

    for (size_t i = 0; i < old->at.count; i++) {
        c.old = answers_at(old, i);
        const struct answer *other = answers_find(new, c.old->number);
        c.differs = c.noisy = false;
        bool there = other && c.old->code != OUTCOME_NONE && c.old->code != OUTCOME_SKIPPED &&
                     other->code != OUTCOME_NONE && other->code != OUTCOME_SKIPPED;
        if (!there) {
            g->totals.missing++;
            continue;
        }
        if (!endpoints_index(g->names, c.old->line, &c.endpoint, err) ||
            !differ_answers(&d, c.old, other, err))
            return false;
        g->requests[c.endpoint]++;
        g->totals.compared++;
        g->totals.differing += c.differs;
        g->totals.noisy += c.noisy && !c.differs;
    }
    return true;
}

/* ---- telling ---- */

static int by_count(const void *x, const void *y)
{
    const struct group *a = x, *b = y;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return (a->first > b->first) - (a->first < b->first);
}

#define NUM(name, value) f_num(name, (int64_t)(value))

static bool tell_one(const struct groups *g, const struct group *one, const char *against,
                     struct events *events, struct err *err)
{
    AUTO(json)
    json_t *example = fields_json(
        FIELDS(f_str("request", one->line), f_str("old", one->old), f_str("new", one->new)));

    return EVENT(events, err, "replay.difference", f_str("against", against),
                 f_str("endpoint", endpoints_name(g->names, one->endpoint)),
                 f_str("where", one->where), f_str("kind", differ_kind_name(one->kind)),
                 NUM("count", one->count), NUM("requests", g->requests[one->endpoint]),
                 NUM("first", one->first), NUM("last", one->last), f_json("example", example));
}

bool groups_tell(const struct groups *g, const char *against, struct events *events,
                 struct err *err)
{
    if (g->at.count == 0)
        return true;
    AUTO(free) struct group *sorted = calloc(g->at.count, sizeof(*sorted));
    if (!sorted)
        return err_memory(err);
    memcpy(sorted, g->at.at, g->at.count * sizeof(*sorted));
    qsort(sorted, g->at.count, sizeof(*sorted), by_count);
    for (size_t i = 0; i < g->at.count; i++)
        if (!tell_one(g, &sorted[i], against, events, err))
            return false;
    return true;
}

bool groups_tell_noise(const struct groups *g, struct events *events, struct err *err)
{
    const struct group *all = g->at.at;

    for (size_t i = 0; i < g->at.count; i++)
        if (!EVENT(events, err, "replay.noise",
                   f_str("endpoint", endpoints_name(g->names, all[i].endpoint)),
                   f_str("where", all[i].where), NUM("count", all[i].count)))
            return false;
    return true;
}
