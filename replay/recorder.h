/* The recorder: packets in, tape records out.
 *
 * One thread captures and parses, another one compresses and writes (replay/tape_file.h). Every
 * byte that is lost is on the tape: per connection as TAPE_GAP, and in the totals of TAPE_END.
 */
#ifndef REPLAY_RECORDER_H
#define REPLAY_RECORDER_H

#include <jansson.h>

#include "lib/wire/http.h"
#include "replay/capture.h"
#include "replay/tape_file.h"

struct recorder_conf {
    int link; /* of the packets */
    const uint16_t *ports;
    size_t ports_count;
    int64_t start_ns; /* wall clock; times on the tape count from here */
    size_t body_max, memory_max;
};

struct recorder_totals {
    struct http_counts http;
    struct tcp_stats tcp;
    uint64_t fragments_lost, damaged_packets, other_streams;
};

struct recorder;
/* `out` is borrowed. */
bool recorder_new(const struct recorder_conf *conf, struct tape_out *out, struct recorder **r,
                  struct err *err);
void recorder_free(struct recorder *r);
AUTO_PTR(recorder, struct recorder, recorder_free)
/* As capture_fn. */
bool recorder_packet(void *recorder, struct span frame, uint32_t wire_bytes, int64_t at_ns,
                     struct err *err);
/* Timeouts, and the records so far to the writer; `sync`: to the disk. */
bool recorder_tick(struct recorder *r, int64_t now_ns, bool sync, struct err *err);
/* Closes all connections. */
bool recorder_finish(struct recorder *r, int64_t now_ns, struct err *err);
bool recorder_note(struct recorder *r, enum tape_type type, const json_t *fields, struct err *err);
struct recorder_totals recorder_totals(const struct recorder *r);

#endif
