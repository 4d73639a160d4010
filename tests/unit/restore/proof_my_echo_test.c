#include "restore/proof_my_echo.h"
#include "tests/test.h"

TEST(what_a_server_skips_is_known)
{
    static const struct {
        const char *text;
        bool mariadb, mysql; /* 10.11.19, 8.0.36 */
    } cases[] = {
        {"CREATE TABLE `t` (`a` int)", false, false},
        {"CREATE TABLE `t` (`a` int) /*!50100 PARTITION BY HASH (a) */", false, false},
        {"CREATE TABLE `t` (`a` int /*!80023 INVISIBLE */)", true, false},
        {"CREATE TABLE `t` (`a` int, CHECK (a > 1) /*!80016 NOT ENFORCED */)", true, false},
        {"/*!50503 x *//*!80000 INVISIBLE */", true, false},
        {"/*! x */ /* 80023 */", false, false},
        {"/*!90100 x */", true, true},
        {"/*!100401 x */", false, true},
        {"/*!", false, false},
        {"/*!99999999999999999999", true, true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span text = span_of(cases[i].text);

        if (my_echo_skips(text, false, 101119) != cases[i].mariadb ||
            my_echo_skips(text, true, 80036) != cases[i].mysql)
            fail_msg("%s", cases[i].text);
    }
}

TESTS(what_a_server_skips_is_known)
