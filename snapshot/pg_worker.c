/* How many sessions a snapshot may open on a server, and those of its workers.
 *
 * Each database has the leader's session, which keeps its instant; workers read with seats, and
 * pg_dump runs beside them. Nothing starts one later than the instants, which wait for each other's
 * where the sessions do not suffice for all at once: so they get what is left over.
 */
#include "lib/base/log.h"
#include "lib/db/pg_session.h"
#include "lib/db/room.h"
#include "snapshot/pg.h"

/* So many of a server's sessions stay free for others, where we can do with fewer. */
#define LEAVE_LEAST    3u
#define LEAVE_SHARE_OF 10u

/* ---- how many ----------------------------------------------------------------------------------*/

/* Databases that are read by the same account, when this one is the first of them; else 0. */
static unsigned databases_of(const struct env *env, unsigned index)
{
    const struct env_database *all = env->databases;
    unsigned count = 0;

    for (unsigned i = 0; i < env->databases_count; i++) {
        if (!env_same_account(&all[i], &all[index]))
            continue;
        if (i < index)
            return 0;
        count++;
    }
    return count;
}

/* At least one, whatever is left of `free`. Servers have their own sessions, but one number. */
static void limit_dumps(struct dump_slots *dumps, unsigned count, uint64_t free, uint64_t taken)
{
    uint64_t left = free > taken ? free - taken : 1;

    if (left < count && left < dumps->most)
        dumps->most = (unsigned)left;
}

bool pg_sessions_fit(struct pg_source *s, unsigned index, struct err *err)
{
    unsigned count = databases_of(s->conf.env, index), jobs = s->conf.jobs;
    struct db_room room = {0};
    char what[96];

    s->first = count > 0;
    if (!count)
        return true;
    if (!db_room_read(s->leader, &room, err))
        return false;
    /* Our own session is open already. */
    unsigned keep = count < SEATS_KEEP ? count : SEATS_KEEP, dumps = count < jobs ? count : jobs;
    uint64_t whole = count - 1 + (s->conf.lag != NULL); /* leaders, and who watches replicas */
    uint64_t leave = room.limit / LEAVE_SHARE_OF;
    if (leave < LEAVE_LEAST)
        leave = LEAVE_LEAST;
    if (room.free < whole + (uint64_t)keep * jobs + dumps + leave) {
        snprintf(what, sizeof(what), "a snapshot of %u database%s with %u jobs", count,
                 count > 1 ? "s" : "", jobs);
        if (!db_room_check(&room, s->leader, whole + jobs + 1, what, err))
            return false;
        seats_keep(s->conf.seats, 1);
        keep = 1;
    }
    limit_dumps(s->conf.dumps, count, room.free, whole + (uint64_t)keep * jobs + leave);
    return true;
}

/* ---- workers -----------------------------------------------------------------------------------*/

static bool begin(struct pg_source *s, struct db *db, struct err *err)
{
    return db_exec(db, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") &&
           db_exec(db, err, "SET TRANSACTION SNAPSHOT '%s'", s->snapshot);
}

static void forget_locks(struct pg_source *s, unsigned worker)
{
    memset(s->locked[worker], 0, s->tables.at.count / 8 + 1);
}

/* Block ranges are read by TID range scans: no parallel workers of the server, no compiled
 * expressions, and no scan of the whole table for a part of it. */
static bool open_worker(void *of, unsigned worker, struct db **out, struct err *err)
{
    struct pg_source *s = of;
    AUTO(db) struct db *db = NULL;

    if (!db_open(&s->db_conf, &db, err) || !pg_session_fix(db, err) ||
        !db_exec(db, err,
                 "SET max_parallel_workers_per_gather = 0; SET jit = off; "
                 "SET enable_seqscan = off") ||
        !begin(s, db, err))
        return false;
    forget_locks(s, worker);
    *out = TAKE(db);
    return true;
}

bool pg_workers_init(struct pg_source *s, struct err *err)
{
    s->locked = calloc(s->conf.jobs, sizeof(unsigned char *));
    if (!s->locked)
        return err_memory(err);
    for (unsigned i = 0; i < s->conf.jobs; i++) {
        s->locked[i] = calloc(s->tables.at.count / 8 + 1, 1);
        if (!s->locked[i])
            return err_memory(err);
    }
    return true;
}

bool pg_worker_take(struct pg_source *s, unsigned worker, struct db **out, struct err *err)
{
    return seats_take(s->conf.seats, worker, s, open_worker, out, err);
}

bool pg_worker_again(struct pg_source *s, unsigned worker, struct db *db, struct err *err)
{
    forget_locks(s, worker);
    return db_exec(db, err, "ROLLBACK") && begin(s, db, err);
}
