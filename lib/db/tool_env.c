#include "lib/base/fd.h"
#include "lib/db/db.h"
#include "lib/db/secret.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ENV_MAX 8

static bool put(struct db_tool_env *env, const char *name, const char *value, struct err *err)
{
    size_t n = 0;

    if (!value)
        return true;
    while (env->env[n])
        n++;
    if (n + 1 >= ENV_MAX || asprintf(&env->env[n], "%s=%s", name, value) < 0) {
        env->env[n] = NULL;
        return err_memory(err);
    }
    return true;
}

/* A file of mode 0600 from its first moment, on /dev/shm where there is one: never on a disk. */
static bool secret_file(struct db_tool_env *env, struct span content, struct err *err)
{
    const char *dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    AUTO(free) char *path = NULL;
    AUTO(fd) int fd = -1;

    if (asprintf(&path, "%s/rehearse.XXXXXX", dir) < 0) {
        path = NULL;
        return err_memory(err);
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make a pass file in '%s'", dir);
    if (!fd_write_all(fd, content.at, content.len, err)) {
        unlink(path);
        return err_add(err, "cannot write the pass file");
    }
    env->secret_file = TAKE(path);
    return true;
}

static void quoted(struct buf *to, struct span s, const char *special)
{
    for (size_t i = 0; i < s.len; i++) {
        if (strchr(special, s.at[i]))
            buf_putc(to, '\\');
        buf_putc(to, s.at[i]);
    }
}

static void wipe(struct buf *b)
{
    if (b->at)
        explicit_bzero(b->at, b->cap);
    buf_done(b);
}

/* libpq's tools take everything from the environment but the password, which stands in a file. */
static bool postgresql_env(const struct db_conf *conf, struct db_tool_env *env, struct err *err)
{
    struct buf secret = {0}, line = {0};
    char port[8];
    bool given = false;

    snprintf(port, sizeof(port), "%u", conf->port);
    bool ok = put(env, "PGHOST", conf->socket ? conf->socket : conf->host, err) &&
              put(env, "PGPORT", conf->port ? port : NULL, err) &&
              put(env, "PGUSER", conf->user, err) && put(env, "PGDATABASE", conf->database, err) &&
              put(env, "PGAPPNAME", conf->application ? conf->application : "rehearse", err) &&
              db_secret(conf, &secret, &given, err);
    if (ok && given) {
        buf_puts(&line, "*:*:*:*:");
        quoted(&line, buf_view(&secret), ":\\");
        buf_putc(&line, '\n');
        ok = buf_ok(&line, err) && secret_file(env, buf_view(&line), err) &&
             put(env, "PGPASSFILE", env->secret_file, err);
    }
    wipe(&secret);
    wipe(&line);
    return ok;
}

static void option(struct buf *to, const char *name, struct span value)
{
    if (!value.at)
        return;
    buf_printf(to, "%s=\"", name);
    quoted(to, value, "\\\"");
    buf_puts(to, "\"\n");
}

/* The mariadb tools read an option file; the caller names it with --defaults-extra-file first. */
static bool mariadb_env(const struct db_conf *conf, struct db_tool_env *env, struct err *err)
{
    struct buf secret = {0}, text = {0};
    bool given = false;
    bool ok = db_secret(conf, &secret, &given, err);

    buf_puts(&text, "[client]\n");
    option(&text, "host", span_of(conf->host));
    option(&text, "socket", span_of(conf->socket));
    option(&text, "user", span_of(conf->user));
    if (conf->port)
        buf_printf(&text, "port=%u\n", conf->port);
    if (given)
        option(&text, "password", buf_view(&secret));
    ok = ok && buf_ok(&text, err) && secret_file(env, buf_view(&text), err);
    wipe(&secret);
    wipe(&text);
    return ok;
}

bool db_tool_env(const struct db_conf *conf, struct db_tool_env *out, struct err *err)
{
    struct db_tool_env env = {.env = calloc(ENV_MAX, sizeof(char *))};

    if (!env.env)
        return err_memory(err);
    bool ok = conf->engine == DB_POSTGRESQL ? postgresql_env(conf, &env, err)
                                            : mariadb_env(conf, &env, err);
    if (!ok) {
        db_tool_env_done(&env);
        return false;
    }
    *out = env;
    return true;
}

void db_tool_env_done(struct db_tool_env *env)
{
    if (env->secret_file)
        unlink(env->secret_file);
    free(env->secret_file);
    for (char **e = env->env; e && *e; e++)
        free(*e);
    free(env->env);
    *env = (struct db_tool_env){0};
}
