/*
 * runtime - the language runtimes and servers that say by probes of their own when they stop.
 *
 * Threads:  constants.
 * Memory:   none.
 * Errors:   none.
 */
#ifndef BASE_RUNTIME_H
#define BASE_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

enum runtime {
	RUNTIME_NONE,
	RUNTIME_NODE,
	RUNTIME_JVM,
	RUNTIME_PYTHON,
	RUNTIME_RUBY,
	RUNTIME_PHP,
	RUNTIME_POSTGRES,
	RUNTIMES,
};

/* How a process stands with them; the numbers go from broker to worker. */
enum runtime_why {
	RUNTIME_UNKNOWN,    /* nobody looked yet */
	RUNTIME_ATTACHED,   /* and its probes are in place */
	RUNTIME_FOREIGN,    /* it maps no file of one that we know */
	RUNTIME_BARE,       /* it does, and that was built without probes */
	RUNTIME_UNSAFE,     /* a return probe could harm who is under a filter of system calls */
	RUNTIME_REFUSED,    /* the kernel refuses */
	RUNTIME_UNREADABLE, /* its file may not be opened, or is none that we can read */
	RUNTIME_FULL,       /* too many files at once */
	RUNTIME_WHYS,
};

struct runtime_sums {
	uint64_t count, full, ns; /* totals */
	uint64_t max_ns;          /* the longest since it was told last */
};

/* What is known of one process. */
struct runtime_state {
	uint32_t runtime, why;              /* enum runtime, enum runtime_why */
	bool collections, full, statements; /* which sums are told; full: of collections */
	struct runtime_sums collected, served;
};

const char *runtime_name(uint32_t runtime); /* "node", "jvm" …; "" for none */
bool runtime_maps_heap(uint32_t runtime);   /* what it allocates by malloc is not its heap */
const char *runtime_why_text(uint32_t why); /* why nothing is told, for people; "" if it is */

/* By the last part of a mapped file's canonical name: a guess, which its content proves. */
enum runtime runtime_of_file(const char *path);

#endif
