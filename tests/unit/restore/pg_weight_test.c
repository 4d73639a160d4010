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

/* Runs that are merged in one go: one is memory long, and takes 272 KiB of it while it is merged. */
TEST(sorts_in_few_runs)
{
    static const uint64_t rows[] = {200000, 1000000, 10000000, 1000000000};
    static const char *const sql[] = {
        "CREATE INDEX a ON s.t USING btree (id)", "CREATE UNIQUE INDEX a ON s.t (id)",
        "CREATE INDEX a ON s.\"using\" USING BTREE (id) WHERE (b > 3)"};
    unsigned last = 8192;

    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned kb = pg_index_memory_kb(span_of(sql[i % COUNT(sql)]), rows[i], rows[i] * 100);
        uint64_t runs = rows[i] * (64 + 25) / ((uint64_t)kb << 10);

        assert_true(kb >= last && kb <= 1024 * 1024);
        assert_true(runs <= kb / 272);
        last = kb;
    }
}

TEST(leaves_memory_alone)
{
    assert_int_equal(pg_index_memory_kb(SPAN("CREATE INDEX a ON s.t USING btree (id)"), 9, 99), 0);
    assert_int_equal(
        pg_index_memory_kb(SPAN("CREATE INDEX a ON s.t USING gin (b)"), 1000000, 100000000), 0);
    assert_int_equal(
        pg_index_memory_kb(SPAN("CREATE INDEX a ON s.t USING hash (b)"), 1000000, 100000000), 0);
}

TESTS(weighs_columns_and_methods, weighs_what_it_does_not_understand, sorts_in_few_runs,
      leaves_memory_alone)
