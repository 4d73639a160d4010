/* shop-traffic: visitors of the demo shop, at a steady rate, for a while.
 *
 *   shop-traffic --url http://127.0.0.1:8080 --rate 100 --clients 10 --seconds 15 --seed 1
 * Each client is a thread with one connection per visit. Prints what was done on stdout as one
 * line; ends with 0 only when every answer had the status that was expected.
 */
#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/opt.h"
#include "tests/shop/traffic/visit.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>

#define CLIENTS_MAX 256
#define SECOND_NS   1e9

struct args {
    const char *url;
    double rate, seconds;
    uint64_t clients, sessions, seed, customers;
};

#define AT(field) offsetof(struct args, field)
static const struct opt opts[] = {
    {"url", OPT_STR, AT(url), "URL", "the shop, http://127.0.0.1:8080"},
    {"rate", OPT_REAL, AT(rate), "N", "requests per second, of all clients together"},
    {"clients", OPT_COUNT, AT(clients), "N", "visitors at the same time", 1, CLIENTS_MAX},
    {"seconds", OPT_SECONDS, AT(seconds), "T", "ends after this time"},
    {"sessions", OPT_COUNT, AT(sessions), "N", "ends after this many visits; 0: no bound"},
    {"seed", OPT_COUNT, AT(seed), "N", "other visits of the same kind"},
    {"customers", OPT_COUNT, AT(customers), "N", "customers that may log in", 1, UINT32_MAX},
    {0},
};
#undef AT

struct worker {
    pthread_t thread;
    const struct args *args;
    const struct pace *pace;
    unsigned number;
    struct tally tally;
    bool failed;
    struct err err;
};

static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct visitors visitors = {w->args->seed, w->args->customers};
    AUTO(client) struct client *client = NULL;

    if (!client_open(w->args->url, w->pace, w->number, &client, &w->err)) {
        w->failed = true;
        return NULL;
    }
    /* Visit n belongs to client n mod clients, so that what is done does not depend on who is
     * faster. */
    for (uint64_t n = w->number; w->args->sessions == 0 || n < w->args->sessions;
         n += w->pace->clients) {
        if (!visit(client, &visitors, n, &w->err))
            break;
    }
    w->failed = w->err.code != ERR_NONE;
    w->tally = *client_tally(client);
    return NULL;
}

static void add(struct tally *sum, const struct tally *t)
{
    sum->requests += t->requests;
    sum->sessions += t->sessions;
    sum->orders += t->orders;
    sum->unexpected += t->unexpected;
    sum->busy_ns += t->busy_ns;
    if (t->slowest_ns > sum->slowest_ns)
        sum->slowest_ns = t->slowest_ns;
}

static bool run_clients(const struct args *args, struct worker *workers, struct tally *sum,
                        struct err *err)
{
    int64_t now = clock_mono_ns();
    struct pace pace = {now, args->rate, (unsigned)args->clients,
                        now + (int64_t)(args->seconds * SECOND_NS)};
    unsigned started = 0;

    for (; started < pace.clients; started++) {
        struct worker *w = &workers[started];
        *w = (struct worker){.args = args, .pace = &pace, .number = started};
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
    }
    bool done = started == pace.clients || err_set(err, ERR_FAILED, "cannot start a thread");
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        add(sum, &workers[i].tally);
        if (workers[i].failed && done) {
            *err = workers[i].err;
            done = false;
        }
    }
    return done;
}

static bool check(const struct args *args, struct err *err)
{
    if (!args->url)
        return err_set(err, ERR_USAGE, "needs --url");
    if (!(args->rate > 0 && args->rate <= 100000 && args->seconds > 0))
        return err_set(err, ERR_USAGE, "wrong --rate or --seconds: above 0");
    return true;
}

static bool run(const struct args *args, struct err *err)
{
    AUTO(free) struct worker *workers = calloc(args->clients, sizeof(*workers));
    struct tally sum = {0};
    int64_t start = clock_mono_ns();

    if (!workers)
        return err_memory(err);
    if (!run_clients(args, workers, &sum, err))
        return false;
    double took_s = (double)(clock_mono_ns() - start) / SECOND_NS;
    double mean_ms = sum.requests ? (double)sum.busy_ns / (double)sum.requests / 1e6 : 0;
    printf("%" PRIu64 " requests in %.1f s (%.0f per second), %" PRIu64 " visits, %" PRIu64
           " orders, mean %.1f ms, slowest %.1f ms, %" PRIu64 " unexpected\n",
           sum.requests, took_s, (double)sum.requests / took_s, sum.sessions, sum.orders, mean_ms,
           (double)sum.slowest_ns / 1e6, sum.unexpected);
    if (sum.unexpected > 0)
        return err_set(err, ERR_DIFFERS, "%" PRIu64 " answers had another status than expected",
                       sum.unexpected);
    return true;
}

int main(int argc, char **argv)
{
    struct args args = {.rate = 50, .seconds = 10, .clients = 8, .seed = 1, .customers = 100};
    struct err err = {0};
    char line[sizeof(struct err)];

    argc--, argv++;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bool done = opt_parse(opts, &args, &argc, argv, &err) && check(&args, &err) && run(&args, &err);
    if (!done)
        fprintf(stderr, "shop-traffic: %s\n", err_line(&err, line, sizeof(line)));
    curl_global_cleanup();
    return done ? 0 : (int)err.code;
}
