#include "replay/differ.h"

#include "lib/wire/http_msg.h"

enum judge { JUDGE_EQUAL, JUDGE_PRESENT, JUDGE_IGNORE };

/* Headers that are not listed here are told of when they come or go, not when they change. */
static const struct header_rule {
    const char *name;
    enum judge judge;
    const char *why;
} rules[] = {
    {"content-type", JUDGE_EQUAL, "the body is read by it"},
    {"location", JUDGE_EQUAL, "the client goes there"},
    {"cache-control", JUDGE_EQUAL, "caches act on it"},
    {"www-authenticate", JUDGE_EQUAL, "the client logs in by it"},
    {"access-control-allow-origin", JUDGE_EQUAL, "browsers refuse by it"},
    {"content-disposition", JUDGE_EQUAL, "the client saves by it"},
    {"content-encoding", JUDGE_EQUAL, "the body is read by it"},
    {"set-cookie", JUDGE_PRESENT, "each session has its own"},
    {"content-length", JUDGE_IGNORE, "the body itself is compared"},
    {"transfer-encoding", JUDGE_IGNORE, "how it was sent, not what"},
    {"connection", JUDGE_IGNORE, "how it was sent, not what"},
    {"keep-alive", JUDGE_IGNORE, "how it was sent, not what"},
    {"date", JUDGE_IGNORE, "tells when, not what"},
    {"age", JUDGE_IGNORE, "tells when, not what"},
    {"expires", JUDGE_PRESENT, "tells when, not what"},
    {"last-modified", JUDGE_PRESENT, "tells when, not what"},
    {"etag", JUDGE_PRESENT, "the body itself is compared"},
    {"server", JUDGE_IGNORE, "names the software"},
};

static enum judge judge_of(struct span name)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (span_is_nocase(name, rules[i].name))
            return rules[i].judge;
    return JUDGE_PRESENT;
}

const char *differ_kind_name(enum differ_kind kind)
{
    static const char *const names[] = {"changed", "missing", "added"};

    return names[kind];
}

static bool tell(const struct differ *d, const char *where, enum differ_kind kind, struct span old,
                 struct span new, struct err *err)
{
    return d->fn(d->ctx, where, kind, old, new, err);
}

/* ---- headers ---- */

static void lower_name(struct span name, char out[DIFFER_WHERE_MAX])
{
    size_t len = (size_t)snprintf(out, DIFFER_WHERE_MAX, "header ");

    for (size_t i = 0; i < name.len && len + 1 < DIFFER_WHERE_MAX; i++) {
        char c = name.at[i];
        out[len++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[len] = '\0';
}

/* Location by its segments, for ids in it stand for each other; without scheme and host, for the
 * target has another name than production. */
static struct span path_only(struct span url)
{
    if (!span_starts(url, "http://") && !span_starts(url, "https://"))
        return url;
    size_t slashes = 0, i = 0;
    while (i < url.len && (slashes += url.at[i] == '/') < 3)
        i++;
    return (struct span){url.at + i, url.len - i};
}

static bool same_location(const struct differ *d, struct span old, struct span new)
{
    struct span a = path_only(old), b = path_only(new), x, y;

    for (;;) {
        bool more = span_split(&a, '/', &x);
        if (more != span_split(&b, '/', &y))
            return false;
        if (!more)
            return true;
        if (!answers_same_value(d->old_side, x, d->new_side, y))
            return false;
    }
}

static bool same_header(const struct differ *d, struct span name, struct span old, struct span new)
{
    if (judge_of(name) == JUDGE_PRESENT || span_eq(old, new))
        return true;
    return span_is_nocase(name, "location") && same_location(d, old, new);
}

/* Production answered gzip to those who asked for it, which a replay does not. */
static bool only_recorded_is_encoded(const struct differ *d, struct span old, struct span new)
{
    return d->old_side->traffic && http_header(old, "content-encoding").at &&
           !http_header(new, "content-encoding").at;
}

static bool headers_one_way(const struct differ *d, struct span from, struct span other,
                            bool from_old, struct err *err)
{
    struct span rest = http_headers(from), name, value;
    char where[DIFFER_WHERE_MAX], key[DIFFER_WHERE_MAX];
    static const struct span none = {"", 0};

    while (http_next_header(&rest, &name, &value)) {
        if (judge_of(name) == JUDGE_IGNORE ||
            (from_old && span_is_nocase(name, "content-encoding") &&
             only_recorded_is_encoded(d, from, other)))
            continue;
        lower_name(name, where);
        snprintf(key, sizeof(key), "%.*s", (int)name.len, name.at);
        struct span there = http_header(other, key);
        bool ok = true;
        if (!there.at)
            ok = from_old ? tell(d, where, DIFFER_MISSING, value, none, err)
                          : tell(d, where, DIFFER_ADDED, none, value, err);
        else if (from_old && !same_header(d, name, value, there))
            ok = tell(d, where, DIFFER_CHANGED, value, there, err);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- bodies ---- */

static bool is_type(struct span head, const char *part)
{
    struct span type = http_header(head, "content-type");

    return type.at && memmem(type.at, type.len, part, strlen(part));
}

static bool same_digest(const struct answer *old, const struct answer *new)
{
    if (old->body_bytes != new->body_bytes)
        return false;
    if (old->digest.len && new->digest.len)
        return span_eq(old->digest, new->digest);
    return span_eq(old->body, new->body);
}

static bool body(const struct differ *d, const struct answer *old, const struct answer *new,
                 struct err *err)
{
    unsigned partly = HTTP_CUT | HTTP_LOST;
    bool whole = !((old->flags | new->flags) & partly), both = false;
    char a[64], b[64];

    if (same_digest(old, new) || only_recorded_is_encoded(d, old->head, new->head))
        return true;
    if (whole && is_type(old->head, "json") && is_type(new->head, "json")) {
        if (!differ_json(d, old->body, new->body, &both, err))
            return false;
        if (both)
            return true;
    }
    if (whole &&
        (is_type(old->head, "text/") || is_type(old->head, "xml") || is_type(old->head, "json")))
        return differ_text(d, old->body, new->body, err);
    snprintf(a, sizeof(a), "%llu bytes", (unsigned long long)old->body_bytes);
    snprintf(b, sizeof(b), "%llu bytes", (unsigned long long)new->body_bytes);
    return tell(d, "hash", DIFFER_CHANGED, span_of(a), span_of(b), err);
}

static const char *status_text(const struct answer *a, char out[64])
{
    if (a->code == OUTCOME_ANSWERED)
        snprintf(out, 64, "%u", a->status);
    else
        snprintf(out, 64, "%s", outcome_name((enum outcome_code)a->code));
    return out;
}

bool differ_answers(const struct differ *d, const struct answer *old, const struct answer *new,
                    struct err *err)
{
    char a[64], b[64];

    /* What stands behind another status is another page: comparing it says nothing more. */
    if (old->code != new->code || old->status != new->status)
        return tell(d, "status", DIFFER_CHANGED, span_of(status_text(old, a)),
                    span_of(status_text(new, b)), err);
    if (old->code != OUTCOME_ANSWERED)
        return true;
    return headers_one_way(d, old->head, new->head, true, err) &&
           headers_one_way(d, new->head, old->head, false, err) && body(d, old, new, err);
}
