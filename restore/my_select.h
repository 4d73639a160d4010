/* A part of a MariaDB or MySQL database: the objects that a selection needs.
 *
 * Works on the bundle alone. A view needs the tables, views and functions it reads; a table its
 * triggers, the sequences of its defaults and the tables of a MERGE; a trigger, routine or event the
 * routines and sequences it names.
 * Left out, and named: foreign keys to tables that are not selected; events; tables and views that
 *           only a body names (`references` of the selection lets them come, too).
 * Names are raw bytes. Threads: read-only once made.
 */
#ifndef RESTORE_MY_SELECT_H
#define RESTORE_MY_SELECT_H

#include "lib/base/auto.h"
#include "lib/bundle/bundle.h"
#include "restore/selection.h"

struct my_select;

/* *out is NULL when the whole component is selected. ERR_MISSING for a part that matches nothing. */
bool my_select_new(struct bundle *bundle, const char *component, const struct selection *what,
                   struct my_select **out, struct err *err);
void my_select_free(struct my_select *s);
AUTO_PTR(my_select, struct my_select, my_select_free)

/* All of these are true for NULL. `o`: of an "objects" or "sequences" list. */
bool my_select_table(const struct my_select *s, const struct stream *stream);
bool my_select_sequence(const struct my_select *s, const json_t *o);
bool my_select_object(const struct my_select *s, const json_t *o);
/* By name; also true for what the bundle does not hold. */
bool my_select_relation(const struct my_select *s, const char *name);
bool my_select_routine(const struct my_select *s, const char *name);
/* A text of "foreign_keys". */
bool my_select_key(const struct my_select *s, const json_t *text);
/* As of selection_tell(); new reference. */
json_t *my_select_report(const struct my_select *s);

#endif
