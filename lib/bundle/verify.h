/* Verification of a bundle in its store.
 *
 * L1: every blob is there, has its size and hashes to its name. L2: also every segment decodes,
 * hashes to what the index says and, column-wise, has rows * columns lines.
 * A verification that ran is a success, whatever it found: ask report.faults.count.
 * Ownership: verify_report_done(). Threads: `jobs` of its own.
 */
#ifndef LIB_BUNDLE_VERIFY_H
#define LIB_BUNDLE_VERIFY_H

#include "lib/base/progress.h"
#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"

enum verify_level { VERIFY_BLOBS = 1, VERIFY_CONTENT = 2 };

struct verify_conf {
    enum verify_level level;
    unsigned jobs;
    struct progress *progress;          /* may be NULL */
    const struct bundle_access *access; /* as for bundle_open_as(); L1 needs no key */
};

struct verify_fault {
    struct digest blob;
    char *what;     /* one line */
    json_t *breaks; /* array of the names of the streams that cannot be read whole; sorted */
};

struct verify_report {
    struct vec faults;               /* struct verify_fault, in the order of the packs */
    uint64_t blobs, segments, bytes; /* looked at */
};

bool bundle_verify(struct store *store, const char *ref, const struct verify_conf *conf,
                   struct verify_report *out, struct err *err);
void verify_report_done(struct verify_report *r);
static inline void auto_verify_report(struct verify_report *r)
{
    verify_report_done(r);
}

#endif
