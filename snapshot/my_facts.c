/* What bundle.json and the report say of a MariaDB database. */
#include "snapshot/my.h"

#include "lib/base/json.h"

#include <inttypes.h>

static bool take_setting(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *settings = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    if (!name)
        return err_memory(err);
    /* The one variable that shows a password. */
    if (!strcmp(name, "wsrep_sst_auth"))
        return true;
    return json_object_set_new(settings, name, json_bytes(row->value[1])) == 0 || err_memory(err);
}

static bool write_settings(struct my_source *s, struct err *err)
{
    AUTO(json) json_t *settings = json_object();
    AUTO(buf) struct buf leaf = {0};

    buf_printf(&leaf, "mariadb.%s", s->from->name);
    AUTO(free) char *name = stream_name("facts", NULL, buf_str(&leaf));
    if (!settings || !name)
        return err_memory(err);
    if (!db_rows(s->main, take_setting, settings, err, "SHOW GLOBAL VARIABLES"))
        return false;
    AUTO(free) char *text = json_pretty(settings);
    return text ? bundle_text(s->conf.writer, name, NULL, span_of(text), err) : err_memory(err);
}

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_bytes(span_of(s)) : json_null();
}

/* Accounts that views, routines, triggers and events run as. */
static json_t *definers(const struct my_source *s)
{
    const struct my_object *o = s->catalog.objects.at;
    json_t *seen = json_object();

    for (size_t i = 0; i < s->catalog.objects.count; i++) {
        if (o[i].definer)
            json_object_set_new(seen, o[i].definer, json_null());
    }
    json_t *list = json_array();
    const char *who;
    json_t *unused;
    json_object_foreach(seen, who, unused) json_array_append_new(list, json_string(who));
    json_decref(seen);
    return list;
}

static bool name_what_never_was(struct my_source *s, struct err *err)
{
    struct my_table *t = s->catalog.tables.at;

    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        uint64_t rows = atomic_load(&t[i].never);
        AUTO(buf) struct buf why = {0};
        buf_printf(&why,
                   "%" PRIu64 " that end no later than they begin: no server takes them, and no "
                   "query about a moment shows them",
                   rows);
        if (!buf_ok(&why, err) || (rows && !my_leave_out(s, "rows of the history of table",
                                                         t[i].name, buf_str(&why), err)))
            return false;
    }
    return true;
}

bool my_leave_out(struct my_source *s, const char *kind, const char *name, const char *why,
                  struct err *err)
{
    AUTO(buf) struct buf what = {0};
    json_t *known;
    size_t i;

    buf_printf(&what, "%s %s", kind, name);
    if (!buf_ok(&what, err))
        return false;
    AUTO(json)
    json_t *one = json_pack("{s:o, s:s}", "what", json_words(buf_view(&what)), "why", why);
    json_array_foreach(s->left_out, i, known)
    {
        if (one && json_equal(known, one))
            return true;
    }
    return (one && json_array_append(s->left_out, one) == 0) || err_memory(err);
}

bool my_write_facts(struct my_source *s, struct err *err)
{
    const struct my_server *v = s->server;
    const struct my_position *p = &v->position;
    AUTO(buf) struct buf version = {0};

    if (!write_settings(s, err) || !db_value(s->main, &version, err, "SELECT version()") ||
        !my_write_accounts(s, err) || !name_what_never_was(s, err))
        return false;
    json_t *position =
        json_pack("{s:o, s:o, s:o, s:I, s:O*}", "gtid", text_or_null(p->gtid), "replica_gtid",
                  text_or_null(p->replica_gtid), "binlog_file", text_or_null(p->file), "binlog_pos",
                  (json_int_t)p->offset, "replicates", p->replicates);
    json_t *facts =
        json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:s, s:f, s:O, s:o, s:O*}", "engine",
                  s->main->is_mysql ? "mysql" : "mariadb", "version",
                  json_bytes(buf_view(&version)), "database", s->from->database, "charset",
                  s->catalog.charset, "collation", s->catalog.collation, "position", position,
                  "taken_at", v->taken_at, "lock_ms", (double)v->lock_ns / 1e6, "left_out",
                  s->left_out, "definers", definers(s), "accounts", s->accounts);
    if (!facts)
        return err_memory(err);
    return bundle_component(s->conf.writer, s->component, facts, err);
}
