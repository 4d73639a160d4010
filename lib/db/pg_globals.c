/* Roles and the database itself, as statements that make them. */
#include "lib/db/pg_schema.h"

#define PARAMETER_RIGHTS 150000u /* from this version on there are rights on parameters */

static const char globals_sql[] =
#include "lib/db/pg_globals.sql.h"
    ;
static const char parameters_sql[] =
#include "lib/db/pg_parameters.sql.h"
    ;
static const char database_sql[] =
#include "lib/db/pg_database.sql.h"
    ;

static bool add_statement(void *ctx, const struct db_row *row, struct err *err)
{
    struct buf *out = ctx;

    buf_span(out, row->value[0]);
    buf_puts(out, ";\n");
    return buf_ok(out, err);
}

bool pg_globals_read(struct db *db, struct buf *out, struct err *err)
{
    return (db_rows(db, add_statement, out, err, "%s", globals_sql) &&
            (db->version < PARAMETER_RIGHTS ||
             db_rows(db, add_statement, out, err, "%s", parameters_sql))) ||
           err_add(err, "cannot read the roles");
}

bool pg_database_read(struct db *db, struct buf *out, struct err *err)
{
    return db_rows(db, add_statement, out, err, "%s", database_sql) ||
           err_add(err, "cannot read the database's properties");
}
