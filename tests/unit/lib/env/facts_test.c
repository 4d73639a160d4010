#include "tests/test.h"

#include "lib/base/json.h"
#include "lib/env/facts.h"

#include <sys/utsname.h>

TEST(host_facts_are_there_or_say_why)
{
    static const char *const names[] = {"kernel", "machine",      "hostname", "os",
                                        "cpus",   "memory_bytes", "locale",   "timezone",
                                        "glibc",  "limits",       "mounts"};
    AUTO(json) json_t *facts = NULL;
    struct err err = {0};
    struct utsname u;

    assert_ok(facts_host(&facts, &err), &err);
    const json_t *unknown = json_object_get(facts, "unknown");
    for (size_t i = 0; i < COUNT(names); i++) {
        const json_t *fact = json_object_get(facts, names[i]);
        assert_non_null(fact);
        assert_int_equal(json_is_null(fact), json_object_get(unknown, names[i]) != NULL);
    }
    assert_int_equal(uname(&u), 0);
    assert_string_equal(json_string_value(json_object_get(facts, "kernel")), u.release);
    assert_true(json_integer_value(json_object_get(facts, "cpus")) >= 1);
}

TEST(timezone_of_the_environment_goes_first)
{
    AUTO(json) json_t *facts = NULL;
    struct err err = {0};

    setenv("TZ", "Europe/Berlin", 1);
    assert_ok(facts_host(&facts, &err), &err);
    unsetenv("TZ");
    assert_string_equal(json_string_value(json_object_get(facts, "timezone")), "Europe/Berlin");
}

TEST(packages_have_versions)
{
    AUTO(json) json_t *facts = NULL;
    struct err err = {0};

    assert_ok(facts_packages(&facts, &err), &err);
    const json_t *dpkg = json_object_get(facts, "dpkg");
    if (!dpkg)
        skip();
    const char *version = json_string_value(json_object_get(dpkg, "dpkg"));
    assert_non_null(version);
    assert_true(version[0] >= '0' && version[0] <= '9');
}

/* A manager that fails says so; the others still tell. */
TEST(a_failing_manager_is_unknown)
{
    AUTO(json) json_t *facts = NULL;
    AUTO(free) char *path = strdup(getenv("PATH"));
    struct err err = {0};

    setenv("PATH", "/nowhere", 1);
    assert_ok(facts_packages(&facts, &err), &err);
    setenv("PATH", path, 1);
    if (!json_object_get(facts, "dpkg"))
        skip();
    assert_true(json_is_null(json_object_get(facts, "dpkg")));
    assert_non_null(json_object_get(json_object_get(facts, "unknown"), "dpkg"));
}

TESTS(host_facts_are_there_or_say_why, timezone_of_the_environment_goes_first,
      packages_have_versions, a_failing_manager_is_unknown)
