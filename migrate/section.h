/* Up and down in one file: dbmate ("-- migrate:up") and goose ("-- +goose Up").
 *
 * Only the up part is ever read further. A line "-- rehearse:no-transaction", dbmate's
 * "transaction:false" and goose's "NO TRANSACTION" switch the transaction of the file off.
 * Pure. Errors: ERR_CONFIG with the line: no up part, two of them, or statements outside.
 */
#ifndef MIGRATE_SECTION_H
#define MIGRATE_SECTION_H

#include "lib/base/err.h"
#include "lib/base/span.h"

enum section_style { SECTION_NONE, SECTION_DBMATE, SECTION_GOOSE };

struct section {
    enum section_style style;
    struct span before; /* in front of the first mark: must hold no statement */
    struct span up;     /* the whole text when there are no marks */
    unsigned line;      /* of its first byte, 1-based */
    bool no_transaction;
};

bool section_find(struct span text, struct section *out, struct err *err);

#endif
