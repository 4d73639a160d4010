/* A store that keeps nothing: what is written to it is counted and dropped. For dry runs and for
 * measuring what a medium costs. Nothing can be read back, so no bundle can be finished in it. */
#ifndef LIB_STORE_DISCARD_H
#define LIB_STORE_DISCARD_H

#include "lib/store/store.h"

bool store_discard(struct store **out, struct err *err);

#endif
