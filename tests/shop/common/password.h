/* Passwords of the shop's customers: "pbkdf2$ROUNDS$SALT$HEX", PBKDF2 with SHA-256 (RFC 8018). */
#ifndef TESTS_SHOP_COMMON_PASSWORD_H
#define TESTS_SHOP_COMMON_PASSWORD_H

#include <stdbool.h>

#define PASSWORD_HASH 160

/* Few rounds: a generator makes thousands of customers, and none of them is real. */
#define PASSWORD_ROUNDS 50

bool password_hash(const char *password, const char *salt, int rounds, char out[PASSWORD_HASH]);
bool password_matches(const char *password, const char *hash);

#endif
