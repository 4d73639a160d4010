/* Any bytes as a lease and as a lock file in a store, and as its oci-layout: a lease is refused with
 * what to do about it, or counted; gc beside it frees nothing that is listed; a lock that is not ours
 * is never taken for ours, and what is said of its holder is one line. */
#include "lib/bundle/gc.h"
#include "lib/bundle/lease.h"
#include "lib/store/name.h"
#include "lib/store/swap_lock.h"
#include "tests/fake/store_memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_lock(struct span text)
{
    char grave[STORE_NAME_MAX];
    struct swap_lock lock;
    struct err err = {0};

    swap_lock_init(&lock, "token");
    must(swap_lock_watch(&lock, text, 7) != SWAP_LOCK_OURS);
    must(!strchr(lock.holder, '\n'));
    must(store_name_check(swap_lock_grave(&lock, grave), &err));
    must(swap_lock_watch(&lock, span_of(lock.text), 7) == SWAP_LOCK_OURS);
}

static void put(struct store *store, const char *name, struct span bytes)
{
    struct store_put *p = NULL;

    must(store->ops->put(store, &p, NULL) && p->ops->append(p, bytes.at, bytes.len, NULL) &&
         p->ops->commit(p, name, NULL));
}

/* A bundle of one stream, and a blob that nothing needs. */
static void write_bundle(struct store *store, struct digest *spare)
{
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "one"};
    struct bundle_ref ref;

    must(bundle_create(store, &conf, &w, NULL) &&
         bundle_text(w, "facts/a", NULL, SPAN("what is kept\n"), NULL) &&
         bundle_finish(w, &ref, NULL) && store_put_blob(store, SPAN("spare"), spare, NULL));
    fake_store_age(store, NULL, (int64_t)3600 * 1000000000);
}

static bool is_there(struct store *store, const struct digest *blob)
{
    char name[STORE_NAME_MAX];
    struct store_stat st;

    return store->ops->stat(store, store_blob_name(blob, name), &st, NULL);
}

static void is_whole(struct store *store)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf text = {0};

    must(bundle_open(store, "one", &b, NULL) && bundle_read_text(b, "facts/a", &text, NULL));
    must(span_is(buf_view(&text), "what is kept\n"));
}

static void try_lease(struct span text)
{
    AUTO(store) struct store *store = NULL;
    AUTO(leases) struct leases leases = {0};
    AUTO(gc_report) struct gc_report report = {0};
    struct gc_conf conf = {.grace_ns = 0};
    struct digest spare;
    struct err err = {0};

    must(fake_store_new(&store, NULL));
    write_bundle(store, &spare);
    put(store, STORE_TMP "lease-0123456789abcdef", text);
    bool read = leases_read(store, &leases, &err);
    must(read ? leases.living <= 1 : err.text[0] && err.hint[0]);
    bool freed = bundle_gc(store, &conf, &report, &err);
    must(!freed || read);
    must(is_there(store, &spare) || (freed && report.freed.count > 0));
    is_whole(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = {(const char *)bytes, len};

    try_lock(text);
    try_lease(text);
    return 0;
}
