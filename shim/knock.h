/*
 * knock - one datagram that tells the agent to look for a new segment now.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   none: without an agent nothing happens, and its scan finds the process anyway.
 * Cost:     three system calls.
 */
#ifndef SHIM_KNOCK_H
#define SHIM_KNOCK_H

#include <stdint.h>

#define KNOCK_SOCKET "/shim.sock"

struct knock {
	uint32_t abi; /* RS_ABI_VERSION */
	uint32_t pid; /* a claim; the kernel's credentials count */
};

void knock(const char *run_dir, uint32_t pid);

#endif
