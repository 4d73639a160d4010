#include "lib/bundle/export.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/escape.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/bundle/flatten.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/relay.h"
#include "lib/bundle/tags_edit.h"
#include "lib/store/name.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>

#define BLOCKS    ((int)1 << 20)
#define DIR_MODE  0755
#define FILE_MODE 0644

static const char decoder[] =
#include "lib/bundle/columns.awk.h"
    ;

struct export
{
    struct store *store;
    const struct export_conf *conf;
    struct export_report *report;
    struct archive *tar;
    struct archive_entry *entry;
    int fd;
    bool failed; /* nothing more is written */
    off_t written, begun;
    int64_t created_ns;
    struct index_pack manifest;
    struct vec tags; /* struct tagged: of the bundle */
    struct marks blobs;
    struct buf sums;
};

/* ---- tar -------------------------------------------------------------------------------------*/

static bool tar_failed(struct export *x, struct err *err)
{
    const char *why = archive_error_string(x->tar);
    const char *name = x->conf->name ? x->conf->name : "the tar";
    int number = archive_errno(x->tar);

    errno = number;
    if (number == ENOSPC || number == EDQUOT || number == EIO)
        return err_sys(err, ERR_IO, "cannot write '%s'", name);
    return err_set(err, ERR_FAILED, "cannot write '%s': %s", name, why ? why : "out of memory");
}

static bool begin(struct export *x, const char *name, mode_t type, uint64_t bytes, struct err *err)
{
    archive_entry_clear(x->entry);
    archive_entry_set_pathname(x->entry, name);
    archive_entry_set_filetype(x->entry, type);
    archive_entry_set_perm(x->entry, type == AE_IFDIR ? DIR_MODE : FILE_MODE);
    archive_entry_set_size(x->entry, (la_int64_t)bytes);
    archive_entry_set_mtime(x->entry, x->created_ns / 1000000000, 0);
    return archive_write_header(x->tar, x->entry) == ARCHIVE_OK || tar_failed(x, err);
}

static bool more(struct export *x, const void *bytes, size_t len, struct err *err)
{
    return archive_write_data(x->tar, bytes, len) == (la_ssize_t)len || tar_failed(x, err);
}

static bool add_text(struct export *x, const char *name, struct span text, struct err *err)
{
    struct digest digest = hash_of(text);
    char hex[HASH_HEX];

    digest_hex(&digest, hex);
    buf_printf(&x->sums, "%s  %s\n", hex, name);
    return begin(x, name, AE_IFREG, text.len, err) &&
           (!text.len || more(x, text.at, text.len, err));
}

/* ---- blobs -----------------------------------------------------------------------------------*/

static bool read_blob(struct export *x, struct relay *r, const struct index_pack *blob,
                      struct hash *hash, struct err *err)
{
    char name[STORE_NAME_MAX];

    store_blob_name(&blob->digest, name);
    for (uint64_t at = 0; at < blob->bytes;) {
        struct piece *p = relay_empty(r);

        if (!p) /* the writer has failed and says why */
            return false;
        p->len = blob->bytes - at < RELAY_BYTES ? (size_t)(blob->bytes - at) : RELAY_BYTES;
        if (!cmd_stop_check(err) || !x->store->ops->read(x->store, name, at, p->at, p->len, err))
            return false;
        hash_add(hash, p->at, p->len);
        at += p->len;
        relay_send(r, p);
    }
    struct digest found = hash_end(hash);
    if (digest_eq(&found, &blob->digest))
        return true;
    err_set(err, ERR_DAMAGED, "it was altered: its SHA-256 is another");
    return err_hint(err, "'rehearse bundle verify' says what it breaks");
}

/* All blobs, one behind the other: hashed in this thread, written by the other. */
static bool read_blobs(void *ctx, struct relay *r, struct err *err)
{
    struct export *x = ctx;
    const struct index_pack *all = x->blobs.blobs.at;
    AUTO(hash) struct hash *hash = NULL;
    char text[DIGEST_TEXT];

    if (!hash_open(&hash, err))
        return false;
    for (size_t i = 0; i < x->blobs.blobs.count; i++)
        if (!read_blob(x, r, &all[i], hash, err))
            return err_add(err, "blob '%s'", digest_text(&all[i].digest, text));
    return true;
}

static bool write_blob(struct export *x, struct relay *r, const struct index_pack *blob,
                       struct err *err)
{
    char name[STORE_NAME_MAX];

    if (!begin(x, store_blob_name(&blob->digest, name), AE_IFREG, blob->bytes, err))
        return false;
    for (uint64_t at = 0; at < blob->bytes;) {
        struct piece *p = relay_next(r);

        if (!p) /* the reader has failed and says why */
            return false;
        if (!more(x, p->at, p->len, err))
            return false;
        progress_add(x->conf->progress, p->len);
        at += p->len;
        relay_back(r, p);
    }
    return true;
}

static bool write_blobs(struct export *x, struct err *err)
{
    const struct index_pack *all = x->blobs.blobs.at;
    AUTO(relay) struct relay *r = NULL;
    struct err theirs = {0};
    bool ok = relay_open(read_blobs, x, &r, err);

    if (!ok)
        return false;
    for (size_t i = 0; ok && i < x->blobs.blobs.count; i++)
        ok = write_blob(x, r, &all[i], err);
    if (!ok)
        relay_stop(r);
    /* Of two that failed the reader was first: the writer's failure gives it no error of its own. */
    if (!relay_join(r, &theirs) && theirs.code)
        return err_pass(err, &theirs);
    return ok;
}

/* ---- the tables ------------------------------------------------------------------------------*/

/* What takes the rows of a table: COPY or LOAD DATA; "" where there is nothing to take them. */
static bool add_statement(const struct stream *s, struct buf *out)
{
    const char *copy = json_string_value(json_object_get(s->meta, "copy"));
    const char *load = json_string_value(json_object_get(s->meta, "load"));
    size_t len = 0;
    AUTO(free) char *bytes = load ? json_bytes_back(load, &len) : NULL;

    if (load)
        return bytes && escape_add(out, (struct span){bytes, len});
    return !copy || escape_add(out, span_of(copy));
}

static bool tables_text(struct bundle *b, struct buf *streams, struct buf *segments,
                        struct err *err)
{
    const struct index_pack *packs = bundle_index(b)->packs.at;
    size_t count = 0;
    const struct stream *all = bundle_streams(b, &count);
    char name[STORE_NAME_MAX];

    for (size_t i = 0; i < count; i++) {
        const struct stream *s = &all[i];

        buf_printf(streams, "%s\t%s\t%u\t%" PRIu64 "\t", s->name, stream_kind_name(s->kind),
                   s->kind == STREAM_COLUMNS ? bundle_columns(s) : 0, s->records);
        if (!add_statement(s, streams))
            return err_memory(err);
        buf_putc(streams, '\n');
        for (size_t k = 0; k < s->segment_count; k++)
            buf_printf(segments, "%s\t%" PRIu64 "\t%s\t%" PRIu64 "\t%" PRIu64 "\n", s->name,
                       s->segments[k].records,
                       store_blob_name(&packs[s->segments[k].pack].digest, name),
                       s->segments[k].offset, s->segments[k].stored_bytes);
    }
    return buf_ok(streams, err) && buf_ok(segments, err);
}

static bool add_tables(struct export *x, struct bundle *b, struct err *err)
{
    AUTO(buf) struct buf streams = {0};
    AUTO(buf) struct buf segments = {0};

    return tables_text(b, &streams, &segments, err) &&
           add_text(x, "columns.awk", span_of(decoder), err) &&
           add_text(x, "streams.tsv", buf_view(&streams), err) &&
           add_text(x, "segments.tsv", buf_view(&segments), err);
}

/* ---- the layout ------------------------------------------------------------------------------*/

static bool layout_index(struct export *x, char **out, struct err *err)
{
    const struct tagged *tags = x->tags.at;
    json_t *list = json_array();
    AUTO(json)
    json_t *all = json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType",
                            "application/vnd.oci.image.index.v1+json", "manifests", list);

    for (size_t i = 0; all && i < x->tags.count; i++) {
        json_t *entry = descriptor_json(MEDIA_MANIFEST, &x->manifest);
        json_t *notes = json_object();

        json_object_set_new(entry, "artifactType", json_string(MEDIA_BUNDLE));
        if (tags[i].tag[0])
            json_object_set_new(notes, NOTE_TAG, json_string(tags[i].tag));
        if (tags[i].created[0])
            json_object_set_new(notes, NOTE_CREATED, json_string(tags[i].created));
        if (tags[i].environment[0])
            json_object_set_new(notes, NOTE_ENVIRONMENT, json_string(tags[i].environment));
        json_object_set_new(entry, "annotations", notes);
        json_array_append_new(list, entry);
    }
    *out = all ? json_text(all) : NULL;
    return (*out && json_array_size(list) == x->tags.count) || err_memory(err);
}

static bool add_blobs(struct export *x, struct err *err)
{
    if (!begin(x, "blobs/", AE_IFDIR, 0, err) || !begin(x, STORE_BLOBS, AE_IFDIR, 0, err) ||
        !write_blobs(x, err))
        return false;
    x->report->blobs = x->blobs.blobs.count;
    return true;
}

/* Blobs are named by their hashes, so the sums are known before they are read. */
static void sum_blobs(struct export *x)
{
    const struct index_pack *all = x->blobs.blobs.at;
    char hex[HASH_HEX];

    for (size_t i = 0; i < x->blobs.blobs.count; i++) {
        digest_hex(&all[i].digest, hex);
        buf_printf(&x->sums, "%s  " STORE_BLOBS "%s\n", hex, hex);
        x->report->bytes += all[i].bytes;
    }
    progress_total(x->conf->progress, x->report->bytes);
}

static bool write_all(struct export *x, struct bundle *b, struct err *err)
{
    AUTO(buf) struct buf readme = {0};
    AUTO(free) char *index = NULL;
    const struct manifest *m = bundle_manifest(b);
    const char *layout = "{\"imageLayoutVersion\":\"1.0.0\"}";

    if (!export_readme(&readme, m->environment, m->created, b, err) ||
        !layout_index(x, &index, err) || !add_text(x, "README.txt", buf_view(&readme), err) ||
        (!m->sealed && !add_tables(x, b, err)) ||
        !add_text(x, STORE_LAYOUT, span_of(layout), err) ||
        !add_text(x, STORE_INDEX, span_of(index), err))
        return false;
    sum_blobs(x);
    if (!buf_ok(&x->sums, err))
        return false;
    return begin(x, "SHA256SUMS", AE_IFREG, x->sums.len, err) &&
           more(x, x->sums.at, x->sums.len, err) && add_blobs(x, err) &&
           (archive_write_close(x->tar) == ARCHIVE_OK || tar_failed(x, err));
}

/* A refused write keeps libarchive from padding the entry under way when it is closed; after
 * archive_write_fail() it would leak (libarchive 3.6.2). */
static la_ssize_t put_bytes(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    struct export *x = ctx;

    if (!x->failed && fd_write_all(x->fd, bytes, len, NULL)) {
        x->written += (off_t)len;
        fd_write_behind(x->fd, x->written, &x->begun);
        return (la_ssize_t)len;
    }
    archive_set_error(a, errno, "the file cannot be written");
    return -1;
}

static bool open_tar(struct export *x, struct err *err)
{
    x->tar = archive_write_new();
    x->entry = archive_entry_new();
    if (!x->tar || !x->entry)
        return err_memory(err);
    if (archive_write_set_format_pax_restricted(x->tar) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(x->tar, BLOCKS) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(x->tar, 1) != ARCHIVE_OK ||
        archive_write_open(x->tar, x, NULL, put_bytes, NULL) != ARCHIVE_OK)
        return tar_failed(x, err);
    return true;
}

static bool write_bundle(struct export *x, struct bundle *b, struct err *err)
{
    if (!clock_parse_iso(bundle_manifest(b)->created, &x->created_ns))
        x->created_ns = 0;
    x->report->manifest = x->manifest.digest;
    x->report->sealed = bundle_manifest(b)->sealed;
    if (!marks_bundle(&x->blobs, x->store, &x->manifest, err))
        return false;
    marks_sort(&x->blobs);
    bool ok = open_tar(x, err) && write_all(x, b, err);
    x->failed = !ok;
    archive_write_free(x->tar);
    archive_entry_free(x->entry);
    return ok;
}

/* ---- deltas ----------------------------------------------------------------------------------*/

static bool export_flat(struct export *x, struct bundle *b, struct err *err)
{
    AUTO(store) struct store *scratch = NULL;
    AUTO(bundle) struct bundle *flat = NULL;
    char text[DIGEST_TEXT];

    if (!store_open(x->conf->scratch, STORE_WRITE, &scratch, err) ||
        !bundle_flatten(b, scratch, x->conf->jobs, &x->manifest, err) ||
        !bundle_load(scratch, digest_text(&x->manifest.digest, text), NULL, &flat, err))
        return false;
    x->store = scratch;
    x->report->flattened = true;
    return write_bundle(x, flat, err);
}

static bool keep_tags(struct export *x, struct store *store, struct err *err)
{
    AUTO(vec) struct vec all = VEC(struct tagged);

    if (!tags_read(store, &all, err))
        return false;
    const struct tagged *from = all.at;
    for (size_t i = 0; i < all.count; i++) {
        if (!digest_eq(&from[i].manifest.digest, &x->manifest.digest))
            continue;
        struct tagged *to = vec_add(&x->tags, err);
        if (!to)
            return false;
        *to = from[i];
    }
    return x->tags.count || vec_add(&x->tags, err);
}

bool bundle_export(struct store *store, const char *ref, int fd, const struct export_conf *conf,
                   struct export_report *report, struct err *err)
{
    AUTO(bundle) struct bundle *b = NULL;
    struct export_report done = {0};
    struct export x = {.store = store,
                       .conf = conf,
                       .report = &done,
                       .fd = fd,
                       .tags = VEC(struct tagged),
                       .blobs = MARKS};

    bool ok = bundle_load(store, ref, NULL, &b, err) && bundle_hold(b, "export", err);
    if (ok) {
        x.manifest = *bundle_self(b); /* not by `ref` again: it may be another bundle's by now */
        ok = keep_tags(&x, store, err);
    }
    if (ok && bundle_has_deltas(b)) {
        ok = export_flat(&x, b, err);
        ok = dir_remove(conf->scratch, ok ? err : NULL) && ok;
    } else if (ok) {
        ok = write_bundle(&x, b, err);
    }
    vec_done(&x.tags);
    marks_done(&x.blobs);
    buf_done(&x.sums);
    if (ok)
        *report = done;
    return ok || err_add(err, "cannot export '%s'", ref);
}
