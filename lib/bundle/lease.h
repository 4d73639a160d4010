/* Leases: what somebody at work needs and no manifest names yet.
 *
 * A lease is the object "tmp/lease-..." of the store, a JSON object that names bundles and blobs. gc
 * keeps these, with all that the bundles need, and every blob and temporary file that is younger
 * than the lease. So a writer takes its lease before it looks at what it will build on, and gc looks
 * for leases after it took bundles out of index.json.
 * A lease ends with lease_end(). One left by a crash is dead when its process is gone from this
 * host, or after LEASE_LIFE_NS without a renewal.
 * Threads: lease_renew() any; the rest the owner's.
 */
#ifndef LIB_BUNDLE_LEASE_H
#define LIB_BUNDLE_LEASE_H

#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"

#define LEASE_LIFE_NS ((int64_t)24 * 3600 * 1000000000)
#define LEASE_MAX     ((size_t)64 << 20)

struct lease;

/* `bundles` and `blobs` hold struct digest; NULL: none. */
bool lease_take(struct store *store, const char *what, const struct vec *bundles,
                const struct vec *blobs, struct lease **out, struct err *err);
/* For who only reads this bundle. NULL when none can be had, as in a store that may not be written:
 * then the grace period of gc is all that there is. */
struct lease *lease_reader(struct store *store, const char *what, const struct digest *manifest);
/* Cheap to call often; writes it anew after some minutes only. A failure to do so is none: the lease
 * lives for a day. */
void lease_renew(struct lease *l);
void lease_end(struct lease *l);
AUTO_PTR(lease, struct lease, lease_end)

/* Of all living leases: what they name (struct digest), and when the oldest was taken, by the
 * store's clock; INT64_MAX without any. */
struct leases {
    struct vec bundles, blobs;
    int64_t since_ns;
    size_t living;
};
void leases_done(struct leases *l);
static inline void auto_leases(struct leases *l)
{
    leases_done(l);
}
bool leases_read(struct store *store, struct leases *out, struct err *err);
bool lease_is(const char *name);

#endif
