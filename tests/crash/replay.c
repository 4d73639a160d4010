/* What a disk may hold when the power goes: replays a log of interpose.c.
 *
 *   replay LOG BEGIN ROOT POINT LOSS TARGET   the state after POINT calls (0: all), into TARGET
 *   replay LOG BEGIN ROOT rules               whether the order of the calls is one that holds
 *
 * BEGIN is a copy of what ROOT held before the first call; all of it is taken to be durable. LOSS says
 * what is lost of the rest:
 *   unsynced  every name and byte that was not made durable: what POSIX promises
 *   bytes     names are kept, bytes are lost: a journal that orders names alone
 *   zeros     names and sizes are kept, bytes read as zero
 *   NUMBER    of each name and each write by lot, writes also in half; the number is the seed
 * A rename is there or not, never in half; a name is durable once its folder was synced, bytes once
 * their file was. Folders are not renamed.
 * Exit status: 0, 1 when a rule is broken, 3 on errors.
 */
#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/vec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 20)
#define NAME_LEN 512

/* Bytes of a file: what is durable, and what was done since. */
struct write {
    uint64_t offset, len, data;
    bool truncate;
};
struct node {
    uint64_t ino; /* as the log names it; 0: of BEGIN, and not met yet */
    bool dir;
    struct buf durable;
    struct vec writes; /* struct write */
};

/* A name: what it stands for now, and what on the disk. */
struct name {
    char path[NAME_LEN]; /* below ROOT */
    struct node *now, *durable;
};
/* A change of names that is not durable yet. */
struct change {
    char path[NAME_LEN], from[NAME_LEN]; /* from: of a rename, else "" */
    struct node *node;                   /* NULL: the name goes away */
};

struct disk {
    const char *root;
    struct vec names;   /* struct name */
    struct vec changes; /* struct change */
    struct buf data;    /* all that was written */
    const char *loss;
    unsigned seed;
    bool broken; /* a rule */
};

__attribute__((format(printf, 1, 2), noreturn)) static void fail_now(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(3);
}

static void *added(struct vec *v)
{
    void *to = vec_add(v, NULL);

    if (!to)
        fail_now("out of memory");
    return to;
}

/* ---- names -----------------------------------------------------------------------------------*/

static struct name *name_of(struct disk *d, const char *path)
{
    struct name *all = d->names.at;

    for (size_t i = 0; i < d->names.count; i++)
        if (strcmp(all[i].path, path) == 0)
            return &all[i];
    struct name *to = added(&d->names);
    snprintf(to->path, sizeof(to->path), "%s", path);
    return to;
}

static struct node *node_new(uint64_t ino, bool dir)
{
    struct node *n = calloc(1, sizeof(*n));

    if (!n)
        fail_now("out of memory");
    *n = (struct node){.ino = ino, .dir = dir, .writes = VEC(struct write)};
    return n;
}

/* The last one of that number: it may have been given anew. */
static struct node *node_of(struct disk *d, uint64_t ino)
{
    const struct name *all = d->names.at;

    for (size_t i = d->names.count; i-- > 0;)
        if (all[i].now && all[i].now->ino == ino)
            return all[i].now;
    return NULL;
}

static void dir_of(const char *path, char out[NAME_LEN])
{
    const char *slash = strrchr(path, '/');

    snprintf(out, NAME_LEN, "%.*s", (int)(slash ? slash - path : 0), path);
}

static void change(struct disk *d, const char *path, const char *from, struct node *node)
{
    struct change *c = added(&d->changes);

    snprintf(c->path, sizeof(c->path), "%s", path);
    snprintf(c->from, sizeof(c->from), "%s", from);
    c->node = node;
    name_of(d, path)->now = node;
    if (from[0])
        name_of(d, from)->now = NULL;
}

static void make_durable(struct disk *d, const struct change *c)
{
    name_of(d, c->path)->durable = c->node;
    if (c->from[0])
        name_of(d, c->from)->durable = NULL;
}

/* ---- rules -----------------------------------------------------------------------------------*/

static void broken(struct disk *d, const char *rule, const char *path)
{
    printf("%s: %s\n", rule, path);
    d->broken = true;
}

static bool is_blob(const char *path)
{
    return strstr(path, "/blobs/sha256/") != NULL;
}

static bool ends(const char *path, const char *end)
{
    size_t p = strlen(path), e = strlen(end);

    return p >= e && strcmp(path + p - e, end) == 0;
}

/* Bytes before their name; every blob's name before the index that may lead to it. */
static void check_rename(struct disk *d, const char *to, const struct node *node)
{
    const struct change *all = d->changes.at;

    if (node && node->writes.count)
        broken(d, "gets its name before its bytes are durable", to);
    if (!ends(to, "/index.json"))
        return;
    for (size_t i = 0; i < d->changes.count; i++)
        if (is_blob(all[i].path) && all[i].node)
            broken(d, "has no durable name when the index is changed", all[i].path);
}

/* What ended well is there after the power comes back, but for locks and what lies in tmp/. */
static void check_end(struct disk *d)
{
    const struct change *all = d->changes.at;

    for (size_t i = 0; i < d->changes.count; i++)
        if (all[i].node && !strstr(all[i].path, "/tmp/") && !ends(all[i].path, "lock"))
            broken(d, "has no durable name in the end", all[i].path);
}

/* ---- the log ---------------------------------------------------------------------------------*/

struct line {
    char kind[16], path[NAME_LEN], to[NAME_LEN];
    unsigned long long ino, offset, len, data;
};

static const char *below(const struct disk *d, const char *path)
{
    size_t len = strlen(d->root);

    return strncmp(path, d->root, len) == 0 ? path + len : path;
}

static void sync_node(struct disk *d, const char *path);

static void apply_write(const struct disk *d, struct buf *to, const struct write *w, uint64_t len,
                        bool zeros)
{
    uint64_t end = w->truncate ? w->len : w->offset + len;

    if (end > FILE_MAX)
        fail_now("a file of %llu bytes", (unsigned long long)end);
    while (to->len < end)
        if (!buf_putc(to, '\0'))
            fail_now("out of memory");
    if (w->truncate)
        to->len = end;
    else if (!zeros && len)
        memcpy(to->at + w->offset, d->data.at + w->data, len);
}

static void sync_bytes(struct disk *d, struct node *n)
{
    const struct write *all = n->writes.at;

    for (size_t i = 0; i < n->writes.count; i++)
        apply_write(d, &n->durable, &all[i], all[i].len, false);
    n->writes.count = 0;
}

/* Of a folder: all that was changed in it, in order. */
static void sync_node(struct disk *d, const char *path)
{
    struct change *all = d->changes.at;
    struct name *name = name_of(d, path);
    char in[NAME_LEN];
    size_t kept = 0;

    if (name->now && !name->now->dir) {
        sync_bytes(d, name->now);
        return;
    }
    for (size_t i = 0; i < d->changes.count; i++) {
        dir_of(all[i].path, in);
        if (strcmp(in, path) == 0)
            make_durable(d, &all[i]);
        else
            all[kept++] = all[i];
        all = d->changes.at;
    }
    d->changes.count = kept;
}

static void note_write(struct disk *d, const struct line *l, bool truncate)
{
    struct node *n = l->path[0] ? name_of(d, below(d, l->path))->now : node_of(d, l->ino);

    if (!n)
        n = node_of(d, l->ino);
    if (!n)
        fail_now("a write to an unknown file: %s", l->path);
    *(struct write *)added(&n->writes) = (struct write){l->offset, l->len, l->data, truncate};
}

static void play(struct disk *d, const struct line *l)
{
    const char *path = below(d, l->path), *to = below(d, l->to);

    if (strcmp(l->kind, "create") == 0 || strcmp(l->kind, "mkdir") == 0) {
        change(d, path, "", node_new(l->ino, l->kind[0] == 'm'));
    } else if (strcmp(l->kind, "write") == 0) {
        note_write(d, l, false);
    } else if (strcmp(l->kind, "truncate") == 0) {
        note_write(d, l, true);
    } else if (strcmp(l->kind, "sync") == 0) {
        sync_node(d, path);
    } else if (strcmp(l->kind, "rename") == 0) {
        struct node *n = name_of(d, path)->now;
        check_rename(d, to, n);
        change(d, to, path, n);
    } else if (strcmp(l->kind, "link") == 0) {
        change(d, to, "", name_of(d, path)->now);
    } else {
        change(d, path, "", NULL);
    }
}

static void play_log(struct disk *d, const char *file, unsigned long points)
{
    FILE *in = fopen(file, "re");
    struct line l;

    if (!in)
        fail_now("cannot open '%s'", file);
    for (unsigned long i = 0; points == 0 || i < points; i++) {
        if (fscanf(in, "%15s %llu %llu %llu %llu %511s %511s", l.kind, &l.ino, &l.offset, &l.len,
                   &l.data, l.path, l.to) != 7)
            break;
        if (l.path[0] == '-')
            l.path[0] = '\0';
        play(d, &l);
    }
    fclose(in);
}

/* ---- what it began with, and what is left ----------------------------------------------------*/

struct loading {
    struct disk *disk;
    const char *dir, *below;
};

static bool load_one(void *ctx, const char *entry, struct err *err)
{
    const struct loading *l = ctx;
    AUTO(free) char *path = path_join(l->dir, entry);
    char name[NAME_LEN];
    struct stat st;

    snprintf(name, sizeof(name), "%s/%s", l->below, entry);
    if (lstat(path, &st) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", path);
    struct node *n = node_new(0, S_ISDIR(st.st_mode));
    struct name *to = name_of(l->disk, name);
    to->now = to->durable = n;
    if (n->dir)
        return dir_each(path, load_one, &(struct loading){l->disk, path, name}, err);
    return file_read(path, FILE_MAX, &n->durable, err);
}

/* Whether this one is lost; `half` where it can be so. */
static unsigned lot(struct disk *d, unsigned of)
{
    d->seed = d->seed * 1103515245u + 12345u;
    return (d->seed >> 16) % of;
}

static bool loses(struct disk *d, const char *what)
{
    return strcmp(d->loss, what) == 0;
}

static void lose_bytes(struct disk *d, struct node *n)
{
    const struct write *all = n->writes.at;

    for (size_t i = 0; i < n->writes.count && !loses(d, "unsynced") && !loses(d, "bytes"); i++) {
        unsigned fate = loses(d, "zeros") ? 3 : lot(d, 4);

        if (fate != 0)
            apply_write(d, &n->durable, &all[i], fate == 2 ? all[i].len / 2 : all[i].len,
                        fate == 3);
    }
    n->writes.count = 0;
}

static void lose(struct disk *d)
{
    const struct change *all = d->changes.at;
    struct name *names;

    d->seed = (unsigned)strtoul(d->loss, NULL, 10);
    for (size_t i = 0; i < d->changes.count && !loses(d, "unsynced"); i++)
        if (loses(d, "bytes") || loses(d, "zeros") || lot(d, 2))
            make_durable(d, &all[i]);
    names = d->names.at;
    for (size_t i = 0; i < d->names.count; i++)
        if (names[i].durable)
            lose_bytes(d, names[i].durable);
}

/* Names below a folder that is lost are lost with it. */
static bool put_one(const struct name *n, const char *target, struct err *err)
{
    AUTO(free) char *path = path_join(target, n->path + 1);
    char in[NAME_LEN];

    dir_of(n->path, in);
    AUTO(free) char *dir = path_join(target, in[0] ? in + 1 : "");
    if (!path_exists(dir))
        return true;
    if (n->durable->dir)
        return dir_make(path, 0700, err);
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", path);
    return fd_write_all(fd, n->durable->durable.at, n->durable->durable.len, err);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

static bool put_all(struct disk *d, const char *target, struct err *err)
{
    const struct name *all = d->names.at;

    qsort(d->names.at, d->names.count, sizeof(struct name), by_path);
    if (!dir_make(target, 0700, err))
        return false;
    for (size_t i = 0; i < d->names.count; i++)
        if (all[i].durable && !put_one(&all[i], target, err))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    bool rules = argc == 5 && strcmp(argv[4], "rules") == 0;
    struct disk d = {.names = VEC(struct name), .changes = VEC(struct change)};
    struct err err = {0};
    char data[NAME_LEN];

    if (!rules && argc != 7)
        fail_now("usage: replay LOG BEGIN ROOT rules|POINT LOSS TARGET");
    d.root = argv[3];
    d.loss = rules ? "unsynced" : argv[5];
    snprintf(data, sizeof(data), "%s.data", argv[1]);
    if (!file_read(data, 4 * FILE_MAX, &d.data, &err) ||
        !dir_each(argv[2], load_one, &(struct loading){&d, argv[2], ""}, &err))
        fail_now("%s", err.text);
    play_log(&d, argv[1], rules ? 0 : strtoul(argv[4], NULL, 10));
    if (rules) {
        check_end(&d);
        return d.broken;
    }
    lose(&d);
    if (!put_all(&d, argv[6], &err))
        fail_now("%s", err.text);
    return 0;
}
