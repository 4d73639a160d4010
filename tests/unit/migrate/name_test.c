#include "tests/test.h"

#include "migrate/name.h"

struct expected {
    const char *name;
    enum name_style style;
    enum name_role role;
    const char *version;
};

TEST(reads_the_conventions)
{
    static const struct expected cases[] = {
        {"V1.2__add_price.sql", NAME_FLYWAY, ROLE_VERSIONED, "1.2"},
        {"V1_2__add_price.sql", NAME_FLYWAY, ROLE_VERSIONED, "1_2"},
        {"V20240131120000__x.sql", NAME_FLYWAY, ROLE_VERSIONED, "20240131120000"},
        {"R__views.sql", NAME_FLYWAY, ROLE_REPEATABLE, ""},
        {"U1.2__add_price.sql", NAME_FLYWAY, ROLE_UNDO, "1.2"},
        {"B7__base.sql", NAME_FLYWAY, ROLE_BASELINE, "7"},
        {"7_add_price.up.sql", NAME_UPDOWN, ROLE_VERSIONED, "7"},
        {"7_add_price.down.sql", NAME_UPDOWN, ROLE_DOWN, "7"},
        {"V0001.AddPrice.up.sql", NAME_UPDOWN, ROLE_VERSIONED, "0001"},
        {"V0001.AddPrice.down.sql", NAME_UPDOWN, ROLE_DOWN, "0001"},
        {"001_x.sql", NAME_NUMBERED, ROLE_VERSIONED, "001"},
        {"1.10.sql", NAME_NUMBERED, ROLE_VERSIONED, "1.10"},
        {"1-x.SQL", NAME_NUMBERED, ROLE_VERSIONED, "1"},
        {"2024-01-31-x.sql", NAME_NUMBERED, ROLE_VERSIONED, "2024-01-31"},
        {"007_scale_down.sql", NAME_NUMBERED, ROLE_VERSIONED, "007"},
        {"prices.sql", NAME_PLAIN, ROLE_VERSIONED, ""},
        {"1abc.sql", NAME_PLAIN, ROLE_VERSIONED, ""},
        {"V1_add.sql", NAME_PLAIN, ROLE_VERSIONED, ""},
        {"README.md", NAME_OTHER, ROLE_VERSIONED, ""},
        {".sql", NAME_OTHER, ROLE_VERSIONED, ""},
        {".hidden.sql", NAME_OTHER, ROLE_VERSIONED, ""},
        {"", NAME_OTHER, ROLE_VERSIONED, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script_name n = script_name_parse(span_of(cases[i].name));
        if (n.style != cases[i].style || n.role != cases[i].role ||
            !span_eq(n.version, span_of(cases[i].version)))
            fail_msg("'%s': style %d role %d version '%.*s'", cases[i].name, (int)n.style,
                     (int)n.role, (int)n.version.len, n.version.at);
    }
}

TEST(reads_popx_suffixes)
{
    struct script_name a = script_name_parse(span_of("1_x.postgres.autocommit.up.sql"));
    struct script_name b = script_name_parse(span_of("1_x.autocommit.up.sql"));
    struct script_name c = script_name_parse(span_of("1_x.mysql.up.sql"));

    assert_true(a.autocommit && span_is(a.dialect, "postgres") && span_is(a.title, "x"));
    assert_true(b.autocommit && b.dialect.len == 0);
    assert_true(!c.autocommit && span_is(c.dialect, "mysql"));
}

static int cmp(const char *a, const char *b)
{
    return version_cmp(span_of(a), span_of(b));
}

TEST(compares_versions_as_numbers)
{
    assert_true(cmp("1.9", "1.10") < 0);
    assert_true(cmp("2", "10") < 0);
    assert_true(cmp("1", "1.0.1") < 0);
    assert_true(cmp("1.1", "1") > 0);
    assert_int_equal(cmp("007", "7"), 0);
    assert_int_equal(cmp("1", "1.0"), 0);
    assert_int_equal(cmp("1_2", "1.2"), 0);
    assert_int_equal(cmp("", ""), 0);
    assert_true(cmp("99999999999999999999999", "100000000000000000000000") < 0);
    assert_true(cmp("2024-01-31", "2024-02-01") < 0);
}

TESTS(reads_the_conventions, reads_popx_suffixes, compares_versions_as_numbers)
