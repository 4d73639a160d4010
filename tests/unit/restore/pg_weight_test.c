#include "tests/test.h"

#include "restore/pg_weight.h"

static unsigned weight(const char *sql)
{
    json_t *columns = json_pack("[s,s,s,s,s]", "id", "name", "total", "ref", "placed at");
    json_t *types = json_pack("[s,s,s,s,s]", "bigint", "character varying(20)", "numeric(12,2)",
                              "uuid", "timestamp without time zone");
    unsigned w = pg_index_weight(span_of(sql), columns, types);

    json_decref(columns);
    json_decref(types);
    return w;
}

TEST(weighs_columns_and_methods)
{
    assert_int_equal(weight("CREATE INDEX a ON s.t USING btree (id)"), PG_WEIGHT_ONE);
    assert_int_equal(weight("CREATE UNIQUE INDEX a ON ONLY s.t (id)"), PG_WEIGHT_ONE);
    assert_true(weight("CREATE INDEX a ON s.t USING btree (name)") > PG_WEIGHT_ONE);
    assert_true(weight("CREATE INDEX a ON s.t USING btree (total)") > PG_WEIGHT_ONE);
    assert_true(weight("CREATE INDEX a ON s.t USING btree (name, \"placed at\")") >
                weight("CREATE INDEX a ON s.t USING btree (name)"));
    assert_true(weight("CREATE INDEX a ON s.t USING btree (lower(name)) WHERE (id > 3)") ==
                weight("CREATE INDEX a ON s.t USING btree (name)"));
    assert_true(weight("CREATE INDEX a ON s.t USING gin (name s.trgm)") >
                weight("CREATE INDEX a ON s.t USING btree (name, total)"));
}

TEST(weighs_what_it_does_not_understand)
{
    assert_int_equal(weight("CREATE INDEX a ON s.t USING btree (other)"), PG_WEIGHT_ONE);
    assert_int_equal(weight("CREATE STATISTICS a ON id FROM s.t"), PG_WEIGHT_ONE);
    assert_int_equal(weight(")"), PG_WEIGHT_ONE);
    assert_int_equal(weight(""), PG_WEIGHT_ONE);
}

TESTS(weighs_columns_and_methods, weighs_what_it_does_not_understand)
