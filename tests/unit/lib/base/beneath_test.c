/* Names from outside: paths that must stay inside, and bytes that must come back. */
#include "tests/test.h"

#include "lib/base/beneath.h"
#include "lib/base/escape.h"
#include "lib/base/fd.h"
#include "tests/fake/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

static inline void auto_beneath(struct beneath *b)
{
    beneath_done(b);
}

TEST(opens_and_makes_below_the_root)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    struct span name;
    int fd = -1, again = -1;

    scratch_open(&dir);
    AUTO(fd) int root = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(beneath) struct beneath b = BENEATH(root);
    assert_fails(beneath_dir(&b, SPAN("a/b"), false, &fd, &err), &err, ERR_MISSING);
    assert_ok(beneath_parent(&b, SPAN("a/b/file"), true, &fd, &name, &err), &err);
    assert_true(span_is(name, "file"));
    assert_true(path_exists(scratch_path(&dir, "a/b")));
    assert_ok(beneath_dir(&b, SPAN("a/b"), false, &again, &err), &err);
    assert_int_equal(fd, again);
    assert_ok(beneath_parent(&b, SPAN("top"), false, &fd, &name, &err), &err);
    assert_int_equal(faccessat(fd, "a", F_OK, 0), 0);
    assert_ok(beneath_dir(&b, SPAN("."), false, &fd, &err), &err);
}

TEST(never_follows_a_link_and_never_climbs)
{
    static const char *const bad[] = {"..", "a/../..", "/etc", "a//b", "a/.", "a/"};
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    struct span name;
    int fd = -1;
    char link[600];

    scratch_open(&dir);
    snprintf(link, sizeof(link), "%s/link", dir.path);
    assert_int_equal(symlink("/", link), 0);
    scratch_write(&dir, "file", SPAN(""));
    AUTO(fd) int root = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(beneath) struct beneath b = BENEATH(root);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(beneath_dir(&b, span_of(bad[i]), true, &fd, &err), &err, ERR_DAMAGED);
    assert_fails(beneath_dir(&b, SPAN("link"), false, &fd, &err), &err, ERR_DAMAGED);
    assert_fails(beneath_dir(&b, SPAN("link/etc"), true, &fd, &err), &err, ERR_DAMAGED);
    assert_fails(beneath_dir(&b, SPAN("file/x"), true, &fd, &err), &err, ERR_DAMAGED);
    assert_fails(beneath_parent(&b, SPAN("a/.."), false, &fd, &name, &err), &err, ERR_DAMAGED);
    assert_fails(beneath_parent(&b, SPAN(""), false, &fd, &name, &err), &err, ERR_DAMAGED);
    char longer[300];
    memset(longer, 'x', sizeof(longer));
    assert_fails(beneath_dir(&b, (struct span){longer, sizeof(longer)}, true, &fd, &err), &err,
                 ERR_DAMAGED);
}

TEST(every_byte_comes_back_from_its_escape)
{
    char all[512];

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    AUTO(buf) struct buf line = {0};
    struct span back;
    assert_true(escape_add(&line, (struct span){all, sizeof(all)}));
    assert_null(memchr(line.at, '\n', line.len));
    assert_null(memchr(line.at, '\t', line.len));
    assert_null(memchr(line.at, 0, line.len));
    assert_true(escape_undo(line.at, line.len, &back));
    assert_true(span_eq(back, (struct span){all, sizeof(all)}));

    buf_clear(&line);
    assert_true(escape_add(&line, (struct span){0}));
    assert_string_equal(line.at, "\\N");
    assert_true(escape_undo(line.at, line.len, &back));
    assert_null(back.at);
    buf_clear(&line);
    assert_true(escape_add(&line, SPAN("\\N")));
    assert_true(escape_undo(line.at, line.len, &back));
    assert_true(span_is(back, "\\N"));
}

TEST(broken_escapes_are_refused)
{
    static const char *const bad[] = {"\\", "a\\", "\\q", "\\x", "\\x0", "\\x01", "a\\N", "\\NN"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        AUTO(free) char *text = strdup(bad[i]);
        struct span back;
        assert_false(escape_undo(text, strlen(text), &back));
    }
}

TESTS(opens_and_makes_below_the_root, never_follows_a_link_and_never_climbs,
      every_byte_comes_back_from_its_escape, broken_escapes_are_refused)
