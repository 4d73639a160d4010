/* MariaDB: accounts, roles and grants.
 *
 * What lets an account in is compared and never shown. The accounts that a box makes for itself are
 * its own; those that it has made because objects run as them are no surprise.
 */
#include "restore/proof_my.h"

#include "lib/db/my_accounts.h"
#include "lib/sql/my_grant.h"
#include "lib/sql/split.h"
#include "restore/my_accounts.h"
#include "restore/proof_facts.h"

static inline void auto_my_accounts(struct my_accounts *a)
{
    my_accounts_done(a);
}

struct facts {
    json_t *map;
    const struct my_grant_place *place; /* of the bundle's grants; NULL: they stand as they are */
    bool no_privileges;
};

/* ---- facts -------------------------------------------------------------------------------------*/

/* "account `a`@`b`", "role `r`"; "" for the role of all, which is not made. */
static bool thing_of(struct span name, struct buf *out)
{
    bool account = name.len && memmem(name.at, name.len, "`@`", 3);

    if (span_is(name, "PUBLIC"))
        return buf_puts(out, "");
    return buf_printf(out, "%s %.*s", account ? "account" : "role", (int)name.len, name.at);
}

static bool put(struct facts *f, struct span name, const char *what, struct span value, bool hidden,
                struct err *err)
{
    AUTO(buf) struct buf of = {0}, key = {0};

    thing_of(name, &of);
    buf_printf(&key, "%s%s%s", of.len ? buf_str(&of) : "everybody", *what ? ": " : "", what);
    struct fact fact = {buf_view(&key), buf_view(&of), value, hidden};
    return buf_ok(&of, err) && buf_ok(&key, err) && facts_put(f->map, &fact, err);
}

static struct span next(struct span *rest)
{
    struct span token;

    return sql_token_next(SQL_MARIADB, rest, &token) == SQL_END ? SPAN("") : token;
}

/* Whichever of its two forms the server shows. */
static bool put_auth(struct facts *f, const struct my_user *u, struct err *err)
{
    AUTO(buf) struct buf ways = {0};
    struct span auth = u->auth, plugin, given;

    buf_puts(&ways, "");
    while (auth.at && my_user_way(&auth, &plugin, &given)) {
        buf_puts(&ways, ways.len ? " OR " : "");
        buf_span(&ways, plugin);
        buf_putc(&ways, ' ');
        buf_span(&ways, given);
    }
    return buf_ok(&ways, err) && put(f, u->name, "password or plugin", buf_view(&ways), true, err);
}

/* WITH MAX_QUERIES_PER_HOUR 5 MAX_STATEMENT_TIME 1.5 */
static bool put_limits(struct facts *f, const struct my_user *u, struct err *err)
{
    struct span rest = u->limits, word;

    if (!rest.at)
        return true;
    next(&rest);
    while ((word = next(&rest)).len) {
        AUTO(free) char *name = span_dup(word);
        if (!name)
            return err_memory(err);
        if (!put(f, u->name, name, next(&rest), false, err))
            return false;
    }
    return true;
}

/* PASSWORD EXPIRE: it has; with more behind it: when it will. */
static bool put_expiry(struct facts *f, const struct my_user *u, struct err *err)
{
    struct span rest = u->password;

    if (!rest.at)
        return true;
    next(&rest);
    next(&rest);
    rest = span_trim(rest);
    return rest.len ? put(f, u->name, "its password expires", rest, false, err)
                    : put(f, u->name, "its password has expired", SPAN("yes"), false, err);
}

static bool user(struct facts *f, struct span sql, const struct my_user *u, struct err *err)
{
    if (!span_starts(sql, "CREATE"))
        return put_expiry(f, u, err);
    return put(f, u->name, "", SPAN(""), false, err) &&
           put(f, u->name, "its password has expired", SPAN("no"), false, err) &&
           put(f, u->name, "its password expires", SPAN(""), false, err) &&
           put(f, u->name, "locked", u->lock.at ? SPAN("yes") : SPAN("no"), false, err) &&
           put(f, u->name, "REQUIRE", u->require.at ? u->require : SPAN(""), false, err) &&
           put_auth(f, u, err) && put_limits(f, u, err) && put_expiry(f, u, err);
}

static bool grant(struct facts *f, const struct my_grant *g, struct err *err)
{
    AUTO(buf) struct buf what = {0}, value = {0};
    const char *option = g->option ? " WITH GRANT OPTION" : "";
    bool right = g->scope != MY_SCOPE_MEMBER && g->scope != MY_SCOPE_DEFAULT;

    if (right && f->no_privileges)
        return true;
    buf_puts(&value, "");
    if (g->scope == MY_SCOPE_MEMBER) {
        buf_printf(&what, "member of %.*s", (int)g->what.len, g->what.at);
        buf_puts(&value, g->option ? "WITH ADMIN OPTION" : "");
    } else if (g->scope == MY_SCOPE_DEFAULT) {
        buf_puts(&what, "default role");
        buf_span(&value, g->what);
    } else if (g->scope == MY_SCOPE_PROXY) {
        buf_printf(&what, "proxy for %.*s", (int)g->what.len, g->what.at);
        buf_puts(&value, *option ? option + 1 : "");
    } else {
        buf_printf(&what, "rights on %.*s%s%.*s.%.*s", (int)g->kind.len,
                   g->kind.at ? g->kind.at : "", g->kind.at ? " " : "", (int)g->database.len,
                   g->database.at, (int)g->object.len, g->object.at);
        my_grant_rights(g, &value);
        buf_puts(&value, option);
    }
    return buf_ok(&what, err) && buf_ok(&value, err) &&
           put(f, g->to, buf_str(&what), buf_view(&value), false, err);
}

static bool placed_grant(struct facts *f, struct span sql, struct err *err)
{
    AUTO(buf) struct buf placed = {0};
    struct my_grant g;
    bool ours = true;

    if (f->place && !my_grant_placed(f->place, sql, &placed, &ours, err))
        return false;
    if (!my_grant_parse(f->place ? buf_view(&placed) : sql, &g))
        return err_set(err, ERR_DAMAGED, "a grant of the bundle is not understood");
    return !ours || grant(f, &g, err);
}

static bool account_line(void *ctx, const struct sql_statement *st, struct err *err)
{
    static const char role[] = "CREATE ROLE IF NOT EXISTS ";
    struct facts *f = ctx;
    struct my_user u;
    struct my_grant g;

    if (span_starts(st->text, role)) {
        struct span name = {st->text.at + sizeof(role) - 1, st->text.len - (sizeof(role) - 1)};
        return put(f, name, "", SPAN(""), false, err);
    }
    if (my_user_parse(st->text, &u))
        return user(f, st->text, &u, err);
    return my_grant_parse(st->text, &g)
               ? grant(f, &g, err)
               : err_set(err, ERR_DAMAGED, "accounts.sql: line %u is not understood", st->line);
}

static bool grant_line(void *ctx, const struct sql_statement *st, struct err *err)
{
    return placed_grant(ctx, st->text, err);
}

static bool take_apart(struct facts *f, struct span accounts, struct span grants, struct err *err)
{
    return sql_each(SQL_MARIADB, accounts, account_line, f, err) &&
           sql_each(SQL_MARIADB, grants, grant_line, f, err);
}

/* ---- who is no surprise ------------------------------------------------------------------------*/

struct comparing {
    struct my_proof *proof;
    struct db *db;
    json_t *bundle, *box, *known, *own;
};

static bool know_definers(struct comparing *c, const json_t *facts, struct err *err)
{
    const json_t *list = json_object_get(facts, "definers"), *who;
    size_t i;

    json_array_foreach(list, i, who)
    {
        AUTO(buf) struct buf here = {0}, name = {0}, thing = {0};
        struct span user, host;

        my_here_account(&c->proof->here, span_of(json_string_value(who)), &here);
        my_definer_split(c->db, buf_view(&here), &name, &user, &host);
        thing_of(buf_view(&name), &thing);
        if (!buf_ok(&here, err) || !buf_ok(&name, err) || !buf_ok(&thing, err))
            return false;
        if (json_object_set_new_nocheck(c->known, buf_str(&thing), json_true()) != 0)
            return err_memory(err);
    }
    return true;
}

static bool know_accounts(struct comparing *c, const char *component, struct err *err)
{
    AUTO(free) char *name = stream_name(component, NULL, "accounts.sql");
    struct bundle *bundle = c->proof->part->conf->bundle;
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *map = json_object();
    struct facts facts = {.map = map};

    if (!name || !map)
        return err_memory(err);
    if (!bundle_find(bundle, name))
        return true;
    return bundle_read_text(bundle, name, &text, err) &&
           sql_each(SQL_MARIADB, buf_view(&text), account_line, &facts, err) &&
           facts_know(map, c->known, err);
}

/* Databases may share a server: what belongs to another one of the bundle is none. */
static bool know_all(struct comparing *c, struct err *err)
{
    json_t *all = json_object_get(bundle_config(c->proof->part->conf->bundle), "components"), *one;
    const char *component;

    json_object_foreach(all, component, one)
    {
        if (strncmp(component, "mariadb.", strlen("mariadb.")) == 0 &&
            (!know_definers(c, one, err) || !know_accounts(c, component, err)))
            return false;
    }
    return true;
}

/* Adds those of the things in `map` that the box makes for itself. */
static bool add_own(struct comparing *c, const json_t *map, struct err *err)
{
    const struct env *env = place_env(&c->proof->part->conf->place);
    const char *key;
    json_t *fact;

    json_object_foreach((json_t *)(uintptr_t)map, key, fact)
    {
        const char *of = fact_member(fact, "of");
        AUTO(buf) struct buf user = {0}, host = {0};

        if (strncmp(of, "account ", strlen("account ")) != 0 || strcmp(of, key) != 0)
            continue;
        if (!my_account_names(span_of(of + strlen("account ")), &user, &host))
            return err_memory(err);
        if (box_makes_account(env, c->proof->part->name, buf_view(&user), buf_view(&host)) &&
            json_object_set_new_nocheck(c->own, of, json_true()) != 0)
            return err_memory(err);
    }
    return true;
}

/* ---- comparing ---------------------------------------------------------------------------------*/

/* Nothing can be asked about them. */
static bool skip_ignored(struct comparing *c, json_t *ignored, struct err *err)
{
    const char *name, *key;
    json_t *unused, *fact;
    void *after;

    json_object_foreach(ignored, name, unused)
    {
        AUTO(buf) struct buf thing = {0}, text = {0};

        thing_of(span_of(name), &thing);
        buf_printf(&text, "%s: the box's server resolves no names of hosts", buf_str(&thing));
        if (!buf_ok(&thing, err) || !buf_ok(&text, err))
            return false;
        if (json_object_get(c->bundle, buf_str(&thing)) &&
            !json_object_get(c->own, buf_str(&thing)) &&
            !proof_skip(c->proof->part, buf_str(&text), err))
            return false;
        json_object_foreach_safe(c->bundle, after, key, fact)
        {
            if (strcmp(fact_member(fact, "of"), buf_str(&thing)) == 0)
                json_object_del(c->bundle, key);
        }
    }
    return true;
}

static bool read_bundle(struct comparing *c, struct err *err)
{
    struct proof_part *p = c->proof->part;
    const json_t *facts = json_object_get(
        json_object_get(bundle_config(p->conf->bundle), "components"), p->component);
    AUTO(buf) struct buf accounts = {0}, grants = {0};
    struct my_grant_place place = {
        .database = c->proof->place.conf.database, .select = c->proof->select, .others = true};
    struct facts f = {
        .map = c->bundle, .place = &place, .no_privileges = p->conf->what.no_privileges};

    if (!json_want_str(facts, "database", &place.captured, err) ||
        !proof_bundle_text(p, "accounts.sql", &accounts, err) ||
        !proof_bundle_text(p, "grants.sql", &grants, err))
        return false;
    place.all = buf_view(&grants);
    return take_apart(&f, buf_view(&accounts), buf_view(&grants), err);
}

static bool compare(struct comparing *c, struct err *err)
{
    AUTO(my_accounts) struct my_accounts box = {0};
    struct my_accounts_conf conf = {.database = c->proof->place.conf.database, .hashes = true};
    struct facts f = {.map = c->box, .no_privileges = c->proof->part->conf->what.no_privileges};

    if (!read_bundle(c, err) || !my_accounts_read(c->db, &conf, &box, err) ||
        !take_apart(&f, buf_view(&box.accounts), buf_view(&box.grants), err) || !know_all(c, err) ||
        !add_own(c, c->bundle, err) || !add_own(c, c->box, err) ||
        !skip_ignored(c, box.ignored, err))
        return false;
    struct facts_both both = {.part = c->proof->part,
                              .bundle = c->bundle,
                              .box = c->box,
                              .known = c->known,
                              .own = c->own};
    return facts_compare(&both, err) &&
           (!both.met_own ||
            proof_skip(c->proof->part, "the accounts that the box's server makes for itself", err));
}

bool my_proof_accounts(struct my_proof *m, struct err *err)
{
    AUTO(free) char *name = stream_name(m->part->component, NULL, "accounts.sql");
    AUTO(db) struct db *db = NULL;

    if (!name)
        return err_memory(err);
    if (!bundle_find(m->part->conf->bundle, name))
        return true;
    if (!m->part->conf->place.box)
        return proof_skip(m->part, "accounts and grants: the server has its own", err);
    if (!my_proof_session(m, false, &db, err))
        return false;
    struct comparing c = {.proof = m,
                          .db = db,
                          .bundle = json_object(),
                          .box = json_object(),
                          .known = json_object(),
                          .own = json_object()};
    bool ok = c.bundle && c.box && c.known && c.own ? compare(&c, err) : err_memory(err);
    json_decref(c.bundle);
    json_decref(c.box);
    json_decref(c.known);
    json_decref(c.own);
    return ok;
}
