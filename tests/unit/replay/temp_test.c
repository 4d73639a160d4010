#include "tests/test.h"

#include "lib/base/fd.h"
#include "replay/temp.h"
#include "tests/fake/scratch.h"

#include <sys/stat.h>

/* With that TMPDIR; the test's own stays. */
static void make_with(const char *place, const char *tape, struct temp *t)
{
    AUTO(free) char *was = span_dup(span_of(getenv("TMPDIR")));
    bool had = getenv("TMPDIR") != NULL;
    struct err err = {0};

    setenv("TMPDIR", place, 1);
    assert_ok(temp_make(tape, t, &err), &err);
    if (had)
        setenv("TMPDIR", was, 1);
    else
        unsetenv("TMPDIR");
}

/* What the server answered is for nobody else to read, and gone when it was compared. */
TEST(is_private_and_removed_whole)
{
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    struct temp t = {0};
    struct stat st;

    scratch_open(&dir);
    make_with(dir.path, "a/b.tape", &t);
    AUTO(free) char *made = strdup(t.dir);
    assert_true(span_starts(span_of(made), dir.path));
    assert_int_equal(stat(made, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_ok(file_replace(t.file, SPAN("x"), 0600, &err), &err);
    temp_done(&t);
    assert_false(path_exists(made));
    assert_null(t.dir);
}

TEST(lies_beside_the_tape_where_no_place_is_named)
{
    AUTO(scratch) struct scratch dir = {0};
    static const char *const places[] = {"", "/none/of/these"};

    scratch_open(&dir);
    for (size_t i = 0; i < COUNT(places); i++) {
        AUTO(temp) struct temp t = {0};
        make_with(places[i], scratch_path(&dir, "b.tape"), &t);
        assert_true(span_starts(span_of(t.dir), dir.path));
    }
}

TEST(a_tape_in_a_place_that_is_not_there_is_no_matter)
{
    AUTO(temp) struct temp t = {0};

    make_with("", "/none/b.tape", &t);
    assert_true(span_starts(span_of(t.dir), "/tmp/"));
}

TESTS(is_private_and_removed_whole, lies_beside_the_tape_where_no_place_is_named,
      a_tape_in_a_place_that_is_not_there_is_no_matter)
