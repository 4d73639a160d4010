#include "lib/bundle/blob.h"

#include "lib/bundle/manifest.h"

#include <inttypes.h>

/* ---- reading ---------------------------------------------------------------------------------*/

static bool cannot_get(struct store *store, const char *text, struct err *err)
{
    if (err && err->code == ERR_MISSING)
        return err_set(err, ERR_DAMAGED, "blob '%s' is missing from store '%s'", text, store->url);
    return err_add(err, "blob '%s'", text);
}

static bool check_digest(const struct index_pack *blob, struct digest found, const char *text,
                         struct err *err)
{
    return digest_eq(&found, &blob->digest) ||
           err_set(err, ERR_DAMAGED, "blob '%s' was altered: its SHA-256 is another", text);
}

static bool check_size(const struct index_pack *blob, uint64_t found, const char *text,
                       struct err *err)
{
    return found == blob->bytes ||
           err_set(err, ERR_DAMAGED, "blob '%s' has %" PRIu64 " bytes and should have %" PRIu64,
                   text, found, blob->bytes);
}

bool blob_get(struct store *store, const struct index_pack *blob, size_t max, struct buf *out,
              struct err *err)
{
    char name[STORE_NAME_MAX], text[DIGEST_TEXT];

    digest_text(&blob->digest, text);
    if (!store_get(store, store_blob_name(&blob->digest, name), max, out, err))
        return cannot_get(store, text, err);
    return check_size(blob, out->len, text, err) &&
           check_digest(blob, hash_of(buf_view(out)), text, err);
}

static bool fetch_pieces(struct store *store, const struct index_pack *blob, const char *name,
                         struct spill *out, struct digest *found, struct err *err)
{
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err))
        return false;
    while (out->len < blob->bytes) {
        uint64_t left = blob->bytes - out->len, at = out->len;
        size_t len = left < SPILL_PIECE ? (size_t)left : SPILL_PIECE;
        char *to = spill_add(out, NULL, len, err);

        if (!to || !store->ops->read(store, name, at, to, len, err))
            return false;
        hash_add(h, to, len);
    }
    *found = hash_end(h);
    return true;
}

bool blob_fetch(struct store *store, const struct index_pack *blob, size_t max, struct spill *out,
                struct err *err)
{
    char name[STORE_NAME_MAX], text[DIGEST_TEXT];
    struct store_stat st;
    struct digest found;

    digest_text(&blob->digest, text);
    store_blob_name(&blob->digest, name);
    if (blob->bytes > max)
        return err_set(err, ERR_DAMAGED, "blob '%s' cannot have %" PRIu64 " bytes", text,
                       blob->bytes);
    if (!store->ops->stat(store, name, &st, err))
        return cannot_get(store, text, err);
    if (!check_size(blob, st.bytes, text, err) || !spill_open(out, (size_t)blob->bytes, err))
        return false;
    if (!fetch_pieces(store, blob, name, out, &found, err))
        return cannot_get(store, text, err);
    return check_digest(blob, found, text, err);
}

/* ---- writing ---------------------------------------------------------------------------------*/

bool blob_open(struct store *store, struct blob_put *b, struct err *err)
{
    *b = (struct blob_put){0};
    return hash_open(&b->hash, err) && store->ops->put(store, &b->put, err);
}

bool blob_add(struct blob_put *b, struct span bytes, struct err *err)
{
    if (!b->put->ops->append(b->put, bytes.at, bytes.len, err))
        return false;
    hash_add(b->hash, bytes.at, bytes.len);
    b->bytes += bytes.len;
    return true;
}

bool blob_commit(struct blob_put *b, struct index_pack *out, struct err *err)
{
    struct digest made = hash_end(b->hash);
    struct store_put *put = TAKE(b->put);
    char name[STORE_NAME_MAX];

    if (!put->ops->commit(put, store_blob_name(&made, name), err))
        return false;
    out->digest = made;
    out->bytes = b->bytes;
    return true;
}

void blob_abort(struct blob_put *b)
{
    if (b->put)
        b->put->ops->abort(b->put);
    hash_close(b->hash);
    *b = (struct blob_put){0};
}

bool blob_put_all(struct store *store, const struct spill *bytes, struct index_pack *out,
                  struct err *err)
{
    AUTO(blob_put) struct blob_put b = {0};
    struct span piece;

    if (!blob_open(store, &b, err))
        return false;
    for (size_t at = 0; spill_next(bytes, &at, &piece);)
        if (!blob_add(&b, piece, err))
            return false;
    return blob_commit(&b, out, err);
}

bool blob_put_text(struct store *store, const char *text, struct index_pack *out, struct err *err)
{
    if (!text)
        return err_memory(err);
    *out = (struct index_pack){.bytes = strlen(text)};
    return store_put_blob(store, span_of(text), &out->digest, err);
}
