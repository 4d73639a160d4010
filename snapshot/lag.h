/* How far replicas are behind while a snapshot reads.
 *
 * A source registers where to ask; one thread asks each of them every second. A source that is a
 * replica is asked for its own lag, a primary for its replicas'. While any lag is above the limit,
 * readers are held in lag_wait(); when it stays there for longer than the patience, they fail with
 * ERR_LOCK. Each pause is one snapshot.lag event when it ends.
 * Threads: any may wait; lag_watch() and lag_close() on the main thread, before and after the tasks.
 * Errors:  a server that cannot say how far behind it is, or may not, is refused by lag_watch().
 */
#ifndef SNAPSHOT_LAG_H
#define SNAPSHOT_LAG_H

#include "lib/base/auto.h"
#include "lib/db/db.h"
#include "lib/journal/journal.h"

struct lag;

struct lag_conf {
    double max_s, patience_s;
    struct journal *journal;
};

bool lag_open(const struct lag_conf *conf, struct lag **out, struct err *err);
void lag_close(struct lag *l);
AUTO_PTR(lag, struct lag, lag_close)
/* Everything accepts NULL, which never waits. */
bool lag_watch(struct lag *l, const char *component, const struct db_conf *db, struct err *err);
/* Once all are registered. */
bool lag_start(struct lag *l, struct err *err);
bool lag_wait(struct lag *l, struct err *err);
/* The longest lag seen, and for how long readers were held. */
double lag_max_s(const struct lag *l);
double lag_paused_ms(const struct lag *l);

#endif
