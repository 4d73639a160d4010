#include "tests/test.h"

#include "migrate/ledger.h"
#include "migrate/table.h"
#include "tests/fake/scratch.h"

static char script_name[] = "V1__a.sql", script_version[] = "1";
static const struct unit first = {.first = 0, .last = 1}, second = {.first = 2, .last = 2};

static struct script script_of(void)
{
    return (struct script){.name = script_name, .version = script_version};
}

static struct ledger *reopen(struct scratch *p, struct ledger *old)
{
    struct err err = {0};
    struct ledger *l = NULL;

    ledger_close(old);
    assert_ok(ledger_open(scratch_path(p, "ledger"), true, &l, &err), &err);
    return l;
}

TEST(remembers_what_is_committed)
{
    AUTO(scratch) struct scratch p = {0};
    scratch_open(&p);
    struct script s = script_of();
    struct ledger_unit u = {.database = "shop", .script = &s, .unit = &first, .xid = "7"};
    struct digest prefix = hash_of(SPAN("prefix"));
    struct err err = {0};
    AUTO(ledger) struct ledger *l = reopen(&p, NULL);

    assert_ok(ledger_begin(l, &u, &err), &err);
    l = reopen(&p, l);
    const struct ledger_entry *e = ledger_find(l, "shop", false, "V1__a.sql");
    assert_true(e->in_doubt && !e->done && e->statements == 0 && e->doubt_last == 1);
    assert_string_equal(e->xid, "7");

    assert_ok(ledger_done(l, &u, &prefix, &err), &err);
    u.unit = &second;
    assert_ok(ledger_begin(l, &u, &err), &err);
    l = reopen(&p, l);
    e = ledger_find(l, "shop", false, "V1__a.sql");
    assert_true(e->in_doubt && e->statements == 2 && e->doubt_first == 2);
    assert_true(digest_eq(&e->prefix, &prefix));

    assert_ok(ledger_failed(l, &u, 2, &prefix, &err), &err);
    l = reopen(&p, l);
    e = ledger_find(l, "shop", false, "V1__a.sql");
    assert_true(!e->in_doubt && !e->done && e->statements == 2);

    u.unit = NULL;
    assert_ok(ledger_file_done(l, &u, &err), &err);
    l = reopen(&p, l);
    assert_true(ledger_find(l, "shop", false, "V1__a.sql")->done);
    assert_null(ledger_find(l, "shop", true, "V1__a.sql"));
    assert_null(ledger_find(l, "other", false, "V1__a.sql"));
}

static void append(struct scratch *p, const char *text)
{
    AUTO(file) FILE *f = fopen(scratch_path(p, "ledger"), "a");

    assert_non_null(f);
    fputs(text, f);
}

TEST(a_torn_line_is_cut_and_damage_refused)
{
    AUTO(scratch) struct scratch p = {0};
    scratch_open(&p);
    struct ledger_target t = {.database = "shop", .identity = "x", .position = UINT64_MAX};
    struct err err = {0};
    AUTO(ledger) struct ledger *l = reopen(&p, NULL);

    assert_ok(ledger_mark(l, &t, &err), &err);
    append(&p, "{\"n\":2,\"at\":\"20");
    l = reopen(&p, l);
    assert_ok(ledger_mark(l, &t, &err), &err);
    append(&p, "nonsense\n");
    ledger_close(TAKE(l));
    assert_fails(ledger_open(scratch_path(&p, "ledger"), true, &l, &err), &err, ERR_DAMAGED);
    assert_fails(ledger_open(scratch_path(&p, "ledger"), false, &l, &err), &err, ERR_DAMAGED);
}

TEST(one_run_at_a_time)
{
    AUTO(scratch) struct scratch p = {0};
    scratch_open(&p);
    struct err err = {0};
    AUTO(ledger) struct ledger *other = NULL;
    struct ledger *l = reopen(&p, NULL);

    assert_fails(ledger_open(scratch_path(&p, "ledger"), true, &other, &err), &err, ERR_LOCK);
    assert_ok(ledger_open(scratch_path(&p, "ledger"), false, &other, &err), &err);
    ledger_close(l);
}

TEST(knows_its_database)
{
    AUTO(scratch) struct scratch p = {0};
    scratch_open(&p);
    struct script s = script_of();
    struct ledger_unit u = {.database = "shop", .script = &s, .xid = ""};
    struct ledger_target t = {.database = "shop", .identity = "a", .position = 100};
    struct ledger_target older = {.database = "shop", .identity = "a", .position = 99};
    struct ledger_target other = {.database = "shop", .identity = "b", .position = 200};
    struct err err = {0};
    AUTO(ledger) struct ledger *l = reopen(&p, NULL);

    assert_ok(ledger_check(l, &t, &err), &err);
    assert_ok(ledger_mark(l, &t, &err), &err);
    assert_ok(ledger_check(l, &older, &err), &err); /* nothing was applied: nothing can be wrong */
    assert_ok(ledger_file_done(l, &u, &err), &err);
    assert_ok(ledger_check(l, &t, &err), &err);
    assert_fails(ledger_check(l, &older, &err), &err, ERR_DIFFERS);
    assert_fails(ledger_check(l, &other, &err), &err, ERR_DIFFERS);
    assert_ok(ledger_forget(l, "shop", &err), &err);
    l = reopen(&p, l);
    assert_ok(ledger_check(l, &other, &err), &err);
    assert_null(ledger_find(l, "shop", false, "V1__a.sql"));
}

/* ---- profiles ----------------------------------------------------------------------------------*/

static void add_column(struct vec *v, uint64_t key, const char *name, uint64_t nonnull,
                       unsigned distinct)
{
    struct err err = {0};

    struct column *c = column_add(v, key, span_of(name), span_of(name), name, &err);

    assert_non_null(c);
    c->nonnull = nonnull;
    c->distinct = distinct;
}

static size_t collapsed(uint64_t key, const char *name, uint64_t nonnull, unsigned distinct)
{
    struct vec before = VEC(struct column), after = VEC(struct column);

    add_column(&before, 1, "price", 10, 2);
    add_column(&after, key, name, nonnull, distinct);
    json_t *list = profile_collapsed(&before, &after, 10, NULL, NULL, NULL);
    size_t count = json_array_size(list);
    json_decref(list);
    columns_free(&before);
    columns_free(&after);
    return count;
}

TEST(a_wiped_column_is_found)
{
    assert_int_equal(collapsed(1, "price", 10, 2), 0);
    assert_int_equal(collapsed(1, "price", 10, 1), 1);
    assert_int_equal(collapsed(1, "price", 0, 0), 1);
    assert_int_equal(collapsed(1, "cost", 10, 1), 1);  /* renamed */
    assert_int_equal(collapsed(2, "price", 10, 1), 0); /* another column of the same name */
    assert_int_equal(collapsed(1, "price", 1, 1), 0);  /* one value cannot differ */
}

TESTS(remembers_what_is_committed, a_torn_line_is_cut_and_damage_refused, one_run_at_a_time,
      knows_its_database, a_wiped_column_is_found)
