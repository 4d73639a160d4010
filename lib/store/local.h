/* The local driver: a store is a directory.
 *
 * Beside the objects it holds "tmp/" (files of writers at work, or of crashed ones) and ".lock" and
 * "swap.lock" (lib/store/local_lock.h). Modes are 0700 and 0600: a bundle holds production's data.
 * Durability: the file is fsynced, renamed, and the directory fsynced, before an object counts.
 */
#ifndef LIB_STORE_LOCAL_H
#define LIB_STORE_LOCAL_H

#include "lib/store/store.h"

extern const struct store_ops store_local;

#endif
