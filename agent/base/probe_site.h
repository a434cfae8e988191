/*
 * probe_site - where in a file probes go, as a locked-down child (agent/profile/places.h) says to
 *              who puts them there.
 *
 * Threads:  none.
 * Memory:   values; they go from process to process as they are.
 * Errors:   none.
 */
#ifndef BASE_PROBE_SITE_H
#define BASE_PROBE_SITE_H

#include "runtime.h"

#include <stdint.h>

#define SITES 64u /* of one file */

/* The role of a runtime's; a return is told by a function's entry. */
enum sites_end { SITES_BEGIN, SITES_END, SITES_RETURN };

struct site {
	uint64_t offset;    /* in the file, of its instruction */
	uint64_t semaphore; /* in the file too; 0: none */
	uint64_t cookie;    /* of a runtime: bits of bpf/pause_event.h; of TLS: enum tls_kind */
	uint32_t role;      /* enum sites_end; enum tls_role */
	uint32_t reserved;
};

struct sites {
	uint32_t why;   /* enum runtime_why: RUNTIME_ATTACHED: they are worth attaching */
	uint32_t count; /* 0 unless it is that */
	uint8_t collections, statements; /* of a runtime: both ends of them are told, */
	uint8_t full;                    /* and which collections are of the whole heap */
	uint8_t returns;                 /* some end is a return probe */
	uint32_t reserved;
	struct site at[SITES];
};

#endif
