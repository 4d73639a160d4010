/* One conformance test of the store contract, run against every driver. */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/store/local_lock.h"
#include "lib/store/name.h"
#include "lib/store/store.h"
#include "lib/store/swap_lock.h"
#include "tests/fake/store_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NOBODY 65534
#define ABSENT "blobs/sha256/0000000000000000000000000000000000000000000000000000000000000000"

static char *temp_dir(void)
{
    char *dir = strdup("/tmp/rehearse-store-XXXXXX");

    assert_non_null(mkdtemp(dir));
    return dir;
}

static void drop(char *dir)
{
    assert_true(dir_remove(dir, NULL));
    free(dir);
}

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

static bool count_one(void *ctx, const char *name, const struct store_stat *st, struct err *err)
{
    (void)name;
    (void)st;
    (void)err;
    ++*(size_t *)ctx;
    return true;
}

static size_t count(struct store *s, const char *prefix)
{
    struct err err = {0};
    size_t n = 0;

    assert_ok(s->ops->list(s, prefix, count_one, &n, &err), &err);
    return n;
}

static void shows_only_what_is_whole(struct store *s)
{
    struct err err = {0};
    struct store_put *put = NULL;
    size_t before = count(s, "blobs/sha256/");

    assert_ok(s->ops->put(s, &put, &err), &err);
    assert_ok(put->ops->append(put, "half", 4, &err), &err);
    assert_int_equal(count(s, "blobs/sha256/"), before);
    put->ops->abort(put);
    assert_int_equal(count(s, "blobs/sha256/"), before);
    assert_int_equal(count(s, "tmp/"), 0);
    assert_int_equal(count(s, "index.json"), 1);
    assert_int_equal(count(s, ""), before + 2);
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
    char *dir = temp_dir();
    struct store *s = NULL;
    struct err err = {0};

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    conforms(s);
    store_close(s);
    drop(dir);
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

static char *slurp(const char *path)
{
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    assert_ok(file_read(path, 4096, &text, &err), &err);
    return buf_take(&text);
}

/* A process of this host that died with the lock file does not keep the next one waiting; a writer
 * elsewhere does. */
TEST(local_takes_over_its_own_lock)
{
    char *dir = temp_dir();
    AUTO(free) char *lock = path_join(dir, "swap.lock");
    AUTO(free) char *index = path_join(dir, "index.json");
    struct store *s = NULL;
    struct err err = {0};

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    AUTO(free) char *before = slurp(index);
    struct digest was = hash_of(span_of(before));
    assert_ok(file_replace(lock, SPAN("here process 1 since then\nflock\n"), 0600, &err), &err);
    assert_ok(s->ops->swap(s, STORE_INDEX, &was, SPAN("next"), &err), &err);
    AUTO(free) char *after = slurp(index);
    assert_string_equal(after, "next");
    assert_false(path_exists(lock));
    store_close(s);
    drop(dir);
}

/* Who may not remove the dead one's lock file says so at once: nobody else is waited for. */
TEST(local_lock_that_cannot_be_removed)
{
    char *dir = temp_dir();
    AUTO(free) char *lock = path_join(dir, SWAP_LOCK), *own = path_join(dir, STORE_LOCK);
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock taken = LOCAL_LOCK;
    struct err err = {0};
    bool root = geteuid() == 0;

    assert_ok(file_replace(lock, SPAN("host process 7\nflock\n"), 0644, &err), &err);
    assert_ok(file_replace(own, SPAN(""), 0644, &err), &err);
    assert_int_equal(chmod(own, 0666), 0);
    assert_int_equal(fchmod(fd, 0555), 0);
    assert_true(!root || seteuid(NOBODY) == 0);
    int64_t begun = clock_mono_ns();
    bool ok = local_lock_take(fd, dir, LOCAL_LOCK_WAIT_NS, &taken, &err);
    int64_t took = clock_mono_ns() - begun;
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(fchmod(fd, 0755), 0);
    assert_fails(ok, &err, ERR_RIGHTS);
    assert_non_null(strstr(err.text, "cannot remove 'swap.lock'"));
    assert_true(took < (int64_t)10 * 1000000000);
    drop(dir);
}

#define OTHERS "web.example process 7 since then\na token\n"

/* The next fsync() takes so long that a writer elsewhere takes the lock: this is its lock file. */
static const char *lock_lost_in_fsync;

int fsync(int fd)
{
    AUTO(free) char *lock = lock_lost_in_fsync ? strdup(lock_lost_in_fsync) : NULL;
    struct err err = {0};

    lock_lost_in_fsync = NULL;
    if (lock)
        assert_ok(file_replace(lock, SPAN(OTHERS), 0600, &err), &err);
    return (int)syscall(SYS_fsync, fd);
}

TEST(local_gives_up_a_lock_that_it_lost)
{
    char *dir = temp_dir();
    AUTO(free) char *lock = path_join(dir, SWAP_LOCK), *index = path_join(dir, STORE_INDEX);
    struct store *s = NULL;
    struct err err = {0};

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    AUTO(free) char *before = slurp(index);
    struct digest was = hash_of(span_of(before));
    lock_lost_in_fsync = lock;
    assert_fails(s->ops->swap(s, STORE_INDEX, &was, SPAN("next"), &err), &err, ERR_LOCK);
    AUTO(free) char *after = slurp(index), *left = slurp(lock);
    assert_string_equal(after, before);
    assert_string_equal(left, OTHERS);
    store_close(s);
    drop(dir);
}

/* Another writer came between, and died: what was to be made is not there, whoever has the lock. */
TEST(local_makes_no_layout_without_an_index)
{
    char *dir = temp_dir();
    AUTO(free) char *lock = path_join(dir, SWAP_LOCK), *layout = path_join(dir, STORE_LAYOUT);
    AUTO(free) char *blobs = path_join(dir, "blobs/sha256"), *tmp = path_join(dir, "tmp");
    struct store *s = NULL;
    struct err err = {0};

    /* So that the first fsync() is that of the index. */
    assert_ok(dir_make(blobs, 0700, &err) && dir_make(tmp, 0700, &err), &err);
    lock_lost_in_fsync = lock;
    assert_fails(store_open(dir, STORE_WRITE, &s, &err), &err, ERR_LOCK);
    assert_false(path_exists(layout));
    assert_int_equal(unlink(lock), 0);
    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    store_close(s);
    drop(dir);
}

/* A process without descriptors cannot look whose the lock is: it was not lost for that. */
TEST(local_lock_that_cannot_be_looked_at)
{
    char *dir = temp_dir();
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock taken = LOCAL_LOCK;
    struct rlimit usual, none;
    struct err err = {0};

    assert_ok(local_lock_take(fd, dir, 0, &taken, &err), &err);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){0, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool held = local_lock_held(&taken, dir, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_fails(held, &err, ERR_IO);
    assert_non_null(strstr(err.text, "Too many open files"));
    assert_ok(local_lock_held(&taken, dir, &err), &err);
    drop(dir);
}

/* The lock is ours as far as the file says; but others count, too. */
TEST(local_gives_up_a_lock_that_it_held_for_long)
{
    char *dir = temp_dir();
    AUTO(free) char *lock = path_join(dir, SWAP_LOCK);
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock taken = LOCAL_LOCK;
    struct err err = {0};

    assert_ok(local_lock_take(fd, dir, 0, &taken, &err), &err);
    assert_ok(local_lock_held(&taken, dir, &err), &err);
    taken.swap.taken_ns -= (int64_t)20 * 1000000000;
    assert_fails(local_lock_held(&taken, dir, &err), &err, ERR_LOCK);
    local_lock_drop(&taken);
    assert_false(path_exists(lock));
    drop(dir);
}

TEST(local_says_who_holds_the_lock)
{
    char *dir = temp_dir(), wanted[32];
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock first = LOCAL_LOCK, second = LOCAL_LOCK;
    struct err err = {0};

    assert_ok(local_lock_take(fd, dir, 0, &first, &err), &err);
    assert_fails(local_lock_take(fd, dir, 0, &second, &err), &err, ERR_UNREACHABLE);
    snprintf(wanted, sizeof(wanted), "process %ld since", (long)getpid());
    assert_non_null(strstr(err.text, wanted));
    assert_true(err.hint[0]);
    local_lock_drop(&first);
    drop(dir);
}

struct grave {
    const char *lock;
    bool was_there;
};

static void *take_away(void *arg)
{
    struct grave *g = arg;

    clock_sleep_until(clock_mono_ns() + (int64_t)200 * 1000000);
    AUTO(free) char *text = slurp(g->lock);
    g->was_there = strcmp(text, "here process 1 since then\nflock\n") == 0;
    unlink(g->lock);
    return NULL;
}

/* A dead lock is moved by a name that only one can give it: where that exists already another writer
 * was quicker, and what lies there now is not the dead one's. */
TEST(local_buries_a_dead_lock_once)
{
    static const char dead[] = "here process 1 since then\nflock\n";
    char *dir = temp_dir(), name[STORE_NAME_MAX];
    AUTO(free) char *lock = path_join(dir, SWAP_LOCK), *tmp = path_join(dir, "tmp");
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock taken = LOCAL_LOCK;
    struct swap_lock seen;
    struct grave g = {lock, false};
    struct err err = {0};
    struct stat st;
    pthread_t other;

    assert_int_equal(mkdir(tmp, 0700), 0);
    assert_ok(file_replace(lock, span_of(dead), 0600, &err), &err);
    assert_int_equal(stat(lock, &st), 0);
    swap_lock_init(&seen, "test");
    swap_lock_watch(&seen, span_of(dead), (uint32_t)st.st_mtim.tv_sec);
    AUTO(free) char *grave = path_join(dir, swap_lock_grave(&seen, name));
    assert_ok(local_lock_take(fd, dir, 0, &taken, &err), &err);
    AUTO(free) char *buried = slurp(grave);
    assert_string_equal(buried, dead);
    local_lock_drop(&taken);

    struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_ok(file_replace(lock, span_of(dead), 0600, &err), &err);
    assert_int_equal(utimensat(AT_FDCWD, lock, times, 0), 0);
    assert_int_equal(pthread_create(&other, NULL, take_away, &g), 0);
    bool ok = local_lock_take(fd, dir, 0, &taken, &err);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_ok(ok, &err);
    assert_true(g.was_there);
    local_lock_drop(&taken);

    /* Half of the move was made: it is the same file. */
    assert_int_equal(link(grave, lock), 0);
    assert_ok(local_lock_take(fd, dir, 0, &taken, &err), &err);
    local_lock_drop(&taken);
    assert_false(path_exists(lock));
    drop(dir);
}

/* Production's data lie in it: nobody else may read them. */
TEST(local_is_private)
{
    char *dir = temp_dir();
    AUTO(free) char *inner = path_join(dir, "a/b");
    AUTO(free) char *index = path_join(inner, "index.json");
    AUTO(free) char *blobs = path_join(inner, "blobs/sha256");
    struct store *s = NULL;
    struct stat st;
    struct err err = {0};

    mode_t old = umask(0);
    assert_ok(store_open(inner, STORE_WRITE, &s, &err), &err);
    umask(old);
    assert_int_equal(stat(index, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(blobs, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    store_close(s);
    drop(dir);
}

TEST(local_refuses_what_is_no_store)
{
    char *dir = temp_dir();
    AUTO(free) char *file = path_join(dir, "holiday.jpg");
    AUTO(free) char *none = path_join(dir, "none");
    AUTO(free) char *layout = path_join(dir, "oci-layout");
    struct store *s = NULL;
    struct err err = {0};

    assert_fails(store_open(none, STORE_READ, &s, &err), &err, ERR_MISSING);
    assert_fails(store_open(dir, STORE_READ, &s, &err), &err, ERR_MISSING);
    assert_ok(file_replace(file, SPAN("x"), 0600, &err), &err);
    assert_fails(store_open(dir, STORE_WRITE, &s, &err), &err, ERR_EXISTS);
    assert_true(err.hint[0]);
    assert_fails(store_open(file, STORE_READ, &s, &err), &err, ERR_IO);
    assert_fails(store_open("gopher://x", STORE_READ, &s, &err), &err, ERR_USAGE);
    assert_ok(file_replace(layout, SPAN("{\"imageLayoutVersion\":\"2.0.0\"}"), 0600, &err), &err);
    assert_fails(store_open(dir, STORE_READ, &s, &err), &err, ERR_UNSUPPORTED);
    assert_ok(file_replace(layout, SPAN("{\"imageLayo"), 0600, &err), &err);
    assert_fails(store_open(dir, STORE_READ, &s, &err), &err, ERR_DAMAGED);
    drop(dir);
}

/* What a creator leaves that is killed becomes a store; a folder that only has a like name in it
 * does not. */
TEST(local_goes_on_with_what_was_begun)
{
    static const struct {
        const char *entries[4];
        bool begun;
    } cases[] = {
        {{"blobs"}, true},
        {{"blobs", "blobs/sha256"}, true},
        {{"blobs", "blobs/sha256", "tmp"}, true},
        {{"tmp"}, false},
        {{"blobs", "holiday"}, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *dir = temp_dir();
        AUTO(store) struct store *s = NULL;
        struct err err = {0};

        for (size_t k = 0; cases[i].entries[k]; k++) {
            AUTO(free) char *path = path_join(dir, cases[i].entries[k]);
            assert_ok(dir_make(path, 0700, &err), &err);
        }
        if (cases[i].begun)
            assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
        else
            assert_fails(store_open(dir, STORE_WRITE, &s, &err), &err, ERR_EXISTS);
        drop(dir);
    }
}

/* A blob that is a link or a fifo would read something else, or hang. */
TEST(local_follows_no_links)
{
    char *dir = temp_dir();
    AUTO(free) char *link = path_join(dir, ABSENT);
    struct store *s = NULL;
    struct store_stat st;
    struct err err = {0};
    char byte;

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_fails(s->ops->stat(s, ABSENT, &st, &err), &err, ERR_DAMAGED);
    assert_false(s->ops->read(s, ABSENT, 0, &byte, 1, &err));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkfifo(link, 0600), 0);
    assert_false(s->ops->read(s, ABSENT, 0, &byte, 1, &err));
    store_close(s);
    drop(dir);
}

/* What a crashed writer left is listed for gc and harms nobody. */
TEST(local_lists_leftovers)
{
    char *dir = temp_dir();
    AUTO(free) char *left = path_join(dir, "tmp/0123");
    struct store *s = NULL;
    struct err err = {0};

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    assert_ok(file_replace(left, SPAN("half"), 0600, &err), &err);
    assert_int_equal(count(s, "tmp/"), 1);
    assert_ok(s->ops->remove(s, "tmp/0123", &err), &err);
    assert_int_equal(count(s, "tmp/"), 0);
    store_close(s);
    drop(dir);
}

TESTS(memory_conforms, local_conforms, named_conforms, local_takes_over_its_own_lock,
      local_lock_that_cannot_be_removed, local_gives_up_a_lock_that_it_lost,
      local_makes_no_layout_without_an_index, local_lock_that_cannot_be_looked_at,
      local_gives_up_a_lock_that_it_held_for_long, local_says_who_holds_the_lock,
      local_buries_a_dead_lock_once, local_is_private, local_refuses_what_is_no_store,
      local_goes_on_with_what_was_begun, local_follows_no_links, local_lists_leftovers)
