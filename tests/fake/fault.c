#include "tests/fake/fault.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_uint alloc_left, io_left;
static atomic_int io_number;
static atomic_bool came;

void fault_alloc(unsigned nth)
{
    atomic_store(&came, false);
    atomic_store(&alloc_left, nth);
}

void fault_io(unsigned nth, int number)
{
    atomic_store(&came, false);
    atomic_store(&io_number, number);
    atomic_store(&io_left, nth);
}

void fault_off(void)
{
    atomic_store(&alloc_left, 0);
    atomic_store(&io_left, 0);
}

bool fault_came(void)
{
    return atomic_load(&came);
}

void fault_json(void)
{
    json_set_alloc_funcs(malloc, free);
}

/* True for the one call that is to fail. */
static bool hit(atomic_uint *left)
{
    unsigned n = atomic_load(left);

    while (n && !atomic_compare_exchange_weak(left, &n, n - 1))
        ;
    if (n == 1)
        atomic_store(&came, true);
    return n == 1;
}

static bool io_fails(void)
{
    if (!hit(&io_left))
        return false;
    errno = atomic_load(&io_number);
    return true;
}

static bool alloc_fails(void)
{
    if (!hit(&alloc_left))
        return false;
    errno = ENOMEM;
    return true;
}

/* The names are the linker's: __wrap_X is called for X, __real_X is X. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t len);
int __real_rename(const char *from, const char *to);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);

void *__wrap_malloc(size_t size)
{
    return alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return alloc_fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
    return alloc_fails() ? NULL : __real_strdup(s);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (!hit(&io_left))
        return __real_write(fd, bytes, len);
    if (len > 1 && __real_write(fd, bytes, len / 2) < 0)
        return -1;
    errno = atomic_load(&io_number);
    return -1;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return io_fails() ? -1 : __real_pwrite(fd, bytes, len, offset);
}

int __wrap_fsync(int fd)
{
    return io_fails() ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    return io_fails() ? -1 : __real_fdatasync(fd);
}

int __wrap_ftruncate(int fd, off_t len)
{
    return io_fails() ? -1 : __real_ftruncate(fd, len);
}

int __wrap_rename(const char *from, const char *to)
{
    return io_fails() ? -1 : __real_rename(from, to);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return io_fails() ? -1 : __real_renameat(from_dir, from, to_dir, to);
}
