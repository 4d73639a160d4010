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
    assert_ok(files_twins(&(struct env_files){.path = dir.path}, 4 * TWIN_MIN, &keys, &err), &err);
    assert_int_equal(keys.count, 1);
    assert_true(files_is_twin(&keys, "anywhere/same", TWIN_MIN));
    assert_false(files_is_twin(&keys, "anywhere/same", TWIN_MIN + 1));
    assert_false(files_is_twin(&keys, "a/size", TWIN_MIN));
    assert_false(files_is_twin(&keys, "a/small", TWIN_MIN - 1));
}

TEST(nobody_looks_into_what_is_excluded)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(vec) struct vec keys = VEC(uint64_t);
    char cache[] = "cache/", logs[] = "*.log";
    char *patterns[] = {cache, logs};
    struct err err = {0};

    scratch_open(&dir);
    assert_int_equal(mkdir(scratch_path(&dir, "cache"), 0700), 0);
    make(&dir, "cache/same", (off_t)TWIN_MIN);
    make(&dir, "same", (off_t)TWIN_MIN);
    assert_int_equal(mkdir(scratch_path(&dir, "a"), 0700), 0);
    make(&dir, "a/x.log", (off_t)TWIN_MIN);
    make(&dir, "x.log", (off_t)TWIN_MIN);
    struct env_files tree = {.path = dir.path, .exclude = {patterns, COUNT(patterns)}};
    assert_ok(files_twins(&tree, 4 * TWIN_MIN, &keys, &err), &err);
    assert_int_equal(keys.count, 0);
}

TEST(a_tree_that_is_not_there_has_none)
{
    AUTO(vec) struct vec keys = VEC(uint64_t);
    struct err err = {0};

    char nowhere[] = "/nowhere/at/all";

    assert_ok(files_twins(&(struct env_files){.path = nowhere}, 1 << 20, &keys, &err), &err);
    assert_int_equal(keys.count, 0);
}

TESTS(only_files_that_are_there_twice, nobody_looks_into_what_is_excluded,
      a_tree_that_is_not_there_has_none)
