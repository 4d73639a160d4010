#include "lib/box/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

struct fixture {
    struct scratch dir;
    char from[600], to[600];
    struct err err;
};

static void auto_fixture(struct fixture *f)
{
    auto_scratch(&f->dir);
}

static void begin(struct fixture *f)
{
    scratch_open(&f->dir);
    snprintf(f->from, sizeof(f->from), "%s/from", f->dir.path);
    snprintf(f->to, sizeof(f->to), "%s/to", f->dir.path);
    assert_int_equal(mkdir(f->from, 0750), 0);
}

static char *in(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    assert_non_null(path);
    return path;
}

static void put(struct fixture *f, const char *name, struct span text, mode_t mode)
{
    AUTO(free) char *path = in(f->from, name);
    assert_ok(file_replace(path, text, mode, &f->err), &f->err);
}

static struct stat look(const char *dir, const char *name)
{
    AUTO(free) char *path = in(dir, name);
    struct stat st = {0};

    assert_int_equal(lstat(path, &st), 0);
    return st;
}

static void same_content(struct fixture *f)
{
    const char *const argv[] = {"diff", "-r", "--no-dereference", f->from, f->to, NULL};
    assert_ok(proc_run(&(struct proc_conf){.argv = argv}, 60, NULL, &f->err), &f->err);
}

static void same_meta(struct fixture *f, const char *name)
{
    struct stat a = look(f->from, name), b = look(f->to, name);

    assert_int_equal(a.st_mode, b.st_mode);
    assert_int_equal(a.st_uid, b.st_uid);
    assert_int_equal(a.st_gid, b.st_gid);
    assert_int_equal(a.st_size, b.st_size);
    assert_int_equal(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
    assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
}

TEST(copies_what_trees_are_made_of)
{
    static const char *const names[] = {"a",   "set-id",         "link", "dangling",
                                        "sub", "sub/\n\xff odd", "pipe", "."};
    AUTO(fixture) struct fixture f = {0};
    struct timespec old[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 2000, .tv_nsec = 123}};

    begin(&f);
    AUTO(free) char *sub = in(f.from, "sub");
    AUTO(free) char *link_ = in(f.from, "link");
    AUTO(free) char *dangling = in(f.from, "dangling");
    AUTO(free) char *pipe_ = in(f.from, "pipe");
    AUTO(free) char *set_id = in(f.from, "set-id");
    assert_int_equal(mkdir(sub, 0700), 0);
    put(&f, "a", SPAN("content"), 0604);
    put(&f, "set-id", SPAN("#!"), 0755);
    put(&f, "sub/\n\xff odd", SPAN("odd"), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(set_id, 65534, 12345), 0);
    assert_int_equal(chmod(set_id, 06755), 0);
    assert_int_equal(symlink("a", link_), 0);
    assert_int_equal(symlink("/nowhere/at all", dangling), 0);
    assert_int_equal(mkfifo(pipe_, 0600), 0);
    assert_int_equal(utimensat(AT_FDCWD, link_, old, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(utimensat(AT_FDCWD, sub, old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, f.from, old, 0), 0);

    assert_ok(copy_tree(f.from, f.to, 3, &f.err), &f.err);
    for (size_t i = 0; i < COUNT(names); i++)
        same_meta(&f, names[i]);
    assert_int_equal(unlink(pipe_), 0); /* diff would wait on it */
    AUTO(free) char *copied = in(f.to, "pipe");
    assert_int_equal(unlink(copied), 0);
    if (geteuid() == 0)
        same_content(&f);
}

TEST(keeps_hard_links)
{
    AUTO(fixture) struct fixture f = {0};

    begin(&f);
    put(&f, "a", SPAN("one file"), 0644);
    put(&f, "c", SPAN("another"), 0644);
    AUTO(free) char *a = in(f.from, "a");
    AUTO(free) char *b = in(f.from, "b");
    assert_int_equal(link(a, b), 0);
    assert_ok(copy_tree(f.from, f.to, 2, &f.err), &f.err);
    assert_int_equal(look(f.to, "a").st_ino, look(f.to, "b").st_ino);
    assert_int_not_equal(look(f.to, "a").st_ino, look(f.to, "c").st_ino);
    assert_int_not_equal(look(f.to, "a").st_ino, look(f.from, "a").st_ino);
    same_content(&f);
}

TEST(keeps_holes)
{
    AUTO(fixture) struct fixture f = {0};

    begin(&f);
    AUTO(free) char *path = in(f.from, "sparse");
    AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "middle", 6, 32 << 20), 6);
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    assert_ok(copy_tree(f.from, f.to, 2, &f.err), &f.err);
    assert_true(look(f.to, "sparse").st_blocks * 512 < 1 << 20);
    same_content(&f);
}

TEST(keeps_attributes)
{
    AUTO(fixture) struct fixture f = {0};
    char value[16] = "";

    begin(&f);
    put(&f, "a", SPAN("x"), 0400);
    AUTO(free) char *a = in(f.from, "a");
    AUTO(free) char *b = in(f.to, "a");
    if (setxattr(a, "user.note", "hello", 5, 0) != 0)
        skip(); /* a file system without them */
    assert_ok(copy_tree(f.from, f.to, 1, &f.err), &f.err);
    assert_int_equal(getxattr(b, "user.note", value, sizeof(value)), 5);
    assert_memory_equal(value, "hello", 5);
}

TEST(never_writes_over_something)
{
    AUTO(fixture) struct fixture f = {0};

    begin(&f);
    assert_int_equal(mkdir(f.to, 0700), 0);
    assert_fails(copy_tree(f.from, f.to, 1, &f.err), &f.err, ERR_EXISTS);
}

TEST(names_what_is_missing)
{
    AUTO(fixture) struct fixture f = {0};

    begin(&f);
    assert_int_equal(rmdir(f.from), 0);
    assert_fails(copy_tree(f.from, f.to, 1, &f.err), &f.err, ERR_MISSING);
    assert_non_null(strstr(f.err.text, f.from));
}

TESTS(copies_what_trees_are_made_of, keeps_hard_links, keeps_holes, keeps_attributes,
      never_writes_over_something, names_what_is_missing)
