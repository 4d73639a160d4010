#include "lib/bundle/cache.h"

#include "lib/base/fd.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/lookup.h"
#include "lib/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define NAME_MAX_ 160
#define TMP       "tmp-"

struct cache {
    char *path;
    int dir;
    uint64_t max_bytes;
    pthread_mutex_t lock;
    struct cache_account account; /* under the lock */
};

/* ---- names -----------------------------------------------------------------------------------*/

static const char *part_name(enum cache_part part, const struct digest *sealed, char out[NAME_MAX_])
{
    char hex[HASH_HEX];

    digest_hex(sealed, hex);
    snprintf(out, NAME_MAX_, "%s-%s", part == CACHE_INDEX ? "index" : "details", hex);
    return out;
}

static const char *frame_name(const struct segment *seg, char out[NAME_MAX_])
{
    char raw[HASH_HEX], base[HASH_HEX];

    digest_hex(&seg->raw, raw);
    digest_hex(&seg->base.raw, base);
    if (segment_is_delta(seg))
        snprintf(out, NAME_MAX_, "delta-%s-%s", raw, base);
    else
        snprintf(out, NAME_MAX_, "full-%s", raw);
    return out;
}

/* ---- life ------------------------------------------------------------------------------------*/

/* Who could write here could give us a base of theirs; who could read has production's data. */
static bool check_private(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", path);
    if (st.st_uid != geteuid()) {
        err_set(err, ERR_RIGHTS, "cache '%s' belongs to user %u, not to %u", path,
                (unsigned)st.st_uid, (unsigned)geteuid());
        return err_hint(err, "chown it, or name another folder in 'bundle.cache'");
    }
    if ((st.st_mode & 07777) == 0700)
        return true;
    err_set(err, ERR_RIGHTS, "cache '%s' has mode %04o: it holds production's data", path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, "look who could have read it, then chmod 700 '%.150s'", path);
}

static bool open_private(int at, const char *name, const char *path, int *out, struct err *err)
{
    AUTO(fd) int fd = -1;

    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot make cache '%s'", path);
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open cache '%s'", path);
    if (!check_private(fd, path, err))
        return false;
    *out = take_fd(&fd);
    return true;
}

static bool count_file(void *ctx, const char *name, struct err *err)
{
    struct cache *c = ctx;
    struct stat st;

    (void)err;
    if (span_starts(span_of(name), TMP)) /* of a snapshot that was killed; we hold the lock */
        unlinkat(c->dir, name, 0);
    else if (fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        c->account.bytes += (uint64_t)st.st_size;
    return true;
}

static bool fill(struct cache *c, const char *dir, const char *environment, struct err *err)
{
    AUTO(fd) int outer = -1;

    c->path = path_join(dir, environment);
    if (!c->path)
        return err_memory(err);
    if (!path_is_inside(span_of(environment))) {
        err_set(err, ERR_CONFIG, "'%s' cannot be the name of a folder", environment);
        return err_hint(err, "give the environment another 'name': the cache's folder has it, too");
    }
    if (!open_private(AT_FDCWD, dir, dir, &outer, err) ||
        !open_private(outer, environment, c->path, &c->dir, err))
        return false;
    if (flock(c->dir, LOCK_EX | LOCK_NB) != 0) {
        err_set(err, ERR_LOCK, "another snapshot uses cache '%s'", c->path);
        return err_hint(err, "wait until it has ended, or name another folder in 'bundle.cache'");
    }
    return dir_scan(c->path, count_file, c, err);
}

bool cache_open(const char *dir, const char *environment, uint64_t max_bytes, struct cache **out,
                struct err *err)
{
    AUTO(cache) struct cache *c = calloc(1, sizeof(*c));

    if (!c)
        return err_memory(err);
    c->dir = -1;
    c->max_bytes = max_bytes;
    pthread_mutex_init(&c->lock, NULL);
    if (!fill(c, dir, environment, err))
        return false;
    *out = TAKE(c);
    return true;
}

void cache_close(struct cache *c)
{
    if (!c)
        return;
    if (c->dir >= 0)
        close(c->dir);
    pthread_mutex_destroy(&c->lock);
    free(c->path);
    free(c);
}

struct cache_account cache_account(struct cache *c)
{
    pthread_mutex_lock(&c->lock);
    struct cache_account now = c->account;
    pthread_mutex_unlock(&c->lock);
    return now;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static bool open_file(const struct cache *c, const char *name, uint64_t max, int *out,
                      size_t *bytes, struct err *err)
{
    AUTO(fd) int fd = openat(c->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot open '%s/%s'", c->path, name);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
        return err_set(err, ERR_DAMAGED, "'%s/%s' has no sane size", c->path, name);
    *bytes = (size_t)st.st_size;
    *out = take_fd(&fd);
    return true;
}

/* What stands behind the line. */
static bool read_part(int fd, size_t bytes, struct spill *out, struct digest *found,
                      struct err *err)
{
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err) || !spill_open(out, bytes, err))
        return false;
    while (out->len < bytes) {
        size_t at = out->len, left = bytes - at, len = left < SPILL_PIECE ? left : SPILL_PIECE;
        char *to = spill_add(out, NULL, len, err);

        if (!to || !fd_pread_all(fd, to, len, (off_t)(HASH_HEX + at), err))
            return false;
        hash_add(h, to, len);
    }
    *found = hash_end(h);
    return true;
}

bool cache_part(struct cache *c, enum cache_part part, const struct digest *sealed, size_t max,
                struct spill *out, struct err *err)
{
    AUTO(fd) int fd = -1;
    char name[NAME_MAX_], line[HASH_HEX];
    struct digest wanted;
    struct err why = {0};
    size_t bytes = 0;

    if (!open_file(c, part_name(part, sealed, name), max + HASH_HEX, &fd, &bytes, &why))
        return why.code == ERR_MISSING
                   ? err_set(err, ERR_MISSING, "cache '%s' is not of this bundle", c->path)
                   : err_pass(err, &why);
    if (bytes < HASH_HEX || !fd_pread_all(fd, line, HASH_HEX, 0, NULL) ||
        line[HASH_HEX - 1] != '\n' || !digest_parse((struct span){line, HASH_HEX - 1}, &wanted))
        return err_set(err, ERR_DAMAGED, "'%s/%s' is cut", c->path, name);
    struct digest found;
    return read_part(fd, bytes - HASH_HEX, out, &found, err) &&
           (digest_eq(&found, &wanted) ||
            err_set(err, ERR_DAMAGED, "'%s/%s' was altered: its SHA-256 is another", c->path,
                    name));
}

static bool missed(struct cache *c)
{
    pthread_mutex_lock(&c->lock);
    c->account.missed++;
    pthread_mutex_unlock(&c->lock);
    return false;
}

bool cache_frame(struct cache *c, const struct segment *seg, struct codec *codec,
                 struct span *frame, struct err *err)
{
    AUTO(fd) int fd = -1;
    char name[NAME_MAX_];
    size_t bytes = 0;

    if (!open_file(c, frame_name(seg, name), codec_bound(seg->raw_bytes), &fd, &bytes, err))
        return missed(c);
    char *to = codec_room(codec, bytes);
    if (!to)
        return err_memory(err);
    if (!fd_pread_all(fd, to, bytes, 0, err))
        return missed(c);
    *frame = (struct span){to, bytes};
    return true;
}

void cache_drop(struct cache *c, const struct segment *seg)
{
    char name[NAME_MAX_];

    if (unlinkat(c->dir, frame_name(seg, name), 0) == 0)
        missed(c);
}

/* ---- writing ---------------------------------------------------------------------------------*/

/* Takes the room before it is used: many threads add at the same time. `always`: the limit is not
 * asked. */
static bool take_room(struct cache *c, uint64_t bytes, bool always)
{
    pthread_mutex_lock(&c->lock);
    bool ok = always || (bytes <= c->max_bytes && c->account.bytes <= c->max_bytes - bytes);
    if (ok)
        c->account.bytes += bytes;
    else
        c->account.refused++;
    pthread_mutex_unlock(&c->lock);
    return ok;
}

static void give_room(struct cache *c, uint64_t bytes, const struct err *why)
{
    pthread_mutex_lock(&c->lock);
    c->account.bytes -= bytes;
    if (why) {
        c->account.refused++;
        c->account.why = *why;
    }
    pthread_mutex_unlock(&c->lock);
}

static bool write_all(int fd, const struct spill *bytes, struct err *err)
{
    struct span piece;

    for (size_t at = 0; spill_next(bytes, &at, &piece);)
        if (!fd_write_all(fd, piece.at, piece.len, err))
            return false;
    return true;
}

static bool write_file(struct cache *c, const char *name, struct span head,
                       const struct spill *bytes, struct err *err)
{
    AUTO(fd) int fd = -1;
    char tmp[32];
    uint64_t salt;

    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return err_sys(err, ERR_IO, "cannot get random bytes");
    snprintf(tmp, sizeof(tmp), TMP "%016llx", (unsigned long long)salt);
    fd = openat(c->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot write into cache '%s'", c->path);
    if (fd_write_all(fd, head.at, head.len, err) && write_all(fd, bytes, err) &&
        (renameat(c->dir, tmp, c->dir, name) == 0 ||
         err_sys(err, ERR_IO, "cannot rename in cache '%s'", c->path)))
        return true;
    unlinkat(c->dir, tmp, 0);
    return false;
}

static void put_file(struct cache *c, const char *name, struct span head, const struct spill *bytes,
                     bool always)
{
    uint64_t size = head.len + bytes->len;
    struct err why = {0};

    if (take_room(c, size, always) && !write_file(c, name, head, bytes, &why))
        give_room(c, size, &why);
}

void cache_add(struct cache *c, const struct segment *seg, struct span frame)
{
    const struct spill bytes = spill_of(frame);
    char name[NAME_MAX_];

    if (faccessat(c->dir, frame_name(seg, name), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        put_file(c, name, (struct span){"", 0}, &bytes, false);
}

/* They come last, when frames may have taken all the room, and without them no frame is of use. */
void cache_set_part(struct cache *c, enum cache_part part, const struct digest *sealed,
                    const struct spill *bytes)
{
    AUTO(hash) struct hash *h = NULL;
    char name[NAME_MAX_], line[HASH_HEX];
    struct span piece;

    if (!hash_open(&h, NULL))
        return;
    for (size_t at = 0; spill_next(bytes, &at, &piece);)
        hash_add(h, piece.at, piece.len);
    struct digest digest = hash_end(h);
    digest_hex(&digest, line);
    line[HASH_HEX - 1] = '\n';
    put_file(c, part_name(part, sealed, name), (struct span){line, HASH_HEX}, bytes, true);
}

/* ---- what is not needed any more -------------------------------------------------------------*/

struct settling {
    struct cache *cache;
    const struct digest *sealed;
    const struct index *index;
    struct lookup needed; /* numbers of segments, by what they are made of and by their bases */
};

static bool need_all(struct settling *s)
{
    const struct segment *all = index_segments(s->index);

    if (!lookup_open(&s->needed, s->index->segment_count, NULL))
        return false;
    for (size_t i = 0; i < s->index->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(s->index);
        if (!lookup_put(&s->needed, &all[i].raw, i, NULL) ||
            (segment_is_delta(&all[i]) && !lookup_put(&s->needed, &all[i].base.raw, i, NULL)))
            return false;
    }
    return true;
}

/* A frame by its name; a full one has no base. */
static bool is_of(const struct segment *seg, const struct digest *raw, const struct digest *base)
{
    static const struct digest none;

    return (digest_eq(&seg->raw, raw) && digest_eq(&seg->base.raw, base)) ||
           (segment_is_delta(seg) && digest_eq(&seg->base.raw, raw) && digest_eq(base, &none));
}

static bool is_part(const struct settling *s, const char *file)
{
    char name[NAME_MAX_];

    return strcmp(file, part_name(CACHE_INDEX, s->sealed, name)) == 0 ||
           strcmp(file, part_name(CACHE_DETAILS, s->sealed, name)) == 0;
}

static bool is_needed(const struct settling *s, const char *file)
{
    struct span rest = span_of(file), kind, hex;
    struct digest raw, base = {0};
    size_t step = 0, number;

    if (!span_split(&rest, '-', &kind) || !span_split(&rest, '-', &hex) ||
        !digest_parse(hex, &raw) || (rest.len && !digest_parse(rest, &base)))
        return is_part(s, file);
    while (lookup_next(&s->needed, &raw, &step, &number))
        if (is_of(&index_segments(s->index)[number], &raw, &base))
            return true;
    return is_part(s, file);
}

static bool remove_unneeded(void *ctx, const char *file, struct err *err)
{
    struct settling *s = ctx;
    struct stat st;

    (void)err;
    if (!is_needed(s, file) && fstatat(s->cache->dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        unlinkat(s->cache->dir, file, 0) == 0)
        give_room(s->cache, (uint64_t)st.st_size, NULL);
    return true;
}

void cache_settle(struct cache *c, const struct digest *sealed, const struct index *ix)
{
    struct settling s = {.cache = c, .sealed = sealed, .index = ix};

    if (need_all(&s))
        dir_scan(c->path, remove_unneeded, &s, NULL);
    lookup_done(&s.needed);
    index_forget(ix);
}
