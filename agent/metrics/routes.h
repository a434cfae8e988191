/*
 * routes - which route of its service a request belongs to: configured, learned, or "_other".
 *
 * Threads:  the drain thread; routes_reroute under the lock.
 * Memory:   of the service, within METRICS_ROUTES; routes that were united are kept and used again.
 * Errors:   NULL: no memory.
 *
 * Paths that were answered 4xx do not teach the service's templates: whoever looks for holes asks
 * for what does not exist. They have templates of their own and half of the routes.
 */
#ifndef METRICS_ROUTES_H
#define METRICS_ROUTES_H

#include "registry.h"

#define ROUTES_STRAYS (METRICS_ROUTES / 2)

struct routes_ask {
	const char *path; /* raw, a shape, or a route's name; "": not known */
	uint8_t method;
	bool refused; /* answered 4xx */
};

struct route *routes_find(struct registry *registry, struct service *service,
			  const struct routes_ask *ask);

/* As it would be called now. */
void routes_name(struct registry *registry, struct service *service, const char *path,
		 char out[RS_PATH_BYTES + 1]);

struct routes_change {
	struct series_budget *budget;
	void (*renamed)(void *ctx, const struct route *route,
			const char *name); /* before it goes */
	void *ctx;
};

/*
 * Routes whose name is another by what was learned since are united with those of that name. To be
 * called where nothing of them is under way: leaves rolled, accounts merged, all linked. True:
 * there were such.
 */
bool routes_reroute(struct registry *registry, const struct routes_change *change);

#endif
