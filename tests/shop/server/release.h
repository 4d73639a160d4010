/* What this build of the shop does differently from the others.
 *
 * One source, three programs: RELEASE is 1 (production), 2 (a good release) or 3 (a bad one), given
 * by the compiler's command line. Everything that differs stands here; no other file asks.
 *   2: an article carries its average rating, where the feature `show_ratings` is on.
 *   3: the field `title` of an article is called `name`, which breaks every client that reads it.
 */
#ifndef TESTS_SHOP_SERVER_RELEASE_H
#define TESTS_SHOP_SERVER_RELEASE_H

#ifndef RELEASE
#error "RELEASE is 1, 2 or 3"
#endif

#define RELEASE_RATES_ARTICLES (RELEASE == 2)
#define RELEASE_TITLE_KEY      (RELEASE == 3 ? "name" : "title")

#endif
