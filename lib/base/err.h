/* Errors: a class, a one-line message, and what to do about it.
 *
 * The layer that knows the cause writes it (err_set, err_sys); layers above may put what they were
 * doing in front (err_add). Messages: lower case, the failure first, the subject quoted, no full
 * stop. The hint is the mend, printed on the same line after " (hint: ...)".
 * Ownership: a plain value, no heap; zero it to start. NULL is allowed wherever an err is taken.
 * Threads:   one err per thread.
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include <stdbool.h>

/* The class decides the exit status of a command; the numbers are a public contract. */
enum err_code {
    ERR_NONE = 0,
    /* 1 NO-GO and 2 INCONCLUSIVE are verdicts, not errors. 3: an error of no other class. */
    ERR_FAILED = 3,
    ERR_USAGE = 10,       /* command line */
    ERR_CONFIG = 11,      /* environment or release file */
    ERR_UNREACHABLE = 12, /* a server does not answer */
    ERR_AUTH = 13,        /* wrong or missing password, key, user */
    ERR_RIGHTS = 14,      /* a missing privilege or file permission */
    ERR_SPACE = 15,       /* disk full, quota */
    ERR_DAMAGED = 16,     /* a bundle, tape or journal that is truncated or altered */
    ERR_MISSING = 17,     /* a named thing does not exist */
    ERR_EXISTS = 18,      /* refusing to overwrite */
    ERR_SERVICE = 19,     /* a service died or never became healthy */
    ERR_LOCK = 20,        /* a lock or a peer was in the way too long */
    ERR_SQL = 21,         /* a statement failed in a database */
    ERR_IO = 22,          /* any other failed system call */
    ERR_DIFFERS = 23,     /* a check found a difference */
    ERR_UNSUPPORTED = 24, /* version or feature that is not handled */
    ERR_STOPPED = 130     /* interrupted by a signal */
};

struct err {
    enum err_code code;
    char text[1024];
    char hint[256];
};

/* All return false, so that `return err_set(...)` reads well. Text is cut, never overflowed;
 * control characters in it are shown as \xNN so that a hostile name cannot forge a second line. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As err_set, with ": strerror(errno)" behind; ENOSPC and EDQUOT become ERR_SPACE, EACCES and EPERM
 * ERR_RIGHTS, ENOENT ERR_MISSING and EEXIST ERR_EXISTS where `code` is ERR_IO. Hints are set. */
bool err_sys(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "what: " in front of the message that is there. */
bool err_add(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool err_memory(struct err *err);
/* "text (hint: hint)", into `out`; returns `out`. */
const char *err_line(const struct err *err, char *out, unsigned long size);
void err_clear(struct err *err);

/* What the classes are called (in JSON) and mean (in the manual), ending with code ERR_NONE. */
struct err_class {
    enum err_code code;
    const char *name;
    const char *means;
};
extern const struct err_class err_classes[];
const char *err_class_name(enum err_code code);
/* Hands on what was caught in an err of one's own; returns false. */
static inline bool err_pass(struct err *err, const struct err *caught)
{
    if (err)
        *err = *caught;
    return false;
}

#endif
