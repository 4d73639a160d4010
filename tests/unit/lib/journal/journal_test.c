#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/journal/chain.h"
#include "lib/journal/journal.h"
#include "tests/fake/fault.h"
#include "tests/fake/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void write_events(const char *path, int count)
{
    AUTO(journal) struct journal *j = NULL;
    struct err err = {0};

    assert_ok(journal_open(path, &j, &err), &err);
    for (int i = 0; i < count; i++)
        assert_ok(JOURNAL(j, &err, "step.start", f_num("step", i), f_str("title", "\xe4\n")), &err);
}

static size_t count_events(const char *path)
{
    AUTO(json) json_t *events = NULL;
    struct err err = {0};

    assert_ok(journal_load(path, &events, &err), &err);
    return json_array_size(events);
}

static void slurp(const char *path, struct buf *text)
{
    struct err err = {0};
    assert_ok(file_read(path, (size_t)64 << 20, text, &err), &err);
}

TEST(writes_a_chain_that_goes_on_after_reopening)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(json) json_t *events = NULL;
    struct err err = {0};
    struct stat st;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    write_events(path, 3);
    write_events(path, 2);
    assert_ok(journal_load(path, &events, &err), &err);
    assert_int_equal(json_array_size(events), 5);
    const json_t *last = json_array_get(events, 4);
    assert_int_equal(json_integer_value(json_object_get(last, "n")), 5);
    assert_int_equal(json_integer_value(json_object_get(last, "step")), 1);
    assert_string_equal(json_string_value(json_object_get(last, "event")), "step.start");
    assert_int_equal(strlen(json_string_value(json_object_get(last, "prev"))), 64);
    const json_t *first = json_array_get(events, 0);
    assert_int_equal(strspn(json_string_value(json_object_get(first, "prev")), "0"), 64);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

TEST(no_journal_forgets)
{
    struct err err = {0};

    assert_ok(JOURNAL(NULL, &err, "x", f_num("a", 1)), &err);
    assert_null(journal_path(NULL));
    journal_close(NULL);
}

/* At every byte of the last line a crash may have cut it off. */
TEST(torn_last_line_is_cut_off)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf whole = {0};

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    write_events(path, 2);
    slurp(path, &whole);
    const char *second = strchr(whole.at, '\n') + 1;
    for (size_t len = (size_t)(second - whole.at); len < whole.len; len++) {
        struct err err = {0};
        assert_ok(file_replace(path, (struct span){whole.at, len}, 0600, &err), &err);
        assert_int_equal(count_events(path), 1);
        write_events(path, 1);
        assert_int_equal(count_events(path), 2);
    }
}

/* After a power cut the size may have reached the disk, and the content not. */
TEST(zeros_at_the_end_are_torn)
{
    AUTO(scratch) struct scratch dir = {0};
    static const struct span tails[] = {
        {"\0\0\0\0\0\0\0\0", 8}, {"{\"n\":3,\0\0\0\0}\n", 13}, {"\0\n", 2}};

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    for (size_t i = 0; i < COUNT(tails); i++) {
        struct err err = {0};
        AUTO(buf) struct buf text = {0};
        unlink(path);
        write_events(path, 2);
        slurp(path, &text);
        buf_span(&text, tails[i]);
        assert_ok(file_replace(path, buf_view(&text), 0600, &err), &err);
        assert_int_equal(count_events(path), 2);
        write_events(path, 1);
        assert_int_equal(count_events(path), 3);
    }
}

/* A single changed bit anywhere, but for the last line's own text, breaks the chain. */
TEST(every_flipped_bit_is_found)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf text = {0};
    AUTO(journal) struct journal *j = NULL;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    write_events(path, 3);
    slurp(path, &text);
    size_t last = text.len - 1;
    while (text.at[last - 1] != '\n')
        last--;
    for (size_t i = 0; i < last; i++) {
        struct err err = {0};
        AUTO(json) json_t *events = NULL;
        text.at[i] ^= 1;
        assert_ok(file_replace(path, buf_view(&text), 0600, &err), &err);
        assert_fails(journal_load(path, &events, &err), &err, ERR_DAMAGED);
        assert_non_null(strstr(err.text, "line "));
        assert_fails(journal_open(path, &j, &err), &err, ERR_DAMAGED);
        text.at[i] ^= 1;
    }
}

static void expect_damage(struct scratch *dir, struct span text, const char *words)
{
    struct err err = {0};
    AUTO(json) json_t *events = NULL;
    const char *path = scratch_path(dir, "damaged");

    assert_ok(file_replace(path, text, 0600, &err), &err);
    assert_fails(journal_load(path, &events, &err), &err, ERR_DAMAGED);
    if (!strstr(err.text, words))
        fail_msg("no '%s' in: %s", words, err.text);
}

TEST(missing_and_doubled_lines_are_named)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf text = {0};

    scratch_open(&dir);
    write_events(scratch_path(&dir, "j"), 3);
    slurp(dir.name, &text);
    const char *second = strchr(text.at, '\n') + 1, *third = strchr(second, '\n') + 1;
    struct span tail = {second, text.len - (size_t)(second - text.at)};
    expect_damage(&dir, tail, "line 1: 'n' is 2");

    AUTO(buf) struct buf cut = {0};
    buf_add(&cut, text.at, (size_t)(second - text.at));
    buf_puts(&cut, third);
    expect_damage(&dir, buf_view(&cut), "line 2: 'n' is 3");
    AUTO(buf) struct buf twice = {0};
    buf_add(&twice, text.at, (size_t)(second - text.at));
    buf_puts(&twice, text.at);
    expect_damage(&dir, buf_view(&twice), "line 2: 'n' is 1");
}

TEST(hostile_files_are_refused)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    AUTO(json) json_t *events = NULL;

    scratch_open(&dir);
    expect_damage(&dir, SPAN("hello\n"), "line 1");
    expect_damage(&dir, SPAN("[]\n"), "line 1: not a JSON object");
    expect_damage(&dir, SPAN("\n"), "line 1");
    expect_damage(&dir, SPAN("{\"n\":1}\n"), "line 1: 'prev' is missing");
    expect_damage(&dir, SPAN("{\"n\":\"1\",\"prev\":\"\"}\n"), "'n' is not a whole number");
    assert_fails(journal_load(dir.path, &events, &err), &err, ERR_DAMAGED);
    assert_fails(journal_load("/no/such/journal", &events, &err), &err, ERR_MISSING);
    AUTO(journal) struct journal *j = NULL;
    assert_false(journal_open(dir.path, &j, &err));
    assert_false(journal_open("/dev/null", &j, &err));
}

/* A line without an end must not be read into memory for ever. */
TEST(endless_line_is_refused)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    AUTO(json) json_t *events = NULL;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "big");
    AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    assert_fails(journal_load(path, &events, &err), &err, ERR_DAMAGED);
    assert_non_null(strstr(err.text, "line 1 is longer than"));
}

TEST(reserved_and_oversized_events_are_refused)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(journal) struct journal *j = NULL;
    struct err err = {0};

    scratch_open(&dir);
    assert_ok(journal_open(scratch_path(&dir, "j"), &j, &err), &err);
    assert_fails(JOURNAL(j, &err, "x", f_num("n", 1)), &err, ERR_FAILED);
    assert_fails(JOURNAL(j, &err, "x", f_str("prev", "")), &err, ERR_FAILED);
    AUTO(free) char *big = calloc(1, CHAIN_LINE_MAX + 1);
    memset(big, 'x', CHAIN_LINE_MAX);
    assert_fails(JOURNAL(j, &err, "x", f_str("big", big)), &err, ERR_FAILED);
    assert_ok(JOURNAL(j, &err, "x", f_str("small", "y")), &err);
    assert_int_equal(count_events(dir.name), 1);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 40; i++)
        if (!JOURNAL(arg, NULL, "x", f_num("i", i)))
            return arg;
    return NULL;
}

/* Threads of one program, and a second program, on the same file. */
TEST(many_writers_keep_one_chain)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(journal) struct journal *j = NULL, *other = NULL;
    struct err err = {0};
    pthread_t threads[4];

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    assert_ok(journal_open(path, &j, &err), &err);
    assert_ok(journal_open(path, &other, &err), &err);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, i < 2 ? j : other), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(count_events(path), 160);
    assert_string_equal(journal_path(j), path);
    assert_int_equal(truncate(path, 10), 0);
    assert_fails(JOURNAL(j, &err, "x", f_num("i", 1)), &err, ERR_DAMAGED);
}

/* A full disk at any call: the event is refused, what was there stays whole, and the next one fits. */
TEST(failed_write_leaves_the_chain_whole)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(journal) struct journal *j = NULL;
    struct err err = {0};
    bool done = false;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    assert_ok(journal_open(path, &j, &err), &err);
    for (unsigned n = 1; !done && n < 100; n++) {
        size_t before = count_events(path);
        fault_io(n, ENOSPC);
        done = JOURNAL(j, &err, "x", f_str("title", "some text"));
        fault_off();
        if (!done)
            assert_int_equal(err.code, ERR_SPACE);
        assert_int_equal(count_events(path), before + done);
        assert_ok(JOURNAL(j, &err, "y", f_num("n1", n)), &err);
    }
    assert_true(done);
}

/* Our own allocations only: jansson's parser reports its lack of memory as a syntax error. */
TEST(survives_every_failed_allocation)
{
    AUTO(scratch) struct scratch dir = {0};
    bool done = false;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "j");
    write_events(path, 1);
    for (unsigned n = 1; !done && n < 1000; n++) {
        AUTO(journal) struct journal *j = NULL;
        AUTO(json) json_t *events = NULL;
        struct err err = {0};
        fault_alloc(n);
        done = journal_open(path, &j, &err) && JOURNAL(j, &err, "x", f_str("t", "\xff")) &&
               journal_load(path, &events, &err);
        fault_off();
        if (!done && err.code != ERR_FAILED)
            fail_msg("%s", err.text);
        count_events(path);
    }
    assert_true(done);
}

TESTS(writes_a_chain_that_goes_on_after_reopening, no_journal_forgets, torn_last_line_is_cut_off,
      zeros_at_the_end_are_torn, every_flipped_bit_is_found, missing_and_doubled_lines_are_named,
      hostile_files_are_refused, endless_line_is_refused, reserved_and_oversized_events_are_refused,
      many_writers_keep_one_chain, failed_write_leaves_the_chain_whole,
      survives_every_failed_allocation)
