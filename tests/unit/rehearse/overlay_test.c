#include "tests/test.h"

#include "lib/base/fd.h"
#include "rehearse/overlay.h"

#include <sys/stat.h>

/* A folder with from/ and to/ in it, removed at the end. */
struct place {
    char root[64];
    char *from, *to;
};

static void place_init(struct place *p)
{
    snprintf(p->root, sizeof(p->root), "/tmp/overlay-test-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    p->from = path_join(p->root, "from");
    p->to = path_join(p->root, "to");
    assert_true(dir_make(p->from, 0755, NULL) && dir_make(p->to, 0755, NULL));
}

static void place_done(struct place *p)
{
    assert_true(dir_remove(p->root, NULL));
    free(p->from);
    free(p->to);
}

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
    AUTO(free) char *path = path_join(dir, name);
    assert_true(file_replace(path, span_of(text), mode, NULL));
    assert_int_equal(chmod(path, mode), 0);
}

static void holds(const char *dir, const char *name, const char *text, mode_t mode)
{
    AUTO(free) char *path = path_join(dir, name);
    AUTO(buf) struct buf content = {0};
    struct stat st;

    assert_true(file_read(path, 1 << 20, &content, NULL));
    assert_string_equal(buf_str(&content), text);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

TEST(adds_changes_and_leaves)
{
    struct place p;
    struct overlay_result r;
    struct err err = {0};

    place_init(&p);
    put(p.to, "kept", "kept", 0644);
    put(p.to, "changed", "old", 0600);
    put(p.to, "same", "same", 0644);
    put(p.from, "changed", "new", 0640);
    put(p.from, "same", "same", 0644);
    AUTO(free) char *deep = path_join(p.from, "a/b");
    assert_true(dir_make(deep, 0755, &err));
    put(deep, "added", "added", 0755);

    assert_true(overlay_apply(&(struct overlay_conf){.from = p.from, .to = p.to}, &r, &err));
    assert_int_equal(r.added, 1);
    assert_int_equal(r.changed, 1);
    assert_int_equal(r.same, 1);
    holds(p.to, "kept", "kept", 0644);
    holds(p.to, "changed", "new", 0640);
    holds(p.to, "a/b/added", "added", 0755);
    place_done(&p);
}

/* A link in the box must not let the release write behind it. */
TEST(never_writes_through_a_link)
{
    struct place p;
    struct overlay_result r;
    struct err err = {0};

    place_init(&p);
    put(p.root, "outside", "untouched", 0644);
    AUTO(free) char *link = path_join(p.to, "file");
    assert_int_equal(symlink("../outside", link), 0);
    put(p.from, "file", "new", 0644);
    assert_true(overlay_apply(&(struct overlay_conf){.from = p.from, .to = p.to}, &r, &err));
    holds(p.root, "outside", "untouched", 0644);
    holds(p.to, "file", "new", 0644);

    AUTO(free) char *out = path_join(p.root, "elsewhere");
    AUTO(free) char *dirlink = path_join(p.to, "sub");
    AUTO(free) char *sub = path_join(p.from, "sub");
    assert_true(dir_make(out, 0755, &err) && dir_make(sub, 0755, &err));
    assert_int_equal(symlink("../elsewhere", dirlink), 0);
    put(sub, "x", "x", 0644);
    assert_false(overlay_apply(&(struct overlay_conf){.from = p.from, .to = p.to}, &r, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    AUTO(free) char *leaked = path_join(out, "x");
    assert_false(path_exists(leaked));
    place_done(&p);
}

TEST(refuses_special_files)
{
    struct place p;
    struct overlay_result r;
    struct err err = {0};

    place_init(&p);
    AUTO(free) char *fifo = path_join(p.from, "fifo");
    assert_int_equal(mkfifo(fifo, 0644), 0);
    assert_false(overlay_apply(&(struct overlay_conf){.from = p.from, .to = p.to}, &r, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "fifo"));
    place_done(&p);
}

TEST(the_digest_sees_content_name_and_mode)
{
    struct place p;
    struct digest first, again, other;

    place_init(&p);
    put(p.from, "a", "1", 0644);
    assert_true(overlay_digest(p.from, &first, NULL) && overlay_digest(p.from, &again, NULL));
    assert_true(digest_eq(&first, &again));
    put(p.from, "a", "1", 0600);
    assert_true(overlay_digest(p.from, &other, NULL));
    assert_false(digest_eq(&first, &other));
    put(p.from, "a", "2", 0644);
    assert_true(overlay_digest(p.from, &other, NULL));
    assert_false(digest_eq(&first, &other));
    place_done(&p);
}

TESTS(adds_changes_and_leaves, never_writes_through_a_link, refuses_special_files,
      the_digest_sees_content_name_and_mode)
