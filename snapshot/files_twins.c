#include "snapshot/files_twins.h"

#include "lib/base/cmd.h"

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

static bool wanted(const FTSENT *e, uint64_t size_max)
{
    const struct stat *st = e->fts_statp;

    return e->fts_info == FTS_F && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
           (uint64_t)st->st_size >= TWIN_MIN && (uint64_t)st->st_size <= size_max;
}

bool files_twins(const char *root, uint64_t size_max, struct vec *keys, struct err *err)
{
    char *const roots[] = {(char *)(uintptr_t)root, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = true;

    if (!tree)
        return err_memory(err);
    for (FTSENT *e = NULL; ok && keys->count < TWINS_MAX && (e = fts_read(tree));) {
        uint64_t *to = wanted(e, size_max) ? vec_add(keys, err) : NULL;

        if (to)
            *to = files_key(e->fts_name, (uint64_t)e->fts_statp->st_size);
        ok = e->fts_info != FTS_D || cmd_stop_check(err);
    }
    fts_close(tree);
    keep_repeated(keys);
    return ok;
}

bool files_is_twin(const struct vec *keys, const char *path, uint64_t size)
{
    uint64_t key = files_key(path, size);

    return size >= TWIN_MIN && keys->count &&
           bsearch(&key, keys->at, keys->count, sizeof(key), by_value);
}
