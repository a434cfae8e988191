#include "fleet.h"

#include "gather.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FLEET_MS_NS INT64_C(1000000)

/* A question: somebody waits for its view, or has had it. */
struct fleet_place {
	struct view_ask ask;
	struct view *view; /* NULL: none yet */
	bool is_used, is_wanted;
	uint64_t asked_ns; /* the last time; while it is wanted: the first */
};

struct fleet {
	struct announce_config config;
	struct announce *announce;
	struct gather *gather;
	bool is_away;
	uint64_t away_ns; /* CLOCK_MONOTONIC: since when */
	int wake;
	pthread_mutex_t lock; /* of what follows */
	struct fleet_place places[FLEET_VIEWS];
	struct fleet_counts counts;
};

static void fleet_gathered(void *ctx, struct view *v);

int fleet_open(struct fleet **out, const struct announce_config *config)
{
	struct fleet *f = calloc(1, sizeof(*f));
	struct gather_config gather = { .redis = config->redis,
					.forget_ms = config->forget_ms,
					.now_ns = config->now_ns,
					.done = fleet_gathered,
					.ctx = f };
	int ret;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	f->config = *config;
	pthread_mutex_init(&f->lock, NULL);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = f->wake < 0 ? -errno : announce_open(&f->announce, config);
	if (!ret)
		ret = gather_open(&f->gather, &gather);
	if (ret) {
		fleet_close(f);
		return ret;
	}
	f->is_away = true;
	f->away_ns = config->now_ns();
	*out = f;
	return 0;
}

void fleet_close(struct fleet *f)
{
	if (!f)
		return;
	gather_close(f->gather);
	announce_close(f->announce);
	for (uint32_t i = 0; i < FLEET_VIEWS; i++)
		view_put(f->places[i].view);
	if (f->wake >= 0)
		close(f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

int fleet_fd(const struct fleet *f)
{
	return f->wake;
}

/* With the lock. */
static struct fleet_place *fleet_place_of(struct fleet *f, const struct view_ask *ask)
{
	for (uint32_t i = 0; i < FLEET_VIEWS; i++)
		if (f->places[i].is_used && view_is_same(&f->places[i].ask, ask))
			return &f->places[i];
	return NULL;
}

/* One that is free, or that nobody waits for and nobody asked for longest. NULL: there is none. */
static struct fleet_place *fleet_place_free(struct fleet *f)
{
	struct fleet_place *oldest = NULL;

	for (uint32_t i = 0; i < FLEET_VIEWS; i++) {
		struct fleet_place *p = &f->places[i];

		if (!p->is_used)
			return p;
		if (!p->is_wanted && (!oldest || p->asked_ns < oldest->asked_ns))
			oldest = p;
	}
	return oldest;
}

static bool fleet_is_fresh(const struct view *v, uint64_t now_ns)
{
	uint64_t good_ns = v->ask.sums ? FLEET_FRESH_NS : FLEET_HOSTS_NS;

	if (*v->fault)
		good_ns = FLEET_FAULT_NS;
	return now_ns < v->made_ns + good_ns;
}

static int fleet_ask_locked(struct fleet *f, const struct view_ask *ask, uint64_t now_ns,
			    struct view **out)
{
	struct fleet_place *p = fleet_place_of(f, ask);

	if (p && p->view && fleet_is_fresh(p->view, now_ns)) {
		p->asked_ns = now_ns;
		*out = view_get(p->view);
		return 0;
	}
	if (!p) {
		p = fleet_place_free(f);
		if (!p)
			return -ENOBUFS;
		view_put(p->view);
		*p = (struct fleet_place){ .ask = *ask, .is_used = true };
	}
	if (!p->is_wanted) { /* with each time that it is asked again none would be the first */
		p->asked_ns = now_ns;
		eventfd_write(f->wake, 1);
	}
	p->is_wanted = true;
	return -EAGAIN;
}

int fleet_ask(struct fleet *f, const struct view_ask *ask, uint64_t now_ns, struct view **out)
{
	int ret;

	pthread_mutex_lock(&f->lock);
	ret = fleet_ask_locked(f, ask, now_ns, out);
	pthread_mutex_unlock(&f->lock);
	return ret;
}

/* The one that is waited for longest. False: none is. */
static bool fleet_wanted(struct fleet *f, struct view_ask *out)
{
	const struct fleet_place *first = NULL;

	pthread_mutex_lock(&f->lock);
	for (uint32_t i = 0; i < FLEET_VIEWS; i++)
		if (f->places[i].is_wanted && (!first || f->places[i].asked_ns < first->asked_ns))
			first = &f->places[i];
	if (first)
		*out = first->ask;
	pthread_mutex_unlock(&f->lock);
	return first != NULL;
}

static void fleet_count(struct fleet *f, const struct view *v)
{
	struct fleet_counts *c = &f->counts;

	c->views++;
	c->cut += v->cut != NULL;
	c->faults += *v->fault != '\0';
	c->keys += v->keys;
	c->bytes += v->bytes;
	c->refused += v->refused;
	if (*v->fault)
		return;
	c->hosts = v->muster.count;
	c->gone = muster_count(&v->muster, MUSTER_GONE);
	c->unread = muster_count(&v->muster, MUSTER_UNREAD);
}

/* v goes to whoever waits for it. */
static void fleet_give(struct fleet *f, struct view *v)
{
	struct fleet_place *p;

	pthread_mutex_lock(&f->lock);
	fleet_count(f, v);
	p = fleet_place_of(f, &v->ask);
	if (p) {
		view_put(p->view);
		p->view = v;
		p->is_wanted = false;
	} else {
		view_put(v);
	}
	pthread_mutex_unlock(&f->lock);
}

/* Since when it, or a node of it, does not answer, by the wall clock; 0: all do. */
static int64_t fleet_since_ms(const struct fleet *f, const struct redis_state *s)
{
	uint64_t since_ns = f->is_away ? f->away_ns : s->since_ns;

	if (!f->is_away && s->circuit == BREAKER_CLOSED)
		return 0;
	return f->config.wall_ms() - (int64_t)(f->config.now_ns() - since_ns) / FLEET_MS_NS;
}

static void fleet_gathered(void *ctx, struct view *v)
{
	struct redis_state state;
	struct fleet *f = ctx;

	redis_state_get(f->config.redis, &state);
	v->since_ms = *v->fault ? fleet_since_ms(f, &state) : 0;
	fleet_give(f, v);
	eventfd_write(f->wake, 1); /* others may wait for another one */
}

static void fleet_give_fault(struct fleet *f, const struct view_ask *ask,
			     const struct redis_state *s)
{
	struct view *v = view_open(ask);

	if (!v)
		return; /* whoever waits is told that it takes too long */
	v->made_ns = f->config.now_ns();
	v->since_ms = fleet_since_ms(f, s);
	if (s->fault == REDIS_FINE)
		snprintf(v->fault, sizeof(v->fault), "it is being connected");
	else
		snprintf(v->fault, sizeof(v->fault), "%s: %.150s", redis_fault_name(s->fault),
			 s->text);
	fleet_give(f, v);
}

static void fleet_watch(struct fleet *f, const struct redis_state *s)
{
	if (f->is_away == s->ready)
		f->away_ns = f->config.now_ns();
	f->is_away = !s->ready;
}

void fleet_step(struct fleet *f)
{
	struct redis_state state;
	struct view_ask ask;
	eventfd_t told;

	eventfd_read(f->wake, &told);
	if (gather_is_busy(f->gather) || !fleet_wanted(f, &ask))
		return;
	redis_state_get(f->config.redis, &state);
	fleet_watch(f, &state);
	if (!state.ready || gather_begin(f->gather, &ask)) {
		fleet_give_fault(f, &ask, &state);
		eventfd_write(f->wake, 1);
	}
}

/* With the lock: those that nobody is given any more. */
static void fleet_forget(struct fleet *f, uint64_t now_ns)
{
	for (uint32_t i = 0; i < FLEET_VIEWS; i++) {
		struct fleet_place *p = &f->places[i];

		if (!p->view || p->is_wanted || fleet_is_fresh(p->view, now_ns))
			continue;
		view_put(p->view);
		*p = (struct fleet_place){ .is_used = false };
	}
}

void fleet_second(struct fleet *f)
{
	struct redis_state state;

	redis_state_get(f->config.redis, &state);
	fleet_watch(f, &state);
	announce_second(f->announce, state.ready);
	pthread_mutex_lock(&f->lock);
	announce_state_get(f->announce, &f->counts.announce);
	fleet_forget(f, f->config.now_ns());
	pthread_mutex_unlock(&f->lock);
}

void fleet_counts_get(struct fleet *f, struct fleet_counts *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->counts;
	pthread_mutex_unlock(&f->lock);
}
