#include "worker.h"

#include "alerting.h"
#include "control.h"
#include "inbox.h"
#include "ledger.h"
#include "link.h"
#include "log.h"
#include "moment.h"
#include "nursery.h"
#include "parts.h"
#include "procfs.h"
#include "tiering.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORKER_SECOND_NS UINT64_C(1000000000)
#define WORKER_LINKS 8
#define WORKER_PARTS_EVERY 5u /* seconds: what people read need not be younger */

_Static_assert(WORKER_SOCKETS <= WEB_SOCKETS, "every socket that is opened is served");

struct worker {
	const struct worker_config *config;
	struct health *health;
	struct metrics *metrics;
	struct drain *drain;
	struct profile *profile;
	struct store *store;
	struct cache *cache;
	struct web *web;
	struct parts parts;
	struct inbox inbox;
	struct control control;
	struct alerting alerting;
	struct redis_part redis;
	struct tiering tiering;
	struct depot depot;
	struct fleeting fleeting;
	char host[PARCEL_HOST];
	struct ledger ledger;
	struct proxying proxying;
	struct fetching fetching;
	struct turn turn;   /* each second's work */
	uint64_t second_ns; /* when the next one's is due */
	uint32_t seconds;
	char checkpoint[sizeof(((struct worker_config *)0)->state_dir) + 16];
	char history[sizeof(((struct worker_config *)0)->state_dir) + 16];
	char boot[ARCHIVE_BOOT_BYTES];
};

static bool worker_reloads(enum config_key key)
{
	return key == CONFIG_LOG_LEVEL || key == CONFIG_ALERTS_CHANNELS ||
	       key == CONFIG_ALERTS_NOTIFY || key == CONFIG_ALERTS_ESCALATION ||
	       key == CONFIG_ALERTS_ESCALATION_THRESHOLD || key == CONFIG_ALERTS_ESCALATION_FURTHER;
}

/* NULL: it is not good, which is said. */
static struct config *worker_configured(const struct worker *w, int fd)
{
	struct config_error error;
	struct config *next;

	lseek(fd, 0, SEEK_SET); /* a worker before us left it at its end */
	if (options_config(w->config->options, fd, &next, &error)) {
		log_error("not reloaded: %s", error.text);
		return NULL;
	}
	log_open("ringsided", (enum log_level)log_level_parse(config_text(next, CONFIG_LOG_LEVEL)));
	return next;
}

/* What was read again since the agent started; NULL: nothing was. */
static struct config *worker_now(const struct worker *w)
{
	struct link_message message;
	struct config *now;
	int fd;

	if (link_peek(w->config->kept, &message, &fd) != 1)
		return NULL;
	now = worker_configured(w, fd);
	close(fd);
	return now;
}

/* What may change in a running agent does; the rest is said. */
static void worker_reload(void *ctx, int fd)
{
	struct worker *w = ctx;
	const struct config *now = w->config->config;
	struct config *next = worker_configured(w, fd);

	if (!next)
		return;
	for (int i = 0; i < CONFIG_KEYS; i++) {
		enum config_key key = (enum config_key)i;

		if (!worker_reloads(key) && !config_equal(now, next, key))
			log_warning("%s changed: it takes effect when the agent is started again",
				    config_info(key)->path);
	}
	alerting_reload(&w->alerting, next);
	log_info("the configuration was read again");
	config_close(next);
}

static void worker_rules(void *ctx, int fd)
{
	const struct worker *w = ctx;

	alerting_rules(&w->alerting, fd);
}

static void worker_password(void *ctx, const char *password)
{
	const struct worker *w = ctx;

	redis_part_password(&w->redis, password);
	log_info("redis.password_file was read again");
}

static int worker_metrics(struct worker *w)
{
	const struct config *c = w->config->config;
	const struct metrics_limits limits = {
		.memory_warning = config_number(c, CONFIG_MEMORY_WARNING),
		.memory_critical = config_number(c, CONFIG_MEMORY_CRITICAL),
		.memory_dump = config_number(c, CONFIG_MEMORY_DUMP),
		.cpu_warning = config_number(c, CONFIG_CPU_WARNING),
		.cpu_critical = config_number(c, CONFIG_CPU_CRITICAL),
		.slow_warning_ns = config_span_ns(c, CONFIG_REQUESTS_SLOW_WARNING),
		.slow_critical_ns = config_span_ns(c, CONFIG_REQUESTS_SLOW_CRITICAL),
	};
	int ret;

	ret = metrics_open(&w->metrics, &limits, moment_monotonic_ns());
	for (size_t i = 0; !ret && i < config_count(c, CONFIG_ROUTES_PATTERNS); i++)
		ret = metrics_pattern_add(w->metrics, config_item(c, CONFIG_ROUTES_PATTERNS, i));
	return ret;
}

static size_t worker_save(void *ctx, void *buffer, size_t size)
{
	return metrics_save(ctx, buffer, size);
}

static int worker_restore(void *ctx, const void *buffer, size_t size, uint64_t now_ns)
{
	return metrics_restore(ctx, buffer, size, now_ns);
}

static int worker_drain(struct worker *w)
{
	const struct config *c = w->config->config;
	struct drain_config config = {
		.slow_warning_ns = config_span_ns(c, CONFIG_REQUESTS_SLOW_WARNING),
		.slow_critical_ns = config_span_ns(c, CONFIG_REQUESTS_SLOW_CRITICAL),
		.epoch = (uint32_t)(moment_wall_ms() / 1000) | 1,
		.checkpoint = w->checkpoint,
		.saved_ctx = w->metrics,
		.save = worker_save,
		.restore = worker_restore,
		.now_ns = moment_monotonic_ns,
	};

	metrics_sink(w->metrics, &config.sink);
	return drain_open(&w->drain, &config);
}

/* On the web thread: a datagram of its own goes between those of main. */
static int worker_ask(const struct worker *w, enum link_kind kind, uint64_t key, uint32_t seconds)
{
	const struct link_message message = { .kind = kind,
					      .key = key,
					      .snapshots.seconds = seconds };

	return link_send(w->config->link, &message, -1);
}

static int worker_files(void *ctx, uint64_t key)
{
	return worker_ask(ctx, LINK_FILES, key, 0);
}

static int worker_unwind(void *ctx, uint64_t key, uint32_t seconds)
{
	return worker_ask(ctx, LINK_UNWIND, key, seconds);
}

static int worker_offcpu(void *ctx, uint64_t key, uint32_t seconds)
{
	return worker_ask(ctx, LINK_OFFCPU, key, seconds);
}

static int worker_profile(struct worker *w)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	const struct profile_config config = { .ask = worker_files,
					       .unwind = worker_unwind,
					       .offcpu = worker_offcpu,
					       .ctx = w,
					       .program = "/proc/self/exe",
					       .kallsyms = w->config->kallsyms,
					       .cpus = cpus > 0 ? (uint32_t)cpus : 1 };

	return profile_open(&w->profile, &config);
}

static int worker_store(struct worker *w)
{
	const struct store_config config = { .metrics = w->metrics,
					     .folder = w->history,
					     .boot = w->boot,
					     .wall_ms = moment_wall_ms };

	procfs_file_read("", "/proc/sys/kernel/random/boot_id", w->boot, sizeof(w->boot));
	return store_open(&w->store, &config);
}

static int worker_web(struct worker *w)
{
	const struct worker_config *c = w->config;
	const struct web_config config = {
		.sockets = c->sockets,
		.socket_count = c->socket_count,
		.metrics = w->metrics,
		.alerts = w->alerting.alerts,
		.dispatch = w->alerting.dispatch,
		.profile = w->profile,
		.store = w->store,
		.cache = w->cache,
		.proxy = w->proxying.proxy,
		.behind = w->tiering.behind,
		.fleet = w->fleeting.fleet,
		.through = w->fetching.through,
		.warmer = w->fetching.warmer,
		.wipe = w->alerting.wipe[1],
		.health = w->health,
		.config = c->config,
		.token = c->token,
		.group = c->group,
		.started_ns = c->started_ns,
		.counters = ledger_counters,
		.counters_ctx = &w->ledger,
	};

	w->ledger = (struct ledger){ w->drain, &w->depot, &w->fleeting, &w->turn };
	return web_open(&w->web, &config);
}

static int worker_redis(struct worker *w)
{
	const struct worker_config *c = w->config;
	struct depot_config depot = { .config = c->config,
				      .metrics = w->metrics,
				      .store = w->store,
				      .health = w->health,
				      .boot = w->boot,
				      .host = w->host };
	struct fleeting_config fleeting = { .config = c->config,
					    .depot = &w->depot,
					    .alerts = w->alerting.alerts,
					    .health = w->health,
					    .host = w->host,
					    .started_ns = c->started_ns };
	int result = tiering_open(&w->tiering, c->config, w->cache, &w->redis);

	if (result)
		return result;
	redis_part_open(&w->redis, c->config, &c->redis, w->health, moment_wall_ms());
	tiering_attach(&w->tiering, &w->redis);
	fleeting_host(c->config, w->host);
	depot.redis = fleeting.redis = w->redis.redis;
	depot_open(&w->depot, &depot, moment_wall_ms());
	fleeting_open(&w->fleeting, &fleeting, moment_wall_ms());
	return 0;
}

/* With the channels that are in force: what waits for one that it has not would be dropped. */
static int worker_alerting(struct worker *w)
{
	struct config *now = worker_now(w);
	const struct alerting_config config = { .config = w->config->config,
						.now = now ? now : w->config->config,
						.metrics = w->metrics,
						.health = w->health,
						.cache = w->cache,
						.folder = w->config->state_dir,
						.runner = w->config->runner,
						.actions = w->config->actions };
	int result = alerting_open(&w->alerting, &config);

	config_close(now);
	return result;
}

/* What asks other servers: the proxy, and the cache's origins. */
static void worker_asking(struct worker *w)
{
	const struct proxying_config proxying = { .config = w->config->config,
						  .sockets = &w->config->proxies,
						  .api = w->config->sockets,
						  .api_count = w->config->socket_count,
						  .health = w->health };

	const struct fetching_config fetching = { .config = w->config->config,
						  .settings = w->config->origins,
						  .api = w->config->sockets,
						  .api_count = w->config->socket_count,
						  .proxies = &w->config->proxies,
						  .cache = w->cache,
						  .behind = w->tiering.behind,
						  .health = w->health };

	proxying_open(&w->proxying, &proxying, moment_wall_ms());
	fetching_open(&w->fetching, &fetching, moment_wall_ms());
}

/* The API first, so that whoever looks sees why it is not ready. */
static int worker_open(struct worker *w)
{
	const struct link_message hello = { .kind = LINK_HELLO };
	const struct link_message serving = { .kind = LINK_SERVING };
	int result = health_open(&w->health);

	if (result == 0)
		result = worker_metrics(w);
	if (result == 0)
		result = worker_drain(w);
	if (result == 0)
		result = caching_open(&w->cache, w->config->config);
	if (result == 0)
		result = worker_alerting(w);
	if (result == 0)
		result = worker_profile(w);
	if (result == 0)
		result = worker_store(w);
	if (result == 0)
		result = worker_redis(w);
	if (result == 0)
		worker_asking(w);
	if (result == 0)
		result = worker_web(w);
	if (result == 0)
		result = web_run(w->web);
	if (result == 0)
		result = store_run(w->store);
	if (result == 0)
		result = link_send(w->config->link, &hello, -1);
	if (result == 0)
		result = link_send(w->config->link, &serving, -1);
	return result;
}

static void worker_close(struct worker *w)
{
	control_fini(&w->control);
	web_close(w->web);
	fetching_close(&w->fetching);
	proxying_close(&w->proxying);
	tiering_finish(&w->tiering, &w->redis);
	redis_part_close(&w->redis);
	fleeting_close(&w->fleeting);
	depot_close(&w->depot);
	tiering_close(&w->tiering);
	cache_close(w->cache);
	store_close(w->store);
	profile_close(w->profile);
	alerting_close(&w->alerting);
	drain_close(w->drain);
	metrics_close(w->metrics);
	health_close(w->health);
}

static void worker_second(struct worker *w, uint64_t now_ns)
{
	struct profile_counts profile;
	struct metrics_losses losses;
	struct store_state history;
	struct drain_counts counts;

	turn_begin(&w->turn, now_ns);
	w->second_ns = now_ns + WORKER_SECOND_NS;
	turn_due(&w->turn, w->second_ns);
	metrics_sample(w->metrics, now_ns);
	profile_read(w->profile, now_ns);
	control_second(&w->control, moment_wall_ms());
	caching_second(w->cache, w->health, now_ns, moment_wall_ms());
	redis_part_tell(&w->redis, moment_wall_ms());
	tiering_second(&w->tiering);
	w->alerting.redis_failures = redis_part_failures(&w->redis);
	depot_second(&w->depot, now_ns, moment_wall_ms());
	proxying_second(&w->proxying, moment_wall_ms());
	fleeting_second(&w->fleeting, now_ns, moment_wall_ms());
	w->parts.pids[3] = alerting_second(&w->alerting, &w->parts);
	w->parts.pids[4] = alerting_actor(&w->alerting);
	if (w->seconds++ % WORKER_PARTS_EVERY)
		return;
	drain_counts_get(w->drain, &counts);
	metrics_losses_get(w->metrics, &losses);
	profile_counts_get(w->profile, &profile);
	store_state_get(w->store, &history);
	parts_profile_put(&w->parts, &profile, moment_wall_ms());
	parts_history_put(&w->parts, &history, losses.untaken, moment_wall_ms());
	parts_put(&w->parts, &counts, &losses, now_ns, moment_wall_ms());
}

/* In the order of worker_loop. False: the broker is gone. */
static bool worker_hear(struct worker *w, struct pollfd links[WORKER_LINKS])
{
	if (links[0].revents && !inbox_read(&w->inbox, moment_wall_ms()))
		return false;
	if (links[1].revents && !alerting_hear(&w->alerting))
		links[1].fd = -1;
	if (links[2].revents && !alerting_hear_actions(&w->alerting))
		links[2].fd = -1;
	if (links[4].revents)
		alerting_written(&w->alerting);
	if (links[5].revents)
		alerting_hear_cache(&w->alerting);
	if (links[7].revents)
		fleeting_step(&w->fleeting);
	return true;
}

static void worker_loop(struct worker *w)
{
	struct pollfd links[WORKER_LINKS] = { { .fd = w->config->link, .events = POLLIN },
					      { .fd = w->config->runner, .events = POLLIN },
					      { .fd = w->config->actions, .events = POLLIN },
					      { .fd = redis_part_fd(&w->redis), .events = POLLIN },
					      { .fd = alerting_fd(&w->alerting), .events = POLLIN },
					      { .fd = w->alerting.wipe[0], .events = POLLIN },
					      { .fd = tiering_fd(&w->tiering), .events = POLLIN },
					      { .fd = fleeting_fd(&w->fleeting),
						.events = POLLIN } };
	bool alone = false;

	while (!alone) {
		uint64_t now_ns = moment_monotonic_ns();
		int wait_ms;

		if (now_ns >= w->second_ns)
			worker_second(w, now_ns);
		wait_ms = (int)((w->second_ns - now_ns) / 1000000 + 1);
		wait_ms = redis_part_step(&w->redis, now_ns, wait_ms);
		wait_ms = tiering_step(&w->tiering, wait_ms);
		alone = poll(links, WORKER_LINKS, wait_ms) > 0 && !worker_hear(w, links);
	}
}

static void worker_control(struct worker *w)
{
	const struct config *c = w->config->config;

	control_init(&w->control, config_text(c, CONFIG_RUN_DIR));
	w->control.drain = w->drain;
	w->control.metrics = w->metrics;
	w->control.health = w->health;
	w->control.budget = config_number(c, CONFIG_CAPTURE_BUDGET);
}

int worker_run(void *worker_config)
{
	const struct worker_config *config = worker_config;
	struct worker w = { .config = config };
	int result;

	snprintf(w.checkpoint, sizeof(w.checkpoint), "%s/checkpoint", config->state_dir);
	snprintf(w.history, sizeof(w.history), "%s/history", config->state_dir);
	result = worker_open(&w);
	if (result == 0) {
		w.parts = (struct parts){ .health = w.health,
					  .turn = &w.turn,
					  .pids = { config->broker, getppid(), getpid() } };
		w.inbox = (struct inbox){ .link = config->link,
					  .drain = w.drain,
					  .metrics = w.metrics,
					  .health = w.health,
					  .profile = w.profile,
					  .ctx = &w,
					  .reload = worker_reload,
					  .rules = worker_rules,
					  .password = worker_password };
		worker_control(&w);
		worker_loop(&w);
	} else if (result == -EPIPE) {
		result = 0; /* the broker ended while we began */
	} else {
		log_error("the worker cannot start: %s", strerrordesc_np(-result));
	}
	worker_close(&w);
	return result ? NURSERY_CANNOT : 0;
}
