/* What people see: log lines and progress, on a terminal and in a file. */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/progress.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>

/* What `show` writes to stderr, which is a terminal or a pipe. */
static void capture(bool terminal, void (*show)(void), struct buf *out)
{
    int ends[2], master = -1;
    char piece[4096];
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = terminal ? forkpty(&master, NULL, NULL, NULL) : fork();
    if (pid == 0) {
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        if (!terminal)
            dup2(ends[1], STDERR_FILENO);
        show();
        exit(0);
    }
    assert_true(pid > 0);
    close(ends[1]);
    while ((n = read(terminal ? master : ends[0], piece, sizeof(piece))) > 0)
        buf_add(out, piece, (size_t)n);
    close(ends[0]);
    if (master >= 0)
        close(master);
    waitpid(pid, NULL, 0);
}

static void log_all(void)
{
    log_info("table copied", f_str("table", "or'd\n\x1b\xff\xc2\x9b\xc3\xa4"), f_num("rows", -7),
             f_real("share", 0.25), f_bool("ok", true), f_str("none", NULL));
    log_debug("hidden", f_num("n", 1));
    log_warn("careful", f_num("n", 1));
    log_setup(LOG_LEVEL_WARN, LOG_FORM_TEXT);
    log_line(LOG_LEVEL_INFO, "hidden as well");
    log_line(LOG_LEVEL_ERROR, "bad");
}

TEST(text_lines_are_one_line_each)
{
    AUTO(buf) struct buf out = {0};

    capture(false, log_all, &out);
    assert_string_equal(buf_str(&out),
                        "info table copied table='or\\'d\\x0a\\x1b\\xff\\x9b\xc3\xa4' rows=-7 "
                        "share=0.25 ok=true none=null\nwarn careful n=1\nerror bad\n");
}

static void log_json(void)
{
    log_setup(LOG_LEVEL_DEBUG, LOG_FORM_JSON);
    log_debug("deep", f_str("s", "\xff\n"));
}

TEST(json_lines_are_objects)
{
    AUTO(buf) struct buf out = {0};
    AUTO(json) json_t *o = NULL;
    struct err err = {0};
    const char *text;

    capture(true, log_json, &out);
    assert_ok(json_parse(buf_view(&out), "log", &o, &err), &err);
    assert_ok(json_want_str(o, "what", &text, &err), &err);
    assert_string_equal(text, "deep");
    assert_ok(json_want_str(o, "s", &text, &err), &err);
    assert_string_equal(text, "\xc3\xbf\n");
    assert_ok(json_want_str(o, "level", &text, &err), &err);
    assert_string_equal(text, "debug");
}

static void warn_only(void)
{
    log_line(LOG_LEVEL_WARN, "careful");
}

TEST(colours_on_terminals_only)
{
    AUTO(buf) struct buf out = {0};

    capture(true, warn_only, &out);
    assert_string_equal(buf_str(&out), "\r\033[K\033[33mwarn careful\033[0m\r\n");
}

static void make_progress(void)
{
    AUTO(progress) struct progress *p = progress_open("restore", 4000000);

    progress_add(p, 1000000);
    progress_note(p, "ord\x1b[2Jers\xc3\xa4");
    clock_sleep_until(clock_mono_ns() + 300000000);
    progress_add(p, 3000000);
    clock_sleep_until(clock_mono_ns() + 300000000);
}

TEST(progress_is_one_line_that_goes_away)
{
    AUTO(buf) struct buf out = {0};

    capture(true, make_progress, &out);
    assert_non_null(strstr(out.at, "\r\033[Krestore   25%  1.0 MB of 4.0 MB"));
    assert_non_null(strstr(out.at, "left  ord?[2Jers\xc3\xa4"));
    assert_non_null(strstr(out.at, "100%  4.0 MB of 4.0 MB"));
    assert_null(strchr(out.at, '\n'));
    assert_true(span_ends(buf_view(&out), "\r\033[K"));
}

TEST(progress_keeps_files_quiet)
{
    AUTO(buf) struct buf out = {0};

    capture(false, make_progress, &out);
    assert_string_equal(buf_str(&out), "");
}

TEST(progress_takes_null)
{
    log_setup(LOG_LEVEL_WARN, LOG_FORM_TEXT);
    struct progress *p = progress_open("x", 0);
    assert_null(p);
    progress_total(p, 1);
    progress_add(p, 1);
    progress_note(p, "x");
    progress_close(p);
    log_setup(LOG_LEVEL_INFO, LOG_FORM_TEXT);
}

TESTS(text_lines_are_one_line_each, json_lines_are_objects, colours_on_terminals_only,
      progress_is_one_line_that_goes_away, progress_keeps_files_quiet, progress_takes_null)
