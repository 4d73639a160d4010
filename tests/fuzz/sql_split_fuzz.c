/* Any bytes, both dialects: every span lies inside the text, statements never overlap, and the end
 * is always reached. The first byte chooses the dialect and the quoting modes. */
#include "lib/sql/split.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void tokens(enum sql_dialect dialect, struct span text)
{
    const char *end = text.at + text.len;
    struct span token;

    while (sql_token_next(dialect, &text, &token) != SQL_END)
        must(token.len > 0 && token.at + token.len <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sql_splitter s;
    struct sql_statement st;
    struct err err = {0};
    bool more = true;

    if (len == 0)
        return 0;
    struct span text = {(const char *)bytes + 1, len - 1};
    const char *from = text.at;
    unsigned line = 1;
    sql_split_init(&s, bytes[0] & 1 ? SQL_MARIADB : SQL_POSTGRESQL, text);
    s.ansi_quotes = bytes[0] & 2;
    s.no_backslash_escapes = bytes[0] & 4;
    for (;;) {
        if (!sql_split_next(&s, &st, &more, &err)) {
            must(err.code == ERR_SQL && err.text[0]);
            break;
        }
        if (!more)
            break;
        must(st.text.len > 0 && st.text.at >= from);
        from = st.text.at + st.text.len;
        must(from <= text.at + text.len && st.line >= line);
        line = st.line;
        if (st.copy_data.at)
            must(st.copy_data.at >= from &&
                 st.copy_data.at + st.copy_data.len <= text.at + text.len);
        tokens(s.dialect, st.text);
    }
    return 0;
}
