/* Tablespaces of a box: objects lie in them as in production, but their folders are the box's. They
 * are below the server's data, so that a reset, a replacing restore and a removal have them, too. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "restore/pg.h"

#define FOLDER "tablespaces"

/* As the data's folder is: of the server's user alone. */
static bool make_dir(const char *path, const struct stat *like, struct err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot make '%s'", path);
    return geteuid() != 0 || lchown(path, like->st_uid, like->st_gid) == 0 ||
           err_sys(err, ERR_IO, "cannot give '%s' to the server", path);
}

static bool make_one(struct pg_target *t, const char *data, const struct stat *like,
                     const char *name, struct err *err)
{
    AUTO(free) char *folder = path_join(data, FOLDER), *path = NULL;
    AUTO(buf) struct buf quoted = {0}, literal = {0};
    struct digest digest = hash_of(span_of(name));
    char leaf[HASH_HEX];

    digest_hex(&digest, leaf);
    leaf[16] = '\0'; /* a name may be anything, a folder's may not */
    path = folder ? path_join(folder, leaf) : NULL;
    if (!path)
        return err_memory(err);
    if (!make_dir(folder, like, err) || !make_dir(path, like, err))
        return false;
    db_quote_name(t->admin, name, &quoted);
    db_quote_text(t->admin, path, &literal);
    log_info("a tablespace of the box", f_str("tablespace", name), f_str("folder", path));
    return buf_ok(&quoted, err) && buf_ok(&literal, err) &&
           db_exec(t->admin, err, "CREATE TABLESPACE %s LOCATION %s", buf_str(&quoted),
                   buf_str(&literal)) &&
           JOURNAL(t->conf.journal, err, "restore.tablespace",
                   f_str("component", t->conf.component), f_str("tablespace", name),
                   f_str("folder", path));
}

bool pg_tablespaces_make(struct pg_target *t, struct err *err)
{
    AUTO(buf) struct buf data = {0};
    const char *name;
    json_t *unused;
    struct stat like;

    if (!t->tablespaces)
        return true;
    if (!db_value(t->admin, &data, err, "SHOW data_directory"))
        return false;
    if (stat(buf_str(&data), &like) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", buf_str(&data));
    json_object_foreach(t->tablespaces, name, unused)
    {
        if (!make_one(t, buf_str(&data), &like, name, err))
            return err_add(err, "cannot make tablespace '%s'", name);
    }
    return true;
}
