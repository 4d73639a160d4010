/* The journal: what was done, with what, how long, and what was measured.
 *
 * JSON lines. Each line: {"n":7,"at":"2026-...Z","event":"migrate.statement", ...fields...,
 * "prev":"<sha256 of the line before, 64 hex; zeros for the first>"}. The file is fsynced after
 * every event. Report and verdict read nothing but this file; docs/journal.md lists every event.
 * Threads: any thread may write. A torn last line (crash) is cut off when it is opened again;
 * any other break of the chain is ERR_DAMAGED.
 */
#ifndef LIB_JOURNAL_JOURNAL_H
#define LIB_JOURNAL_JOURNAL_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/field.h"

struct journal;

/* Opens for append, made when absent (mode 0600). */
bool journal_open(const char *path, struct journal **out, struct err *err);
void journal_close(struct journal *j);
AUTO_PTR(journal, struct journal, journal_close)
/* A NULL journal accepts events and forgets them, so that commands run without one. */
bool journal_event(struct journal *j, const char *event, const struct field *fields,
                   struct err *err);
#define JOURNAL(j, err, event, ...) journal_event(j, event, FIELDS(__VA_ARGS__), err)
const char *journal_path(const struct journal *j);

/* Reads and checks the chain; each event as a JSON object, in order. */
bool journal_read(const char *path, bool (*each)(void *ctx, const json_t *event, struct err *err),
                  void *ctx, struct err *err);
/* All events as a JSON array (new reference). */
bool journal_load(const char *path, json_t **out, struct err *err);

#endif
