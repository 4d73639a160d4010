/* Schema, globals, database, sequences and settings: texts into the bundle. */
#include "lib/db/pg_schema.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "snapshot/pg.h"
#include "snapshot/pg_redact.h"

#include <sys/mman.h>

#define SCHEMA_MAX ((size_t)1 << 30)

static const char settings_sql[] =
#include "snapshot/pg_settings.sql.h"
    ;
static const char identity_sql[] =
#include "snapshot/pg_identity.sql.h"
    ;
static const char left_out_sql[] =
#include "snapshot/pg_left_out.sql.h"
    ;

static bool write_text(struct pg_source *s, const char *name, const json_t *meta, struct span text,
                       struct err *err)
{
    AUTO(free) char *stream = stream_name(s->component, NULL, name);

    return stream ? bundle_text(s->conf.writer, stream, meta, text, err) : err_memory(err);
}

/* ---- schema ------------------------------------------------------------------------------------*/

/* Of what the texts are made, so that the next snapshot can tell whether its own would be others.
 * NULL: nobody can. */
static json_t *made_of(struct span archive)
{
    struct digest print;
    char hex[HASH_HEX];

    if (!pg_schema_print(archive, &print, NULL))
        return NULL;
    digest_hex(&print, hex);
    return json_pack("{s:s, s:s}", "archive", hex, "tool", "rehearse " REHEARSE_VERSION);
}

/* The parent's text, when it was made of the same archive, by us: pg_restore would give it again. */
static bool keep_section(struct pg_source *s, const char *name, const json_t *meta, bool *kept,
                         struct err *err)
{
    AUTO(free) char *stream = stream_name(s->component, NULL, name);
    struct bundle_writer *w = s->conf.writer;
    uint32_t id = 0;

    if (!stream)
        return err_memory(err);
    const struct stream *old = bundle_parent_stream(w, stream);
    *kept = meta && old && old->kind == STREAM_TEXT && json_equal(old->meta, meta) &&
            !s->conf.paranoid && bundle_parent_trusted(w);
    if (!*kept)
        return true;
    if (!bundle_stream(w, STREAM_TEXT, stream, meta, &id, err))
        return false;
    for (size_t i = 0; i < old->segment_count; i++) {
        const struct segment_raw seg = {
            .stream = id, .seq = old->segments[i].seq, .like = &old->segments[i]};

        if (!bundle_keep(w, &seg, err))
            return false;
    }
    return true;
}

static bool make_section(struct pg_source *s, int archive, const char *section, const char *name,
                         const json_t *meta, struct err *err)
{
    AUTO(buf) struct buf text = {0}, clean = {0};
    unsigned secrets = 0;
    char what[64];

    buf_init(&clean, SCHEMA_MAX);
    if (!pg_schema_section(archive, section, &text, err) ||
        !pg_redact(buf_view(&text), &clean, &secrets, err))
        return false;
    pg_steady_key(&clean);
    snprintf(what, sizeof(what), "%u passwords of foreign servers", secrets);
    if (secrets && !pg_leave_out(s, what, "secrets are never captured", err))
        return false;
    /* What was left out is counted anew each time. */
    return write_text(s, name, secrets ? NULL : meta, buf_view(&clean), err);
}

static bool write_section(struct pg_source *s, int archive, const char *section, const json_t *meta,
                          struct err *err)
{
    char name[32];
    bool kept = false;

    snprintf(name, sizeof(name), "%s.sql", section);
    return keep_section(s, name, meta, &kept, err) &&
           (kept || make_section(s, archive, section, name, meta, err));
}

static bool write_schema(struct pg_source *s, struct err *err)
{
    AUTO(buf) struct buf archive = {0};
    AUTO(json) json_t *meta = NULL;
    AUTO(fd) int fd = memfd_create("schema", MFD_CLOEXEC);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot hold the schema archive");
    if (!pg_dump_join(s, &archive, err) || !fd_write_all(fd, archive.at, archive.len, err))
        return false;
    meta = made_of(buf_view(&archive));
    return write_section(s, fd, "pre-data", meta, err) &&
           write_section(s, fd, "post-data", meta, err);
}

static bool run_schema(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_source *s = ctx;

    (void)arg;
    (void)worker;
    return write_schema(s, err) || err_add(err, "cannot dump the schema of '%s'", s->from->name);
}

bool pg_schema_plan(struct pg_source *s, struct sched *sched, struct err *err)
{
    /* Last of all: by then pg_dump has ended, and no worker waits for it. */
    struct task task = {.run = run_schema, .ctx = s, .cost = 0, .name = "schema"};

    return sched_add(sched, &task, NULL, 0, NULL, err);
}

/* ---- roles and the database --------------------------------------------------------------------*/

bool pg_globals_write(struct pg_source *s, struct err *err)
{
    AUTO(buf) struct buf globals = {0}, database = {0};

    buf_puts(&globals, "-- Roles; their passwords are left out.\n");
    buf_puts(&database, "-- The database itself.\n");
    return pg_globals_read(s->leader, &globals, err) &&
           pg_database_read(s->leader, &database, err) &&
           write_text(s, "globals.sql", NULL, buf_view(&globals), err) &&
           write_text(s, "database.sql", NULL, buf_view(&database), err);
}

/* ---- sequences ---------------------------------------------------------------------------------*/

struct sequences {
    struct pg_source *source;
    struct buf query, text;
    unsigned count;
};

bool pg_sequences_write(struct pg_source *s, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_puts(&text, "-- Read after the data: a sequence never goes back.\n");
    return pg_sequences_read(s->leader, &text, &s->sequence_count, err) &&
           write_text(s, "sequences.sql", NULL, buf_view(&text), err);
}

/* ---- facts -------------------------------------------------------------------------------------*/

static bool add_setting(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    if (!name || json_object_set_new(to, name, json_bytes(row->value[1])) != 0)
        return err_memory(err);
    return true;
}

bool pg_settings_write(struct pg_source *s, struct err *err)
{
    AUTO(json) json_t *settings = json_object();
    AUTO(free) char *name = stream_name("facts", NULL, s->component);

    if (!settings || !name)
        return err_memory(err);
    if (!db_rows(s->leader, add_setting, settings, err, "%s", settings_sql))
        return err_add(err, "cannot read the server's settings");
    AUTO(free) char *text = json_text(settings);
    return text ? bundle_text(s->conf.writer, name, NULL, span_of(text), err) : err_memory(err);
}

struct identity {
    const struct pg_source *source;
    json_t **out;
};

static bool take_identity(void *ctx, const struct db_row *row, struct err *err)
{
    struct identity *identity = ctx;
    const struct span *v = row->value;
    uint64_t large_objects = 0;

    span_u64(v[6], &large_objects);
    *identity->out = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:s*}", "name", json_bytes(v[0]), "encoding",
        json_bytes(v[1]), "collate", json_bytes(v[2]), "ctype", json_bytes(v[3]), "owner",
        json_bytes(v[4]), "version", json_bytes(v[5]), "large_objects", (json_int_t)large_objects,
        "public_schema", span_is(v[7], "t"), "cluster", identity->source->cluster);
    return *identity->out || err_memory(err);
}

bool pg_identity_read(struct pg_source *s, json_t **out, struct err *err)
{
    struct identity identity = {s, out};

    return db_rows(s->leader, take_identity, &identity, err, "%s", identity_sql);
}

/* ---- what is left out --------------------------------------------------------------------------*/

bool pg_leave_out(struct pg_source *s, const char *what, const char *why, struct err *err)
{
    json_t *entry = json_pack("{s:o, s:s}", "what", json_bytes(span_of(what)), "why", why);

    return json_array_append_new(s->left_out, entry) == 0 || err_memory(err);
}

static bool add_left_out(void *ctx, const struct db_row *row, struct err *err)
{
    AUTO(free) char *what = span_dup(row->value[0]);
    AUTO(free) char *why = span_dup(row->value[1]);

    return what && why ? pg_leave_out(ctx, what, why, err) : err_memory(err);
}

bool pg_left_out_read(struct pg_source *s, struct err *err)
{
    return db_rows(s->leader, add_left_out, s, err, "%s", left_out_sql);
}
