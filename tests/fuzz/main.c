/* Runs a fuzz target over files instead of made-up input: for compilers without libFuzzer, for a
 * debugger, and for the corpus under other sanitizers. Folders are read one level deep. */
#include "lib/base/fd.h"

#include <stdio.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool run_file(void *ctx, const char *name, struct err *err)
{
    const char *dir = ctx;
    AUTO(free) char *path = dir ? path_join(dir, name) : strdup(name);
    AUTO(buf) struct buf text = {0};

    if (!path || !file_read(path, (size_t)64 << 20, &text, err))
        return false;
    /* On the heap and of the exact size, so that a sanitizer sees a read past the end. */
    AUTO(free) uint8_t *exact = malloc(text.len ? text.len : 1);
    if (!exact)
        return err_memory(err);
    memcpy(exact, buf_str(&text), text.len);
    LLVMFuzzerTestOneInput(exact, text.len);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct stat st;

    for (int i = 1; i < argc; i++) {
        bool folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        if (folder ? !dir_each(argv[i], run_file, argv[i], &err) : !run_file(NULL, argv[i], &err)) {
            fprintf(stderr, "%s\n", err.text);
            return err.code;
        }
    }
    return 0;
}
