/* What MariaDB's texts of production say where they are restored: the databases' names there, and the
 * accounts that views, routines, triggers and events run as (--owner, --no-owner).
 *
 * The restore and the proof take the texts through the same rules, so that what was mapped is no
 * difference.
 * Names:    DATABASE.x becomes NAME.x for every database of the bundle that is restored to the same
 *           server under another name. Where DATABASE may be a table's name or alias, too, only what
 *           cannot be one is changed: DATABASE.x.y, DATABASE.x(...), and what follows FROM, JOIN,
 *           INTO, UPDATE, CALL, TABLE, REFERENCES.
 * Accounts: --owner OLD=NEW, with OLD as user@host or the user alone, of any host; a NEW without a
 *           host keeps that of OLD.
 * Ownership: the selection is borrowed. Threads: read-only once made.
 */
#ifndef RESTORE_MY_HERE_H
#define RESTORE_MY_HERE_H

#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"
#include "lib/db/db.h"
#include "restore/place.h"
#include "restore/selection.h"

struct my_here {
    const struct selection *what;
    struct vec names; /* struct my_here_name */
    char *account;    /* user@host that restores; NULL: not needed */
    bool nocase;      /* the server does not tell names apart by their letters' case */
};

struct my_here_name {
    char *from, *to;
};

struct my_here_conf {
    struct bundle *bundle;
    const struct place *place;
    const char *component;        /* whose texts they are */
    const char *database;         /* where they are to stand */
    const struct selection *what; /* --only says which databases are loaded beside it */
    bool placed;                  /* the others have the names that they get at the end */
};

/* db: a session on the server. */
bool my_here_open(const struct my_here_conf *conf, struct db *db, struct my_here *out,
                  struct err *err);
void my_here_done(struct my_here *h);

/* How a text is to be read. */
struct my_here_text {
    struct span text;
    bool printed;              /* by the server itself: what follows AS is no table */
    bool no_backslash_escapes; /* its sql_mode has it */
};

/* Appends the text with the names that it has here. *changed (may be NULL): a name was another. */
bool my_here_names(const struct my_here *h, const struct my_here_text *in, struct buf *out,
                   bool *changed);
/* A statement of a table or a foreign key. */
bool my_here_table(const struct my_here *h, struct span text, struct buf *out, struct err *err);
/* CREATE of an object of a bundle's list: names and definer. */
bool my_here_object(const struct my_here *h, const json_t *object, struct span create,
                    struct buf *out, struct err *err);
/* By --owner alone. */
bool my_here_owner(const struct my_here *h, struct span who, struct buf *out);
/* user@host of `who` here. */
bool my_here_account(const struct my_here *h, struct span who, struct buf *out);
/* Appends the definer of a CREATE as user@host (user@ of a role). */
bool my_here_definer(struct span create, struct buf *out);
/* The account as it stands behind DEFINER =. */
bool my_here_clause(struct span create, struct span *clause);

#endif
