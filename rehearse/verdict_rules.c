#include "rehearse/verdict_rules.h"

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"

#include <math.h>

/* Below this share of a table's rows, a delete that has a WHERE is business; above it is a flood. */
#define LOSS_SHARE 0.5
/* With this chance or less of being luck, after correction for many endpoints. */
#define LATENCY_P 0.01
/* Lost bytes on more than this share of the connections leave the comparison with holes. */
#define GAP_SHARE 0.01

/* Whether a later event speaks of the same service: each replay starts it again. */
static bool is_started_again(const struct judge *j, const json_t *e)
{
    size_t i;
    const json_t *other;
    bool behind = false;

    json_array_foreach(j->events, i, other)
    {
        if (behind && event_is(other, "box.service") &&
            strcmp(event_str(other, "service"), event_str(e, "service")) == 0)
            return true;
        behind = behind || other == e;
    }
    return false;
}

static bool step_failed(struct judge *j, const char *rule, const json_t *e)
{
    if (strcmp(event_str(e, "status"), "failed") != 0)
        return true;
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "title"), "step %.0f (%s) failed: %s",
                      event_num(e, "step"), event_str(e, "title"), event_str(e, "why"));
}

static bool migration_failed(struct judge *j, const char *rule, const json_t *e)
{
    if (strcmp(event_str(e, "status"), "failed") != 0)
        return true;
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "file"), "%s on %s failed: %s",
                      event_str(e, "file"), event_str(e, "database"), event_str(e, "why"));
}

static bool table_emptied(struct judge *j, const char *rule, const json_t *e)
{
    if (event_num(e, "rows_before") < 1 || event_num(e, "rows_after") > 0)
        return true;

    char before[ISO_TIME];
    human_count((uint64_t)event_num(e, "rows_before"), before);
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "table"),
                      "%s line %.0f emptied table %s of %s: all %s rows are gone",
                      event_str(e, "file"), event_num(e, "line"), event_str(e, "table"),
                      event_str(e, "database"), before);
}

static bool rows_lost(struct judge *j, const char *rule, const json_t *e)
{
    double before = event_num(e, "rows_before");
    double after = event_num(e, "rows_after");

    if (after >= before || after < 1)
        return true;
    bool flood = (before - after) / before >= LOSS_SHARE;
    return judge_note(j, rule, flood ? SEVERITY_BLOCK : SEVERITY_WARN, event_str(e, "table"),
                      "%s line %.0f took %.0f of %.0f rows from table %s", event_str(e, "file"),
                      event_num(e, "line"), before - after, before, event_str(e, "table"));
}

/* A column that held two or more values and now holds one, or none, in every row. */
static bool column_wiped(struct judge *j, const char *rule, const json_t *e)
{
    size_t i;
    const json_t *column;

    json_array_foreach(json_object_get(e, "columns"), i, column)
    {
        AUTO(free) char *subject = NULL;
        if (asprintf(&subject, "%s.%s", event_str(e, "table"), event_str(column, "column")) < 0)
            return err_memory(j->err);
        bool nulled = event_num(column, "nonnull_after") < 1;
        bool noted =
            judge_note(j, rule, SEVERITY_BLOCK, subject,
                       "%s line %.0f wiped column %s: %s in all %.0f rows (rows changed: %.0f)",
                       event_str(e, "file"), event_num(e, "line"), subject,
                       nulled ? "NULL now" : "the same value now", event_num(e, "rows_after"),
                       event_num(e, "changed"));
        if (!noted)
            return false;
    }
    return true;
}

static bool no_where(struct judge *j, const char *rule, const json_t *e)
{
    if (!event_true(e, "no_where"))
        return true;
    AUTO(free) char *subject = NULL;
    if (asprintf(&subject, "%s:%.0f", event_str(e, "file"), event_num(e, "line")) < 0)
        return err_memory(j->err);
    return judge_note(j, rule, SEVERITY_WARN, subject, "%s without WHERE changed %.0f rows: %.120s",
                      event_str(e, "tag"), event_num(e, "rows"), event_str(e, "sql"));
}

static bool statement_slow(struct judge *j, const char *rule, const json_t *e)
{
    double took_s = event_num(e, "took_ms") / 1000;

    if (j->policy->statement_budget_s <= 0 || took_s <= j->policy->statement_budget_s)
        return true;
    AUTO(free) char *subject = NULL;
    if (asprintf(&subject, "%s:%.0f", event_str(e, "file"), event_num(e, "line")) < 0)
        return err_memory(j->err);
    return judge_note(j, rule, SEVERITY_BLOCK, subject, "took %.1f s; the budget is %.1f s", took_s,
                      j->policy->statement_budget_s);
}

static bool lock_is_exclusive(const char *mode)
{
    return strcasestr(mode, "exclusive") && !strcasestr(mode, "row") &&
           !strcasestr(mode, "share update");
}

static bool lock_long(struct judge *j, const char *rule, const json_t *e)
{
    double took_s = event_num(e, "took_ms") / 1000;
    size_t i;
    const json_t *lock;

    if (j->policy->lock_budget_s <= 0 || took_s <= j->policy->lock_budget_s)
        return true;
    json_array_foreach(json_object_get(e, "locks"), i, lock)
    {
        if (!lock_is_exclusive(event_str(lock, "mode")))
            continue;
        bool noted = judge_note(j, rule, SEVERITY_BLOCK, event_str(lock, "table"),
                                "%s line %.0f held %s on %s for %.1f s; the budget is %.1f s",
                                event_str(e, "file"), event_num(e, "line"), event_str(lock, "mode"),
                                event_str(lock, "table"), took_s, j->policy->lock_budget_s);
        if (!noted)
            return false;
    }
    return true;
}

static bool invalid_index(struct judge *j, const char *rule, const json_t *e)
{
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "index"),
                      "index %s on %s was left invalid by %s", event_str(e, "index"),
                      event_str(e, "table"), event_str(e, "file"));
}

static bool smoke_failed(struct judge *j, const char *rule, const json_t *e)
{
    if (event_true(e, "ok"))
        return true;
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "url"), "smoke check failed: %s",
                      event_str(e, "detail"));
}

static bool service_died(struct judge *j, const char *rule, const json_t *e)
{
    if (strcmp(event_str(e, "state"), "healthy") == 0 || is_started_again(j, e))
        return true;
    bool late = strcmp(event_str(e, "state"), "timeout") == 0;
    return judge_note(j, rule, SEVERITY_BLOCK, event_str(e, "service"), "service %s %s: %s",
                      event_str(e, "service"), late ? "never became healthy" : "died",
                      event_str(e, "detail"));
}

/* What was added breaks no client that reads by name; what is missing or changed may. */
static bool response_changed(struct judge *j, const char *rule, const json_t *e)
{
    AUTO(free) char *subject = NULL;
    const char *kind = event_str(e, "kind");
    const json_t *example = json_object_get(e, "example");

    if (asprintf(&subject, "%s %s", event_str(e, "endpoint"), event_str(e, "where")) < 0)
        return err_memory(j->err);
    bool added = strcmp(kind, "added") == 0 && event_str(e, "where")[0] == '$';
    return judge_note(j, rule, added ? SEVERITY_WARN : SEVERITY_BLOCK, subject,
                      "%s in %.0f of %.0f answers; before: %.160s; after: %.160s", kind,
                      event_num(e, "count"), event_num(e, "requests"), event_str(example, "old"),
                      event_str(example, "new"));
}

/* How far two replays of the same release lay apart, as a factor of 1 or more: what the old
 * release does to itself cannot be held against the new one. */
static double spread(const json_t *e, const char *percentile)
{
    char key[32];

    snprintf(key, sizeof(key), "noise_ratio_%s", percentile);
    double ratio = event_num(e, key);
    if (ratio <= 0)
        return 1;
    return ratio < 1 ? 1 / ratio : ratio;
}

struct rise {
    double before_ms, after_ms;
    bool counts; /* significant, and enough to matter */
};

static struct rise rise_of(const struct release_judge *p, const json_t *e, const char *percentile)
{
    char key_old[32], key_new[32];

    snprintf(key_old, sizeof(key_old), "old_%s_us", percentile);
    snprintf(key_new, sizeof(key_new), "new_%s_us", percentile);
    struct rise r = {.before_ms = event_num(e, key_old) / 1000,
                     .after_ms = event_num(e, key_new) / 1000};
    r.counts = event_num(e, "p_value") <= LATENCY_P &&
               r.after_ms - r.before_ms >= p->latency_min_ms &&
               r.after_ms >= r.before_ms * p->latency_ratio * spread(e, percentile);
    return r;
}

/* What a second run of the new release says of the same endpoint; NULL: there was none, or it says it of
 * fewer requests. */
static const json_t *again(const struct judge *j, const json_t *e)
{
    const json_t *other, *found = NULL;
    bool behind = false;
    size_t i;

    json_array_foreach(j->events, i, other)
    {
        if (behind && event_is(other, "replay.latency_again") &&
            strcmp(event_str(other, "endpoint"), event_str(e, "endpoint")) == 0)
            found = other;
        behind = behind || other == e;
    }
    return found && event_num(found, "requests") >= event_num(e, "requests") ? found : NULL;
}

static const char *const percentiles[] = {"p50", "p95"};

/* The first percentile that rose; NULL: none did. */
static const char *risen(const struct release_judge *p, const json_t *e)
{
    for (size_t i = 0; i < COUNT(percentiles); i++)
        if (rise_of(p, e, percentiles[i]).counts)
            return percentiles[i];
    return NULL;
}

/* Why there is no second run to go by; NULL: there is one, or none was tried. */
static const char *unconfirmed(const struct judge *j, const json_t *e)
{
    const json_t *other, *found = NULL;
    bool behind = false;
    size_t i;

    json_array_foreach(j->events, i, other)
    {
        if (behind && event_is(other, "replay.unconfirmed"))
            found = other;
        behind = behind || other == e;
    }
    return found ? event_str(found, "why") : NULL;
}

/* What a second run adds to the sentence on what rose; "" when there was none. */
static void tell_again(const struct judge *j, const json_t *e, const char *percentile,
                       const char *twice, struct buf *out)
{
    const json_t *other = again(j, e);
    const char *why = unconfirmed(j, e);

    if (other)
        buf_printf(out, "; %s%s %.1f ms in a second run", twice ? "" : "but ",
                   twice ? twice : percentile,
                   rise_of(j->policy, other, twice ? twice : percentile).after_ms);
    else if (why)
        buf_printf(out, "; a second run says nothing of it: %.300s", why);
}

/* What rose in a second run as well stands, whichever percentile it is there. */
static bool slower(struct judge *j, const char *rule, const json_t *e)
{
    const char *percentile = risen(j->policy, e);
    const json_t *other = again(j, e);
    double p = event_num(e, "p_value");
    AUTO(buf) struct buf more = {0};

    if (!percentile)
        return true;
    struct rise first = rise_of(j->policy, e, percentile);
    const char *twice = other ? risen(j->policy, other) : NULL;
    tell_again(j, e, percentile, twice, &more);
    if (!buf_ok(&more, j->err))
        return false;
    return judge_note(
        j, rule, !other || twice ? SEVERITY_BLOCK : SEVERITY_WARN, event_str(e, "endpoint"),
        "%s went from %.1f ms to %.1f ms (%.1f times; p %s %.4f)%s", percentile, first.before_ms,
        first.after_ms, first.before_ms > 0 ? first.after_ms / first.before_ms : HUGE_VAL,
        p < 0.0001 ? "<" : "=", fmax(p, 0.0001), buf_str(&more));
}

/* "candidate", or "candidate-2" in the journal of a second run. */
static bool is_candidate(const json_t *e)
{
    return span_starts(span_of(event_str(e, "label")), "candidate");
}

/* Both runs of the new release are one subject: what is known of the first, or accepted of it, is no
 * news in the second. */
static const char *subject_of(const json_t *e)
{
    return is_candidate(e) ? "candidate" : event_str(e, "label");
}

static bool requests_failed(struct judge *j, const char *rule, const json_t *e)
{
    double requests = event_num(e, "requests");
    double errors = event_num(e, "errors");

    if (requests < 1 || errors / requests <= j->policy->error_share)
        return true;
    return judge_note(j, rule, is_candidate(e) ? SEVERITY_BLOCK : SEVERITY_DOUBT, subject_of(e),
                      "%.0f of %.0f requests got no answer in replay '%s'", errors, requests,
                      event_str(e, "label"));
}

static bool too_late(struct judge *j, const char *rule, const json_t *e)
{
    double late_ms = event_num(e, "late_p99_us") / 1000;

    if (late_ms <= j->policy->lateness_p99_ms)
        return true;
    return judge_note(j, rule, SEVERITY_DOUBT, subject_of(e),
                      "replay '%s' sent late (p99 %.1f ms, allowed %.1f ms): its latencies prove "
                      "nothing",
                      event_str(e, "label"), late_ms, j->policy->lateness_p99_ms);
}

static bool capture_loss(struct judge *j, const char *rule, const json_t *e)
{
    double gaps = event_num(e, "gaps");
    double connections = event_num(e, "connections");

    if (!is_candidate(e) || gaps < 1 || (connections > 0 && gaps / connections <= GAP_SHARE))
        return true;
    return judge_note(j, rule, SEVERITY_DOUBT, event_str(e, "tape"),
                      "the tape lost bytes on %.0f connections (%.0f bytes)", gaps,
                      event_num(e, "gap_bytes"));
}

static bool few_requests(struct judge *j, const char *rule, const json_t *e)
{
    if (!is_candidate(e) || event_num(e, "answered") >= j->policy->min_requests)
        return true;
    return judge_note(j, rule, SEVERITY_DOUBT, subject_of(e),
                      "only %.0f requests were answered; %u are asked for",
                      event_num(e, "answered"), j->policy->min_requests);
}

static bool no_candidate(struct judge *j, const char *rule, const json_t *none)
{
    (void)none;
    size_t i;
    const json_t *e;

    json_array_foreach(j->events, i, e)
    {
        if (event_is(e, "replay.summary") && is_candidate(e))
            return true;
    }
    return judge_note(j, rule, SEVERITY_DOUBT, "candidate",
                      "the new release was never replayed against");
}

static bool touched_by_replay(const json_t *events, const char *database, const char *table)
{
    size_t i;
    const json_t *e;

    json_array_foreach(events, i, e)
    {
        if (event_is(e, "replay.touched") && strcmp(event_str(e, "database"), database) == 0 &&
            strcmp(event_str(e, "table"), table) == 0 && event_num(e, "reads") > 0)
            return true;
    }
    return false;
}

/* Says nothing about a table when nothing at all is known of what was read. */
static bool untouched(struct judge *j, const char *rule, const json_t *none)
{
    (void)none;
    size_t i;
    const json_t *e;
    bool known = false, changed = false, hit = false;

    json_array_foreach(j->events, i, e) known = known || event_is(e, "replay.touched");
    json_array_foreach(j->events, i, e)
    {
        if (!event_is(e, "migrate.change"))
            continue;
        changed = true;
        hit = hit || touched_by_replay(j->events, event_str(e, "database"), event_str(e, "table"));
    }
    if (!known || !changed || hit)
        return true;
    return judge_note(j, rule, SEVERITY_DOUBT, "tape",
                      "the tape never reads a table that the release changes");
}

static bool drifted(struct judge *j, const char *rule, const json_t *e)
{
    AUTO(free) char *subject = NULL;
    const char *kind = event_str(e, "kind");

    if (asprintf(&subject, "%s %s", kind, event_str(e, "name")) < 0)
        return err_memory(j->err);
    bool major = strcmp(kind, "version") == 0;
    return judge_note(j, rule, major ? SEVERITY_DOUBT : SEVERITY_WARN, subject,
                      "production has %.80s, the box %.80s", event_str(e, "production"),
                      event_str(e, "box"));
}

static bool rows_differ(struct judge *j, const char *rule, const json_t *e)
{
    if (event_true(e, "ok"))
        return true;
    return judge_note(j, rule, SEVERITY_DOUBT, event_str(e, "component"),
                      "the restored box holds %.0f rows, the bundle %.0f",
                      event_num(e, "rows_found"), event_num(e, "rows_expected"));
}

static bool linted(struct judge *j, const char *rule, const json_t *e)
{
    AUTO(free) char *subject = NULL;

    if (asprintf(&subject, "%s:%.0f", event_str(e, "file"), event_num(e, "line")) < 0)
        return err_memory(j->err);
    return judge_note(j, rule, SEVERITY_WARN, subject, "%s: %s", event_str(e, "rule"),
                      event_str(e, "text"));
}

const struct judge_rule judge_rules[] = {
    {{"step-failed", "a step of the release failed on production's data"},
     "step.done",
     step_failed},
    {{"migration-failed", "a script failed"}, "migrate.file", migration_failed},
    {{"table-emptied", "a statement left a table without rows"}, "migrate.change", table_emptied},
    {{"rows-lost", "a statement took rows away; half of a table or more blocks"},
     "migrate.change",
     rows_lost},
    {{"column-wiped", "a column that varied holds one value, or none, in every row"},
     "migrate.change",
     column_wiped},
    {{"no-where", "UPDATE or DELETE without WHERE"}, "migrate.statement", no_where},
    {{"statement-slow", "a statement took longer than statement_budget_s"},
     "migrate.statement",
     statement_slow},
    {{"lock-long", "an exclusive lock was held longer than lock_budget_s"},
     "migrate.statement",
     lock_long},
    {{"invalid-index", "an index that the planner cannot use was left behind"},
     "migrate.invalid_index",
     invalid_index},
    {{"lint", "a pattern that is known to hurt"}, "migrate.lint", linted},
    {{"service-died", "a service of the new release died or never became healthy"},
     "box.service",
     service_died},
    {{"smoke-failed", "a smoke check failed"}, "smoke", smoke_failed},
    {{"response-changed", "an answer changed beyond the noise of the old release"},
     "replay.difference",
     response_changed},
    {{RULE_SLOWER, "an endpoint became slower: significantly, and enough to matter"},
     "replay.latency",
     slower},
    {{"requests-failed", "requests that got no answer"}, "replay.summary", requests_failed},
    {{"sent-late", "the replay itself was late"}, "replay.summary", too_late},
    {{"capture-loss", "the tape has holes"}, "replay.summary", capture_loss},
    {{"few-requests", "too few requests to judge by"}, "replay.summary", few_requests},
    {{"not-replayed", "the new release was never replayed against"}, NULL, no_candidate},
    {{"untouched", "the tape never reads what the release changes"}, NULL, untouched},
    {{"rows-differ", "the box does not hold what the bundle holds"}, "restore.check", rows_differ},
    {{"drift", "packages, settings or host differ between production and box"}, "drift", drifted},
};
const size_t judge_rules_count = COUNT(judge_rules);
