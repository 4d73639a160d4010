/* Settings of a server that change answers, errors or plans: what a box takes over from production,
 * and what a rehearsal compares. Sizes of memory that a server keeps differ by nature and are not
 * among them.
 *
 * Values are the server's own words: pg_settings.reset_val, SHOW GLOBAL VARIABLES. PostgreSQL gives
 * numbers in the base unit of the setting (ms, kB, 8 kB), which is the one that a configuration file
 * means by a number without a unit.
 * Threads: the tables are constant.
 */
#ifndef LIB_DB_SETTINGS_H
#define LIB_DB_SETTINGS_H

#include "lib/db/db.h"

struct db_setting {
    const char *name;                  /* as the server lists it */
    const char *option;                /* in a configuration file; NULL: cannot be set there */
    bool (*starts)(const char *value); /* whether a server here starts with it; NULL: with any */
    bool always; /* what is stored or built depends on it: also while data are loaded */
    bool forked; /* MariaDB and MySQL do not mean the same by its values */
};

const struct db_setting *db_settings(enum db_engine engine, size_t *count);
/* Whether a configuration file of a server here may say it. `from_mysql`: production runs MySQL,
 * where a box runs MariaDB. Values that could be read as more than a value are refused. */
bool db_setting_usable(const struct db_setting *s, enum db_engine engine, const char *value,
                       bool from_mysql);
/* Whether `given`, as a person writes it into a configuration file, is this setting. */
bool db_setting_is(const struct db_setting *s, const char *given);

#endif
