#include "bare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bare_one {
	struct bare_one *next;
	struct bare_one *beside;      /* in its bucket */
	struct capture_target target; /* the sink's, from seen to gone */
	struct drain_counters news;   /* not told yet */
	struct drain_ledger ledger;
};

static struct bare_one **bare_find(struct bare *b, uint64_t key)
{
	struct bare_one **at = &b->first;

	while (*at && (*at)->target.key != key)
		at = &(*at)->next;
	return at;
}

static uint32_t bare_bucket(int32_t pid)
{
	return (uint32_t)pid & (BARE_BUCKETS - 1);
}

int bare_add(struct bare *b, const struct drain_sink *sink, const struct capture_target *target)
{
	struct bare_one *one;

	if (*bare_find(b, target->key))
		return 0; /* told twice: a new worker also reads what its predecessor left */
	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	one->target = *target;
	one->next = b->first;
	b->first = one;
	one->beside = b->by_pid[bare_bucket(target->pid)];
	b->by_pid[bare_bucket(target->pid)] = one;
	b->told++;
	sink->seen(sink->ctx, &one->target);
	return 0;
}

void bare_died(struct bare *b, const struct drain_sink *sink, uint64_t key, uint64_t now_ns)
{
	struct bare_one **at = bare_find(b, key), *one = *at, **beside;

	if (!one)
		return;
	*at = one->next;
	beside = &b->by_pid[bare_bucket(one->target.pid)];
	while (*beside != one)
		beside = &(*beside)->beside;
	*beside = one->beside;
	b->told++;
	sink->gone(sink->ctx, &one->target, now_ns);
	free(one);
}

struct bare_one *bare_by_pid(const struct bare *b, int32_t pid)
{
	struct bare_one *one = b->by_pid[bare_bucket(pid)];

	while (one && one->target.pid != pid)
		one = one->beside;
	return one;
}

struct drain_counters *bare_news(struct bare_one *one)
{
	return &one->news;
}

void bare_request(struct bare *b, const struct drain_sink *sink, struct bare_one *one,
		  const struct drain_request *request)
{
	one->news.counted[RS_KIND_REQUEST]++;
	one->news.pushed[RS_KIND_REQUEST]++;
	one->ledger.delivered[RS_KIND_REQUEST]++;
	b->told++;
	sink->request(sink->ctx, &one->target, request);
}

void bare_lost(struct bare *b, uint64_t key, const uint64_t status[RS_STATUS_CLASSES])
{
	struct bare_one *one = *bare_find(b, key);

	for (uint32_t i = 0; one && i < RS_STATUS_CLASSES; i++) {
		one->news.begun += status[i];
		one->news.requests += status[i];
		one->news.status[i] += status[i];
		one->news.counted[RS_KIND_REQUEST] += status[i];
		one->news.dropped[RS_KIND_REQUEST] += status[i];
	}
}

void bare_book(struct bare *b, const struct drain_sink *sink, uint64_t now_ns)
{
	static const struct drain_counters none;

	for (struct bare_one *one = b->first; one; one = one->next) {
		if (!memcmp(&one->news, &none, sizeof(none)))
			continue;
		b->told++;
		sink->counters(sink->ctx, &one->target, &one->news, &one->ledger, now_ns, false);
		one->news = none;
	}
}

void bare_fini(struct bare *b)
{
	memset(b->by_pid, 0, sizeof(b->by_pid));
	while (b->first) {
		struct bare_one *one = b->first;

		b->first = one->next;
		free(one);
	}
}
