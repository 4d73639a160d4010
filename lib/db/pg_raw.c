/* COPY TO STDOUT read from the socket itself.
 *
 * Source: PostgreSQL documentation, "Frontend/Backend Protocol" (version 3): a message is a type byte,
 * a length of 4 bytes that counts itself, and content. libpq is idle meanwhile and knows nothing of
 * the statement; from the Query message to ReadyForQuery all bytes are read here, so it finds its
 * session as it left it.
 */
#include "lib/base/cmd.h"
#include "lib/db/pg.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#define HEAD 5
/* Rows are handed on in pieces of up to this size. A socket's buffer is about as large. */
#define ROOM ((size_t)256 << 10)
/* The longest message: a row of 1 GiB is the server's own limit. */
#define MESSAGE_MAX ((size_t)1 << 30)
/* A reader that waits in poll() is woken by every 8 KiB that the server sends. In this time it sends
 * several times that, and never fills the socket's buffer. Measured: less than half of the system
 * calls per byte. */
#define NAP_NS 300000

struct raw {
    struct pgdb *db;
    struct buf in; /* what was read; [0, rows) are whole rows without their headers */
    size_t rows, next;
    char status;               /* of ReadyForQuery; 0: not there yet */
    bool copying, wrong, gone; /* gone: the connection */
    struct buf said;           /* the first ErrorResponse */
};

bool pg_raw_fits(const struct pgdb *db)
{
    return PQprotocolVersion(db->conn) == 3 && !PQsslInUse(db->conn) && !PQgssEncInUse(db->conn);
}

/* ---- bytes -------------------------------------------------------------------------------------*/

static bool gone(struct raw *r, struct err *err)
{
    r->gone = true;
    err_set(err, ERR_UNREACHABLE, "lost the connection to %s: %s", r->db->base.label,
            errno ? strerror(errno) : "the server closed it");
    return err_hint(err, "check that the server runs, and its log");
}

static bool send_all(struct raw *r, struct span bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t n = send(PQsocket(r->db->conn), bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return gone(r, err);
        if (n < 0 && !pg_wait(r->db, true, err))
            return false;
        if (n > 0) {
            bytes.at += n;
            bytes.len -= (size_t)n;
        }
    }
    return true;
}

/* A message of one type and a text with its NUL. */
static bool send_text(struct raw *r, char type, struct span text, struct err *err)
{
    AUTO(buf) struct buf out = {0};
    uint32_t len = htobe32((uint32_t)(text.len + 5));

    buf_putc(&out, type);
    buf_add(&out, &len, sizeof(len));
    buf_span(&out, text);
    buf_putc(&out, '\0');
    return buf_ok(&out, err) && send_all(r, buf_view(&out), err);
}

static bool receive(struct raw *r, struct err *err)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};

    for (bool rested = false;; rested = true) {
        ssize_t n = recv(PQsocket(r->db->conn), r->in.at + r->in.len, r->in.cap - r->in.len - 1,
                         MSG_DONTWAIT);
        if (n > 0) {
            r->in.len += (size_t)n;
            return true;
        }
        if (n == 0)
            errno = 0;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return gone(r, err);
        if (!rested)
            nanosleep(&nap, NULL);
        else if (!pg_wait(r->db, false, err))
            return false;
    }
}

/* ---- messages ----------------------------------------------------------------------------------*/

static const char *said_part(const struct raw *r, char code)
{
    const char *p = r->said.at, *end = p + r->said.len;

    for (; p && p < end && *p; p += strlen(p) + 1)
        if (*p == code)
            return p + 1;
    return "";
}

static bool fail_said(const struct raw *r, struct err *err)
{
    const struct pg_said said = {.state = said_part(r, 'C'),
                                 .primary = said_part(r, 'M'),
                                 .detail = said_part(r, 'D'),
                                 .hint = said_part(r, 'H'),
                                 .context = said_part(r, 'W'),
                                 .position = said_part(r, 'P'),
                                 .file = said_part(r, 'F'),
                                 .function = said_part(r, 'R'),
                                 .values = r->db->base.show_values};

    return pg_fail_said(&said, err);
}

/* All but rows: they are rare. */
static bool take_message(struct raw *r, char type, struct span content, struct err *err)
{
    switch (type) {
    case 'H':
        r->copying = true;
        return true;
    case 'E':
        return r->said.len || buf_span(&r->said, content) || buf_ok(&r->said, err);
    case 'Z':
        r->status = content.len ? *content.at : '?';
        return true;
    case 'G': /* it wants data */
        r->wrong = true;
        return send_text(r, 'f', SPAN("the client gave up"), err);
    case 'T':
    case 'D':
    case 'I':
        r->wrong = true;
        return true;
    case 'c': /* the end of the rows */
    case 'C': /* what was done */
    case 'N': /* a notice */
    case 'S': /* a parameter */
    case 'A': /* a notification */
        return true;
    default:
        return err_set(err, ERR_UNREACHABLE, "a message of type %d from %s is not understood",
                       (unsigned char)type, r->db->base.label);
    }
}

/* Whole messages of what was read; rows move together at the front. */
static bool take_messages(struct raw *r, struct err *err)
{
    while (r->in.len - r->next >= HEAD) {
        char *at = r->in.at + r->next;
        uint32_t len;

        memcpy(&len, at + 1, sizeof(len));
        len = be32toh(len);
        if (len < 4 || len > MESSAGE_MAX)
            return err_set(err, ERR_UNREACHABLE, "a message of %u bytes from %s", len,
                           r->db->base.label);
        if (r->in.len - r->next < len + (size_t)1)
            break;
        if (*at == 'd') {
            memmove(r->in.at + r->rows, at + HEAD, len - 4);
            r->rows += len - 4;
        } else if (!take_message(r, *at, (struct span){at + HEAD, len - 4}, err)) {
            return false;
        }
        r->next += len + (size_t)1;
    }
    return true;
}

/* Room for the rest of the message that has begun, and for more. */
static bool make_room(struct raw *r, struct err *err)
{
    uint32_t len = 0;

    if (r->next)
        memmove(r->in.at, r->in.at + r->next, r->in.len - r->next);
    r->in.len -= r->next;
    r->rows = r->next = 0;
    if (r->in.len >= HEAD) {
        memcpy(&len, r->in.at + 1, sizeof(len));
        len = be32toh(len);
    }
    size_t want = len + ROOM > r->in.len ? len + ROOM - r->in.len : 0;
    return buf_reserve(&r->in, want) || buf_ok(&r->in, err);
}

/* ---- the statement -----------------------------------------------------------------------------*/

static bool read_all(struct raw *r, bool (*take)(void *ctx, struct span rows, struct err *err),
                     void *ctx, struct err *err)
{
    while (!r->status || r->in.len > r->next) {
        if (!make_room(r, err) || !receive(r, err) || !take_messages(r, err))
            return false;
        if (r->rows && take && !take(ctx, (struct span){r->in.at, r->rows}, err))
            return false;
        if (take && !cmd_stop_check(err))
            return false;
    }
    return true;
}

/* Leaves the session usable, or closed. */
static void give_up(struct raw *r)
{
    if (!r->gone)
        r->db->base.ops->cancel(&r->db->base, NULL);
    if (r->gone || !read_all(r, NULL, NULL, NULL))
        shutdown(PQsocket(r->db->conn), SHUT_RDWR);
}

bool pg_raw_copy_out(struct pgdb *db, struct span sql,
                     bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                     struct err *err)
{
    struct raw r = {.db = db, .in.max = MESSAGE_MAX + 2 * ROOM};
    bool ok = false;

    db->warnings = 0;
    if (memchr(sql.at, '\0', sql.len))
        return err_set(err, ERR_SQL, "a statement holds a NUL byte, which PostgreSQL cannot take");
    if (!send_text(&r, 'Q', sql, err))
        goto done;
    if (!read_all(&r, take, ctx, err)) {
        if (r.gone && r.said.len) /* why the server has closed it */
            fail_said(&r, err);
        if (!r.status)
            give_up(&r);
        goto done;
    }
    if (r.wrong || (!r.copying && !r.said.len))
        err_set(err, ERR_SQL, "not a COPY of the right direction: %.*s",
                (int)(sql.len > 200 ? 200 : sql.len), sql.at);
    else
        ok = !r.said.len || fail_said(&r, err);
done:
    buf_done(&r.in);
    buf_done(&r.said);
    return ok;
}
