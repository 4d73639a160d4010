/* A part of a PostgreSQL database: the statements of its schema that a selection needs.
 *
 * Works on the texts in the bundle alone, so that it is known before anything is made, and the proof
 * cuts production's schema by the same rule. pg_dump writes every name with its schema, so a
 * statement needs what it names: types, domains, functions, collations, operators, sequences, the
 * tables of a view, parents of partitions and of inherited tables. Of a selected partitioned table
 * its partitions come with it.
 * Left out, and named:  foreign keys to tables that are not selected; publications, event triggers,
 *           large objects; tables that only a function's body names. Bodies in quotes are followed
 *           to functions and types, not to tables; BEGIN ATOMIC ones are, as the server itself does.
 * Extensions: those that the kept statements need, by schema or by name, and every other one that
 *           the server offers (a default operator class of theirs is named nowhere).
 * Ownership: the texts are borrowed. Threads: none shared.
 * Source:   pg_dump.c and ruleutils.c of PostgreSQL 15: the forms of the statements.
 */
#ifndef RESTORE_PG_SELECT_H
#define RESTORE_PG_SELECT_H

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/vec.h"

struct pg_select;

struct pg_select_conf {
    const char *component;
    struct span pre_data, post_data;
    struct vec *parts;     /* struct only_part; which were found is noted in them */
    bool references;       /* tables that foreign keys and bodies name are needed, too */
    const json_t *offered; /* names of extensions the server offers, as keys; may be NULL */
};

/* ERR_MISSING for a part that matches nothing. */
bool pg_select_new(const struct pg_select_conf *conf, struct pg_select **out, struct err *err);
void pg_select_free(struct pg_select *s);
AUTO_PTR(pg_select, struct pg_select, pg_select_free)

/* Whether the rows of a table are wanted; config: it belongs to an extension. */
bool pg_select_table(const struct pg_select *s, const char *schema, const char *table, bool config);
/* The texts without the other statements, whose lines stay as empty ones. */
bool pg_select_pre_data(const struct pg_select *s, struct buf *out, struct err *err);
bool pg_select_post_data(const struct pg_select *s, struct buf *out, struct err *err);
/* Of sequences.sql the lines of those that are wanted. */
bool pg_select_sequences(const struct pg_select *s, struct span text, struct buf *out,
                         struct err *err);
/* {"selected": [name], "needed": [name], "left_out": [{"what", "why"}]}; new reference. */
json_t *pg_select_report(const struct pg_select *s);

#endif
