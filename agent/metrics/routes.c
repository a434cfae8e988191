#include "routes.h"

#include "pattern.h"

#include <stdlib.h>
#include <string.h>

#define ROUTES_PRIME UINT64_C(0x9e3779b97f4a7c15)

_Static_assert((REGISTRY_SERVICES + 1) * (METRICS_ROUTES + 1) <= UINT16_MAX, "a number each");

static uint64_t routes_hash(const char *path, size_t length, uint8_t method)
{
	uint64_t hash = (length << 8 | method) * ROUTES_PRIME, word = 0;

	for (size_t i = 0; i + 8 <= length; i += 8) {
		memcpy(&word, path + i, 8);
		hash = (hash ^ word) * ROUTES_PRIME;
		hash ^= hash >> 32;
	}
	word = 0;
	for (size_t i = length & ~(size_t)7; i < length; i++)
		word = word << 8 | (uint8_t)path[i];
	hash = (hash ^ word) * ROUTES_PRIME;
	return hash ^ hash >> 29;
}

static struct route **routes_bucket(struct service *service, uint64_t hash)
{
	return &service->table[hash & (REGISTRY_ROUTE_TABLE - 1)];
}

/* One that gave way to another keeps its number, so that numbers do not run out. */
static struct route *routes_take(struct registry *registry)
{
	struct route *route = registry->spare_routes;
	uint16_t number;

	if (!route) {
		route = calloc(1, sizeof(*route));
		if (route)
			route->number = registry->route_count++;
		return route;
	}
	registry->spare_routes = route->chain;
	number = route->number;
	memset(route, 0, sizeof(*route));
	route->number = number;
	return route;
}

static struct route *routes_new(struct registry *registry, struct service *service, uint8_t method,
				const char *path)
{
	struct route *route = routes_take(registry);

	if (!route)
		return NULL;
	strncpy(route->path, path, sizeof(route->path) - 1);
	route->length = (uint32_t)strlen(route->path);
	route->hash = routes_hash(route->path, route->length, method);
	route->method = method;
	route->service = service;
	route->fresh = registry->fresh_routes;
	registry->fresh_routes = route;
	return route;
}

static struct route *routes_other(struct registry *registry, struct service *service,
				  enum metrics_other why)
{
	if (!service->other)
		service->other = routes_new(registry, service, RS_METHOD_OTHER, REGISTRY_OTHER);
	if (service->other)
		atomic_fetch_or_explicit(&service->other->why, 1u << why, memory_order_relaxed);
	return service->other;
}

static struct route *routes_known(struct service *service, uint8_t method, const char *path)
{
	size_t length = strlen(path);
	uint64_t hash = routes_hash(path, length, method);
	struct route *route = *routes_bucket(service, hash);

	while (route && (route->hash != hash || route->length != length ||
			 route->method != method || memcmp(route->path, path, length) != 0))
		route = route->chain;
	return route;
}

static void routes_insert(struct service *service, struct route *route, bool stray)
{
	struct route **head = routes_bucket(service, route->hash);

	route->chain = *head;
	*head = route;
	route->stray = stray;
	service->route_count++;
	service->strays += stray;
}

static void routes_remove(struct service *service, struct route *route)
{
	struct route **at = routes_bucket(service, route->hash);

	while (*at != route)
		at = &(*at)->chain;
	*at = route->chain;
	service->route_count--;
	service->strays -= route->stray;
}

static const char *routes_pattern(const struct registry *registry, const char *path)
{
	for (uint32_t i = 0; i < registry->pattern_count; i++) {
		if (pattern_matches(registry->patterns[i], path))
			return registry->patterns[i];
	}
	return NULL;
}

/* What is taken in. */
enum routes_lesson { ROUTES_NOTHING, ROUTES_SERVED, ROUTES_REFUSED };

/* False: only requests that were refused are known by this name. */
static bool routes_call(const struct registry *registry, struct service *service, const char *path,
			enum routes_lesson lesson, char out[RS_PATH_BYTES + 1])
{
	const char *pattern = routes_pattern(registry, path);

	if (pattern) {
		memcpy(out, pattern, strlen(pattern) + 1);
		return true;
	}
	if (template_name(&service->served, path, lesson == ROUTES_SERVED, out))
		return true;
	template_name(&service->refused, path, lesson == ROUTES_REFUSED, out);
	return lesson == ROUTES_SERVED;
}

struct route *routes_find(struct registry *registry, struct service *service,
			  const struct routes_ask *ask)
{
	char name[RS_PATH_BYTES + 1];
	struct route *route;
	bool stray;

	if (!ask->path[0] || strlen(ask->path) > RS_PATH_BYTES ||
	    !strcmp(ask->path, REGISTRY_OTHER))
		return routes_other(registry, service, METRICS_OTHER_UNKNOWN);
	stray = !routes_call(registry, service, ask->path,
			     ask->refused ? ROUTES_REFUSED : ROUTES_SERVED, name);
	route = routes_known(service, ask->method, name);
	if (route) {
		service->strays -= route->stray && !stray;
		route->stray = route->stray && stray;
		return route;
	}
	if (service->route_count >= METRICS_ROUTES)
		return routes_other(registry, service, METRICS_OTHER_FULL);
	if (stray && service->strays >= ROUTES_STRAYS)
		return routes_other(registry, service, METRICS_OTHER_REFUSED);
	route = routes_new(registry, service, ask->method, name);
	if (route)
		routes_insert(service, route, stray);
	return route;
}

void routes_name(struct registry *registry, struct service *service, const char *path,
		 char out[RS_PATH_BYTES + 1])
{
	routes_call(registry, service, path, ROUTES_NOTHING, out);
}

/* The route that it is to be from now on: there is a place for it, its own. */
static struct route *routes_heir(struct registry *registry, struct service *service,
				 const struct route *route, const char *name)
{
	struct route *heir = routes_known(service, route->method, name);

	if (heir) {
		service->strays -= heir->stray && !route->stray;
		heir->stray = heir->stray && route->stray;
		return heir;
	}
	heir = routes_new(registry, service, route->method, name);
	if (heir)
		routes_insert(service, heir, route->stray);
	return heir;
}

static void routes_unite(struct registry *registry, struct route *heir, struct route *route,
			 struct series_budget *budget)
{
	series_unite(&heir->account.series, &route->account.series, budget);
	lifetime_unite(&heir->account.lifetime, &route->account.lifetime);
	series_fini(&route->account.series, budget);
	route->chain = registry->spare_routes;
	registry->spare_routes = route;
}

/* Takes the route at *at out of the list when it is another one now. */
static bool routes_follow(struct registry *registry, struct service *service, struct route **at,
			  const struct routes_change *change)
{
	struct route *route = *at, *heir;
	char name[RS_PATH_BYTES + 1];

	if (route == service->other)
		return false;
	routes_name(registry, service, route->path, name);
	heir = strcmp(name, route->path) != 0 ? routes_heir(registry, service, route, name) : NULL;
	if (!heir)
		return false;
	change->renamed(change->ctx, route, name);
	*at = route->next;
	routes_remove(service, route);
	routes_unite(registry, heir, route, change->budget);
	return true;
}

bool routes_reroute(struct registry *registry, const struct routes_change *change)
{
	bool any = false;

	for (struct service *s = registry->services; s; s = s->next) {
		uint64_t lessons = s->served.changes + s->refused.changes;

		if (s->rerouted == lessons)
			continue;
		s->rerouted = lessons;
		for (struct route **at = &s->routes; *at;) {
			if (routes_follow(registry, s, at, change))
				any = true;
			else
				at = &(*at)->next;
		}
	}
	registry_link(registry);
	return any;
}
