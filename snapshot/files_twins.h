/* Files that are there more than once, by name and size, before any of them is read.
 *
 * Such a file gets segments of its own, so that those after the first become references. Found by a
 * look over the tree in front of the first capture; later ones cut where the parent did.
 * Memory:  8 bytes per file of TWIN_MIN or more, at most TWINS_MAX.
 * Threads: the walk's only.
 */
#ifndef SNAPSHOT_FILES_TWINS_H
#define SNAPSHOT_FILES_TWINS_H

#include "lib/base/vec.h"
#include "lib/env/env.h"

#include <stdbool.h>
#include <stdint.h>

/* Smaller ones cost more as segments than they save. */
#define TWIN_MIN  ((uint64_t)64 << 10)
#define TWINS_MAX ((size_t)1 << 20)

/* Of the last part of a path, and a size. */
uint64_t files_key(const char *path, uint64_t size);
/* Fills *keys (uint64_t). What cannot be read is not said here: the walk will. false: a signal. */
bool files_twins(const struct env_files *tree, uint64_t size_max, struct vec *keys,
                 struct err *err);
/* Whether the environment file leaves `path` (inside the tree) out. */
bool files_excluded(const struct env_files *tree, const char *path, bool is_dir);
bool files_is_twin(const struct vec *keys, const char *path, uint64_t size);

#endif
