#include "lib/store/store.h"

#include "lib/base/json.h"
#include "lib/store/local.h"
#include "lib/store/name.h"
#include "lib/store/sftp.h"

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define INDEX_TEXT \
    "{\"manifests\":[],\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"schemaVersion\":2}"
#define LAYOUT_MAX 4096
#define GET_TRIES  50

const struct store_ops *const store_drivers[] = {&store_local, &store_sftp, NULL};

/* The driver whose scheme stands before "://"; a text without "://" is a path. */
static const struct store_ops *driver_of(const char *url)
{
    const char *colon = strstr(url, "://");
    struct span scheme = {url, colon ? (size_t)(colon - url) : 0};

    for (size_t i = 0; store_drivers[i]; i++)
        if (span_is(scheme, store_drivers[i]->scheme))
            return store_drivers[i];
    return NULL;
}

bool store_layout_check(struct store *s, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *layout = NULL;
    const char *version = NULL;

    if (!store_get(s, STORE_LAYOUT, LAYOUT_MAX, &text, err) ||
        !json_parse(buf_view(&text), STORE_LAYOUT, &layout, err) ||
        !json_want_str(layout, "imageLayoutVersion", &version, err))
        return err_add(err, "cannot use '%s' as a store", s->url);
    if (!span_starts(span_of(version), "1."))
        return err_set(err, ERR_UNSUPPORTED,
                       "store '%s' has image layout version '%s', and only 1.x is known", s->url,
                       version);
    return true;
}

/* What another writer made in the meantime is as good as ours; one that only had the lock has made
 * nothing. */
static bool swap_in(struct store *s, const char *name, const char *text, struct err *err)
{
    struct err lost = {0}, absent = {0};
    struct store_stat st;

    return s->ops->swap(s, name, NULL, span_of(text), &lost) ||
           (lost.code == ERR_LOCK && s->ops->stat(s, name, &st, &absent)) || err_pass(err, &lost);
}

/* The index first: a layout without one would be read as damaged. */
bool store_layout_make(struct store *s, struct err *err)
{
    struct store_stat st;
    struct err absent = {0};

    if (s->ops->stat(s, STORE_LAYOUT, &st, &absent))
        return true;
    if (absent.code != ERR_MISSING)
        return err_pass(err, &absent);
    return swap_in(s, STORE_INDEX, INDEX_TEXT, err) && swap_in(s, STORE_LAYOUT, LAYOUT_TEXT, err);
}

bool store_open(const char *url, enum store_mode mode, struct store **out, struct err *err)
{
    const struct store_ops *ops = driver_of(url);
    AUTO(store) struct store *s = NULL;

    if (!ops) {
        err_set(err, ERR_USAGE, "no store driver for '%s'", url);
        return err_hint(err, "use %s or %s", store_local.help, store_sftp.help);
    }
    if (!ops->open(url, mode, &s, err))
        return false;
    if (mode == STORE_WRITE && !store_layout_make(s, err))
        return err_add(err, "cannot make a store at '%s'", url);
    if (!store_layout_check(s, err))
        return false;
    *out = TAKE(s);
    return true;
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

static bool get_once(struct store *s, const char *name, const struct store_stat *st,
                     struct buf *out, struct err *err)
{
    buf_clear(out);
    if (!buf_reserve(out, (size_t)st->bytes))
        return buf_ok(out, err);
    if (!s->ops->read(s, name, 0, out->at, (size_t)st->bytes, err))
        return false;
    out->len = (size_t)st->bytes;
    out->at[out->len] = '\0';
    return true;
}

/* Whether it is still the object that was looked at. Blobs never change. */
static bool look_again(struct store *s, const char *name, const struct store_stat *st, bool *same,
                       struct err *err)
{
    struct store_stat now = *st;

    if (!span_starts(span_of(name), STORE_BLOBS) && !s->ops->stat(s, name, &now, err))
        return false;
    *same = now.bytes == st->bytes && now.mtime_ns == st->mtime_ns;
    return true;
}

bool store_get(struct store *s, const char *name, size_t max, struct buf *out, struct err *err)
{
    struct store_stat st;
    bool same = false;

    if (s->ops->get)
        return s->ops->get(s, name, max, out, err);
    for (unsigned tries = GET_TRIES;; tries--) {
        struct err why = {0};

        buf_clear(out);
        if (!s->ops->stat(s, name, &st, err))
            return false;
        if (st.bytes > max)
            return err_set(err, ERR_DAMAGED, "'%s' has %llu bytes, more than the %zu it may have",
                           name, (unsigned long long)st.bytes, max);
        bool ok = get_once(s, name, &st, out, &why);
        if (!look_again(s, name, &st, &same, ok ? err : &why))
            return ok ? false : err_pass(err, &why);
        /* A server counts whole seconds: what was too short may have come and gone since. */
        if (!ok && why.code == ERR_DAMAGED && !span_starts(span_of(name), STORE_BLOBS))
            same = false;
        if (same || tries == 1) /* else its size was of one, its bytes may be of another */
            return ok || err_pass(err, &why);
    }
}

const char *store_blob_name(const struct digest *d, char out[STORE_NAME_MAX])
{
    char hex[HASH_HEX];

    digest_hex(d, hex);
    snprintf(out, STORE_NAME_MAX, STORE_BLOBS "%s", hex);
    return out;
}

bool store_put_expect(struct store_put *p, const struct digest *digest, struct err *err)
{
    return !p->ops->expect || p->ops->expect(p, digest, err);
}

bool store_put_blob(struct store *s, struct span bytes, struct digest *out, struct err *err)
{
    struct store_put *put = NULL;
    struct digest digest = hash_of(bytes);
    char name[STORE_NAME_MAX];

    if (!s->ops->put(s, &put, err))
        return false;
    if (!put->ops->append(put, bytes.at, bytes.len, err)) {
        put->ops->abort(put);
        return false;
    }
    if (!put->ops->commit(put, store_blob_name(&digest, name), err))
        return false;
    *out = digest;
    return true;
}
