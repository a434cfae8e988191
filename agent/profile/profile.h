/*
 * profile - the last five minutes of what each watched process was doing on a CPU, and where one
 *           is off it.
 *
 * Threads:  any; one lock, never held while files are read.
 * Memory:   profile_open allocates, profile_close frees; descriptors handed over are profile's.
 * Errors:   0 or -errno.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "graph.h"
#include "stacks.h"
#include "symbols.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PROFILE_NAMED 16u /* processes of one graph whose frames get names, the busiest first */
#define PROFILE_HZ 99u    /* SAMPLER_HZ: the broker's clock */

struct profile;

struct profile_config {
	/* Wants the files of this process: profile_file_put, then profile_files_end. Any thread. */
	int (*ask)(void *ctx, uint64_t key);
	/* Wants snapshots of its stacks for so long, or no more: profile_snapshots_put. */
	int (*unwind)(void *ctx, uint64_t key, uint32_t seconds);
	/* Wants its waits summed for so long, or (0) what they were: profile_rows_put. */
	int (*offcpu)(void *ctx, uint64_t key, uint32_t seconds);
	void *ctx;
	const char *program; /* of symbols.h */
	int kallsyms;        /* -1: none */
	uint32_t cpus;
};

struct profile_counts {
	uint64_t taken, dropped; /* by the kernel: samples; those that found its ring full */
	uint64_t unknown;        /* of processes that are not known */
	struct stacks_counts stacks;
	bool on; /* there is a ring */
};

/* Whose samples: of this process, of this service, of all. */
struct profile_scope {
	int32_t pid;         /* 0: any */
	const char *service; /* NULL: any */
	uint32_t seconds;    /* the last ones, 1 … STACKS_SPAN_S */
	bool unwind;         /* … or the next ones, of pid, with stacks by unwind information */
	bool offcpu;         /* … or the next ones, of pid, off the CPU */
	const atomic_bool *over; /* of both: nobody waits for it any more; NULL: never */
};

int profile_open(struct profile **out, const struct profile_config *config);
void profile_close(struct profile *p); /* NULL is fine */

/* The kernel's ring; closed behind it. A new one takes the place of the old. */
int profile_ring_put(struct profile *p, int fd, uint32_t bytes);
void profile_kernel_put(struct profile *p, uint64_t taken, uint64_t dropped);
int profile_target_put(struct profile *p, uint64_t key, int32_t pid, const char *service);
void profile_target_gone(struct profile *p, uint64_t key);

void profile_file_put(struct profile *p, uint64_t key, const struct symbols_file *file);
void profile_files_end(struct profile *p, uint64_t key);
void profile_snapshots_put(struct profile *p, uint64_t key, int slots, int error);
void profile_rows_put(struct profile *p, uint64_t key, int rows, int error);

/* Each second or so: takes what the kernel left. */
void profile_read(struct profile *p, uint64_t now_ns);

/*
 * -ENOENT: no such process or service is known; -ENOTSUP: nothing is sampled on this machine.
 * Waits for the files, and for the symbolizer: some hundredths of a second, 6 s at the most; to
 * unwind or off the CPU, for the seconds asked for too. -ELIBACC, -EPERM and others: it cannot be
 * done here.
 */
int profile_graph(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
		  struct graph **out);
void profile_counts_get(struct profile *p, struct profile_counts *out);

#endif
