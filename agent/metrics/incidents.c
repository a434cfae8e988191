#include "incidents.h"

#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INCIDENTS_TICK_NS UINT64_C(10000000)

void incidents_fini(struct incidents *in)
{
	restarts_fini(&in->restarts);
	while (in->services) {
		struct incidents_service *s = in->services;

		in->services = s->next;
		for (int i = 0; i < METRICS_INCIDENTS; i++)
			free(s->of[i]);
		free(s);
	}
}

static struct incidents_service *incidents_service(struct incidents *in, const char *name,
						   const char *environment)
{
	struct incidents_service *s = in->services;

	while (s && (strcmp(s->service, name) != 0 || strcmp(s->environment, environment) != 0))
		s = s->next;
	if (s)
		return s;
	if (in->count >= REGISTRY_SERVICES && strcmp(name, REGISTRY_OTHER) != 0)
		return incidents_service(in, REGISTRY_OTHER, "");
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	snprintf(s->service, sizeof(s->service), "%s", name);
	snprintf(s->environment, sizeof(s->environment), "%s", environment);
	s->told = true;
	s->next = in->services;
	in->services = s;
	in->count++;
	return s;
}

static void incidents_add(struct incidents_service *s, enum metrics_incident kind, uint32_t second)
{
	if (!s->of[kind])
		s->of[kind] = calloc(1, sizeof(*s->of[kind]));
	if (s->of[kind])
		occasions_add(s->of[kind], second);
}

static void incidents_note(struct incidents_service *s, unsigned int what, uint32_t second)
{
	if (what & RESTARTS_STARTED)
		incidents_add(s, METRICS_STARTS, second);
	if (what & RESTARTS_ENDED)
		incidents_add(s, METRICS_ENDS, second);
	if (what & RESTARTS_AGAIN)
		incidents_add(s, METRICS_RESTARTS, second);
}

/* The caller's own to change: restarts knows it by its address alone. */
static struct incidents_service *incidents_of(const void *service)
{
	return (struct incidents_service *)(uintptr_t)service;
}

void incidents_start(struct incidents *in, const struct capture_target *target, uint32_t second)
{
	struct incidents_service *s = incidents_service(in, target->service, target->environment);
	const struct restarts_start start = { .key = target->key,
					      .start_ticks = target->start_ticks,
					      .pid = target->pid,
					      .parent = target->parent,
					      .service = s };

	if (!s)
		return;
	s->told = s->told && target->kernel;
	incidents_note(s, restarts_start(&in->restarts, &start), second);
}

void incidents_end(struct incidents *in, uint64_t key, uint64_t end_ticks, uint32_t second)
{
	const void *service;
	unsigned int what = restarts_end(&in->restarts, key, end_ticks, &service);

	if (service)
		incidents_note(incidents_of(service), what, second);
}

void incidents_kill(struct incidents *in, uint64_t key, uint32_t second)
{
	const void *service = restarts_service(&in->restarts, key);

	if (service)
		incidents_add(incidents_of(service), METRICS_KILLS, second);
}

void incidents_count(const struct incidents *in, const struct incidents_scope *scope,
		     struct metrics_incidents *out)
{
	bool any = false, told = true;

	memset(out, 0, sizeof(*out));
	for (const struct incidents_service *s = in->services; s; s = s->next) {
		if ((scope->service && strcmp(scope->service, s->service) != 0) ||
		    (scope->environment && strcmp(scope->environment, s->environment) != 0))
			continue;
		any = true;
		told = told && s->told;
		for (int i = 0; i < METRICS_INCIDENTS; i++) {
			out->window[i] += (double)occasions_count(s->of[i], scope->from, scope->to);
			out->total[i] += s->of[i] ? (double)s->of[i]->total : 0;
		}
	}
	if (any && told)
		return;
	for (int i = METRICS_STARTS; i <= METRICS_RESTARTS; i++)
		out->window[i] = out->total[i] = METRICS_UNKNOWN;
}

static bool incidents_kills_told(const struct metrics *m, const struct metrics_scope *scope)
{
	for (const struct process *p = m->registry.processes; p; p = p->next)
		if (query_has_process(scope, p) && p->strain.known & STRAIN_KILLS)
			return true;
	return false;
}

void query_incidents(const struct metrics *m, const struct metrics_scope *scope,
		     const struct service *service, struct metrics_incidents *out)
{
	struct query_span span = query_span_of(m, scope);
	const struct incidents_scope of = { .service = service ? service->name : scope->service,
					    .environment = service ? service->environment : NULL,
					    .from = span.of.from,
					    .to = span.of.to };
	struct metrics_scope whose = { .service = of.service };

	incidents_count(&m->incidents, &of, out);
	if (!incidents_kills_told(m, &whose))
		out->window[METRICS_KILLS] = out->total[METRICS_KILLS] = METRICS_UNKNOWN;
}

/* Of a single process: whether it was killed. */
static void incidents_process(const struct metrics *m, const struct metrics_scope *scope,
			      struct metrics_incidents *out)
{
	struct query_span span = query_span_of(m, scope);

	for (int i = 0; i < METRICS_INCIDENTS; i++)
		out->window[i] = out->total[i] = METRICS_UNKNOWN;
	if (!incidents_kills_told(m, scope))
		return;
	out->window[METRICS_KILLS] = out->total[METRICS_KILLS] = 0;
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		uint32_t second = registry_second(p->killed_ns);

		if (!query_has_process(scope, p) || !p->killed_ns)
			continue;
		out->total[METRICS_KILLS]++;
		out->window[METRICS_KILLS] += second >= span.of.from && second < span.of.to;
	}
}

void metrics_incidents_get(struct metrics *m, const struct metrics_scope *scope,
			   struct metrics_incidents *out)
{
	pthread_mutex_lock(&m->lock);
	if (scope->pid)
		incidents_process(m, scope, out);
	else
		query_incidents(m, scope, NULL, out);
	pthread_mutex_unlock(&m->lock);
}

void metrics_started(struct metrics *m, const struct capture_target *target, uint64_t now_ns)
{
	pthread_mutex_lock(&m->lock);
	incidents_start(&m->incidents, target, registry_second(now_ns));
	pthread_mutex_unlock(&m->lock);
}

void metrics_ended(struct metrics *m, uint64_t key, uint64_t boot_ns, uint64_t now_ns)
{
	pthread_mutex_lock(&m->lock);
	incidents_end(&m->incidents, key, boot_ns / INCIDENTS_TICK_NS, registry_second(now_ns));
	pthread_mutex_unlock(&m->lock);
}

void metrics_killed(struct metrics *m, uint64_t key, uint64_t now_ns)
{
	pthread_mutex_lock(&m->lock);
	incidents_kill(&m->incidents, key, registry_second(now_ns));
	for (struct process *p = m->registry.processes; p; p = p->next)
		if (p->now.target.key == key)
			p->killed_ns = now_ns;
	pthread_mutex_unlock(&m->lock);
}
