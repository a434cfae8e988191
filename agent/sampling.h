/*
 * sampling - the broker's part in profiles: the clock while there are targets, and their files.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; sampling_close ends the clock.
 * Errors:   none: what the kernel refuses is told as the health of a part.
 */
#ifndef AGENT_SAMPLING_H
#define AGENT_SAMPLING_H

#include "finder.h"
#include "outbox.h"
#include "sampler.h"

struct sampling {
	struct outbox *outbox;
	struct sampler *sampler; /* NULL: none */
	uint32_t sent;           /* to the how-manieth worker its ring was sent */
	int targets;             /* the map of watched processes */
	int error;               /* of all that, told once */
};

/* targets: the map of watched processes, or a negative errno: why there is none. */
void sampling_open(struct sampling *s, struct outbox *outbox, int targets);
void sampling_close(struct sampling *s);

/* Loads it with the first target, starts or stops the clock, and sends a new worker the ring. */
void sampling_step(struct sampling *s, uint32_t targets);
void sampling_second(struct sampling *s);

/* Answers a worker that asked for the files of this target. */
void sampling_files(const struct sampling *s, struct finder *f, uint64_t key);

#endif
