/* Any bytes as both directions of a connection, in pieces, with lost bytes; and the readers of
 * heads, of what responses make up, and of what requests carry. The same bytes in other pieces
 * give the same messages.
 * Input: pieces of a command byte (bit 0 direction, bit 1 a gap, the rest a length), then bytes. */
#include "lib/wire/http.h"
#include "replay/replace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct seen {
    struct session *session;
    uint64_t hash;
    size_t messages;
};

static void mix(struct seen *s, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        s->hash = (s->hash ^ (uint8_t)text.at[i]) * UINT64_C(0x100000001b3);
    s->hash = (s->hash ^ 0x100) * UINT64_C(0x100000001b3);
}

static void use(struct seen *s, const struct http_message *m)
{
    struct span head = buf_view(&m->head), rest = http_headers(head), name, value;
    struct vec made = VEC(struct made);
    struct buf out = {0};
    const struct made_source from = {.method = SPAN("POST"),
                                     .target = http_target(head),
                                     .head = head,
                                     .body = buf_view(&m->body)};

    while (http_next_header(&rest, &name, &value))
        must(name.at >= head.at && value.at + value.len <= head.at + head.len);
    must(made_find(&from, &made, NULL));
    replace_target(s->session, http_target(head), &out);
    replace_cookies(s->session, http_header(head, "cookie"), &out);
    replace_words(s->session, head, &out);
    replace_json(s->session, buf_view(&m->body), "order", &out);
    replace_parameters(s->session, buf_view(&m->body), "order", &out);
    must(!out.failed);
    buf_done(&out);
    made_done(&made);
}

static bool on_event(void *ctx, const struct http_event *e, struct err *err)
{
    struct seen *s = ctx;

    (void)err;
    if (e->kind == HTTP_NOT)
        return true;
    must(e->number > 0 && e->msg->body_bytes >= e->msg->body.len);
    use(s, e->msg);
    /* How much of a message that broke off was there, depends on the pieces. */
    if (e->msg->flags & HTTP_INCOMPLETE)
        return true;
    s->messages++;
    mix(s, buf_view(&e->msg->head));
    mix(s, buf_view(&e->msg->body));
    mix(s, buf_view(&e->msg->trailers));
    return true;
}

static const struct http_limits limits = {.body_max = 1 << 16};

static void one_direction(struct seen *s, struct span bytes, size_t piece)
{
    struct http_counts counts = {0};
    struct http_conn *c = NULL;

    must(http_conn_new(false, &limits, &counts, &c, NULL));
    while (bytes.len) {
        struct span now = {bytes.at, bytes.len < piece ? bytes.len : piece};
        must(http_conn_data(c, TCP_TO_SERVER, now, 1, on_event, s, NULL));
        bytes = (struct span){bytes.at + now.len, bytes.len - now.len};
    }
    http_conn_free(c);
}

static void mixed(struct seen *s, const uint8_t *bytes, size_t len)
{
    struct http_counts counts = {0};
    struct http_conn *c = NULL;
    bool midstream = len && bytes[0] & 4;

    must(http_conn_new(midstream, &limits, &counts, &c, NULL));
    for (size_t at = 0; at < len;) {
        enum tcp_dir dir = bytes[at] & 1 ? TCP_TO_CLIENT : TCP_TO_SERVER;
        bool gap = bytes[at] & 2;
        size_t n = (size_t)bytes[at] >> 2;
        at++;
        n = n < len - at ? n : len - at;
        if (gap)
            must(http_conn_gap(c, dir, n + 1, 1, on_event, s, NULL));
        else
            must(http_conn_data(c, dir, (struct span){(const char *)bytes + at, n}, 1, on_event, s,
                                NULL));
        at += gap ? 0 : n;
    }
    must(http_conn_eof(c, TCP_TO_SERVER, false, 1, on_event, s, NULL));
    must(http_conn_eof(c, TCP_TO_CLIENT, false, 1, on_event, s, NULL));
    http_conn_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct seen whole = {0}, cut = {0}, both = {0};

    must(session_new(&whole.session, NULL));
    must(session_put(whole.session, MADE_ID, SPAN("order"), SPAN("1"), SPAN("22"), NULL));
    must(session_put(whole.session, MADE_TOKEN, SPAN(""), SPAN("a"), SPAN("bb"), NULL));
    cut.session = both.session = whole.session;
    one_direction(&whole, (struct span){(const char *)bytes, len}, SIZE_MAX);
    one_direction(&cut, (struct span){(const char *)bytes, len}, 3);
    must(whole.messages == cut.messages && whole.hash == cut.hash);
    mixed(&both, bytes, len);
    session_free(whole.session);
    return 0;
}
