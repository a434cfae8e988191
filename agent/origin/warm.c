#include "warm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WARM_S_NS UINT64_C(1000000000)

struct warm {
	struct warm_config config;
	struct warm_job *first, **end; /* planned, the oldest first */
	struct warm_job *busy;         /* under way */
	uint32_t planned, under_way;
	uint64_t next_ns;  /* not before that is the next begun */
	uint64_t round_ns; /* when the schedule comes round */
};

int warm_open(struct warm **out, const struct warm_config *config, uint64_t now_ns, uint32_t random)
{
	struct warm *w = calloc(1, sizeof(*w));

	*out = w;
	if (!w)
		return -ENOMEM;
	w->config = *config;
	w->end = &w->first;
	w->round_ns = config->every_ns ? now_ns + (uint64_t)((double)config->every_ns *
							     ((double)random / UINT32_MAX))
				       : UINT64_MAX;
	return 0;
}

static void warm_free(struct warm_job *jobs)
{
	struct warm_job *next;

	for (; jobs; jobs = next) {
		next = jobs->next;
		free(jobs);
	}
}

void warm_close(struct warm *w)
{
	if (!w)
		return;
	warm_free(w->first);
	warm_free(w->busy);
	free(w);
}

static bool warm_has(const struct warm_job *jobs, const struct cache_bytes *key)
{
	for (; jobs; jobs = jobs->next)
		if (jobs->key.length == key->length && !memcmp(jobs->key.at, key->at, key->length))
			return true;
	return false;
}

int warm_add(struct warm *w, const struct cache_bytes *key, uint64_t ttl_s, void *who)
{
	struct warm_job *job;

	if (warm_has(w->first, key) || warm_has(w->busy, key))
		return -EEXIST;
	if (w->planned == WARM_KEYS)
		return -ENOSPC;
	job = malloc(sizeof(*job) + key->length);
	if (!job)
		return -ENOMEM;
	*job = (struct warm_job){ .key = { job + 1, key->length }, .ttl_s = ttl_s, .who = who };
	memcpy(job + 1, key->at, key->length);
	*w->end = job;
	w->end = &job->next;
	w->planned++;
	return 0;
}

struct warm_job *warm_next(struct warm *w, uint64_t now_ns)
{
	struct warm_job *job = w->first;

	if (!job || now_ns < w->next_ns || w->under_way == w->config.most)
		return NULL;
	w->next_ns = now_ns + WARM_S_NS / w->config.per_s;
	w->first = job->next;
	if (!w->first)
		w->end = &w->first;
	job->next = w->busy;
	w->busy = job;
	w->planned--;
	w->under_way++;
	return job;
}

void warm_done(struct warm *w, struct warm_job *job)
{
	struct warm_job **at = &w->busy;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	w->under_way--;
	free(job);
}

/* Rounds that were missed are not made up for. */
bool warm_is_time(struct warm *w, uint64_t now_ns)
{
	if (now_ns < w->round_ns)
		return false;
	w->round_ns = now_ns + w->config.every_ns;
	return true;
}

uint64_t warm_due_ns(const struct warm *w)
{
	bool waits = w->first && w->under_way < w->config.most;

	return waits && w->next_ns < w->round_ns ? w->next_ns : w->round_ns;
}
