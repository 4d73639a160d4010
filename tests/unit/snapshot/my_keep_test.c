/* Ranges of keys as the parent had them: together they are the whole table, each row once. */
#include "snapshot/my.h"
#include "tests/fake/db_note.h"
#include "tests/fake/parent.h"
#include "tests/test.h"

#include "lib/base/json.h"

#define BIG   (SEGMENT_TARGET / 2)
#define SMALL (SEGMENT_TARGET / 8)

static char id[] = "id", kind[] = "kind", bigint[] = "bigint(20)", varchar[] = "varchar(9)";
static char component[] = "mariadb.x", table_name[] = "t", primary[] = "PRIMARY";
static char latin1[] = "latin1", engine[] = "InnoDB";

struct table {
    struct my_source source;
    struct my_server server;
    const struct my_source *at;
    struct my_table table;
    struct env_database from;
    struct store *store;
    struct db *db;
    struct buf asked;
    bool done;
};

static void make_table(struct table *t, const char *create)
{
    static const struct my_column columns[] = {
        {.name = id, .full = bigint, .form = MY_FORM_PLAIN, .key = MY_KEY_INTEGER},
        {.name = kind,
         .full = varchar,
         .charset = latin1,
         .form = MY_FORM_BYTES,
         .key = MY_KEY_CHARS}};
    struct err err = {0};

    *t = (struct table){.source.component = component,
                        .table = {.name = table_name,
                                  .engine = engine,
                                  .transactional = true,
                                  .has_data = true,
                                  .key_name = primary,
                                  .columns = VEC(struct my_column),
                                  .key = VEC(unsigned)}};
    t->source.from = &t->from;
    buf_puts(&t->table.create, create);
    for (unsigned i = 0; i < COUNT(columns); i++)
        *(struct my_column *)vec_add(&t->table.columns, &err) = columns[i];
    *(unsigned *)vec_add(&t->table.key, &err) = 0;
    assert_ok(fake_db_note(101100, &t->asked, &t->db, &err), &err);
    t->source.main = t->db;
    t->at = &t->source; /* in its database already */
    t->server = (struct my_server){.jobs = 1, .main = t->db, .worker = &t->db, .at = &t->at};
    t->source.server = &t->server;
}

#define CREATE "CREATE TABLE `t` (`id` bigint(20)) AUTO_INCREMENT=17 DEFAULT CHARSET=latin1"

static json_t *meta_of(const struct table *t)
{
    char shape[HASH_HEX];
    struct err err = {0};

    assert_ok(my_shape_digest(&t->source, &t->table, shape, &err), &err);
    return json_pack("{s:[s, s], s:s}", "columns", "id", "kind", "shape", shape);
}

/* With the parent's segments behind it: plans, and runs what was planned. */
static void plan(struct table *t, json_t *stolen, const struct fake_segment *was, size_t count)
{
    AUTO(json) json_t *meta = stolen;
    AUTO(sched) struct sched *sched = NULL;
    AUTO(my_kept) struct my_kept *kept = NULL;
    struct err err = {0};

    assert_ok(fake_parent("mariadb.x/t", meta, was, count, &t->store, &t->source.conf.writer, &err),
              &err);
    assert_ok(sched_new(1, &sched, &err), &err);
    assert_ok(rooms_new(&t->source.conf.rooms, &err), &err);
    assert_ok(my_kept_open(&t->source, &t->table, &kept, &err), &err);
    t->done = kept != NULL;
    if (t->done)
        assert_ok(my_plan_table(&t->source, &t->table, sched, &err), &err);
    assert_ok(sched_run(sched, &err), &err);
}

static void close_table(struct table *t)
{
    vec_done(&t->table.columns);
    vec_done(&t->table.key);
    buf_done(&t->table.create);
    bundle_abandon(t->source.conf.writer);
    rooms_free(t->source.conf.rooms);
    store_close(t->store);
    db_close(t->db);
    buf_done(&t->asked);
}

/* Statements that read rows, by their conditions: in any order, and no others. */
static void check_read(const struct table *t, const char *const *where, size_t count)
{
    struct span all = buf_view(&t->asked), line;
    size_t reads = 0;

    while (span_split(&all, '\n', &line))
        reads += span_starts(line, "SELECT `id`, `kind` FROM") &&
                 !memmem(line.at, line.len, "LIMIT 1", 7);
    assert_int_equal(reads, count);
    for (size_t i = 0; i < count; i++) {
        if (!strstr(buf_str(&t->asked), where[i]))
            fail_msg("nobody reads '%s', but: %s", where[i], buf_str(&t->asked));
    }
}

/* That the parent's segments `was` make the ranges `want`; closes the table. */
static void check_cut(struct table *t, const struct fake_segment *was, size_t count,
                      const char *const *want, size_t wanted)
{
    plan(t, meta_of(t), was, count);
    assert_true(t->done);
    check_read(t, want, wanted);
    close_table(t);
}

TEST(ranges_are_the_parents)
{
    static const struct fake_segment was[] = {{"1", "100", BIG}, {"102", "250", BIG}};
    static const char *const want[] = {" WHERE (`id` <= 100)",
                                       " WHERE (`id` > 100) AND (`id` <= 250)",
                                       " WHERE (`id` > 250) ORDER"};
    struct table t;

    make_table(&t, CREATE);
    check_cut(&t, was, COUNT(was), want, COUNT(want));
}

/* More rows changed the counter, and nothing else of the table. */
TEST(the_counter_is_no_change)
{
    static const struct fake_segment was[] = {{"1", "100", BIG}};
    struct table t, later;

    make_table(&t, CREATE);
    make_table(&later,
               "CREATE TABLE `t` (`id` bigint(20)) AUTO_INCREMENT=18 DEFAULT CHARSET=latin1");
    plan(&later, meta_of(&t), was, COUNT(was));
    assert_true(later.done);
    close_table(&later);
    close_table(&t);
}

TEST(eight_small_ones_become_one)
{
    static const struct fake_segment was[] = {
        {"1", "10", BIG},    {"11", "20", SMALL}, {"21", "30", SMALL},
        {"31", "40", SMALL}, {"41", "50", SMALL}, {"51", "60", SMALL},
        {"61", "70", SMALL}, {"71", "80", 1000},  {"81", "90", 1000}};
    static const char *const want[] = {" WHERE (`id` <= 10)", " WHERE (`id` > 10) AND (`id` <= 90)",
                                       " WHERE (`id` > 90) ORDER"};
    struct table t;

    make_table(&t, CREATE);
    check_cut(&t, was, COUNT(was), want, COUNT(want));
}

/* A key of two columns, bytes that must be escaped among them. */
TEST(keys_of_several_columns)
{
    static const struct fake_segment was[] = {{"1\ta", "5\tb\\tc'", BIG}};
    static const char *const want[] = {
        " WHERE (`id` < 5 OR (`id` = 5 AND (`kind` <= _latin1 x'62096327')))",
        " WHERE (`id` > 5 OR (`id` = 5 AND (`kind` > _latin1 x'62096327')))"};
    struct table t;
    struct err err = {0};

    make_table(&t, CREATE);
    *(unsigned *)vec_add(&t.table.key, &err) = 1;
    check_cut(&t, was, COUNT(was), want, COUNT(want));
}

static void cut_afresh(struct table *t, json_t *meta, const struct fake_segment *was, size_t count)
{
    plan(t, meta, was, count);
    assert_false(t->done);
    assert_int_equal(t->asked.len, 0);
    close_table(t);
}

/* Another type, collation, key, order of keys or release of the server: another order of rows. */
TEST(another_order_is_cut_afresh)
{
    static const struct fake_segment was[] = {{"1", "100", BIG}, {"101", "200", BIG}};
    static const char *const creates[] = {
        "CREATE TABLE `t` (`id` int(11)) AUTO_INCREMENT=17 DEFAULT CHARSET=latin1",
        "CREATE TABLE `t` (`id` bigint(20)) AUTO_INCREMENT=17 DEFAULT CHARSET=latin1 COLLATE=latin1_bin",
        "CREATE TABLE `t` (`id` bigint(20) unsigned) AUTO_INCREMENT=17 DEFAULT CHARSET=latin1"};
    struct table old, t;
    struct err err = {0};

    make_table(&old, CREATE);
    for (size_t i = 0; i < COUNT(creates); i++) {
        make_table(&t, creates[i]);
        cut_afresh(&t, meta_of(&old), was, COUNT(was));
    }
    make_table(&t, CREATE); /* another column is the key */
    *(unsigned *)t.table.key.at = 1;
    cut_afresh(&t, meta_of(&old), was, COUNT(was));
    make_table(&t, CREATE);
    *(unsigned *)vec_add(&t.table.key, &err) = 1;
    cut_afresh(&t, meta_of(&old), was, COUNT(was));
    make_table(&t, CREATE); /* there is none any more */
    t.table.key.count = 0;
    cut_afresh(&t, meta_of(&old), was, COUNT(was));
    make_table(&t, CREATE);
    t.db->version = 110400;
    cut_afresh(&t, meta_of(&old), was, COUNT(was));
    close_table(&old);
}

/* Empty, of one row, or with keys that are not what this source writes. */
TEST(what_makes_no_sense_is_cut_afresh)
{
    static const struct fake_segment tiny[] = {{"1", "1", 1}};
    static const struct fake_segment wide[] = {{"1", "2\t3", BIG}};
    static const struct fake_segment null[] = {{"1", "\\N", BIG}};
    static const struct fake_segment none[] = {{"", "", BIG}};
    static const struct fake_segment sql[] = {{"1", "2 OR 1=1", BIG}};
    static const struct fake_segment sign[] = {{"1", "-", BIG}};
    const struct {
        const struct fake_segment *was;
        size_t count;
    } cases[] = {{tiny, 1}, {tiny, 0}, {wide, 1}, {null, 1}, {sql, 1}, {sign, 1}};
    struct table t;

    for (size_t i = 0; i < COUNT(cases); i++) {
        make_table(&t, CREATE);
        cut_afresh(&t, meta_of(&t), cases[i].was, cases[i].count);
    }
    make_table(&t, CREATE);
    cut_afresh(&t, json_pack("{s:[s, s]}", "columns", "id", "kind"), none, 1); /* no shape */
    make_table(&t, CREATE);
    t.table.transactional = false;
    cut_afresh(&t, meta_of(&t), none, 1);
}

TESTS(ranges_are_the_parents, the_counter_is_no_change, eight_small_ones_become_one,
      keys_of_several_columns, another_order_is_cut_afresh, what_makes_no_sense_is_cut_afresh)
