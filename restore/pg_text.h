/* The statements of a schema's text one by one: kept, changed, taken out, or shown.
 *
 * Lines keep their numbers: of what is taken out the line ends stay. Threads: pure.
 */
#ifndef RESTORE_PG_TEXT_H
#define RESTORE_PG_TEXT_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum pg_fate { PG_KEEP, PG_CHANGE, PG_DROP };

/* For PG_CHANGE the new statement is in `changed`, which comes empty. */
typedef bool (*pg_text_each)(void *ctx, struct span sql, struct buf *changed, enum pg_fate *fate,
                             struct err *err);

/* `what` names the text in errors. */
bool pg_text_filter(struct buf *text, const char *what, pg_text_each each, void *ctx,
                    struct err *err);
/* The statement without what a setting is set to or a comment says, which may be a secret: as errors
 * and reports show it. */
struct span pg_text_head(struct span sql);
/* Whether the statement begins or ends what another role than the owner has granted, as pg_dump writes
 * it around a GRANT; *grantor: that role's token, "" at the end. */
bool pg_text_grantor(struct span sql, struct span *grantor);
/* The value of SET default_tablespace = x; .at NULL when the statement is another. */
struct span pg_text_tablespace(struct span sql);
/* The name in ALTER DATABASE x SET TABLESPACE name; .at NULL when the statement is another. */
struct span pg_text_database_space(struct span sql);
/* Whether the statement says what a tablespace itself is: owner, options, comment, rights. */
bool pg_text_is_of_space(struct span sql);
/* The line ends of a statement that is taken out. */
void pg_text_blank(struct span sql, struct buf *out);

#endif
