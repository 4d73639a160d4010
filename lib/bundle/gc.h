/* Taking bundles out of a store by rules, and freeing what nothing needs any more.
 *
 * Steps: retire what the rules do not keep; drop retired bundles whose grace period has passed; read
 * the leases of others at work (lease.h); mark all that is still listed; sweep blobs and temporary
 * files that are unmarked, older than the grace period and older than every living lease.
 * Readers hold leases too, or, where they may not write, have the grace period to finish.
 * Errors: nothing is swept when a listed bundle's manifest cannot be read (ERR_DAMAGED).
 */
#ifndef LIB_BUNDLE_GC_H
#define LIB_BUNDLE_GC_H

#include "lib/base/vec.h"
#include "lib/bundle/tags.h"

/* As restic and borg count: of each environment, the newest bundle of each of the last N days (ISO
 * weeks, months) that have one. All 0: every bundle is kept. Times are UTC. */
struct gc_rules {
    uint64_t last, daily, weekly, monthly;
};

struct gc_conf {
    struct gc_rules rules;
    const char *environment; /* the rules apply to this one only; NULL: to all */
    int64_t grace_ns;
    bool dry_run; /* nothing is changed; says what would be */
};

struct gc_retired {
    struct digest manifest;
    char created[LAYOUT_ID_MAX], environment[LAYOUT_ID_MAX];
};

struct gc_count {
    uint64_t count, bytes;
};

struct gc_report {
    struct vec retired;     /* struct gc_retired: by the rules, in this run */
    uint64_t bundles;       /* that stay */
    uint64_t pinned;        /* of these, against the rules */
    uint64_t waiting;       /* retired ones whose grace period has not passed */
    struct gc_count freed;  /* blobs */
    struct gc_count litter; /* temporary files */
    struct gc_count young;  /* not needed, but too young to be swept */
    struct gc_count kept;   /* blobs that are needed */
    uint64_t leases;        /* of others who are at work now */
};

bool bundle_gc(struct store *store, const struct gc_conf *conf, struct gc_report *out,
               struct err *err);
void gc_report_done(struct gc_report *r);
static inline void auto_gc_report(struct gc_report *r)
{
    gc_report_done(r);
}

/* Sets keep[i] for what the rules keep of `count` bundles, newest first, one entry each. */
void gc_choose(const struct gc_rules *rules, const struct tagged *newest_first, size_t count,
               bool *keep);

#endif
