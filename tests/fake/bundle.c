#include "tests/fake/bundle.h"

#include "lib/bundle/verify.h"
#include "tests/fake/store_memory.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "no bundle for the test: %s\n", err->text);
    abort();
}

struct store *fake_store_empty(void)
{
    struct store *s = NULL;
    struct err err = {0};

    must(fake_store_new(&s, &err), &err);
    return s;
}

bool fake_bundle_write(struct store *s, const char *text, const char *tag, const char *parent,
                       struct bundle_ref *out, struct err *err)
{
    struct bundle_conf conf = {.environment = "shop", .tag = tag, .parent = parent};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;

    return bundle_create(s, &conf, &w, err) &&
           bundle_text(w, "facts/x", NULL, span_of(text), err) &&
           bundle_text(w, "other/x", NULL, SPAN("the same in all"), err) &&
           bundle_finish(w, out, err);
}

struct bundle_ref fake_bundle(struct store *s, const char *text, const char *tag)
{
    struct bundle_ref ref = {0};
    struct err err = {0};

    must(fake_bundle_write(s, text, tag, NULL, &ref, &err), &err);
    return ref;
}

bool fake_bundle_good(struct store *s, const char *ref)
{
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = VERIFY_CONTENT, .jobs = 1};
    struct err err = {0};

    return bundle_verify(s, ref, &conf, &r, &err) && r.faults.count == 0;
}
