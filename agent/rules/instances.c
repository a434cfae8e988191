#include "instances.h"

#include <stdlib.h>
#include <string.h>

void instances_init(struct instances *all)
{
	memset(all, 0, sizeof(*all));
	all->max = INSTANCES_MAX;
}

void instances_fini(struct instances *all)
{
	while (all->first) {
		struct instance *i = all->first;

		all->first = i->next;
		free(i);
	}
	instances_init(all);
}

static uint32_t instances_mix(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 16777619u; /* FNV-1a, the NUL included */
	while (*text++);
	return hash;
}

static uint32_t instances_bucket(const char *rule, const struct notice_labels *labels)
{
	uint32_t hash = instances_mix(2166136261u, rule);

	hash = instances_mix(hash, labels->service);
	hash = instances_mix(hash, labels->environment);
	hash = instances_mix(hash, labels->route);
	return instances_mix(hash, labels->method) % INSTANCES_BUCKETS;
}

static bool instances_is(const struct instance *i, const char *rule,
			 const struct notice_labels *labels)
{
	return !strcmp(i->rule, rule) && !strcmp(i->labels.service, labels->service) &&
	       !strcmp(i->labels.environment, labels->environment) &&
	       !strcmp(i->labels.route, labels->route) && !strcmp(i->labels.method, labels->method);
}

struct instance *instances_find(const struct instances *all, const char *rule,
				const struct notice_labels *labels)
{
	struct instance *i = all->buckets[instances_bucket(rule, labels)];

	while (i && !instances_is(i, rule, labels))
		i = i->same;
	return i;
}

bool instances_has(const struct instances *all, const char *rule)
{
	const struct instance *i = all->first;

	while (i && strcmp(i->rule, rule) != 0)
		i = i->next;
	return i != NULL;
}

struct instance *instances_add(struct instances *all, const char *rule,
			       const struct notice_labels *labels)
{
	struct instance **bucket = &all->buckets[instances_bucket(rule, labels)];
	struct instance *i = all->count < all->max ? calloc(1, sizeof(*i)) : NULL;

	if (!i) {
		all->refused++;
		return NULL;
	}
	memcpy(i->rule, rule, strnlen(rule, SPEC_NAME - 1));
	i->labels = *labels;
	alarm_init(&i->alarm);
	i->next = all->first;
	i->same = *bucket;
	all->first = *bucket = i;
	all->count++;
	return i;
}

static void instances_unlink(struct instances *all, const struct instance *i)
{
	struct instance **at = &all->buckets[instances_bucket(i->rule, &i->labels)];

	while (*at != i)
		at = &(*at)->same;
	*at = i->same;
}

void instances_prune(struct instances *all, bool (*over)(void *ctx, const struct instance *i),
		     void *ctx)
{
	struct instance **at = &all->first;

	while (*at) {
		struct instance *i = *at;

		if (!over(ctx, i)) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		instances_unlink(all, i);
		free(i);
		all->count--;
	}
}
