/* Known hosts: whether a server is who it was. Strict: an unknown host is refused, never learnt.
 *
 * Read are the file of REHEARSE_KNOWN_HOSTS, or else ~/.ssh/known_hosts and
 * /etc/ssh/ssh_known_hosts. Hashed names, "[host]:port" and @revoked count; wildcards and
 * @cert-authority do not (libssh2 has no certificates).
 */
#ifndef LIB_SSH_KNOWN_H
#define LIB_SSH_KNOWN_H

#include "lib/base/auto.h"
#include "lib/ssh/target.h"

#include <libssh2.h>

struct known;
bool known_open(LIBSSH2_SESSION *session, const struct ssh_target *to, struct known **out,
                struct err *err);
void known_close(struct known *k);
AUTO_PTR(known, struct known, known_close)

/* Before the handshake: asks the server for a key of a kind that is known. It has several, and one
 * that we do not know proves nothing. */
bool known_prefer(struct known *k, struct err *err);
/* After the handshake; ERR_AUTH with the fingerprint and the mend. */
bool known_check(struct known *k, struct err *err);

#endif
