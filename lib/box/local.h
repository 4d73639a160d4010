/* The local driver's inside: shared by its files only. */
#ifndef LIB_BOX_LOCAL_H
#define LIB_BOX_LOCAL_H

#include "lib/base/json.h"
#include "lib/box/box.h"

#include <sys/types.h>

struct local {
    struct box box;
    json_t *state; /* box.json */
    int lock;      /* of box.lock; -1: not held */
};

static inline struct local *local_of(struct box *b)
{
    return (struct local *)b;
}
extern const struct box_ops box_local;

/* ---- state.c: box.json and the lock ---------------------------------------------------------------*/
#define BOX_FILE "box.json"
#define ENV_FILE "environment.yaml"
/* Pattern of what a crash leaves of an atomic write, file_replace()'s. */
#define TORN(name) name ".??????"
bool state_read(const char *where, json_t **out, struct err *err);
/* Whether a box.json lies there that is not certainly another program's / is certainly ours. */
bool state_exists(const char *where);
bool state_is_ours(const char *where);
bool local_save(struct local *l, struct err *err);
const char *local_state(const struct local *l);
bool local_set(struct local *l, const char *state, const char *why, struct err *err);
bool lock_take(const char *where, int *fd, struct err *err);
bool lock_is_held(const char *where); /* by anybody, us included */
/* Takes the lock when it is not held, reads box.json again, ends what a crash interrupted. */
bool local_lock(struct local *l, struct err *err);
/* `name` inside the box; heap. */
char *local_path(const struct local *l, const char *name);
json_t *local_servers(const struct local *l);
json_t *local_services(const struct local *l);
const char *entry_str(const json_t *entry, const char *key); /* "" when absent */
bool entry_set_str(json_t *entry, const char *key, const char *value, struct err *err);
bool entry_set_num(json_t *entry, const char *key, int64_t n, struct err *err);
/* The process of a server or service entry. */
bool entry_alive(const json_t *entry);
/* Alive, and nobody has begun to stop it. */
bool entry_up(const json_t *entry);
bool entry_started(struct local *l, json_t *entry, pid_t pid, struct err *err);
bool entry_stop(struct local *l, json_t *entry, int sig, double grace_s, struct err *err);
/* The signal alone, so that others can go down meanwhile; entry_stop waits. */
void entry_stop_begin(struct local *l, json_t *entry, int sig);

/* ---- user.c: whom things run as -------------------------------------------------------------------*/
/* The first of the NULL-terminated names that this host knows; NULL when we are not root. */
const char *user_choose(const char *const *names);
/* The user of a service, NULL when we are not root. */
const char *user_of_service(const struct env_service *s);
bool user_ids(const char *user, uid_t *uid, gid_t *gid, struct err *err);
/* A directory for `user` (NULL: us). */
bool user_dir(const char *path, const char *user, gid_t group, mode_t mode, struct err *err);
/* Whether user may enter the directory; the error names the way out. */
bool user_may_enter(const char *path, const char *user, struct err *err);

/* ---- port.c ---------------------------------------------------------------------------------------*/
/* A port of 127.0.0.1 that nobody listens on, not used by the environment nor this box. */
bool port_choose(const struct local *l, uint16_t *out, struct err *err);
bool port_check(uint16_t port, const char *what, struct err *err); /* free now */
bool port_accepts(const char *host, uint16_t port);

/* ---- server.c: private database servers -----------------------------------------------------------*/
bool servers_create(struct local *l, struct err *err);
bool servers_up(struct local *l, enum box_load mode, struct err *err);
bool servers_down(struct local *l, struct err *err);
json_t *server_of_database(const struct local *l, const char *database);
void servers_remove_private(const json_t *servers);

/* ---- service.c ------------------------------------------------------------------------------------*/
bool services_create(struct local *l, struct err *err);
bool services_up(struct local *l, struct err *err);
bool services_down(struct local *l, struct err *err);
bool services_check(struct local *l, struct err *err);

/* ---- exec.c ---------------------------------------------------------------------------------------*/
bool local_exec(struct box *b, const char *const *argv, int *status, struct err *err);

/* ---- reset.c --------------------------------------------------------------------------------------*/
bool reset_save(struct local *l, struct err *err);
bool reset_back(struct local *l, struct err *err);
bool reset_recover(struct local *l, struct err *err);

/* ---- aside.c: what the box held before ------------------------------------------------------------*/
/* Names of the entries that a box directory may hold. */
bool aside_check(const char *where, struct err *err);
/* Moves all of the box in `where` into before/; the lock is held, nothing runs. */
bool aside_keep(const char *where, struct err *err);
bool aside_exists(const char *where);
/* Removes what stands and moves before/ back. */
bool aside_bring_back(const char *where, struct err *err);
bool aside_drop(const char *where, struct err *err);
/* Whether a move is under way, or was when a crash interrupted it. */
bool aside_moving(const char *where);
/* Ends a move that a crash interrupted. */
bool aside_recover(const char *where, struct err *err);
/* Whether `is` holds for the folder, or for one of those in it that a box is moved through. */
bool aside_any(const char *where, bool (*is)(const char *dir));
/* Whether our box.json is all there is: a restore or a removal was cut off right at its edge. */
bool aside_is_bare(const char *where);
/* Removes every entry of a box but before/ and the lock; box.json goes last. */
bool aside_remove(const char *where, struct err *err);

/* ---- copy.c ---------------------------------------------------------------------------------------*/
/* Copies a tree with owners, modes, times, links, holes and extended attributes; as clones that
 * share their blocks where the file system can. `to` must not exist. */
bool copy_tree(const char *from, const char *to, unsigned jobs, struct err *err);

/* ---- others ---------------------------------------------------------------------------------------*/
/* Ends processes that carry this box's mark and that box.json does not know: a crash left them. */
void sweep(const struct local *l);
/* Ends what runs `program` in the folder `data`: children that outlive their killed server. */
bool sweep_server(const char *program, const char *data, struct err *err);
#define SWEEP_VAR "REHEARSE_BOX_ID"
/* SWEEP_VAR=id, for the environment of every process of the box. */
#define SWEEP_MARK 64
const char *sweep_mark(const struct local *l, char out[SWEEP_MARK]);
/* Last line that says something, written at or after `from`; heap, NULL when there is none. */
char *log_last_line(const char *path, off_t from);
/* The last line that a database server calls the reason of its end, else the last line. */
char *log_reason(const char *path, off_t from);
off_t log_size(const char *path);
/* `backslashes`: those of values are doubled, for use in a replacement text. `secrets`: whether
 * ${db.NAME.password} is given. */
bool expand(const struct local *l, const char *text, bool backslashes, bool secrets,
            struct buf *out, struct err *err);

#endif
