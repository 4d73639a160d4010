/* record_run(): from the options to a closed tape. */
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/env/env.h"
#include "replay/cmd.h"
#include "replay/recorder.h"

#define SECOND      INT64_C(1000000000)
#define WAIT_MS     50
#define PORTS_MAX   64
#define CPU_SECONDS 10 /* so long over the budget ends the recording */

struct recording {
    const struct record_conf *conf;
    const char *interface;
    uint16_t ports[PORTS_MAX];
    size_t ports_count;
    struct capture *capture;
    struct tape_out *out;
    struct recorder *recorder;
    int64_t start_ns, start_mono_ns;
    const char *stopped; /* why it ended; NULL: it runs */
    int64_t tick_ns, sync_ns, cpu_mark_ns, cpu_used_ns;
    unsigned cpu_over;
    uint64_t dropped;
};

static void recording_done(struct recording *rec)
{
    recorder_free(rec->recorder);
    tape_out_close(rec->out);
    capture_close(rec->capture);
}

static void auto_recording(struct recording *rec)
{
    recording_done(rec);
}

/* ---- what to record ---- */

static bool add_port(struct recording *rec, uint64_t port, const char *text, struct err *err)
{
    if (port == 0 || port > 65535)
        return err_set(err, ERR_USAGE, "'%s' is no port", text), err_hint(err, "from 1 to 65535");
    if (rec->ports_count == PORTS_MAX)
        return err_set(err, ERR_USAGE, "more than %d ports", PORTS_MAX);
    rec->ports[rec->ports_count++] = (uint16_t)port;
    return true;
}

static bool ports_from_options(struct recording *rec, struct err *err)
{
    for (size_t i = 0; i < rec->conf->ports.count; i++) {
        struct span list = span_of(rec->conf->ports.at[i]), one;
        while (span_split(&list, ',', &one)) {
            uint64_t port = 0;
            span_u64(one, &port);
            if (!add_port(rec, port, rec->conf->ports.at[i], err))
                return false;
        }
    }
    return true;
}

static bool ports_from_env(struct recording *rec, const struct env *env, struct err *err)
{
    for (unsigned i = 0; env->traffic && i < env->traffic->ports_count; i++)
        if (!add_port(rec, env->traffic->ports[i], "traffic.ports", err))
            return false;
    return true;
}

static bool open_all(struct recording *rec, struct err *err)
{
    const struct record_conf *conf = rec->conf;
    const struct capture_conf capture = {.interface = rec->interface,
                                         .ports = rec->ports,
                                         .ports_count = rec->ports_count,
                                         .buffer_bytes =
                                             conf->buffer_bytes ? conf->buffer_bytes : 32 << 20};

    if (!capture_open(&capture, &rec->capture, err))
        return false;
    if (!packet_link_known(capture_link(rec->capture)))
        return err_set(err, ERR_UNSUPPORTED, "interface '%s' has link type %d, which is not read",
                       rec->interface, capture_link(rec->capture));
    if (!tape_out_open(conf->to, TAPE_TRAFFIC, &rec->out, err))
        return false;
    rec->start_ns = clock_wall_ns();
    rec->start_mono_ns = clock_mono_ns();
    const struct recorder_conf recorder = {
        .link = capture_link(rec->capture),
        .ports = rec->ports,
        .ports_count = rec->ports_count,
        .start_ns = rec->start_ns,
        .body_max = conf->body_max ? conf->body_max : (size_t)4 << 20,
        .memory_max = conf->memory_max ? conf->memory_max : (size_t)128 << 20};
    return recorder_new(&recorder, rec->out, &rec->recorder, err);
}

/* ---- what is written about it ---- */

static json_t *ports_json(const struct recording *rec)
{
    json_t *ports = json_array();

    for (size_t i = 0; i < rec->ports_count; i++)
        json_array_append_new(ports, json_integer(rec->ports[i]));
    return ports;
}

static bool write_meta(struct recording *rec, struct err *err)
{
    char host[256] = "?", start[ISO_TIME];

    gethostname(host, sizeof(host) - 1);
    AUTO(json) json_t *ports = ports_json(rec);
    AUTO(json)
    json_t *meta = fields_json(
        FIELDS(f_str("interface", rec->interface), f_json("ports", ports), f_str("host", host),
               f_str("start", clock_iso(rec->start_ns, start)), f_num("start_ns", rec->start_ns),
               f_num("start_mono_ns", rec->start_mono_ns), f_str("tool", REHEARSE_VERSION)));
    return recorder_note(rec->recorder, TAPE_META, meta, err) &&
           recorder_tick(rec->recorder, rec->start_ns, true, err);
}

#define NUM(name, value) f_num(name, (int64_t)(value))

/* The totals, for the tape, the journal and the reader. */
static json_t *totals_json(struct recording *rec)
{
    struct recorder_totals t = recorder_totals(rec->recorder);
    struct capture_counts c = capture_counts(rec->capture);
    AUTO(json) json_t *ports = ports_json(rec);

    return fields_json(FIELDS(
        f_str("tape", rec->conf->to), f_str("interface", rec->interface), f_json("ports", ports),
        NUM("connections", t.tcp.connections), NUM("requests", t.http.requests),
        NUM("responses", t.http.responses), NUM("gaps", t.tcp.gaps),
        NUM("gap_bytes", t.tcp.gap_bytes), NUM("packets", c.received), NUM("dropped", c.dropped),
        NUM("interface_dropped", c.interface_dropped), NUM("fragments_lost", t.fragments_lost),
        NUM("damaged_packets", t.damaged_packets), NUM("unpaired", t.http.unpaired),
        NUM("broken", t.http.broken), NUM("not_http", t.other_streams),
        NUM("skipped_bytes", t.http.skipped_bytes), NUM("tunnel_bytes", t.http.tunnel_bytes),
        NUM("repeated_bytes", t.tcp.repeated_bytes), NUM("out_of_order", t.tcp.out_of_order),
        NUM("bytes", tape_out_bytes(rec->out)),
        NUM("took_ms", (clock_mono_ns() - rec->start_mono_ns) / 1000000),
        f_str("stopped", rec->stopped ? rec->stopped : "")));
}

/* ---- running ---- */

static int64_t cpu_ns(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SECOND +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* Production never pays more than was agreed: looked at once a second. */
static void check_cpu(struct recording *rec, int64_t now)
{
    if (rec->conf->cpu_max <= 0 || now - rec->cpu_mark_ns < SECOND)
        return;
    int64_t used = cpu_ns();
    double percent = 100.0 * (double)(used - rec->cpu_used_ns) / (double)(now - rec->cpu_mark_ns);
    rec->cpu_over = percent > rec->conf->cpu_max ? rec->cpu_over + 1 : 0;
    rec->cpu_used_ns = used;
    rec->cpu_mark_ns = now;
    if (rec->cpu_over >= CPU_SECONDS)
        rec->stopped = "over the CPU budget";
}

static void check_stop(struct recording *rec, int64_t now)
{
    const struct record_conf *conf = rec->conf;

    check_cpu(rec, now);
    if (cmd_stopping())
        rec->stopped = "signal";
    else if (conf->duration_s > 0 &&
             (double)(now - rec->start_mono_ns) >= conf->duration_s * (double)SECOND)
        rec->stopped = "duration";
    else if (conf->max_bytes && tape_out_bytes(rec->out) >= conf->max_bytes)
        rec->stopped = "max-bytes";
}

static bool note_drops(struct recording *rec, struct err *err)
{
    uint64_t dropped = capture_counts(rec->capture).dropped;

    if (dropped == rec->dropped)
        return true;
    log_warn("the kernel dropped packets", NUM("dropped", dropped - rec->dropped),
             NUM("in_all", dropped));
    rec->dropped = dropped;
    AUTO(json) json_t *stats = totals_json(rec);
    return recorder_note(rec->recorder, TAPE_STATS, stats, err);
}

static bool tick(struct recording *rec, int64_t now, struct err *err)
{
    bool sync = now - rec->sync_ns >= 2 * SECOND;

    if (now - rec->tick_ns < SECOND / 10)
        return true;
    rec->tick_ns = now;
    if (sync) {
        rec->sync_ns = now;
        if (!note_drops(rec, err))
            return false;
    }
    /* Packets wait in the kernel for up to a poll: what a tick gives up on is surely late. */
    return recorder_tick(rec->recorder, clock_wall_ns(), sync, err);
}

static bool run(struct recording *rec, struct err *err)
{
    rec->cpu_mark_ns = rec->sync_ns = rec->start_mono_ns;
    rec->cpu_used_ns = cpu_ns();
    while (!rec->stopped) {
        if (!capture_poll(rec->capture, WAIT_MS, recorder_packet, rec->recorder, err))
            return false;
        int64_t now = clock_mono_ns();
        if (!tick(rec, now, err))
            return false;
        check_stop(rec, now);
    }
    /* What the kernel still holds was on the wire before the end; it hands over a block that is
     * not full only after the capture's timeout. */
    for (int i = 0; i < 4; i++)
        if (!capture_poll(rec->capture, WAIT_MS, recorder_packet, rec->recorder, err))
            return false;
    return recorder_finish(rec->recorder, clock_wall_ns(), err);
}

static bool write_end(struct recording *rec, struct journal *journal, struct err *err)
{
    AUTO(json) json_t *end = totals_json(rec);

    if (!recorder_note(rec->recorder, TAPE_END, end, err) ||
        !recorder_tick(rec->recorder, clock_wall_ns(), true, err) ||
        !tape_out_finish(rec->out, err))
        return false;
    AUTO(json) json_t *totals = totals_json(rec);
    json_t *value = NULL;
    const char *name = NULL;
    struct field fields[32] = {0};
    size_t n = 0;
    json_object_foreach(totals, name, value)
    {
        if (n + 1 < COUNT(fields))
            fields[n++] = f_json(name, value);
    }
    return journal_event(journal, "record.summary", fields, err);
}

static void tell(struct recording *rec)
{
    struct recorder_totals t = recorder_totals(rec->recorder);

    log_info("recorded", f_str("tape", rec->conf->to), NUM("connections", t.tcp.connections),
             NUM("requests", t.http.requests), NUM("responses", t.http.responses),
             NUM("gaps", t.tcp.gaps), NUM("gap_bytes", t.tcp.gap_bytes),
             NUM("dropped", capture_counts(rec->capture).dropped),
             NUM("bytes", tape_out_bytes(rec->out)), f_str("stopped", rec->stopped));
    if (t.http.requests == 0)
        log_warn("no request was seen", f_str("interface", rec->interface),
                 NUM("packets", capture_counts(rec->capture).received),
                 NUM("not_http", t.other_streams));
}

static bool choose(struct recording *rec, const struct env *env, struct err *err)
{
    rec->interface = rec->conf->interface;
    if (!ports_from_options(rec, err))
        return false;
    if (env && rec->ports_count == 0 && !ports_from_env(rec, env, err))
        return false;
    if (!rec->interface && env && env->traffic)
        rec->interface = env->traffic->interface;
    if (!rec->interface)
        rec->interface = "lo";
    if (rec->ports_count)
        return true;
    err_set(err, ERR_USAGE, "no port to record");
    return err_hint(err, "--port N, or --env with a traffic section");
}

static void port_list(const struct recording *rec, struct buf *b)
{
    for (size_t i = 0; i < rec->ports_count; i++)
        buf_printf(b, "%s%u", i ? "," : "", rec->ports[i]);
}

bool record_run(const struct record_conf *conf, struct journal *journal, struct err *err)
{
    AUTO(env) struct env *env = NULL;
    AUTO(recording) struct recording rec = {.conf = conf};
    AUTO(buf) struct buf ports = {0};

    if (!conf->to)
        return err_set(err, ERR_USAGE, "no tape to write") || err_hint(err, "--to FILE");
    if (conf->env && !env_load(conf->env, &env, err))
        return false;
    if (!choose(&rec, env, err) || !open_all(&rec, err) || !write_meta(&rec, err))
        return false;
    port_list(&rec, &ports);
    log_info("recording", f_str("interface", rec.interface), f_str("ports", buf_str(&ports)),
             f_str("tape", conf->to));
    if (!run(&rec, err) || !write_end(&rec, journal, err))
        return false;
    tell(&rec);
    return true;
}
