/* What the server lacks for a database: extensions, roles, locales; and tablespaces, which are no
 * reason to stop. */
#include "restore/missing.h"

#include "restore/pg_rights.h"
#include "restore/pg_role_names.h"

struct needs {
    struct pg_target *target;
    struct missing missing;
    struct pg_rights rights;
    json_t *offered, *roles, *tablespaces, *collations; /* names on the server, as keys */
};

static bool add_key(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return (name && json_object_set_new_nocheck(to, name, json_true()) == 0) || err_memory(err);
}

static bool read_names(struct db *db, json_t **out, const char *sql, struct err *err)
{
    *out = json_object();
    return *out ? db_rows(db, add_key, *out, err, "%s", sql) : err_memory(err);
}

static bool next_word(struct span *rest, const char *word, struct span *token)
{
    while (sql_token_next(SQL_POSTGRESQL, rest, token) != SQL_END)
        if (span_is_nocase(*token, word))
            return sql_token_next(SQL_POSTGRESQL, rest, token) != SQL_END;
    return false;
}

/* ---- one statement -----------------------------------------------------------------------------*/

static bool look_at_extension(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    if (!sql_starts(SQL_POSTGRESQL, sql, "create extension") ||
        !next_word(&rest, "exists", &token) || !pg_name(token, &name) ||
        json_object_get(n->offered, buf_str(&name)))
        return true;
    return missing_add(&n->missing, "extension", buf_str(&name),
                       "install the extension's package on the server's host", err);
}

static bool look_at_role(void *ctx, const char *name, struct err *err)
{
    struct needs *n = ctx;

    return json_object_get(n->roles, name) ||
           missing_add(&n->missing, "role", name,
                       n->target->conf.owned
                           ? "make the role first: it was not captured"
                           : "make the role first, or map it with --owner OLD=NEW, or leave out "
                             "owners (--no-owner) and grants (--no-privileges)",
                       err);
}

/* COLLATE pg_catalog."de_DE": what the operating system's locales give. */
static bool look_at_collations(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    while (next_word(&rest, "collate", &token)) {
        if (!span_is(token, "pg_catalog"))
            continue;
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
        if (pg_name(token, &name) && !json_object_get(n->collations, buf_str(&name)) &&
            !missing_add(&n->missing, "collation", buf_str(&name),
                         "install the locale on the server's host, then "
                         "SELECT pg_import_system_collations('pg_catalog') in template1",
                         err))
            return false;
    }
    return true;
}

static bool look_at_tablespace(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    if (!sql_starts(SQL_POSTGRESQL, sql, "set default_tablespace") ||
        !next_word(&rest, "=", &token) || *token.at == '\'' || !pg_name(token, &name) ||
        json_object_get(n->tablespaces, buf_str(&name)))
        return true;
    AUTO(buf) struct buf what = {0};
    buf_printf(&what, "tablespace %s", buf_str(&name));
    return target_leave(&n->target->base, n->target->conf.component, buf_str(&what),
                        "it is not there: its objects go to the default one", err);
}

static bool look_at(struct needs *n, const char *what, struct span text, struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    bool more = true;

    sql_split_init(&split, SQL_POSTGRESQL, text);
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return err_add(err, "%s", what);
        if (!more)
            return true;
        if (!look_at_extension(n, st.text, err) || !pg_role_names(st.text, look_at_role, n, err) ||
            !look_at_collations(n, st.text, err) || !look_at_tablespace(n, st.text, err) ||
            !pg_rights_look(&n->rights, st.text, &n->missing, err))
            return false;
    }
}

/* ---- the whole ---------------------------------------------------------------------------------*/

/* Those that globals.sql and --owner will make in a box are as good as there. */
static bool add_roles_to_come(struct needs *n, struct err *err)
{
    const struct opt_list *owners = n->target->conf.what.owners;
    AUTO(buf) struct buf name = {0}, text = {0};
    struct sql_splitter split;
    struct sql_statement st;
    struct span token;
    bool more = true;

    for (size_t i = 0; owners && i < owners->count; i++)
        if (json_object_set_new_nocheck(n->roles, strchr(owners->at[i], '=') + 1, json_true()) != 0)
            return err_memory(err);
    if (!pg_target_text(n->target, "globals.sql", &text, err))
        return false;
    sql_split_init(&split, SQL_POSTGRESQL, buf_view(&text));
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return err_add(err, "globals.sql");
        if (!more)
            return true;
        struct span rest = st.text;
        if (sql_starts(SQL_POSTGRESQL, st.text, "create role") &&
            next_word(&rest, "role", &token) && pg_name(token, &name) &&
            json_object_set_new_nocheck(n->roles, buf_str(&name), json_true()) != 0)
            return err_memory(err);
    }
}

/* CREATE DATABASE ... LC_COLLATE = 'x': of the operating system, unless it is C. */
static bool look_at_locale(struct needs *n, const char *key, struct err *err)
{
    const char *locale = json_string_value(json_object_get(n->target->facts, key));
    AUTO(buf) struct buf literal = {0}, count = {0};

    if (!locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return true;
    /* The server compares names as glibc does: de_DE.UTF-8 is de_DE.utf8. */
    db_quote_text(n->target->admin, locale, &literal);
    if (!db_value(n->target->admin, &count, err,
                  "SELECT count(*) FROM pg_catalog.pg_collation, (SELECT "
                  "pg_catalog.lower(pg_catalog.replace(%s, '-', '')) AS wanted) w WHERE "
                  "pg_catalog.lower(pg_catalog.replace(collcollate, '-', '')) = wanted OR "
                  "pg_catalog.lower(pg_catalog.replace(collname, '-', '')) = wanted",
                  buf_str(&literal)))
        return false;
    if (!span_is(buf_view(&count), "0"))
        return true;
    return missing_add(&n->missing, "locale", locale,
                       "install the locale on the server's host (locale-gen), then try again", err);
}

static bool gather(struct needs *n, struct err *err)
{
    struct pg_target *t = n->target;
    AUTO(buf) struct buf database = {0};

    return read_names(t->admin, &n->offered, "SELECT name FROM pg_catalog.pg_available_extensions",
                      err) &&
           read_names(t->admin, &n->roles, "SELECT rolname FROM pg_catalog.pg_roles", err) &&
           read_names(t->admin, &n->tablespaces, "SELECT spcname FROM pg_catalog.pg_tablespace",
                      err) &&
           read_names(t->admin, &n->collations, "SELECT collname FROM pg_catalog.pg_collation",
                      err) &&
           pg_rights_open(t, &n->rights, &n->missing, err) && pg_database_text(t, &database, err) &&
           (!t->conf.owned || add_roles_to_come(n, err)) && look_at_locale(n, "collate", err) &&
           look_at_locale(n, "ctype", err) &&
           look_at(n, "database.sql", buf_view(&database), err) &&
           look_at(n, "pre-data.sql", buf_view(&t->part.pre_data), err) &&
           look_at(n, "post-data.sql", buf_view(&t->part.post_data), err);
}

bool pg_missing_check(struct pg_target *t, struct err *err)
{
    struct needs n = {.target = t};
    bool ok = gather(&n, err);

    ok = ok && missing_judge(&n.missing, t->conf.component, t->admin->label, t->conf.journal, err);
    missing_done(&n.missing);
    pg_rights_done(&n.rights);
    json_decref(n.offered);
    json_decref(n.roles);
    json_decref(n.tablespaces);
    json_decref(n.collations);
    return ok;
}
