/* Sealed blobs: any box opens alone, and none that was touched or moved. */
#include "tests/test.h"

#include "lib/seal/key.h"
#include "lib/seal/sealed.h"

#define BOXES 3

static const char *const texts[BOXES] = {"the first box", "", "the third and last box"};

struct fixture {
    unsigned char *key;
    struct buf blob;
    struct seal_place places[BOXES];
    size_t sizes[BOXES];
};

static void make(struct fixture *f)
{
    struct err err = {0};

    *f = (struct fixture){0};
    f->key = seal_secret_memory(SEAL_KEY, &err);
    assert_non_null(f->key);
    memset(f->key, 7, SEAL_KEY);
    buf_span(&f->blob, seal_header(SEAL_PACK));
    for (size_t i = 0; i < BOXES; i++) {
        f->places[i] = (struct seal_place){SEAL_PACK, i + 1 == BOXES, f->blob.len};
        assert_ok(seal_box(f->key, &f->places[i], span_of(texts[i]), &f->blob, &err), &err);
        f->sizes[i] = f->blob.len - f->places[i].offset;
        assert_int_equal(f->sizes[i], strlen(texts[i]) + SEAL_OVERHEAD);
    }
}

static void drop(struct fixture *f)
{
    seal_wipe_free(f->key);
    buf_done(&f->blob);
}

/* Box `i` as if it stood at `place`. */
static bool opens(const struct fixture *f, size_t i, const struct seal_place *place)
{
    struct span box = {f->blob.at + f->places[i].offset, f->sizes[i]}, plain;
    struct err err = {0};
    char out[100];

    if (!seal_open(f->key, place, box, &plain, out, &err)) {
        assert_int_equal(err.code, ERR_DAMAGED);
        return false;
    }
    return span_is(plain, texts[i]);
}

TEST(boxes_open_in_any_order)
{
    struct fixture f;

    make(&f);
    for (size_t i = BOXES; i-- > 0;)
        assert_true(opens(&f, i, &f.places[i]));
    drop(&f);
}

TEST(every_touched_byte_is_found)
{
    struct fixture f;
    struct err err = {0};

    make(&f);
    for (size_t at = 0; at < f.blob.len; at++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            size_t bad = 0;

            f.blob.at[at] ^= (char)(1 << bit);
            for (size_t i = 0; i < BOXES; i++)
                bad += !opens(&f, i, &f.places[i]);
            if (at < SEAL_HEADER)
                assert_false(seal_header_check(buf_view(&f.blob), SEAL_PACK, &err));
            else
                assert_int_equal(bad, 1);
            f.blob.at[at] ^= (char)(1 << bit);
        }
    }
    assert_true(seal_header_check(buf_view(&f.blob), SEAL_PACK, &err));
    drop(&f);
}

TEST(a_moved_box_is_found)
{
    struct fixture f;

    make(&f);
    for (size_t i = 0; i < BOXES; i++)
        for (size_t k = 0; k < BOXES; k++)
            assert_int_equal(opens(&f, i, &f.places[k]), i == k);
    for (size_t i = 0; i < BOXES; i++) {
        struct seal_place other = f.places[i];

        other.role = SEAL_INDEX;
        assert_false(opens(&f, i, &other));
        other = f.places[i];
        other.last = !other.last;
        assert_false(opens(&f, i, &other));
    }
    drop(&f);
}

TEST(a_cut_box_is_found)
{
    struct fixture f;
    struct span plain;
    struct err err = {0};
    char out[100];

    make(&f);
    for (size_t i = 0; i < BOXES; i++)
        for (size_t len = 0; len < f.sizes[i]; len++)
            assert_fails(seal_open(f.key, &f.places[i],
                                   (struct span){f.blob.at + f.places[i].offset, len}, &plain, out,
                                   &err),
                         &err, ERR_DAMAGED);
    drop(&f);
}

TEST(another_key_opens_nothing)
{
    struct fixture f;

    make(&f);
    f.key[31] ^= 1;
    for (size_t i = 0; i < BOXES; i++)
        assert_false(opens(&f, i, &f.places[i]));
    drop(&f);
}

TEST(equal_content_is_sealed_differently)
{
    struct fixture a, b;

    make(&a);
    make(&b);
    assert_int_equal(a.blob.len, b.blob.len);
    for (size_t i = 0; i < BOXES; i++)
        assert_memory_not_equal(a.blob.at + a.places[i].offset, b.blob.at + b.places[i].offset,
                                a.sizes[i]);
    drop(&a);
    drop(&b);
}

static bool keep_box(void *blob, struct span sealed, struct err *err)
{
    return buf_span(blob, sealed) || err_memory(err);
}

static bool blob_opens(enum seal_role role, struct span blob, struct span plain, struct err *err)
{
    static const unsigned char key[SEAL_KEY] = {1};
    AUTO(spill) struct spill out = {0};
    const struct spill sealed = spill_of(blob);

    if (!seal_blob_open(key, role, &sealed, &out, err))
        return false;
    assert_true(span_eq((struct span){out.at, out.len}, plain));
    return true;
}

static void make_blob(struct span plain, struct buf *blob)
{
    static const unsigned char key[SEAL_KEY] = {1};
    const struct spill all = spill_of(plain);
    struct err err = {0};

    assert_ok(seal_blob(key, SEAL_INDEX, &all, keep_box, blob, &err), &err);
}

TEST(blobs_of_one_box)
{
    AUTO(buf) struct buf blob = {0};
    struct err err = {0};

    make_blob(SPAN("index"), &blob);
    assert_int_equal(blob.len, SEAL_HEADER + SEAL_OVERHEAD + 5);
    assert_ok(blob_opens(SEAL_INDEX, buf_view(&blob), SPAN("index"), &err), &err);
    assert_fails(blob_opens(SEAL_DETAILS, buf_view(&blob), SPAN(""), &err), &err, ERR_DAMAGED);
    for (size_t len = 0; len < blob.len; len++)
        assert_fails(blob_opens(SEAL_INDEX, (struct span){blob.at, len}, SPAN(""), &err), &err,
                     ERR_DAMAGED);
    blob.at[SEAL_HEADER - 2] = '2';
    assert_fails(blob_opens(SEAL_INDEX, buf_view(&blob), SPAN(""), &err), &err, ERR_UNSUPPORTED);
}

/* At, before and behind the bounds of boxes; cut at a box's end it lacks its last one. */
TEST(blobs_of_many_boxes)
{
    static const size_t sizes[] = {0, SPILL_PIECE - 1, SPILL_PIECE, SPILL_PIECE + 1,
                                   3 * SPILL_PIECE};
    AUTO(free) char *bytes = calloc(1, 3 * SPILL_PIECE);
    struct err err = {0};

    assert_non_null(bytes);
    for (size_t i = 0; i < 3 * SPILL_PIECE; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        AUTO(buf) struct buf blob = {0};
        struct span plain = {bytes, sizes[i]};
        size_t boxes = sizes[i] ? (sizes[i] + SPILL_PIECE - 1) / SPILL_PIECE : 1;

        make_blob(plain, &blob);
        assert_int_equal(blob.len, SEAL_HEADER + sizes[i] + boxes * SEAL_OVERHEAD);
        assert_ok(blob_opens(SEAL_INDEX, buf_view(&blob), plain, &err), &err);
        for (size_t cut = 1; cut < boxes; cut++) {
            size_t len = SEAL_HEADER + cut * (SPILL_PIECE + SEAL_OVERHEAD);
            assert_fails(blob_opens(SEAL_INDEX, (struct span){blob.at, len}, plain, &err), &err,
                         ERR_DAMAGED);
        }
        blob.at[blob.len / 2] ^= 1;
        assert_fails(blob_opens(SEAL_INDEX, buf_view(&blob), plain, &err), &err, ERR_DAMAGED);
    }
}

TESTS(boxes_open_in_any_order, every_touched_byte_is_found, a_moved_box_is_found,
      a_cut_box_is_found, another_key_opens_nothing, equal_content_is_sealed_differently,
      blobs_of_one_box, blobs_of_many_boxes)
