/* A store in a folder: its lock, what it takes for a store, and what others leave in it. */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/store/local_lock.h"
#include "lib/store/name.h"
#include "lib/store/store.h"
#include "lib/store/swap_lock.h"
#include "tests/fake/scratch.h"
#include "tests/fake/store_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NOBODY 65534
#define ABSENT "blobs/sha256/0000000000000000000000000000000000000000000000000000000000000000"

static char *opened(struct scratch *home)
{
    scratch_open(home);
    return home->path;
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
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

/* Who may not remove the dead one's lock file says so at once: nobody else is waited for. */
TEST(local_lock_that_cannot_be_removed)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

/* Another writer came between, and died: what was to be made is not there, whoever has the lock. */
TEST(local_makes_no_layout_without_an_index)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

/* A process without descriptors cannot look whose the lock is: it was not lost for that. */
TEST(local_lock_that_cannot_be_looked_at)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

/* The lock is ours as far as the file says; but others count, too. */
TEST(local_gives_up_a_lock_that_it_held_for_long)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

TEST(local_says_who_holds_the_lock)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home), wanted[32];
    AUTO(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(local_lock) struct local_lock first = LOCAL_LOCK, second = LOCAL_LOCK;
    struct err err = {0};

    assert_ok(local_lock_take(fd, dir, 0, &first, &err), &err);
    assert_fails(local_lock_take(fd, dir, 0, &second, &err), &err, ERR_UNREACHABLE);
    snprintf(wanted, sizeof(wanted), "process %ld since", (long)getpid());
    assert_non_null(strstr(err.text, wanted));
    assert_true(err.hint[0]);
    local_lock_drop(&first);
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
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home), name[STORE_NAME_MAX];
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
}

/* Production's data lie in it: nobody else may read them. */
TEST(local_is_private)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

TEST(local_refuses_what_is_no_store)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
        AUTO(scratch) struct scratch home = {0};
        char *dir = opened(&home);
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
    }
}

/* A blob that is a link or a fifo would read something else, or hang. */
TEST(local_follows_no_links)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
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
}

/* What a crashed writer left is listed for gc and harms nobody. */
TEST(local_lists_leftovers)
{
    AUTO(scratch) struct scratch home = {0};
    char *dir = opened(&home);
    AUTO(free) char *left = path_join(dir, "tmp/0123");
    struct store *s = NULL;
    struct err err = {0};

    assert_ok(store_open(dir, STORE_WRITE, &s, &err), &err);
    assert_ok(file_replace(left, SPAN("half"), 0600, &err), &err);
    assert_int_equal(fake_store_count(s, "tmp/"), 1);
    assert_ok(s->ops->remove(s, "tmp/0123", &err), &err);
    assert_int_equal(fake_store_count(s, "tmp/"), 0);
    store_close(s);
}

TESTS(local_takes_over_its_own_lock, local_lock_that_cannot_be_removed,
      local_gives_up_a_lock_that_it_lost, local_makes_no_layout_without_an_index,
      local_lock_that_cannot_be_looked_at, local_gives_up_a_lock_that_it_held_for_long,
      local_says_who_holds_the_lock, local_buries_a_dead_lock_once, local_is_private,
      local_refuses_what_is_no_store, local_goes_on_with_what_was_begun, local_follows_no_links,
      local_lists_leftovers)
