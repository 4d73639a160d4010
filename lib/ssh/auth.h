/* Proving who we are: the agent, then key files; a key that is named goes first. No passwords.
 *
 * Key files: ?identity=FILE of the address, REHEARSE_SSH_KEY, else ~/.ssh/id_ed25519, id_ecdsa and
 * id_rsa. The passphrase of one comes from REHEARSE_SSH_PASSPHRASE, or the agent holds the key.
 */
#ifndef LIB_SSH_AUTH_H
#define LIB_SSH_AUTH_H

#include "lib/ssh/target.h"

#include <libssh2.h>

/* ERR_AUTH says what was tried. The session is in blocking mode. */
bool auth_run(LIBSSH2_SESSION *session, const struct ssh_target *to, struct err *err);

#endif
