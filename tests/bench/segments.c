/* Writes a bundle of as many segments as a database of many terabytes has, each of one row:
 *   segments STORE COUNT [PARENT]
 * With a parent one row in fifty is another one. What it takes in memory is what a snapshot knows of
 * its segments, and a megabyte or two. */
#include "lib/bundle/bundle.h"

#include <stdio.h>

#define ROW    1200 /* so that packs are as full as those of a real one */
#define DAILY  50
#define STREAM "postgresql.shop/public.orders"

/* Letters that compress badly, and are the same for the same number. */
static void fill(uint64_t number, bool later, char row[ROW + 1])
{
    uint64_t x = number * 0x9E3779B97F4A7C15u + (later && number % DAILY == 0 ? 97 : 1);

    for (size_t i = 0; i < ROW; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        row[i] = (char)('0' + x % 42);
    }
    row[ROW] = '\n';
}

static bool write_one(struct bundle_writer *w, uint32_t id, uint64_t number, bool later,
                      struct err *err)
{
    char row[ROW + 1], key[2][32];

    fill(number, later, row);
    for (size_t i = 0; i < COUNT(key); i++)
        snprintf(key[i], sizeof(key[i]), "%llu", (unsigned long long)(number + i) * 512);
    const struct segment_raw seg = {.stream = id,
                                    .seq = number << 20,
                                    .records = 1,
                                    .bytes = {row, sizeof(row)},
                                    .key_from = span_of(key[0]),
                                    .key_to = span_of(key[1])};
    return bundle_segment(w, &seg, err);
}

static bool write_all(struct store *store, uint64_t count, const char *parent, struct err *err)
{
    const struct bundle_conf conf = {
        .environment = "shop", .tag = parent ? "later" : "first", .parent = parent};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_ref ref;
    uint32_t id = 0;
    json_t *meta = json_pack("{s:[s]}", "columns", "line");
    bool ok = bundle_create(store, &conf, &w, err) &&
              bundle_stream(w, STREAM_COLUMNS, STREAM, meta, &id, err);

    json_decref(meta);
    for (uint64_t i = 0; ok && i < count; i++)
        ok = write_one(w, id, i, parent != NULL, err);
    return ok && bundle_finish(w, &ref, err);
}

int main(int argc, char **argv)
{
    AUTO(store) struct store *store = NULL;
    struct err err = {0};
    uint64_t count = 0;

    if (argc < 3 || !span_u64(span_of(argv[2]), &count)) {
        fprintf(stderr, "segments STORE COUNT [PARENT]\n");
        return 10;
    }
    if (store_open(argv[1], STORE_WRITE, &store, &err) &&
        write_all(store, count, argc > 3 ? argv[3] : NULL, &err))
        return 0;
    fprintf(stderr, "segments: %s\n", err.text);
    return 1;
}
