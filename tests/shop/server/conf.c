#include "tests/shop/server/conf.h"

#include "lib/base/fd.h"
#include "lib/base/span.h"

#include <libgen.h>
#include <stddef.h>

#define CONF_MAX ((size_t)64 * 1024)

enum key_type { KEY_TEXT, KEY_COUNT, KEY_SWITCH };

struct key {
    const char *name;
    enum key_type type;
    size_t offset;
};

#define AT(field) offsetof(struct conf, field)
static const struct key host_keys[] = {
    {"listen", KEY_TEXT, AT(listen)},
    {"postgresql", KEY_TEXT, AT(postgresql)},
    {"mariadb_socket", KEY_TEXT, AT(mariadb_socket)},
    {"mariadb_user", KEY_TEXT, AT(mariadb_user)},
    {"mariadb_database", KEY_TEXT, AT(mariadb_database)},
    {"connections", KEY_COUNT, AT(connections)},
    {"secrets", KEY_TEXT, AT(secrets)},
    {"features", KEY_TEXT, AT(features)},
    {0},
};
static const struct key feature_keys[] = {
    {"currency", KEY_TEXT, AT(currency)},
    {"page_size", KEY_COUNT, AT(page_size)},
    {"show_ratings", KEY_SWITCH, AT(show_ratings)},
    {0},
};
static const struct key secret_keys[] = {
    {"postgresql_password", KEY_TEXT, AT(postgresql_password)},
    {"mariadb_password", KEY_TEXT, AT(mariadb_password)},
    {0},
};
#undef AT

struct place {
    const char *path;
    unsigned line;
    struct err *err;
};

static bool set_text(char **field, struct span value, struct err *err)
{
    char *copy = span_dup(value);
    if (!copy)
        return err_memory(err);
    free(*field);
    *field = copy;
    return true;
}

static bool set_value(const struct key *key, struct conf *conf, struct span value,
                      const struct place *at)
{
    char *field = (char *)conf + key->offset;

    switch (key->type) {
    case KEY_TEXT:
        return set_text((char **)(void *)field, value, at->err);
    case KEY_COUNT:
        if (span_u64(value, (uint64_t *)(void *)field) && *(uint64_t *)(void *)field > 0)
            return true;
        break;
    case KEY_SWITCH:
        *(bool *)field = span_is(value, "on");
        if (span_is(value, "on") || span_is(value, "off"))
            return true;
        break;
    }
    /* The value is not shown: it may be a secret on the wrong line. */
    err_set(at->err, ERR_CONFIG, "%s:%u: wrong value of '%s'", at->path, at->line, key->name);
    return err_hint(at->err, key->type == KEY_SWITCH ? "on or off" : "a number above 0");
}

static bool take_line(const struct key *keys, struct conf *conf, struct span line,
                      const struct place *at)
{
    line = span_trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return true;

    struct span name;
    if (!memchr(line.at, '=', line.len))
        return err_set(at->err, ERR_CONFIG, "%s:%u: no '=' in the line", at->path, at->line);
    span_split(&line, '=', &name);
    name = span_trim(name);
    for (const struct key *key = keys; key->name; key++) {
        if (span_is(name, key->name))
            return set_value(key, conf, span_trim(line), at);
    }
    return err_set(at->err, ERR_CONFIG, "%s:%u: unknown key '%.*s'", at->path, at->line,
                   (int)name.len, name.at);
}

static bool take_text(const struct key *keys, struct conf *conf, const char *path, struct span text,
                      struct err *err)
{
    struct place at = {.path = path, .err = err};
    struct span line;

    while (span_split(&text, '\n', &line)) {
        at.line++;
        if (!take_line(keys, conf, line, &at))
            return false;
    }
    return true;
}

static char *beside(const char *file, const char *name)
{
    if (name[0] == '/')
        return strdup(name);
    AUTO(free) char *copy = strdup(file);
    return copy ? path_join(dirname(copy), name) : NULL;
}

static bool take_file(const struct key *keys, struct conf *conf, const char *path, bool secret,
                      struct err *err)
{
    AUTO(buf) struct buf text = {0};
    bool read = secret ? file_read_secret(path, &text, err) : file_read(path, CONF_MAX, &text, err);

    return read && take_text(keys, conf, path, buf_view(&text), err);
}

static bool take_beside(const struct key *keys, struct conf *conf, const char *shop_conf,
                        const char *name, bool secret, struct err *err)
{
    if (!name || !name[0])
        return true;
    AUTO(free) char *path = beside(shop_conf, name);
    return path ? take_file(keys, conf, path, secret, err) : err_memory(err);
}

static bool check(const struct conf *conf, const char *path, struct err *err)
{
    static const struct key *const texts = host_keys;

    for (const struct key *key = texts; strcmp(key->name, "connections") != 0; key++) {
        const char *value = *(char *const *)(const void *)((const char *)conf + key->offset);
        if (!value || !value[0])
            return err_set(err, ERR_CONFIG, "%s: '%s' is missing", path, key->name);
    }
    if (!conf->currency || !conf->page_size)
        return err_set(err, ERR_CONFIG, "%s: no features: 'currency' and 'page_size' are missing",
                       path);
    return true;
}

bool conf_load(const char *path, struct conf *out, struct err *err)
{
    AUTO(conf) struct conf conf = {.connections = 8};

    if (!take_file(host_keys, &conf, path, false, err) ||
        !take_beside(feature_keys, &conf, path, conf.features, false, err) ||
        !take_beside(secret_keys, &conf, path, conf.secrets, true, err) || !check(&conf, path, err))
        return false;
    *out = conf;
    conf = (struct conf){0};
    return true;
}

void conf_done(struct conf *conf)
{
    free(conf->listen);
    free(conf->postgresql);
    free(conf->mariadb_socket);
    free(conf->mariadb_user);
    free(conf->mariadb_database);
    free(conf->secrets);
    free(conf->features);
    free(conf->currency);
    if (conf->postgresql_password)
        explicit_bzero(conf->postgresql_password, strlen(conf->postgresql_password));
    if (conf->mariadb_password)
        explicit_bzero(conf->mariadb_password, strlen(conf->mariadb_password));
    free(conf->postgresql_password);
    free(conf->mariadb_password);
    *conf = (struct conf){0};
}
