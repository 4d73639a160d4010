/* One conformance test of the store contract, run against every driver. */
#include "tests/test.h"

#include "lib/store/name.h"
#include "lib/store/store.h"
#include "tests/fake/scratch.h"
#include "tests/fake/store_memory.h"

#include <pthread.h>

#define ABSENT "blobs/sha256/0000000000000000000000000000000000000000000000000000000000000000"

static void puts_and_reads(struct store *s)
{
    struct err err = {0};
    struct digest digest;
    struct store_stat st;
    char name[STORE_NAME_MAX], bytes[5] = {0};

    assert_ok(store_put_blob(s, SPAN("hello world"), &digest, &err), &err);
    store_blob_name(&digest, name);
    assert_ok(s->ops->stat(s, name, &st, &err), &err);
    assert_int_equal(st.bytes, 11);
    assert_ok(s->ops->read(s, name, 6, bytes, 5, &err), &err);
    assert_memory_equal(bytes, "world", 5);
    assert_fails(s->ops->read(s, name, 7, bytes, 5, &err), &err, ERR_DAMAGED);
    assert_fails(s->ops->read(s, name, UINT64_MAX, bytes, 5, &err), &err, ERR_DAMAGED);
    /* The same bytes again are no error. */
    assert_ok(store_put_blob(s, SPAN("hello world"), &digest, &err), &err);
    assert_ok(store_put_blob(s, SPAN(""), &digest, &err), &err);
    assert_ok(s->ops->stat(s, store_blob_name(&digest, name), &st, &err), &err);
    assert_int_equal(st.bytes, 0);
}

static void names_what_is_missing(struct store *s)
{
    struct err err = {0};
    struct store_stat st;
    char byte;

    assert_fails(s->ops->stat(s, ABSENT, &st, &err), &err, ERR_MISSING);
    assert_fails(s->ops->read(s, ABSENT, 0, &byte, 1, &err), &err, ERR_MISSING);
    assert_fails(s->ops->remove(s, ABSENT, &err), &err, ERR_MISSING);
}

static void refuses_foreign_names(struct store *s)
{
    static const char *const names[] = {
        "../x", "blobs/sha256/../../x", "/etc/passwd", "tmp/../x", "tmp/", "tmp/.",
        "",     "blobs/sha256/00",      "blobs/md5/x"};
    struct err err = {0};
    struct store_stat st;
    char byte;

    for (size_t i = 0; i < COUNT(names); i++) {
        assert_fails(s->ops->stat(s, names[i], &st, &err), &err, ERR_DAMAGED);
        assert_fails(s->ops->read(s, names[i], 0, &byte, 1, &err), &err, ERR_DAMAGED);
        assert_fails(s->ops->remove(s, names[i], &err), &err, ERR_DAMAGED);
        assert_fails(s->ops->swap(s, names[i], NULL, SPAN("x"), &err), &err, ERR_DAMAGED);
        struct store_put *put = NULL;
        assert_ok(s->ops->put(s, &put, &err), &err);
        assert_fails(put->ops->commit(put, names[i], &err), &err, ERR_DAMAGED);
    }
}

static void shows_only_what_is_whole(struct store *s)
{
    struct err err = {0};
    struct store_put *put = NULL;
    size_t before = fake_store_count(s, "blobs/sha256/");

    assert_ok(s->ops->put(s, &put, &err), &err);
    assert_ok(put->ops->append(put, "half", 4, &err), &err);
    assert_int_equal(fake_store_count(s, "blobs/sha256/"), before);
    put->ops->abort(put);
    assert_int_equal(fake_store_count(s, "blobs/sha256/"), before);
    assert_int_equal(fake_store_count(s, "tmp/"), 0);
    assert_int_equal(fake_store_count(s, "index.json"), 1);
    assert_int_equal(fake_store_count(s, ""), before + 2);
}

static void removes(struct store *s)
{
    struct err err = {0};
    struct digest digest;
    struct store_stat st;
    char name[STORE_NAME_MAX];

    assert_ok(store_put_blob(s, SPAN("short-lived"), &digest, &err), &err);
    store_blob_name(&digest, name);
    assert_ok(s->ops->remove(s, name, &err), &err);
    assert_fails(s->ops->stat(s, name, &st, &err), &err, ERR_MISSING);
}

static void swaps_only_what_is_expected(struct store *s)
{
    struct err err = {0};
    AUTO(buf) struct buf text = {0};

    assert_ok(store_get(s, STORE_INDEX, 4096, &text, &err), &err);
    struct digest now = hash_of(buf_view(&text)), other = hash_of(SPAN("other"));
    assert_fails(s->ops->swap(s, STORE_INDEX, NULL, SPAN("new"), &err), &err, ERR_LOCK);
    assert_fails(s->ops->swap(s, STORE_INDEX, &other, SPAN("new"), &err), &err, ERR_LOCK);
    assert_ok(s->ops->swap(s, STORE_INDEX, &now, SPAN("new"), &err), &err);
    assert_fails(s->ops->swap(s, STORE_INDEX, &now, SPAN("newer"), &err), &err, ERR_LOCK);
    assert_ok(store_get(s, STORE_INDEX, 4096, &text, &err), &err);
    assert_string_equal(buf_str(&text), "new");
    assert_fails(store_get(s, STORE_INDEX, 2, &text, &err), &err, ERR_DAMAGED);
}

#define WRITERS 4
#define ROUNDS  25

/* Adds one to the number in index.json, as long as it takes. */
static void *add_ones(void *arg)
{
    struct store *s = arg;
    AUTO(buf) struct buf text = {0};

    for (int done = 0; done < ROUNDS;) {
        struct err err = {0};
        char next[32];

        if (!store_get(s, STORE_INDEX, 64, &text, &err))
            return arg;
        struct digest was = hash_of(buf_view(&text));
        snprintf(next, sizeof(next), "%ld", strtol(buf_str(&text), NULL, 10) + 1);
        if (s->ops->swap(s, STORE_INDEX, &was, span_of(next), &err))
            done++;
        else if (err.code != ERR_LOCK)
            return arg;
    }
    return NULL;
}

static void loses_no_swap(struct store *s)
{
    struct err err = {0};
    AUTO(buf) struct buf text = {0};
    pthread_t threads[WRITERS];

    assert_ok(store_get(s, STORE_INDEX, 4096, &text, &err), &err);
    struct digest was = hash_of(buf_view(&text));
    assert_ok(s->ops->swap(s, STORE_INDEX, &was, SPAN("0"), &err), &err);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_ones, s), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_ok(store_get(s, STORE_INDEX, 64, &text, &err), &err);
    assert_int_equal(strtol(buf_str(&text), NULL, 10), WRITERS * ROUNDS);
}

#define SHORT_TEXT "short"

/* A long and a short text by turns. */
static void *swaps_lengths(void *arg)
{
    struct store *s = arg;
    char text[3000] = SHORT_TEXT;

    for (int i = 0; i < 4 * ROUNDS; i++) {
        struct err err = {0};
        struct digest was = hash_of(span_of(text));

        memset(text, 'l', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        if (i % 2)
            memcpy(text, SHORT_TEXT, sizeof(SHORT_TEXT));
        if (!s->ops->swap(s, STORE_INDEX, &was, span_of(text), &err))
            return arg;
    }
    return NULL;
}

/* What is read while it is swapped is one or the other. */
static void reads_whole_texts(struct store *s)
{
    struct err err = {0};
    AUTO(buf) struct buf text = {0};
    pthread_t swapper;
    void *failed = NULL;

    assert_ok(store_get(s, STORE_INDEX, 4096, &text, &err), &err);
    struct digest was = hash_of(buf_view(&text));
    assert_ok(s->ops->swap(s, STORE_INDEX, &was, SPAN(SHORT_TEXT), &err), &err);
    assert_int_equal(pthread_create(&swapper, NULL, swaps_lengths, s), 0);
    for (int i = 0; i < 20 * ROUNDS; i++) {
        assert_ok(store_get(s, STORE_INDEX, 4096, &text, &err), &err);
        assert_true(span_is(buf_view(&text), SHORT_TEXT) || text.len == 2999);
        assert_null(memchr(text.at + 1, 's', text.len - 1));
    }
    pthread_join(swapper, &failed);
    assert_null(failed);
}

static bool put_expected(struct store *s, const struct digest *expected, struct span bytes,
                         size_t pieces, struct err *err)
{
    struct store_put *put = NULL;
    char name[STORE_NAME_MAX];

    if (!s->ops->put(s, &put, err))
        return false;
    bool ok = store_put_expect(put, expected, err);
    for (size_t i = 0; ok && i < pieces; i++)
        ok = put->ops->append(put, bytes.at, bytes.len, err);
    if (ok)
        return put->ops->commit(put, store_blob_name(expected, name), err);
    put->ops->abort(put);
    return false;
}

#define PIECE  ((size_t)1000003)
#define PIECES 40

/* The first try ends in the middle; the second is given all bytes again and must not mix them up. */
static void continues(struct store *s)
{
    AUTO(free) char *piece = malloc(PIECE), *back = malloc(PIECE);
    AUTO(hash) struct hash *hash = NULL;
    struct err err = {0};
    struct store_put *put = NULL;
    struct store_stat st;
    char name[STORE_NAME_MAX];

    for (size_t i = 0; i < PIECE; i++)
        piece[i] = (char)(i * 2654435761u >> 13);
    assert_ok(hash_open(&hash, &err), &err);
    for (size_t i = 0; i < PIECES; i++)
        hash_add(hash, piece, PIECE);
    struct digest digest = hash_end(hash);
    assert_ok(s->ops->put(s, &put, &err), &err);
    assert_ok(store_put_expect(put, &digest, &err), &err);
    for (size_t i = 0; i < PIECES - 5; i++)
        assert_ok(put->ops->append(put, piece, PIECE, &err), &err);
    put->ops->abort(put);
    assert_fails(s->ops->stat(s, store_blob_name(&digest, name), &st, &err), &err, ERR_MISSING);
    assert_ok(put_expected(s, &digest, (struct span){piece, PIECE}, PIECES, &err), &err);
    assert_ok(s->ops->stat(s, name, &st, &err), &err);
    assert_int_equal(st.bytes, PIECE * PIECES);
    for (size_t i = 0; i < PIECES; i++) {
        assert_ok(s->ops->read(s, name, i * PIECE, back, PIECE, &err), &err);
        assert_memory_equal(back, piece, PIECE);
    }
    assert_ok(s->ops->remove(s, name, &err), &err);
}

#define READERS 6

/* Objects of its own, written and read back, some put open all the while. */
static void *puts_and_checks(void *arg)
{
    struct store *s = arg;
    struct err err = {0};
    char text[64], back[64];

    for (int i = 0; i < ROUNDS; i++) {
        struct digest digest;
        char name[STORE_NAME_MAX];
        struct store_put *put = NULL;
        int len = snprintf(text, sizeof(text), "%d of %p", i, (void *)&err);

        if (!s->ops->put(s, &put, &err) || !put->ops->append(put, text, 1, &err) ||
            !store_put_blob(s, span_of(text), &digest, &err) ||
            !s->ops->read(s, store_blob_name(&digest, name), 0, back, (size_t)len, &err) ||
            memcmp(text, back, (size_t)len) != 0 || !s->ops->remove(s, name, &err))
            return arg;
        put->ops->abort(put);
    }
    return NULL;
}

static void serves_threads(struct store *s)
{
    pthread_t threads[READERS];

    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, puts_and_checks, s), 0);
    for (size_t i = 0; i < READERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

static void conforms(struct store *s)
{
    puts_and_reads(s);
    names_what_is_missing(s);
    refuses_foreign_names(s);
    shows_only_what_is_whole(s);
    removes(s);
    swaps_only_what_is_expected(s);
    loses_no_swap(s);
    reads_whole_texts(s);
    continues(s);
    serves_threads(s);
}

TEST(memory_conforms)
{
    AUTO(store) struct store *s = NULL;
    struct err err = {0};

    assert_ok(fake_store_new(&s, &err), &err);
    conforms(s);
}

TEST(local_conforms)
{
    AUTO(scratch) struct scratch home = {0};
    struct store *s = NULL;
    struct err err = {0};

    scratch_open(&home);
    assert_ok(store_open(home.path, STORE_WRITE, &s, &err), &err);
    conforms(s);
    store_close(s);
}

/* A store elsewhere, new and empty: tests/e2e/sftp.sh names one of each driver that needs a server. */
TEST(named_conforms)
{
    const char *url = getenv("REHEARSE_TEST_STORE");
    struct store *s = NULL;
    struct err err = {0};

    if (!url)
        skip();
    assert_ok(store_open(url, STORE_WRITE, &s, &err), &err);
    conforms(s);
    store_close(s);
}

TESTS(memory_conforms, local_conforms, named_conforms)
