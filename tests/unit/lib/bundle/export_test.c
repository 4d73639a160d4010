/* One tar out and in again, in good and in bad times. */
#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/bundle/export.h"
#include "lib/bundle/flatten.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/tags_edit.h"
#include "lib/store/name.h"
#include "tests/fake/bundle.h"
#include "tests/fake/scratch.h"
#include "tests/fake/store_memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(void)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool export_fd(struct store *s, int fd, struct err *err)
{
    struct export_conf conf = {.scratch = "/nonexistent/scratch"};
    struct export_report r;

    return bundle_export(s, "mine", fd, &conf, &r, err);
}

static bool import_fd(int fd, struct store *s, struct err *err)
{
    struct import_report r;

    lseek(fd, 0, SEEK_SET);
    return bundle_import(fd, s, NULL, &r, err);
}

TEST(comes_back_the_same)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(store) struct store *b = fake_store_empty();
    AUTO(fd) int fd = memory_file();
    struct err err = {0};

    fake_bundle(a, "one", "mine");
    assert_ok(export_fd(a, fd, &err), &err);
    assert_ok(import_fd(fd, b, &err), &err);
    assert_true(fake_bundle_good(b, "mine"));
    assert_ok(import_fd(fd, b, &err), &err); /* a second time does no harm */
    assert_true(fake_bundle_good(b, "mine"));
}

/* A store in which somebody gives the tag to another bundle, before its index is read again. */
static struct {
    const struct store_ops *real;
    unsigned reads;
} other;

static bool read_and_move(struct store *s, const char *name, uint64_t offset, void *to, size_t len,
                          struct err *err)
{
    if (strcmp(name, STORE_INDEX) == 0 && ++other.reads == 2)
        fake_bundle(s, "two", "mine");
    return other.real->read(s, name, offset, to, len, err);
}

static void entry_of(int fd, const char *name, struct buf *out)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e = NULL;
    char piece[4096];

    lseek(fd, 0, SEEK_SET);
    assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
    assert_int_equal(archive_read_open_fd(a, fd, sizeof(piece)), ARCHIVE_OK);
    do
        assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
    while (strcmp(archive_entry_pathname(e), name) != 0);
    for (la_ssize_t n; (n = archive_read_data(a, piece, sizeof(piece))) > 0;)
        buf_add(out, piece, (size_t)n);
    archive_read_free(a);
}

/* One bundle, whatever is published meanwhile: not the blobs of one and the tables of the next. */
TEST(exports_one_bundle)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(fd) int before = memory_file();
    AUTO(fd) int meanwhile = memory_file();
    AUTO(buf) struct buf wanted = {0};
    AUTO(buf) struct buf got = {0};
    struct store_ops ops = *a->ops;
    struct err err = {0};

    fake_bundle(a, "one", "mine");
    assert_ok(export_fd(a, before, &err), &err);
    other.real = a->ops;
    ops.read = read_and_move;
    a->ops = &ops;
    bool ok = export_fd(a, meanwhile, &err);
    a->ops = other.real;
    assert_ok(ok, &err);
    assert_true(other.reads > 1);
    entry_of(before, "segments.tsv", &wanted);
    entry_of(meanwhile, "segments.tsv", &got);
    assert_string_equal(buf_str(&got), buf_str(&wanted));
}

/* A truncated tar, or one with any part altered, is refused or gives the very same bundle. */
TEST(notices_every_cut_and_flip)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(fd) int fd = memory_file();
    struct err err = {0};

    fake_bundle(a, "one", "mine");
    assert_ok(export_fd(a, fd, &err), &err);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t at = 0; at < size; at += 97) {
        AUTO(store) struct store *b = fake_store_empty();
        unsigned char byte = 0, flipped;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = byte ^ 0x11;
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        if (import_fd(fd, b, &err))
            assert_true(fake_bundle_good(b, "latest"));
        assert_int_equal(fake_store_open_puts(b), 0);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    for (off_t at = size - 700; at > 0; at -= 613) {
        AUTO(store) struct store *b = fake_store_empty();

        assert_int_equal(ftruncate(fd, at), 0);
        if (import_fd(fd, b, &err))
            assert_true(fake_bundle_good(b, "latest"));
        else
            assert_false(fake_bundle_good(b, "latest"));
        assert_int_equal(fake_store_open_puts(b), 0);
    }
}

struct sink {
    int fd;
    bool closed;
};

static la_ssize_t put_bytes(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    struct sink *s = ctx;

    (void)a;
    return s->closed ? -1 : write(s->fd, bytes, len);
}

static void hostile(const char *name, mode_t type, const char *link, int64_t size)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(fd) int fd = memory_file();
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    struct err err = {0};

    archive_write_set_format_pax_restricted(a);
    struct sink sink = {fd, false};
    archive_write_set_bytes_per_block(a, 0);
    assert_int_equal(archive_write_open(a, &sink, NULL, put_bytes, NULL), ARCHIVE_OK);
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, type);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, size);
    if (link && type == AE_IFLNK)
        archive_entry_set_symlink(e, link);
    else if (link)
        archive_entry_set_hardlink(e, link);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    sink.closed = true; /* no padding up to the size it claims */
    archive_write_free(a);
    archive_entry_free(e);
    size_t before = fake_store_objects(s);
    assert_fails(import_fd(fd, s, &err), &err, ERR_DAMAGED);
    assert_int_equal(fake_store_objects(s), before);
}

TEST(refuses_what_does_not_belong)
{
    static const char blob[] = "blobs/sha256/"
                               "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    hostile("../../etc/passwd", AE_IFREG, NULL, 3);
    hostile("/etc/passwd", AE_IFREG, NULL, 3);
    hostile("blobs/sha256/../../x", AE_IFREG, NULL, 3);
    hostile("blobs/sha256/abc", AE_IFREG, NULL, 3);
    hostile("tmp/lease-1", AE_IFREG, NULL, 3);
    hostile(blob, AE_IFLNK, "/etc/passwd", 0);
    hostile(blob, AE_IFREG, "index.json", 0);
    hostile(blob, AE_IFIFO, NULL, 0);
    hostile(blob, AE_IFREG, NULL, (int64_t)1 << 40);
    hostile("index.json", AE_IFREG, NULL, (int64_t)1 << 40);
    hostile("README.txt", AE_IFREG, NULL, (int64_t)1 << 40);
    hostile("elsewhere", AE_IFDIR, NULL, 0);
}

TEST(import_survives_every_failing_call)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(fd) int fd = memory_file();
    struct err err = {0};

    fake_bundle(a, "one", "mine");
    assert_ok(export_fd(a, fd, &err), &err);
    for (int on = 0; on < 2; on++) {
        for (uint64_t n = 1;; n++) {
            AUTO(store) struct store *b = fake_store_empty();

            fake_store_fail_at(b, n, on);
            bool ok = import_fd(fd, b, &err);
            uint64_t calls = fake_store_calls(b);
            fake_store_fail_at(b, 0, false);
            assert_int_equal(fake_store_open_puts(b), 0);
            if (!ok) {
                assert_false(fake_bundle_good(b, "mine"));
                assert_ok(import_fd(fd, b, &err), &err);
            }
            assert_true(fake_bundle_good(b, "mine"));
            if (ok && calls < n)
                break;
        }
    }
}

/* Only the calls of the lease may fail unnoticed: put, append, commit, remove. */
TEST(export_survives_every_failing_call)
{
    AUTO(store) struct store *a = fake_store_empty();
    struct err err = {0};
    unsigned unnoticed = 0;

    fake_bundle(a, "one", "mine");
    for (uint64_t n = 1;; n++) {
        AUTO(fd) int fd = memory_file();

        fake_store_fail_at(a, n, false);
        bool ok = export_fd(a, fd, &err);
        uint64_t calls = fake_store_calls(a);
        fake_store_fail_at(a, 0, false);
        if (ok && calls < n)
            break;
        unnoticed += ok;
        assert_true(ok || err.code == ERR_SPACE);
    }
    assert_true(unnoticed <= 4);
}

/* Whose disk is full must be told which file it was. */
TEST(a_full_disk_is_told_with_the_file)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(fd) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct export_conf conf = {.scratch = "/nonexistent/scratch", .name = "/srv/x.tar"};
    struct export_report r;
    struct err err = {0};

    fake_bundle(s, "one", "mine");
    assert_fails(bundle_export(s, "mine", fd, &conf, &r, &err), &err, ERR_SPACE);
    assert_non_null(strstr(err.text, "'/srv/x.tar'"));
    assert_true(err.hint[0]);
}

TEST(a_flat_copy_has_the_same_content)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(store) struct store *b = fake_store_empty();
    AUTO(bundle) struct bundle *from = NULL;
    AUTO(bundle) struct bundle *flat = NULL;
    AUTO(buf) struct buf x = {0};
    AUTO(buf) struct buf y = {0};
    struct index_pack manifest;
    struct err err = {0};
    char text[DIGEST_TEXT];

    fake_bundle(a, "one", "mine");
    assert_ok(bundle_open(a, "mine", &from, &err), &err);
    assert_false(bundle_has_deltas(from));
    assert_ok(bundle_flatten(from, b, 3, &manifest, &err), &err);
    assert_ok(bundle_open(b, digest_text(&manifest.digest, text), &flat, &err), &err);
    assert_ok(bundle_read_text(from, "facts/x", &x, &err), &err);
    assert_ok(bundle_read_text(flat, "facts/x", &y, &err), &err);
    assert_string_equal(buf_str(&x), buf_str(&y));
    assert_true(fake_bundle_good(b, text));
}

/* Streams of random lines; on the second day every hundredth line is another. */
static void made_day(struct store *s, const char *tag, const char *parent, unsigned day)
{
    struct bundle_conf conf = {.environment = "shop", .tag = tag, .parent = parent};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(buf) struct buf text = {0};
    struct bundle_ref ref = {0};
    struct err err = {0};
    uint64_t x = 88172645463325252u;

    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    for (unsigned i = 0; i < 24; i++) {
        char name[32];

        buf_clear(&text);
        snprintf(name, sizeof(name), "%s/s%02u", i < 12 ? "facts" : "other", i);
        for (unsigned k = 0; k < 1000; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf_printf(&text, "%016llx %u\n", (unsigned long long)x, k % 100 ? 0 : day * i);
        }
        assert_ok(bundle_text(w, name, NULL, buf_view(&text), &err), &err);
    }
    assert_ok(bundle_finish(w, &ref, &err), &err);
}

/* Three streams of equal bytes in one component and one in another; `day` differs in a few lines. */
static void made_twins(struct store *s, const char *tag, const char *parent, unsigned day)
{
    static const char *const names[] = {"facts/a", "facts/b", "facts/c", "other/a"};
    struct bundle_conf conf = {.environment = "shop", .tag = tag, .parent = parent};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(buf) struct buf text = {0};
    struct bundle_ref ref = {0};
    struct err err = {0};

    for (unsigned k = 0; k < 4000; k++)
        buf_printf(&text, "%u %u\n", k * 2654435761u, k % 500 ? 0 : day);
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_ok(bundle_text(w, names[i], NULL, buf_view(&text), &err), &err);
    assert_ok(bundle_finish(w, &ref, &err), &err);
}

/* What a bundle stores once stays stored once. */
TEST(a_flat_copy_stores_equal_segments_once)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(store) struct store *b = fake_store_empty();
    AUTO(bundle) struct bundle *from = NULL;
    AUTO(bundle) struct bundle *flat = NULL;
    struct index_pack manifest;
    struct err err = {0};
    char text[DIGEST_TEXT];

    made_twins(a, "one", NULL, 1);
    made_twins(a, "mine", "one", 2);
    assert_ok(bundle_open(a, "mine", &from, &err), &err);
    assert_true(bundle_has_deltas(from));
    assert_ok(bundle_flatten(from, b, 3, &manifest, &err), &err);
    assert_true(fake_bundle_good(b, digest_text(&manifest.digest, text)));
    assert_ok(bundle_load(b, text, NULL, &flat, &err), &err);
    assert_false(bundle_has_deltas(flat));
    const struct index *ix = bundle_index(flat);
    const struct segment *all = index_segments(ix);
    const struct index_pack *packs = ix->packs.at;
    assert_int_equal(ix->segment_count, 4);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(all[i].pack, all[0].pack);
        assert_int_equal(all[i].offset, all[0].offset);
        assert_int_equal(all[i].stored_bytes, all[0].stored_bytes);
    }
    assert_int_equal(ix->packs.count, 2);
    assert_int_not_equal(all[3].pack, all[0].pack);
    assert_true(packs[0].bytes < all[0].stored_bytes + 100); /* and the seek table */
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* A copy refers to nothing: what it says of itself is what lies in it, not what the original said. */
TEST(a_flat_copy_counts_anew)
{
    static const char *const sums[] = {"stored_bytes", "new_bytes", "references", "deltas",
                                       "delta_bytes"};
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(store) struct store *b = fake_store_empty();
    AUTO(bundle) struct bundle *from = NULL;
    AUTO(bundle) struct bundle *flat = NULL;
    struct index_pack manifest;
    json_int_t packed = 0;
    json_t *facts = NULL;
    const char *name = NULL;
    char text[DIGEST_TEXT];
    struct err err = {0};

    made_day(a, "one", NULL, 1);
    made_day(a, "mine", "one", 2);
    assert_ok(bundle_open(a, "mine", &from, &err), &err);
    assert_ok(bundle_flatten(from, b, 2, &manifest, &err), &err);
    assert_ok(bundle_open(b, digest_text(&manifest.digest, text), &flat, &err), &err);
    const json_t *was = bundle_config(from), *config = bundle_config(flat);
    for (size_t i = 0; i < COUNT(sums); i++) {
        json_int_t sum = 0;

        json_object_foreach(json_object_get(config, "components"), name, facts) sum +=
            number(facts, sums[i]);
        assert_int_equal(sum, number(config, sums[i]));
    }
    assert_int_not_equal(number(was, "deltas"), 0);
    assert_int_not_equal(number(was, "references"), 0);
    assert_int_equal(number(config, "deltas") + number(config, "delta_bytes"), 0);
    assert_int_equal(number(config, "references"), 0);
    const struct index *index = bundle_index(flat);
    const struct segment *all = index_segments(index);
    for (size_t i = 0; i < index->segment_count; i++)
        packed += (json_int_t)all[i].stored_bytes;
    assert_int_equal(number(config, "new_bytes"), packed);
    assert_int_equal(number(config, "raw_bytes"), number(was, "raw_bytes"));
}

/* The same tar, byte by byte, on whatever host it is made. */
TEST(any_number_of_jobs_gives_the_same_flat_copy)
{
    AUTO(store) struct store *a = fake_store_empty();
    struct index_pack first = {0};

    made_day(a, "one", NULL, 1);
    made_day(a, "mine", "one", 2);
    for (unsigned jobs = 0; jobs < 6; jobs++) {
        AUTO(store) struct store *b = fake_store_empty();
        AUTO(bundle) struct bundle *from = NULL;
        struct index_pack manifest;
        char text[DIGEST_TEXT];
        struct err err = {0};

        assert_ok(bundle_open(a, "mine", &from, &err), &err);
        assert_true(bundle_has_deltas(from));
        assert_ok(bundle_flatten(from, b, jobs, &manifest, &err), &err);
        assert_true(fake_bundle_good(b, digest_text(&manifest.digest, text)));
        if (jobs == 0)
            first = manifest;
        assert_true(digest_eq(&first.digest, &manifest.digest));
    }
}

TESTS(comes_back_the_same, exports_one_bundle, notices_every_cut_and_flip,
      refuses_what_does_not_belong, import_survives_every_failing_call,
      export_survives_every_failing_call, a_full_disk_is_told_with_the_file,
      a_flat_copy_has_the_same_content, a_flat_copy_stores_equal_segments_once,
      a_flat_copy_counts_anew, any_number_of_jobs_gives_the_same_flat_copy)
