/* HTTP GET for health and smoke checks. The home of curl.h for boxes. */
#include "lib/box/box.h"

#include <curl/curl.h>

#define BODY_MAX ((size_t)1 << 20)

static inline void auto_curl(CURL **c)
{
    curl_easy_cleanup(*c);
}

struct body {
    struct buf *out;
    bool full;
};

static size_t take(char *at, size_t one, size_t count, void *ctx)
{
    struct body *b = ctx;
    size_t len = one * count;

    if (b->out->len + len > BODY_MAX) {
        b->full = true;
        return 0;
    }
    return buf_add(b->out, at, len) ? len : 0;
}

static bool explain(CURLcode code, const char *url, const char *why, double timeout_s,
                    struct err *err)
{
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return err_set(err, ERR_CONFIG, "'%s' is not an http:// or https:// address", url);
    if (code == CURLE_OUT_OF_MEMORY)
        return err_memory(err);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_UNREACHABLE, "no answer from '%s' within %g s", url, timeout_s);
    return err_set(err, ERR_UNREACHABLE, "no answer from '%s': %s", url,
                   *why ? why : curl_easy_strerror(code));
}

bool box_http_get(const char *url, double timeout_s, unsigned *status, struct buf *body,
                  struct err *err)
{
    AUTO(curl) CURL *c = curl_easy_init();
    AUTO(buf) struct buf own = {0};
    struct body sink = {.out = body ? body : &own};
    char why[CURL_ERROR_SIZE] = "";
    long code = 0;

    if (!c)
        return err_memory(err);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* a box is here; a proxy would ask elsewhere */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(timeout_s * 1000));
    curl_easy_setopt(c, CURLOPT_USERAGENT, "rehearse/" REHEARSE_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &sink);
    CURLcode done = curl_easy_perform(c);
    if (done != CURLE_OK && !sink.full) /* the first mebibyte is enough to judge by */
        return explain(done, url, why, timeout_s, err);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    *status = (unsigned)code;
    return true;
}
