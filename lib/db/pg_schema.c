#include "lib/db/pg_schema.h"

#include "lib/base/auto.h"
#include "lib/base/proc.h"
#include "lib/base/program.h"

#include <stdlib.h>

#define SCHEMA_MAX ((size_t)1 << 30)

/* Debian's pg_dump and pg_restore are a script that looks for the program: it takes longer than they do
 * for a small schema, and without a host it takes those of the default cluster, which may be too old for
 * what the other one has made. Who has others in front of them in PATH has his reasons. */
#define WRAPPER   "/pg_wrapper"
#define INSTALLED "/usr/lib/postgresql/*/bin/"

static bool tool(const char *name, char **out, struct err *err)
{
    AUTO(free) char *found = program_in_path(name);
    AUTO(free) char *real = found ? realpath(found, NULL) : NULL;
    const char *end = real ? strrchr(real, '/') : NULL;
    char pattern[64];

    snprintf(pattern, sizeof(pattern), INSTALLED "%s", name);
    *out = end && strcmp(end, WRAPPER) == 0 ? program_newest(pattern) : NULL;
    if (!*out)
        *out = strdup(name);
    return *out || err_memory(err);
}

bool pg_schema_archive(const struct pg_schema_conf *conf, struct buf *out, struct err *err)
{
    char snapshot[80], wait[64], encoding[64];
    AUTO(free) char *program = NULL;
    if (!tool("pg_dump", &program, err))
        return false;
    const char *argv[] = {program,
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

/* pg_backup_archiver.c, ReadHead(): "PGDMP", three bytes of version, the sizes of an integer and of an
 * offset, the format (1: custom), how it is compressed (before 1.15 an integer, then a byte), and the
 * time as seven integers, each with a byte for its sign. */
#define AT_MINOR     6u
#define AT_INT_BYTES 8u
#define AT_FORMAT    10u
#define TIME_INTS    7u

bool pg_schema_print(struct span archive, struct digest *out, struct err *err)
{
    AUTO(hash) struct hash *h = NULL;
    const unsigned char *head = (const unsigned char *)archive.at;

    if (archive.len <= AT_FORMAT || !span_starts(archive, "PGDMP\1") || head[AT_MINOR] < 14 ||
        head[AT_MINOR] > 16 || head[AT_FORMAT] != 1)
        return err_set(err, ERR_UNSUPPORTED, "a schema archive of a version that is not known");
    size_t number = 1u + head[AT_INT_BYTES];
    size_t from = AT_FORMAT + 1 + (head[AT_MINOR] < 15 ? number : 1);
    size_t to = from + TIME_INTS * number;
    if (archive.len < to)
        return err_set(err, ERR_UNSUPPORTED, "a schema archive that is cut");
    if (!hash_open(&h, err))
        return false;
    hash_add(h, archive.at, from);
    hash_add(h, archive.at + to, archive.len - to);
    *out = hash_end(h);
    return true;
}

bool pg_schema_section(int archive, const char *section, struct buf *out, struct err *err)
{
    char which[32];
    AUTO(free) char *program = NULL;
    if (!tool("pg_restore", &program, err))
        return false;
    const char *argv[] = {program, "--file=-", which, NULL};
    struct proc_conf conf = {.argv = argv, .stdin_fd = archive};

    snprintf(which, sizeof(which), "--section=%s", section);
    if (lseek(archive, 0, SEEK_SET) < 0)
        return err_sys(err, ERR_IO, "cannot read the schema archive again");
    buf_init(out, SCHEMA_MAX);
    return proc_run(&conf, 0, out, err);
}
