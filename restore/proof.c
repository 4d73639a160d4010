#include "restore/proof_part.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "restore/only.h"

/* ---- differences -------------------------------------------------------------------------------*/

bool proof_note(struct proof_part *p, uint64_t count, json_t *what, struct err *err)
{
    bool ok = what != NULL;

    pthread_mutex_lock(&p->lock);
    p->differences += count;
    if (ok && json_array_size(p->listed) < PROOF_LISTED)
        ok = json_array_append(p->listed, what) == 0;
    pthread_mutex_unlock(&p->lock);
    json_decref(what);
    return ok || err_memory(err);
}

bool proof_note_kind(struct proof_part *p, const char *what, struct span subject, const char *kind,
                     struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "%s ", what);
    buf_span(&text, subject);
    if (!buf_ok(&text, err))
        return false;
    return proof_note(
        p, 1, json_pack("{s:o, s:s}", "what", json_words(buf_view(&text)), "kind", kind), err);
}

bool proof_skip(struct proof_part *p, const char *what, struct err *err)
{
    pthread_mutex_lock(&p->lock);
    bool ok = json_array_append_new(p->skipped, json_words(span_of(what))) == 0;
    pthread_mutex_unlock(&p->lock);
    return ok || err_memory(err);
}

bool proof_bundle_text(struct proof_part *p, const char *name, struct buf *out, struct err *err)
{
    AUTO(free) char *stream = stream_name(p->component, NULL, name);

    return stream ? bundle_read_text(p->conf->bundle, stream, out, err) : err_memory(err);
}

static void list_columns(const json_t *columns, struct buf *out)
{
    const json_t *c;
    size_t i;

    json_array_foreach(columns, i, c)
        buf_printf(out, "%s%s", i ? ", " : " in ", json_string_value(c));
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

bool proof_words(const json_t *d, struct buf *out)
{
    const json_t *rows = json_object_get(d, "rows"), *row;
    size_t i;

    buf_printf(out, "%s: %s", json_string_value(json_object_get(d, "what")),
               json_string_value(json_object_get(d, "kind")));
    if (json_object_get(d, "was"))
        buf_printf(out, ", from [%s] to [%s]", json_string_value(json_object_get(d, "was")),
                   json_string_value(json_object_get(d, "is")));
    if (!rows)
        return !out->failed;
    buf_printf(out, ", %s%lld changed, %lld missing, %lld extra",
               json_is_true(json_object_get(d, "at_least")) ? "at least " : "",
               (long long)number(d, "changed"), (long long)number(d, "missing"),
               (long long)number(d, "extra"));
    json_array_foreach(rows, i, row)
    {
        buf_printf(out, "%s%s %s", i ? "; " : ": ", json_string_value(json_object_get(row, "row")),
                   json_string_value(json_object_get(row, "kind")));
        list_columns(json_object_get(row, "columns"), out);
    }
    return !out->failed;
}

bool proof_judge(const json_t *report, struct err *err)
{
    const json_t *components = json_object_get(report, "components"), *c;
    json_int_t count = number(report, "differences");
    size_t i;

    if (!count)
        return true;
    json_array_foreach(components, i, c)
    {
        AUTO(buf) struct buf words = {0};
        const json_t *first = json_array_get(json_object_get(c, "listed"), 0);
        if (!first)
            continue;
        proof_words(first, &words);
        return err_set(err, ERR_DIFFERS, "%lld difference%s between box and bundle, first %s, %s",
                       (long long)count, count == 1 ? "" : "s",
                       json_string_value(json_object_get(c, "component")), buf_str(&words));
    }
    return err_set(err, ERR_DIFFERS, "%lld differences between box and bundle", (long long)count);
}

/* ---- components --------------------------------------------------------------------------------*/

struct parts {
    struct proof_part *at;
    size_t count;
};

static void parts_done(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        struct proof_part *p = &parts->at[i];

        if (p->own)
            p->ops->close(p);
        free(p->component);
        json_decref(p->listed);
        json_decref(p->rewritten);
        json_decref(p->skipped);
        pthread_mutex_destroy(&p->lock);
    }
    free(parts->at);
}

static inline void auto_parts(struct parts *parts)
{
    parts_done(parts);
}

static bool add_part(struct parts *parts, const struct proof_conf *conf, const char *kind, char sep,
                     const char *name, struct err *err)
{
    struct proof_part *p = &parts->at[parts->count];
    AUTO(free) char *component = NULL;

    if (asprintf(&component, "%s%c%s", kind, sep, name) < 0) {
        component = NULL;
        return err_memory(err);
    }
    if (!only_component(conf->what.only, span_of(component)))
        return true;
    *p = (struct proof_part){.conf = conf,
                             .ops = sep == '/'                        ? &proof_files
                                    : strcmp(kind, "postgresql") == 0 ? &proof_postgresql
                                                                      : &proof_mariadb,
                             .component = TAKE(component),
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .listed = json_array(),
                             .rewritten = json_array(),
                             .skipped = json_array()};
    p->name = strchr(p->component, sep) + 1;
    parts->count++;
    return bag_key_draw(&p->key, err) &&
           ((p->listed && p->rewritten && p->skipped) || err_memory(err));
}

static bool add_parts(struct parts *parts, const struct proof_conf *conf, struct err *err)
{
    const struct env *env = place_env(&conf->place);

    parts->at = calloc(env->files_count + env->databases_count + 1u, sizeof(*parts->at));
    if (!parts->at)
        return err_memory(err);
    for (unsigned i = 0; i < env->files_count; i++)
        if (!add_part(parts, conf, "files", '/', env->files[i].name, err))
            return false;
    for (unsigned i = 0; i < env->databases_count; i++)
        if (!add_part(parts, conf, env->databases[i].engine, '.', env->databases[i].name, err))
            return false;
    if (parts->count)
        return true;
    err_set(err, ERR_MISSING, "nothing of the box is selected");
    return err_hint(err, "rehearse bundle show names the components");
}

/* ---- the report --------------------------------------------------------------------------------*/

static bool report_part(struct proof_part *p, int64_t began, json_t *components, struct err *err)
{
    double took_ms = (double)(clock_mono_ns() - began) / 1e6;
    bool ok = p->differences == 0;
    json_int_t records = (json_int_t)p->records, bytes = (json_int_t)p->bytes;
    json_t *one = json_pack("{s:s, s:I, s:I, s:I, s:f, s:b, s:O, s:O, s:O}", "component",
                            p->component, "records", records, "bytes", bytes, "differences",
                            (json_int_t)p->differences, "took_ms", took_ms, "ok", ok, "listed",
                            p->listed, "rewritten", p->rewritten, "skipped", p->skipped);

    if (!one || json_array_append_new(components, one) != 0)
        return err_memory(err);
    return JOURNAL(p->conf->journal, err, "restore.proof", f_str("component", p->component),
                   f_num("records", records), f_num("bytes", bytes),
                   f_num("differences", (int64_t)p->differences), f_real("took_ms", took_ms),
                   f_bool("ok", ok), f_json("listed", p->listed), f_json("rewritten", p->rewritten),
                   f_json("skipped", p->skipped));
}

static bool report_all(struct parts *parts, int64_t began, json_t **report, struct err *err)
{
    AUTO(json) json_t *components = json_array();
    uint64_t count = 0;

    if (!components)
        return err_memory(err);
    for (size_t i = 0; i < parts->count; i++) {
        if (!report_part(&parts->at[i], began, components, err))
            return false;
        count += parts->at[i].differences;
    }
    *report = json_pack("{s:b, s:I, s:O}", "ok", count == 0, "differences", (json_int_t)count,
                        "components", components);
    return *report || err_memory(err);
}

static uint64_t bytes_of(const struct parts *parts)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < parts->count; i++) {
        const struct proof_part *p = &parts->at[i];
        size_t count = 0;
        const struct stream *s = bundle_streams(p->conf->bundle, &count);

        for (size_t j = 0; j < count; j++)
            if (strcmp(s[j].name, p->component) == 0)
                bytes += s[j].raw_bytes;
            else if (strcmp(s[j].component, p->component) == 0 && s[j].kind == STREAM_COLUMNS)
                bytes += 2 * s[j].raw_bytes;
    }
    return bytes;
}

bool proof_run(const struct proof_conf *conf, json_t **report, struct err *err)
{
    AUTO(seats) struct seats *own = NULL;
    AUTO(parts) struct parts parts = {0};
    AUTO(sched) struct sched *sched = NULL;
    int64_t began = clock_mono_ns();

    if (!add_parts(&parts, conf, err) || !sched_new(conf->jobs, &sched, err) ||
        (!conf->seats && !seats_new(conf->jobs, SEATS_KEEP, &own, err)))
        return false;
    AUTO(progress) struct progress *progress = progress_open("verify", bytes_of(&parts));
    for (size_t i = 0; i < parts.count; i++) {
        parts.at[i].progress = progress;
        parts.at[i].seats = conf->seats ? conf->seats : own;
        if (!parts.at[i].ops->plan(&parts.at[i], sched, err))
            return err_add(err, "cannot verify '%s'", parts.at[i].component);
    }
    return sched_run(sched, err) && report_all(&parts, began, report, err);
}
