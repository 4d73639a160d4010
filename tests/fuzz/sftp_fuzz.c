/* Any bytes as what an SFTP server answers: every call ends with a result or an error, and a read
 * gives what was asked for or fails. */
#include "lib/ssh/sftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool drop(void *ctx, struct span bytes, struct err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return true;
}

static bool give(void *ctx, void *to, size_t max, size_t *got, struct err *err)
{
    struct span *left = ctx;

    *got = max < left->len ? max : left->len;
    if (*got == 0)
        return err_set(err, ERR_UNREACHABLE, "the end");
    memcpy(to, left->at, *got);
    *left = (struct span){left->at + *got, left->len - *got};
    return true;
}

static bool each(void *ctx, struct span name, const struct sftp_attr *attr, struct err *err)
{
    (void)ctx;
    (void)attr;
    (void)err;
    if (name.len == 0 || memchr(name.at, '/', name.len))
        abort();
    return true;
}

static void use(struct sftp *s)
{
    static char to[100000];
    struct sftp_attr attr;
    struct sftp_file f;
    struct err err = {0};
    uint64_t space;
    bool files;

    (void)sftp_stat(s, "a", &attr, &err);
    (void)sftp_list(s, "a", each, NULL, &err);
    (void)sftp_space(s, "a", &space, &files, &err);
    if (!sftp_file_open(s, "a", SFTP_FOR_READ | SFTP_FOR_WRITE, 0600, &f, &err))
        return;
    (void)sftp_file_read(s, &f, 1, to, sizeof(to), &err);
    (void)sftp_file_write(s, &f, 1, to, sizeof(to), &err);
    (void)sftp_file_sync(s, &f, &err);
    (void)sftp_file_stat(s, &f, &attr, &err);
    (void)sftp_file_close(s, &f, &err);
    (void)sftp_replace(s, "a", "b", &err);
    (void)sftp_remove(s, "a", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span left = {(const char *)bytes, len};
    struct sftp_io io = {drop, give, NULL, &left};
    struct err err = {0};
    AUTO(sftp) struct sftp *s = NULL;

    if (sftp_open_io(&io, &s, &err))
        use(s);
    return 0;
}
