/* `tape show`: what is on a tape, up to where it is good. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/wire/http_msg.h"
#include "replay/cmd.h"
#include "replay/outcome.h"
#include "replay/table.h"
#include "replay/tape_count.h"
#include "replay/tape_file.h"
#include "replay/tape_print.h"

#define LINE_MAX_SHOWN 200

struct show_conf {
    bool requests;
};

struct counts {
    uint64_t connections, midstream, requests, responses, results, gaps, gap_bytes, mapped;
    uint64_t request_bytes, response_bytes; /* of bodies, whole */
    int64_t first_ns, last_ns;
};

struct show {
    const struct show_conf *conf;
    struct counts n;
    json_t *meta, *end; /* owned */
    json_t *list;       /* with --json and --requests */
    struct tape_count *count;
};

static void auto_show(struct show *s)
{
    json_decref(s->meta);
    json_decref(s->end);
    json_decref(s->list);
    tape_count_free(s->count);
}

static void see_time(struct counts *n, int64_t first, int64_t last)
{
    if (n->first_ns == 0 || first < n->first_ns)
        n->first_ns = first;
    n->last_ns = last > n->last_ns ? last : n->last_ns;
}

static const char *flag_text(unsigned flags, char out[80])
{
    static const struct {
        unsigned flag;
        const char *text;
    } names[] = {{HTTP_CHUNKED, "chunked"},       {HTTP_CUT, "cut"},
                 {HTTP_LOST, "lost-bytes"},       {HTTP_UNTIL_CLOSE, "until-close"},
                 {HTTP_INCOMPLETE, "incomplete"}, {HTTP_AFTER_GAP, "after-gap"},
                 {HTTP_UPGRADED, "upgraded"},     {HTTP_PIPELINED, "pipelined"}};
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < COUNT(names) && at < 60; i++)
        if (flags & names[i].flag)
            at += (size_t)snprintf(out + at, 80 - at, "%s%s", at ? "," : "", names[i].text);
    return out;
}

static const char *type_name(enum tape_type type)
{
    return type == TAPE_REQUEST ? "request" : type == TAPE_RESPONSE ? "response" : "result";
}

static bool list_json(struct show *s, const struct tape_record *r, struct span line)
{
    char flags[80];
    AUTO(json) json_t *text = json_bytes(line);
    json_t *o =
        fields_json(FIELDS(f_str("type", type_name(r->type)), f_num("request", (int64_t)r->request),
                           f_num("connection", (int64_t)r->conn), f_num("at_us", r->at_ns / 1000),
                           f_num("took_us", (r->last_ns - r->at_ns) / 1000),
                           f_num("status", r->status), f_num("body_bytes", (int64_t)r->bytes),
                           f_json("line", text), f_str("flags", flag_text(r->flags, flags))));

    return o && json_array_append_new(s->list, o) == 0;
}

static bool list_one(struct show *s, const struct tape_record *r, struct err *err)
{
    struct span line = r->type == TAPE_RESULT ? r->text : http_start_line(r->head);
    char flags[80];

    if (!s->conf->requests)
        return true;
    if (cmd_json())
        return list_json(s, r, line) || err_memory(err);
    printf("%10.6f  %-8s %6llu  conn %-5llu ", (double)r->at_ns / 1e9, type_name(r->type),
           (unsigned long long)r->request, (unsigned long long)r->conn);
    table_safe(line, LINE_MAX_SHOWN);
    if (r->type == TAPE_RESULT)
        printf("  -> %u %s", r->status, outcome_name((enum outcome_code)r->code));
    printf("  %llu bytes %s\n", (unsigned long long)r->bytes, flag_text(r->flags, flags));
    return true;
}

static bool keep_json(json_t **to, struct span text, struct err *err)
{
    json_decref(*to);
    *to = NULL;
    return json_parse(text, "tape", to, err);
}

static bool see_message(struct show *s, const struct tape_record *r, struct err *err)
{
    see_time(&s->n, r->at_ns, r->last_ns);
    return tape_count_add(s->count, r, err) && list_one(s, r, err);
}

static bool each(void *ctx, const struct tape_record *r, struct err *err)
{
    struct show *s = ctx;

    switch (r->type) {
    case TAPE_META:
        return keep_json(&s->meta, r->text, err);
    case TAPE_END:
        return keep_json(&s->end, r->text, err);
    case TAPE_OPEN:
        s->n.connections++;
        s->n.midstream += r->flags & 1;
        return true;
    case TAPE_GAP:
        s->n.gaps++;
        s->n.gap_bytes += r->bytes;
        return true;
    case TAPE_REQUEST:
        s->n.requests++;
        s->n.request_bytes += r->bytes;
        return see_message(s, r, err);
    case TAPE_RESPONSE:
        s->n.responses++;
        s->n.response_bytes += r->bytes;
        return see_message(s, r, err);
    case TAPE_RESULT:
        s->n.results++;
        s->n.response_bytes += r->bytes;
        return see_message(s, r, err);
    case TAPE_MAPPED:
        s->n.mapped++;
        return true;
    case TAPE_CLOSE:
    case TAPE_STATS:
        return true;
    }
    return true;
}

static json_t *summary_json(const struct show *s, const struct tape_reader *r,
                            const struct err *damage)
{
    const struct counts *n = &s->n;
    AUTO(json) json_t *endpoints = tape_count_endpoints(s->count);

    if (!endpoints)
        return NULL;

    return fields_json(FIELDS(
        f_str("content", tape_reader_content(r) == TAPE_RESULTS ? "results" : "traffic"),
        f_num("version", TAPE_VERSION), f_bool("closed", tape_reader_closed(r)),
        f_str("damage", damage->code ? damage->text : NULL),
        f_num("blocks", (int64_t)tape_reader_blocks(r)),
        f_num("good_bytes", (int64_t)tape_reader_bytes(r)),
        f_num("connections", (int64_t)n->connections), f_num("midstream", (int64_t)n->midstream),
        f_num("requests", (int64_t)n->requests), f_num("responses", (int64_t)n->responses),
        f_num("results", (int64_t)n->results), f_num("mapped", (int64_t)n->mapped),
        f_num("request_bytes", (int64_t)n->request_bytes),
        f_num("response_bytes", (int64_t)n->response_bytes),
        f_num("errors", (int64_t)tape_count_errors(s->count)),
        f_json("status", tape_count_status(s->count)), f_json("endpoints", endpoints),
        f_num("gaps", (int64_t)n->gaps), f_num("gap_bytes", (int64_t)n->gap_bytes),
        f_num("spans_ms", (n->last_ns - n->first_ns) / 1000000), f_json("meta", s->meta),
        f_json("end", s->end), f_json("list", s->list)));
}

static bool print_summary(const struct show *s, const char *path, const json_t *summary,
                          struct err *err)
{
    if (!summary)
        return err_memory(err);
    if (cmd_json()) {
        AUTO(free) char *text = json_pretty(summary);
        return text ? puts(text) >= 0 : err_memory(err);
    }
    fputs(s->conf->requests ? "\n" : "", stdout);
    tape_print(path, summary);
    return true;
}

static bool show(const struct show_conf *conf, const char *path, struct err *err)
{
    AUTO(tape_in) struct tape_in *in = NULL;
    AUTO(show) struct show s = {.conf = conf};
    struct err damage = {0};

    if (cmd_json() && conf->requests && !(s.list = json_array()))
        return err_memory(err);
    if (!tape_count_new(&s.count, err) || !tape_in_open(path, &in, err) ||
        !tape_in_each(in, each, &s, &damage, err))
        return false;
    AUTO(json) json_t *summary = summary_json(&s, tape_in_reader(in), &damage);
    if (!print_summary(&s, path, summary, err))
        return false;
    if (damage.code) {
        *err = damage;
        return err_hint(err, "what is listed is good; replay takes it too, and says so");
    }
    if (!tape_reader_closed(tape_in_reader(in)))
        log_warn("the tape was not closed: the recorder ended by force", f_str("tape", path));
    return true;
}

static int run(const void *conf, int argc, char **argv, struct err *err)
{
    if (argc == 1)
        return show(conf, argv[0], err) ? 0 : (int)err->code;
    err_set(err, ERR_USAGE, argc ? "one tape at a time" : "no tape is named");
    err_hint(err, "name a file that 'rehearse record' wrote");
    return (int)err->code;
}

static const struct show_conf defaults = {0};

static const struct opt opts[] = {
    {"requests", OPT_FLAG, offsetof(struct show_conf, requests), NULL,
     "list every request and response"},
    {0},
};

const struct cmd tape_show_cmd = {
    .name = "tape show",
    .summary = "show what is on a tape, or in the results of a replay",
    .usage = "[--requests] FILE",
    .about =
        "Reads the whole file and checks every block. A tape that was cut or altered is shown\n"
        "up to the last good block, and the exit status is 16.",
    .examples = "$ rehearse tape show monday.tape\n"
                "# every request, as JSON\n"
                "$ rehearse tape show --requests --json monday.tape\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = run,
};
