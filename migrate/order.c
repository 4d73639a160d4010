#include "migrate/order.h"

#include "lib/base/fd.h"
#include "migrate/listing.h"
#include "migrate/name.h"

#include <sys/stat.h>

const struct order_file *order_files(const struct order *o)
{
    return o->files.at;
}

const struct order_left *order_lefts(const struct order *o)
{
    return o->left.at;
}

void order_done(struct order *o)
{
    struct order_file *files = o->files.at;
    struct order_left *left = o->left.at;

    for (size_t i = 0; i < o->files.count; i++) {
        free(files[i].name);
        free(files[i].version);
    }
    for (size_t i = 0; i < o->left.count; i++)
        free(left[i].name);
    vec_done(&o->files);
    vec_done(&o->left);
    free(TAKE(o->dir));
}

bool order_add(struct order *o, const char *name, struct span version, struct order_file **out,
               struct err *err)
{
    AUTO(free) char *name_copy = span_dup(span_of(name));
    AUTO(free) char *version_copy = span_dup(version);
    struct order_file *f = name_copy && version_copy ? vec_add(&o->files, err) : NULL;

    if (!f)
        return err_memory(err);
    f->name = TAKE(name_copy);
    f->version = TAKE(version_copy);
    if (out)
        *out = f;
    return true;
}

bool order_leave(struct order *o, const char *name, const char *why, struct err *err)
{
    AUTO(free) char *copy = span_dup(span_of(name));
    struct order_left *l = copy ? vec_add(&o->left, err) : NULL;

    if (!l)
        return err_memory(err);
    l->name = TAKE(copy);
    l->why = why;
    return true;
}

/* ---- what lies in the directory ----------------------------------------------------------------*/

struct entry {
    char *name;
    bool folder, up_script; /* up_script: a folder with up.sql in it */
    struct script_name parsed;
};

struct scan {
    const char *dir;
    struct vec entries;
};

static void scan_done(struct scan *s)
{
    struct entry *e = s->entries.at;

    for (size_t i = 0; i < s->entries.count; i++)
        free(e[i].name);
    vec_done(&s->entries);
}

static void auto_scan(struct scan *s)
{
    scan_done(s);
}

static bool has_up(const char *folder)
{
    AUTO(free) char *up = path_join(folder, "up.sql");

    return up && path_exists(up);
}

static bool take_entry(void *ctx, const char *name, struct err *err)
{
    struct scan *s = ctx;
    AUTO(free) char *path = path_join(s->dir, name);
    AUTO(free) char *copy = span_dup(span_of(name));
    struct stat st;

    if (!path || !copy)
        return err_memory(err);
    if (stat(path, &st) < 0)
        return err_sys(err, ERR_IO, "cannot read '%s'", path);
    struct entry *e = vec_add(&s->entries, err);
    if (!e)
        return false;
    e->folder = S_ISDIR(st.st_mode);
    e->up_script = e->folder && has_up(path);
    e->name = TAKE(copy);
    if (S_ISREG(st.st_mode))
        e->parsed = script_name_parse(span_of(e->name));
    return true;
}

static bool scan_holds(const struct scan *s, const char *name)
{
    const struct entry *e = s->entries.at;

    for (size_t i = 0; i < s->entries.count; i++) {
        if (!e[i].folder && strcmp(e[i].name, name) == 0)
            return true;
    }
    return false;
}

/* ---- by a list ---------------------------------------------------------------------------------*/

static bool is_listed(const struct order *o, const char *name)
{
    for (size_t i = 0; i < o->files.count; i++) {
        if (strcmp(order_files(o)[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool leave_unlisted(struct order *o, const struct scan *s, struct err *err)
{
    const struct entry *e = s->entries.at;

    for (size_t i = 0; i < s->entries.count; i++) {
        bool is_list = strcmp(e[i].name, "order") == 0 || strcmp(e[i].name, "manifest.txt") == 0;
        if (e[i].folder || is_list || is_listed(o, e[i].name))
            continue;
        if (!order_leave(o, e[i].name, "not on the list", err))
            return false;
    }
    return true;
}

static bool by_list(struct order *o, const struct scan *s, struct err *err)
{
    bool order = scan_holds(s, "order"), manifest = scan_holds(s, "manifest.txt");

    if (order && manifest) {
        err_set(err, ERR_CONFIG, "'%s' holds two lists: 'order' and 'manifest.txt'", o->dir);
        return err_hint(err, "keep one of them");
    }
    o->convention = "manifest";
    return listing_read(o, order ? "order" : "manifest.txt", err) && leave_unlisted(o, s, err);
}

/* ---- Diesel ------------------------------------------------------------------------------------*/

static bool by_folders(struct order *o, const struct scan *s, struct err *err)
{
    const struct entry *e = s->entries.at;

    o->convention = "diesel";
    for (size_t i = 0; i < s->entries.count; i++) {
        AUTO(free) char *up = NULL;
        if (e[i].parsed.style != NAME_OTHER) {
            err_set(err, ERR_CONFIG, "two conventions in '%s': '%s' and folders with up.sql",
                    o->dir, e[i].name);
            return err_hint(err, "list the scripts in a file 'order'");
        }
        if (!e[i].up_script) {
            if (!order_leave(o, e[i].name, e[i].folder ? "a folder" : "not a script", err))
                return false;
            continue;
        }
        /* Diesel compares the part before the first underscore as text; the sort of the scan. */
        size_t len = strcspn(e[i].name, "_");
        if (asprintf(&up, "%s/up.sql", e[i].name) < 0)
            return err_memory(err);
        if (!order_add(o, up, (struct span){e[i].name, len}, NULL, err))
            return false;
    }
    return true;
}

static bool any_up(const struct scan *s)
{
    const struct entry *e = s->entries.at;

    for (size_t i = 0; i < s->entries.count; i++) {
        if (e[i].up_script)
            return true;
    }
    return false;
}

/* ---- by names ----------------------------------------------------------------------------------*/

static const char *const style_names[] = {[NAME_OTHER] = "none",
                                          [NAME_FLYWAY] = "flyway",
                                          [NAME_UPDOWN] = "up and down",
                                          [NAME_NUMBERED] = "numbered",
                                          [NAME_PLAIN] = "plain"};

static bool dialect_fits(struct span dialect, enum db_engine engine)
{
    static const char *const postgresql[] = {"postgres", "postgresql", "pg"};
    static const char *const mariadb[] = {"mysql", "mariadb"};
    const char *const *names = engine == DB_POSTGRESQL ? postgresql : mariadb;
    size_t count = engine == DB_POSTGRESQL ? COUNT(postgresql) : COUNT(mariadb);

    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(dialect, names[i]))
            return true;
    }
    return dialect.len == 0;
}

/* Why an entry is not run; NULL when it is. */
static const char *why_left(const struct entry *e, enum db_engine engine)
{
    if (e->folder)
        return "a folder";
    if (e->parsed.style == NAME_OTHER)
        return "not a script";
    switch (e->parsed.role) {
    case ROLE_DOWN:
        return "a down script, never run";
    case ROLE_UNDO:
        return "an undo script, never run";
    case ROLE_BASELINE:
        return "a baseline for empty databases, not run";
    case ROLE_VERSIONED:
    case ROLE_REPEATABLE:
        break;
    }
    return dialect_fits(e->parsed.dialect, engine) ? NULL : "for another database engine";
}

static int by_version(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    bool rx = x->parsed.role == ROLE_REPEATABLE, ry = y->parsed.role == ROLE_REPEATABLE;

    if (rx != ry)
        return rx ? 1 : -1;
    int c = rx ? span_cmp(x->parsed.title, y->parsed.title)
               : version_cmp(x->parsed.version, y->parsed.version);
    return c ? c : strcmp(x->name, y->name);
}

static bool refuse_mixed(const char *dir, const struct entry *a, const struct entry *b,
                         struct err *err)
{
    err_set(err, ERR_CONFIG, "two conventions in '%s': '%s' is %s, '%s' is %s", dir, a->name,
            style_names[a->parsed.style], b->name, style_names[b->parsed.style]);
    return err_hint(err, "rename one, or list the scripts in a file 'order'");
}

static bool refuse_unordered(const char *dir, const struct entry *a, const struct entry *b,
                             struct err *err)
{
    err_set(err, ERR_CONFIG, "cannot order '%s' and '%s' in '%s': no version in their names",
            a->name, b->name, dir);
    return err_hint(err, "put numbers in front, or list the scripts in a file 'order'");
}

static bool refuse_double(const char *dir, const struct entry *a, const struct entry *b,
                          struct err *err)
{
    err_set(err, ERR_CONFIG, "two scripts of one version in '%s': '%s' and '%s'", dir, a->name,
            b->name);
    return err_hint(err, "rename one, or list the scripts in a file 'order'");
}

/* A popx script for this engine stands in for the general one of the same version. */
static bool replaced(const struct entry *a, const struct entry *b)
{
    return a->parsed.style == NAME_UPDOWN && !a->parsed.dialect.len != !b->parsed.dialect.len;
}

/* Moves the entries that run to the front, tells the others, and gives the number of the first. */
static bool sift(struct order *o, struct scan *s, enum db_engine engine, size_t *count,
                 struct err *err)
{
    struct entry *e = s->entries.at;

    *count = 0;
    for (size_t i = 0; i < s->entries.count; i++) {
        const char *why = why_left(&e[i], engine);
        if (why) {
            if (!order_leave(o, e[i].name, why, err))
                return false;
            continue;
        }
        struct entry keep = e[i];
        e[i] = e[*count];
        e[(*count)++] = keep;
    }
    for (size_t i = 1; i < *count; i++) {
        if (e[i].parsed.style != e[0].parsed.style)
            return refuse_mixed(o->dir, &e[0], &e[i], err);
        if (e[i].parsed.style == NAME_PLAIN)
            return refuse_unordered(o->dir, &e[0], &e[i], err);
    }
    return true;
}

static bool add_entry(struct order *o, const struct entry *e, struct err *err)
{
    struct order_file *f;

    if (!order_add(o, e->name, e->parsed.version, &f, err))
        return false;
    f->repeatable = e->parsed.role == ROLE_REPEATABLE;
    f->no_transaction = e->parsed.autocommit;
    return true;
}

static bool by_names(struct order *o, struct scan *s, enum db_engine engine, struct err *err)
{
    struct entry *e = s->entries.at;
    size_t count;

    if (!sift(o, s, engine, &count, err))
        return false;
    o->convention = style_names[count ? e[0].parsed.style : NAME_OTHER];
    if (count)
        qsort(e, count, sizeof(*e), by_version);
    for (size_t i = 0; i < count; i++) {
        bool twin = i + 1 < count && e[i].parsed.role == ROLE_VERSIONED &&
                    e[i + 1].parsed.role == ROLE_VERSIONED &&
                    version_cmp(e[i].parsed.version, e[i + 1].parsed.version) == 0;
        if (twin && !replaced(&e[i], &e[i + 1]))
            return refuse_double(o->dir, &e[i], &e[i + 1], err);
        if (twin) {
            struct entry special = e[i].parsed.dialect.len ? e[i] : e[i + 1];
            struct entry general = e[i].parsed.dialect.len ? e[i + 1] : e[i];
            e[i] = general;
            e[i + 1] = special;
            if (!order_leave(o, general.name, "replaced by the one for this engine", err))
                return false;
            continue;
        }
        if (!add_entry(o, &e[i], err))
            return false;
    }
    return true;
}

bool order_resolve(const char *dir, enum db_engine engine, struct order *out, struct err *err)
{
    AUTO(scan) struct scan s = {.dir = dir, .entries = VEC(struct entry)};
    AUTO(order)
    struct order o = {.dir = span_dup(span_of(dir)),
                      .files = VEC(struct order_file),
                      .left = VEC(struct order_left)};
    bool ok;

    if (!o.dir)
        return err_memory(err);
    if (!dir_each(dir, take_entry, &s, err))
        return err_add(err, "scripts");
    if (scan_holds(&s, "order") || scan_holds(&s, "manifest.txt"))
        ok = by_list(&o, &s, err);
    else if (scan_holds(&s, "sqitch.plan"))
        o.convention = "sqitch", ok = listing_read_sqitch(&o, err);
    else if (any_up(&s))
        ok = by_folders(&o, &s, err);
    else
        ok = by_names(&o, &s, engine, err);
    if (!ok)
        return false;
    *out = o;
    o = (struct order){0};
    return true;
}
