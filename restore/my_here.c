#include "restore/my_here.h"

#include "lib/base/json.h"
#include "lib/sql/split.h"
#include "restore/only.h"
#include "restore/owner.h"

#include <stdlib.h>

#define KIND "mariadb."
/* CREATE, OR REPLACE, ALGORITHM = x, DEFINER = ... */
#define DEFINER_WITHIN 12

/* ---- the names of databases --------------------------------------------------------------------*/

void my_here_done(struct my_here *h)
{
    struct my_here_name *n = h->names.at;

    for (size_t i = 0; i < h->names.count; i++) {
        free(n[i].from);
        free(n[i].to);
    }
    vec_done(&h->names);
    free(h->account);
    *h = (struct my_here){0};
}

static bool add_name(struct my_here *h, const char *from, const char *to, struct err *err)
{
    struct my_here_name *n = vec_add(&h->names, err);

    if (!n)
        return false;
    n->from = strdup(from);
    n->to = strdup(to);
    return (n->from && n->to) || err_memory(err);
}

/* The name that database `name` of the environment has while ours has conf->database. */
static bool name_here(const struct my_here_conf *conf, const struct env_database *db,
                      const char *component, struct place_db *at, const char **out, struct err *err)
{
    if (strcmp(component, conf->component) == 0) {
        *out = conf->database;
        return true;
    }
    if (!place_db(conf->place, db->name, at, err))
        return false;
    bool loaded =
        at->final && !conf->placed && only_component(conf->what->only, span_of(component));
    *out = at->final && !loaded ? at->final : at->conf.database;
    return true;
}

static bool add_database(const struct my_here_conf *conf, const struct env_database *db,
                         struct my_here *h, struct err *err)
{
    const json_t *all = json_object_get(bundle_config(conf->bundle), "components");
    AUTO(buf) struct buf component = {0};
    struct place_db at;
    const char *from, *to = NULL;

    buf_printf(&component, KIND "%s", db->name);
    if (!buf_ok(&component, err))
        return false;
    from =
        json_string_value(json_object_get(json_object_get(all, buf_str(&component)), "database"));
    if (!from)
        return true;
    return name_here(conf, db, buf_str(&component), &at, &to, err) &&
           (!to || strcmp(from, to) == 0 || add_name(h, from, to, err));
}

bool my_here_open(const struct my_here_conf *conf, struct db *db, struct my_here *out,
                  struct err *err)
{
    const struct env *env = place_env(conf->place);
    const struct env_database *own = env_find_database(env, conf->component + sizeof(KIND) - 1);
    AUTO(buf) struct buf account = {0}, mode = {0};
    bool ok = true;

    *out = (struct my_here){.what = conf->what, .names = VEC(struct my_here_name)};
    if (conf->what->no_owner) {
        ok = db_value(db, &account, err, "SELECT current_user()");
        out->account = ok ? buf_take(&account) : NULL;
        ok = ok && (out->account || err_memory(err));
    }
    ok = ok && db_value(db, &mode, err, "SELECT @@global.lower_case_table_names");
    out->nocase = ok && strcmp(buf_str(&mode), "0") != 0;
    for (unsigned i = 0; ok && own && i < env->databases_count; i++)
        if (strcmp(env->databases[i].engine, own->engine) == 0 &&
            (conf->place->box || env_same_server(own, &env->databases[i])))
            ok = add_database(conf, &env->databases[i], out, err);
    if (!ok)
        my_here_done(out);
    return ok;
}

/* ---- reading -----------------------------------------------------------------------------------*/

struct token {
    enum sql_token kind;
    struct span text;
};

struct reader {
    const struct my_here_text *in;
    struct span rest;
    struct token token, before, second, third; /* the last ones but one, two, three */
};

static bool next(struct reader *r)
{
    r->third = r->second;
    r->second = r->before;
    r->before = r->token;
    r->token.kind =
        sql_token_under(SQL_MARIADB, r->in->no_backslash_escapes, &r->rest, &r->token.text);
    return r->token.kind != SQL_END;
}

static struct token peek(const struct reader *r, unsigned n)
{
    struct span rest = r->rest;
    struct token t = r->token;

    for (unsigned i = 0; i < n; i++)
        t.kind = sql_token_under(SQL_MARIADB, r->in->no_backslash_escapes, &rest, &t.text);
    return t;
}

static bool is_punct(struct token t, const char *text)
{
    return t.kind == SQL_PUNCT && span_is(t.text, text);
}

/* The text of an identifier, in any quotes. */
static bool name_of(struct token t, struct buf *out)
{
    bool quoted = t.kind == SQL_QUOTED_NAME || (t.kind == SQL_STRING && t.text.len > 1 &&
                                                (*t.text.at == '"' || *t.text.at == '\''));

    buf_clear(out);
    if (!quoted && t.kind != SQL_WORD)
        return false;
    for (size_t i = quoted; i + quoted < t.text.len; i++) {
        buf_putc(out, t.text.at[i]);
        i += quoted && t.text.at[i] == *t.text.at;
    }
    return !out->failed;
}

static bool is_name(const struct my_here *h, struct token t, const char *name)
{
    AUTO(buf) struct buf text = {0};

    return !(t.kind == SQL_STRING && *t.text.at == '\'') && name_of(t, &text) &&
           (h->nocase ? span_is_nocase(buf_view(&text), name) : span_is(buf_view(&text), name));
}

static const struct my_here_name *find_name(const struct my_here *h, struct token t)
{
    const struct my_here_name *n = h->names.at;

    for (size_t i = 0; i < h->names.count; i++)
        if (is_name(h, t, n[i].from))
            return &n[i];
    return NULL;
}

/* ---- names in a text ---------------------------------------------------------------------------*/

/* Whether `name` may be a table's, or an alias of one, in the text. */
static bool is_table_there(const struct my_here *h, const struct my_here_text *in, const char *name)
{
    struct reader r = {.in = in, .rest = in->text};

    while (next(&r)) {
        if (!is_name(h, r.token, name) || is_punct(peek(&r, 1), "."))
            continue;
        bool last = is_punct(r.before, ".");
        if (last && (is_punct(r.third, ".") || !find_name(h, r.second)))
            continue; /* a column, or of another database */
        if (!last && in->printed && span_is_nocase(r.before.text, "as"))
            continue;
        return true;
    }
    return false;
}

static bool leads_table(struct token t)
{
    static const char *const words[] = {"from", "join",  "into",      "update",
                                        "call", "table", "references"};

    for (size_t i = 0; t.kind == SQL_WORD && i < COUNT(words); i++)
        if (span_is_nocase(t.text, words[i]))
            return true;
    return false;
}

static bool is_database(const struct my_here *h, const struct reader *r,
                        const struct my_here_name *n)
{
    struct token third = peek(r, 3);

    if (is_punct(r->before, ".") || is_punct(r->before, "@") || !is_punct(peek(r, 1), "."))
        return false;
    return is_punct(third, ".") || is_punct(third, "(") || leads_table(r->before) ||
           !is_table_there(h, r->in, n->from);
}

static void put_name(struct buf *out, const char *name, char quote)
{
    buf_putc(out, quote);
    for (; *name; name++) {
        if (*name == quote)
            buf_putc(out, quote);
        buf_putc(out, *name);
    }
    buf_putc(out, quote);
}

bool my_here_names(const struct my_here *h, const struct my_here_text *in, struct buf *out,
                   bool *changed)
{
    struct reader r = {.in = in, .rest = in->text};
    const char *from = in->text.at, *end = from + in->text.len;

    while (h->names.count && next(&r)) {
        const struct my_here_name *n = find_name(h, r.token);
        if (!n || !is_database(h, &r, n))
            continue;
        buf_add(out, from, (size_t)(r.token.text.at - from));
        put_name(out, n->to, '`');
        from = r.token.text.at + r.token.text.len;
        if (changed)
            *changed = true;
    }
    return buf_add(out, from, (size_t)(end - from));
}

bool my_here_table(const struct my_here *h, struct span text, struct buf *out, struct err *err)
{
    struct my_here_text in = {.text = text, .printed = true};

    my_here_names(h, &in, out, NULL);
    return buf_ok(out, err);
}

/* ---- accounts ----------------------------------------------------------------------------------*/

bool my_here_owner(const struct my_here *h, struct span who, struct buf *out)
{
    const char *at = memrchr(who.at, '@', who.len);
    struct span user = {who.at, at ? (size_t)(at - who.at) : who.len};
    const char *to = owner_new(h->what->owners, who);

    if (!to)
        to = owner_new(h->what->owners, user);
    if (!to)
        return buf_span(out, who);
    buf_puts(out, to);
    return strrchr(to, '@') ? !out->failed : buf_add(out, user.at + user.len, who.len - user.len);
}

bool my_here_account(const struct my_here *h, struct span who, struct buf *out)
{
    return h->account ? buf_puts(out, h->account) : my_here_owner(h, who, out);
}

/* Where it stands in the text, and the account. */
static bool find_definer(struct span create, struct span *clause, struct buf *who)
{
    struct my_here_text in = {.text = create};
    struct reader r = {.in = &in, .rest = create};
    AUTO(buf) struct buf host = {0};

    for (int i = 0; i < DEFINER_WITHIN && next(&r); i++) {
        if (r.token.kind != SQL_WORD || !span_is_nocase(r.token.text, "definer") ||
            !is_punct(peek(&r, 1), "="))
            continue;
        next(&r);
        if (!next(&r) || !name_of(r.token, who))
            return false;
        *clause = r.token.text;
        buf_putc(who, '@');
        if (!is_punct(peek(&r, 1), "@"))
            return !who->failed; /* a role */
        next(&r);
        if (!next(&r) || !name_of(r.token, &host))
            return false;
        clause->len = (size_t)(r.token.text.at + r.token.text.len - clause->at);
        return buf_span(who, buf_view(&host));
    }
    return false;
}

bool my_here_clause(struct span create, struct span *clause)
{
    AUTO(buf) struct buf who = {0};

    return find_definer(create, clause, &who);
}

bool my_here_definer(struct span create, struct buf *out)
{
    struct span clause;

    return find_definer(create, &clause, out);
}

/* quote: as the server prints it under the mode of the object. */
static void put_account(struct buf *out, struct span who, char quote)
{
    const char *at = memrchr(who.at, '@', who.len);
    size_t user = at ? (size_t)(at - who.at) : who.len;
    AUTO(free) char *name = span_dup((struct span){who.at, user});
    AUTO(free)
    char *host = span_dup((struct span){who.at + user + 1, at ? who.len - user - 1 : 0});

    if (!name || !host) {
        out->failed = true;
        return;
    }
    put_name(out, name, quote);
    if (!*host)
        return;
    buf_putc(out, '@');
    put_name(out, host, quote);
}

static bool put_definer(const struct my_here *h, struct span create, struct buf *out)
{
    AUTO(buf) struct buf was = {0}, is = {0};
    struct span clause;

    if (!find_definer(create, &clause, &was) || !my_here_account(h, buf_view(&was), &is) ||
        span_eq(buf_view(&was), buf_view(&is)))
        return buf_span(out, create);
    buf_add(out, create.at, (size_t)(clause.at - create.at));
    put_account(out, buf_view(&is), *clause.at == '"' ? '"' : '`');
    const char *rest = clause.at + clause.len;
    return buf_add(out, rest, (size_t)(create.at + create.len - rest));
}

bool my_here_object(const struct my_here *h, const json_t *object, struct span create,
                    struct buf *out, struct err *err)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));
    const char *mode = json_string_value(json_object_get(object, "sql_mode"));
    AUTO(buf) struct buf named = {0};
    struct my_here_text in = {.text = create,
                              .printed = kind && strcmp(kind, "VIEW") == 0,
                              .no_backslash_escapes = mode && strstr(mode, "NO_BACKSLASH_ESCAPES")};

    my_here_names(h, &in, &named, NULL);
    return buf_ok(&named, err) && (put_definer(h, buf_view(&named), out), buf_ok(out, err));
}
