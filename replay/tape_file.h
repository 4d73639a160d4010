/* Tape files: written by a thread of their own, so that compression and fsync never hold up the
 * capture or the schedule; read in order.
 *
 * A tape is written in place (mode 0600: it holds what clients sent, passwords and cookies
 * included) and never overwrites; results are written beside and renamed when they are whole.
 */
#ifndef REPLAY_TAPE_FILE_H
#define REPLAY_TAPE_FILE_H

#include "lib/wire/tape.h"

struct tape_out;
/* TAPE_TRAFFIC: `path` must not exist. TAPE_RESULTS: replaced when finished. */
bool tape_out_open(const char *path, enum tape_content content, struct tape_out **out,
                   struct err *err);
/* Hands over the packed records in `records`, which is empty afterwards. With `sync` they are on
 * disk, as a block, soon. Blocks when the disk is far behind. Any thread. */
bool tape_out_put(struct tape_out *t, struct buf *records, bool sync, struct err *err);
/* Writes the rest, syncs, and names results by their name. */
bool tape_out_finish(struct tape_out *t, struct err *err);
void tape_out_close(struct tape_out *t); /* results that were not finished are removed */
AUTO_PTR(tape_out, struct tape_out, tape_out_close)
uint64_t tape_out_bytes(const struct tape_out *t); /* written so far; any thread */

struct tape_in;
bool tape_in_open(const char *path, struct tape_in **out, struct err *err);
void tape_in_close(struct tape_in *t);
AUTO_PTR(tape_in, struct tape_in, tape_in_close)
struct tape_reader *tape_in_reader(struct tape_in *t);
/* Calls `each` for every record up to the end, or up to damage: then *damage (zeroed by the
 * caller) says what and where, and true comes back, for everything given is good. */
bool tape_in_each(struct tape_in *t,
                  bool (*each)(void *ctx, const struct tape_record *r, struct err *err), void *ctx,
                  struct err *damage, struct err *err);

#endif
