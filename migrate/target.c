#include "migrate/target.h"

#include "lib/base/fd.h"
#include "lib/box/client.h"

void target_done(struct migrate_target *t)
{
    box_close(t->box);
    env_free(t->env);
    free(t->ledger);
    *t = (struct migrate_target){0};
}

bool target_ledger(const struct target_choice *c, char **out, struct err *err)
{
    if (!c->ledger && !c->box) {
        err_set(err, ERR_USAGE, "no ledger is named");
        return err_hint(err, "give --ledger FILE; a --box has its own");
    }
    *out = c->ledger ? span_dup(span_of(c->ledger)) : path_join(c->box, BOX_LEDGER);
    return *out || err_memory(err);
}

static bool choose_database(const struct env *env, const char *wanted, const char **name,
                            struct err *err)
{
    if (wanted && env_find_database(env, wanted))
        return *name = wanted, true;
    if (!wanted && env->databases_count == 1)
        return *name = env->databases[0].name, true;
    if (!env->databases_count)
        return err_set(err, ERR_CONFIG, "environment '%s' has no database", env->name);
    if (!wanted)
        err_set(err, ERR_USAGE, "environment '%s' has %u databases", env->name,
                env->databases_count);
    else
        err_set(err, ERR_MISSING, "environment '%s' has no database '%s'", env->name, wanted);
    return err_hint(err, "give --database %s", env->databases[0].name);
}

static bool from_environment(const char *path, struct migrate_target *t, const char *wanted,
                             struct err *err)
{
    if (!env_load(path, &t->env, err))
        return false;
    if (t->env->production) {
        err_set(err, ERR_CONFIG, "environment '%s' is production, and never a target",
                t->env->name);
        return err_hint(err, "restore it into a box, and give --box");
    }
    if (!choose_database(t->env, wanted, &t->name, err))
        return false;
    return client_conf(env_find_database(t->env, t->name), &t->db, err);
}

bool target_resolve(const struct target_choice *c, struct migrate_target *out, struct err *err)
{
    AUTO(migrate_target) struct migrate_target t = {0};

    if (!c->box == !c->env) {
        err_set(err, ERR_USAGE,
                c->box ? "--box and --env exclude each other" : "no target is named");
        return err_hint(err, "give --box DIR or --env FILE");
    }
    if (!target_ledger(c, &t.ledger, err))
        return false;
    if (c->env && !from_environment(c->env, &t, c->database, err))
        return false;
    if (c->box && (!box_open(c->box, &t.box, err) ||
                   !choose_database(t.box->env, c->database, &t.name, err) ||
                   !box_db_conf(t.box, t.name, &t.db, err)))
        return false;
    *out = t;
    t = (struct migrate_target){0};
    return true;
}
