#include "replay/request.h"

#include "lib/wire/http_msg.h"
#include "replay/replace.h"

struct writer {
    const struct plan_request *q;
    const struct request_target *target;
    struct session *session;
    struct buf *out;
    struct span old_host;
};

/* `http://OLD/path` with the target's host; anything else as it is. */
static void write_origin(struct writer *w, struct span value)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < COUNT(schemes) && w->old_host.len; i++) {
        size_t n = strlen(schemes[i]);
        if (!span_starts(value, schemes[i]) || value.len < n + w->old_host.len ||
            memcmp(value.at + n, w->old_host.at, w->old_host.len) != 0)
            continue;
        buf_printf(w->out, "http://%s", w->target->host);
        n += w->old_host.len;
        struct span rest = {value.at + n, value.len - n};
        replace_target(w->session, rest, w->out);
        return;
    }
    buf_span(w->out, value);
}

static void write_header(struct writer *w, struct span name, struct span value)
{
    bool keep = w->target->keep_host;

    buf_span(w->out, name);
    buf_puts(w->out, ": ");
    if (span_is_nocase(name, "host") && !keep)
        buf_puts(w->out, w->target->host);
    else if (!keep && (span_is_nocase(name, "origin") || span_is_nocase(name, "referer")))
        write_origin(w, value);
    else if (span_is_nocase(name, "cookie"))
        replace_cookies(w->session, value, w->out);
    else
        replace_words(w->session, value, w->out);
    buf_puts(w->out, "\r\n");
}

static bool left_out(struct span name)
{
    static const char *const names[] = {"expect", "accept-encoding", "content-length",
                                        "transfer-encoding"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (span_is_nocase(name, names[i]))
            return true;
    return false;
}

static void write_start_line(struct writer *w)
{
    struct span line = http_start_line(w->q->head), target = http_target(w->q->head);

    if (!target.len) {
        buf_span(w->out, line);
    } else {
        size_t before = (size_t)(target.at - line.at);
        buf_add(w->out, line.at, before);
        replace_target(w->session, target, w->out);
        buf_add(w->out, target.at + target.len, line.len - before - target.len);
    }
    buf_puts(w->out, "\r\n");
}

static void write_body(struct writer *w, struct span body)
{
    bool chunked = w->q->flags & HTTP_CHUNKED;

    if (chunked)
        buf_puts(w->out, "Transfer-Encoding: chunked\r\n\r\n");
    else if (body.len || http_header(w->q->head, "content-length").at)
        buf_printf(w->out, "Content-Length: %zu\r\n\r\n", body.len);
    else
        buf_puts(w->out, "\r\n");
    if (chunked && body.len)
        buf_printf(w->out, "%zx\r\n", body.len);
    buf_span(w->out, body);
    if (!chunked)
        return;
    buf_puts(w->out, body.len ? "\r\n0\r\n" : "0\r\n");
    buf_span(w->out, w->q->trailers);
    buf_puts(w->out, "\r\n");
}

bool request_write(const struct plan_request *q, const struct request_target *target,
                   struct session *session, struct buf *out, struct err *err)
{
    struct writer w = {q, target, session, out, http_header(q->head, "host")};
    struct span rest = http_headers(q->head), name, value;
    AUTO(buf) struct buf body = {0};

    write_start_line(&w);
    while (http_next_header(&rest, &name, &value))
        if (!left_out(name))
            write_header(&w, name, value);
    if (session && q->body.len) {
        replace_body(session, http_header(q->head, "content-type"), http_target(q->head), q->body,
                     &body);
        if (!buf_ok(&body, err))
            return false;
    }
    write_body(&w, body.len ? buf_view(&body) : q->body);
    return buf_ok(out, err);
}
