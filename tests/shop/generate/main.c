/* shop-generate: fills the shop's two databases.
 *
 *   shop-generate --postgresql 'host=/run/pg dbname=shop' --mariadb-socket /run/my.sock --factor 2
 * Both at the same time; the tables must exist and be empty. The same --factor and --seed give the
 * same rows. Factor 1 makes 200,000 reviews, 4,000 articles, 20,000 orders: about 80 MB.
 *
 *   shop-generate ... --factor 2 --day 3
 * adds what a later day brings: 1 % more rows to each table that grows with the factor.
 */
#include "lib/base/auto.h"
#include "lib/base/opt.h"
#include "tests/shop/generate/generate.h"

#include <pthread.h>

struct args {
    const char *postgresql, *mariadb_socket, *mariadb_user, *mariadb_database;
    double factor;
    uint64_t seed, day;
};

#define AT(field) offsetof(struct args, field)
static const struct opt opts[] = {
    {"postgresql", OPT_STR, AT(postgresql), "CONNINFO", "database of customers and orders"},
    {"mariadb-socket", OPT_STR, AT(mariadb_socket), "PATH", "server of the catalog"},
    {"mariadb-user", OPT_STR, AT(mariadb_user), "NAME", "default root"},
    {"mariadb-database", OPT_STR, AT(mariadb_database), "NAME", "default catalog"},
    {"factor", OPT_REAL, AT(factor), "F", "size; 1 is about 80 MB"},
    {"seed", OPT_COUNT, AT(seed), "N", "other rows of the same kind"},
    {"day", OPT_COUNT, AT(day), "N", "from 2 on: 1 % more rows, behind those of day N - 1"},
    {0},
};
#undef AT

struct job {
    const struct args *args;
    const struct scale *scale;
    bool done;
    struct err err;
};

static void *fill_mariadb(void *ctx)
{
    struct job *job = ctx;

    job->done = mariadb_fill(job->args->mariadb_socket, job->args->mariadb_user,
                             job->args->mariadb_database, job->scale, &job->err);
    return NULL;
}

static bool fill(const struct args *args, struct err *err)
{
    struct scale scale = scale_of(args->factor, args->seed, args->day);
    struct job job = {.args = args, .scale = &scale};
    pthread_t thread;

    if (pthread_create(&thread, NULL, fill_mariadb, &job) != 0)
        return err_set(err, ERR_FAILED, "cannot start a thread");
    bool done = postgresql_fill(args->postgresql, &scale, err);
    pthread_join(thread, NULL);
    if (done && !job.done)
        *err = job.err;
    return done && job.done;
}

static bool check(const struct args *args, struct err *err)
{
    if (!args->postgresql || !args->mariadb_socket)
        return err_set(err, ERR_USAGE, "needs --postgresql and --mariadb-socket");
    if (!(args->factor > 0 && args->factor <= 1000))
        return err_set(err, ERR_USAGE, "wrong --factor: above 0, up to 1000");
    return true;
}

int main(int argc, char **argv)
{
    struct args args = {
        .mariadb_user = "root", .mariadb_database = "catalog", .factor = 1, .seed = 1, .day = 1};
    struct err err = {0};
    char line[sizeof(struct err)];

    argc--, argv++;
    bool done =
        opt_parse(opts, &args, &argc, argv, &err) && check(&args, &err) && fill(&args, &err);
    if (!done)
        fprintf(stderr, "shop-generate: %s\n", err_line(&err, line, sizeof(line)));
    return done ? 0 : (int)err.code;
}
