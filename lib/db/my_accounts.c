#include "lib/db/my_accounts.h"

#include "lib/base/vec.h"
#include "lib/sql/my_grant.h"

static const char accounts_sql[] =
#include "lib/db/my_accounts.sql.h"
    ;

#define OF_ALL \
    "PUBLIC" /* the role that everybody has; it is there once something is granted to it */

struct name {
    char *text; /* as statements have it */
    bool role;
};

struct reading {
    struct db *db;
    const struct my_accounts_conf *conf;
    struct my_accounts *out;
    struct vec names; /* struct name: roles, then accounts */
    const char *name; /* whose lines are read */
};

void my_accounts_done(struct my_accounts *a)
{
    buf_done(&a->accounts);
    buf_done(&a->grants);
    json_decref(a->elsewhere);
    json_decref(a->ignored);
}

static void reading_done(struct reading *r)
{
    struct name *name = r->names.at;

    for (size_t i = 0; i < r->names.count; i++)
        free(name[i].text);
    vec_done(&r->names);
}

static bool add_line(struct buf *out, struct span statement, struct err *err)
{
    buf_span(out, statement);
    buf_puts(out, ";\n");
    return buf_ok(out, err);
}

/* ---- who there is ------------------------------------------------------------------------------*/

static bool add_name(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    AUTO(buf) struct buf name = {0};
    bool role = span_is(row->value[2], "1");

    if (role && span_is(row->value[0], OF_ALL)) {
        buf_puts(&name, OF_ALL);
    } else {
        r->db->ops->quote(r->db, row->value[0], true, &name);
        r->out->roles += role;
        r->out->users += !role;
    }
    if (!role) {
        buf_putc(&name, '@');
        r->db->ops->quote(r->db, row->value[1], true, &name);
    }
    struct name *at = vec_add(&r->names, err);
    if (!at)
        return false;
    *at = (struct name){buf_take(&name), role};
    return at->text || err_memory(err);
}

/* ---- accounts ----------------------------------------------------------------------------------*/

/* Servers before 10.4 show the name in apostrophes. A second line, ALTER USER, is there when one clause
 * cannot say it. */
static bool add_create(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    struct span sql = row->value[0];
    AUTO(buf) struct buf without = {0}, text = {0};
    struct my_user user;

    if (!my_user_parse(sql, &user))
        return err_set(err, ERR_UNSUPPORTED, "account %s is described in words that are not known",
                       r->name);
    bool create = span_starts(sql, "CREATE ");
    if (create && !r->conf->hashes) {
        if (!my_user_without_hash(&user, &without, &r->out->without_hash))
            return err_memory(err);
        sql = buf_view(&without);
        if (!my_user_parse(sql, &user))
            return err_memory(err);
    }
    const char *rest = user.name.at + user.name.len;
    buf_printf(&text, "%s USER %s%s", create ? "CREATE" : "ALTER", create ? "IF NOT EXISTS " : "",
               r->name);
    buf_add(&text, rest, (size_t)(sql.at + sql.len - rest));
    return buf_ok(&text, err) && add_line(&r->out->accounts, buf_view(&text), err);
}

static bool create_one(struct reading *r, bool role, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    if (strcmp(r->name, OF_ALL) == 0)
        return true;
    if (!role)
        return db_rows(r->db, add_create, r, err, "SHOW CREATE USER %s", r->name);
    buf_printf(&text, "CREATE ROLE IF NOT EXISTS %s", r->name);
    return buf_ok(&text, err) && add_line(&r->out->accounts, buf_view(&text), err);
}

/* ---- grants ------------------------------------------------------------------------------------*/

/* Tables of these are on every server; who may read them is no matter of one database. */
static bool is_system(struct span database)
{
    return span_is(database, "mysql") || span_is(database, "sys") ||
           span_is(database, "performance_schema") || span_is(database, "information_schema");
}

/* NULL in *out: it belongs to a database that is not asked for. */
static bool place_of(struct reading *r, const struct my_grant *g, struct buf **out, struct err *err)
{
    AUTO(buf) struct buf database = {0};

    *out = g->scope == MY_SCOPE_DATABASE ? &r->out->grants : &r->out->accounts;
    if (g->scope != MY_SCOPE_TABLE && g->scope != MY_SCOPE_ROUTINE)
        return true;
    if (!my_name(g->database, &database))
        return err_memory(err);
    if (is_system(buf_view(&database)))
        return true;
    *out = &r->out->grants;
    if (strcmp(buf_str(&database), r->conf->database) == 0)
        return true;
    *out = NULL;
    return json_object_set_new_nocheck(r->out->elsewhere, buf_str(&database), json_true()) == 0 ||
           err_memory(err);
}

static bool add_grant(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    AUTO(buf) struct buf text = {0};
    struct my_grant g;
    struct buf *to = NULL;

    if (!my_grant_parse(row->value[0], &g))
        return err_set(err, ERR_UNSUPPORTED,
                       "a grant to %s is described in words that are not "
                       "known",
                       r->name);
    bool nothing = g.scope == MY_SCOPE_SERVER && span_is(g.what, "USAGE") && !g.option;
    bool same = false;
    if (!my_account_same(g.to, span_of(r->name), &same))
        return err_memory(err);
    if (nothing || !same)
        return true;
    g.to = span_of(r->name);
    if (!place_of(r, &g, &to, err))
        return false;
    if (!my_grant_write(&g, &text))
        return err_memory(err);
    return !to || add_line(to, buf_view(&text), err);
}

/* ER_PASSWORD_NO_MATCH, ER_NONEXISTING_GRANT */
static bool is_unknown(const struct err *why)
{
    return strstr(why->text, "(error 1133,") || strstr(why->text, "(error 1141,");
}

static bool each(struct reading *r, bool (*one)(struct reading *r, bool role, struct err *err),
                 struct err *err)
{
    const struct name *name = r->names.at;

    for (size_t i = 0; i < r->names.count; i++) {
        struct err why = {0};

        r->name = name[i].text;
        if (one(r, name[i].role, &why))
            continue;
        if (!is_unknown(&why)) {
            err_pass(err, &why);
            return err_add(err, "account %s", r->name);
        }
        if (json_object_set_new_nocheck(r->out->ignored, r->name, json_true()) != 0)
            return err_memory(err);
    }
    return true;
}

static bool grants_of(struct reading *r, bool role, struct err *err)
{
    (void)role;
    return db_rows(r->db, add_grant, r, err, "SHOW GRANTS FOR %s", r->name);
}

bool my_accounts_supported(const struct db *db, struct err *err)
{
    if (!db->is_mysql)
        return true;
    err_set(err, ERR_UNSUPPORTED, "%s: MySQL's accounts cannot be read, only MariaDB's", db->label);
    return err_hint(err, "leave 'accounts' out of the environment file");
}

bool my_accounts_read(struct db *db, const struct my_accounts_conf *conf, struct my_accounts *out,
                      struct err *err)
{
    struct reading r = {.db = db, .conf = conf, .out = out, .names = VEC(struct name)};

    if (!my_accounts_supported(db, err))
        return false;
    out->elsewhere = json_object();
    out->ignored = json_object();
    bool ok = (out->elsewhere && out->ignored) || err_memory(err);
    ok = ok && db_rows(db, add_name, &r, err, "%s", accounts_sql) && each(&r, create_one, err) &&
         each(&r, grants_of, err);
    reading_done(&r);
    return ok || err_add(err, "cannot read the accounts");
}
