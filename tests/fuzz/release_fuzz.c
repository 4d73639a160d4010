/* Any bytes as a release file: refused with one line that names the file, or read into a struct that
 * keeps its promises; checked against an environment it is refused or all it names is there. */
#include "lib/base/fd.h"
#include "lib/env/release.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const struct env *environment(void)
{
    static struct env *env;

    if (!env)
        must(env_parse(SPAN("name: shop\nfiles:\n  - {name: code, path: /srv}\ndatabases:\n"
                            "  - {name: main, engine: postgresql, database: x, host: h}\n"),
                       "/env.yaml", &env, NULL));
    return env;
}

static void check_numbers(const struct release *r)
{
    const double all[] = {
        r->judge.latency_ratio, r->judge.latency_min_ms,     r->judge.lateness_p99_ms,
        r->judge.lock_budget_s, r->judge.statement_budget_s, r->judge.error_share,
        r->replay.speed,        r->replay.timeout_s};

    for (size_t i = 0; i < COUNT(all); i++)
        must(isfinite(all[i]) && all[i] >= 0);
    must(r->replay.baselines == 1 || r->replay.baselines == 2);
}

static void check_scripts(const struct release *r, const struct env *env)
{
    for (unsigned i = 0; i < r->migrations_count; i++)
        must(env_find_database(env, r->migrations[i].database) && r->migrations[i].dir[0] == '/');
    for (unsigned i = 0; i < r->data_count; i++)
        must(env_find_database(env, r->data[i].database) && r->data[i].dir[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(release) struct release *r = NULL;
    AUTO(fd) int fd = memfd_create("release.yaml", 0);
    char path[64];
    struct err err = {0};

    must(fd >= 0 && fd_write_all(fd, bytes, len, NULL));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (!release_load(path, &r, &err)) {
        must(!r && err.text[0] && !strchr(err.text, '\n') && strstr(err.text, path));
        return 0;
    }
    must(r->release[0] && r->environment[0] == '/');
    check_numbers(r);
    if (release_check(r, environment(), &err))
        check_scripts(r, environment());
    else
        must(err.text[0] && !strchr(err.text, '\n'));
    return 0;
}
