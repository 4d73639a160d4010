#include "lib/base/program.h"

#include "lib/base/span.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *program_in_path(const char *name)
{
    const char *path = getenv("PATH");
    struct span rest = span_of(path ? path : "/usr/bin:/bin"), dir;

    while (span_split(&rest, ':', &dir)) {
        char *at = NULL;
        if (asprintf(&at, "%.*s/%s", (int)dir.len, dir.at, name) < 0)
            return NULL;
        if (access(at, X_OK) == 0)
            return at;
        free(at);
    }
    return NULL;
}

char *program_newest(const char *pattern)
{
    glob_t found = {0};
    char *path = NULL;

    if (glob(pattern, 0, NULL, &found) == 0) {
        const char *best = found.gl_pathv[0];
        for (size_t i = 1; i < found.gl_pathc; i++)
            if (strverscmp(found.gl_pathv[i], best) > 0)
                best = found.gl_pathv[i];
        path = strdup(best);
    }
    globfree(&found);
    return path;
}
