/* Accounts, roles and authentication plugins that a server lacks. */
#include "restore/my_accounts.h"

#include "lib/base/json.h"
#include "lib/sql/my_grant.h"
#include "lib/sql/split.h"

struct lacks {
    struct my_target *target;
    struct missing *missing;
    struct my_plugins plugins;
    struct my_grant_place place;
    bool granted, named; /* something; to accounts that must be there */
    bool may_grant, may_read;
};

#define WITHOUT "or leave grants out with --no-privileges"

static bool look_at_account(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct lacks *l = ctx;
    struct my_user user;
    struct span plugin, given;

    if (!my_user_parse(st->text, &user) || my_account_boxes(l->target, user.name))
        return true;
    for (struct span auth = user.auth; auth.at && my_user_way(&auth, &plugin, &given);)
        if (!my_plugin_check(&l->plugins, plugin, err))
            return false;
    return true;
}

static bool check_account(struct lacks *l, struct span who, struct err *err)
{
    struct db *db = l->target->main;
    AUTO(buf) struct buf name = {0};
    struct span user, host;
    bool there = false;

    my_definer_split(db, who, &name, &user, &host);
    if (!buf_ok(&name, err) || !my_account_there(db, user, host, &there, err))
        return false;
    return there || missing_add(l->missing, host.len ? "account" : "role", buf_str(&name),
                                "make it on the server, or give its things to another one with "
                                "--owner OLD=NEW",
                                err);
}

static bool look_at_grant(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct lacks *l = ctx;
    AUTO(buf) struct buf sql = {0}, who = {0};
    struct my_grant g;
    bool ours = false;

    if (!my_grant_placed(&l->place, st->text, &sql, &ours, err))
        return false;
    if (!ours || !my_grant_parse(buf_view(&sql), &g))
        return true;
    l->granted = true;
    if (span_is(g.to, "PUBLIC"))
        return true;
    l->named = true;
    return !l->may_read ||
           (my_grant_to(l->target, &g, &who, err) && check_account(l, buf_view(&who), err));
}

static bool look_at_own(void *ctx, const struct db_row *row, struct err *err)
{
    struct lacks *l = ctx;

    (void)err;
    l->may_grant |= my_grant_gives(row->value[0], "GRANT OPTION", l->place.database);
    return true;
}

static bool read_own(struct lacks *l, struct err *err)
{
    struct db *db = l->target->main;
    AUTO(buf) struct buf count = {0};
    struct err why = {0};

    l->may_read = db_value(db, &count, &why, "SELECT count(*) FROM mysql.user");
    return (l->may_read || why.code == ERR_RIGHTS || err_pass(err, &why)) &&
           db_rows(db, look_at_own, l, err, "SHOW GRANTS");
}

/* What the account lacks to make the grants. */
static bool tell_own(struct lacks *l, struct err *err)
{
    const struct my_target *t = l->target;
    const char *user = t->conf.db->user ? t->conf.db->user : "";
    AUTO(buf) struct buf read = {0}, grant = {0};

    buf_printf(&read, "GRANT SELECT ON mysql.user TO '%s', " WITHOUT, user);
    buf_puts(&grant, "GRANT GRANT OPTION ON ");
    db_quote_name(t->main, l->place.database, &grant);
    buf_printf(&grant, ".* TO '%s', " WITHOUT, user);
    return buf_ok(&read, err) && buf_ok(&grant, err) &&
           (!l->named || l->may_read ||
            missing_add(l->missing, "SELECT on", "mysql.user", buf_str(&read), err)) &&
           (!l->granted || l->may_grant ||
            missing_add(l->missing, "GRANT OPTION on", l->place.database, buf_str(&grant), err));
}

/* All that are granted something. Who objects run as is tried (my_rights.c): not every account may
 * read whom the server knows. */
static bool look_at_server(struct lacks *l, struct err *err)
{
    struct my_target *t = l->target;
    AUTO(buf) struct buf text = {0};

    if (t->conf.what.no_privileges)
        return true;
    if (!json_want_str(t->facts, "database", &l->place.captured, err) ||
        !my_accounts_text(t, "grants.sql", &text, err))
        return false;
    l->place.all = buf_view(&text);
    l->place.database = t->conf.final;
    return !text.len ||
           (read_own(l, err) && sql_each(SQL_MARIADB, l->place.all, look_at_grant, l, err) &&
            tell_own(l, err));
}

static bool look_at_box(struct lacks *l, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    json_t *loaded = NULL;

    if (!my_accounts_text(l->target, "accounts.sql", &text, err))
        return false;
    if (!text.len)
        return true;
    bool ok = db_names(l->target->main, &loaded, err,
                       "SELECT lower(plugin_name) FROM information_schema.plugins WHERE "
                       "plugin_type = 'AUTHENTICATION' AND plugin_status = 'ACTIVE'");
    l->plugins.loaded = loaded;
    ok = ok && sql_each(SQL_MARIADB, buf_view(&text), look_at_account, l, err);
    json_decref(loaded);
    return ok;
}

bool my_accounts_missing(struct my_target *t, const json_t *offered, struct missing *m,
                         struct err *err)
{
    struct lacks l = {.target = t,
                      .missing = m,
                      .plugins = {m, "authentication plugin", NULL, offered, t->conf.owned},
                      .place = {.database = t->database, .select = t->select}};

    return t->conf.owned ? look_at_box(&l, err) : look_at_server(&l, err);
}
