#include "restore/pg_role_names.h"

#include "restore/pg.h"

/* Where names stand. They are separated by commas. */
static const struct {
    const char *head;
    const char *second, *word; /* behind `word`, which stands behind `second` where that is given */
    const char *until;         /* an expression begins: the words in it are not the statement's */
} places[] = {
    {"grant", NULL, "TO"},
    {"revoke", NULL, "FROM"},
    {"alter default privileges", "FOR", "ROLE"},
    {"alter default privileges", NULL, "TO"},
    {"alter default privileges", NULL, "FROM"},
    {"alter", "OWNER", "TO"},
    {"alter role", "ALTER", "ROLE"},
    {"create policy", NULL, "TO", "("},
    {"create user mapping", NULL, "FOR"},
    {"set session authorization", NULL, "AUTHORIZATION"},
};

struct tokens {
    bool (*each)(void *ctx, struct span token, struct err *err);
    void *ctx;
};

static bool give_list(const struct tokens *t, struct span rest, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct span token;

    do {
        struct span role;
        if (sql_token_next(SQL_POSTGRESQL, &rest, &role) == SQL_END)
            return true;
        if (!pg_name(role, &name))
            return buf_ok(&name, err);
        /* No role can be called so. */
        if (strcasecmp(buf_str(&name), "public") != 0 && !t->each(t->ctx, role, err))
            return false;
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
    } while (span_is(token, ","));
    return true;
}

static bool look_at(const struct tokens *t, struct span sql, size_t place, struct err *err)
{
    const char *second = places[place].second, *until = places[place].until;
    struct span rest = sql, token, before = {0};
    enum sql_token kind;

    while ((kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END) {
        if (until && span_is(token, until))
            return true;
        if (kind == SQL_WORD && span_is(token, places[place].word) &&
            (!second || span_is(before, second)))
            return give_list(t, rest, err);
        before = token;
    }
    return true;
}

bool pg_role_tokens(struct span sql, bool (*each)(void *ctx, struct span token, struct err *err),
                    void *ctx, struct err *err)
{
    struct tokens t = {each, ctx};

    for (size_t i = 0; i < COUNT(places); i++)
        if (sql_starts(SQL_POSTGRESQL, sql, places[i].head) && !look_at(&t, sql, i, err))
            return false;
    return true;
}

struct names {
    bool (*each)(void *ctx, const char *name, struct err *err);
    void *ctx;
};

static bool give_name(void *ctx, struct span token, struct err *err)
{
    const struct names *n = ctx;
    AUTO(buf) struct buf name = {0};

    return pg_name(token, &name) ? n->each(n->ctx, buf_str(&name), err) : buf_ok(&name, err);
}

bool pg_role_names(struct span sql, bool (*each)(void *ctx, const char *name, struct err *err),
                   void *ctx, struct err *err)
{
    struct names n = {each, ctx};

    return pg_role_tokens(sql, give_name, &n, err);
}
