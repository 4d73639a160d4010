#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "rehearse/run.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

/* Requests of one run are not independent of each other: what else the machine did at that moment
 * slowed many of them. A regression is there in the next run as well; a neighbour hardly ever is. */

static bool judged(struct run *r, const char *path, struct verdict_result *out, struct err *err)
{
    AUTO(json) json_t *events = NULL;

    return journal_load(path, &events, err) && verdict_judge(events, &r->release->judge, out, err);
}

static bool seems_slower(const struct verdict_result *v)
{
    const struct reason *at = v->reasons.at;

    for (size_t i = 0; i < v->reasons.count; i++)
        if (at[i].severity == SEVERITY_BLOCK && !at[i].accepted &&
            strcmp(at[i].rule, RULE_SLOWER) == 0)
            return true;
    return false;
}

/* Steps 6 to 10 once more, and the replay. */
static bool rehearse_again(struct run *r, struct err *err)
{
    for (size_t i = 0; i < run_steps_count; i++) {
        const struct run_step *step = &run_steps[i];
        if (step->number < RUN_STEP_RESET || step->number >= RUN_STEP_REPLAY)
            continue;
        if (!cmd_stop_check(err) || !step->run(r, err))
            return err_add(err, "once more, step %u, %s", step->number, step->title);
    }
    return run_replay_new(r, "candidate-2", err);
}

/* What the second run did has a journal of its own: the first one tells of one release applied once. */
static bool second_run(struct run *r, const char *path, struct err *err)
{
    AUTO(journal) struct journal *own = NULL;
    struct journal *first = r->journal;

    if (path_exists(path) && unlink(path) < 0)
        return err_sys(err, ERR_IO, "cannot remove '%s'", path);
    if (!journal_open(path, &own, err))
        return false;
    r->journal = own;
    bool ok = run_box(r, err) && rehearse_again(r, err);
    r->journal = first;
    struct err second = {0};
    if (!run_box(r, ok ? err : &second)) /* the box tells the first one again */
        ok = false;
    return ok;
}

static bool note_latency(struct run *r, const json_t *e, struct err *err)
{
    return JOURNAL(r->journal, err, "replay.latency_again",
                   f_str("endpoint", event_str(e, "endpoint")),
                   f_num("requests", (int64_t)event_num(e, "requests")),
                   f_num("old_p50_us", (int64_t)event_num(e, "old_p50_us")),
                   f_num("new_p50_us", (int64_t)event_num(e, "new_p50_us")),
                   f_num("old_p95_us", (int64_t)event_num(e, "old_p95_us")),
                   f_num("new_p95_us", (int64_t)event_num(e, "new_p95_us")),
                   f_real("p_value", event_num(e, "p_value")),
                   f_real("noise_ratio_p50", event_num(e, "noise_ratio_p50")),
                   f_real("noise_ratio_p95", event_num(e, "noise_ratio_p95")));
}

static bool note_latencies(struct run *r, const char *path, struct err *err)
{
    AUTO(json) json_t *events = NULL;
    size_t i;
    const json_t *e;

    if (!journal_load(path, &events, err))
        return false;
    json_array_foreach(events, i, e)
    {
        if (event_is(e, "replay.latency") && !note_latency(r, e, err))
            return false;
    }
    return true;
}

/* A run in which something else went wrong measured something else: answers that fail are quick. */
static bool is_like(struct run *r, const struct verdict_result *first, const char *path,
                    struct err *err)
{
    AUTO(verdict) struct verdict_result second = {0};

    if (!judged(r, path, &second, err))
        return false;
    const struct reason *worse = verdict_worse(first, &second, RULE_SLOWER);
    return !worse || err_set(err, ERR_DIFFERS, "it found what the first run did not: %s %s: %s",
                             worse->rule, worse->subject, worse->text);
}

/* The first run is whole, and stands as it is. `whole`: so is the second one, and it has the box up. */
static bool unconfirmed(struct run *r, bool whole, struct err *err)
{
    struct err why = *err;
    char line[sizeof(why.text) + sizeof(why.hint) + 16];

    err_clear(err);
    err_line(&why, line, sizeof(line));
    log_warn("what seems slower could not be confirmed by a second run", f_str("why", line));
    if (!whole && r->conf->keep_running)
        log_warn("the box is not up with the new release: the second run failed in it",
                 f_str("box", r->release->box));
    return JOURNAL(r->journal, err, "replay.unconfirmed", f_str("why", line));
}

bool run_confirm(struct run *r, struct err *err)
{
    AUTO(free) char *path = run_path(r, "confirm.jsonl");
    AUTO(verdict) struct verdict_result first = {0};

    if (!path)
        return err_memory(err);
    if (!judged(r, journal_path(r->journal), &first, err))
        return false;
    if (!seems_slower(&first))
        return true;
    if (!JOURNAL(r->journal, err, "replay.confirm", f_str("journal", "confirm.jsonl")))
        return false;
    bool whole = second_run(r, path, err);
    if (whole && is_like(r, &first, path, err))
        return note_latencies(r, path, err);
    if (err->code == ERR_STOPPED)
        return false;
    return unconfirmed(r, whole, err);
}
