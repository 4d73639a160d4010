/* One value of COPY text in the form that its type's receive function takes.
 *
 * Each writes at most PG_PUT_MORE bytes more than the text has, and returns what stands behind, or
 * NULL where the text is not what the server writes for that type under the session settings of
 * lib/db/pg_session.sql. Values are never NULL here, and end in a newline at from[len]; so many bytes
 * as PG_PUT_BEHIND behind from[len - 1] may be read, whatever they are. What is written may be followed
 * by anything, within the same room.
 */
#ifndef RESTORE_PG_BINARY_VALUE_H
#define RESTORE_PG_BINARY_VALUE_H

#include <stddef.h>

#define PG_PUT_MORE   16
#define PG_PUT_BEHIND 17

typedef char *(*pg_binary_put)(const char *from, size_t len, char *to);

char *pg_put_int2(const char *from, size_t len, char *to);
char *pg_put_int4(const char *from, size_t len, char *to);
char *pg_put_int8(const char *from, size_t len, char *to);
char *pg_put_bool(const char *from, size_t len, char *to);
char *pg_put_float4(const char *from, size_t len, char *to);
char *pg_put_float8(const char *from, size_t len, char *to);
char *pg_put_numeric(const char *from, size_t len, char *to);
char *pg_put_text(const char *from, size_t len, char *to); /* also varchar, char, json */
char *pg_put_jsonb(const char *from, size_t len, char *to);
char *pg_put_bytea(const char *from, size_t len, char *to);
char *pg_put_uuid(const char *from, size_t len, char *to);
char *pg_put_date(const char *from, size_t len, char *to);
char *pg_put_timestamp(const char *from, size_t len, char *to);
char *pg_put_timestamptz(const char *from, size_t len, char *to); /* of zone UTC */

#endif
