#include "lib/env/release.h"

#include "tests/fake/scratch.h"
#include "tests/test.h"

#define HEAD "release: \"2\"\nenvironment: ../production.yaml\nbundle: {store: store}\nbox: box\n"

static bool load(const char *text, struct scratch *dir, struct release **out, struct err *err)
{
    scratch_write(dir, "release.yaml", span_of(text));
    return release_load(scratch_path(dir, "release.yaml"), out, err);
}

TEST(gives_defaults)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(release) struct release *r = NULL;
    struct err err = {0};
    char wanted[600];

    scratch_open(&dir);
    assert_ok(load(HEAD, &dir, &r, &err), &err);
    assert_string_equal(r->release, "2");
    assert_string_equal(r->ref, "latest");
    snprintf(wanted, sizeof(wanted), "%s/../production.yaml", dir.path);
    assert_string_equal(r->environment, wanted);
    snprintf(wanted, sizeof(wanted), "%s/store", dir.path);
    assert_string_equal(r->store, wanted);
    assert_null(r->tape);
    assert_true(r->judge.latency_ratio == 1.5);
    assert_true(r->judge.latency_min_ms == 10);
    assert_true(r->judge.lateness_p99_ms == 50);
    assert_true(r->judge.lock_budget_s == 5);
    assert_true(r->judge.statement_budget_s == 600);
    assert_true(r->judge.error_share == 0);
    assert_int_equal(r->judge.min_requests, 20);
    assert_true(r->replay.speed == 1.0);
    assert_int_equal(r->replay.baselines, 2);
    assert_true(r->replay.confirm);
    assert_true(r->replay.timeout_s == 30);
}

/* Zero that is said is not the default. */
TEST(keeps_what_is_said)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(release) struct release *r = NULL;
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(load(HEAD "replay: {baselines: 1, confirm: false, speed: 0.5}\n"
                        "judge:\n"
                        "  min_requests: 0\n"
                        "  latency_min_ms: 0\n"
                        "  accept:\n"
                        "    - {rule: response-changed, subject: x*, reason: why}\n"
                        "migrations: [{database: shop, dir: m}]\n"
                        "smoke: [{url: \"http://127.0.0.1/\", status: 204}]\n",
                   &dir, &r, &err),
              &err);
    assert_int_equal(r->judge.min_requests, 0);
    assert_true(r->judge.latency_min_ms == 0);
    assert_int_equal(r->judge.accept_count, 1);
    assert_string_equal(r->judge.accept[0].subject, "x*");
    assert_int_equal(r->replay.baselines, 1);
    assert_false(r->replay.confirm);
    assert_int_equal(r->smoke[0].status, 204);
    assert_true(r->migrations[0].dir[0] == '/');
}

TEST(leaves_urls_alone)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(release) struct release *r = NULL;
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(load("release: a\nenvironment: e\nbundle: {store: \"sftp://h/s\", ref: x}\nbox: b\n",
                   &dir, &r, &err),
              &err);
    assert_string_equal(r->store, "sftp://h/s");
    assert_string_equal(r->ref, "x");
}

static const struct {
    const char *text, *wanted;
} wrong[] = {
    {"release: a\n", "1: key 'environment' is missing in the file"},
    {HEAD "judge: {latency_ratio: 0.5}\n",
     "5: 'latency_ratio' must be between 1 and 1000, not 0.5"},
    {HEAD "judge: {error_share: 2}\n", "5: 'error_share' must be between 0 and 1, not 2"},
    {HEAD "judge: {latency_ratio: .nan}\n", "5: 'latency_ratio' must be a number, not '.nan'"},
    {HEAD "replay: {baselines: 3}\n", "5: 'baselines' must be 1 or 2, not 3"},
    {HEAD "replay:\n  speed: fast\n", "6: 'speed' must be a number, not 'fast'"},
    {HEAD "smoke: [{url: \"http://x/\", status: 99}]\n", "5: '99' is not an HTTP status"},
    {HEAD "smoke: [{url: \"file:///etc/passwd\"}]\n",
     "5: 'file:///etc/passwd' is not an http:// or https:// address"},
    {HEAD "migration: []\n", "5: unknown key 'migration'"},
};

TEST(names_line_and_key)
{
    AUTO(scratch) struct scratch dir = {0};

    scratch_open(&dir);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct release *r = NULL;
        struct err err = {0};
        char wanted[1024];

        assert_fails(load(wrong[i].text, &dir, &r, &err), &err, ERR_CONFIG);
        snprintf(wanted, sizeof(wanted), "%s:%s", scratch_path(&dir, "release.yaml"),
                 wrong[i].wanted);
        assert_string_equal(err.text, wanted);
    }
}

TEST(checks_names_against_the_environment)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(env) struct env *env = NULL;
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(
        env_parse(SPAN("name: shop\n"
                       "files: [{name: code, path: /c}]\n"
                       "databases: [{name: shop, engine: postgresql, host: h, database: d}]\n"),
                  "env.yaml", &env, &err),
        &err);
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {HEAD "code: [{from: a, to: code}]\nmigrations: [{database: shop, dir: a}]\n", NULL},
        {HEAD "migrations: [{database: shop, dir: a}]\ndata:\n  - {database: catalog, dir: a}\n",
         "7: database 'catalog' is unknown"},
        {HEAD "config: [{from: a, to: config}]\n", "5: file tree 'config' is unknown"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(release) struct release *r = NULL;
        char wanted[1024];

        assert_ok(load(cases[i].text, &dir, &r, &err), &err);
        if (!cases[i].wanted) {
            assert_ok(release_check(r, env, &err), &err);
            continue;
        }
        assert_fails(release_check(r, env, &err), &err, ERR_CONFIG);
        snprintf(wanted, sizeof(wanted), "%s:%s", scratch_path(&dir, "release.yaml"),
                 cases[i].wanted);
        assert_string_equal(err.text, wanted);
    }
}

TESTS(gives_defaults, keeps_what_is_said, leaves_urls_alone, names_line_and_key,
      checks_names_against_the_environment)
