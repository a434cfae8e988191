#include "fetching.h"

#include "config.h"
#include "health.h"
#include "log.h"
#include "moment.h"
#include "proxying.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define FETCHING_S_NS UINT64_C(1000000000)

static uint32_t fetching_random(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX / 2;
	return random;
}

static int fetching_start(struct fetching *f, const struct fetching_config *c)
{
	const struct origin_config config = {
		.settings = c->settings,
		.ttl_s = config_span_ns(c->config, CONFIG_CACHE_DEFAULT_TTL) / FETCHING_S_NS,
		.most_bytes = config_bytes(c->config, CONFIG_CACHE_MAX_VALUE),
		.own = &f->own,
		.now_ns = moment_monotonic_ns,
		.random = fetching_random,
	};
	struct through_config through = { .cache = c->cache,
					  .behind = c->behind,
					  .health = c->health,
					  .now_ns = moment_monotonic_ns,
					  .wall_ms = moment_wall_ms };
	int ret;

	for (unsigned int i = 0; i < c->api_count; i++)
		own_add(&f->own, c->api[i]);
	for (unsigned int i = 0; i < c->proxies->count; i++)
		own_add(&f->own, c->proxies->at[i]);
	ret = origin_open(&through.origin, &config);
	if (!ret)
		ret = through_open(&f->through, &through);
	if (!ret)
		ret = warmer_open(&f->warmer, f->through, moment_monotonic_ns(), fetching_random);
	return ret;
}

void fetching_open(struct fetching *f, const struct fetching_config *config, int64_t wall_ms)
{
	const char *reason;
	int ret;

	*f = (struct fetching){ .through = NULL };
	if (!config->settings || !config->cache)
		return;
	ret = fetching_start(f, config);
	if (!ret)
		return;
	fetching_close(f);
	reason = ret == -ELIBACC ? "there is no libcurl.so.4" : strerrordesc_np(-ret);
	log_error("no origins: %s", reason);
	health_put(config->health, "origins", HEALTH_DEGRADED, reason, wall_ms);
}

void fetching_close(struct fetching *f)
{
	through_close(f->through);
	warmer_close(f->warmer);
	f->through = NULL;
	f->warmer = NULL;
}
