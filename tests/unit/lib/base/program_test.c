/* Programs of this host. */
#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/program.h"
#include "tests/test.h"

#include <fcntl.h>
#include <sys/stat.h>

static char root[32];

static void begin(void)
{
    snprintf(root, sizeof(root), "/tmp/rehearse-program.XXXXXX");
    assert_non_null(mkdtemp(root));
}

static void end(void)
{
    struct err err = {0};

    assert_ok(dir_remove(root, &err), &err);
}

static void put(const char *dir, const char *name, mode_t mode)
{
    AUTO(buf) struct buf path = {0};

    buf_printf(&path, "%s/%s", root, dir);
    (void)mkdir(buf_str(&path), 0700);
    buf_printf(&path, "/%s", name);
    int fd = open(buf_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    close(fd);
}

static void is_at(char *stolen, const char *dir, const char *name)
{
    AUTO(buf) struct buf want = {0};

    buf_printf(&want, "%s/%s/%s", root, dir, name);
    assert_non_null(stolen);
    assert_string_equal(stolen, buf_str(&want));
    free(stolen);
}

TEST(takes_the_first_in_path_that_may_be_run)
{
    AUTO(buf) struct buf path = {0};
    char *was = getenv("PATH");

    assert_non_null(was);
    was = strdup(was);
    begin();
    put("none", "other", 0700);
    put("text", "tool", 0600);
    put("first", "tool", 0700);
    put("second", "tool", 0700);
    buf_printf(&path, "%s/none::%s/text:%s/first:%s/second", root, root, root, root);
    setenv("PATH", buf_str(&path), 1);
    char *found = program_in_path("tool"), *none = program_in_path("no-such-tool");
    setenv("PATH", was, 1);
    free(was);
    is_at(found, "first", "tool");
    assert_null(none);
    end();
}

TEST(takes_the_newest_version)
{
    AUTO(buf) struct buf pattern = {0};

    begin();
    put("9.6", "server", 0700);
    put("16", "server", 0700);
    put("15", "server", 0700);
    buf_printf(&pattern, "%s/[0-9]*/server", root);
    is_at(program_newest(buf_str(&pattern)), "16", "server");
    buf_puts(&pattern, "s");
    assert_null(program_newest(buf_str(&pattern)));
    end();
}

TESTS(takes_the_first_in_path_that_may_be_run, takes_the_newest_version)
