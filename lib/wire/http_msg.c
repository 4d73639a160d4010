#include "lib/wire/http_msg.h"

#include <llhttp.h>

struct http_in {
    llhttp_t parser;
    struct http_limits limits;
    struct http_message msg;
    struct buf value; /* of a header under way, while its name goes to the head */
    size_t pooled;    /* what this parser holds of the shared pool */
    int64_t at_ns;
    bool begun, headed, complete, losing;
    bool head_request, connect_request;
    const char *why;
};

/* ---- heads ---- */

static bool next_line(struct span *rest, struct span *line)
{
    if (!span_split(rest, '\n', line))
        return false;
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

struct span http_start_line(struct span head)
{
    struct span line = {"", 0};

    next_line(&head, &line);
    return line;
}

struct span http_headers(struct span head)
{
    struct span line;

    next_line(&head, &line);
    return head;
}

struct span http_method(struct span head)
{
    struct span line = http_start_line(head), word = {"", 0};

    span_split(&line, ' ', &word);
    return word;
}

struct span http_target(struct span head)
{
    struct span line = http_start_line(head), word = {"", 0};

    span_split(&line, ' ', &word);
    if (!span_split(&line, ' ', &word))
        return (struct span){"", 0};
    return word;
}

bool http_next_header(struct span *rest, struct span *name, struct span *value)
{
    struct span line;

    while (next_line(rest, &line)) {
        const char *colon = line.len ? memchr(line.at, ':', line.len) : NULL;
        if (!colon)
            continue;
        *name = (struct span){line.at, (size_t)(colon - line.at)};
        *value = span_trim((struct span){colon + 1, line.len - name->len - 1});
        return true;
    }
    return false;
}

struct span http_header(struct span head, const char *name)
{
    struct span rest = http_headers(head), got, value;

    while (http_next_header(&rest, &got, &value))
        if (span_is_nocase(got, name))
            return value;
    return (struct span){NULL, 0};
}

/* ---- llhttp's callbacks ---- */

static struct http_in *of(llhttp_t *p)
{
    return p->data;
}

static int refuse(struct http_in *in, const char *why)
{
    in->why = why;
    llhttp_set_error_reason(&in->parser, why);
    return HPE_USER;
}

static int on_begin(llhttp_t *p)
{
    struct http_in *in = of(p);

    in->begun = true;
    in->msg.first_ns = in->at_ns;
    return 0;
}

static int head_add(struct http_in *in, struct buf *to, const char *at, size_t len)
{
    if (in->msg.head.len + in->msg.trailers.len + in->value.len + len > HTTP_HEAD_MAX)
        return refuse(in, "the head is too long");
    return buf_add(to, at, len) ? 0 : refuse(in, "out of memory");
}

static struct buf *lines(struct http_in *in)
{
    return in->headed ? &in->msg.trailers : &in->msg.head;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
    struct http_in *in = of(p);
    struct buf *head = &in->msg.head;

    if (head->len == 0) {
        const char *method = llhttp_method_name((llhttp_method_t)p->method);
        buf_printf(head, "%s ", method);
    }
    return head_add(in, head, at, len);
}

static int on_url_end(llhttp_t *p)
{
    (void)p;
    return 0;
}

static int on_version_end(llhttp_t *p)
{
    struct buf *head = &of(p)->msg.head;

    if (p->type == HTTP_REQUEST)
        buf_printf(head, " HTTP/%d.%d\r\n", p->http_major, p->http_minor);
    else
        buf_printf(head, "HTTP/%d.%d ", p->http_major, p->http_minor);
    return 0;
}

static int on_status(llhttp_t *p, const char *at, size_t len)
{
    struct http_in *in = of(p);

    if (in->value.len == 0)
        buf_printf(&in->msg.head, "%03d ", p->status_code);
    buf_putc(&in->value, '.'); /* marks that the code stands */
    return head_add(in, &in->msg.head, at, len);
}

static int on_status_end(llhttp_t *p)
{
    struct http_in *in = of(p);

    if (in->value.len == 0)
        buf_printf(&in->msg.head, "%03d ", p->status_code);
    buf_clear(&in->value);
    buf_puts(&in->msg.head, "\r\n");
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t len)
{
    return head_add(of(p), lines(of(p)), at, len);
}

static int on_field_end(llhttp_t *p)
{
    buf_puts(lines(of(p)), ": ");
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
    return head_add(of(p), lines(of(p)), at, len);
}

static int on_value_end(llhttp_t *p)
{
    struct http_in *in = of(p);
    struct buf *to = lines(in);

    /* A folded value (obsolete, RFC 9112 5.2) must not open a second line in the normal form. */
    for (size_t i = to->len; i > 0 && to->at[i - 1] != '\n'; i--)
        if (to->at[i - 1] == '\r')
            to->at[i - 1] = ' ';
    buf_puts(to, "\r\n");
    return buf_ok(to, NULL) ? 0 : refuse(in, "out of memory");
}

static int on_headed(llhttp_t *p)
{
    struct http_in *in = of(p);
    struct http_message *m = &in->msg;

    in->headed = true;
    m->flags |= p->flags & F_CHUNKED ? HTTP_CHUNKED : 0;
    if (p->type == HTTP_REQUEST)
        return 0;
    m->status = p->status_code;
    if (in->connect_request && m->status / 100 == 2) {
        m->flags |= HTTP_UPGRADED;
        return 2; /* no body, and no HTTP behind it */
    }
    if (m->status == 101) {
        m->flags |= HTTP_UPGRADED;
        return 0;
    }
    /* Their Content-Length speaks of another response's body (RFC 9112 6.3). */
    bool bodiless =
        in->head_request || m->status / 100 == 1 || m->status == 204 || m->status == 304;
    if (!bodiless && llhttp_message_needs_eof(p))
        m->flags |= HTTP_UNTIL_CLOSE;
    return bodiless;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct http_in *in = of(p);
    struct http_message *m = &in->msg;
    const struct http_limits *l = &in->limits;
    size_t room = m->body.len < l->body_max ? l->body_max - m->body.len : 0;

    if (l->pool && l->pool_max) {
        size_t free_bytes = *l->pool < l->pool_max ? l->pool_max - *l->pool : 0;
        room = room < free_bytes ? room : free_bytes;
    }
    m->body_bytes += len;
    if (len > room || m->flags & HTTP_CUT)
        m->flags |= HTTP_CUT;
    size_t keep = len < room ? len : room;
    if (keep && !buf_add(&m->body, at, keep))
        return refuse(in, "out of memory");
    in->pooled += keep;
    if (l->pool)
        *l->pool += keep;
    return 0;
}

static int on_complete(llhttp_t *p)
{
    struct http_in *in = of(p);

    in->complete = true;
    in->msg.last_ns = in->at_ns;
    in->msg.flags |= llhttp_should_keep_alive(p) ? 0 : HTTP_CLOSES;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_url_complete = on_url_end,
    .on_version_complete = on_version_end,
    .on_status = on_status,
    .on_status_complete = on_status_end,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_end,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_end,
    .on_headers_complete = on_headed,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* ---- the stream ---- */

static void parser_start(struct http_in *in, llhttp_type_t type)
{
    llhttp_init(&in->parser, type, &settings);
    in->parser.data = in;
    /* What the server accepted is to be recorded, be it by the book or not. */
    llhttp_set_lenient_headers(&in->parser, 1);
    in->why = NULL;
}

bool http_in_new(enum http_side side, const struct http_limits *limits, struct http_in **out,
                 struct err *err)
{
    struct http_in *in = calloc(1, sizeof(*in));

    if (!in)
        return err_memory(err);
    in->limits = *limits;
    parser_start(in, side == HTTP_SIDE_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE);
    *out = in;
    return true;
}

static void release_pool(struct http_in *in)
{
    if (in->limits.pool)
        *in->limits.pool -= in->pooled;
    in->pooled = 0;
}

void http_in_free(struct http_in *in)
{
    if (!in)
        return;
    release_pool(in);
    buf_done(&in->msg.head);
    buf_done(&in->msg.body);
    buf_done(&in->msg.trailers);
    buf_done(&in->value);
    free(in);
}

void http_in_answers(struct http_in *in, struct span method)
{
    in->head_request = span_is(method, "HEAD");
    in->connect_request = span_is(method, "CONNECT");
}

struct http_message *http_in_message(struct http_in *in)
{
    return &in->msg;
}

/* A body's memory is used again, unless it is so large that ten thousand connections would hurt. */
static void reuse(struct buf *b)
{
    if (b->cap > (size_t)64 << 10)
        buf_done(b);
    else
        buf_clear(b);
}

void http_in_next(struct http_in *in)
{
    release_pool(in);
    buf_clear(&in->msg.head);
    buf_clear(&in->msg.trailers);
    buf_clear(&in->value);
    reuse(&in->msg.body);
    in->msg.body_bytes = 0;
    in->msg.status = 0;
    in->msg.flags = 0;
    in->msg.first_ns = in->msg.last_ns = 0;
    in->begun = in->headed = in->complete = false;
}

void http_in_reset(struct http_in *in)
{
    llhttp_type_t type = (llhttp_type_t)in->parser.type;

    http_in_next(in);
    parser_start(in, type);
}

bool http_in_begun(const struct http_in *in)
{
    return in->begun;
}

bool http_in_headed(const struct http_in *in)
{
    return in->headed;
}

const char *http_in_why(const struct http_in *in)
{
    return in->why ? in->why : "not HTTP/1";
}

static enum http_got stopped(struct http_in *in, llhttp_errno_t code)
{
    if (code == HPE_PAUSED || code == HPE_PAUSED_UPGRADE) {
        if (code == HPE_PAUSED)
            llhttp_resume(&in->parser);
        else
            llhttp_resume_after_upgrade(&in->parser);
        return in->complete ? HTTP_MESSAGE : HTTP_MORE;
    }
    if (!in->why)
        in->why = llhttp_get_error_reason(&in->parser);
    return HTTP_BROKEN;
}

enum http_got http_in_feed(struct http_in *in, struct span *data, int64_t at_ns)
{
    in->at_ns = at_ns > in->at_ns ? at_ns : in->at_ns;
    while (data->len) {
        llhttp_errno_t code = llhttp_execute(&in->parser, data->at, data->len);
        if (code == HPE_OK) {
            *data = (struct span){data->at + data->len, 0};
            return HTTP_MORE;
        }
        const char *at = llhttp_get_error_pos(&in->parser);
        size_t used = at && at >= data->at ? (size_t)(at - data->at) : 0;
        used = used < data->len ? used : data->len;
        *data = (struct span){data->at + used, data->len - used};
        enum http_got got = stopped(in, code);
        if (got != HTTP_MORE)
            return got;
    }
    return HTTP_MORE;
}

enum http_got http_in_eof(struct http_in *in, int64_t at_ns)
{
    in->at_ns = at_ns > in->at_ns ? at_ns : in->at_ns;
    if (!in->begun)
        return HTTP_MORE;
    llhttp_errno_t code = llhttp_finish(&in->parser);
    if (in->complete) {
        stopped(in, HPE_PAUSED);
        return HTTP_MESSAGE;
    }
    if (code == HPE_OK)
        return HTTP_MORE;
    if (!in->why)
        in->why = "the connection ended inside a message";
    return HTTP_BROKEN;
}

uint64_t http_in_body_left(const struct http_in *in)
{
    const llhttp_t *p = &in->parser;
    bool counted =
        in->headed && !in->complete && p->flags & F_CONTENT_LENGTH && !(p->flags & F_CHUNKED);

    return counted ? p->content_length : 0;
}

enum http_got http_in_lost(struct http_in *in, uint64_t bytes, int64_t at_ns)
{
    static const char zeros[4096] = {0};
    enum http_got got = HTTP_MORE;

    in->msg.flags |= HTTP_LOST;
    while (bytes && got == HTTP_MORE) {
        struct span piece = {zeros, bytes < sizeof(zeros) ? (size_t)bytes : sizeof(zeros)};
        bytes -= piece.len;
        got = http_in_feed(in, &piece, at_ns);
    }
    return got;
}
