#include "restore/pg_owner.h"

#include "lib/sql/split.h"
#include "restore/owner.h"
#include "restore/pg.h"
#include "restore/pg_role_names.h"
#include "restore/pg_text.h"

#define SET_OPTION \
    160000u /* from this version on a member may be one that cannot become the role */

/* ---- statements ---------------------------------------------------------------------------------*/

bool pg_is_privilege_statement(struct span sql)
{
    return sql_starts(SQL_POSTGRESQL, sql, "grant") || sql_starts(SQL_POSTGRESQL, sql, "revoke") ||
           sql_starts(SQL_POSTGRESQL, sql, "alter default privileges");
}

bool pg_is_owner_statement(struct span sql)
{
    struct span rest = sql, token, before = {0}, second = {0};

    if (!sql_starts(SQL_POSTGRESQL, sql, "alter"))
        return false;
    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        if (span_is(before, "TO") && span_is(second, "OWNER"))
            return true;
        second = before;
        before = token;
    }
    return false;
}

static bool add_token(void *ctx, struct span token, struct err *err)
{
    struct span *at = vec_add(ctx, err);

    if (at)
        *at = token;
    return at != NULL;
}

/* The statement with `with` in the places of the role tokens `at`. */
static void put_roles(struct span sql, const struct span *at, const struct span *with, size_t count,
                      struct buf *out)
{
    const char *from = sql.at;

    for (size_t i = 0; i < count; i++) {
        buf_add(out, from, (size_t)(at[i].at - from));
        buf_span(out, with[i]);
        from = at[i].at + at[i].len;
    }
    buf_add(out, from, (size_t)(sql.at + sql.len - from));
}

/* ---- mapping -----------------------------------------------------------------------------------*/

static bool new_of(struct pg_owner *o, struct span token, struct span *out, struct err *err)
{
    char *const *quoted = o->quoted.at;
    AUTO(buf) struct buf name = {0};

    if (!pg_name(token, &name))
        return err_memory(err);
    const char *becomes = owner_new(o->what->owners, buf_view(&name));
    *out = token;
    for (size_t i = 0; i < o->quoted.count; i++) {
        const char *entry = o->what->owners->at[i];
        if (becomes && becomes > entry && becomes <= entry + strlen(entry))
            *out = span_of(quoted[i]);
        o->merged |= !becomes && span_is(token, quoted[i]);
    }
    return true;
}

static bool map_roles(struct pg_owner *o, struct span sql, struct buf *changed, struct err *err)
{
    AUTO(vec) struct vec tokens = VEC(struct span), with = VEC(struct span);
    bool any = false;

    if (!o->quoted.count || !pg_role_tokens(sql, add_token, &tokens, err))
        return !o->quoted.count;
    const struct span *at = tokens.at;
    for (size_t i = 0; i < tokens.count; i++) {
        struct span *to = vec_add(&with, err);
        if (!to || !new_of(o, at[i], to, err))
            return false;
        any |= to->at != at[i].at;
    }
    if (any)
        put_roles(sql, at, with.at, tokens.count, changed);
    return true;
}

/* ---- what needs a superuser --------------------------------------------------------------------*/

/* Nothing else stands on these, so that the rest is of use without them. */
static const struct {
    const char *head, *kind;
} others_things[] = {
    {"create event trigger", "event trigger"},
    {"alter event trigger", NULL},
    {"comment on event trigger", NULL},
    {"security label", "security label"},
};

static bool leave_out(struct pg_owner *o, const char *kind, struct span name, struct err *err)
{
    AUTO(buf) struct buf what = {0};

    buf_printf(&what, "%s ", kind);
    buf_span(&what, name);
    json_t *one = json_pack("{s:o, s:s}", "what", json_bytes(buf_view(&what)), "why",
                            "only a superuser may make it");
    return json_array_append_new(o->left_out, one) == 0 || err_memory(err);
}

static bool is_beyond(struct pg_owner *o, struct span sql, bool *beyond, struct err *err)
{
    for (size_t i = 0; o->limited && i < COUNT(others_things); i++) {
        struct span rest = sql, name = {0};

        if (!sql_starts(SQL_POSTGRESQL, sql, others_things[i].head))
            continue;
        *beyond = true;
        for (const char *word = others_things[i].head; word; word = strchr(word + 1, ' '))
            sql_token_next(SQL_POSTGRESQL, &rest, &name);
        sql_token_next(SQL_POSTGRESQL, &rest, &name);
        return !others_things[i].kind || leave_out(o, others_things[i].kind, name, err);
    }
    *beyond = false;
    return true;
}

/* ---- a text ------------------------------------------------------------------------------------*/

/* ALTER ROLE name IN DATABASE ... */
static bool is_role_setting(struct pg_owner *o, struct span sql, bool *beyond, struct err *err)
{
    AUTO(buf) struct buf name = {0}, what = {0};
    struct span rest = sql, token = {0};

    if (!o->roles || !sql_starts(SQL_POSTGRESQL, sql, "alter role"))
        return true;
    for (int i = 0; i < 3; i++)
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
    if (!pg_name(token, &name))
        return err_memory(err);
    bool there = json_object_get(o->roles, buf_str(&name)) != NULL;
    *beyond = !there || o->limited;
    if (!*beyond)
        return true;
    buf_printf(&what, "settings of role %s in the database", buf_str(&name));
    json_t *one = json_pack("{s:o, s:s}", "what", json_bytes(buf_view(&what)), "why",
                            there ? "only a superuser may make them" : "the role is not there");
    return json_array_append_new(o->left_out, one) == 0 || err_memory(err);
}

/* A grant of somebody whom the session cannot become is made by the owner. */
static bool is_no_grantor(struct pg_owner *o, struct span sql, bool *beyond, struct err *err)
{
    AUTO(buf) struct buf name = {0}, what = {0};
    struct span role;

    if (!pg_text_grantor(sql, &role))
        return true;
    *beyond = o->what->no_privileges;
    if (*beyond || !o->limited || !role.len)
        return true;
    if (!pg_name(role, &name))
        return err_memory(err);
    const char *becomes = owner_new(o->what->owners, buf_view(&name));
    *beyond = !json_object_get(o->members, becomes ? becomes : buf_str(&name));
    if (!*beyond)
        return true;
    buf_printf(&what, "grants made by role %s", buf_str(&name));
    json_t *one = json_pack("{s:o, s:s}", "what", json_bytes(buf_view(&what)), "why",
                            "the account is not of that role: they are the owner's");
    return json_array_append_new(o->left_out, one) == 0 || err_memory(err);
}

static bool apply(void *ctx, struct span sql, struct buf *changed, enum pg_fate *fate,
                  struct err *err)
{
    struct pg_owner *o = ctx;
    bool beyond = false;

    if (o->roles && pg_text_is_of_space(sql)) { /* on a server of others they are not ours */
        *fate = PG_DROP;
        return true;
    }
    if (!is_beyond(o, sql, &beyond, err) || !is_role_setting(o, sql, &beyond, err) ||
        !is_no_grantor(o, sql, &beyond, err))
        return false;
    if (beyond || (o->what->no_owner && pg_is_owner_statement(sql)) ||
        (o->what->no_privileges && pg_is_privilege_statement(sql))) {
        *fate = PG_DROP;
        return true;
    }
    if (!map_roles(o, sql, changed, err))
        return false;
    if (changed->len)
        *fate = PG_CHANGE;
    return true;
}

bool pg_owner_apply(struct pg_owner *o, struct buf *text, const char *name, struct err *err)
{
    if (!o->limited && !o->quoted.count && !o->what->no_owner && !o->what->no_privileges)
        return true;
    return pg_text_filter(text, name, apply, o, err);
}

bool pg_owner_database(struct pg_owner *o, struct db *db, bool on_server, struct buf *text,
                       struct err *err)
{
    AUTO(json) json_t *roles = NULL;

    if (!on_server)
        return pg_owner_apply(o, text, "database.sql", err);
    if (!db_names(db, &roles, err, "SELECT rolname FROM pg_catalog.pg_roles"))
        return false;
    o->roles = roles;
    bool ok = pg_text_filter(text, "database.sql", apply, o, err);
    o->roles = NULL;
    return ok;
}

bool pg_owner_blurs(const struct pg_owner *o)
{
    return (o->what->no_owner || o->merged) && !o->what->no_privileges;
}

static int by_name(const void *a, const void *b)
{
    return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool sort_roles(struct span sql, struct buf *changed, struct err *err)
{
    AUTO(vec) struct vec tokens = VEC(struct span), sorted = VEC(struct span);

    if (!pg_role_tokens(sql, add_token, &tokens, err) ||
        !pg_role_tokens(sql, add_token, &sorted, err))
        return false;
    if (tokens.count < 2)
        return true;
    qsort(sorted.at, sorted.count, sorted.item, by_name);
    put_roles(sql, tokens.at, sorted.at, tokens.count, changed);
    return true;
}

static bool blur(void *ctx, struct span sql, struct buf *changed, enum pg_fate *fate,
                 struct err *err)
{
    const struct pg_owner *o = ctx;

    if ((o->what->no_owner && pg_is_owner_statement(sql)) ||
        (pg_owner_blurs(o) && pg_is_privilege_statement(sql))) {
        *fate = PG_DROP;
        return true;
    }
    if (!sql_starts(SQL_POSTGRESQL, sql, "create policy"))
        return true;
    if (!sort_roles(sql, changed, err))
        return false;
    if (changed->len)
        *fate = PG_CHANGE;
    return true;
}

bool pg_owner_blur(const struct pg_owner *o, struct buf *text, struct err *err)
{
    struct pg_owner copy = *o;

    return pg_text_filter(text, "schema", blur, &copy, err);
}

/* ---- life --------------------------------------------------------------------------------------*/

static bool quote_new(struct pg_owner *o, struct db *db, const char *entry, struct err *err)
{
    AUTO(buf) struct buf literal = {0}, quoted = {0};
    char **at = vec_add(&o->quoted, err);

    if (!at)
        return false;
    *at = NULL;
    db_quote_text(db, strchr(entry, '=') + 1, &literal);
    if (!db_value(db, &quoted, err, "SELECT pg_catalog.quote_ident(%s)", buf_str(&literal)))
        return false;
    *at = buf_take(&quoted);
    return *at || err_memory(err);
}

bool pg_owner_open(const struct selection *what, struct db *db, struct pg_owner *out,
                   struct err *err)
{
    AUTO(buf) struct buf super = {0};

    *out = (struct pg_owner){.what = what, .quoted = VEC(char *), .left_out = json_array()};
    if (!out->left_out)
        return err_memory(err);
    for (size_t i = 0; what->owners && i < what->owners->count; i++)
        if (!quote_new(out, db, what->owners->at[i], err))
            return false;
    if (!db_value(db, &super, err,
                  "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"))
        return false;
    out->limited = !span_is(buf_view(&super), "t");
    return !out->limited ||
           db_names(db, &out->members, err,
                    db->version >= SET_OPTION ? "SELECT rolname FROM pg_catalog.pg_roles WHERE "
                                                "pg_catalog.pg_has_role(oid, 'SET')"
                                              : "SELECT rolname FROM pg_catalog.pg_roles WHERE "
                                                "pg_catalog.pg_has_role(oid, 'MEMBER')");
}

void pg_owner_done(struct pg_owner *o)
{
    char **quoted = o->quoted.at;

    for (size_t i = 0; i < o->quoted.count; i++)
        free(quoted[i]);
    vec_done(&o->quoted);
    json_decref(o->left_out);
    json_decref(o->members);
    *o = (struct pg_owner){0};
}
