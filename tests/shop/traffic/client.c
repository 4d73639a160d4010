#include "tests/shop/traffic/client.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"

#include <curl/curl.h>

#define ANSWER_MAX ((size_t)4 << 20)
#define TIMEOUT_S  10L
#define SECOND_NS  INT64_C(1000000000)

struct client {
    CURL *curl;
    struct curl_slist *json_headers;
    const char *url;
    const struct pace *pace;
    unsigned number;
    uint64_t sent;
    struct buf answer;
    struct tally tally;
};

static size_t take_bytes(char *bytes, size_t one, size_t count, void *answer)
{
    return buf_add(answer, bytes, one * count) ? one * count : 0;
}

bool client_renew(struct client *c, struct err *err)
{
    curl_easy_cleanup(c->curl);
    c->curl = curl_easy_init();
    if (!c->curl)
        return err_memory(err);
    curl_easy_setopt(c->curl, CURLOPT_COOKIEFILE, ""); /* a jar in memory */
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "shop-traffic/1.0");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->answer);
    return true;
}

bool client_open(const char *url, const struct pace *pace, unsigned number, struct client **out,
                 struct err *err)
{
    AUTO(client) struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->url = url;
    c->pace = pace;
    c->number = number;
    buf_init(&c->answer, ANSWER_MAX);
    c->json_headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!c->json_headers)
        return err_memory(err);
    *out = TAKE(c);
    return true;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->json_headers);
    buf_done(&c->answer);
    free(c);
}

struct tally *client_tally(struct client *c)
{
    return &c->tally;
}

static bool wait_for_turn(struct client *c)
{
    const struct pace *p = c->pace;
    double slot = (double)(c->sent * p->clients + c->number) / p->rate;
    int64_t due = p->start_ns + (int64_t)(slot * (double)SECOND_NS);

    c->sent++;
    return due < p->end_ns && clock_sleep_until(due);
}

static bool perform(struct client *c, const char *path, const char *body, long *status,
                    struct err *err)
{
    AUTO(buf) struct buf url = {0};

    buf_printf(&url, "%s%s", c->url, path);
    if (!buf_ok(&url, err))
        return false;
    buf_clear(&c->answer);
    curl_easy_setopt(c->curl, CURLOPT_URL, buf_str(&url));
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, body ? c->json_headers : NULL);
    if (body)
        curl_easy_setopt(c->curl, CURLOPT_COPYPOSTFIELDS, body);
    else
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    CURLcode code = curl_easy_perform(c->curl);
    if (code != CURLE_OK)
        return err_set(err, ERR_UNREACHABLE, "no answer from '%s': %s", buf_str(&url),
                       curl_easy_strerror(code));
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, status);
    return true;
}

bool client_ask(struct client *c, const char *path, json_t *body, long expected, json_t **answer,
                struct err *err)
{
    AUTO(json) json_t *owned = body;
    AUTO(free) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    long status = 0;

    if (answer)
        *answer = NULL;
    if (body && !text)
        return err_memory(err);
    if (!wait_for_turn(c))
        return false;
    int64_t before = clock_mono_ns();
    if (!perform(c, path, text, &status, err))
        return false;
    int64_t took = clock_mono_ns() - before;

    c->tally.requests++;
    c->tally.busy_ns += (uint64_t)took;
    if ((uint64_t)took > c->tally.slowest_ns)
        c->tally.slowest_ns = (uint64_t)took;
    if (status != expected) {
        c->tally.unexpected++;
        fprintf(stderr, "shop-traffic: %s %s gave %ld, not %ld\n", owned ? "POST" : "GET", path,
                status, expected);
    }
    if (answer)
        *answer = json_loadb(buf_str(&c->answer), c->answer.len, 0, NULL);
    return true;
}
