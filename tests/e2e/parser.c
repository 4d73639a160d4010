/* A full-text parser for MariaDB that finds no words: a plugin that no box has. The server's headers
 * are not needed for it; layouts as in plugin.h and plugin_ftparser.h of MariaDB 10.11. */
#include <stddef.h>

static int no_words(void *param)
{
    (void)param;
    return 0;
}

static struct {
    int interface_version;
    int (*parse)(void *), (*init)(void *), (*deinit)(void *);
} parser = {0x0100, no_words, NULL, NULL};

struct plugin {
    int type;
    void *info;
    const char *name, *author, *about;
    int license;
    int (*init)(void *), (*deinit)(void *);
    unsigned version;
    void *status, *system;
    const char *version_info;
    unsigned maturity;
};

extern int _maria_plugin_interface_version_, _maria_sizeof_struct_st_plugin_;
extern struct plugin _maria_plugin_declarations_[];

int _maria_plugin_interface_version_ = 0x010d;
int _maria_sizeof_struct_st_plugin_ = sizeof(struct plugin);
struct plugin _maria_plugin_declarations_[] = {
    {2, &parser, "rehearse_words", "tests", "finds nothing", 1, NULL, NULL, 0x0100, NULL, NULL,
     "1.0", 4},
    {0},
};
