#include "channel.h"

#include "action.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL_NEAR 2 /* single edits of a slip */
#define CHANNEL_TIMEOUT_MS 10000
#define CHANNEL_ACTION_MS 60000 /* a service that ends in good order takes its time */
#define CHANNEL_PAUSE_MS 600000
#define CHANNEL_PAUSE_LEAST_MS 1000
#define CHANNEL_PAUSE_MOST_MS 86400000
#define CHANNEL_TIMEOUT_LEAST_MS 100
#define CHANNEL_TIMEOUT_MOST_MS 60000
#define CHANNEL_BIT(type) (1u << (type))
#define CHANNEL_HTTP (CHANNEL_BIT(CHANNEL_WEBHOOK) | CHANNEL_BIT(CHANNEL_ALERTMANAGER))
#define CHANNEL_NET (CHANNEL_HTTP | CHANNEL_BIT(CHANNEL_SLACK) | CHANNEL_BIT(CHANNEL_PAGERDUTY))
#define CHANNEL_MAIL CHANNEL_BIT(CHANNEL_EMAIL)
#define CHANNEL_RUN (CHANNEL_BIT(CHANNEL_EXEC) | CHANNEL_BIT(CHANNEL_RESTART_UNIT))
#define CHANNEL_ACTIONS (CHANNEL_RUN | CHANNEL_BIT(CHANNEL_CACHE_CLEAR))

enum channel_show { CHANNEL_PLAIN, CHANNEL_HIDDEN, CHANNEL_ORIGIN };

struct channel_rule {
	const char *name;
	unsigned int takes; /* CHANNEL_BIT of the types that have it */
	int (*check)(const char *value, const char **reason);
	enum channel_show show;
};

static const char *const channel_types[CHANNEL_TYPES] = {
	[CHANNEL_LOG] = "log",
	[CHANNEL_WEBHOOK] = "webhook",
	[CHANNEL_SLACK] = "slack",
	[CHANNEL_PAGERDUTY] = "pagerduty",
	[CHANNEL_ALERTMANAGER] = "alertmanager",
	[CHANNEL_DOGSTATSD] = "dogstatsd",
	[CHANNEL_EMAIL] = "email",
	[CHANNEL_EXEC] = "exec",
	[CHANNEL_RESTART_UNIT] = "restart_unit",
	[CHANNEL_CACHE_CLEAR] = "cache_clear",
};

/* Host and port behind "scheme://"; user names and passwords have keys of their own. */
static int channel_check_host(const char *host)
{
	size_t length = strcspn(host, "/?#");
	const char *colon = memrchr(host, ':', length);
	const char *bracket = memrchr(host, ']', length);
	char *end;
	long port;

	for (const char *c = host; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '\\' || *c == '<' || *c == '>')
			return -EINVAL;
	if (!length || memchr(host, '@', length) || *host == ':' || (*host == '[' && !bracket))
		return -EINVAL;
	if (!colon || (bracket && colon < bracket))
		return 0;
	port = strtol(colon + 1, &end, 10);
	return colon[1] < '0' || colon[1] > '9' || end != host + length || port < 1 || port > 65535
		       ? -EINVAL
		       : 0;
}

static int channel_check_url(const char *value, const char **reason)
{
	const char *host = strstr(value, "://");

	*reason = "must be http:// or https:// with a host, without a user name";
	if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
		return -EINVAL;
	return channel_check_host(host + 3);
}

static int channel_check_smtp(const char *value, const char **reason)
{
	const char *host = strstr(value, "://");

	*reason = "must be smtp:// or smtps:// with a host and perhaps a port";
	if (strncmp(value, "smtp://", 7) != 0 && strncmp(value, "smtps://", 8) != 0)
		return -EINVAL;
	return channel_check_host(host + 3);
}

static int channel_check_text(const char *value, const char **reason)
{
	*reason = "must be a text without control characters";
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return -EINVAL;
	return 0;
}

static int channel_check_path(const char *value, const char **reason)
{
	*reason = "must be an absolute path";
	return *value == '/' ? channel_check_text(value, reason) : -EINVAL;
}

static int channel_check_mail(const char *value, const char **reason)
{
	const char *at = strchr(value, '@');

	*reason = "must be a mail address, as ops@example.org";
	if (!at || at == value || !at[1] || strchr(at + 1, '@'))
		return -EINVAL;
	for (; *value; value++)
		if (*value <= ' ' || *value >= 0x7f || strchr("<>,;\"\\", *value))
			return -EINVAL;
	return 0;
}

static int channel_check_mails(const char *value, const char **reason)
{
	char one[CHANNEL_VALUE];

	*reason = "must be a mail address or a list of them";
	while (*value) {
		size_t length = strcspn(value, ",");

		snprintf(one, sizeof(one), "%.*s", (int)length, value);
		if (channel_check_mail(one, reason))
			return -EINVAL;
		value += length + (value[length] == ',');
	}
	return 0;
}

static int channel_check_address(const char *value, const char **reason)
{
	struct sockaddr_storage address;
	socklen_t length;

	*reason = "must be an address and port, as 127.0.0.1:8125";
	return text_address(value, &address, &length) ? -EINVAL : 0;
}

static int channel_check_starttls(const char *value, const char **reason)
{
	*reason = "must be auto, required or none";
	return strcmp(value, "auto") != 0 && strcmp(value, "required") != 0 &&
			       strcmp(value, "none") != 0
		       ? -EINVAL
		       : 0;
}

static int channel_check_timeout(const char *value, const char **reason)
{
	uint64_t ns;

	*reason = "must be a duration from 100ms to 60s";
	return text_span_ns(value, &ns) || ns / 1000000 < CHANNEL_TIMEOUT_LEAST_MS ||
			       ns / 1000000 > CHANNEL_TIMEOUT_MOST_MS
		       ? -EINVAL
		       : 0;
}

static int channel_check_pause(const char *value, const char **reason)
{
	uint64_t ns;

	*reason = "must be a duration from 1s to 24h";
	return text_span_ns(value, &ns) || ns / 1000000 < CHANNEL_PAUSE_LEAST_MS ||
			       ns / 1000000 > CHANNEL_PAUSE_MOST_MS
		       ? -EINVAL
		       : 0;
}

static const struct channel_rule channel_rules[CHANNEL_KEYS] = {
	[CHANNEL_URL] = { "url", CHANNEL_NET, channel_check_url, CHANNEL_ORIGIN },
	[CHANNEL_URL_FILE] = { "url_file", CHANNEL_NET, channel_check_path, CHANNEL_PLAIN },
	[CHANNEL_SECRET] = { "secret", CHANNEL_BIT(CHANNEL_WEBHOOK), channel_check_text,
			     CHANNEL_HIDDEN },
	[CHANNEL_SECRET_FILE] = { "secret_file", CHANNEL_BIT(CHANNEL_WEBHOOK), channel_check_path,
				  CHANNEL_PLAIN },
	[CHANNEL_ROUTING_KEY] = { "routing_key", CHANNEL_BIT(CHANNEL_PAGERDUTY), channel_check_text,
				  CHANNEL_HIDDEN },
	[CHANNEL_ROUTING_KEY_FILE] = { "routing_key_file", CHANNEL_BIT(CHANNEL_PAGERDUTY),
				       channel_check_path, CHANNEL_PLAIN },
	[CHANNEL_ADDRESS] = { "address", CHANNEL_BIT(CHANNEL_DOGSTATSD), channel_check_address,
			      CHANNEL_PLAIN },
	[CHANNEL_SMTP] = { "smtp", CHANNEL_MAIL, channel_check_smtp, CHANNEL_PLAIN },
	[CHANNEL_FROM] = { "from", CHANNEL_MAIL, channel_check_mail, CHANNEL_PLAIN },
	[CHANNEL_TO] = { "to", CHANNEL_MAIL, channel_check_mails, CHANNEL_PLAIN },
	[CHANNEL_USERNAME] = { "username", CHANNEL_HTTP | CHANNEL_MAIL, channel_check_text,
			       CHANNEL_PLAIN },
	[CHANNEL_PASSWORD] = { "password", CHANNEL_HTTP | CHANNEL_MAIL, channel_check_text,
			       CHANNEL_HIDDEN },
	[CHANNEL_PASSWORD_FILE] = { "password_file", CHANNEL_HTTP | CHANNEL_MAIL,
				    channel_check_path, CHANNEL_PLAIN },
	[CHANNEL_STARTTLS] = { "starttls", CHANNEL_MAIL, channel_check_starttls, CHANNEL_PLAIN },
	[CHANNEL_CA_FILE] = { "ca_file", CHANNEL_NET | CHANNEL_MAIL, channel_check_path,
			      CHANNEL_PLAIN },
	[CHANNEL_TIMEOUT] = { "timeout", CHANNEL_NET | CHANNEL_MAIL | CHANNEL_RUN,
			      channel_check_timeout, CHANNEL_PLAIN },
	[CHANNEL_COMMAND] = { "command", CHANNEL_BIT(CHANNEL_EXEC), action_check_command,
			      CHANNEL_PLAIN },
	[CHANNEL_USER] = { "user", CHANNEL_BIT(CHANNEL_EXEC), action_check_user, CHANNEL_PLAIN },
	[CHANNEL_UNITS] = { "units", CHANNEL_BIT(CHANNEL_RESTART_UNIT), action_check_units,
			    CHANNEL_PLAIN },
	[CHANNEL_PATTERN] = { "pattern", CHANNEL_BIT(CHANNEL_CACHE_CLEAR), channel_check_text,
			      CHANNEL_PLAIN },
	[CHANNEL_AT_MOST_EVERY] = { "at_most_every", CHANNEL_ACTIONS, channel_check_pause,
				    CHANNEL_PLAIN },
};

/* What a type cannot do without; a value may come from a file instead. */
static const struct {
	enum channel_type type;
	enum channel_key key;
} channel_needs[] = {
	{ CHANNEL_WEBHOOK, CHANNEL_URL },
	{ CHANNEL_SLACK, CHANNEL_URL },
	{ CHANNEL_ALERTMANAGER, CHANNEL_URL },
	{ CHANNEL_EMAIL, CHANNEL_SMTP },
	{ CHANNEL_EMAIL, CHANNEL_FROM },
	{ CHANNEL_EMAIL, CHANNEL_TO },
	{ CHANNEL_PAGERDUTY, CHANNEL_ROUTING_KEY },
	{ CHANNEL_EXEC, CHANNEL_COMMAND },
	{ CHANNEL_EXEC, CHANNEL_USER },
	{ CHANNEL_RESTART_UNIT, CHANNEL_UNITS },
	{ CHANNEL_CACHE_CLEAR, CHANNEL_PATTERN },
};

const char *channel_type_name(enum channel_type type)
{
	return channel_types[type];
}

const char *channel_key_name(enum channel_key key)
{
	return channel_rules[key].name;
}

bool channel_is_action(enum channel_type type)
{
	return CHANNEL_ACTIONS >> type & 1;
}

static uint64_t channel_sum_add(uint64_t sum, const char *text)
{
	do
		sum = (sum ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++); /* its end too: "a", "bc" is not "ab", "c" */
	return sum;
}

uint64_t channel_sum(const struct channel *c)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	sum = channel_sum_add(sum, c->name);
	sum = channel_sum_add(sum, channel_types[c->type]);
	for (int i = 0; i < CHANNEL_KEYS; i++)
		sum = channel_sum_add(sum, c->values[i]);
	return sum;
}

enum channel_key channel_file_of(enum channel_key key)
{
	switch (key) {
	case CHANNEL_URL:
		return CHANNEL_URL_FILE;
	case CHANNEL_SECRET:
		return CHANNEL_SECRET_FILE;
	case CHANNEL_ROUTING_KEY:
		return CHANNEL_ROUTING_KEY_FILE;
	case CHANNEL_PASSWORD:
		return CHANNEL_PASSWORD_FILE;
	default:
		return CHANNEL_KEYS;
	}
}

static int channel_fail(struct channel_error *error, const char *key, const char *reason)
{
	snprintf(error->key, sizeof(error->key), "%s", key);
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return -EINVAL;
}

static int channel_unknown(struct channel_error *error, const char *key, const char *what,
			   const char *near)
{
	char reason[sizeof(error->reason)];

	snprintf(reason, sizeof(reason), "%.80s%s%s%s", what, near ? "; did you mean " : "",
		 near ? near : "", near ? "?" : "");
	return channel_fail(error, key, reason);
}

static int channel_put_type(struct channel *c, const char *value, struct channel_error *error)
{
	const char *near = NULL;
	char what[96];
	size_t least = CHANNEL_NEAR + 1;

	for (int i = 0; i < CHANNEL_TYPES; i++) {
		size_t distance = text_distance(channel_types[i], value);

		if (distance < least) {
			least = distance;
			near = channel_types[i];
			c->type = (enum channel_type)i;
		}
	}
	if (near && least == 0)
		return 0;
	snprintf(what, sizeof(what), "unknown type '%.40s'", value);
	return channel_unknown(error, "type", what, near);
}

static int channel_find_key(const char *name, size_t length, const char **near)
{
	char key[64];
	size_t least = CHANNEL_NEAR + 1;

	*near = NULL;
	snprintf(key, sizeof(key), "%.*s", (int)length, name);
	for (int i = 0; i < CHANNEL_KEYS; i++) {
		size_t distance = text_distance(channel_rules[i].name, key);

		if (distance == 0)
			return i;
		if (distance < least) {
			least = distance;
			*near = channel_rules[i].name;
		}
	}
	return -ENOENT;
}

/* One "key=value" of this length. */
static int channel_put(struct channel *c, const char *text, size_t length,
		       struct channel_error *error)
{
	const char *equals = memchr(text, '=', length), *near, *reason;
	size_t name = equals ? (size_t)(equals - text) : length;
	char value[CHANNEL_VALUE], what[64];
	int key;

	snprintf(what, sizeof(what), "%.*s", (int)name, text);
	if (!equals || length - name - 1 >= sizeof(value))
		return channel_fail(error, what, "must be a text of at most 511 bytes");
	snprintf(value, sizeof(value), "%.*s", (int)(length - name - 1), equals + 1);
	if (!strcmp(what, "type"))
		return channel_put_type(c, value, error);
	key = channel_find_key(text, name, &near);
	if (key < 0)
		return channel_unknown(error, what, "unknown key", near);
	if (!*value)
		return channel_fail(error, what, "must not be empty");
	if (channel_rules[key].check(value, &reason))
		return channel_fail(error, what, reason);
	memcpy(c->values[key], value, sizeof(value));
	return 0;
}

/* Has it this value, from wherever it comes? */
static bool channel_has(const struct channel *c, enum channel_key key)
{
	enum channel_key file = channel_file_of(key);

	return c->values[key][0] || (file != CHANNEL_KEYS && c->values[file][0]);
}

static int channel_check_keys(const struct channel *c, struct channel_error *error)
{
	char what[96];

	for (int i = 0; i < CHANNEL_KEYS; i++) {
		enum channel_key file = channel_file_of((enum channel_key)i);

		snprintf(what, sizeof(what), "is no key of a channel of type %s",
			 channel_types[c->type]);
		if (c->values[i][0] && !(channel_rules[i].takes & CHANNEL_BIT(c->type)))
			return channel_fail(error, channel_rules[i].name, what);
		if (file != CHANNEL_KEYS && c->values[i][0] && c->values[file][0])
			return channel_fail(error, channel_rules[file].name,
					    "the value itself is given too");
	}
	for (size_t i = 0; i < sizeof(channel_needs) / sizeof(channel_needs[0]); i++) {
		snprintf(what, sizeof(what), "a channel of type %s needs %s",
			 channel_types[c->type], channel_rules[channel_needs[i].key].name);
		if (channel_needs[i].type == c->type && !channel_has(c, channel_needs[i].key))
			return channel_fail(error, "", what);
	}
	return 0;
}

static int channel_check_together(const struct channel *c, struct channel_error *error)
{
	bool password = channel_has(c, CHANNEL_PASSWORD);

	if (password != channel_has(c, CHANNEL_USERNAME))
		return channel_fail(error, "", "username and password go together");
	if (password && !strcmp(c->values[CHANNEL_STARTTLS], "none") &&
	    strncmp(c->values[CHANNEL_SMTP], "smtps://", 8) != 0)
		return channel_fail(error, channel_rules[CHANNEL_STARTTLS].name,
				    "a password is not sent in the clear");
	return 0;
}

static uint32_t channel_span_ms(const struct channel *c, enum channel_key key, uint32_t usual_ms)
{
	uint64_t ns;

	return c->values[key][0] && !text_span_ns(c->values[key], &ns) ? (uint32_t)(ns / 1000000)
								       : usual_ms;
}

static void channel_settle(struct channel *c)
{
	bool acts = channel_is_action(c->type);

	c->timeout_ms =
		channel_span_ms(c, CHANNEL_TIMEOUT, acts ? CHANNEL_ACTION_MS : CHANNEL_TIMEOUT_MS);
	c->pause_ms = channel_span_ms(c, CHANNEL_AT_MOST_EVERY, CHANNEL_PAUSE_MS);
	if (c->type == CHANNEL_PAGERDUTY && !channel_has(c, CHANNEL_URL))
		snprintf(c->values[CHANNEL_URL], CHANNEL_VALUE,
			 "https://events.pagerduty.com/v2/enqueue");
	if (c->type == CHANNEL_DOGSTATSD && !c->values[CHANNEL_ADDRESS][0])
		snprintf(c->values[CHANNEL_ADDRESS], CHANNEL_VALUE, "127.0.0.1:8125");
}

int channel_parse(const char *text, struct channel *out, struct channel_error *error)
{
	const char *parting = strchr(text, '\n') ? "\n" : " ";
	size_t length = strcspn(text, parting);
	bool typed = false;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!length || length >= sizeof(out->name) ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") < length)
		return channel_fail(error, "", "a channel's name has 1 to 23 of a-z, 0-9, _ and -");
	memcpy(out->name, text, length);
	for (text += length; *text; text += length) {
		text += strspn(text, parting);
		length = strcspn(text, parting);
		if (!length)
			break;
		typed = typed || !strncmp(text, "type=", 5);
		ret = channel_put(out, text, length, error);
		if (ret)
			return ret;
	}
	if (!typed)
		return channel_fail(error, "", "needs a type");
	ret = channel_check_keys(out, error);
	if (!ret)
		ret = channel_check_together(out, error);
	channel_settle(out);
	return ret;
}

/* What stands behind the host may be a secret. */
static int channel_show_origin(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://");
	size_t origin = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;

	return snprintf(out, size, "%.*s%s", (int)origin, url,
			url[origin] && url[origin + 1] ? "/…" : "");
}

void channel_show(const struct channel *c, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s type=%s", c->name, channel_types[c->type]);

	for (int i = 0; i < CHANNEL_KEYS && n < size; i++) {
		const char *value = c->values[i];

		if (!*value)
			continue;
		n += (size_t)snprintf(out + n, size - n, " %s=", channel_rules[i].name);
		if (n >= size)
			break;
		if (channel_rules[i].show == CHANNEL_ORIGIN)
			n += (size_t)channel_show_origin(value, out + n, size - n);
		else
			n += (size_t)snprintf(out + n, size - n, "%s",
					      channel_rules[i].show == CHANNEL_HIDDEN ? "********"
										      : value);
	}
	for (char *at = out; size && (at = strchr(at, ACTION_PARTING));)
		*at = ' ';
}
