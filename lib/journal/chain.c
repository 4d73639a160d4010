#include "lib/journal/chain.h"

#include "lib/base/buf.h"
#include "lib/base/json.h"

#include <errno.h>
#include <inttypes.h>

struct reading {
    struct chain *chain;
    chain_each *each;
    void *ctx;
    int fd;
    off_t at;
    bool ended;
    struct buf text; /* what was read and not yet taken apart */
    size_t taken;
};

static inline void auto_reading(struct reading *r)
{
    buf_done(&r->text);
}

void chain_extend(struct chain *c, struct span line)
{
    c->last = hash_of(line);
    c->lines++;
    c->good_bytes += (off_t)line.len + 1;
}

static bool check_links(const struct chain *c, const json_t *event, struct err *err)
{
    char want[HASH_HEX];
    const char *prev, *text;
    uint64_t n;

    if (!json_is_object(event))
        return err_set(err, ERR_DAMAGED, "not a JSON object");
    if (!json_want_u64(event, "n", &n, err) || !json_want_str(event, "prev", &prev, err) ||
        !json_want_str(event, "event", &text, err) || !json_want_str(event, "at", &text, err))
        return false;
    digest_hex(&c->last, want);
    if (n != c->lines + 1)
        return err_set(err, ERR_DAMAGED, "'n' is %" PRIu64 ": lines are missing, added or moved",
                       n);
    if (strcmp(prev, want) != 0)
        return err_set(err, ERR_DAMAGED, "the hash does not fit: the line before was altered");
    return true;
}

static bool take_line(struct reading *r, struct span line, struct err *err)
{
    AUTO(json) json_t *event = NULL;
    struct err why = {0};

    if (!json_parse(line, "", &event, &why)) {
        if (why.code == ERR_DAMAGED)
            return err_set(err, why.code, "line %" PRIu64 " is not valid JSON",
                           r->chain->lines + 1);
        return err_memory(err);
    }
    if (!check_links(r->chain, event, err))
        return err_add(err, "line %" PRIu64, r->chain->lines + 1);
    chain_extend(r->chain, line);
    return !r->each || r->each(r->ctx, event, err);
}

static bool fill(struct reading *r, struct err *err)
{
    char piece[65536];

    if (r->text.len - r->taken > CHAIN_LINE_MAX)
        return err_set(err, ERR_DAMAGED, "line %" PRIu64 " is longer than %zu bytes",
                       r->chain->lines + 1, CHAIN_LINE_MAX);
    if (r->taken) {
        memmove(r->text.at, r->text.at + r->taken, r->text.len - r->taken);
        r->text.len -= r->taken;
        r->taken = 0;
    }
    ssize_t n = pread(r->fd, piece, sizeof(piece), r->at);
    if (n < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot read");
    if (n <= 0) {
        r->ended = n == 0;
        return true;
    }
    r->at += n;
    buf_add(&r->text, piece, (size_t)n);
    return buf_ok(&r->text, err);
}

/* After a power cut the end of a file may be zeros: size and content reach the disk apart. JSON has
 * no zero bytes, so a last line with one was never whole. */
static bool is_torn(const struct reading *r, struct span line)
{
    return r->ended && r->taken + line.len + 1 == r->text.len && memchr(line.at, 0, line.len);
}

bool chain_read(struct chain *c, int fd, chain_each *each, void *ctx, struct err *err)
{
    AUTO(reading)
    struct reading r = {.chain = c, .each = each, .ctx = ctx, .fd = fd, .at = c->good_bytes};

    buf_init(&r.text, CHAIN_LINE_MAX + 131072);
    while (!r.ended) {
        if (!fill(&r, err))
            return false;
        const char *end;
        while ((end = memchr(buf_str(&r.text) + r.taken, '\n', r.text.len - r.taken))) {
            struct span line = {r.text.at + r.taken, (size_t)(end - r.text.at) - r.taken};
            /* Whether it is the last one shows only when the file has been read to its end. */
            if (!r.ended && r.taken + line.len + 1 == r.text.len)
                break;
            if (is_torn(&r, line))
                break;
            if (!take_line(&r, line, err))
                return false;
            r.taken += line.len + 1;
        }
    }
    c->torn_bytes = (off_t)(r.text.len - r.taken);
    return true;
}
