#include "lib/bundle/transfer.h"

#include "lib/base/cmd.h"
#include "lib/base/sched.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/tags_edit.h"

#include <inttypes.h>
#include <pthread.h>

#define CHUNK ((size_t)1 << 20)
#define TRIES 3

struct transfer {
    struct store *from, *to;
    const struct transfer_conf *conf;
    struct lease *lease;  /* of `to` */
    struct lease *source; /* of `from`; NULL where it may not be written */
    pthread_mutex_t lock;
    struct transfer_report *report; /* under the lock */
};

/* ---- one blob --------------------------------------------------------------------------------*/

static bool altered(const struct transfer *t, const struct index_pack *blob, struct err *err)
{
    char text[DIGEST_TEXT];

    err_set(err, ERR_DAMAGED, "blob '%s' of store '%s' was altered: its SHA-256 is another",
            digest_text(&blob->digest, text), t->from->url);
    return err_hint(err, "'rehearse bundle verify' says what it breaks");
}

static bool stream_blob(struct transfer *t, const struct index_pack *blob, const char *name,
                        struct store_put *put, struct digest *found, struct err *err)
{
    AUTO(hash) struct hash *hash = NULL;
    AUTO(free) char *chunk = malloc(CHUNK);

    if (!chunk)
        return err_memory(err);
    if (!hash_open(&hash, err))
        return false;
    for (uint64_t at = 0; at < blob->bytes;) {
        size_t len = blob->bytes - at < CHUNK ? (size_t)(blob->bytes - at) : CHUNK;

        if (!cmd_stop_check(err) || !t->from->ops->read(t->from, name, at, chunk, len, err) ||
            !put->ops->append(put, chunk, len, err))
            return false;
        hash_add(hash, chunk, len);
        progress_add(t->conf->progress, len);
        at += len;
    }
    lease_renew(t->lease);
    lease_renew(t->source);
    *found = hash_end(hash);
    return true;
}

/* A put that knows the digest refuses other bytes itself, and then keeps nothing of them to go on with;
 * one that was given up keeps all. */
static bool end_put(struct transfer *t, const struct index_pack *blob, const char *name,
                    struct store_put *put, const struct digest *found, struct err *err)
{
    struct err why = {0};

    if (digest_eq(found, &blob->digest))
        return put->ops->commit(put, name, err);
    if (put->ops->expect)
        (void)put->ops->commit(put, name, &why);
    else
        put->ops->abort(put);
    return altered(t, blob, err);
}

static bool send_blob(struct transfer *t, const struct index_pack *blob, struct err *err)
{
    struct store_put *put = NULL;
    struct digest found;
    char name[STORE_NAME_MAX], text[DIGEST_TEXT];

    store_blob_name(&blob->digest, name);
    if (!t->to->ops->put(t->to, &put, err))
        return false;
    if (!store_put_expect(put, &blob->digest, err) ||
        !stream_blob(t, blob, name, put, &found, err)) {
        put->ops->abort(put);
        return err_add(err, "cannot send blob '%s'", digest_text(&blob->digest, text));
    }
    if (!end_put(t, blob, name, put, &found, err))
        return err_add(err, "cannot send blob '%s'", digest_text(&blob->digest, text));
    pthread_mutex_lock(&t->lock);
    t->report->sent++;
    t->report->sent_bytes += blob->bytes;
    pthread_mutex_unlock(&t->lock);
    return true;
}

static bool run_send(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)worker;
    return send_blob(ctx, arg, err);
}

/* ---- what is missing -------------------------------------------------------------------------*/

/* Whether the store has it with its size. One that was cut short is sent again. */
static bool has_blob(struct store *store, const struct index_pack *blob, bool *has, struct err *err)
{
    char name[STORE_NAME_MAX];
    struct store_stat st;
    struct err why = {0};

    *has = store->ops->stat(store, store_blob_name(&blob->digest, name), &st, &why);
    if (!*has && why.code != ERR_MISSING)
        return err_pass(err, &why);
    *has = *has && st.bytes == blob->bytes;
    return true;
}

bool blobs_are_there(struct store *store, const struct vec *blobs, struct err *err)
{
    const struct index_pack *all = blobs->at;
    char text[DIGEST_TEXT];

    for (size_t i = 0; i < blobs->count; i++) {
        bool has = false;

        if (!has_blob(store, &all[i], &has, err))
            return false;
        if (!has)
            return err_set(err, ERR_DAMAGED, "blob '%s' is missing from store '%s'",
                           digest_text(&all[i].digest, text), store->url);
    }
    return true;
}

static bool add_task(struct sched *sched, struct transfer *t, struct index_pack *blob,
                     struct err *err)
{
    struct task task = {
        .run = run_send, .ctx = t, .arg = blob, .cost = blob->bytes, .name = "send a blob"};

    return sched_add(sched, &task, NULL, 0, NULL, err);
}

/* The manifest is sent when all the others are there: it is the last one, by itself. */
static bool send_missing(struct transfer *t, const struct vec *blobs,
                         const struct index_pack *manifest, struct err *err)
{
    AUTO(sched) struct sched *sched = NULL;
    struct index_pack *all = blobs->at;
    bool has = false;

    if (!sched_new(t->conf->jobs ? t->conf->jobs : 1, &sched, err))
        return false;
    for (size_t i = 0; i < blobs->count; i++) {
        if (digest_eq(&all[i].digest, &manifest->digest))
            continue;
        if (!has_blob(t->to, &all[i], &has, err) || (!has && !add_task(sched, t, &all[i], err)))
            return false;
    }
    progress_total(t->conf->progress, sched_cost(sched));
    if (!sched_run(sched, err) || !has_blob(t->to, manifest, &has, err))
        return false;
    return has || send_blob(t, manifest, err);
}

/* gc may have begun before our lease and sweep what was there when we looked: then it is sent after
 * all. */
static bool send_all(struct transfer *t, const struct vec *blobs, const struct index_pack *manifest,
                     struct err *err)
{
    for (int try = 1;; try++) {
        struct err why = {0};

        if (!send_missing(t, blobs, manifest, err))
            return false;
        if (blobs_are_there(t->to, blobs, &why))
            return true;
        if (why.code != ERR_DAMAGED || try == TRIES)
            return err_pass(err, &why);
    }
}

/* ---- the bundle ------------------------------------------------------------------------------*/

static bool tags_of(struct store *store, const struct index_pack *manifest, struct vec *out,
                    struct err *err)
{
    AUTO(vec) struct vec all = VEC(struct tagged);

    if (!tags_read(store, &all, err))
        return false;
    const struct tagged *from = all.at;
    for (size_t i = 0; i < all.count; i++) {
        if (!digest_eq(&from[i].manifest.digest, &manifest->digest))
            continue;
        struct tagged *to = vec_add(out, err);
        if (!to)
            return false;
        *to = from[i];
    }
    if (out->count)
        return true;
    struct tagged *to = vec_add(out, err); /* retired, or never tagged */
    if (to)
        to->manifest = *manifest;
    return to != NULL;
}

static bool lease_blobs(struct transfer *t, const struct vec *blobs, struct err *err)
{
    AUTO(vec) struct vec digests = VEC(struct digest);
    const struct index_pack *all = blobs->at;

    for (size_t i = 0; i < blobs->count; i++) {
        struct digest *to = vec_add(&digests, err);
        if (!to)
            return false;
        *to = all[i].digest;
    }
    return lease_take(t->to, "transfer", NULL, &digests, &t->lease, err);
}

static bool transfer(struct transfer *t, const char *ref, struct err *err)
{
    AUTO(marks) struct marks needed = MARKS;
    AUTO(vec) struct vec tags = VEC(struct tagged);
    struct index_pack manifest;

    if (!tags_resolve(t->from, ref, &manifest, err))
        return false;
    t->source = lease_reader(t->from, "transfer", &manifest.digest);
    if (!tags_of(t->from, &manifest, &tags, err) || !marks_bundle(&needed, t->from, &manifest, err))
        return false;
    marks_sort(&needed);
    uint64_t sent = t->report->sent, bytes = t->report->sent_bytes, all_bytes = 0;
    const struct index_pack *all = needed.blobs.at;
    for (size_t i = 0; i < needed.blobs.count; i++)
        all_bytes += all[i].bytes;
    if (!lease_blobs(t, &needed.blobs, err) || !send_all(t, &needed.blobs, &manifest, err) ||
        !tags_add(t->to, &tags, err))
        return false;
    t->report->there += needed.blobs.count - (t->report->sent - sent);
    t->report->there_bytes += all_bytes - (t->report->sent_bytes - bytes);
    return true;
}

bool bundle_transfer(struct store *from, const char *ref, struct store *to,
                     const struct transfer_conf *conf, struct transfer_report *report,
                     struct err *err)
{
    struct transfer t = {.from = from, .to = to, .conf = conf, .report = report};

    pthread_mutex_init(&t.lock, NULL);
    bool ok = transfer(&t, ref, err) || err_add(err, "cannot send bundle '%s'", ref);
    lease_end(t.lease);
    lease_end(t.source);
    pthread_mutex_destroy(&t.lock);
    return ok;
}
