/* Packets of the SFTP protocol, version 3: pure reading and writing, no I/O.
 * Source: draft-ietf-secsh-filexfer-02; the extensions in OpenSSH's PROTOCOL file, section 4. */
#ifndef LIB_SSH_SFTP_PACKET_H
#define LIB_SSH_SFTP_PACKET_H

#include "lib/base/buf.h"
#include "lib/base/span.h"

#define SFTP_VERSION 3
#define SFTP_PACKET_MAX \
    ((uint32_t)256 << 10) /* of what a server sends; the draft promises 34,000 */

enum sftp_type {
    SFTP_INIT = 1,
    SFTP_VERSION_IS = 2,
    SFTP_OPEN = 3,
    SFTP_CLOSE = 4,
    SFTP_READ = 5,
    SFTP_WRITE = 6,
    SFTP_LSTAT = 7,
    SFTP_FSTAT = 8,
    SFTP_OPENDIR = 11,
    SFTP_READDIR = 12,
    SFTP_REMOVE = 13,
    SFTP_MKDIR = 14,
    SFTP_RENAME = 18,
    SFTP_STATUS = 101,
    SFTP_HANDLE = 102,
    SFTP_DATA = 103,
    SFTP_NAME = 104,
    SFTP_ATTRS = 105,
    SFTP_EXTENDED = 200,
    SFTP_EXTENDED_REPLY = 201
};

enum sftp_status {
    SFTP_OK = 0,
    SFTP_EOF = 1,
    SFTP_NO_SUCH_FILE = 2,
    SFTP_PERMISSION_DENIED = 3,
    SFTP_FAILURE = 4,
    SFTP_BAD_MESSAGE = 5,
    SFTP_NO_CONNECTION = 6,
    SFTP_CONNECTION_LOST = 7,
    SFTP_UNSUPPORTED = 8
};

struct sftp_attr {
    uint64_t bytes;
    uint32_t mode; /* with the type, as in struct stat; 0: not told */
    uint32_t mtime_s;
    bool has_bytes, has_mtime;
};

/* What the server has beyond the draft. */
struct sftp_extensions {
    bool posix_rename, fsync, statvfs;
};

/* Writing: begin, the fields, end. sftp_end() fills in the length. */
void sftp_begin(struct buf *out, enum sftp_type type, uint32_t id);
void sftp_u32(struct buf *out, uint32_t n);
void sftp_u64(struct buf *out, uint64_t n);
void sftp_str(struct buf *out, struct span s);
void sftp_mode(struct buf *out, uint32_t mode); /* attributes: the permissions alone */
void sftp_end(struct buf *out);

/* Reading takes a field off the front; false when it is not whole. */
bool sftp_take_u32(struct span *from, uint32_t *out);
bool sftp_take_u64(struct span *from, uint64_t *out);
bool sftp_take_str(struct span *from, struct span *out);
bool sftp_take_attr(struct span *from, struct sftp_attr *out);
/* An entry of SFTP_NAME; its name is a single part of a path, or false. */
bool sftp_take_name(struct span *from, struct span *name, struct sftp_attr *out);
/* The body of SFTP_VERSION_IS. */
bool sftp_take_version(struct span body, uint32_t *version, struct sftp_extensions *out);

#endif
