#include "lib/box/early.h"

#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/vec.h"
#include "lib/box/local.h"

#define NS_PER_S INT64_C(1000000000)
#define REST_NS  NS_PER_S
/* A server of very many files is looked at less often: this part of one core's time. */
#define REST_TIMES 50
/* Smaller ones are many, and soon written. */
#define LARGE_BYTES ((off_t)1 << 20)

struct box_early {
    struct vec dirs; /* char * */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
};

/* Of PostgreSQL and MariaDB, for sorts and the like. */
static bool is_fleeting(const FTSENT *entry)
{
    return strcmp(entry->fts_name, "pgsql_tmp") == 0 || strcmp(entry->fts_name, "tmp") == 0;
}

static bool begin_writing(const FTSENT *entry)
{
    AUTO(fd) int fd = open(entry->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 && sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0;
}

unsigned box_early_look(const char *dir)
{
    AUTO(free) char *path = strdup(dir);
    char *const paths[] = {path, NULL};
    FTS *walk = path ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
    unsigned asked = 0;
    FTSENT *entry;

    while (walk && (entry = fts_read(walk))) {
        if (entry->fts_info == FTS_D && is_fleeting(entry))
            fts_set(walk, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F && entry->fts_statp->st_size >= LARGE_BYTES)
            asked += begin_writing(entry);
    }
    if (walk)
        fts_close(walk);
    return asked;
}

/* False when it is over. */
static bool rest(struct box_early *e, int64_t ns)
{
    int64_t until = clock_mono_ns() + ns;
    struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    int late = 0;

    pthread_mutex_lock(&e->lock);
    while (!e->ending && late == 0)
        late = pthread_cond_timedwait(&e->wake, &e->lock, &t);
    bool more = !e->ending;
    pthread_mutex_unlock(&e->lock);
    return more;
}

static void *early_main(void *arg)
{
    struct box_early *e = arg;
    char *const *dir = e->dirs.at;
    int64_t rest_ns = REST_NS;

    while (rest(e, rest_ns)) {
        int64_t began = clock_mono_ns();
        for (size_t i = 0; i < e->dirs.count; i++)
            box_early_look(dir[i]);
        int64_t want = (clock_mono_ns() - began) * REST_TIMES;
        rest_ns = want > REST_NS ? want : REST_NS;
    }
    return NULL;
}

static void early_free(struct box_early *e)
{
    char **dir = e->dirs.at;

    for (size_t i = 0; i < e->dirs.count; i++)
        free(dir[i]);
    vec_done(&e->dirs);
    free(e);
}

static bool add_dirs(struct box_early *e, const struct local *l)
{
    struct err ignored = {0};
    size_t i;
    json_t *entry;

    json_array_foreach(local_servers(l), i, entry)
    {
        AUTO(free) char *dir = local_path(l, entry_str(entry, "name"));
        char **at = dir ? vec_add(&e->dirs, &ignored) : NULL;

        if (!at)
            return false;
        *at = path_join(dir, "data");
        if (!*at)
            return false;
    }
    return true;
}

static bool start_thread(struct box_early *e)
{
    pthread_condattr_t attr;
    sigset_t all, before;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&e->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&e->lock, NULL);
    /* Signals are for the threads that work. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&e->thread, NULL, early_main, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct box_early *box_early_begin(struct box *b)
{
    struct box_early *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->dirs = (struct vec)VEC(char *);
    if (add_dirs(e, local_of(b)) && start_thread(e))
        return e;
    early_free(e);
    return NULL;
}

void box_early_end(struct box_early *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->ending = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    early_free(e);
}
