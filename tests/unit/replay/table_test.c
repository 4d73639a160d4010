#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "replay/table.h"
#include "tests/fake/scratch.h"

#include <fcntl.h>

/* stdout goes to a file between these two. */
struct caught {
    struct scratch dir;
    int was;
};

static void catch_begin(struct caught *c)
{
    scratch_open(&c->dir);
    fflush(stdout);
    c->was = dup(STDOUT_FILENO);
    AUTO(fd) int fd = open(scratch_path(&c->dir, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && c->was >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
}

static void catch_end(struct caught *c, struct buf *text)
{
    struct err err = {0};

    fflush(stdout);
    assert_true(dup2(c->was, STDOUT_FILENO) >= 0);
    close(c->was);
    assert_ok(file_read(scratch_path(&c->dir, "out"), 100000, text, &err), &err);
    auto_scratch(&c->dir);
}

static const struct column columns[] = {
    {"name", "name", COLUMN_TEXT},
    {"count", "count", COLUMN_COUNT},
    {"ms", "us", COLUMN_MILLIS},
    {"status", "status", COLUMN_STATUS},
};

TEST(rows_stand_in_columns)
{
    AUTO(json)
    json_t *rows =
        json_pack("[{s:s,s:i,s:i,s:{s:i}},{s:s,s:i,s:i,s:{s:i,s:i}}]", "name", "short", "count", 7,
                  "us", 1500, "status", "200", 7, "name", "a longer name than that", "count", 12,
                  "us", 20, "status", "200", 11, "404", 1);
    AUTO(buf) struct buf text = {0};
    struct caught c;

    catch_begin(&c);
    table_print(rows, 10, columns, COUNT(columns));
    catch_end(&c, &text);
    assert_string_equal(buf_str(&text),
                        "name                          count          ms  status\n"
                        "short                             7        1.50  200\n"
                        "a longer name than that          12        0.02  200 x 11, 404 x 1\n");
}

TEST(what_is_too_much_is_counted)
{
    AUTO(json)
    json_t *rows = json_pack("[{s:s},{s:s},{s:s}]", "name", "a", "name", "b", "name", "c");
    AUTO(buf) struct buf text = {0};
    struct caught c;

    catch_begin(&c);
    table_print(rows, 1, columns, 1);
    catch_end(&c, &text);
    assert_string_equal(buf_str(&text), "name\na\n... and 2 more (--json lists them all)\n");
}

/* An answer of the server must not move the cursor or write a line of its own. */
TEST(bytes_from_outside_are_harmless)
{
    const struct {
        struct span given;
        const char *shown;
    } cases[] = {
        {SPAN("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a"},
        {SPAN("\xc2\x9b"
              "2J"),
         "\\xc2\\x9b2J"},
        {SPAN("\xff\0"), "\\xff\\x00"},
        {SPAN("Gr\xc3\xb6\xc3\x9f"
              "e"),
         "Gr\xc3\xb6\xc3\x9f"
         "e"},
        {SPAN("0123456789abc"), "0123456789..."},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf text = {0};
        struct caught c;

        catch_begin(&c);
        table_safe(cases[i].given, 10);
        catch_end(&c, &text);
        assert_string_equal(buf_str(&text), cases[i].shown);
    }
}

TEST(the_largest_comes_first)
{
    AUTO(json)
    json_t *events = json_pack("[{s:s,s:i,s:s},{s:s,s:i},{s:s,s:i,s:s},{s:s,s:i,s:s}]", "event",
                               "x", "n", 1, "id", "a", "event", "y", "n", 9, "event", "x", "n", 2,
                               "id", "b", "event", "x", "n", 1, "id", "c");
    AUTO(json) json_t *rows = table_pick(events, "x", "n");
    AUTO(buf) struct buf order = {0};

    for (size_t i = 0; i < json_array_size(rows); i++)
        buf_puts(&order, json_string_value(json_object_get(json_array_get(rows, i), "id")));
    assert_string_equal(buf_str(&order), "bac");
}

TESTS(rows_stand_in_columns, what_is_too_much_is_counted, bytes_from_outside_are_harmless,
      the_largest_comes_first)
