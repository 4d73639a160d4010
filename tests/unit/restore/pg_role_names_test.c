#include "tests/test.h"

#include "lib/base/buf.h"
#include "restore/pg_role_names.h"

static bool add(void *ctx, const char *name, struct err *err)
{
    struct buf *out = ctx;

    buf_printf(out, "%s%s", out->len ? " " : "", name);
    return buf_ok(out, err);
}

static void names(const char *sql, const char *want)
{
    AUTO(buf) struct buf got = {0};
    struct err err = {0};

    assert_ok(pg_role_names(span_of(sql), add, &got, &err), &err);
    assert_string_equal(buf_str(&got), want);
}

TEST(owners_and_rights)
{
    names("ALTER TABLE public.t OWNER TO \"the \"\"owner\"\"\"", "the \"owner\"");
    names("GRANT SELECT(a),INSERT ON TABLE public.t TO clerk WITH GRANT OPTION", "clerk");
    names("GRANT ALL ON SCHEMA public TO PUBLIC", "");
    names("REVOKE GRANT OPTION FOR ALL ON FUNCTION public.f(\"TO\" integer) FROM clerk", "clerk");
    names("REVOKE ALL ON SCHEMA public FROM PUBLIC", "");
    names("GRANT ALL ON TABLE t TO", "");
    names("SET SESSION AUTHORIZATION \"a b\"", "a b");
    names("RESET SESSION AUTHORIZATION", "");
}

TEST(default_rights)
{
    names("ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b", "a b");
    names("ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON FUNCTIONS FROM PUBLIC", "a");
    names("ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON TABLES FROM a", "a a");
}

TEST(policies_and_user_mappings)
{
    names("CREATE POLICY p ON public.t AS RESTRICTIVE FOR SELECT TO a, \"b\", c USING (true)",
          "a b c");
    names("CREATE POLICY p ON public.t TO a WITH CHECK (x)", "a");
    names("CREATE POLICY p ON public.t USING (x = CAST('1' AS interval DAY TO SECOND))", "");
    names("CREATE POLICY \"TO\" ON public.\"TO x\" USING (true)", "");
    names("CREATE USER MAPPING FOR a SERVER \"FOR\" OPTIONS (\"FOR\" 'b')", "a");
    names("CREATE USER MAPPING FOR public SERVER s", "");
}

TEST(others_need_none)
{
    names("CREATE VIEW v AS SELECT a FROM b", "");
    names("ALTER TABLE t ADD COLUMN x int", "");
    names("COMMENT ON TABLE t IS 'OWNER TO x'", "");
    names("", "");
}

TESTS(owners_and_rights, default_rights, policies_and_user_mappings, others_need_none)
