#include "restore/place.h"

#include "lib/base/hash.h"
#include "lib/box/client.h"

#include <stdio.h>

const struct env *place_env(const struct place *p)
{
    return p->box ? p->box->env : p->env;
}

/* Of the hash, for a name may be as long as a server lets it be. */
static void name_of(const char *what, const char *database, char out[PLACE_NAME])
{
    struct digest digest = hash_of(span_of(database));
    char hex[HASH_HEX];

    digest_hex(&digest, hex);
    snprintf(out, PLACE_NAME, "rehearse_%s_%.16s", what, hex);
}

void place_load_name(const char *database, char out[PLACE_NAME])
{
    name_of("load", database, out);
}

void place_echo_name(const char *database, char out[PLACE_NAME])
{
    name_of("echo", database, out);
}

void place_old_name(const char *database, char out[PLACE_NAME])
{
    name_of("old", database, out);
}

static bool is_placed(const struct place *p, const struct env_database *db)
{
    AUTO(buf) struct buf component = {0};

    buf_printf(&component, "%s.%s", db->engine, db->name);
    return p->placed && json_object_get(p->placed, buf_str(&component)) != NULL;
}

bool place_db(const struct place *p, const char *name, struct place_db *out, struct err *err)
{
    *out = (struct place_db){0};
    if (p->box)
        return box_db_conf(p->box, name, &out->conf, err);
    const struct env_database *db = env_find_database(p->env, name);
    if (!db)
        return err_set(err, ERR_MISSING, "%s names no database '%s'", p->env->path, name);
    if (!client_conf(db, &out->conf, err))
        return false;
    place_load_name(db->database, out->load);
    out->final = db->database;
    if (!is_placed(p, db))
        out->conf.database = out->load;
    return true;
}
