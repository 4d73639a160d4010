#include "replay/plan.h"

#include "lib/base/json.h"
#include "lib/wire/http_msg.h"
#include "replay/depend.h"
#include "replay/tape_file.h"

/* While loading: where a number on the tape stands in the plan, plus 1; 0 is nowhere. */
struct loading {
    struct plan *plan;
    struct vec conn_at;    /* uint32_t by connection number */
    struct vec request_at; /* uint32_t by request number */
};

struct plan_conn *plan_conn(const struct plan *p, size_t i)
{
    return &((struct plan_conn *)p->conns.at)[i];
}

struct plan_request *plan_request(const struct plan *p, size_t i)
{
    return &((struct plan_request *)p->requests.at)[i];
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->conns.count; i++)
        vec_done(&plan_conn(p, i)->requests);
    for (size_t i = 0; i < p->requests.count; i++) {
        made_done(&plan_request(p, i)->made);
        vec_done(&plan_request(p, i)->after);
    }
    vec_done(&p->conns);
    vec_done(&p->requests);
    arena_done(&p->arena);
    json_decref(p->meta);
    free(p);
}

/* Numbers are dense, but a damaged or foreign tape must not make us reserve the world. */
#define NUMBER_MAX (UINT64_C(1) << 28)

static uint32_t *slot(struct vec *v, uint64_t number, struct err *err)
{
    if (number > NUMBER_MAX) {
        err_set(err, ERR_DAMAGED, "number %llu on the tape is out of all bounds",
                (unsigned long long)number);
        return NULL;
    }
    while (v->count <= number)
        if (!vec_add(v, err))
            return NULL;
    return &((uint32_t *)v->at)[number];
}

static uint32_t look(const struct vec *v, uint64_t number)
{
    return number < v->count ? ((const uint32_t *)v->at)[number] : 0;
}

static bool load_open(struct loading *l, const struct tape_record *r, struct err *err)
{
    uint32_t *at = slot(&l->conn_at, r->conn, err);
    struct plan_conn *c = at ? vec_add(&l->plan->conns, err) : NULL;

    if (!c)
        return false;
    *at = (uint32_t)l->plan->conns.count;
    c->number = r->conn;
    c->client = r->client;
    c->server = r->server;
    c->open_ns = r->at_ns;
    c->midstream = r->flags & 1;
    c->requests = (struct vec)VEC(uint32_t);
    return true;
}

/* Broken off, shortened or filled with zeros: it would be another request. CONNECT asks for a
 * tunnel whose bytes are not on the tape. */
static bool is_whole(const struct tape_record *r)
{
    return !(r->flags & (HTTP_CUT | HTTP_LOST | HTTP_INCOMPLETE)) &&
           !span_is(http_method(r->head), "CONNECT");
}

static bool load_request(struct loading *l, const struct tape_record *r, struct err *err)
{
    struct plan *p = l->plan;
    uint32_t conn = look(&l->conn_at, r->conn);
    uint32_t *at = slot(&l->request_at, r->request, err);

    if (!at)
        return false;
    if (!conn || *at)
        return err_set(err, ERR_DAMAGED, "request %llu on the tape belongs nowhere",
                       (unsigned long long)r->request);
    struct plan_request *q = vec_add(&p->requests, err);
    struct plan_conn *c = plan_conn(p, conn - 1);
    uint32_t *in_conn = q ? vec_add(&c->requests, err) : NULL;
    if (!in_conn)
        return false;
    *in_conn = (uint32_t)p->requests.count - 1;
    *at = (uint32_t)p->requests.count;
    *q = (struct plan_request){.number = r->request,
                               .conn = conn - 1,
                               .flags = r->flags,
                               .at_ns = r->at_ns,
                               .head = r->head,
                               .body = r->body,
                               .trailers = r->trailers,
                               .made = VEC(struct made),
                               .after = VEC(uint32_t),
                               .whole = is_whole(r)};
    p->skipped += !q->whole;
    p->first_ns = r->at_ns < p->first_ns ? r->at_ns : p->first_ns;
    return arena_keep(&p->arena, &q->head, err) && arena_keep(&p->arena, &q->body, err) &&
           arena_keep(&p->arena, &q->trailers, err);
}

static bool load_response(struct loading *l, const struct tape_record *r, struct err *err)
{
    uint32_t at = look(&l->request_at, r->request);

    if (!at || r->flags & (HTTP_LOST | HTTP_INCOMPLETE))
        return true;
    struct plan_request *q = plan_request(l->plan, at - 1);
    q->answered_ns = r->last_ns;
    const struct made_source from = {.method = http_method(q->head),
                                     .target = http_target(q->head),
                                     .head = r->head,
                                     .body = r->body};
    if (!made_find(&from, &q->made, err))
        return false;
    l->plan->makes |= q->made.count > 0;
    return true;
}

static bool load_gap(struct loading *l, const struct tape_record *r)
{
    uint32_t conn = look(&l->conn_at, r->conn);

    if (conn && !plan_conn(l->plan, conn - 1)->lossy) {
        plan_conn(l->plan, conn - 1)->lossy = true;
        l->plan->gaps++;
    }
    l->plan->gap_bytes += r->bytes;
    return true;
}

static bool load_record(void *ctx, const struct tape_record *r, struct err *err)
{
    struct loading *l = ctx;

    switch (r->type) {
    case TAPE_META:
        return l->plan->meta || json_parse(r->text, "tape", &l->plan->meta, err);
    case TAPE_OPEN:
        return load_open(l, r, err);
    case TAPE_REQUEST:
        return load_request(l, r, err);
    case TAPE_RESPONSE:
        return load_response(l, r, err);
    case TAPE_GAP:
        return load_gap(l, r);
    case TAPE_CLOSE:
    case TAPE_STATS:
    case TAPE_END:
    case TAPE_RESULT:
    case TAPE_MAPPED:
        return true;
    }
    return true;
}

static bool check_content(const char *path, struct tape_in *in, struct err *err)
{
    if (tape_reader_content(tape_in_reader(in)) == TAPE_TRAFFIC)
        return true;
    err_set(err, ERR_USAGE, "'%s' holds the results of a replay, not traffic", path);
    return err_hint(err, "name the tape that `record` wrote");
}

bool plan_load(const char *path, struct plan **out, struct err *err)
{
    AUTO(tape_in) struct tape_in *in = NULL;
    AUTO(vec) struct vec conn_at = VEC(uint32_t);
    AUTO(vec) struct vec request_at = VEC(uint32_t);
    AUTO(plan) struct plan *p = calloc(1, sizeof(*p));

    if (!p)
        return err_memory(err);
    p->conns = (struct vec)VEC(struct plan_conn);
    p->requests = (struct vec)VEC(struct plan_request);
    p->first_ns = INT64_MAX;
    if (!tape_in_open(path, &in, err) || !check_content(path, in, err))
        return false;
    struct loading l = {p, conn_at, request_at};
    bool ok = tape_in_each(in, load_record, &l, &p->damage, err);
    conn_at = l.conn_at;
    request_at = l.request_at;
    if (!ok)
        return false;
    if (p->requests.count == 0) {
        if (p->damage.code) {
            *err = p->damage;
            return false;
        }
        err_set(err, ERR_MISSING, "tape '%s' holds no request", path);
        return err_hint(err, "was there traffic on the recorded ports?");
    }
    if (p->makes && !depend_find(p, err))
        return false;
    if (!p->damage.code && !tape_reader_closed(tape_in_reader(in)))
        err_set(&p->damage, ERR_DAMAGED, "tape '%s' was not closed", path);
    *out = TAKE(p);
    return true;
}
