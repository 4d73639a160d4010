#include "rehearse/run.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/stop.h"
#include "rehearse/cmd.h"
#include "rehearse/report.h"
#include "rehearse/verdict.h"

#include <pwd.h>
#include <sys/stat.h>

/* Reasons of one rule that the terminal shows. */
#define SHOWN_PER_RULE 4
#define JUDGE_STEP     12
#define JUDGE_TITLE    "compare and judge"

char *run_path(const struct run *r, const char *name)
{
    return path_join(r->dir, name);
}

/* Failures that say nothing about the release, whichever step they come from. A missing right is
 * not one of them: a script that lacks it here lacks it on release night. */
static bool is_machinery(enum err_code code)
{
    return code == ERR_STOPPED || code == ERR_SPACE || code == ERR_IO || code == ERR_CONFIG ||
           code == ERR_USAGE;
}

static void say_step(const struct run_step *step, const char *state, int64_t took_ns)
{
    char took[ISO_TIME];

    fprintf(stderr, "%2u  %-36s %s", step->number, step->title, state);
    if (took_ns >= 0)
        fprintf(stderr, "  %s", human_time(took_ns, took));
    fputc('\n', stderr);
}

static bool step_done(struct run *r, const struct run_step *step, int64_t began, const char *status,
                      const char *why, struct err *err)
{
    int64_t took = clock_mono_ns() - began;

    if (log_enabled(LOG_LEVEL_INFO))
        say_step(step, status, took);
    return JOURNAL(r->journal, err, "step.done", f_num("step", step->number),
                   f_str("title", step->title), f_real("took_ms", (double)took / 1e6),
                   f_str("status", status), f_str("why", why));
}

/* *failed tells that the release failed; false is a failure of the machinery. */
static bool run_one(struct run *r, const struct run_step *step, bool *failed, struct err *err)
{
    char line[sizeof(err->text) + sizeof(err->hint) + 16];
    int64_t began = clock_mono_ns();

    if (!cmd_stop_check(err))
        return false;
    if (!JOURNAL(r->journal, err, "step.start", f_num("step", step->number),
                 f_str("title", step->title)))
        return false;
    if (step->run(r, err))
        return step_done(r, step, began, "ok", NULL, err);

    struct err second = {0};
    bool noted = step_done(r, step, began, "failed", err_line(err, line, sizeof(line)), &second);
    if (step->blame == BLAME_MACHINERY || is_machinery(err->code) || !noted)
        return false;
    err_clear(err);
    *failed = true;
    return true;
}

static bool run_steps_from(struct run *r, unsigned after, struct err *err)
{
    bool failed = false;

    for (size_t i = 0; i < run_steps_count && !failed; i++) {
        if (run_steps[i].number <= after)
            continue;
        if (!run_one(r, &run_steps[i], &failed, err))
            return err_add(err, "step %u, %s", run_steps[i].number, run_steps[i].title);
    }
    return true;
}

static bool judge(struct run *r, struct verdict_result *out, struct err *err)
{
    static const struct run_step step = {JUDGE_STEP, JUDGE_TITLE, BLAME_MACHINERY, false, NULL};
    AUTO(json) json_t *events = NULL;
    AUTO(verdict) struct verdict_result result = {0};
    int64_t began = clock_mono_ns();

    if (!JOURNAL(r->journal, err, "step.start", f_num("step", JUDGE_STEP),
                 f_str("title", JUDGE_TITLE)) ||
        !journal_load(journal_path(r->journal), &events, err) ||
        !verdict_judge(events, &r->release->judge, &result, err))
        return false;
    AUTO(json) json_t *fields = verdict_json(&result);
    if (!fields)
        return err_memory(err);
    if (!JOURNAL(r->journal, err, "verdict", f_str("verdict", verdict_name(result.verdict)),
                 f_json("reasons", json_object_get(fields, "reasons"))) ||
        !step_done(r, &step, began, "ok", NULL, err))
        return false;
    *out = result;
    result = (struct verdict_result){0};
    return true;
}

/* Of each rule and severity the first few; the report has them all. */
static void say_reasons(const struct verdict_result *v)
{
    const struct reason *at = v->reasons.at;
    size_t same = 0;

    for (size_t i = 0; i < v->reasons.count; i++) {
        bool more = i && strcmp(at[i].rule, at[i - 1].rule) == 0 &&
                    at[i].severity == at[i - 1].severity && !at[i].accepted == !at[i - 1].accepted;
        bool last = i + 1 == v->reasons.count || strcmp(at[i].rule, at[i + 1].rule) != 0 ||
                    at[i].severity != at[i + 1].severity || !at[i].accepted != !at[i + 1].accepted;
        same = more ? same + 1 : 1;
        if (same <= SHOWN_PER_RULE)
            printf("  %-12s %s  %s: %s\n",
                   at[i].accepted ? "accepted" : severity_name(at[i].severity), at[i].rule,
                   at[i].subject, at[i].text);
        if (same <= SHOWN_PER_RULE && at[i].accepted)
            printf("               because %s\n", at[i].accepted);
        if (last && same > SHOWN_PER_RULE)
            printf("               ... and %zu more of %s\n", same - SHOWN_PER_RULE, at[i].rule);
    }
}

/* What a person at the terminal wants to see: the verdict, why, and where to read more. */
static void say_verdict(const struct run *r, const struct verdict_result *v)
{
    static const char *const colour[] = {"\033[1;32m", "\033[1;31m", "\033[1;33m"};
    bool colours = term_colours(STDOUT_FILENO);

    printf("%s%s%s  release %s\n", colours ? colour[v->verdict] : "", verdict_name(v->verdict),
           colours ? "\033[0m" : "", r->release->release);
    say_reasons(v);
    printf("report   %s/report.html\njournal  %s\n", r->dir, journal_path(r->journal));
}

static bool say_json(const struct run *r, const struct verdict_result *v, struct err *err)
{
    AUTO(json) json_t *o = verdict_json(v);
    AUTO(free) char *report = run_path(r, "report.html");

    if (!o || !report)
        return err_memory(err);
    json_object_set_new(o, "release", json_string(r->release->release));
    json_object_set_new(o, "report", json_string(report));
    json_object_set_new(o, "journal", json_string(journal_path(r->journal)));
    AUTO(free) char *text = json_pretty(o);
    if (!text)
        return err_memory(err);
    puts(text);
    return true;
}

static bool write_reports(struct run *r, struct err *err)
{
    static const struct {
        const char *format, *name;
    } files[] = {{"html", "report.html"}, {"junit", "junit.xml"}, {"json", "report.json"}};

    for (size_t i = 0; i < COUNT(files); i++) {
        AUTO(free) char *path = run_path(r, files[i].name);
        if (!path || !report_write(journal_path(r->journal), files[i].format, path, err))
            return path ? false : err_memory(err);
    }
    return true;
}

/* The last step that need not be repeated, from the journal of an interrupted run. */
static bool last_checkpoint(const char *journal, unsigned *after, struct err *err)
{
    AUTO(json) json_t *events = NULL;
    size_t n;
    const json_t *e;

    *after = 0;
    if (!journal_load(journal, &events, err))
        return false;
    json_array_foreach(events, n, e)
    {
        const char *event = json_string_value(json_object_get(e, "event"));
        const char *status = json_string_value(json_object_get(e, "status"));
        if (event && strcmp(event, "run.done") == 0) {
            err_set(err, ERR_EXISTS, "the run has ended, and its verdict stands");
            return err_hint(err,
                            "'rehearse report' makes its report anew; rehearse again with another "
                            "--out");
        }
        if (!event || strcmp(event, "step.done") != 0 || !status || strcmp(status, "ok") != 0)
            continue;
        for (size_t i = 0; i < run_steps_count; i++) {
            if (run_steps[i].checkpoint &&
                run_steps[i].number == json_integer_value(json_object_get(e, "step")))
                *after = run_steps[i].number;
        }
    }
    return true;
}

static char *default_dir(const struct release *release)
{
    char now[ISO_TIME];
    char *dir = NULL;

    clock_iso(clock_wall_ns(), now);
    now[19] = '\0'; /* without the fraction */
    if (asprintf(&dir, "rehearsals/%s-%sZ", release->release, now) < 0)
        return NULL;
    for (char *c = dir + strlen("rehearsals/"); *c; c++) {
        if (*c == '/' || *c == ':')
            *c = '-';
    }
    return dir;
}

static bool open_run(struct run *r, const char *file, unsigned *after, struct err *err)
{
    if (!release_load(file, &r->release, err) || !env_load(r->release->environment, &r->env, err))
        return false;
    const char *given = r->conf->resume ? r->conf->resume : r->conf->out;
    r->dir = given ? strdup(given) : default_dir(r->release);
    AUTO(free) char *path = r->dir ? run_path(r, "journal.jsonl") : NULL;
    if (!path)
        return err_memory(err);

    *after = 0;
    if (r->conf->resume && !last_checkpoint(path, after, err))
        return err_add(err, "cannot resume");
    if (!r->conf->resume && path_exists(path))
        return err_set(err, ERR_EXISTS, "'%s' holds a run already", r->dir) ||
               err_hint(err, "give another --out, or go on with --resume %s", r->dir);
    return dir_make(r->dir, 0700, err) && journal_open(path, &r->journal, err);
}

static void close_run(struct run *r)
{
    box_close(r->box);
    journal_close(r->journal);
    env_free(r->env);
    release_free(r->release);
    free(r->dir);
}

static bool note_start(struct run *r, unsigned after, struct err *err)
{
    const struct passwd *me = getpwuid(geteuid());
    char host[256] = "", by[512];

    gethostname(host, sizeof(host) - 1);
    snprintf(by, sizeof(by), "%s@%s", me ? me->pw_name : "?", host);
    return JOURNAL(r->journal, err, after ? "run.resume" : "run.start",
                   f_str("release", r->release->release), f_str("release_file", r->release->path),
                   f_str("environment", r->env->name), f_str("by", by),
                   f_str("tool", "rehearse " REHEARSE_VERSION), f_num("after_step", after));
}

/* A box that was left half way is of no use to anybody: back to the last good state. */
static void put_back(struct run *r)
{
    struct err ignored = {0};

    if (!r->box)
        return;
    stop_take_back();
    log_info("the box is put back as it was restored", f_str("box", r->release->box));
    if (!run_reset(r, &ignored))
        log_warn("the box could not be put back", f_str("why", ignored.text));
}

static bool rehearse_release(struct run *r, unsigned after, struct verdict_result *v,
                             struct err *err)
{
    int64_t began = clock_mono_ns();

    if (!note_start(r, after, err))
        return false;
    /* Inputs are checked again even when resuming: they may have changed since. */
    if (after && !run_check_again(r, after, err))
        return false;
    if (!run_steps_from(r, after, err) || !judge(r, v, err))
        return false;
    if (!r->conf->keep_running && r->box && !box_stop(r->box, err))
        return false;
    return JOURNAL(r->journal, err, "run.done", f_str("verdict", verdict_name(v->verdict)),
                   f_real("took_ms", (double)(clock_mono_ns() - began) / 1e6)) &&
           write_reports(r, err);
}

static int run_main(const void *conf, int argc, char **argv, struct err *err)
{
    struct run r = {.conf = conf};
    AUTO(verdict) struct verdict_result v = {0};
    unsigned after = 0;

    if (argc != 1) {
        err_set(err, ERR_USAGE, "run takes one release file, got %d operands", argc);
        return ERR_USAGE;
    }
    bool opened = open_run(&r, argv[0], &after, err);
    bool done =
        opened && rehearse_release(&r, after, &v, err) && (!cmd_json() || say_json(&r, &v, err));
    if (!done && opened) {
        struct err second = {0};
        (void)JOURNAL(r.journal, &second, "run.failed", f_str("error", err->text),
                      f_num("code", (int)err->code));
        put_back(&r);
        err_hint(err, "mend it, then: rehearse run --resume %s %s", r.dir, argv[0]);
    }
    if (done && !cmd_json())
        say_verdict(&r, &v);
    close_run(&r);
    /* The class of the error becomes the status: neither GO nor NO-GO was found. */
    return done ? (int)v.verdict : ERR_FAILED;
}

static const struct run_conf defaults = {0};

#define AT(field) offsetof(struct run_conf, field)
static const struct opt opts[] = {
    {"out", OPT_STR, AT(out), "DIR", "journal and reports go here (rehearsals/RELEASE-TIME)"},
    {"resume", OPT_STR, AT(resume), "DIR", "go on with the interrupted run in DIR"},
    {"key", OPT_STR, AT(key), "FILE", "secret key that opens an encrypted bundle"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "tasks at the same time (one per core)", 1, 256},
    {"keep-running", OPT_FLAG, AT(keep_running), NULL, "leave the box up with the new release"},
    {0},
};
#undef AT

const struct cmd run_cmd = {
    .name = "run",
    .summary = "rehearse a release: restore, replay, apply, replay, judge",
    .usage = "[OPTIONS] RELEASE.yaml",
    .about =
        "Restores production's bundle into the box, replays the tape against the old release, "
        "resets, applies config, migrations, code and data scripts, replays against the new "
        "release, compares and judges. What seems slower is applied and replayed a second time "
        "before it counts. Every step is written to the journal.\n\n"
        "Exit status: 0 GO, 1 NO-GO, 2 INCONCLUSIVE; 3 and above: the rehearsal itself failed, by "
        "the class of the error.",
    .examples = "# rehearse release 2 and read the report\n"
                "$ rehearse run release2/release.yaml --out out/release2\n"
                "# in a pipeline\n"
                "$ rehearse run --json release.yaml && ./promote\n"
                "# after an interruption\n"
                "$ rehearse run --resume out/release2 release2/release.yaml\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct run_conf),
    .run = run_main,
};
