/* Any bytes as an environment file: refused with one line that names the file, or read into structs
 * that keep their promises. */
#include "lib/env/env.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_databases(const struct env *env)
{
    for (unsigned i = 0; i < env->databases_count; i++) {
        const struct env_database *db = &env->databases[i];

        must(db->name[0] && !strchr(db->name, '/') && db->database[0]);
        must(strcmp(db->engine, "postgresql") == 0 || strcmp(db->engine, "mariadb") == 0);
        must(!db->host != !db->socket);
        must(env_find_database(env, db->name) == db);
    }
}

static void check_services(const struct env *env)
{
    for (unsigned i = 0; i < env->services_count; i++) {
        const struct env_service *s = &env->services[i];

        must(s->run.count > 0 && env_find_service(env, s->name) == s);
        must(!s->health || (!s->health->url != !s->health->tcp && s->health->within_s > 0));
        for (unsigned a = 0; a < s->after.count; a++)
            must(env_find_service(env, s->after.at[a]) < s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(env) struct env *env = NULL;
    struct err err = {0};

    if (!env_parse((struct span){(const char *)bytes, len}, "/fuzz.yaml", &env, &err)) {
        must(!env && err.code == ERR_CONFIG && strncmp(err.text, "/fuzz.yaml:", 11) == 0);
        must(!strchr(err.text, '\n'));
        return 0;
    }
    must(env->name[0] && env->path[0] == '/' && strlen(env->text) == len);
    for (unsigned i = 0; i < env->files_count; i++)
        must(env->files[i].path[0] == '/');
    check_databases(env);
    check_services(env);
    return 0;
}
