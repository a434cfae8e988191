#include "refill.h"

#include "routes.h"

#include <errno.h>
#include <string.h>

static struct account *refill_account(struct metrics *m, const struct export_key *key)
{
	struct service *service = registry_service(&m->registry, key->service, key->environment);
	const struct routes_ask ask = { .path = key->route, .method = key->method };
	struct route *route;

	if (!service || key->kind == EXPORT_SERVICE)
		return service ? &service->account : NULL;
	route = routes_find(&m->registry, service, &ask);
	if (route && key->kind == EXPORT_STATEMENT)
		atomic_store_explicit(&route->is_statement, true, memory_order_relaxed);
	return route ? &route->account : NULL;
}

int metrics_refill(struct metrics *m, const struct export_key *key, const struct slot *slot)
{
	struct account *account;

	if (key->kind != EXPORT_SERVICE && key->kind != EXPORT_ROUTE &&
	    key->kind != EXPORT_STATEMENT)
		return -ENOTSUP;
	pthread_mutex_lock(&m->lock);
	account = refill_account(m, key);
	if (account)
		series_add(&account->series, slot, &m->budget);
	pthread_mutex_unlock(&m->lock);
	return account ? 0 : -ENOMEM;
}
