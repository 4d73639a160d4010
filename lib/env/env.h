/* The environment file: what production (or another environment) is made of.
 *
 * YAML, read by libcyaml into these structs. docs/environment-file.md is the reference. Example:
 *
 *   name: shop
 *   production: true                      # never a target of restore or migrate
 *   files:
 *     - {name: code, path: /srv/shop/code, exclude: ["*.pid", "cache/"]}
 *     - {name: config, path: /srv/shop/config}
 *   databases:
 *     - {name: shop, engine: postgresql, host: /run/pg, port: 5432, user: dba, database: shop,
 *        password_file: /root/.secret}
 *     - {name: catalog, engine: mariadb, socket: /run/my.sock, user: dba, database: catalog}
 *   services:                             # how the box runs the application
 *     - name: web
 *       run: ["${files.code}/bin/shopd", "--config", "${files.config}/shop.conf"]
 *       env: ["TZ=UTC"]
 *       port: 8080                        # in production; the box gives ${port.web}
 *       health: {url: "http://127.0.0.1:${port.web}/healthz", within_s: 15}
 *       after: []                         # services that must be healthy before
 *   traffic: {interface: lo, ports: [8080]}
 *   bundle: {encrypt_to: ["rehearse1pub:..."], sign_with: /etc/rehearse/sign.key,
 *            require_signature: true, trusted: ["rehearse1sigpub:..."],
 *            cache: /var/cache/rehearse, cache_size: 16G}
 *   box:
 *     rewrite:                            # per line, POSIX extended regex; must match once or more
 *       - {file: config/shop.conf, match: "^listen = .*", with: "listen = 127.0.0.1:${port.web}"}
 *     postgresql: {shared_buffers: 128MB} # settings of the box's servers over production's
 *     mariadb: {innodb_buffer_pool_size: 256M}
 *
 * Variables in run, env, url, tcp, with:  ${box} ${files.NAME} ${port.SERVICE}
 *   ${db.NAME.host|port|socket|user|database|password}   (host is 127.0.0.1; socket as in struct
 *   db_conf; password is the box's own and not allowed in run); "$${" is a plain "${".
 * Relative paths are taken from the folder of the file. Unknown key or wrong type: ERR_CONFIG
 * "shop.yaml:7: unknown key 'databse'". Names (of databases, trees, services)
 * are unique per sort and made of letters, digits, '_', '-' and '.'.
 * Ownership: env_load() gives a heap tree; env_free() releases it all. Threads: read-only after.
 */
#ifndef LIB_ENV_ENV_H
#define LIB_ENV_ENV_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stdint.h>

struct env_strings {
    char **at;
    unsigned count;
};

struct env_files {
    char *name;
    char *path;
    struct env_strings exclude; /* shell patterns against the path inside; "dir/" a whole tree */
};

/* Whether the accounts of a MariaDB server are captured with a database. */
enum env_accounts {
    ENV_ACCOUNTS_NONE,
    ENV_ACCOUNTS_LOCKED, /* without the hashes of their passwords */
    ENV_ACCOUNTS_WHOLE,
};

struct env_database {
    char *name;
    char *engine; /* "postgresql" or "mariadb"; the file may say postgres or mysql */
    char *host, *socket, *user, *database, *password_env, *password_file;
    char *accounts; /* as it was given */
    enum env_accounts accounts_as;
    uint16_t port;
};

struct env_health {
    char *url;       /* HTTP GET, 2xx is healthy; or */
    char *tcp;       /* host:port that accepts */
    double within_s; /* default 15 */
};

struct env_service {
    char *name;
    struct env_strings run;
    struct env_strings env;
    uint16_t port;
    struct env_health *health; /* NULL: alive is healthy */
    struct env_strings after;
    char *user; /* default: the box's unprivileged user */
};

struct env_rewrite {
    char *file; /* NAME/path inside a captured file tree */
    char *match;
    char *with; /* \1 .. \9 are groups; variables are expanded */
    bool optional;
};

struct env_setting {
    char *name;
    char *value;
};

struct env_traffic {
    char *interface;
    uint16_t *ports;
    unsigned ports_count;
};

/* Keys are text as 'rehearse key' prints it; what they mean is checked by those who use them. */
struct env_bundle {
    struct env_strings encrypt_to; /* public keys of those who may read; none: not encrypted */
    char *sign_with;               /* file of the secret key that signs; NULL: not signed */
    bool require_signature;        /* refuse bundles that no trusted key has signed */
    struct env_strings trusted;    /* public signing keys */
    char *cache;                   /* folder for what encrypted bundles build on; NULL: none */
    char *cache_size;              /* as it was given */
    uint64_t cache_bytes;          /* what it may take */
};
#define ENV_CACHE_BYTES ((uint64_t)16 << 30)

struct env {
    char *path; /* of the YAML file, absolute */
    char *text; /* as it was read: what a bundle and a box keep */
    char *name;
    bool production;
    struct env_files *files;
    unsigned files_count;
    struct env_database *databases;
    unsigned databases_count;
    struct env_service *services;
    unsigned services_count;
    struct env_traffic *traffic;
    struct env_bundle *bundle; /* NULL: plain and unsigned */
    struct env_rewrite *rewrite;
    unsigned rewrite_count;
    struct env_setting *postgresql, *mariadb; /* settings of the box's servers */
    unsigned postgresql_count, mariadb_count;
};

bool env_load(const char *path, struct env **out, struct err *err);
/* The same from memory. `path` names it in messages and gives the folder of relative paths. */
bool env_parse(struct span text, const char *path, struct env **out, struct err *err);
void env_free(struct env *env);
AUTO_PTR(env, struct env, env_free)
const struct env_database *env_find_database(const struct env *env, const char *name);
/* Whether both are databases of one server; and reached by one account. */
bool env_same_server(const struct env_database *a, const struct env_database *b);
bool env_same_account(const struct env_database *a, const struct env_database *b);
const struct env_files *env_find_files(const struct env *env, const char *name);
const struct env_service *env_find_service(const struct env *env, const char *name);

#endif
