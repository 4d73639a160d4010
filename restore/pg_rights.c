#include "restore/pg_rights.h"

#define BY_SUPERUSER "restore as a superuser, or leave out with --only what needs it"

static bool look_at_databases(struct pg_target *t, struct missing *m, struct err *err)
{
    AUTO(buf) struct buf may = {0};

    if (!db_value(t->admin, &may, err,
                  "SELECT rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user"))
        return false;
    return span_is(buf_view(&may), "t") ||
           missing_add(m, "the right to create", "databases",
                       "ALTER ROLE ... CREATEDB for the account that restores", err);
}

bool pg_rights_open(struct pg_target *t, struct pg_rights *out, struct missing *m, struct err *err)
{
    bool trusts = t->admin->version >= 130000;

    *out = (struct pg_rights){.limited = t->part.owner.limited};
    return !out->limited ||
           (db_names(t->admin, &out->roles, err,
                     "SELECT rolname FROM pg_catalog.pg_roles WHERE "
                     "pg_catalog.pg_has_role(oid, 'USAGE')") &&
            db_names(t->admin, &out->languages, err,
                     "SELECT lanname FROM pg_catalog.pg_language WHERE lanpltrusted") &&
            db_names(t->admin, &out->extensions, err,
                     trusts ? "SELECT name FROM pg_catalog.pg_available_extension_versions "
                              "WHERE trusted OR NOT superuser"
                            : "SELECT name FROM pg_catalog.pg_available_extension_versions "
                              "WHERE NOT superuser") &&
            look_at_databases(t, m, err));
}

void pg_rights_done(struct pg_rights *r)
{
    json_decref(r->roles);
    json_decref(r->extensions);
    json_decref(r->languages);
}

/* ---- one statement -----------------------------------------------------------------------------*/

static bool behind(struct span *rest, const char *word, struct span *token)
{
    while (sql_token_next(SQL_POSTGRESQL, rest, token) != SQL_END)
        if (span_is(*token, word))
            return sql_token_next(SQL_POSTGRESQL, rest, token) != SQL_END;
    return false;
}

static bool has(const json_t *names, struct span token, struct buf *name)
{
    return pg_name(token, name) && json_object_get(names, buf_str(name)) != NULL;
}

/* An object is given to a role only by who is of that role, too. */
static bool look_at_owner(const struct pg_rights *r, struct span sql, struct missing *m,
                          struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    if (!pg_is_owner_statement(sql) || !behind(&rest, "OWNER", &token) ||
        sql_token_next(SQL_POSTGRESQL, &rest, &token) == SQL_END || has(r->roles, token, &name))
        return true;
    return missing_add(m, "membership in role", buf_str(&name),
                       "GRANT it to the account that restores, or map it with --owner OLD=NEW, or "
                       "leave owners out with --no-owner",
                       err);
}

static bool look_at_extension(const struct pg_rights *r, struct span sql, struct missing *m,
                              struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    if (!sql_starts(SQL_POSTGRESQL, sql, "create extension") || !behind(&rest, "EXISTS", &token) ||
        has(r->extensions, token, &name))
        return true;
    return missing_add(m, "the right to create extension", buf_str(&name), BY_SUPERUSER, err);
}

/* Functions of languages that are made by the text itself are the right of who may make those. */
static bool look_at_language(const struct pg_rights *r, struct span sql, struct missing *m,
                             struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    if ((!sql_starts(SQL_POSTGRESQL, sql, "create function") &&
         !sql_starts(SQL_POSTGRESQL, sql, "create procedure")) ||
        !behind(&rest, "LANGUAGE", &token) || has(r->languages, token, &name) ||
        (!span_is(buf_view(&name), "c") && !span_is(buf_view(&name), "internal")))
        return true;
    return missing_add(m, "the right to make functions in language", buf_str(&name), BY_SUPERUSER,
                       err);
}

bool pg_rights_look(const struct pg_rights *r, struct span sql, struct missing *m, struct err *err)
{
    static const struct {
        const char *head, *what;
    } for_superusers[] = {
        {"create foreign data wrapper", "foreign data wrapper"},
        {"create operator class", "operator class"},
        {"create operator family", "operator family"},
        {"create text search parser", "text search parser"},
        {"create text search template", "text search template"},
        {"create access method", "access method"},
    };

    if (!r->limited)
        return true;
    for (size_t i = 0; i < COUNT(for_superusers); i++) {
        AUTO(buf) struct buf name = {0};
        struct span rest = sql, token = {0};

        if (!sql_starts(SQL_POSTGRESQL, sql, for_superusers[i].head))
            continue;
        for (const char *word = for_superusers[i].head; word; word = strchr(word + 1, ' '))
            sql_token_next(SQL_POSTGRESQL, &rest, &token);
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
        buf_printf(&name, "%s %.*s", for_superusers[i].what, (int)token.len, token.at);
        return missing_add(m, "the right to create", buf_str(&name), BY_SUPERUSER, err);
    }
    return look_at_owner(r, sql, m, err) && look_at_extension(r, sql, m, err) &&
           look_at_language(r, sql, m, err);
}
