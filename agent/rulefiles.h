/*
 * rulefiles - the broker's part in alert rules: it reads their files, which the worker may not, and
 *             hands them on whenever they changed.
 *
 * Threads:  the broker's.
 * Memory:   a value; the folder is borrowed.
 * Errors:   logged once; tried again each second.
 */
#ifndef AGENT_RULEFILES_H
#define AGENT_RULEFILES_H

#include <stdbool.h>
#include <stdint.h>

struct rulefiles {
	const char *folder; /* NULL: there are no alerts */
	int link;
	uint64_t mark; /* of what was sent; 0: nothing, or it is to be sent again */
	bool failed;   /* and that was said */
};

void rulefiles_second(struct rulefiles *r);
void rulefiles_again(struct rulefiles *r); /* a new worker, or somebody asks for it */

#endif
