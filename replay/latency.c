#include "replay/latency.h"

#include <math.h>

#include "lib/wire/hist.h"
#include "replay/endpoint.h"
#include "replay/stats.h"

struct pair {
    size_t endpoint;
    int64_t sent_ns;                  /* in the old run: the order in time */
    int64_t old_ns, new_ns, noise_ns; /* from when it was sent; noise: -1 unknown */
    int64_t old_due_ns, new_due_ns;   /* from when it was due */
};

struct pairs {
    struct vec at; /* struct pair, by endpoint and time */
    struct endpoints *names;
};

static void auto_pairs(struct pairs *p)
{
    vec_done(&p->at);
    endpoints_free(p->names);
}

static bool answered(const struct answer *a)
{
    return a && a->code == OUTCOME_ANSWERED;
}

static int64_t took(const struct answer *a, int64_t from_ns)
{
    int64_t ns = a->last_ns - from_ns;

    return ns > 1000 ? ns : 1000; /* a ratio needs more than nothing */
}

static int by_endpoint(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;

    if (a->endpoint != b->endpoint)
        return a->endpoint < b->endpoint ? -1 : 1;
    return (a->sent_ns > b->sent_ns) - (a->sent_ns < b->sent_ns);
}

static bool make_pairs(struct pairs *p, const struct answers *old, const struct answers *new,
                       const struct answers *noise, struct err *err)
{
    for (size_t i = 0; i < old->at.count; i++) {
        const struct answer *a = answers_at(old, i), *b = answers_find(new, a->number);
        const struct answer *n = noise ? answers_find(noise, a->number) : NULL;
        size_t endpoint = 0;
        if (!answered(a) || !answered(b))
            continue;
        if (!endpoints_index(p->names, a->line, &endpoint, err))
            return false;
        struct pair *new_pair = vec_add(&p->at, err);
        if (!new_pair)
            return false;
        *new_pair = (struct pair){.endpoint = endpoint,
                                  .sent_ns = a->sent_ns,
                                  .old_ns = took(a, a->sent_ns),
                                  .new_ns = took(b, b->sent_ns),
                                  .noise_ns = answered(n) ? took(n, n->sent_ns) : -1,
                                  .old_due_ns = took(a, a->due_ns),
                                  .new_due_ns = took(b, b->due_ns)};
    }
    if (p->at.count)
        qsort(p->at.at, p->at.count, sizeof(struct pair), by_endpoint);
    return true;
}

/* What is told of one endpoint. */
struct line {
    size_t endpoint;
    size_t count;
    uint64_t old_p50, new_p50, old_p95, new_p95, noise_p50, noise_p95, old_due_p95, new_due_p95;
    double p;
};

struct hists {
    struct hist old, new, noise, old_due, new_due;
};

static bool measure(const struct pair *at, size_t count, struct hists *h, struct line *out,
                    struct err *err)
{
    AUTO(free) double *ratios = calloc(count, sizeof(*ratios));

    if (!ratios)
        return err_memory(err);
    *h = (struct hists){0};
    for (size_t i = 0; i < count; i++) {
        hist_add(&h->old, (uint64_t)at[i].old_ns / 1000);
        hist_add(&h->new, (uint64_t)at[i].new_ns / 1000);
        hist_add(&h->old_due, (uint64_t)at[i].old_due_ns / 1000);
        hist_add(&h->new_due, (uint64_t)at[i].new_due_ns / 1000);
        if (at[i].noise_ns >= 0)
            hist_add(&h->noise, (uint64_t)at[i].noise_ns / 1000);
        ratios[i] = log((double)at[i].new_ns / (double)at[i].old_ns);
    }
    *out = (struct line){.endpoint = at->endpoint,
                         .count = count,
                         .old_p50 = hist_percentile(&h->old, 0.50),
                         .new_p50 = hist_percentile(&h->new, 0.50),
                         .old_p95 = hist_percentile(&h->old, 0.95),
                         .new_p95 = hist_percentile(&h->new, 0.95),
                         .noise_p50 = hist_percentile(&h->noise, 0.50),
                         .noise_p95 = hist_percentile(&h->noise, 0.95),
                         .old_due_p95 = hist_percentile(&h->old_due, 0.95),
                         .new_due_p95 = hist_percentile(&h->new_due, 0.95),
                         .p = stats_p_value(ratios, count)};
    return true;
}

static double ratio(uint64_t new, uint64_t old)
{
    return (double)(new ? new : 1) / (double)(old ? old : 1);
}

#define NUM(name, value) f_num(name, (int64_t)(value))

static bool tell(const struct pairs *p, const struct line *l, bool noise, struct events *events,
                 struct err *err)
{
    struct field fields[] = {f_str("endpoint", endpoints_name(p->names, l->endpoint)),
                             NUM("requests", l->count),
                             NUM("old_p50_us", l->old_p50),
                             NUM("new_p50_us", l->new_p50),
                             NUM("old_p95_us", l->old_p95),
                             NUM("new_p95_us", l->new_p95),
                             f_real("ratio_p50", ratio(l->new_p50, l->old_p50)),
                             f_real("ratio_p95", ratio(l->new_p95, l->old_p95)),
                             f_real("p_value", l->p),
                             NUM("old_due_p95_us", l->old_due_p95),
                             NUM("new_due_p95_us", l->new_due_p95),
                             f_real("noise_ratio_p50", ratio(l->noise_p50, l->old_p50)),
                             f_real("noise_ratio_p95", ratio(l->noise_p95, l->old_p95)),
                             {.type = FIELD_END}};

    if (!noise)
        fields[COUNT(fields) - 3].type = FIELD_END;
    return events_put(events, "replay.latency", fields, err);
}

static bool tell_all(const struct pairs *p, struct line *lines, size_t count, bool noise,
                     struct events *events, struct err *err)
{
    AUTO(free) double *values = calloc(count ? count : 1, sizeof(*values));

    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < count; i++)
        values[i] = lines[i].p;
    stats_correct(values, count);
    for (size_t i = 0; i < count; i++) {
        lines[i].p = values[i];
        if (!tell(p, &lines[i], noise, events, err))
            return false;
    }
    return true;
}

bool latency_compare(const struct answers *old, const struct answers *new,
                     const struct answers *noise, struct events *events, struct err *err)
{
    AUTO(pairs) struct pairs p = {.at = VEC(struct pair)};
    AUTO(vec) struct vec lines = VEC(struct line);
    AUTO(free) struct hists *h = calloc(1, sizeof(*h));

    if (!h)
        return err_memory(err);
    if (!endpoints_new(&p.names, err) || !make_pairs(&p, old, new, noise, err))
        return false;
    const struct pair *all = p.at.at;
    for (size_t i = 0, end = 0; i < p.at.count; i = end) {
        for (end = i; end < p.at.count && all[end].endpoint == all[i].endpoint;)
            end++;
        struct line *l = vec_add(&lines, err);
        if (!l || !measure(&all[i], end - i, h, l, err))
            return false;
    }
    return tell_all(&p, lines.at, lines.count, noise != NULL, events, err);
}
