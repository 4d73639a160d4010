#include "lib/db/secret.h"
#include "lib/base/fd.h"

bool db_secret(const struct db_conf *conf, struct buf *out, bool *given, struct err *err)
{
    *given = false;
    if (conf->password_env) {
        const char *value = getenv(conf->password_env);
        if (!value) {
            err_set(err, ERR_AUTH, "the variable '%s' with the password is not set",
                    conf->password_env);
            return err_hint(err, "export %s, or use password_file", conf->password_env);
        }
        buf_puts(out, value);
    } else if (conf->password_file) {
        if (!file_read_secret(conf->password_file, out, err))
            return false;
    } else {
        return true;
    }
    *given = true;
    return buf_ok(out, err);
}
