/* What differs between two bundles, as a JSON document:
 *
 *   {"files":  [{"tree", "path", "change": added|removed|changed, "kinds": [content, type, mode,
 *                owner, size, mtime, link, xattrs], "before", "after" (sizes), "diff"?}],
 *    "tables": [{"stream", "change", "rows_before", "rows_after", "bytes_before", "bytes_after",
 *                "changed_share" (of the segments of the later one, 0 to 1)}],
 *    "texts":  [{"stream", "change", "diff"?}],            schema and other SQL
 *    "facts":  [{"fact", "path", "before", "after"}]}      null: not there
 * Everything that is not named is the same. Only segments that the two do not share are read.
 * Memory: a struct per entry of such a segment; the bundles may lie in different stores.
 */
#ifndef LIB_BUNDLE_DIFF_H
#define LIB_BUNDLE_DIFF_H

#include "lib/bundle/bundle.h"

#define DIFF_TEXT_MAX ((size_t)64 << 10) /* larger files are not shown line by line */

struct diff_conf {
    bool text; /* of every small text file, not only of the tree "config" */
};

bool bundle_diff(struct bundle *before, struct bundle *after, const struct diff_conf *conf,
                 json_t **out, struct err *err);

/* Appends to `out` what differs in the tree of these two streams; either may be NULL. */
bool diff_tree(struct bundle *before, const struct stream *a, struct bundle *after,
               const struct stream *b, const struct diff_conf *conf, json_t *out, struct err *err);

#endif
