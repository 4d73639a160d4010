#include "restore/my.h"
#include "tests/test.h"

static const char *disabled(const char *create, struct buf *out)
{
    buf_clear(out);
    assert_true(my_event_disabled(span_of(create), out));
    return buf_str(out);
}

TEST(an_enabled_event_comes_disabled)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(disabled("CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT "
                                 "PRESERVE ENABLE DO SELECT 1",
                                 &b),
                        "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE "
                        "DISABLE DO SELECT 1");
}

/* Names, comments and bodies are left as they are. */
TEST(only_the_state_is_changed)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(
        disabled("CREATE EVENT `PRESERVE ENABLE` ON SCHEDULE AT '2030-01-01 \\'PRESERVE ENABLE' ON "
                 "COMPLETION PRESERVE ENABLE COMMENT 'PRESERVE ENABLE' DO SELECT 'PRESERVE ENABLE'",
                 &b),
        "CREATE EVENT `PRESERVE ENABLE` ON SCHEDULE AT '2030-01-01 \\'PRESERVE ENABLE' ON "
        "COMPLETION PRESERVE DISABLE COMMENT 'PRESERVE ENABLE' DO SELECT 'PRESERVE ENABLE'");
    static const char off[] = "CREATE EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE "
                              "DISABLE DO SELECT 1";
    assert_string_equal(disabled(off, &b), off);
}

TESTS(an_enabled_event_comes_disabled, only_the_state_is_changed)
