/*
 * cage - does a seccomp filter let through what the shim itself asks the kernel for?
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   what cannot be told by a call's number alone is no.
 * Cost:     the filter's own length, some twenty times; only when one is installed.
 */
#ifndef SHIM_CAGE_H
#define SHIM_CAGE_H

#include <linux/filter.h>
#include <stdbool.h>

/* program: as the kernel has just accepted it, so that it can be read and its jumps go forward */
bool cage_permits(const struct sock_fprog *program);

#endif
