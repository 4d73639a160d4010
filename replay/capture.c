#include "replay/capture.h"

#include <errno.h>
#include <pcap.h>
#include <poll.h>

#include "lib/base/buf.h"

#define SNAP_BYTES 262144
#define TIMEOUT_MS 50   /* never 0: TPACKET_V3 would hold packets back for good */
#define BATCH      4096 /* packets given between two looks at the clock */

struct capture {
    pcap_t *pcap;
    struct capture_counts counts;
    uint32_t last_received, last_dropped, last_if_dropped; /* libpcap's, which wrap around */
    capture_fn fn;                                         /* while polling */
    void *ctx;
    struct err *err;
    bool failed;
};

static void auto_devices(pcap_if_t **all)
{
    if (*all)
        pcap_freealldevs(*all);
}

static bool no_interface(const char *name, struct err *err)
{
    AUTO(devices) pcap_if_t *all = NULL;
    AUTO(buf) struct buf names = {0};
    char why[PCAP_ERRBUF_SIZE];

    if (pcap_findalldevs(&all, why) == 0)
        for (pcap_if_t *d = all; d; d = d->next)
            if (d->flags & PCAP_IF_UP)
                buf_printf(&names, "%s%s", names.len ? ", " : "", d->name);
    err_set(err, ERR_MISSING, "there is no interface '%s'", name);
    return err_hint(err, "one of: %s", buf_str(&names));
}

static bool not_activated(struct capture *c, int code, const char *name, struct err *err)
{
    switch (code) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return no_interface(name, err);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        err_set(err, ERR_RIGHTS, "no right to capture on interface '%s'", name);
        return err_hint(err, "run as root, or: setcap cap_net_raw,cap_net_admin=ep rehearse");
    case PCAP_ERROR_IFACE_NOT_UP:
        err_set(err, ERR_UNREACHABLE, "interface '%s' is down", name);
        return err_hint(err, "ip link set %s up", name);
    default:
        return err_set(err, ERR_FAILED, "cannot capture on '%s': %s: %s", name,
                       pcap_statustostr(code), pcap_geterr(c->pcap));
    }
}

static bool activate(struct capture *c, const struct capture_conf *conf, struct err *err)
{
    int buffer = conf->buffer_bytes > INT32_MAX ? INT32_MAX : (int)conf->buffer_bytes;

    pcap_set_snaplen(c->pcap, SNAP_BYTES);
    pcap_set_promisc(c->pcap, 0);
    pcap_set_timeout(c->pcap, TIMEOUT_MS);
    pcap_set_buffer_size(c->pcap, buffer);
    if (pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO) != 0)
        return err_set(err, ERR_UNSUPPORTED, "no nanosecond stamps on interface '%s'",
                       conf->interface);
    int code = pcap_activate(c->pcap);
    return code >= 0 || not_activated(c, code, conf->interface, err);
}

/* What carries no ports where the kernel could see them is let through and looked at later. */
static void filter_text(struct buf *b, const struct capture_conf *conf, int tags)
{
    for (int tagged = 0; tagged <= tags; tagged++) {
        buf_puts(b, tagged ? " or (vlan and (" : "(");
        for (size_t i = 0; i < conf->ports_count; i++)
            buf_printf(b, "%stcp port %u", i ? " or " : "", conf->ports[i]);
        buf_puts(b, " or (ip proto 6 and ip[6:2] & 0x1fff != 0)"
                    " or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51"
                    " or ip6[6] = 60))");
        buf_puts(b, tagged ? "))" : ")");
    }
}

static bool set_filter(struct capture *c, const struct capture_conf *conf, bool vlan,
                       struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct bpf_program program;

    filter_text(&text, conf, vlan ? 1 : 0);
    if (!buf_ok(&text, err))
        return false;
    if (pcap_compile(c->pcap, &program, buf_str(&text), 1, PCAP_NETMASK_UNKNOWN) != 0)
        return err_set(err, ERR_FAILED, "cannot build the packet filter: %s", pcap_geterr(c->pcap));
    int code = pcap_setfilter(c->pcap, &program);
    pcap_freecode(&program);
    return code == 0 ||
           err_set(err, ERR_FAILED, "cannot set the packet filter: %s", pcap_geterr(c->pcap));
}

bool capture_open(const struct capture_conf *conf, struct capture **out, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE];
    AUTO(capture) struct capture *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->pcap = pcap_create(conf->interface, why);
    if (!c->pcap)
        return err_set(err, ERR_FAILED, "cannot capture on '%s': %s", conf->interface, why);
    if (!activate(c, conf, err))
        return false;
    /* Links without an Ethernet type know no tags and refuse the word. */
    if (!set_filter(c, conf, true, err)) {
        err_clear(err);
        if (!set_filter(c, conf, false, err))
            return false;
    }
    if (pcap_setnonblock(c->pcap, 1, why) != 0)
        return err_set(err, ERR_FAILED, "cannot capture on '%s': %s", conf->interface, why);
    *out = TAKE(c);
    return true;
}

void capture_close(struct capture *c)
{
    if (!c)
        return;
    if (c->pcap)
        pcap_close(c->pcap);
    free(c);
}

int capture_link(const struct capture *c)
{
    return pcap_datalink(c->pcap);
}

static void on_packet(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *bytes)
{
    struct capture *c = (void *)user;
    /* With nanosecond precision tv_usec holds nanoseconds. */
    int64_t at_ns = (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec;

    if (c->failed)
        return;
    if (!c->fn(c->ctx, (struct span){(const char *)bytes, h->caplen}, h->len, at_ns, c->err)) {
        c->failed = true;
        pcap_breakloop(c->pcap);
    }
}

bool capture_poll(struct capture *c, int wait_ms, capture_fn fn, void *ctx, struct err *err)
{
    struct pollfd p = {.fd = pcap_get_selectable_fd(c->pcap), .events = POLLIN};

    if (wait_ms > 0 && poll(&p, 1, wait_ms) < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for packets");
    c->fn = fn;
    c->ctx = ctx;
    c->err = err;
    int n = pcap_dispatch(c->pcap, BATCH, on_packet, (unsigned char *)c);
    if (c->failed)
        return false;
    if (n == PCAP_ERROR) {
        err_set(err, ERR_FAILED, "capture failed: %s", pcap_geterr(c->pcap));
        return err_hint(err, "did the interface go away?");
    }
    return true;
}

struct capture_counts capture_counts(struct capture *c)
{
    struct pcap_stat s;

    if (pcap_stats(c->pcap, &s) != 0)
        return c->counts;
    /* libpcap's are running totals of 32 bits: only what was added since counts. */
    c->counts.received += s.ps_recv - c->last_received;
    c->counts.dropped += s.ps_drop - c->last_dropped;
    c->counts.interface_dropped += s.ps_ifdrop - c->last_if_dropped;
    c->last_received = s.ps_recv;
    c->last_dropped = s.ps_drop;
    c->last_if_dropped = s.ps_ifdrop;
    return c->counts;
}
