#include "config_key.h"

#include "channel.h"
#include "escalation.h"
#include "log.h"
#include "origin_rule.h"
#include "pattern.h"
#include "proxy_site.h"
#include "redis_url.h"
#include "rule.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_NEAR 3 /* single edits: more is no slip of the hand */
#define CONFIG_COUNT_MAX 1000
#define CONFIG_ITEMS_MAX 1000000

static const struct config_info config_table[CONFIG_KEYS] = {
	[CONFIG_RUN_DIR] = { "run_dir", "run-dir", "/run/ringside", "",
			     "directory of the sockets and the token", CONFIG_TYPE_PATH },
	[CONFIG_STATE_DIR] = { "state_dir", "state-dir", "/var/lib/ringside", "",
			       "directory of what survives a restart", CONFIG_TYPE_PATH },
	[CONFIG_USER] = { "user", "user", "ringside", "", "user that the agent's worker runs as",
			  CONFIG_TYPE_TEXT },
	[CONFIG_LABELS] = { "labels", NULL, "", "", "labels put on every export", CONFIG_TYPE_MAP },
	[CONFIG_LOG_LEVEL] = { "log.level", "log-level", "info", "",
			       "error, warning, info or debug", CONFIG_TYPE_LEVEL },
	[CONFIG_HTTP_LISTEN] = { "http.listen", "listen", "127.0.0.1:9977", "",
				 "TCP addresses of the API; none turns them off",
				 CONFIG_TYPE_ADDRESS },
	[CONFIG_HTTP_SOCKET] = { "http.socket", "socket", "", "",
				 "Unix socket of the API; empty: api.sock in run_dir",
				 CONFIG_TYPE_PATH },
	[CONFIG_HTTP_ALLOWED_HOSTS] = { "http.allowed_hosts", NULL, "", "",
					"names in a Host header beside loopback's",
					CONFIG_TYPE_LIST },
	[CONFIG_HTTP_READ_TOKEN] = { "http.read_token", NULL, "", "",
				     "token that reading over TCP needs; empty: none",
				     CONFIG_TYPE_SECRET },
	[CONFIG_MEMORY_WARNING] = { "memory.warning", NULL, "80", "percent",
				    "memory use that is a warning", CONFIG_TYPE_PERCENT },
	[CONFIG_MEMORY_CRITICAL] = { "memory.critical", NULL, "90", "percent",
				     "memory use that is critical", CONFIG_TYPE_PERCENT },
	[CONFIG_MEMORY_DUMP] = { "memory.dump", NULL, "95", "percent",
				 "memory use that asks for a heap dump", CONFIG_TYPE_PERCENT },
	[CONFIG_CPU_WARNING] = { "cpu.warning", NULL, "70", "percent", "CPU use that is a warning",
				 CONFIG_TYPE_PERCENT },
	[CONFIG_CPU_CRITICAL] = { "cpu.critical", NULL, "85", "percent", "CPU use that is critical",
				  CONFIG_TYPE_PERCENT },
	[CONFIG_REQUESTS_SLOW_WARNING] = { "requests.slow_warning", NULL, "1s", "duration",
					   "a request longer than this is slow", CONFIG_TYPE_SPAN },
	[CONFIG_REQUESTS_SLOW_CRITICAL] = { "requests.slow_critical", NULL, "5s", "duration",
					    "a request longer than this is critically slow",
					    CONFIG_TYPE_SPAN },
	[CONFIG_CAPTURE_BUDGET] = { "capture.budget", NULL, "10", "percent",
				    "of a process's CPU time that watching it may cost: past it "
				    "less is recorded; 0: no limit",
				    CONFIG_TYPE_PERCENT },
	[CONFIG_CAPTURE_HTTP] = { "capture.http", NULL, "auto", "",
				  "where HTTP of processes without the library comes from: "
				  "sockets, "
				  "syscalls, or auto: these where the kernel refuses those",
				  CONFIG_TYPE_SOURCE },
	[CONFIG_TARGETS_INCLUDE] = { "targets.include", NULL, "", "",
				     "processes to watch, by exe, service, cgroup, port; none: all",
				     CONFIG_TYPE_RULES },
	[CONFIG_TARGETS_EXCLUDE] = { "targets.exclude", NULL, "", "",
				     "processes not to watch, although they are included",
				     CONFIG_TYPE_RULES },
	[CONFIG_TARGETS_NAMES] = { "targets.names", NULL, "", "",
				   "services of processes that do not name themselves, by exe, "
				   "cgroup, port",
				   CONFIG_TYPE_NAMES },
	[CONFIG_TARGETS_ATTACH] = { "targets.attach", NULL, "", "",
				    "processes to watch although they do not carry the library, by "
				    "exe, service, cgroup, port",
				    CONFIG_TYPE_RULES },
	[CONFIG_ROUTES_PATTERNS] = { "routes.patterns", NULL, "", "",
				     "routes that are not to be learned, as /users/{name} or "
				     "/static/*; the first that fits is taken",
				     CONFIG_TYPE_ROUTES },
	[CONFIG_ALERTS_ENABLED] = { "alerts.enabled", NULL, "true", "",
				    "rules are looked at and alerts told", CONFIG_TYPE_SWITCH },
	[CONFIG_ALERTS_RULES_DIR] = { "alerts.rules_dir", "rules-dir", "/etc/ringside/rules.d", "",
				      "directory of alert rules, over the shipped ones",
				      CONFIG_TYPE_PATH },
	[CONFIG_ALERTS_CHECK_INTERVAL] = { "alerts.check_interval", NULL, "30s", "duration",
					   "how often a rule is looked at, unless it says",
					   CONFIG_TYPE_SPAN },
	[CONFIG_ALERTS_COOLDOWN] = { "alerts.cooldown", NULL, "5m", "duration",
				     "between two notices of one alert, unless its rule says",
				     CONFIG_TYPE_SPAN },
	[CONFIG_ALERTS_ESCALATION_THRESHOLD] = { "alerts.escalation_threshold", NULL, "3",
						 "notices",
						 "the notice in a row that goes to level 2",
						 CONFIG_TYPE_COUNT },
	[CONFIG_ALERTS_ESCALATION_FURTHER] = { "alerts.escalation_further", NULL, "3", "notices",
					       "so many later it goes to level 3, where a rule is "
					       "service_impacting",
					       CONFIG_TYPE_COUNT },
	[CONFIG_ALERTS_CHANNELS] = { "alerts.channels", NULL, "", "",
				     "ways to tell of alerts, by name, beside log",
				     CONFIG_TYPE_CHANNELS },
	[CONFIG_ALERTS_NOTIFY] = { "alerts.notify", NULL, "log,email", "",
				   "channels that are told of every alert: level 1",
				   CONFIG_TYPE_LIST },
	[CONFIG_ALERTS_ESCALATION] = { "alerts.escalation", NULL, "", "",
				       "levels 2 and 3: after how many notices in a row which "
				       "channels are told too; over escalation_threshold",
				       CONFIG_TYPE_ESCALATION },
	[CONFIG_CACHE_ENABLED] = { "cache.enabled", NULL, "true", "", "the cache is served",
				   CONFIG_TYPE_SWITCH },
	[CONFIG_CACHE_DEFAULT_TTL] = { "cache.default_ttl", NULL, "300s", "duration",
				       "how long an entry lives that does not say; 1s to 365 days",
				       CONFIG_TYPE_SPAN },
	[CONFIG_CACHE_MAX_MEMORY_ITEMS] = { "cache.max_memory_items", NULL, "1000", "entries",
					    "that the cache holds in memory", CONFIG_TYPE_ITEMS },
	[CONFIG_CACHE_MAX_MEMORY_BYTES] = { "cache.max_memory_bytes", NULL, "64MiB", "bytes",
					    "of all entries in memory", CONFIG_TYPE_SIZE },
	[CONFIG_CACHE_MAX_VALUE] = { "cache.max_value", NULL, "1MiB", "bytes",
				     "of one value, at most 16 MiB", CONFIG_TYPE_SIZE },
	[CONFIG_CACHE_CLEANUP_INTERVAL] = { "cache.cleanup_interval", NULL, "60s", "duration",
					    "between two looks for entries that are over",
					    CONFIG_TYPE_SPAN },
	[CONFIG_CACHE_COMPRESSION] = { "cache.compression", NULL, "true", "",
				       "values are compressed in memory where it pays",
				       CONFIG_TYPE_SWITCH },
	[CONFIG_CACHE_COMPRESSION_THRESHOLD] = { "cache.compression_threshold", NULL, "1024",
						 "bytes", "a value not longer is not compressed",
						 CONFIG_TYPE_SIZE },
	[CONFIG_CACHE_COMPRESSION_LEVEL] = { "cache.compression_level", NULL, "3", "level",
					     "of zstd, 1 to 19", CONFIG_TYPE_COUNT },
	[CONFIG_CACHE_ORIGINS] = { "cache.origins", NULL, "", "",
				   "where values of a prefix of keys are fetched from when nobody "
				   "has them",
				   CONFIG_TYPE_ORIGINS },
	[CONFIG_CACHE_PROXY] = { "cache.proxy", NULL, "", "",
				 "listeners in front of upstreams, and which of their replies are "
				 "cached; none: no proxy",
				 CONFIG_TYPE_PROXY },
	[CONFIG_CACHE_WRITE_BUFFER_ITEMS] = { "cache.write_buffer_items", NULL, "10000", "writes",
					      "that wait while Redis is away", CONFIG_TYPE_ITEMS },
	[CONFIG_CACHE_WRITE_BUFFER_BYTES] = { "cache.write_buffer_bytes", NULL, "16MiB", "bytes",
					      "of all writes that wait, 64 KiB or more",
					      CONFIG_TYPE_SIZE },
	[CONFIG_REDIS_URL] = { "redis.url", "redis", "", "",
			       "redis://[user:password@]host:port/db or unix://path, or some nodes "
			       "of a cluster; none: memory alone",
			       CONFIG_TYPE_REDIS },
	[CONFIG_REDIS_PASSWORD_FILE] = { "redis.password_file", NULL, "", "",
					 "file with the password, over one in redis.url",
					 CONFIG_TYPE_PATH },
	[CONFIG_REDIS_PREFIX] = { "redis.prefix", NULL, "ringside:", "",
				  "what all our keys begin with: no other is ever touched",
				  CONFIG_TYPE_PREFIX },
	[CONFIG_REDIS_TIMEOUT] = { "redis.timeout", NULL, "500ms", "duration",
				   "an answer that takes longer is none", CONFIG_TYPE_SPAN },
	[CONFIG_REDIS_AGGREGATES] = { "redis.aggregates", NULL, "false", "",
				      "the agent's aggregates are put there too, and fetched back "
				      "when the history is lost",
				      CONFIG_TYPE_SWITCH },
	[CONFIG_REDIS_AGGREGATES_BUDGET] = { "redis.aggregates_budget", NULL, "64KiB", "bytes",
					     "a second that this may take, over ten seconds; 1KiB "
					     "to 1MiB",
					     CONFIG_TYPE_SIZE },
	[CONFIG_REDIS_AGGREGATES_TTL] = { "redis.aggregates_ttl", NULL, "48h", "duration",
					  "how long five minutes are there, ten seconds for 2 h of "
					  "it; 1h to 30 days",
					  CONFIG_TYPE_SPAN },
	[CONFIG_FLEET_ENABLED] = { "fleet.enabled", NULL, "true", "",
				   "where redis.aggregates is on: it announces itself to the "
				   "agents "
				   "that share the Redis, and tells of all",
				   CONFIG_TYPE_SWITCH },
	[CONFIG_FLEET_HOST] = { "fleet.host", NULL, "", "",
				"name of this host in the Redis, which no other has; none: the "
				"machine's own",
				CONFIG_TYPE_TEXT },
	[CONFIG_FLEET_GONE_AFTER] = { "fleet.gone_after", NULL, "30s", "duration",
				      "not heard of for so long this host is told as gone; it "
				      "announces itself three times as often; 3s to 1h",
				      CONFIG_TYPE_SPAN },
	[CONFIG_FLEET_FORGET_AFTER] = { "fleet.forget_after", NULL, "24h", "duration",
					"and is told as gone for so long; 1m to 30 days",
					CONFIG_TYPE_SPAN },
};

const struct config_info *config_info(enum config_key key)
{
	return &config_table[key];
}

const char *config_type_name(enum config_type type)
{
	static const char *const names[] = {
		[CONFIG_TYPE_TEXT] = "text",
		[CONFIG_TYPE_PATH] = "path",
		[CONFIG_TYPE_LEVEL] = "level",
		[CONFIG_TYPE_SECRET] = "secret",
		[CONFIG_TYPE_PERCENT] = "percent",
		[CONFIG_TYPE_SPAN] = "duration",
		[CONFIG_TYPE_LIST] = "list",
		[CONFIG_TYPE_ADDRESS] = "addresses",
		[CONFIG_TYPE_MAP] = "map",
		[CONFIG_TYPE_RULES] = "rules",
		[CONFIG_TYPE_NAMES] = "names",
		[CONFIG_TYPE_ROUTES] = "routes",
		[CONFIG_TYPE_SWITCH] = "switch",
		[CONFIG_TYPE_COUNT] = "count",
		[CONFIG_TYPE_ITEMS] = "count",
		[CONFIG_TYPE_SIZE] = "size",
		[CONFIG_TYPE_SOURCE] = "source",
		[CONFIG_TYPE_CHANNELS] = "channels",
		[CONFIG_TYPE_ESCALATION] = "escalation",
		[CONFIG_TYPE_REDIS] = "redis",
		[CONFIG_TYPE_PREFIX] = "prefix",
		[CONFIG_TYPE_PROXY] = "proxies",
		[CONFIG_TYPE_ORIGINS] = "origins",
	};

	return names[type];
}

int config_key_find(const char *path)
{
	for (int i = 0; i < CONFIG_KEYS; i++) {
		if (!strcmp(config_table[i].path, path))
			return i;
	}
	return -ENOENT;
}

int config_key_find_flag(const char *flag)
{
	for (int i = 0; i < CONFIG_KEYS; i++) {
		if (config_table[i].flag && !strcmp(config_table[i].flag, flag))
			return i;
	}
	return -ENOENT;
}

const char *config_key_nearest(const char *path)
{
	const char *nearest = NULL;
	size_t least = CONFIG_NEAR + 1;

	for (int i = 0; i < CONFIG_KEYS; i++) {
		const char *known = config_table[i].path;
		const char *leaf = strrchr(known, '.');
		size_t distance = text_distance(known, path);

		/* The right name in the wrong place: "listen" for "http.listen". */
		if (leaf && !strcmp(leaf + 1, path))
			distance = 0;
		if (distance < least) {
			least = distance;
			nearest = known;
		}
	}
	return nearest;
}

void config_key_environment(enum config_key key, char *out, size_t size)
{
	snprintf(out, size, "RINGSIDE_%s", config_table[key].path);
	for (char *c = out; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (*c == '.')
			*c = '_';
	}
}

static int config_check_percent(const char *text, const char **reason)
{
	double value;

	*reason = "must be a number from 0 to 100";
	return text_number(text, &value) || value < 0 || value > 100 ? -ERANGE : 0;
}

static int config_check_span(const char *text, const char **reason)
{
	uint64_t ns;

	*reason = "must be a duration with a unit, as 250ms, 30s or 5m";
	return text_span_ns(text, &ns) ? -EINVAL : 0;
}

static int config_check_address(const char *text, const char **reason)
{
	struct sockaddr_storage address;
	socklen_t length;

	*reason = "must be an address and port, as 127.0.0.1:9977 or [::1]:9977, or none";
	return strcmp(text, "none") != 0 && text_address(text, &address, &length) ? -EINVAL : 0;
}

static int config_check_path(const char *text, const char **reason)
{
	*reason = "must be an absolute path";
	return *text && strcmp(text, "none") != 0 && text[0] != '/' ? -EINVAL : 0;
}

static int config_check_level(const char *text, const char **reason)
{
	*reason = "must be error, warning, info or debug";
	return log_level_parse(text) < 0 ? -EINVAL : 0;
}

static int config_check_source(const char *text, const char **reason)
{
	static const char *const sources[] = { "auto", "sockets", "syscalls" };

	*reason = "must be auto, sockets or syscalls";
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(text, sources[i]) == 0)
			return 0;
	return -EINVAL;
}

/* A label's name is one that Prometheus takes. */
static int config_check_label(const char *text, const char **reason)
{
	static const char names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t n = strspn(text, names);

	*reason = "must be name=value with a name of letters, digits and _";
	return !n || text[n] != '=' || (text[0] >= '0' && text[0] <= '9') ? -EINVAL : 0;
}

static int config_check_switch(const char *text, const char **reason)
{
	*reason = "must be true or false";
	return strcmp(text, "true") != 0 && strcmp(text, "false") != 0 ? -EINVAL : 0;
}

static int config_check_count(const char *text, int most, const char **reason)
{
	double value;

	*reason = most == CONFIG_ITEMS_MAX ? "must be a whole number from 1 to 1000000"
					   : "must be a whole number from 1 to 1000";
	if (text_number(text, &value) || value < 1 || value > most)
		return -ERANGE;
	return value > (double)(int)value ? -ERANGE : 0;
}

static int config_check_size(const char *text, const char **reason)
{
	uint64_t bytes;

	*reason = "must be a size, as 64MiB or a number of bytes";
	return text_size_bytes(text, &bytes);
}

static int config_check_rule(const char *text, bool names, const char **reason)
{
	struct rule rule;

	return rule_parse(text, names, &rule, reason);
}

static int config_check_channel(const char *text, const char **reason)
{
	static _Thread_local struct channel_error error; /* *reason stays good until the next */
	struct channel channel;
	int ret = channel_parse(text, &channel, &error);

	*reason = error.reason;
	return ret;
}

static int config_check_escalation(const char *text, const char **reason)
{
	struct escalation escalation;

	return escalation_parse(text, &escalation, reason);
}

static int config_check_origin(const char *text, const char **reason)
{
	static _Thread_local struct channel_error error; /* *reason stays good until the next */
	struct origin_rule rule;
	int ret = origin_rule_parse(text, &rule, &error);

	*reason = error.reason;
	return ret;
}

static int config_check_redis(const char *text, const char **reason)
{
	struct redis_url url = { .count = 0 };
	int ret = redis_url_add(&url, text, reason);

	explicit_bzero(&url, sizeof(url));
	return ret;
}

static int config_check_proxy(const char *text, const char **reason)
{
	static _Thread_local char told[sizeof(struct channel_error) + 32]; /* good until the next */
	struct channel_error error;
	struct proxy_site *site;
	int ret = proxy_site_open(&site, text, &error);

	if (!ret) {
		proxy_site_close(site);
		return 0;
	}
	snprintf(told, sizeof(told), "must be a proxy: %s: %s", error.key, error.reason);
	*reason = told;
	return ret;
}

int config_value_check(enum config_type type, const char *text, const char **reason)
{
	switch (type) {
	case CONFIG_TYPE_PERCENT:
		return config_check_percent(text, reason);
	case CONFIG_TYPE_SPAN:
		return config_check_span(text, reason);
	case CONFIG_TYPE_ADDRESS:
		return config_check_address(text, reason);
	case CONFIG_TYPE_PATH:
		return config_check_path(text, reason);
	case CONFIG_TYPE_LEVEL:
		return config_check_level(text, reason);
	case CONFIG_TYPE_SOURCE:
		return config_check_source(text, reason);
	case CONFIG_TYPE_MAP:
		return config_check_label(text, reason);
	case CONFIG_TYPE_RULES:
		return config_check_rule(text, false, reason);
	case CONFIG_TYPE_NAMES:
		return config_check_rule(text, true, reason);
	case CONFIG_TYPE_ROUTES:
		return pattern_check(text, reason);
	case CONFIG_TYPE_SWITCH:
		return config_check_switch(text, reason);
	case CONFIG_TYPE_COUNT:
		return config_check_count(text, CONFIG_COUNT_MAX, reason);
	case CONFIG_TYPE_ITEMS:
		return config_check_count(text, CONFIG_ITEMS_MAX, reason);
	case CONFIG_TYPE_SIZE:
		return config_check_size(text, reason);
	case CONFIG_TYPE_CHANNELS:
		return config_check_channel(text, reason);
	case CONFIG_TYPE_ESCALATION:
		return config_check_escalation(text, reason);
	case CONFIG_TYPE_REDIS:
		return config_check_redis(text, reason);
	case CONFIG_TYPE_PREFIX:
		return redis_prefix_check(text, reason);
	case CONFIG_TYPE_PROXY:
		return config_check_proxy(text, reason);
	case CONFIG_TYPE_ORIGINS:
		return config_check_origin(text, reason);
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_LIST:
		break;
	}
	return 0;
}
