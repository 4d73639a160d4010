/* Child processes: argv only, never a shell; no inherited descriptors but the ones given; own
 * session, so that stopping one stops its children. */
#ifndef LIB_BASE_PROC_H
#define LIB_BASE_PROC_H

#include "lib/base/buf.h"

#include <sys/types.h>

struct proc_conf {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *env;  /* NULL-terminated NAME=VALUE added to (or over) ours */
    bool clean_env;          /* of ours only PATH, TZ, LANG, LC_*, and HOME, USER, LOGNAME: a
                                caller's passwords and keys stay with the caller */
    const char *cwd;         /* NULL: ours */
    const char *user;        /* NULL or not root: unchanged; else its groups, HOME, USER, LOGNAME */
    const char *stdout_path; /* appended to; NULL: /dev/null */
    int stdin_fd;            /* < 1: /dev/null */
    /* false: the child gets SIGTERM when we die (PDEATHSIG). The kernel means the thread: what a
     * worker of a sched starts ends with that worker unless this is set. */
    bool keep_after_us;
};

/* Starts and returns; stderr goes with stdout. */
bool proc_start(const struct proc_conf *conf, pid_t *pid, struct err *err);
/* Runs to the end with a timeout (0: none; ERR_LOCK when it passes), captures stdout (to `out`, may
 * be NULL) and the last 4 KiB of stderr, whose last line becomes the error's text when the status is
 * not 0. Errors name the program, never its arguments. A stop signal ends it: ERR_STOPPED. */
bool proc_run(const struct proc_conf *conf, double timeout_s, struct buf *out, struct err *err);
/* As proc_run, giving output in pieces as it comes. */
bool proc_stream(const struct proc_conf *conf,
                 bool (*take)(void *ctx, struct span piece, struct err *err), void *ctx,
                 struct err *err);
/* True while the process lives and is the one that was started (start time is compared; 0 skips
 * that check). */
bool proc_alive(pid_t pid, uint64_t start_ticks);
uint64_t proc_start_ticks(pid_t pid); /* 0 when it is gone */
/* True only when that process is certainly gone; false where it cannot be told, as of processes that
 * are hidden from us. */
bool proc_gone(pid_t pid, uint64_t start_ticks);
/* This kernel since it booted, and its numbering of processes: a container has the host's name or
 * another, but its own numbers. "" when it cannot be told. Numbers of processes mean the same only
 * where this is the same. */
#define PROC_KERNEL 160
const char *proc_kernel(char out[PROC_KERNEL]);
/* `sig` to the process group, waits until all of it is gone, SIGKILL after `grace_s`. A process that
 * is gone already is fine; whoever read its number from a file asks proc_alive() before. */
bool proc_stop(pid_t pid, int sig, double grace_s, struct err *err);

#endif
