/* Small bundles in memory, for tests of what is done with bundles.
 * Errors: end the test program; a test without its bundles says nothing. */
#ifndef TESTS_FAKE_BUNDLE_H
#define TESTS_FAKE_BUNDLE_H

#include "lib/bundle/bundle.h"

/* An empty one; store_close() releases it. */
struct store *fake_store_empty(void);
/* Two components: `text`, and a word that is the same in all of them. parent: NULL for none. The one
 * that gives an error is for stores that fail. */
struct bundle_ref fake_bundle(struct store *s, const char *text, const char *tag);
bool fake_bundle_write(struct store *s, const char *text, const char *tag, const char *parent,
                       struct bundle_ref *out, struct err *err);
/* Whether all of its content is what it was. */
bool fake_bundle_good(struct store *s, const char *ref);

#endif
