/* Production's settings in the box's servers. */
#include "lib/box/server.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/db/settings.h"

#define LOG_TAIL ((off_t)64 << 10)

/* ---- keeping --------------------------------------------------------------------------------------*/

static bool engine_of(const json_t *entry, enum db_engine *out, struct err *err)
{
    return db_engine_parse(entry_str(entry, "engine"), out) ||
           err_set(err, ERR_DAMAGED, "box.json names an unknown engine");
}

static bool is_mysql(enum db_engine engine, const json_t *facts)
{
    return engine == DB_MARIADB && !strcasestr(entry_str(facts, "version"), "mariadb");
}

/* `kept` is what other databases of the server say, or NULL for the first one. */
static json_t *agreed(enum db_engine engine, const json_t *facts, const json_t *kept)
{
    json_t *out = json_object();
    size_t count = 0;
    const struct db_setting *s = db_settings(engine, &count);

    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(facts, s[i].name);
        AUTO(free)
        char *text = json_is_string(value) ? json_bytes_back(json_string_value(value), NULL) : NULL;

        if (!text || !db_setting_usable(&s[i], engine, text, is_mysql(engine, facts)))
            continue;
        if (!kept || json_equal(json_object_get(kept, s[i].name), value))
            json_object_set(out, s[i].name, value);
    }
    return out;
}

bool box_keep_settings(struct box *b, const char *database, const json_t *facts, struct err *err)
{
    struct local *l = local_of(b);
    enum db_engine engine;

    if (!local_lock(l, err))
        return false;
    json_t *entry = server_of_database(l, database);
    if (!entry)
        return err_set(err, ERR_MISSING, "the box '%s' has no database '%s'", b->where, database);
    if (!engine_of(entry, &engine, err))
        return false;
    json_t *kept = agreed(engine, facts, json_object_get(entry, "settings"));
    if (!kept || json_object_set_new(entry, "settings", kept) != 0)
        return err_memory(err);
    return local_save(l, err);
}

/* ---- writing --------------------------------------------------------------------------------------*/

struct own { /* the environment's */
    const struct env_setting *at;
    unsigned count;
};

static struct own own_settings(const struct server *s)
{
    const struct env *env = s->l->box.env;
    bool pg = strcmp(s->ops->engine, "postgresql") == 0;

    return pg ? (struct own){env->postgresql, env->postgresql_count}
              : (struct own){env->mariadb, env->mariadb_count};
}

static bool is_own(const struct own *own, const struct db_setting *s)
{
    for (unsigned i = 0; i < own->count; i++)
        if (db_setting_is(s, own->at[i].name))
            return true;
    return false;
}

/* Whether it holds while data are loaded too. */
static bool is_always(enum db_engine engine, const char *name)
{
    size_t count = 0;
    const struct db_setting *s = db_settings(engine, &count);

    for (size_t i = 0; i < count; i++)
        if (s[i].always && db_setting_is(&s[i], name))
            return true;
    return false;
}

bool server_settings(const struct server *s, enum box_load mode, server_put put, struct buf *out,
                     struct err *err)
{
    const json_t *kept = json_object_get(s->entry, "settings");
    struct own own = own_settings(s);
    enum db_engine engine;
    size_t count = 0;

    if (!engine_of(s->entry, &engine, err))
        return false;
    const struct db_setting *known = db_settings(engine, &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_object_get(kept, known[i].name));

        /* A value that the server refuses is not mended by a second one behind it. */
        if (!value || (mode == BOX_LOADING && !known[i].always) || is_own(&own, &known[i]))
            continue;
        AUTO(free) char *text = json_bytes_back(value, NULL);
        if (!text)
            return err_memory(err);
        if (db_setting_usable(&known[i], engine, text, false))
            put(out, known[i].option, text);
    }
    for (unsigned i = 0; i < own.count; i++)
        if (mode == BOX_NORMAL || is_always(engine, own.at[i].name))
            put(out, own.at[i].name, own.at[i].value);
    return true;
}

/* ---- blaming --------------------------------------------------------------------------------------*/

struct blame {
    const char *setting;
    struct span line;
    bool copied;
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* As a word of its own: "work_mem" is not in "maintenance_work_mem". */
static bool names(struct span line, const char *word)
{
    size_t len = word ? strlen(word) : 0;
    const char *end = line.at + line.len, *at = line.at;

    while (len && (at = memmem(at, (size_t)(end - at), word, len))) {
        bool begins = at == line.at || !is_word(at[-1]);
        if (begins && (at + len == end || !is_word(at[len])))
            return true;
        at++;
    }
    return false;
}

/* Quoted, for "on" and "0" stand in many a line. */
static bool quotes(struct span line, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    const char *at = len ? memmem(line.at, line.len, value, len) : NULL;

    return at && at > line.at && at + len < line.at + line.len && strchr("'\"", at[-1]) &&
           at[-1] == at[len];
}

static bool says(struct span line, const char *text)
{
    return memmem(line.at, line.len, text, strlen(text));
}

/* PostgreSQL tells of a wrong setting as LOG, before the FATAL that ends it. */
static bool is_complaint(struct span line)
{
    return says(line, "parameter") || says(line, "FATAL") || says(line, "ERROR");
}

static void look_at_line(const struct server *s, enum db_engine engine, struct span line,
                         struct blame *out)
{
    const json_t *kept = json_object_get(s->entry, "settings");
    struct own own = own_settings(s);
    size_t count = 0;
    const struct db_setting *known = db_settings(engine, &count);

    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_object_get(kept, known[i].name));

        if (value && !is_own(&own, &known[i]) &&
            (names(line, known[i].option) || names(line, known[i].name) || quotes(line, value)))
            *out = (struct blame){known[i].option, line, true};
    }
    for (unsigned i = 0; i < own.count; i++)
        if (names(line, own.at[i].name) || quotes(line, own.at[i].value))
            *out = (struct blame){own.at[i].name, line, false};
}

static bool read_tail(const char *path, off_t from, struct buf *out)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = log_size(path);
    char piece[4096];
    ssize_t n;

    for (off_t at = size - LOG_TAIL > from ? size - LOG_TAIL : from; fd >= 0 && at < size;
         at += n) {
        n = pread(fd, piece, sizeof(piece), at);
        if (n <= 0 || !buf_add(out, piece, (size_t)n))
            return false;
    }
    return fd >= 0;
}

const char *server_settings_blame(const struct server *s, off_t from, char **line, bool *copied)
{
    AUTO(buf) struct buf log = {0};
    struct blame found = {0};
    struct err ignored = {0};
    enum db_engine engine;
    struct span rest, one;

    if (!engine_of(s->entry, &engine, &ignored) || !read_tail(s->log, from, &log))
        return NULL;
    rest = buf_view(&log);
    while (rest.len && span_split(&rest, '\n', &one)) {
        if (is_complaint(one))
            look_at_line(s, engine, span_trim(one), &found);
    }
    if (!found.setting)
        return NULL;
    *line = span_dup(found.line);
    *copied = found.copied;
    return *line ? found.setting : NULL;
}
