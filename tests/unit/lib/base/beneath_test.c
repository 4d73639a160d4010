#include "tests/test.h"

#include "lib/base/beneath.h"
#include "lib/base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

static char *temp_dir(int *root)
{
    char *dir = strdup("/tmp/rehearse-beneath-XXXXXX");

    assert_non_null(mkdtemp(dir));
    *root = open(dir, O_RDONLY | O_DIRECTORY);
    assert_true(*root >= 0);
    return dir;
}

TEST(makes_and_finds_directories)
{
    AUTO(fd) int root = -1;
    AUTO(free) char *dir = temp_dir(&root);
    struct beneath b = BENEATH(root);
    struct err err = {0};
    char name[BENEATH_NAME];
    struct stat at_root, st;
    int fd = -1;

    assert_fails(beneath_dir(&b, SPAN("a/b"), false, &fd, &err), &err, ERR_MISSING);
    assert_ok(beneath_dir(&b, SPAN("a/b"), true, &fd, &err), &err);
    assert_ok(beneath_parent(&b, SPAN("a/b/c"), false, &fd, name, &err), &err);
    assert_string_equal(name, "c");
    assert_ok(beneath_dir(&b, SPAN("."), false, &fd, &err), &err);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(fstat(root, &at_root), 0);
    assert_int_equal(st.st_ino, at_root.st_ino);
    beneath_done(&b);
    assert_ok(dir_remove(dir, &err), &err);
}

TEST(follows_nothing_and_never_climbs)
{
    static const char *const bad[] = {"..", "a/..", "/etc", "a//b", "l", "l/x", "f", "f/x"};
    AUTO(fd) int root = -1;
    AUTO(free) char *dir = temp_dir(&root);
    struct beneath b = BENEATH(root);
    struct err err = {0};
    int fd = -1;

    assert_int_equal(symlinkat("/etc", root, "l"), 0);
    assert_int_equal(mknodat(root, "f", S_IFREG | 0600, 0), 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        for (int make = 0; make < 2; make++)
            assert_fails(beneath_dir(&b, span_of(bad[i]), make, &fd, &err), &err, ERR_DAMAGED);
    beneath_done(&b);
    assert_ok(dir_remove(dir, &err), &err);
}

/* No file system of Linux itself has them; one behind FUSE or a network, and a hostile bundle, may. */
TEST(refuses_names_that_are_too_long)
{
    AUTO(fd) int root = -1;
    AUTO(free) char *dir = temp_dir(&root);
    struct beneath b = BENEATH(root);
    struct err err = {0};
    char name[BENEATH_NAME], path[2 * BENEATH_NAME];
    int fd = -1;

    for (size_t bytes = NAME_MAX; bytes <= NAME_MAX + 1; bytes++) {
        memset(path, 'x', bytes);
        path[bytes] = '\0';
        bool fits = beneath_parent(&b, span_of(path), false, &fd, name, &err);
        assert_int_equal(fits, bytes == NAME_MAX);
    }
    assert_int_equal(err.code, ERR_DAMAGED);
    beneath_done(&b);
    assert_ok(dir_remove(dir, &err), &err);
}

TESTS(makes_and_finds_directories, follows_nothing_and_never_climbs,
      refuses_names_that_are_too_long)
