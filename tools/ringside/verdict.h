/*
 * verdict - what alerts did in a scenario, beside what was expected of them.
 *
 * Threads:  one.
 * Memory:   verdict_init takes none; verdict_fini frees.
 * Errors:   -ENOMEM, also when it was kept inside until then; -E2BIG: more than SCENARIO_ROWS.
 * Compared: `firing` (also with another severity) and `resolved` of each alert; `pending` and
 *           `notice` where the scenario expects one at all.
 */
#ifndef RINGSIDE_VERDICT_H
#define RINGSIDE_VERDICT_H

#include "scenario.h"

#include <stdio.h>

struct verdict {
	const struct scenario *scenario;
	struct scenario_turn *turns;
	size_t count, room;
	int error;
	uint32_t now_s;
	bool all;        /* shipped rules, too */
	bool *is_met;    /* by turn */
	bool *is_missed; /* by what was expected */
	size_t missed, extra;
};

void verdict_init(struct verdict *v, const struct scenario *scenario);
void verdict_fini(struct verdict *v);

/* An engine_turned_fn; what an alert did at now_s. */
void verdict_turned(void *verdict, const struct engine_turn *turn);

int verdict_compare(struct verdict *v);

void verdict_print(const struct verdict *v, FILE *out);
int verdict_json(const struct verdict *v, FILE *out);

#endif
