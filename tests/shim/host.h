/*
 * host - what the programs in this folder share: each is a host that the shim could hurt.
 *
 * Each runs with libringside.so preloaded, looks into its own segment, and exits 0, 1 with a line
 * that names the broken fact, or 77 with the reason why this machine cannot try it.
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include <ringside/segment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_SKIPPED 77

/* This process's own segment, found by its name in /proc/self/maps; NULL: the shim is inert. */
struct rs_header *host_segment(void);
int host_segments(void);          /* how many there are */
struct rs_header *host_kin(void); /* the one for its children, made or inherited; NULL: none */
struct rs_header *host_segment_wanted(void); /* the same, or the test fails */

/* The sum over all blocks of the counter at an offset of struct rs_block. */
uint64_t host_sum(const struct rs_header *header, size_t offset);
#define HOST_SUM(header, field) host_sum(header, offsetof(struct rs_block, field))

void host_listen_as_agent(struct rs_header *header); /* epoch 1, one tick = one nanosecond */

struct host_pair {
	int server; /* accepted */
	int client;
};

void host_connect(struct host_pair *pair);
void host_disconnect(struct host_pair *pair);

/* One GET and its 200, all by read and write on this thread; false: some call failed. */
bool host_serve(const struct host_pair *pair, const char *path);

/* Waits for a child; its exit status, 128 + signal, or -1 when it did not end in time (killed). */
int host_wait(int pid, int milliseconds);

void host_fail(const char *file, int line, const char *fact) __attribute__((noreturn));
int host_skip(const char *reason);

#define HOST_CHECK(fact)                                                                           \
	do {                                                                                       \
		if (!(fact))                                                                       \
			host_fail(__FILE__, __LINE__, #fact);                                      \
	} while (0)

#endif
