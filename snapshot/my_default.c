#include "snapshot/my_default.h"

#include "lib/sql/split.h"
#include "snapshot/my_ddl.h"

static bool is_one_of(struct span word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is_nocase(word, list[i]))
            return true;
    return false;
}

/* Where DEFAULT NULL belongs in a column's definition; NULL: it has a default, or can have none. */
static const char *place_of(struct span def)
{
    static const char *const has[] = {"DEFAULT", "NOT", "AS", "GENERATED", "AUTO_INCREMENT"};
    static const char *const behind[] = {"ON", "COMMENT", "CHECK", "REF_SYSTEM_ID"};
    const char *end = def.at + def.len;
    struct span rest = def, word = {0};
    enum sql_token kind = sql_token_next(SQL_MARIADB, &rest, &word);
    int depth = 0;

    while ((kind = sql_token_next(SQL_MARIADB, &rest, &word)) != SQL_END) {
        depth += span_is(word, "(") ? 1 : span_is(word, ")") ? -1 : 0;
        if (depth)
            continue;
        if (kind == SQL_WORD && is_one_of(word, has, COUNT(has)))
            return NULL;
        /* Options of the engine are quoted. */
        if (kind == SQL_QUOTED_NAME || (kind == SQL_WORD && is_one_of(word, behind, COUNT(behind))))
            end = word.at < end ? word.at - 1 : end;
    }
    return end;
}

bool my_default_null(struct span create, struct buf *out, bool *changed, struct err *err)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};
    const char *from = create.at;

    if (!my_ddl_split(create, &d, err))
        return false;
    const struct my_def *defs = d.defs.at;
    for (size_t i = 0; i < d.defs.count; i++) {
        const char *place = defs[i].part == MY_PART_COLUMN ? place_of(defs[i].text) : NULL;
        if (!place)
            continue;
        buf_add(out, from, (size_t)(place - from));
        buf_puts(out, " DEFAULT NULL");
        from = place;
        *changed = true;
    }
    buf_add(out, from, (size_t)(create.at + create.len - from));
    return buf_ok(out, err);
}
