/* Sequences of other databases that columns draw from: no table can be made without them. */
#include "lib/sql/split.h"
#include "restore/missing.h"
#include "restore/my.h"
#include "restore/only.h"

#include <jansson.h>

#define KIND "mariadb."

/* database.sequence in nextval(...) or lastval(...), as the table's text has it. */
struct drawn {
    struct span database, whole;
};

/* nextval ( `database` . `sequence`: the last five tokens, the newest last. */
static bool is_drawn(const struct span last[5], struct drawn *out)
{
    if (!(span_is_nocase(last[0], "nextval") || span_is_nocase(last[0], "lastval")) ||
        !span_is(last[1], "(") || *last[2].at != '`' || !span_is(last[3], ".") ||
        *last[4].at != '`')
        return false;
    out->database = last[2];
    out->whole = (struct span){last[2].at, (size_t)(last[4].at + last[4].len - last[2].at)};
    return true;
}

static bool same_database(struct my_target *t, struct span quoted, const char *name, bool *same,
                          struct err *err)
{
    AUTO(buf) struct buf own = {0};

    if (!name)
        return true;
    db_quote_name(t->main, name, &own);
    *same = *same || span_eq(quoted, buf_view(&own));
    return buf_ok(&own, err);
}

/* Whether the database is restored with this one, to the same server: its sequences come first. */
static bool comes_along(struct my_target *t, struct span quoted, bool *along, struct err *err)
{
    const struct env *env = place_env(t->conf.place);
    const struct env_database *own = env_find_database(env, t->conf.component + strlen(KIND));
    json_t *all = json_object_get(bundle_config(t->conf.bundle), "components"), *facts;
    const char *name;

    json_object_foreach(all, name, facts)
    {
        const struct env_database *other = strncmp(name, KIND, strlen(KIND)) == 0
                                               ? env_find_database(env, name + strlen(KIND))
                                               : NULL;
        if (!other || !own || !only_component(t->conf.what.only, span_of(name)) ||
            !(t->conf.owned || env_same_server(own, other)))
            continue;
        if (!same_database(t, quoted, json_string_value(json_object_get(facts, "database")), along,
                           err))
            return false;
    }
    return true;
}

static bool look_for(struct my_target *t, struct missing *missing, const struct drawn *d,
                     struct err *err)
{
    AUTO(buf) struct buf here = {0};
    struct err why = {0};
    bool along = false;

    if (!comes_along(t, d->database, &along, err))
        return false;
    if (along)
        return true;
    if (!my_here_table(&t->here, d->whole, &here, err))
        return false;
    if (db_exec(t->main, &why, "SHOW CREATE SEQUENCE %s", buf_str(&here)))
        return true;
    if (why.code != ERR_SQL)
        return err_pass(err, &why) ||
               err_add(err, "cannot look for the sequence %s", buf_str(&here));
    return missing_add(missing, "sequence", buf_str(&here),
                       "restore its database, too, or make it on the server", err);
}

bool my_sequences_missing(struct my_target *t, struct missing *missing, struct err *err)
{
    for (size_t i = 0; i < t->table_count; i++) {
        struct span rest = span_of(t->tables[i].create), last[5] = {0}, token;
        struct drawn d;
        while (sql_token_next(SQL_MARIADB, &rest, &token) != SQL_END) {
            memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
            last[4] = token;
            if (last[0].at && is_drawn(last, &d) && !look_for(t, missing, &d, err))
                return false;
        }
    }
    return true;
}
