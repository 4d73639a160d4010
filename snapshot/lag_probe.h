/* One server, asked how far it or its replicas are behind, by a session of its own. One thread. */
#ifndef SNAPSHOT_LAG_PROBE_H
#define SNAPSHOT_LAG_PROBE_H

#include "lib/db/db.h"

struct lag_probe;

/* Asks once: ERR_RIGHTS and ERR_UNSUPPORTED say what the account or the server cannot tell. */
bool lag_probe_open(const char *component, const struct db_conf *conf, struct lag_probe **out,
                    struct err *err);
void lag_probe_close(struct lag_probe *p);
const char *lag_probe_component(const struct lag_probe *p);
/* What MariaDB and MySQL are asked: a row for each source of a replica, none on a primary. MySQL says
 * Source since 8.0.22 where Master was said. */
const char *lag_replica_sql(const struct db *db);
/* *stuck: it is behind because its recovery waits for a session, and will be until that ends. */
bool lag_probe_ask(struct lag_probe *p, double *lag_s, bool *stuck, struct err *err);

#endif
