/* The accounts of the server that a database lies on, when the environment file asks for them. */
#include "snapshot/my.h"

#include "lib/db/my_accounts.h"
#include "lib/sql/my_grant.h"
#include "lib/sql/split.h"

static inline void auto_my_accounts(struct my_accounts *a)
{
    my_accounts_done(a);
}

struct sieve {
    struct my_source *source;
    struct buf *out;
};

static bool is_there(const struct my_source *s, const char *table)
{
    const struct my_table *other = s->catalog.others.at;
    bool found = my_catalog_table(&s->catalog, table) != NULL;

    for (size_t i = 0; !found && i < s->catalog.others.count; i++)
        found = strcmp(other[i].name, table) == 0;
    return found;
}

/* Rights on a table outlive it; they cannot be granted without it. */
static bool keep_grant(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct sieve *sieve = ctx;
    AUTO(buf) struct buf table = {0}, what = {0};
    struct my_grant g;

    if (!my_grant_parse(st->text, &g))
        return err_set(err, ERR_UNSUPPORTED,
                       "a grant is described in words that are not known: %.*s",
                       st->text.len < 100 ? (int)st->text.len : 100, st->text.at);
    if (!my_name(g.object, &table))
        return err_memory(err);
    if (g.scope == MY_SCOPE_TABLE && !is_there(sieve->source, buf_str(&table))) {
        buf_printf(&what, "%.*s on %s", (int)g.to.len, g.to.at, buf_str(&table));
        return buf_ok(&what, err) && my_leave_out(sieve->source, "grant to", buf_str(&what),
                                                  "there is no such table", err);
    }
    buf_span(sieve->out, st->text);
    buf_puts(sieve->out, ";\n");
    return buf_ok(sieve->out, err);
}

static bool leave_each(struct my_source *s, const char *kind, json_t *names, const char *why,
                       struct err *err)
{
    const char *name;
    json_t *unused;

    json_object_foreach(names, name, unused)
    {
        if (!my_leave_out(s, kind, name, why, err))
            return false;
    }
    return true;
}

static bool write_accounts(struct my_source *s, const struct my_accounts *a, struct err *err)
{
    AUTO(buf) struct buf grants = {0};
    struct sieve sieve = {s, &grants};

    s->accounts = json_pack("{s:i, s:i, s:b}", "accounts", (int)a->users, "roles", (int)a->roles,
                            "hashes", s->from->accounts_as == ENV_ACCOUNTS_WHOLE);
    if (!s->accounts)
        return err_memory(err);
    return sql_each(SQL_MARIADB, buf_view(&a->grants), keep_grant, &sieve, err) &&
           leave_each(s, "grants on tables and routines of database", a->elsewhere,
                      "it is another one than is captured here", err) &&
           leave_each(s, "account", a->ignored,
                      "the server does not take it up: it resolves no names of hosts "
                      "(skip_name_resolve), or it was dropped meanwhile",
                      err) &&
           (!a->without_hash ||
            my_leave_out(s, "password hashes of the accounts of", s->from->name,
                         "not asked for; the accounts that have one are locked where they are "
                         "restored",
                         err)) &&
           my_write_text(s, "accounts.sql", NULL, &a->accounts, err) &&
           my_write_text(s, "grants.sql", NULL, &grants, err);
}

bool my_write_accounts(struct my_source *s, struct err *err)
{
    AUTO(my_accounts) struct my_accounts a = {0};
    struct my_accounts_conf conf = {.database = s->from->database,
                                    .hashes = s->from->accounts_as == ENV_ACCOUNTS_WHOLE};

    if (s->from->accounts_as == ENV_ACCOUNTS_NONE)
        return my_leave_out(s, "accounts and grants of", s->from->name,
                            "not asked for ('accounts' in the environment file); they hold "
                            "password hashes",
                            err);
    return my_accounts_read(s->main, &conf, &a, err) && write_accounts(s, &a, err);
}
