/* Bundles from one store to another: push and pull.
 *
 * Only blobs that the other store lacks are sent, several at the same time, each checked against its
 * name on the way; then the manifest, then the tags. So a transfer that broke off is taken up by
 * doing it again, and nothing is visible before all of it is there. A lease keeps gc away.
 * Blobs are sent as they are: encrypted ones need no key.
 * Errors: ERR_DAMAGED names the blob of the source that is missing or altered.
 */
#ifndef LIB_BUNDLE_TRANSFER_H
#define LIB_BUNDLE_TRANSFER_H

#include "lib/base/progress.h"
#include "lib/base/vec.h"
#include "lib/bundle/tags.h"

struct transfer_conf {
    unsigned jobs;
    struct progress *progress; /* may be NULL */
};

struct transfer_report {
    uint64_t sent, sent_bytes;   /* blobs */
    uint64_t there, there_bytes; /* already */
};

/* Adds to *report. The bundle keeps its tags; where a dated one is taken by another bundle, a number
 * is put behind it. */
bool bundle_transfer(struct store *from, const char *ref, struct store *to,
                     const struct transfer_conf *conf, struct transfer_report *report,
                     struct err *err);

/* ERR_DAMAGED unless every blob (struct index_pack) is there with its size. */
bool blobs_are_there(struct store *store, const struct vec *blobs, struct err *err);

#endif
