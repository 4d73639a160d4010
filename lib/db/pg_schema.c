#include "lib/db/pg_schema.h"

#include "lib/base/proc.h"

#define SCHEMA_MAX ((size_t)1 << 30)

bool pg_schema_archive(const struct pg_schema_conf *conf, struct buf *out, struct err *err)
{
    char snapshot[80], wait[64], encoding[64];
    const char *argv[] = {"pg_dump",
                          "--format=custom",
                          "--compress=0",
                          "--no-password",
                          "--no-subscriptions",
                          "--section=pre-data",
                          "--section=post-data",
                          wait,
                          encoding,
                          conf->snapshot ? snapshot : NULL,
                          NULL};
    struct proc_conf proc = {.argv = argv, .env = conf->env};

    snprintf(snapshot, sizeof(snapshot), "--snapshot=%s", conf->snapshot ? conf->snapshot : "");
    snprintf(wait, sizeof(wait), "--lock-wait-timeout=%.0f", conf->lock_timeout_s * 1000);
    snprintf(encoding, sizeof(encoding), "--encoding=%s", conf->encoding);
    buf_init(out, SCHEMA_MAX);
    struct err why = {0};
    if (proc_run(&proc, 0, out, &why))
        return true;
    if (strstr(why.text, "version mismatch"))
        err_hint(&why, "install the client programs of the server's version");
    return err_pass(err, &why);
}

bool pg_schema_section(int archive, const char *section, struct buf *out, struct err *err)
{
    char which[32];
    const char *argv[] = {"pg_restore", "--file=-", which, NULL};
    struct proc_conf conf = {.argv = argv, .stdin_fd = archive};

    snprintf(which, sizeof(which), "--section=%s", section);
    if (lseek(archive, 0, SEEK_SET) < 0)
        return err_sys(err, ERR_IO, "cannot read the schema archive again");
    buf_init(out, SCHEMA_MAX);
    return proc_run(&conf, 0, out, err);
}
