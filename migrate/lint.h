/* Patterns that are known to hurt, found by tokens alone, before anything is run.
 * Rules are a const table; each has the words that the report prints. Pure but for the callback. */
#ifndef MIGRATE_LINT_H
#define MIGRATE_LINT_H

#include "migrate/script.h"

enum lint_severity { LINT_ERROR, LINT_WARNING };

struct lint_rule {
    const char *name;
    enum lint_severity severity;
    const char *text;
    bool postgresql, mariadb; /* where it counts */
    bool (*hits)(const struct script *s, enum sql_dialect dialect, unsigned at);
};

extern const struct lint_rule lint_rules[]; /* ended by name NULL */

typedef bool (*lint_each)(void *ctx, const struct lint_rule *rule, const struct statement *st,
                          struct err *err);
bool lint_script(const struct script *s, enum sql_dialect dialect, lint_each each, void *ctx,
                 struct err *err);

#endif
