/* `rehearse bundle export` and `rehearse bundle import`. */
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/sched.h"
#include "lib/bundle/export.h"
#include "snapshot/cmd.h"
#include "snapshot/export_part.h"
#include "snapshot/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct export_cmd_conf {
    const char *store, *to;
    uint64_t jobs;
};

/* ---- export ----------------------------------------------------------------------------------*/

static bool print_exported(const char *to, const struct export_report *r, struct err *err)
{
    char hex[HASH_HEX], bytes[ISO_TIME];

    digest_hex(&r->manifest, hex);
    if (!cmd_json()) {
        printf("exported  %s: %.12s, %s in %llu objects%s%s\n", to, hex,
               human_bytes(r->bytes, bytes), (unsigned long long)r->blobs,
               r->flattened ? ", deltas made complete" : "", r->sealed ? ", encrypted" : "");
        return true;
    }
    AUTO(json)
    json_t *all = json_pack("{s:s, s:s, s:I, s:I, s:b, s:b}", "file", to, "digest", hex, "objects",
                            (json_int_t)r->blobs, "bytes", (json_int_t)r->bytes, "flattened",
                            r->flattened, "encrypted", r->sealed);
    return all ? print_json(all, err) : err_memory(err);
}

static bool export_to(struct store *store, const char *ref, const struct export_cmd_conf *c,
                      struct export_report *report, struct err *err)
{
    AUTO(progress) struct progress *progress = progress_open("export", 0);
    struct part part = {.fd = -1};

    bool ok = part_open(&part, c->to, err);
    struct export_conf conf = {part.scratch, jobs_or_cores(c->jobs), progress, c->to};
    ok = ok && bundle_export(store, ref, part.fd, &conf, report, err) && part_finish(&part, err);
    part_done(&part);
    return ok;
}

static int export_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct export_cmd_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    struct export_report report = {0};

    if (argc > 1 || !conf->to) {
        err_set(err, ERR_USAGE, "bundle export takes one bundle, and --to FILE.tar");
        return ERR_USAGE;
    }
    if (!cmd_store_open(conf->store, STORE_READ, &store, err) ||
        !export_to(store, argc ? argv[0] : "latest", conf, &report, err) ||
        !print_exported(conf->to, &report, err))
        return (int)err->code;
    return 0;
}

/* ---- import ----------------------------------------------------------------------------------*/

static bool print_imported(const char *from, const struct import_report *r, struct err *err)
{
    char bytes[ISO_TIME];

    if (!cmd_json()) {
        printf("imported  %s: %llu bundles, %s in %llu objects\n", from,
               (unsigned long long)r->bundles, human_bytes(r->bytes, bytes),
               (unsigned long long)r->blobs);
        return true;
    }
    AUTO(json)
    json_t *all = json_pack("{s:s, s:I, s:I, s:I}", "file", from, "bundles", (json_int_t)r->bundles,
                            "objects", (json_int_t)r->blobs, "bytes", (json_int_t)r->bytes);
    return all ? print_json(all, err) : err_memory(err);
}

static bool import_from(const char *path, struct store *store, struct import_report *report,
                        struct err *err)
{
    AUTO(progress) struct progress *progress = progress_open("import", 0);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);
    if (S_ISDIR(st.st_mode)) {
        err_set(err, ERR_USAGE, "'%s' is a directory", path);
        return err_hint(err, "a store is read with 'rehearse bundle pull --from %.100s'", path);
    }
    progress_total(progress, (uint64_t)st.st_size);
    return bundle_import(fd, store, progress, report, err) ||
           err_add(err, "cannot import '%s'", path);
}

static int import_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct export_cmd_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    struct import_report report = {0};

    if (argc != 1) {
        err_set(err, ERR_USAGE, "bundle import takes one file, got %d operands", argc);
        return ERR_USAGE;
    }
    if (!cmd_store_open(conf->store, STORE_WRITE, &store, err) ||
        !import_from(argv[0], store, &report, err) || !print_imported(argv[0], &report, err))
        return (int)err->code;
    return 0;
}

/* ---- the commands ----------------------------------------------------------------------------*/

static const struct export_cmd_conf defaults = {0};

#define AT(field) offsetof(struct export_cmd_conf, field)
static const struct opt export_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"to", OPT_STR, AT(to), "FILE", "the tar to write; it must not exist"},
    {"jobs", OPT_COUNT, AT(jobs), "N",
     "threads that make deltas complete; one per core when left out", 1, 256},
    {0},
};
static const struct opt import_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {0},
};
#undef AT

const struct cmd bundle_export_cmd = {
    .name = "bundle export",
    .summary = "write a bundle as one tar that can be restored without rehearse",
    .usage = "--store STORE --to FILE.tar [BUNDLE]",
    .about = "The tar is an OCI image layout of its own; README.txt in it says how to restore "
             "files and databases with tar, sha256sum, zstd, psql and mariadb alone. Deltas are "
             "made complete on the way, which gives the bundle another digest and takes its "
             "signature away; without deltas it stays the very same. Without BUNDLE the newest "
             "one is taken.",
    .examples = "$ rehearse bundle export --store store --to shop.tar latest\n",
    .opts = export_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct export_cmd_conf),
    .run = export_main,
};

const struct cmd bundle_import_cmd = {
    .name = "bundle import",
    .summary = "put an exported bundle into a store",
    .usage = "--store STORE FILE.tar",
    .about = "Reads a tar of an OCI image layout, of 'bundle export' or another tool, compares "
             "everything with its hash, and lists its bundles once all of it is there.",
    .examples = "$ rehearse bundle import --store store shop.tar\n",
    .opts = import_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct export_cmd_conf),
    .run = import_main,
};
