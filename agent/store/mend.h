/*
 * mend - what an agent did not come to write in wider steps, made of its finer ones.
 *
 * Threads:  the writer's, before it writes anything itself.
 * Memory:   freed again; a timeline of one series at a time.
 * Errors:   0 or -errno; what could not be read is left out.
 *
 * An agent that is killed has written seconds up to some seconds ago, and five minutes up to some
 * minutes ago. Its successor has its memory by the checkpoint and goes on; if it has not, or the
 * machine was started again, seconds would be all there is, for an hour. Gauges do not come along
 * at all: of these what memory should have is mended too, in a file that says so.
 */
#ifndef STORE_MEND_H
#define STORE_MEND_H

#include "archive.h"

struct mend {
	struct archive *to;         /* the wider step */
	const struct archive *from; /* the next finer one */
	uint32_t memory_from_s;     /* of to's step and this boot: memory has it from here on */
};

int mend_step(const struct mend *m);

#endif
