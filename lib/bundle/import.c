/* A tar of an OCI layout into a store, in one pass. */
#include "lib/bundle/export.h"

#include "lib/base/cmd.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/relay.h"
#include "lib/bundle/tags_edit.h"
#include "lib/bundle/transfer.h"
#include "lib/store/name.h"

#include <archive.h>
#include <archive_entry.h>

#define READ_BLOCK ((size_t)1 << 20)
/* A pack is closed when it exceeds its target; a segment that does so has its own limit. */
#define BLOB_MAX ((int64_t)(PACK_TARGET + 2 * SEGMENT_RAW_MAX))
#define FILE_MAX ((int64_t)1 << 30) /* README.txt and the tables, which are not kept */

struct import {
    struct store *store;
    struct progress *progress;
    struct import_report *report;
    struct archive *tar;
    struct lease *lease;
    struct relay *relay; /* to the thread that stores blobs */
    struct buf index;    /* index.json */
    bool layout;         /* oci-layout was there */
};

static bool bad_tar(struct import *im, struct err *err)
{
    const char *why = archive_error_string(im->tar);

    err_set(err, ERR_DAMAGED, "cannot read the tar: %s", why ? why : "no reason given");
    return err_hint(err, "it may be cut; export or copy it again");
}

/* ---- content ---------------------------------------------------------------------------------*/

/* Gives the content of the entry piece by piece; `take` NULL: nobody wants it. */
static bool each_piece(struct import *im,
                       bool (*take)(void *ctx, struct span piece, struct err *err), void *ctx,
                       struct err *err)
{
    const void *at = NULL;
    size_t len = 0;
    la_int64_t offset = 0, expected = 0;

    for (;;) {
        int status = archive_read_data_block(im->tar, &at, &len, &offset);

        if (status == ARCHIVE_EOF)
            return true;
        if (!cmd_stop_check(err))
            return false;
        if (status != ARCHIVE_OK || offset != expected)
            return bad_tar(im, err);
        expected += (la_int64_t)len;
        progress_add(im->progress, len);
        if (take && !take(ctx, (struct span){at, len}, err))
            return false;
    }
}

/* ---- storing ---------------------------------------------------------------------------------*/

/* What goes to the thread that stores: it writes and waits for the disk, while this one reads and
 * hashes. A blob that has no end was no good. */
enum { BLOB_NAME, BLOB_BYTES, BLOB_END };

struct storing {
    struct import *im;
    struct store_put *put;
    char name[STORE_NAME_MAX];
};

static bool store_piece(struct storing *s, const struct piece *p, struct err *err)
{
    struct store *store = s->im->store;
    struct store_put *put = s->put;

    switch (p->what) {
    case BLOB_NAME:
        snprintf(s->name, sizeof(s->name), "%.*s", (int)p->len, p->at);
        return store->ops->put(store, &s->put, err);
    case BLOB_BYTES:
        return put->ops->append(put, p->at, p->len, err);
    default:
        s->put = NULL;
        lease_renew(s->im->lease);
        return put->ops->commit(put, s->name, err);
    }
}

static bool store_blobs(void *ctx, struct relay *r, struct err *err)
{
    struct storing s = {.im = ctx};
    struct piece *p = NULL;
    bool ok = true;

    while (ok && (p = relay_next(r))) {
        ok = store_piece(&s, p, err) || err_add(err, "'%s'", s.name);
        relay_back(r, p);
    }
    if (s.put)
        s.put->ops->abort(s.put);
    return ok;
}

/* False without an error: the other thread failed and has it. */
static bool send(struct import *im, int what, struct span bytes)
{
    struct piece *p = relay_empty(im->relay);

    if (!p)
        return false;
    p->what = what;
    p->len = bytes.len;
    if (bytes.len)
        memcpy(p->at, bytes.at, bytes.len);
    relay_send(im->relay, p);
    return true;
}

struct receiving {
    struct import *im;
    struct hash *hash;
    uint64_t bytes;
};

static bool receive(void *ctx, struct span piece, struct err *err)
{
    struct receiving *r = ctx;

    (void)err;
    r->bytes += piece.len;
    while (piece.len) {
        struct span part = {piece.at, piece.len < RELAY_BYTES ? piece.len : RELAY_BYTES};

        hash_add(r->hash, part.at, part.len);
        if (!send(r->im, BLOB_BYTES, part))
            return false;
        piece.at += part.len;
        piece.len -= part.len;
    }
    return true;
}

/* Stored even where the store has it: then it is young again, and no gc that began before our lease
 * takes it away. */
static bool take_blob(struct import *im, const char *name, uint64_t bytes, struct err *err)
{
    AUTO(hash) struct hash *hash = NULL;
    struct receiving r = {.im = im};
    struct digest wanted;

    digest_parse(span_of(name + strlen(STORE_BLOBS)), &wanted);
    if (!hash_open(&hash, err))
        return false;
    r.hash = hash;
    if (!send(im, BLOB_NAME, span_of(name)) || !each_piece(im, receive, &r, err))
        return false;
    if (r.bytes != bytes)
        return err_set(err, ERR_DAMAGED, "it has another size than the tar says");
    struct digest found = hash_end(hash);
    if (!digest_eq(&found, &wanted))
        return err_set(err, ERR_DAMAGED, "it was altered: its SHA-256 is another");
    im->report->blobs++;
    im->report->bytes += bytes;
    return send(im, BLOB_END, (struct span){NULL, 0});
}

static bool keep_text(void *ctx, struct span piece, struct err *err)
{
    struct buf *out = ctx;

    buf_span(out, piece);
    return buf_ok(out, err);
}

/* ---- entries ---------------------------------------------------------------------------------*/

static const char *const left_alone[] = {"README.txt", "SHA256SUMS", "columns.awk", "streams.tsv",
                                         "segments.tsv"};

static bool is_left_alone(const char *name)
{
    for (size_t i = 0; i < COUNT(left_alone); i++)
        if (strcmp(name, left_alone[i]) == 0)
            return true;
    return false;
}

static bool take_file(struct import *im, const char *name, int64_t bytes, struct err *err)
{
    struct digest digest;
    bool blob = span_starts(span_of(name), STORE_BLOBS) &&
                digest_parse(span_of(name + strlen(STORE_BLOBS)), &digest);
    int64_t max = blob ? BLOB_MAX : strcmp(name, STORE_INDEX) == 0 ? (int64_t)TAGS_MAX : FILE_MAX;

    if (bytes < 0 || bytes > max)
        return err_set(err, ERR_DAMAGED, "it would have %lld bytes, and %lld is the most",
                       (long long)bytes, (long long)max);
    if (blob)
        return take_blob(im, name, (uint64_t)bytes, err);
    if (strcmp(name, STORE_INDEX) == 0) {
        buf_clear(&im->index);
        return each_piece(im, keep_text, &im->index, err);
    }
    im->layout = im->layout || strcmp(name, STORE_LAYOUT) == 0;
    if (strcmp(name, STORE_LAYOUT) == 0 || is_left_alone(name))
        return each_piece(im, NULL, NULL, err);
    return err_set(err, ERR_DAMAGED, "it does not belong into an image layout");
}

static bool is_layout_dir(const char *name)
{
    static const char *const dirs[] = {"", ".", "blobs", "blobs/", "blobs/sha256", STORE_BLOBS};

    for (size_t i = 0; i < COUNT(dirs); i++)
        if (strcmp(name, dirs[i]) == 0)
            return true;
    return false;
}

/* No name of the tar becomes part of a path: it has to be one of those that are known. */
static bool take_entry(struct import *im, struct archive_entry *entry, struct err *err)
{
    const char *name = archive_entry_pathname(entry);
    bool plain = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
                 !archive_entry_symlink(entry) && archive_entry_sparse_count(entry) == 0;

    if (!name)
        return err_set(err, ERR_DAMAGED, "an entry of the tar has no name");
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    if (archive_entry_filetype(entry) == AE_IFDIR && is_layout_dir(name))
        return true;
    bool ok = plain ? take_file(im, name, archive_entry_size(entry), err)
                    : err_set(err, ERR_DAMAGED, "it is a link or something else that is no file");
    return ok || err_add(err, "entry '%s' of the tar", name);
}

static bool read_tar(struct import *im, struct err *err)
{
    struct archive_entry *entry = NULL;

    for (;;) {
        int status = archive_read_next_header(im->tar, &entry);

        if (status == ARCHIVE_EOF)
            return true;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
            return bad_tar(im, err);
        if (!take_entry(im, entry, err))
            return false;
    }
}

/* ---- publishing ------------------------------------------------------------------------------*/

static bool publish(struct import *im, struct err *err)
{
    AUTO(vec) struct vec bundles = VEC(struct tagged);
    AUTO(marks) struct marks needed = MARKS;

    if (!im->layout || !im->index.len) {
        err_set(err, ERR_DAMAGED, "the tar holds no image layout: '%s' is missing",
                im->layout ? STORE_INDEX : STORE_LAYOUT);
        return err_hint(err, "name a file that 'rehearse bundle export' wrote");
    }
    if (!tags_decode(buf_view(&im->index), &bundles, err))
        return err_add(err, "the tar's " STORE_INDEX);
    if (bundles.count == 0)
        return err_set(err, ERR_DAMAGED, "the tar holds no bundle");
    const struct tagged *all = bundles.at;
    for (size_t i = 0; i < bundles.count; i++)
        if (!marks_bundle(&needed, im->store, &all[i].manifest, err))
            return err_add(err, "the tar is not complete");
    marks_sort(&needed);
    if (!blobs_are_there(im->store, &needed.blobs, err))
        return err_add(err, "the tar is not complete");
    if (!tags_add(im->store, &bundles, err))
        return false;
    for (size_t i = 0; i < bundles.count; i++)
        im->report->bundles +=
            i == 0 || !digest_eq(&all[i].manifest.digest, &all[i - 1].manifest.digest);
    return true;
}

static bool open_tar(struct import *im, int fd, struct err *err)
{
    im->tar = archive_read_new();
    if (!im->tar)
        return err_memory(err);
    return (archive_read_support_format_tar(im->tar) == ARCHIVE_OK &&
            archive_read_open_fd(im->tar, fd, READ_BLOCK) == ARCHIVE_OK) ||
           bad_tar(im, err);
}

/* All blobs of the tar are stored when this is done. */
static bool read_and_store(struct import *im, int fd, struct err *err)
{
    struct err theirs = {0};
    bool ok = open_tar(im, fd, err) && relay_open(store_blobs, im, &im->relay, err);

    if (!ok)
        return false;
    ok = read_tar(im, err);
    relay_end(im->relay);
    bool stored = relay_join(im->relay, &theirs);
    relay_close(im->relay);
    return stored ? ok : err_pass(err, &theirs);
}

bool bundle_import(int fd, struct store *store, struct progress *progress,
                   struct import_report *report, struct err *err)
{
    struct import_report done = {0};
    struct import im = {
        .store = store, .progress = progress, .report = &done, .index = {.max = TAGS_MAX}};

    bool ok = lease_take(store, "import", NULL, NULL, &im.lease, err) &&
              read_and_store(&im, fd, err) && publish(&im, err);
    archive_read_free(im.tar);
    lease_end(im.lease);
    buf_done(&im.index);
    if (ok)
        *report = done;
    return ok;
}
