#include "lib/db/my.h"

#include <ctype.h>

/* The objects that CREATE, ALTER and DROP name behind their modifiers. */
static const char *const objects[] = {"TABLE",     "INDEX",    "VIEW",    "DATABASE", "SCHEMA",
                                      "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT",    "USER",
                                      "SEQUENCE",  "ROLE",     "SERVER",  "PACKAGE"};

static struct span skip_comment(struct span s)
{
    const char *end;

    if (span_starts(s, "/*") && !span_starts(s, "/*!") && !span_starts(s, "/*M!")) {
        end = memmem(s.at + 2, s.len - 2, "*/", 2);
        end = end ? end + 2 : s.at + s.len;
    } else if (span_starts(s, "--") || span_starts(s, "#")) {
        end = memchr(s.at, '\n', s.len);
        end = end ? end + 1 : s.at + s.len;
    } else {
        return s;
    }
    return (struct span){end, s.len - (size_t)(end - s.at)};
}

/* Next word, upper case; quoted names and signs are stepped over. */
static bool next_word(struct span *rest, char *word, size_t size)
{
    for (;;) {
        struct span after = skip_comment(*rest);
        if (after.len != rest->len) {
            *rest = after;
            continue;
        }
        if (!rest->len)
            return false;
        if (isalpha((unsigned char)*rest->at))
            break;
        rest->at++;
        rest->len--;
    }
    size_t len = 0;
    while (len < rest->len && (isalnum((unsigned char)rest->at[len]) || rest->at[len] == '_'))
        len++;
    snprintf(word, size, "%.*s", (int)(len < size ? len : size - 1), rest->at);
    for (char *c = word; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    rest->at += len;
    rest->len -= len;
    return true;
}

static bool names_object(const char *verb)
{
    return !strcmp(verb, "CREATE") || !strcmp(verb, "ALTER") || !strcmp(verb, "DROP") ||
           !strcmp(verb, "TRUNCATE") || !strcmp(verb, "RENAME");
}

void my_tag(struct span sql, char *out, size_t size)
{
    char verb[16] = "", word[16];

    next_word(&sql, verb, sizeof(verb));
    snprintf(out, size, "%s", verb);
    if (!names_object(verb))
        return;
    /* DEFINER=`a`@`b` SQL SECURITY ... stand before the object; a dozen words is plenty. */
    for (int i = 0; i < 16 && next_word(&sql, word, sizeof(word)); i++) {
        for (size_t k = 0; k < COUNT(objects); k++) {
            if (!strcmp(word, objects[k])) {
                snprintf(out, size, "%s %s", verb, word);
                return;
            }
        }
    }
}
