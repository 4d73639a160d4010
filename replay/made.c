#include "replay/made.h"

#include <ctype.h>

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/wire/http_msg.h"

#define TOKEN_MIN 8
#define VALUE_MAX 4096 /* a longer value is no id and no token */
#define LIST_MAX  256  /* made-up values of one response */
#define DEPTH_MAX 32

struct search {
    const struct made_source *from;
    struct vec *list;
    bool changes; /* the request was meant to change something */
    struct err *err;
};

static void made_one_done(struct made *m)
{
    free(m->where);
    free(m->noun);
    free(m->value);
}

void made_done(struct vec *list)
{
    struct made *m = list->at;

    for (size_t i = 0; i < list->count; i++)
        made_one_done(&m[i]);
    vec_done(list);
}

static bool add(struct search *s, enum made_kind kind, const char *where, const char *noun,
                struct span value)
{
    if (value.len == 0 || value.len > VALUE_MAX || s->list->count >= LIST_MAX)
        return true;
    struct made *m = vec_add(s->list, s->err);
    if (!m)
        return false;
    m->kind = kind;
    m->where = strdup(where);
    m->noun = strdup(noun);
    m->value = span_dup(value);
    return (m->where && m->noun && m->value) || err_memory(s->err);
}

/* ---- names ---- */

bool made_is_number(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

static size_t without(const char *text, size_t len, const char *ending)
{
    size_t n = strlen(ending);

    return len > n && memcmp(text + len - n, ending, n) == 0 ? len - n : len;
}

const char *made_noun(struct span name, char out[NOUN_MAX])
{
    size_t len = 0;
    bool after_lower = false;

    /* camelCase and kebab-case become snake_case. */
    for (size_t i = 0; i < name.len && len + 2 < NOUN_MAX; i++) {
        char c = name.at[i];
        if (isupper((unsigned char)c) && after_lower)
            out[len++] = '_';
        after_lower = islower((unsigned char)c) || isdigit((unsigned char)c);
        out[len++] = (char)(c == '-' || c == '.' ? '_' : tolower((unsigned char)c));
    }
    len = without(out, without(out, len, "_ids"), "_id");
    if (without(out, len, "ies") != len) {
        len = without(out, len, "ies");
        out[len++] = 'y';
    } else if (without(out, len, "ss") == len) {
        len = without(out, len, "s");
    }
    out[len] = '\0';
    return out;
}

static struct span path_of(struct span target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] == '?' || target.at[i] == '#')
            target.len = i;
    return target;
}

const char *made_path_noun(struct span target, char out[NOUN_MAX])
{
    struct span path = path_of(target), segment, last = {"", 0};

    while (span_split(&path, '/', &segment))
        if (segment.len && isalpha((unsigned char)segment.at[0]))
            last = segment;
    return made_noun(last, out);
}

bool made_is_id_name(struct span name)
{
    static const char *const whole[] = {"id", "ids", "uuid", "guid", "_id"};
    static const char *const ends[] = {"_id", "_ids", "-id", "Id", "Ids", "ID", "_uuid", "Uuid"};

    for (size_t i = 0; i < COUNT(whole); i++)
        if (span_is_nocase(name, whole[i]))
            return true;
    for (size_t i = 0; i < COUNT(ends); i++)
        if (span_ends(name, ends[i]))
            return true;
    return false;
}

bool made_is_token_name(struct span name)
{
    static const char *const parts[] = {"token", "csrf",         "xsrf",      "nonce", "session",
                                        "jwt",   "authenticity", "viewstate", "ticket"};
    char low[NOUN_MAX];
    size_t n = name.len < sizeof(low) - 1 ? name.len : sizeof(low) - 1;

    for (size_t i = 0; i < n; i++)
        low[i] = (char)tolower((unsigned char)name.at[i]);
    low[n] = '\0';
    for (size_t i = 0; i < COUNT(parts); i++)
        if (strstr(low, parts[i]))
            return true;
    return false;
}

/* ---- headers ---- */

static bool find_cookies(struct search *s)
{
    struct span rest = http_headers(s->from->head), name, value;

    while (http_next_header(&rest, &name, &value)) {
        struct span pair, key;
        if (!span_is_nocase(name, "set-cookie") || !span_split(&value, ';', &pair))
            continue;
        if (!span_split(&pair, '=', &key) || !pair.at)
            continue;
        AUTO(free) char *noun = span_dup(span_trim(key));
        if (!noun)
            return err_memory(s->err);
        if (!add(s, MADE_COOKIE, noun, noun, span_trim(pair)))
            return false;
    }
    return true;
}

static bool looks_like_token(struct span v)
{
    return v.len >= TOKEN_MIN && !made_is_number(v) && !memchr(v.at, ' ', v.len);
}

/* Path segments of Location; the noun is the segment before. */
static bool find_location(struct search *s)
{
    struct span location = http_header(s->from->head, "location"), segment, before = {"", 0};
    char where[32], noun[NOUN_MAX];

    if (!location.at || !s->changes)
        return true;
    struct span path = path_of(location);
    for (int i = 0; span_split(&path, '/', &segment); i++) {
        bool number = made_is_number(segment);
        if (before.len && isalpha((unsigned char)before.at[0]) &&
            (number || looks_like_token(segment))) {
            snprintf(where, sizeof(where), "location %d", i);
            if (!add(s, number ? MADE_ID : MADE_TOKEN, where, number ? made_noun(before, noun) : "",
                     segment))
                return false;
        }
        before = segment;
    }
    return true;
}

/* ---- JSON ---- */

struct place {
    struct buf path;
    const char *key;    /* of the value */
    const char *parent; /* of the object it is in; NULL at the top */
};

static bool json_leaf(struct search *s, const struct place *p, struct span value)
{
    struct span key = span_of(p->key);
    char noun[NOUN_MAX];
    bool id = made_is_id_name(key), number = made_is_number(value);

    if ((id || made_is_token_name(key)) && looks_like_token(value))
        return add(s, MADE_TOKEN, buf_str(&p->path), "", value);
    if (!id || !s->changes || (!number && value.len > NOUN_MAX))
        return true;
    if (!span_is_nocase(key, "id") && !span_is_nocase(key, "ids"))
        made_noun(key, noun);
    else if (p->parent)
        made_noun(span_of(p->parent), noun);
    else
        made_path_noun(s->from->target, noun);
    return add(s, MADE_ID, buf_str(&p->path), noun, value);
}

static bool json_walk(struct search *s, struct place *p, const json_t *v, int depth);

static bool json_object_walk(struct search *s, struct place *p, const json_t *o, int depth)
{
    struct place in = *p;
    size_t len = in.path.len;
    const char *key = NULL;
    json_t *v = NULL;
    bool ok = true;

    in.parent = p->key;
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        in.key = key;
        buf_printf(&in.path, ".%s", key);
        ok = ok && json_walk(s, &in, v, depth);
        in.path.len = len;
    }
    p->path = in.path;
    return ok;
}

static bool json_walk(struct search *s, struct place *p, const json_t *v, int depth)
{
    char number[32];
    size_t i = 0, len = p->path.len;
    const json_t *item = NULL;

    if (depth > DEPTH_MAX)
        return true;
    if (json_is_object(v))
        return json_object_walk(s, p, v, depth + 1);
    if (json_is_array(v)) {
        json_array_foreach((json_t *)(uintptr_t)v, i, item)
        {
            buf_printf(&p->path, "[%zu]", i);
            if (!json_walk(s, p, item, depth + 1))
                return false;
            p->path.len = len;
        }
        return true;
    }
    if (!p->key)
        return true;
    if (json_is_string(v))
        return json_leaf(s, p, (struct span){json_string_value(v), json_string_length(v)});
    if (!json_is_integer(v))
        return true;
    snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
    return json_leaf(s, p, span_of(number));
}

static bool find_json(struct search *s)
{
    AUTO(json) json_t *doc = json_loadb(s->from->body.at, s->from->body.len, JSON_DECODE_ANY, NULL);
    struct place p = {0};

    if (!doc)
        return true;
    bool ok = json_walk(s, &p, doc, 0);
    buf_done(&p.path);
    return ok;
}

/* ---- HTML ---- */

/* The value of an attribute inside a tag; at == NULL when it is not there. */
static struct span attribute(struct span tag, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 1; i + n + 2 < tag.len; i++) {
        if (!isspace((unsigned char)tag.at[i - 1]) || strncasecmp(tag.at + i, name, n) != 0 ||
            tag.at[i + n] != '=')
            continue;
        const char *at = tag.at + i + n + 1, *end = tag.at + tag.len;
        char quote = *at == '"' || *at == '\'' ? *at++ : '\0';
        const char *stop = at;
        while (stop < end && (quote ? *stop != quote : !isspace((unsigned char)*stop)))
            stop++;
        return (struct span){at, (size_t)(stop - at)};
    }
    return (struct span){NULL, 0};
}

static bool html_tag(struct search *s, struct span tag)
{
    bool input = tag.len > 6 && strncasecmp(tag.at, "input ", 6) == 0;
    bool meta = tag.len > 5 && strncasecmp(tag.at, "meta ", 5) == 0;

    if (!input && !meta)
        return true;
    struct span name = attribute(tag, "name");
    struct span value = attribute(tag, input ? "value" : "content");
    if (!name.at || !value.at || !looks_like_token(value))
        return true;
    if (input && !span_is_nocase(attribute(tag, "type"), "hidden"))
        return true;
    if (!made_is_token_name(name) && !made_is_id_name(name))
        return true;
    AUTO(free) char *where = span_dup(name);
    return where ? add(s, MADE_TOKEN, where, "", value) : err_memory(s->err);
}

static bool find_html(struct search *s)
{
    struct span rest = s->from->body, piece;

    while (span_split(&rest, '<', &piece)) {
        const char *end = piece.len ? memchr(piece.at, '>', piece.len) : NULL;
        if (end && !html_tag(s, (struct span){piece.at, (size_t)(end - piece.at)}))
            return false;
    }
    return true;
}

bool made_find(const struct made_source *from, struct vec *list, struct err *err)
{
    static const char *const reading[] = {"GET", "HEAD", "OPTIONS"};
    struct search s = {.from = from, .list = list, .changes = true, .err = err};

    for (size_t i = 0; i < COUNT(reading); i++)
        s.changes = s.changes && !span_is(from->method, reading[i]);
    if (!find_cookies(&s) || !find_location(&s))
        return false;
    struct span type = http_header(from->head, "content-type");
    if (from->body.len == 0 || !type.at)
        return true;
    if (memmem(type.at, type.len, "json", 4))
        return find_json(&s);
    return !memmem(type.at, type.len, "html", 4) || find_html(&s);
}
