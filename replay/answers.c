#include "replay/answers.h"

#include "lib/wire/http_msg.h"
#include "replay/tape_file.h"

void answers_free(struct answers *a)
{
    if (!a)
        return;
    vec_done(&a->at);
    session_free(a->recorded);
    arena_done(&a->arena);
    free(a);
}

static bool keep_answer(struct answers *a, struct answer *x, struct err *err)
{
    struct answer *to = vec_add(&a->at, err);

    if (!to)
        return false;
    *to = *x;
    return arena_keep(&a->arena, &to->line, err) && arena_keep(&a->arena, &to->head, err) &&
           arena_keep(&a->arena, &to->body, err) && arena_keep(&a->arena, &to->digest, err);
}

static bool take_result(struct answers *a, const struct tape_record *r, struct err *err)
{
    struct answer x = {.number = r->request,
                       .line = r->text,
                       .head = r->head,
                       .body = r->body,
                       .digest = r->digest,
                       .body_bytes = r->bytes,
                       .flags = r->flags,
                       .status = r->status,
                       .code = r->code,
                       .due_ns = r->at_ns,
                       .sent_ns = r->sent_ns,
                       .last_ns = r->last_ns};

    return keep_answer(a, &x, err);
}

static bool take_request(struct answers *a, const struct tape_record *r, struct err *err)
{
    struct answer x = {.number = r->request,
                       .line = http_start_line(r->head),
                       .due_ns = r->at_ns,
                       .sent_ns = r->at_ns};

    return keep_answer(a, &x, err);
}

/* A response follows its request closely, so it is looked for from the end. */
static bool take_response(struct answers *a, const struct tape_record *r, struct err *err)
{
    struct answer *x = NULL;

    for (size_t i = a->at.count; i > 0 && !x; i--)
        if (((struct answer *)a->at.at)[i - 1].number == r->request)
            x = &((struct answer *)a->at.at)[i - 1];
    if (!x || r->flags & (HTTP_LOST | HTTP_INCOMPLETE))
        return true;
    x->head = r->head;
    x->body = r->body;
    x->body_bytes = r->bytes;
    x->flags = r->flags;
    x->status = r->status;
    x->last_ns = r->last_ns;
    x->code = OUTCOME_ANSWERED;
    return arena_keep(&a->arena, &x->head, err) && arena_keep(&a->arena, &x->body, err);
}

static bool each(void *ctx, const struct tape_record *r, struct err *err)
{
    struct answers *a = ctx;

    switch (r->type) {
    case TAPE_RESULT:
        return take_result(a, r, err);
    case TAPE_REQUEST:
        return take_request(a, r, err);
    case TAPE_RESPONSE:
        return take_response(a, r, err);
    case TAPE_MAPPED:
        return session_put(a->recorded, MADE_TOKEN, SPAN(""), r->to, r->from, err);
    case TAPE_META:
    case TAPE_OPEN:
    case TAPE_CLOSE:
    case TAPE_GAP:
    case TAPE_STATS:
    case TAPE_END:
        return true;
    }
    return true;
}

static int by_number(const void *x, const void *y)
{
    const struct answer *a = x, *b = y;

    return (a->number > b->number) - (a->number < b->number);
}

bool answers_load(const char *path, struct answers **out, struct err *err)
{
    AUTO(tape_in) struct tape_in *in = NULL;
    struct err damage = {0};
    AUTO(answers) struct answers *a = calloc(1, sizeof(*a));

    if (!a)
        return err_memory(err);
    a->at = (struct vec)VEC(struct answer);
    if (!session_new(&a->recorded, err) || !tape_in_open(path, &in, err))
        return false;
    a->traffic = tape_reader_content(tape_in_reader(in)) == TAPE_TRAFFIC;
    if (!tape_in_each(in, each, a, &damage, err))
        return false;
    if (damage.code) {
        if (err)
            *err = damage;
        return false;
    }
    if (a->at.count)
        qsort(a->at.at, a->at.count, sizeof(struct answer), by_number);
    *out = TAKE(a);
    return true;
}

const struct answer *answers_find(const struct answers *a, uint64_t number)
{
    const struct answer key = {.number = number};

    return a->at.count ? bsearch(&key, a->at.at, a->at.count, sizeof(key), by_number) : NULL;
}

/* The recorded value behind one of this replay; itself when none is known. */
static struct span recorded(const struct answers *a, struct span value, struct buf *room)
{
    return session_get(a->recorded, MADE_TOKEN, SPAN(""), value, room) ? buf_view(room) : value;
}

bool answers_same_value(const struct answers *a, struct span in_a, const struct answers *b,
                        struct span in_b)
{
    AUTO(buf) struct buf room_a = {0};
    AUTO(buf) struct buf room_b = {0};

    if (span_eq(in_a, in_b))
        return true;
    if (session_empty(a->recorded) && session_empty(b->recorded))
        return false;
    return span_eq(recorded(a, in_a, &room_a), recorded(b, in_b, &room_b));
}
