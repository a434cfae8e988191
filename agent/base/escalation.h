/*
 * escalation - one level beyond the first: from which notice on, and to whom.
 *
 * Threads:  a value.
 * Memory:   none.
 * Errors:   -EINVAL with the reason.
 * As text: "after=3 notify=mail notify=phone when=service-impacting".
 */
#ifndef BASE_ESCALATION_H
#define BASE_ESCALATION_H

#include "channel.h"

#define ESCALATION_MOST 1000 /* notices */

struct escalation {
	uint32_t after; /* the notice in a row that is the first of this level */
	bool impacting; /* only of rules that are service_impacting */
	char notify[CHANNEL_MAX][CHANNEL_NAME];
	uint32_t count;
};

int escalation_parse(const char *text, struct escalation *out, const char **reason);

#endif
