#include "rehearse/verdict.h"

#include "lib/base/auto.h"
#include "lib/base/json.h"
#include "lib/base/span.h"
#include "rehearse/verdict_rules.h"

#include <stdarg.h>

const char *event_str(const json_t *event, const char *key)
{
    const char *s = json_string_value(json_object_get(event, key));
    return s ? s : "";
}

double event_num(const json_t *event, const char *key)
{
    return json_number_value(json_object_get(event, key));
}

bool event_true(const json_t *event, const char *key)
{
    return json_is_true(json_object_get(event, key));
}

bool event_is(const json_t *event, const char *name)
{
    return strcmp(event_str(event, "event"), name) == 0;
}

static bool subject_matches(const char *pattern, const char *subject)
{
    size_t len = strlen(pattern);

    if (len && pattern[len - 1] == '*')
        return strncmp(pattern, subject, len - 1) == 0;
    return strcmp(pattern, subject) == 0;
}

static const char *accepted_because(const struct release_judge *p, const char *rule,
                                    const char *subject)
{
    for (unsigned i = 0; i < p->accept_count; i++) {
        const struct release_accept *a = &p->accept[i];
        if (strcmp(a->rule, rule) == 0 && subject_matches(a->subject, subject))
            return a->reason && a->reason[0] ? a->reason : "accepted";
    }
    return NULL;
}

bool judge_note(struct judge *j, const char *rule, enum severity severity, const char *subject,
                const char *fmt, ...)
{
    struct reason *r = vec_add(&j->out->reasons, j->err);
    if (!r)
        return false;

    va_list ap;
    va_start(ap, fmt);
    bool made = vasprintf(&r->text, fmt, ap) >= 0;
    va_end(ap);
    if (!made)
        r->text = NULL;
    /* A reason is one line, whatever statement or answer it quotes. */
    for (char *c = r->text; c && *c; c++) {
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
    }
    const char *because = accepted_because(j->policy, rule, subject);
    r->rule = rule;
    r->severity = severity;
    r->subject = strdup(subject);
    r->accepted = because ? strdup(because) : NULL;
    if (!made || !r->subject || (because && !r->accepted))
        return err_memory(j->err);
    return true;
}

void verdict_done(struct verdict_result *r)
{
    struct reason *reasons = r->reasons.at;

    for (size_t i = 0; i < r->reasons.count; i++) {
        free(reasons[i].subject);
        free(reasons[i].text);
        free(reasons[i].accepted);
    }
    vec_done(&r->reasons);
}

static bool judge_one(struct judge *j, const struct judge_rule *rule)
{
    size_t i;
    const json_t *event;

    if (!rule->event)
        return rule->look(j, rule->about.name, NULL);
    json_array_foreach(j->events, i, event)
    {
        if (event_is(event, rule->event) && !rule->look(j, rule->about.name, event))
            return false;
    }
    return true;
}

static int graver_first(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;

    if (!x->accepted != !y->accepted)
        return x->accepted ? 1 : -1;
    return (int)y->severity - (int)x->severity;
}

static enum verdict decide(const struct verdict_result *r)
{
    const struct reason *reasons = r->reasons.at;
    enum verdict v = VERDICT_GO;

    for (size_t i = 0; i < r->reasons.count; i++) {
        if (reasons[i].accepted)
            continue;
        if (reasons[i].severity == SEVERITY_BLOCK)
            return VERDICT_NO_GO;
        if (reasons[i].severity == SEVERITY_DOUBT)
            v = VERDICT_INCONCLUSIVE;
    }
    return v;
}

/* Merge sort by qsort is not stable; the order of equal reasons is kept by insertion. */
static void sort_reasons(struct vec *reasons)
{
    struct reason *at = reasons->at;

    for (size_t i = 1; i < reasons->count; i++) {
        struct reason moved = at[i];
        size_t k = i;
        for (; k > 0 && graver_first(&at[k - 1], &moved) > 0; k--)
            at[k] = at[k - 1];
        at[k] = moved;
    }
}

static bool keeps(const json_t *event, double step)
{
    return event_is(event, "step.done") && event_num(event, "step") == step &&
           strcmp(event_str(event, "status"), "ok") == 0;
}

/* How many of these events count when a run goes on behind step `after`; 0: it begins anew. */
static size_t kept_of(const json_t *events, double after)
{
    size_t n = after > 0 ? json_array_size(events) : 0;

    while (n && !keeps(json_array_get(events, n - 1), after))
        n--;
    return n;
}

json_t *verdict_events(const json_t *events)
{
    AUTO(json) json_t *out = json_array();
    size_t i;
    json_t *e;

    json_array_foreach(events, i, e)
    {
        if (event_is(e, "run.start") || event_is(e, "run.resume")) {
            size_t kept = kept_of(out, event_num(e, "after_step"));

            for (size_t n = json_array_size(out); n > kept; n--)
                json_array_remove(out, n - 1);
        }
        if (json_array_append(out, e) < 0)
            return NULL;
    }
    return TAKE(out);
}

bool verdict_judge(const json_t *events, const struct release_judge *policy,
                   struct verdict_result *out, struct err *err)
{
    struct verdict_result result = {.reasons = VEC(struct reason)};
    AUTO(json) json_t *counting = verdict_events(events);
    struct judge j = {.events = counting, .policy = policy, .out = &result, .err = err};

    if (!counting)
        return err_memory(err);
    for (size_t i = 0; i < judge_rules_count; i++) {
        if (!judge_one(&j, &judge_rules[i])) {
            verdict_done(&result);
            return false;
        }
    }
    sort_reasons(&result.reasons);
    result.verdict = decide(&result);
    *out = result;
    return true;
}

static bool has_reason(const struct verdict_result *v, const struct reason *r)
{
    const struct reason *at = v->reasons.at;

    for (size_t i = 0; i < v->reasons.count; i++)
        if (strcmp(at[i].rule, r->rule) == 0 && strcmp(at[i].subject, r->subject) == 0)
            return true;
    return false;
}

const struct reason *verdict_worse(const struct verdict_result *first,
                                   const struct verdict_result *other, const char *but)
{
    const struct reason *at = other->reasons.at;

    for (size_t i = 0; i < other->reasons.count; i++)
        if (at[i].severity >= SEVERITY_DOUBT && !at[i].accepted && strcmp(at[i].rule, but) != 0 &&
            !has_reason(first, &at[i]))
            return &at[i];
    return NULL;
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"GO", "NO-GO", "INCONCLUSIVE"};
    return names[v];
}

const char *severity_name(enum severity s)
{
    static const char *const names[] = {"note", "warning", "inconclusive", "no-go"};
    return names[s];
}

json_t *verdict_json(const struct verdict_result *r)
{
    const struct reason *reasons = r->reasons.at;
    json_t *list = json_array();

    for (size_t i = 0; i < r->reasons.count; i++) {
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s?}", "rule", reasons[i].rule, "severity",
                                severity_name(reasons[i].severity), "subject", reasons[i].subject,
                                "text", reasons[i].text, "accepted", reasons[i].accepted);
        if (!one || json_array_append_new(list, one) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o}", "verdict", verdict_name(r->verdict), "reasons", list);
}
