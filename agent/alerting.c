#include "alerting.h"

#include "actions.h"
#include "courier.h"
#include "health.h"
#include "moment.h"
#include "parts.h"
#include "scribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where whoever is told finds more; the first address, as it was configured. */
static void alerting_base(struct alerting *a, const struct config *c)
{
	const char *address = config_text(c, CONFIG_HTTP_LISTEN);

	if (*address && strcmp(address, "none") != 0)
		snprintf(a->base, sizeof(a->base), "http://%.140s", address);
}

static int alerting_dispatch(struct alerting *a, const struct alerting_config *config)
{
	struct dispatch_config dispatch = { .health = config->health,
					    .scribe = a->scribe,
					    .link = config->runner,
					    .runner = config->actions,
					    .cache = a->wipe[0] };
	struct config_error error; /* there is none: it was checked when it was read */
	int ret = config_alerts_open(&a->channels, config->now, &error);

	dispatch.alerts = a->channels;
	return ret ? ret : dispatch_open(&a->dispatch, &dispatch, moment_wall_ms());
}

int alerting_open(struct alerting *a, const struct alerting_config *config)
{
	const struct config *c = config->config;
	struct alerts_config alerts = {
		.metrics = config->metrics,
		.health = config->health,
		.base = a->base,
		.defaults = { (int64_t)config_span_ns(c, CONFIG_ALERTS_CHECK_INTERVAL),
			      (int64_t)config_span_ns(c, CONFIG_ALERTS_COOLDOWN) },
		.send = dispatch_notice,
		.settle = dispatch_settle,
	};
	int ret;

	a->cache = config->cache;
	a->wipe[0] = a->wipe[1] = -1;
	alerting_base(a, c);
	if (!config_switch(c, CONFIG_ALERTS_ENABLED)) {
		health_put(config->health, "alerts", HEALTH_INFO, "turned off by alerts.enabled",
			   moment_wall_ms());
		return 0;
	}
	ret = a->cache ? courier_link(a->wipe) : 0;
	if (!ret)
		ret = scribe_open(&a->scribe, config->folder);
	if (!ret)
		ret = alerting_dispatch(a, config);
	if (ret)
		return ret;
	alerts.scribe = a->scribe;
	alerts.ctx = a->dispatch;
	alerts.second_level = a->channels->second;
	alerts.third_level = a->channels->third;
	ret = alerts_open(&a->alerts, &alerts, (int64_t)moment_monotonic_ns(), moment_wall_ms());
	return ret ? ret : scribe_run(a->scribe);
}

void alerting_close(struct alerting *a)
{
	alerts_close(a->alerts);
	dispatch_close(a->dispatch);
	scribe_close(a->scribe);
	config_alerts_close(a->channels);
	for (int i = 0; i < 2; i++)
		if (a->wipe[i] > 0)
			close(a->wipe[i]);
	a->scribe = NULL;
	a->alerts = NULL;
	a->dispatch = NULL;
	a->channels = NULL;
}

void alerting_reload(struct alerting *a, const struct config *next)
{
	struct config_alerts *channels;
	struct config_error error; /* there is none: it was checked when it was read */

	if (!a->alerts || config_alerts_open(&channels, next, &error))
		return;
	dispatch_channels(a->dispatch, channels);
	alerts_levels(a->alerts, channels->second, channels->third);
	config_alerts_close(a->channels);
	a->channels = channels;
}

void alerting_rules(const struct alerting *a, int fd)
{
	if (a->alerts)
		alerts_rules(a->alerts, fd, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

/* Those of which somebody was told, and that fire still; the storm of the others. */
static void alerting_hold(const struct alerting *a)
{
	struct alerts_row *rows;
	int count = alerts_list(a->alerts, false, moment_wall_ms(), &rows);
	struct notice *notices = count >= 0 ? calloc((size_t)count + 1, sizeof(*notices)) : NULL;
	size_t held = 0;

	for (int i = 0; notices && i < count; i++)
		if (rows[i].state == ALARM_FIRING && rows[i].alone)
			notices[held++] = rows[i].notice;
	if (count >= 0)
		free(rows);
	if (notices)
		held += alerts_storm(a->alerts, moment_wall_ms(), &notices[held]);
	dispatch_hold(a->dispatch, notices, held);
}

pid_t alerting_second(const struct alerting *a, const struct parts *parts)
{
	const struct source_agent agent = { parts->cpu_percent, parts->memory,
					    a->cache ? caching_told : NULL, a->cache,
					    a->redis_failures };
	int64_t now_ns = (int64_t)moment_monotonic_ns();

	if (!a->alerts)
		return 0;
	alerts_second(a->alerts, &agent, now_ns, moment_wall_ms());
	dispatch_second(a->dispatch, now_ns, moment_wall_ms());
	if (dispatch_holds(a->dispatch, now_ns))
		alerting_hold(a);
	return dispatch_courier(a->dispatch);
}

int alerting_fd(const struct alerting *a)
{
	return a->scribe ? scribe_fd(a->scribe) : -1;
}

void alerting_written(const struct alerting *a)
{
	scribe_clear(a->scribe);
	alerts_written(a->alerts);
	dispatch_written(a->dispatch, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

bool alerting_hear(const struct alerting *a)
{
	return dispatch_hear(a->dispatch, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

bool alerting_hear_actions(const struct alerting *a)
{
	return actions_hear(a->dispatch, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

void alerting_hear_cache(const struct alerting *a)
{
	actions_hear_cache(a->dispatch, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

pid_t alerting_actor(const struct alerting *a)
{
	return a->dispatch ? dispatch_runner(a->dispatch) : 0;
}
