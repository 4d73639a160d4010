/* Reports: a journal rendered for people (HTML), pipelines (JUnit XML) and programs (JSON).
 *
 * A pure function of the journal. The HTML file stands alone: no script, no network, styles and
 * charts inside; every text from outside is escaped. Threads: none shared.
 */
#ifndef REHEARSE_REPORT_H
#define REHEARSE_REPORT_H

#include "lib/base/buf.h"

#include <jansson.h>

struct report {
    const json_t *events;
    const json_t *counting; /* verdict_events(): without what an interrupted attempt did in vain */
    const json_t *verdict;  /* the last of those that count; NULL: none yet */
    const char *journal;    /* digest of the last line, hex: names exactly this journal */
};

struct report_format {
    const char *name;
    const char *about;
    bool (*render)(const struct report *r, struct buf *out, struct err *err);
};
extern const struct report_format report_formats[]; /* ends with a NULL name */

/* Renders and writes atomically; path NULL: stdout. ERR_USAGE for an unknown format. */
bool report_write(const char *journal_path, const char *format, const char *path, struct err *err);

bool report_html(const struct report *r, struct buf *out, struct err *err);
bool report_junit(const struct report *r, struct buf *out, struct err *err);
bool report_json(const struct report *r, struct buf *out, struct err *err);

#endif
