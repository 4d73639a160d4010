/* Orders that a file of the directory spells out: an explicit list, and sqitch.plan.
 * Errors: ERR_CONFIG with file and line; ERR_MISSING for a script that does not exist. */
#ifndef MIGRATE_LISTING_H
#define MIGRATE_LISTING_H

#include "migrate/order.h"

/* Adds the scripts that `list` (a file of o->dir) names. */
bool listing_read(struct order *o, const char *list, struct err *err);
/* Adds the deploy scripts of DIR/sqitch.plan; a change that was reworked later stands in
 * deploy/NAME@TAG.sql. */
bool listing_read_sqitch(struct order *o, struct err *err);

#endif
