/* Any bytes as a tape, and as one record: read to the end or refused; what was read packs again to
 * the same. */
#include "lib/wire/tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool from_span(void *ctx, void *to, size_t len, size_t *got, struct err *err)
{
    struct span *left = ctx;

    (void)err;
    *got = len < left->len ? len : left->len;
    if (*got)
        memcpy(to, left->at, *got);
    *left = (struct span){left->at + *got, left->len - *got};
    return true;
}

static void check_record(const struct tape_record *r)
{
    struct buf once = {0}, twice = {0};
    struct tape_record again;

    must(tape_pack(&once, r, NULL));
    struct span packed = buf_view(&once);
    must(tape_unpack(&packed, &again, NULL) && packed.len == 0);
    must(tape_pack(&twice, &again, NULL));
    must(span_eq(buf_view(&once), buf_view(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

static void read_tape(struct span bytes)
{
    struct tape_reader *r = NULL;
    struct tape_record record;
    struct err err = {0};
    bool end = false;

    if (!tape_reader_new(from_span, &bytes, &r, &err)) {
        must(err.code == ERR_DAMAGED || err.code == ERR_UNSUPPORTED);
        return;
    }
    while (tape_reader_next(r, &record, &end, &err) && !end)
        check_record(&record);
    must(end || err.code == ERR_DAMAGED);
    tape_reader_free(r);
}

static bool into_buf(void *ctx, struct span bytes, struct err *err)
{
    (void)err;
    return buf_span(ctx, bytes);
}

/* Behind a checksum that holds, which chance would not find: the bytes as a block's content. */
static void read_block(struct span bytes)
{
    struct tape_writer *w = NULL;
    struct buf tape = {0}, records = {0};

    must(tape_writer_new(TAPE_TRAFFIC, 1, into_buf, &tape, &w, NULL));
    for (struct span rest = bytes; rest.len > 1;) {
        size_t n = (uint8_t)rest.at[1];
        n = n < rest.len - 2 ? n : rest.len - 2;
        char head[5] = {rest.at[0], (char)n};
        buf_add(&records, head, sizeof(head));
        buf_add(&records, rest.at + 2, n);
        rest = (struct span){rest.at + 2 + n, rest.len - 2 - n};
    }
    must(tape_writer_add(w, buf_view(&records), NULL) && tape_writer_flush(w, NULL));
    read_tape(buf_view(&tape));
    tape_writer_free(w);
    buf_done(&tape);
    buf_done(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span all = {(const char *)bytes, len}, rest = all;
    struct tape_record r;

    while (tape_unpack(&rest, &r, NULL))
        check_record(&r);
    read_tape(all);
    read_block(all);
    return 0;
}
