#include "tests/test.h"

#include "lib/bundle/encode.h"

#include <stdlib.h>

#define ROWS 4000u

typedef void maker(struct buf *to, unsigned row);

/* A segment of one column; ROWS lines. */
static void make(maker *value, struct buf *raw)
{
    buf_clear(raw);
    for (unsigned i = 0; i < ROWS; i++) {
        value(raw, i);
        buf_putc(raw, '\n');
    }
}

static void comes_back(struct encoder *e, struct span raw, struct span encoded)
{
    AUTO(buf) struct buf back = {0};
    AUTO(buf) struct buf copy = {0};
    struct err err = {0};

    buf_span(&copy, encoded);
    assert_ok(decode_columns(e, buf_view(&copy), raw.len, &back, &err), &err);
    assert_int_equal(back.len, raw.len);
    assert_memory_equal(back.at, raw.at, raw.len);
    assert_fails(decode_columns(e, buf_view(&copy), raw.len - 1, &back, &err), &err, ERR_DAMAGED);
    assert_fails(decode_columns(e, buf_view(&copy), raw.len + 1, &back, &err), &err, ERR_DAMAGED);
}

/* The column is written with that code, its content is at most `share` percent, and it comes back. */
static void written(maker *value, const char *code, unsigned share)
{
    AUTO(buf) struct buf raw = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};
    char head[40];

    assert_non_null(e);
    make(value, &raw);
    assert_ok(encode_columns(e, buf_view(&raw), 1, ROWS, &encoded, &err), &err);
    assert_true(encoded.len > 0);
    snprintf(head, sizeof(head), "\\:%u %s\n", ROWS, code);
    assert_memory_equal(encoded.at, head, strlen(head));
    assert_in_range(encoded.len * 100 / raw.len, 0, share);
    comes_back(e, buf_view(&raw), encoded);
    encoder_free(e);
}

static void as_it_is(maker *value)
{
    AUTO(buf) struct buf raw = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};

    assert_non_null(e);
    make(value, &raw);
    assert_ok(encode_columns(e, buf_view(&raw), 1, ROWS, &encoded, &err), &err);
    assert_int_equal(encoded.len, 0);
    encoder_free(e);
}

static uint64_t mix(uint64_t v)
{
    v = (v + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return v ^ v >> 29;
}

/* ---- numbers -----------------------------------------------------------------------------------*/

static void rising(struct buf *to, unsigned row)
{
    buf_printf(to, "%u", 100000 + row);
}

static void odd_numbers(struct buf *to, unsigned row)
{
    static const char *const odd[] = {"\\N",
                                      "0",
                                      "-0",
                                      "007",
                                      "-5",
                                      "9000000000000000",
                                      "-9000000000000000",
                                      "9000000000000001",
                                      "99999999999999999999",
                                      "",
                                      "1.5",
                                      "+1",
                                      "-",
                                      "=",
                                      "=5",
                                      "12a"};

    if (row % 40 == 7)
        buf_puts(to, odd[row / 40 % COUNT(odd)]);
    else
        buf_printf(to, "%u", 5000000 + row * 3);
}

static void random_numbers(struct buf *to, unsigned row)
{
    buf_printf(to, "%llu", (unsigned long long)mix(row) % 1000000);
}

TEST(writes_numbers_that_rise_as_differences)
{
    written(rising, "n", 30);
    written(odd_numbers, "n", 35);
    as_it_is(random_numbers);
}

/* ---- times -------------------------------------------------------------------------------------*/

static void clock_text(struct buf *to, unsigned row, const char *rest)
{
    buf_printf(to, "20%02u-%02u-%02u %02u:%02u:%02u%s", 10 + row / 400, 1 + row / 40 % 12,
               1 + row % 28, row % 24, row % 60, row * 7 % 60, rest);
}

static void seconds(struct buf *to, unsigned row)
{
    clock_text(to, row, "");
}

static void with_zone(struct buf *to, unsigned row)
{
    clock_text(to, row, "+00");
}

static void millis(struct buf *to, unsigned row)
{
    unsigned ms = row * 37 % 1000;

    clock_text(to, row, ms ? "." : "");
    if (ms % 10)
        buf_printf(to, "%03u", ms);
    else if (ms % 100)
        buf_printf(to, "%02u", ms / 10);
    else if (ms)
        buf_printf(to, "%u", ms / 100);
}

static void micros(struct buf *to, unsigned row)
{
    char part[16];

    snprintf(part, sizeof(part), ".%06u", row * 7919 % 1000000);
    clock_text(to, row, part);
}

static void trimmed_micros(struct buf *to, unsigned row)
{
    char part[16];

    snprintf(part, sizeof(part), ".%05u%u+00", row * 7919 % 100000, 1 + row % 9);
    clock_text(to, row, part);
}

static void dates(struct buf *to, unsigned row)
{
    buf_printf(to, "%04u-%02u-%02u", 1900 + row % 200, 1 + row % 12, 1 + row * 7 % 28);
}

static void odd_times(struct buf *to, unsigned row)
{
    static const char *const odd[] = {"\\N",
                                      "infinity",
                                      "-infinity",
                                      "0000-00-00 00:00:00",
                                      "2024-02-30 00:00:00",
                                      "2023-02-29 00:00:00",
                                      "2024-02-29 23:59:59",
                                      "2024-01-01 24:00:00",
                                      "2024-01-01 23:59:60",
                                      "0001-01-01 00:00:00",
                                      "9999-12-31 23:59:59",
                                      "12024-01-01 00:00:00",
                                      "2024-01-01 00:00:00 BC",
                                      "2024-01-01T00:00:00",
                                      "2024-01-01 00:00:00.5",
                                      "1969-12-31 23:59:59",
                                      "1970-01-01 00:00:00",
                                      "2024-01-01",
                                      ""};

    if (row % 30 == 7)
        buf_puts(to, odd[row / 30 % COUNT(odd)]);
    else
        seconds(to, row);
}

TEST(writes_times_as_differences)
{
    written(seconds, "t0", 50);
    written(with_zone, "t0+00", 40);
    written(millis, "t3*", 55);
    written(micros, "t6", 70);
    written(trimmed_micros, "t6+00", 65);
    written(dates, "td", 70);
    written(odd_times, "t0", 55);
}

/* ---- UUIDs -------------------------------------------------------------------------------------*/

static void uuid(struct buf *to, unsigned row, unsigned version)
{
    uint64_t a = mix(row), b = mix(a);

    buf_printf(to, "%08x-%04x-%x%03x-%04x-%012llx", (unsigned)a, (unsigned)(a >> 32 & 0xffff),
               version, (unsigned)(a >> 52), (unsigned)b & 0xffff, (unsigned long long)(b >> 16));
}

static void uuids(struct buf *to, unsigned row)
{
    if (row % 50 == 9)
        buf_puts(to, row % 100 == 9 ? "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"
                                    : "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1-");
    else
        uuid(to, row, (unsigned)(mix(row) >> 7 & 15));
}

static void random_uuids(struct buf *to, unsigned row)
{
    uuid(to, row, row % 90 == 5 ? 7 : 4);
}

TEST(writes_uuids_without_dashes_and_version)
{
    written(uuids, "u", 92);
    written(random_uuids, "u4", 87);
}

/* ---- words -------------------------------------------------------------------------------------*/

static void states(struct buf *to, unsigned row)
{
    static const char *const all[] = {"new", "paid", "sent\\\\", "", "\\N", "=", "0", "returned"};

    buf_puts(to, all[mix(row) % COUNT(all)]);
}

static void documents(struct buf *to, unsigned row)
{
    buf_printf(to, "{\"a\": \"%llu\", \"b\": {\"c\": true, \"text\": \"some more of it\"}}",
               (unsigned long long)(mix(row) % 90 + 10) * 1111);
}

static void addresses(struct buf *to, unsigned row)
{
    static const char *const towns[] = {"Berlin", "\xc4\xb0zmir", "Lyon", "4 Corners"};

    if (row % 60 == 1)
        buf_puts(to, "\\N");
    else
        buf_printf(to, "%s Street %llu, %05llu %s", row % 3 ? "Long" : "Short",
                   (unsigned long long)mix(row) % 300, (unsigned long long)mix(row + 7) % 99999,
                   towns[mix(row) % COUNT(towns)]);
}

/* Numbers that begin and end at any place of a text, the longest ones beyond 16 digits. */
static void long_texts(struct buf *to, unsigned row)
{
    static const char letters[] =
        "a text that has no number in it before this one, which is read: ";
    int before = (int)(row % 13), digits = (int)(mix(row) % 30 + 1);

    buf_printf(to, "%.*s%0*llu, %s%llu", before * 5, letters, digits,
               (unsigned long long)mix(row) % 1000, letters,
               (unsigned long long)mix(row + 1) % 100);
}

static void texts(struct buf *to, unsigned row)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t word = mix(row * 4 + i);

        for (unsigned k = 0; k < 6; k++)
            buf_putc(to, (char)('a' + (word >> 8 * k) % 26));
        buf_putc(to, ' ');
    }
}

TEST(writes_what_came_before_by_its_number)
{
    written(states, "d", 65);
    written(documents, "d", 20);
    written(addresses, "s", 60);
    written(long_texts, "s", 40);
    as_it_is(texts);
}

/* Each is there twice. Letters, so that no two have one shape. */
TEST(goes_on_when_there_are_no_more_numbers)
{
    AUTO(buf) struct buf raw = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};
    unsigned rows = 40000;

    assert_non_null(e);
    for (unsigned i = 0; i < rows; i++) {
        for (uint64_t v = mix(i / 2) & 0xffffffffff; v; v /= 26)
            buf_putc(&raw, (char)('a' + v % 26));
        buf_putc(&raw, '\n');
    }
    assert_ok(encode_columns(e, buf_view(&raw), 1, rows, &encoded, &err), &err);
    assert_true(encoded.len > 0);
    comes_back(e, buf_view(&raw), encoded);
    encoder_free(e);
}

/* ---- several columns, and none -----------------------------------------------------------------*/

/* That the first line of such columns is `head`. */
static void begins(maker *const *all, unsigned count, const char *head)
{
    AUTO(buf) struct buf raw = {0};
    AUTO(buf) struct buf column = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};

    assert_non_null(e);
    for (unsigned i = 0; i < count; i++) {
        make(all[i], &column);
        buf_span(&raw, buf_view(&column));
    }
    assert_ok(encode_columns(e, buf_view(&raw), count, ROWS, &encoded, &err), &err);
    assert_true(span_starts(encoded, head));
    comes_back(e, buf_view(&raw), encoded);
    encoder_free(e);
}

TEST(writes_each_column_as_it_is_best)
{
    static maker *const all[] = {rising, texts, states, addresses, seconds, random_numbers, uuids};

    begins(all, COUNT(all), "\\:4000 n - d s t0 - u\n");
}

/* As many columns as a server has, of numbers that rise and then of as many empty values as make up for
 * what was saved and one more; `pad` bytes are added to one. */
static unsigned make_losing(struct buf *raw, unsigned columns, size_t pad)
{
    unsigned rows = 0;

    buf_clear(raw);
    for (unsigned i = 0; i < columns; i++) {
        unsigned empty = 1;

        for (rows = 0; rows < 200; rows++) {
            buf_printf(raw, "%u\n", 10 + rows % 80);
            empty += rows % 80 ? 1 : 0;
            empty -= rows && rows % 80 == 0 ? 1 : 0;
        }
        for (unsigned k = 0; k < empty; k++, rows++) {
            for (size_t x = 0; i == 0 && k == 100 && x < pad; x++)
                buf_putc(raw, 'x');
            buf_putc(raw, '\n');
        }
    }
    return rows;
}

/* Memory comes in powers of two: the segment just fits into one with what lies around it. */
TEST(takes_no_more_room_than_the_columns_did)
{
    AUTO(buf) struct buf raw = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};
    unsigned columns = 4096, rows = make_losing(&raw, columns, 0);
    size_t around = 32 + (size_t)columns * 10 + 4096 + 1, room = (size_t)1 << 22;

    assert_non_null(e);
    assert_in_range(raw.len + around, room / 2, room);
    rows = make_losing(&raw, columns, room - around - raw.len);
    assert_ok(encode_columns(e, buf_view(&raw), columns, rows, &encoded, &err), &err);
    if (encoded.len)
        comes_back(e, buf_view(&raw), encoded);
    encoder_free(e);
}

static void one_state(struct buf *b, unsigned i)
{
    (void)i;
    buf_puts(b, "delivered");
}

static void one_of_two(struct buf *b, unsigned i)
{
    buf_puts(b, i % 2 ? "delivered" : "cancelled");
}

/* Of one value from the first to the last row, and of one that comes late. */
static void late(struct buf *b, unsigned i)
{
    buf_puts(b, i < ROWS / 2 || i % 2 ? "delivered" : "cancelled");
}

/* zstd makes less of it than of numbers, which take longer. */
TEST(leaves_a_column_of_one_value)
{
    static maker *const all[] = {one_state, one_of_two, late};

    begins(all, COUNT(all), "\\:4000 - d d\n");
}

TEST(leaves_what_is_little_or_no_columns)
{
    AUTO(buf) struct buf raw = {0};
    struct encoder *e = encoder_new();
    struct span encoded;
    struct err err = {0};

    assert_non_null(e);
    assert_ok(encode_columns(e, span_of("1\n2\n3\n"), 1, 3, &encoded, &err), &err);
    assert_int_equal(encoded.len, 0);
    make(rising, &raw);
    assert_ok(encode_columns(e, buf_view(&raw), 0, ROWS, &encoded, &err), &err);
    assert_int_equal(encoded.len, 0);
    for (unsigned other = 1; other < 3; other++) {
        assert_ok(
            encode_columns(e, buf_view(&raw), other, other == 1 ? ROWS - 1 : ROWS, &encoded, &err),
            &err);
        assert_int_equal(encoded.len, 0);
    }
    encoder_free(e);
}

/* ---- what is none --------------------------------------------------------------------------------*/

static void refused(const char *encoded, size_t raw_bytes)
{
    AUTO(buf) struct buf out = {0};
    struct encoder *e = encoder_new();
    struct err err = {0};

    assert_non_null(e);
    assert_fails(decode_columns(e, span_of(encoded), raw_bytes, &out, &err), &err, ERR_DAMAGED);
    encoder_free(e);
}

static void means(const char *encoded, const char *raw)
{
    AUTO(buf) struct buf out = {0};
    struct encoder *e = encoder_new();
    struct err err = {0};

    assert_non_null(e);
    assert_ok(decode_columns(e, span_of(encoded), strlen(raw), &out, &err), &err);
    assert_string_equal(buf_str(&out), raw);
    encoder_free(e);
}

TEST(reads_what_the_format_says)
{
    means("\\:3 n\n5\n1\n-7\n", "5\n6\n-1\n");
    means("\\:3 n\n=x\n\\N\n4\n", "x\n\\N\n4\n");
    means("\\:6 n\n0\n10\n99999989\n1\n12345678\n-112345677\n",
          "0\n10\n99999999\n100000000\n112345678\n1\n");
    means("\\:4 n\n9000000000000000\n-9000000000000000\n-123456789012\n-8\n",
          "9000000000000000\n0\n-123456789012\n-123456789020\n");
    means("\\:2 td\n19723\n-1\n", "2024-01-01\n2023-12-31\n");
    means("\\:3 td\n-719528\n59\n1\n", "0000-01-01\n0000-02-29\n0000-03-01\n");
    means("\\:2 t0\n-1\n1\n", "1969-12-31 23:59:59\n1970-01-01 00:00:00\n");
    means("\\:2 t3*+00\n120\n880\n", "1970-01-01 00:00:00.12+00\n1970-01-01 00:00:01+00\n");
    means("\\:2 t6\n1\n1\n", "1970-01-01 00:00:00.000001\n1970-01-01 00:00:00.000002\n");
    means("\\:4 t2\n12345\n-8652345\n8640000\n8640005\n",
          "1970-01-01 00:02:03.45\n1969-12-31 00:00:00.00\n1970-01-01 00:00:00.00\n"
          "1970-01-02 00:00:00.05\n");
    means("\\:3 t6*-03\n1234500\n86399000000\n1\n",
          "1970-01-01 00:00:01.2345-03\n1970-01-02 00:00:00.2345-03\n"
          "1970-01-02 00:00:00.234501-03\n");
    means("\\:1 u\n0123456789abcdef0123456789abcdef\n", "01234567-89ab-cdef-0123-456789abcdef\n");
    means("\\:1 u4\n0123456789ab4567123456789abcdef\n", "01234567-89ab-4456-7123-456789abcdef\n");
    means("\\:4 d\n=a\n=\n1\n0\n", "a\n\n\na\n");
    means("\\:3 s\n=a1b22\n0 07 5\n0 3 4\n", "a1b22\na07b5\na3b4\n");
    means("\\:2 - -\n1\n2\n3\n4\n", "1\n2\n3\n4\n");
}

TEST(refuses_what_it_does_not_say)
{
    static const char *const bad[] = {"",
                                      "\\:",
                                      "\\:\n",
                                      "\\:1\n",
                                      "1 n\n5\n",
                                      "\\:0 n\n",
                                      "\\:x n\n5\n",
                                      "\\:99999999999999999999 n\n5\n",
                                      "\\:18446744073709551615 n\n5\n",
                                      "\\:1 x\n5\n",
                                      "\\:1 \n5\n",
                                      "\\:1  n\n5\n",
                                      "\\:1 n3\n5\n",
                                      "\\:1 -x\n5\n",
                                      "\\:1 t\n5\n",
                                      "\\:1 t7\n5\n",
                                      "\\:1 t3**\n5\n",
                                      "\\:1 td+00\n5\n",
                                      "\\:1 t0+0000000000\n5\n",
                                      "\\:2 n\n5\n",
                                      "\\:1 n\n5\n6\n",
                                      "\\:1 n\n",
                                      "\\:2 n n\n5\n6\n7\n",
                                      "\\:2 n -\n5\n6\n7\n",
                                      "\\:1 n\n-\n",
                                      "\\:1 n\n-0\n",
                                      "\\:1 n\n1:\n",
                                      "\\:2 d\n=a\n00\n",
                                      "\\:2 d\n=a\n000000\n",
                                      "\\:1 n\n5",
                                      "\\:1 n\n05\n",
                                      "\\:2 n\n9000000000000000\n1\n",
                                      "\\:1 td\n9000000000000000\n",
                                      "\\:1 td\n-9000000000000000\n",
                                      "\\:1 td\n2932897\n",
                                      "\\:1 t0\n-62167305600\n",
                                      "\\:1 u\n0123\n",
                                      "\\:1 u4\n0123456789abcdef0123456789abcdef\n",
                                      "\\:1 u44\n0123456789abcdef0123456789abcde\n",
                                      "\\:1 uA\n0123456789abcdef0123456789abcde\n",
                                      "\\:1 d\n0\n",
                                      "\\:2 d\n=a\n1\n",
                                      "\\:2 d\n=a\n-1\n",
                                      "\\:2 d\n=a\n\n",
                                      "\\:2 s\n=a1\n0\n",
                                      "\\:2 s\n=a1\n0 1 2\n",
                                      "\\:2 s\n=a1\n0 x\n",
                                      "\\:2 s\n=a1\n0 \n"};

    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t bytes = 1; bytes < 48; bytes++)
            refused(bad[i], bytes);
    refused("\\:1 n\n5\n", ENCODE_RAW_MAX + 1);
}

/* Each line would cost as much as the value that it refers to. */
TEST(refuses_numbers_in_texts_that_are_too_long)
{
    AUTO(buf) struct buf encoded = {0};

    buf_puts(&encoded, "\\:2 s\n=");
    for (unsigned i = 0; i < 513; i++)
        buf_putc(&encoded, '1');
    buf_puts(&encoded, "\n0 5\n");
    refused(buf_str(&encoded), 513 + 1 + 2);
}

TEST(refuses_a_code_with_a_nul)
{
    AUTO(buf) struct buf out = {0};
    struct encoder *e = encoder_new();
    struct err err = {0};
    static const char encoded[] = "\\:1 n\0x\n5\n";

    assert_non_null(e);
    assert_fails(decode_columns(e, (struct span){encoded, sizeof(encoded) - 1}, 2, &out, &err),
                 &err, ERR_DAMAGED);
    encoder_free(e);
}

TESTS(leaves_a_column_of_one_value, writes_numbers_that_rise_as_differences,
      writes_times_as_differences, writes_uuids_without_dashes_and_version,
      writes_what_came_before_by_its_number, goes_on_when_there_are_no_more_numbers,
      writes_each_column_as_it_is_best, takes_no_more_room_than_the_columns_did,
      leaves_what_is_little_or_no_columns, reads_what_the_format_says, refuses_what_it_does_not_say,
      refuses_numbers_in_texts_that_are_too_long, refuses_a_code_with_a_nul)
