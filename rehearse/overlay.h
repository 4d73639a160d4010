/* Lays the files of a release over a tree of the box.
 *
 * Each file lands whole (temporary name, rename) with the mode of the release's file and the owner
 * of what it replaces, or of the folder it lands in. Links are replaced, never followed, so a tree
 * cannot lead out of the box. Special files in a release are refused.
 * Errors: ERR_MISSING for `from`, ERR_IO, ERR_SPACE.
 */
#ifndef REHEARSE_OVERLAY_H
#define REHEARSE_OVERLAY_H

#include "lib/base/err.h"
#include "lib/base/hash.h"

#include <stdint.h>

struct overlay_result {
    uint64_t added, changed, same;
    struct digest digest; /* over names, modes and contents of the release's files, in order */
};

struct overlay_conf {
    const char *from, *to;
    /* Called with the path inside the tree of each file that was added or changed; may be NULL. */
    bool (*landed)(void *ctx, const char *path, struct err *err);
    void *ctx;
};
bool overlay_apply(const struct overlay_conf *conf, struct overlay_result *out, struct err *err);
/* The digest alone; a single file or a tree. */
bool overlay_digest(const char *from, struct digest *out, struct err *err);

#endif
