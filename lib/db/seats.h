/* Sessions of workers over many databases.
 *
 * A worker keeps the sessions that it used last, a few of them; when it turns to another database the
 * one that it used least recently is closed. So however many databases there are, no more than
 * workers * keep sessions are open.
 * Threads: seats_take() for one worker from one thread at a time; the rest while no worker runs.
 */
#ifndef LIB_DB_SEATS_H
#define LIB_DB_SEATS_H

#include "lib/db/db.h"

#define SEATS_KEEP 2 /* so that a worker may go to and fro between two databases */

struct seats;

/* Opens a session of `worker` on what `of` stands for. */
typedef bool (*seat_open)(void *of, unsigned worker, struct db **out, struct err *err);

bool seats_new(unsigned workers, unsigned keep, struct seats **out, struct err *err);
void seats_free(struct seats *s);
AUTO_PTR(seats, struct seats, seats_free)
/* From now on a worker keeps at most so many (1 .. what seats_new was given). */
void seats_keep(struct seats *s, unsigned keep);
/* Whether that is fewer than seats_new was given: the server has little room. */
bool seats_are_few(const struct seats *s);
/* The worker's session for `of`; it stays the seats'. */
bool seats_take(struct seats *s, unsigned worker, void *of, seat_open open, struct db **out,
                struct err *err);
/* Closes all sessions for `of`. */
void seats_leave(struct seats *s, const void *of);

#endif
