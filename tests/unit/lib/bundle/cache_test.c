/* Encrypted bundles that build on the one before: by a cache, without a secret key. */
#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/bundle/access.h"
#include "lib/bundle/cache.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/gc.h"
#include "lib/bundle/rotate.h"
#include "lib/bundle/tags_edit.h"
#include "lib/bundle/verify.h"
#include "tests/fake/scratch.h"
#include "tests/fake/store_memory.h"

#include <fcntl.h>
#include <sys/stat.h>

#define LINES  4000
#define NAME   "facts/log"
#define STABLE "facts/stable"
#define PLENTY ((uint64_t)1 << 30)

struct fixture {
    struct store *store;
    struct scratch dir;
    struct bundle_access mine, other;
    struct err err;
    struct err why; /* of the last day's parent */
    struct cache_account account;
    uint64_t max_bytes;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.max_bytes = PLENTY};
    scratch_open(&f->dir);
    assert_ok(fake_store_new(&f->store, &f->err), &f->err);
    assert_ok(key_make(KEY_SEAL, &f->mine.key, &f->err), &f->err);
    assert_ok(key_make(KEY_SEAL, &f->other.key, &f->err), &f->err);
}

static void end(struct fixture *f)
{
    store_close(f->store);
    access_done(&f->mine);
    access_done(&f->other);
    auto_scratch(&f->dir);
}

/* Lines of random digits; every hundredth is another on another day. */
static void make_text(struct buf *out, unsigned day)
{
    buf_clear(out);
    for (unsigned i = 0; i < LINES; i++) {
        uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;

        if (day && i % 100 == day)
            x ^= day * 0xD1B54A32D192ED03u;
        for (int k = 0; k < 3; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf_printf(out, "%016llx", (unsigned long long)x);
        }
        buf_putc(out, '\n');
    }
}

static bool open_cache(struct fixture *f, struct cache **out, struct err *err)
{
    return cache_open(scratch_path(&f->dir, "cache"), "x", f->max_bytes, out, err);
}

/* One stream that changes from day to day, and one that does not. */
static void write_day(struct fixture *f, const struct bundle_access *to, const char *tag,
                      const char *parent, unsigned day)
{
    AUTO(cache) struct cache *cache = NULL;
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(buf) struct buf text = {0};
    struct bundle_conf conf = {.environment = "x",
                               .tag = tag,
                               .parent = parent,
                               .parent_why = &f->why,
                               .encrypt_to = to ? key_public(to->key) : NULL,
                               .encrypt_count = to != NULL};
    struct bundle_ref ref;

    f->why = (struct err){0};
    assert_ok(open_cache(f, &cache, &f->err), &f->err);
    conf.cache = cache;
    make_text(&text, day);
    assert_ok(bundle_create(f->store, &conf, &w, &f->err), &f->err);
    assert_ok(bundle_text(w, NAME, NULL, buf_view(&text), &f->err), &f->err);
    assert_ok(bundle_text(w, STABLE, NULL, SPAN("always the same\n"), &f->err), &f->err);
    assert_ok(bundle_finish(w, &ref, &f->err), &f->err);
    f->account = cache_account(cache);
}

struct seen {
    bool delta, shared; /* of NAME; whether STABLE lies in a pack of another bundle */
};

/* That the bundle is what was captured, to who has the key; how it is stored. */
static struct seen check_day(struct fixture *f, const struct bundle_access *with, const char *tag,
                             unsigned day)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf out = {0};
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = VERIFY_CONTENT, .jobs = 1, .access = with};

    make_text(&text, day);
    assert_ok(bundle_open_as(f->store, tag, with, &b, &f->err), &f->err);
    assert_ok(bundle_read_text(b, NAME, &out, &f->err), &f->err);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(out.at, text.at, out.len);
    assert_ok(bundle_read_text(b, STABLE, &out, &f->err), &f->err);
    assert_string_equal(buf_str(&out), "always the same\n");
    assert_ok(bundle_verify(f->store, tag, &conf, &r, &f->err), &f->err);
    assert_int_equal(r.faults.count, 0);
    return (struct seen){
        .delta = segment_is_delta(&bundle_find(b, NAME)->segments[0]),
        .shared = json_integer_value(json_object_get(bundle_config(b), "references")) > 0};
}

static size_t files_in(struct fixture *f, char kind)
{
    char command[700];
    size_t count = 0;

    snprintf(command, sizeof(command), "ls '%s' | grep -c '^%c'", scratch_path(&f->dir, "cache/x"),
             kind);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_int_equal(fscanf(p, "%zu", &count), 1);
    pclose(p);
    return count;
}

static bool spoil_first(void *ctx, const char *name, struct err *err)
{
    struct fixture *f = ctx;
    char path[300];
    struct stat st;

    (void)err;
    if (strncmp(name, f->dir.name, strlen(f->dir.name)) != 0)
        return true;
    snprintf(path, sizeof(path), "%.200s/cache/x", f->dir.path);
    AUTO(fd) int dir = open(path, O_RDONLY | O_DIRECTORY);
    AUTO(fd) int fd = openat(dir, name, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char byte = 0;
    assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
    byte = (char)~byte;
    assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
    return true;
}

/* Flips a byte in every file of the cache whose name starts so. */
static void spoil(struct fixture *f, const char *start)
{
    char path[300];

    snprintf(path, sizeof(path), "%.200s/cache/x", f->dir.path);
    snprintf(f->dir.name, sizeof(f->dir.name), "%s", start);
    assert_ok(dir_each(path, spoil_first, f, &f->err), &f->err);
}

TEST(later_days_are_small_and_readable_with_the_key)
{
    struct fixture f;
    struct seen seen;

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    seen = check_day(&f, &f.mine, "one", 0);
    assert_false(seen.delta || seen.shared);
    for (unsigned day = 1; day < 4; day++) {
        char tag[8], before[8];

        snprintf(tag, sizeof(tag), "d%u", day);
        snprintf(before, sizeof(before), "d%u", day - 1);
        write_day(&f, &f.mine, tag, day == 1 ? "one" : before, day);
        assert_int_equal(f.why.code, ERR_NONE);
        assert_int_equal(f.account.missed, 0);
        seen = check_day(&f, &f.mine, tag, day);
        assert_true(seen.delta && seen.shared);
    }
    /* Two full frames, one delta, one index and one bundle.json: what the last day needs. */
    assert_int_equal(files_in(&f, 'f'), 2);
    assert_int_equal(files_in(&f, 'd'), 2);
    assert_int_equal(files_in(&f, 'i'), 1);
    end(&f);
}

TEST(without_the_cache_it_is_stored_whole)
{
    struct fixture f;
    struct seen seen;

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    assert_ok(dir_remove(scratch_path(&f.dir, "cache"), &f.err), &f.err);
    write_day(&f, &f.mine, "two", "one", 1);
    assert_int_equal(f.why.code, ERR_MISSING);
    seen = check_day(&f, &f.mine, "two", 1);
    assert_false(seen.delta || seen.shared);
    end(&f);
}

/* One byte of the index, of bundle.json or of the frames: never wrong data, at worst larger. */
TEST(a_damaged_cache_costs_room_only)
{
    static const char *const parts[] = {"index-", "details-", "full-", "delta-"};
    static const bool delta[] = {false, false, false, true};

    for (size_t i = 0; i < COUNT(parts); i++) {
        struct fixture f;

        begin(&f);
        write_day(&f, &f.mine, "one", NULL, 0);
        write_day(&f, &f.mine, "two", "one", 1);
        spoil(&f, parts[i]);
        write_day(&f, &f.mine, "three", "two", 2);
        assert_int_equal(f.why.code, i < 2 ? ERR_DAMAGED : ERR_NONE);
        assert_int_equal(f.account.missed, i == 2);
        struct seen seen = check_day(&f, &f.mine, "three", 2);
        assert_int_equal(seen.delta, delta[i]);
        assert_int_equal(seen.shared, i >= 2);
        /* What was damaged is whole again. */
        write_day(&f, &f.mine, "four", "three", 3);
        assert_true(check_day(&f, &f.mine, "four", 3).delta);
        end(&f);
    }
}

/* Whole, of the same size and with a right checksum of its own; but nobody will decode it. */
TEST(a_frame_of_other_content_is_not_built_on)
{
    struct fixture f;
    AUTO(buf) struct buf text = {0};
    AUTO(fd) int fd = -1;
    struct codecs all;
    struct codec *c = NULL;
    struct span frame;
    char name[5 + HASH_HEX] = "full-", path[300];

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    make_text(&text, 0);
    struct digest raw = hash_of(buf_view(&text));
    digest_hex(&raw, name + 5);
    snprintf(path, sizeof(path), "%.200s/cache/x/%s", f.dir.path, name);
    make_text(&text, 1);
    codecs_init(&all);
    assert_ok(codecs_take(&all, &c, &f.err), &f.err);
    assert_ok(codec_compress(c, 1, buf_view(&text), &frame, &f.err), &f.err);
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_ok(fd_write_all(fd, frame.at, frame.len, &f.err), &f.err);
    codecs_give(&all, c);
    codecs_done(&all);

    write_day(&f, &f.mine, "two", "one", 1);
    assert_int_equal(f.account.missed, 1);
    assert_false(check_day(&f, &f.mine, "two", 1).delta);
    end(&f);
}

TEST(a_cache_of_another_bundle_is_not_used)
{
    struct fixture f;

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    write_day(&f, &f.mine, "two", "one", 1);
    write_day(&f, &f.mine, "three", "one", 2); /* the cache has "two" */
    assert_int_equal(f.why.code, ERR_MISSING);
    assert_false(check_day(&f, &f.mine, "three", 2).delta);
    end(&f);
}

TEST(plain_bundles_and_encrypted_ones_share_nothing)
{
    struct fixture f;

    begin(&f);
    write_day(&f, NULL, "plain", NULL, 0);
    write_day(&f, &f.mine, "one", "plain", 1);
    assert_int_equal(f.why.code, ERR_UNSUPPORTED);
    assert_false(check_day(&f, &f.mine, "one", 1).shared);
    write_day(&f, NULL, "plain2", "one", 2);
    assert_int_equal(f.why.code, ERR_AUTH);
    assert_false(check_day(&f, NULL, "plain2", 2).shared);
    end(&f);
}

/* Who is added could not read shared packs, who was removed could: both begin anew. */
TEST(other_recipients_begin_anew)
{
    struct fixture f;
    struct bundle *b = NULL;
    struct digest now;

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    write_day(&f, &f.other, "two", "one", 1);
    assert_int_equal(f.why.code, ERR_AUTH);
    assert_false(check_day(&f, &f.other, "two", 1).shared);
    assert_fails(bundle_open_as(f.store, "two", &f.mine, &b, &f.err), &f.err, ERR_AUTH);

    /* Rotated to those of today, yesterday's bundle is a parent again, and today's readers read. */
    f.err = (struct err){0};
    write_day(&f, &f.mine, "three", "two", 2);
    assert_ok(bundle_rotate(f.store, "three", &f.mine, key_public(f.other.key), 1, &now, &f.err),
              &f.err);
    write_day(&f, &f.other, "four", "three", 3);
    assert_int_equal(f.why.code, ERR_NONE);
    struct seen seen = check_day(&f, &f.other, "four", 3);
    assert_true(seen.delta && seen.shared);
    assert_fails(bundle_open_as(f.store, "four", &f.mine, &b, &f.err), &f.err, ERR_AUTH);

    /* The bundle keeps its shared packs' keys when the older one goes to others, or goes. */
    f.err = (struct err){0};
    assert_ok(bundle_rotate(f.store, "three", &f.other, key_public(f.mine.key), 1, &now, &f.err),
              &f.err);
    check_day(&f, &f.other, "four", 3);
    check_day(&f, &f.mine, "three", 2);
    end(&f);
}

TEST(gc_keeps_what_later_days_rest_on)
{
    struct fixture f;
    struct gc_conf conf = {.rules = {.last = 1}};
    struct gc_report report = {0};

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    write_day(&f, &f.mine, "two", "one", 1);
    fake_store_age(f.store, NULL, (int64_t)2 * 86400 * 1000000000);
    assert_ok(bundle_gc(f.store, &conf, &report, &f.err), &f.err);
    gc_report_done(&report);
    fake_store_age(f.store, NULL, (int64_t)2 * 86400 * 1000000000);
    assert_ok(bundle_gc(f.store, &conf, &report, &f.err), &f.err);
    gc_report_done(&report);
    assert_true(check_day(&f, &f.mine, "two", 1).delta);
    write_day(&f, &f.mine, "three", "two", 2);
    assert_true(check_day(&f, &f.mine, "three", 2).delta);
    end(&f);
}

TEST(the_limit_holds_and_references_need_the_index_only)
{
    struct fixture f;

    begin(&f);
    f.max_bytes = 4096;
    write_day(&f, &f.mine, "one", NULL, 0);
    assert_true(f.account.refused > 0 && f.account.bytes <= 4096);
    write_day(&f, &f.mine, "two", "one", 1);
    assert_int_equal(f.why.code, ERR_NONE);
    struct seen seen = check_day(&f, &f.mine, "two", 1);
    assert_true(seen.shared);
    assert_false(seen.delta);
    end(&f);
}

/* Frames come first and leave no byte: without the index they would be of no use, for ever. */
TEST(a_full_cache_still_takes_its_index)
{
    enum { FRAMES = 64, BYTES = 100 };
    struct fixture f;
    AUTO(cache) struct cache *c = NULL;
    char frame[BYTES] = {0};
    struct digest sealed = hash_of(SPAN("sealed"));

    begin(&f);
    f.max_bytes = (uint64_t)FRAMES * BYTES;
    assert_ok(open_cache(&f, &c, &f.err), &f.err);
    for (unsigned i = 0; i <= FRAMES; i++) {
        assert_int_equal(cache_account(c).refused, 0);
        assert_int_equal(cache_account(c).bytes, i * BYTES);
        struct segment seg = {.raw = hash_of((struct span){(char *)&i, sizeof(i)})};
        cache_add(c, &seg, (struct span){frame, sizeof(frame)});
    }
    assert_int_equal(cache_account(c).refused, 1);
    assert_int_equal(cache_account(c).bytes, f.max_bytes);

    const struct spill index = spill_of(SPAN("the index"));
    const struct spill details = spill_of(SPAN("the details"));
    cache_set_part(c, CACHE_INDEX, &sealed, &index);
    cache_set_part(c, CACHE_DETAILS, &sealed, &details);
    assert_int_equal(cache_account(c).refused, 1);
    assert_int_equal(cache_account(c).bytes,
                     f.max_bytes + 2 * HASH_HEX + strlen("the index") + strlen("the details"));
    AUTO(spill) struct spill one = {0}, two = {0};
    assert_ok(cache_part(c, CACHE_INDEX, &sealed, 4096, &one, &f.err), &f.err);
    assert_true(span_is((struct span){one.at, one.len}, "the index"));
    assert_ok(cache_part(c, CACHE_DETAILS, &sealed, 4096, &two, &f.err), &f.err);
    assert_true(span_is((struct span){two.at, two.len}, "the details"));
    end(&f);
}

TEST(a_cache_without_room_for_a_frame_gives_references)
{
    struct fixture f;

    begin(&f);
    f.max_bytes = 1;
    write_day(&f, &f.mine, "one", NULL, 0);
    assert_int_equal(f.account.refused, 2);
    assert_int_equal(f.account.why.code, ERR_NONE);
    write_day(&f, &f.mine, "two", "one", 1);
    assert_int_equal(f.why.code, ERR_NONE);
    assert_true(check_day(&f, &f.mine, "two", 1).shared);
    end(&f);
}

TEST(others_may_not_reach_the_cache)
{
    struct fixture f;
    AUTO(cache) struct cache *c = NULL;

    begin(&f);
    write_day(&f, &f.mine, "one", NULL, 0);
    assert_int_equal(chmod(scratch_path(&f.dir, "cache"), 0750), 0);
    assert_fails(open_cache(&f, &c, &f.err), &f.err, ERR_RIGHTS);
    assert_int_equal(chmod(scratch_path(&f.dir, "cache"), 0700), 0);
    assert_int_equal(chmod(scratch_path(&f.dir, "cache/x"), 0707), 0);
    assert_fails(open_cache(&f, &c, &f.err), &f.err, ERR_RIGHTS);
    assert_int_equal(chmod(scratch_path(&f.dir, "cache/x"), 0700), 0);
    assert_ok(open_cache(&f, &c, &f.err), &f.err);
    cache_close(TAKE(c));

    char link[300], to[300];
    snprintf(link, sizeof(link), "%.200s/link", f.dir.path);
    snprintf(to, sizeof(to), "%.200s/cache", f.dir.path);
    assert_int_equal(symlink(to, link), 0);
    assert_false(cache_open(link, "x", PLENTY, &c, &f.err));
    assert_fails(cache_open(to, "../x", PLENTY, &c, &f.err), &f.err, ERR_CONFIG);
    assert_non_null(strstr(f.err.hint, "'name'"));
    end(&f);
}

TEST(one_snapshot_at_a_time)
{
    struct fixture f;
    AUTO(cache) struct cache *first = NULL;
    AUTO(cache) struct cache *second = NULL;

    begin(&f);
    assert_ok(open_cache(&f, &first, &f.err), &f.err);
    assert_fails(open_cache(&f, &second, &f.err), &f.err, ERR_LOCK);
    assert_non_null(strstr(f.err.hint, "wait"));
    cache_close(TAKE(first));
    f.err = (struct err){0};
    assert_ok(open_cache(&f, &second, &f.err), &f.err);
    end(&f);
}

TESTS(later_days_are_small_and_readable_with_the_key, without_the_cache_it_is_stored_whole,
      a_damaged_cache_costs_room_only, a_frame_of_other_content_is_not_built_on,
      a_cache_of_another_bundle_is_not_used, plain_bundles_and_encrypted_ones_share_nothing,
      other_recipients_begin_anew, gc_keeps_what_later_days_rest_on,
      the_limit_holds_and_references_need_the_index_only, others_may_not_reach_the_cache,
      one_snapshot_at_a_time, a_full_cache_still_takes_its_index,
      a_cache_without_room_for_a_frame_gives_references)
