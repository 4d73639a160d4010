#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "rehearse/run.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

/* Requests of one run are not independent of each other: what else the machine did at that moment
 * slowed many of them. A regression is there in the next run as well; a neighbour hardly ever is. */

static bool seems_slower(struct run *r, bool *out, struct err *err)
{
    AUTO(json) json_t *events = NULL;
    AUTO(verdict) struct verdict_result v = {0};

    if (!journal_load(journal_path(r->journal), &events, err) ||
        !verdict_judge(events, &r->release->judge, &v, err))
        return false;
    const struct reason *at = v.reasons.at;
    *out = false;
    for (size_t i = 0; i < v.reasons.count; i++)
        *out = *out || (at[i].severity == SEVERITY_BLOCK && !at[i].accepted &&
                        strcmp(at[i].rule, RULE_SLOWER) == 0);
    return true;
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

bool run_confirm(struct run *r, struct err *err)
{
    AUTO(free) char *path = run_path(r, "confirm.jsonl");
    bool slower = false;

    if (!path)
        return err_memory(err);
    if (!seems_slower(r, &slower, err))
        return false;
    if (!slower)
        return true;
    if (!JOURNAL(r->journal, err, "replay.confirm", f_str("journal", "confirm.jsonl")))
        return false;
    if (second_run(r, path, err))
        return note_latencies(r, path, err);
    if (err->code == ERR_STOPPED)
        return false;
    /* The first run is whole, and stands as it is. */
    log_warn("what seems slower could not be confirmed by a second run", f_str("why", err->text));
    bool noted = JOURNAL(r->journal, NULL, "replay.unconfirmed", f_str("why", err->text));
    if (noted)
        err_clear(err);
    return noted;
}
