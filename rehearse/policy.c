#include "lib/base/auto.h"
#include "lib/base/json.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

#include <stddef.h>

struct policy_number {
    const char *name;
    size_t offset;
};

#define AT(field) offsetof(struct release_judge, field)
static const struct policy_number numbers[] = {
    {"latency_ratio", AT(latency_ratio)},           {"latency_min_ms", AT(latency_min_ms)},
    {"lateness_p99_ms", AT(lateness_p99_ms)},       {"lock_budget_s", AT(lock_budget_s)},
    {"statement_budget_s", AT(statement_budget_s)}, {"error_share", AT(error_share)},
};
#undef AT

static const double *number_at(const struct release_judge *p, const struct policy_number *n)
{
    return (const double *)((const char *)p + n->offset);
}

json_t *policy_json(const struct release_judge *policy)
{
    AUTO(json) json_t *o = json_object();
    json_t *accept = json_array();

    for (size_t i = 0; i < COUNT(numbers); i++)
        json_object_set_new(o, numbers[i].name, json_real(*number_at(policy, &numbers[i])));
    json_object_set_new(o, "min_requests", json_integer(policy->min_requests));
    for (unsigned i = 0; i < policy->accept_count; i++) {
        const struct release_accept *a = &policy->accept[i];
        json_array_append_new(accept, json_pack("{s:s, s:s, s:s?}", "rule", a->rule, "subject",
                                                a->subject, "reason", a->reason));
    }
    if (json_object_set_new(o, "accept", accept) < 0)
        return NULL;
    return TAKE(o);
}

static bool read_accept(const json_t *list, struct release_judge *p, struct err *err)
{
    size_t i;
    const json_t *one;

    p->accept = calloc(json_array_size(list) + 1, sizeof(*p->accept));
    if (!p->accept)
        return err_memory(err);
    json_array_foreach(list, i, one)
    {
        struct release_accept *a = &p->accept[p->accept_count++];
        a->rule = strdup(event_str(one, "rule"));
        a->subject = strdup(event_str(one, "subject"));
        a->reason = strdup(event_str(one, "reason"));
        if (!a->rule || !a->subject || !a->reason)
            return err_memory(err);
    }
    return true;
}

bool policy_read(const json_t *events, struct release_judge *out, struct err *err)
{
    const json_t *policy = NULL, *e;
    size_t i;

    json_array_foreach(events, i, e) policy = event_is(e, "policy") ? e : policy;
    policy = json_object_get(policy, "judge");
    if (!policy)
        return err_set(err, ERR_DAMAGED, "the journal holds no policy to judge by");

    struct release_judge p = {0};
    for (size_t n = 0; n < COUNT(numbers); n++)
        *(double *)((char *)&p + numbers[n].offset) = event_num(policy, numbers[n].name);
    p.min_requests = (uint32_t)event_num(policy, "min_requests");
    if (!read_accept(json_object_get(policy, "accept"), &p, err)) {
        policy_done(&p);
        return false;
    }
    *out = p;
    return true;
}

void policy_done(struct release_judge *policy)
{
    for (unsigned i = 0; i < policy->accept_count; i++) {
        free(policy->accept[i].rule);
        free(policy->accept[i].subject);
        free(policy->accept[i].reason);
    }
    free(policy->accept);
    policy->accept = NULL;
    policy->accept_count = 0;
}
