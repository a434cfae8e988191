#include "profile.h"

#include "handover.h"
#include "naming.h"
#include "profile_event.h"
#include "ring.h"
#include "unwound.h"
#include "waited.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROFILE_SECOND_NS UINT64_C(1000000000)
#define PROFILE_SAMPLES_MAX (1u << 20)
#define PROFILE_ASLEEP "this kernel does not tell who slept already: who slept on is missing"

struct profile_target {
	uint64_t key;
	int32_t pid;
	uint32_t gone; /* second in which it ended; 0: it has not */
	char service[72];
};

struct profile {
	struct profile_config config;
	pthread_mutex_t lock;
	struct handover handover;
	struct ring *ring;
	struct stacks *stacks;
	struct profile_target *targets;
	uint32_t target_count, target_room;
	uint32_t second; /* of the profile_read under way */
	uint64_t taken, dropped, unknown;
	bool told; /* of taken and dropped, by the broker */
};

/* Copies of all stacks of a graph, of one process after another. */
struct profile_copy {
	struct naming_stack *stacks;
	uint64_t *addresses;
	size_t stack_count, stack_room, address_count, address_room;
};

int profile_open(struct profile **out, const struct profile_config *config)
{
	uint64_t samples = (uint64_t)STACKS_SPAN_S * PROFILE_HZ * (config->cpus ? config->cpus : 1);
	struct profile *p = calloc(1, sizeof(*p));
	int result;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->config = *config;
	samples += samples / 10; /* a clock that runs a little fast loses nothing */
	result = stacks_open(&p->stacks, samples < PROFILE_SAMPLES_MAX ? (uint32_t)samples
								       : PROFILE_SAMPLES_MAX);
	if (result) {
		free(p);
		return result;
	}
	pthread_mutex_init(&p->lock, NULL);
	p->handover.ask = config->ask;
	p->handover.unwind = config->unwind;
	p->handover.offcpu = config->offcpu;
	p->handover.ctx = config->ctx;
	handover_init(&p->handover);
	*out = p;
	return 0;
}

void profile_close(struct profile *p)
{
	if (!p)
		return;
	handover_fini(&p->handover);
	ring_close(p->ring);
	stacks_close(p->stacks);
	pthread_mutex_destroy(&p->lock);
	free(p->targets);
	free(p);
}

int profile_ring_put(struct profile *p, int fd, uint32_t bytes)
{
	struct ring *ring;
	int result = ring_open(&ring, fd, bytes);

	close(fd);
	if (result)
		return result;
	pthread_mutex_lock(&p->lock);
	ring_close(p->ring);
	p->ring = ring;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

void profile_kernel_put(struct profile *p, uint64_t taken, uint64_t dropped)
{
	pthread_mutex_lock(&p->lock);
	/* a new sampler begins at 0; what is told first was dropped before anybody asked here */
	if (p->told)
		stacks_lose(p->stacks, p->second,
			    dropped - (dropped < p->dropped ? 0 : p->dropped));
	p->told = true;
	p->taken = taken;
	p->dropped = dropped;
	pthread_mutex_unlock(&p->lock);
}

/* Once: a new worker also reads what its predecessor left on the link. */
static int profile_target_add(struct profile *p, uint64_t key, int32_t pid, const char *service)
{
	uint32_t room = p->target_room ? p->target_room * 2 : 64;
	struct profile_target *t;

	for (uint32_t i = p->target_count; i; i--)
		if (p->targets[i - 1].key == key)
			return 0;
	if (p->target_count == p->target_room) {
		t = realloc(p->targets, room * sizeof(*t));
		if (!t)
			return -ENOMEM;
		p->targets = t;
		p->target_room = room;
	}
	t = &p->targets[p->target_count++];
	*t = (struct profile_target){ .key = key, .pid = pid };
	snprintf(t->service, sizeof(t->service), "%s", service);
	return 0;
}

int profile_target_put(struct profile *p, uint64_t key, int32_t pid, const char *service)
{
	int result;

	pthread_mutex_lock(&p->lock);
	result = profile_target_add(p, key, pid, service);
	pthread_mutex_unlock(&p->lock);
	return result;
}

void profile_target_gone(struct profile *p, uint64_t key)
{
	pthread_mutex_lock(&p->lock);
	for (uint32_t i = 0; i < p->target_count; i++)
		if (p->targets[i].key == key && !p->targets[i].gone)
			p->targets[i].gone = p->second ? p->second : 1;
	pthread_mutex_unlock(&p->lock);
}

/* Whoever ended so long ago has no samples left. */
static void profile_targets_expire(struct profile *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->target_count; i++) {
		const struct profile_target *t = &p->targets[i];

		if (!t->gone || p->second - t->gone <= STACKS_SPAN_S)
			p->targets[kept++] = *t;
	}
	p->target_count = kept;
}

/* The newest of that pid: an ended one's last samples may still come in. */
static uint64_t profile_key(const struct profile *p, int32_t pid)
{
	for (uint32_t i = p->target_count; i; i--)
		if (p->targets[i - 1].pid == pid)
			return p->targets[i - 1].key;
	return 0;
}

static void profile_sample(void *ctx, const void *record, size_t bytes)
{
	const struct profile_sample *s = record;
	struct profile *p = ctx;
	struct stacks_sample sample = { .second = p->second };

	if (bytes < sizeof(s->head) ||
	    bytes < sizeof(s->head) +
			    ((size_t)s->head.kernel_count + s->head.user_count) * sizeof(uint64_t))
		return;
	sample.key = profile_key(p, (int32_t)s->head.pid);
	sample.kernel_count = s->head.kernel_count;
	sample.user_count = s->head.user_count;
	sample.addresses = (const uint64_t *)s->addresses;
	if (sample.key) {
		stacks_put(p->stacks, &sample); /* what finds no room is counted there */
		return;
	}
	p->unknown++;
	stacks_lose(p->stacks, p->second, 1);
}

void profile_read(struct profile *p, uint64_t now_ns)
{
	uint32_t second = (uint32_t)(now_ns / PROFILE_SECOND_NS);

	pthread_mutex_lock(&p->lock);
	if (second > p->second) /* who wants a graph asked for it a moment ago */
		p->second = second;
	if (p->ring)
		ring_read(p->ring, profile_sample, p);
	stacks_expire(p->stacks, p->second);
	profile_targets_expire(p);
	pthread_mutex_unlock(&p->lock);
}

void profile_file_put(struct profile *p, uint64_t key, const struct symbols_file *file)
{
	handover_file_put(&p->handover, key, file);
}

void profile_files_end(struct profile *p, uint64_t key)
{
	handover_files_end(&p->handover, key);
}

void profile_snapshots_put(struct profile *p, uint64_t key, int slots, int error)
{
	handover_slots_put(&p->handover, key, slots, error);
}

void profile_rows_put(struct profile *p, uint64_t key, int rows, int error)
{
	handover_rows_put(&p->handover, key, rows, error);
}

void profile_counts_get(struct profile *p, struct profile_counts *out)
{
	pthread_mutex_lock(&p->lock);
	*out = (struct profile_counts){ .taken = p->taken,
					.dropped = p->dropped,
					.unknown = p->unknown,
					.on = p->ring != NULL };
	stacks_counts_get(p->stacks, &out->stacks);
	pthread_mutex_unlock(&p->lock);
}

static int profile_copy_room(void **at, size_t wanted, size_t *room, size_t size)
{
	size_t more = *room ? *room : 1024;
	void *grown;

	while (more < wanted)
		more *= 2;
	if (more == *room)
		return 0;
	grown = realloc(*at, more * size);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*room = more;
	return 0;
}

/* Addresses may move while they grow: each stack keeps its place until all are there. */
static int profile_copy_one(void *ctx, const struct stack *stack, uint32_t samples)
{
	struct profile_copy *c = ctx;
	size_t count = (size_t)stack->kernel_count + stack->user_count;
	void *stacks = c->stacks, *addresses = c->addresses;
	int result =
		profile_copy_room(&stacks, c->stack_count + 1, &c->stack_room, sizeof(*c->stacks));

	c->stacks = stacks;
	if (!result)
		result = profile_copy_room(&addresses, c->address_count + count, &c->address_room,
					   sizeof(*c->addresses));
	c->addresses = addresses;
	if (result)
		return result;
	c->stacks[c->stack_count++] = (struct naming_stack){ .key = stack->key,
							     .samples = samples,
							     .kernel_count = stack->kernel_count,
							     .user_count = stack->user_count };
	memcpy(c->addresses + c->address_count, stack->addresses, count * sizeof(uint64_t));
	c->address_count += count;
	return 0;
}

static void profile_copy_place(struct profile_copy *c)
{
	const uint64_t *at = c->addresses;

	for (size_t i = 0; i < c->stack_count; i++) {
		c->stacks[i].addresses = at;
		at += (size_t)c->stacks[i].kernel_count + c->stacks[i].user_count;
	}
}

/* The keys that the scope means; their number. */
static uint32_t profile_scope_keys(const struct profile *p, const struct profile_scope *scope,
				   uint64_t *keys)
{
	uint32_t count = 0;

	for (uint32_t i = p->target_count; i; i--) {
		const struct profile_target *t = &p->targets[i - 1];

		if (scope->pid && (t->pid != scope->pid || count))
			continue;
		if (!scope->service || !strcmp(scope->service, t->service))
			keys[count++] = t->key;
	}
	return count;
}

static int profile_copy(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
			struct profile_copy *out, struct graph *g)
{
	uint64_t *keys = NULL;
	uint32_t now = (uint32_t)(now_ns / PROFILE_SECOND_NS);
	struct stacks_range range = { .to = UINT32_MAX };
	/* without targets there is nothing to sample, which is no fault */
	int result = p->ring || !p->target_count ? 0 : -ENOTSUP;

	range.from = now >= scope->seconds ? now - scope->seconds + 1 : 0;
	g->lost = stacks_lost(p->stacks, range.from, now);
	if (!result)
		keys = calloc((size_t)p->target_count + 1, sizeof(*keys));
	if (!result && !keys)
		result = -ENOMEM;
	if (!result) {
		range.keys = keys;
		range.key_count = g->processes = profile_scope_keys(p, scope, keys);
		result = range.key_count || !(scope->pid || scope->service)
				 ? stacks_each(p->stacks, &range, profile_copy_one, out)
				 : -ENOENT;
	}
	free(keys);
	profile_copy_place(out);
	return result;
}

static int profile_key_order(const void *left, const void *right)
{
	const struct naming_stack *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

static int profile_name(struct profile *p, struct profile_copy *c, struct graph *g)
{
	struct handover_files *files = calloc(1, sizeof(*files));
	int result = files ? 0 : -ENOMEM;
	uint32_t named = 0;

	if (c->stack_count)
		qsort(c->stacks, c->stack_count, sizeof(*c->stacks), profile_key_order);
	for (size_t from = 0, to; from < c->stack_count && !result; from = to) {
		struct symbols_question q = { .program = p->config.program,
					      .kallsyms = p->config.kallsyms };
		const char *problem = "too many processes in one profile";

		for (to = from; to < c->stack_count && c->stacks[to].key == c->stacks[from].key;)
			to++;
		if (named++ < PROFILE_NAMED) {
			problem = handover_files(&p->handover, c->stacks[from].key, files);
			q.files = files->files;
			q.file_count = files->count;
		}
		result = naming_add(g, c->stacks + from, (uint32_t)(to - from), &q, problem);
		handover_close(files);
	}
	free(files);
	return result;
}

/* The slots' bytes are seen by nobody but the symbolizer that unwinds them. */
static int profile_unwind_stacks(struct profile *p, uint64_t key, const struct profile_scope *scope,
				 const struct handover_files *files, struct unwound *out)
{
	struct unwound_question q = { .program = p->config.program,
				      .files = files->files,
				      .file_count = files->count,
				      .seconds = scope->seconds,
				      .cpus = p->config.cpus,
				      .over = scope->over };
	int result = handover_slots(&p->handover, key, scope->seconds, &q.slots);

	if (!result)
		result = unwound_ask(&q, key, out);
	handover_slots_end(&p->handover, key);
	if (q.slots >= 0)
		close(q.slots);
	return result;
}

/* With the files as they are when it begins: it may have ended when it is over. */
static int profile_unwind(struct profile *p, uint64_t key, const struct profile_scope *scope,
			  struct handover_files *files, struct graph *g)
{
	struct symbols_question q = { .program = p->config.program,
				      .kallsyms = p->config.kallsyms };
	const char *problem = handover_files(&p->handover, key, files);
	struct unwound unwound = { 0 };
	int result = profile_unwind_stacks(p, key, scope, files, &unwound);

	g->lost = unwound.lost;
	q.files = files->files;
	q.file_count = files->count;
	if (!result && unwound.count)
		result = naming_add(g, unwound.stacks, unwound.count, &q, problem);
	unwound_fini(&unwound);
	return result;
}

static int profile_offcpu(struct profile *p, uint64_t key, const struct profile_scope *scope,
			  struct handover_files *files, struct graph *g)
{
	struct symbols_question q = { .program = p->config.program,
				      .kallsyms = p->config.kallsyms };
	const char *problem = handover_files(&p->handover, key, files);
	const struct waited_question wait = { key, scope->seconds, scope->over };
	struct waited waited;
	int result = waited_ask(&p->handover, &wait, &waited);

	g->kind = GRAPH_OFFCPU;
	g->lost = waited.lost;
	g->span_ns = waited.span_ns;
	if (waited.asleep_unseen)
		snprintf(g->problem, sizeof(g->problem), "%s", PROFILE_ASLEEP);
	q.files = files->files;
	q.file_count = files->count;
	if (!result && waited.count)
		result = naming_add(g, waited.stacks, waited.count, &q, problem);
	waited_fini(&waited);
	return result;
}

/* Of one process, from now on. */
static int profile_next(struct profile *p, const struct profile_scope *scope, struct graph *g)
{
	struct handover_files *files;
	uint64_t key;
	int result;

	pthread_mutex_lock(&p->lock);
	key = profile_key(p, scope->pid);
	pthread_mutex_unlock(&p->lock);
	if (!key)
		return -ENOENT;
	files = calloc(1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	g->processes = 1;
	result = scope->offcpu ? profile_offcpu(p, key, scope, files, g)
			       : profile_unwind(p, key, scope, files, g);
	handover_close(files);
	free(files);
	return result;
}

static int profile_past(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
			struct graph *g)
{
	struct profile_copy copy = { 0 };
	int result;

	profile_read(p, now_ns); /* up to now, not up to the last second's look */
	pthread_mutex_lock(&p->lock);
	result = profile_copy(p, scope, now_ns, &copy, g);
	pthread_mutex_unlock(&p->lock);
	if (!result)
		result = profile_name(p, &copy, g);
	free(copy.stacks);
	free(copy.addresses);
	return result;
}

int profile_graph(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
		  struct graph **out)
{
	struct graph *g;
	int result = graph_open(&g);

	*out = NULL;
	if (result)
		return result;
	g->hz = PROFILE_HZ;
	g->seconds = scope->seconds;
	result = scope->unwind || scope->offcpu ? profile_next(p, scope, g)
						: profile_past(p, scope, now_ns, g);
	if (result)
		graph_close(g);
	else
		*out = g;
	return result;
}
