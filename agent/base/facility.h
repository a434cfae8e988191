/*
 * facility - one thing that the kernel may give us, and how it stands: found out by trying alone.
 *
 * Threads:  a value; no pointers, so that it goes from broker to worker as it is.
 * Memory:   none.
 * Errors:   none.
 */
#ifndef BASE_FACILITY_H
#define BASE_FACILITY_H

#include <stdint.h>

#define FACILITY_NAME 32u
#define FACILITY_SET 16u
#define FACILITY_UNKNOWN UINT64_MAX /* the kernel keeps no such count at the moment */

enum facility_state {
	FACILITY_IDLE,    /* not needed now */
	FACILITY_LOADED,  /* and attached */
	FACILITY_REFUSED, /* at load or at attach: see error */
	FACILITY_STATES,
};

struct facility {
	char set[FACILITY_SET];   /* the probes that it is one of */
	char name[FACILITY_NAME]; /* of its tracepoint */
	uint32_t state;           /* enum facility_state */
	int32_t error;            /* errno; 0 but where refused */
	uint64_t runs, run_ns;    /* FACILITY_UNKNOWN unless kernel.bpf_stats_enabled is 1 */
	uint64_t dropped;         /* of its set: events that found no room, or are not whole */
};

const char *facility_state_name(uint32_t state); /* "notNeeded", "loaded", "refused" */
const char *facility_error_text(int error);      /* the likely reason, for people */

#endif
