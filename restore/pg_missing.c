/* What the server lacks for a database: extensions, libraries, files of text search, roles, locales,
 * collations; and tablespaces, which are no reason to stop. Languages come with extensions or libraries. */
#include "restore/missing.h"

#include "restore/pg_rights.h"
#include "restore/pg_role_names.h"
#include "restore/pg_text.h"

struct needs {
    struct pg_target *target;
    struct missing missing;
    struct pg_rights rights;
    json_t *offered, *roles, *tablespaces, *collations; /* names on the server, as keys */
    bool icu;                                           /* the server knows collations of ICU */
};

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

/* The server is asked itself: it alone knows what its host offers. Nothing stays of it. */
static bool is_known_locale(struct db *db, const char *locale, bool *known, struct err *err)
{
    AUTO(buf) struct buf literal = {0};
    struct err why = {0};

    db_quote_text(db, locale, &literal);
    if (!buf_ok(&literal, err) || !db_exec(db, err, "BEGIN"))
        return false;
    bool made =
        db_exec(db, &why, "CREATE COLLATION pg_temp.rehearse_probe (PROVIDER = libc, LOCALE = %s)",
                buf_str(&literal));
    /* Other reasons, such as another encoding, are none to do without it. */
    *known = made || !strstr(why.text, "could not create locale");
    return db_exec(db, err, "ROLLBACK");
}

static bool check_locale(struct needs *n, const char *locale, struct err *err)
{
    bool known = strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;

    if (!known && !is_known_locale(n->target->admin, locale, &known, err))
        return false;
    return known ||
           missing_add(&n->missing, "locale", locale,
                       "install the locale on the server's host (locale-gen), then restart it",
                       err);
}

/* A string's text. */
static bool string_text(struct span token, struct buf *out)
{
    buf_clear(out);
    buf_puts(out, "");
    for (size_t i = 1; i + 1 < token.len; i++) {
        buf_putc(out, token.at[i]);
        i += token.at[i] == '\'';
    }
    return !out->failed;
}

/* CREATE COLLATION x (provider = libc, locale = 'de_DE'): pg_dump says the provider first. */
static bool look_at_collation(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct span rest = sql, token, before = {0};
    enum sql_token kind;
    bool host = true;

    if (!sql_starts(SQL_POSTGRESQL, sql, "create collation"))
        return true;
    while ((kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END) {
        if (span_is(token, "="))
            continue;
        if (span_is(before, "provider"))
            host = span_is(token, "libc");
        if (span_is(before, "provider") && span_is(token, "icu") && !n->icu &&
            !missing_add(&n->missing, "collation provider", "icu",
                         "restore into a server that was built with ICU", err))
            return false;
        if (kind == SQL_STRING && host &&
            (span_is(before, "locale") || span_starts(before, "lc_")) &&
            (!string_text(token, &text) || !check_locale(n, buf_str(&text), err)))
            return false;
        before = token;
    }
    return true;
}

/* CREATE FUNCTION ... LANGUAGE c AS '$libdir/x', 'f': of no extension, which would bring it. The
 * server loads it to know it, as it would when it makes the function. */
static bool look_at_library(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf library = {0}, literal = {0};
    struct span rest = sql, token = {0}, before = {0};
    struct err why = {0};
    bool in_c = false;

    if (!sql_starts(SQL_POSTGRESQL, sql, "create function") &&
        !sql_starts(SQL_POSTGRESQL, sql, "create procedure"))
        return true;
    for (enum sql_token kind; (kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END;
         before = token) {
        in_c |= span_is_nocase(before, "language") && span_is_nocase(token, "c");
        if (kind == SQL_STRING && span_is_nocase(before, "as") && !string_text(token, &library))
            return err_memory(err);
    }
    if (!in_c || !library.len)
        return true;
    db_quote_text(n->target->admin, buf_str(&library), &literal);
    if (!buf_ok(&literal, err) || db_exec(n->target->admin, &why, "LOAD %s", buf_str(&literal)) ||
        !strstr(why.text, "SQLSTATE 58P01"))
        return buf_ok(&literal, err);
    return missing_add(&n->missing, "library", buf_str(&library),
                       "install the package that brings it on the server's host", err);
}

/* could not open dictionary file "/usr/share/.../tsearch_data/x.dict": ...; all of it where the server
 * says it in another way. */
static struct span file_of(const char *message)
{
    const char *open = strchr(message, '"'), *close = open ? strchr(open + 1, '"') : NULL;

    return close ? (struct span){open + 1, (size_t)(close - open - 1)} : span_of(message);
}

/* CREATE TEXT SEARCH DICTIONARY x (TEMPLATE = ..., dictfile = 'y'): the server reads its files when it
 * is made. Other failures, such as of a template that is still to come, are no reason. */
static bool look_at_dictionary(struct needs *n, struct span sql, struct err *err)
{
    struct db *db = n->target->admin;
    const char *options = memchr(sql.at, '(', sql.len);
    struct err why = {0};

    if (!sql_starts(SQL_POSTGRESQL, sql, "create text search dictionary") || !options)
        return true;
    if (!db_exec(db, err, "BEGIN"))
        return false;
    bool made = db_exec(db, &why, "CREATE TEXT SEARCH DICTIONARY pg_temp.rehearse_probe %.*s",
                        (int)(sql.at + sql.len - options), options);
    if (!db_exec(db, err, "ROLLBACK"))
        return false;
    if (made || !strstr(why.text, "SQLSTATE F0000"))
        return true;
    AUTO(free) char *file = span_dup(file_of(why.text));
    return file ? missing_add(&n->missing, "text search file", file,
                              "copy it from production's folder tsearch_data, or install the "
                              "package that brings it, on the server's host",
                              err)
                : err_memory(err);
}

static bool look_at_tablespace(struct needs *n, struct span sql, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = sql, token;

    token = pg_text_tablespace(sql);
    if (!token.at)
        token = pg_text_database_space(sql);
    if (!token.at && sql_starts(SQL_POSTGRESQL, sql, "alter tablespace"))
        next_word(&rest, "tablespace", &token);
    if (!token.at || *token.at == '\'' || !pg_name(token, &name) ||
        json_object_get(n->tablespaces, buf_str(&name)))
        return true;
    AUTO(buf) struct buf what = {0};
    if (n->target->conf.owned) {
        if (!n->target->tablespaces)
            n->target->tablespaces = json_object();
        return json_object_set_new_nocheck(n->target->tablespaces, buf_str(&name), json_true()) ==
                   0 ||
               err_memory(err);
    }
    buf_printf(&what, "tablespace %s", buf_str(&name));
    return target_leave(&n->target->base, n->target->conf.component, buf_str(&what),
                        "it is not there: its objects go to the default one", err);
}

static bool look_at_statement(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct needs *n = ctx;

    return look_at_extension(n, st->text, err) && pg_role_names(st->text, look_at_role, n, err) &&
           look_at_collations(n, st->text, err) && look_at_tablespace(n, st->text, err) &&
           look_at_collation(n, st->text, err) && look_at_library(n, st->text, err) &&
           look_at_dictionary(n, st->text, err) &&
           pg_rights_look(&n->rights, st->text, &n->missing, err);
}

static bool look_at(struct needs *n, const char *what, struct span text, struct err *err)
{
    return sql_each(SQL_POSTGRESQL, text, look_at_statement, n, err) || err_add(err, "%s", what);
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

/* CREATE DATABASE ... LC_COLLATE = 'x': of the operating system. */
static bool look_at_locale(struct needs *n, const char *key, struct err *err)
{
    const char *locale = json_string_value(json_object_get(n->target->facts, key));

    return !locale || check_locale(n, locale, err);
}

static bool gather(struct needs *n, struct err *err)
{
    struct pg_target *t = n->target;
    AUTO(buf) struct buf database = {0}, icu = {0};

    if (!db_value(t->admin, &icu, err,
                  "SELECT count(*) FROM pg_catalog.pg_collation WHERE collprovider = 'i'"))
        return false;
    n->icu = !span_is(buf_view(&icu), "0");
    return db_names(t->admin, &n->offered, err,
                    "SELECT name FROM pg_catalog.pg_available_extensions") &&
           db_names(t->admin, &n->roles, err, "SELECT rolname FROM pg_catalog.pg_roles") &&
           db_names(t->admin, &n->tablespaces, err,
                    "SELECT spcname FROM pg_catalog.pg_tablespace") &&
           db_names(t->admin, &n->collations, err,
                    "SELECT collname FROM pg_catalog.pg_collation") &&
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
