/* What the server lacks for a database: engines, character sets, collations. */
#include "lib/base/json.h"
#include "lib/sql/split.h"
#include "restore/missing.h"
#include "restore/my.h"

struct needs {
    struct missing missing;
    json_t *engines, *charsets, *collations; /* names on the server in lower case, as keys */
};

static bool add_key(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return !row->value[0].at || (name && json_object_set_new_nocheck(to, name, json_true()) == 0) ||
           err_memory(err);
}

static bool read_names(struct db *db, json_t **out, const char *sql, struct err *err)
{
    if (!*out)
        *out = json_object();
    return *out ? db_rows(db, add_key, *out, err, "%s", sql) : err_memory(err);
}

static bool has(const json_t *names, struct span name)
{
    AUTO(buf) struct buf lower = {0};

    for (size_t i = 0; i < name.len; i++)
        buf_putc(&lower,
                 (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]));
    return json_object_get(names, buf_str(&lower)) != NULL;
}

static bool check(struct needs *n, const json_t *names, const char *kind, struct span name,
                  const char *mend, struct err *err)
{
    AUTO(free) char *shown = NULL;

    if (!name.len || has(names, name))
        return true;
    shown = span_dup(name);
    return shown ? missing_add(&n->missing, kind, shown, mend, err) : err_memory(err);
}

static bool check_charset(struct needs *n, struct span name, struct err *err)
{
    return check(n, n->charsets, "character set", name,
                 "restore into a server of production's kind and version", err);
}

static bool check_collation(struct needs *n, struct span name, struct err *err)
{
    return check(n, n->collations, "collation", name,
                 "restore into a server of production's kind and version", err);
}

/* CHARACTER SET x, CHARSET=x, COLLATE x, COLLATE=x. */
static bool look_at(struct needs *n, const char *create, struct err *err)
{
    struct span rest = span_of(create), token, before = {0}, second = {0};

    while (sql_token_next(SQL_MARIADB, &rest, &token) != SQL_END) {
        if (span_is(token, "="))
            continue;
        bool charset =
            span_is(before, "CHARSET") || (span_is(before, "SET") && span_is(second, "CHARACTER"));
        if ((charset && !check_charset(n, token, err)) ||
            (span_is(before, "COLLATE") && !check_collation(n, token, err)))
            return false;
        second = before;
        before = token;
    }
    return true;
}

static struct span fact(const struct my_target *t, const char *key)
{
    const char *text = json_string_value(json_object_get(t->facts, key));

    return span_of(text ? text : "");
}

static bool gather(struct my_target *t, struct needs *n, struct err *err)
{
    bool full = !t->main->is_mysql && t->main->version >= 101001;

    if (!read_names(t->main, &n->engines,
                    "SELECT lower(engine) FROM information_schema.engines WHERE support IN "
                    "('YES', 'DEFAULT')",
                    err) ||
        !read_names(t->main, &n->charsets,
                    "SELECT lower(character_set_name) FROM information_schema.character_sets",
                    err) ||
        !read_names(t->main, &n->collations,
                    "SELECT lower(collation_name) FROM information_schema.collations", err) ||
        (full && !read_names(t->main, &n->collations,
                             "SELECT lower(full_collation_name) FROM "
                             "information_schema.collation_character_set_applicability",
                             err)) ||
        !check_charset(n, fact(t, "charset"), err) ||
        !check_collation(n, fact(t, "collation"), err))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        const json_t *engine = json_object_get(t->tables[i].stream->meta, "engine");
        if ((json_is_string(engine) &&
             !check(n, n->engines, "storage engine", span_of(json_string_value(engine)),
                    "install its plugin (INSTALL SONAME 'ha_...') on the server", err)) ||
            !look_at(n, t->tables[i].create, err))
            return false;
    }
    return true;
}

bool my_missing_check(struct my_target *t, struct err *err)
{
    struct needs n = {0};
    bool ok = gather(t, &n, err) &&
              missing_judge(&n.missing, t->conf.component, t->main->label, t->conf.journal, err);

    missing_done(&n.missing);
    json_decref(n.engines);
    json_decref(n.charsets);
    json_decref(n.collations);
    return ok;
}
