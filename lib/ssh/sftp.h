/* An SFTP client with many requests in flight.
 *
 * Why not libssh2's own: 1.10 has no posix-rename@openssh.com, without which no file can be replaced
 * in one step, and its reads ask for up to four times the bytes that were wanted.
 *
 * Threads:   a struct sftp, and all files of it, belong to one thread at a time.
 * Ownership: a struct sftp_file is the caller's memory and must stay where it is until it is closed
 *            or its connection is.
 * Errors:    as in lib/ssh/session.h, and ERR_MISSING, ERR_RIGHTS, ERR_UNSUPPORTED; ERR_IO for what
 *            the server calls a failure (a full disk among it, see sftp_space); ERR_DAMAGED when a
 *            file is too short. After ERR_UNREACHABLE sftp_broken() says whether to connect anew.
 */
#ifndef LIB_SSH_SFTP_H
#define LIB_SSH_SFTP_H

#include "lib/base/auto.h"
#include "lib/ssh/sftp_packet.h"
#include "lib/ssh/target.h"

#define SFTP_DEPTH   64    /* requests in flight */
#define SFTP_PIECE   32256 /* bytes of one: fits with its head into one SSH packet */
#define SFTP_UNACKED ((size_t)SFTP_DEPTH * SFTP_PIECE)

struct sftp;
bool sftp_open(const struct ssh_target *to, struct sftp **out, struct err *err);
void sftp_close(struct sftp *s);
AUTO_PTR(sftp, struct sftp, sftp_close)

/* Where packets go to and come from, for tests; sftp_open() takes an SSH channel. `recv` gives at
 * least one byte; `close` may be NULL. */
struct sftp_io {
    bool (*send)(void *ctx, struct span bytes, struct err *err);
    bool (*recv)(void *ctx, void *to, size_t max, size_t *got, struct err *err);
    void (*close)(void *ctx);
    void *ctx;
};
bool sftp_open_io(const struct sftp_io *io, struct sftp **out, struct err *err);

bool sftp_broken(const struct sftp *s);
const struct sftp_extensions *sftp_extensions(const struct sftp *s);

/* Names: borrowed, any bytes but NUL. Links are not followed by sftp_stat. */
bool sftp_stat(struct sftp *s, const char *path, struct sftp_attr *out, struct err *err);
bool sftp_mkdir(struct sftp *s, const char *path, uint32_t mode, struct err *err);
bool sftp_remove(struct sftp *s, const char *path, struct err *err);
/* Over a file that is there, in one step; ERR_UNSUPPORTED without posix_rename. */
bool sftp_replace(struct sftp *s, const char *from, const char *to, struct err *err);
/* Fails (ERR_IO) when `to` exists. */
bool sftp_rename(struct sftp *s, const char *from, const char *to, struct err *err);
/* `each` must not use this connection. "." and ".." are left out. */
bool sftp_list(struct sftp *s, const char *path,
               bool (*each)(void *ctx, struct span name, const struct sftp_attr *attr,
                            struct err *err),
               void *ctx, struct err *err);
/* Bytes that this user may still write, and whether files can still be made. */
bool sftp_space(struct sftp *s, const char *path, uint64_t *bytes, bool *files, struct err *err);

enum { SFTP_FOR_READ = 1, SFTP_FOR_WRITE = 2, SFTP_CREATE = 8, SFTP_EXCLUSIVE = 32 };
#define SFTP_HANDLE_MAX 256
struct sftp_transfer {
    unsigned in_flight;
    struct err err; /* the first failure */
};
struct sftp_file {
    struct sftp_transfer writes;
    char handle[SFTP_HANDLE_MAX];
    size_t handle_len; /* 0: closed */
};
bool sftp_file_open(struct sftp *s, const char *path, uint32_t flags, uint32_t mode,
                    struct sftp_file *out, struct err *err);
/* Exactly len bytes. */
bool sftp_file_read(struct sftp *s, struct sftp_file *f, uint64_t offset, void *to, size_t len,
                    struct err *err);
/* Returns when all is sent; SFTP_UNACKED bytes at most may then wait for their answer. A failure is
 * told by a later call, at the latest by sftp_file_settle(). */
bool sftp_file_write(struct sftp *s, struct sftp_file *f, uint64_t offset, const void *from,
                     size_t len, struct err *err);
/* Makes durable what was written so far; also told later. Nothing where the server has no fsync. */
bool sftp_file_sync(struct sftp *s, struct sftp_file *f, struct err *err);
/* Waits for every answer. */
bool sftp_file_settle(struct sftp *s, struct sftp_file *f, struct err *err);
bool sftp_file_stat(struct sftp *s, struct sftp_file *f, struct sftp_attr *out, struct err *err);
/* Settles too; whatever happens, f is closed. */
bool sftp_file_close(struct sftp *s, struct sftp_file *f, struct err *err);

#endif
