#include "replay/summary.h"

#include "lib/base/json.h"
#include "lib/wire/hist.h"
#include "lib/wire/http_msg.h"
#include "replay/endpoint.h"

struct one {
    struct hist all;     /* from when it was due */
    struct hist service; /* from when it was sent */
    uint64_t requests, errors;
    json_t *status; /* {"200": n} */
};

struct table {
    struct endpoints *names;
    struct one *at; /* by index of the endpoint */
    size_t count, cap;
};

static void auto_table(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        json_decref(t->at[i].status);
    free(t->at);
    endpoints_free(t->names);
}

static struct one *table_at(struct table *t, size_t i, struct err *err)
{
    if (i >= t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        struct one *at = realloc(t->at, cap * sizeof(*at));
        if (!at) {
            err_memory(err);
            return NULL;
        }
        t->at = at;
        t->cap = cap;
    }
    while (t->count <= i) {
        t->at[t->count] = (struct one){.status = json_object()};
        if (!t->at[t->count++].status) {
            err_memory(err);
            return NULL;
        }
    }
    return &t->at[i];
}

static uint64_t micros(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)(to_ns - from_ns) / 1000 : 0;
}

static bool count_status(struct one *e, uint16_t status, struct err *err)
{
    char key[8];

    snprintf(key, sizeof(key), "%u", status);
    json_int_t n = json_integer_value(json_object_get(e->status, key));
    return json_object_set_new(e->status, key, json_integer(n + 1)) == 0 || err_memory(err);
}

static bool add_one(struct table *t, const struct plan_request *q, const struct outcome *o,
                    struct err *err)
{
    size_t i = 0;

    if (o->code == OUTCOME_SKIPPED || o->code == OUTCOME_NONE)
        return true;
    if (!endpoints_index(t->names, http_start_line(q->head), &i, err))
        return false;
    struct one *e = table_at(t, i, err);
    if (!e)
        return false;
    e->requests++;
    if (o->code != OUTCOME_ANSWERED) {
        e->errors++;
        return true;
    }
    hist_add(&e->all, micros(o->due_ns, o->last_ns));
    hist_add(&e->service, micros(o->sent_ns, o->last_ns));
    return count_status(e, o->status, err);
}

#define NUM(name, value) f_num(name, (int64_t)(value))

static bool write_endpoint(const struct summary *s, const struct table *t, size_t i,
                           struct events *events, struct err *err)
{
    const struct one *e = &t->at[i];

    return EVENT(events, err, "replay.endpoint", f_str("label", s->label),
                 f_str("endpoint", endpoints_name(t->names, i)), NUM("requests", e->requests),
                 NUM("errors", e->errors), f_json("status", e->status),
                 NUM("p50_us", hist_percentile(&e->all, 0.50)),
                 NUM("p95_us", hist_percentile(&e->all, 0.95)),
                 NUM("p99_us", hist_percentile(&e->all, 0.99)), NUM("max_us", e->all.max_us),
                 NUM("service_p50_us", hist_percentile(&e->service, 0.50)),
                 NUM("service_p95_us", hist_percentile(&e->service, 0.95)));
}

struct lateness {
    struct hist late;    /* the sender's own */
    struct hist blocked; /* behind the response before, or by connecting */
};

static bool write_summary(const struct summary *s, const struct lateness *l, struct events *events,
                          struct err *err)
{
    const struct worker_counts *c = &s->counts;
    double seconds = (double)s->took_ns / 1e9;

    return EVENT(events, err, "replay.summary", f_str("label", s->label), f_str("tape", s->tape),
                 NUM("requests", s->plan->requests.count), NUM("sent", c->sent),
                 NUM("answered", c->answered), NUM("errors", c->errors),
                 NUM("took_ms", s->took_ns / 1000000),
                 f_real("per_second", seconds > 0 ? (double)c->answered / seconds : 0),
                 NUM("late_p50_us", hist_percentile(&l->late, 0.50)),
                 NUM("late_p99_us", hist_percentile(&l->late, 0.99)),
                 NUM("late_max_us", l->late.max_us),
                 NUM("blocked_p50_us", hist_percentile(&l->blocked, 0.50)),
                 NUM("blocked_p99_us", hist_percentile(&l->blocked, 0.99)),
                 NUM("blocked_max_us", l->blocked.max_us), NUM("connections", s->plan->conns.count),
                 NUM("gaps", s->plan->gaps), NUM("gap_bytes", s->plan->gap_bytes),
                 NUM("skipped", c->skipped), NUM("connects", c->connects),
                 NUM("retries", c->retries), NUM("mapped", s->mapped),
                 f_str("damage", s->plan->damage.code ? s->plan->damage.text : NULL));
}

bool summary_write(const struct summary *s, struct events *events, struct err *err)
{
    AUTO(table) struct table t = {0};
    AUTO(free) struct lateness *l = calloc(1, sizeof(*l));

    if (!l)
        return err_memory(err);
    if (!endpoints_new(&t.names, err))
        return false;
    for (size_t i = 0; i < s->plan->requests.count; i++) {
        const struct outcome *o = &s->outcomes[i];
        if (!add_one(&t, plan_request(s->plan, i), o, err))
            return false;
        if (o->tries) {
            hist_add(&l->late, micros(o->ready_ns, o->sent_ns));
            hist_add(&l->blocked, micros(o->due_ns, o->ready_ns));
        }
    }
    if (!write_summary(s, l, events, err))
        return false;
    for (size_t i = 0; i < t.count; i++)
        if (t.at[i].requests && !write_endpoint(s, &t, i, events, err))
            return false;
    return true;
}
