/* The ledger: what was applied to which database, kept outside of it.
 *
 * A chain of JSON lines as a journal is (lib/journal), fsynced at each event; a torn last line is
 * cut off. A unit of statements (migrate/script.h) is written down before it runs and after it is
 * committed, so that after a crash exactly one unit is in doubt; PostgreSQL's transaction id goes
 * with it, so that the server can be asked.
 * It remembers which database it speaks of and how far that had come (log position), and refuses
 * one that is another or older: after a reset the ledger would tell of scripts that are gone.
 * One writer at a time: a lock on the file. Threads: one.
 * Errors: ERR_LOCK, ERR_DAMAGED, ERR_DIFFERS, ERR_IO.
 */
#ifndef MIGRATE_LEDGER_H
#define MIGRATE_LEDGER_H

#include "lib/base/auto.h"
#include "lib/base/hash.h"
#include "migrate/script.h"

struct ledger;

struct ledger_entry {
    char *database, *file, *version;
    bool data, repeatable;
    struct digest raw, normal;
    unsigned normal_version;
    bool done;                        /* the whole file */
    unsigned statements;              /* committed, counted from the front */
    struct digest prefix;             /* normal checksum of those */
    bool in_doubt;                    /* a unit was begun and its end is not known */
    unsigned doubt_first, doubt_last; /* its statements, counted from 0 */
    char xid[24];                     /* "" when the server cannot be asked */
    char at[40];                      /* of the last event */
};

/* write: made when absent, and locked. Else an absent file is an empty ledger. */
bool ledger_open(const char *path, bool write, struct ledger **out, struct err *err);
void ledger_close(struct ledger *l);
AUTO_PTR(ledger, struct ledger, ledger_close)

const struct ledger_entry *ledger_entries(const struct ledger *l, size_t *count);
const struct ledger_entry *ledger_find(const struct ledger *l, const char *database, bool data,
                                       const char *file);

struct ledger_target {
    const char *database;
    const char *identity; /* "" when the server does not tell */
    uint64_t position;
};
/* Is it the database that the entries speak of, and no older than they are? */
bool ledger_check(const struct ledger *l, const struct ledger_target *t, struct err *err);
/* Records what it speaks of, and where that is now. */
bool ledger_mark(struct ledger *l, const struct ledger_target *t, struct err *err);
/* Drops all entries of a database. */
bool ledger_forget(struct ledger *l, const char *database, struct err *err);

struct ledger_unit {
    const char *database;
    bool data;
    const struct script *script;
    const struct unit *unit; /* NULL: the whole file */
    const char *xid;         /* "" for none */
};
bool ledger_begin(struct ledger *l, const struct ledger_unit *u, struct err *err);
/* prefix: normal checksum of everything that is committed now. */
bool ledger_done(struct ledger *l, const struct ledger_unit *u, const struct digest *prefix,
                 struct err *err);
/* It was rolled back: `statements` of the file are committed. */
bool ledger_failed(struct ledger *l, const struct ledger_unit *u, unsigned statements,
                   const struct digest *prefix, struct err *err);
bool ledger_file_done(struct ledger *l, const struct ledger_unit *u, struct err *err);

#endif
