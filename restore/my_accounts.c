#include "restore/my_accounts.h"

#include "lib/base/json.h"
#include "lib/box/box.h"
#include "lib/sql/my_grant.h"
#include "lib/sql/split.h"

bool my_accounts_text(struct my_target *t, const char *file, struct buf *out, struct err *err)
{
    AUTO(free) char *name = stream_name(t->conf.component, NULL, file);

    if (!name)
        return err_memory(err);
    return !bundle_find(t->conf.bundle, name) || bundle_read_text(t->conf.bundle, name, out, err);
}

static bool boxes(const struct my_target *t, struct span user, struct span host)
{
    return box_makes_account(place_env(t->conf.place), strchr(t->conf.component, '.') + 1, user,
                             host);
}

bool my_account_boxes(const struct my_target *t, struct span account)
{
    AUTO(buf) struct buf user = {0}, host = {0};

    return my_account_names(account, &user, &host) && boxes(t, buf_view(&user), buf_view(&host));
}

struct making {
    struct my_target *target;
    struct db *db;
    struct my_grant_place place;
};

/* ---- accounts ----------------------------------------------------------------------------------*/

/* What the server says of a statement with a hash may repeat it. */
static bool refused(const struct making *m, struct span name, const struct err *why,
                    struct err *err)
{
    const char *number = strstr(why->text, "(error ");

    err_set(err, why->code, "%s refuses account %.*s as it was captured %s", m->db->label,
            (int)name.len, name.at, number ? number : "");
    return err_hint(err, "its password's hash is hidden: see SHOW CREATE USER where it comes from");
}

/* As the server tells them: no address, no pattern, not this host. */
static bool is_host_name(const char *host)
{
    return *host && strcasecmp(host, "localhost") != 0 && !strpbrk(host, ":%_/") &&
           host[strspn(host, "0123456789.")];
}

/* A box's server looks no names up (lib/box/server_my.c): it is told at the end. */
static bool note_host(struct my_target *t, struct span account, struct err *err)
{
    AUTO(buf) struct buf user = {0}, host = {0};
    AUTO(free) char *name = span_dup(account);

    if (!name || !my_account_names(account, &user, &host))
        return err_memory(err);
    if (!is_host_name(buf_str(&host)))
        return true;
    if (!t->unresolved)
        t->unresolved = json_object();
    return json_object_set_new_nocheck(t->unresolved, name, json_true()) == 0 || err_memory(err);
}

static bool make_account(const struct making *m, struct span sql, struct span name, struct err *err)
{
    struct err why = {0};

    if (my_account_boxes(m->target, name))
        return true;
    return m->db->ops->query(m->db, sql, NULL, NULL, NULL, &why) ? note_host(m->target, name, err)
                                                                 : refused(m, name, &why, err);
}

/* A grant that cannot be made is no reason to lose all that was loaded. */
static bool make_grant(const struct making *m, struct span sql, struct err *err)
{
    struct err why = {0};
    char line[1400];

    if (m->db->ops->query(m->db, sql, NULL, NULL, NULL, &why))
        return true;
    if (why.code == ERR_UNREACHABLE || why.code == ERR_STOPPED)
        return err_pass(err, &why);
    AUTO(free) char *what = span_dup(sql);
    return what ? target_leave(&m->target->base, m->target->conf.component, what,
                               err_line(&why, line, sizeof(line)), err)
                : err_memory(err);
}

static bool is_right(const struct my_grant *g)
{
    return g->scope != MY_SCOPE_MEMBER && g->scope != MY_SCOPE_DEFAULT;
}

/* A line of accounts.sql. */
static bool make_line(void *ctx, const struct sql_statement *st, struct err *err)
{
    static const char role[] = "CREATE ROLE IF NOT EXISTS ";
    const struct making *m = ctx;
    struct my_user user;
    struct my_grant g;

    if (span_starts(st->text, role))
        return m->db->ops->query(m->db, st->text, NULL, NULL, NULL, err);
    if (my_user_parse(st->text, &user))
        return make_account(m, st->text, user.name, err);
    if (!my_grant_parse(st->text, &g))
        return err_set(err, ERR_DAMAGED, "accounts.sql: line %u is not understood", st->line);
    if (my_account_boxes(m->target, g.to) || (is_right(&g) && m->target->conf.what.no_privileges))
        return true;
    return make_grant(m, st->text, err);
}

/* ---- who objects run as ------------------------------------------------------------------------*/

void my_definer_split(struct db *db, struct span who, struct buf *name, struct span *user,
                      struct span *host)
{
    const char *at = memrchr(who.at, '@', who.len);

    *user = (struct span){who.at, at ? (size_t)(at - who.at) : who.len};
    *host = at ? (struct span){at + 1, who.len - user->len - 1} : SPAN("");
    db->ops->quote(db, *user, true, name);
    if (host->len) {
        buf_putc(name, '@');
        db->ops->quote(db, *host, true, name);
    }
}

bool my_account_there(struct db *db, struct span user, struct span host, bool *there,
                      struct err *err)
{
    AUTO(buf) struct buf a = {0}, b = {0}, count = {0};

    db->ops->quote(db, user, false, &a);
    db->ops->quote(db, host, false, &b);
    if (!buf_ok(&a, err) || !buf_ok(&b, err) ||
        !db_value(db, &count, err, "SELECT count(*) FROM mysql.user WHERE user = %s AND host = %s",
                  buf_str(&a), buf_str(&b)))
        return false;
    *there = strcmp(buf_str(&count), "0") != 0;
    return true;
}

/* Those that are not there yet; on resume also those that are, for it may have been this restore that
 * made them: make_definer() tells which the bundle brought. A database beside this one may bring an account before the end; a role
 * must be there when objects are made, else its name is taken for an account's. */
static bool note_definer(struct my_target *t, struct db *db, struct span who, struct err *err)
{
    AUTO(buf) struct buf name = {0}, here = {0};
    struct span user, host;
    bool there = false;

    my_here_account(&t->here, who, &here);
    my_definer_split(db, buf_view(&here), &name, &user, &host);
    if (!buf_ok(&here, err) || !buf_ok(&name, err) ||
        !my_account_there(db, user, host, &there, err))
        return false;
    if (there && (!t->conf.resume || boxes(t, user, host)))
        return true;
    if (!t->lacking)
        t->lacking = json_array();
    return (host.len || db_exec(db, err, "CREATE ROLE IF NOT EXISTS %s", buf_str(&name))) &&
           (json_array_append_new(t->lacking, json_stringn(buf_str(&here), here.len)) == 0 ||
            err_memory(err));
}

static bool each_definer(struct my_target *t, struct db *db, const json_t *list,
                         bool (*each)(struct my_target *t, struct db *db, struct span who,
                                      struct err *err),
                         struct err *err)
{
    const json_t *who;
    size_t i;

    json_array_foreach(list, i, who)
    {
        if (json_is_string(who) && !each(t, db, span_of(json_string_value(who)), err))
            return err_add(err, "account '%s'", json_string_value(who));
    }
    return true;
}

struct search {
    struct span name;
    bool found;
};

static bool look_for_account(void *ctx, const struct sql_statement *st, struct err *err)
{
    static const char role[] = "CREATE ROLE IF NOT EXISTS ";
    struct search *s = ctx;
    struct my_user user;

    (void)err;
    if (span_starts(st->text, role))
        s->found |=
            st->text.len == s->name.len + sizeof(role) - 1 && span_ends(st->text, s->name.at);
    else
        s->found |= my_user_parse(st->text, &user) && span_eq(user.name, s->name);
    return true;
}

/* Whether the bundle holds it, with this database or with another one. */
static bool is_captured(struct my_target *t, const char *name, bool *captured, struct err *err)
{
    struct search s = {span_of(name), false};
    size_t count = 0;
    const struct stream *all = bundle_streams(t->conf.bundle, &count);

    for (size_t i = 0; i < count; i++) {
        AUTO(buf) struct buf text = {0};
        if (strncmp(all[i].component, "mariadb.", strlen("mariadb.")) != 0 ||
            !span_ends(span_of(all[i].name), "/accounts.sql"))
            continue;
        if (!bundle_read_text(t->conf.bundle, all[i].name, &text, err) ||
            !sql_each(SQL_MARIADB, buf_view(&text), look_for_account, &s, err))
            return false;
    }
    *captured = s.found;
    return true;
}

/* A database's name as a pattern that only it matches, quoted. */
static bool exact_pattern(const char *database, struct buf *out)
{
    buf_putc(out, '`');
    for (const char *c = database; *c; c++) {
        if (strchr("_%\\", *c))
            buf_putc(out, '\\');
        buf_putc(out, *c);
        if (*c == '`')
            buf_putc(out, '`');
    }
    return buf_putc(out, '`');
}

/* Without it whatever runs as it would fail in the box. One that is there by now was brought, or was
 * made for another database of the server. */
static bool make_definer(struct my_target *t, struct db *db, struct span who, struct err *err)
{
    AUTO(buf) struct buf name = {0}, base = {0}, what = {0};
    struct span user, host;
    bool there = false, captured = false;

    my_definer_split(db, who, &name, &user, &host);
    exact_pattern(t->database, &base);
    buf_printf(&what, "%s %s", host.len ? "account" : "role", buf_str(&name));
    if (!buf_ok(&name, err) || !buf_ok(&base, err) || !buf_ok(&what, err) ||
        !my_account_there(db, user, host, &there, err) ||
        (there && !is_captured(t, buf_str(&name), &captured, err)))
        return false;
    if (captured)
        return true;
    return (there || db_exec(db, err, "CREATE USER %s ACCOUNT LOCK", buf_str(&name))) &&
           db_exec(db, err, "GRANT ALL PRIVILEGES ON %s.* TO %s", buf_str(&base), buf_str(&name)) &&
           target_leave(&t->base, t->conf.component, buf_str(&what),
                        "objects run as it and the bundle does not hold it: made locked, with all "
                        "rights on the database",
                        err) &&
           (!host.len || note_host(t, buf_view(&name), err));
}

/* ---- hosts that are names ----------------------------------------------------------------------*/

/* Who objects run as is told by itself: what runs as it fails. */
static bool tell_definer(struct my_target *t, struct db *db, struct span who, struct err *err)
{
    AUTO(buf) struct buf here = {0}, name = {0}, what = {0};
    struct span user, host;

    my_here_account(&t->here, who, &here);
    my_definer_split(db, buf_view(&here), &name, &user, &host);
    if (!buf_ok(&here, err) || !buf_ok(&name, err))
        return false;
    if (json_object_del(t->unresolved, buf_str(&name)) != 0)
        return true;
    buf_printf(&what, "account %s", buf_str(&name));
    return buf_ok(&what, err) &&
           target_leave(&t->base, t->conf.component, buf_str(&what),
                        "its host is a name, which a box's server does not resolve: nobody can be "
                        "it, and what runs as it fails",
                        err);
}

/* There may be hundreds of them. */
#define HOSTS_SHOWN 5
static bool tell_hosts(struct my_target *t, struct db *db, struct err *err)
{
    AUTO(buf) struct buf what = {0};
    const char *name;
    json_t *unused;
    size_t shown = 0;

    if (!each_definer(t, db, json_object_get(t->facts, "definers"), tell_definer, err))
        return false;
    size_t count = json_object_size(t->unresolved);
    if (!count)
        return true;
    buf_printf(&what, "%zu account%s: ", count, count == 1 ? "" : "s");
    json_object_foreach(t->unresolved, name, unused)
    {
        if (++shown <= HOSTS_SHOWN)
            buf_printf(&what, "%s%s", shown == 1 ? "" : ", ", name);
    }
    if (count > HOSTS_SHOWN)
        buf_printf(&what, " and %zu more", count - HOSTS_SHOWN);
    return buf_ok(&what, err) &&
           target_leave(&t->base, t->conf.component, buf_str(&what),
                        "the host is a name, which a box's server does not resolve: nobody can log "
                        "in",
                        err);
}

bool my_definers_restore(struct my_target *t, struct err *err)
{
    return !t->conf.owned ||
           (each_definer(t, t->main, t->lacking, make_definer, err) && tell_hosts(t, t->main, err));
}

/* Without the mode a grant to an account that is not there would make it, with no password. */
static bool each_line(struct making *m, const char *file,
                      bool (*each)(void *ctx, const struct sql_statement *st, struct err *err),
                      struct err *err)
{
    AUTO(buf) struct buf text = {0};

    if (!my_accounts_text(m->target, file, &text, err))
        return false;
    m->place.all = buf_view(&text);
    return !text.len ||
           (db_exec(m->db, err,
                    "SET @rehearse_mode = @@sql_mode, SESSION sql_mode = 'NO_AUTO_CREATE_USER'") &&
            sql_each(SQL_MARIADB, buf_view(&text), each, m, err) &&
            db_exec(m->db, err, "SET SESSION sql_mode = @rehearse_mode"));
}

bool my_accounts_restore(struct my_target *t, struct db *db, struct err *err)
{
    struct making m = {.target = t, .db = db};

    return !t->conf.owned ||
           (each_line(&m, "accounts.sql", make_line, err) &&
            each_definer(t, db, json_object_get(t->facts, "definers"), note_definer, err));
}

/* ---- grants ------------------------------------------------------------------------------------*/

static bool quoted(const char *name, struct buf *out)
{
    buf_putc(out, '`');
    for (; *name; name++) {
        buf_putc(out, *name);
        if (*name == '`')
            buf_putc(out, '`');
    }
    return buf_putc(out, '`');
}

static bool is_selected(const struct my_grant_place *place, const struct my_grant *g,
                        struct err *err, bool *selected)
{
    AUTO(buf) struct buf name = {0};

    if (!my_name(g->object, &name))
        return err_memory(err);
    *selected = g->scope == MY_SCOPE_ROUTINE ? my_select_routine(place->select, buf_str(&name))
                                             : my_select_relation(place->select, buf_str(&name));
    return true;
}

static bool covers(const struct my_grant_place *place, const struct my_grant *g, bool *it_does,
                   struct err *err)
{
    AUTO(buf) struct buf pattern = {0};

    if (!my_name(g->database, &pattern))
        return err_memory(err);
    *it_does = my_like(buf_view(&pattern), span_of(place->captured));
    return true;
}

/* What stands before the first sign for any character: by that the server orders patterns.
 * Source: MariaDB sql/sql_acl.cc, get_sort(). */
static size_t letters(struct span pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.at[i] == '\\')
            i++;
        else if (pattern.at[i] == '%' || pattern.at[i] == '_')
            return i;
    }
    return SIZE_MAX;
}

struct choice {
    const struct my_grant_place *place;
    struct span to;
    struct buf best; /* as it stands there */
};

static bool choose(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct choice *c = ctx;
    struct my_grant g;
    bool it_does = false;

    if (!my_grant_parse(st->text, &g) || g.scope != MY_SCOPE_DATABASE || !span_eq(g.to, c->to))
        return true;
    if (!covers(c->place, &g, &it_does, err))
        return false;
    if (!it_does || (c->best.len && letters(g.database) <= letters(buf_view(&c->best))))
        return true;
    buf_clear(&c->best);
    buf_span(&c->best, g.database);
    return buf_ok(&c->best, err);
}

/* Of all patterns that cover a database the server asks one for each account, the most exact. */
static bool is_asked(const struct my_grant_place *place, const struct my_grant *g, bool *asked,
                     struct err *err)
{
    struct choice c = {.place = place, .to = g->to};
    bool done =
        letters(g->database) == SIZE_MAX || sql_each(SQL_MARIADB, place->all, choose, &c, err);

    *asked = !c.best.len || span_eq(buf_view(&c.best), g->database);
    buf_done(&c.best);
    return done;
}

/* *name: the database it is granted on here, unless that stays. */
static bool place_database(const struct my_grant_place *place, const struct my_grant *g,
                           struct buf *name, bool *ours, struct err *err)
{
    bool same = strcmp(place->captured, place->database) == 0, asked = false;

    if (!covers(place, g, &asked, err) || (asked && !is_asked(place, g, &asked, err)))
        return false;
    *ours = asked || place->others;
    if (asked && !(same && place->others))
        exact_pattern(place->database, name);
    return true;
}

bool my_grant_placed(const struct my_grant_place *place, struct span sql, struct buf *out,
                     bool *ours, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct my_grant g;

    if (!my_grant_parse(sql, &g) || !g.database.at || g.scope == MY_SCOPE_SERVER)
        return err_set(err, ERR_DAMAGED, "grants.sql has a line that is not understood");
    *ours = true;
    if (g.scope == MY_SCOPE_DATABASE) {
        if (!place_database(place, &g, &name, ours, err))
            return false;
    } else {
        if (!is_selected(place, &g, err, ours))
            return false;
        quoted(place->database, &name);
    }
    if (name.len)
        g.database = buf_view(&name);
    buf_clear(out);
    return (buf_ok(&name, err) && my_grant_write(&g, out)) || err_memory(err);
}

/* On a server of others what was granted to OLD of --owner is NEW's. */
bool my_grant_to(struct my_target *t, const struct my_grant *g, struct buf *who, struct err *err)
{
    AUTO(buf) struct buf user = {0}, host = {0};

    if (!my_account_names(g->to, &user, &host))
        return err_memory(err);
    buf_putc(&user, '@');
    buf_span(&user, buf_view(&host));
    return buf_ok(&user, err) &&
           (t->conf.owned || !t->conf.what.owners
                ? buf_span(who, buf_view(&user))
                : my_here_owner(&t->here, buf_view(&user), who)) &&
           buf_ok(who, err);
}

static bool grant_line(void *ctx, const struct sql_statement *st, struct err *err)
{
    const struct making *m = ctx;
    AUTO(buf) struct buf sql = {0};
    struct my_grant g;
    bool ours = false;

    if (!my_grant_placed(&m->place, st->text, &sql, &ours, err))
        return false;
    if (!ours || !my_grant_parse(buf_view(&sql), &g) ||
        (m->target->conf.owned && my_account_boxes(m->target, g.to)))
        return true;
    AUTO(buf) struct buf who = {0}, name = {0}, here = {0};
    struct span user, host;
    if (m->target->conf.owned || span_is(g.to, "PUBLIC"))
        return make_grant(m, buf_view(&sql), err);
    if (!my_grant_to(m->target, &g, &who, err))
        return false;
    my_definer_split(m->db, buf_view(&who), &name, &user, &host);
    g.to = buf_view(&name);
    return buf_ok(&name, err) && (my_grant_write(&g, &here) || err_memory(err)) &&
           make_grant(m, buf_view(&here), err);
}

bool my_grants_restore(struct my_target *t, struct db *db, const char *database, struct err *err)
{
    const char *captured = NULL;

    if (t->conf.what.no_privileges)
        return true;
    if (!json_want_str(t->facts, "database", &captured, err))
        return false;
    struct making m = {.target = t,
                       .db = db,
                       .place = {.captured = captured,
                                 .database = database,
                                 .select = t->select,
                                 .others = t->conf.owned}};
    return each_line(&m, "grants.sql", grant_line, err);
}
