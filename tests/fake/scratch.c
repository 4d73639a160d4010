#include "tests/fake/scratch.h"

#include "lib/base/fd.h"

#include <stdlib.h>

void scratch_open(struct scratch *s)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(s->path, sizeof(s->path), "%s/rehearse-test.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(s->path)) {
        perror(s->path);
        abort();
    }
}

void auto_scratch(struct scratch *s)
{
    struct err err = {0};

    if (s->path[0] && !dir_remove(s->path, &err))
        fprintf(stderr, "%s\n", err.text);
}

const char *scratch_path(struct scratch *s, const char *name)
{
    snprintf(s->name, sizeof(s->name), "%s/%s", s->path, name);
    return s->name;
}

void scratch_write(struct scratch *s, const char *name, struct span content)
{
    struct err err = {0};

    if (!file_replace(scratch_path(s, name), content, 0600, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}
