/* What the files of the proof share.
 *
 *   proof.c        components, the scheduler, the report
 *   proof_rows.c   a table's rows as multisets
 *   proof_find.c   which rows they are, when the multisets differ
 *   proof_text.c   statements against statements
 *   proof_facts.c  facts against facts
 *   proof_pg.c     PostgreSQL: rows, schema, sequences
 *   proof_globals.c its roles, and the database itself
 *   proof_my.c     MariaDB and MySQL: rows, sequences
 *   proof_my_ddl.c their tables and objects
 *   proof_my_accounts.c MariaDB's accounts, roles and grants
 *   proof_files.c  trees of files
 */
#ifndef RESTORE_PROOF_PART_H
#define RESTORE_PROOF_PART_H

#include "lib/base/bag.h"
#include "lib/base/progress.h"
#include "lib/base/sched.h"
#include "lib/base/vec.h"
#include "lib/db/seats.h"
#include "restore/proof.h"

#include <pthread.h>
#include <stdatomic.h>

#define PROOF_LISTED 100u /* differences of a component that are listed; all are counted */
#define PROOF_ROWS   20u  /* rows of a table that are listed */
#define PROOF_WHOLE  SIZE_MAX

struct proof_part;

struct proof_ops {
    bool (*plan)(struct proof_part *p, struct sched *sched, struct err *err);
    void (*close)(struct proof_part *p);
};

struct proof_part { /* a component */
    const struct proof_conf *conf;
    const struct proof_ops *ops;
    char *component;
    const char *name; /* the part behind "files/" or "ENGINE." */
    struct progress *progress;
    struct seats *seats; /* of the tasks of all components */
    struct bag_key key;
    void *own; /* of the driver */
    pthread_mutex_t lock;
    json_t *listed, *rewritten, *skipped;
    uint64_t differences;
    atomic_uint_fast64_t records, bytes;
};

/* `what` is stolen: an object of proof_words(). count: the differences that it stands for. */
bool proof_note(struct proof_part *p, uint64_t count, json_t *what, struct err *err);
/* "what": the subject, "kind": how it differs; for what needs no more. */
bool proof_note_kind(struct proof_part *p, const char *what, struct span subject, const char *kind,
                     struct err *err);
bool proof_skip(struct proof_part *p, const char *what, struct err *err);
/* COMPONENT/name of the bundle. */
bool proof_bundle_text(struct proof_part *p, const char *name, struct buf *out, struct err *err);

/* ---- rows --------------------------------------------------------------------------------------*/

typedef bool (*proof_take)(void *ctx, struct span rows, struct err *err);

struct proof_table {
    struct proof_part *part;
    const struct stream *stream;
    char *name; /* for people */
    unsigned columns;
    size_t pieces; /* of the box's rows, to be read side by side */
    /* Rows as bundles have them: values split by tabs, rows ended by newlines. */
    bool (*read)(struct proof_table *t, unsigned worker, size_t piece, proof_take take, void *ctx,
                 struct err *err);
    /* Adds the places of the key's columns to a vec of unsigned; none: it has no key. */
    bool (*key)(struct proof_table *t, unsigned worker, struct vec *columns, struct err *err);
    void *own;
    pthread_mutex_t lock;
    struct bag bundle, box;
    bool unreadable;
};

bool proof_table_init(struct proof_table *t, struct err *err);
void proof_table_done(struct proof_table *t);
bool proof_table_plan(struct proof_table *t, struct sched *sched, struct err *err);
bool proof_table_segments(struct proof_table *t, size_t from, size_t to, proof_take take, void *ctx,
                          struct err *err);
/* Names what differs; the bags are of the whole table. */
bool proof_find(struct proof_table *t, unsigned worker, struct err *err);
/* Takes the next row off the front. */
bool proof_next_row(struct span *rows, struct span *row);

/* ---- texts -------------------------------------------------------------------------------------*/

/* Statements of both as multisets; `what` is said before each. */
bool proof_statements(struct proof_part *p, const char *what, struct span bundle, struct span box,
                      struct err *err);
/* Lines of two SHOW CREATE: columns in their order, keys in any. */
bool proof_lines(struct proof_part *p, const char *what, const char *subject, struct span bundle,
                 struct span box, struct err *err);

extern const struct proof_ops proof_files, proof_postgresql, proof_mariadb;

#endif
