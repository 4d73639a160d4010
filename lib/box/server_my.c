/* A private MariaDB server. */
#include "lib/box/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/fd.h"

static const char init_sql[] =
#include "lib/box/my_init.sql.h"
    ;

static const char *const my_users[] = {"mysql", "nobody", NULL};
static const char *const my_server[] = {"/usr/sbin/mariadbd", "/usr/libexec/mariadbd", "mariadbd",
                                        NULL};
static const char *const my_install[] = {"/usr/bin/mariadb-install-db", "mariadb-install-db", NULL};

static bool my_install_db(const struct server *s, struct err *err)
{
    AUTO(free) char *install = NULL;
    AUTO(buf) struct buf datadir = {0}, tmpdir = {0};

    buf_printf(&datadir, "--datadir=%s", s->data);
    buf_printf(&tmpdir, "--tmpdir=%s", s->tmp);
    if (!server_find(my_install, "mariadb-server", &install, err) || !buf_ok(&datadir, err) ||
        !buf_ok(&tmpdir, err))
        return false;
    const char *const argv[] = {install, "--no-defaults", buf_str(&datadir), buf_str(&tmpdir),
                                "--auth-root-authentication-method=normal", "--skip-test-db",
                                "--skip-name-resolve",
                                /* A thousand of them: the box is written through at its end. */
                                "--debug-no-sync", NULL};
    return server_run(s, argv, err);
}

/* What the server runs at its first start, for installers take no such file before 10.9. It stays until
 * the accounts are made, and nobody else's are there before. */
static char *init_path(const struct server *s)
{
    return path_join(s->dir, "init.sql");
}

static bool my_init(const struct server *s, struct err *err)
{
    AUTO(free) char *init = init_path(s);

    if (!init)
        return err_memory(err);
    return file_replace(init, SPAN(init_sql), 0644, err) && my_install_db(s, err);
}

static bool put_init(const struct server *s, struct buf *out, struct err *err)
{
    AUTO(free) char *init = init_path(s);

    if (!init)
        return err_memory(err);
    if (access(init, F_OK) == 0)
        buf_printf(out, "init-file=%s\n", init);
    return true;
}

static bool init_done(const struct server *s, struct err *err)
{
    AUTO(free) char *init = init_path(s);

    if (!init)
        return err_memory(err);
    return unlink(init) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", init);
}

/* The directory decides who comes to the socket; the name is short for the sake of deep boxes. */
static void put_common(const struct server *s, struct buf *out)
{
    buf_puts(out, "[mysqld]\n");
    buf_printf(out, "datadir=%s\n", s->data);
    buf_printf(out, "tmpdir=%s\n", s->tmp);
    buf_printf(out, "socket=%s\n", s->socket);
    buf_printf(out, "pid-file=%s/server.pid\n", s->data);
    buf_printf(out, "port=%u\n", s->port);
    buf_puts(out, "bind-address=127.0.0.1\n"
                  "skip-name-resolve\n"
                  "skip-log-bin\n"
                  "local-infile=1\n"
                  /* As Debian's packages have it; the compiled default is latin1. */
                  "character-set-server=utf8mb4\n"
                  "collation-server=utf8mb4_general_ci\n"
                  /* Quarantine: events of production do not fire here. */
                  "event-scheduler=OFF\n"
                  "skip-slave-start\n");
}

/* Nothing here survives the load: the server is started anew before it is used. */
static void put_loading(const struct server *s, struct buf *out)
{
    buf_printf(out, "max-connections=%u\n", server_load_sessions(s));
    buf_printf(out, "innodb-buffer-pool-size=%uM\n", server_memory_mb(8, 128, 4096));
    buf_puts(out,
             "innodb-flush-log-at-trx-commit=0\n"
             "innodb-doublewrite=0\n"
             "loose-debug-no-sync\n"
             "innodb-log-file-size=1G\n"
             /* Pages of a load are written once: what is not on its way when the load is over is
              * waited for at the restart. */
             "innodb-max-dirty-pages-pct=5\n"
             "innodb-io-capacity=20000\n"
             "innodb-io-capacity-max=40000\n"
             "innodb-sort-buffer-size=64M\n"
             "innodb-adaptive-hash-index=0\n"
             /* Else a load holds the counter of its table to its end, and a second one waits. */
             "innodb-autoinc-lock-mode=2\n"
             "max-allowed-packet=1G\n"
             "net-read-timeout=3600\n"
             "net-write-timeout=3600\n"
             "wait-timeout=86400\n");
}

/* '#' begins a comment unless the value is quoted. */
static void put_setting(struct buf *out, const char *name, const char *value)
{
    const char *quote = strpbrk(value, "# ;") && !strchr(value, '"') ? "\"" : "";

    buf_printf(out, "%s=%s%s%s\n", name, quote, value, quote);
}

static bool my_prepare(const struct server *s, enum box_load mode, struct server_argv *argv,
                       struct err *err)
{
    AUTO(buf) struct buf conf = {0};

    put_common(s, &conf);
    if (!put_init(s, &conf, err))
        return false;
    if (mode == BOX_LOADING)
        put_loading(s, &conf);
    if (!server_settings(s, mode, put_setting, &conf, err) || !server_write_conf(s, &conf, err) ||
        !server_find(my_server, "mariadb-server", &argv->at[0], err))
        return false;
    if (asprintf(&argv->at[1], "--defaults-file=%s", s->conf) < 0) {
        argv->at[1] = NULL;
        return err_memory(err);
    }
    return true;
}

/* The greeting (protocol 10) comes only once connections are taken. */
static bool my_ready(const struct server *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = 2};
    unsigned char greeting[5];
    size_t len = strlen(s->socket);

    if (len >= sizeof(at.sun_path))
        return false;
    memcpy(at.sun_path, s->socket, len);
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return recv(fd, greeting, sizeof(greeting), MSG_WAITALL) == sizeof(greeting) &&
           greeting[4] == 10;
}

static bool grant(struct db *db, const char *user, const char *host, const char *password,
                  struct err *err)
{
    AUTO(buf) struct buf who = {0}, secret = {0};

    db_quote_text(db, user, &who);
    buf_printf(&who, "@'%s'", host);
    db_quote_text(db, password, &secret);
    if (!buf_ok(&who, err) || !buf_ok(&secret, err))
        return false;
    return db_exec(db, err, "CREATE USER IF NOT EXISTS %s", buf_str(&who)) &&
           db_exec(db, err, "ALTER USER %s IDENTIFIED BY %s", buf_str(&who), buf_str(&secret)) &&
           db_exec(db, err, "GRANT ALL ON *.* TO %s WITH GRANT OPTION", buf_str(&who));
}

/* Whom my_account() gives the rights. */
static const char *user_of(const struct env_database *db)
{
    return db->user ? db->user : "root";
}

bool box_makes_account(const struct env *env, const char *database, struct span user,
                       struct span host)
{
    const struct env_database *own = env_find_database(env, database);
    bool socket = span_is(host, "localhost");

    if (socket && span_is(user, "root"))
        return true;
    for (unsigned i = 0; own && i < env->databases_count; i++) {
        const struct env_database *d = &env->databases[i];
        if (env_same_server(own, d) && span_is(user, user_of(d)))
            return socket || span_is(host, "127.0.0.1");
    }
    return false;
}

/* Over the socket, which its directory protects, without a password; over TCP with the box's. */
static bool my_account(const struct server *s, const struct env_database *db, void *ctx,
                       struct err *err)
{
    struct db *session = ctx;
    const char *user = user_of(db);

    return grant(session, user, "localhost", "", err) &&
           grant(session, user, "127.0.0.1", entry_str(s->entry, "password"), err);
}

static bool my_accounts(const struct server *s, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    return server_session(s, "root", NULL, &db, err) &&
           server_each_database(s, my_account, db, err) && init_done(s, err);
}

const struct server_ops server_my = {
    .engine = "mariadb",
    .prefix = "my",
    .socket_name = "my.sock",
    .socket_is_dir = false,
    .admin = "root",
    .users = my_users,
    .stop_signal = SIGTERM,
    .init = my_init,
    .prepare = my_prepare,
    .ready = my_ready,
    .accounts = my_accounts,
};
