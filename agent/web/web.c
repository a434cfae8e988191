#include "web.h"

#include "behind.h"
#include "clerk.h"
#include "events.h"
#include "front.h"
#include "glob.h"
#include "log.h"
#include "moment.h"
#include "proxy.h"
#include "router.h"
#include "warmer.h"
#include "wipe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WEB_DEADLINE_MS 5000
#define WEB_CONNECTIONS 256
#define WEB_MS_NS UINT64_C(1000000)
#define WEB_EVENTS (WEB_SOCKETS + 4) /* and its end, orders to clear, what is behind the cache */

struct web {
	struct site site;
	struct front *front;
	pthread_t thread;
	bool running;
	int epoll, wake; /* wake: somebody wants the thread to end */
	int wipe;        /* borrowed, as … */
	int origins;     /* … this; -1: none */
	bool fetched;    /* an origin has something to say */
};

static void web_answer(void *ctx, const struct request *r, struct reply *out)
{
	router_answer(ctx, r, out);
}

static size_t web_room(void *ctx, const struct request *r)
{
	return router_room(ctx, r);
}

static void web_left(void *ctx, const void *who)
{
	struct site *site = ctx;

	if (site->clerk)
		clerk_leave(site->clerk, who);
	if (site->unwinder)
		clerk_leave(site->unwinder, who);
	if (site->cache)
		cache_leave(site->cache, who);
	if (site->through) {
		through_leave(site->through, who);
		warmer_leave(site->warmer, who);
	}
	if (site->proxy)
		proxy_leave(site->proxy, who);
}

static void web_second(void *ctx, uint64_t now_ns, int64_t wall_ms)
{
	events_second(ctx, now_ns, wall_ms);
}

static int web_watch(struct web *w, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int web_open_front(struct web *w, const struct web_config *c)
{
	const struct front_config front = {
		.sockets = c->sockets,
		.socket_count = c->socket_count,
		.group = c->group,
		.deadline_ms = c->deadline_ms ? c->deadline_ms : WEB_DEADLINE_MS,
		.connections = c->connections ? c->connections : WEB_CONNECTIONS,
		.tally = &w->site.tally,
		.answer = web_answer,
		.room = web_room,
		.left = web_left,
		.second = web_second,
		.ctx = &w->site,
	};
	int ret;

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->wake < 0)
		return -errno;
	ret = web_watch(w, w->wake);
	if (!ret)
		ret = front_open(&w->front, &front);
	for (unsigned int i = 0; i < c->socket_count && !ret; i++)
		ret = web_watch(w, front_fd(w->front, i));
	if (!ret && c->cache && c->wipe > 0)
		ret = web_watch(w, c->wipe);
	if (!ret && c->behind)
		ret = web_watch(w, behind_fd(c->behind));
	if (!ret && c->through)
		ret = web_watch(w, through_fd(c->through));
	if (ret) {
		front_abandon(w->front);
		w->front = NULL;
	}
	return ret;
}

int web_open(struct web **out, const struct web_config *c)
{
	struct web *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	w->epoll = w->wake = -1;
	w->wipe = c->wipe > 0 ? c->wipe : -1;
	w->origins = c->through ? through_fd(c->through) : -1;
	w->site.metrics = c->metrics;
	w->site.store = c->store;
	w->site.cache = c->cache;
	w->site.behind = c->behind;
	w->site.through = c->through;
	w->site.warmer = c->warmer;
	w->site.proxy = c->proxy;
	w->site.fleet = c->fleet;
	w->site.alerts = c->alerts;
	w->site.dispatch = c->dispatch;
	w->site.health = c->health;
	w->site.config = c->config;
	w->site.token = c->token;
	w->site.started_ns = c->started_ns;
	w->site.counters = c->counters;
	w->site.counters_ctx = c->counters_ctx;
	ret = c->profile ? clerk_open(&w->site.clerk, c->profile) : 0;
	if (!ret && c->profile)
		ret = clerk_open(&w->site.unwinder, c->profile);
	if (!ret)
		ret = web_open_front(w, c);
	if (ret) {
		web_close(w);
		return ret;
	}
	*out = w;
	return 0;
}

static void web_wake(void *ctx, uint32_t place)
{
	front_wake(ctx, place);
}

/* The shorter of two waits; -1 has no end. */
static int web_sooner(int one_ms, int other_ms)
{
	return one_ms < 0 || (other_ms >= 0 && other_ms < one_ms) ? other_ms : one_ms;
}

static int web_through_ms(const struct web *w)
{
	uint64_t due_ns, warm_ns, now_ns = moment_monotonic_ns();

	if (!w->site.through)
		return -1;
	due_ns = through_due_ns(w->site.through);
	warm_ns = warmer_due_ns(w->site.warmer);
	due_ns = warm_ns < due_ns ? warm_ns : due_ns;

	if (due_ns <= now_ns)
		return 0;
	return due_ns == UINT64_MAX ? -1 : (int)((due_ns - now_ns) / WEB_MS_NS) + 1;
}

/* Whatever is due; milliseconds until the next is. */
static int web_work(struct web *w)
{
	uint64_t now_ns = moment_monotonic_ns();
	int wait_ms, cache_ms;

	if (w->site.behind)
		behind_hear(w->site.behind, now_ns, web_wake, w->front);
	if (w->fetched || web_through_ms(w) == 0) {
		through_step(w->site.through, web_wake, w->front);
		warmer_step(w->site.warmer, now_ns);
	}
	w->fetched = false;
	wait_ms = front_run(w->front, now_ns, moment_wall_ms());
	cache_ms = w->site.cache ? cache_run(w->site.cache, now_ns) : -1;
	if (w->site.behind)
		behind_tell(w->site.behind);
	return web_sooner(web_sooner(wait_ms, cache_ms), web_through_ms(w));
}

/* Nobody asks for one so often that it had to be in pieces. What the proxy keeps is not counted. */
static int64_t web_wipe(void *ctx, const char *pattern)
{
	struct web *w = ctx;
	const struct cache_bytes text = { pattern, strlen(pattern) };
	struct cache_clear clear = { .who = w, .now_ns = moment_monotonic_ns() };
	uint64_t count = 0;
	int ret = glob_open(&clear.pattern, pattern, text.length);

	if (!ret)
		ret = cache_clear(w->site.cache, &clear);
	if (ret)
		return ret;
	behind_drop(w->site.behind, DROP_PATTERN, &text);
	through_drop(w->site.through, DROP_PATTERN, &text);
	if (w->site.proxy)
		ret = proxy_purge(w->site.proxy, DROP_PATTERN, &text, NULL);
	while (cache_cleared(w->site.cache, w, &count) == -EAGAIN)
		cache_run(w->site.cache, clear.now_ns);
	return ret ? ret : (int64_t)count;
}

static void *web_loop(void *ctx)
{
	struct web *w = ctx;
	struct epoll_event events[WEB_EVENTS];
	bool ended = false;

	while (!ended) {
		int wait_ms = web_work(w);
		/* Level-triggered on the daemons' own epoll: nothing is ready, nothing runs. */
		int n = epoll_wait(w->epoll, events, WEB_EVENTS, wait_ms);

		if (n < 0 && errno != EINTR) {
			log_error("the API stops: %m");
			break;
		}
		for (int i = 0; i < n; i++) {
			ended = ended || events[i].data.fd == w->wake;
			w->fetched = w->fetched || events[i].data.fd == w->origins;
			if (events[i].data.fd == w->wipe)
				wipe_serve(w->wipe, web_wipe, w);
		}
	}
	return NULL;
}

int web_run(struct web *w)
{
	sigset_t all, before;
	int ret;

	/* Signals are for the thread that knows what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&w->thread, NULL, web_loop, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->running = !ret;
	return -ret;
}

void web_close(struct web *w)
{
	if (!w)
		return;
	if (w->running) {
		eventfd_write(w->wake, 1);
		pthread_join(w->thread, NULL);
	}
	front_close(w->front);
	events_close(w->site.events);
	clerk_close(w->site.clerk);
	clerk_close(w->site.unwinder);
	shelf_fini(&w->site.shelf);
	body_put(w->site.openapi);
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->wake >= 0)
		close(w->wake);
	free(w);
}
