#include "tests/test.h"

#include "lib/base/bag.h"

static struct bag_key key;

static void fill(struct bag *b, unsigned bits, const char *const *things)
{
    AUTO(hash) struct hash *h = NULL;
    struct err err = {0};

    assert_ok(hash_open(&h, &err), &err);
    assert_ok(bag_init(b, bits, &err), &err);
    for (; *things; things++) {
        struct digest d = bag_hash(h, &key, span_of(*things));
        bag_add(b, &d);
    }
}

static bool same(unsigned bits, const char *const *left, const char *const *right)
{
    AUTO(bag) struct bag a = {0}, b = {0};

    fill(&a, bits, left);
    fill(&b, bits, right);
    return bag_eq(&a, &b);
}
#define THINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(any_order_is_the_same)
{
    for (unsigned bits = 0; bits <= BAG_BITS_MAX; bits += 4) {
        assert_true(same(bits, THINGS("a", "b", "c", "b"), THINGS("b", "c", "b", "a")));
        assert_true(same(bits, THINGS(NULL), THINGS(NULL)));
    }
}

TEST(nothing_cancels)
{
    for (unsigned bits = 0; bits <= BAG_BITS_MAX; bits += 4) {
        assert_false(same(bits, THINGS("1\ta", "2\tb"), THINGS("1\tb", "2\ta")));
        assert_false(same(bits, THINGS("a", "b"), THINGS("a", "c"))); /* one bit */
        assert_false(same(bits, THINGS("a", "a", "b"), THINGS("a", "b", "b")));
        assert_false(same(bits, THINGS("a", "a"), THINGS(NULL)));
        assert_false(same(bits, THINGS("a", "a"), THINGS("b", "b")));
        assert_false(same(bits, THINGS("a"), THINGS("a", "a", "a")));
        assert_false(same(bits, THINGS("", "a"), THINGS("a")));
        assert_false(same(bits, THINGS("ab", "c"), THINGS("a", "bc")));
    }
}

/* Every single bit of a thing counts. */
TEST(each_bit_counts)
{
    AUTO(hash) struct hash *h = NULL;
    struct err err = {0};
    char text[] = "17\tone row of a table\t\\N";

    assert_ok(hash_open(&h, &err), &err);
    struct digest was = bag_hash(h, &key, span_of(text));
    for (size_t bit = 0; bit < (sizeof(text) - 1) * 8; bit++) {
        struct span thing = {text, sizeof(text) - 1};
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        struct digest now = bag_hash(h, &key, thing);
        assert_false(digest_eq(&was, &now));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
    }
}

/* Carries go through all four words: the sum of 2^256 - 1 and 1 is 0. */
TEST(carries)
{
    AUTO(bag) struct bag b = {0};
    struct err err = {0};
    struct digest ones, one = {.at = {1}};
    struct bag_sum zero = {0};

    memset(&ones, 0xff, sizeof(ones));
    assert_ok(bag_init(&b, 0, &err), &err);
    bag_add(&b, &ones);
    bag_add(&b, &one);
    assert_memory_equal(b.sums, &zero, sizeof(zero));
    bag_add(&b, &ones);
    bag_add(&b, &ones);
    assert_int_equal(b.sums[0].part[0], UINT64_MAX - 1);
    assert_int_equal(b.sums[0].part[3], UINT64_MAX);
    assert_int_equal(b.count, 4);
}

TEST(parts_merge)
{
    AUTO(bag) struct bag all = {0}, left = {0}, right = {0};

    fill(&all, 4, THINGS("a", "b", "c", "d"));
    fill(&left, 4, THINGS("d", "b"));
    fill(&right, 4, THINGS("c", "a"));
    bag_merge(&left, &right);
    assert_true(bag_eq(&all, &left));
}

/* Only the bucket of what differs differs. */
TEST(the_bucket_leads_to_it)
{
    AUTO(bag) struct bag a = {0}, b = {0};
    unsigned differ = 0;

    fill(&a, 8, THINGS("a", "b", "c", "d", "e"));
    fill(&b, 8, THINGS("a", "b", "c", "d", "e", "f"));
    for (unsigned i = 0; i < 256; i++)
        differ += !bag_eq_bucket(&a, &b, i);
    assert_int_equal(differ, 1);
}

TEST(keys_differ)
{
    AUTO(hash) struct hash *h = NULL;
    struct bag_key other;
    struct err err = {0};

    assert_ok(hash_open(&h, &err), &err);
    assert_ok(bag_key_draw(&key, &err), &err);
    assert_ok(bag_key_draw(&other, &err), &err);
    struct digest a = bag_hash(h, &key, SPAN("x")), b = bag_hash(h, &other, SPAN("x"));
    assert_false(digest_eq(&a, &b));
}

TEST(bits_grow_with_the_count)
{
    assert_int_equal(bag_bits(0), 0);
    assert_int_equal(bag_bits(256), 0);
    assert_int_equal(bag_bits(257), 1);
    assert_int_equal(bag_bits(UINT64_MAX), BAG_BITS_MAX);
}

TESTS(keys_differ, any_order_is_the_same, nothing_cancels, each_bit_counts, carries, parts_merge,
      the_bucket_leads_to_it, bits_grow_with_the_count)
