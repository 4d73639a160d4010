#include "tests/shop/server/session.h"

#include "tests/shop/common/password.h"
#include "tests/shop/server/handlers.h"

#include <microhttpd.h>
#include <sys/random.h>

static const char customer_sql[] =
#include "tests/shop/server/sql/customer.sql.h"
    ;
static const char session_start_sql[] =
#include "tests/shop/server/sql/session_start.sql.h"
    ;
static const char session_login_sql[] =
#include "tests/shop/server/sql/session_login.sql.h"
    ;
static const char session_find_sql[] =
#include "tests/shop/server/sql/session_find.sql.h"
    ;
static const char session_end_sql[] =
#include "tests/shop/server/sql/session_end.sql.h"
    ;

#define COUNTRY     "DE" /* until somebody logs in */
#define TOKEN_BYTES 16
#define TOKEN_HEX   (2 * TOKEN_BYTES + 1)

static bool token_new(char out[TOKEN_HEX], struct err *err)
{
    unsigned char bytes[TOKEN_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return err_sys(err, ERR_IO, "no random bytes");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static void set_cookie(struct request *r, const char *token)
{
    snprintf(r->cookie, sizeof(r->cookie), "session=%s; Path=/; HttpOnly; SameSite=Lax", token);
}

static bool run(struct request *r, const struct sql_query *q, struct err *err)
{
    AUTO(json) json_t *rows = NULL;
    return postgresql_rows(r->shop->postgresql, q, &rows, err);
}

static bool find_by_token(struct request *r, const char *token, struct session *s, struct err *err)
{
    struct sql_query q = {session_find_sql, {arg_text(token)}, 1};
    AUTO(json) json_t *rows = NULL;

    if (!postgresql_rows(r->shop->postgresql, &q, &rows, err))
        return false;
    *s = (struct session){.row = json_incref(json_array_get(rows, 0)), .country = COUNTRY};
    s->id = json_string_value(json_object_get(s->row, "id"));
    s->customer = json_integer_value(json_object_get(s->row, "customer_id"));
    const char *country = json_string_value(json_object_get(s->row, "country"));
    if (country)
        s->country = country;
    return true;
}

bool session_find(struct request *r, struct session *s, struct err *err)
{
    const char *token = request_cookie(r, "session");

    *s = (struct session){.country = COUNTRY};
    return !token || find_by_token(r, token, s, err);
}

bool session_need(struct request *r, struct session *s, struct err *err)
{
    char token[TOKEN_HEX];
    const char *agent =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT);

    if (!session_find(r, s, err) || s->row)
        return s->row != NULL;
    if (!token_new(token, err))
        return false;
    struct sql_query q = {session_start_sql, {arg_text(token), arg_text(agent)}, 2};
    if (!run(r, &q, err) || !find_by_token(r, token, s, err))
        return false;
    set_cookie(r, token);
    return true;
}

/* *customer is NULL when the name or the password is wrong: which of the two is not told. */
static bool check_password(struct request *r, const char *email, const char *password,
                           json_t **customer, struct err *err)
{
    struct sql_query q = {customer_sql, {arg_text(email)}, 1};
    AUTO(json) json_t *rows = NULL;

    if (!postgresql_rows(r->shop->postgresql, &q, &rows, err))
        return false;
    json_t *found = json_array_get(rows, 0);
    const char *hash = json_string_value(json_object_get(found, "password_hash"));
    *customer = hash && password_matches(password, hash) ? json_incref(found) : NULL;
    return true;
}

static bool log_in(struct request *r, const json_t *customer, struct err *err)
{
    char token[TOKEN_HEX];
    const char *agent =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT);

    if (!token_new(token, err))
        return false;
    struct sql_query q = {session_login_sql,
                          {arg_text(token), arg_text(request_cookie(r, "session")),
                           arg_number(json_integer_value(json_object_get(customer, "id"))),
                           arg_text(agent)},
                          4};
    if (!run(r, &q, err))
        return false;
    set_cookie(r, token);
    return answer_json(r, MHD_HTTP_OK,
                       json_pack("{s:O}", "name", json_object_get(customer, "name")), err);
}

bool api_login(struct request *r, struct err *err)
{
    AUTO(json) json_t *body = request_json(r);
    AUTO(json) json_t *customer = NULL;
    const char *email, *password;

    if (!body)
        return true;
    if (json_unpack(body, "{s:s, s:s}", "email", &email, "password", &password) != 0)
        return answer_error(r, MHD_HTTP_BAD_REQUEST, "needs email and password", err);
    if (!check_password(r, email, password, &customer, err))
        return false;
    if (!customer)
        return answer_error(r, MHD_HTTP_UNAUTHORIZED, "wrong email or password", err);
    return log_in(r, customer, err);
}

bool api_logout(struct request *r, struct err *err)
{
    const char *token = request_cookie(r, "session");
    struct sql_query q = {session_end_sql, {arg_text(token)}, 1};

    if (token && !run(r, &q, err))
        return false;
    snprintf(r->cookie, sizeof(r->cookie), "session=; Path=/; Max-Age=0");
    return answer_nothing(r);
}
