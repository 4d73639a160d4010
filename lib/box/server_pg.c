/* A private PostgreSQL server. */
#include "lib/box/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/fd.h"

static const char *const pg_users[] = {"postgres", "nobody", NULL};

/* Debian, RPM and source installations keep the server out of PATH. */
static const char *const pg_server[] = {"/usr/lib/postgresql/*/bin/postgres",
                                        "/usr/pgsql-*/bin/postgres",
                                        "/usr/local/pgsql/bin/postgres", "postgres", NULL};
static const char *const pg_initdb[] = {"/usr/lib/postgresql/*/bin/initdb",
                                        "/usr/pgsql-*/bin/initdb", "/usr/local/pgsql/bin/initdb",
                                        "initdb", NULL};

static bool pg_init(const struct server *s, struct err *err)
{
    AUTO(free) char *initdb = NULL;

    if (!server_find(pg_initdb, "postgresql", &initdb, err))
        return false;
    /* Databases are made from template0 with their own encoding and collation later. */
    const char *const argv[] = {
        initdb, "-D",   s->data,       "-U",        "postgres",          "-A",         "trust",
        "-E",   "UTF8", "--no-locale", "--no-sync", "--no-instructions", "--no-clean", NULL};
    return server_run(s, argv, err);
}

static void put_setting(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s = '", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_putc(out, *value);
        buf_putc(out, *value);
    }
    buf_puts(out, "'\n");
}

static void put_common(const struct server *s, struct buf *out)
{
    AUTO(free) char *defaults = path_join(s->data, "postgresql.conf");

    /* What initdb found out about the host: time zone, kind of shared memory. */
    put_setting(out, "include", defaults ? defaults : "");
    put_setting(out, "listen_addresses", "127.0.0.1");
    buf_printf(out, "port = %u\n", s->port);
    put_setting(out, "unix_socket_directories", s->socket_dir);
    buf_puts(out, "unix_socket_permissions = 0777\n" /* the directory decides who comes */
                  "logging_collector = off\n"
                  "log_destination = 'stderr'\n"
                  /* As without a word in production's file; initdb has chosen by its locale. */
                  "default_text_search_config = 'pg_catalog.simple'\n"
                  "max_locks_per_transaction = 256\n"
                  /* Quarantine: nothing is sent to, nor fetched from, production's neighbours. */
                  "archive_mode = off\n"
                  "max_logical_replication_workers = 0\n");
}

/* Nothing here survives the load: the server is started anew before it is used. */
static void put_loading(const struct server *s, struct buf *out)
{
    buf_printf(out, "max_connections = %u\n", server_load_sessions(s));
    /* COPY and the making of indexes go around most of it: memory that was never used costs more than
     * it gives. */
    buf_printf(out, "shared_buffers = %uMB\n", server_memory_mb(32, 128, 512));
    buf_printf(out, "maintenance_work_mem = %uMB\n", server_memory_mb(16, 64, 1024));
    buf_puts(out, "fsync = off\n"
                  "full_page_writes = off\n"
                  "synchronous_commit = off\n"
                  "wal_level = minimal\n"
                  "max_wal_senders = 0\n"
                  "max_wal_size = 16GB\n"
                  "checkpoint_timeout = 1h\n"
                  "autovacuum = off\n"
                  "jit = off\n");
}

static bool write_hba(const struct server *s, char **path, struct err *err)
{
    /* No passwords: the socket's directory keeps others out, and the box does not know those of
     * production that applications send. */
    static const char hba[] = "local all all trust\n"
                              "host all all 127.0.0.1/32 trust\n";
    uid_t uid;
    gid_t gid;

    *path = path_join(s->dir, "hba.conf");
    if (!*path)
        return err_memory(err);
    if (!file_replace(*path, SPAN(hba), 0640, err) || !user_ids(s->user, &uid, &gid, err))
        return false;
    if (s->user && lchown(*path, 0, gid) != 0)
        return err_sys(err, ERR_IO, "cannot give '%s' to user '%s'", *path, s->user);
    return true;
}

static bool pg_prepare(const struct server *s, enum box_load mode, struct server_argv *argv,
                       struct err *err)
{
    AUTO(buf) struct buf conf = {0};
    AUTO(free) char *hba = NULL;

    if (!write_hba(s, &hba, err))
        return false;
    put_common(s, &conf);
    put_setting(&conf, "hba_file", hba);
    if (mode == BOX_LOADING)
        put_loading(s, &conf);
    if (!server_settings(s, mode, put_setting, &conf, err) || !server_write_conf(s, &conf, err) ||
        !server_find(pg_server, "postgresql", &argv->at[0], err))
        return false;
    argv->at[1] = strdup("-D");
    argv->at[2] = strdup(s->data);
    argv->at[3] = strdup("-c");
    if (!argv->at[1] || !argv->at[2] || !argv->at[3] ||
        asprintf(&argv->at[4], "config_file=%s", s->conf) < 0) {
        argv->at[4] = NULL;
        return err_memory(err);
    }
    return true;
}

/* postmaster.pid: line 1 its pid, line 8 its state (src/include/utils/pidfile.h). */
static bool pg_ready(const struct server *s)
{
    AUTO(free) char *path = path_join(s->data, "postmaster.pid");
    AUTO(buf) struct buf text = {0};
    struct err ignored = {0};
    struct span rest, line = {0};
    uint64_t pid = 0;

    if (!path || !file_read(path, 4096, &text, &ignored))
        return false;
    rest = buf_view(&text);
    for (int n = 1; n <= 8; n++) {
        if (!span_split(&rest, '\n', &line))
            return false;
        if (n == 1 && !span_u64(span_trim(line), &pid))
            return false;
    }
    return span_is(span_trim(line), "ready") &&
           (json_int_t)pid == json_integer_value(json_object_get(s->entry, "pid"));
}

static bool forget_file(const char *dir, const char *name, struct err *err)
{
    AUTO(free) char *path = path_join(dir, name);

    if (!path)
        return err_memory(err);
    return unlink(path) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}

/* Both hold a pid, which may be anybody's by now, or stay a zombie's for ever in a container whose
 * first process reaps nothing: PostgreSQL takes either for another server. */
static bool pg_forget(const struct server *s, struct err *err)
{
    char lock[64];

    snprintf(lock, sizeof(lock), ".s.PGSQL.%u.lock", s->port);
    return forget_file(s->data, "postmaster.pid", err) && forget_file(s->socket_dir, lock, err);
}

/* A role that the bundle brought keeps production's rights; one that is missing may do all. */
static bool pg_account(const struct server *s, const struct env_database *db, void *ctx,
                       struct err *err)
{
    struct db *session = ctx;
    AUTO(buf) struct buf text = {0}, name = {0}, got = {0};

    (void)s;
    if (!db->user)
        return true;
    if (!db_quote_text(session, db->user, &text) || !db_quote_name(session, db->user, &name))
        return err_memory(err);
    if (!db_value(session, &got, err, "SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = %s",
                  buf_str(&text)))
        return false;
    if (span_is(buf_view(&got), "0"))
        return db_exec(session, err, "CREATE ROLE %s LOGIN SUPERUSER", buf_str(&name));
    return db_exec(session, err, "ALTER ROLE %s LOGIN", buf_str(&name));
}

static bool pg_accounts(const struct server *s, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    if (!server_session(s, "postgres", "postgres", &db, err))
        return false;
    return server_each_database(s, pg_account, db, err);
}

const struct server_ops server_pg = {
    .engine = "postgresql",
    .prefix = "pg",
    .socket_name = ".s.PGSQL.65535.lock",
    .socket_is_dir = true,
    .admin = "postgres",
    .users = pg_users,
    .stop_signal = SIGINT, /* fast shutdown */
    .init = pg_init,
    .prepare = pg_prepare,
    .ready = pg_ready,
    .forget = pg_forget,
    .accounts = pg_accounts,
};
