#include "lib/db/pg.h"

#include "lib/base/cmd.h"
#include "lib/db/values.h"

#define DETAIL_SHOWN 400u

/* By the longest matching beginning; the order matters only among equal ones. */
static const struct {
    const char *state;
    enum err_code code;
    const char *hint;
} classes[] = {
    {"28P01", ERR_AUTH, "set password_env, password_file or a line in ~/.pgpass"},
    {"28", ERR_AUTH, "check the user and the server's pg_hba.conf"},
    {"08", ERR_UNREACHABLE, "check that the server runs, and its log"},
    {"57P01", ERR_UNREACHABLE, "the server was stopped or an administrator ended the session"},
    {"57P02", ERR_UNREACHABLE, "the server crashed; see its log"},
    {"57P03", ERR_UNREACHABLE, "the server is starting or stopping; try again"},
    {"53300", ERR_UNREACHABLE, "free a connection, lower --jobs or raise max_connections"},
    {"53100", ERR_SPACE, "free space on the server's disk"},
    {"53200", ERR_SQL, "raise max_locks_per_transaction or the server's memory"},
    {"42501", ERR_RIGHTS, "GRANT the right to this user, or connect as one who has it"},
    {"55P03", ERR_LOCK, "raise the lock timeout, or wait until the holder has finished"},
    {"55006", ERR_LOCK, "end the sessions that use it"},
    {"40P01", ERR_LOCK, "try again"},
    {"40001", ERR_LOCK, "try again"},
    {"57014", ERR_LOCK, "the statement was cancelled: raise its timeout, or try again"},
    {"25006", ERR_RIGHTS, "the server is read-only; is it a standby?"},
    {"3D000", ERR_MISSING, "check the name of the database"},
};

enum err_code pg_class(const char *sqlstate, const char **hint)
{
    size_t best = 0;
    enum err_code code = ERR_SQL;

    *hint = "";
    for (size_t i = 0; sqlstate && i < COUNT(classes); i++) {
        size_t len = strlen(classes[i].state);
        if (len <= best || strncmp(sqlstate, classes[i].state, len) != 0)
            continue;
        best = len;
        code = classes[i].code;
        *hint = classes[i].hint;
    }
    return code;
}

/* Up to the first newline. */
static struct span first_line(const char *text)
{
    struct span rest = span_of(text ? text : ""), line = rest;

    span_split(&rest, '\n', &line);
    return span_trim(line);
}

static const char *field(const PGresult *res, int code)
{
    const char *value = res ? PQresultErrorField(res, code) : NULL;

    return value ? value : "";
}

/* The line that names a COPY's table, line and column: what was called for the row, which may count
 * lines of its own, stands before it. Else the first. */
static struct span context_line(const char *text)
{
    struct span rest = span_of(text), line;

    while (span_split(&rest, '\n', &line))
        if (span_starts(line, "COPY "))
            return span_trim(line);
    return first_line(text);
}

/* The server's detail may be all of a row. */
static void put_detail(const struct pg_said *said, struct buf *text)
{
    struct span detail = first_line(said->detail);
    bool cut = detail.len > DETAIL_SHOWN;

    if (!detail.len)
        return;
    detail.len = cut ? DETAIL_SHOWN : detail.len;
    buf_puts(text, " (");
    if (said->values)
        buf_span(text, detail);
    else
        values_hide_pg_detail(said->state, detail, text);
    buf_puts(text, cut ? "...)" : ")");
}

/* What helps to find the row or the object: detail and place. */
static void describe(const struct pg_said *said, bool hidden, struct buf *text)
{
    struct span context = context_line(said->context);

    if (hidden) {
        values_hide_pg_raised(said->context, text);
    } else {
        if (said->values)
            buf_puts(text, said->primary);
        else
            values_hide_pg_primary(said->state, said->primary, text);
        put_detail(said, text);
    }
    if (context.len) {
        buf_puts(text, ", ");
        if (said->values)
            buf_span(text, context);
        else
            values_hide_pg_context(context, text);
    }
    buf_printf(text, ", SQLSTATE %s", said->state);
    if (*said->position)
        buf_printf(text, " at character %s", said->position);
}

bool pg_fail_said(const struct pg_said *said, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    const char *mend;
    enum err_code code = pg_class(said->state, &mend);
    struct span hint = first_line(said->hint);
    bool hidden = !said->values && values_pg_raised(said->state, said->file, said->function);

    if (strcmp(said->state, "57014") == 0 && !cmd_stop_check(err))
        return false;
    describe(said, hidden, &text);
    err_set(err, code, "%s", buf_str(&text));
    if (*mend)
        return err_hint(err, "%s", mend);
    return hint.len && !hidden ? err_hint(err, "%.*s", (int)hint.len, hint.at) : false;
}

static bool lost(const struct pgdb *db, struct err *err)
{
    struct span why = first_line(PQerrorMessage(db->conn));

    err_set(err, ERR_UNREACHABLE, "lost the connection to %s: %.*s", db->base.label,
            (int)(why.len > 300 ? 300 : why.len), why.at);
    return err_hint(err, "check that the server runs, and its log");
}

bool pg_fail(struct pgdb *db, const PGresult *res, struct err *err)
{
    struct pg_said said = {.state = field(res, PG_DIAG_SQLSTATE),
                           .primary = field(res, PG_DIAG_MESSAGE_PRIMARY),
                           .detail = field(res, PG_DIAG_MESSAGE_DETAIL),
                           .hint = field(res, PG_DIAG_MESSAGE_HINT),
                           .context = field(res, PG_DIAG_CONTEXT),
                           .position = field(res, PG_DIAG_STATEMENT_POSITION),
                           .file = field(res, PG_DIAG_SOURCE_FILE),
                           .function = field(res, PG_DIAG_SOURCE_FUNCTION),
                           .values = db->base.show_values};
    struct span why = first_line(PQerrorMessage(db->conn));

    if (*said.state)
        return pg_fail_said(&said, err);
    if (PQstatus(db->conn) != CONNECTION_OK)
        return lost(db, err);
    return err_set(err, ERR_SQL, "%.*s", (int)why.len, why.at);
}

/* "FATAL:  28P01: password ..." as PQERRORS_VERBOSE writes it, whatever the server's language. */
static const char *find_state(const char *message, char state[6])
{
    for (const char *p = message; (p = strstr(p, ":  ")) != NULL; p += 3) {
        const char *s = p + 3;
        if (strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") >= 5 && s[5] == ':' && s[6] == ' ') {
            memcpy(state, s, 5);
            state[5] = '\0';
            return s + 7;
        }
    }
    state[0] = '\0';
    return NULL;
}

bool pg_fail_connect(PGconn *conn, const struct db_conf *conf, const char *label, struct err *err)
{
    const char *message = PQerrorMessage(conn), *hint = "";
    char state[6];
    const char *said = find_state(message, state);
    struct span why = first_line(said ? said : message);
    enum err_code code = said ? pg_class(state, &hint) : ERR_UNREACHABLE;

    if (PQconnectionNeedsPassword(conn)) {
        code = ERR_AUTH;
        pg_class("28P01", &hint);
    } else if (!said) {
        hint = "check host, port and socket, and that the server runs";
    }
    err_set(err, code == ERR_SQL ? ERR_UNREACHABLE : code, "cannot connect to %s%s%s: %.*s", label,
            conf->user ? " as " : "", conf->user ? conf->user : "",
            (int)(why.len > 400 ? 400 : why.len), why.at);
    return err_hint(err, "%s", hint);
}
