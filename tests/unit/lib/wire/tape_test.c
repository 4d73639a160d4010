#include "tests/test.h"

#include "lib/wire/tape.h"

static bool into_buf(void *ctx, struct span bytes, struct err *err)
{
    return buf_span(ctx, bytes) || err_memory(err);
}

/* Gives at most seven bytes at a time, as a pipe may. */
struct source {
    struct span left;
};

static bool from_span(void *ctx, void *to, size_t len, size_t *got, struct err *err)
{
    struct source *s = ctx;

    (void)err;
    *got = len < 7 ? len : 7;
    *got = *got < s->left.len ? *got : s->left.len;
    if (*got)
        memcpy(to, s->left.at, *got);
    s->left = (struct span){s->left.at + *got, s->left.len - *got};
    return true;
}

static const struct tape_record records[] = {
    {.type = TAPE_META, .text = {"{\"host\":\"h\"}", 12}},
    {.type = TAPE_OPEN,
     .conn = 1,
     .at_ns = -5,
     .flags = 1,
     .client = {.family = 6, .ip = {[15] = 1}, .port = 40000},
     .server = {.family = 4, .ip = {127, 0, 0, 1}, .port = 80}},
    {.type = TAPE_REQUEST,
     .conn = 1,
     .request = 1,
     .flags = 3,
     .at_ns = 10,
     .last_ns = INT64_MAX,
     .bytes = 4,
     .head = {"GET / HTTP/1.1\r\n", 16},
     .body = {"a\0b\n", 4}},
    {.type = TAPE_RESPONSE,
     .conn = 1,
     .request = 1,
     .status = 503,
     .at_ns = INT64_MIN,
     .bytes = UINT64_MAX,
     .trailers = {"X: y\r\n", 6}},
    {.type = TAPE_GAP, .conn = 1, .at_ns = 1, .code = 1, .bytes = 77},
    {.type = TAPE_CLOSE, .conn = 1, .at_ns = 2, .code = 3},
    {.type = TAPE_RESULT,
     .conn = 1,
     .request = 9,
     .at_ns = 1,
     .ready_ns = 2,
     .sent_ns = 3,
     .first_ns = 4,
     .last_ns = 5,
     .code = 1,
     .status = 200,
     .text = {"GET /", 5},
     .digest = {"0123", 4}},
    {.type = TAPE_MAPPED, .noun = {"order", 5}, .from = {"1", 1}, .to = {"2", 1}},
    {.type = TAPE_END, .text = {"{}", 2}},
};

static void write_tape(struct buf *out, int rounds)
{
    AUTO(tape_writer) struct tape_writer *w = NULL;
    struct err err = {0};

    assert_ok(tape_writer_new(TAPE_TRAFFIC, 1, into_buf, out, &w, &err), &err);
    for (int r = 0; r < rounds; r++) {
        AUTO(buf) struct buf packed = {0};
        for (size_t i = 0; i < COUNT(records); i++)
            if (records[i].type != TAPE_END || r + 1 == rounds)
                assert_ok(tape_pack(&packed, &records[i], &err), &err);
        assert_ok(tape_writer_add(w, buf_view(&packed), &err), &err);
        if (r % 3 == 2)
            assert_ok(tape_writer_flush(w, &err), &err);
    }
    assert_ok(tape_writer_flush(w, &err), &err);
    assert_int_equal(tape_writer_bytes(w), out->len);
}

static bool same_times(const struct tape_record *a, const struct tape_record *b)
{
    return a->at_ns == b->at_ns && a->last_ns == b->last_ns && a->ready_ns == b->ready_ns &&
           a->sent_ns == b->sent_ns && a->first_ns == b->first_ns;
}

static bool same_numbers(const struct tape_record *a, const struct tape_record *b)
{
    return a->type == b->type && a->conn == b->conn && a->request == b->request &&
           a->flags == b->flags && a->status == b->status && a->code == b->code &&
           a->bytes == b->bytes;
}

static bool same_record(const struct tape_record *a, const struct tape_record *b)
{
    return same_numbers(a, b) && same_times(a, b) && tcp_end_eq(&a->client, &b->client) &&
           tcp_end_eq(&a->server, &b->server) && span_eq(a->head, b->head) &&
           span_eq(a->body, b->body) && span_eq(a->trailers, b->trailers) &&
           span_eq(a->text, b->text) && span_eq(a->digest, b->digest) &&
           span_eq(a->noun, b->noun) && span_eq(a->from, b->from) && span_eq(a->to, b->to);
}

/* Reads to the end or to damage; the records so far, and the error's class. */
static size_t read_tape(struct span bytes, enum err_code *code, bool *closed)
{
    AUTO(tape_reader) struct tape_reader *r = NULL;
    struct source from = {bytes};
    struct err err = {0};
    struct tape_record got;
    size_t n = 0;
    bool end = false;

    *code = ERR_NONE;
    *closed = false;
    if (!tape_reader_new(from_span, &from, &r, &err)) {
        *code = err.code;
        return 0;
    }
    for (;; n++) {
        if (!tape_reader_next(r, &got, &end, &err))
            *code = err.code;
        if (end || err.code)
            break;
        /* Whatever is given is what was written, in order. */
        size_t i = n % (COUNT(records) - 1);
        assert_true(same_record(&got, &records[got.type == TAPE_END ? COUNT(records) - 1 : i]));
    }
    *closed = tape_reader_closed(r);
    return n;
}

TEST(gives_back_what_was_written)
{
    AUTO(buf) struct buf tape = {0};
    enum err_code code;
    bool closed;

    write_tape(&tape, 10);
    assert_int_equal(read_tape(buf_view(&tape), &code, &closed), 10 * (COUNT(records) - 1) + 1);
    assert_int_equal(code, ERR_NONE);
    assert_true(closed);
}

/* Cut at every byte: what was whole before is given, and a cut is only quiet between blocks, where
 * the missing TAPE_END tells. */
TEST(a_tape_cut_anywhere_is_good_before)
{
    AUTO(buf) struct buf tape = {0};
    enum err_code code;
    bool closed;
    size_t last = 0, quiet = 0;

    write_tape(&tape, 10);
    for (size_t n = 0; n < tape.len; n++) {
        size_t got = read_tape((struct span){tape.at, n}, &code, &closed);
        assert_true(got >= last);
        assert_false(closed);
        assert_true(code == ERR_NONE || code == ERR_DAMAGED);
        quiet += code == ERR_NONE;
        last = got;
    }
    assert_int_equal(quiet, 4); /* behind the header and behind each of three blocks */
    assert_true(last > 0);
}

TEST(a_flipped_bit_is_found)
{
    AUTO(buf) struct buf tape = {0};
    enum err_code code;
    bool closed;

    write_tape(&tape, 4);
    for (size_t i = 0; i < tape.len; i++) {
        tape.at[i] ^= 0x10;
        read_tape(buf_view(&tape), &code, &closed);
        /* Which kind of content it is, is one bit away from the other kind. */
        assert_true(code == ERR_DAMAGED || code == ERR_UNSUPPORTED);
        tape.at[i] ^= 0x10;
    }
}

TEST(blocks_out_of_order_are_found)
{
    AUTO(buf) struct buf tape = {0};
    enum err_code code;
    bool closed;

    write_tape(&tape, 3);
    size_t block = tape.len - TAPE_HEADER;
    AUTO(free) char *copy = malloc(block);
    memcpy(copy, tape.at + TAPE_HEADER, block);
    buf_add(&tape, copy, block);
    assert_true(read_tape(buf_view(&tape), &code, &closed) > 0);
    assert_int_equal(code, ERR_DAMAGED);
}

TEST(a_large_record_has_a_block_of_its_own)
{
    AUTO(buf) struct buf tape = {0};
    AUTO(buf) struct buf packed = {0};
    AUTO(buf) struct buf body = {0};
    AUTO(tape_writer) struct tape_writer *w = NULL;
    AUTO(tape_reader) struct tape_reader *r = NULL;
    struct tape_record got;
    bool end = false;

    while (body.len < 3 << 20)
        buf_printf(&body, "%zu,", body.len);
    assert_true(tape_writer_new(TAPE_TRAFFIC, 1, into_buf, &tape, &w, NULL));
    assert_true(tape_pack(
        &packed, &(struct tape_record){.type = TAPE_REQUEST, .body = buf_view(&body)}, NULL));
    assert_true(tape_writer_add(w, buf_view(&packed), NULL));
    assert_true(tape_writer_flush(w, NULL));
    struct source from = {buf_view(&tape)};
    assert_true(tape_reader_new(from_span, &from, &r, NULL));
    assert_true(tape_reader_next(r, &got, &end, NULL));
    assert_true(span_eq(got.body, buf_view(&body)));
}

TEST(a_record_of_a_later_kind_is_skipped_over)
{
    struct span from = SPAN("\x63\x03\0\0\0abc\x08\x03\0\0\0\x02{}");
    struct tape_record got;

    assert_true(tape_unpack(&from, &got, NULL));
    assert_int_equal(got.type, 0x63);
    assert_true(tape_unpack(&from, &got, NULL));
    assert_int_equal(got.type, TAPE_END);
    assert_true(span_is(got.text, "{}"));
}

TEST(other_files_and_later_versions_are_refused)
{
    struct err err = {0};
    enum err_code code;
    bool closed;
    AUTO(buf) struct buf tape = {0};

    (void)err;
    read_tape(SPAN("PK\3\4 some other file entirely"), &code, &closed);
    assert_int_equal(code, ERR_DAMAGED);
    write_tape(&tape, 1);
    tape.at[8] = TAPE_VERSION + 1;
    read_tape(buf_view(&tape), &code, &closed);
    assert_int_equal(code, ERR_UNSUPPORTED);
}

TESTS(gives_back_what_was_written, a_tape_cut_anywhere_is_good_before, a_flipped_bit_is_found,
      blocks_out_of_order_are_found, a_large_record_has_a_block_of_its_own,
      a_record_of_a_later_kind_is_skipped_over, other_files_and_later_versions_are_refused)
