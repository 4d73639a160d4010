/* What a single statement is, by its tokens: its bond to transactions, whether it spares rows, what
 * of the session it leaves behind.
 *
 * Pure; spans are borrowed from the text. Threads: any. Errors: none.
 * Source: PostgreSQL PreventInTransactionBlock() callers; MariaDB "SQL statements causing an
 * implicit commit".
 */
#ifndef MIGRATE_CLASSIFY_H
#define MIGRATE_CLASSIFY_H

#include "lib/base/buf.h"
#include "lib/sql/split.h"

enum tx_kind {
    TX_ORDINARY,
    TX_NEVER,     /* PostgreSQL: refuses to run in a transaction */
    TX_PROCEDURE, /* PostgreSQL: CALL and DO, which may commit where no transaction is open */
    TX_BEGIN,
    TX_COMMIT,
    TX_ROLLBACK,
    TX_IMPLICIT, /* MariaDB: commits what is open, and itself */
    TX_AUTO_OFF, /* MariaDB: SET autocommit = 0 */
    TX_AUTO_ON,
    TX_UNSUPPORTED, /* two-phase commit, COMMIT AND CHAIN */
};

enum tx_kind classify_tx(enum sql_dialect dialect, struct span text);
/* UPDATE or DELETE, also inside a WITH, that nothing restricts: no WHERE, or one that is always
 * true; on MariaDB a join or LIMIT restricts as well. */
bool classify_no_where(enum sql_dialect dialect, struct span text);
/* SET and its like: what a session that resumes in the middle of a file has to repeat. */
bool classify_is_setting(enum sql_dialect dialect, struct span text);
/* Leaves temporary tables or user variables behind, which a new session cannot have. */
bool classify_binds_session(enum sql_dialect dialect, struct span text);
/* The new value of ALTER TYPE ... ADD VALUE, quotes included; .at == NULL otherwise. */
struct span classify_enum_value(struct span text);
/* The table that INSERT, UPDATE, DELETE, REPLACE, TRUNCATE or LOAD DATA names first, quotes
 * included; .at == NULL otherwise. */
struct span classify_target(enum sql_dialect dialect, struct span text);
/* A name without its quotes; heap; NULL without memory. */
char *classify_unquote(struct span name);

#define CLASSIFY_TEXT_MAX 500
/* At most CLASSIFY_TEXT_MAX bytes for people. literals: strings stay, unless the statement sets a
 * password; else each becomes '?'. */
bool classify_show(enum sql_dialect dialect, struct span text, bool literals, struct buf *out);

#endif
