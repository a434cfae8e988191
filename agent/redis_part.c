#include "redis_part.h"

#include "log.h"
#include "moment.h"
#include "redis_settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static uint32_t redis_part_random(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX / 2;
	return random;
}

static void redis_part_refuse(const struct redis_part *p, const char *reason, int64_t wall_ms)
{
	log_error("no Redis: %s", reason);
	health_put(p->health, "redis", HEALTH_DEGRADED, reason, wall_ms);
}

void redis_part_open(struct redis_part *p, const struct config *c, const struct secret *password,
		     struct health *health, int64_t wall_ms)
{
	struct redis_config config = { .now_ns = moment_monotonic_ns, .random = redis_part_random };
	struct redis_settings settings;
	int ret;

	config.channel = p->channel;
	config.heard = p->heard;
	config.ctx = p->ctx;
	p->redis = NULL;
	p->health = health;
	p->failures = 0;
	if (!config_count(c, CONFIG_REDIS_URL))
		return;
	if (redis_settings_read(&settings, c, password)) {
		redis_part_refuse(p, settings.fault, wall_ms);
		goto out;
	}
	redis_settings_put(&settings, c, &config);
	ret = redis_open(&p->redis, &config);
	if (ret)
		redis_part_refuse(p,
				  ret == -ELIBACC ? "there is no libhiredis.so.0.14"
						  : strerrordesc_np(-ret),
				  wall_ms);
out:
	explicit_bzero(&settings, sizeof(settings));
}

void redis_part_password(const struct redis_part *p, const char *password)
{
	if (p->redis)
		redis_password_put(p->redis, password);
}

void redis_part_close(struct redis_part *p)
{
	redis_close(p->redis);
	p->redis = NULL;
}

int redis_part_fd(const struct redis_part *p)
{
	return p->redis ? redis_fd(p->redis) : -1;
}

int redis_part_step(struct redis_part *p, uint64_t now_ns, int most_ms)
{
	uint64_t due_ns;

	if (!p->redis)
		return most_ms;
	redis_step(p->redis);
	due_ns = redis_due_ns(p->redis);
	if (due_ns <= now_ns)
		return 0;
	if ((due_ns - now_ns) / 1000000 < (uint64_t)most_ms)
		return (int)((due_ns - now_ns) / 1000000) + 1;
	return most_ms;
}

double redis_part_failures(const struct redis_part *p)
{
	return p->redis ? (double)p->failures : (double)NAN;
}

/* Who is not there at the start is lost as one that was there and went. */
void redis_part_tell(struct redis_part *p, int64_t wall_ms)
{
	enum health_status status = HEALTH_HEALTHY;
	char reason[HEALTH_REASON];
	struct redis_state s;

	if (!p->redis)
		return;
	redis_state_get(p->redis, &s);
	if (s.fault != REDIS_FINE || s.circuit != BREAKER_CLOSED) {
		status = HEALTH_DEGRADED;
		snprintf(reason, sizeof(reason),
			 "%s: %.80s; the circuit is %s, %u of %u nodes answer",
			 redis_fault_name(s.fault), s.text, breaker_state_name(s.circuit),
			 s.nodes_ready, s.nodes);
	} else if (!s.ready) {
		status = HEALTH_INFO;
		snprintf(reason, sizeof(reason), "it is being connected");
	} else {
		snprintf(reason, sizeof(reason),
			 "%s of Redis %s, persistence %s; %llu answers, %llu lost connections",
			 s.cluster ? "a cluster" : "one", s.info.version,
			 redis_persistence_name(redis_info_persistence(&s.info)),
			 (unsigned long long)s.answered, (unsigned long long)s.drops);
	}
	p->failures = status == HEALTH_DEGRADED ? p->failures + 1 : 0;
	health_put(p->health, "redis", status, reason, wall_ms);
}
