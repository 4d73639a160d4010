/* The verdict: GO, NO-GO or INCONCLUSIVE, by rules from a table, over the events of a journal.
 *
 * A pure function of the events: the thresholds stand in the journal too (event "policy"), so the
 * same journal gives the same verdict years later, and verdict_judge() with another policy judges
 * it anew. A rule yields reasons; the gravest reason that is not accepted decides:
 * any BLOCK is NO-GO; else any DOUBT is INCONCLUSIVE; else GO. WARN and NOTE never decide.
 * Ownership: verdict_done() releases the strings. Threads: none shared.
 */
#ifndef REHEARSE_VERDICT_H
#define REHEARSE_VERDICT_H

#include "lib/base/err.h"
#include "lib/base/vec.h"
#include "lib/env/release.h"

#include <jansson.h>

/* The numbers are exit statuses. */
enum verdict { VERDICT_GO = 0, VERDICT_NO_GO = 1, VERDICT_INCONCLUSIVE = 2 };

enum severity { SEVERITY_NOTE, SEVERITY_WARN, SEVERITY_DOUBT, SEVERITY_BLOCK };

struct reason {
    const char *rule; /* of the table */
    enum severity severity;
    char *subject;  /* what it is about; what judge.accept is matched with */
    char *text;     /* one sentence with the figures */
    char *accepted; /* the reason given in the release file; NULL: not accepted */
};

struct verdict_result {
    enum verdict verdict;
    struct vec reasons; /* struct reason, gravest first */
};

struct verdict_rule {
    const char *name;
    const char *text; /* for --help and the report: what it catches */
};
/* Ends with a NULL name. */
extern const struct verdict_rule verdict_rules[];

bool verdict_judge(const json_t *events, const struct release_judge *policy,
                   struct verdict_result *out, struct err *err);
void verdict_done(struct verdict_result *r);
static inline void auto_verdict(struct verdict_result *r)
{
    verdict_done(r);
}

/* The events that count (new reference; NULL: no memory). A resumed run repeats all that lies behind the
 * step it goes on from, so what the interrupted attempt did there says nothing of the release any
 * more. The verdict, and what a report lists, go by these. */
json_t *verdict_events(const json_t *events);

/* The first reason of `other` that is grave (BLOCK or DOUBT), not accepted, of another rule than `but`,
 * and of which `first` says nothing; NULL: none. */
const struct reason *verdict_worse(const struct verdict_result *first,
                                   const struct verdict_result *other, const char *but);

/* The policy as the journal holds it, and back; policy_done() frees what policy_read() made. */
json_t *policy_json(const struct release_judge *policy);
bool policy_read(const json_t *events, struct release_judge *out, struct err *err);
void policy_done(struct release_judge *policy);

const char *verdict_name(enum verdict v);
const char *severity_name(enum severity s);
/* {"verdict":..., "reasons":[...]}: the fields of the journal's verdict event. */
json_t *verdict_json(const struct verdict_result *r);

#endif
