#include "replay/results.h"

#include "lib/base/hash.h"
#include "lib/wire/tape.h"

bool results_pack(struct buf *out, const struct plan_request *q, uint64_t conn,
                  const struct outcome *o, const struct http_message *m, struct err *err)
{
    struct digest digest;
    struct tape_record r = {.type = TAPE_RESULT,
                            .conn = conn,
                            .request = q->number,
                            .at_ns = o->due_ns,
                            .ready_ns = o->ready_ns,
                            .sent_ns = o->sent_ns,
                            .first_ns = o->first_ns,
                            .last_ns = o->last_ns,
                            .status = o->status,
                            .code = o->code,
                            .text = http_start_line(q->head)};

    if (m) {
        r.flags = m->flags;
        r.head = buf_view(&m->head);
        r.body = buf_view(&m->body);
        r.bytes = m->body_bytes;
        digest = hash_of(r.body);
        r.digest = (struct span){(const char *)digest.at, sizeof(digest.at)};
        if (r.body.len > RESULTS_BODY_KEPT) {
            r.flags |= HTTP_CUT;
            r.body = (struct span){"", 0};
        }
    }
    return tape_pack(out, &r, err);
}

static bool pack_one(void *ctx, enum made_kind kind, struct span noun, struct span from,
                     struct span to, struct err *err)
{
    const struct tape_record r = {
        .type = TAPE_MAPPED, .noun = kind == MADE_ID ? noun : SPAN(""), .from = from, .to = to};

    return tape_pack(ctx, &r, err);
}

bool results_pack_session(struct buf *out, struct session *s, struct err *err)
{
    return session_each(s, pack_one, out, err);
}
