#include "snapshot/files_twins.h"

#include "lib/base/cmd.h"

#include <fnmatch.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

uint64_t files_key(const char *path, uint64_t size)
{
    const char *slash = strrchr(path, '/');
    uint64_t hash = mix(0, size);

    for (const char *p = slash ? slash + 1 : path; *p; p++)
        hash = mix(hash, (unsigned char)*p);
    return hash;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* One of each that is there at least twice. */
static void keep_repeated(struct vec *keys)
{
    uint64_t *all = keys->at;
    size_t kept = 0;

    if (keys->count)
        qsort(all, keys->count, sizeof(*all), by_value);
    for (size_t i = 1; i < keys->count; i++)
        if (all[i] == all[i - 1] && (!kept || all[kept - 1] != all[i]))
            all[kept++] = all[i];
    keys->count = kept;
}

bool files_excluded(const struct env_files *tree, const char *path, bool is_dir)
{
    for (unsigned i = 0; i < tree->exclude.count; i++) {
        const char *pattern = tree->exclude.at[i];
        size_t len = strlen(pattern);
        char plain[4096];

        if (len > 1 && pattern[len - 1] == '/') {
            if (!is_dir || len >= sizeof(plain))
                continue;
            memcpy(plain, pattern, len - 1);
            plain[len - 1] = '\0';
            pattern = plain;
        }
        if (fnmatch(pattern, path, 0) == 0)
            return true;
    }
    return false;
}

static bool wanted(const FTSENT *e, uint64_t size_max)
{
    const struct stat *st = e->fts_statp;

    return e->fts_info == FTS_F && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
           (uint64_t)st->st_size >= TWIN_MIN && (uint64_t)st->st_size <= size_max;
}

/* What is left out may be a dead network mount, or millions of files. */
static bool left_out(const struct env_files *tree, const FTSENT *e)
{
    const char *inside = e->fts_path + strlen(tree->path);

    while (*inside == '/')
        inside++;
    return e->fts_level > FTS_ROOTLEVEL && files_excluded(tree, inside, e->fts_info == FTS_D);
}

bool files_twins(const struct env_files *tree, uint64_t size_max, struct vec *keys, struct err *err)
{
    char *const roots[] = {tree->path, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = true;

    if (!fts)
        return err_memory(err);
    for (FTSENT *e = NULL; ok && keys->count < TWINS_MAX && (e = fts_read(fts));) {
        bool out = left_out(tree, e);
        uint64_t *to = !out && wanted(e, size_max) ? vec_add(keys, err) : NULL;

        if (to)
            *to = files_key(e->fts_name, (uint64_t)e->fts_statp->st_size);
        if (out && e->fts_info == FTS_D)
            fts_set(fts, e, FTS_SKIP);
        ok = e->fts_info != FTS_D || cmd_stop_check(err);
    }
    fts_close(fts);
    keep_repeated(keys);
    return ok;
}

bool files_is_twin(const struct vec *keys, const char *path, uint64_t size)
{
    uint64_t key = files_key(path, size);

    return size >= TWIN_MIN && keys->count &&
           bsearch(&key, keys->at, keys->count, sizeof(key), by_value);
}
