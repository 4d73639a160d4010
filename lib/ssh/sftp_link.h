/* The stream of packets under an SFTP client: for sftp.c alone.
 *
 * A request whose answer is not waited for has a slot; answers come in any order, and each is either
 * for a slot or the one that is awaited. */
#ifndef LIB_SSH_SFTP_LINK_H
#define LIB_SSH_SFTP_LINK_H

#include "lib/ssh/sftp.h"

#define LINK_IN ((size_t)512 << 10)

struct slot {
    uint32_t id;
    struct sftp_transfer *owner; /* NULL: free */
    const struct sftp_file *file;
    char *to; /* NULL: a status is expected; else data for here */
    uint64_t offset;
    uint32_t len;
};

struct sftp {
    struct sftp_io io;
    struct sftp_extensions extensions;
    struct buf out;
    char *in; /* LINK_IN bytes, those from `at` to `end` are not used yet */
    size_t at, end;
    uint32_t last_id;
    bool broken;
    struct slot slots[SFTP_DEPTH];
};

/* Spans into the input, valid until the next packet is read. */
struct sftp_packet {
    unsigned char type;
    uint32_t id;
    struct span body;  /* behind the id */
    struct span whole; /* behind the type */
};

/* Marks the connection as of no more use; returns false. */
bool link_break(struct sftp *s, struct err *err, const char *why);
bool link_send(struct sftp *s, struct err *err); /* what is in s->out */
bool link_next(struct sftp *s, struct sftp_packet *out, struct err *err);
/* Serves slots until the answer to `id` is there. */
bool link_await(struct sftp *s, uint32_t id, struct sftp_packet *out, struct err *err);
/* Serves slots until one is free, and gives it to `owner`; NULL with err. */
struct slot *link_slot(struct sftp *s, struct sftp_transfer *owner, struct err *err);
/* Serves slots until `owner` has none; false with its first failure. */
bool link_settle(struct sftp *s, struct sftp_transfer *owner, struct err *err);
/* True for SFTP_OK, else the error. */
bool link_status(struct sftp *s, const struct sftp_packet *p, struct err *err);
bool link_is_eof(const struct sftp_packet *p);

#endif
