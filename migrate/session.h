/* A session on the database that is migrated: opened, its run lock held, its server known.
 *
 * The lock is an advisory one of the session itself, so that after a crash it is held as long as
 * the server still works on the last statement. It is polled: a session that waits for it would
 * hold a snapshot and so deadlock with CREATE INDEX CONCURRENTLY of the holder.
 * Threads: one. Errors: as lib/db; ERR_LOCK when another run holds the lock.
 */
#ifndef MIGRATE_SESSION_H
#define MIGRATE_SESSION_H

#include "lib/db/db.h"
#include "lib/sql/split.h"
#include "migrate/cmd.h"
#include "migrate/script.h"

struct session {
    struct db *db;
    enum sql_dialect dialect;
    struct script_modes modes;
    char identity[160]; /* "" when the server does not tell */
};

/* A run holds the gate from its first check to its end, and the work lock with each file's session:
 * that one outlives us in the server when we are killed in the middle of a statement. */
enum session_lock { SESSION_GATE, SESSION_WORK };

bool session_open(const struct migrate_item *item, enum session_lock lock, double lock_timeout_s,
                  struct session *out, struct err *err);
void session_close(struct session *s);
static inline void auto_session(struct session *s)
{
    session_close(s);
}
/* Where the server's log stands: grows with every change, falls only by going back in time. */
bool session_position(struct session *s, uint64_t *out, struct err *err);

enum xid_state { XID_COMMITTED, XID_ABORTED, XID_RUNNING, XID_UNKNOWN };
/* PostgreSQL: the id of the open transaction, and what became of one. */
bool session_xid(struct session *s, char out[24], struct err *err);
bool session_xid_state(struct session *s, const char *xid, enum xid_state *out, struct err *err);

#endif
