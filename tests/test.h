/* All that a unit test includes: cmocka with what its header needs before it, and the frame of a
 * test program.
 *
 *   TEST(adds_up)
 *   {
 *       assert_int_equal(1 + 1, 2);
 *   }
 *   TESTS(adds_up)
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Not sorted in: the header names types of those above and includes none of them. */
#include <cmocka.h>

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#define TEST(name) static void name(__attribute__((unused)) void **state)

/* main() that runs the tests named, in this order; status 0 when all passed. */
#define TESTS(...)                                                     \
    int main(void)                                                     \
    {                                                                  \
        static const CMUnitTestFunction tests[] = {__VA_ARGS__};       \
        return tests_run(__FILE__, tests, COUNT(tests), #__VA_ARGS__); \
    }

static inline int tests_run(const char *group, const CMUnitTestFunction *tests, size_t count,
                            const char *names)
{
    struct CMUnitTest *table = calloc(count, sizeof(*table));
    struct span rest = span_of(names), name;

    for (size_t i = 0; table && i < count && span_split(&rest, ',', &name); i++) {
        table[i].name = span_dup(span_trim(name));
        table[i].test_func = tests[i];
    }
    int failed = table ? _cmocka_run_group_tests(group, table, count, NULL, NULL) : 1;
    for (size_t i = 0; table && i < count; i++)
        free((void *)(uintptr_t)table[i].name);
    free(table);
    return failed ? 1 : 0;
}

/* The failure's own words belong into the test's output. */
#define assert_ok(call, err)                        \
    do {                                            \
        if (!(call))                                \
            fail_msg("%s: %s", #call, (err)->text); \
    } while (0)
#define assert_fails(call, err, want)                  \
    do {                                               \
        if (call)                                      \
            fail_msg("%s: should have failed", #call); \
        assert_int_equal((err)->code, want);           \
    } while (0)

#endif
