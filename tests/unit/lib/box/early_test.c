/* Which files of a data directory are written early. */
#include "lib/box/early.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

/* `name` with its folders, as long as `size` says. */
static void make_file(struct scratch *dir, const char *name, off_t size)
{
    AUTO(free) char *path = span_dup(span_of(scratch_path(dir, name)));
    struct err err = {0};

    *strrchr(path, '/') = '\0';
    assert_ok(dir_make(path, 0755, &err), &err);
    scratch_write(dir, name, SPAN("x"));
    assert_int_equal(truncate(scratch_path(dir, name), size), 0);
}

TEST(asks_for_large_files)
{
    AUTO(scratch) struct scratch dir = {0};
    scratch_open(&dir);

    make_file(&dir, "data/base/5/16384", (off_t)8 << 20);
    make_file(&dir, "data/base/5/16384.1", (off_t)1 << 20);
    make_file(&dir, "data/base/5/16385", ((off_t)1 << 20) - 1);
    assert_int_equal(box_early_look(scratch_path(&dir, "data")), 2);
}

TEST(leaves_what_is_thrown_away_and_what_is_elsewhere)
{
    AUTO(scratch) struct scratch dir = {0};
    scratch_open(&dir);

    make_file(&dir, "data/base/pgsql_tmp/pgsql_tmp1.0", (off_t)8 << 20);
    make_file(&dir, "data/tmp/ibtemp", (off_t)8 << 20);
    make_file(&dir, "elsewhere/large", (off_t)8 << 20);
    AUTO(free) char *to = span_dup(span_of(scratch_path(&dir, "elsewhere")));
    assert_int_equal(symlink(to, scratch_path(&dir, "data/link")), 0);
    assert_int_equal(box_early_look(scratch_path(&dir, "data")), 0);
    assert_int_equal(box_early_look(scratch_path(&dir, "nowhere")), 0);
}

TESTS(asks_for_large_files, leaves_what_is_thrown_away_and_what_is_elsewhere)
