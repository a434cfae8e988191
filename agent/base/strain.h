/*
 * strain - what the kernel tells of a process's TCP connections and block I/O since it was watched.
 *
 * Threads:  a value; no pointers, so that it goes from broker to worker as it is.
 * Memory:   none.
 * Errors:   none. What is not known is not in `known`, and 0.
 */
#ifndef BASE_STRAIN_H
#define BASE_STRAIN_H

#include <stdint.h>

enum strain_known {
	STRAIN_KILLS = 1, /* would it be told if the process were killed for want of memory? */
	STRAIN_TCP = 2,
	STRAIN_DISK = 4,
	STRAIN_ARRIVAL = 8,
};

/* Totals, but for the shortest trip and the longest delay. */
struct strain {
	uint64_t segments, retransmits; /* sent with bytes; sent again, which are among them */
	uint64_t trips_us, looks;       /* round trips that looks found, and how many */
	uint64_t reads, writes;         /* block I/O that came back */
	uint64_t read_ns, write_ns;     /* which that took */
	uint64_t arrivals, arrival_ns;  /* reads of what had arrived; how long it lay there */
	uint32_t longest_us;            /* of these, since the strain before */
	uint32_t shortest_us;           /* round trip since the strain before; 0: nobody looked */
	uint32_t known;                 /* bits of enum strain_known */
	uint32_t reserved;
};

#endif
