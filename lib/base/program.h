/* Where a program of this host lies.
 *
 * Ownership: heap strings; NULL when there is none, or no memory. Threads: any.
 */
#ifndef LIB_BASE_PROGRAM_H
#define LIB_BASE_PROGRAM_H

/* The first of that name in PATH that may be run. */
char *program_in_path(const char *name);
/* Of those that glob(7) finds, the one whose version in the path is the newest. */
char *program_newest(const char *pattern);

#endif
