/* Inline SVG for the report: the timeline of the steps, and latencies old against new. */
#ifndef REHEARSE_CHART_H
#define REHEARSE_CHART_H

#include "lib/base/buf.h"

#include <jansson.h>

/* Of `events` those that are not in `counting` are pale. */
void chart_timeline(const json_t *events, const json_t *counting, struct buf *out);
/* Nothing when no latency was measured. */
void chart_latency(const json_t *events, struct buf *out);

#endif
