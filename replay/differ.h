/* The differences between two answers to one request.
 *
 * Where:  "status"; "header content-type"; JSON by path with list positions left out
 *         ("$.items[].price"); HTML and text by line, with numbers as '#' ("line <td># EUR</td>");
 *         other bodies as a whole ("hash").
 * Lists of objects that have an `id` are matched by it, others by position; a list that only has
 * another order is one difference, "order" behind its path.
 */
#ifndef REPLAY_DIFFER_H
#define REPLAY_DIFFER_H

#include "replay/answers.h"

enum differ_kind { DIFFER_CHANGED, DIFFER_MISSING, DIFFER_ADDED };
const char *differ_kind_name(enum differ_kind kind);

#define DIFFER_WHERE_MAX 160

/* `old` or `new` is empty where the kind says so. Borrowed for the call. */
typedef bool (*differ_fn)(void *ctx, const char *where, enum differ_kind kind, struct span old,
                          struct span new, struct err *err);

struct differ {
    const struct answers *old_side, *new_side; /* for the values that stand for others */
    differ_fn fn;
    void *ctx;
};

bool differ_answers(const struct differ *d, const struct answer *old, const struct answer *new,
                    struct err *err);
bool differ_json(const struct differ *d, struct span old, struct span new, bool *both_json,
                 struct err *err);
bool differ_text(const struct differ *d, struct span old, struct span new, struct err *err);

#endif
