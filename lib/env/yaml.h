/* YAML files of a known shape: guarded reading, errors with file, line and key.
 *
 * libcyaml fills the structs from its schema tables. It takes 'maybe' for true and '1.5x' for 1.5,
 * and names the line where a mapping begins, not the one at fault; so the text is first read into
 * a small tree (libyaml) that is held against the same schema tables. The tree also knows the line
 * of everything, for checks of meaning later.
 * Refused: more than YAML_MAX_BYTES, deeper than YAML_MAX_DEPTH, anchors, aliases, tags, a second
 * document, NUL bytes, a key given twice.
 * Names: ydoc_, since libyaml exports yaml_free() and the like.
 * Ownership: ydoc_close() releases the tree. Threads: one at a time. Errors: ERR_CONFIG.
 */
#ifndef LIB_ENV_YAML_H
#define LIB_ENV_YAML_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#include <cyaml/cyaml.h>

#define YAML_MAX_BYTES    ((size_t)1 << 20)
#define YAML_MAX_DEPTH    12
#define YAML_MAX_CHILDREN 2000 /* of one mapping or list */

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;  /* 1, 2 ... */
    bool plain;     /* a scalar without quotes */
    unsigned count; /* children */
    char *key;      /* in a mapping; else NULL */
    unsigned key_line;
    char *value; /* of a scalar */
    struct yaml_node *child, *last, *next, *up;
};

struct yaml_doc {
    const char *path; /* borrowed; names the file in messages */
    struct yaml_node *root;
};

/* `path` only names the text in errors. */
bool ydoc_open(struct span text, const char *path, struct yaml_doc **out, struct err *err);
void ydoc_close(struct yaml_doc *doc);
AUTO_PTR(yaml_doc, struct yaml_doc, ydoc_close)

/* Holds the tree against the schema. */
bool ydoc_check(const struct yaml_doc *doc, const cyaml_schema_value_t *schema, struct err *err);
/* ydoc_check, then libcyaml: a heap tree in *out, for ydoc_free(). */
bool ydoc_fill(const struct yaml_doc *doc, struct span text, const cyaml_schema_value_t *schema,
               void **out, struct err *err);
void ydoc_free(const cyaml_schema_value_t *schema, void *data);

/* Walking; each accepts NULL and gives NULL for what is not there. */
const struct yaml_node *ydoc_key(const struct yaml_node *map, const char *key);
const struct yaml_node *ydoc_item(const struct yaml_node *list, unsigned index);
/* ERR_CONFIG "PATH:LINE: ..." at the node (the whole file when it is NULL). */
bool ydoc_fail(const struct yaml_doc *doc, const struct yaml_node *at, struct err *err,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* " (hint: did you mean ...)" is set when a known word is near. */
bool ydoc_hint_near(struct err *err, const char *word, const char *const *known, size_t count);

/* A relative *path becomes absolute against the folder of `file`. NULL stays NULL. */
bool ydoc_path_absolute(const char *file, char **path, struct err *err);

#endif
