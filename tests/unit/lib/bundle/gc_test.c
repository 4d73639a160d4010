/* Retention, retiring, leases and the sweep. */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/gc.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/tags_edit.h"
#include "lib/store/name.h"
#include "tests/fake/bundle.h"
#include "tests/fake/store_memory.h"

#define HOUR ((int64_t)3600 * 1000000000)

static struct bundle_ref made(struct store *s, const char *text, const char *tag)
{
    struct bundle_ref ref = {0};
    struct err err = {0};

    clock_sleep_until(clock_mono_ns() + 2000000); /* the newest is told by milliseconds */
    assert_ok(fake_bundle_write(s, text, tag, NULL, &ref, &err), &err);
    return ref;
}

static struct gc_report collect(struct store *s, const struct gc_conf *conf)
{
    struct gc_report r = {0};
    struct err err = {0};

    assert_ok(bundle_gc(s, conf, &r, &err), &err);
    gc_report_done(&r);
    return r;
}

TEST(keeps_what_the_rules_say)
{
    static const struct {
        struct gc_rules rules;
        const char *kept; /* of the days below, newest first */
    } cases[] = {
        {{0}, "11111111"},
        {{.last = 1}, "10000001"},
        {{.last = 3}, "11100001"},
        {{.daily = 2}, "10100001"},
        {{.weekly = 2}, "10001001"},
        {{.monthly = 2}, "10000101"},
        {{.monthly = 9}, "10000111"},
        {{.last = 2, .daily = 3}, "11110001"},
    };
    static const char *const created[] = {
        "2026-03-04T12:00:00.000Z", /* Wednesday */
        "2026-03-04T06:00:00.000Z", "2026-03-03T06:00:00.000Z", "2026-03-02T06:00:00.000Z",
        "2026-03-01T06:00:00.000Z", /* Sunday, of the week before */
        "2026-02-01T06:00:00.000Z", "2025-02-01T06:00:00.000Z", "no time at all",
    };
    struct tagged all[COUNT(created)] = {0};

    for (size_t i = 0; i < COUNT(created); i++) {
        snprintf(all[i].created, sizeof(all[i].created), "%s", created[i]);
        snprintf(all[i].environment, sizeof(all[i].environment), "shop");
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool keep[COUNT(created)] = {0};
        char text[COUNT(created) + 1] = {0};

        gc_choose(&cases[i].rules, all, COUNT(created), keep);
        for (size_t k = 0; k < COUNT(created); k++)
            text[k] = keep[k] ? '1' : '0';
        assert_string_equal(text, cases[i].kept);
    }
}

/* Each environment has rules of its own: a busy one does not push out the other's. */
TEST(counts_each_environment_by_itself)
{
    struct tagged all[3] = {{.created = "2026-03-04T12:00:00.000Z", .environment = "a"},
                            {.created = "2026-03-03T12:00:00.000Z", .environment = "a"},
                            {.created = "2026-03-02T12:00:00.000Z", .environment = "b"}};
    struct gc_rules rules = {.last = 1};
    bool keep[3] = {0};

    gc_choose(&rules, all, 3, keep);
    assert_true(keep[0] && !keep[1] && keep[2]);
}

TEST(frees_a_removed_bundle_after_its_grace)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf conf = {.grace_ns = HOUR}, now = {.grace_ns = 0};
    struct bundle_ref a = made(s, "one", "mine"), b = made(s, "two", NULL);
    struct err err = {0};
    char hex[HASH_HEX];

    fake_store_age(s, NULL, 2 * HOUR);
    assert_ok(bundle_retire(s, "mine", &err), &err);
    assert_fails(bundle_retire(s, "mine", &err), &err, ERR_MISSING);
    digest_hex(&a.manifest, hex);
    struct gc_report r = collect(s, &conf);
    assert_int_equal(r.waiting, 1);
    assert_int_equal(r.freed.count, 0);
    assert_true(fake_bundle_good(s, hex)); /* who reads it can go on */

    r = collect(s, &now);
    assert_int_equal(r.waiting, 0);
    assert_int_equal(r.freed.count, 4); /* its own pack, index, bundle.json and manifest */
    assert_false(fake_bundle_good(s, hex));
    assert_true(fake_bundle_good(s, b.tag));
    assert_true(fake_bundle_good(s, "latest"));
}

TEST(a_tag_brings_a_removed_bundle_back)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf now = {.grace_ns = 0};
    struct bundle_ref a = made(s, "one", "mine");
    struct err err = {0};
    char hex[HASH_HEX];

    digest_hex(&a.manifest, hex);
    assert_ok(bundle_retire(s, "mine", &err), &err);
    assert_ok(bundle_tag(s, hex, "again", false, &err), &err);
    collect(s, &now);
    assert_true(fake_bundle_good(s, "again"));
}

TEST(never_removes_what_is_pinned)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf conf = {.rules = {.last = 1}};
    struct err err = {0};

    made(s, "one", "mine");
    made(s, "two", NULL);
    assert_ok(bundle_pin(s, "mine", true, &err), &err);
    assert_fails(bundle_retire(s, "mine", &err), &err, ERR_EXISTS);
    struct gc_report r = collect(s, &conf);
    assert_int_equal(r.pinned, 1);
    assert_int_equal(r.freed.count, 0);
    assert_true(fake_bundle_good(s, "mine"));
    /* A pin belongs to the bundle, not to one of its names. */
    assert_ok(bundle_tag(s, "mine", "other", false, &err), &err);
    assert_ok(bundle_untag(s, "mine", &err), &err);
    assert_fails(bundle_retire(s, "other", &err), &err, ERR_EXISTS);
    assert_ok(bundle_pin(s, "other", false, &err), &err);
    r = collect(s, &conf);
    assert_int_equal(r.freed.count, 4);
}

TEST(a_dry_run_changes_nothing_and_counts_the_same)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf conf = {.rules = {.last = 1}, .dry_run = true};

    made(s, "one", NULL);
    made(s, "two", NULL);
    size_t before = fake_store_objects(s);
    struct gc_report dry = collect(s, &conf);
    assert_int_equal(fake_store_objects(s), before);
    conf.dry_run = false;
    struct gc_report wet = collect(s, &conf);
    assert_int_equal(dry.freed.count, wet.freed.count);
    assert_int_equal(dry.freed.bytes, wet.freed.bytes);
    assert_int_equal(dry.bundles, wet.bundles);
    assert_int_equal(fake_store_objects(s), before - wet.freed.count);
}

/* A snapshot at work: its parent goes away in the meantime, and it takes longer than any grace. */
TEST(a_snapshot_at_work_loses_nothing)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_conf conf = {.environment = "shop", .parent = "mine", .tag = "next"};
    struct gc_conf now = {.grace_ns = 0};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_ref ref;
    struct err err = {0};

    made(s, "one", "mine");
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_ok(bundle_text(w, "facts/x", NULL, SPAN("two"), &err), &err);
    assert_ok(bundle_retire(s, "mine", &err), &err);
    struct gc_report r = collect(s, &now);
    assert_int_equal(r.leases, 1);
    assert_int_equal(r.freed.count, 0);
    assert_ok(bundle_text(w, "other/x", NULL, SPAN("the same in all"), &err), &err);
    assert_ok(bundle_finish(w, &ref, &err), &err);
    collect(s, &now);
    assert_true(fake_bundle_good(s, "next"));
    assert_null(fake_store_object(s, "tmp/lease"));
}

/* Who reads on keeps what is removed meanwhile, without any grace; who came too late is told. */
TEST(a_reader_at_work_loses_nothing)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf now = {.grace_ns = 0};
    AUTO(bundle) struct bundle *held = NULL;
    AUTO(bundle) struct bundle *late = NULL;
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    made(s, "one", "mine");
    assert_ok(bundle_open(s, "mine", &held, &err), &err);
    assert_ok(bundle_open(s, "mine", &late, &err), &err);
    assert_ok(bundle_hold(held, "restore", &err), &err);
    assert_ok(bundle_retire(s, "mine", &err), &err);
    struct gc_report r = collect(s, &now);
    assert_int_equal(r.leases, 1);
    assert_int_equal(r.freed.count, 0);
    assert_ok(bundle_read_text(held, "facts/x", &text, &err), &err);
    assert_true(span_is(buf_view(&text), "one"));
    bundle_close(TAKE(held));
    assert_null(fake_store_object(s, "tmp/lease"));
    assert_true(collect(s, &now).freed.count > 0);
    assert_fails(bundle_hold(late, "restore", &err), &err, ERR_DAMAGED);
}

TEST(a_lease_without_its_process_does_not_count)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf now = {.grace_ns = 0};
    struct lease *l = NULL;
    struct err err = {0};

    assert_ok(lease_take(s, "test", NULL, NULL, &l, &err), &err);
    struct gc_report r = collect(s, &now);
    assert_int_equal(r.leases, 1);
    const char *name = NULL;
    for (size_t i = 0; i < fake_store_objects(s); i++)
        if (lease_is(fake_store_name(s, i)))
            name = fake_store_name(s, i);
    assert_non_null(name);
    struct buf *text = fake_store_object(s, name);
    AUTO(json) json_t *lease = NULL;
    assert_ok(json_parse(buf_view(text), "lease", &lease, &err), &err);
    json_object_set_new(lease, "start_ticks", json_integer(1));
    AUTO(free) char *changed = json_text(lease);
    buf_clear(text);
    buf_puts(text, changed);
    r = collect(s, &now);
    assert_int_equal(r.leases, 0);
    assert_int_equal(r.litter.count, 1);
    lease_end(l); /* it is gone already: no harm */
}

TEST(sweeps_nothing_when_a_manifest_cannot_be_read)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf now = {.rules = {.last = 1}};
    struct bundle_ref a = made(s, "one", "mine");
    struct gc_report r;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    assert_ok(bundle_pin(s, "mine", true, &err), &err);
    made(s, "two", NULL);
    size_t before = fake_store_objects(s);
    fake_store_object(s, store_blob_name(&a.manifest, name))->at[3] ^= 1;
    assert_fails(bundle_gc(s, &now, &r, &err), &err, ERR_DAMAGED);
    assert_true(err.hint[0]);
    assert_int_equal(fake_store_objects(s), before);
}

/* Manifests of other tools in the same layout keep what they need. */
TEST(keeps_what_other_tools_store)
{
    static const char manifest[] =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:"
        "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\",\"size\":3},"
        "\"layers\":[]}";
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf now = {0};
    struct digest layer, self;
    struct err err = {0};
    char text[DIGEST_TEXT];
    AUTO(buf) struct buf index = {0};

    assert_ok(store_put_blob(s, SPAN("foo"), &layer, &err), &err);
    assert_ok(store_put_blob(s, SPAN("nobody's"), &layer, &err), &err);
    assert_ok(store_put_blob(s, span_of(manifest), &self, &err), &err);
    buf_printf(&index,
               "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
               "\"application/vnd.oci.image.manifest.v1+json\",\"artifactType\":\"other/tool\","
               "\"digest\":\"%s\",\"size\":%zu}]}",
               digest_text(&self, text), strlen(manifest));
    struct buf *at = fake_store_object(s, STORE_INDEX);
    buf_clear(at);
    buf_span(at, buf_view(&index));
    struct gc_report r = collect(s, &now);
    assert_int_equal(r.kept.count, 2);
    assert_int_equal(r.freed.count, 1);
}

TEST(dated_tags_stay_where_they_are)
{
    static const char *const bad[] = {
        "latest", "shop-20260131T120000Z", "shop-20260131T120000Z-2", "-20260131T120000Z", "a b",
        ""};
    static const char *const fine[] = {"release-4", "shop-20260131", "4", "v1.2-3"};
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref a = made(s, "one", NULL);
    struct err err = {0};

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(bundle_tag(s, a.tag, bad[i], false, &err), &err, ERR_USAGE);
    for (size_t i = 0; i < COUNT(fine); i++)
        assert_ok(bundle_tag(s, a.tag, fine[i], false, &err), &err);
    assert_fails(bundle_untag(s, a.tag, &err), &err, ERR_USAGE);
    assert_fails(bundle_untag(s, "none", &err), &err, ERR_MISSING);
    assert_ok(bundle_untag(s, "4", &err), &err);
    assert_true(fake_bundle_good(s, a.tag));
}

/* Whatever call fails: every bundle that is listed stays whole. */
TEST(gc_survives_every_failing_call)
{
    for (int on = 0; on < 2; on++) {
        for (uint64_t n = 1;; n++) {
            AUTO(store) struct store *s = fake_store_empty();
            struct gc_conf conf = {.rules = {.last = 1}};
            struct gc_report r = {0};
            struct err err = {0};

            made(s, "one", "mine");
            struct bundle_ref b = made(s, "two", NULL);
            fake_store_fail_at(s, n, on);
            bool ok = bundle_gc(s, &conf, &r, &err);
            uint64_t calls = fake_store_calls(s);
            fake_store_fail_at(s, 0, false);
            if (ok)
                gc_report_done(&r);
            else
                assert_int_equal(err.code, ERR_SPACE);
            assert_true(fake_bundle_good(s, b.tag));
            collect(s, &conf);
            assert_false(fake_bundle_good(s, "mine"));
            assert_true(fake_bundle_good(s, b.tag));
            if (ok && calls < n)
                break;
            assert_false(ok);
        }
    }
}

/* The store as the tests below see it: one call of it is another's. */
static const struct store_ops *plain;
static char vanishing[STORE_NAME_MAX];
static unsigned swaps;

/* Somebody else's gc takes it away and a third one stores it again. */
static bool read_once_missing(struct store *s, const char *name, uint64_t offset, void *to,
                              size_t len, struct err *err)
{
    if (strcmp(name, vanishing) != 0)
        return plain->read(s, name, offset, to, len, err);
    vanishing[0] = '\0';
    return err_set(err, ERR_MISSING, "no '%s'", name);
}

static bool swap_counted(struct store *s, const char *name, const struct digest *expected,
                         struct span content, struct err *err)
{
    swaps++;
    return plain->swap(s, name, expected, content, err);
}

TEST(a_second_look_counts_the_same)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf conf = {.rules = {.last = 1}, .grace_ns = HOUR};
    struct err err = {0};

    made(s, "one", "mine");
    made(s, "two", NULL);
    made(s, "three", NULL);
    struct bundle_ref last = made(s, "four", NULL);
    assert_ok(bundle_pin(s, "mine", true, &err), &err);
    plain = s->ops;
    struct store_ops ops = *plain;
    ops.read = read_once_missing;
    store_blob_name(&last.manifest, vanishing);
    s->ops = &ops;
    AUTO(gc_report) struct gc_report r = {0};
    assert_ok(bundle_gc(s, &conf, &r, &err), &err);
    s->ops = plain;
    assert_string_equal(vanishing, ""); /* there was a second look */
    assert_int_equal(r.retired.count, 2);
    assert_int_equal(r.pinned, 1);
    assert_int_equal(r.bundles, 2);
    assert_int_equal(r.waiting, 2);
}

/* Nothing to retire but what is pinned: a lock that a killed writer left goes all the same. */
TEST(only_pinned_ones_beyond_the_rule_change_nothing)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf conf = {.rules = {.last = 1}, .grace_ns = HOUR};
    struct err err = {0};

    made(s, "one", "mine");
    made(s, "two", NULL);
    assert_ok(bundle_pin(s, "mine", true, &err), &err);
    plain = s->ops;
    struct store_ops ops = *plain;
    ops.swap = swap_counted;
    s->ops = &ops;
    swaps = 0;
    assert_int_equal(collect(s, &conf).pinned, 1);
    s->ops = plain;
    assert_int_equal(swaps, 1);
}

/* A disk without room for another index.json as long as the litter lies there. */
static const struct store_ops *roomy;
static char litter[STORE_NAME_MAX];

static bool swap_when_roomy(struct store *s, const char *name, const struct digest *expected,
                            struct span content, struct err *err)
{
    if (fake_store_object(s, litter))
        return err_set(err, ERR_SPACE, "no space left");
    return roomy->swap(s, name, expected, content, err);
}

static void fill_up(struct store *s)
{
    struct digest digest;
    struct err err = {0};

    assert_ok(store_put_blob(s, SPAN("nobody's"), &digest, &err), &err);
    fake_store_age(s, store_blob_name(&digest, litter), 2 * HOUR);
}

/* What frees room must not need room first. */
TEST(a_full_disk_is_freed)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf none = {.grace_ns = HOUR}, last = {.rules = {.last = 1}};
    struct bundle_ref a = made(s, "one", "mine"), b = made(s, "two", NULL);
    struct store_ops ops = *s->ops;
    struct err err = {0};

    roomy = s->ops;
    ops.swap = swap_when_roomy;
    s->ops = &ops;
    fill_up(s);
    assert_int_equal(collect(s, &none).freed.count, 1);
    assert_true(fake_bundle_good(s, a.tag) && fake_bundle_good(s, b.tag));

    /* What the rules take out is listed until there is room to say so. */
    fill_up(s);
    AUTO(gc_report) struct gc_report r = {0};
    assert_ok(bundle_gc(s, &last, &r, &err), &err);
    assert_int_equal(r.retired.count, 1);
    assert_int_equal(r.freed.count, 1 + 4); /* and its own pack, index, bundle.json and manifest */
    assert_int_equal(r.bundles, 1);
    assert_int_equal(r.kept.count, 5);
    assert_false(fake_bundle_good(s, a.tag));
    assert_true(fake_bundle_good(s, b.tag));
    s->ops = roomy;
}

/* Nothing can be freed: it is no success that nothing could be retired either. */
TEST(a_full_disk_without_litter_is_told)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf none = {.grace_ns = HOUR}, last = {.grace_ns = HOUR, .rules = {.last = 1}};
    struct bundle_ref a = made(s, "one", "mine"), b = made(s, "two", NULL);
    struct store_ops ops = *s->ops;
    struct gc_report r = {0};
    struct err err = {0};

    roomy = s->ops;
    ops.swap = swap_when_roomy;
    s->ops = &ops;
    fill_up(s);
    fake_store_age(s, litter, -2 * HOUR);
    collect(s, &none);
    assert_fails(bundle_gc(s, &last, &r, &err), &err, ERR_SPACE);
    assert_true(fake_bundle_good(s, a.tag) && fake_bundle_good(s, b.tag));
    s->ops = roomy;
}

/* It is not the full disk that keeps the room from being made: what does is said. */
TEST(a_full_disk_with_damage_tells_the_damage)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf last = {.grace_ns = HOUR, .rules = {.last = 1}};
    struct bundle_ref a = made(s, "one", "mine");
    struct store_ops ops = *s->ops;
    struct gc_report r = {0};
    struct err err = {0};
    char name[STORE_NAME_MAX];

    made(s, "two", NULL);
    roomy = s->ops;
    ops.swap = swap_when_roomy;
    s->ops = &ops;
    fill_up(s);
    fake_store_object(s, store_blob_name(&a.manifest, name))->at[3] ^= 1;
    size_t before = fake_store_objects(s);
    assert_fails(bundle_gc(s, &last, &r, &err), &err, ERR_DAMAGED);
    assert_non_null(strstr(err.text, "nothing was freed"));
    assert_int_equal(fake_store_objects(s), before);
    s->ops = roomy;
}

/* There is room after all, and somebody else has the index: that is what it fails for. */
static bool swap_roomy_but_held(struct store *s, const char *name, const struct digest *expected,
                                struct span content, struct err *err)
{
    (void)expected, (void)content;
    return err_set(err, fake_store_object(s, litter) ? ERR_SPACE : ERR_UNREACHABLE,
                   "cannot write '%s'", name);
}

TEST(a_full_disk_that_was_freed_is_not_told)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct gc_conf last = {.grace_ns = HOUR, .rules = {.last = 1}};
    struct store_ops ops = *s->ops;
    struct gc_report r = {0};
    struct err err = {0};

    made(s, "one", "mine");
    made(s, "two", NULL);
    roomy = s->ops;
    ops.swap = swap_roomy_but_held;
    s->ops = &ops;
    fill_up(s);
    assert_fails(bundle_gc(s, &last, &r, &err), &err, ERR_UNREACHABLE);
    assert_null(fake_store_object(s, litter));
    s->ops = roomy;
}

TESTS(a_full_disk_with_damage_tells_the_damage, a_full_disk_that_was_freed_is_not_told,
      a_second_look_counts_the_same, only_pinned_ones_beyond_the_rule_change_nothing,
      a_full_disk_is_freed, a_full_disk_without_litter_is_told, keeps_what_the_rules_say,
      counts_each_environment_by_itself, frees_a_removed_bundle_after_its_grace,
      a_tag_brings_a_removed_bundle_back, never_removes_what_is_pinned,
      a_dry_run_changes_nothing_and_counts_the_same, a_snapshot_at_work_loses_nothing,
      a_reader_at_work_loses_nothing, a_lease_without_its_process_does_not_count,
      sweeps_nothing_when_a_manifest_cannot_be_read, keeps_what_other_tools_store,
      dated_tags_stay_where_they_are, gc_survives_every_failing_call)
