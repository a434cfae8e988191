/*
 * document_state - the agent itself: alive, ready, healthy, and how it is configured.
 */
#include "site.h"

#include "channel.h"
#include "config.h"
#include "health.h"
#include "origin_rule.h"
#include "redis_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int document_alive(const struct question *q, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "status", "alive");
	json_int(j, "uptime",
		 (int64_t)((q->request->now_ns - q->site->started_ns) / UINT64_C(1000000000)));
	json_object_end(j);
	return 0;
}

int document_ready(const struct question *q, struct json *j)
{
	char reason[HEALTH_REASON];

	if (!health_ready_get(q->site->health, reason))
		return refuse(q->no, 503, "not_ready", "%s", reason);
	json_object_begin(j, NULL);
	json_string(j, "status", "ready");
	json_object_end(j);
	return 0;
}

static void state_put_parts(const struct question *q, struct json *j)
{
	struct health_part parts[HEALTH_PARTS];
	size_t count = health_list(q->site->health, parts, HEALTH_PARTS);

	json_array_begin(j, "parts");
	for (size_t i = 0; i < count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "name", parts[i].name);
		json_string(j, "status", health_status_name(parts[i].status));
		json_time(j, "since", parts[i].since_ms);
		json_string(j, "reason", parts[i].reason[0] ? parts[i].reason : NULL);
		json_object_end(j);
	}
	json_array_end(j);
}

static void state_put_count(struct json *j, const char *name, uint64_t count)
{
	if (count == FACILITY_UNKNOWN)
		json_null(j, name);
	else
		json_int(j, name, (int64_t)count);
}

/* What the kernel gives us; runs and their time are known while kernel.bpf_stats_enabled is 1. */
static void state_put_facilities(const struct question *q, struct json *j)
{
	struct facility facilities[HEALTH_FACILITIES];
	size_t count = health_facilities(q->site->health, facilities, HEALTH_FACILITIES);

	json_array_begin(j, "facilities");
	for (size_t i = 0; i < count; i++) {
		const struct facility *f = &facilities[i];
		bool refused = f->state == FACILITY_REFUSED;

		json_object_begin(j, NULL);
		json_string(j, "set", f->set);
		json_string(j, "name", f->name);
		json_string(j, "state", facility_state_name(f->state));
		json_string(j, "errno", refused ? strerrorname_np(f->error) : NULL);
		json_string(j, "reason", refused ? facility_error_text(f->error) : NULL);
		state_put_count(j, "runs", f->runs);
		json_measure(j, "runMs",
			     f->run_ns == FACILITY_UNKNOWN ? METRICS_UNKNOWN
							   : (double)f->run_ns / 1e6);
		state_put_count(j, "dropped", f->dropped);
		json_object_end(j);
	}
	json_array_end(j);
}

/* A process that is badly off makes its service degraded, with the reason. */
static void state_put_reasons(const struct metrics_process *processes, int count,
			      const char *service, struct json *j)
{
	char text[96];

	json_array_begin(j, "reasons");
	for (int i = 0; i < count; i++) {
		const struct metrics_process *p = &processes[i];

		if (!p->alive || strcmp(p->target.service, service) != 0)
			continue;
		if (p->memory_level > METRICS_OK && p->memory_level < METRICS_LEVEL_UNKNOWN) {
			snprintf(text, sizeof(text), "pid %d uses %.1f %% of its memory limit",
				 p->target.pid, p->memory_percent);
			json_string(j, NULL, text);
		}
		if (p->cpu_level > METRICS_OK && p->cpu_level < METRICS_LEVEL_UNKNOWN) {
			snprintf(text, sizeof(text), "pid %d uses %.1f %% of its CPU",
				 p->target.pid, p->cpu_percent);
			json_string(j, NULL, text);
		}
	}
	json_array_end(j);
}

static const char *state_of_service(const struct metrics_process *processes, int count,
				    const char *service)
{
	unsigned int worst = METRICS_OK;

	for (int i = 0; i < count; i++) {
		const struct metrics_process *p = &processes[i];

		if (!p->alive || strcmp(p->target.service, service) != 0)
			continue;
		if (p->memory_level < METRICS_LEVEL_UNKNOWN && p->memory_level > worst)
			worst = p->memory_level;
		if (p->cpu_level < METRICS_LEVEL_UNKNOWN && p->cpu_level > worst)
			worst = p->cpu_level;
	}
	return worst == METRICS_OK        ? "healthy"
	       : worst == METRICS_WARNING ? "degraded"
					  : "unhealthy";
}

/* Is this the first living process of its service in the list? */
static bool state_is_first(const struct metrics_process *processes, int at)
{
	if (!processes[at].alive)
		return false;
	for (int i = 0; i < at; i++) {
		if (processes[i].alive &&
		    !strcmp(processes[i].target.service, processes[at].target.service))
			return false;
	}
	return true;
}

static int state_put_services(const struct question *q, struct json *j)
{
	const struct metrics_scope all = { 0 };
	struct metrics_process *processes = NULL;
	int count = metrics_process_list(q->site->metrics, &all, &processes);

	if (count < 0)
		return count;
	json_array_begin(j, "services");
	for (int i = 0; i < count; i++) {
		const char *service = processes[i].target.service;

		if (!state_is_first(processes, i))
			continue;
		json_object_begin(j, NULL);
		json_string(j, "service", service);
		json_string(j, "status", state_of_service(processes, count, service));
		state_put_reasons(processes, count, service, j);
		json_object_end(j);
	}
	json_array_end(j);
	free(processes);
	return 0;
}

int document_health(const struct question *q, struct json *j)
{
	enum health_status worst = health_worst(q->site->health);
	struct metrics_system system;
	int ret;

	json_object_begin(j, NULL);
	json_string(j, "status", health_status_name(worst));
	state_put_parts(q, j);
	state_put_facilities(q, j);
	ret = state_put_services(q, j);
	if (ret)
		return ret;
	metrics_system_get(q->site->metrics, &system);
	json_object_begin(j, "system");
	json_measure(j, "memoryUsedPercent", system.memory_used_percent);
	json_measure(j, "cpuPercent", system.cpu_percent);
	json_measure(j, "load1", system.load1);
	json_object_end(j);
	json_object_end(j);
	q->no->status = worst == HEALTH_UNHEALTHY ? 503 : 0; /* with the document all the same */
	return 0;
}

/* As they were written, without their secrets. */
static void state_put_channels(const struct config *c, enum config_key key, struct json *j)
{
	char text[CHANNEL_TEXT];
	struct channel_error error;
	struct channel channel;

	json_array_begin(j, "value");
	for (size_t i = 0; i < config_count(c, key); i++) {
		if (channel_parse(config_item(c, key, i), &channel, &error))
			continue; /* it was checked when it was put */
		channel_show(&channel, text, sizeof(text));
		json_string(j, NULL, text);
	}
	json_array_end(j);
}

/* Where they are, without who we are there. */
static void state_put_redis(const struct config *c, enum config_key key, struct json *j)
{
	struct redis_url url = { .count = 0 };
	const char *reason;
	char text[300];

	json_array_begin(j, "value");
	for (size_t i = 0; i < config_count(c, key); i++) {
		if (redis_url_add(&url, config_item(c, key, i), &reason))
			continue; /* it was checked when it was put */
		redis_place_show(&url.places[url.count - 1], text, sizeof(text));
		json_string(j, NULL, text);
	}
	json_array_end(j);
	explicit_bzero(&url, sizeof(url));
}

static void state_put_origins(const struct config *c, enum config_key key, struct json *j)
{
	char text[ORIGIN_TEXT];

	json_array_begin(j, "value");
	for (size_t i = 0; i < config_count(c, key); i++) {
		origin_rule_show(config_item(c, key, i), text, sizeof(text));
		json_string(j, NULL, text);
	}
	json_array_end(j);
}

static void state_put_value(const struct config *c, enum config_key key, struct json *j)
{
	const struct config_info *info = config_info(key);
	size_t count = config_count(c, key);

	switch (info->type) {
	case CONFIG_TYPE_SECRET:
		json_string(j, "value", config_text(c, key)[0] ? "********" : "");
		return;
	case CONFIG_TYPE_SWITCH:
		json_bool(j, "value", config_switch(c, key));
		return;
	case CONFIG_TYPE_PERCENT:
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_ITEMS:
		json_double(j, "value", config_number(c, key));
		return;
	case CONFIG_TYPE_CHANNELS:
		state_put_channels(c, key, j);
		return;
	case CONFIG_TYPE_REDIS:
		state_put_redis(c, key, j);
		return;
	case CONFIG_TYPE_ORIGINS:
		state_put_origins(c, key, j);
		return;
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_MAP:
	case CONFIG_TYPE_RULES:
	case CONFIG_TYPE_NAMES:
	case CONFIG_TYPE_ROUTES:
	case CONFIG_TYPE_ESCALATION:
	case CONFIG_TYPE_PROXY:
		json_array_begin(j, "value");
		for (size_t i = 0; i < count; i++)
			json_string(j, NULL, config_item(c, key, i));
		json_array_end(j);
		return;
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_LEVEL:
	case CONFIG_TYPE_SOURCE:
	case CONFIG_TYPE_SPAN:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_PREFIX:
		break;
	}
	json_string(j, "value", config_text(c, key));
}

int document_config(const struct question *q, struct json *j)
{
	static const char *const sources[] = { "default", "file", "environment", "flag" };
	const struct config *c = q->site->config;

	json_object_begin(j, NULL);
	json_array_begin(j, "settings");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		enum config_key key = (enum config_key)i;
		const struct config_info *info = config_info(key);
		char environment[64];

		config_key_environment(key, environment, sizeof(environment));
		json_object_begin(j, NULL);
		json_string(j, "key", info->path);
		json_string(j, "type", config_type_name(info->type));
		state_put_value(c, key, j);
		json_string(j, "source", sources[config_from(c, key)]);
		json_string(j, "where", config_where(c, key));
		json_string(j, "environment", environment);
		json_string(j, "flag", info->flag);
		json_string(j, "unit", info->unit[0] ? info->unit : NULL);
		json_string(j, "help", info->help);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return 0;
}
