/* Differences between production, as the bundle's facts tell, and this box. Private to drift*.c. */
#ifndef REHEARSE_DRIFT_H
#define REHEARSE_DRIFT_H

#include "lib/bundle/bundle.h"
#include "rehearse/run.h"

struct drift {
    struct run *run;
    const char *kind;
    unsigned noted;
};

/* One drift event; beyond DRIFT_MAX of a kind nothing more is noted. */
bool drift_note(struct drift *d, const char *name, const json_t *production, const json_t *box,
                struct err *err);
/* A JSON document of the bundle's facts. New reference. */
bool drift_facts(struct bundle *b, const char *stream, json_t **out, struct err *err);
/* Versions and settings of the database servers; they must be up. */
bool drift_settings(struct run *r, struct bundle *bundle, struct err *err);

#endif
