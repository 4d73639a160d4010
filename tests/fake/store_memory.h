/* A store in memory that fails when told to.
 *
 * Every call that would touch a medium (stat, read, put, append, commit, list, remove, swap) counts;
 * call number `fail_at` fails with ERR_SPACE, and so does every later one when `fail_on` is set.
 * Threads: as the contract says.
 */
#ifndef TESTS_FAKE_STORE_MEMORY_H
#define TESTS_FAKE_STORE_MEMORY_H

#include "lib/store/store.h"

/* An empty image layout, open for reading and writing. store_close() releases it. */
bool fake_store_new(struct store **out, struct err *err);
/* 0: never. Starts counting anew. */
void fake_store_fail_at(struct store *s, uint64_t call, bool fail_on);
uint64_t fake_store_calls(const struct store *s);
size_t fake_store_open_puts(const struct store *s);
size_t fake_store_objects(const struct store *s);
/* The bytes of an object, to be damaged in place; NULL when absent. */
struct buf *fake_store_object(struct store *s, const char *name);
/* Makes an object, or with NULL all of them, older. */
void fake_store_age(struct store *s, const char *name, int64_t ns);
/* Name of object `i`, in no particular order. */
const char *fake_store_name(const struct store *s, size_t i);
/* How many names a store of any kind lists; ends the program where it does not. */
size_t fake_store_count(struct store *s, const char *prefix);

#endif
