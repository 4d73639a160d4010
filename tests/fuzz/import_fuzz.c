/* Any bytes as a tar to import: refused with a reason, or a bundle that is what it says.
 *
 * The first byte says how. 't': a tar as it is. Else a recipe, since no fuzzer finds a SHA-256: parts
 * between bytes FF become blobs under their right names, the last one index.json. In a part '@' and a
 * digit is the digest of that part, '%' and a digit its size; one that begins with 'z' is
 * compressed. So manifests, indexes and packs that fit together reach the readers behind the hashes.
 */
#include "lib/base/json.h"
#include "lib/bundle/codec.h"
#include "lib/bundle/diff.h"
#include "lib/bundle/export.h"
#include "lib/bundle/flatten.h"
#include "lib/bundle/verify.h"
#include "tests/fake/store_memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTS 10

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct recipe {
    struct digest digest[PARTS];
    size_t bytes[PARTS];
    size_t count;
    struct archive *tar;
    struct codec *codec;
};

static void add_file(struct recipe *r, const char *name, struct span content)
{
    struct archive_entry *e = archive_entry_new();

    must(e != NULL);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_size(e, (la_int64_t)content.len);
    must(archive_write_header(r->tar, e) == ARCHIVE_OK);
    if (content.len)
        must(archive_write_data(r->tar, content.at, content.len) == (la_ssize_t)content.len);
    archive_entry_free(e);
}

/* The part with its references filled in. */
static void fill_in(const struct recipe *r, struct span part, struct buf *out)
{
    char hex[HASH_HEX];

    for (size_t i = 0; i < part.len; i++) {
        size_t which = i + 1 < part.len ? (size_t)(part.at[i + 1] - '0') : PARTS;

        if ((part.at[i] != '@' && part.at[i] != '%') || which >= r->count) {
            buf_putc(out, part.at[i]);
            continue;
        }
        digest_hex(&r->digest[which], hex);
        if (part.at[i] == '@')
            buf_puts(out, hex);
        else
            buf_printf(out, "%zu", r->bytes[which]);
        i++;
    }
}

static void add_part(struct recipe *r, struct span part, bool last)
{
    AUTO(buf) struct buf text = {0};
    char name[STORE_NAME_MAX];
    struct span content;
    bool compressed = part.len && part.at[0] == 'z';

    fill_in(r, compressed ? (struct span){part.at + 1, part.len - 1} : part, &text);
    content = buf_view(&text);
    if (compressed)
        must(codec_compress(r->codec, 1, content, &content, NULL));
    if (last || r->count == PARTS) {
        add_file(r, "index.json", content);
        return;
    }
    r->digest[r->count] = hash_of(content);
    r->bytes[r->count] = content.len;
    add_file(r, store_blob_name(&r->digest[r->count], name), content);
    r->count++;
}

static void cook(struct span recipe, int fd)
{
    struct recipe r = {.tar = archive_write_new()};
    struct codecs codecs;
    struct span part;

    codecs_init(&codecs);
    must(r.tar && codecs_take(&codecs, &r.codec, NULL) &&
         archive_write_set_format_ustar(r.tar) == ARCHIVE_OK &&
         archive_write_open_fd(r.tar, fd) == ARCHIVE_OK);
    add_file(&r, "oci-layout", SPAN("{\"imageLayoutVersion\":\"1.0.0\"}"));
    while (span_split(&recipe, '\xff', &part))
        add_part(&r, part, recipe.at == NULL);
    archive_write_free(r.tar);
    codecs_give(&codecs, r.codec);
    codecs_done(&codecs);
}

/* Everything that reads a bundle: what verify finds no fault in can be made flat, too. */
static bool use_bundle(void *ctx, const struct bundle_info *info, struct err *err)
{
    struct store *s = ctx, *flat = NULL;
    AUTO(verify_report) struct verify_report report = {0};
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(json) json_t *diff = NULL;
    struct verify_conf conf = {.level = VERIFY_CONTENT, .jobs = 1};
    struct diff_conf text = {.text = true};
    struct index_pack made;
    char hex[HASH_HEX];
    struct err why = {0};

    (void)err;
    digest_hex(&info->manifest, hex);
    bool sound = bundle_verify(s, hex, &conf, &report, &why) && report.faults.count == 0;
    if (!bundle_open(s, hex, &b, &why))
        return true;
    bundle_diff(b, b, &text, &diff, &why);
    must(fake_store_new(&flat, &why));
    must(bundle_flatten(b, flat, 1, &made, &why) || !sound);
    store_close(flat);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span rest = {(const char *)bytes + 1, len - 1};
    AUTO(store) struct store *s = NULL;
    AUTO(fd) int fd = memfd_create("import", MFD_CLOEXEC);
    struct import_report report = {0};
    struct err err = {0};

    must(fd >= 0 && fake_store_new(&s, &err));
    if (len == 0)
        return 0;
    if (bytes[0] == 't')
        must(write(fd, rest.at, rest.len) == (ssize_t)rest.len);
    else
        cook(rest, fd);
    must(lseek(fd, 0, SEEK_SET) == 0);
    bool ok = bundle_import(fd, s, NULL, &report, &err);
    must(ok || err.text[0]);
    must(fake_store_open_puts(s) == 0);
    must(bundle_list(s, use_bundle, s, &err) || err.text[0]);
    return 0;
}
