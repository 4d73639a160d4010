/* File trees from bundles that somebody else wrote: nothing ever lands outside the target. */
#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/bundle/tar.h"
#include "restore/target.h"
#include "tests/fake/store_memory.h"

#include <fcntl.h>
#include <sys/stat.h>

struct part {
    struct span bytes;
    uint64_t records;
};

struct world {
    char dir[64];
    char *target;
    struct store *store;
    struct bundle *bundle;
};

static void world_init(struct world *w, const struct part *parts, size_t count)
{
    struct bundle_conf conf = {.environment = "x"};
    AUTO(bundle_writer) struct bundle_writer *writer = NULL;
    struct bundle_ref ref;
    struct err err = {0};
    uint32_t id = 0;

    snprintf(w->dir, sizeof(w->dir), "/tmp/rehearse-files-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->target = path_join(w->dir, "target");
    assert_ok(fake_store_new(&w->store, &err), &err);
    assert_ok(bundle_create(w->store, &conf, &writer, &err), &err);
    assert_ok(bundle_stream(writer, STREAM_TAR, "files/x", NULL, &id, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct segment_raw seg = {
            .stream = id, .seq = i, .records = parts[i].records, .bytes = parts[i].bytes};
        assert_ok(bundle_segment(writer, &seg, &err), &err);
    }
    assert_ok(bundle_finish(writer, &ref, &err), &err);
    assert_ok(bundle_open(w->store, "latest", &w->bundle, &err), &err);
}

static void world_done(struct world *w)
{
    bundle_close(w->bundle);
    store_close(w->store);
    assert_true(dir_remove(w->dir, NULL));
    free(w->target);
}

static bool restore(struct world *w, struct err *err)
{
    struct target_conf conf = {
        .bundle = w->bundle, .component = "files/x", .dir = w->target, .jobs = 1};
    AUTO(sched) struct sched *sched = NULL;
    struct target *t = NULL;

    if (!sched_new(1, &sched, err) || !target_files.open(&conf, &t, err))
        return false;
    bool ok = target_files.plan(t, sched, NULL, err) && sched_run(sched, err) &&
              target_files.finish(t, err);
    target_files.close(t);
    return ok;
}

/* One segment of these entries; the regular ones hold "content". */
static void add(struct buf *out, const struct tar_entry *entries, size_t count)
{
    AUTO(tar_writer) struct tar_writer *tar = NULL;
    struct err err = {0};

    assert_ok(tar_writer_open(&tar, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct tar_entry e = entries[i];
        bool content = S_ISREG(e.mode) && !e.hardlink;

        e.uid = geteuid();
        e.gid = getegid();
        e.size = content ? 7 : 0;
        assert_ok(tar_add(tar, &e, content ? SPAN("content") : SPAN(""), out, &err), &err);
    }
}

static bool restores(const struct tar_entry *entries, size_t count, struct err *err)
{
    AUTO(buf) struct buf bytes = {0};
    struct world w;

    add(&bytes, entries, count);
    struct part part = {buf_view(&bytes), count};
    world_init(&w, &part, 1);
    bool ok = restore(&w, err);
    /* Whatever happened, the target is all that there is. */
    AUTO(free) char *escaped = path_join(w.dir, "escaped");
    assert_false(path_exists(escaped));
    world_done(&w);
    return ok;
}

#define FILE_AT(p)                          \
    {                                       \
        .path = (p), .mode = S_IFREG | 0644 \
    }

TEST(restores_a_plain_tree)
{
    static const struct tar_entry good[] = {
        {.path = ".", .mode = S_IFDIR | 0750},
        {.path = "d", .mode = S_IFDIR | 0500},
        FILE_AT("d/f"),
        {.path = "d/l", .mode = S_IFLNK | 0777, .link = "/etc"},
        {.path = "d/h", .mode = S_IFREG | 0644, .hardlink = "d/f"},
        FILE_AT("without/a/parent")};
    struct err err = {0};

    assert_ok(restores(good, COUNT(good), &err), &err);
}

TEST(never_writes_outside)
{
    static const struct tar_entry up[] = {FILE_AT("../escaped")};
    static const struct tar_entry deep[] = {FILE_AT("a/../../escaped")};
    static const struct tar_entry dots[] = {FILE_AT("a/./b")};
    static const struct tar_entry twice[] = {FILE_AT("a"), FILE_AT("a")};
    static const struct tar_entry through[] = {{.path = "l", .mode = S_IFLNK | 0777, .link = ".."},
                                               FILE_AT("l/escaped")};
    static const struct tar_entry onto[] = {
        {.path = "l", .mode = S_IFLNK | 0777, .link = "../escaped"}, FILE_AT("l")};
    static const struct tar_entry dir_onto[] = {{.path = "l", .mode = S_IFLNK | 0777, .link = ".."},
                                                {.path = "l", .mode = S_IFDIR | 0777}};
    static const struct tar_entry link_up[] = {
        {.path = "h", .mode = S_IFREG | 0644, .hardlink = "../../../etc/passwd"}};
    static const struct tar_entry link_none[] = {
        {.path = "h", .mode = S_IFREG | 0644, .hardlink = "nothing"}};
    static const struct tar_entry link_through[] = {
        {.path = "l", .mode = S_IFLNK | 0777, .link = "/etc"},
        {.path = "h", .mode = S_IFREG | 0644, .hardlink = "l/passwd"}};
    static const struct {
        const struct tar_entry *entries;
        size_t count;
    } bad[] = {{up, COUNT(up)},
               {deep, COUNT(deep)},
               {dots, COUNT(dots)},
               {twice, COUNT(twice)},
               {through, COUNT(through)},
               {onto, COUNT(onto)},
               {dir_onto, COUNT(dir_onto)},
               {link_up, COUNT(link_up)},
               {link_none, COUNT(link_none)},
               {link_through, COUNT(link_through)}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        assert_fails(restores(bad[i].entries, bad[i].count, &err), &err, ERR_DAMAGED);
    }
}

static void refuses(const struct part *parts, size_t count)
{
    struct world w;
    struct err err = {0};

    world_init(&w, parts, count);
    assert_fails(restore(&w, &err), &err, ERR_DAMAGED);
    world_done(&w);
}

TEST(refuses_pieces_that_do_not_fit)
{
    AUTO(buf) struct buf head = {0};
    AUTO(buf) struct buf entry = {0};
    struct tar_entry big = {.path = "big", .mode = S_IFREG | 0644, .size = 1000};
    static const struct tar_entry small[] = {FILE_AT("a")};
    static const char zeros[2048];
    struct err err = {0};

    big.uid = geteuid();
    big.gid = getegid();
    assert_ok(tar_add_head(&big, &head, &err), &err);
    add(&entry, small, 1);
    struct span whole = {zeros, 1024}, half = {zeros, 512}, more = {zeros, 2048};

    struct part first[] = {{half, 0}, {buf_view(&head), 1}};
    struct part cut[] = {{buf_view(&head), 1}, {half, 0}};
    struct part over[] = {{buf_view(&head), 1}, {more, 0}};
    struct part few[] = {{buf_view(&entry), 2}};
    struct part nothing[] = {{whole, 1}};
    refuses(first, 2);
    refuses(cut, 2);
    refuses(over, 2);
    refuses(few, 1);
    refuses(nothing, 1);

    struct part good[] = {{buf_view(&head), 1}, {half, 0}, {half, 0}};
    struct world w;
    world_init(&w, good, 3);
    assert_ok(restore(&w, &err), &err);
    AUTO(free) char *path = path_join(w.target, "big");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 1000);
    world_done(&w);
}

TEST(refuses_a_target_that_is_not_empty)
{
    AUTO(buf) struct buf entry = {0};
    static const struct tar_entry small[] = {FILE_AT("a")};
    struct world w;
    struct err err = {0};

    add(&entry, small, 1);
    struct part part = {buf_view(&entry), 1};
    world_init(&w, &part, 1);
    AUTO(free) char *mine = path_join(w.target, "mine");
    assert_ok(dir_make(w.target, 0700, &err), &err);
    assert_ok(file_replace(mine, SPAN("x"), 0600, &err), &err);
    assert_fails(restore(&w, &err), &err, ERR_EXISTS);
    world_done(&w);
}

TESTS(restores_a_plain_tree, never_writes_outside, refuses_pieces_that_do_not_fit,
      refuses_a_target_that_is_not_empty)
