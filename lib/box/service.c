/* Services: the application's processes. */
#include "lib/box/local.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"

#define NS_PER_S     INT64_C(1000000000)
#define STOP_GRACE_S 10
#define SETTLE_NS    (NS_PER_S / 4) /* without a check: alive after this long is healthy */

bool services_create(struct local *l, struct err *err)
{
    const struct env *env = l->box.env;

    for (unsigned i = 0; i < env->services_count; i++) {
        const struct env_service *s = &env->services[i];
        json_t *entry = json_object();
        uint16_t port = 0;
        uid_t uid;
        gid_t gid;

        if (json_array_append_new(local_services(l), entry) != 0)
            return err_memory(err);
        if (!entry_set_str(entry, "name", s->name, err) ||
            !user_ids(user_of_service(s), &uid, &gid, err))
            return err_add(err, "service '%s'", s->name);
        if (s->port && (!port_choose(l, &port, err) || !entry_set_num(entry, "port", port, err)))
            return false;
    }
    return true;
}

/* ---- starting -------------------------------------------------------------------------------------*/

struct texts {
    char **at; /* NULL-terminated */
};

static inline void auto_texts(struct texts *t)
{
    for (char **s = t->at; s && *s; s++)
        free(*s);
    free(t->at);
}

/* Expands a list; `extra` places are left at the end. */
static bool expand_list(const struct local *l, const struct env_strings *list, bool secrets,
                        unsigned extra, struct texts *out, struct err *err)
{
    out->at = calloc(list->count + extra + 1, sizeof(*out->at));
    if (!out->at)
        return err_memory(err);
    for (unsigned i = 0; i < list->count; i++) {
        AUTO(buf) struct buf text = {0};

        if (!expand(l, list->at[i], false, secrets, &text, err))
            return false;
        out->at[i] = strdup(buf_str(&text));
        if (!out->at[i])
            return err_memory(err);
    }
    return true;
}

static char *log_of(const struct local *l, const char *service)
{
    char *path = NULL;

    return asprintf(&path, "%s/services/%s.log", l->box.where, service) < 0 ? NULL : path;
}

struct service_log {
    const char *path;
    off_t from; /* where this start's words begin */
};

static bool launch(struct local *l, const struct env_service *s, json_t *entry, const char *log,
                   struct err *err)
{
    AUTO(texts) struct texts argv = {0}, env = {0};
    pid_t pid = 0;

    if (!expand_list(l, &s->run, false, 0, &argv, err) ||
        !expand_list(l, &s->env, true, 1, &env, err))
        return false;
    char mark[SWEEP_MARK];
    env.at[s->env.count] = strdup(sweep_mark(l, mark));
    if (!env.at[s->env.count])
        return err_memory(err);
    struct proc_conf conf = {.argv = (const char *const *)argv.at,
                             .env = (const char *const *)env.at,
                             .clean_env = true,
                             .cwd = l->box.where,
                             .user = user_of_service(s),
                             .stdout_path = log,
                             .keep_after_us = true};
    return proc_start(&conf, &pid, err) && entry_started(l, entry, pid, err);
}

/* ---- health ---------------------------------------------------------------------------------------*/

struct probe {
    const char *url, *host;
    uint16_t port;
    char why[1024]; /* of the last failure */
};

static bool probe_tcp(const char *tcp, char *host, size_t size, uint16_t *port, struct err *err)
{
    const char *colon = strrchr(tcp, ':');
    uint64_t n = 0;

    if (!colon || (size_t)(colon - tcp) >= size || !span_u64(span_of(colon + 1), &n) || !n ||
        n > 65535)
        return err_set(err, ERR_CONFIG, "'%s' is not HOST:PORT", tcp);
    memcpy(host, tcp, (size_t)(colon - tcp));
    host[colon - tcp] = '\0';
    *port = (uint16_t)n;
    return true;
}

static bool probe_ok(struct probe *p)
{
    struct err why = {0};
    unsigned status = 0;

    if (p->host) {
        snprintf(p->why, sizeof(p->why), "nothing accepts at %s:%u", p->host, p->port);
        return port_accepts(p->host, p->port);
    }
    if (!box_http_get(p->url, 2, &status, NULL, &why)) {
        memcpy(p->why, why.text, sizeof(p->why));
        return false;
    }
    snprintf(p->why, sizeof(p->why), "'%s' answers with status %u", p->url, status);
    return status / 100 == 2;
}

static bool died(const struct env_service *s, const struct service_log *log, struct err *err)
{
    AUTO(free) char *last = log_last_line(log->path, log->from);

    err_set(err, ERR_SERVICE, "service '%s' died: %s", s->name, last ? last : "it said nothing");
    return err_hint(err, "its log is %s", log->path);
}

/* *state: what a failure is called. */
static bool await(const struct env_service *s, json_t *entry, struct probe *p,
                  const struct service_log *log, const char **state, struct err *err)
{
    int64_t wait = s->health ? (int64_t)(s->health->within_s * (double)NS_PER_S) : SETTLE_NS;
    int64_t deadline = clock_mono_ns() + wait;

    for (;;) {
        waitpid((pid_t)json_integer_value(json_object_get(entry, "pid")), NULL, WNOHANG);
        if (!entry_alive(entry))
            return died(s, log, err);
        if (p && probe_ok(p)) /* and it is this service that answers: it still lives */
            return entry_alive(entry) || died(s, log, err);
        if (!cmd_stop_check(err))
            return false;
        if (clock_mono_ns() >= deadline)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    }
    if (!p)
        return true;
    *state = "timeout";
    err_set(err, ERR_SERVICE, "service '%s' is not healthy after %g s: %s", s->name,
            s->health->within_s, p->why);
    return err_hint(err, "its log is %s", log->path);
}

static bool await_healthy(struct local *l, const struct env_service *s, json_t *entry,
                          const struct service_log *log, const char **state, struct err *err)
{
    AUTO(buf) struct buf target = {0};
    char host[256];
    struct probe p = {0};

    if (!s->health)
        return await(s, entry, NULL, log, state, err);
    if (!expand(l, s->health->url ? s->health->url : s->health->tcp, false, false, &target, err))
        return false;
    if (s->health->url) {
        p.url = buf_str(&target);
    } else {
        if (!probe_tcp(buf_str(&target), host, sizeof(host), &p.port, err))
            return false;
        p.host = host;
    }
    return await(s, entry, &p, log, state, err);
}

/* ---- telling --------------------------------------------------------------------------------------*/

static bool tell(const struct local *l, const struct box_service *what, struct err *err)
{
    const struct box_watch *w = &l->box.watch;

    return !w->service || w->service(w->ctx, what, err);
}

/* A failure stays the one that is reported, also when it cannot be told. */
static bool tell_failed(const struct local *l, const struct box_service *what,
                        const struct err *failed, struct err *err)
{
    struct box_service told = *what;
    struct err why = *failed, mine = {0};

    told.detail = why.text;
    if (why.code != ERR_STOPPED && !tell(l, &told, &mine))
        err_add(&why, "and it could not be noted (%.200s)", mine.text);
    return err_pass(err, &why);
}

static bool start_one(struct local *l, const struct env_service *s, json_t *entry, struct err *err)
{
    AUTO(free) char *path = log_of(l, s->name);
    struct service_log log = {.path = path};
    struct box_service what = {.name = s->name, .state = "died", .detail = ""};
    uint16_t port = (uint16_t)json_integer_value(json_object_get(entry, "port"));
    int64_t began = clock_mono_ns();
    struct err mine = {0};

    if (!path)
        return err_memory(err);
    if (entry_up(entry))
        return true;
    if (!entry_stop(l, entry, SIGTERM, STOP_GRACE_S, err))
        return false;
    log.from = log_size(path);
    if (port && !port_check(port, s->name, err))
        return false;
    bool ok = launch(l, s, entry, path, &mine);
    if (!ok)
        err_add(&mine, "cannot start service '%s'", s->name);
    ok = ok && await_healthy(l, s, entry, &log, &what.state, &mine);
    what.took_ms = (double)(clock_mono_ns() - began) / 1e6;
    if (!ok)
        return tell_failed(l, &what, &mine, err);
    what.state = "healthy";
    return tell(l, &what, err);
}

/* The trees must be within reach of whom the services run as. */
static bool check_reach(struct local *l, struct err *err)
{
    const struct env *env = l->box.env;
    AUTO(free) char *files = local_path(l, "files");

    if (!files)
        return err_memory(err);
    for (unsigned i = 0; i < env->services_count; i++)
        if (!user_may_enter(files, user_of_service(&env->services[i]), err))
            return err_add(err, "service '%s'", env->services[i].name);
    return true;
}

bool services_up(struct local *l, struct err *err)
{
    const struct env *env = l->box.env;

    if (!check_reach(l, err))
        return false;
    for (unsigned i = 0; i < env->services_count; i++) {
        json_t *entry = json_array_get(local_services(l), i);

        if (start_one(l, &env->services[i], entry, err))
            continue;
        struct err ignored = {0};
        services_down(l, &ignored);
        return false;
    }
    return true;
}

/* In reverse order; all of them, whatever one says. */
bool services_down(struct local *l, struct err *err)
{
    json_t *list = local_services(l);
    bool ok = true;

    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *entry = json_array_get(list, i);
        struct err mine = {0};

        if (entry && !entry_stop(l, entry, SIGTERM, STOP_GRACE_S, &mine) && ok)
            ok = err_pass(err, &mine);
    }
    return ok;
}

bool services_check(struct local *l, struct err *err)
{
    const struct env *env = l->box.env;

    for (unsigned i = 0; i < env->services_count; i++) {
        const json_t *entry = json_array_get(local_services(l), i);
        pid_t pid = (pid_t)json_integer_value(json_object_get(entry, "pid"));

        if (pid > 1)
            waitpid(pid, NULL, WNOHANG);
        if (pid <= 1 || entry_alive(entry))
            continue;
        AUTO(free) char *log = log_of(l, env->services[i].name);
        AUTO(free) char *last = log ? log_last_line(log, 0) : NULL;
        struct box_service what = {.name = env->services[i].name,
                                   .state = "died",
                                   .detail = last ? last : "it said nothing"};
        if (!tell(l, &what, err))
            return false;
    }
    return true;
}
