/*
 * means - samples of one process's CPU and memory, in the tiers of its series.
 *
 * Threads:  none of its own; the shared part of metrics, under its lock.
 * Memory:   grows with the life of the process, drawn from the budget of the series.
 * Errors:   a sample that finds no room is lost and counted in budget->shed.
 */
#ifndef METRICS_MEANS_H
#define METRICS_MEANS_H

#include "cause.h"
#include "cgroup.h"
#include "series.h"
#include "strain.h"

#include <stdbool.h>

/* Totals, which only grow, and levels. Negative levels: METRICS_UNKNOWN. */
struct means_sample {
	uint64_t time_ns;
	uint64_t user_ns, system_ns, wait_ns;
	uint64_t minor_faults, major_faults;
	uint64_t allocated, freed;
	uint64_t requests;
	uint64_t waits_ns[CAUSES];      /* totals */
	uint64_t waits_sampled_ns;      /* of them what was estimated */
	uint64_t each_disk_ns;          /* waits for disks that the probes saw each of */
	double read_bytes, write_bytes; /* totals, METRICS_UNKNOWN: not had */
	double rss, pss, heap_live, external, memory_limit, memory_percent;
	double cpus;      /* what the process may use */
	uint64_t disk_ns; /* that threads waited for disks, by the kernel's delay accounting */
	struct strain strain;
	struct cgroup_throttle throttle;
	uint64_t collected_ns, served, served_ns; /* totals, as the next two */
	uint32_t collected, collected_full;
	float collected_max_ms, served_max_ms; /* between the sample before and this one */
	uint32_t threads, in_flight;
	bool ended;       /* the last one: of all that it did; requests may yet be told */
	bool waits_known; /* false: not asked for, or not yet */
	bool disk_known;  /* false: there is no delay accounting */
	bool each_known;  /* false: the probes do not see each wait now */
	char memory_limit_by[12];
};

struct means_tier {
	struct means_sample *samples;
	uint32_t count, capacity;
};

struct means {
	struct means_tier fine, coarse, wide;
	float collected_max_ms, served_max_ms; /* since the last coarse one */
	uint64_t begin_ns; /* when all totals were 0: the process began; 0: unknown */
};

void means_fini(struct means *means, struct series_budget *budget);
void means_put(struct means *means, const struct means_sample *sample,
	       struct series_budget *budget);

/* As series_shed: but for the one that the oldest window is compared with. */
void means_shed(struct means *means, enum series_step step, struct series_budget *budget);

/* The last one of a process that ended: it takes the place of one just before it. */
void means_end(struct means *means, const struct means_sample *sample,
	       struct series_budget *budget);

/*
 * The sample that ends the window and the one it is to be compared with: the newest at or before
 * from_ns, or its beginning, or the oldest there is. False: nothing was sampled up to to_ns.
 */
bool means_window(const struct means *means, uint64_t from_ns, uint64_t to_ns,
		  struct means_sample *first, struct means_sample *last);

/*
 * The shortest round trip that samples of (from_ns, to_ns] have; 0: none. A coarse one has that of
 * the ten seconds that it ends.
 */
uint32_t means_shortest_us(const struct means *means, uint64_t from_ns, uint64_t to_ns);
/* As above, the longest delay of what had arrived. */
uint32_t means_delay_us(const struct means *means, uint64_t from_ns, uint64_t to_ns);
/* The longest that ended after from_ns and up to to_ns; a coarse sample is of its whole step. */
void means_longest(const struct means *means, uint64_t from_ns, uint64_t to_ns,
		   float *collected_max_ms, float *served_max_ms);

#endif
