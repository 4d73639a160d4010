#include "lib/env/env.h"

#include <regex.h>
#include <stdlib.h>

#include "lib/base/fd.h"
#include "lib/base/opt.h"
#include "lib/env/yaml.h"

/* ---- schema ---------------------------------------------------------------------------------------*/

#define MUST CYAML_FLAG_POINTER
#define MAY  (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, type, member) \
    CYAML_FIELD_STRING_PTR(key, flags, type, member, 1, CYAML_UNLIMITED)
/* A list of strings in a struct env_strings member. */
#define STRINGS(key_, flags_, of, member, min_)                                                 \
    {                                                                                           \
        .key = (key_), .data_offset = offsetof(of, member.at),                                  \
        .count_offset = offsetof(of, member.count),                                             \
        .count_size = sizeof(((of *)NULL)->member.count),                                       \
        .value = {.type = CYAML_SEQUENCE,                                                       \
                  .flags = (flags_),                                                            \
                  .data_size = sizeof(char *),                                                  \
                  .sequence = {.entry = &string_value, .min = (min_), .max = CYAML_UNLIMITED}}, \
    }

static const cyaml_schema_value_t string_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};
static const cyaml_schema_value_t port_value = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint16_t)};

static const cyaml_schema_field_t files_fields[] = {
    TEXT("name", MUST, struct env_files, name),
    TEXT("path", MUST, struct env_files, path),
    STRINGS("exclude", MAY, struct env_files, exclude, 0),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t files_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct env_files, files_fields)};

static const cyaml_schema_field_t database_fields[] = {
    TEXT("name", MUST, struct env_database, name),
    TEXT("engine", MUST, struct env_database, engine),
    TEXT("host", MAY, struct env_database, host),
    CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct env_database, port),
    TEXT("socket", MAY, struct env_database, socket),
    TEXT("user", MAY, struct env_database, user),
    TEXT("database", MUST, struct env_database, database),
    TEXT("password_env", MAY, struct env_database, password_env),
    TEXT("password_file", MAY, struct env_database, password_file),
    TEXT("accounts", MAY, struct env_database, accounts),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t database_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct env_database, database_fields)};

static const cyaml_schema_field_t health_fields[] = {
    TEXT("url", MAY, struct env_health, url),
    TEXT("tcp", MAY, struct env_health, tcp),
    CYAML_FIELD_FLOAT("within_s", CYAML_FLAG_OPTIONAL, struct env_health, within_s),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t service_fields[] = {
    TEXT("name", MUST, struct env_service, name),
    STRINGS("run", MUST, struct env_service, run, 1),
    STRINGS("env", MAY, struct env_service, env, 0),
    CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct env_service, port),
    CYAML_FIELD_MAPPING_PTR("health", MAY, struct env_service, health, health_fields),
    STRINGS("after", MAY, struct env_service, after, 0),
    TEXT("user", MAY, struct env_service, user),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t service_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct env_service, service_fields)};

static const cyaml_schema_field_t traffic_fields[] = {
    TEXT("interface", MAY, struct env_traffic, interface),
    CYAML_FIELD_SEQUENCE("ports", MAY, struct env_traffic, ports, &port_value, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t bundle_fields[] = {
    STRINGS("encrypt_to", MAY, struct env_bundle, encrypt_to, 1),
    TEXT("sign_with", MAY, struct env_bundle, sign_with),
    CYAML_FIELD_BOOL("require_signature", CYAML_FLAG_OPTIONAL, struct env_bundle,
                     require_signature),
    STRINGS("trusted", MAY, struct env_bundle, trusted, 1),
    TEXT("cache", MAY, struct env_bundle, cache),
    TEXT("cache_size", MAY, struct env_bundle, cache_size),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t rewrite_fields[] = {
    TEXT("file", MUST, struct env_rewrite, file),
    TEXT("match", MUST, struct env_rewrite, match),
    CYAML_FIELD_STRING_PTR("with", MUST, struct env_rewrite, with, 0, CYAML_UNLIMITED),
    CYAML_FIELD_BOOL("optional", CYAML_FLAG_OPTIONAL, struct env_rewrite, optional),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rewrite_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct env_rewrite, rewrite_fields)};

/* Settings have names that no schema knows: they are taken from the tree. */
static const cyaml_schema_field_t box_fields[] = {
    CYAML_FIELD_SEQUENCE("rewrite", MAY, struct env, rewrite, &rewrite_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_IGNORE("postgresql", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_IGNORE("mariadb", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t env_fields[] = {
    TEXT("name", MUST, struct env, name),
    CYAML_FIELD_BOOL("production", CYAML_FLAG_OPTIONAL, struct env, production),
    CYAML_FIELD_SEQUENCE("files", MAY, struct env, files, &files_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("databases", MAY, struct env, databases, &database_value, 0,
                         CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("services", MAY, struct env, services, &service_value, 0, CYAML_UNLIMITED),
    CYAML_FIELD_MAPPING_PTR("traffic", MAY, struct env, traffic, traffic_fields),
    CYAML_FIELD_MAPPING_PTR("bundle", MAY, struct env, bundle, bundle_fields),
    /* Laid flat over struct env: its members are members of it. */
    {.key = "box",
     .value = {.type = CYAML_MAPPING,
               .flags = CYAML_FLAG_OPTIONAL,
               .data_size = sizeof(struct env),
               .mapping = {.fields = box_fields}}},
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t env_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct env, env_fields)};

/* ---- meaning --------------------------------------------------------------------------------------*/

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

/* Names become folders, variables and tags. */
static bool check_name(const struct yaml_doc *doc, const struct yaml_node *n, struct err *err)
{
    size_t len = strlen(n->value);

    if (len && len <= 64 && strspn(n->value, NAME_CHARS) == len && *n->value != '.' &&
        *n->value != '-')
        return true;
    ydoc_fail(doc, n, err, "'%s' cannot be a name", n->value);
    return err_hint(err,
                    "up to 64 letters, digits, '_', '-' and '.', not starting with '-' or '.'");
}

/* Every entry of a list has a proper `name`, and no two the same. */
static bool check_names(const struct yaml_doc *doc, const char *list, struct err *err)
{
    const struct yaml_node *l = ydoc_key(doc->root, list);

    for (const struct yaml_node *c = l ? l->child : NULL; c; c = c->next) {
        const struct yaml_node *name = ydoc_key(c, "name");

        if (!check_name(doc, name, err))
            return false;
        for (const struct yaml_node *d = l->child; d != c; d = d->next)
            if (strcmp(ydoc_key(d, "name")->value, name->value) == 0)
                return ydoc_fail(doc, name, err,
                                 "name '%s' is given twice in '%s', first in line %u", name->value,
                                 list, ydoc_key(d, "name")->line);
    }
    return true;
}

static bool set_text(char **at, const char *text, struct err *err)
{
    char *copy = strdup(text);

    if (!copy)
        return err_memory(err);
    free(*at);
    *at = copy;
    return true;
}

static bool check_engine(const struct yaml_doc *doc, const struct yaml_node *n, char **engine,
                         struct err *err)
{
    static const struct {
        const char *said, *meant;
    } words[] = {{"postgresql", "postgresql"},
                 {"postgres", "postgresql"},
                 {"mariadb", "mariadb"},
                 {"mysql", "mariadb"}};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(*engine, words[i].said) == 0)
            return set_text(engine, words[i].meant, err);
    ydoc_fail(doc, n, err, "unknown engine '%s'", *engine);
    return err_hint(err, "postgresql or mariadb");
}

static bool check_accounts(const struct yaml_doc *doc, const struct yaml_node *n,
                           struct env_database *db, struct err *err)
{
    static const struct {
        const char *said;
        enum env_accounts meant;
    } words[] = {{"true", ENV_ACCOUNTS_WHOLE},
                 {"without-passwords", ENV_ACCOUNTS_LOCKED},
                 {"false", ENV_ACCOUNTS_NONE}};

    if (!db->accounts)
        return true;
    if (strcmp(db->engine, "mariadb") != 0) {
        ydoc_fail(doc, n, err, "'accounts' is for MariaDB");
        return err_hint(err, "take it out: PostgreSQL's roles are always captured, their passwords "
                             "never");
    }
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(db->accounts, words[i].said) == 0) {
            db->accounts_as = words[i].meant;
            return true;
        }
    ydoc_fail(doc, n, err, "'accounts' cannot be '%s'", db->accounts);
    return err_hint(err, "true, without-passwords or false");
}

/* Two keys of which at most one makes sense. */
static bool check_either(const struct yaml_doc *doc, const struct yaml_node *map, const char *a,
                         const char *b, struct err *err)
{
    if (!ydoc_key(map, a) || !ydoc_key(map, b))
        return true;
    ydoc_fail(doc, ydoc_key(map, b), err, "'%s' and '%s' exclude each other", a, b);
    return err_hint(err, "keep one of the two");
}

static bool check_databases(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    const struct yaml_node *list = ydoc_key(doc->root, "databases");

    for (unsigned i = 0; i < env->databases_count; i++) {
        struct env_database *db = &env->databases[i];
        const struct yaml_node *n = ydoc_item(list, i);

        if (!check_engine(doc, ydoc_key(n, "engine"), &db->engine, err) ||
            !check_accounts(doc, ydoc_key(n, "accounts"), db, err) ||
            !check_either(doc, n, "host", "socket", err) ||
            !check_either(doc, n, "password_env", "password_file", err) ||
            !ydoc_path_absolute(env->path, &db->socket, err) ||
            !ydoc_path_absolute(env->path, &db->password_file, err))
            return false;
        if (!db->host && !db->socket) {
            ydoc_fail(doc, n, err, "database '%s' has neither 'host' nor 'socket'", db->name);
            return err_hint(err, "say where its server listens");
        }
    }
    return true;
}

static bool check_files(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    (void)doc;
    for (unsigned i = 0; i < env->files_count; i++)
        if (!ydoc_path_absolute(env->path, &env->files[i].path, err))
            return false;
    return true;
}

static bool check_after(const struct yaml_doc *doc, const struct env *env, unsigned i,
                        struct err *err)
{
    const struct yaml_node *n = ydoc_item(ydoc_key(doc->root, "services"), i);
    const struct env_strings *after = &env->services[i].after;

    for (unsigned a = 0; a < after->count; a++) {
        const struct yaml_node *at = ydoc_item(ydoc_key(n, "after"), a);
        const struct env_service *s = env_find_service(env, after->at[a]);

        if (!s)
            return ydoc_fail(doc, at, err, "service '%s' is unknown", after->at[a]);
        if (s >= &env->services[i]) {
            ydoc_fail(doc, at, err, "service '%s' stands before '%s', which it is to follow",
                      env->services[i].name, after->at[a]);
            return err_hint(err, "list the services in the order in which they start");
        }
    }
    return true;
}

static bool check_health(const struct yaml_doc *doc, const struct yaml_node *service,
                         struct env_health *h, struct err *err)
{
    const struct yaml_node *n = ydoc_key(service, "health");

    if (!h)
        return true;
    if (!check_either(doc, n, "url", "tcp", err))
        return false;
    if (!h->url && !h->tcp)
        return ydoc_fail(doc, n, err, "'health' has neither 'url' nor 'tcp'");
    if (!ydoc_key(n, "within_s"))
        h->within_s = 15;
    if (h->within_s <= 0 || h->within_s > 86400)
        return ydoc_fail(doc, ydoc_key(n, "within_s"), err,
                         "'within_s' must be more than 0 and at most 86400");
    return true;
}

static bool check_services(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    const struct yaml_node *list = ydoc_key(doc->root, "services");

    for (unsigned i = 0; i < env->services_count; i++) {
        struct env_service *s = &env->services[i];
        const struct yaml_node *n = ydoc_item(list, i);

        if (!check_health(doc, n, s->health, err) || !check_after(doc, env, i, err))
            return false;
        if (s->user && strcmp(s->user, "root") == 0) {
            ydoc_fail(doc, ydoc_key(n, "user"), err, "a service of a box never runs as root");
            return err_hint(err, "name an unprivileged user");
        }
        for (unsigned e = 0; e < s->env.count; e++)
            if (!strchr(s->env.at[e], '=') || *s->env.at[e] == '=')
                return ydoc_fail(doc, ydoc_item(ydoc_key(n, "env"), e), err,
                                 "'%s' is not NAME=VALUE", s->env.at[e]);
    }
    return true;
}

static bool check_pattern(const struct yaml_doc *doc, const struct yaml_node *n,
                          const char *pattern, struct err *err)
{
    regex_t re;
    int code = regcomp(&re, pattern, REG_EXTENDED);

    if (code == 0) {
        regfree(&re);
        return true;
    }
    char why[128];
    regerror(code, &re, why, sizeof(why));
    return ydoc_fail(doc, n, err, "'%s' is not a regular expression: %s", pattern, why);
}

static bool check_rewrite(const struct yaml_doc *doc, const struct env *env, struct err *err)
{
    const struct yaml_node *list = ydoc_key(ydoc_key(doc->root, "box"), "rewrite");

    for (unsigned i = 0; i < env->rewrite_count; i++) {
        const struct env_rewrite *r = &env->rewrite[i];
        const struct yaml_node *n = ydoc_item(list, i);
        const char *slash = strchr(r->file, '/');
        bool known = false;

        for (unsigned f = 0; slash && f < env->files_count; f++)
            known |= strlen(env->files[f].name) == (size_t)(slash - r->file) &&
                     memcmp(env->files[f].name, r->file, (size_t)(slash - r->file)) == 0;
        if (!known || !path_is_inside(span_of(r->file))) {
            ydoc_fail(doc, ydoc_key(n, "file"), err, "'%s' is not a file of a captured tree",
                      r->file);
            return err_hint(err, "NAME/path, with NAME from 'files' above");
        }
        if (!check_pattern(doc, ydoc_key(n, "match"), r->match, err))
            return false;
    }
    return true;
}

static bool take_settings(const struct yaml_doc *doc, const char *engine, struct env_setting **out,
                          unsigned *count, struct err *err)
{
    const struct yaml_node *map = ydoc_key(ydoc_key(doc->root, "box"), engine);

    if (!map)
        return true;
    if (map->kind != YAML_MAP)
        return ydoc_fail(doc, map, err, "'%s' must be a mapping of settings to values", engine);
    *out = calloc(map->count + 1, sizeof(**out));
    if (!*out)
        return err_memory(err);
    for (const struct yaml_node *c = map->child; c; c = c->next) {
        struct env_setting *s = &(*out)[*count];

        if (c->kind != YAML_SCALAR)
            return ydoc_fail(doc, c, err, "setting '%s' must be a single value", c->key);
        /* Both end up in files that servers read line by line. */
        if (!*c->key || strspn(c->key, NAME_CHARS) != strlen(c->key) || strpbrk(c->value, "\n\r"))
            return ydoc_fail(doc, c, err, "'%s' is not a setting", c->key);
        ++*count;
        if (!set_text(&s->name, c->key, err) || !set_text(&s->value, c->value, err))
            return false;
    }
    return true;
}

static bool check_traffic(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    const struct yaml_node *ports = ydoc_key(ydoc_key(doc->root, "traffic"), "ports");

    for (unsigned i = 0; env->traffic && i < env->traffic->ports_count; i++)
        if (!env->traffic->ports[i])
            return ydoc_fail(doc, ydoc_item(ports, i), err, "port 0 carries no traffic");
    return true;
}

static bool check_cache(const struct yaml_doc *doc, const struct yaml_node *n, struct env *env,
                        struct err *err)
{
    struct env_bundle *b = env->bundle;

    b->cache_bytes = ENV_CACHE_BYTES;
    if (b->cache && !b->encrypt_to.count) {
        ydoc_fail(doc, ydoc_key(n, "cache"), err,
                  "a cache is of use only where bundles are encrypted");
        return err_hint(err, "take it out, or name in 'encrypt_to' who may read the bundles");
    }
    if (b->cache_size && !b->cache) {
        ydoc_fail(doc, ydoc_key(n, "cache_size"), err, "there is no 'cache'");
        return err_hint(err, "name a folder in 'cache', or take 'cache_size' out");
    }
    if (b->cache_size && !opt_bytes(b->cache_size, &b->cache_bytes)) {
        ydoc_fail(doc, ydoc_key(n, "cache_size"), err, "'%s' is no size", b->cache_size);
        return err_hint(err, "write 500M, 16G or a number of bytes");
    }
    return ydoc_path_absolute(env->path, &b->cache, err);
}

static bool check_bundle(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    const struct yaml_node *n = ydoc_key(doc->root, "bundle");

    if (!env->bundle)
        return true;
    if (env->bundle->require_signature && !env->bundle->trusted.count) {
        ydoc_fail(doc, ydoc_key(n, "require_signature"), err,
                  "signatures are required, and nobody is trusted to sign");
        return err_hint(err, "list public signing keys in 'trusted'");
    }
    return check_cache(doc, n, env, err) &&
           ydoc_path_absolute(env->path, &env->bundle->sign_with, err);
}

static bool check_all(const struct yaml_doc *doc, struct env *env, struct err *err)
{
    return check_name(doc, ydoc_key(doc->root, "name"), err) && check_names(doc, "files", err) &&
           check_names(doc, "databases", err) && check_names(doc, "services", err) &&
           check_files(doc, env, err) && check_databases(doc, env, err) &&
           check_services(doc, env, err) && check_traffic(doc, env, err) &&
           check_bundle(doc, env, err) && check_rewrite(doc, env, err) &&
           take_settings(doc, "postgresql", &env->postgresql, &env->postgresql_count, err) &&
           take_settings(doc, "mariadb", &env->mariadb, &env->mariadb_count, err);
}

/* ---- reading --------------------------------------------------------------------------------------*/

bool env_parse(struct span text, const char *path, struct env **out, struct err *err)
{
    AUTO(yaml_doc) struct yaml_doc *doc = NULL;
    AUTO(env) struct env *env = NULL;

    if (!ydoc_open(text, path, &doc, err) || !ydoc_fill(doc, text, &env_schema, (void **)&env, err))
        return false;
    env->text = span_dup(text);
    env->path = strdup(path);
    if (!env->text || !env->path)
        return err_memory(err);
    if (!ydoc_path_absolute("", &env->path, err) || !check_all(doc, env, err))
        return false;
    *out = TAKE(env);
    return true;
}

bool env_load(const char *path, struct env **out, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    if (!file_read(path, YAML_MAX_BYTES, &text, err))
        return err_add(err, "cannot read the environment file");
    return env_parse(buf_view(&text), path, out, err);
}

static void settings_free(struct env_setting *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        free(s[i].name);
        free(s[i].value);
    }
    free(s);
}

void env_free(struct env *env)
{
    if (!env)
        return;
    settings_free(env->postgresql, env->postgresql_count);
    settings_free(env->mariadb, env->mariadb_count);
    free(env->text);
    free(env->path);
    ydoc_free(&env_schema, env);
}

const struct env_database *env_find_database(const struct env *env, const char *name)
{
    for (unsigned i = 0; i < env->databases_count; i++)
        if (strcmp(env->databases[i].name, name) == 0)
            return &env->databases[i];
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool env_same_server(const struct env_database *a, const struct env_database *b)
{
    return strcmp(a->engine, b->engine) == 0 && same_text(a->host, b->host) &&
           same_text(a->socket, b->socket) && a->port == b->port;
}

bool env_same_account(const struct env_database *a, const struct env_database *b)
{
    return env_same_server(a, b) && same_text(a->user, b->user) &&
           same_text(a->password_env, b->password_env) &&
           same_text(a->password_file, b->password_file);
}

const struct env_files *env_find_files(const struct env *env, const char *name)
{
    for (unsigned i = 0; i < env->files_count; i++)
        if (strcmp(env->files[i].name, name) == 0)
            return &env->files[i];
    return NULL;
}

const struct env_service *env_find_service(const struct env *env, const char *name)
{
    for (unsigned i = 0; i < env->services_count; i++)
        if (strcmp(env->services[i].name, name) == 0)
            return &env->services[i];
    return NULL;
}
