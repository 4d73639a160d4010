/* Any bytes as a file of the cache by which an encrypted bundle builds on the one before: the first
 * byte says which file, and whether its hash is put right. The next bundle is written all the same,
 * and who has the key reads from it what was captured. */
#include "lib/bundle/cache.h"

#include "lib/base/fd.h"
#include "lib/bundle/access.h"
#include "tests/fake/scratch.h"
#include "tests/fake/store_memory.h"

#include <stdlib.h>

#define STREAM "facts/log"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct days {
    struct store *store;
    struct bundle_access access;
    struct scratch dir;
};

static void auto_days(struct days *d)
{
    store_close(d->store);
    access_done(&d->access);
    auto_scratch(&d->dir);
}

/* Lines that do not compress; every hundredth is another on another day. */
static void make_text(struct buf *out, unsigned day)
{
    for (unsigned i = 0; i < 400; i++) {
        uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;

        if (day && i % 100 == day)
            x ^= day * 0xD1B54A32D192ED03u;
        x ^= x >> 29;
        buf_printf(out, "%016llx\n", (unsigned long long)(x * 0xBF58476D1CE4E5B9u));
    }
}

static void write_day(struct days *d, unsigned day)
{
    AUTO(cache) struct cache *cache = NULL;
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(buf) struct buf text = {0};
    struct err why = {0};
    struct bundle_conf conf = {.environment = "x",
                               .tag = day ? "two" : "one",
                               .parent = day ? "one" : NULL,
                               .parent_why = &why,
                               .encrypt_to = key_public(d->access.key),
                               .encrypt_count = 1};
    struct bundle_ref ref;

    must(cache_open(scratch_path(&d->dir, "cache"), "x", 1 << 24, &cache, NULL));
    conf.cache = cache;
    make_text(&text, day);
    must(bundle_create(d->store, &conf, &w, NULL) &&
         bundle_text(w, STREAM, NULL, buf_view(&text), NULL) && bundle_finish(w, &ref, NULL));
}

struct choice {
    const char *prefix; /* of the file that is replaced */
    bool found;
    char name[200];
};

static bool choose(void *ctx, const char *name, struct err *err)
{
    struct choice *c = ctx;

    (void)err;
    if (span_starts(span_of(name), c->prefix)) {
        c->found = true;
        snprintf(c->name, sizeof(c->name), "cache/x/%s", name);
    }
    return true;
}

/* `how`: bits 0 and 1 the file; bit 2 the line of its hash is put in front. */
static void replace(struct days *d, uint8_t how, struct span bytes)
{
    static const char *const files[] = {"index-", "details-", "full-", "index-"};
    struct choice c = {.prefix = files[how & 3]};
    AUTO(buf) struct buf content = {0};
    char line[HASH_HEX];

    must(dir_each(scratch_path(&d->dir, "cache/x"), choose, &c, NULL) && c.found);
    if (how & 4) {
        struct digest digest = hash_of(bytes);
        digest_hex(&digest, line);
        buf_printf(&content, "%s\n", line);
    }
    buf_span(&content, bytes);
    scratch_write(&d->dir, c.name, buf_view(&content));
}

/* A cache that lies under the right hash is its owner's, who can write anything: then the bundle may be
 * damaged, but the reading of it ends. */
static void read_day(struct days *d, bool exact)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf wanted = {0}, text = {0};

    make_text(&wanted, 1);
    bool read = bundle_open_as(d->store, "two", &d->access, &b, NULL) &&
                bundle_read_text(b, STREAM, &text, NULL);
    must(read ? span_eq(buf_view(&wanted), buf_view(&text)) : !exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(days) struct days d = {0};

    if (len < 1)
        return 0;
    scratch_open(&d.dir);
    must(fake_store_new(&d.store, NULL) && key_make(KEY_SEAL, &d.access.key, NULL));
    write_day(&d, 0);
    replace(&d, bytes[0], (struct span){(const char *)bytes + 1, len - 1});
    write_day(&d, 1);
    read_day(&d, !(bytes[0] & 4));
    return 0;
}
