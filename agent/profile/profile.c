#include "profile.h"

#include "naming.h"
#include "profile_event.h"
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROFILE_SECOND_NS UINT64_C(1000000000)
#define PROFILE_FILES_WAIT_NS 1000000000L
#define PROFILE_SAMPLES_MAX (1u << 20)

struct profile_target {
	uint64_t key;
	int32_t pid;
	uint32_t gone; /* second in which it ended; 0: it has not */
	char service[72];
};

struct profile {
	struct profile_config config;
	pthread_mutex_t lock;
	pthread_cond_t came; /* the files that were asked for */
	struct ring *ring;
	struct stacks *stacks;
	struct profile_target *targets;
	uint32_t target_count, target_room;
	uint32_t second; /* of the profile_read under way */
	struct symbols_file files[SYMBOLS_FILES];
	uint32_t file_count;
	uint64_t files_key; /* 0: none are asked for */
	bool files_complete;
	uint64_t taken, dropped, unknown;
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
	pthread_condattr_t attr;
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
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->came, &attr);
	pthread_condattr_destroy(&attr);
	*out = p;
	return 0;
}

static void profile_files_close(struct profile *p)
{
	for (uint32_t i = 0; i < p->file_count; i++)
		if (p->files[i].fd >= 0)
			close(p->files[i].fd);
	p->file_count = 0;
	p->files_key = 0;
	p->files_complete = false;
}

void profile_close(struct profile *p)
{
	if (!p)
		return;
	profile_files_close(p);
	ring_close(p->ring);
	stacks_close(p->stacks);
	pthread_cond_destroy(&p->came);
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
	p->taken = taken;
	p->dropped = dropped;
	pthread_mutex_unlock(&p->lock);
}

int profile_target_put(struct profile *p, uint64_t key, int32_t pid, const char *service)
{
	uint32_t room = p->target_room ? p->target_room * 2 : 64;
	struct profile_target *t;
	int result = 0;

	pthread_mutex_lock(&p->lock);
	if (p->target_count == p->target_room) {
		t = realloc(p->targets, room * sizeof(*t));
		if (t) {
			p->targets = t;
			p->target_room = room;
		} else {
			result = -ENOMEM;
		}
	}
	if (!result) {
		t = &p->targets[p->target_count++];
		*t = (struct profile_target){ .key = key, .pid = pid };
		snprintf(t->service, sizeof(t->service), "%s", service);
	}
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
	if (!sample.key)
		p->unknown++;
	else
		stacks_put(p->stacks, &sample); /* what finds no room is counted there */
}

void profile_read(struct profile *p, uint64_t now_ns)
{
	pthread_mutex_lock(&p->lock);
	p->second = (uint32_t)(now_ns / PROFILE_SECOND_NS);
	if (p->ring)
		ring_read(p->ring, profile_sample, p);
	stacks_expire(p->stacks, p->second);
	profile_targets_expire(p);
	pthread_mutex_unlock(&p->lock);
}

void profile_file_put(struct profile *p, uint64_t key, const struct symbols_file *file)
{
	bool taken = false;

	pthread_mutex_lock(&p->lock);
	if (key && key == p->files_key && p->file_count < SYMBOLS_FILES) {
		p->files[p->file_count++] = *file;
		taken = true;
	}
	pthread_mutex_unlock(&p->lock);
	if (!taken && file->fd >= 0)
		close(file->fd);
}

void profile_files_end(struct profile *p, uint64_t key)
{
	pthread_mutex_lock(&p->lock);
	if (key == p->files_key) {
		p->files_complete = true;
		pthread_cond_signal(&p->came);
	}
	pthread_mutex_unlock(&p->lock);
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
			struct profile_copy *out, uint32_t *processes)
{
	uint64_t *keys = NULL;
	uint32_t now = (uint32_t)(now_ns / PROFILE_SECOND_NS);
	struct stacks_range range = { .to = UINT32_MAX };
	int result = p->ring ? 0 : -ENOTSUP;

	range.from = now >= scope->seconds ? now - scope->seconds + 1 : 0;
	if (!result)
		keys = calloc((size_t)p->target_count + 1, sizeof(*keys));
	if (!result && !keys)
		result = -ENOMEM;
	if (!result) {
		range.keys = keys;
		range.key_count = *processes = profile_scope_keys(p, scope, keys);
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

/* Waits until they are there. NULL, or why there are none. */
static const char *profile_files(struct profile *p, uint64_t key)
{
	struct timespec until;
	bool complete;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PROFILE_FILES_WAIT_NS / 1000000000L;
	pthread_mutex_lock(&p->lock);
	profile_files_close(p);
	p->files_key = key;
	pthread_mutex_unlock(&p->lock);
	if (p->config.ask(p->config.ctx, key))
		return "the broker could not be asked for its files";
	pthread_mutex_lock(&p->lock);
	while (!p->files_complete && !pthread_cond_timedwait(&p->came, &p->lock, &until))
		continue;
	complete = p->files_complete;
	p->files_key = 0; /* whatever still comes is closed */
	pthread_mutex_unlock(&p->lock);
	if (!complete)
		return "its files did not come in time";
	return p->file_count ? NULL : "it has ended, or its files may not be read";
}

static int profile_name(struct profile *p, struct profile_copy *c, struct graph *g)
{
	int result = 0;
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
			problem = profile_files(p, c->stacks[from].key);
			q.files = p->files;
			q.file_count = p->file_count;
		}
		result = naming_add(g, c->stacks + from, (uint32_t)(to - from), &q, problem);
	}
	pthread_mutex_lock(&p->lock);
	profile_files_close(p);
	pthread_mutex_unlock(&p->lock);
	return result;
}

static uint64_t profile_lost(const struct profile *p)
{
	struct stacks_counts counts;

	stacks_counts_get(p->stacks, &counts);
	return p->dropped + p->unknown + counts.no_room + counts.early;
}

int profile_graph(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
		  struct graph **out)
{
	struct profile_copy copy = { 0 };
	struct graph *g;
	int result = graph_open(&g);

	*out = NULL;
	if (result)
		return result;
	profile_read(p, now_ns); /* up to now, not up to the last second's look */
	pthread_mutex_lock(&p->lock);
	g->lost = profile_lost(p);
	g->hz = PROFILE_HZ;
	g->seconds = scope->seconds;
	result = profile_copy(p, scope, now_ns, &copy, &g->processes);
	pthread_mutex_unlock(&p->lock);
	if (!result)
		result = profile_name(p, &copy, g);
	free(copy.stacks);
	free(copy.addresses);
	if (result)
		graph_close(g);
	else
		*out = g;
	return result;
}
