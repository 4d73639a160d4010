/* A command inside the box: its directory, and variables that lead clients to its servers. */
#include "lib/box/local.h"

#include <ctype.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/vec.h"

struct vars {
    struct vec at; /* char *, NULL-terminated at the end */
};

static inline void auto_vars(struct vars *v)
{
    char **at = v->at.at;

    for (size_t i = 0; i < v->at.count; i++)
        free(at[i]);
    vec_done(&v->at);
}

/* PREFIX_NAME_SUFFIX=value: upper case, other characters as '_'. */
static bool put_var(struct vars *v, const char *prefix, const char *name, const char *suffix,
                    const char *value, struct err *err)
{
    char *text = NULL;

    if (asprintf(&text, "%s%s%s=%s", prefix, name, suffix, value) < 0)
        return err_memory(err);
    for (char *c = text; *c != '='; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    char **last = vec_add(&v->at, err);
    if (!last) {
        free(text);
        return false;
    }
    *last = text;
    return true;
}

static const char *const db_keys[] = {"host", "port", "socket", "user", "database", "password"};

static bool put_database(struct local *l, struct vars *v, const struct env_database *db,
                         struct err *err)
{
    for (size_t i = 0; i < COUNT(db_keys); i++) {
        AUTO(buf) struct buf name = {0}, value = {0}, suffix = {0};

        buf_printf(&name, "${db.%s.%s}", db->name, db_keys[i]);
        buf_printf(&suffix, "_%s", db_keys[i]);
        if (!expand(l, buf_str(&name), false, true, &value, err) ||
            !put_var(v, "BOX_DB_", db->name, buf_str(&suffix), buf_str(&value), err))
            return false;
    }
    return true;
}

/* What psql and mariadb look at by themselves: the first database of each engine. */
static bool put_client(struct local *l, struct vars *v, const struct env_database *db,
                       struct err *err)
{
    struct box_database at;
    char port[8];

    if (!box_database(&l->box, db->name, &at, err))
        return false;
    snprintf(port, sizeof(port), "%u", at.port);
    if (strcmp(db->engine, "postgresql") == 0)
        return put_var(v, "PGHOST", "", "", at.socket, err) &&
               put_var(v, "PGPORT", "", "", port, err) &&
               put_var(v, "PGUSER", "", "", at.user, err) &&
               put_var(v, "PGDATABASE", "", "", at.database, err);
    return put_var(v, "MYSQL_UNIX_PORT", "", "", at.socket, err) &&
           put_var(v, "MYSQL_TCP_PORT", "", "", port, err);
}

static bool put_databases(struct local *l, struct vars *v, struct err *err)
{
    const struct env *env = l->box.env;

    for (unsigned i = 0; i < env->databases_count; i++) {
        const struct env_database *db = &env->databases[i];
        bool first = true;

        for (unsigned j = 0; j < i; j++)
            first &= strcmp(env->databases[j].engine, db->engine) != 0;
        if (!put_database(l, v, db, err) || (first && !put_client(l, v, db, err)))
            return false;
    }
    return true;
}

static bool put_all(struct local *l, struct vars *v, struct err *err)
{
    const struct env *env = l->box.env;

    if (!put_var(v, "BOX", "", "", l->box.where, err) || !put_databases(l, v, err))
        return false;
    for (unsigned i = 0; i < env->files_count; i++) {
        AUTO(free) char *path = box_files(&l->box, env->files[i].name);
        if (!path)
            return err_memory(err);
        if (!put_var(v, "BOX_FILES_", env->files[i].name, "", path, err))
            return false;
    }
    for (unsigned i = 0; i < env->services_count; i++) {
        AUTO(buf) struct buf name = {0}, value = {0};

        if (!env->services[i].port)
            continue;
        buf_printf(&name, "${port.%s}", env->services[i].name);
        if (!expand(l, buf_str(&name), false, false, &value, err) ||
            !put_var(v, "BOX_PORT_", env->services[i].name, "", buf_str(&value), err))
            return false;
    }
    return true;
}

static bool named(struct vars *v, size_t count, const char *var)
{
    char *const *at = v->at.at;
    size_t len = strcspn(var, "=");

    for (size_t i = 0; i < count; i++)
        if (strncmp(at[i], var, len) == 0 && at[i][len] == '=')
            return true;
    return false;
}

/* Ours behind the box's, where they do not say otherwise. */
static bool put_ours(struct vars *v, struct err *err)
{
    size_t count = v->at.count;

    for (char **e = environ; e && *e; e++) {
        if (named(v, count, *e))
            continue;
        char *copy = strdup(*e);
        char **last = copy ? vec_add(&v->at, err) : NULL;
        if (!last) {
            free(copy);
            return err_memory(err);
        }
        *last = copy;
    }
    return vec_add(&v->at, err) != NULL;
}

static bool await(pid_t pid, int *status, struct err *err)
{
    int raw = 0;

    while (waitpid(pid, &raw, 0) < 0)
        if (errno != EINTR)
            return err_sys(err, ERR_IO, "cannot wait for the command");
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return true;
}

bool local_exec(struct box *b, const char *const *argv, int *status, struct err *err)
{
    struct local *l = local_of(b);
    AUTO(vars) struct vars v = {.at = VEC(char *)};
    AUTO(free) char *files = local_path(l, "files");
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;

    if (!files)
        return err_memory(err);
    if (!put_all(l, &v, err) || !put_ours(&v, err))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, files);
    int number =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, v.at.at);
    posix_spawn_file_actions_destroy(&actions);
    if (number) {
        errno = number;
        return err_sys(err, ERR_IO, "cannot run '%s' in '%s'", argv[0], files);
    }
    return await(pid, status, err);
}
