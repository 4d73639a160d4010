#include "snapshot/files_twins.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

#include <sys/stat.h>
#include <unistd.h>

static void make(struct scratch *dir, const char *name, off_t size)
{
    scratch_write(dir, name, SPAN(""));
    assert_int_equal(truncate(scratch_path(dir, name), size), 0);
}

TEST(only_files_that_are_there_twice)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(vec) struct vec keys = VEC(uint64_t);
    struct err err = {0};
    const off_t size = (off_t)TWIN_MIN;

    scratch_open(&dir);
    assert_int_equal(mkdir(scratch_path(&dir, "a"), 0700), 0);
    assert_int_equal(mkdir(scratch_path(&dir, "b"), 0700), 0);
    make(&dir, "a/same", size);
    make(&dir, "b/same", size);
    make(&dir, "same", size);
    make(&dir, "a/size", size);
    make(&dir, "b/size", size + 1);
    make(&dir, "a/small", size - 1);
    make(&dir, "b/small", size - 1);
    make(&dir, "a/large", 4 * size + 1);
    make(&dir, "b/large", 4 * size + 1);
    assert_ok(files_twins(dir.path, 4 * TWIN_MIN, &keys, &err), &err);
    assert_int_equal(keys.count, 1);
    assert_true(files_is_twin(&keys, "anywhere/same", TWIN_MIN));
    assert_false(files_is_twin(&keys, "anywhere/same", TWIN_MIN + 1));
    assert_false(files_is_twin(&keys, "a/size", TWIN_MIN));
    assert_false(files_is_twin(&keys, "a/small", TWIN_MIN - 1));
}

TEST(a_tree_that_is_not_there_has_none)
{
    AUTO(vec) struct vec keys = VEC(uint64_t);
    struct err err = {0};

    assert_ok(files_twins("/nowhere/at/all", 1 << 20, &keys, &err), &err);
    assert_int_equal(keys.count, 0);
}

TESTS(only_files_that_are_there_twice, a_tree_that_is_not_there_has_none)
