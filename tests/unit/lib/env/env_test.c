#include "lib/env/env.h"

#include "tests/test.h"

/* Every error is one line that names the file, the line and the key. */
static const struct {
    const char *text, *wanted, *hint;
} wrong[] = {
    {"", "shop.yaml: the file is empty", ""},
    {"# only a comment\n", "shop.yaml: the file is empty", ""},
    {"name: shop\n\n\ndatabse: []\n", "shop.yaml:4: unknown key 'databse'",
     "did you mean 'databases'?"},
    {"name: shop\nnonsense: 1\n", "shop.yaml:2: unknown key 'nonsense'", ""},
    {"production: true\n", "shop.yaml:1: key 'name' is missing in the file", ""},
    {"name: shop\nfiles:\n  - name: code\n    path: /a\n  - name: config\n",
     "shop.yaml:5: key 'path' is missing in 'files'", ""},
    {"name: shop\nname: shop\n", "shop.yaml:2: key 'name' is given twice, first in line 1", ""},
    {"name: shop\nproduction: maybe\n",
     "shop.yaml:2: 'production' must be true or false, not 'maybe'", ""},
    {"name: shop\nfiles: /srv\n", "shop.yaml:2: 'files' must be a list", ""},
    {"name: shop\nfiles: [/srv]\n", "shop.yaml:2: 'files' must be a mapping of keys to values", ""},
    {"name: [shop]\n", "shop.yaml:1: 'name' must be a single value, not a list", ""},
    {"name: shop\nfiles:\n - {name: a, path: }\n", "shop.yaml:3: 'path' has no value",
     "give one, or leave the key out"},
    {"name: ~\n", "shop.yaml:1: 'name' has no value", "give one, or leave the key out"},
    {"name: shop\nfiles: [\n", "shop.yaml:3: not YAML: did not find expected node content",
     "while parsing a flow node that begins in line 3"},
    {"name: shop\n---\nname: b\n", "shop.yaml:2: a second document begins", ""},
    {"name: &a shop\n", "shop.yaml:1: anchors and tags are not read", ""},
    {"name: !!str shop\n", "shop.yaml:1: anchors and tags are not read", ""},
    {"name: *a\n", "shop.yaml:1: aliases are not read", ""},
    {"name: \"a\\0b\"\n", "shop.yaml:1: a NUL byte stands in a value", ""},
    {"name: shop\n? [a]\n: b\n", "shop.yaml:2: a key is not plain text", ""},
    {"- name: shop\n", "shop.yaml:1: 'the file' must be a mapping of keys to values", ""},
    {"name: a/b\n", "shop.yaml:1: 'a/b' cannot be a name",
     "up to 64 letters, digits, '_', '-' and '.', not starting with '-' or '.'"},
    {"name: shop\nfiles:\n - {name: a, path: /x}\n - {name: a, path: /y}\n",
     "shop.yaml:4: name 'a' is given twice in 'files', first in line 3", ""},
    {"name: shop\ndatabases:\n - {name: a, engine: oracle, host: h, database: a}\n",
     "shop.yaml:3: unknown engine 'oracle'", "postgresql or mariadb"},
    {"name: shop\ndatabases:\n - {name: a, engine: mysql, host: h, socket: s, database: a}\n",
     "shop.yaml:3: 'host' and 'socket' exclude each other", "keep one of the two"},
    {"name: shop\ndatabases:\n - {name: a, engine: mysql, database: a}\n",
     "shop.yaml:3: database 'a' has neither 'host' nor 'socket'", "say where its server listens"},
    {"name: shop\ndatabases:\n - {name: a, engine: mysql, host: h, port: 70000, database: a}\n",
     "shop.yaml:3: 'port' is at most 65535, not 70000", ""},
    {"name: shop\ndatabases:\n - {name: a, engine: mysql, host: h, port: 010, database: a}\n",
     "shop.yaml:3: 'port' must be a whole number, not '010'", ""},
    {"name: shop\ntraffic: {ports: [80, -1]}\n",
     "shop.yaml:2: 'ports' must be a whole number, not '-1'", ""},
    {"name: shop\ntraffic: {ports: [0]}\n", "shop.yaml:2: port 0 carries no traffic", ""},
    {"name: shop\nbundle: {require_signature: true}\n",
     "shop.yaml:2: signatures are required, and nobody is trusted to sign",
     "list public signing keys in 'trusted'"},
    {"name: shop\nbundle: {cache: c, sign_with: k}\n",
     "shop.yaml:2: a cache is of use only where bundles are encrypted",
     "take it out, or name in 'encrypt_to' who may read the bundles"},
    {"name: shop\nbundle: {encrypt_to: [a], cache_size: 1G}\n", "shop.yaml:2: there is no 'cache'",
     "name a folder in 'cache', or take 'cache_size' out"},
    {"name: shop\nbundle: {encrypt_to: [a], cache: c, cache_size: much}\n",
     "shop.yaml:2: 'much' is no size", "write 500M, 16G or a number of bytes"},
    {"name: shop\nbundle: {encrypt_to: []}\n", "shop.yaml:2: 'encrypt_to' is an empty list", ""},
    {"name: shop\nbundle: {encrypted_to: [a]}\n", "shop.yaml:2: unknown key 'encrypted_to'",
     "did you mean 'encrypt_to'?"},
    {"name: shop\nservices:\n - {name: w, run: []}\n", "shop.yaml:3: 'run' is an empty list", ""},
    {"name: shop\nservices:\n - {name: w, run: [a], user: root}\n",
     "shop.yaml:3: a service of a box never runs as root", "name an unprivileged user"},
    {"name: shop\nservices:\n - {name: w, run: [a], env: [A]}\n",
     "shop.yaml:3: 'A' is not NAME=VALUE", ""},
    {"name: shop\nservices:\n - name: w\n   run: [a]\n   after:\n    - x\n",
     "shop.yaml:6: service 'x' is unknown", ""},
    {"name: shop\nservices:\n - {name: w, run: [a], after: [x]}\n - {name: x, run: [a]}\n",
     "shop.yaml:3: service 'w' stands before 'x', which it is to follow",
     "list the services in the order in which they start"},
    {"name: shop\nservices:\n - {name: w, run: [a], health: {within_s: 1.5x, tcp: a}}\n",
     "shop.yaml:3: 'within_s' must be a number, not '1.5x'", ""},
    {"name: shop\nservices:\n - {name: w, run: [a], health: {within_s: 3}}\n",
     "shop.yaml:3: 'health' has neither 'url' nor 'tcp'", ""},
    {"name: shop\nbox:\n  rewrite:\n    - {file: code/x, match: a, with: b}\n",
     "shop.yaml:4: 'code/x' is not a file of a captured tree",
     "NAME/path, with NAME from 'files' above"},
    {"name: shop\nfiles: [{name: code, path: /c}]\nbox:\n  rewrite:\n"
     "    - {file: code/../x, match: a, with: b}\n",
     "shop.yaml:5: 'code/../x' is not a file of a captured tree",
     "NAME/path, with NAME from 'files' above"},
    {"name: shop\nfiles: [{name: code, path: /c}]\nbox:\n  rewrite:\n"
     "    - file: code/x\n      match: \"(\"\n      with: b\n",
     "shop.yaml:6: '(' is not a regular expression: Unmatched ( or \\(", ""},
    {"name: shop\ndatabases:\n - {name: d, engine: mariadb, host: h, database: d, accounts: yes}\n",
     "shop.yaml:3: 'accounts' cannot be 'yes'", "true, without-passwords or false"},
    {"name: shop\ndatabases:\n - {name: d, engine: postgresql, host: h, database: d, accounts: true}\n",
     "shop.yaml:3: 'accounts' is for MariaDB",
     "take it out: PostgreSQL's roles are always captured, their passwords never"},
    {"name: shop\nbox: {mariadb: {a: [1]}}\n", "shop.yaml:2: setting 'a' must be a single value",
     ""},
    {"name: shop\nbox: {postgresql: {\"a b\": 1}}\n", "shop.yaml:2: 'a b' is not a setting", ""},
    {"name: shop\nbox: {postgresql: {a: \"1\\nb = 2\"}}\n", "shop.yaml:2: 'a' is not a setting",
     ""},
};

TEST(names_file_line_and_key)
{
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct env *env = NULL;
        struct err err = {0};

        assert_fails(env_parse(span_of(wrong[i].text), "shop.yaml", &env, &err), &err, ERR_CONFIG);
        assert_null(env);
        assert_string_equal(err.text, wrong[i].wanted);
        assert_string_equal(err.hint, wrong[i].hint);
    }
}

static const char whole[] =
    "name: shop\n"
    "production: true\n"
    "files:\n"
    "  - {name: code, path: code, exclude: [\"*.pid\", \"cache/\"]}\n"
    "  - {name: config, path: /srv//shop/./config}\n"
    "databases:\n"
    "  - {name: shop, engine: postgres, host: /run/pg, port: 5432, user: dba, database: shop,\n"
    "     password_file: secrets/pg}\n"
    "  - {name: catalog, engine: mysql, socket: my.sock, database: catalog,\n"
    "     accounts: without-passwords}\n"
    "services:\n"
    "  - name: db\n"
    "    run: [a]\n"
    "  - name: web\n"
    "    run: [\"${files.code}/bin/shopd\", --config, x]\n"
    "    env: [\"TZ=UTC\"]\n"
    "    port: 8080\n"
    "    health: {url: \"http://127.0.0.1:${port.web}/healthz\"}\n"
    "    after: [db]\n"
    "traffic: {interface: lo, ports: [8080, 8081]}\n"
    "bundle: {encrypt_to: [a, b], sign_with: sign.key, require_signature: true, trusted: [c],\n"
    "         cache: kept, cache_size: 2M}\n"
    "box:\n"
    "  rewrite:\n"
    "    - {file: config/shop.conf, match: \"^listen = .*\", with: \"\", optional: yes}\n"
    "  postgresql: {shared_buffers: 128MB, work_mem: 4MB}\n"
    "  mariadb: {innodb_buffer_pool_size: 256M}\n";

TEST(fills_every_field)
{
    AUTO(env) struct env *env = NULL;
    struct err err = {0};

    assert_ok(env_parse(span_of(whole), "/etc/shop.yaml", &env, &err), &err);
    assert_string_equal(env->name, "shop");
    assert_string_equal(env->text, whole);
    assert_string_equal(env->path, "/etc/shop.yaml");
    assert_true(env->production);
    assert_int_equal(env->files_count, 2);
    assert_string_equal(env->files[0].path, "/etc/code");
    assert_int_equal(env->files[0].exclude.count, 2);
    assert_string_equal(env->files[0].exclude.at[1], "cache/");
    assert_string_equal(env->files[1].path, "/srv/shop/config");
    assert_string_equal(env->databases[0].engine, "postgresql");
    assert_string_equal(env->databases[0].password_file, "/etc/secrets/pg");
    assert_int_equal(env->databases[0].port, 5432);
    assert_string_equal(env->databases[1].engine, "mariadb");
    assert_string_equal(env->databases[1].socket, "/etc/my.sock");
    assert_null(env->databases[1].user);
    assert_int_equal(env->databases[0].accounts_as, ENV_ACCOUNTS_NONE);
    assert_int_equal(env->databases[1].accounts_as, ENV_ACCOUNTS_LOCKED);
    assert_ptr_equal(env_find_database(env, "catalog"), &env->databases[1]);
    assert_ptr_equal(env_find_files(env, "config"), &env->files[1]);
    assert_null(env_find_files(env, "conf"));
    const struct env_service *web = env_find_service(env, "web");
    assert_int_equal(web->run.count, 3);
    assert_int_equal(web->port, 8080);
    assert_true(web->health->within_s == 15);
    assert_string_equal(web->after.at[0], "db");
    assert_int_equal(env->traffic->ports[1], 8081);
    assert_int_equal(env->bundle->encrypt_to.count, 2);
    assert_string_equal(env->bundle->encrypt_to.at[1], "b");
    assert_string_equal(env->bundle->sign_with, "/etc/sign.key");
    assert_true(env->bundle->require_signature);
    assert_int_equal(env->bundle->cache_bytes, 2 << 20);
    assert_true(span_ends(span_of(env->bundle->cache), "/kept"));
    assert_string_equal(env->bundle->trusted.at[0], "c");
    assert_true(env->rewrite[0].optional);
    assert_string_equal(env->rewrite[0].with, "");
    assert_int_equal(env->postgresql_count, 2);
    assert_string_equal(env->postgresql[1].name, "work_mem");
    assert_string_equal(env->mariadb[0].value, "256M");
}

/* A file that is small on disk must not become large in memory, nor slow. */
TEST(refuses_hostile_shapes)
{
    struct env *env = NULL;
    struct err err = {0};
    AUTO(free) char *deep = malloc(100001);
    AUTO(free) char *wide = malloc(1 << 20);
    AUTO(free) char *large = malloc((2 << 20) + 1);

    assert_true(deep && wide && large);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    assert_fails(env_parse(span_of(deep), "x", &env, &err), &err, ERR_CONFIG);
    assert_string_equal(err.text, "x:1: nested deeper than any real file is");

    size_t len = 0;
    for (int i = 0; i < 60000; i++)
        len += (size_t)snprintf(wide + len, (1 << 20) - len, "k%d: a\n", i);
    assert_fails(env_parse((struct span){wide, len}, "x", &env, &err), &err, ERR_CONFIG);
    assert_string_equal(err.text, "x:2001: more entries than any real file has");

    memset(large, '#', 2 << 20);
    large[2 << 20] = '\0';
    assert_fails(env_parse(span_of(large), "x", &env, &err), &err, ERR_CONFIG);
}

TEST(names_a_file_that_is_not_there)
{
    struct env *env = NULL;
    struct err err = {0};

    assert_fails(env_load("/nowhere/shop.yaml", &env, &err), &err, ERR_MISSING);
    assert_non_null(strstr(err.text, "/nowhere/shop.yaml"));
}

TESTS(names_file_line_and_key, fills_every_field, refuses_hostile_shapes,
      names_a_file_that_is_not_there)
