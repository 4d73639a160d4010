/* All that may allocate or take a lock happens before the fork: in a program with threads the child
 * may only make system calls until it has executed something else. */
#include "lib/base/proc_child.h"

#include "lib/base/auto.h"
#include "lib/base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum stage { STAGE_FILES, STAGE_USER, STAGE_CWD, STAGE_EXEC };

struct failure {
    enum stage stage;
    int number;
};

struct user {
    bool change;
    uid_t uid;
    gid_t gid;
    gid_t groups[128];
    int groups_count;
    char *vars[3]; /* HOME, USER and LOGNAME as NAME=VALUE */
};

struct launch {
    const struct proc_conf *conf;
    struct user user;
    struct vec env; /* char *, NULL at the end */
    int in, out, err, report;
    pid_t parent;
};

static inline void auto_launch(struct launch *l)
{
    for (size_t i = 0; i < COUNT(l->user.vars); i++)
        free(l->user.vars[i]);
    vec_done(&l->env);
    if (l->in >= 0)
        close(l->in);
}

/* ---- before the fork -------------------------------------------------------------------------- */

static bool fill_user(struct user *u, const struct passwd *pw, struct err *err)
{
    *u = (struct user){.change = true,
                       .uid = pw->pw_uid,
                       .gid = pw->pw_gid,
                       .groups_count = (int)COUNT(u->groups)};
    if (getgrouplist(pw->pw_name, pw->pw_gid, u->groups, &u->groups_count) < 0)
        return err_set(err, ERR_UNSUPPORTED, "user '%s' is in more than %zu groups", pw->pw_name,
                       COUNT(u->groups));
    if (asprintf(&u->vars[0], "HOME=%s", pw->pw_dir) < 0)
        u->vars[0] = NULL;
    if (asprintf(&u->vars[1], "USER=%s", pw->pw_name) < 0)
        u->vars[1] = NULL;
    if (asprintf(&u->vars[2], "LOGNAME=%s", pw->pw_name) < 0)
        u->vars[2] = NULL;
    return (u->vars[0] && u->vars[1] && u->vars[2]) || err_memory(err);
}

static bool find_user(const char *name, struct user *out, struct err *err)
{
    struct passwd pw, *found = NULL;
    char strings[16384];

    if (!name || geteuid() != 0)
        return true;
    int number = getpwnam_r(name, &pw, strings, sizeof(strings), &found);
    if (!found) {
        errno = number ? number : ENOENT;
        err_set(err, ERR_MISSING, "there is no user '%s'", name);
        return err_hint(err, "make it with adduser --system, or name another one");
    }
    return pw.pw_uid == geteuid() || fill_user(out, found, err);
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len) == 0 && b[len] == '=';
}

/* A later NAME=VALUE takes the place of an earlier one. */
static bool env_put(struct vec *env, const char *var, struct err *err)
{
    const char **at = env->at;

    for (size_t i = 0; i < env->count; i++)
        if (same_name(at[i], var)) {
            at[i] = var;
            return true;
        }
    const char **last = vec_add(env, err);
    if (!last)
        return false;
    *last = var;
    return true;
}

/* What a program needs to find its helpers, its words and its clock. */
static bool stays_in_clean_env(const char *var)
{
    static const char *const names[] = {"PATH=", "TZ=", "LANG=", "HOME=", "USER=", "LOGNAME="};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strncmp(var, names[i], strlen(names[i])) == 0)
            return true;
    return strncmp(var, "LC_", 3) == 0;
}

static bool build_env(struct launch *l, struct err *err)
{
    for (char **v = environ; v && *v; v++) {
        if (l->conf->clean_env && !stays_in_clean_env(*v))
            continue;
        const char **last = vec_add(&l->env, err);
        if (!last)
            return false;
        *last = *v;
    }
    for (size_t i = 0; l->user.change && i < COUNT(l->user.vars); i++)
        if (!env_put(&l->env, l->user.vars[i], err))
            return false;
    for (const char *const *v = l->conf->env; v && *v; v++)
        if (!env_put(&l->env, *v, err))
            return false;
    return vec_add(&l->env, err) != NULL;
}

/* ---- in the child ----------------------------------------------------------------------------- */

__attribute__((noreturn)) static void give_up(const struct launch *l, enum stage stage)
{
    struct failure f = {stage, errno};

    if (write(l->report, &f, sizeof(f)) < 0)
        _exit(126);
    _exit(127);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < 32; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Above 2 first, so that none of the three is overwritten before it is copied. */
static bool wire_files(struct launch *l)
{
    int high[3] = {fcntl(l->in, F_DUPFD, 10), fcntl(l->out, F_DUPFD, 10),
                   fcntl(l->err, F_DUPFD, 10)};

    l->report = fcntl(l->report, F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
        if (high[i] < 0 || dup2(high[i], i) < 0)
            return false;
    return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool become(const struct user *u)
{
    return !u->change || (setgroups((size_t)u->groups_count, u->groups) == 0 &&
                          setgid(u->gid) == 0 && setuid(u->uid) == 0);
}

__attribute__((noreturn)) static void child_main(struct launch *l)
{
    setsid();
    reset_signals();
    if (!wire_files(l))
        give_up(l, STAGE_FILES);
    if (!become(&l->user))
        give_up(l, STAGE_USER);
    /* After the change of user, which takes the death signal back. */
    if (!l->conf->keep_after_us &&
        (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != l->parent))
        give_up(l, STAGE_FILES);
    if (l->conf->cwd && chdir(l->conf->cwd) != 0)
        give_up(l, STAGE_CWD);
    /* execvpe() has no const in its prototype and changes nothing. */
    execvpe(l->conf->argv[0], (char *const *)(uintptr_t)l->conf->argv, l->env.at);
    give_up(l, STAGE_EXEC);
}

/* ---- in the parent ---------------------------------------------------------------------------- */

static bool explain(const struct launch *l, struct failure f, struct err *err)
{
    const struct proc_conf *c = l->conf;

    errno = f.number;
    switch (f.stage) {
    case STAGE_FILES:
        return err_sys(err, ERR_IO, "cannot prepare '%s'", c->argv[0]);
    case STAGE_USER:
        return err_sys(err, ERR_IO, "cannot become user '%s'", c->user);
    case STAGE_CWD:
        return err_sys(err, ERR_IO, "cannot run '%s' in directory '%s'", c->argv[0], c->cwd);
    case STAGE_EXEC:
        break;
    }
    err_sys(err, ERR_IO, "cannot run '%s'", c->argv[0]);
    if (f.number == ENOENT)
        err_hint(err, "install it, or put its directory into PATH");
    return false;
}

/* The pipe closes by itself when the program is executed; bytes in it mean it was not. */
static bool await_exec(const struct launch *l, int report, pid_t pid, struct err *err)
{
    struct failure f;
    ssize_t n;

    do
        n = read(report, &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    if (n != sizeof(f))
        return true;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return explain(l, f, err);
}

bool child_fork(const struct proc_conf *conf, int out, int err_out, pid_t *pid, struct err *err)
{
    AUTO(launch)
    struct launch l = {
        .conf = conf, .env = VEC(char *), .in = -1, .out = out, .err = err_out, .parent = getpid()};
    AUTO(fd) int report = -1;
    int ends[2];

    if (!find_user(conf->user, &l.user, err) || !build_env(&l, err))
        return false;
    l.in = conf->stdin_fd > 0 ? fcntl(conf->stdin_fd, F_DUPFD_CLOEXEC, 3)
                              : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (l.in < 0)
        return err_sys(err, ERR_IO, "cannot open the input of '%s'", conf->argv[0]);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(err, ERR_IO, "cannot make a pipe");
    report = ends[0];
    l.report = ends[1];

    pid_t child = fork();
    if (child == 0)
        child_main(&l);
    int number = errno;
    close(l.report);
    errno = number;
    if (child < 0)
        return err_sys(err, ERR_IO, "cannot start '%s'", conf->argv[0]);
    if (!await_exec(&l, report, child, err))
        return false;
    *pid = child;
    return true;
}
