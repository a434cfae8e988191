/*
 * health - the state of each part of the agent, told by the parts and read by the API.
 *
 * Threads:  any; one short lock.
 * Memory:   health_open allocates, health_close frees; texts are copied and cut.
 * Errors:   0 or -errno.
 */
#ifndef BASE_HEALTH_H
#define BASE_HEALTH_H

#include "facility.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_PARTS 64u
#define HEALTH_FACILITIES 48u
#define HEALTH_NAME 32u
#define HEALTH_REASON 160u

/* Info: off because nobody asked for it. */
enum health_status { HEALTH_HEALTHY, HEALTH_INFO, HEALTH_DEGRADED, HEALTH_UNHEALTHY };

struct health;

struct health_part {
	char name[HEALTH_NAME];
	char reason[HEALTH_REASON]; /* "" where there is nothing to say */
	int64_t since_ms;           /* wall clock: when it took its status */
	enum health_status status;
};

int health_open(struct health **out); /* -ENOMEM; not ready, "starting" */
void health_close(struct health *h);  /* NULL is allowed */

/* The newest state of a part; since stays while the status does. -ENOSPC: too many parts. */
int health_put(struct health *h, const char *name, enum health_status status, const char *reason,
	       int64_t wall_ms);
void health_drop(struct health *h, const char *name); /* it is no part any more, if it was one */
size_t health_list(struct health *h, struct health_part *out, size_t room);
enum health_status health_worst(struct health *h);
const char *health_status_name(enum health_status status);

/* How a facility of the kernel stands now, by its set and name. -ENOSPC: too many. */
int health_facility_put(struct health *h, const struct facility *facility);
size_t health_facilities(struct health *h, struct facility *out, size_t room);

/* Readiness is told by main: everything that was to be attached is. reason: why not. */
void health_ready_put(struct health *h, bool ready, const char *reason);
bool health_ready_get(struct health *h, char reason[HEALTH_REASON]);

#endif
