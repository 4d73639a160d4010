/* shopd: the web shop that the tests rehearse releases of.
 *
 *   shopd --config shop.conf
 * Templates and static files are found beside the program (../templates, ../static), so the code
 * tree may lie anywhere. Runs in the foreground until SIGTERM or SIGINT, then answers what is
 * under way and ends with 0.
 */
#include "lib/base/auto.h"
#include "lib/base/fd.h"
#include "lib/base/opt.h"
#include "tests/shop/server/web.h"

#include <libgen.h>
#include <signal.h>

struct args {
    const char *config;
};

static const struct opt opts[] = {
    {"config", OPT_STR, offsetof(struct args, config), "FILE", "the shop's configuration"},
    {0},
};

/* CODE/bin/shopd -> CODE/name */
static char *code_path(const char *name)
{
    AUTO(free) char *self = realpath("/proc/self/exe", NULL);
    return self ? path_join(dirname(dirname(self)), name) : NULL;
}

static bool load_texts(const char *name, struct texts **out, struct err *err)
{
    AUTO(free) char *dir = code_path(name);

    return dir ? texts_load(dir, out, err) : err_memory(err);
}

static bool serve(const struct conf *conf, struct err *err)
{
    AUTO(pool) struct pool *postgresql = NULL;
    AUTO(pool) struct pool *mariadb = NULL;
    AUTO(texts) struct texts *templates = NULL;
    AUTO(texts) struct texts *statics = NULL;
    AUTO(web) struct web *web = NULL;
    sigset_t stop;
    int got;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    /* Before any thread starts, so that all inherit it and only sigwait() sees the signal. */
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);

    if (!pool_new(&postgresql_ops, conf, &postgresql, err) ||
        !pool_new(&mariadb_ops, conf, &mariadb, err) || !load_texts("templates", &templates, err) ||
        !load_texts("static", &statics, err))
        return false;
    struct shop shop = {conf, postgresql, mariadb, templates, statics};
    if (!web_open(&shop, conf->listen, &web, err))
        return false;
    fprintf(stderr, "shopd: listening on %s\n", conf->listen);
    sigwait(&stop, &got);
    fprintf(stderr, "shopd: stopping\n");
    /* Before the pools: threads of connections still use them. */
    web_close(TAKE(web));
    return true;
}

int main(int argc, char **argv)
{
    struct args args = {0};
    AUTO(conf) struct conf conf = {0};
    struct err err = {0};
    char line[sizeof(struct err)];

    argc--, argv++;
    bool done = opt_parse(opts, &args, &argc, argv, &err) &&
                (args.config || err_set(&err, ERR_USAGE, "no --config FILE")) &&
                conf_load(args.config, &conf, &err) && serve(&conf, &err);
    if (!done)
        fprintf(stderr, "shopd: %s\n", err_line(&err, line, sizeof(line)));
    sql_library_done();
    return done ? 0 : (int)err.code;
}
