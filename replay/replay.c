#include "replay/replay.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "replay/compare.h"
#include "replay/results.h"
#include "replay/summary.h"
#include "replay/temp.h"
#include "replay/worker.h"

#define THREADS_MAX 64
#define LEAD_NS     INT64_C(50000000) /* until the first request, so that every thread is there */
#define FILES_SPARE 64

struct thread {
    struct worker *worker;
    pthread_t id;
    bool running, ok;
    struct err err;
};

struct replay {
    const struct replay_conf *conf;
    struct plan *plan;
    struct targets targets;
    struct session *session;
    struct tape_out *results;
    struct outcome *outcomes;
    struct replay_shared shared;
    struct thread thread[THREADS_MAX];
    size_t threads;
};

static void auto_replay(struct replay *r)
{
    for (size_t i = 0; i < r->threads; i++)
        worker_free(r->thread[i].worker);
    free(r->outcomes);
    tape_out_close(r->results);
    session_free(r->session);
    plan_free(r->plan);
}

/* ---- getting ready ---- */

static bool check_conf(const struct replay_conf *conf, struct err *err)
{
    if (!conf->tape)
        return err_set(err, ERR_USAGE, "no tape to replay");
    if (conf->speed < 0 || conf->speed > 1e6)
        return err_set(err, ERR_USAGE, "speed %g is out of bounds", conf->speed);
    if (conf->noise && !conf->against) {
        err_set(err, ERR_USAGE, "--noise without --against");
        return err_hint(err, "noise is what differs between two baselines: name the other one");
    }
    return true;
}

/* As many files as we may: each recorded connection is one. */
static size_t open_limit(const struct replay_conf *conf)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    size_t most = limit.rlim_cur > FILES_SPARE * 2 ? limit.rlim_cur - FILES_SPARE : FILES_SPARE;
    return conf->connections_max && conf->connections_max < most ? conf->connections_max : most;
}

static size_t thread_count(const struct replay *r)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = r->conf->threads ? r->conf->threads : cores > 4 ? 4 : cores > 0 ? (size_t)cores : 1;

    if (n > r->plan->conns.count)
        n = r->plan->conns.count;
    return n > THREADS_MAX ? THREADS_MAX : n;
}

/* Responses are kept for the results file, and read where the recorded ones made values up. */
static size_t body_max(const struct replay *r)
{
    return r->conf->results || r->plan->makes ? RESULTS_BODY_READ : 0;
}

static bool make_workers(struct replay *r, struct err *err)
{
    size_t threads = thread_count(r);

    r->shared = (struct replay_shared){
        .plan = r->plan,
        .targets = &r->targets,
        .session = r->session,
        .results = r->results,
        .outcomes = r->outcomes,
        .speed = r->conf->speed > 0 ? r->conf->speed : 1.0,
        .no_wait = r->conf->no_wait,
        .keep_host = r->conf->keep_host,
        .timeout_ns = (int64_t)((r->conf->timeout_s > 0 ? r->conf->timeout_s : 30) * 1e9),
        .body_max = body_max(r),
        .open_max = open_limit(r->conf) / threads};
    if (r->shared.open_max == 0)
        r->shared.open_max = 1;
    for (; r->threads < threads; r->threads++)
        if (!worker_new(&r->shared, &r->thread[r->threads].worker, err))
            return false;
    for (size_t i = 0; i < r->plan->conns.count; i++)
        if (!worker_add(r->thread[i % threads].worker, i, err))
            return false;
    return true;
}

static bool pack_meta(const struct replay *r, struct buf *out, struct err *err)
{
    char start[ISO_TIME];
    AUTO(json)
    json_t *meta = fields_json(FIELDS(f_str("tape", r->conf->tape), f_str("label", r->conf->label),
                                      f_str("start", clock_iso(clock_wall_ns(), start)),
                                      f_real("speed", r->conf->speed > 0 ? r->conf->speed : 1.0),
                                      f_bool("no_wait", r->conf->no_wait),
                                      f_num("requests", (int64_t)r->plan->requests.count),
                                      f_str("tool", REHEARSE_VERSION)));
    AUTO(free) char *text = meta ? json_text(meta) : NULL;

    if (!text)
        return err_memory(err);
    return tape_pack(out, &(struct tape_record){.type = TAPE_META, .text = span_of(text)}, err);
}

static bool open_results(struct replay *r, struct err *err)
{
    AUTO(buf) struct buf records = {0};

    if (!r->conf->results)
        return true;
    return tape_out_open(r->conf->results, TAPE_RESULTS, &r->results, err) &&
           pack_meta(r, &records, err) && tape_out_put(r->results, &records, false, err);
}

static bool prepare(struct replay *r, struct err *err)
{
    if (!targets_parse(&r->conf->to, &r->targets, err) ||
        !plan_load(r->conf->tape, &r->plan, err) ||
        !targets_check(&r->targets, r->plan, r->conf->allow_source, err))
        return false;
    if (r->plan->damage.code)
        log_warn("replaying what is good of the tape", f_str("why", r->plan->damage.text),
                 f_num("requests", (int64_t)r->plan->requests.count));
    r->outcomes = calloc(r->plan->requests.count, sizeof(*r->outcomes));
    if (!r->outcomes)
        return err_memory(err);
    return session_new(&r->session, err) && open_results(r, err) && make_workers(r, err);
}

/* ---- running ---- */

static void *thread_main(void *arg)
{
    struct thread *t = arg;

    t->ok = worker_run(t->worker, &t->err);
    return NULL;
}

static bool join_all(struct replay *r, struct err *err)
{
    const struct thread *bad = NULL;

    for (size_t i = 0; i < r->threads; i++) {
        struct thread *t = &r->thread[i];
        if (t->running)
            pthread_join(t->id, NULL);
        t->running = false;
        if (!t->ok && !bad)
            bad = t;
    }
    if (bad && err)
        *err = bad->err;
    return !bad;
}

static bool run(struct replay *r, struct err *err)
{
    r->shared.t0_ns = clock_mono_ns() + LEAD_NS;
    for (size_t i = 0; i < r->threads; i++) {
        int failed = pthread_create(&r->thread[i].id, NULL, thread_main, &r->thread[i]);
        if (failed) {
            /* Those that run are left to end by themselves; the error is told after. */
            errno = failed;
            err_sys(&r->thread[i].err, ERR_FAILED, "cannot start a thread");
            break;
        }
        r->thread[i].running = true;
    }
    return join_all(r, err);
}

static struct worker_counts sum_counts(const struct replay *r)
{
    struct worker_counts sum = {0};

    for (size_t i = 0; i < r->threads; i++) {
        struct worker_counts c = worker_counts(r->thread[i].worker);
        sum.sent += c.sent;
        sum.answered += c.answered;
        sum.errors += c.errors;
        sum.skipped += c.skipped;
        sum.connects += c.connects;
        sum.retries += c.retries;
    }
    return sum;
}

static bool finish_results(struct replay *r, struct err *err)
{
    AUTO(buf) struct buf records = {0};
    const struct tape_record end = {.type = TAPE_END, .text = SPAN("{}")};

    if (!r->results)
        return true;
    return results_pack_session(&records, r->session, err) && tape_pack(&records, &end, err) &&
           tape_out_put(r->results, &records, false, err) && tape_out_finish(r->results, err);
}

/* Once, as the first response to nothing: the target is not there, and no report helps. */
static bool nobody_there(const struct replay *r, const struct worker_counts *c, struct err *err)
{
    if (c->answered || !c->errors || r->outcomes[0].code != OUTCOME_CONNECT)
        return false;
    err_set(err, ERR_UNREACHABLE, "nothing answers at '%s'", r->targets.at[0].host);
    err_hint(err, "is the service started?");
    return true;
}

static bool replay_and_compare(const struct replay_conf *conf, struct events *events,
                               struct err *err)
{
    AUTO(replay) struct replay r = {.conf = conf};

    if (!prepare(&r, err))
        return false;
    log_info("replaying", f_str("tape", conf->tape),
             f_num("requests", (int64_t)r.plan->requests.count),
             f_num("connections", (int64_t)r.plan->conns.count), f_str("to", r.targets.at[0].host));
    if (!run(&r, err))
        return false;
    const struct summary s = {.label = conf->label ? conf->label : "replay",
                              .tape = conf->tape,
                              .plan = r.plan,
                              .outcomes = r.outcomes,
                              .counts = sum_counts(&r),
                              .mapped = session_count(r.session),
                              .took_ns = clock_mono_ns() - r.shared.t0_ns};
    if (nobody_there(&r, &s.counts, err) || !finish_results(&r, err) ||
        !summary_write(&s, events, err))
        return false;
    if (!conf->against)
        return true;
    const struct compare_conf compare = {
        .old_path = strcmp(conf->against, "tape") == 0 ? conf->tape : conf->against,
        .new_path = conf->results,
        .noise_path = conf->noise};
    return compare_run(&compare, events, err);
}

bool replay_with_events(const struct replay_conf *conf, struct events *events, struct err *err)
{
    AUTO(temp) struct temp temp = {0};
    struct replay_conf filled = *conf;

    if (!check_conf(conf, err))
        return false;
    if (conf->against && !conf->results) {
        if (!temp_make(conf->tape, &temp, err))
            return false;
        filled.results = temp.file;
    }
    return replay_and_compare(&filled, events, err);
}

bool replay_run(const struct replay_conf *conf, struct journal *journal, struct err *err)
{
    struct events events = {.journal = journal};

    return replay_with_events(conf, &events, err);
}
