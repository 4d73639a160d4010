/* The answers of one replay, or of the tape itself, by request number. */
#ifndef REPLAY_ANSWERS_H
#define REPLAY_ANSWERS_H

#include "replay/arena.h"
#include "replay/outcome.h"
#include "replay/session.h"

struct answer {
    uint64_t number;  /* of the request */
    struct span line; /* its request line, as recorded */
    struct span head, body;
    struct span digest; /* of the body, empty when unknown */
    uint64_t body_bytes;
    unsigned flags;
    uint16_t status;
    uint8_t code; /* enum outcome_code */
    int64_t due_ns, sent_ns, last_ns;
};

struct answers {
    struct vec at;            /* struct answer, by number */
    struct session *recorded; /* replayed value (a MADE_TOKEN without noun) -> recorded one */
    struct arena arena;
    bool traffic; /* as recorded, not from a replay */
};

/* A file that is cut is an error here: its missing part would look like differences. */
bool answers_load(const char *path, struct answers **out, struct err *err);
void answers_free(struct answers *a);
AUTO_PTR(answers, struct answers, answers_free)
const struct answer *answers_find(const struct answers *a, uint64_t number);
static inline const struct answer *answers_at(const struct answers *a, size_t i)
{
    return &((const struct answer *)a->at.at)[i];
}
/* Both values are the same, or stand for the same recorded one. */
bool answers_same_value(const struct answers *a, struct span in_a, const struct answers *b,
                        struct span in_b);

#endif
