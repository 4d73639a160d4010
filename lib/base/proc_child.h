/* The fork itself: for proc.c alone. */
#ifndef LIB_BASE_PROC_CHILD_H
#define LIB_BASE_PROC_CHILD_H

#include "lib/base/proc.h"

/* Starts conf->argv with the two descriptors as its stdout and stderr. A program that cannot be
 * executed is an error of this call (ERR_MISSING, ERR_RIGHTS), not a status of the child. */
bool child_fork(const struct proc_conf *conf, int out, int err_out, pid_t *pid, struct err *err);

#endif
