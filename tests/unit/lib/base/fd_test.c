#include "tests/test.h"

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

TEST(replaces_a_file_whole)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf text = {0};
    struct err err = {0};
    struct stat st;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "f");
    assert_ok(file_replace(path, SPAN("one"), 0600, &err), &err);
    assert_ok(file_replace(path, SPAN("second"), 0640, &err), &err);
    assert_ok(file_read(path, 100, &text, &err), &err);
    assert_string_equal(buf_str(&text), "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static bool collect(void *ctx, const char *name, struct err *err)
{
    (void)err;
    return buf_printf(ctx, "%s ", name);
}

TEST(leaves_nothing_behind_when_it_fails)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf names = {0};
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(dir_make(scratch_path(&dir, "taken/x"), 0700, &err), &err);
    assert_false(file_replace(scratch_path(&dir, "taken"), SPAN("x"), 0600, &err));
    assert_fails(file_replace(scratch_path(&dir, "no/f"), SPAN("x"), 0600, &err), &err,
                 ERR_MISSING);
    assert_ok(dir_each(dir.path, collect, &names, &err), &err);
    assert_string_equal(buf_str(&names), "taken ");
}

TEST(reads_within_its_limit)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    scratch_open(&dir);
    scratch_write(&dir, "f", SPAN("12345"));
    buf_puts(&text, "before");
    assert_fails(file_read(scratch_path(&dir, "f"), 4, &text, &err), &err, ERR_DAMAGED);
    assert_string_equal(buf_str(&text), "before");
    assert_ok(file_read(dir.name, 5, &text, &err), &err);
    assert_string_equal(buf_str(&text), "before12345");
    assert_fails(file_read(scratch_path(&dir, "none"), 5, &text, &err), &err, ERR_MISSING);
}

TEST(short_file_is_damage)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    char got[8];

    scratch_open(&dir);
    scratch_write(&dir, "f", SPAN("12345"));
    AUTO(fd) int fd = open(scratch_path(&dir, "f"), O_RDWR | O_CLOEXEC);
    assert_ok(fd_pread_all(fd, got, 3, 2, &err), &err);
    assert_memory_equal(got, "345", 3);
    assert_fails(fd_pread_all(fd, got, 3, 3, &err), &err, ERR_DAMAGED);
    assert_ok(fd_pwrite_all(fd, "xy", 2, 4, &err), &err);
    assert_ok(fd_pread_all(fd, got, 6, 0, &err), &err);
    assert_memory_equal(got, "1234xy", 6);
}

TEST(secret_must_be_private)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf secret = {0};
    struct err err = {0};

    scratch_open(&dir);
    scratch_write(&dir, "s", SPAN("pass\n\n"));
    const char *path = scratch_path(&dir, "s");
    assert_ok(file_read_secret(path, &secret, &err), &err);
    assert_string_equal(buf_str(&secret), "pass\n");
    assert_int_equal(chmod(path, 0640), 0);
    assert_fails(file_read_secret(path, &secret, &err), &err, ERR_RIGHTS);
    assert_non_null(strstr(err.hint, "chmod 600"));
    assert_null(strstr(err.text, "pass"));
    assert_fails(file_read_secret(dir.path, &secret, &err), &err, ERR_CONFIG);
    scratch_write(&dir, "s", SPAN("a\0b"));
    assert_fails(file_read_secret(path, &secret, &err), &err, ERR_CONFIG);
}

TEST(makes_parents)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(dir_make(scratch_path(&dir, "a//b/c/"), 0700, &err), &err);
    assert_ok(dir_make(scratch_path(&dir, "a/b/c"), 0700, &err), &err);
    scratch_write(&dir, "f", SPAN(""));
    assert_fails(dir_make(scratch_path(&dir, "f"), 0700, &err), &err, ERR_EXISTS);
    assert_false(dir_make(scratch_path(&dir, "f/g"), 0700, &err));
    assert_false(dir_make("", 0700, &err));
}

/* What a link points to is not ours. */
TEST(removes_links_not_their_targets)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    char link[600];

    scratch_open(&dir);
    assert_ok(dir_make(scratch_path(&dir, "outside"), 0700, &err), &err);
    scratch_write(&dir, "outside/kept", SPAN("x"));
    assert_ok(dir_make(scratch_path(&dir, "tree/sub"), 0700, &err), &err);
    snprintf(link, sizeof(link), "%s/tree/sub/link", dir.path);
    assert_int_equal(symlink(scratch_path(&dir, "outside"), link), 0);
    assert_ok(dir_remove(scratch_path(&dir, "tree"), &err), &err);
    assert_false(path_exists(dir.name));
    assert_true(path_exists(scratch_path(&dir, "outside/kept")));
    assert_ok(dir_remove(scratch_path(&dir, "tree"), &err), &err);
    /* The path itself may be a link, too. */
    snprintf(link, sizeof(link), "%s/link", dir.path);
    assert_int_equal(symlink(scratch_path(&dir, "outside"), link), 0);
    assert_ok(dir_remove(link, &err), &err);
    assert_true(path_exists(scratch_path(&dir, "outside/kept")));
}

/* Deeper than there may be open descriptors, and than PATH_MAX. */
TEST(removes_a_very_deep_tree)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(dir_make(scratch_path(&dir, "tree"), 0700, &err), &err);
    int at = open(dir.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 1500; i++) {
        assert_int_equal(mkdirat(at, "deeper", 0700), 0);
        int next = openat(at, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    assert_ok(dir_remove(dir.name, &err), &err);
    assert_false(path_exists(dir.name));
}

TEST(removes_directories_without_permissions)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(dir_make(scratch_path(&dir, "tree/locked"), 0700, &err), &err);
    scratch_write(&dir, "tree/locked/f", SPAN("x"));
    assert_int_equal(chmod(scratch_path(&dir, "tree/locked"), 0), 0);
    assert_ok(dir_remove(scratch_path(&dir, "tree"), &err), &err);
}

TEST(lists_sorted)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf names = {0};
    struct err err = {0};

    scratch_open(&dir);
    scratch_write(&dir, "b", SPAN(""));
    scratch_write(&dir, "\xff", SPAN(""));
    scratch_write(&dir, "B", SPAN(""));
    scratch_write(&dir, ".h", SPAN(""));
    assert_ok(dir_each(dir.path, collect, &names, &err), &err);
    assert_string_equal(buf_str(&names), ".h B b \xff ");
    assert_fails(dir_each("/nowhere/at/all", collect, &names, &err), &err, ERR_MISSING);
}

TEST(knows_names_that_stay_inside)
{
    static const char *const bad[] = {"",  "/",  "/a",   "a/",   "a//b",
                                      ".", "..", "a/..", "../a", "a/./b"};
    static const char *const good[] = {"a", "a/b", "...", "..a", "a b/\xff", "-"};

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(path_is_inside(span_of(bad[i])));
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(path_is_inside(span_of(good[i])));
    assert_false(path_is_inside(SPAN("a\0b")));

    AUTO(free) char *joined = path_join("/a", "b");
    AUTO(free) char *root = path_join("/", "b");
    assert_string_equal(joined, "/a/b");
    assert_string_equal(root, "/b");
}

TESTS(replaces_a_file_whole, leaves_nothing_behind_when_it_fails, reads_within_its_limit,
      short_file_is_damage, secret_must_be_private, makes_parents, removes_links_not_their_targets,
      removes_a_very_deep_tree, removes_directories_without_permissions, lists_sorted,
      knows_names_that_stay_inside)
