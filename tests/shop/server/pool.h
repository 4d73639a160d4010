/* A pool of database connections, opened when first needed.
 *
 * A thread that finds none free waits. A connection that broke is closed by its giver-back and a
 * new one is opened in its place, so the shop outlives a restart of a database.
 * Threads: any. Ownership: pool_free() closes what was opened; all must have been given back.
 */
#ifndef TESTS_SHOP_SERVER_POOL_H
#define TESTS_SHOP_SERVER_POOL_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

struct conf;

struct pool_ops {
    bool (*open)(const struct conf *conf, void **out, struct err *err);
    void (*close)(void *connection);
};

struct pool;
bool pool_new(const struct pool_ops *ops, const struct conf *conf, struct pool **out,
              struct err *err);
void pool_free(struct pool *p);
AUTO_PTR(pool, struct pool, pool_free)
bool pool_get(struct pool *p, void **out, struct err *err);
void pool_put(struct pool *p, void *connection, bool broken);

#endif
