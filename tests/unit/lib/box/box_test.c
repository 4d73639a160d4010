/* Boxes without databases: quick, and as root or not. Servers are tested end to end. */
#include "lib/box/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"
#include "tests/test.h"

#define SLEEPER                                                                           \
    "name: t\n"                                                                           \
    "files: [{name: code, path: /nowhere/code}, {name: config, path: /nowhere/config}]\n" \
    "services:\n"                                                                         \
    "  - {name: one, run: [sleep, \"1000\"], port: 8080}\n"                               \
    "  - {name: two, run: [sleep, \"1000\"], after: [one]}\n"

struct fixture {
    struct scratch dir;
    struct env *env;
    struct box *box;
    char where[600];
    struct err err;
};

static void auto_fixture(struct fixture *f)
{
    struct err ignored = {0};

    if (f->box)
        box_stop(f->box, &ignored);
    box_close(f->box);
    env_free(f->env);
    auto_scratch(&f->dir);
}

static void begin(struct fixture *f, const char *yaml)
{
    scratch_open(&f->dir);
    assert_int_equal(chmod(f->dir.path, 0711), 0); /* services run as somebody else */
    snprintf(f->where, sizeof(f->where), "%s/box", f->dir.path);
    assert_ok(env_parse(span_of(yaml), "/etc/t.yaml", &f->env, &f->err), &f->err);
}

static void make(struct fixture *f, const char *yaml)
{
    begin(f, yaml);
    assert_ok(box_create(f->where, f->env, false, &f->box, &f->err), &f->err);
}

static void make_ready(struct fixture *f, const char *yaml)
{
    make(f, yaml);
    assert_ok(box_set_state(f->box, "ready", "d1", &f->err), &f->err);
}

static void reopen(struct fixture *f)
{
    box_close(TAKE(f->box));
    assert_ok(box_open(f->where, &f->box, &f->err), &f->err);
}

static void put(struct fixture *f, const char *name, const char *text)
{
    AUTO(free) char *path = path_join(f->where, name);
    AUTO(free) char *dir = strdup(path);

    *strrchr(dir, '/') = '\0';
    assert_ok(dir_make(dir, 0755, &f->err), &f->err);
    assert_ok(file_replace(path, span_of(text), 0644, &f->err), &f->err);
}

static void has(struct fixture *f, const char *name, const char *text)
{
    AUTO(free) char *path = path_join(f->where, name);
    AUTO(buf) struct buf got = {0};

    assert_ok(file_read(path, 1 << 20, &got, &f->err), &f->err);
    assert_string_equal(buf_str(&got), text);
}

static void has_state(struct fixture *f, const char *state)
{
    json_t *shown = NULL;

    assert_ok(box_show(f->box, &shown, &f->err), &f->err);
    assert_string_equal(json_string_value(json_object_get(shown, "state")), state);
    json_decref(shown);
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

/* ---- variables ------------------------------------------------------------------------------------*/

TEST(expands_variables)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(buf) struct buf out = {0}, wanted = {0};

    make(&f, SLEEPER);
    assert_ok(box_expand(f.box, "${box} ${files.code}/x $${y} $ {z", &out, &f.err), &f.err);
    buf_printf(&wanted, "%s %s/files/code/x ${y} $ {z", f.box->where, f.box->where);
    assert_string_equal(buf_str(&out), buf_str(&wanted));
    buf_clear(&out);
    assert_ok(box_expand(f.box, "${port.one}", &out, &f.err), &f.err);
    uint64_t port = 0;
    assert_true(span_u64(buf_view(&out), &port) && port > 1024 && port < 65536);
}

TEST(names_unknown_variables)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"${boxx}", "unknown variable '${boxx}'"},
        {"${files.no}", "unknown variable '${files.no}'"},
        {"${port.two}", "unknown variable '${port.two}'"}, /* it has no port */
        {"${db.shop.host}", "unknown variable '${db.shop.host}'"},
        {"${}", "unknown variable '${}'"},
        {"a ${box", "'${' without '}' in '${box'"},
    };
    AUTO(fixture) struct fixture f = {0};

    make(&f, SLEEPER);
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf out = {0};
        assert_fails(box_expand(f.box, cases[i].text, &out, &f.err), &f.err, ERR_CONFIG);
        assert_string_equal(f.err.text, cases[i].wanted);
    }
}

/* ---- making ---------------------------------------------------------------------------------------*/

TEST(refuses_what_is_not_a_box)
{
    AUTO(fixture) struct fixture f = {0};

    begin(&f, SLEEPER);
    put(&f, "precious", "data");
    assert_fails(box_create(f.where, f.env, false, &f.box, &f.err), &f.err, ERR_EXISTS);
    assert_fails(box_create(f.where, f.env, true, &f.box, &f.err), &f.err, ERR_EXISTS);
    has(&f, "precious", "data");
    assert_fails(box_open(f.where, &f.box, &f.err), &f.err, ERR_MISSING);
}

TEST(refuses_the_environments_own_trees)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(buf) struct buf yaml = {0};

    scratch_open(&f.dir);
    buf_printf(&yaml, "name: t\nfiles: [{name: code, path: %s}]\n", f.dir.path);
    snprintf(f.where, sizeof(f.where), "%s/box", f.dir.path);
    assert_ok(env_parse(buf_view(&yaml), "t.yaml", &f.env, &f.err), &f.err);
    assert_fails(box_create(f.where, f.env, false, &f.box, &f.err), &f.err, ERR_CONFIG);
    assert_false(path_exists(f.where));
}

TEST(refuses_to_overwrite)
{
    AUTO(fixture) struct fixture f = {0};
    struct box *other = NULL;

    make_ready(&f, SLEEPER);
    box_close(TAKE(f.box));
    assert_fails(box_create(f.where, f.env, false, &other, &f.err), &f.err, ERR_EXISTS);
    assert_non_null(strstr(f.err.hint, "--replace"));
}

TEST(locks_out_others)
{
    AUTO(fixture) struct fixture f = {0};
    struct box *other = NULL;
    char wanted[64];

    make_ready(&f, SLEEPER);
    assert_ok(box_open(f.where, &other, &f.err), &f.err); /* looking needs no lock */
    assert_fails(box_start(other, &f.err), &f.err, ERR_LOCK);
    snprintf(wanted, sizeof(wanted), "process %d works on the box", (int)getpid());
    assert_non_null(strstr(f.err.text, wanted));
    box_close(other);
}

TEST(removes_all_of_it)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, SLEEPER);
    put(&f, "files/code/a", "1");
    assert_ok(box_start(f.box, &f.err), &f.err);
    pid_t pid = pid_of(&f, 0);
    assert_ok(box_destroy(f.box, &f.err), &f.err);
    assert_false(path_exists(f.where));
    assert_int_not_equal(kill(pid, 0), 0);
    box_close(TAKE(f.box));
}

TEST(keeps_what_is_not_its_own)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, SLEEPER);
    put(&f, "notes.txt", "mine");
    put(&f, "files/code/a", "1");
    assert_fails(box_destroy(f.box, &f.err), &f.err, ERR_EXISTS);
    assert_non_null(strstr(f.err.text, "notes.txt"));
    has(&f, "files/code/a", "1"); /* nothing half done */
}

/* ---- services -------------------------------------------------------------------------------------*/

TEST(starts_and_stops_services)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, SLEEPER);
    assert_ok(box_start(f.box, &f.err), &f.err);
    pid_t one = pid_of(&f, 0), two = pid_of(&f, 1);
    has_state(&f, "running");
    assert_int_equal(kill(one, 0), 0);
    reopen(&f); /* what runs keeps running */
    assert_int_equal(kill(two, 0), 0);
    if (geteuid() == 0) {
        char proc[64];
        struct stat st;
        snprintf(proc, sizeof(proc), "/proc/%d", (int)one);
        assert_int_equal(stat(proc, &st), 0);
        assert_int_not_equal(st.st_uid, 0);
    }
    assert_ok(box_stop(f.box, &f.err), &f.err);
    assert_int_not_equal(kill(one, 0), 0);
    assert_int_not_equal(kill(two, 0), 0);
    has_state(&f, "ready");
    assert_ok(box_stop(f.box, &f.err), &f.err);
}

/* A service gets what the environment file gives it, and no key of whoever started the box. */
TEST(keeps_our_environment_from_services)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(buf) struct buf vars = {0};
    char path[64];

    setenv("PGPASSWORD", "topsecret", 1);
    make_ready(&f, "name: t\n"
                   "services: [{name: web, run: [sleep, \"1000\"], env: [\"MINE=1\"]}]\n");
    bool started = box_start(f.box, &f.err);
    unsetenv("PGPASSWORD");
    assert_ok(started, &f.err);
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid_of(&f, 0));
    assert_ok(file_read(path, 1 << 20, &vars, &f.err), &f.err);
    assert_null(memmem(vars.at, vars.len, "topsecret", 9));
    assert_non_null(memmem(vars.at, vars.len, "MINE=1", 6));
    assert_non_null(memmem(vars.at, vars.len, "PATH=/", 6));
}

TEST(tells_the_last_words_of_a_service)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, "name: t\n"
                   "services:\n"
                   "  - {name: one, run: [sleep, \"1000\"]}\n"
                   "  - {name: web, run: [sh, -c, \"echo starting; echo no config >&2; exit 3\"],\n"
                   "     health: {tcp: \"127.0.0.1:1\", within_s: 20}}\n");
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_SERVICE);
    assert_string_equal(f.err.text, "service 'web' died: no config");
    has_state(&f, "ready"); /* and nothing is left running */
    assert_int_equal(pid_of(&f, 0), 0);
}

TEST(waits_for_health_no_longer_than_told)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, "name: t\n"
                   "services:\n"
                   "  - {name: web, run: [sleep, \"1000\"],\n"
                   "     health: {tcp: \"127.0.0.1:1\", within_s: 0.3}}\n");
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_SERVICE);
    assert_string_equal(f.err.text, "service 'web' is not healthy after 0.3 s: nothing accepts at "
                                    "127.0.0.1:1");
}

struct told {
    char text[1000];
    bool refuse;
};

static bool take_service(void *ctx, const struct box_service *s, struct err *err)
{
    struct told *t = ctx;
    size_t len = strlen(t->text);

    snprintf(t->text + len, sizeof(t->text) - len, "%s %s%s%s;", s->name, s->state,
             *s->detail ? ": " : "", s->detail);
    return !t->refuse || err_set(err, ERR_SPACE, "the journal is full");
}

TEST(tells_what_became_of_services)
{
    AUTO(fixture) struct fixture f = {0};
    struct told t = {0};

    make_ready(&f, "name: t\n"
                   "services:\n"
                   "  - {name: one, run: [sleep, \"1000\"]}\n"
                   "  - {name: late, run: [sleep, \"1000\"],\n"
                   "     health: {tcp: \"127.0.0.1:1\", within_s: 0.1}}\n");
    f.box->watch = (struct box_watch){take_service, &t};
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_SERVICE);
    assert_string_equal(t.text, "one healthy;late timeout: service 'late' is not healthy after 0.1 "
                                "s: nothing accepts at 127.0.0.1:1;");
    t = (struct told){.refuse = true};
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_SPACE);
    assert_string_equal(t.text, "one healthy;");
    has_state(&f, "ready");
}

TEST(finds_services_that_died_since)
{
    AUTO(fixture) struct fixture f = {0};
    struct told t = {0};

    make_ready(&f, SLEEPER);
    assert_ok(box_start(f.box, &f.err), &f.err);
    f.box->watch = (struct box_watch){take_service, &t};
    assert_ok(box_check_services(f.box, &f.err), &f.err);
    assert_string_equal(t.text, "");
    pid_t pid = pid_of(&f, 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (int i = 0; i < 500 && !t.text[0]; i++) {
        assert_ok(box_check_services(f.box, &f.err), &f.err);
        usleep(10000);
    }
    assert_string_equal(t.text, "two died: it said nothing;");
    assert_ok(box_stop(f.box, &f.err), &f.err);
    t = (struct told){0};
    assert_ok(box_check_services(f.box, &f.err), &f.err);
    assert_string_equal(t.text, ""); /* stopped is not dead */
}

TEST(keeps_passwords_out_of_argv)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, "name: t\nservices: [{name: web, run: [echo, \"${db.x.password}\"]}]\n");
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_CONFIG);
}

/* Whatever a killed process of ours left is ended by whoever works on the box next. */
TEST(finds_what_a_crash_left_running)
{
    AUTO(fixture) struct fixture f = {0};
    char mark[128];
    int ready[2];
    json_t *shown = NULL;

    make_ready(&f, SLEEPER);
    assert_ok(box_show(f.box, &shown, &f.err), &f.err);
    snprintf(mark, sizeof(mark), "REHEARSE_BOX_ID=%s",
             json_string_value(json_object_get(shown, "id")));
    json_decref(shown);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char *)(uintptr_t) "sleep", (char *)(uintptr_t) "1000", NULL};
        char *const env[] = {mark, NULL};
        setsid();
        fcntl(ready[1], F_SETFD, FD_CLOEXEC); /* closed by a successful exec */
        execve("/bin/sleep", argv, env);
        _exit(127);
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    reopen(&f);
    assert_ok(box_stop(f.box, &f.err), &f.err);
    assert_int_not_equal(kill(pid, 0), 0);
}

/* ---- reset ----------------------------------------------------------------------------------------*/

TEST(goes_back_to_the_pristine_state)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f, SLEEPER);
    put(&f, "files/code/a", "1");
    put(&f, "files/code/sub/b", "2");
    assert_ok(box_save(f.box, &f.err), &f.err);
    assert_ok(box_set_state(f.box, "ready", NULL, &f.err), &f.err);
    for (int i = 0; i < 2; i++) { /* again and again */
        AUTO(free) char *b = path_join(f.where, "files/code/sub/b");
        put(&f, "files/code/a", "changed");
        put(&f, "files/code/new", "x");
        assert_int_equal(unlink(b), 0);
        assert_ok(box_reset(f.box, &f.err), &f.err);
        AUTO(free) char *new = path_join(f.where, "files/code/new");
        has(&f, "files/code/a", "1");
        has(&f, "files/code/sub/b", "2");
        assert_false(path_exists(new));
    }
    has_state(&f, "ready");
}

TEST(has_nothing_to_go_back_to)
{
    AUTO(fixture) struct fixture f = {0};

    make_ready(&f, SLEEPER);
    assert_fails(box_reset(f.box, &f.err), &f.err, ERR_MISSING);
    has_state(&f, "ready");
}

/* Edits box.json as a crash at that point would have left it. */
static void set_in_file(struct fixture *f, const char *key, const char *value)
{
    AUTO(free) char *path = path_join(f->where, "box.json");
    json_error_t e;

    box_close(TAKE(f->box));
    json_t *state = json_load_file(path, 0, &e);
    assert_non_null(state);
    if (value)
        json_object_set_new(state, key, json_string(value));
    else
        json_object_del(state, key);
    assert_int_equal(json_dump_file(state, path, 0), 0);
    json_decref(state);
    assert_ok(box_open(f->where, &f->box, &f->err), &f->err);
}

static void make_saved(struct fixture *f)
{
    make(f, SLEEPER);
    put(f, "files/code/a", "1");
    assert_ok(box_save(f->box, &f->err), &f->err);
    assert_ok(box_set_state(f->box, "ready", NULL, &f->err), &f->err);
    put(f, "files/code/a", "changed");
}

/* The ledger speaks of scripts that the reset takes back; and it is the box's own. */
TEST(a_reset_forgets_the_ledger)
{
    AUTO(fixture) struct fixture f = {0};

    make_saved(&f);
    put(&f, BOX_LEDGER, "applied");
    assert_ok(box_reset(f.box, &f.err), &f.err);
    AUTO(free) char *ledger = path_join(f.where, BOX_LEDGER);
    assert_false(path_exists(ledger));
    put(&f, BOX_LEDGER, "applied");
    assert_ok(box_destroy(f.box, &f.err), &f.err);
    assert_false(path_exists(f.where));
    box_close(TAKE(f.box));
}

TEST(finishes_an_interrupted_reset)
{
    AUTO(fixture) struct fixture f = {0};

    make_saved(&f);
    put(&f, "reset.new/files/code/a", "half a copy");
    set_in_file(&f, "state", "resetting");
    assert_ok(box_stop(f.box, &f.err), &f.err);
    has(&f, "files/code/a", "1");
    has_state(&f, "ready");
}

TEST(finishes_an_interrupted_swap)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(free) char *old = NULL, *fresh = NULL, *live = NULL;

    make_saved(&f);
    put(&f, "reset.new/files/code/a", "1");
    put(&f, "reset.old/x", "");
    old = path_join(f.where, "reset.old/files");
    live = path_join(f.where, "files");
    fresh = path_join(f.where, "reset.new");
    assert_int_equal(rename(live, old), 0); /* the first of the two renames was done */
    set_in_file(&f, "step", "swap");
    set_in_file(&f, "state", "resetting");
    assert_ok(box_stop(f.box, &f.err), &f.err);
    has(&f, "files/code/a", "1");
    assert_false(path_exists(old));
    assert_false(path_exists(fresh));
    has_state(&f, "ready");
}

TEST(takes_an_interrupted_save_back)
{
    AUTO(fixture) struct fixture f = {0};
    AUTO(free) char *pristine = NULL, *old = NULL;

    make_saved(&f);
    pristine = path_join(f.where, "pristine");
    old = path_join(f.where, "pristine.old");
    put(&f, "pristine.new/files/code/a", "half");
    assert_int_equal(rename(pristine, old), 0);
    set_in_file(&f, "held", "ready");
    set_in_file(&f, "state", "saving");
    assert_ok(box_reset(f.box, &f.err), &f.err);
    has(&f, "files/code/a", "1");
}

/* ---- replacing ------------------------------------------------------------------------------------*/

static void make_replacing(struct fixture *f)
{
    make_ready(f, SLEEPER);
    put(f, "files/code/a", "old");
    assert_ok(box_start(f->box, &f->err), &f->err);
    box_close(TAKE(f->box));
    assert_ok(box_create(f->where, f->env, true, &f->box, &f->err), &f->err);
    assert_true(box_holds_before(f->box));
    put(f, "files/code/a", "new");
}

TEST(drops_the_old_when_the_new_is_ready)
{
    AUTO(fixture) struct fixture f = {0};

    make_replacing(&f);
    assert_ok(box_set_state(f.box, "ready", "d2", &f.err), &f.err);
    has(&f, "files/code/a", "new");
    assert_false(box_holds_before(f.box));
}

TEST(brings_the_old_back)
{
    AUTO(fixture) struct fixture f = {0};

    make_replacing(&f);
    assert_ok(box_bring_back(f.box, &f.err), &f.err);
    reopen(&f);
    has(&f, "files/code/a", "old");
    has_state(&f, "ready"); /* it was stopped to be replaced */
    assert_false(box_holds_before(f.box));
    assert_ok(box_start(f.box, &f.err), &f.err);
}

/* kill -9 in the middle of a replacing restore: the next one who works on the box mends it. */
TEST(brings_the_old_back_after_a_crash)
{
    AUTO(fixture) struct fixture f = {0};

    make_replacing(&f);
    assert_ok(box_set_state(f.box, "restoring", "d2", &f.err), &f.err);
    reopen(&f);
    has_state(&f, "restoring");
    assert_ok(box_start(f.box, &f.err), &f.err);
    has(&f, "files/code/a", "old");
}

/* The pristine copy is the last step of a restore: cut off there, the restore has not ended. */
TEST(brings_the_old_back_after_a_crash_while_saving)
{
    AUTO(fixture) struct fixture f = {0};

    make_replacing(&f);
    set_in_file(&f, "held", "restoring");
    set_in_file(&f, "state", "saving");
    assert_ok(box_start(f.box, &f.err), &f.err);
    has(&f, "files/code/a", "old");
}

/* On the way in box.json follows last, and on the way back too: what is in place by then stays. */
TEST(brings_the_old_back_between_the_moves)
{
    static const struct {
        const char *home, *moved[3];
    } cases[] = {
        {"before.new", {"files"}},
        {"before.new", {"environment.yaml", "files"}},
        {"before.back", {"box.json"}},
        {"before.back", {"box.json", "files"}},
        {"before.back", {"box.json", "environment.yaml"}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(fixture) struct fixture f = {0};
        AUTO(free) char *home = NULL;

        make_ready(&f, SLEEPER);
        put(&f, "files/code/a", "old");
        home = path_join(f.where, cases[i].home);
        assert_ok(dir_make(home, 0711, &f.err), &f.err);
        for (size_t j = 0; j < COUNT(cases[i].moved) && cases[i].moved[j]; j++) {
            AUTO(free) char *from = path_join(f.where, cases[i].moved[j]);
            AUTO(free) char *to = path_join(home, cases[i].moved[j]);
            assert_int_equal(rename(from, to), 0);
        }
        reopen(&f);
        has(&f, "files/code/a", "old");
        assert_ok(box_start(f.box, &f.err), &f.err);
        assert_false(path_exists(home));
    }
}

TEST(explains_a_restore_that_was_cut_off)
{
    AUTO(fixture) struct fixture f = {0};

    make(&f, SLEEPER);
    assert_ok(box_set_state(f.box, "restoring", "d", &f.err), &f.err);
    reopen(&f);
    assert_fails(box_start(f.box, &f.err), &f.err, ERR_FAILED);
    assert_non_null(strstr(f.err.text, "is broken: its restore was interrupted"));
    assert_non_null(strstr(f.err.hint, "--replace"));
    box_close(TAKE(f.box));
    assert_ok(box_create(f.where, f.env, true, &f.box, &f.err), &f.err);
}

TESTS(expands_variables, names_unknown_variables, refuses_what_is_not_a_box,
      refuses_the_environments_own_trees, refuses_to_overwrite, locks_out_others, removes_all_of_it,
      keeps_what_is_not_its_own, starts_and_stops_services, keeps_our_environment_from_services,
      tells_the_last_words_of_a_service, waits_for_health_no_longer_than_told,
      tells_what_became_of_services, finds_services_that_died_since, keeps_passwords_out_of_argv,
      finds_what_a_crash_left_running, goes_back_to_the_pristine_state, has_nothing_to_go_back_to,
      a_reset_forgets_the_ledger, finishes_an_interrupted_reset, finishes_an_interrupted_swap,
      takes_an_interrupted_save_back, drops_the_old_when_the_new_is_ready, brings_the_old_back,
      brings_the_old_back_after_a_crash, brings_the_old_back_after_a_crash_while_saving,
      brings_the_old_back_between_the_moves, explains_a_restore_that_was_cut_off)
