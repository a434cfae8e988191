/*
 * control - who is to record less because of what it costs, and who is to be silent: told to drain.
 *
 * Threads:  the worker's main thread.
 * Memory:   control_init takes none; control_fini frees what came since; pointers are borrowed.
 * Errors:   none; what finds no memory is tried again a second later.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include "governor.h"
#include "list.h"

struct control_item;
struct drain;
struct health;
struct metrics;

struct control {
	struct drain *drain;
	struct metrics *metrics;
	struct health *health;
	double budget; /* percent; 0: none */
	char off[256]; /* path of the off file */
	struct list list;
	struct control_item *items;
	uint32_t count, room;
	uint32_t next; /* where the next one stands, most likely: they come in the same order */
};

void control_init(struct control *c, const char *run_dir);
void control_fini(struct control *c);

/* Each second, behind metrics_sample. */
void control_second(struct control *c, int64_t wall_ms);

#endif
