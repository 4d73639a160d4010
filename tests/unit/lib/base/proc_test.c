#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/proc.h"
#include "tests/fake/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SH(text)  ARGV("sh", "-c", text)

TEST(captures_the_output)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    const struct proc_conf conf = {.argv = SH("printf one; echo two >&2; printf three")};

    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    assert_string_equal(buf_str(&out), "onethree");
}

TEST(last_line_of_stderr_is_the_error)
{
    struct err err = {0};
    const struct proc_conf conf = {
        .argv = ARGV("sh", "-c", "echo first >&2; echo 'no such table  ' >&2; exit 3", "secret")};

    assert_fails(proc_run(&conf, 10, NULL, &err), &err, ERR_FAILED);
    assert_string_equal(err.text, "'sh' failed: no such table");
    const struct proc_conf quiet = {.argv = SH("exit 7")};
    assert_fails(proc_run(&quiet, 10, NULL, &err), &err, ERR_FAILED);
    assert_string_equal(err.text, "'sh' ended with status 7");
    const struct proc_conf killed = {.argv = SH("kill -9 $$")};
    assert_fails(proc_run(&killed, 10, NULL, &err), &err, ERR_FAILED);
    assert_string_equal(err.text, "'sh' was ended by signal 9 (Killed)");
}

TEST(missing_program_is_an_error_of_the_start)
{
    struct err err = {0};
    pid_t pid = 0;
    const struct proc_conf conf = {.argv = ARGV("/no/such/program")};
    const struct proc_conf lost = {.argv = ARGV("true"), .cwd = "/no/such/directory"};
    const struct proc_conf not_program = {.argv = ARGV("/etc/passwd")};
    const struct proc_conf nobody = {.argv = ARGV("true"), .user = "no-such-user-here"};

    assert_fails(proc_start(&conf, &pid, &err), &err, ERR_MISSING);
    assert_non_null(strstr(err.hint, "PATH"));
    assert_fails(proc_run(&lost, 1, NULL, &err), &err, ERR_MISSING);
    assert_fails(proc_run(&not_program, 1, NULL, &err), &err, ERR_RIGHTS);
    if (geteuid() == 0)
        assert_fails(proc_start(&nobody, &pid, &err), &err, ERR_MISSING);
    assert_int_equal(pid, 0);
}

/* More than the pipes hold, on both of them, while nobody waits for one alone. */
TEST(full_pipes_do_not_block)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    const struct proc_conf conf = {
        .argv = SH("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero")};

    assert_ok(proc_run(&conf, 30, &out, &err), &err);
    assert_int_equal(out.len, 3000000);
}

TEST(output_over_the_limit_is_refused)
{
    AUTO(buf) struct buf out = {.max = 1000};
    struct err err = {0};
    const struct proc_conf conf = {.argv = SH("yes")};

    assert_fails(proc_run(&conf, 30, &out, &err), &err, ERR_FAILED);
    assert_non_null(strstr(err.text, "'sh'"));
}

TEST(time_limit_ends_all_of_it)
{
    struct err err = {0};
    AUTO(buf) struct buf out = {0};
    const struct proc_conf conf = {.argv = SH("sleep 60 & echo $!; sleep 60")};
    int64_t start = clock_mono_ns();

    assert_fails(proc_run(&conf, 0.3, &out, &err), &err, ERR_LOCK);
    assert_true(clock_mono_ns() - start < INT64_C(5000000000));
    uint64_t background;
    assert_true(span_u64(span_trim(buf_view(&out)), &background));
    assert_false(proc_alive((pid_t)background, 0));
}

/* A daemon holds the pipes for ever: the end of the child is what counts. */
TEST(a_daemon_left_behind_does_not_block)
{
    struct err err = {0};
    AUTO(buf) struct buf out = {0};
    const struct proc_conf conf = {.argv = SH("sleep 60 & echo $!")};
    int64_t start = clock_mono_ns();

    assert_ok(proc_run(&conf, 30, &out, &err), &err);
    assert_true(clock_mono_ns() - start < INT64_C(5000000000));
    uint64_t daemon;
    assert_true(span_u64(span_trim(buf_view(&out)), &daemon));
    assert_int_equal(kill((pid_t)daemon, SIGKILL), 0);
}

TEST(child_has_only_its_own_descriptors)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    int leaked = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a library would */
    const struct proc_conf conf = {.argv = ARGV("ls", "/proc/self/fd")};

    assert_true(leaked > 2);
    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    close(leaked);
    /* 3 is the directory that ls itself has open. */
    assert_string_equal(buf_str(&out), "0\n1\n2\n3\n");
}

TEST(environment_is_merged)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    const struct proc_conf conf = {.argv = SH("echo $ONE $TWO; env | grep -c ^ONE="),
                                   .env = ARGV("ONE=new", "TWO=2")};

    setenv("ONE", "old", 1);
    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    assert_string_equal(buf_str(&out), "new 2\n1\n");
}

TEST(a_clean_environment_has_no_secret_of_ours)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    const struct proc_conf conf = {
        .argv = ARGV("env"), .env = ARGV("GIVEN=1", "LC_ALL=POSIX"), .clean_env = true};

    setenv("PGPASSWORD", "secret", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("PATHOLOGY", "secret", 1);
    setenv("LC_ALL", "C", 1);
    setenv("TZ", "UTC", 1);
    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    assert_null(strstr(buf_str(&out), "secret"));
    assert_non_null(strstr(buf_str(&out), "GIVEN=1\n"));
    assert_non_null(strstr(buf_str(&out), "LC_ALL=POSIX\n"));
    assert_non_null(strstr(buf_str(&out), "TZ=UTC\n"));
    assert_non_null(strstr(buf_str(&out), "PATH=/"));
    unsetenv("PGPASSWORD");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("PATHOLOGY");
}

TEST(reads_the_input_given)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    scratch_open(&dir);
    scratch_write(&dir, "in", SPAN("from the file"));
    AUTO(fd) int fd = open(scratch_path(&dir, "in"), O_RDONLY | O_CLOEXEC);
    const struct proc_conf conf = {.argv = ARGV("cat"), .stdin_fd = fd, .cwd = dir.path};
    const struct proc_conf none = {.argv = ARGV("cat")};
    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    assert_ok(proc_run(&none, 10, &out, &err), &err);
    assert_string_equal(buf_str(&out), "from the file");
}

TEST(becomes_another_user)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    const struct proc_conf conf = {.argv = SH("id -un; id -G; echo $USER $HOME"), .user = "nobody"};

    if (geteuid() != 0)
        skip();
    const struct passwd *pw = getpwnam("nobody");
    char want[256];
    snprintf(want, sizeof(want), "nobody\n%u\nnobody %s\n", pw->pw_gid, pw->pw_dir);
    assert_ok(proc_run(&conf, 10, &out, &err), &err);
    assert_string_equal(buf_str(&out), want);
}

static bool refuse(void *ctx, struct span piece, struct err *err)
{
    *(size_t *)ctx += piece.len;
    return err_set(err, ERR_SPACE, "full");
}

TEST(stream_ends_when_the_taker_refuses)
{
    struct err err = {0};
    size_t taken = 0;
    const struct proc_conf conf = {.argv = SH("yes")};

    assert_fails(proc_stream(&conf, refuse, &taken, &err), &err, ERR_SPACE);
    assert_true(taken > 0);
}

TEST(starts_and_stops_a_service)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    pid_t pid = 0;

    scratch_open(&dir);
    const struct proc_conf conf = {.argv =
                                       SH("trap '' TERM; echo up; echo err >&2; sleep 60 & wait"),
                                   .stdout_path = scratch_path(&dir, "log")};
    assert_ok(proc_start(&conf, &pid, &err), &err);
    uint64_t ticks = proc_start_ticks(pid);
    assert_true(ticks && proc_alive(pid, ticks));
    assert_false(proc_alive(pid, ticks + 1));
    AUTO(buf) struct buf log = {0};
    for (int i = 0; i < 200 && log.len < 7; i++) {
        clock_sleep_until(clock_mono_ns() + 10000000);
        buf_clear(&log);
        assert_ok(file_read(dir.name, 100, &log, &err), &err);
    }
    assert_string_equal(buf_str(&log), "up\nerr\n");
    /* It ignores SIGTERM, so the end comes after the grace. */
    assert_ok(proc_stop(pid, SIGTERM, 0.1, &err), &err);
    assert_false(proc_alive(pid, 0));
    assert_ok(proc_stop(pid, SIGTERM, 0.1, &err), &err);
    assert_fails(proc_stop(1, SIGTERM, 0.1, &err), &err, ERR_FAILED);
    assert_fails(proc_stop(-1, SIGTERM, 0.1, &err), &err, ERR_FAILED);
}

/* What we started ends with us, unless it was meant to stay. */
TEST(children_end_with_their_parent)
{
    int ends[2];
    pid_t pids[2] = {0, 0};

    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const struct proc_conf dies = {.argv = ARGV("sleep", "60")};
        const struct proc_conf stays = {.argv = ARGV("sleep", "60"), .keep_after_us = true};
        if (!proc_start(&dies, &pids[0], NULL) || !proc_start(&stays, &pids[1], NULL) ||
            write(ends[1], pids, sizeof(pids)) < 0)
            _exit(1);
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    assert_int_equal(read(ends[0], pids, sizeof(pids)), sizeof(pids));
    for (int i = 0; i < 500 && proc_alive(pids[0], 0); i++)
        clock_sleep_until(clock_mono_ns() + 10000000);
    assert_false(proc_alive(pids[0], 0));
    assert_true(proc_alive(pids[1], 0));
    assert_true(proc_stop(pids[1], SIGKILL, 1, NULL));
    close(ends[0]);
    close(ends[1]);
}

static void *live_on(void *unused)
{
    sleep(60);
    return unused;
}

/* The first thread is a zombie then; the process's ports and files are taken all the same. */
TEST(a_process_lives_as_long_as_its_last_thread)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t other;
        setpgid(0, 0);
        if (pthread_create(&other, NULL, live_on, NULL) != 0)
            _exit(1);
        pthread_exit(NULL);
    }
    AUTO(buf) struct buf stat = {0};
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    for (int i = 0; i < 500 && !strstr(buf_str(&stat), ") Z "); i++) {
        clock_sleep_until(clock_mono_ns() + 10000000);
        buf_clear(&stat);
        assert_true(file_read(path, 4096, &stat, NULL));
    }
    assert_true(proc_alive(pid, 0));
    assert_false(proc_gone(pid, 0));
    assert_true(proc_stop(pid, SIGKILL, 1, NULL));
    assert_false(proc_alive(pid, 0));
    assert_true(proc_gone(pid, 0));
}

TESTS(captures_the_output, last_line_of_stderr_is_the_error,
      missing_program_is_an_error_of_the_start, full_pipes_do_not_block,
      output_over_the_limit_is_refused, time_limit_ends_all_of_it,
      a_daemon_left_behind_does_not_block, child_has_only_its_own_descriptors,
      environment_is_merged, a_clean_environment_has_no_secret_of_ours, reads_the_input_given,
      becomes_another_user, stream_ends_when_the_taker_refuses, starts_and_stops_a_service,
      children_end_with_their_parent, a_process_lives_as_long_as_its_last_thread)
