#include "restore/version.h"

#include <stdlib.h>

#include "lib/base/span.h"

/* PostgreSQL's major version is one number since 10, MariaDB's and MySQL's are two. */
static unsigned major_of(enum db_engine engine, const char *text)
{
    char *end = NULL;
    unsigned long first = strtoul(text, &end, 10);

    if (engine == DB_POSTGRESQL)
        return (unsigned)first;
    unsigned long second = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return (unsigned)(first * 100 + second);
}

static unsigned major_of_server(enum db_engine engine, unsigned server)
{
    return engine == DB_POSTGRESQL ? server / 10000 : server / 100;
}

static bool same_product(enum db_engine engine, const char *captured, bool server_is_mysql)
{
    return engine == DB_POSTGRESQL || (strstr(captured, "MariaDB") == NULL) == server_is_mysql;
}

bool version_same(enum db_engine engine, const char *captured, unsigned server,
                  bool server_is_mysql)
{
    return same_product(engine, captured, server_is_mysql) &&
           major_of(engine, captured) == major_of_server(engine, server);
}

bool version_check(enum db_engine engine, const char *captured, unsigned server,
                   bool server_is_mysql, const char *label, struct err *err)
{
    bool postgresql = engine == DB_POSTGRESQL;
    unsigned was = major_of(engine, captured), is = major_of_server(engine, server);

    if (!same_product(engine, captured, server_is_mysql))
        return true;
    if (!was || is >= was)
        return true;
    if (postgresql) {
        err_set(err, ERR_UNSUPPORTED, "%s is version %u, older than the captured %s", label, is,
                captured);
        return err_hint(err, "install PostgreSQL %u on this host", was);
    }
    err_set(err, ERR_UNSUPPORTED, "%s is version %u.%u, older than the captured %s", label,
            is / 100, is % 100, captured);
    return err_hint(err, "install version %u.%u or newer on this host", was / 100, was % 100);
}
