#include "tests/test.h"

#include "lib/base/auto.h"
#include "lib/base/spill.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t resident_kib(void)
{
    unsigned long whole = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &whole, &resident), 2);
    fclose(f);
    return resident * ((size_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* 24 MiB of numbers: they stay where they are while the file takes over from memory. */
TEST(what_was_added_never_moves)
{
    AUTO(spill) struct spill s = {0};
    struct err err = {0};
    const size_t count = (size_t)3 << 20;
    uint64_t *first = NULL;

    assert_ok(spill_open(&s, count * sizeof(uint64_t), &err), &err);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t *at = spill_add(&s, &i, sizeof(i), &err);
        assert_non_null(at);
        first = first ? first : at;
        assert_ptr_equal(at, first + i);
        if (i % 100000 == 0)
            spill_forget(&s);
    }
    assert_true(s.file != 0);
    spill_forget(&s);
    for (uint64_t i = 0; i < count; i++)
        assert_true(first[i] == i);
}

TEST(what_is_forgotten_is_not_in_memory)
{
    AUTO(spill) struct spill s = {0};
    struct err err = {0};
    const size_t bytes = (size_t)64 << 20;

    assert_ok(spill_open(&s, bytes, &err), &err);
    char *at = spill_add(&s, NULL, bytes, &err);
    assert_non_null(at);
    memset(at, 'x', bytes);
    size_t full = resident_kib();
    spill_forget(&s);
    assert_true(resident_kib() + 60 * 1024 < full);
    assert_int_equal(at[bytes - 1], 'x');
}

TEST(little_stays_in_memory_and_is_not_forgotten)
{
    AUTO(spill) struct spill s = {0};
    struct err err = {0};

    assert_ok(spill_open(&s, (size_t)1 << 30, &err), &err);
    assert_non_null(spill_add(&s, "abc", 3, &err));
    const char *zeros = spill_add(&s, NULL, SPILL_MEMORY - 3, &err);
    assert_non_null(zeros);
    assert_int_equal(s.file, 0);
    spill_forget(&s);
    assert_memory_equal(s.at, "abc", 3);
    assert_int_equal(zeros[SPILL_MEMORY - 4], 0);
    assert_non_null(spill_add(&s, "d", 1, &err));
    assert_int_not_equal(s.file, 0);
    assert_memory_equal(s.at, "abc", 3);
    assert_int_equal(s.at[SPILL_MEMORY], 'd');
}

TEST(beyond_its_most_is_an_error)
{
    AUTO(spill) struct spill s = {0};
    struct err err = {0};

    assert_ok(spill_open(&s, 100, &err), &err);
    assert_null(spill_add(&s, NULL, (size_t)1 << 40, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
}

/* What was there stays good: a reader may be at work. */
TEST(a_folder_that_is_not_there_is_named)
{
    AUTO(spill) struct spill s = {0};
    AUTO(free) char *was = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    struct err err = {0};

    assert_ok(spill_open(&s, (size_t)8 << 20, &err), &err);
    assert_non_null(spill_add(&s, "abc", 3, &err));
    setenv("TMPDIR", "/does/not/exist", 1);
    assert_null(spill_add(&s, NULL, (size_t)4 << 20, &err));
    if (was)
        setenv("TMPDIR", was, 1);
    else
        unsetenv("TMPDIR");
    assert_non_null(strstr(err.text, "/does/not/exist"));
    assert_non_null(strstr(err.hint, "TMPDIR"));
    spill_forget(&s);
    assert_memory_equal(s.at, "abc", 3);
}

/* As on a full disk: the file cannot grow; what is there stays good, and the folder is named. */
TEST(a_file_that_cannot_grow_keeps_what_it_has)
{
    AUTO(spill) struct spill s = {0};
    struct rlimit was, small;
    struct err err = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = (size_t)6 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_ok(spill_open(&s, (size_t)64 << 20, &err), &err);
    memset(spill_add(&s, NULL, (size_t)3 << 20, &err), 'x', (size_t)3 << 20);
    assert_int_not_equal(s.file, 0);
    assert_null(spill_add(&s, NULL, (size_t)3 << 20, &err));
    assert_non_null(strstr(err.text, getenv("TMPDIR") ? getenv("TMPDIR") : "/var/tmp"));
    signal(SIGXFSZ, handler);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    spill_forget(&s);
    for (size_t i = 0; i < (size_t)3 << 20; i++)
        assert_true(s.at[i] == 'x');
    assert_int_equal(s.len, (size_t)3 << 20);
}

TESTS(what_was_added_never_moves, what_is_forgotten_is_not_in_memory,
      little_stays_in_memory_and_is_not_forgotten, beyond_its_most_is_an_error,
      a_folder_that_is_not_there_is_named, a_file_that_cannot_grow_keeps_what_it_has)
