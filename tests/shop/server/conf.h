/* The shop's configuration: files of `key = value` lines, `#` starts a comment line.
 *
 *   shop.conf      what belongs to the host: listen, postgresql, mariadb_*, secrets, features
 *   features.conf  what belongs to the release: currency, page_size, show_ratings
 *   secrets        postgresql_password, mariadb_password; refused when others may read it; no file
 *                  named: no passwords
 * Relative names are taken from the folder of shop.conf. An unknown key or a wrong value is an
 * error that names file and line. Ownership: conf_done() releases. Threads: read-only after loading.
 */
#ifndef TESTS_SHOP_SERVER_CONF_H
#define TESTS_SHOP_SERVER_CONF_H

#include "lib/base/err.h"

#include <stdint.h>

struct conf {
    char *listen;     /* address:port */
    char *postgresql; /* libpq connection string without a password */
    char *mariadb_socket, *mariadb_user, *mariadb_database;
    char *secrets, *features; /* file names */
    char *postgresql_password, *mariadb_password;
    char *currency;
    uint64_t page_size;   /* articles of a list */
    uint64_t connections; /* to each database */
    bool show_ratings;
};

bool conf_load(const char *path, struct conf *out, struct err *err);
void conf_done(struct conf *conf);
static inline void auto_conf(struct conf *conf)
{
    conf_done(conf);
}

#endif
