/* Log lines on stderr: text for people, one JSON object a line with --log=json.
 * Library code logs at debug only; commands report. Threads: any. */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include "lib/base/field.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_form { LOG_FORM_TEXT, LOG_FORM_JSON };

void log_setup(enum log_level level, enum log_form form);
bool log_enabled(enum log_level level);
bool log_is_json(void);
void log_fields(enum log_level level, const char *what, const struct field *fields);

/* At least one field is needed; log_line() is the form without. */
#define log_error(what, ...) log_fields(LOG_LEVEL_ERROR, what, FIELDS(__VA_ARGS__))
#define log_warn(what, ...)  log_fields(LOG_LEVEL_WARN, what, FIELDS(__VA_ARGS__))
#define log_info(what, ...)  log_fields(LOG_LEVEL_INFO, what, FIELDS(__VA_ARGS__))
#define log_debug(what, ...)                                        \
    do {                                                            \
        if (log_enabled(LOG_LEVEL_DEBUG))                           \
            log_fields(LOG_LEVEL_DEBUG, what, FIELDS(__VA_ARGS__)); \
    } while (0)
void log_line(enum log_level level, const char *what);

/* Colours only when stderr (or stdout) is a terminal, TERM is not dumb and NO_COLOR is unset. */
bool term_colours(int fd);

#endif
