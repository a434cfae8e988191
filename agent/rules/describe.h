/*
 * describe - an alert as it stands, in a notice's form: what is known of it, a sentence and a link.
 *
 * Threads:  a pure function.
 * Memory:   none.
 * Errors:   none: what does not fit is cut.
 */
#ifndef RULES_DESCRIBE_H
#define RULES_DESCRIBE_H

#include "instances.h"

/* spec: of its rule; base: what links begin with. */
void describe_alert(const char *base, const struct spec *spec, const struct instance *i,
		    int64_t wall_ms, struct notice *out);

#endif
