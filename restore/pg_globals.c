/* Roles and the database itself. */
#include "lib/base/log.h"
#include "restore/pg.h"
#include "restore/pg_text.h"

bool pg_name(struct span token, struct buf *out)
{
    return sql_unquote(token, '"', out);
}

/* The token behind `word`, in the statement's own bytes. */
static bool name_behind(struct span sql, const char *word, struct span *out)
{
    struct span rest = sql, token;

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END)
        if (span_is_nocase(token, word))
            return sql_token_next(SQL_POSTGRESQL, &rest, out) != SQL_END;
    return false;
}

static bool run(struct db *db, const char *what, struct span sql, struct err *err)
{
    if (db->ops->query(db, sql, NULL, NULL, NULL, err))
        return true;
    struct span head = pg_text_head(sql);
    return err_add(err, "%s: %.*s", what, (int)(head.len > 120 ? 120 : head.len), head.at);
}

/* ---- roles -------------------------------------------------------------------------------------*/

struct roles {
    struct pg_target *target;
    json_t *made; /* as a set: those that were there before us keep what they are */
};

static bool role_exists(struct pg_target *t, const char *name, bool *exists, struct err *err)
{
    AUTO(buf) struct buf quoted = {0}, count = {0};

    db_quote_text(t->admin, name, &quoted);
    if (!db_value(t->admin, &count, err,
                  "SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = %s", buf_str(&quoted)))
        return false;
    *exists = !span_is(buf_view(&count), "0");
    return true;
}

static bool create_role(struct roles *r, const char *name, struct span sql, struct err *err)
{
    bool exists = false;

    if (!role_exists(r->target, name, &exists, err))
        return false;
    /* Before a crash its attributes may not have been set: they are, now. */
    if (exists && r->target->conf.resume && strcmp(name, r->target->admin_conf.user) != 0)
        return json_object_set_new(r->made, name, json_true()) == 0 || err_memory(err);
    if (exists) {
        log_debug("role kept", f_str("role", name));
        return true;
    }
    return run(r->target->admin, "globals.sql", sql, err) &&
           (json_object_set_new(r->made, name, json_true()) == 0 || err_memory(err));
}

/* A setting of all roles, which would be one of the sessions that load, too: it comes last. */
static bool is_for_all(struct span sql)
{
    return sql_starts(SQL_POSTGRESQL, sql, "alter role all set");
}

static bool role_statement(struct roles *r, struct span sql, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span token = {0};

    if (sql_starts(SQL_POSTGRESQL, sql, "grant"))
        return run(r->target->admin, "globals.sql", sql, err);
    if (is_for_all(sql))
        return true;
    if (!name_behind(sql, "role", &token) || !pg_name(token, &name))
        return err_set(err, ERR_DAMAGED, "globals.sql: '%.*s' names no role",
                       (int)(sql.len > 80 ? 80 : sql.len), sql.at);
    if (sql_starts(SQL_POSTGRESQL, sql, "create"))
        return create_role(r, buf_str(&name), sql, err);
    if (!json_object_get(r->made, buf_str(&name)))
        return true;
    return run(r->target->admin, "globals.sql", sql, err);
}

static bool each_of_globals(struct roles *r,
                            bool (*each)(struct roles *r, struct span sql, struct err *err),
                            struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct sql_splitter split;
    struct sql_statement st;
    bool more = true;

    if (!pg_target_text(r->target, "globals.sql", &text, err))
        return false;
    sql_split_init(&split, SQL_POSTGRESQL, buf_view(&text));
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return false;
        if (!more)
            return true;
        if (!each(r, st.text, err))
            return false;
    }
}

/* Those of --owner that production does not have. */
static bool make_new_owners(struct pg_target *t, struct err *err)
{
    const struct opt_list *owners = t->conf.what.owners;

    for (size_t i = 0; owners && i < owners->count; i++) {
        const char *name = strchr(owners->at[i], '=') + 1;
        AUTO(buf) struct buf quoted = {0};
        bool exists = false;

        db_quote_name(t->admin, name, &quoted);
        if (!buf_ok(&quoted, err) || !role_exists(t, name, &exists, err) ||
            (!exists && !db_exec(t->admin, err, "CREATE ROLE %s LOGIN", buf_str(&quoted))))
            return false;
    }
    return true;
}

/* On a server of others roles are not ours to make: all must be there already. */
bool pg_roles_restore(struct pg_target *t, struct err *err)
{
    AUTO(json) json_t *made = json_object();
    struct roles r = {.target = t, .made = made};

    if (!t->conf.owned)
        return true;
    return made ? each_of_globals(&r, role_statement, err) && make_new_owners(t, err)
                : err_memory(err);
}

/* On a server of others it would change what is not ours. */
static bool setting_of_all(struct roles *r, struct span sql, struct err *err)
{
    return !is_for_all(sql) || !r->target->conf.owned ||
           run(r->target->admin, "globals.sql", sql, err);
}

/* ---- database ----------------------------------------------------------------------------------*/

/* The statement with another name in the place of the one it was captured under. */
static bool renamed(struct pg_target *t, struct span sql, const char *to, struct buf *out,
                    struct err *err)
{
    struct span name;

    if (!name_behind(sql, "database", &name))
        return err_set(err, ERR_DAMAGED, "database.sql: '%.*s' names no database",
                       (int)(sql.len > 80 ? 80 : sql.len), sql.at);
    buf_add(out, sql.at, (size_t)(name.at - sql.at));
    db_quote_name(t->admin, to, out);
    buf_add(out, name.at + name.len, (size_t)(sql.at + sql.len - name.at - name.len));
    return buf_ok(out, err);
}

bool pg_database_text(struct pg_target *t, struct buf *out, struct err *err)
{
    return pg_target_text(t, "database.sql", out, err) &&
           pg_owner_database(&t->part.owner, t->admin, !t->conf.owned, out, err) &&
           target_leave_all(&t->base, t->conf.component, t->part.owner.left_out, err);
}

/* A setting that the account may not make, or one for a role that is not there, is no reason to lose
 * a database that is loaded: it is named, with the name that the database gets. */
static bool try_run(struct pg_target *t, struct span captured, struct span sql, struct err *err)
{
    AUTO(buf) struct buf shown = {0};
    struct err why = {0};
    char line[1400];

    if (t->admin->ops->query(t->admin, sql, NULL, NULL, NULL, &why))
        return true;
    if (why.code == ERR_UNREACHABLE || why.code == ERR_STOPPED)
        return err_pass(err, &why);
    return renamed(t, pg_text_head(captured), t->conf.final, &shown, err) &&
           target_leave(&t->base, t->conf.component, buf_str(&shown),
                        err_line(&why, line, sizeof(line)), err);
}

enum moment { AT_CREATE, AT_END, AT_KEEP };

/* CONNECTION LIMIT would keep out the sessions that prove it, and a template cannot be dropped. */
static bool is_limit(struct span sql)
{
    struct span rest = sql, token = {0};

    if (!sql_starts(SQL_POSTGRESQL, sql, "alter database"))
        return false;
    for (int i = 0; i < 4; i++)
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
    return span_is_nocase(token, "connection") || span_is_nocase(token, "with");
}

/* Without a superuser's rights objects can be given only to who may create in the schema, as the
 * database's owner may. */
static enum moment moment_of(const struct pg_target *t, struct span sql)
{
    if (sql_starts(SQL_POSTGRESQL, sql, "create database") || pg_text_database_space(sql).at ||
        (!t->conf.owned && pg_is_owner_statement(sql)))
        return AT_CREATE;
    return !t->conf.owned && is_limit(sql) ? AT_KEEP : AT_END;
}

static bool run_at(struct pg_target *t, enum moment now, struct span sql, struct err *err)
{
    AUTO(buf) struct buf here = {0};
    bool grantor = false;

    if (moment_of(t, sql) != now)
        return true;
    if (!pg_script_grantor(t->admin, sql, &grantor, err))
        return false;
    if (grantor)
        return true;
    if (pg_text_is_of_space(sql))
        return run(t->admin, "database.sql", sql, err);
    if (!renamed(t, sql, t->database, &here, err))
        return false;
    bool must = now == AT_CREATE && !pg_text_database_space(sql).at;
    return must || t->conf.owned ? run(t->admin, "database.sql", buf_view(&here), err)
                                 : try_run(t, sql, buf_view(&here), err);
}

static bool each_statement(struct pg_target *t, enum moment now, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct sql_splitter split;
    struct sql_statement st;
    bool more = true;

    if (!pg_database_text(t, &text, err))
        return false;
    sql_split_init(&split, SQL_POSTGRESQL, buf_view(&text));
    for (;;) {
        if (!sql_split_next(&split, &st, &more, err))
            return false;
        if (!more)
            return true;
        if (!run_at(t, now, st.text, err))
            return false;
    }
}

static bool database_is_empty(struct pg_target *t, bool *empty, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    AUTO(buf) struct buf count = {0};

    if (!db_open(&t->db_conf, &db, err) ||
        !db_value(db, &count, err,
                  "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                  "n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> "
                  "'information_schema'"))
        return false;
    *empty = span_is(buf_view(&count), "0");
    return true;
}

/* An empty one on a server of the box's own (every server is born with "postgres") makes way for
 * one with the right encoding and locale; any other stays untouched. */
static bool make_way(struct pg_target *t, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    bool empty = t->conf.resume && t->conf.owned; /* a half of ours */

    if (!empty && t->conf.owned && !database_is_empty(t, &empty, err))
        return false;
    if (!empty) {
        err_set(err, ERR_EXISTS, "database '%s' exists at %s", t->database, t->admin->label);
        return err_hint(err, "drop it, or restore into another server");
    }
    db_quote_name(t->admin, t->database, &name);
    return buf_ok(&name, err) && db_exec(t->admin, err, "DROP DATABASE %s", buf_str(&name));
}

bool pg_database_create(struct pg_target *t, struct err *err)
{
    bool exists = false;

    if (!pg_database_exists(t, t->database, &exists, err) || (exists && !make_way(t, err)))
        return false;
    /* Also when it fails: the database may be there, and what follows it not. */
    t->created = true;
    return each_statement(t, AT_CREATE, err);
}

bool pg_database_settle(struct pg_target *t, struct err *err)
{
    struct roles r = {.target = t};

    return each_statement(t, AT_END, err) && each_of_globals(&r, setting_of_all, err);
}

bool pg_database_limit(struct pg_target *t, struct err *err)
{
    return each_statement(t, AT_KEEP, err);
}
