/* What the name of a script says: whose naming it follows, its version, and whether it runs.
 *
 *   V1.2__add_price.sql         Flyway: versioned; R__views.sql repeatable, U undo, B baseline
 *   7_add_price.up.sql          golang-migrate; also V0007.AddPrice.up.sql and popx's dialect and
 *                               autocommit suffixes (7_add.postgres.autocommit.up.sql)
 *   007_add_price.sql           numbered: plain, dbmate, goose; 20240131120000-x.sql, 1.10.sql
 *   prices.sql                  plain: no version; runs only when it stands alone
 * Pure. Spans are borrowed from the name. Threads: any. Errors: none; what fits nothing is
 * NAME_OTHER.
 */
#ifndef MIGRATE_NAME_H
#define MIGRATE_NAME_H

#include "lib/base/span.h"

enum name_style { NAME_OTHER, NAME_FLYWAY, NAME_UPDOWN, NAME_NUMBERED, NAME_PLAIN };
enum name_role { ROLE_VERSIONED, ROLE_REPEATABLE, ROLE_DOWN, ROLE_UNDO, ROLE_BASELINE };

struct script_name {
    enum name_style style;
    enum name_role role;
    struct span version; /* "" when there is none */
    struct span title;   /* what stands behind the version; repeatables run in its order */
    struct span dialect; /* popx: "postgres", "mysql" ...; "" for any */
    bool autocommit;     /* popx: not inside a transaction */
};

struct script_name script_name_parse(struct span name);
/* By numbers: 1.10 is above 1.9, 007 equals 7, 1.0 equals 1. Groups are split by . _ or -. */
int version_cmp(struct span a, struct span b);

#endif
