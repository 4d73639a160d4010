/* Private database servers: one per distinct source server, whatever its engine. */
#include "lib/box/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "lib/base/program.h"
#include "lib/base/sched.h"
#include "lib/base/vec.h"

#define START_WAIT_S 300 /* recovery of a killed server takes its time */
#define STOP_GRACE_S 120
/* Of one that nobody has seen ready: a signal at the wrong instant of its start is lost (MariaDB's about
 * 60 ms in), and it has nothing that its recovery would not bring back. */
#define STOP_GRACE_UNREADY_S 5
/* While a server is loaded. */
#define SESSIONS_PER_JOB 2
#define SESSIONS_MORE    100
#define NS_PER_S         INT64_C(1000000000)

static const struct server_ops *const engines[] = {&server_pg, &server_my};

static const struct server_ops *ops_of(const char *engine)
{
    for (size_t i = 0; i < COUNT(engines); i++)
        if (strcmp(engines[i]->engine, engine) == 0)
            return engines[i];
    return NULL;
}

static void server_done(struct server *s)
{
    free(s->dir);
    free(s->data);
    free(s->tmp);
    free(s->conf);
    free(s->log);
}

static inline void auto_server(struct server *s)
{
    server_done(s);
}

static bool server_init(struct server *s, struct local *l, json_t *entry, struct err *err)
{
    const struct server_ops *ops = ops_of(entry_str(entry, "engine"));

    if (!ops)
        return err_set(err, ERR_DAMAGED, "box.json names the engine '%s'",
                       entry_str(entry, "engine"));
    *s = (struct server){.ops = ops,
                         .l = l,
                         .entry = entry,
                         .user = user_choose(ops->users),
                         .socket = entry_str(entry, "socket"),
                         .socket_dir = entry_str(entry, "socket_dir"),
                         .port = (uint16_t)json_integer_value(json_object_get(entry, "port"))};
    s->dir = local_path(l, entry_str(entry, "name"));
    s->data = s->dir ? path_join(s->dir, "data") : NULL;
    s->tmp = s->dir ? path_join(s->dir, "tmp") : NULL;
    s->conf = s->dir ? path_join(s->dir, "server.conf") : NULL;
    s->log = s->dir ? path_join(s->dir, "server.log") : NULL;
    return (s->data && s->tmp && s->conf && s->log) || err_memory(err);
}

json_t *server_of_database(const struct local *l, const char *database)
{
    size_t i, j;
    json_t *entry, *name;

    json_array_foreach(local_servers(l), i, entry)
        json_array_foreach(json_object_get(entry, "databases"), j,
                           name) if (strcmp(json_string_value(name), database) == 0) return entry;
    return NULL;
}

/* ---- for the engines ------------------------------------------------------------------------------*/

bool server_find(const char *const *patterns, const char *package, char **out, struct err *err)
{
    for (const char *const *p = patterns; *p; p++) {
        char *found = **p == '/' ? program_newest(*p) : program_in_path(*p);
        if (found) {
            *out = found;
            return true;
        }
    }
    const char *slash = strrchr(patterns[0], '/');
    err_set(err, ERR_MISSING, "there is no program '%s' here", slash ? slash + 1 : patterns[0]);
    return err_hint(err, "install the package %s", package);
}

unsigned server_load_sessions(const struct server *s)
{
    return (unsigned)json_array_size(json_object_get(s->entry, "databases")) +
           SESSIONS_PER_JOB * jobs_or_cores(0) + SESSIONS_MORE;
}

unsigned server_memory_mb(unsigned divisor, unsigned min_mb, unsigned max_mb)
{
    uint64_t mb = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
    uint64_t share = mb / divisor;

    return share < min_mb ? min_mb : share > max_mb ? max_mb : (unsigned)share;
}

bool server_write_conf(const struct server *s, const struct buf *text, struct err *err)
{
    uid_t uid;
    gid_t gid;

    if (!buf_ok(text, err) || !user_ids(s->user, &uid, &gid, err) ||
        !file_replace(s->conf, buf_view(text), 0640, err))
        return false;
    if (s->user && lchown(s->conf, 0, gid) != 0)
        return err_sys(err, ERR_IO, "cannot give '%s' to user '%s'", s->conf, s->user);
    return true;
}

bool server_session(const struct server *s, const char *user, const char *database, struct db **out,
                    struct err *err)
{
    struct db_conf conf = {.socket = s->socket,
                           .port = s->port,
                           .user = user,
                           .database = database,
                           .application = "rehearse box"};

    if (!db_engine_parse(entry_str(s->entry, "engine"), &conf.engine))
        return err_set(err, ERR_DAMAGED, "box.json names an unknown engine");
    return db_open(&conf, out, err);
}

bool server_each_database(const struct server *s,
                          bool (*each)(const struct server *s, const struct env_database *db,
                                       void *ctx, struct err *err),
                          void *ctx, struct err *err)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(s->entry, "databases"), i, name)
    {
        const struct env_database *db = env_find_database(s->l->box.env, json_string_value(name));
        if (db && !each(s, db, ctx, err))
            return false;
    }
    return true;
}

bool server_run(const struct server *s, const char *const *argv, struct err *err)
{
    char mark[SWEEP_MARK];
    const char *const env[] = {sweep_mark(s->l, mark), NULL};

    /* Not in `s->dir`, which it may not be allowed to read; not in ours either. */
    struct proc_conf conf = {
        .argv = argv, .env = env, .clean_env = true, .cwd = s->data, .user = s->user};
    return proc_run(&conf, 300, NULL, err);
}

/* ---- making ---------------------------------------------------------------------------------------*/

/* The group that may come to the socket: the services', so that they can use it too. */
static gid_t socket_group(const struct local *l)
{
    uid_t uid;
    gid_t gid = (gid_t)-1;
    struct err ignored = {0};

    if (l->box.env->services_count)
        user_ids(user_of_service(&l->box.env->services[0]), &uid, &gid, &ignored);
    return gid;
}

/* A socket's path holds 107 bytes. A box that lies deeper gets a short directory elsewhere. */
static bool place_socket(struct local *l, const struct server_ops *ops, json_t *entry,
                         const char *dir, struct err *err)
{
    AUTO(free) char *run = path_join(dir, "run");
    char place[64];

    if (!run)
        return err_memory(err);
    if (strlen(run) + 1 + strlen(ops->socket_name) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return entry_set_str(entry, "socket_dir", run, err);
    snprintf(place, sizeof(place), "%s/rehearse-XXXXXX",
             access("/run", W_OK) == 0 ? "/run" : "/tmp");
    if (!mkdtemp(place))
        return err_sys(err, ERR_IO, "cannot make a short directory for sockets");
    /* Noted before it is used, so that destroy finds it. */
    return entry_set_str(entry, "socket_dir", place, err) &&
           entry_set_str(entry, "private_dir", place, err) && local_save(l, err);
}

static bool set_secret(json_t *entry, struct err *err)
{
    unsigned char bytes[18];
    char hex[2 * sizeof(bytes) + 1];

    AUTO(fd) int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, bytes, sizeof(bytes)) != sizeof(bytes))
        return err_sys(err, ERR_IO, "cannot draw a password");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return entry_set_str(entry, "password", hex, err);
}

/* The entry of a new server, in box.json before anything is made for it. */
static bool add_entry(struct local *l, const struct env_database *db, json_t **out, struct err *err)
{
    const struct server_ops *ops = ops_of(db->engine);
    json_t *entry = json_object(), *names = json_array();
    AUTO(buf) struct buf name = {0};
    uint16_t port = 0;

    if (!ops) {
        json_decref(entry);
        json_decref(names);
        return err_set(err, ERR_UNSUPPORTED, "a box has no server for '%s'", db->engine);
    }
    if (json_array_append_new(local_servers(l), entry) != 0 ||
        json_object_set_new(entry, "databases", names) != 0)
        return err_memory(err);
    buf_printf(&name, "%s.%s", ops->prefix, db->name);
    AUTO(free) char *dir = local_path(l, buf_str(&name));
    if (!dir)
        return err_memory(err);
    if (!port_choose(l, &port, err) || !entry_set_str(entry, "name", buf_str(&name), err) ||
        !entry_set_str(entry, "engine", ops->engine, err) ||
        !entry_set_str(entry, "admin", ops->admin, err) || !set_secret(entry, err) ||
        !entry_set_num(entry, "port", port, err) || !place_socket(l, ops, entry, dir, err))
        return false;
    AUTO(free)
    char *socket = ops->socket_is_dir ? strdup(entry_str(entry, "socket_dir"))
                                      : path_join(entry_str(entry, "socket_dir"), ops->socket_name);
    if (!socket)
        return err_memory(err);
    *out = entry;
    return entry_set_str(entry, "socket", socket, err);
}

/* Databases of one source server share one server here. */
static bool group_databases(struct local *l, struct err *err)
{
    const struct env *env = l->box.env;

    for (unsigned i = 0; i < env->databases_count; i++) {
        const struct env_database *db = &env->databases[i];
        json_t *entry = NULL;

        for (unsigned j = 0; j < i && !entry; j++)
            if (env_same_server(db, &env->databases[j]))
                entry = server_of_database(l, env->databases[j].name);
        if (!entry && !add_entry(l, db, &entry, err))
            return false;
        if (json_array_append_new(json_object_get(entry, "databases"), json_string(db->name)) != 0)
            return err_memory(err);
    }
    return local_save(l, err);
}

static bool make_dirs(const struct server *s, struct err *err)
{
    return user_dir(s->dir, NULL, (gid_t)-1, 0711, err) &&
           user_dir(s->data, s->user, (gid_t)-1, 0700, err) &&
           user_dir(s->tmp, s->user, (gid_t)-1, 0700, err) &&
           user_dir(s->socket_dir, s->user, socket_group(s->l), 0710, err) &&
           user_may_enter(s->data, s->user, err);
}

static bool make_server(void *ctx, void *arg, unsigned worker, struct err *err)
{
    AUTO(server) struct server s = {0};

    (void)worker;
    return (server_init(&s, ctx, arg, err) && make_dirs(&s, err) && s.ops->init(&s, err)) ||
           err_add(err, "cannot make the server '%s'", entry_str(arg, "name"));
}

/* Each on a core of its own. */
bool servers_create(struct local *l, struct err *err)
{
    AUTO(sched) struct sched *sched = NULL;
    size_t i;
    json_t *entry;

    if (!group_databases(l, err) || !sched_new(jobs_or_cores(0), &sched, err))
        return false;
    json_array_foreach(local_servers(l), i, entry)
    {
        struct task task = {
            .run = make_server, .ctx = l, .arg = entry, .name = entry_str(entry, "name")};
        task_id id;

        if (!sched_add(sched, &task, NULL, 0, &id, err))
            return false;
    }
    return sched_run(sched, err);
}

/* ---- starting and stopping ------------------------------------------------------------------------*/

static void argv_done(struct server_argv *argv)
{
    for (size_t i = 0; i < SERVER_ARGV; i++)
        free(argv->at[i]);
}

static inline void auto_server_argv(struct server_argv *argv)
{
    argv_done(argv);
}

static bool died(const struct server *s, off_t from, const char *how, struct err *err)
{
    AUTO(free) char *last = NULL;
    bool copied = false;
    const char *setting = server_settings_blame(s, from, &last, &copied);

    if (!setting)
        last = log_reason(s->log, from);
    err_set(err, ERR_SERVICE, "the server '%s' %s: %s", entry_str(s->entry, "name"), how,
            last ? last : "its log is empty");
    if (setting)
        return err_hint(err, "%s '%s' in box.%s of the environment file%s; its log is %s",
                        copied ? "set" : "mend", setting, s->ops->engine,
                        copied ? ", over production's" : "", s->log);
    return err_hint(err, "its log is %s", s->log);
}

static bool wait_ready(const struct server *s, off_t from, struct err *err)
{
    int64_t deadline = clock_mono_ns() + START_WAIT_S * NS_PER_S;
    pid_t pid = (pid_t)json_integer_value(json_object_get(s->entry, "pid"));

    while (!s->ops->ready(s)) {
        waitpid(pid, NULL, WNOHANG);
        if (!entry_alive(s->entry))
            return died(s, from, "died while starting", err);
        if (!cmd_stop_check(err))
            return false;
        if (clock_mono_ns() > deadline)
            return died(s, from, "does not accept connections", err);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return true;
}

/* A server on its way up. */
struct rising {
    struct server server;
    bool launched; /* else it was up already */
    off_t from;    /* what its log held before */
};

static bool launch(struct rising *r, enum box_load mode, struct err *err)
{
    const struct server *s = &r->server;
    AUTO(server_argv) struct server_argv argv = {0};
    char mark[SWEEP_MARK];
    const char *const env[] = {sweep_mark(s->l, mark), NULL};
    pid_t pid = 0;

    r->from = log_size(s->log);
    if (!port_check(s->port, entry_str(s->entry, "name"), err) ||
        /* A box of an older version has no folder for temporary files. */
        !user_dir(s->tmp, s->user, (gid_t)-1, 0700, err) ||
        !user_dir(s->socket_dir, s->user, socket_group(s->l), 0710, err) ||
        !s->ops->prepare(s, mode, &argv, err) || !sweep_server(argv.at[0], s->data, err) ||
        (s->ops->forget && !s->ops->forget(s, err)))
        return false;
    struct proc_conf conf = {.argv = (const char *const *)argv.at,
                             .env = env,
                             .clean_env = true,
                             .cwd = s->data,
                             .user = s->user,
                             .stdout_path = s->log,
                             .keep_after_us = true};
    return proc_start(&conf, &pid, err) && entry_started(s->l, s->entry, pid, err);
}

static int stop_signal(const json_t *entry)
{
    const struct server_ops *ops = ops_of(entry_str(entry, "engine"));

    return ops ? ops->stop_signal : SIGTERM;
}

/* So that several go down side by side; stop_one waits. */
static void stop_begin(struct local *l, json_t *entry)
{
    if (!*entry_str(entry, "mode"))
        return;
    json_object_del(entry, "mode");
    entry_stop_begin(l, entry, stop_signal(entry));
}

static bool stop_one(struct local *l, json_t *entry, struct err *err)
{
    bool ready = *entry_str(entry, "mode") || json_is_true(json_object_get(entry, "stopping"));

    json_object_del(entry, "mode");
    return entry_stop(l, entry, stop_signal(entry), ready ? STOP_GRACE_S : STOP_GRACE_UNREADY_S,
                      err);
}

static const char *word_of(enum box_load mode)
{
    return mode == BOX_LOADING ? "loading" : "normal";
}

static bool is_up(const json_t *entry, enum box_load mode)
{
    return entry_up(entry) && strcmp(entry_str(entry, "mode"), word_of(mode)) == 0;
}

static bool begin_start(struct local *l, json_t *entry, enum box_load mode, struct rising *out,
                        struct err *err)
{
    if (!server_init(&out->server, l, entry, err))
        return false;
    if (is_up(entry, mode))
        return true;
    if (!stop_one(l, entry, err))
        return false;
    out->launched = true;
    return launch(out, mode, err) || err_add(err, "cannot start '%s'", entry_str(entry, "name"));
}

static bool end_start(const struct rising *r, enum box_load mode, struct err *err)
{
    const struct server *s = &r->server;

    if (!r->launched)
        return true;
    if (!wait_ready(s, r->from, err) || !s->ops->accounts(s, err))
        return err_add(err, "cannot start '%s'", entry_str(s->entry, "name"));
    return entry_set_str(s->entry, "mode", word_of(mode), err) && local_save(s->l, err);
}

/* They come up side by side: each waits for disk and clock more than for a core. */
bool servers_up(struct local *l, enum box_load mode, struct err *err)
{
    size_t i, count = json_array_size(local_servers(l));
    AUTO(free) struct rising *r = calloc(count + 1, sizeof(*r));
    bool ok = r || err_memory(err);
    json_t *entry;

    json_array_foreach(local_servers(l), i, entry) if (!is_up(entry, mode)) stop_begin(l, entry);
    for (i = 0; ok && i < count; i++)
        ok = begin_start(l, json_array_get(local_servers(l), i), mode, &r[i], err);
    for (i = 0; ok && i < count; i++)
        ok = end_start(&r[i], mode, err);
    for (i = 0; r && i < count; i++)
        server_done(&r[i].server);
    if (!ok) {
        struct err ignored = {0};
        servers_down(l, &ignored);
    }
    return ok;
}

/* All are stopped, whatever one of them says; the first error is told. */
bool servers_down(struct local *l, struct err *err)
{
    json_t *list = local_servers(l), *entry;
    bool ok = true;
    size_t i;

    json_array_foreach(list, i, entry) stop_begin(l, entry);
    json_array_foreach(list, i, entry)
    {
        struct err mine = {0};

        if (!stop_one(l, entry, &mine) && ok)
            ok = err_pass(err, &mine);
    }
    return ok;
}

void servers_remove_private(const json_t *servers)
{
    size_t i;
    json_t *entry;
    struct err ignored = {0};

    json_array_foreach(servers, i, entry) if (*entry_str(entry, "private_dir"))
        dir_remove(entry_str(entry, "private_dir"), &ignored);
}
