/*
 * check_kernel - what this kernel gives library and agent, by trying rather than by version.
 *
 * Threads:  one.
 * Memory:   what is tried is undone before the return.
 * Errors:   they are what is looked for: all go into the checks.
 */
#ifndef RINGSIDE_CHECK_KERNEL_H
#define RINGSIDE_CHECK_KERNEL_H

#include "check.h"

/* root: "" for the running system; a folder with proc and sys in it for tests. */
void check_kernel(struct checks *c, const char *root);

#endif
