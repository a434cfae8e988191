#include "warmer.h"

#include "heat.h"
#include "warm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARMER_S_NS UINT64_C(1000000000)

/* An order as it is done. */
struct warmer_batch {
	struct warmer_batch *next;
	const void *who; /* NULL: nobody asks for it */
	uint64_t left;   /* of its keys */
	int error;       /* not all that failed could be noted */
	struct warmer_report report;
};

/* Of one origin. */
struct warmer_lane {
	const struct origin_rule *rule;
	struct warm *warm;
};

struct warmer {
	struct through *through;
	struct heat *heat;
	struct warmer_batch *batches;
	struct warmer_counts counts;
	uint32_t count;
	struct warmer_lane lanes[ORIGIN_MAX];
};

/* One that is under way. */
struct warmer_load {
	struct warmer *warmer;
	struct warmer_lane *lane;
	struct warm_job *job;
};

static int warmer_open_lanes(struct warmer *w, uint64_t now_ns, uint32_t (*random)(void))
{
	const struct origin *o = through_origin(w->through);
	struct origin_state s;
	int ret = 0;

	for (; !ret && w->count < origin_count(o); w->count += !ret) {
		struct warmer_lane *lane = &w->lanes[w->count];
		struct warm_config config;

		origin_state_get(o, w->count, &s);
		lane->rule = origin_rule_of(o, &(struct cache_bytes){ s.prefix, strlen(s.prefix) });
		config = (struct warm_config){ .per_s = lane->rule->warm_per_s,
					       .most = (lane->rule->concurrency + 1) / 2,
					       .every_ns = lane->rule->warm_every_s * WARMER_S_NS };
		ret = warm_open(&lane->warm, &config, now_ns, random());
	}
	return ret;
}

int warmer_open(struct warmer **out, struct through *t, uint64_t now_ns, uint32_t (*random)(void))
{
	struct warmer *w = calloc(1, sizeof(*w));
	uint64_t hash_key[2];
	int ret;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->through = t;
	for (int i = 0; i < 2; i++)
		hash_key[i] = (uint64_t)random() << 32 | random();
	ret = heat_open(&w->heat, hash_key);
	if (!ret)
		ret = warmer_open_lanes(w, now_ns, random);
	if (ret)
		warmer_close(w);
	else
		*out = w;
	return ret;
}

void warmer_report_fini(struct warmer_report *r)
{
	struct warmer_failure *next;

	for (struct warmer_failure *f = r->failed; f; f = next) {
		next = f->next;
		free(f);
	}
	r->failed = NULL;
}

static void warmer_batch_close(struct warmer *w, struct warmer_batch *b)
{
	struct warmer_batch **at = &w->batches;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	warmer_report_fini(&b->report);
	free(b);
}

void warmer_close(struct warmer *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->count; i++)
		warm_close(w->lanes[i].warm);
	while (w->batches)
		warmer_batch_close(w, w->batches);
	heat_close(w->heat);
	free(w);
}

static struct warmer_lane *warmer_lane_of(struct warmer *w, const struct cache_bytes *key)
{
	const struct origin_rule *rule = origin_rule_of(through_origin(w->through), key);

	for (uint32_t i = 0; rule && i < w->count; i++)
		if (w->lanes[i].rule == rule)
			return &w->lanes[i];
	return NULL;
}

void warmer_asked(struct warmer *w, const struct cache_bytes *key)
{
	if (origin_rule_of(through_origin(w->through), key))
		heat_asked(w->heat, key);
}

uint32_t warmer_hottest(const struct warmer *w, const struct cache_bytes *prefix,
			struct cache_bytes *out, uint32_t most)
{
	return heat_top(w->heat, prefix, out, most);
}

/* why NULL: it was loaded. batch NULL: the schedule wanted it. */
static void warmer_book(struct warmer *w, struct warmer_batch *b, const struct cache_bytes *key,
			const char *why)
{
	struct warmer_failure *f;

	*(why ? &w->counts.failed : &w->counts.loaded) += 1;
	if (!b)
		return;
	b->report.loaded += !why;
	if (!why)
		return;
	f = malloc(sizeof(*f) + key->length);
	if (!f) {
		b->error = -ENOMEM;
		return;
	}
	*f = (struct warmer_failure){ .next = b->report.failed, .length = key->length };
	snprintf(f->reason, sizeof(f->reason), "%s", why);
	memcpy(f->key, key->at, key->length);
	b->report.failed = f;
}

static void warmer_end(struct warmer *w, struct warmer_lane *lane, struct warm_job *job,
		       const char *why)
{
	struct warmer_batch *b = job->who;

	warmer_book(w, b, &job->key, why);
	if (b && !--b->left && !b->who)
		warmer_batch_close(w, b);
	warm_done(lane->warm, job);
}

static void warmer_loaded(void *ctx, const char *why)
{
	struct warmer_load *load = ctx;

	warmer_end(load->warmer, load->lane, load->job, why);
	free(load);
}

static const char *warmer_reason(int error)
{
	switch (error) {
	case -EINVAL:
	case -ENAMETOOLONG:
		return "its origin can have no such key";
	case -EHOSTDOWN:
		return "its origin does not answer: it is not asked for now";
	case -ENOBUFS:
		return "too many wait for its origin";
	case -ENOENT:
		return "no origin has such keys";
	case -EEXIST:
		return "it is being loaded for somebody else";
	case -ENOSPC:
		return "too many are to be loaded already";
	default:
		return "out of memory";
	}
}

static void warmer_begin(struct warmer *w, struct warmer_lane *lane, struct warm_job *job)
{
	struct warmer_load *load = malloc(sizeof(*load));
	struct through_load how = { &job->key, job->ttl_s, warmer_loaded, load };
	int ret = -ENOMEM;

	if (load) {
		*load = (struct warmer_load){ w, lane, job };
		ret = through_load(w->through, &how);
	}
	if (!ret)
		return;
	free(load);
	warmer_end(w, lane, job, warmer_reason(ret));
}

static int warmer_plan(struct warmer *w, struct warmer_batch *b, const struct cache_bytes *key,
		       uint64_t ttl_s)
{
	struct warmer_lane *lane = warmer_lane_of(w, key);

	return lane ? warm_add(lane->warm, key, ttl_s, b) : -ENOENT;
}

int warmer_take(struct warmer *w, const struct warmer_order *order)
{
	struct warmer_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->who = order->who;
	b->next = w->batches;
	w->batches = b;
	for (size_t i = 0; i < order->count; i++) {
		int ret = warmer_plan(w, b, &order->keys[i], order->ttl_s);

		w->counts.ordered++;
		if (ret)
			warmer_book(w, b, &order->keys[i], warmer_reason(ret));
		else
			b->left++;
	}
	return 0;
}

static struct warmer_batch *warmer_batch_of(const struct warmer *w, const void *who)
{
	struct warmer_batch *b = w->batches;

	while (b && b->who != who)
		b = b->next;
	return b;
}

int warmer_told(struct warmer *w, const void *who, struct warmer_report *out)
{
	struct warmer_batch *b = warmer_batch_of(w, who);
	int ret;

	if (!b)
		return -ENOENT;
	if (b->left)
		return -EAGAIN;
	ret = b->error;
	*out = b->report;
	b->report.failed = NULL;
	if (ret)
		warmer_report_fini(out);
	warmer_batch_close(w, b);
	return ret;
}

void warmer_leave(struct warmer *w, const void *who)
{
	struct warmer_batch *b = warmer_batch_of(w, who);

	if (!b)
		return;
	b->who = NULL;
	if (!b->left)
		warmer_batch_close(w, b);
}

uint64_t warmer_due_ns(const struct warmer *w)
{
	uint64_t due_ns = UINT64_MAX;

	for (uint32_t i = 0; i < w->count; i++) {
		uint64_t lane_ns = warm_due_ns(w->lanes[i].warm);

		due_ns = lane_ns < due_ns ? lane_ns : due_ns;
	}
	return due_ns;
}

static void warmer_round(struct warmer *w, const struct warmer_lane *lane)
{
	const struct cache_bytes prefix = { lane->rule->prefix, strlen(lane->rule->prefix) };
	struct cache_bytes keys[HEAT_TOP];
	uint32_t count = heat_top(w->heat, &prefix, keys, lane->rule->warm_top);

	for (uint32_t i = 0; i < count; i++) {
		int ret = warmer_plan(w, NULL, &keys[i], 0);

		w->counts.scheduled++;
		if (ret && ret != -EEXIST)
			warmer_book(w, NULL, &keys[i], warmer_reason(ret));
	}
}

void warmer_step(struct warmer *w, uint64_t now_ns)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct warmer_lane *lane = &w->lanes[i];
		struct warm_job *job;

		if (warm_is_time(lane->warm, now_ns))
			warmer_round(w, lane);
		while ((job = warm_next(lane->warm, now_ns)))
			warmer_begin(w, lane, job);
	}
}

void warmer_counts_get(const struct warmer *w, struct warmer_counts *out)
{
	*out = w->counts;
}
