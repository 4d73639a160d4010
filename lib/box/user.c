/* Whom servers and services run as: never root. */
#include "lib/box/local.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/proc.h"

static bool find_user(const char *name, struct passwd *pw, char *strings, size_t size)
{
    struct passwd *found = NULL;

    return getpwnam_r(name, pw, strings, size, &found) == 0 && found;
}

const char *user_choose(const char *const *names)
{
    struct passwd pw;
    char strings[16384];

    if (geteuid() != 0)
        return NULL;
    for (; names[1]; names++)
        if (find_user(*names, &pw, strings, sizeof(strings)))
            return *names;
    return *names; /* the last one: its absence is the error that names it */
}

const char *user_of_service(const struct env_service *s)
{
    if (geteuid() != 0)
        return NULL;
    return s->user ? s->user : "nobody";
}

bool user_ids(const char *user, uid_t *uid, gid_t *gid, struct err *err)
{
    struct passwd pw;
    char strings[16384];

    if (!user) {
        *uid = geteuid();
        *gid = getegid();
        return true;
    }
    if (!find_user(user, &pw, strings, sizeof(strings))) {
        err_set(err, ERR_MISSING, "there is no user '%s'", user);
        return err_hint(err, "make it with adduser --system, or name another one");
    }
    if (pw.pw_uid == 0) {
        err_set(err, ERR_CONFIG, "user '%s' is root", user);
        return err_hint(err, "nothing in a box runs as root");
    }
    *uid = pw.pw_uid;
    *gid = pw.pw_gid;
    return true;
}

bool user_dir(const char *path, const char *user, gid_t group, mode_t mode, struct err *err)
{
    uid_t uid;
    gid_t gid;
    struct stat st;

    if (!user_ids(user, &uid, &gid, err) || !dir_make(path, 0700, err))
        return false;
    /* Below /tmp somebody else may have put a directory or a link under the name. */
    AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot open the directory '%s'", path);
    if (st.st_uid != geteuid() && st.st_uid != uid)
        return err_set(err, ERR_RIGHTS, "'%s' belongs to somebody else", path);
    if (geteuid() == 0 && fchown(fd, uid, group != (gid_t)-1 ? group : gid) != 0)
        return err_sys(err, ERR_IO, "cannot give '%s' to its user", path);
    if (fchmod(fd, mode) != 0)
        return err_sys(err, ERR_IO, "cannot set the mode of '%s'", path);
    return true;
}

bool user_may_enter(const char *path, const char *user, struct err *err)
{
    const char *const argv[] = {"/usr/bin/test", "-x", path, NULL};
    struct err ignored = {0};

    if (!user ||
        proc_run(&(struct proc_conf){.argv = argv, .cwd = "/", .user = user}, 10, NULL, &ignored))
        return true;
    err_set(err, ERR_RIGHTS, "user '%s' cannot enter '%s'", user, path);
    return err_hint(err, "put the box below a directory that others may enter (chmod o+x)");
}
