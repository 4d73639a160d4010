/* The tape format: recorded traffic, and in the same blocks the results of a replay.
 *
 * docs/tape-format.md is the specification. A file header, then blocks that are each compressed,
 * numbered and checksummed, so that a tape which was cut is good up to its last whole block.
 * Blocks hold whole records. The first record is TAPE_META; the last one of a tape that was closed
 * in order is TAPE_END.
 * No I/O here: a writer gives finished blocks to a function, a reader asks a function for bytes.
 * Threads:   one per writer or reader; packing records (struct tape_pack) is free of both.
 * Errors:    ERR_DAMAGED names the block, ERR_UNSUPPORTED a version that is too new.
 */
#ifndef LIB_WIRE_TAPE_H
#define LIB_WIRE_TAPE_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/wire/packet.h"

#define TAPE_VERSION     1
#define TAPE_BLOCK_RAW   ((size_t)256 << 10) /* a block is finished at this size */
#define TAPE_RECORD_MAX  ((size_t)64 << 20)
#define TAPE_PACKED_MAX  (TAPE_RECORD_MAX + ((size_t)1 << 20))
#define TAPE_HEADER      16
#define TAPE_BLOCK_FRAME 32 /* bytes of a block around its payload */

enum tape_content { TAPE_TRAFFIC = 1, TAPE_RESULTS = 2 };

/* Numbers are part of the format. Readers skip types that they do not know. */
enum tape_type {
    TAPE_META = 1, /* JSON */
    TAPE_OPEN = 2, /* a connection */
    TAPE_CLOSE = 3,
    TAPE_REQUEST = 4,
    TAPE_RESPONSE = 5,
    TAPE_GAP = 6,    /* bytes lost by the capture */
    TAPE_STATS = 7,  /* JSON */
    TAPE_END = 8,    /* JSON */
    TAPE_RESULT = 9, /* the outcome of one replayed request */
    TAPE_MAPPED = 10 /* a value that stood for another one in a replay */
};

/* One record, unpacked; the fields that its type uses. Spans are borrowed. Times are nanoseconds
 * since the start that TAPE_META names. */
struct tape_record {
    enum tape_type type;
    uint64_t conn;
    uint64_t
        request;     /* REQUEST, RESPONSE, RESULT: 1, 2, ... in the order they began; 0: unpaired */
    unsigned flags;  /* enum http_flag; OPEN: 1 midstream */
    int64_t at_ns;   /* OPEN, CLOSE, GAP; first byte of a message; RESULT: when it was due */
    int64_t last_ns; /* last byte */
    int64_t ready_ns, sent_ns, first_ns; /* RESULT */
    uint16_t status;                     /* RESPONSE, RESULT */
    uint8_t code;                  /* CLOSE: enum tcp_why; GAP: enum tcp_dir; RESULT: the outcome */
    uint64_t bytes;                /* GAP: lost; messages: whole length of the body */
    struct tcp_end client, server; /* OPEN */
    struct span head, body, trailers;
    struct span text;           /* META, STATS, END: JSON; RESULT: the recorded request line */
    struct span digest;         /* RESULT: SHA-256 of the whole body */
    struct span noun, from, to; /* MAPPED */
};

/* Appends the packed record to `out`. */
bool tape_pack(struct buf *out, const struct tape_record *r, struct err *err);
/* Unpacks the record at the front of *from and moves *from behind it. */
bool tape_unpack(struct span *from, struct tape_record *out, struct err *err);

/* ---- writing ---- */

typedef bool (*tape_write_fn)(void *ctx, struct span bytes, struct err *err);

struct tape_writer;
/* Writes the header at once. level: of zstd. */
bool tape_writer_new(enum tape_content content, int level, tape_write_fn fn, void *ctx,
                     struct tape_writer **out, struct err *err);
void tape_writer_free(struct tape_writer *w);
AUTO_PTR(tape_writer, struct tape_writer, tape_writer_free)
/* Whole packed records, in order; a block goes out whenever one is full. */
bool tape_writer_add(struct tape_writer *w, struct span packed_records, struct err *err);
/* Writes what there is as a block, for a sync or at the end. */
bool tape_writer_flush(struct tape_writer *w, struct err *err);
uint64_t tape_writer_bytes(const struct tape_writer *w);

/* ---- reading ---- */

/* Up to `len` bytes into `to`; *got is 0 only at the end. */
typedef bool (*tape_read_fn)(void *ctx, void *to, size_t len, size_t *got, struct err *err);

struct tape_reader;
bool tape_reader_new(tape_read_fn fn, void *ctx, struct tape_reader **out, struct err *err);
void tape_reader_free(struct tape_reader *r);
AUTO_PTR(tape_reader, struct tape_reader, tape_reader_free)
enum tape_content tape_reader_content(const struct tape_reader *r);
/* The next record, borrowed until the next call; *end at the end of the file. ERR_DAMAGED at a
 * block that is cut or altered: everything given before stays good. */
bool tape_reader_next(struct tape_reader *r, struct tape_record *out, bool *end, struct err *err);
/* Whether TAPE_END was met. */
bool tape_reader_closed(const struct tape_reader *r);
uint64_t tape_reader_blocks(const struct tape_reader *r); /* good ones so far */
uint64_t tape_reader_bytes(const struct tape_reader *r);  /* up to the end of the last good one */

#endif
