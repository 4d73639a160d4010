#include "migrate/lint.h"

#include "migrate/walk.h"

static struct span text_of(const struct script *s, unsigned at)
{
    return script_statements(s)[at].text;
}

/* ---- ALTER TABLE, action by action -------------------------------------------------------------*/

/* Moves to the first token of the next action; false at the end. */
static bool action_next(struct walk *w)
{
    while (w->kind != SQL_END && !(w->depth == 0 && walk_is_punct(w, ",")))
        walk_next(w);
    return walk_next(w);
}

/* The first action of ALTER TABLE [IF EXISTS] [ONLY] name; false for another statement. */
static bool action_first(enum sql_dialect d, struct span text, struct walk *w)
{
    static const char *const noise[] = {"if", "exists", "only", "online", "ignore", "table"};

    if (!WALK_STARTS(d, text, "alter table", "alter online table", "alter ignore table"))
        return false;
    *w = walk_start(d, text);
    walk_next(w);
    do
        walk_next(w);
    while (walk_in(w, noise, COUNT(noise)));
    while (walk_next(w) && walk_is_punct(w, "."))
        walk_next(w);
    if (walk_is_punct(w, "*"))
        walk_next(w);
    return w->kind != SQL_END;
}

/* Does this action hold the word at its own depth? */
static bool action_has(struct walk w, const char *word)
{
    do {
        if (w.depth == 0 && walk_is_punct(&w, ","))
            return false;
        if (w.depth == 0 && walk_is(&w, word))
            return true;
    } while (walk_next(&w));
    return false;
}

typedef bool (*action_test)(const struct walk *w);

static bool any_action(enum sql_dialect d, struct span text, action_test test)
{
    struct walk w;

    for (bool more = action_first(d, text, &w); more; more = action_next(&w)) {
        if (test(&w))
            return true;
    }
    return false;
}

/* DROP [COLUMN] name, but not DROP CONSTRAINT, INDEX, KEY ... */
static bool drops_column(const struct walk *at)
{
    static const char *const others[] = {"constraint", "index", "key",       "primary",
                                         "foreign",    "check", "partition", "system",
                                         "expression", "period"};
    struct walk w = *at;

    return walk_is(&w, "drop") && walk_next(&w) && !walk_in(&w, others, COUNT(others));
}

static bool renames(const struct walk *at)
{
    static const char *const others[] = {"constraint", "index", "key"};
    struct walk w = *at;

    if (walk_is(&w, "rename"))
        return walk_next(&w) && !walk_in(&w, others, COUNT(others));
    /* MariaDB: CHANGE [COLUMN] old new definition */
    if (w.dialect != SQL_MARIADB || !walk_is(&w, "change") || !walk_next(&w))
        return false;
    if (walk_is(&w, "column"))
        walk_next(&w);
    struct span old = w.token;
    return walk_next(&w) && !span_eq(old, w.token);
}

static bool adds_column(struct walk *w)
{
    static const char *const others[] = {
        "constraint", "index",     "key",      "primary", "foreign",   "check",    "unique",
        "exclude",    "partition", "fulltext", "spatial", "generated", "identity", "period"};

    return walk_is(w, "add") && walk_next(w) && !walk_in(w, others, COUNT(others));
}

static bool adds_not_null(const struct walk *at)
{
    static const char *const filled[] = {"default",     "generated",      "serial", "bigserial",
                                         "smallserial", "auto_increment", "as"};
    struct walk w = *at;
    bool no = false, not_null = false;

    if (!adds_column(&w))
        return false;
    do {
        if (w.depth == 0 && walk_is_punct(&w, ","))
            break;
        if (walk_in(&w, filled, COUNT(filled)))
            return false;
        not_null = not_null || (no && walk_is(&w, "null"));
        no = walk_is(&w, "not");
    } while (walk_next(&w));
    return not_null;
}

static bool sets_not_null(const struct walk *at)
{
    return walk_is(at, "alter") && action_has(*at, "set") && action_has(*at, "not") &&
           action_has(*at, "null") && !action_has(*at, "default");
}

static bool changes_type(const struct walk *at)
{
    return walk_is(at, "alter") && action_has(*at, "type") && !action_has(*at, "default");
}

static bool checks_all_rows(const struct walk *at)
{
    bool kind = action_has(*at, "foreign") || action_has(*at, "check");

    return walk_is(at, "add") && kind && !action_has(*at, "valid") && !action_has(*at, "column");
}

static bool redefines_enum(const struct walk *at)
{
    return (walk_is(at, "modify") || walk_is(at, "change")) &&
           (action_has(*at, "enum") || action_has(*at, "set"));
}

static bool converts(const struct walk *at)
{
    return walk_is(at, "convert");
}

#define ACTION_RULE(function, test)                                                     \
    static bool function(const struct script *s, enum sql_dialect dialect, unsigned at) \
    {                                                                                   \
        return any_action(dialect, text_of(s, at), test);                               \
    }

ACTION_RULE(hit_drop_column, drops_column)
ACTION_RULE(hit_rename_action, renames)
ACTION_RULE(hit_add_not_null, adds_not_null)
ACTION_RULE(hit_set_not_null, sets_not_null)
ACTION_RULE(hit_type, changes_type)
ACTION_RULE(hit_constraint, checks_all_rows)
ACTION_RULE(hit_enum, redefines_enum)
ACTION_RULE(hit_charset, converts)

/* ---- whole statements --------------------------------------------------------------------------*/

static bool hit_no_where(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    (void)dialect;
    return script_statements(s)[at].no_where;
}

static bool hit_drop_table(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    return WALK_STARTS(dialect, text_of(s, at), "drop table", "drop schema", "drop database");
}

static bool hit_rename(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    return sql_starts(dialect, text_of(s, at), "rename table") || hit_rename_action(s, dialect, at);
}

static bool hit_truncate(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    return sql_starts(dialect, text_of(s, at), "truncate");
}

static bool hit_rewrite(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    struct span text = text_of(s, at);

    return sql_starts(dialect, text, "cluster") ||
           (sql_starts(dialect, text, "vacuum") && walk_finds(dialect, text, "full"));
}

/* The name behind ON of an index, or behind TABLE of a table. */
static struct span name_behind(enum sql_dialect dialect, struct span text, const char *word)
{
    static const char *const noise[] = {"if", "not", "exists", "only"};
    struct walk w = walk_start(dialect, text);
    struct span name = {0};

    while (walk_next(&w) && !walk_is(&w, word))
        continue;
    while (walk_next(&w) && walk_in(&w, noise, COUNT(noise)))
        continue;
    while (w.kind == SQL_WORD || w.kind == SQL_QUOTED_NAME) {
        name = w.token;
        if (!walk_next(&w) || !walk_is_punct(&w, ".") || !walk_next(&w))
            break;
    }
    return name;
}

/* A table made earlier in the same script has no rows that anybody waits for. */
static bool made_here(const struct script *s, enum sql_dialect dialect, unsigned at,
                      struct span table)
{
    for (unsigned i = 0; i < at; i++) {
        struct span made = name_behind(dialect, text_of(s, i), "table");
        if (sql_starts(dialect, text_of(s, i), "create") && made.len == table.len &&
            strncasecmp(made.at, table.at, table.len) == 0)
            return true;
    }
    return false;
}

static bool hit_index(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    struct span text = text_of(s, at);

    if (!WALK_STARTS(dialect, text, "create index", "create unique index") ||
        walk_finds(dialect, text, "concurrently"))
        return false;
    struct span table = name_behind(dialect, text, "on");
    return table.len && !made_here(s, dialect, at, table);
}

/* DDL between BEGIN and COMMIT commits what came before it. */
static bool hit_implicit(const struct script *s, enum sql_dialect dialect, unsigned at)
{
    const struct unit *u = script_units(s);

    (void)dialect;
    for (size_t i = 0; i < s->units.count; i++) {
        if (u[i].own && u[i].last == at && u[i].first < at)
            return script_statements(s)[at].tx == TX_IMPLICIT;
    }
    return false;
}

const struct lint_rule lint_rules[] = {
    {"no-where", LINT_ERROR, "UPDATE or DELETE without WHERE reaches every row", true, true,
     hit_no_where},
    {"truncate", LINT_ERROR, "TRUNCATE takes every row", true, true, hit_truncate},
    {"drop-table", LINT_WARNING, "the old release fails at once, and the rows are gone", true, true,
     hit_drop_table},
    {"drop-column", LINT_WARNING, "the old release fails at once, and the values are gone", true,
     true, hit_drop_column},
    {"rename", LINT_WARNING, "the old release fails at once while both run", true, true,
     hit_rename},
    {"index-not-concurrent", LINT_WARNING,
     "writers wait until the index is built; use CREATE INDEX CONCURRENTLY", true, false,
     hit_index},
    {"not-null-no-default", LINT_ERROR,
     "fails on PostgreSQL as soon as the table has rows, and fills in zero values on MariaDB", true,
     true, hit_add_not_null},
    {"set-not-null", LINT_WARNING,
     "reads the whole table under an exclusive lock; add a CHECK ... NOT VALID and validate first",
     true, false, hit_set_not_null},
    {"type-change", LINT_WARNING, "may rewrite the table under an exclusive lock", true, false,
     hit_type},
    {"constraint-validated", LINT_WARNING,
     "reads the whole table under a lock; add it NOT VALID and validate it after", true, false,
     hit_constraint},
    {"table-rewrite", LINT_WARNING, "rewrites the table under an exclusive lock", true, false,
     hit_rewrite},
    {"enum-change", LINT_WARNING,
     "values that are reordered or missing in the new list are changed or lost", false, true,
     hit_enum},
    {"charset-conversion", LINT_WARNING, "rewrites every text of the table", false, true,
     hit_charset},
    {"implicit-commit", LINT_ERROR,
     "commits what the transaction did so far: it cannot be rolled back as a whole", false, true,
     hit_implicit},
    {0},
};

bool lint_script(const struct script *s, enum sql_dialect dialect, lint_each each, void *ctx,
                 struct err *err)
{
    for (unsigned i = 0; i < s->statements.count; i++) {
        for (const struct lint_rule *r = lint_rules; r->name; r++) {
            bool counts = dialect == SQL_POSTGRESQL ? r->postgresql : r->mariadb;
            if (counts && r->hits(s, dialect, i) && !each(ctx, r, &script_statements(s)[i], err))
                return false;
        }
    }
    return true;
}
