/* Statements of a schema's text: what each makes, is about, and names. Private to the selection.
 *
 * Names are numbers into one list; a name without a schema is of its class ("schema", "server").
 * Ownership: spans borrow the text; lists are the statement's. Threads: none shared. */
#ifndef RESTORE_PG_SELECT_PARSE_H
#define RESTORE_PG_SELECT_PARSE_H

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "lib/base/vec.h"

#define NO_NAME SIZE_MAX

enum sel_kind {
    SEL_ALWAYS,      /* settings of the session, access methods */
    SEL_MAKES,       /* is wanted with what it makes */
    SEL_ABOUT,       /* is wanted with what it is about */
    SEL_FOREIGN_KEY, /* about `subject`, needs `other` */
    SEL_ATTACH,      /* `other` becomes a part of `subject` */
    SEL_OWNED,       /* the sequence `subject` belongs to the table `other` */
    SEL_CAST,        /* wanted when all that stands in its parentheses is */
    SEL_EXTENSION,
    SEL_DEFAULTS, /* rights of objects to come; subject: the schema or NO_NAME */
    SEL_NEVER,    /* not of a part: publications, event triggers, large objects */
};

struct sel_statement {
    struct span text;
    unsigned line;
    bool post, kept;
    enum sel_kind kind;
    size_t subject, other; /* NO_NAME: none */
    size_t extra;          /* an index, constraint or sequence that it makes on the way */
    size_t gate;           /* a comment on a constraint: the constraint */
    struct vec names;      /* size_t: what it names */
    struct vec parents;    /* size_t: tables it inherits from */
    struct vec body;       /* size_t: named in a quoted body */
};

struct sel_name {
    char *schema, *name; /* schema "": a class and a name without one, as "server x" */
    bool made;           /* by a statement */
    bool relation;       /* a table, view or sequence */
    bool selected, wanted, whole;
};

struct sel_text {
    json_t *index;         /* key to place */
    struct vec names;      /* struct sel_name */
    struct vec statements; /* struct sel_statement */
};

void sel_text_done(struct sel_text *t);
bool sel_text_read(struct sel_text *t, struct span text, bool post, struct err *err);
struct sel_name *sel_name(const struct sel_text *t, size_t at);
/* The place of a name, NO_NAME when no statement says it. */
size_t sel_find(const struct sel_text *t, const char *schema, struct span name);

#endif
