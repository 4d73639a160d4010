/* Time: wall clock for people and files, monotonic for durations. */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define ISO_TIME 40

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void);
/* Sleeps to the monotonic instant; false when a stop signal came first. */
bool clock_sleep_until(int64_t mono_ns);
/* "2026-01-31T12:00:00.123Z" */
const char *clock_iso(int64_t wall_ns, char out[ISO_TIME]);
bool clock_parse_iso(const char *text, int64_t *wall_ns);
/* "842 ms", "4.2 s", "3 min 12 s" / "1.3 GB" (powers of 1000); returns out. */
const char *human_time(int64_t ns, char out[ISO_TIME]);
const char *human_bytes(uint64_t bytes, char out[ISO_TIME]);
const char *human_count(uint64_t n, char out[ISO_TIME]); /* 1,234,567 */

#endif
