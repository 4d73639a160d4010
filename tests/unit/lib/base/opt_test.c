#include "tests/test.h"

#include "lib/base/opt.h"

struct conf {
    bool dry_run, wait;
    const char *env;
    struct opt_list only;
    uint64_t jobs, size;
    double timeout_s, share;
};

#define AT(field) offsetof(struct conf, field)
static const struct opt opts[] = {
    {"dry-run", OPT_FLAG, AT(dry_run), NULL, "write nothing"},
    {"wait", OPT_FLAG, AT(wait), NULL, "wait"},
    {"env", OPT_STR, AT(env), "FILE", "environment"},
    {"only", OPT_LIST, AT(only), "NAME", "this one"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "threads", 1, 64},
    {"size", OPT_BYTES, AT(size), "N", "size"},
    {"lock-timeout", OPT_SECONDS, AT(timeout_s), "T", "give up"},
    {"share", OPT_REAL, AT(share), "R", "share"},
    {0},
};
#undef AT

#define WORDS_MAX 16
struct words {
    char text[512];
    char *argv[WORDS_MAX];
    int argc;
};

/* The words between blanks; the parser moves them about as it does main()'s. */
static void words(struct words *w, const char *line)
{
    struct span rest;

    snprintf(w->text, sizeof(w->text), "%s", line);
    rest = span_of(w->text);
    w->argc = 0;
    for (struct span word; span_split(&rest, ' ', &word) && w->argc < WORDS_MAX - 1;)
        w->argv[w->argc++] = w->text + (word.at - w->text);
    for (char *c = w->text; *c; c++)
        if (*c == ' ')
            *c = 0;
    w->argv[w->argc] = NULL;
}

static bool parse(struct words *w, const char *line, struct conf *conf, struct err *err)
{
    words(w, line);
    return opt_parse(opts, conf, &w->argc, w->argv, err);
}

TEST(fills_every_type_and_leaves_operands)
{
    struct conf c = {.wait = true, .jobs = 4};
    struct words w;
    struct err err = {0};

    assert_ok(parse(&w,
                    "one --dry-run --env=a=b --jobs 8 two --no-wait --lock-timeout 1.5m --size 64K "
                    "--share .5 -- --three",
                    &c, &err),
              &err);
    assert_true(c.dry_run && !c.wait);
    assert_string_equal(c.env, "a=b");
    assert_int_equal(c.jobs, 8);
    assert_int_equal(c.size, 65536);
    assert_true(c.timeout_s > 89.9 && c.timeout_s < 90.1);
    assert_true(c.share > 0.49 && c.share < 0.51);
    assert_int_equal(w.argc, 3);
    assert_string_equal(w.argv[0], "one");
    assert_string_equal(w.argv[2], "--three");
    assert_null(w.argv[3]);
}

TEST(value_may_look_like_an_option)
{
    struct conf c = {0};
    struct words w;
    struct err err = {0};

    assert_ok(parse(&w, "--env --dry-run -", &c, &err), &err);
    assert_string_equal(c.env, "--dry-run");
    assert_false(c.dry_run);
    assert_int_equal(w.argc, 1);
}

TEST(lists_add_up_and_replace_the_default)
{
    struct conf c = {.only = {.at = {"default"}, .count = 1}};
    struct words w;
    struct err err = {0};

    assert_ok(parse(&w, "--only a --only=b", &c, &err), &err);
    assert_int_equal(c.only.count, 2);
    assert_string_equal(c.only.at[0], "a");
    assert_string_equal(c.only.at[1], "b");
}

TEST(names_what_is_wrong)
{
    static const struct {
        const char *line, *text, *hint;
    } cases[] = {
        {"--job 3", "unknown option '--job'", "did you mean '--jobs'?"},
        {"--qqqqqq", "unknown option '--qqqqqq'", "--help lists the options"},
        {"--jobs", "option '--jobs' needs a value", "--jobs N"},
        {"--jobs 0", "bad value '0' for --jobs", "it takes a whole number from 1 to 64"},
        {"--jobs 65", "bad value '65' for --jobs", "it takes a whole number from 1 to 64"},
        {"--jobs -1", "bad value '-1' for --jobs", "it takes a whole number from 1 to 64"},
        {"--dry-run=yes", "option '--dry-run' takes no value", ""},
        {"-x", "unknown option '-x'", "options have long names; '--' ends them"},
        {"--no-env", "unknown option '--no-env'", "--help lists the options"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct conf c = {0};
        struct words w;
        struct err err = {0};
        assert_fails(parse(&w, cases[i].line, &c, &err), &err, ERR_USAGE);
        assert_string_equal(err.text, cases[i].text);
        assert_string_equal(err.hint, cases[i].hint);
    }
}

TEST(flag_goes_before_environment_before_default)
{
    struct conf c = {.jobs = 4, .timeout_s = 7};
    struct words w;
    struct err err = {0};

    setenv("REHEARSE_JOBS", "9", 1);
    setenv("REHEARSE_LOCK_TIMEOUT", "500ms", 1);
    setenv("REHEARSE_DRY_RUN", "yes", 1);
    setenv("REHEARSE_ENV", "", 1);
    assert_ok(parse(&w, "--jobs 8", &c, &err), &err);
    assert_int_equal(c.jobs, 8);
    assert_true(c.timeout_s > 0.49 && c.timeout_s < 0.51);
    assert_true(c.dry_run);
    assert_null(c.env);
    assert_ok(parse(&w, "--no-dry-run", &c, &err), &err);
    assert_false(c.dry_run);
    setenv("REHEARSE_JOBS", "many", 1);
    assert_fails(parse(&w, "", &c, &err), &err, ERR_USAGE);
    assert_string_equal(err.text, "bad value 'many' for REHEARSE_JOBS");
    unsetenv("REHEARSE_JOBS");
    unsetenv("REHEARSE_LOCK_TIMEOUT");
    unsetenv("REHEARSE_DRY_RUN");
    unsetenv("REHEARSE_ENV");
}

TEST(reads_times_and_sizes)
{
    static const char *const bad_times[] = {"",   "s",   "-1",  "+1",   " 1",    "1 s",
                                            "1x", "nan", "inf", "0x10", "1e999", "1ss"};
    static const char *const bad_sizes[] = {"",    "K",         "-1",  "1.5G",
                                            "1KK", "16777216T", "1 K", "99999999999999999999"};
    double s = 0;
    uint64_t n = 0;

    assert_true(opt_seconds("250ms", &s) && s > 0.249 && s < 0.251);
    assert_true(opt_seconds("2h", &s) && s > 7199 && s < 7201);
    for (size_t i = 0; i < COUNT(bad_times); i++)
        assert_false(opt_seconds(bad_times[i], &s));
    assert_true(opt_bytes("16M", &n) && n == 16777216);
    assert_true(opt_bytes("2GiB", &n) && n == 2147483648U);
    assert_true(opt_bytes("4096", &n) && n == 4096);
    for (size_t i = 0; i < COUNT(bad_sizes); i++)
        assert_false(opt_bytes(bad_sizes[i], &n));
}

TEST(more_than_a_list_holds_is_refused)
{
    struct conf c = {0};
    struct err err = {0};
    char *argv[66];
    char word[] = "--only=x";
    int argc = 65;

    for (int i = 0; i < argc; i++)
        argv[i] = word;
    argv[argc] = NULL;
    assert_fails(opt_parse(opts, &c, &argc, argv, &err), &err, ERR_USAGE);
    assert_int_equal(c.only.count, 64);
}

TEST(guesses_what_was_meant)
{
    assert_int_equal(opt_distance(SPAN("jobs"), SPAN("jobs")), 0);
    assert_int_equal(opt_distance(SPAN("jbos"), SPAN("jobs")), SIZE_MAX);
    assert_int_equal(opt_distance(SPAN("lock-tmieout"), SPAN("lock-timeout")), 2);
    assert_int_equal(opt_distance(SPAN("lock"), SPAN("lock-timeout")), 1);
    assert_int_equal(opt_distance(SPAN("bogus"), SPAN("box ls")), SIZE_MAX);
    assert_int_equal(opt_distance(SPAN("x"), SPAN("y")), SIZE_MAX);
    assert_int_equal(opt_distance(SPAN(""), SPAN("abc")), SIZE_MAX);
}

TESTS(fills_every_type_and_leaves_operands, value_may_look_like_an_option,
      lists_add_up_and_replace_the_default, names_what_is_wrong,
      flag_goes_before_environment_before_default, reads_times_and_sizes,
      more_than_a_list_holds_is_refused, guesses_what_was_meant)
