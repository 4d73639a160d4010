#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the control character at `s`, 0 when it is none. C1 controls (U+0080..U+009F) count:
 * terminals obey them as they obey ESC. */
static unsigned control_len(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    return s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f ? 2 : 0;
}

/* Whole escapes or nothing, so that a cut text never ends in half of one. */
static void copy_shown(char *to, size_t size, const char *from)
{
    const unsigned char *s = (const unsigned char *)from;
    size_t at = 0;

    while (*s) {
        unsigned control = control_len(s);
        size_t need = control ? (size_t)4 * control : 1;
        if (at + need >= size)
            break;
        if (!control)
            to[at++] = (char)*s++;
        for (; control; control--, s++)
            at += (size_t)snprintf(to + at, size - at, "\\x%02x", *s);
    }
    to[at] = 0;
}

__attribute__((format(printf, 3, 0))) static void format_shown(char *to, size_t size,
                                                               const char *fmt, va_list ap)
{
    char raw[sizeof(((struct err *)0)->text)];

    if (vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
        raw[0] = 0;
    copy_shown(to, size, raw);
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (!err)
        return false;

    va_list ap;
    va_start(ap, fmt);
    format_shown(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    err->code = code;
    err->hint[0] = 0;
    return false;
}

static enum err_code code_of(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_RIGHTS;
    case ENOENT:
        return ERR_MISSING;
    case EEXIST:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}

static const char *hint_of(int number)
{
    switch (number) {
    case ENOSPC:
        return "free some space, or choose another file system";
    case EDQUOT:
        return "free some of your quota, or choose another file system";
    case EACCES:
    case EPERM:
        return "run as a user that may do this, or change the permissions";
    case EROFS:
        return "the file system is read-only";
    case ENOENT:
        return "check the path";
    case EMFILE:
        return "raise the limit of open files with ulimit -n";
    default:
        return "";
    }
}

bool err_sys(struct err *err, enum err_code code, const char *fmt, ...)
{
    int number = errno;
    if (!err)
        return false;

    char what[sizeof(err->text)];
    char reason[128];
    va_list ap;
    va_start(ap, fmt);
    format_shown(what, sizeof(what), fmt, ap);
    va_end(ap);
    const char *why = strerror_r(number, reason, sizeof(reason));
    err_set(err, code == ERR_IO ? code_of(number) : code, "%.880s: %s", what, why);
    if (*hint_of(number))
        err_hint(err, "%s", hint_of(number));
    errno = number;
    return false;
}

bool err_add(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;

    char what[sizeof(err->text)], both[2 * sizeof(err->text) + 2];
    va_list ap;
    va_start(ap, fmt);
    format_shown(what, sizeof(what), fmt, ap);
    va_end(ap);
    snprintf(both, sizeof(both), "%s: %s", what, err->text);
    copy_shown(err->text, sizeof(err->text), both);
    return false;
}

bool err_hint(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;

    va_list ap;
    va_start(ap, fmt);
    format_shown(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
    return false;
}

bool err_memory(struct err *err)
{
    err_set(err, ERR_FAILED, "out of memory");
    return err_hint(err, "use fewer jobs, or a machine with more memory");
}

const char *err_line(const struct err *err, char *out, unsigned long size)
{
    if (err->hint[0])
        snprintf(out, size, "%s (hint: %s)", err->text, err->hint);
    else
        snprintf(out, size, "%s", err->text);
    return out;
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err){0};
}
