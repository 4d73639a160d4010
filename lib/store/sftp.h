/* The SFTP driver: a store in a directory of another host, sftp://[USER@]HOST[:PORT]/PATH.
 *
 * The same files as the local driver's, with the same modes. An object is written in tmp/, fsynced
 * where the server can, and renamed over its name in one step (both are extensions of OpenSSH; a
 * server without the rename is refused for writing). No server makes a directory durable on demand:
 * after a power loss of the server the last renames may be missing, never half done.
 * Connections: up to four, opened as threads need them; a lost one is made anew, a put goes on where
 *            it was. See docs/stores.md.
 */
#ifndef LIB_STORE_SFTP_H
#define LIB_STORE_SFTP_H

#include "lib/store/store.h"

extern const struct store_ops store_sftp;

#endif
