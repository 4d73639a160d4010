#include "migrate/ledger.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

struct known {
    char *database, *identity;
    uint64_t position;
};

struct ledger {
    char *path;
    int lock;
    struct journal *journal;
    struct vec entries; /* of struct ledger_entry */
    struct vec known;   /* of struct known */
};

static void entry_done(struct ledger_entry *e)
{
    free(e->database);
    free(e->file);
    free(e->version);
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    struct ledger_entry *e = l->entries.at;
    struct known *k = l->known.at;
    for (size_t i = 0; i < l->entries.count; i++)
        entry_done(&e[i]);
    for (size_t i = 0; i < l->known.count; i++) {
        free(k[i].database);
        free(k[i].identity);
    }
    vec_done(&l->entries);
    vec_done(&l->known);
    journal_close(l->journal);
    if (l->lock >= 0)
        close(l->lock);
    free(l->path);
    free(l);
}

const struct ledger_entry *ledger_entries(const struct ledger *l, size_t *count)
{
    *count = l->entries.count;
    return l->entries.at;
}

static struct ledger_entry *find(const struct ledger *l, const char *database, bool data,
                                 const char *file)
{
    struct ledger_entry *e = l->entries.at;

    for (size_t i = 0; i < l->entries.count; i++) {
        if (e[i].data == data && strcmp(e[i].database, database) == 0 &&
            strcmp(e[i].file, file) == 0)
            return &e[i];
    }
    return NULL;
}

const struct ledger_entry *ledger_find(const struct ledger *l, const char *database, bool data,
                                       const char *file)
{
    return find(l, database, data, file);
}

static struct known *find_known(const struct ledger *l, const char *database)
{
    struct known *k = l->known.at;

    for (size_t i = 0; i < l->known.count; i++) {
        if (strcmp(k[i].database, database) == 0)
            return &k[i];
    }
    return NULL;
}

/* ---- events into memory ------------------------------------------------------------------------*/

static bool want_digest(const json_t *ev, const char *key, struct digest *out, struct err *err)
{
    const char *hex;

    if (!json_want_str(ev, key, &hex, err))
        return false;
    return digest_parse(span_of(hex), out) ||
           err_set(err, ERR_DAMAGED, "'%s' is not a checksum", key);
}

static bool want_unsigned(const json_t *ev, const char *key, unsigned *out, struct err *err)
{
    uint64_t n;

    if (!json_want_u64(ev, key, &n, err))
        return false;
    *out = (unsigned)n;
    return true;
}

static struct ledger_entry *entry_of(struct ledger *l, const json_t *ev, struct err *err)
{
    const char *database, *file;
    bool data = json_is_true(json_object_get(ev, "data"));

    if (!json_want_str(ev, "database", &database, err) || !json_want_str(ev, "file", &file, err))
        return NULL;
    struct ledger_entry *e = find(l, database, data, file);
    if (e)
        return e;
    AUTO(free) char *database_copy = span_dup(span_of(database));
    AUTO(free) char *file_copy = span_dup(span_of(file));
    if (!database_copy || !file_copy) {
        err_memory(err);
        return NULL;
    }
    e = vec_add(&l->entries, err);
    if (e) {
        e->database = TAKE(database_copy);
        e->file = TAKE(file_copy);
        e->data = data;
    }
    return e;
}

static bool read_begin(struct ledger *l, struct ledger_entry *e, const json_t *ev, struct err *err)
{
    const char *version, *xid;

    (void)l;
    if (!json_want_str(ev, "version", &version, err) || !json_want_str(ev, "xid", &xid, err) ||
        !want_digest(ev, "raw", &e->raw, err) || !want_digest(ev, "normal", &e->normal, err) ||
        !want_unsigned(ev, "normal_version", &e->normal_version, err) ||
        !want_unsigned(ev, "first", &e->doubt_first, err) ||
        !want_unsigned(ev, "last", &e->doubt_last, err))
        return false;
    free(e->version);
    e->version = span_dup(span_of(version));
    e->repeatable = json_is_true(json_object_get(ev, "repeatable"));
    snprintf(e->xid, sizeof(e->xid), "%s", xid);
    if (e->done || e->doubt_first == 0)
        e->statements = 0;
    e->done = false;
    e->in_doubt = true;
    return e->version ? true : err_memory(err);
}

/* After unit.done and unit.failed alike nothing is in doubt. */
static bool read_end(struct ledger *l, struct ledger_entry *e, const json_t *ev, struct err *err)
{
    (void)l;
    e->in_doubt = false;
    return want_unsigned(ev, "statements", &e->statements, err) &&
           want_digest(ev, "prefix", &e->prefix, err);
}

/* It says all that unit.begin says: a file without statements has no unit. */
static bool read_file(struct ledger *l, struct ledger_entry *e, const json_t *ev, struct err *err)
{
    unsigned statements = e->statements;

    if (!read_begin(l, e, ev, err))
        return false;
    e->statements = statements;
    e->in_doubt = false;
    return e->done = true;
}

static bool read_target(struct ledger *l, const json_t *ev, struct err *err)
{
    const char *database, *identity, *position;
    struct known *k;
    uint64_t at = 0;

    if (!json_want_str(ev, "database", &database, err) ||
        !json_want_str(ev, "identity", &identity, err) ||
        !json_want_str(ev, "position", &position, err))
        return false;
    if (!span_u64(span_of(position), &at))
        return err_set(err, ERR_DAMAGED, "'position' is not a number");
    k = find_known(l, database);
    if (!k) {
        k = vec_add(&l->known, err);
        if (!k)
            return false;
        k->database = span_dup(span_of(database));
    }
    free(k->identity);
    k->identity = span_dup(span_of(identity));
    k->position = at;
    return (k->database && k->identity) || err_memory(err);
}

static bool read_forget(struct ledger *l, const json_t *ev, struct err *err)
{
    const char *database;
    struct ledger_entry *e = l->entries.at;
    size_t kept = 0;

    if (!json_want_str(ev, "database", &database, err))
        return false;
    for (size_t i = 0; i < l->entries.count; i++) {
        if (strcmp(e[i].database, database) == 0)
            entry_done(&e[i]);
        else
            e[kept++] = e[i];
    }
    l->entries.count = kept;
    struct known *k = find_known(l, database);
    if (k)
        k->identity[0] = '\0', k->position = 0;
    return true;
}

static bool read_event(void *ctx, const json_t *ev, struct err *err)
{
    static const struct {
        const char *name;
        bool (*read)(struct ledger *l, struct ledger_entry *e, const json_t *ev, struct err *err);
    } kinds[] = {{"unit.begin", read_begin},
                 {"unit.done", read_end},
                 {"unit.failed", read_end},
                 {"file.done", read_file}};
    struct ledger *l = ctx;
    const char *name;

    if (!json_want_str(ev, "event", &name, err))
        return false;
    if (strcmp(name, "target") == 0)
        return read_target(l, ev, err);
    if (strcmp(name, "forget") == 0)
        return read_forget(l, ev, err);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (strcmp(name, kinds[i].name) != 0)
            continue;
        struct ledger_entry *e = entry_of(l, ev, err);
        if (!e || !kinds[i].read(l, e, ev, err))
            return false;
        const char *at = json_string_value(json_object_get(ev, "at"));
        snprintf(e->at, sizeof(e->at), "%s", at ? at : "");
        return true;
    }
    err_set(err, ERR_UNSUPPORTED, "unknown event '%s'", name);
    return err_hint(err, "it was written by a newer rehearse, or is no ledger");
}

/* ---- opening -----------------------------------------------------------------------------------*/

/* An open-file-description lock: it goes with this process, however that ends. */
static bool take_lock(struct ledger *l, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    l->lock = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->lock < 0)
        return err_sys(err, ERR_IO, "cannot open ledger '%s'", l->path);
    if (fcntl(l->lock, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno != EAGAIN && errno != EACCES)
        return err_sys(err, ERR_IO, "cannot lock ledger '%s'", l->path);
    err_set(err, ERR_LOCK, "ledger '%s' is in use by another run", l->path);
    return err_hint(err, "wait for it to end");
}

bool ledger_open(const char *path, bool write, struct ledger **out, struct err *err)
{
    AUTO(ledger) struct ledger *l = calloc(1, sizeof(*l));

    if (!l)
        return err_memory(err);
    l->lock = -1;
    l->entries = (struct vec)VEC(struct ledger_entry);
    l->known = (struct vec)VEC(struct known);
    l->path = span_dup(span_of(path));
    if (!l->path)
        return err_memory(err);
    /* The journal's own opening cuts a torn line off, so it comes before the reading. */
    if (write && (!take_lock(l, err) || !journal_open(path, &l->journal, err)))
        return false;
    if (path_exists(path) && !journal_read(path, read_event, l, err))
        return err_add(err, "ledger '%s'", path);
    *out = TAKE(l);
    return true;
}

/* ---- writing -----------------------------------------------------------------------------------*/

/* Writes an event and reads it back into memory, so that both tell the same. */
static bool put(struct ledger *l, const char *event, const struct field *fields, struct err *err)
{
    AUTO(json) json_t *ev = fields_json(fields);

    if (!ev || json_object_set_new(ev, "event", json_string(event)) < 0)
        return err_memory(err);
    return journal_event(l->journal, event, fields, err) && read_event(l, ev, err);
}

static bool put_unit(struct ledger *l, const char *event, const struct ledger_unit *u,
                     struct err *err)
{
    const struct script *s = u->script;
    char raw[HASH_HEX], normal[HASH_HEX];

    digest_hex(&s->raw, raw);
    digest_hex(&s->normal, normal);
    return put(l, event,
               FIELDS(f_str("database", u->database), f_bool("data", u->data),
                      f_str("file", s->name), f_str("version", s->version),
                      f_bool("repeatable", s->repeatable), f_str("raw", raw),
                      f_str("normal", normal), f_num("normal_version", SCRIPT_NORMAL),
                      f_num("first", u->unit ? u->unit->first : 0),
                      f_num("last", u->unit ? u->unit->last : 0), f_str("xid", u->xid)),
               err);
}

bool ledger_begin(struct ledger *l, const struct ledger_unit *u, struct err *err)
{
    return put_unit(l, "unit.begin", u, err);
}

static bool put_end(struct ledger *l, const char *event, const struct ledger_unit *u,
                    unsigned statements, const struct digest *prefix, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(prefix, hex);
    return put(l, event,
               FIELDS(f_str("database", u->database), f_bool("data", u->data),
                      f_str("file", u->script->name), f_num("statements", statements),
                      f_str("prefix", hex)),
               err);
}

bool ledger_done(struct ledger *l, const struct ledger_unit *u, const struct digest *prefix,
                 struct err *err)
{
    return put_end(l, "unit.done", u, u->unit->last + 1, prefix, err);
}

bool ledger_failed(struct ledger *l, const struct ledger_unit *u, unsigned statements,
                   const struct digest *prefix, struct err *err)
{
    return put_end(l, "unit.failed", u, statements, prefix, err);
}

bool ledger_file_done(struct ledger *l, const struct ledger_unit *u, struct err *err)
{
    return put_unit(l, "file.done", u, err);
}

bool ledger_forget(struct ledger *l, const char *database, struct err *err)
{
    return put(l, "forget", FIELDS(f_str("database", database)), err);
}

/* ---- which database ----------------------------------------------------------------------------*/

static bool has_entries(const struct ledger *l, const char *database)
{
    const struct ledger_entry *e = l->entries.at;

    for (size_t i = 0; i < l->entries.count; i++) {
        if (strcmp(e[i].database, database) == 0)
            return true;
    }
    return false;
}

bool ledger_check(const struct ledger *l, const struct ledger_target *t, struct err *err)
{
    const struct known *k = find_known(l, t->database);
    bool other, older;

    if (!k || !has_entries(l, t->database))
        return true;
    other = k->identity[0] && t->identity[0] && strcmp(k->identity, t->identity) != 0;
    older = t->position < k->position;
    if (!other && !older)
        return true;
    err_set(err, ERR_DIFFERS, "database '%s' is %s than ledger '%s' tells of", t->database,
            other ? "another one" : "older", l->path);
    return err_hint(err, "after a reset or a fresh restore begin anew with --forget");
}

bool ledger_mark(struct ledger *l, const struct ledger_target *t, struct err *err)
{
    char position[24];

    snprintf(position, sizeof(position), "%" PRIu64, t->position);
    return put(l, "target",
               FIELDS(f_str("database", t->database), f_str("identity", t->identity),
                      f_str("position", position)),
               err);
}
