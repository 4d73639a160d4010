/* One SSH connection with one channel on it, through libssh2.
 *
 * Threads:   one at a time; several connections may be used by several threads.
 * Waiting:   nothing waits longer than SSH_TIMEOUT_S for a server that says nothing, nor than a few
 *            seconds once the program is asked to stop (ERR_STOPPED).
 * Errors:    ERR_UNREACHABLE; ERR_AUTH when the host's key or ours is refused.
 * Source:    RFC 4251 to 4254.
 */
#ifndef LIB_SSH_SESSION_H
#define LIB_SSH_SESSION_H

#include "lib/base/span.h"
#include "lib/ssh/target.h"

#define SSH_TIMEOUT_S 30

struct ssh;
/* Connected, the host's key checked, logged in. */
bool ssh_open(const struct ssh_target *to, struct ssh **out, struct err *err);
void ssh_close(struct ssh *s);
AUTO_PTR(ssh, struct ssh, ssh_close)

/* Starts a subsystem ("sftp") as the channel. */
bool ssh_subsystem(struct ssh *s, const char *name, struct err *err);
bool ssh_send(struct ssh *s, struct span bytes, struct err *err);
/* At least one byte and at most `max`. */
bool ssh_recv(struct ssh *s, void *to, size_t max, size_t *got, struct err *err);

#endif
