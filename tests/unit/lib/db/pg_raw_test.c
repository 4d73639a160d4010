/* Against a server that is none: it says what a real one says at moments that nobody can wait for. */
#include "tests/test.h"

#include "lib/db/pg.h"

#include <endian.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT        5432
#define CANCEL_CODE 80877102u

/* Messages as literals: type, length, content. */
#define ROWS     "H\0\0\0\7\0\0\0d\0\0\0\6a\n"
#define REFUSED  "E\0\0\0\x17SERROR\0C53100\0Mno\0\0"
#define ENDED    "E\0\0\0\x17SFATAL\0C57P01\0Mno\0\0"
#define READY    "Z\0\0\0\5I"
#define ANSWERED "C\0\0\0\x0dSELECT 0\0" READY

struct server {
    char dir[32];
    int listener, session;
    struct span on_copy; /* what it says to a COPY */
    bool closes;         /* behind that */
    bool owes;           /* ReadyForQuery, until it is asked to cancel */
    unsigned cancelled;
    pthread_t thread;
};

static void say(int fd, struct span what)
{
    assert_int_equal(send(fd, what.at, what.len, MSG_NOSIGNAL), (ssize_t)what.len);
}

static bool hear(int fd, void *out, size_t len)
{
    return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

/* Length and content: both of a startup and behind a type byte. */
static bool hear_message(int fd, char content[4096])
{
    uint32_t len = 0;

    memset(content, 0, 4096);
    if (!hear(fd, &len, sizeof(len)))
        return false;
    len = be32toh(len) - (uint32_t)sizeof(len);
    return len < 4096 && hear(fd, content, len);
}

static void greet(struct server *s, int fd)
{
    char content[4096];
    uint32_t code = 0;

    if (!hear_message(fd, content)) {
        close(fd);
        return;
    }
    memcpy(&code, content, sizeof(code));
    if (be32toh(code) == CANCEL_CODE) {
        close(fd);
        s->cancelled++;
        if (s->owes)
            say(s->session, SPAN(READY));
        s->owes = false;
        return;
    }
    s->session = fd;
    say(fd, SPAN("R\0\0\0\x08\0\0\0\0"
                 "S\0\0\0\x18server_version\0"
                 "15.0\0"
                 "K\0\0\0\x0c\0\0\0\1\0\0\0\2" READY));
}

static bool answer(struct server *s)
{
    char type = 0, content[4096];

    if (!hear(s->session, &type, 1) || !hear_message(s->session, content) || type != 'Q')
        return false;
    if (strncmp(content, "COPY", 4) != 0) {
        say(s->session, SPAN(ANSWERED));
        return true;
    }
    say(s->session, s->on_copy);
    s->owes = !span_ends(s->on_copy, "I");
    return !s->closes;
}

static void *serve(void *arg)
{
    struct server *s = arg;

    for (;;) {
        struct pollfd p[] = {{.fd = s->listener, .events = POLLIN},
                             {.fd = s->session, .events = POLLIN}};

        if (poll(p, COUNT(p), -1) < 0)
            break;
        if (p[0].revents)
            greet(s, accept(s->listener, NULL, NULL));
        else if (p[1].revents && !answer(s))
            break;
    }
    close(s->session);
    return NULL;
}

static void server_begin(struct server *s, struct db **db)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct db_conf conf = {
        .engine = DB_POSTGRESQL, .socket = s->dir, .port = PORT, .user = "u", .database = "d"};
    struct err err = {0};

    snprintf(s->dir, sizeof(s->dir), "/tmp/pg_raw_test.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/.s.PGSQL.%d", s->dir, PORT);
    s->session = -1;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    assert_ok(db_open(&conf, db, &err), &err);
    assert_true(pg_raw_fits((struct pgdb *)*db));
}

static void server_end(struct server *s, struct db *db)
{
    char path[64];

    db_close(db);
    pthread_join(s->thread, NULL);
    close(s->listener);
    snprintf(path, sizeof(path), "%s/.s.PGSQL.%d", s->dir, PORT);
    unlink(path);
    rmdir(s->dir);
}

static bool no_room(void *ctx, struct span rows, struct err *err)
{
    (void)ctx;
    assert_true(span_is(rows, "a\n"));
    err_set(err, ERR_SPACE, "the disk is full");
    return err_hint(err, "free some");
}

static bool keep(void *ctx, struct span rows, struct err *err)
{
    (void)err;
    *(size_t *)ctx += rows.len;
    return true;
}

/* The reader's own failure is what is told, and the session can be used behind it. */
static void reader_fails(struct span said, unsigned cancels)
{
    struct server s = {.on_copy = said};
    struct db *db = NULL;
    struct err err = {0};

    server_begin(&s, &db);
    assert_fails(pg_raw_copy_out((struct pgdb *)db, SPAN("COPY t TO STDOUT"), no_room, NULL, &err),
                 &err, ERR_SPACE);
    assert_string_equal(err.text, "the disk is full");
    assert_string_equal(err.hint, "free some");
    for (unsigned i = 0; i < 3; i++) {
        struct db_result result = {0};
        assert_ok(db->ops->query(db, SPAN("SELECT 1"), NULL, NULL, &result, &err), &err);
        assert_string_equal(result.tag, "SELECT");
    }
    server_end(&s, db);
    assert_int_equal(s.cancelled, cancels);
}

TEST(a_reader_fails)
{
    reader_fails(SPAN(ROWS), 1);
}

TEST(a_reader_fails_as_the_server_does)
{
    reader_fails(SPAN(ROWS REFUSED), 1);
    reader_fails(SPAN(ROWS REFUSED READY), 0);
}

TEST(the_server_fails)
{
    struct server s = {.on_copy = SPAN(ROWS REFUSED READY)};
    struct db *db = NULL;
    struct err err = {0};
    size_t got = 0;

    server_begin(&s, &db);
    assert_fails(pg_raw_copy_out((struct pgdb *)db, SPAN("COPY t TO STDOUT"), keep, &got, &err),
                 &err, ERR_SPACE);
    assert_int_equal(got, 2);
    assert_ok(db->ops->query(db, SPAN("SELECT 1"), NULL, NULL, NULL, &err), &err);
    server_end(&s, db);
}

/* Its words count, not that it went. */
TEST(the_server_goes)
{
    struct server s = {.on_copy = SPAN(ROWS ENDED), .closes = true};
    struct db *db = NULL;
    struct err err = {0};
    size_t got = 0;

    server_begin(&s, &db);
    assert_fails(pg_raw_copy_out((struct pgdb *)db, SPAN("COPY t TO STDOUT"), keep, &got, &err),
                 &err, ERR_UNREACHABLE);
    assert_non_null(strstr(err.text, "SQLSTATE 57P01"));
    assert_false(db->ops->query(db, SPAN("SELECT 1"), NULL, NULL, NULL, &err));
    server_end(&s, db);
}

TESTS(a_reader_fails, a_reader_fails_as_the_server_does, the_server_fails, the_server_goes)
