#include "tests/shop/server/web.h"

#include <arpa/inet.h>
#include <microhttpd.h>

#define BODY_MAX        ((size_t)64 * 1024)
#define CHUNK_BYTES     ((size_t)4096)
#define CONNECTIONS_MAX 512
#define IDLE_S          60
#define STACK_BYTES     ((size_t)256 * 1024)

struct web {
    struct MHD_Daemon *daemon;
};

const char *request_query(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_cookie(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, name);
}

int64_t request_id(const struct request *r)
{
    uint64_t id;
    return r->arg && span_u64(span_of(r->arg), &id) && id <= INT32_MAX ? (int64_t)id : 0;
}

json_t *request_json(struct request *r)
{
    json_t *body = json_loadb(buf_str(&r->body), r->body.len, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(body))
        return body;
    json_decref(body);
    answer_error(r, MHD_HTTP_BAD_REQUEST, "the body is not a JSON object", NULL);
    return NULL;
}

static int add_piece(const char *piece, size_t len, void *out)
{
    return buf_add(out, piece, len) ? 0 : -1;
}

bool answer_json(struct request *r, unsigned status, json_t *body, struct err *err)
{
    AUTO(json) json_t *owned = body;

    buf_clear(&r->out);
    if (!owned ||
        json_dump_callback(owned, add_piece, &r->out, JSON_COMPACT | JSON_REAL_PRECISION(6)) != 0)
        return err_memory(err);
    buf_putc(&r->out, '\n');
    r->status = status;
    r->type = "application/json";
    return buf_ok(&r->out, err);
}

bool answer_error(struct request *r, unsigned status, const char *why, struct err *err)
{
    return answer_json(r, status, json_pack("{s:s}", "error", why), err);
}

bool answer_page(struct request *r, unsigned status, const char *name, json_t *context,
                 struct err *err)
{
    AUTO(json) json_t *owned = context;

    buf_clear(&r->out);
    if (!owned)
        return err_memory(err);
    if (!template_render(r->shop->templates, name, owned, &r->out, err))
        return false;
    r->status = status;
    r->type = "text/html; charset=utf-8";
    return true;
}

bool answer_nothing(struct request *r)
{
    buf_clear(&r->out);
    r->status = MHD_HTTP_NO_CONTENT;
    r->type = NULL;
    return true;
}

/* Matches a path against "/api/articles/{}/reviews"; gives the part that stands for {} (cut out
 * of `path` by a NUL, so a match is final). */
static bool path_matches(const char *pattern, char *path, const char **arg)
{
    const char *hole = strstr(pattern, "{}");

    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    char *part = path + before;
    size_t len = strcspn(part, "/");
    if (len == 0 || strcmp(part + len, hole + 2) != 0)
        return false;
    part[len] = '\0';
    *arg = part;
    return true;
}

static bool dispatch(struct request *r, const char *method, struct err *err)
{
    bool known_path = false;

    if (r->body_too_large)
        return answer_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large", err);
    if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        method = MHD_HTTP_METHOD_GET;
    for (const struct route *route = routes; route->method; route++) {
        char path[sizeof(r->path)];
        const char *arg = NULL;

        memcpy(path, r->path, sizeof(path));
        if (!path_matches(route->path, path, &arg))
            continue;
        known_path = true;
        if (strcmp(route->method, method) != 0)
            continue;
        r->arg = arg;
        return route->handle(r, err);
    }
    if (known_path)
        return answer_error(r, MHD_HTTP_METHOD_NOT_ALLOWED, "not that method here", err);
    return answer_error(r, MHD_HTTP_NOT_FOUND, "nothing of this name", err);
}

static void report(const struct request *r, const char *method, const struct err *err)
{
    char line[sizeof(struct err)];

    fprintf(stderr, "shopd: %s %s: %s\n", method, r->path, err_line(err, line, sizeof(line)));
}

struct page {
    size_t len;
    char bytes[];
};

static ssize_t read_page(void *ctx, uint64_t at, char *out, size_t room)
{
    const struct page *page = ctx;

    if (at >= page->len)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t len = page->len - at < room ? page->len - at : room;
    memcpy(out, page->bytes + at, len);
    return (ssize_t)len;
}

/* In chunks, as of a length that is not known before: what records the shop must follow. */
static struct MHD_Response *chunked_response(const struct buf *out)
{
    struct page *page = malloc(sizeof(*page) + out->len);

    if (!page)
        return NULL;
    page->len = out->len;
    memcpy(page->bytes, buf_str(out), out->len);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_page, page, free);
    if (!response)
        free(page);
    return response;
}

static struct MHD_Response *new_response(const struct request *r)
{
    if (r->type && span_starts(span_of(r->type), "text/html"))
        return chunked_response(&r->out);
    return MHD_create_response_from_buffer(r->out.len, r->out.at, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_answer(struct request *r)
{
    struct MHD_Response *response = new_response(r);

    if (!response)
        return MHD_NO;
    if (r->type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    bool fixed = strncmp(r->path, "/static/", 8) == 0;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                            fixed ? "max-age=3600" : "no-store");
    if (r->cookie[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, r->cookie);
    if (r->location[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, r->location);
    enum MHD_Result queued = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}

static struct request *request_new(const struct shop *shop, struct MHD_Connection *connection,
                                   const char *url)
{
    struct request *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->shop = shop;
    r->connection = connection;
    buf_init(&r->body, BODY_MAX);
    /* A longer path is none of ours: it is cut, and then matches no route. */
    snprintf(r->path, sizeof(r->path), "%s", url);
    return r;
}

static enum MHD_Result on_request(void *shop, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **held)
{
    struct request *r = *held;
    struct err err = {0};

    (void)version;
    if (!r) {
        *held = request_new(shop, connection, url);
        return *held ? MHD_YES : MHD_NO;
    }
    if (*upload_len > 0) {
        if (!buf_add(&r->body, upload, *upload_len))
            r->body_too_large = true;
        *upload_len = 0;
        return MHD_YES;
    }
    if (!dispatch(r, method, &err)) {
        report(r, method, &err);
        if (!answer_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal error", NULL))
            return MHD_NO;
    }
    return send_answer(r);
}

static void on_completed(void *shop, struct MHD_Connection *connection, void **held,
                         enum MHD_RequestTerminationCode code)
{
    struct request *r = *held;

    (void)shop, (void)connection, (void)code;
    if (!r)
        return;
    buf_done(&r->body);
    buf_done(&r->out);
    free(r);
    *held = NULL;
}

static bool parse_listen(const char *listen, struct sockaddr_in *out, struct err *err)
{
    struct span port = span_of(listen), host;
    uint64_t number;
    AUTO(free) char *address = NULL;

    span_split(&port, ':', &host);
    address = span_dup(host);
    *out = (struct sockaddr_in){.sin_family = AF_INET};
    if (!address || !port.at || !span_u64(port, &number) || number == 0 || number > 65535 ||
        inet_pton(AF_INET, address, &out->sin_addr) != 1)
        return err_set(err, ERR_CONFIG, "wrong value of 'listen': '%s', not ADDRESS:PORT", listen);
    out->sin_port = htons((uint16_t)number);
    return true;
}

bool web_open(const struct shop *shop, const char *listen, struct web **out, struct err *err)
{
    AUTO(web) struct web *web = calloc(1, sizeof(*web));
    struct sockaddr_in address;
    union {
        const struct shop *borrowed;
        void *passed;
    } context = {.borrowed = shop};

    if (!web)
        return err_memory(err);
    if (!parse_listen(listen, &address, err))
        return false;
    web->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, context.passed, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_END);
    if (!web->daemon)
        return err_sys(err, ERR_IO, "cannot listen on '%s'", listen);
    *out = TAKE(web);
    return true;
}

void web_close(struct web *web)
{
    if (!web)
        return;
    if (web->daemon)
        MHD_stop_daemon(web->daemon);
    free(web);
}
