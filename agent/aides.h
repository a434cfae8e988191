/*
 * aides - the broker's children that others can keep waiting, and what each must know of the other:
 *         the scout, who asks processes, and the keeper, who puts probes into files.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; aides_close ends both. They are asked by proc.h and uprobes.h meanwhile.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_AIDES_H
#define AGENT_AIDES_H

#include "keeper.h"
#include "outbox.h"
#include "scout.h"

struct aides {
	struct scout *scout;
	struct keeper *keeper;
};

int aides_open(struct aides *a);
void aides_close(struct aides *a); /* twice is fine */

/* Before anything is asked of them: who is suspected by one, and what keeps the other waiting. */
void aides_step(struct aides *a);
/* Each: tells how they stand. Are all probes in files gone? */
bool aides_second(struct aides *a, struct outbox *o);

#endif
