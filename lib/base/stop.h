/* Setting up the stop flag that cmd_stopping() asks. */
#ifndef LIB_BASE_STOP_H
#define LIB_BASE_STOP_H

/* SIGINT and SIGTERM raise the flag from now on (a second one ends the process at once), and
 * SIGPIPE is ignored: a peer that goes away is an error of the write. */
void stop_listen(void);
/* From now on the flag is down whatever comes: what is left to do is to take back what was begun. A
 * signal after the one that ended the work still ends the process at once. */
void stop_take_back(void);

#endif
