#include "tests/test.h"

#include "lib/db/seats.h"

#include <limits.h>

/* Sessions that only count themselves. */
struct fake {
    unsigned opened, open, most;
    unsigned refuse; /* so many times */
};

struct fake_db {
    struct db base;
    struct fake *fake;
};

static void fake_close(struct db *db)
{
    struct fake_db *f = (struct fake_db *)db;

    f->fake->open--;
    free(f);
}

static const struct db_ops fake_ops = {.name = "fake", .close = fake_close};

struct place {
    struct fake *fake;
};

static bool open_fake(void *of, unsigned worker, struct db **out, struct err *err)
{
    struct fake *fake = ((struct place *)of)->fake;

    (void)worker;
    if (fake->refuse && fake->refuse--)
        return err_set(err, ERR_UNREACHABLE, "refused");
    struct fake_db *f = calloc(1, sizeof(*f));
    if (!f)
        return err_memory(err);
    f->base.ops = &fake_ops;
    f->fake = fake;
    fake->opened++;
    if (++fake->open > fake->most)
        fake->most = fake->open;
    *out = &f->base;
    return true;
}

static struct db *take(struct seats *s, unsigned worker, struct place *of)
{
    struct db *db = NULL;
    struct err err = {0};

    assert_true(seats_take(s, worker, of, open_fake, &db, &err));
    return db;
}

TEST(a_worker_keeps_what_it_used_last)
{
    struct fake fake = {0};
    struct place a = {&fake}, b = {&fake}, c = {&fake};
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(2, 2, &s, NULL));
    struct db *first = take(s, 0, &a);
    take(s, 0, &b);
    assert_ptr_equal(take(s, 0, &a), first);
    assert_int_equal(fake.opened, 2);
    take(s, 0, &c); /* b goes, which was used less recently than a */
    assert_int_equal(fake.open, 2);
    assert_ptr_equal(take(s, 0, &a), first);
    assert_int_equal(fake.opened, 3);
    assert_ptr_not_equal(take(s, 1, &a), first); /* another worker has one of its own */
}

TEST(however_many_databases_the_sessions_stay_few)
{
    struct fake fake = {0};
    struct place many[40];
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(3, 2, &s, NULL));
    for (unsigned i = 0; i < COUNT(many); i++)
        many[i].fake = &fake;
    for (unsigned i = 0; i < 1000; i++)
        take(s, i % 3, &many[i * 7 % COUNT(many)]);
    assert_int_equal(fake.most, 6);
    seats_keep(s, 1);
    for (unsigned i = 0; i < 100; i++)
        take(s, i % 3, &many[i * 7 % COUNT(many)]);
    assert_int_equal(fake.open, 3);
    seats_free(TAKE(s));
    assert_int_equal(fake.open, 0);
}

TEST(a_session_that_cannot_be_opened_leaves_no_hole)
{
    struct fake fake = {0};
    struct place a = {&fake}, b = {&fake}, c = {&fake};
    struct db *db = NULL;
    struct err err = {0};
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(1, 2, &s, NULL));
    take(s, 0, &a);
    struct db *second = take(s, 0, &b);
    fake.refuse = UINT_MAX;
    assert_false(seats_take(s, 0, &c, open_fake, &db, &err));
    assert_int_equal(err.code, ERR_UNREACHABLE);
    assert_null(db);
    fake.refuse = 0;
    assert_ptr_equal(take(s, 0, &b), second);
    seats_leave(s, &b);
    assert_int_equal(fake.open, 0);
    take(s, 0, &b);
    assert_int_equal(fake.opened, 3);
}

/* As long as the one that was closed is still counted. */
TEST(a_session_is_asked_for_again_when_one_was_just_closed)
{
    struct fake fake = {0};
    struct place a = {&fake}, b = {&fake};
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(1, 1, &s, NULL));
    take(s, 0, &a);
    fake.refuse = 2;
    take(s, 0, &b);
    assert_int_equal(fake.open, 1);
    assert_int_equal(fake.refuse, 0);
}

/* Whoever has closed it: the server's limit is one for all. */
TEST(so_it_is_by_another_worker_that_opens_its_first)
{
    struct fake fake = {0};
    struct place a = {&fake}, b = {&fake};
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(3, 1, &s, NULL));
    take(s, 0, &a);
    take(s, 0, &b);
    fake.refuse = 2;
    take(s, 1, &b);
    assert_int_equal(fake.refuse, 0);
    seats_leave(s, &b);
    fake.refuse = 2;
    take(s, 2, &a);
    assert_int_equal(fake.open, 1);
}

TEST(few_are_told)
{
    AUTO(seats) struct seats *s = NULL;

    assert_true(seats_new(1, 2, &s, NULL));
    assert_false(seats_are_few(s));
    seats_keep(s, 1);
    assert_true(seats_are_few(s));
}

TESTS(a_worker_keeps_what_it_used_last, however_many_databases_the_sessions_stay_few,
      a_session_that_cannot_be_opened_leaves_no_hole,
      a_session_is_asked_for_again_when_one_was_just_closed,
      so_it_is_by_another_worker_that_opens_its_first, few_are_told)
