/* The manifest of a bundle: an OCI image manifest with an artifact type of its own.
 *
 * Layers: the segment index, then the packs in the order of their numbers; of an encrypted bundle
 *         all of them sealed, and behind them its details and its wrapped keys.
 * Signed: the manifest without its signature and without the wrapped keys, so that a signature
 *         travels with the bundle and outlives a change of recipients.
 * Source: OCI image-spec 1.1, manifest.md. config.mediaType repeats the type for registries and
 *         tools that know no artifactType.
 */
#ifndef LIB_BUNDLE_MANIFEST_H
#define LIB_BUNDLE_MANIFEST_H

#include "lib/bundle/index.h"

#define MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_BUNDLE   "application/vnd.rehearse.bundle.v1+json"
#define MEDIA_INDEX    "application/vnd.rehearse.index.v1+zstd"
#define MEDIA_PACK     "application/vnd.rehearse.pack.v1+zstd"

#define MEDIA_INDEX_SEALED   "application/vnd.rehearse.index.v1+sealed"
#define MEDIA_PACK_SEALED    "application/vnd.rehearse.pack.v1+sealed"
#define MEDIA_DETAILS_SEALED "application/vnd.rehearse.details.v1+sealed"
#define MEDIA_KEYS           "application/vnd.rehearse.keys.v1+json"

#define NOTE_CREATED     "org.opencontainers.image.created"
#define NOTE_TAG         "org.opencontainers.image.ref.name"
#define NOTE_ENVIRONMENT "io.rehearse.environment"
#define NOTE_SIGNER      "io.rehearse.signer"
#define NOTE_SIGNATURE   "io.rehearse.signature"

#define MANIFEST_MAX  ((size_t)4 << 20) /* what registries take */
#define CONFIG_MAX    ((size_t)64 << 20)
#define LAYOUT_ID_MAX 256

struct manifest {
    struct index_pack config, index; /* digest and size of these blobs */
    struct vec packs;                /* struct index_pack */
    char created[LAYOUT_ID_MAX];
    char environment[LAYOUT_ID_MAX];
    bool sealed; /* index and packs are; then these two are there: */
    struct index_pack details, keys;
    char signer[LAYOUT_ID_MAX]; /* "" when it is not signed */
    char signature[LAYOUT_ID_MAX];
    char *to_sign; /* of a decoded one: what the signature is over; heap */
};

void manifest_init(struct manifest *m);
void manifest_done(struct manifest *m);
static inline void auto_manifest(struct manifest *m)
{
    manifest_done(m);
}

/* Heap text, the same for the same values. */
char *manifest_encode(const struct manifest *m);
/* The bytes that a signature is over; heap. */
char *manifest_to_sign(const struct manifest *m);
/* ERR_UNSUPPORTED for a manifest of something else. `m` was initialised. */
bool manifest_decode(struct span text, struct manifest *m, struct err *err);

/* {"mediaType":..,"digest":"sha256:..","size":..}; new reference, NULL without memory. */
json_t *descriptor_json(const char *media, const struct index_pack *blob);
bool descriptor_parse(const json_t *descriptor, struct index_pack *out, struct err *err);
/* "sha256:<hex>" or "<hex>". */
bool digest_text_parse(const char *text, struct digest *out);
#define DIGEST_TEXT 80
const char *digest_text(const struct digest *d, char out[DIGEST_TEXT]);

#endif
