#include "lib/box/client.h"

#include "lib/box/box.h"

static bool engine_of(const char *engine, const char *name, enum db_engine *out, struct err *err)
{
    return db_engine_parse(engine, out) ||
           err_set(err, ERR_CONFIG, "unknown engine '%s' of database '%s'", engine, name);
}

bool client_conf(const struct env_database *db, struct db_conf *out, struct err *err)
{
    enum db_engine engine;

    if (!engine_of(db->engine, db->name, &engine, err))
        return false;
    *out = (struct db_conf){.engine = engine,
                            .host = db->host,
                            .port = db->port,
                            .socket = db->socket,
                            .user = db->user,
                            .database = db->database,
                            .password_env = db->password_env,
                            .password_file = db->password_file};
    return true;
}

bool box_db_conf(struct box *b, const char *name, struct db_conf *out, struct err *err)
{
    struct box_database db;
    enum db_engine engine;

    if (!box_database(b, name, &db, err) || !engine_of(db.engine, name, &engine, err))
        return false;
    *out = (struct db_conf){.engine = engine,
                            .host = db.host,
                            .port = db.port,
                            .socket = db.socket,
                            .user = db.user,
                            .database = db.database};
    return true;
}
