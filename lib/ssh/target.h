/* Where an SSH address leads: sftp://[user@]host[:port]/path[?identity=FILE].
 *
 * The path is absolute; "/~/x" is x in the home of the user. An IPv6 address stands in brackets.
 * %NN is decoded in user, path and identity. A password is refused, and not repeated in the error.
 * Source: RFC 3986, draft-ietf-secsh-scp-sftp-ssh-uri-04.
 */
#ifndef LIB_SSH_TARGET_H
#define LIB_SSH_TARGET_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

#define SSH_PORT 22

struct ssh_target {
    char *user; /* NULL: who we are */
    char *host;
    char *path;     /* without a slash at its end */
    char *identity; /* NULL: the usual key files */
    unsigned port;
};

/* ERR_USAGE. */
bool ssh_target_parse(const char *url, struct ssh_target *out, struct err *err);
void ssh_target_done(struct ssh_target *t);
static inline void auto_ssh_target(struct ssh_target *t)
{
    ssh_target_done(t);
}
/* The name that a host has in known_hosts: "host", or "[host]:port". Heap; NULL without memory. */
char *ssh_target_known_as(const struct ssh_target *t);

#endif
