/* A bundle as one tar that lives without us, and back.
 *
 * The tar is an OCI image layout with one bundle, and at its root README.txt (how to restore with
 * tar, zstd, awk, psql and mariadb alone), SHA256SUMS, columns.awk (which decodes columns), streams.tsv
 * and segments.tsv (where each stream lies). The same bundle gives the same bytes. Deltas are made complete frames first (flatten.h).
 * Of an encrypted bundle the blobs are exported as they are, without the two tables.
 * Source: OCI image-layout 1.0; POSIX.1-2001 pax, ustar where it suffices.
 */
#ifndef LIB_BUNDLE_EXPORT_H
#define LIB_BUNDLE_EXPORT_H

#include "lib/base/progress.h"
#include "lib/bundle/tags.h"

struct export_conf {
    const char *scratch; /* a path that does not exist yet, for a flattened copy; removed again */
    unsigned jobs;       /* threads that make deltas complete; 0: one */
    struct progress *progress;
    const char *name; /* of the tar, for errors; NULL: "the tar" */
};

struct export_report {
    struct digest manifest; /* as exported */
    uint64_t blobs, bytes;
    bool flattened, sealed;
};

/* Writes the tar to `fd`; what was written of it on failure is of no use. */
bool bundle_export(struct store *store, const char *ref, int fd, const struct export_conf *conf,
                   struct export_report *report, struct err *err);

struct import_report {
    uint64_t bundles, blobs, bytes;
};

/* Reads a tar of an OCI layout, of ours or another tool's, in one pass. Every blob is compared with
 * its name; nothing is listed before all of every bundle is there. ERR_DAMAGED for names that lead
 * elsewhere, links, anything else that does not belong there, and for absurd sizes. */
bool bundle_import(int fd, struct store *store, struct progress *progress,
                   struct import_report *report, struct err *err);

/* README.txt; `sealed`: of an encrypted bundle. `created`, `environment`: of the bundle. */
bool export_readme(struct buf *out, const char *environment, const char *created,
                   const struct bundle *b, struct err *err);

#endif
