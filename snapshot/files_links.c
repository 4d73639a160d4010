#include "snapshot/files_links.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct link {
    uint64_t device, inode;
    uint32_t left; /* names not met yet */
    char path[];
};

static int by_inode(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

static bool add(struct links *all, const struct file_state *st, const char *path, struct err *err)
{
    size_t len = strlen(path) + 1;
    struct link *made = malloc(sizeof(*made) + len);

    if (!made)
        return err_memory(err);
    *made = (struct link){st->device, st->inode, st->links - 1};
    memcpy(made->path, path, len);
    if (tsearch(made, &all->root, by_inode))
        return true;
    free(made);
    return err_memory(err);
}

/* The one whose last name was met goes with the next call: its path was given out. */
bool links_meet(struct links *all, const struct file_state *st, const char *path,
                const char **first, struct err *err)
{
    const struct link wanted = {st->device, st->inode, 0};
    struct link *const *hit = all->root ? tfind(&wanted, &all->root, by_inode) : NULL;
    struct link *l = hit ? *hit : NULL;

    if (all->last) {
        tdelete(all->last, &all->root, by_inode);
        if (l == all->last)
            l = NULL;
        free(all->last);
        all->last = NULL;
    }
    *first = l ? l->path : NULL;
    if (!l)
        return add(all, st, path, err);
    if (--l->left == 0)
        all->last = l;
    return true;
}

bool links_forget(struct links *all, const struct file_state *st)
{
    const struct link wanted = {st->device, st->inode, 0};
    struct link *const *hit = all->root ? tfind(&wanted, &all->root, by_inode) : NULL;
    struct link *l = hit ? *hit : NULL;

    if (!l || l->left + 1 < st->links)
        return false;
    tdelete(l, &all->root, by_inode);
    free(l);
    return true;
}

void links_done(struct links *all)
{
    tdestroy(all->root, free);
    *all = (struct links){0};
}
