#include "lib/ssh/known.h"

#include "lib/base/fd.h"

#define FILE_MAX    ((size_t)16 << 20)
#define FINGERPRINT 64
#define HASH_LEN    32
#define HASH_TEXT   28 /* SHA-1 in base64, with its padding */

struct known {
    LIBSSH2_SESSION *session;
    LIBSSH2_KNOWNHOSTS *hosts, *revoked;
    const struct ssh_target *to; /* the caller's */
    char *name;                  /* "[host]:port" or "host" */
    char *file;                  /* where the mend would write */
};

static const struct key_kind {
    const char *method; /* of the handshake, and as ssh-keyscan names it */
    const char *scan;
    int type; /* libssh2_session_hostkey() */
    int mask;
} kinds[] = {
    {"ssh-ed25519", "ed25519", LIBSSH2_HOSTKEY_TYPE_ED25519, LIBSSH2_KNOWNHOST_KEY_ED25519},
    {"ecdsa-sha2-nistp256", "ecdsa", LIBSSH2_HOSTKEY_TYPE_ECDSA_256,
     LIBSSH2_KNOWNHOST_KEY_ECDSA_256},
    {"ecdsa-sha2-nistp384", "ecdsa", LIBSSH2_HOSTKEY_TYPE_ECDSA_384,
     LIBSSH2_KNOWNHOST_KEY_ECDSA_384},
    {"ecdsa-sha2-nistp521", "ecdsa", LIBSSH2_HOSTKEY_TYPE_ECDSA_521,
     LIBSSH2_KNOWNHOST_KEY_ECDSA_521},
    {"ssh-rsa", "rsa", LIBSSH2_HOSTKEY_TYPE_RSA, LIBSSH2_KNOWNHOST_KEY_SSHRSA},
};

/* ---- the files -------------------------------------------------------------------------------*/

static struct span behind_word(struct span line)
{
    size_t i = 0;

    while (i < line.len && line.at[i] != ' ' && line.at[i] != '\t')
        i++;
    return span_trim((struct span){line.at + i, line.len - i});
}

/* A copy: libssh2 1.10 looks behind the end of the line, and takes a newline there for its own. */
static void feed(LIBSSH2_KNOWNHOSTS *to, const struct buf *line)
{
    if (!line->failed)
        libssh2_knownhost_readline(to, buf_str(line), line->len, LIBSSH2_KNOWNHOST_FILE_OPENSSH);
}

static bool is_base64(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '+' || c == '/'))
            return false;
    }
    return true;
}

/* "|1|SALT|HASH ...", as ssh-keygen -H writes it. libssh2 1.10 loses memory at each look-up past a
 * hash that is not of 20 bytes. */
static bool hash_is_whole(struct span line)
{
    struct span rest = line, part, hash;

    for (int i = 0; i < 3; i++)
        if (!span_split(&rest, '|', &part))
            return false;
    if (!rest.at)
        return false;
    hash = (struct span){rest.at, 0};
    while (hash.len < rest.len && hash.at[hash.len] != ' ' && hash.at[hash.len] != '\t')
        hash.len++;
    return hash.len == HASH_TEXT && span_ends(hash, "=") &&
           is_base64((struct span){hash.at, HASH_TEXT - 1});
}

/* Line by line: libssh2 stops reading a file at the first line that it does not understand. A key
 * revoked for any host is revoked for this one: the names may be patterns. */
static void add_line(struct known *k, struct span line)
{
    AUTO(buf) struct buf text = {0};

    line = span_trim(line);
    if (span_starts(line, "@revoked")) {
        struct span key = behind_word(behind_word(line));
        buf_printf(&text, "%s ", k->to->host);
        buf_span(&text, key);
        feed(k->revoked, &text);
    } else if (line.len > 0 && line.at[0] != '#' && line.at[0] != '@' &&
               (line.at[0] != '|' || hash_is_whole(line))) {
        buf_span(&text, line);
        feed(k->hosts, &text);
    }
}

static bool add_file(struct known *k, const char *path, bool must, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct err why = {0};
    struct span line;

    if (!file_read(path, FILE_MAX, &text, &why))
        return (!must && why.code == ERR_MISSING) || err_pass(err, &why);
    struct span rest = buf_view(&text);
    while (span_split(&rest, '\n', &line))
        add_line(k, line);
    return true;
}

static bool add_files(struct known *k, struct err *err)
{
    const char *named = getenv("REHEARSE_KNOWN_HOSTS");
    const char *home = getenv("HOME");

    if (named && *named) {
        k->file = strdup(named);
        return k->file ? add_file(k, named, true, err) : err_memory(err);
    }
    k->file = path_join(home ? home : "/", ".ssh/known_hosts");
    if (!k->file)
        return err_memory(err);
    return add_file(k, k->file, false, err) && add_file(k, "/etc/ssh/ssh_known_hosts", false, err);
}

bool known_open(LIBSSH2_SESSION *session, const struct ssh_target *to, struct known **out,
                struct err *err)
{
    AUTO(known) struct known *k = calloc(1, sizeof(*k));

    if (!k)
        return err_memory(err);
    k->session = session;
    k->to = to;
    k->hosts = libssh2_knownhost_init(session);
    k->revoked = libssh2_knownhost_init(session);
    k->name = ssh_target_known_as(to);
    if (!k->hosts || !k->revoked || !k->name)
        return err_memory(err);
    if (!add_files(k, err))
        return err_add(err, "cannot read known hosts");
    *out = TAKE(k);
    return true;
}

void known_close(struct known *k)
{
    if (!k)
        return;
    if (k->hosts)
        libssh2_knownhost_free(k->hosts);
    if (k->revoked)
        libssh2_knownhost_free(k->revoked);
    free(k->name);
    free(k->file);
    free(k);
}

/* ---- looking up ------------------------------------------------------------------------------*/

static int look_up(LIBSSH2_KNOWNHOSTS *hosts, const char *name, struct span key, int mask)
{
    struct libssh2_knownhost *found = NULL;

    return libssh2_knownhost_checkp(
        hosts, name, -1, key.at, key.len,
        LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | mask, &found);
}

/* A key of this kind stands in the file: any other one then is a mismatch. */
static bool has_kind(const struct known *k, const char *name, const struct key_kind *kind)
{
    return look_up(k->hosts, name, SPAN("?"), kind->mask) == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

static bool has_any(const struct known *k, const char *name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (has_kind(k, name, &kinds[i]))
            return true;
    return false;
}

/* As ssh does it: what is known of the port, else what is known of the host. */
static const char *known_name(const struct known *k)
{
    return has_any(k, k->name) ? k->name : k->to->host;
}

bool known_prefer(struct known *k, struct err *err)
{
    AUTO(buf) struct buf list = {0};
    const char *name = known_name(k);

    for (int known = 1; known >= 0; known--)
        for (size_t i = 0; i < COUNT(kinds); i++)
            if (has_kind(k, name, &kinds[i]) == (known == 1))
                buf_printf(&list, "%s%s", list.len ? "," : "", kinds[i].method);
    if (!buf_ok(&list, err))
        return false;
    if (libssh2_session_method_pref(k->session, LIBSSH2_METHOD_HOSTKEY, buf_str(&list)) != 0)
        return err_set(err, ERR_FAILED, "cannot choose a kind of host key");
    return true;
}

/* ---- checking --------------------------------------------------------------------------------*/

/* Base64 without padding, as ssh-keygen -l shows it. */
static void fingerprint(LIBSSH2_SESSION *session, char out[FINGERPRINT])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *raw = libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256);
    size_t n = (size_t)snprintf(out, FINGERPRINT, "SHA256:");
    unsigned bits = 0, have = 0;

    for (size_t i = 0; raw && i < HASH_LEN; i++) {
        bits = bits << 8 | (unsigned char)raw[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = digits[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[n++] = digits[bits << (6 - have) & 63];
    out[n] = '\0';
}

static bool refuse_changed(const struct known *k, const char *name, const struct key_kind *kind,
                           struct err *err)
{
    char print[FINGERPRINT];

    fingerprint(k->session, print);
    err_set(err, ERR_AUTH, "the host key of '%s' is not the known one: it gave %s %s", k->name,
            kind->method, print);
    return err_hint(err,
                    "somebody may be in between; if it was really changed: "
                    "ssh-keygen -R '%s' -f %s, then ssh-keyscan",
                    name, k->file);
}

static bool refuse_unknown(const struct known *k, const char *name, const struct key_kind *kind,
                           struct err *err)
{
    char print[FINGERPRINT];

    fingerprint(k->session, print);
    if (has_any(k, name))
        err_set(err, ERR_AUTH, "host '%s' is known by other keys than the one it gave: %s %s",
                k->name, kind->method, print);
    else
        err_set(err, ERR_AUTH, "host '%s' is not known: it gave %s %s", k->name, kind->method,
                print);
    return err_hint(err, "compare the fingerprint, then: ssh-keyscan -t %s -p %u %s >> %s",
                    kind->scan, k->to->port, k->to->host, k->file);
}

bool known_check(struct known *k, struct err *err)
{
    const char *name = known_name(k);
    const struct key_kind *kind = NULL;
    size_t len = 0;
    int type = 0;
    const char *key = libssh2_session_hostkey(k->session, &len, &type);

    for (size_t i = 0; key && i < COUNT(kinds); i++)
        if (kinds[i].type == type)
            kind = &kinds[i];
    if (!kind)
        return err_set(err, ERR_AUTH, "host '%s' gave a key of a kind that is not used", k->name);

    struct span given = {key, len};
    if (look_up(k->revoked, k->to->host, given, kind->mask) == LIBSSH2_KNOWNHOST_CHECK_MATCH)
        return err_set(err, ERR_AUTH, "the host key of '%s' is revoked in '%s'", k->name, k->file);
    switch (look_up(k->hosts, name, given, kind->mask)) {
    case LIBSSH2_KNOWNHOST_CHECK_MATCH:
        return true;
    case LIBSSH2_KNOWNHOST_CHECK_MISMATCH:
        return refuse_changed(k, name, kind, err);
    default:
        return refuse_unknown(k, name, kind, err);
    }
}
