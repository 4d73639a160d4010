#include "lib/ssh/sftp_link.h"

#define HEAD     4
#define TEXT_MAX 200

/* ---- packets ---------------------------------------------------------------------------------*/

/* Who waits for an answer must not be told by one that never comes, nor be written to later. */
static void lose(struct sftp *s)
{
    s->broken = true;
    for (size_t i = 0; i < COUNT(s->slots); i++) {
        struct sftp_transfer *owner = s->slots[i].owner;

        if (owner && owner->err.code == ERR_NONE)
            err_set(&owner->err, ERR_UNREACHABLE, "the connection was lost");
        if (owner)
            owner->in_flight = 0;
        s->slots[i] = (struct slot){0};
    }
}

bool link_break(struct sftp *s, struct err *err, const char *why)
{
    lose(s);
    return err_set(err, ERR_UNREACHABLE, "%s", why);
}

static bool usable(const struct sftp *s, struct err *err)
{
    return !s->broken || err_set(err, ERR_UNREACHABLE, "the connection was lost");
}

bool link_send(struct sftp *s, struct err *err)
{
    sftp_end(&s->out);
    if (!usable(s, err))
        return false;
    if (!buf_ok(&s->out, err) || !s->io.send(s->io.ctx, buf_view(&s->out), err)) {
        lose(s);
        return false;
    }
    return true;
}

/* At least `n` bytes from s->at on. */
static bool fill(struct sftp *s, size_t n, struct err *err)
{
    if (s->at == s->end)
        s->at = s->end = 0;
    if (s->at + n > LINK_IN) {
        memmove(s->in, s->in + s->at, s->end - s->at);
        s->end -= s->at;
        s->at = 0;
    }
    while (s->end - s->at < n) {
        size_t got = 0;

        if (!s->io.recv(s->io.ctx, s->in + s->end, LINK_IN - s->end, &got, err)) {
            lose(s);
            return false;
        }
        s->end += got;
    }
    return true;
}

bool link_next(struct sftp *s, struct sftp_packet *out, struct err *err)
{
    uint32_t len = 0;

    if (!usable(s, err) || !fill(s, HEAD, err))
        return false;
    struct span head = {s->in + s->at, HEAD};
    sftp_take_u32(&head, &len);
    if (len < 1 + HEAD || len > SFTP_PACKET_MAX)
        return link_break(s, err, "what answers is no SFTP server, or its packets are too long");
    if (!fill(s, HEAD + len, err))
        return false;
    out->type = (unsigned char)s->in[s->at + HEAD];
    out->whole = (struct span){s->in + s->at + HEAD + 1, len - 1};
    out->body = out->whole;
    sftp_take_u32(&out->body, &out->id);
    s->at += HEAD + len;
    return true;
}

/* ---- status ----------------------------------------------------------------------------------*/

bool link_is_eof(const struct sftp_packet *p)
{
    struct span body = p->body;
    uint32_t code;

    return p->type == SFTP_STATUS && sftp_take_u32(&body, &code) && code == SFTP_EOF;
}

static bool denied(struct err *err)
{
    err_set(err, ERR_RIGHTS, "the server denies it");
    return err_hint(err, "look at the owner and mode of the file and its directory there");
}

bool link_status(struct sftp *s, const struct sftp_packet *p, struct err *err)
{
    struct span body = p->body, text = SPAN("");
    uint32_t code;

    if (!sftp_take_u32(&body, &code))
        return link_break(s, err, "the server gave a cut status");
    sftp_take_str(&body, &text); /* some servers leave it out */
    switch (code) {
    case SFTP_OK:
        return true;
    case SFTP_EOF:
        return err_set(err, ERR_DAMAGED, "the file is too short");
    case SFTP_NO_SUCH_FILE:
        return err_set(err, ERR_MISSING, "the server has no such file");
    case SFTP_PERMISSION_DENIED:
        return denied(err);
    case SFTP_NO_CONNECTION:
    case SFTP_CONNECTION_LOST:
        return link_break(s, err, "the server lost its connection");
    case SFTP_UNSUPPORTED:
        return err_set(err, ERR_UNSUPPORTED, "the server does not know the request");
    default:
        return err_set(err, ERR_IO, "the server says '%.*s' (%u)",
                       (int)(text.len < TEXT_MAX ? text.len : TEXT_MAX), text.at, code);
    }
}

/* ---- slots -----------------------------------------------------------------------------------*/

static void release(struct slot *slot)
{
    slot->owner->in_flight--;
    *slot = (struct slot){0};
}

/* The rest of a piece that came short. */
static bool ask_again(struct sftp *s, struct slot *slot, struct err *err)
{
    slot->id = ++s->last_id;
    sftp_begin(&s->out, SFTP_READ, slot->id);
    sftp_str(&s->out, (struct span){slot->file->handle, slot->file->handle_len});
    sftp_u64(&s->out, slot->offset);
    sftp_u32(&s->out, slot->len);
    return link_send(s, err);
}

static bool take_data(struct sftp *s, struct slot *slot, struct span body, struct err *err)
{
    struct span data;

    if (!sftp_take_str(&body, &data) || data.len == 0 || data.len > slot->len)
        return link_break(s, err, "the server gave other bytes than it was asked for");
    memcpy(slot->to, data.at, data.len);
    slot->to += data.len;
    slot->offset += data.len;
    slot->len -= (uint32_t)data.len;
    if (slot->len > 0)
        return ask_again(s, slot, err);
    release(slot);
    return true;
}

static bool serve(struct sftp *s, struct slot *slot, const struct sftp_packet *p, struct err *err)
{
    struct err why = {0};

    if (slot->to && p->type == SFTP_DATA)
        return take_data(s, slot, p->body, err);
    if (p->type != SFTP_STATUS)
        return link_break(s, err, "the server gave another answer");
    bool ok = link_status(s, p, &why);
    if (s->broken)
        return err_pass(err, &why);
    if (ok && slot->to)
        return link_break(s, err, "the server says OK where it should give something");
    if (!ok && slot->owner->err.code == ERR_NONE)
        slot->owner->err = why;
    release(slot);
    return true;
}

static struct slot *slot_of(struct sftp *s, uint32_t id)
{
    for (size_t i = 0; i < COUNT(s->slots); i++)
        if (s->slots[i].owner && s->slots[i].id == id)
            return &s->slots[i];
    return NULL;
}

static bool pump(struct sftp *s, struct err *err)
{
    struct sftp_packet p;

    if (!link_next(s, &p, err))
        return false;
    struct slot *slot = slot_of(s, p.id);
    return slot ? serve(s, slot, &p, err)
                : link_break(s, err, "the server answers what was not asked");
}

bool link_await(struct sftp *s, uint32_t id, struct sftp_packet *out, struct err *err)
{
    while (link_next(s, out, err)) {
        struct slot *slot = slot_of(s, out->id);

        if (!slot && out->id == id)
            return true;
        if (!slot)
            return link_break(s, err, "the server answers what was not asked");
        if (!serve(s, slot, out, err))
            return false;
    }
    return false;
}

struct slot *link_slot(struct sftp *s, struct sftp_transfer *owner, struct err *err)
{
    if (!usable(s, err))
        return NULL;
    for (;;) {
        for (size_t i = 0; i < COUNT(s->slots); i++) {
            if (s->slots[i].owner)
                continue;
            s->slots[i].owner = owner;
            owner->in_flight++;
            return &s->slots[i];
        }
        if (!pump(s, err))
            return NULL;
    }
}

bool link_settle(struct sftp *s, struct sftp_transfer *owner, struct err *err)
{
    while (owner->in_flight > 0)
        if (!pump(s, err))
            return false;
    return owner->err.code == ERR_NONE || err_pass(err, &owner->err);
}
