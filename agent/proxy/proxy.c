#include "proxy_own.h"

#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROXY_EVENTS 256
#define PROXY_BACKLOG 4096
#define PROXY_ACCEPTS 64                 /* at a time */
#define PROXY_PAUSE_NS (PROXY_S_NS / 10) /* without a descriptor for another client */
#define PROXY_MS_NS UINT64_C(1000000)

static bool proxy_is_own(const struct proxy_config *c, const struct sockaddr *to)
{
	struct own listeners = { .count = 0 };

	for (unsigned int i = 0; i < c->count; i++)
		own_add(&listeners, c->sockets[i]);
	if (own_is(&listeners, to))
		return true;
	for (unsigned int i = 0; i < PROXY_OWN && c->own[i]; i++)
		if (own_is(c->own[i], to))
			return true;
	return false;
}

static int proxy_place_open(struct proxy *p, const struct proxy_config *c, unsigned int i)
{
	struct proxy_place *place = &p->places[i];

	place->proxy = p;
	place->site = c->sites[i];
	place->listener.fd = -1;
	if (text_address(place->site->upstream, &place->upstream, &place->upstream_length))
		return -EINVAL;
	if (proxy_is_own(c, (struct sockaddr *)&place->upstream))
		return -ELOOP;
	if (listen(c->sockets[i], PROXY_BACKLOG)) /* again: the API's is short */
		return -errno;
	return proxy_io_watch(p, &place->listener, c->sockets[i], PROXY_LISTENER);
}

static int proxy_open_parts(struct proxy *p, const struct proxy_config *c)
{
	int ret = 0;

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->key = malloc(PROXY_KEY_SIZE);
	if (p->epoll < 0 || p->wake < 0)
		return -errno;
	if (!p->key)
		return -ENOMEM;
	if (getrandom(p->hash_key, sizeof(p->hash_key), 0) != sizeof(p->hash_key))
		return -EIO;
	ret = proxy_io_watch(p, &p->waker, p->wake, PROXY_WAKE);
	if (!ret && c->cache.max_items)
		ret = cache_open(&p->cache, &c->cache);
	for (; !ret && p->count < c->count; p->count++)
		ret = proxy_place_open(p, c, p->count);
	return ret;
}

static void proxy_look_at_clocks(struct proxy *p)
{
	p->now_ns = p->clock_ns();
	p->wall_ms = p->clock_wall_ms();
}

int proxy_open(struct proxy **out, const struct proxy_config *config)
{
	struct proxy *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->epoll = p->wake = -1;
	p->clock_ns = config->now_ns;
	p->clock_wall_ms = config->wall_ms;
	proxy_look_at_clocks(p);
	ret = proxy_open_parts(p, config);
	if (ret) {
		for (unsigned int i = 0; i < p->count; i++)
			p->places[i].listener.fd = -1; /* the caller's still */
		proxy_close(p);
		return ret;
	}
	*out = p;
	return 0;
}

static void proxy_listen(struct proxy_place *place, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.ptr = &place->listener };

	epoll_ctl(place->proxy->epoll, EPOLL_CTL_MOD, place->listener.fd, &event);
	place->paused = !on;
	if (!on)
		proxy_count(place->proxy, paused);
}

/* False: no more of them now. */
static bool proxy_accept_one(struct proxy_place *place)
{
	struct proxy *p = place->proxy;
	int fd;

	if (place->clients >= place->site->connections) {
		proxy_listen(place, false);
		return false;
	}
	fd = accept4(place->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		if (proxy_client_open(place, fd))
			close(fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		proxy_listen(place, false);
		p->resume_ns = p->now_ns + PROXY_PAUSE_NS;
	}
	return errno == ECONNABORTED || errno == EINTR;
}

static void proxy_accept(struct proxy_place *place)
{
	for (int i = 0; i < PROXY_ACCEPTS; i++)
		if (!proxy_accept_one(place))
			return;
}

static void proxy_resume(struct proxy *p)
{
	for (unsigned int i = 0; i < p->count; i++) {
		struct proxy_place *place = &p->places[i];

		if (place->paused && place->clients < place->site->connections &&
		    p->now_ns >= p->resume_ns)
			proxy_listen(place, true);
	}
}

static struct proxy_place *proxy_place_of(struct proxy *p, const struct proxy_link *listener)
{
	unsigned int i = 0;

	while (&p->places[i].listener != listener)
		i++;
	return &p->places[i];
}

static void proxy_event(struct proxy *p, struct proxy_link *l, uint32_t events)
{
	eventfd_t times;

	if (l->fd < 0)
		return;
	if (l->kind == PROXY_LISTENER) {
		proxy_accept(proxy_place_of(p, l));
		return;
	}
	if (l->kind == PROXY_WAKE) {
		eventfd_read(p->wake, &times);
		proxy_orders_do(p);
		return;
	}
	l->readable |= (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	l->writable |= (events & EPOLLOUT) != 0;
	l->ended |= (events & EPOLLRDHUP) != 0;
	l->broken |= (events & (EPOLLHUP | EPOLLERR)) != 0;
	proxy_io_queue(p, l);
}

static void proxy_step(struct proxy_link *l)
{
	struct proxy_upstream *u = (struct proxy_upstream *)l;

	if (l->kind == PROXY_CLIENT)
		proxy_client_step((struct proxy_client *)l);
	else if (u->exchange)
		proxy_relay_step(u->exchange);
	else
		proxy_upstream_idle(u);
}

/* Those that were ready when it began: what becomes ready meanwhile has its turn behind them. */
static void proxy_turn(struct proxy *p)
{
	struct proxy_link *l = p->first_ready, *next;

	p->first_ready = p->last_ready = NULL;
	for (; l; l = next) {
		next = l->next;
		l->queued = false;
		if (l->fd < 0) {
			l->next = p->dead;
			p->dead = l;
		} else {
			proxy_step(l);
		}
	}
}

static void proxy_free_dead(struct proxy *p)
{
	while (p->dead) {
		struct proxy_link *l = p->dead;

		p->dead = l->next;
		free(l); /* a client or an upstream connection, whose first it is */
	}
	while (p->exchanges_over) {
		struct proxy_exchange *x = p->exchanges_over;

		p->exchanges_over = x->next_over;
		free(x);
	}
}

static void proxy_sweep(struct proxy *p)
{
	struct proxy_client *c, *next_client;
	struct proxy_exchange *x, *next;

	for (c = p->clients; c; c = next_client) {
		next_client = c->after;
		if (p->now_ns >= c->deadline_ns)
			proxy_client_overdue(c);
	}
	for (x = p->exchanges; x; x = next) {
		next = x->after;
		if (p->now_ns >= x->deadline_ns)
			proxy_exchange_overdue(x);
	}
	for (unsigned int i = 0; i < p->count; i++)
		proxy_upstream_sweep(&p->places[i]);
	p->sweep_ns = p->now_ns + PROXY_S_NS;
}

static bool proxy_is_busy(const struct proxy *p)
{
	bool busy = p->clients || p->exchanges;

	for (unsigned int i = 0; i < p->count; i++)
		busy |= p->places[i].idle != NULL || p->places[i].paused;
	return busy;
}

/* How long there is nothing to do but for events; -1: for good. */
static int proxy_wait_ms(struct proxy *p)
{
	int of_cache = p->cache ? cache_run(p->cache, p->now_ns) : -1, ms;

	if (proxy_orders_do(p) || p->first_ready)
		return 0;
	if (!proxy_is_busy(p))
		return of_cache;
	ms = p->sweep_ns > p->now_ns ? (int)((p->sweep_ns - p->now_ns) / PROXY_MS_NS) + 1 : 0;
	if (p->resume_ns > p->now_ns && ms > (int)(PROXY_PAUSE_NS / PROXY_MS_NS))
		ms = (int)(PROXY_PAUSE_NS / PROXY_MS_NS);
	return of_cache >= 0 && of_cache < ms ? of_cache : ms;
}

/* Once around: what happened, and what is to be done about it. */
static int proxy_once(struct proxy *p, int wait_ms)
{
	struct epoll_event events[PROXY_EVENTS];
	int n = epoll_wait(p->epoll, events, PROXY_EVENTS, wait_ms);

	proxy_look_at_clocks(p);
	for (int i = 0; i < n; i++)
		proxy_event(p, events[i].data.ptr, events[i].events);
	proxy_turn(p);
	if (p->now_ns >= p->sweep_ns)
		proxy_sweep(p);
	proxy_resume(p);
	proxy_free_dead(p);
	return n;
}

static void *proxy_loop(void *proxy)
{
	struct proxy *p = proxy;

	while (!atomic_load_explicit(&p->stop, memory_order_relaxed))
		proxy_once(p, proxy_wait_ms(p));
	return NULL;
}

int proxy_run(struct proxy *p)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&p->thread, NULL, proxy_loop, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	p->running = !ret;
	return -ret;
}

static void proxy_close_all(struct proxy *p)
{
	while (p->exchanges)
		proxy_exchange_abort(p->exchanges);
	while (p->clients)
		proxy_client_close(p->clients, false);
	for (unsigned int i = 0; i < p->count; i++) {
		while (p->places[i].idle)
			proxy_upstream_close(p->places[i].idle);
		if (p->places[i].listener.fd >= 0)
			close(p->places[i].listener.fd);
	}
	proxy_turn(p); /* those that were queued */
	proxy_free_dead(p);
}

void proxy_close(struct proxy *p)
{
	if (!p)
		return;
	if (p->running) {
		atomic_store_explicit(&p->stop, true, memory_order_relaxed);
		eventfd_write(p->wake, 1);
		pthread_join(p->thread, NULL);
	}
	proxy_close_all(p);
	proxy_orders_close(p);
	proxy_io_blocks_close(p);
	cache_close(p->cache);
	free(p->key);
	if (p->epoll >= 0)
		close(p->epoll);
	if (p->wake >= 0)
		close(p->wake);
	free(p);
}

void proxy_counts_get(const struct proxy *p, struct proxy_counts *out)
{
	uint64_t counts[PROXY_COUNTS];

	for (size_t i = 0; i < PROXY_COUNTS; i++)
		counts[i] = atomic_load_explicit(&p->counts[i], memory_order_relaxed);
	memcpy(out, counts, sizeof(*out));
}

void proxy_cache_counts_get(const struct proxy *p, struct cache_counts *out)
{
	if (p->cache)
		cache_counts_get(p->cache, out);
	else
		memset(out, 0, sizeof(*out));
}

unsigned int proxy_places(const struct proxy *p)
{
	return p->count;
}
