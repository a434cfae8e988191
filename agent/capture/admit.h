/*
 * admit - which processes the configuration wants watched, and how it calls them.
 *
 * Threads:  the broker's only one.
 * Memory:   admit_open copies the rules, admit_close frees them.
 * Errors:   0 or -errno.
 * A process is watched when a rule of targets.include matches (or there is none) and none of
 * targets.exclude. The first match of targets.names names one that did not name itself. Its ports
 * are its own, else those of its parent where that runs the same executable, as a cluster's does.
 */
#ifndef CAPTURE_ADMIT_H
#define CAPTURE_ADMIT_H

#include "accept.h"
#include "config.h"
#include "target.h"

#include <stdbool.h>

#define ADMIT_PORTS 64u /* of one process: more are not compared */

struct admit;

enum admit_verdict {
	ADMIT_YES,
	ADMIT_NO,
	ADMIT_LATER, /* a port decides, and it listens on none yet */
};

int admit_open(struct admit **out, const struct config *config);
void admit_close(struct admit *a); /* NULL is fine */

/* May name target->service. patient: it may still begin to listen. */
enum admit_verdict admit_judge(const struct admit *a, struct capture_target *target, bool patient);

/* The same as a reason to watch it or not; without rules all are wanted: a may be NULL. */
enum accept_reason admit_reason(const struct admit *a, struct capture_target *target, bool patient);

/* Does any rule look at ports, so that the verdict may change? */
bool admit_by_port(const struct admit *a);

/* The ports of a process, as its rules see them; how many. */
size_t admit_ports(const struct capture_target *target, uint16_t out[ADMIT_PORTS]);

/* May a rule of targets.attach name a process without the shim, and does one name this? */
bool admit_by_rule(const struct admit *a);
bool admit_attaches(const struct admit *a, struct capture_target *target);

#endif
