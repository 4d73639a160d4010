#include "lib/db/settings.h"

#include "tests/test.h"

static const struct db_setting *find(enum db_engine engine, const char *name)
{
    size_t count = 0;
    const struct db_setting *s = db_settings(engine, &count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(s[i].name, name) == 0)
            return &s[i];
    fail_msg("no setting '%s'", name);
    return NULL;
}

static bool usable(enum db_engine engine, const char *name, const char *value)
{
    return db_setting_usable(find(engine, name), engine, value, false);
}

TEST(every_setting_is_listed_once)
{
    for (int engine = DB_POSTGRESQL; engine <= DB_MARIADB; engine++) {
        size_t count = 0;
        const struct db_setting *s = db_settings((enum db_engine)engine, &count);

        assert_true(count > 10);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(s[i].name, s[j].name);
    }
}

TEST(what_cannot_be_set_is_not_usable)
{
    static const char *const names[] = {"server_encoding", "lc_collate", "lc_ctype",
                                        "shared_preload_libraries"};

    for (size_t i = 0; i < COUNT(names); i++)
        assert_false(usable(DB_POSTGRESQL, names[i], "C"));
    assert_true(usable(DB_POSTGRESQL, "statement_timeout", "30000"));
}

/* Zones with names need tables that a new server does not have: it would not start. */
TEST(zones_of_mariadb)
{
    static const struct {
        const char *value;
        bool usable;
    } cases[] = {
        {"SYSTEM", true},         {"+02:00", true}, {"-11:30", true},   {"+2:00", true},
        {"Europe/Berlin", false}, {"", false},      {"+02:00x", false}, {"+02:60", false},
        {"+99:00", false},        {"02:00", false}, {"UTC", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (usable(DB_MARIADB, "time_zone", cases[i].value) != cases[i].usable)
            fail_msg("'%s'", cases[i].value);
    assert_string_equal(find(DB_MARIADB, "time_zone")->option, "default_time_zone");
}

TEST(a_locale_that_is_not_here_is_left_out)
{
    assert_true(usable(DB_POSTGRESQL, "lc_time", "C"));
    assert_false(usable(DB_POSTGRESQL, "lc_time", "xx_XX.nowhere"));
}

/* A bundle comes from outside: no value may become a second line of the configuration. */
TEST(a_value_stays_a_value)
{
    assert_false(usable(DB_POSTGRESQL, "search_path", "a\nlisten_addresses = '*'"));
    assert_false(usable(DB_MARIADB, "sql_mode", "a\nplugin-load=x"));
    assert_false(usable(DB_MARIADB, "sql_mode", "a\rb"));
    assert_false(usable(DB_MARIADB, "sql_mode", "a\\nb"));
    assert_false(usable(DB_MARIADB, "sql_mode", "\"a"));
    assert_true(usable(DB_POSTGRESQL, "search_path", "\"$user\", public"));
    assert_true(usable(DB_MARIADB, "sql_mode", ""));
}

TEST(mysql_means_something_else)
{
    assert_false(db_setting_usable(find(DB_MARIADB, "optimizer_switch"), DB_MARIADB,
                                   "hypergraph_optimizer=off", true));
    assert_true(db_setting_usable(find(DB_MARIADB, "sql_mode"), DB_MARIADB, "ANSI", true));
}

TEST(knows_how_people_write_it)
{
    const struct db_setting *zone = find(DB_MARIADB, "time_zone");
    const struct db_setting *mode = find(DB_MARIADB, "sql_mode");

    assert_true(db_setting_is(zone, "default-time-zone"));
    assert_true(db_setting_is(zone, "time_zone"));
    assert_true(db_setting_is(mode, "SQL-Mode"));
    assert_true(db_setting_is(mode, "loose-sql_mode"));
    assert_false(db_setting_is(mode, "sql_mod"));
    assert_false(db_setting_is(mode, "sql_modes"));
    assert_true(db_setting_is(find(DB_POSTGRESQL, "TimeZone"), "timezone"));
    assert_false(db_setting_is(find(DB_POSTGRESQL, "server_encoding"), "work_mem"));
}

TESTS(every_setting_is_listed_once, what_cannot_be_set_is_not_usable, zones_of_mariadb,
      a_locale_that_is_not_here_is_left_out, a_value_stays_a_value, mysql_means_something_else,
      knows_how_people_write_it)
