/* Any bytes as a script of either engine: units cover the statements in order without a gap, an
 * error names a line, and what is shown of a statement stays within its bound. */
#include "migrate/lint.h"
#include "migrate/name.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void look_at(enum sql_dialect dialect, struct span text)
{
    AUTO(buf) struct buf shown = {0};
    struct span target = classify_target(dialect, text);
    AUTO(free) char *name = classify_unquote(target);

    must(!target.at || (target.at >= text.at && target.at + target.len <= text.at + text.len));
    must(name && strlen(name) <= target.len);
    classify_binds_session(dialect, text);
    classify_is_setting(dialect, text);
    classify_enum_value(text);
    must(classify_show(dialect, text, false, &shown));
    must(shown.len <= CLASSIFY_TEXT_MAX);
}

static bool no_rule(void *ctx, const struct lint_rule *rule, const struct statement *st,
                    struct err *err)
{
    (void)ctx, (void)err;
    must(rule->name && st->text.len > 0);
    return true;
}

static bool take_all(struct script *s, enum sql_dialect dialect, struct span up, struct err *err)
{
    struct sql_splitter sp;
    struct sql_statement sql;
    bool more;

    sql_split_init(&sp, dialect, up);
    while (sql_split_next(&sp, &sql, &more, err) && more) {
        struct statement *st = vec_add(&s->statements, err);
        must(st != NULL);
        *st = (struct statement){.text = sql.text,
                                 .line = sql.line,
                                 .tx = classify_tx(dialect, sql.text),
                                 .no_where = classify_no_where(dialect, sql.text)};
        look_at(dialect, sql.text);
    }
    return !err->code &&
           units_build(dialect, s->statements.at, s->statements.count, false, &s->units, err);
}

static void check_units(const struct script *s)
{
    unsigned next = 0;

    for (size_t i = 0; i < s->units.count; i++) {
        const struct unit *u = &script_units(s)[i];
        must(u->first == next && u->last >= u->first);
        next = u->last + 1;
    }
    must(next == s->statements.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct script s = {.statements = VEC(struct statement), .units = VEC(struct unit)};
    struct section part;
    struct err err = {0};

    if (len == 0)
        return 0;
    enum sql_dialect dialect = bytes[0] & 1 ? SQL_MARIADB : SQL_POSTGRESQL;
    struct span text = {(const char *)bytes + 1, len - 1};
    struct script_name name = script_name_parse(text);
    must(version_cmp(name.version, name.version) == 0);
    if (section_find(text, &part, &err)) {
        must(part.up.at >= text.at && part.up.at + part.up.len <= text.at + text.len);
        if (take_all(&s, dialect, part.up, &err)) {
            check_units(&s);
            must(lint_script(&s, dialect, no_rule, NULL, &err));
        }
    }
    must(!err.code || err.text[0]);
    vec_done(&s.statements);
    vec_done(&s.units);
    return 0;
}
