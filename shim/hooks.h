/*
 * hooks - how a function of the host's libc is defined here.
 *
 * The allow-list of exports is shim.map; a definition that it does not name is hidden.
 */
#ifndef SHIM_HOOKS_H
#define SHIM_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *block);
void *realloc(void *old, size_t bytes);
void *reallocarray(void *old, size_t count, size_t bytes);
int posix_memalign(void **out, size_t alignment, size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes);
void *valloc(size_t bytes);
void *pvalloc(size_t bytes);
size_t malloc_usable_size(void *block);
void free_sized(void *block, size_t bytes);
void free_aligned_sized(void *block, size_t alignment, size_t bytes);

int listen(int fd, int backlog);
int prctl(int option, ...);
pid_t _Fork(void);
pid_t vfork(void);
int clone(int (*run)(void *), void *stack, int flags, void *argument, ...);
long syscall(long number, ...);
int dlclose(void *object);

/* close, close_range, accept and accept4 by syscall(2); result and errno are its. */
long hook_fd_by_number(long number, long a, long b, long c, long d);

bool hook_alloc_choose(void); /* in the constructor; false: no block's size can be known */

#endif
