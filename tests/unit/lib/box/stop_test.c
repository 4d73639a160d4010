/* Stopping and removing when the host is not at its best: a full disk, a server's program that a
 * package upgrade has replaced. */
#include "lib/box/box.h"
#include "lib/box/local.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

#define SLEEPERS                                \
    "name: t\n"                                 \
    "services:\n"                               \
    "  - {name: one, run: [sleep, \"1000\"]}\n" \
    "  - {name: two, run: [sleep, \"1000\"], after: [one]}\n"

/* ---- a full disk ----------------------------------------------------------------------------------*/

struct fixture {
    struct scratch dir;
    struct env *env;
    struct box *box;
    char where[600];
    struct err err;
};

/* Nothing more can be written by us, as on a disk that is full. */
static void full(bool is)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is ? 0 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void auto_fixture(struct fixture *f)
{
    struct err ignored = {0};

    if (f->box)
        box_stop(f->box, &ignored);
    box_close(f->box);
    env_free(f->env);
    auto_scratch(&f->dir);
}

static pid_t pid_of(struct fixture *f, size_t service)
{
    json_t *shown = NULL;

    assert_ok(box_show(f->box, &shown, &f->err), &f->err);
    json_t *entry = json_array_get(json_object_get(shown, "services"), service);
    pid_t pid = (pid_t)json_integer_value(json_object_get(entry, "pid"));
    json_decref(shown);
    return pid;
}

static void reopen(struct fixture *f)
{
    box_close(TAKE(f->box));
    assert_ok(box_open(f->where, &f->box, &f->err), &f->err);
}

/* A box whose services run, opened by somebody who does not have its lock yet. */
static void run(struct fixture *f, pid_t pids[2])
{
    scratch_open(&f->dir);
    assert_int_equal(chmod(f->dir.path, 0711), 0); /* services run as somebody else */
    snprintf(f->where, sizeof(f->where), "%s/box", f->dir.path);
    assert_ok(env_parse(span_of(SLEEPERS), "/etc/t.yaml", &f->env, &f->err), &f->err);
    assert_ok(box_create(f->where, f->env, false, &f->box, &f->err), &f->err);
    assert_ok(box_set_state(f->box, "ready", "d1", &f->err), &f->err);
    assert_ok(box_start(f->box, &f->err), &f->err);
    for (size_t i = 0; i < 2; i++) {
        pids[i] = pid_of(f, i);
        assert_int_equal(kill(pids[i], 0), 0);
    }
    reopen(f);
}

TEST(a_full_disk_keeps_nothing_running)
{
    AUTO(fixture) struct fixture f = {0};
    pid_t pids[2];

    run(&f, pids);
    full(true);
    bool ok = box_stop(f.box, &f.err);
    full(false);
    assert_int_not_equal(kill(pids[0], 0), 0);
    assert_int_not_equal(kill(pids[1], 0), 0);
    assert_fails(ok, &f.err, ERR_IO); /* that the state is not noted is said */
    reopen(&f);
    assert_ok(box_stop(f.box, &f.err), &f.err);
    assert_int_equal(pid_of(&f, 0), 0);
    assert_ok(box_start(f.box, &f.err), &f.err);
    assert_int_equal(kill(pid_of(&f, 1), 0), 0);
}

/* It is what makes room again. */
TEST(a_full_disk_keeps_no_box)
{
    AUTO(fixture) struct fixture f = {0};
    pid_t pids[2];

    run(&f, pids);
    full(true);
    bool ok = box_destroy(f.box, &f.err);
    full(false);
    assert_ok(ok, &f.err);
    assert_int_not_equal(kill(pids[0], 0), 0);
    assert_int_not_equal(kill(pids[1], 0), 0);
    assert_false(path_exists(f.where));
    box_close(TAKE(f.box));
}

/* ---- what a killed server leaves -------------------------------------------------------------------*/

/* A copy of sleep, as an upgrade puts it: a new file under the old name. */
static void install(struct scratch *dir)
{
    AUTO(buf) struct buf program = {0};
    struct err err = {0};

    assert_ok(file_read("/bin/sleep", 1 << 24, &program, &err), &err);
    assert_ok(file_replace(scratch_path(dir, "server"), buf_view(&program), 0755, &err), &err);
}

static pid_t child(struct scratch *dir, const char *data)
{
    AUTO(free) char *program = span_dup(span_of(scratch_path(dir, "server")));
    const char *const argv[] = {program, "1000", NULL};
    struct proc_conf conf = {.argv = argv, .cwd = data};
    struct err err = {0};
    pid_t pid = 0;

    assert_ok(proc_start(&conf, &pid, &err), &err);
    return pid;
}

static bool is_gone(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid || kill(pid, 0) != 0;
}

/* Children of a killed server go on in its folder, and a new server beside them would ruin it. */
TEST(ends_what_runs_a_program_that_was_replaced)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(scratch) struct scratch data = {0};
    AUTO(scratch) struct scratch other = {0};
    struct err err = {0};

    scratch_open(&dir);
    scratch_open(&data);
    scratch_open(&other);
    install(&dir);
    pid_t old = child(&dir, data.path), elsewhere = child(&dir, other.path);
    install(&dir);
    pid_t new = child(&dir, data.path);
    bool ok = sweep_server(scratch_path(&dir, "server"), data.path, &err);
    bool gone[] = {is_gone(old), is_gone(new), is_gone(elsewhere)};
    pid_t all[] = {old, new, elsewhere};
    for (size_t i = 0; i < COUNT(all); i++) {
        if (!gone[i] && kill(all[i], SIGKILL) == 0)
            waitpid(all[i], NULL, 0);
    }
    assert_ok(ok, &err);
    assert_true(gone[0]);
    assert_true(gone[1]);
    assert_false(gone[2]);
}

TESTS(a_full_disk_keeps_nothing_running, a_full_disk_keeps_no_box,
      ends_what_runs_a_program_that_was_replaced)
