/* Whole command lines, run in a child as main() would, with what they print and their status. */
#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/base/cmd.h"
#include "lib/base/log.h"
#include "lib/base/stop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

struct conf {
    const char *env;
    uint64_t jobs, size;
    double timeout_s, share;
    bool dry, keep;
    struct opt_list only;
};

static const struct conf defaults = {
    .jobs = 4, .timeout_s = 30, .size = 4 << 20, .share = 0.5, .keep = true};

#define AT(field) offsetof(struct conf, field)
static const struct opt opts[] = {
    {"env", OPT_STR, AT(env), "FILE", "environment to capture"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "how many at the same time", 1, 64},
    {"size", OPT_BYTES, AT(size), "N", "how large"},
    {"lock-timeout", OPT_SECONDS, AT(timeout_s), "T", "give up waiting"},
    {"share", OPT_REAL, AT(share), "R", "how much"},
    {"dry-run", OPT_FLAG, AT(dry), NULL, "write nothing"},
    {"keep", OPT_FLAG, AT(keep), NULL, "keep it"},
    {"only-these-and-no-others", OPT_LIST, AT(only), "NAMES", "leave the rest out"},
    {0},
};
#undef AT

static int take(const void *conf, int argc, char **argv, struct err *err)
{
    const struct conf *c = conf;

    (void)err;
    printf("%s %s jobs=%d dry=%d keep=%d json=%d", c->env ? c->env : "-", argc ? argv[0] : "-",
           (int)c->jobs, c->dry, c->keep, cmd_json());
    log_info("taken", f_num("n", argc));
    log_debug("detail", f_num("n", argc));
    return 0;
}

static int judge(const void *conf, int argc, char **argv, struct err *err)
{
    (void)conf;
    if (!argc)
        return 2;
    err_set(err, ERR_SQL, "no column '%s'", argv[0]);
    err_hint(err, "100%% sure");
    return (int)err->code;
}

static int stopped(const void *conf, int argc, char **argv, struct err *err)
{
    (void)conf;
    (void)argc;
    (void)argv;
    if (!cmd_stop_check(err))
        return 1;
    raise(SIGTERM);
    if (cmd_stop_check(err))
        return 0;
    struct err none = {0};
    stop_take_back();
    return cmd_stop_check(&none) && !cmd_stopping() ? (int)err->code : 1;
}

static const struct cmd take_cmd = {
    .name = "take",
    .summary = "take it",
    .usage = "[OPTIONS] NAME",
    .about =
        "A first paragraph that is broken here\nand goes on.\n\n  $ as it stands\n\n.dots and -hyphens",
    .examples = "# how\n$ rehearse take --jobs 2",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = take,
};
static const struct cmd judge_cmd = {.name = "box judge", .summary = "judge it", .run = judge};
static const struct cmd stop_cmd = {.name = "box stop", .summary = "stop it", .run = stopped};
static const struct cmd *const table[] = {&take_cmd, &judge_cmd, &stop_cmd, NULL};

struct result {
    int status;
    struct buf out, err;
};

static void auto_result(struct result *r)
{
    buf_done(&r->out);
    buf_done(&r->err);
}

static void read_all(int fd, struct buf *to)
{
    char piece[4096];
    ssize_t n;

    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_add(to, piece, (size_t)n);
    close(fd);
}

/* The words of `line`, split at blanks. */
static int call(const char *line)
{
    char text[256], *argv[20] = {NULL};
    struct span rest, word;
    int argc = 0;

    snprintf(text, sizeof(text), "rehearse%s%s", *line ? " " : "", line);
    rest = span_of(text);
    while (argc < 19 && span_split(&rest, ' ', &word))
        argv[argc++] = text + (word.at - text);
    for (char *c = text; *c; c++)
        if (*c == ' ')
            *c = 0;
    return cmd_main(table, "about all of it", argc, argv);
}

/* Little is printed, so the pipes hold it all. */
static void rehearse(const char *line, struct result *r)
{
    int out[2], err[2], status;

    buf_clear(&r->out);
    buf_clear(&r->err);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        exit(call(line));
    }
    close(out[1]);
    close(err[1]);
    read_all(out[0], &r->out);
    read_all(err[0], &r->err);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void expect(const char *line, int status, const char *out, const char *err)
{
    AUTO(result) struct result r = {0};

    rehearse(line, &r);
    assert_string_equal(buf_str(&r.err), err);
    assert_string_equal(buf_str(&r.out), out);
    assert_int_equal(r.status, status);
}

TEST(fills_the_conf_and_runs)
{
    expect("take x", 0, "- x jobs=4 dry=0 keep=1 json=0", "info taken n=1\n");
    expect("take --env e --jobs 2 --dry-run --no-keep x", 0, "e x jobs=2 dry=1 keep=0 json=0",
           "info taken n=1\n");
    expect("-q take", 0, "- - jobs=4 dry=0 keep=1 json=0", "");
    expect("--json take -v", 0, "- - jobs=4 dry=0 keep=1 json=1",
           "info taken n=0\ndebug detail n=0\n");
}

TEST(log_form_may_stand_anywhere)
{
    AUTO(result) struct result r = {0};

    rehearse("--log json take", &r);
    assert_int_equal(r.status, 0);
    assert_true(span_starts(buf_view(&r.err), "{\"at\":"));
}

TEST(status_is_the_verdict_or_the_class)
{
    expect("box judge", 2, "", "");
    expect("box judge x", ERR_SQL, "", "rehearse: no column 'x' (hint: 100% sure)\n");
    expect("box judge x --json", ERR_SQL, "",
           "{\"error\":{\"class\":\"sql\",\"code\":21,\"hint\":\"100% sure\",\"text\":\"no column "
           "'x'\"}}\n");
    expect("box judge -- --json", ERR_SQL, "", "rehearse: no column '--json' (hint: 100% sure)\n");
}

TEST(signal_stops_with_its_own_status)
{
    expect("box stop", ERR_STOPPED, "", "rehearse: interrupted by a signal\n");
}

TEST(mistakes_are_named)
{
    expect("tale", ERR_USAGE, "",
           "rehearse: unknown command 'tale' (hint: did you mean 'take'?)\n");
    expect("box jugde", ERR_USAGE, "",
           "rehearse: unknown command 'box jugde' (hint: did you mean 'box judge'?)\n");
    expect("take --jbos 1", ERR_USAGE, "",
           "rehearse: unknown option '--jbos' (hint: --help lists the options)\n");
    expect("take --log=xml", ERR_USAGE, "",
           "rehearse: unknown log form 'xml' (hint: text or json)\n");
    expect("completion", ERR_USAGE, "",
           "rehearse: unknown shell '' (hint: rehearse completion bash)\n");
    expect("--bogus", ERR_USAGE, "",
           "rehearse: unknown option '--bogus' (hint: --help lists the options)\n");
    expect("help tale", ERR_USAGE, "",
           "rehearse: unknown command 'tale' (hint: did you mean 'take'?)\n");
    expect("man tale", ERR_USAGE, "",
           "rehearse: unknown command 'tale' (hint: did you mean 'take'?)\n");
}

TEST(help_shows_every_option_with_its_default)
{
    static const char want[] =
        "rehearse take: take it\n"
        "\n"
        "usage: rehearse take [OPTIONS] NAME\n"
        "\n"
        "A first paragraph that is broken here and goes on.\n"
        "\n"
        "  $ as it stands\n"
        "\n"
        ".dots and -hyphens\n"
        "\n"
        "options:\n"
        "  --env FILE                  environment to capture\n"
        "  --jobs N                    how many at the same time (default 4)\n"
        "  --size N                    how large (default 4M)\n"
        "  --lock-timeout T            give up waiting (default 30s)\n"
        "  --share R                   how much (default 0.5)\n"
        "  --dry-run                   write nothing\n"
        "  --[no-]keep                 keep it\n"
        "  --only-these-and-no-others NAMES\n"
        "                              leave the rest out\n"
        "\n"
        "common options:\n";
    AUTO(result) struct result help = {0}, flag = {0};

    rehearse("help take", &help);
    rehearse("take --bogus --help", &flag);
    assert_true(span_starts(buf_view(&help.out), want));
    assert_true(span_ends(buf_view(&help.out), "examples:\n  # how\n  $ rehearse take --jobs 2\n"));
    rehearse("take --help", &flag);
    assert_true(span_eq(buf_view(&help.out), buf_view(&flag.out)));
}

TEST(groups_and_the_whole_are_listed)
{
    AUTO(result) struct result r = {0};

    rehearse("box", &r);
    assert_non_null(strstr(r.out.at, "\n  box judge           judge it\n  box stop "));
    assert_null(strstr(r.out.at, "take it"));
    rehearse("", &r);
    assert_true(span_starts(buf_view(&r.out), "about all of it\n\nusage: rehearse COMMAND"));
    assert_non_null(strstr(r.out.at, "\n  take                take it\n"));
    expect("commands", 0, "take\nbox judge\nbox stop\n", "");
    expect("--version", 0, "rehearse " REHEARSE_VERSION "\n", "");
}

TEST(manual_is_escaped_for_roff)
{
    AUTO(result) struct result r = {0};

    rehearse("man take", &r);
    assert_non_null(strstr(r.out.at, ".TH REHEARSE-TAKE 1 "));
    assert_non_null(strstr(r.out.at, "\n\\&.dots and \\-hyphens\n"));
    assert_non_null(strstr(r.out.at, "\\fB\\-\\-[no\\-]keep\\fR\n"));
    assert_non_null(strstr(r.out.at, ".TP\n21\na statement failed in a database\n"));
    rehearse("man", &r);
    assert_non_null(strstr(r.out.at, ".TP\n.B box judge\njudge it\n"));
}

TEST(completion_knows_commands_and_options)
{
    AUTO(result) struct result r = {0};

    rehearse("completion bash", &r);
    assert_non_null(strstr(r.out.at, "\"box judge\"*)"));
    assert_non_null(strstr(r.out.at, " --lock-timeout "));
}

TESTS(fills_the_conf_and_runs, log_form_may_stand_anywhere, status_is_the_verdict_or_the_class,
      signal_stops_with_its_own_status, mistakes_are_named,
      help_shows_every_option_with_its_default, groups_and_the_whole_are_listed,
      manual_is_escaped_for_roff, completion_knows_commands_and_options)
