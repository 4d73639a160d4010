#include "restore/plan.h"

#include "lib/base/opt.h"
#include "tests/fake/store_memory.h"
#include "tests/test.h"

struct fixture {
    struct store *store;
    struct bundle *bundle;
    struct err err;
};

static void auto_fixture(struct fixture *f)
{
    bundle_close(f->bundle);
    store_close(f->store);
}

/* A bundle of a tree, a database and the facts. */
static void make(struct fixture *f)
{
    static const char *const streams[] = {"files/code", "postgresql.shop/pre-data.sql",
                                          "postgresql.shop/public.orders", "facts/host"};
    struct bundle_conf conf = {.environment = "shop"};
    struct bundle_writer *w = NULL;
    struct bundle_ref ref;

    assert_ok(fake_store_new(&f->store, &f->err), &f->err);
    assert_ok(bundle_create(f->store, &conf, &w, &f->err), &f->err);
    for (size_t i = 0; i < COUNT(streams); i++)
        assert_ok(bundle_text(w, streams[i], NULL, SPAN("x"), &f->err), &f->err);
    assert_ok(bundle_finish(w, &ref, &f->err), &f->err);
    bundle_abandon(w);
    assert_ok(bundle_open(f->store, "latest", &f->bundle, &f->err), &f->err);
}

#define CODE "files: [{name: code, path: /c}]\n"
#define SHOP "databases:\n  - {name: shop, engine: postgresql, host: h, database: d}\n"

static bool check(struct fixture *f, const char *yaml, const char *only)
{
    AUTO(env) struct env *env = NULL;
    struct opt_list list = {.at = {only}, .count = only ? 1 : 0};

    f->err = (struct err){0};
    assert_ok(env_parse(span_of(yaml), "/etc/shop.yaml", &env, &f->err), &f->err);
    return plan_check(f->bundle, env, &list, &f->err);
}

TEST(agrees)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f);
    assert_ok(check(&f, "name: shop\n" CODE SHOP, NULL), &f.err);
}

TEST(says_what_the_bundle_does_not_hold)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f);
    assert_fails(check(&f,
                       "name: shop\n" CODE SHOP
                       "  - {name: catalog, engine: mariadb, host: h, database: d}\n",
                       NULL),
                 &f.err, ERR_MISSING);
    assert_string_equal(f.err.text,
                        "the bundle does not hold database 'catalog' of the environment file");
}

TEST(says_what_the_environment_does_not_name)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f);
    assert_fails(check(&f, "name: shop\n" CODE, NULL), &f.err, ERR_CONFIG);
    assert_string_equal(f.err.text,
                        "the environment file does not name 'postgresql.shop' of the bundle");
    /* The same name under another engine is another database. */
    assert_fails(check(&f,
                       "name: shop\n" CODE
                       "databases: [{name: shop, engine: mariadb, host: h, database: d}]\n",
                       NULL),
                 &f.err, ERR_CONFIG);
}

TEST(takes_a_part)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f);
    assert_ok(check(&f, "name: shop\n" CODE, "files"), &f.err);
    assert_ok(check(&f, "name: shop\n" CODE, "files/code"), &f.err);
    assert_ok(check(&f, "name: shop\n" SHOP, "postgresql.shop"), &f.err);
    assert_fails(check(&f, "name: shop\n" CODE SHOP, "postgresql.shp"), &f.err, ERR_MISSING);
    assert_string_equal(f.err.text, "the bundle has no component 'postgresql.shp'");
}

TESTS(agrees, says_what_the_bundle_does_not_hold, says_what_the_environment_does_not_name,
      takes_a_part)
