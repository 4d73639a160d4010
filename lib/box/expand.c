/* Variables: ${box} ${files.NAME} ${port.SERVICE} ${db.NAME.key}. */
#include "lib/box/local.h"

#include <stdlib.h>

#include "lib/base/fd.h"

static bool put_value(struct buf *out, const char *value, bool backslashes)
{
    for (; *value; value++) {
        if (backslashes && *value == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *value);
    }
    return true;
}

static bool unknown(struct span var, const char *hint, struct err *err)
{
    err_set(err, ERR_CONFIG, "unknown variable '${%.*s}'", (int)var.len, var.at);
    return err_hint(err, "%s", hint);
}

static bool put_port(const json_t *entry, struct buf *out)
{
    return buf_printf(out, "%d", (int)json_integer_value(json_object_get(entry, "port")));
}

static bool put_service_port(const struct local *l, struct span var, struct span name,
                             struct buf *out, struct err *err)
{
    size_t i;
    json_t *entry;

    json_array_foreach(local_services(l), i, entry) if (span_is(name, entry_str(entry, "name")) &&
                                                        json_object_get(entry, "port"))
    {
        put_port(entry, out);
        return true;
    }
    return unknown(var, "${port.SERVICE} needs a service of that name with a 'port'", err);
}

static bool put_files(const struct local *l, struct span var, struct span name, bool backslashes,
                      struct buf *out, struct err *err)
{
    AUTO(free) char *key = span_dup(name);

    if (!key)
        return err_memory(err);
    if (!env_find_files(l->box.env, key))
        return unknown(var, "${files.NAME} needs a tree of that name under 'files'", err);
    AUTO(free) char *path = box_files((struct box *)(uintptr_t)&l->box, key);
    if (!path)
        return err_memory(err);
    return put_value(out, path, backslashes);
}

struct db_value {
    const struct env_database *db;
    const json_t *server;
};

static const char *db_text(const struct db_value *v, struct span key)
{
    if (span_is(key, "host"))
        return "127.0.0.1";
    if (span_is(key, "socket"))
        return entry_str(v->server, "socket");
    if (span_is(key, "user"))
        return v->db->user ? v->db->user : entry_str(v->server, "admin");
    if (span_is(key, "database"))
        return v->db->database;
    if (span_is(key, "password"))
        return entry_str(v->server, "password");
    return NULL;
}

static bool put_db(const struct local *l, struct span var, struct span rest, bool backslashes,
                   bool secrets, struct buf *out, struct err *err)
{
    const char *dot = rest.len ? memrchr(rest.at, '.', rest.len) : NULL;
    struct span name = {rest.at, dot ? (size_t)(dot - rest.at) : 0};
    struct span key = {dot ? dot + 1 : rest.at, dot ? rest.len - name.len - 1 : 0};
    AUTO(free) char *db = span_dup(name);

    if (!db)
        return err_memory(err);
    struct db_value v = {env_find_database(l->box.env, db), server_of_database(l, db)};
    if (!v.db || !v.server)
        return unknown(var, "${db.NAME.port} needs a database of that name under 'databases'", err);
    if (span_is(key, "port"))
        return put_port(v.server, out);
    if (!secrets && span_is(key, "password")) {
        err_set(err, ERR_CONFIG, "a password may not stand in 'run', where every user can see it");
        return err_hint(err, "use 'env' or 'rewrite' for '${%.*s}'", (int)var.len, var.at);
    }
    const char *text = db_text(&v, key);
    if (!text)
        return unknown(var, "a database has host, port, socket, user, database and password", err);
    return put_value(out, text, backslashes);
}

static struct span after(struct span s, size_t n)
{
    return (struct span){s.at + n, s.len - n};
}

static bool put_variable(const struct local *l, struct span var, bool backslashes, bool secrets,
                         struct buf *out, struct err *err)
{
    if (span_is(var, "box"))
        return put_value(out, l->box.where, backslashes);
    if (span_starts(var, "files."))
        return put_files(l, var, after(var, 6), backslashes, out, err);
    if (span_starts(var, "port."))
        return put_service_port(l, var, after(var, 5), out, err);
    if (span_starts(var, "db."))
        return put_db(l, var, after(var, 3), backslashes, secrets, out, err);
    return unknown(var,
                   "there are box, files.NAME, port.SERVICE and db.NAME.KEY; a plain '${' is "
                   "written '$${'",
                   err);
}

bool expand(const struct local *l, const char *text, bool backslashes, bool secrets,
            struct buf *out, struct err *err)
{
    while (*text) {
        if (strncmp(text, "$${", 3) == 0) {
            buf_puts(out, "${");
            text += 3;
            continue;
        }
        if (strncmp(text, "${", 2) != 0) {
            buf_putc(out, *text++);
            continue;
        }
        const char *end = strchr(text, '}');
        if (!end)
            return err_set(err, ERR_CONFIG, "'${' without '}' in '%s'", text);
        struct span var = {text + 2, (size_t)(end - text - 2)};
        if (!put_variable(l, var, backslashes, secrets, out, err))
            return false;
        text = end + 1;
    }
    return buf_ok(out, err);
}

bool box_expand(struct box *b, const char *text, struct buf *out, struct err *err)
{
    return expand(local_of(b), text, false, true, out, err);
}
