#include "tests/test.h"

#include "restore/only.h"
#include "restore/pg_select.h"

static const char pre[] =
    "SET statement_timeout = 0;\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\n"
    "CREATE SCHEMA app;\nALTER SCHEMA app OWNER TO boss;\n"
    "CREATE SCHEMA ext;\n"
    "CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA ext;\n"
    "CREATE EXTENSION IF NOT EXISTS ltree WITH SCHEMA app;\n"
    "COMMENT ON EXTENSION ltree IS 'app.paths';\n"
    "CREATE TYPE app.mood AS ENUM ('a', 'b');\n"
    "CREATE DOMAIN public.mail AS text CONSTRAINT c CHECK (public.is_mail(VALUE));\n"
    "CREATE FUNCTION public.is_mail(t text) RETURNS boolean LANGUAGE sql AS $$ SELECT true FROM "
    "public.audit; SELECT public.helper() $$;\n"
    "CREATE FUNCTION public.helper() RETURNS int LANGUAGE sql AS $_$ SELECT 1; $_$;\n"
    "CREATE FUNCTION public.other() RETURNS int LANGUAGE sql AS $_$ SELECT 1; $_$;\n"
    "CREATE TABLE public.audit (id int);\n"
    "CREATE TABLE public.customers (id int, m public.mail, h ext.hstore);\n"
    "ALTER TABLE public.customers OWNER TO boss;\n"
    "CREATE SEQUENCE public.customers_id_seq;\n"
    "ALTER SEQUENCE public.customers_id_seq OWNED BY public.customers.id;\n"
    "CREATE TABLE app.orders (id int, customer int, mood app.mood DEFAULT 'a'::app.mood);\n"
    "ALTER TABLE app.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n"
    "    SEQUENCE NAME app.orders_id_seq\n    START WITH 1\n);\n"
    "CREATE VIEW app.shown AS\n SELECT o.id FROM (app.orders o JOIN public.customers c ON ((c.id "
    "OPERATOR(app.=~) o.id)));\n"
    "CREATE OPERATOR app.=~ (FUNCTION = app.eq, LEFTARG = int, RIGHTARG = int);\n"
    "CREATE FUNCTION app.eq(a int, b int) RETURNS boolean LANGUAGE sql AS $$ SELECT a = b $$;\n"
    "CREATE TABLE app.parts (id int) PARTITION BY RANGE (id);\n"
    "CREATE TABLE app.part1 (id int);\nCREATE TABLE app.part2 (id int);\n"
    "ALTER TABLE ONLY app.parts ATTACH PARTITION app.part1 FOR VALUES FROM (1) TO (2);\n"
    "ALTER TABLE ONLY app.parts ATTACH PARTITION app.part2 FOR VALUES FROM (2) TO (3);\n"
    "CREATE TABLE app.child (x int) INHERITS (app.base);\nCREATE TABLE app.base (x int);\n"
    "CREATE CAST (app.mood AS public.mail) WITH FUNCTION public.other();\n"
    "SELECT pg_catalog.lo_create('1234');\n";

static const char post[] =
    "ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);\n"
    "CREATE INDEX parts_id ON ONLY app.parts USING btree (id);\n"
    "CREATE INDEX part1_id ON app.part1 USING btree (id);\n"
    "CREATE INDEX part2_id ON app.part2 USING btree (id);\n"
    "ALTER INDEX app.parts_id ATTACH PARTITION app.part1_id;\n"
    "ALTER INDEX app.parts_id ATTACH PARTITION app.part2_id;\n"
    "COMMENT ON INDEX app.part1_id IS 'x';\n"
    "CREATE TRIGGER t BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION public.helper();\n"
    "ALTER TABLE ONLY app.orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES "
    "public.customers(id);\n"
    "COMMENT ON CONSTRAINT orders_customer ON app.orders IS 'x';\n"
    "CREATE PUBLICATION news WITH (publish = 'insert');\n"
    "ALTER PUBLICATION news ADD TABLE ONLY app.orders;\n"
    "ALTER DEFAULT PRIVILEGES FOR ROLE boss IN SCHEMA app GRANT SELECT ON TABLES TO reader;\n";

struct choice {
    struct vec parts;
    struct pg_select_conf conf;
    struct pg_select *select;
    struct buf pre, post;
    json_t *report;
};

static bool choose(struct choice *c, struct opt_list only, bool references, struct err *err)
{
    *c = (struct choice){.parts = VEC(struct only_part)};
    assert_ok(only_parts(&only, "postgresql.db", &c->parts, err), err);
    c->conf = (struct pg_select_conf){.component = "postgresql.db",
                                      .pre_data = span_of(pre),
                                      .post_data = span_of(post),
                                      .parts = &c->parts,
                                      .references = references};
    return pg_select_new(&c->conf, &c->select, err);
}

static void chosen(struct choice *c, const char *part, bool references)
{
    struct err err = {0};

    assert_ok(choose(c, (struct opt_list){.at = {part}, .count = 1}, references, &err), &err);
    assert_ok(pg_select_pre_data(c->select, &c->pre, &err), &err);
    assert_ok(pg_select_post_data(c->select, &c->post, &err), &err);
    c->report = pg_select_report(c->select);
}

static void done(struct choice *c)
{
    json_decref(c->report);
    buf_done(&c->pre);
    buf_done(&c->post);
    vec_done(&c->parts);
    pg_select_free(c->select);
}

static void has(const struct buf *text, const char *words)
{
    if (!strstr(buf_str(text), words))
        fail_msg("no '%s' in: %s", words, buf_str(text));
}

static void has_not(const struct buf *text, const char *words)
{
    if (strstr(buf_str(text), words))
        fail_msg("'%s' in: %s", words, buf_str(text));
}

static void left_out(const struct choice *c, const char *want)
{
    const json_t *list = json_object_get(c->report, "left_out"), *one;
    AUTO(buf) struct buf all = {0};
    size_t i;

    buf_puts(&all, "");
    json_array_foreach(list, i, one)
        buf_printf(&all, "%s\n", json_string_value(json_object_get(one, "what")));
    assert_string_equal(buf_str(&all), want);
}

static void needed(const struct choice *c, const char *want)
{
    const json_t *list = json_object_get(c->report, "needed"), *one;
    AUTO(buf) struct buf all = {0};
    size_t i;

    buf_puts(&all, "");
    json_array_foreach(list, i, one) buf_printf(&all, "%s ", json_string_value(one));
    assert_string_equal(buf_str(&all), want);
}

TEST(a_table_brings_its_types_functions_and_sequences)
{
    struct choice c;

    chosen(&c, "postgresql.db/public.customers", false);
    has(&c.pre, "SET statement_timeout");
    has(&c.pre, "CREATE DOMAIN public.mail");
    has(&c.pre, "FUNCTION public.is_mail");
    has(&c.pre, "FUNCTION public.helper");
    has(&c.pre, "CREATE SEQUENCE public.customers_id_seq");
    has(&c.pre, "OWNED BY public.customers.id");
    has(&c.pre, "CREATE EXTENSION IF NOT EXISTS hstore");
    has(&c.pre, "CREATE SCHEMA ext");
    has_not(&c.pre, "CREATE EXTENSION IF NOT EXISTS ltree");
    has_not(&c.pre, "COMMENT ON EXTENSION");
    has_not(&c.pre, "app");
    has_not(&c.pre, "CREATE TABLE public.audit");
    has_not(&c.pre, "public.other");
    has(&c.post, "customers_pkey");
    has_not(&c.post, "app.");
    needed(&c, "public.customers_id_seq ");
    left_out(&c, "public.audit, named in the body of public.is_mail\n"
                 "publication news\n1 large object\n");
    done(&c);
}

TEST(a_foreign_key_to_what_is_not_selected_is_left_out)
{
    struct choice c;

    chosen(&c, "postgresql.db/app.orders", false);
    has(&c.pre, "CREATE SCHEMA app");
    has(&c.pre, "OWNER TO boss");
    has(&c.pre, "SEQUENCE NAME app.orders_id_seq");
    has(&c.post, "CREATE TRIGGER t");
    has(&c.pre, "FUNCTION public.helper");
    has_not(&c.post, "FOREIGN KEY");
    has_not(&c.post, "COMMENT ON CONSTRAINT");
    has_not(&c.post, "DEFAULT PRIVILEGES");
    has_not(&c.pre, "CREATE CAST");
    done(&c);
    chosen(&c, "postgresql.db/app.orders", true);
    has(&c.post, "FOREIGN KEY");
    has(&c.post, "COMMENT ON CONSTRAINT");
    has(&c.pre, "CREATE TABLE public.customers");
    has(&c.pre, "CREATE TABLE public.audit");
    done(&c);
}

TEST(a_view_brings_its_tables_and_operators)
{
    struct choice c;

    chosen(&c, "postgresql.db/app.shown", false);
    has(&c.pre, "CREATE TABLE public.customers");
    has(&c.pre, "CREATE TABLE app.orders");
    has(&c.pre, "CREATE OPERATOR app.=~");
    has(&c.pre, "FUNCTION app.eq");
    has(&c.post, "FOREIGN KEY");
    done(&c);
}

TEST(partitions_come_with_the_whole_and_the_parent_with_a_part)
{
    struct choice c;

    chosen(&c, "postgresql.db/app.part1", false);
    has(&c.pre, "CREATE TABLE app.parts");
    has(&c.pre, "ATTACH PARTITION app.part1");
    has_not(&c.pre, "app.part2");
    has(&c.post, "ATTACH PARTITION app.part1_id");
    has(&c.post, "COMMENT ON INDEX");
    has_not(&c.post, "app.part2");
    needed(&c, "app.parts ");
    done(&c);
    chosen(&c, "postgresql.db/app.parts", false);
    has(&c.pre, "ATTACH PARTITION app.part2");
    has(&c.post, "ATTACH PARTITION app.part2_id");
    done(&c);
    chosen(&c, "postgresql.db/app.child", false);
    needed(&c, "app.base ");
    done(&c);
    chosen(&c, "postgresql.db/app.base", false);
    needed(&c, "app.child ");
    done(&c);
}

TEST(a_schema_is_all_that_is_in_it)
{
    struct choice c;

    chosen(&c, "postgresql.db/app", false);
    has(&c.post, "DEFAULT PRIVILEGES");
    has(&c.pre, "CREATE OPERATOR");
    has(&c.pre, "CREATE TABLE app.part2");
    has(&c.pre, "CREATE CAST");
    has_not(&c.post, "PUBLICATION");
    done(&c);
}

TEST(lines_stay_where_they_were)
{
    struct choice c;
    size_t before = 0, after = 0;

    chosen(&c, "postgresql.db/app.*", false);
    for (const char *p = pre; *p; p++)
        before += *p == '\n';
    for (const char *p = buf_str(&c.pre); *p; p++)
        after += *p == '\n';
    assert_int_equal(before, after);
    done(&c);
}

TEST(sequences_follow)
{
    struct choice c;
    struct err err = {0};
    AUTO(buf) struct buf out = {0};

    chosen(&c, "postgresql.db/app.orders", false);
    assert_ok(
        pg_select_sequences(c.select,
                            SPAN("-- x\nSELECT pg_catalog.setval('\"app\".\"orders_id_seq\"', "
                                 "7, true);\nSELECT pg_catalog.setval("
                                 "'\"public\".\"customers_id_seq\"', 7, true);\n"),
                            &out, &err),
        &err);
    assert_string_equal(buf_str(&out),
                        "SELECT pg_catalog.setval('\"app\".\"orders_id_seq\"', 7, true);\n");
    assert_true(pg_select_table(c.select, "app", "orders", false));
    assert_false(pg_select_table(c.select, "public", "customers", false));
    done(&c);
}

TEST(what_is_not_there_is_an_error_with_what_is_near)
{
    struct choice c;
    struct err err = {0};

    assert_false(
        choose(&c, (struct opt_list){.at = {"postgresql.db/app.oders"}, .count = 1}, false, &err));
    assert_string_equal(err.text, "nothing in 'postgresql.db' is named 'app.oders'");
    assert_string_equal(err.hint, "did you mean 'app.orders'?");
    done(&c);
}

TEST(patterns)
{
    assert_true(only_match(SPAN("ord*"), SPAN("orders")));
    assert_true(only_match(SPAN("*a*b"), SPAN("xxaybab")));
    assert_true(only_match(SPAN("o?ders"), SPAN("orders")));
    assert_true(only_match(SPAN("a%2Eb"), SPAN("a.b")));
    assert_true(only_match(SPAN("a%2Ab"), SPAN("a*b")));
    assert_false(only_match(SPAN("a%2Ab"), SPAN("axb")));
    assert_false(only_match(SPAN("ord"), SPAN("orders")));
    assert_false(only_match(SPAN("*x"), SPAN("orders")));
    assert_true(only_match(SPAN("*"), SPAN("")));
}

TESTS(a_table_brings_its_types_functions_and_sequences,
      a_foreign_key_to_what_is_not_selected_is_left_out, a_view_brings_its_tables_and_operators,
      partitions_come_with_the_whole_and_the_parent_with_a_part, a_schema_is_all_that_is_in_it,
      lines_stay_where_they_were, sequences_follow, what_is_not_there_is_an_error_with_what_is_near,
      patterns)
