/* What is known of a thing, as facts: what each is about, and its value.
 *
 * Statements of the bundle and of the box are taken apart into facts, and these are compared: so the
 * one attribute, setting, membership or right that differs is named, and a value that is nobody's
 * business is not shown.
 * Ownership: maps are json objects, {"of", "value", "hidden"} by what a fact is about. Threads: none
 * shared.
 */
#ifndef RESTORE_PROOF_FACTS_H
#define RESTORE_PROOF_FACTS_H

#include "lib/base/json.h"
#include "restore/proof_part.h"

struct fact {
    struct span key; /* "role reader: LOGIN" */
    struct span of; /* the thing, as the key of the fact that it is there: "role reader"; or none */
    struct span value; /* "yes" */
    bool hidden;       /* the value is not shown */
};

bool facts_put(json_t *map, const struct fact *fact, struct err *err);
/* "of", "value"; "" when there is none. */
const char *fact_member(const json_t *fact, const char *member);

/* Adds what the facts are about to a set. */
bool facts_know(const json_t *map, json_t *known, struct err *err);

/* known: things that are no surprise where the bundle has none of them; own: those that are the
 * server's own, and never compared. Both as keys, or NULL. */
struct facts_both {
    struct proof_part *part;
    json_t *bundle, *box;
    const json_t *known, *own;
    bool met_own; /* one of `own` differs */
};

/* Notes each fact that differs. Of a thing that is missing or extra as a whole that alone is said. */
bool facts_compare(struct facts_both *c, struct err *err);

#endif
