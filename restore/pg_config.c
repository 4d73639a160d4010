/* Configuration tables of extensions. CREATE EXTENSION makes them whole, with their triggers and
 * foreign keys among each other (PostGIS' topology has such), so that their rows, which come in any
 * order, are loaded without both, and the keys are looked through once all rows are there. */
#include "restore/pg.h"

static const char keys_sql[] =
#include "restore/pg_config_keys.sql.h"
    ;

/* Only an administrator may; another account's load is then held against the keys row by row. */
void pg_config_quiet(struct db *db, bool quiet)
{
    db_exec(db, NULL, "SET session_replication_role = %s", quiet ? "replica" : "DEFAULT");
}

struct keys {
    struct vec at; /* struct key */
};

struct key {
    char *what, *sql;
};

static void keys_done(struct keys *k)
{
    struct key *at = k->at.at;

    for (size_t i = 0; i < k->at.count; i++) {
        free(at[i].what);
        free(at[i].sql);
    }
    vec_done(&k->at);
}

static bool take_key(void *ctx, const struct db_row *row, struct err *err)
{
    struct keys *k = ctx;
    struct key *at = vec_add(&k->at, err);

    if (!at)
        return false;
    *at = (struct key){span_dup(row->value[0]), span_dup(row->value[1])};
    return (at->what && at->sql) || err_memory(err);
}

static bool take_lost(void *ctx, const struct db_row *row, struct err *err)
{
    bool *lost = ctx;

    (void)row;
    (void)err;
    *lost = true;
    return true;
}

static bool check_key(struct db *db, const struct key *key, struct err *err)
{
    bool lost = false;

    if (!db_rows(db, take_lost, &lost, err, "%s", key->sql))
        return err_add(err, "%s", key->what);
    if (!lost)
        return true;
    err_set(err, ERR_DIFFERS, "%s: a row refers to one that is not there", key->what);
    return err_hint(err,
                    "the extension here brings other rows than production's; install its version");
}

bool pg_config_check(struct pg_target *t, struct db *db, struct err *err)
{
    struct keys keys = {VEC(struct key)};
    const struct pg_target_table *table = t->tables;
    bool any = false, ok = true;

    for (size_t i = 0; i < t->table_count; i++)
        any = any || table[i].config;
    if (any)
        ok = db_rows(db, take_key, &keys, err, "%s", keys_sql);
    const struct key *key = keys.at.at;
    for (size_t i = 0; ok && i < keys.at.count; i++)
        ok = check_key(db, &key[i], err);
    keys_done(&keys);
    return ok;
}
