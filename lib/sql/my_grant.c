#include "lib/sql/my_grant.h"

#include "lib/base/auto.h"
#include "lib/base/vec.h"
#include "lib/sql/split.h"

#define NOTHING ((struct span){NULL, 0})

/* ---- tokens ------------------------------------------------------------------------------------*/

static struct span next(struct span *rest)
{
    struct span token;

    return sql_token_next(SQL_MARIADB, rest, &token) == SQL_END ? SPAN("") : token;
}

static struct span peek(struct span rest)
{
    return next(&rest);
}

/* last: of the same text, or none at its end. */
static struct span until(struct span from, struct span last)
{
    if (!last.len)
        return from;
    return (struct span){from.at, (size_t)(last.at + last.len - from.at)};
}

/* `user`@`host`, `role`, PUBLIC, off the front. */
static struct span take_account(struct span *rest)
{
    struct span name = next(rest);

    if (!name.len || !span_is(peek(*rest), "@"))
        return name;
    next(rest);
    return until(name, next(rest));
}

/* Only what a server shows is taken, for it is run by who restores: a name between comments, or words
 * in place of one, could make another statement of it. A name has its quotes, which end where it does;
 * of the two the backtick knows no escapes. */
static bool is_closed(struct span name, char quote)
{
    if (name.len < 2 || *name.at != quote)
        return false;
    for (size_t i = 1; i + 1 < name.len; i++) {
        if (name.at[i] == '\\' && quote == '\'')
            return false;
        if (name.at[i] == quote && (i + 2 >= name.len || name.at[++i] != quote))
            return false;
    }
    return name.at[name.len - 1] == quote;
}

/* A word as it is: of a right, or of a name that older servers show without quotes. */
static bool is_bare(struct span word, bool upper)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '$';
        if (!(c >= 'A' && c <= 'Z') && c != '_' && (upper || !lower))
            return false;
    }
    return word.len > 0;
}

/* MySQL 5.7 shows accounts in apostrophes. */
static bool is_name(struct span name)
{
    return is_closed(name, '`') || is_closed(name, '\'');
}

static bool is_role(struct span role)
{
    return is_closed(role, '`') || is_bare(role, false);
}

static bool is_account(struct span account)
{
    struct span rest = account, name = next(&rest);

    return span_is(account, "PUBLIC") ||
           (is_name(name) &&
            (!rest.len || (*rest.at == '@' && is_name((struct span){rest.at + 1, rest.len - 1}))));
}

bool my_name(struct span quoted, struct buf *out)
{
    return sql_unquote(quoted, quoted.len && *quoted.at == '\'' ? '\'' : '`', out);
}

bool my_account_names(struct span account, struct buf *user, struct buf *host)
{
    struct span rest = account, name = next(&rest);

    next(&rest);
    return my_name(name, user) && my_name(next(&rest), host);
}

static bool has_host(struct span account)
{
    next(&account);
    return account.len > 0;
}

bool my_account_same(struct span a, struct span b, bool *same)
{
    AUTO(buf) struct buf user = {0}, host = {0}, other = {0}, others = {0};

    if (!my_account_names(a, &user, &host) || !my_account_names(b, &other, &others))
        return false;
    *same = has_host(a) == has_host(b) && span_eq(buf_view(&user), buf_view(&other)) &&
            span_eq(buf_view(&host), buf_view(&others));
    return true;
}

static void skip(struct span *text)
{
    text->at++;
    text->len--;
}

/* Whether what stands first in the pattern takes the character; it is off the front then. */
static bool takes(struct span *pattern, char c)
{
    char want = *pattern->at;

    skip(pattern);
    if (want == '_')
        return true;
    if (want == '\\' && pattern->len) {
        want = *pattern->at;
        skip(pattern);
    }
    return want == c;
}

/* Only the last `%` need be tried again: what stood before it takes no less by taking more. */
bool my_like(struct span pattern, struct span name)
{
    struct span behind = NOTHING, from = NOTHING;

    while (pattern.len || name.len) {
        if (pattern.len && *pattern.at == '%') {
            skip(&pattern);
            behind = pattern;
            from = name;
        } else if (pattern.len && name.len && takes(&pattern, *name.at)) {
            skip(&name);
        } else {
            if (!behind.at || !from.len)
                return false;
            skip(&from);
            pattern = behind;
            name = from;
        }
    }
    return true;
}

/* ---- grants ------------------------------------------------------------------------------------*/

/* What stands before the first of the words ON and TO; *word is which. */
static struct span take_what(struct span *rest, struct span *word)
{
    struct span what = SPAN(""), token;
    unsigned depth = 0;

    while ((token = next(rest)).len) {
        if (!depth && (span_is(token, "ON") || span_is(token, "TO")))
            break;
        depth += span_is(token, "(");
        depth -= depth && span_is(token, ")");
        what = what.len ? until(what, token) : token;
    }
    *word = token;
    return what;
}

static bool is_kind(struct span kind)
{
    static const char *const kinds[] = {"PROCEDURE", "FUNCTION", "PACKAGE", "PACKAGE BODY"};

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(kind, kinds[i]))
            return true;
    return false;
}

static bool take_object(struct span *rest, struct my_grant *g)
{
    struct span token = next(rest);

    if (token.len && *token.at != '`' && *token.at != '*') {
        g->kind = token;
        token = next(rest);
        if (span_is(token, "BODY")) {
            g->kind = until(g->kind, token);
            token = next(rest);
        }
        if (!is_kind(g->kind))
            return false;
    }
    g->database = token;
    if (!span_is(next(rest), "."))
        return false;
    g->object = next(rest);
    bool all = span_is(g->object, "*"), server = span_is(g->database, "*");
    g->scope = server       ? MY_SCOPE_SERVER
               : all        ? MY_SCOPE_DATABASE
               : g->kind.at ? MY_SCOPE_ROUTINE
                            : MY_SCOPE_TABLE;
    return (server || is_closed(g->database, '`')) &&
           (all ? !g->kind.at : !server && is_closed(g->object, '`'));
}

/* (`a`, `b`) behind the opening parenthesis. */
static bool take_columns(struct span *rest)
{
    struct span token;

    do {
        token = next(rest);
        if (!is_closed(token, '`') && !is_bare(token, false))
            return false;
        token = next(rest);
    } while (span_is(token, ","));
    return span_is(token, ")");
}

/* SELECT, DELETE HISTORY, INSERT (`a`, `b`) */
static bool are_rights(struct span what)
{
    struct span token;

    do {
        if (!is_bare(next(&what), true))
            return false;
        while (is_bare(peek(what), true))
            next(&what);
        token = next(&what);
        if (span_is(token, "(")) {
            if (!take_columns(&what))
                return false;
            token = next(&what);
        }
    } while (span_is(token, ","));
    return !token.len;
}

static bool has_option(struct span rest)
{
    struct span token, before = NOTHING;

    while ((token = next(&rest)).len) {
        if (span_is(token, "OPTION") && (span_is(before, "GRANT") || span_is(before, "ADMIN")))
            return true;
        before = token;
    }
    return false;
}

/* SET DEFAULT ROLE role FOR account */
static bool parse_default(struct span rest, struct my_grant *g)
{
    next(&rest);
    next(&rest);
    g->scope = MY_SCOPE_DEFAULT;
    g->what = take_account(&rest);
    if (!is_role(g->what) || !span_is(next(&rest), "FOR"))
        return false;
    g->to = take_account(&rest);
    return is_account(g->to);
}

bool my_grant_parse(struct span sql, struct my_grant *out)
{
    struct my_grant g = {0};
    struct span rest = sql, verb = next(&rest), word;
    bool known = false;

    if (span_is(verb, "SET")) {
        if (!parse_default(rest, &g))
            return false;
        *out = g;
        return true;
    }
    if (!span_is(verb, "GRANT"))
        return false;
    g.what = take_what(&rest, &word);
    if (span_is(word, "TO")) {
        g.scope = MY_SCOPE_MEMBER;
        known = is_role(g.what);
    } else if (span_is(g.what, "PROXY")) {
        g.scope = MY_SCOPE_PROXY;
        g.what = take_account(&rest);
        word = next(&rest);
        known = is_account(g.what);
    } else if (take_object(&rest, &g)) {
        word = next(&rest);
        known = are_rights(g.what);
    }
    if (!known || !span_is(word, "TO"))
        return false;
    g.to = take_account(&rest);
    g.option = has_option(rest);
    if (!is_account(g.to))
        return false;
    *out = g;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* (`b`, `a`) behind the opening parenthesis. */
static bool sorted_columns(struct span *rest, struct buf *out)
{
    AUTO(vec) struct vec columns = VEC(struct span);
    struct span token;

    while ((token = next(rest)).len && !span_is(token, ")")) {
        struct span *one = span_is(token, ",") ? NULL : vec_add(&columns, NULL);
        if (one)
            *one = token;
        else if (!span_is(token, ","))
            return false;
    }
    struct span *at = columns.at;
    if (columns.count)
        qsort(at, columns.count, sizeof(*at), by_bytes);
    for (size_t i = 0; i < columns.count; i++) {
        buf_puts(out, i ? ", " : " (");
        buf_span(out, at[i]);
    }
    return buf_putc(out, ')');
}

bool my_grant_rights(const struct my_grant *g, struct buf *out)
{
    struct span rest = g->what, token;
    bool first = true;

    if (g->scope == MY_SCOPE_MEMBER || g->scope == MY_SCOPE_PROXY || g->scope == MY_SCOPE_DEFAULT)
        return buf_span(out, g->what);
    while ((token = next(&rest)).len) {
        if (span_is(token, "(")) {
            if (!sorted_columns(&rest, out))
                return false;
            continue;
        }
        bool comma = span_is(token, ",");
        buf_puts(out, comma || first ? "" : " ");
        buf_span(out, token);
        first = false;
    }
    return !out->failed;
}

bool my_grant_write(const struct my_grant *g, struct buf *out)
{
    if (g->scope == MY_SCOPE_DEFAULT) {
        buf_puts(out, "SET DEFAULT ROLE ");
        buf_span(out, g->what);
        buf_puts(out, " FOR ");
        return buf_span(out, g->to);
    }
    buf_puts(out, g->scope == MY_SCOPE_PROXY ? "GRANT PROXY ON " : "GRANT ");
    my_grant_rights(g, out);
    if (g->database.at) {
        buf_puts(out, " ON ");
        buf_span(out, g->kind);
        buf_puts(out, g->kind.at ? " " : "");
        buf_span(out, g->database);
        buf_putc(out, '.');
        buf_span(out, g->object);
    }
    buf_puts(out, " TO ");
    buf_span(out, g->to);
    if (g->option)
        buf_puts(out, g->scope == MY_SCOPE_MEMBER ? " WITH ADMIN OPTION" : " WITH GRANT OPTION");
    return !out->failed;
}

/* ---- accounts ----------------------------------------------------------------------------------*/

/* The clause that the word begins; `before` tells IDENTIFIED BY PASSWORD from PASSWORD EXPIRE. */
static struct span *clause_of(struct my_user *u, struct span word, struct span before)
{
    if (span_is(word, "IDENTIFIED"))
        return &u->auth;
    if (span_is(word, "REQUIRE"))
        return &u->require;
    if (span_is(word, "WITH") && !span_is(before, "IDENTIFIED"))
        return &u->limits;
    if (span_is(word, "ACCOUNT"))
        return &u->lock;
    if (span_is(word, "PASSWORD") && !span_is(before, "BY"))
        return &u->password;
    return NULL;
}

bool my_user_parse(struct span sql, struct my_user *out)
{
    struct my_user u = {0};
    struct span rest = sql, verb = next(&rest), token, before = NOTHING;
    struct span *clause = NULL;

    if ((!span_is(verb, "CREATE") && !span_is(verb, "ALTER")) || !span_is(next(&rest), "USER"))
        return false;
    for (unsigned i = 0; i < 3 && span_is(peek(rest), i == 0   ? "IF"
                                                      : i == 1 ? "NOT"
                                                               : "EXISTS");
         i++)
        next(&rest);
    u.name = take_account(&rest);
    while ((token = next(&rest)).len) {
        struct span *begun = clause_of(&u, token, before);
        if (begun)
            clause = begun;
        if (!clause)
            return false;
        *clause = clause->at ? until(*clause, token) : token;
        before = token;
    }
    if (!u.name.len)
        return false;
    *out = u;
    return true;
}

/* Plugins that take no secret: who the system says it is, or another service. What is not known may
 * hold one. */
static bool takes_no_secret(struct span plugin)
{
    static const char *const plugins[] = {"unix_socket", "auth_socket", "pam", "gssapi",
                                          "named_pipe"};

    for (size_t i = 0; i < COUNT(plugins); i++)
        if (span_is(plugin, plugins[i]))
            return true;
    return false;
}

/* One way in: a plugin, and what it is given. */
static void add_way(struct span plugin, struct span given, struct buf *out, bool *had)
{
    if (!given.at || takes_no_secret(plugin)) {
        buf_span(out, plugin);
        buf_puts(out, given.at ? " USING " : "");
        buf_span(out, given);
        return;
    }
    *had = true;
    /* A hash of this form that no password has; other plugins know none, and would take an empty one. */
    buf_puts(out, "mysql_native_password USING 'invalid'");
}

bool my_user_way(struct span *auth, struct span *plugin, struct span *given)
{
    struct span word = next(auth);

    *given = NOTHING;
    if (span_is(word, "IDENTIFIED"))
        word = next(auth);
    if (span_is(word, "BY")) { /* PASSWORD 'hash' */
        *plugin = SPAN("mysql_native_password");
        next(auth);
        *given = next(auth);
        return true;
    }
    if (!word.len)
        return false;
    *plugin = next(auth); /* behind VIA and OR */
    if (peek(*auth).len && !span_is(peek(*auth), "OR")) {
        next(auth);
        *given = next(auth);
    }
    return true;
}

bool my_user_without_hash(const struct my_user *u, struct buf *out, bool *had)
{
    bool hash = false;

    buf_puts(out, "CREATE USER ");
    buf_span(out, u->name);
    struct span auth = u->auth, plugin, given;
    for (unsigned i = 0; auth.at && my_user_way(&auth, &plugin, &given); i++) {
        buf_puts(out, i ? " OR " : " IDENTIFIED VIA ");
        add_way(plugin, given, out, &hash);
    }
    const struct span clauses[] = {
        u->require, u->limits, hash && !u->lock.at ? SPAN("ACCOUNT LOCK") : u->lock, u->password};
    for (size_t i = 0; i < COUNT(clauses); i++) {
        buf_puts(out, clauses[i].at ? " " : "");
        buf_span(out, clauses[i]);
    }
    *had = *had || hash;
    return !out->failed;
}

bool my_grant_gives(struct span line, const char *privilege, const char *database)
{
    AUTO(buf) struct buf pattern = {0};
    struct my_grant g;
    struct span one;

    if (!my_grant_parse(line, &g) || (g.scope != MY_SCOPE_SERVER && g.scope != MY_SCOPE_DATABASE) ||
        (g.scope == MY_SCOPE_DATABASE &&
         (!my_name(g.database, &pattern) || !my_like(buf_view(&pattern), span_of(database)))))
        return false;
    if (strcmp(privilege, "GRANT OPTION") == 0)
        return g.option;
    while (span_split(&g.what, ',', &one)) {
        one = span_trim(one);
        if (span_is(one, "ALL PRIVILEGES") || span_is(one, privilege))
            return true;
    }
    return false;
}
