#include "registry.h"

#include <stdlib.h>
#include <string.h>

struct service *registry_service(struct registry *registry, const char *name,
				 const char *environment)
{
	struct service *service = registry->known;

	while (service &&
	       (strcmp(service->name, name) != 0 || strcmp(service->environment, environment) != 0))
		service = service->known;
	if (service)
		return service;
	if (registry->service_count >= REGISTRY_SERVICES && strcmp(name, REGISTRY_OTHER) != 0)
		return registry_service(registry, REGISTRY_OTHER, "");
	service = calloc(1, sizeof(*service));
	if (!service)
		return NULL;
	strncpy(service->name, name, sizeof(service->name) - 1);
	strncpy(service->environment, environment, sizeof(service->environment) - 1);
	service->known = registry->known;
	registry->known = service;
	service->fresh = registry->fresh_services;
	registry->fresh_services = service;
	registry->service_count++;
	return service;
}

static struct process *registry_restored_take(struct registry *registry,
					      const struct capture_target *target)
{
	for (struct process **at = &registry->restored; *at; at = &(*at)->chain) {
		struct process *process = *at;

		if (process->news.target.pid != target->pid ||
		    process->news.target.start_ticks != target->start_ticks)
			continue;
		*at = process->chain;
		return process;
	}
	return NULL;
}

struct process *registry_process_new(struct registry *registry, const struct capture_target *target)
{
	struct process **head = &registry->table[target->key % REGISTRY_PROCESS_TABLE];
	struct service *service = registry_service(registry, target->service, target->environment);
	struct process *process = service ? registry_restored_take(registry, target) : NULL;

	if (!service)
		return NULL;
	if (!process)
		process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	/* One restored may be in the shared list already, under the name that it had then. */
	if (!process->is_linked) {
		process->service = service;
		process->account.parent = &service->account;
		process->reading =
			(struct metrics_reading){ METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
						  METRICS_UNKNOWN, false };
	}
	process->news.target = *target;
	process->news.gone_ns = 0;
	process->chain = *head;
	*head = process;
	registry_process_touch(registry, process);
	return process;
}

struct process *registry_process_find(struct registry *registry, uint64_t key)
{
	struct process *process = registry->table[key % REGISTRY_PROCESS_TABLE];

	while (process && process->news.target.key != key)
		process = process->chain;
	return process;
}

struct process *registry_linked(const struct registry *registry, uint64_t key)
{
	struct process *process = registry->processes;

	while (process && process->now.target.key != key)
		process = process->next;
	return process;
}

void registry_process_forget(struct registry *registry, struct process *process)
{
	struct process **at = &registry->table[process->news.target.key % REGISTRY_PROCESS_TABLE];

	while (*at && *at != process)
		at = &(*at)->chain;
	if (*at)
		*at = process->chain;
}

void registry_process_touch(struct registry *registry, struct process *process)
{
	if (process->is_dirty)
		return;
	process->is_dirty = true;
	process->dirty = registry->dirty_processes;
	registry->dirty_processes = process;
}

static void registry_link_process(struct registry *registry, struct process *process)
{
	if (!process->is_linked) {
		process->is_linked = true;
		process->next = registry->processes;
		registry->processes = process;
	}
	process->now = process->news;
	if (process->fresh_open) {
		free(process->open);
		process->open = process->fresh_open;
		process->fresh_open = NULL;
	}
	process->is_dirty = false;
}

void registry_link(struct registry *registry)
{
	while (registry->fresh_services) {
		struct service *service = registry->fresh_services;

		registry->fresh_services = service->fresh;
		service->next = registry->services;
		registry->services = service;
	}
	while (registry->fresh_routes) {
		struct route *route = registry->fresh_routes;

		registry->fresh_routes = route->fresh;
		route->next = route->service->routes;
		route->service->routes = route;
	}
	while (registry->dirty_processes) {
		struct process *process = registry->dirty_processes;

		registry->dirty_processes = process->dirty;
		registry_link_process(registry, process);
	}
}

static void registry_process_free(struct process *process, struct series_budget *budget)
{
	series_fini(&process->account.series, budget);
	means_fini(&process->means, budget);
	if (process->threads)
		procfs_threads_fini(process->threads);
	free(process->threads);
	free(process->open);
	free(process->fresh_open);
	free(process);
}

/* The one that ended first goes when there are too many: its service keeps what it did. */
static void registry_gone_limit(struct registry *registry, struct series_budget *budget)
{
	struct process **oldest = NULL, *process;
	uint32_t gone = 0;

	for (struct process **at = &registry->processes; *at; at = &(*at)->next) {
		if (!(*at)->now.gone_ns || (*at)->is_dirty)
			continue;
		gone++;
		if (!oldest || (*at)->now.gone_ns <= (*oldest)->now.gone_ns)
			oldest = at;
	}
	if (gone <= REGISTRY_GONE)
		return;
	process = *oldest;
	*oldest = process->next;
	for (struct process **at = &registry->restored; *at; at = &(*at)->chain) {
		if (*at == process) {
			*at = process->chain;
			break;
		}
	}
	registry_process_free(process, budget);
	registry_gone_limit(registry, budget);
}

static void registry_age_processes(struct registry *registry, uint32_t now,
				   struct series_budget *budget)
{
	for (struct process *process = registry->processes; process; process = process->next) {
		bool empty = series_age(&process->account.series, now, budget);
		uint64_t gone_ns = process->now.gone_ns;

		/* Marked as the oldest, so that it is the first to go. */
		if (empty && gone_ns && registry_second(gone_ns) + SERIES_SPAN < now)
			means_fini(&process->means, budget);
	}
	registry_gone_limit(registry, budget);
}

void registry_age(struct registry *registry, uint32_t now, struct series_budget *budget)
{
	registry_age_processes(registry, now, budget);
	for (struct service *service = registry->services; service; service = service->next) {
		series_age(&service->account.series, now, budget);
		for (struct route *route = service->routes; route; route = route->next)
			series_age(&route->account.series, now, budget);
	}
}

bool registry_shed(struct registry *registry, uint32_t now, uint32_t begin,
		   struct series_budget *budget)
{
	enum series_step step = series_shed_step(budget, now, begin);

	if (step == SERIES_STEPS)
		return false;
	for (struct process *process = registry->processes; process; process = process->next) {
		series_shed(&process->account.series, step, budget);
		means_shed(&process->means, step, budget);
	}
	for (struct service *service = registry->services; service; service = service->next) {
		series_shed(&service->account.series, step, budget);
		for (struct route *route = service->routes; route; route = route->next)
			series_shed(&route->account.series, step, budget);
	}
	return true;
}

void registry_fini(struct registry *registry, struct series_budget *budget)
{
	registry_link(registry);
	while (registry->processes) {
		struct process *process = registry->processes;

		registry->processes = process->next;
		registry_process_free(process, budget);
	}
	while (registry->services) {
		struct service *service = registry->services;

		registry->services = service->next;
		while (service->routes) {
			struct route *route = service->routes;

			service->routes = route->next;
			series_fini(&route->account.series, budget);
			free(route);
		}
		series_fini(&service->account.series, budget);
		template_fini(&service->served);
		template_fini(&service->refused);
		free(service->names);
		free(service);
	}
	while (registry->spare_routes) {
		struct route *route = registry->spare_routes;

		registry->spare_routes = route->chain;
		free(route);
	}
}
