#include "lib/ssh/target.h"

#include "lib/base/buf.h"

#include <ctype.h>

#define FORM     "sftp://[USER@]HOST[:PORT]/PATH[?identity=FILE]"
#define HOST_MAX 255

static bool refuse(struct err *err, const char *why)
{
    err_set(err, ERR_USAGE, "%s", why);
    return err_hint(err, "write it as %s", FORM);
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Control characters are refused: no path of ours has them, and they could forge lines of a log. */
static bool decode(struct span from, char **out, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    for (size_t i = 0; i < from.len; i++) {
        int c = (unsigned char)from.at[i];

        if (c == '%') {
            bool whole = from.len - i > 2;
            int high = whole ? hex_of(from.at[i + 1]) : -1;
            int low = whole ? hex_of(from.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return refuse(err, "the address has a '%' without two hex digits behind it");
            c = high * 16 + low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f)
            return refuse(err, "the address has a control character in it");
        buf_putc(&text, (char)c);
    }
    if (!buf_ok(&text, err))
        return false;
    *out = text.at ? buf_take(&text) : strdup("");
    return *out || err_memory(err);
}

/* A name that begins with a dash would be an option of a program that is given it. */
static bool host_is_plain(struct span host)
{
    if (host.len == 0 || host.len > HOST_MAX || host.at[0] == '-')
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.at[i]) && !strchr(".-_:%", host.at[i]))
            return false;
    return true;
}

static bool take_host(struct span authority, struct ssh_target *out, struct err *err)
{
    const char *close = memchr(authority.at, ']', authority.len);
    bool bracketed = authority.len > 0 && authority.at[0] == '[' && close;
    struct span host = authority, port = {NULL, 0};
    uint64_t number = SSH_PORT;

    if (bracketed) {
        host = (struct span){authority.at + 1, (size_t)(close - authority.at) - 1};
        port = (struct span){close + 1, authority.len - host.len - 2};
        if (port.len > 0 && port.at[0] != ':')
            return refuse(err, "the address has something between ']' and the path");
    } else {
        const char *colon = memchr(authority.at, ':', authority.len);
        host.len = colon ? (size_t)(colon - authority.at) : authority.len;
        port = (struct span){authority.at + host.len, authority.len - host.len};
    }
    if (!host_is_plain(host))
        return refuse(err, "the address has no host name that could be looked up");
    if (port.len > 0 && (!span_u64((struct span){port.at + 1, port.len - 1}, &number) ||
                         number == 0 || number > 65535))
        return refuse(err, "the port in the address is no number from 1 to 65535");
    out->port = (unsigned)number;
    return decode(host, &out->host, err); /* a zone: "fe80::1%25eth0" */
}

static bool take_authority(struct span authority, struct ssh_target *out, struct err *err)
{
    const char *at = memrchr(authority.at, '@', authority.len);
    struct span user = {authority.at, at ? (size_t)(at - authority.at) : 0};

    if (!at)
        return take_host(authority, out, err);
    if (memchr(user.at, ':', user.len)) {
        err_set(err, ERR_USAGE, "the address has a password in it");
        return err_hint(err, "use a key: ssh-agent, ?identity=FILE or REHEARSE_SSH_KEY");
    }
    if (user.len == 0)
        return refuse(err, "the address has no user before '@'");

    struct span host = {at + 1, authority.len - user.len - 1};
    return decode(user, &out->user, err) && take_host(host, out, err);
}

/* "/~/x" is relative to the home, where a server starts. */
static bool take_path(struct span path, struct ssh_target *out, struct err *err)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    if (path.len < 2)
        return refuse(err, "the address names no directory on the host");
    if (span_starts(path, "/~/"))
        path = (struct span){path.at + 3, path.len - 3};
    else if (span_is(path, "/~"))
        path = SPAN(".");
    return decode(path, &out->path, err);
}

static bool take_query(struct span query, struct ssh_target *out, struct err *err)
{
    struct span setting;

    while (span_split(&query, '&', &setting)) {
        struct span value = {setting.at + strlen("identity="), setting.len - strlen("identity=")};

        if (!span_starts(setting, "identity=") || value.len == 0 || out->identity)
            return refuse(err, "the address has a setting other than one identity=FILE");
        if (!decode(value, &out->identity, err))
            return false;
    }
    return true;
}

bool ssh_target_parse(const char *url, struct ssh_target *out, struct err *err)
{
    AUTO(ssh_target) struct ssh_target t = {0};
    const char *start = strstr(url, "://");

    if (!start)
        return refuse(err, "the address has no '://'");
    start += 3;
    struct span authority = {start, strcspn(start, "/?")};
    struct span path = {start + authority.len, strcspn(start + authority.len, "?")};
    const char *query = path.at + path.len;

    if (!take_authority(authority, &t, err) || !take_path(path, &t, err) ||
        (*query && !take_query(span_of(query + 1), &t, err)))
        return false;
    *out = t;
    t = (struct ssh_target){0};
    return true;
}

void ssh_target_done(struct ssh_target *t)
{
    free(t->user);
    free(t->host);
    free(t->path);
    free(t->identity);
    *t = (struct ssh_target){0};
}

char *ssh_target_known_as(const struct ssh_target *t)
{
    AUTO(buf) struct buf name = {0};

    if (t->port == SSH_PORT)
        return strdup(t->host);
    buf_printf(&name, "[%s]:%u", t->host, t->port);
    return buf_take(&name);
}
