/* PostgreSQL: roles and the database itself.
 *
 * The statements that make them, of the bundle and of the box, are taken apart into facts. No text of
 * a setting or comment is shown, which may be anything.
 * Passwords are never captured, hence never compared. The role that the box's server was made with
 * belongs to the box; so do the accounts that the environment file connects as, where the bundle has
 * none of that name.
 */
#include "restore/proof_pg.h"

#include "lib/db/pg_schema.h"
#include "lib/sql/split.h"
#include "restore/only.h"
#include "restore/pg_text.h"
#include "restore/proof_facts.h"

struct facts {
    json_t *map;
    bool own_rights; /* the database has rights other than a new one's */
    struct span db_owner;
    struct span grantor; /* of the next GRANTs; "": the owner */
};

/* ---- facts -------------------------------------------------------------------------------------*/

static bool is_of_space(const char *key)
{
    return strncmp(key, "tablespace ", strlen("tablespace ")) == 0;
}

/* fact->of: the name of the role, or the tablespace. */
static bool put(struct facts *f, const struct fact *fact, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool put(struct facts *f, const struct fact *fact, struct err *err, const char *fmt, ...)
{
    AUTO(buf) struct buf key = {0}, of = {0};
    struct fact whole = *fact;
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&key, fmt, ap);
    va_end(ap);
    if (fact->of.len)
        buf_printf(&of, "%s %.*s", is_of_space(buf_str(&key)) ? "tablespace" : "role",
                   (int)fact->of.len, fact->of.at);
    whole.key = buf_view(&key);
    whole.of = buf_view(&of);
    return buf_ok(&key, err) && buf_ok(&of, err) && facts_put(f->map, &whole, err);
}

static struct span next(struct span *rest)
{
    struct span token = {0};

    if (sql_token_next(SQL_POSTGRESQL, rest, &token) == SQL_END)
        return SPAN("");
    return token;
}

static struct span behind(struct span sql, unsigned words)
{
    while (words--)
        next(&sql);
    return sql;
}

#define SHOW(s) (int)(s).len, (s).at

/* SUPERUSER NOINHERIT ... CONNECTION LIMIT 5 VALID UNTIL '2030-01-01' */
static bool attributes(struct facts *f, struct span role, struct span rest, struct err *err)
{
    struct span word;

    while ((word = next(&rest)).len) {
        struct fact fact = {.of = role, .value = SPAN("yes")};
        if (span_is(word, "CONNECTION") || span_is(word, "VALID")) {
            struct span second = next(&rest), value = next(&rest);
            if (span_is(value, "-"))
                value.len += next(&rest).len;
            fact.value = value;
            word.len = (size_t)(second.at + second.len - word.at);
        } else if (span_starts(word, "NO")) {
            word = (struct span){word.at + 2, word.len - 2};
            fact.value = SPAN("no");
        }
        if (!put(f, &fact, err, "role %.*s: %.*s", SHOW(role), SHOW(word)))
            return false;
    }
    return true;
}

/* name TO value: what a setting is set to is nobody's business here. */
static bool setting(struct facts *f, struct span of, const char *whose, struct span rest,
                    struct err *err)
{
    struct span name = next(&rest);
    struct fact fact = {.of = of, .value = span_trim(behind(rest, 1)), .hidden = true};

    return put(f, &fact, err, "%s: setting %.*s", whose, SHOW(name));
}

static bool alter_role(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 2), role = next(&rest), what = next(&rest);
    AUTO(buf) struct buf whose = {0};

    if (span_is(what, "WITH"))
        return attributes(f, role, rest, err);
    if (span_is(role, "ALL"))
        return setting(f, (struct span){0}, "all roles", rest, err);
    if (span_is(what, "SET")) {
        buf_printf(&whose, "role %.*s", SHOW(role));
        return buf_ok(&whose, err) && setting(f, role, buf_str(&whose), rest, err);
    }
    /* IN DATABASE name SET */
    buf_printf(&whose, "the database: of role %.*s", SHOW(role));
    return buf_ok(&whose, err) &&
           setting(f, (struct span){0}, buf_str(&whose), behind(rest, 3), err);
}

/* TEMPLATE = template0 ENCODING = 'UTF8' ... */
static bool create_database(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 4), word;

    while ((word = next(&rest)).len) {
        rest = behind(rest, 1);
        struct fact fact = {.value = next(&rest)};
        if (!span_is(word, "TEMPLATE") && !put(f, &fact, err, "the database: %.*s", SHOW(word)))
            return false;
    }
    return true;
}

static bool alter_database(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 3), what = next(&rest);

    struct fact fact = {.value = pg_text_database_space(sql)};
    if (fact.value.at)
        return put(f, &fact, err, "the database: tablespace");
    if (span_is(what, "SET"))
        return setting(f, (struct span){0}, "the database", rest, err);
    fact.value = span_trim(behind(rest, 1));
    if (span_is(what, "OWNER")) {
        f->db_owner = fact.value;
        return put(f, &fact, err, "the database: owner");
    }
    if (span_is(what, "CONNECTION"))
        return put(f, &fact, err, "the database: CONNECTION LIMIT");
    fact.value = span_trim(behind(rest, 2)); /* WITH IS_TEMPLATE = true */
    return put(f, &fact, err, "the database: IS_TEMPLATE");
}

/* OWNER TO role; SET (option = value, ...) */
static bool alter_tablespace(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 2), name = next(&rest), what = next(&rest);
    bool owner = span_is(what, "OWNER");
    struct fact fact = {.of = name, .value = span_trim(owner ? behind(rest, 1) : rest)};

    return put(f, &fact, err, "tablespace %.*s: %s", SHOW(name), owner ? "owner" : "options");
}

static bool grant(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 1), what = next(&rest), word = next(&rest);

    while (word.len && !span_is(word, "ON") && !span_is(word, "TO")) { /* ALTER SYSTEM */
        what.len = (size_t)(word.at + word.len - what.at);
        word = next(&rest);
    }
    if (span_is(word, "TO")) {
        struct span member = next(&rest);
        struct fact fact = {.of = member, .value = span_trim(rest)};
        return put(f, &fact, err, "role %.*s: member of %.*s", SHOW(member), SHOW(what));
    }
    struct span kind = next(&rest), name = next(&rest);
    rest = behind(rest, 1);
    struct span who = next(&rest);
    struct fact fact = {.value = span_trim(rest)};
    if (span_is(kind, "DATABASE") && f->grantor.len)
        return put(f, &fact, err, "the database: right %.*s of %.*s, granted by %.*s", SHOW(what),
                   SHOW(who), SHOW(f->grantor));
    if (span_is(kind, "DATABASE"))
        return put(f, &fact, err, "the database: right %.*s of %.*s", SHOW(what), SHOW(who));
    if (!span_is(kind, "TABLESPACE"))
        return put(f, &fact, err, "parameter %.*s: right %.*s of %.*s", SHOW(name), SHOW(what),
                   SHOW(who));
    fact.of = name;
    return put(f, &fact, err, "tablespace %.*s: right %.*s of %.*s", SHOW(name), SHOW(what),
               SHOW(who));
}

static bool comment(struct facts *f, struct span sql, struct err *err)
{
    struct span rest = behind(sql, 2), kind = next(&rest), name = next(&rest);
    struct fact fact = {.value = span_trim(behind(rest, 1)), .hidden = true};

    if (span_is(kind, "DATABASE"))
        return put(f, &fact, err, "the database: comment");
    fact.of = name;
    return put(f, &fact, err, "%s %.*s: comment", span_is(kind, "ROLE") ? "role" : "tablespace",
               SHOW(name));
}

static bool take_apart(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct facts *f = ctx;
    struct span sql = st->text, rest = sql, verb = next(&rest), kind = next(&rest);
    bool role = span_is(kind, "ROLE");

    if (pg_text_grantor(sql, &f->grantor))
        return true;
    if (span_is(verb, "CREATE") && role) {
        struct fact fact = {.of = next(&rest)};
        return put(f, &fact, err, "role %.*s", SHOW(fact.of));
    }
    if (span_is(verb, "CREATE"))
        return create_database(f, sql, err);
    if (span_is(verb, "ALTER"))
        return role                          ? alter_role(f, sql, err)
               : span_is(kind, "TABLESPACE") ? alter_tablespace(f, sql, err)
                                             : alter_database(f, sql, err);
    if (span_is(verb, "GRANT"))
        return grant(f, sql, err);
    if (span_is(verb, "COMMENT"))
        return comment(f, sql, err);
    f->own_rights = true; /* REVOKE ALL ON DATABASE: what is granted follows */
    return true;
}

static bool read_facts(struct facts *f, struct span text, struct err *err)
{
    return sql_each(SQL_POSTGRESQL, text, take_apart, f, err);
}

/* ---- the database ------------------------------------------------------------------------------*/

/* What goes without a statement; rights: since PostgreSQL 8.2. */
static bool database_facts(struct span text, struct facts *f, struct err *err)
{
    static const char *const of_public[] = {"CONNECT", "TEMPORARY"};
    static const char *const of_owner[] = {"CREATE", "CONNECT", "TEMPORARY"};
    struct fact unlimited = {.value = SPAN("-1")}, no = {.value = SPAN("false")}, plain = {0},
                usual = {.value = SPAN("pg_default")};

    f->map = json_object();
    if (!f->map)
        return err_memory(err);
    if (!put(f, &unlimited, err, "the database: CONNECTION LIMIT") ||
        !put(f, &usual, err, "the database: tablespace") ||
        !put(f, &no, err, "the database: IS_TEMPLATE") || !read_facts(f, text, err))
        return false;
    for (size_t i = 0; !f->own_rights && i < COUNT(of_public); i++)
        if (!put(f, &plain, err, "the database: right %s of PUBLIC", of_public[i]))
            return false;
    for (size_t i = 0; !f->own_rights && i < COUNT(of_owner); i++)
        if (!put(f, &plain, err, "the database: right %s of %.*s", of_owner[i], SHOW(f->db_owner)))
            return false;
    return true;
}

/* What need not be the same on a server that is not ours. */
static const struct {
    const char *key, *why;
} not_there[] = {
    {"the database: CONNECTION LIMIT", "it is set at the end"},
    {"the database: IS_TEMPLATE", "it is set at the end"},
    {"the database: tablespace", "the server's are its own"},
};

static bool leave_on_server(struct facts_both *c, struct err *err)
{
    for (size_t i = 0; i < COUNT(not_there); i++) {
        const char *key = not_there[i].key;
        AUTO(buf) struct buf text = {0};
        bool same = json_equal(json_object_get(c->bundle, key), json_object_get(c->box, key));

        json_object_del(c->bundle, key);
        json_object_del(c->box, key);
        buf_printf(&text, "%s: %s", key, not_there[i].why);
        if (!buf_ok(&text, err) || (!same && !proof_skip(c->part, buf_str(&text), err)))
            return false;
    }
    return true;
}

/* Of tablespaces that the bundle says nothing of: an older one, or for a server that is not ours. */
static void leave_spaces(struct facts_both *c)
{
    const char *key, *of;
    json_t *fact, *other;
    void *next_one;

    json_object_foreach_safe(c->box, next_one, key, fact)
    {
        bool told = !is_of_space(key);

        json_object_foreach(c->bundle, of, other) told |=
            is_of_space(of) && strcmp(fact_member(other, "of"), fact_member(fact, "of")) == 0;
        if (!told)
            json_object_del(c->box, key);
    }
}

bool proof_pg_database(struct proof_part *p, const struct pg_owner *owner, struct db *db,
                       struct err *err)
{
    AUTO(buf) struct buf was = {0}, is = {0};
    struct facts bundle = {0}, box = {0};
    struct pg_owner mine = *owner; /* another worker compares the schema by it at the same time */
    bool ok = proof_bundle_text(p, "database.sql", &was, err) && pg_database_read(db, &is, err) &&
              pg_owner_database(&mine, db, !p->conf->place.box, &was, err) &&
              pg_owner_blur(&mine, &was, err) && pg_owner_blur(&mine, &is, err) &&
              database_facts(buf_view(&was), &bundle, err) &&
              database_facts(buf_view(&is), &box, err);
    struct facts_both both = {.part = p, .bundle = bundle.map, .box = box.map};

    if (ok)
        leave_spaces(&both);
    ok = ok && (p->conf->place.box || leave_on_server(&both, err)) && facts_compare(&both, err);
    json_decref(bundle.map);
    json_decref(box.map);
    return ok;
}

/* ---- roles -------------------------------------------------------------------------------------*/

struct comparing {
    struct proof_part *part;
    json_t *bundle, *box; /* facts */
    json_t *known, *own;  /* as of struct facts_both */
};

/* The restore made a role as the first component had it, and granted what each said. */
static bool merge(json_t *into, const json_t *more, struct err *err)
{
    AUTO(json) json_t *before = json_copy(into);
    const char *key;
    json_t *fact;

    if (!before)
        return err_memory(err);
    json_object_foreach((json_t *)(uintptr_t)more, key, fact)
    {
        const char *of = fact_member(fact, "of");
        bool membership = strstr(key, ": member of ") != NULL;
        if (*of && !membership && json_object_get(before, of))
            continue;
        if (membership && json_object_get(into, key) && !*fact_member(fact, "value"))
            continue;
        if (json_object_set(into, key, fact) != 0)
            return err_memory(err);
    }
    return true;
}

static bool add_component(struct comparing *c, const char *component, struct err *err)
{
    AUTO(free) char *stream = stream_name(component, NULL, "globals.sql");
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *map = json_object();
    struct facts f = {.map = map};

    if (!stream || !map)
        return err_memory(err);
    if (!bundle_read_text(c->part->conf->bundle, stream, &text, err) ||
        !read_facts(&f, buf_view(&text), err) || !facts_know(map, c->known, err))
        return false;
    return !only_component(c->part->conf->what.only, span_of(component)) ||
           merge(c->bundle, map, err);
}

static bool is_ours(const struct proof_part *p, const struct stream *s)
{
    return strncmp(s->component, "postgresql.", strlen("postgresql.")) == 0 &&
           only_component(p->conf->what.only, span_of(s->component));
}

/* In the order in which the restore took them up. */
static bool add_components(struct comparing *c, struct err *err)
{
    AUTO(json) json_t *seen = json_object();
    size_t count = 0;
    const struct stream *s = bundle_streams(c->part->conf->bundle, &count);

    for (size_t i = 0; i < count; i++) {
        if (strncmp(s[i].component, "postgresql.", strlen("postgresql.")) != 0 ||
            json_object_get(seen, s[i].component))
            continue;
        if (json_object_set_new(seen, s[i].component, json_true()) != 0)
            return err_memory(err);
        if (!add_component(c, s[i].component, err))
            return false;
    }
    return true;
}

bool proof_pg_is_first(const struct proof_part *p)
{
    size_t count = 0;
    const struct stream *s = bundle_streams(p->conf->bundle, &count);

    for (size_t i = 0; i < count; i++)
        if (is_ours(p, &s[i]))
            return strcmp(s[i].component, p->component) == 0;
    return false;
}

/* The key of what is known of a role, whose name is as a query gives it. */
static bool add_role(struct db *db, json_t *to, const char *query, struct err *err)
{
    AUTO(buf) struct buf name = {0}, key = {0};

    if (!db_value(db, &name, err, "SELECT pg_catalog.quote_ident(%s)", query))
        return false;
    buf_printf(&key, "role %s", buf_str(&name));
    AUTO(json) json_t *shown = json_words(buf_view(&key));
    return (shown && json_object_set_new(to, json_string_value(shown), json_true()) == 0) ||
           err_memory(err);
}

static bool know(struct comparing *c, struct db *db, const char *role, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    db_quote_text(db, role, &text);
    return buf_ok(&text, err) && add_role(db, c->known, buf_str(&text), err);
}

static bool add_accounts(struct comparing *c, struct db *db, struct err *err)
{
    const struct env *env = place_env(&c->part->conf->place);
    const struct opt_list *owners = c->part->conf->what.owners;

    for (unsigned i = 0; i < env->databases_count; i++) {
        const struct env_database *d = &env->databases[i];
        if (strcmp(d->engine, "postgresql") == 0 && d->user && !know(c, db, d->user, err))
            return false;
    }
    for (size_t i = 0; owners && i < owners->count; i++)
        if (!know(c, db, strchr(owners->at[i], '=') + 1, err))
            return false;
    return true;
}

static bool tell_admin(const struct comparing *c, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    const char *admin = json_object_iter_key(json_object_iter(c->own));

    buf_printf(&text, "%s: the box's server has one of its own", admin);
    return buf_ok(&text, err) && proof_skip(c->part, buf_str(&text), err);
}

static bool compare_roles(struct comparing *c, struct db *db, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct facts box = {.map = c->box};

    /* 10 is the role that the server was made with. */
    if (!add_role(db, c->own, "(SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10)", err) ||
        !add_accounts(c, db, err) || !add_components(c, err) || !pg_globals_read(db, &text, err) ||
        !read_facts(&box, buf_view(&text), err))
        return false;
    struct facts_both both = {
        .part = c->part, .bundle = c->bundle, .box = c->box, .known = c->known, .own = c->own};
    return facts_compare(&both, err) && (!both.met_own || tell_admin(c, err));
}

bool proof_pg_globals(struct proof_part *p, struct db *db, struct err *err)
{
    struct comparing c = {.part = p,
                          .bundle = json_object(),
                          .box = json_object(),
                          .known = json_object(),
                          .own = json_object()};
    bool ok = c.bundle && c.box && c.known && c.own ? compare_roles(&c, db, err) : err_memory(err);

    json_decref(c.bundle);
    json_decref(c.box);
    json_decref(c.known);
    json_decref(c.own);
    return ok;
}
