#include "tests/test.h"

#include "lib/base/fd.h"
#include "migrate/order.h"
#include "tests/fake/scratch.h"

static void put(struct scratch *f, const char *name, const char *text)
{
    struct err err = {0};
    const char *slash = strrchr(name, '/');
    AUTO(free) char *folder = slash ? strndup(name, (size_t)(slash - name)) : NULL;

    if (folder)
        assert_ok(dir_make(scratch_path(f, folder), 0700, &err), &err);
    scratch_write(f, name, span_of(text));
}

/* Scripts of these names, split by blanks. */
static void fill(struct scratch *f, const char *names)
{
    struct span rest = span_of(names), name;

    scratch_open(f);
    while (span_split(&rest, ' ', &name)) {
        AUTO(free) char *copy = span_dup(name);
        put(f, copy, "SELECT 1;\n");
    }
}

static void assert_order(const struct scratch *f, const char *convention, const char *names)
{
    struct err err = {0};
    AUTO(order) struct order o = {0};
    AUTO(buf) struct buf got = {0};

    assert_ok(order_resolve(f->path, DB_POSTGRESQL, &o, &err), &err);
    for (size_t i = 0; i < o.files.count; i++)
        buf_printf(&got, "%s%s", i ? " " : "", order_files(&o)[i].name);
    assert_string_equal(buf_str(&got), names);
    assert_string_equal(o.convention, convention);
}

static void assert_refused(const struct scratch *f, enum err_code code, const char *a,
                           const char *b)
{
    struct err err = {0};
    AUTO(order) struct order o = {0};

    assert_fails(order_resolve(f->path, DB_POSTGRESQL, &o, &err), &err, code);
    if (!strstr(err.text, a) || !strstr(err.text, b))
        fail_msg("'%s' lacks '%s' or '%s'", err.text, a, b);
}

TEST(orders_flyway)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "V1.10__c.sql V1.9__b.sql R__b.sql R__a.sql V1__a.sql U1__a.sql B1__a.sql");

    assert_order(&f, "flyway", "V1__a.sql V1.9__b.sql V1.10__c.sql R__a.sql R__b.sql");
}

TEST(orders_up_and_down)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "10_b.up.sql 10_b.down.sql 9_a.up.sql 9_a.down.sql V11.C.up.sql README.md");

    assert_order(&f, "up and down", "9_a.up.sql 10_b.up.sql V11.C.up.sql");
}

TEST(prefers_the_script_for_this_engine)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "1_a.up.sql 1_a.postgres.up.sql 1_a.mysql.up.sql 2_b.mysql.up.sql 3_c.up.sql");

    assert_order(&f, "up and down", "1_a.postgres.up.sql 3_c.up.sql");
}

TEST(orders_numbers)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "010_c.sql 9_b.sql 001_a.sql");

    assert_order(&f, "numbered", "001_a.sql 9_b.sql 010_c.sql");
}

TEST(orders_diesel)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "2024-02-01-1_b/up.sql 2024-02-01-1_b/down.sql 2024-01-01-1_a/up.sql docs/x.md");

    assert_order(&f, "diesel", "2024-01-01-1_a/up.sql 2024-02-01-1_b/up.sql");
}

TEST(a_list_wins)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "V1__a.sql 2_b.sql sub/c.sql V3__d.sql");
    put(&f, "order", "# by hand\n2_b.sql\r\n\n  sub/c.sql\nV1__a.sql\n");

    assert_order(&f, "manifest", "2_b.sql sub/c.sql V1__a.sql");
}

TEST(a_list_is_checked)
{
    static const struct {
        const char *list;
        enum err_code code;
        const char *text;
    } cases[] = {
        {"../etc/passwd\n", ERR_CONFIG, "order:1"},
        {"a.sql\nmissing.sql\n", ERR_MISSING, "order:2"},
        {"a.sql\na.sql\n", ERR_CONFIG, "twice"},
        {"1_x.down.sql\n", ERR_CONFIG, "never run"},
        {"U1__x.sql\n", ERR_CONFIG, "never run"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(scratch) struct scratch f = {0};
        fill(&f, "a.sql 1_x.down.sql U1__x.sql");
        put(&f, "order", cases[i].list);
        assert_refused(&f, cases[i].code, cases[i].text, "order");
    }
    AUTO(scratch) struct scratch two = {0};
    fill(&two, "a.sql order manifest.txt");
    assert_refused(&two, ERR_CONFIG, "'order'", "'manifest.txt'");
}

TEST(orders_sqitch)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "deploy/users.sql deploy/users@v1.sql deploy/roles.sql revert/users.sql");
    put(&f, "sqitch.plan",
        "%syntax-version=1.0.0\n%project=x\n\nusers 2024-01-01T00:00:00Z a <a@b> # add\n"
        "+roles [users] 2024-01-02T00:00:00Z a <a@b>\n@v1 2024-01-03T00:00:00Z a <a@b>\n\n"
        "users [users@v1] 2024-01-04T00:00:00Z a <a@b> # again\n");

    assert_order(&f, "sqitch", "deploy/users@v1.sql deploy/roles.sql deploy/users.sql");
}

TEST(refuses_what_has_no_order)
{
    AUTO(scratch) struct scratch doubles = {0};
    fill(&doubles, "1_a.sql 01_b.sql");
    AUTO(scratch) struct scratch mixed = {0};
    fill(&mixed, "1_a.sql V2__b.sql");
    AUTO(scratch) struct scratch plain = {0};
    fill(&plain, "a.sql b.sql");
    AUTO(scratch) struct scratch partly = {0};
    fill(&partly, "1_a.sql b.sql");
    AUTO(scratch) struct scratch diesel = {0};
    fill(&diesel, "1_a/up.sql 2_b.sql");

    assert_refused(&doubles, ERR_CONFIG, "'1_a.sql'", "'01_b.sql'");
    assert_refused(&mixed, ERR_CONFIG, "'1_a.sql'", "'V2__b.sql'");
    assert_refused(&plain, ERR_CONFIG, "'a.sql'", "'b.sql'");
    assert_refused(&partly, ERR_CONFIG, "'1_a.sql'", "'b.sql'");
    assert_refused(&diesel, ERR_CONFIG, "2_b.sql", "up.sql");
    struct scratch none = {"/tmp/order-test-none"};
    assert_refused(&none, ERR_MISSING, "order-test-none", "scripts");
}

TEST(one_script_needs_no_number)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "prices.sql");
    assert_order(&f, "plain", "prices.sql");
}

TEST(tells_what_is_left_out)
{
    AUTO(scratch) struct scratch f = {0};
    fill(&f, "1_a.up.sql 1_a.down.sql notes.txt old/1_z.sql");
    struct err err = {0};
    AUTO(order) struct order o = {0};

    assert_ok(order_resolve(f.path, DB_POSTGRESQL, &o, &err), &err);
    assert_int_equal(o.left.count, 3);
}

TESTS(orders_flyway, orders_up_and_down, prefers_the_script_for_this_engine, orders_numbers,
      orders_diesel, a_list_wins, a_list_is_checked, orders_sqitch, refuses_what_has_no_order,
      one_script_needs_no_number, tells_what_is_left_out)
