/* The SFTP driver on a line that is cut. Needs a server: tests/e2e/sftp.sh starts one and names it in
 * REHEARSE_TEST_SFTP_PORT, with an empty directory in REHEARSE_TEST_SFTP_DIR; else all are skipped.
 */
#include "tests/test.h"

#include "lib/store/name.h"
#include "lib/store/store.h"
#include "tests/fake/proxy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#define MIB       ((size_t)1 << 20)
#define BLOB_MIB  40
#define LOGIN_MAX 20000 /* bytes to the server until a client is logged in, with much to spare */

struct bench {
    struct proxy *proxy;
    struct store *store;
    char *piece; /* 1 MiB */
    struct digest digest;
};

static const char *need(const char *name)
{
    const char *value = getenv(name);

    if (!value)
        skip();
    return value;
}

static struct store *open_through(struct proxy *proxy, const char *name)
{
    AUTO(buf) struct buf url = {0};
    struct store *s = NULL;
    struct err err = {0};
    const char *user = getenv("REHEARSE_TEST_SFTP_USER");

    buf_printf(&url, "sftp://%s%s127.0.0.1:%u%s/%s", user ? user : "", user ? "@" : "",
               proxy_port(proxy), getenv("REHEARSE_TEST_SFTP_DIR"), name);
    assert_ok(store_open(buf_str(&url), STORE_WRITE, &s, &err), &err);
    return s;
}

static struct bench bench(const char *name)
{
    struct bench b = {0};
    AUTO(hash) struct hash *hash = NULL;
    struct err err = {0};

    b.proxy = proxy_open((unsigned)strtoul(need("REHEARSE_TEST_SFTP_PORT"), NULL, 10));
    assert_non_null(b.proxy);
    b.store = open_through(b.proxy, name);
    b.piece = malloc(MIB);
    assert_ok(hash_open(&hash, &err), &err);
    for (size_t i = 0; i < BLOB_MIB; i++) {
        memset(b.piece, (int)i, MIB);
        hash_add(hash, b.piece, MIB);
    }
    b.digest = hash_end(hash);
    return b;
}

static void bench_done(struct bench *b)
{
    store_close(b->store);
    proxy_close(b->proxy);
    free(b->piece);
}

static bool append(struct bench *b, struct store_put *put, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        memset(b->piece, (int)i, MIB);
        if (!put->ops->append(put, b->piece, MIB, err))
            return false;
    }
    return true;
}

static void assert_whole(struct bench *b)
{
    AUTO(hash) struct hash *hash = NULL;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    store_blob_name(&b->digest, name);
    assert_ok(hash_open(&hash, &err), &err);
    for (size_t i = 0; i < BLOB_MIB; i++) {
        assert_ok(b->store->ops->read(b->store, name, i * MIB, b->piece, MIB, &err), &err);
        hash_add(hash, b->piece, MIB);
    }
    struct digest back = hash_end(hash);
    assert_true(digest_eq(&back, &b->digest));
}

/* Every 5 MiB, also while it is read. */
TEST(survives_cuts)
{
    struct bench b = bench("cuts");
    struct store_put *put = NULL;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    proxy_cut_after(b.proxy, 5 * MIB + 12345);
    assert_ok(b.store->ops->put(b.store, &put, &err), &err);
    assert_ok(append(&b, put, BLOB_MIB, &err), &err);
    assert_ok(put->ops->commit(put, store_blob_name(&b.digest, name), &err), &err);
    assert_true(proxy_connections(b.proxy) > 5);
    proxy_cut_after(b.proxy, 2 * LOGIN_MAX);
    assert_whole(&b);
    bench_done(&b);
}

/* A put that ends (here: gives up) with all but 2 MiB sent. */
static void put_half(struct bench *b)
{
    struct store_put *put = NULL;
    struct err err = {0};

    assert_ok(b->store->ops->put(b->store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b->digest, &err), &err);
    assert_ok(append(b, put, BLOB_MIB - 2, &err), &err);
    proxy_answer(b->proxy, false);
    assert_fails(append(b, put, 4, &err), &err, ERR_UNREACHABLE);
    put->ops->abort(put);
    proxy_answer(b->proxy, true);
}

/* What the server has is not sent again. */
static void put_rest(struct bench *b)
{
    uint64_t before = proxy_bytes(b->proxy);
    struct store_put *put = NULL;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    assert_ok(b->store->ops->put(b->store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b->digest, &err), &err);
    assert_ok(append(b, put, BLOB_MIB, &err), &err);
    assert_ok(put->ops->commit(put, store_blob_name(&b->digest, name), &err), &err);
    assert_in_range(proxy_bytes(b->proxy) - before, 1, (BLOB_MIB - 30) * MIB);
    assert_whole(b);
}

/* Files of the store "tmp/" that are no marks get another name. */
static unsigned rename_files(const char *store)
{
    AUTO(buf) struct buf dir = {0};
    unsigned count = 0;

    buf_printf(&dir, "%s/%s/" STORE_TMP, getenv("REHEARSE_TEST_SFTP_DIR"), store);
    DIR *d = opendir(buf_str(&dir));
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        if (*e->d_name != '.' && !strstr(e->d_name, ".at")) {
            assert_int_equal(renameat(dirfd(d), e->d_name, dirfd(d), "taken"), 0);
            count++;
        }
    closedir(d);
    return count;
}

/* Who took over what was left has ended before it wrote the mark: the next are not held up by it. */
TEST(goes_on_behind_a_taker_that_ended)
{
    struct bench b = bench("taken");

    put_half(&b);
    assert_int_equal(rename_files("taken"), 1);
    put_half(&b);
    put_rest(&b);
    bench_done(&b);
}

/* The program ends and comes again. */
TEST(goes_on_later)
{
    struct bench b = bench("later");
    struct store_put *put = NULL;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    put_half(&b);
    put_rest(&b);
    store_blob_name(&b.digest, name);

    /* Other bytes under that digest are found out, and do not stay in the way: by an earlier try
     * that read them from a damaged blob, ... */
    assert_ok(b.store->ops->remove(b.store, name, &err), &err);
    assert_ok(b.store->ops->put(b.store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b.digest, &err), &err);
    memset(b.piece, 'x', MIB);
    for (size_t i = 0; i < 20; i++)
        assert_ok(put->ops->append(put, b.piece, MIB, &err), &err);
    put->ops->abort(put);
    assert_ok(b.store->ops->put(b.store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b.digest, &err), &err);
    assert_fails(append(&b, put, BLOB_MIB, &err), &err, ERR_DAMAGED);
    put->ops->abort(put);
    assert_ok(b.store->ops->put(b.store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b.digest, &err), &err);
    assert_ok(append(&b, put, BLOB_MIB, &err), &err);
    assert_ok(put->ops->commit(put, name, &err), &err);
    assert_whole(&b);

    /* ... or at the end. */
    assert_ok(b.store->ops->put(b.store, &put, &err), &err);
    assert_ok(store_put_expect(put, &b.digest, &err), &err);
    assert_ok(append(&b, put, 3, &err), &err);
    assert_fails(put->ops->commit(put, name, &err), &err, ERR_DAMAGED);
    bench_done(&b);
}

/* Two have the same digest to bring, and one reads other bytes: neither spoils the other's. */
TEST(two_at_once)
{
    struct bench b = bench("both");
    AUTO(store) struct store *other = open_through(b.proxy, "both");
    struct store_put *good = NULL, *bad = NULL;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    for (unsigned first = 0; first < 2; first++) {
        struct store_put **order[] = {first ? &good : &bad, first ? &bad : &good};
        struct store *from[] = {b.store, first ? b.store : other};

        for (size_t i = 0; i < COUNT(order); i++) {
            assert_ok(from[i]->ops->put(from[i], order[i], &err), &err);
            assert_ok(store_put_expect(*order[i], &b.digest, &err), &err);
        }
        for (size_t i = 0; i < BLOB_MIB; i++)
            for (size_t k = 0; k < COUNT(order); k++) {
                memset(b.piece, *order[k] == bad ? 'x' : (int)i, MIB);
                assert_ok((*order[k])->ops->append(*order[k], b.piece, MIB, &err), &err);
            }
        assert_fails(bad->ops->commit(bad, store_blob_name(&b.digest, name), &err), &err,
                     ERR_DAMAGED);
        assert_ok(good->ops->commit(good, name, &err), &err);
        assert_whole(&b);
        assert_ok(b.store->ops->remove(b.store, name, &err), &err);
    }
    bench_done(&b);
}

/* Cut after every so many bytes: whatever of it was done before, in the end it is done once. */
TEST(swaps_once)
{
    struct bench b = bench("swaps");
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    for (uint64_t after = 1; after < 2600; after += 73) {
        char next[32];

        assert_ok(store_get(b.store, STORE_INDEX, 4096, &text, &err), &err);
        struct digest was = hash_of(buf_view(&text));
        snprintf(next, sizeof(next), "after %llu", (unsigned long long)after);
        proxy_cut_once(b.proxy, after);
        assert_ok(b.store->ops->swap(b.store, STORE_INDEX, &was, span_of(next), &err), &err);
        proxy_cut_after(b.proxy, 0);
        assert_ok(store_get(b.store, STORE_INDEX, 4096, &text, &err), &err);
        assert_string_equal(buf_str(&text), next);
    }
    assert_true(proxy_connections(b.proxy) > 20);
    assert_ok(store_get(b.store, STORE_INDEX, 4096, &text, &err), &err);
    bench_done(&b);
}

#define ADDERS 2
#define ROUNDS 15

struct adder {
    struct store *store;
    struct err err; /* what ended it early */
};

static void *add_ones(void *arg)
{
    struct adder *a = arg;
    struct store *s = a->store;
    AUTO(buf) struct buf text = {0};

    for (int done = 0; done < ROUNDS;) {
        struct err err = {0};
        char next[32];

        if (!store_get(s, STORE_INDEX, 64, &text, &a->err))
            return arg;
        struct digest was = hash_of(buf_view(&text));
        snprintf(next, sizeof(next), "%ld", strtol(buf_str(&text), NULL, 10) + 1);
        if (s->ops->swap(s, STORE_INDEX, &was, span_of(next), &err))
            done++;
        else if (err.code != ERR_LOCK) {
            a->err = err;
            return arg;
        }
    }
    return NULL;
}

/* Who comes by SFTP and who is there do not overwrite each other's changes. */
TEST(shares_with_local)
{
    struct bench b = bench("shared");
    AUTO(buf) struct buf path = {0}, text = {0};
    AUTO(store) struct store *local = NULL;
    struct err err = {0};
    pthread_t threads[2 * ADDERS];
    struct adder adders[2 * ADDERS] = {0};

    buf_printf(&path, "%s/shared", getenv("REHEARSE_TEST_SFTP_DIR"));
    assert_ok(store_open(buf_str(&path), STORE_WRITE, &local, &err), &err);
    assert_ok(store_get(local, STORE_INDEX, 4096, &text, &err), &err);
    struct digest was = hash_of(buf_view(&text));
    assert_ok(local->ops->swap(local, STORE_INDEX, &was, SPAN("0"), &err), &err);
    for (size_t i = 0; i < COUNT(threads); i++) {
        adders[i].store = i % 2 ? b.store : local;
        assert_int_equal(pthread_create(&threads[i], NULL, add_ones, &adders[i]), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_ok(!failed, &adders[i].err);
    }
    assert_ok(store_get(local, STORE_INDEX, 64, &text, &err), &err);
    assert_int_equal(strtol(buf_str(&text), NULL, 10), (long)COUNT(threads) * ROUNDS);
    bench_done(&b);
}

struct touching {
    const char *lock;
    atomic_bool done;
    unsigned made;
};

/* Takes the lock as any writer does: the file first, then what it says. */
static void *touch_lock(void *arg)
{
    struct touching *t = arg;

    while (!t->done) {
        int fd = open(t->lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0)
            return t;
        t->made++;
        usleep(t->made * 37 % 500);
        bool ok = write(fd, "somebody\n", 9) == 9;
        close(fd);
        usleep(200);
        unlink(t->lock);
        usleep(200);
        if (!ok)
            return t;
    }
    return NULL;
}

/* A lock that is looked at while its holder writes it is held, not damaged. */
TEST(waits_for_a_lock_that_is_being_written)
{
    struct bench b = bench("written");
    AUTO(buf) struct buf lock = {0}, text = {0};
    struct err err = {0};
    pthread_t thread;
    void *failed = NULL;

    buf_printf(&lock, "%s/written/swap.lock", getenv("REHEARSE_TEST_SFTP_DIR"));
    struct touching t = {.lock = buf_str(&lock)};
    assert_int_equal(pthread_create(&thread, NULL, touch_lock, &t), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_ok(store_get(b.store, STORE_INDEX, 4096, &text, &err), &err);
        struct digest was = hash_of(buf_view(&text));
        char next[32];

        snprintf(next, sizeof(next), "number %u", i);
        assert_ok(b.store->ops->swap(b.store, STORE_INDEX, &was, span_of(next), &err), &err);
    }
    t.done = true;
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_true(t.made > 100);
    bench_done(&b);
}

TESTS(waits_for_a_lock_that_is_being_written, shares_with_local, survives_cuts, goes_on_later,
      goes_on_behind_a_taker_that_ended, two_at_once, swaps_once)
