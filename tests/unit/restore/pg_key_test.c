#include "tests/test.h"

#include "restore/pg_key.h"

static const struct {
    const char *sql, *index, *constraint;
} cases[] = {
    {"ALTER TABLE ONLY public.orders\n    ADD CONSTRAINT orders_pkey PRIMARY KEY (id)",
     "CREATE UNIQUE INDEX orders_pkey ON public.orders (id)",
     "ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_pkey"},
    {"ALTER TABLE ONLY \"add\".\"a \"\"b\"\"\"\n ADD CONSTRAINT \"x y\" UNIQUE (a, \"(\") INCLUDE (c) WITH "
     "(fillfactor='70') DEFERRABLE INITIALLY DEFERRED",
     "CREATE UNIQUE INDEX \"x y\" ON \"add\".\"a \"\"b\"\"\" (a, \"(\") INCLUDE (c) WITH (fillfactor='70')",
     "ALTER TABLE ONLY \"add\".\"a \"\"b\"\"\" ADD CONSTRAINT \"x y\" UNIQUE USING INDEX \"x y\" DEFERRABLE "
     "INITIALLY DEFERRED"},
    {"ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a)", "CREATE UNIQUE INDEX k ON t (a)",
     "ALTER TABLE ONLY t ADD CONSTRAINT k PRIMARY KEY USING INDEX k"},
};

TEST(splits)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf index = {0}, constraint = {0};

        assert_true(pg_key_split(span_of(cases[i].sql), &index, &constraint));
        assert_string_equal(buf_str(&index), cases[i].index);
        assert_string_equal(buf_str(&constraint), cases[i].constraint);
    }
}

TEST(leaves_other_forms)
{
    static const char *const others[] = {
        "",
        "ALTER TABLE t",
        "ALTER TABLE ONLY t ADD CONSTRAINT c CHECK (a > 0)",
        "ALTER TABLE ONLY t ADD CONSTRAINT c UNIQUE NULLS NOT DISTINCT (a)",
        "ALTER TABLE ONLY t ADD CONSTRAINT c EXCLUDE USING gist (a WITH &&)",
        "ALTER TABLE ONLY t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u(b)",
        "ALTER TABLE ONLY t ADD CONSTRAINT c PRIMARY KEY USING INDEX i",
        "CREATE INDEX i ON t (a)",
    };

    for (size_t i = 0; i < COUNT(others); i++) {
        AUTO(buf) struct buf index = {0}, constraint = {0};
        assert_false(pg_key_split(span_of(others[i]), &index, &constraint));
    }
}

TESTS(splits, leaves_other_forms)
