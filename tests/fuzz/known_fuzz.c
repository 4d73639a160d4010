/* The first line is an address behind "sftp://", the rest a known_hosts file: the address is refused
 * or leads somewhere, and whatever stands in the file, a kind of key is chosen, the same each time,
 * and nobody is known who gave no key. */
#include "lib/ssh/known.h"

#include "lib/base/fd.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool parse_target(struct span address, struct ssh_target *to)
{
    AUTO(buf) struct buf url = {0};
    struct err err = {0};

    buf_puts(&url, "sftp://");
    buf_span(&url, address);
    if (!ssh_target_parse(buf_str(&url), to, &err)) {
        must(err.code == ERR_USAGE && err.text[0]);
        return false;
    }
    AUTO(free) char *name = ssh_target_known_as(to);
    must(to->host[0] && to->path[0] && to->port > 0 && to->port < 65536);
    must(name && strstr(name, to->host));
    return true;
}

/* An address that libssh2 would never be given still must not hurt the file's reading. */
static void fall_back(struct ssh_target *to)
{
    struct err err = {0};

    ssh_target_done(to);
    must(ssh_target_parse("sftp://example.org:2222/x", to, &err));
}

static void read_known(LIBSSH2_SESSION *session, const struct ssh_target *to)
{
    AUTO(known) struct known *k = NULL;
    struct err err = {0};

    must(known_open(session, to, &k, &err));
    must(known_prefer(k, &err));
    must(!known_check(k, &err) && err.code == ERR_AUTH && err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static LIBSSH2_SESSION *session;
    struct span file = {(const char *)bytes, len}, address = {NULL, 0};
    AUTO(fd) int fd = memfd_create("known_hosts", 0);
    struct ssh_target to = {0};
    char path[64];

    if (!session)
        session = libssh2_session_init();
    span_split(&file, '\n', &address);
    if (!parse_target(address, &to))
        fall_back(&to);
    must(session && fd >= 0 && fd_write_all(fd, file.at, file.len, NULL));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    must(setenv("REHEARSE_KNOWN_HOSTS", path, 1) == 0);
    read_known(session, &to);
    ssh_target_done(&to);
    return 0;
}
