/* Proof: what a box holds is what its bundle says, to the bit.
 *
 * Everything is read again from the box: rows by the expressions that the snapshot used, the schema
 * as the snapshot read it, sequences, roles and what is set for a database as a whole, and the trees
 * of files with content and attributes.
 * Rows:     have no order after a load by several sessions: both sides are summed up as multisets
 *           (lib/base/bag.h), and only tables whose sums differ are read again to name the rows.
 * By design not the same, and so not compared: files that a rewrite rule changes (content, size and
 *           time; they are listed), passwords, the role that the box's server was made with, events, which a box keeps disabled, tablespaces, rows of tables
 *           that their engine does not keep (MEMORY), and the schema's text when the box's server is
 *           of another version than production's (that is listed, too).
 * The box must not be written to meanwhile; its databases are up.
 * Memory:   a few segments and sums for each worker, and some 100 bytes for each file.
 * Threads:  the owner's; the work runs on a scheduler of its own.
 * Errors:   differences are a result and no error; a server that goes away is one.
 */
#ifndef RESTORE_PROOF_H
#define RESTORE_PROOF_H

#include "lib/base/opt.h"
#include "lib/bundle/bundle.h"
#include "lib/db/seats.h"
#include "lib/journal/journal.h"
#include "restore/place.h"
#include "restore/selection.h"

struct proof_conf {
    struct bundle *bundle;
    struct place place;
    struct journal *journal;
    struct selection what; /* as of the restore */
    unsigned jobs;
    struct seats *seats; /* of so many workers, while nobody else uses them; NULL: own ones */
    bool
        show_values; /* keys of rows, and what a server says of them; else rows have their number */
};

/* *report: {"ok", "differences", "components": [{"component", "records", "bytes", "differences",
 * "ok", "took_ms", "listed": [{"what", "kind", ...}], "rewritten": [path], "skipped": [text]}]}; new
 * reference. Journal: restore.proof of each component. */
bool proof_run(const struct proof_conf *conf, json_t **report, struct err *err);
/* ERR_DIFFERS with the first difference when the report has any. */
bool proof_judge(const json_t *report, struct err *err);
/* One difference of "listed" in words. */
bool proof_words(const json_t *difference, struct buf *out);

#endif
