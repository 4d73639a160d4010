/* "The Nth call fails": allocations and writes of the code under test, made to fail on purpose.
 *
 *   for (unsigned n = 1; fault_alloc(n), !work(&err); n++)
 *       assert_clean_failure();
 *   fault_off();
 *
 * Works by the linker's --wrap, so only calls from our own objects count, never those inside of libc
 * or of other libraries. jansson's allocations count once fault_json() was called.
 * Counted as allocations: malloc calloc realloc strdup. As I/O: write pwrite fsync fdatasync rename
 * renameat ftruncate; a failing write() first writes half, as a full disk does.
 * Threads: the counters are atomic.
 */
#ifndef TESTS_FAKE_FAULT_H
#define TESTS_FAKE_FAULT_H

#include <stdbool.h>

/* The nth call from now on fails, once; 1 is the next one. */
void fault_alloc(unsigned nth);
void fault_io(unsigned nth, int number);
void fault_off(void);
/* Whether the fault that was asked for has come. */
bool fault_came(void);
void fault_json(void);

#endif
