/* One private database server of a local box: what differs between the engines. */
#ifndef LIB_BOX_SERVER_H
#define LIB_BOX_SERVER_H

#include "lib/box/local.h"

struct server_ops;

struct server {
    const struct server_ops *ops;
    struct local *l;
    json_t *entry;      /* in box.json */
    const char *user;   /* NULL: us */
    const char *socket; /* as in struct db_conf */
    const char *socket_dir;
    uint16_t port;
    char *dir, *data, *tmp, *conf,
        *log; /* tmp: of its own, servers trip over each other's in /tmp */
};

/* argv of a program, with room for every option. */
#define SERVER_ARGV 12
struct server_argv {
    char *at[SERVER_ARGV]; /* heap, NULL-terminated */
};

struct server_ops {
    const char *engine;
    const char *prefix;      /* of its folder in the box */
    const char *socket_name; /* longest name of a socket in the socket directory */
    bool socket_is_dir;      /* what clients are given */
    const char *admin;
    const char *const *users; /* whom it runs as, best first */
    int stop_signal;
    /* An empty data directory, owned by the user, is there. */
    bool (*init)(const struct server *s, struct err *err);
    /* Writes the configuration and says how to start. */
    bool (*prepare)(const struct server *s, enum box_load mode, struct server_argv *argv,
                    struct err *err);
    bool (*ready)(const struct server *s);
    /* Removes the notes of a killed server that would keep a new one from starting; nothing of it
     * runs any more. NULL: it leaves none. */
    bool (*forget)(const struct server *s, struct err *err);
    /* The accounts of the environment; the server runs. */
    bool (*accounts)(const struct server *s, struct err *err);
};

extern const struct server_ops server_pg, server_my;

/* ---- for the engines ------------------------------------------------------------------------------*/
/* The program under this name: absolute paths with wildcards (the highest version wins), then PATH;
 * heap. `package` is the hint when there is none. */
bool server_find(const char *const *patterns, const char *package, char **out, struct err *err);
/* Runs a program that makes the data directory, to its end, as the server's user. Marked as the
 * box's: what it starts may outlive a crash of ours. */
bool server_run(const struct server *s, const char *const *argv, struct err *err);
/* Sessions that a load may need: one of each database, and those of its workers. */
unsigned server_load_sessions(const struct server *s);
/* A share of the machine's memory in MiB, held between the bounds. */
unsigned server_memory_mb(unsigned divisor, unsigned min_mb, unsigned max_mb);
/* Writes the configuration file. */
bool server_write_conf(const struct server *s, const struct buf *text, struct err *err);
/* An administrator's session over the socket. */
bool server_session(const struct server *s, const char *user, const char *database, struct db **out,
                    struct err *err);
/* Calls `each` for every database of the environment that this server holds. */
bool server_each_database(const struct server *s,
                          bool (*each)(const struct server *s, const struct env_database *db,
                                       void *ctx, struct err *err),
                          void *ctx, struct err *err);

/* ---- settings.c -----------------------------------------------------------------------------------*/
/* One setting into a configuration file. */
typedef void (*server_put)(struct buf *out, const char *name, const char *value);
/* Production's settings, then the environment's; while loading those alone that what is stored
 * depends on. */
bool server_settings(const struct server *s, enum box_load mode, server_put put, struct buf *out,
                     struct err *err);
/* The setting that what the log says from `from` on is about: with the line (heap) and whether it
 * came from production. NULL: none. Borrowed from the server and its environment. */
const char *server_settings_blame(const struct server *s, off_t from, char **line, bool *copied);

#endif
