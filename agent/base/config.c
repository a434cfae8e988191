#include "config.h"

#include "config_alerts.h"
#include "config_alias.h"
#include "config_cache.h"
#include "config_file.h"
#include "config_redis.h"
#include "file.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE_BYTES (1024u * 1024) /* a configuration is never longer */
#define CONFIG_ITEMS 64
#define CONFIG_SLIP 2 /* single edits that make an environment name a slip of one of ours */

struct config_value {
	char **items; /* of a map: "name=value"; NULL-terminated */
	char *where;
	enum config_from from;
};

struct config {
	struct config_value values[CONFIG_KEYS];
};

/* What is being set, and by whom. */
struct config_put {
	struct config *config;
	struct config_error *error;
	const char *where;
	enum config_from from;
};

static void config_items_free(char **items)
{
	if (!items)
		return;
	for (size_t i = 0; items[i]; i++)
		free(items[i]);
	free(items);
}

static char **config_items_copy(const char *const *items)
{
	size_t count = 0;
	char **copy;

	while (items[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(items[i]);
		if (!copy[i]) {
			config_items_free(copy);
			return NULL;
		}
	}
	return copy;
}

static int config_refuse(const struct config_put *put, enum config_key key, const char *reason)
{
	snprintf(put->error->text, sizeof(put->error->text), "%s: %s: %s", put->where,
		 config_info(key)->path, reason);
	return -EINVAL;
}

static int config_put_items(const struct config_put *put, enum config_key key,
			    const char *const *items)
{
	struct config_value *value = &put->config->values[key];
	const char *reason = "";
	char **copy, *where;

	for (size_t i = 0; items[i]; i++) {
		if (config_value_check(config_info(key)->type, items[i], &reason))
			return config_refuse(put, key, reason);
	}
	if (value->items && value->from > put->from)
		return 0; /* checked all the same: a wrong file is wrong under any flag */
	copy = config_items_copy(items);
	where = strdup(put->where);
	if (!copy || !where) {
		config_items_free(copy);
		free(where);
		return -ENOMEM;
	}
	config_items_free(value->items);
	free(value->where);
	*value = (struct config_value){ copy, where, put->from };
	return 0;
}

static bool config_is_list(enum config_key key)
{
	switch (config_info(key)->type) {
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_MAP:
	case CONFIG_TYPE_RULES:
	case CONFIG_TYPE_NAMES:
	case CONFIG_TYPE_ROUTES:
	case CONFIG_TYPE_CHANNELS:
	case CONFIG_TYPE_ESCALATION:
	case CONFIG_TYPE_REDIS:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ORIGINS:
		return true;
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_LEVEL:
	case CONFIG_TYPE_SOURCE:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_PERCENT:
	case CONFIG_TYPE_SPAN:
	case CONFIG_TYPE_SWITCH:
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_ITEMS:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_PREFIX:
		break;
	}
	return false;
}

/* One text from the environment or a flag; a list's items are parted by commas. */
static int config_put_text(const struct config_put *put, enum config_key key, const char *text)
{
	const char *items[CONFIG_ITEMS + 1] = { text };
	char *copy, *rest, *item;
	size_t count = 0;
	int ret;

	if (!config_is_list(key))
		return config_put_items(put, key, items);
	items[0] = NULL;
	copy = rest = strdup(text);
	if (!copy)
		return -ENOMEM;
	while ((item = strsep(&rest, ",")) && count < CONFIG_ITEMS) {
		if (*item)
			items[count++] = item;
	}
	ret = item ? config_refuse(put, key, "too many items") : config_put_items(put, key, items);
	free(copy);
	return ret;
}

int config_open(struct config **out)
{
	struct config *c = calloc(1, sizeof(*c));
	struct config_error error;

	if (!c)
		return -ENOMEM;
	for (int i = 0; i < CONFIG_KEYS; i++) {
		struct config_put put = { c, &error, "default", CONFIG_DEFAULT };
		int ret = config_put_text(&put, (enum config_key)i,
					  config_info((enum config_key)i)->initial);

		if (ret) {
			config_close(c);
			return ret;
		}
	}
	*out = c;
	return 0;
}

void config_close(struct config *c)
{
	if (!c)
		return;
	for (int i = 0; i < CONFIG_KEYS; i++) {
		config_items_free(c->values[i].items);
		free(c->values[i].where);
	}
	free(c);
}

static int config_on_key(void *ctx, enum config_key key, const char *const *items,
			 const char *where)
{
	struct config_put *put = ctx;

	put->where = where;
	return config_put_items(put, key, items);
}

int config_read(struct config *c, const char *name, const char *text, size_t length,
		struct config_error *error)
{
	struct config_put put = { c, error, name, CONFIG_FILE };
	const struct config_file_sink sink = { &put, config_on_key };
	const struct config_text document = { name, text, length };

	return config_file_read(&document, &sink, error);
}

int config_read_fd(struct config *c, const char *name, int fd, struct config_error *error)
{
	char *text = malloc(CONFIG_FILE_BYTES + 1);
	ssize_t length = text ? file_read(fd, text, CONFIG_FILE_BYTES + 1) : -ENOMEM;
	int ret;

	if (!text)
		return -ENOMEM;
	if (length < 0 || length > (ssize_t)CONFIG_FILE_BYTES) {
		ret = length < 0 ? (int)length : -EFBIG;
		snprintf(error->text, sizeof(error->text), "%s: %s", name,
			 length < 0 ? strerrordesc_np(-ret) : "is larger than 1 MiB");
	} else {
		ret = config_read(c, name, text, (size_t)length, error);
	}
	free(text);
	return ret;
}

/* A name one slip away from a key's is refused; any other is somebody else's. */
static int config_environment_unknown(const char *name, struct config_error *error)
{
	char known[64];

	for (int i = 0; i < CONFIG_KEYS; i++) {
		config_key_environment((enum config_key)i, known, sizeof(known));
		if (text_distance(known, name) > CONFIG_SLIP)
			continue;
		snprintf(error->text, sizeof(error->text),
			 "environment: %.64s: unknown key; did you mean %s?", name, known);
		return -EINVAL;
	}
	return 0;
}

static int config_environment_key(const char *name)
{
	char known[64];

	if (strncmp(name, "RINGSIDE_", 9) != 0)
		return config_alias_environment(name);
	for (int i = 0; i < CONFIG_KEYS; i++) {
		config_key_environment((enum config_key)i, known, sizeof(known));
		if (!strcmp(known, name))
			return i;
	}
	return -ENOENT;
}

/* The guide's names, or our own. */
static int config_environment_pass(struct config *c, char *const *environment, bool own,
				   struct config_error *error)
{
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');
		char name[80];
		int key, ret;

		if (!equals || own != !strncmp(*environment, "RINGSIDE_", 9) ||
		    (size_t)(equals - *environment) >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(equals - *environment), *environment);
		key = config_environment_key(name);
		if (key < 0) {
			ret = own ? config_environment_unknown(name, error) : 0;
		} else {
			const struct config_put put = { c, error, name, CONFIG_ENVIRONMENT };

			ret = config_put_text(&put, (enum config_key)key, equals + 1);
		}
		if (ret)
			return ret;
	}
	return 0;
}

int config_environment(struct config *c, char *const *environment, struct config_error *error)
{
	int ret = config_environment_pass(c, environment, false, error);

	return ret ? ret : config_environment_pass(c, environment, true, error);
}

int config_flag(struct config *c, const char *flag, const char *value, struct config_error *error)
{
	int key = config_key_find_flag(flag);
	const struct config_value *old;
	char where[64], *joined = NULL, *all;
	int ret;

	if (key < 0)
		return key;
	snprintf(where, sizeof(where), "--%s", flag);
	const struct config_put put = { c, error, where, CONFIG_FLAG };

	old = &c->values[key];
	if (!config_is_list((enum config_key)key) || old->from != CONFIG_FLAG || !old->items[0])
		return config_put_text(&put, (enum config_key)key, value);
	for (size_t i = 0; old->items[i]; i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", joined ? joined : "", joined ? "," : "",
			     old->items[i]) < 0)
			longer = NULL;
		free(joined);
		joined = longer;
		if (!joined)
			return -ENOMEM;
	}
	if (asprintf(&all, "%s,%s", joined, value) < 0)
		all = NULL;
	ret = all ? config_put_text(&put, (enum config_key)key, all) : -ENOMEM;
	free(joined);
	free(all);
	return ret;
}

static int config_check_pair(const struct config *c, enum config_key low, enum config_key high,
			     struct config_error *error)
{
	bool span = config_info(low)->type == CONFIG_TYPE_SPAN;
	bool wrong = span ? config_span_ns(c, low) > config_span_ns(c, high)
			  : config_number(c, low) > config_number(c, high);

	if (!wrong)
		return 0;
	snprintf(error->text, sizeof(error->text), "%s: %s: %s must not be above %s (%s)",
		 config_where(c, low), config_info(low)->path, config_text(c, low),
		 config_info(high)->path, config_text(c, high));
	return -EINVAL;
}

/* A rule is looked at from each second to each hour. */
static int config_check_interval(const struct config *c, struct config_error *error)
{
	uint64_t ns = config_span_ns(c, CONFIG_ALERTS_CHECK_INTERVAL);

	if (ns >= UINT64_C(1000000000) && ns <= UINT64_C(3600000000000))
		return 0;
	snprintf(error->text, sizeof(error->text), "%s: %s: must be from 1s to 1h",
		 config_where(c, CONFIG_ALERTS_CHECK_INTERVAL),
		 config_info(CONFIG_ALERTS_CHECK_INTERVAL)->path);
	return -EINVAL;
}

int config_check(const struct config *c, struct config_error *error)
{
	static const enum config_key pairs[][2] = {
		{ CONFIG_MEMORY_WARNING, CONFIG_MEMORY_CRITICAL },
		{ CONFIG_MEMORY_CRITICAL, CONFIG_MEMORY_DUMP },
		{ CONFIG_CPU_WARNING, CONFIG_CPU_CRITICAL },
		{ CONFIG_REQUESTS_SLOW_WARNING, CONFIG_REQUESTS_SLOW_CRITICAL },
	};
	static const enum config_key directories[] = { CONFIG_RUN_DIR, CONFIG_STATE_DIR };
	size_t count = config_count(c, CONFIG_HTTP_LISTEN);
	struct config_alerts *alerts;
	int ret;

	for (size_t i = 0; i < 2; i++) {
		if (config_text(c, directories[i])[0] == '/')
			continue;
		snprintf(error->text, sizeof(error->text), "%s: %s: must be an absolute path",
			 config_where(c, directories[i]), config_info(directories[i])->path);
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ret = config_check_pair(c, pairs[i][0], pairs[i][1], error);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < count && count > 1; i++) {
		if (strcmp(config_item(c, CONFIG_HTTP_LISTEN, i), "none") != 0)
			continue;
		snprintf(error->text, sizeof(error->text), "%s: http.listen: none stands alone",
			 config_where(c, CONFIG_HTTP_LISTEN));
		return -EINVAL;
	}
	if (config_check_interval(c, error) || config_cache_check(c, error) ||
	    config_redis_check(c, error))
		return -EINVAL;
	ret = config_alerts_open(&alerts, c, error);
	config_alerts_close(alerts);
	return ret;
}

size_t config_count(const struct config *c, enum config_key key)
{
	size_t count = 0;

	while (c->values[key].items[count])
		count++;
	return count;
}

const char *config_item(const struct config *c, enum config_key key, size_t index)
{
	return c->values[key].items[index];
}

const char *config_text(const struct config *c, enum config_key key)
{
	const char *text = c->values[key].items[0];

	return text ? text : "";
}

double config_number(const struct config *c, enum config_key key)
{
	double value = 0;

	text_number(config_text(c, key), &value); /* checked when it was put */
	return value;
}

bool config_switch(const struct config *c, enum config_key key)
{
	return !strcmp(config_text(c, key), "true");
}

uint64_t config_bytes(const struct config *c, enum config_key key)
{
	uint64_t bytes = 0;

	text_size_bytes(config_text(c, key), &bytes); /* checked when it was put */
	return bytes;
}

uint64_t config_span_ns(const struct config *c, enum config_key key)
{
	uint64_t ns = 0;

	text_span_ns(config_text(c, key), &ns); /* checked when it was put */
	return ns;
}

bool config_equal(const struct config *a, const struct config *b, enum config_key key)
{
	size_t count = config_count(a, key);

	if (count != config_count(b, key))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(config_item(a, key, i), config_item(b, key, i)) != 0)
			return false;
	}
	return true;
}

enum config_from config_from(const struct config *c, enum config_key key)
{
	return c->values[key].from;
}

const char *config_where(const struct config *c, enum config_key key)
{
	return c->values[key].where;
}

int config_socket_path(const struct config *c, char *out, size_t size)
{
	const char *path = config_text(c, CONFIG_HTTP_SOCKET);
	int n;

	if (*path)
		n = snprintf(out, size, "%s", path);
	else
		n = snprintf(out, size, "%s/api.sock", config_text(c, CONFIG_RUN_DIR));
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
