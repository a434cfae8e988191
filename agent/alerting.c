#include "alerting.h"

#include "config.h"
#include "health.h"
#include "herald.h"
#include "moment.h"
#include "parts.h"

#include <stdio.h>
#include <string.h>

/* Where whoever is told finds more; the first address, as it was configured. */
static void alerting_base(struct alerting *a, const struct config *c)
{
	const char *address = config_text(c, CONFIG_HTTP_LISTEN);

	if (*address && strcmp(address, "none") != 0)
		snprintf(a->base, sizeof(a->base), "http://%.140s", address);
}

int alerting_open(struct alerting *a, const struct config *c, struct metrics *metrics,
		  struct health *health, const char *folder)
{
	uint32_t second = (uint32_t)config_number(c, CONFIG_ALERTS_ESCALATION_THRESHOLD);
	const struct alerts_config config = {
		.metrics = metrics,
		.health = health,
		.folder = folder,
		.base = a->base,
		.defaults = { (int64_t)config_span_ns(c, CONFIG_ALERTS_CHECK_INTERVAL),
			      (int64_t)config_span_ns(c, CONFIG_ALERTS_COOLDOWN) },
		.second_level = second,
		.third_level =
			second + (uint32_t)config_number(c, CONFIG_ALERTS_ESCALATION_FURTHER),
		.send = herald_send,
	};

	alerting_base(a, c);
	if (!config_switch(c, CONFIG_ALERTS_ENABLED)) {
		health_put(health, "alerts", HEALTH_INFO, "turned off by alerts.enabled",
			   moment_wall_ms());
		return 0;
	}
	return alerts_open(&a->alerts, &config, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

void alerting_close(struct alerting *a)
{
	alerts_close(a->alerts);
	a->alerts = NULL;
}

void alerting_rules(const struct alerting *a, int fd)
{
	if (a->alerts)
		alerts_rules(a->alerts, fd, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}

void alerting_second(const struct alerting *a, const struct parts *parts)
{
	const struct source_agent agent = { parts->cpu_percent, parts->memory };

	if (a->alerts)
		alerts_second(a->alerts, &agent, (int64_t)moment_monotonic_ns(), moment_wall_ms());
}
