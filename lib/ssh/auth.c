#include "lib/ssh/auth.h"

#include "lib/base/buf.h"
#include "lib/base/fd.h"

#include <pwd.h>

#define KEY_MAX ((size_t)64 << 10)
/* libssh2 before this one signs with RSA by SHA-1 only, which OpenSSH 8.8 and later refuse. */
#define RSA_SHA2 0x010b00

struct auth {
    LIBSSH2_SESSION *session;
    const struct ssh_target *to;
    const char *user;
    struct buf tried; /* "the agent's key 'x' (refused), ..." */
    bool rsa_refused, locked;
};

static void note(struct auth *a, const char *what, const char *name, const char *why)
{
    buf_printf(&a->tried, "%s%s '%s' (%s)", a->tried.len ? ", " : "", what, name, why);
}

/* ---- the agent -------------------------------------------------------------------------------*/

struct agent {
    LIBSSH2_AGENT *agent;
    bool connected;
};

static void auto_agent(struct agent *a)
{
    if (a->connected)
        libssh2_agent_disconnect(a->agent);
    if (a->agent)
        libssh2_agent_free(a->agent);
}

static bool is_rsa_blob(const unsigned char *blob, size_t len)
{
    static const unsigned char name[] = {0, 0, 0, 7, 's', 's', 'h', '-', 'r', 's', 'a'};

    return len > sizeof(name) && memcmp(blob, name, sizeof(name)) == 0;
}

static bool try_agent(struct auth *a)
{
    AUTO(agent) struct agent it = {libssh2_agent_init(a->session), false};
    struct libssh2_agent_publickey *key = NULL, *last = NULL;

    if (!getenv("SSH_AUTH_SOCK") || !it.agent || libssh2_agent_connect(it.agent) != 0)
        return false;
    it.connected = true;
    if (libssh2_agent_list_identities(it.agent) != 0)
        return false;
    for (; libssh2_agent_get_identity(it.agent, &key, last) == 0; last = key) {
        if (libssh2_agent_userauth(it.agent, a->user, key) == 0)
            return true;
        note(a, "the agent's key", key->comment ? key->comment : "", "refused");
        a->rsa_refused |= is_rsa_blob(key->blob, key->blob_len);
    }
    return false;
}

/* ---- key files -------------------------------------------------------------------------------*/

/* By the public half beside it, or by the old form's first line. */
static bool is_rsa_file(const char *path, const struct buf *key)
{
    AUTO(buf) struct buf name = {0}, public = {0};

    if (span_starts(buf_view(key), "-----BEGIN RSA"))
        return true;
    buf_printf(&name, "%s.pub", path);
    return file_read(buf_str(&name), KEY_MAX, &public, NULL) &&
           span_starts(buf_view(&public), "ssh-rsa ");
}

static const char *why_refused(struct auth *a, int rc)
{
    char *text = NULL;

    if (rc == LIBSSH2_ERROR_FILE || rc == LIBSSH2_ERROR_METHOD_NONE) {
        /* What an encrypted key gives without its passphrase. */
        a->locked = true;
        return "unreadable: encrypted, or of a form unknown to libssh2";
    }
    libssh2_session_last_error(a->session, &text, NULL, 0);
    return rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED ||
                   !text || !*text
               ? "refused"
               : text;
}

/* A file that was named must be there; the usual ones may be missing. */
static bool try_file(struct auth *a, const char *path, bool must, bool *in, struct err *err)
{
    AUTO(buf) struct buf key = {0};
    const char *passphrase = getenv("REHEARSE_SSH_PASSPHRASE");
    struct err why = {0};

    *in = false;
    if (!file_read_secret(path, &key, &why)) {
        if (must)
            return err_pass(err, &why);
        if (why.code != ERR_MISSING)
            note(a, "key", path, why.text);
        return true;
    }
    /* Without the newline at its end the file is no PEM any more: libssh2 reads it itself. */
    int rc = libssh2_userauth_publickey_fromfile_ex(a->session, a->user, (unsigned)strlen(a->user),
                                                    NULL, path, passphrase ? passphrase : "");
    *in = rc == 0;
    if (rc != 0) {
        note(a, "key", path, why_refused(a, rc));
        a->rsa_refused |= rc != LIBSSH2_ERROR_FILE && is_rsa_file(path, &key);
    }
    explicit_bzero(key.at, key.len);
    return true;
}

static bool try_usual_files(struct auth *a, bool *in, struct err *err)
{
    static const char *const names[] = {".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"};
    const char *home = getenv("HOME");

    for (size_t i = 0; home && !*in && i < COUNT(names); i++) {
        AUTO(free) char *path = path_join(home, names[i]);
        if (!path)
            return err_memory(err);
        if (!try_file(a, path, false, in, err))
            return false;
    }
    return true;
}

/* ---- both ------------------------------------------------------------------------------------*/

static bool give_up(const struct auth *a, struct err *err)
{
    err_set(err, ERR_AUTH, "'%s' does not let '%s' in: %s", a->to->host, a->user,
            a->tried.len ? buf_str(&a->tried) : "there is neither an agent nor a key file");
    if (a->rsa_refused && !libssh2_version(RSA_SHA2))
        return err_hint(err,
                        "libssh2 %s signs with RSA keys by SHA-1 only, which OpenSSH 8.8 and later "
                        "refuse: use an ed25519 key, or allow it there by "
                        "PubkeyAcceptedAlgorithms=+ssh-rsa",
                        libssh2_version(0));
    if (a->locked)
        return err_hint(err, "ssh-add the key, or give REHEARSE_SSH_PASSPHRASE");
    if (!a->tried.len)
        return err_hint(err, "start ssh-agent, or name a key by REHEARSE_SSH_KEY");
    return err_hint(err, "add the public key to ~/.ssh/authorized_keys there, or name another by "
                         "REHEARSE_SSH_KEY");
}

static bool try_all(struct auth *a, bool *in, struct err *err)
{
    const char *named = a->to->identity ? a->to->identity : getenv("REHEARSE_SSH_KEY");

    if (named && *named) {
        if (!try_file(a, named, true, in, err))
            return err_add(err, "cannot use the key");
        *in = *in || try_agent(a);
        return true;
    }
    *in = try_agent(a);
    return *in || try_usual_files(a, in, err);
}

bool auth_run(LIBSSH2_SESSION *session, const struct ssh_target *to, struct err *err)
{
    char space[4096];
    struct passwd entry, *me = NULL;
    struct auth a = {.session = session, .to = to, .user = to->user};
    bool in = false;

    if (!a.user && getpwuid_r(geteuid(), &entry, space, sizeof(space), &me) == 0 && me)
        a.user = me->pw_name;
    if (!a.user) {
        err_set(err, ERR_AUTH, "cannot tell by which user to log in to '%s'", to->host);
        return err_hint(err, "write it as USER@%s", to->host);
    }
    bool ok = try_all(&a, &in, err);
    if (ok && !in)
        ok = give_up(&a, err);
    buf_done(&a.tried);
    return ok;
}
