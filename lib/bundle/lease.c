#include "lib/bundle/lease.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/bundle/manifest.h"
#include "lib/store/name.h"

#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#define PREFIX   STORE_TMP "lease-"
#define RENEW_NS ((int64_t)600 * 1000000000)

struct lease {
    struct store *store;
    char name[64];
    char *text;
    pthread_mutex_t lock;
    int64_t renewed_ns; /* under the lock */
};

bool lease_is(const char *name)
{
    return span_starts(span_of(name), PREFIX);
}

/* ---- taking ----------------------------------------------------------------------------------*/

static json_t *digests_json(const struct vec *digests)
{
    const struct digest *all = digests ? digests->at : NULL;
    json_t *array = json_array();
    char text[DIGEST_TEXT];

    for (size_t i = 0; digests && i < digests->count; i++) {
        if (json_array_append_new(array, json_string(digest_text(&all[i], text))) == 0)
            continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static bool describe(const char *what, const struct vec *bundles, const struct vec *blobs,
                     char **out, struct err *err)
{
    char now[ISO_TIME], kernel[PROC_KERNEL];
    AUTO(json)
    json_t *all =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o}", "what", what, "since",
                  clock_iso(clock_wall_ns(), now), "kernel", proc_kernel(kernel), "pid",
                  (json_int_t)getpid(), "start_ticks", (json_int_t)proc_start_ticks(getpid()),
                  "bundles", digests_json(bundles), "blobs", digests_json(blobs));

    if (!all)
        return err_memory(err);
    *out = json_text(all);
    return *out || err_memory(err);
}

static bool write_lease(struct lease *l, struct err *err)
{
    struct store_put *put = NULL;

    if (!l->store->ops->put(l->store, &put, err))
        return false;
    if (!put->ops->append(put, l->text, strlen(l->text), err)) {
        put->ops->abort(put);
        return false;
    }
    return put->ops->commit(put, l->name, err);
}

bool lease_take(struct store *store, const char *what, const struct vec *bundles,
                const struct vec *blobs, struct lease **out, struct err *err)
{
    struct lease *l = calloc(1, sizeof(*l));
    uint64_t salt = 0;

    if (!l)
        return err_memory(err);
    l->store = store;
    l->renewed_ns = clock_mono_ns();
    pthread_mutex_init(&l->lock, NULL);
    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
        err_sys(err, ERR_IO, "cannot get random bytes");
        goto fail;
    }
    snprintf(l->name, sizeof(l->name), PREFIX "%016llx", (unsigned long long)salt);
    if (!describe(what, bundles, blobs, &l->text, err) || !write_lease(l, err)) {
        err_add(err, "cannot keep gc of '%s' away", store->url);
        store->ops->remove(store, l->name, NULL); /* it may have its name, but not for good */
        goto fail;
    }
    *out = l;
    return true;

fail:
    pthread_mutex_destroy(&l->lock);
    free(l->text);
    free(l);
    return false;
}

struct lease *lease_reader(struct store *store, const char *what, const struct digest *manifest)
{
    AUTO(vec) struct vec bundles = VEC(struct digest);
    struct lease *l = NULL;
    struct err why = {0};
    struct digest *to = vec_add(&bundles, &why);

    if (to)
        *to = *manifest;
    if (!to || !lease_take(store, what, &bundles, NULL, &l, &why))
        log_debug("reading without a lease", f_str("store", store->url), f_str("why", why.text));
    return l;
}

void lease_renew(struct lease *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    bool due = clock_mono_ns() - l->renewed_ns > RENEW_NS;
    if (due)
        l->renewed_ns = clock_mono_ns();
    pthread_mutex_unlock(&l->lock);
    if (due)
        write_lease(l, NULL);
}

void lease_end(struct lease *l)
{
    if (!l)
        return;
    l->store->ops->remove(l->store, l->name, NULL);
    pthread_mutex_destroy(&l->lock);
    free(l->text);
    free(l);
}

/* ---- reading ---------------------------------------------------------------------------------*/

void leases_done(struct leases *l)
{
    vec_done(&l->bundles);
    vec_done(&l->blobs);
}

static bool take_digests(const json_t *lease, const char *key, struct vec *out, struct err *err)
{
    const json_t *list = json_object_get(lease, key);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct digest digest;

        if (!text || !digest_text_parse(text, &digest))
            continue;
        struct digest *to = vec_add(out, err);
        if (!to)
            return false;
        *to = digest;
    }
    return true;
}

/* Only of processes that we could see if they were there. */
static bool owner_gone(const json_t *lease)
{
    const char *kernel = json_string_value(json_object_get(lease, "kernel"));
    char ours[PROC_KERNEL];

    if (!kernel || !kernel[0] || strcmp(kernel, proc_kernel(ours)) != 0)
        return false;
    return proc_gone((pid_t)json_integer_value(json_object_get(lease, "pid")),
                     (uint64_t)json_integer_value(json_object_get(lease, "start_ticks")));
}

struct reading {
    struct store *store;
    struct leases *found;
    int64_t now_ns;
};

/* "since" is the owner's clock; the age of blobs is the store's, which is what the lease's own file
 * tells, but for renewals. The older of the two is the safe one. */
static int64_t taken_at(const json_t *lease, const struct store_stat *st)
{
    const char *since = json_string_value(json_object_get(lease, "since"));
    int64_t at = 0;

    if (!since || !clock_parse_iso(since, &at) || at > st->mtime_ns)
        return st->mtime_ns;
    return at;
}

static bool read_lease(void *ctx, const char *name, const struct store_stat *st, struct err *err)
{
    struct reading *r = ctx;
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *lease = NULL;
    struct err why = {0};

    if (!lease_is(name) || r->now_ns - st->mtime_ns > LEASE_LIFE_NS)
        return true;
    if (!store_get(r->store, name, LEASE_MAX, &text, &why)) /* ended just now */
        return why.code == ERR_MISSING || err_pass(err, &why);
    if (!json_parse(buf_view(&text), name, &lease, err))
        return err_hint(err, "remove the file '%s' once nobody writes to the store", name);
    if (owner_gone(lease))
        return true;
    r->found->living++;
    if (taken_at(lease, st) < r->found->since_ns)
        r->found->since_ns = taken_at(lease, st);
    return take_digests(lease, "bundles", &r->found->bundles, err) &&
           take_digests(lease, "blobs", &r->found->blobs, err);
}

bool leases_read(struct store *store, struct leases *out, struct err *err)
{
    struct reading r = {store, out, clock_wall_ns()};

    *out = (struct leases){
        .bundles = VEC(struct digest), .blobs = VEC(struct digest), .since_ns = INT64_MAX};
    if (store->ops->list(store, STORE_TMP, read_lease, &r, err))
        return true;
    leases_done(out);
    *out = (struct leases){0};
    return false;
}
