#include "lib/box/box.h"

bool box_db_conf(struct box *b, const char *name, struct db_conf *out, struct err *err)
{
    struct box_database db;
    enum db_engine engine;

    if (!box_database(b, name, &db, err))
        return false;
    if (!db_engine_parse(db.engine, &engine))
        return err_set(err, ERR_CONFIG, "unknown engine '%s' of database '%s'", db.engine, name);
    *out = (struct db_conf){.engine = engine,
                            .host = db.host,
                            .port = db.port,
                            .socket = db.socket,
                            .user = db.user,
                            .database = db.database};
    return true;
}
