#include "replay/depend.h"

#include "replay/request.h"

/* The last requests of a session, by the request whose response began it. */
#define RECENT 8
struct recent {
    uint32_t at[RECENT];
    unsigned next;
    bool used;
};

struct finding {
    struct plan *plan;
    uint32_t request;      /* that is looked at */
    struct recent *recent; /* by request */
    struct err *err;
    bool failed;
};

static bool answered_before(const struct plan *p, uint32_t earlier, uint32_t request)
{
    int64_t ns = plan_request(p, earlier)->answered_ns;

    return ns && ns <= plan_request(p, request)->at_ns;
}

static void add_after(struct finding *f, uint32_t earlier)
{
    struct plan_request *q = plan_request(f->plan, f->request);
    const uint32_t *have = q->after.at;

    if (earlier == f->request || q->after.count >= DEPEND_MAX ||
        !answered_before(f->plan, earlier, f->request))
        return;
    /* Its own connection keeps the order by itself, unless the client pipelined. */
    if (plan_request(f->plan, earlier)->conn == q->conn)
        return;
    for (size_t i = 0; i < q->after.count; i++)
        if (have[i] == earlier)
            return;
    uint32_t *at = vec_add(&q->after, f->err);
    if (at)
        *at = earlier;
    f->failed |= at == NULL;
}

/* The request carries a value; `to` names the request whose response made it. */
static void on_hit(void *ctx, struct span to)
{
    struct finding *f = ctx;
    uint64_t maker = 0;
    struct span number;

    if (!span_split(&to, '.', &number) || !span_u64(number, &maker) ||
        maker >= f->plan->requests.count)
        return;
    add_after(f, (uint32_t)maker);
    struct recent *r = &f->recent[maker];
    if (!r->used)
        return;
    for (unsigned i = 0; i < RECENT && i < r->next; i++)
        add_after(f, r->at[(r->next - 1 - i) % RECENT]);
    if (r->next == 0 || r->at[(r->next - 1) % RECENT] != f->request)
        r->at[r->next++ % RECENT] = f->request;
}

static bool put_makers(struct finding *f, struct session *makers, uint32_t request)
{
    const struct plan_request *q = plan_request(f->plan, request);
    const struct made *m = q->made.at;
    char number[48];

    for (size_t i = 0; i < q->made.count; i++) {
        f->recent[request].used |= m[i].kind == MADE_COOKIE;
        /* No two ids of a noun may stand for the same. */
        snprintf(number, sizeof(number), "%u.%zu", request, i);
        if (!session_put(makers, m[i].kind, span_of(m[i].noun), span_of(m[i].value),
                         span_of(number), f->err))
            return false;
    }
    return true;
}

struct moment {
    int64_t ns;
    uint32_t request;
};

static int by_time(const void *x, const void *y)
{
    const struct moment *a = x, *b = y;

    if (a->ns != b->ns)
        return a->ns < b->ns ? -1 : 1;
    return (a->request > b->request) - (a->request < b->request);
}

static bool look_at(struct finding *f, struct session *makers, struct buf *scratch)
{
    const struct request_target target = {.host = "", .keep_host = true};

    buf_clear(scratch);
    if (session_empty(makers))
        return true;
    return request_write(plan_request(f->plan, f->request), &target, makers, scratch, f->err) &&
           !f->failed;
}

bool depend_find(struct plan *p, struct err *err)
{
    size_t n = p->requests.count;
    AUTO(free) struct moment *order = calloc(n, sizeof(*order));
    AUTO(free) struct recent *recent = calloc(n, sizeof(*recent));
    AUTO(session) struct session *makers = NULL;
    AUTO(buf) struct buf scratch = {0};

    if (!order || !recent)
        return err_memory(err);
    if (!session_new(&makers, err))
        return false;
    struct finding f = {.plan = p, .recent = recent, .err = err};
    for (uint32_t i = 0; i < n; i++) {
        order[i] = (struct moment){plan_request(p, i)->at_ns, i};
        if (!put_makers(&f, makers, i))
            return false;
    }
    qsort(order, n, sizeof(*order), by_time);
    session_watch(makers, on_hit, &f);
    for (size_t i = 0; i < n; i++) {
        f.request = order[i].request;
        if (!look_at(&f, makers, &scratch))
            return false;
    }
    return true;
}
