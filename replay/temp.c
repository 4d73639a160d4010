#include "replay/temp.h"

#include "lib/base/fd.h"
#include "lib/base/log.h"

#define TEMPLATE "rehearse-results.XXXXXX"

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return span_dup((struct span){path, slash == path ? 1 : (size_t)(slash - path)});
}

/* NULL with errno. */
static char *make_in(const char *folder)
{
    AUTO(free) char *dir = path_join(folder, TEMPLATE);

    return dir && mkdtemp(dir) ? TAKE(dir) : NULL;
}

bool temp_make(const char *tape, struct temp *out, struct err *err)
{
    const char *wanted = getenv("TMPDIR");
    AUTO(free) char *beside = folder_of(tape);
    AUTO(temp) struct temp s = {0};

    if (!beside)
        return err_memory(err);
    if (wanted && *wanted)
        s.dir = make_in(wanted);
    if (!s.dir)
        s.dir = make_in(beside);
    if (!s.dir)
        s.dir = make_in("/tmp");
    if (!s.dir) {
        err_sys(err, ERR_IO, "cannot make a folder for the results in '%s'", beside);
        return err_hint(err, "--results FILE keeps them elsewhere; so does TMPDIR");
    }
    s.file = path_join(s.dir, "results");
    if (!s.file)
        return err_memory(err);
    *out = s;
    s = (struct temp){0};
    return true;
}

void temp_done(struct temp *s)
{
    struct err why = {0};

    if (s->dir && !dir_remove(s->dir, &why))
        log_warn("temporary results stay", f_str("path", s->dir), f_str("why", why.text));
    free(s->dir);
    free(s->file);
    *s = (struct temp){0};
}
