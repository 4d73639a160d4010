/* Packets of some TCP server ports, from an interface, through libpcap.
 *
 * Nanosecond stamps of the wall clock, whole segments as the host has them before and after
 * segmentation offload (262,144 bytes). The kernel's filter lets through the ports in both
 * directions, VLAN-tagged too, fragments, and IPv6 with extension headers (the ports of those are
 * looked at later).
 * Errors: ERR_RIGHTS with the setcap command, ERR_MISSING with the interfaces that there are.
 */
#ifndef REPLAY_CAPTURE_H
#define REPLAY_CAPTURE_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

struct capture_conf {
    const char *interface;
    const uint16_t *ports;
    size_t ports_count;
    size_t buffer_bytes;
};

struct capture_counts {
    uint64_t received; /* passed the filter */
    uint64_t dropped;  /* by the kernel, for want of buffer */
    uint64_t interface_dropped;
};

typedef bool (*capture_fn)(void *ctx, struct span frame, uint32_t wire_bytes, int64_t at_ns,
                           struct err *err);

struct capture;
bool capture_open(const struct capture_conf *conf, struct capture **out, struct err *err);
void capture_close(struct capture *c);
AUTO_PTR(capture, struct capture, capture_close)
int capture_link(const struct capture *c);
/* Waits at most wait_ms for packets and gives those that are there. */
bool capture_poll(struct capture *c, int wait_ms, capture_fn fn, void *ctx, struct err *err);
/* Sums over the life of the capture. */
struct capture_counts capture_counts(struct capture *c);

#endif
