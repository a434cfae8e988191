/*
 * redis_driver - asks a Redis through the agent's client what its standard input says, one line
 * each, and says what came of it, parted by tabs.
 *
 * usage: redis_driver [-t TIMEOUT_MS] [-m MOST_BYTES] [-q MOST_QUESTIONS] URL...
 *   get KEY | set KEY VALUE TTL_MS | unlink KEY | scan PATTERN | add KEY MEMBER | members KEY
 *   big KEY BYTES | publish MESSAGE | suspect KEY | state | load KEYS PER_MS | tally
 * A load sets and gets keys with a checksum each, until the end; its tally is of the time since the
 * tally before, by thirds of the slots: fine, failed, and the longest time without a fine one.
 */
#include "moment.h"
#include "redis_client.h"
#include "redis_key.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER_THIRDS 3

struct driver {
	struct redis *redis;
	char input[65536];
	size_t have;
	uint32_t keys, per_ms, random;
	uint64_t tick_ns, wrong, started_ns;
	uint64_t fine[DRIVER_THIRDS], failed[DRIVER_THIRDS];
	uint64_t last_ns[DRIVER_THIRDS], gap_ns[DRIVER_THIRDS];
	uint64_t faults[REDIS_FAULTS];
};

struct driver_question {
	struct driver *driver;
	const char *what;
	bool gets;
	char key[256];
	char keys[8192]; /* of a scan */
	size_t length;
};

static uint32_t driver_random(void)
{
	static uint32_t seed = 1;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void driver_say(const struct driver_question *q, const char *fault, const char *value)
{
	printf("%s\t%s\t%s\t%s\n", q->what, q->key, fault, value);
	fflush(stdout);
}

static void driver_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct driver_question *q = ctx;
	char number[32], members[4096] = "";
	const char *value = "-";

	if (v && (v->type == REDIS_STRING || v->type == REDIS_STATUS || v->type == REDIS_REFUSAL))
		value = v->length > 4000 ? "long" : v->text;
	if (v && v->type == REDIS_INTEGER) {
		snprintf(number, sizeof(number), "%lld", (long long)v->number);
		value = number;
	}
	for (size_t i = 0; v && v->type == REDIS_ARRAY && i < v->count; i++) {
		size_t n = strlen(members);

		snprintf(members + n, sizeof(members) - n, "%s,", v->items[i]->text);
		value = members;
	}
	driver_say(q, redis_fault_name(fault), q->length ? q->keys : value);
	free(q);
}

static void driver_key(void *ctx, const void *key, size_t length)
{
	struct driver_question *q = ctx;
	int n = snprintf(q->keys + q->length, sizeof(q->keys) - q->length, "%.*s,", (int)length,
			 (const char *)key);

	if (n > 0 && q->length + (size_t)n < sizeof(q->keys))
		q->length += (size_t)n;
}

static void driver_heard(void *ctx, const void *message, size_t length)
{
	(void)ctx;
	printf("heard\t%.*s\tfine\t-\n", message ? (int)length : 3,
	       message ? (const char *)message : "gap");
	fflush(stdout);
}

/* "KEY:NUMBER:SUM": what came for another key, or is not whole, is wrong. */
static uint32_t driver_sum(const char *text, size_t length)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)text[i]) * 16777619u;
	return sum;
}

static bool driver_is_right(const char *key, const struct redis_value *v)
{
	const char *colon = strrchr(v->text, ':');
	size_t n = strlen(key);

	return colon && !strncmp(v->text, key, n) && v->text[n] == ':' &&
	       strtoul(colon + 1, NULL, 10) == driver_sum(v->text, (size_t)(colon - v->text));
}

static void driver_loaded(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct driver_question *q = ctx;
	struct driver *d = q->driver;
	uint64_t now_ns = moment_monotonic_ns(), gap_ns;
	char whole[300];
	uint32_t third;

	third = redis_key_slot(whole,
			       (size_t)snprintf(whole, sizeof(whole), "ringside:%s", q->key)) *
		DRIVER_THIRDS / REDIS_SLOTS;
	gap_ns = now_ns - d->last_ns[third];
	d->faults[fault]++;
	if (fault != REDIS_FINE) {
		d->failed[third]++;
	} else {
		d->fine[third]++;
		d->last_ns[third] = now_ns;
		d->gap_ns[third] = gap_ns > d->gap_ns[third] ? gap_ns : d->gap_ns[third];
	}
	if (fault == REDIS_FINE && q->gets && v->type == REDIS_STRING)
		d->wrong += !driver_is_right(q->key, v);
	free(q);
}

static struct driver_question *driver_question(struct driver *d, const char *what, const char *key)
{
	struct driver_question *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	q->driver = d;
	q->what = what;
	snprintf(q->key, sizeof(q->key), "%s", key);
	return q;
}

static void driver_one(struct driver *d)
{
	static uint64_t number;
	char name[32], value[96];
	struct driver_question *q;
	struct redis_then then = { .done = driver_loaded };
	struct redis_text key, text;
	int n, ret;

	snprintf(name, sizeof(name), "load-%u", driver_random() % d->keys);
	q = driver_question(d, "load", name);
	then.ctx = q;
	key = (struct redis_text){ name, strlen(name) };
	q->gets = driver_random() & 1;
	n = snprintf(value, sizeof(value), "%s:%llu", name, (unsigned long long)++number);
	n += snprintf(value + n, sizeof(value) - (size_t)n, ":%u", driver_sum(value, (size_t)n));
	text = (struct redis_text){ value, (size_t)n };
	ret = q->gets ? redis_get(d->redis, &key, &then)
		      : redis_set(d->redis, &key, &text, 60000, &then);
	if (ret)
		driver_loaded(q, REDIS_AWAY, NULL);
}

static void driver_tally(struct driver *d)
{
	uint64_t now_ns = moment_monotonic_ns();

	printf("tally\t{\"wrong\": %llu", (unsigned long long)d->wrong);
	for (int i = 0; i < DRIVER_THIRDS; i++) {
		uint64_t gap_ns = now_ns - d->last_ns[i];

		gap_ns = gap_ns > d->gap_ns[i] ? gap_ns : d->gap_ns[i];
		printf(", \"third%d\": {\"fine\": %llu, \"failed\": %llu, \"gap_ms\": %llu}", i,
		       (unsigned long long)d->fine[i], (unsigned long long)d->failed[i],
		       (unsigned long long)gap_ns / 1000000);
		d->fine[i] = d->failed[i] = d->gap_ns[i] = 0;
	}
	for (int i = 0; i < REDIS_FAULTS; i++)
		if (d->faults[i])
			printf(", \"%s\": %llu", redis_fault_name((enum redis_fault)i),
			       (unsigned long long)d->faults[i]);
	memset(d->faults, 0, sizeof(d->faults));
	printf("}\tfine\t-\n");
	fflush(stdout);
}

static void driver_state(struct driver *d)
{
	struct redis_state s;

	redis_state_get(d->redis, &s);
	printf("state\t{\"cluster\": %d, \"ready\": %d, \"circuit\": \"%s\", \"fault\": \"%s\", "
	       "\"text\": \"%s\", \"persistence\": \"%s\", \"version\": \"%s\", \"replica\": %d, "
	       "\"nodes\": %u, \"nodes_ready\": %u, \"listening\": %d, \"under_way\": %zu, "
	       "\"asked\": %llu, \"answered\": %llu, \"refused\": %llu, \"drops\": %llu, "
	       "\"redirected\": %llu, \"again\": %llu, \"mean_us\": %.1f, \"p99_us\": %.1f}"
	       "\tfine\t-\n",
	       s.cluster, s.ready, breaker_state_name(s.circuit), redis_fault_name(s.fault), s.text,
	       redis_persistence_name(redis_info_persistence(&s.info)), s.info.version,
	       s.info.replica, s.nodes, s.nodes_ready, s.listening, s.under_way,
	       (unsigned long long)s.asked, (unsigned long long)s.answered,
	       (unsigned long long)s.refused, (unsigned long long)s.drops,
	       (unsigned long long)s.redirected, (unsigned long long)s.asked_again,
	       s.answered ? (double)s.took_ns / (double)s.answered / 1e3 : 0,
	       (double)s.took_p99_ns / 1e3);
	fflush(stdout);
}

static void driver_load(struct driver *d, const char *keys, const char *per_ms)
{
	d->keys = (uint32_t)strtoul(keys, NULL, 10);
	d->per_ms = (uint32_t)strtoul(per_ms, NULL, 10);
	d->tick_ns = moment_monotonic_ns();
	for (int i = 0; i < DRIVER_THIRDS; i++)
		d->last_ns[i] = d->tick_ns;
}

static int driver_ask(struct driver *d, const char *what, char *words[3],
		      const struct redis_then *then)
{
	const struct redis_text key = { words[0], strlen(words[0]) };
	const struct redis_text value = { words[1], strlen(words[1]) };

	if (!strcmp(what, "get"))
		return redis_get(d->redis, &key, then);
	if (!strcmp(what, "set"))
		return redis_set(d->redis, &key, &value, strtoull(words[2], NULL, 10), then);
	if (!strcmp(what, "unlink"))
		return redis_unlink(d->redis, &key, then);
	if (!strcmp(what, "scan"))
		return redis_scan(d->redis, &key, driver_key, then);
	if (!strcmp(what, "add"))
		return redis_member_add(d->redis, &key, &value, 60000, then);
	return redis_members(d->redis, &key, then);
}

static int driver_big(struct driver *d, const struct redis_text *key, size_t bytes,
		      const struct redis_then *then)
{
	struct redis_text value = { calloc(1, bytes + 1), bytes };
	int ret;

	if (!value.bytes)
		abort();
	ret = redis_set(d->redis, key, &value, 60000, then);
	free((void *)(uintptr_t)value.bytes);
	return ret;
}

/* Those that are answered by a callback. */
static void driver_question_ask(struct driver *d, const char *what, char *words[3])
{
	static const char *const known[] = {
		"get", "set", "unlink", "scan", "add", "members", "big"
	};
	const struct redis_text key = { words[0], strlen(words[0]) };
	struct driver_question *q = NULL;
	struct redis_then then = { .done = driver_told };
	int ret;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i], what))
			q = driver_question(d, known[i], words[0]);
	if (!q) {
		fprintf(stderr, "redis_driver: what is %s?\n", what);
		exit(2);
	}
	then.ctx = q;
	ret = !strcmp(what, "big") ? driver_big(d, &key, strtoull(words[1], NULL, 10), &then)
				   : driver_ask(d, q->what, words, &then);
	if (ret) {
		driver_say(q, strerrorname_np(-ret), "-");
		free(q);
	}
}

static void driver_line(struct driver *d, char *line)
{
	char empty[] = "", *words[3] = { empty, empty, empty }, *rest = line;
	const char *what = strsep(&rest, " ");
	struct redis_text first;

	for (int i = 0; i < 3 && rest; i++)
		words[i] = strsep(&rest, " ");
	first = (struct redis_text){ words[0], strlen(words[0]) };
	if (!strcmp(what, "state"))
		driver_state(d);
	else if (!strcmp(what, "tally"))
		driver_tally(d);
	else if (!strcmp(what, "load"))
		driver_load(d, words[0], words[1]);
	else if (!strcmp(what, "publish"))
		redis_publish(d->redis, "news", &first, NULL);
	else if (!strcmp(what, "suspect"))
		redis_suspect(d->redis, &first);
	else
		driver_question_ask(d, what, words);
}

static bool driver_read(struct driver *d)
{
	ssize_t n = read(0, d->input + d->have, sizeof(d->input) - d->have);
	char *line = d->input, *end;

	if (n <= 0)
		return false;
	d->have += (size_t)n;
	while ((end = memchr(line, '\n', d->have - (size_t)(line - d->input)))) {
		*end = '\0';
		driver_line(d, line);
		line = end + 1;
	}
	d->have -= (size_t)(line - d->input);
	memmove(d->input, line, d->have);
	return true;
}

static void driver_run(struct driver *d)
{
	struct pollfd fds[] = { { .fd = redis_fd(d->redis), .events = POLLIN },
				{ .events = POLLIN } };

	for (;;) {
		uint64_t now_ns = moment_monotonic_ns(), due_ns = redis_due_ns(d->redis);
		int wait_ms = 1000;

		if (due_ns < now_ns + UINT64_C(1000000000))
			wait_ms = due_ns > now_ns ? (int)((due_ns - now_ns) / 1000000 + 1) : 0;
		poll(fds, 2, d->per_ms && wait_ms ? 1 : wait_ms);
		if (fds[1].revents && !driver_read(d))
			return;
		while (d->per_ms && d->tick_ns < moment_monotonic_ns()) {
			for (uint32_t i = 0; i < d->per_ms; i++)
				driver_one(d);
			d->tick_ns += 1000000;
		}
		redis_step(d->redis);
	}
}

int main(int argc, char **argv)
{
	struct redis_url url = { .count = 0 };
	struct redis_config config = { .url = &url,
				       .prefix = "ringside:",
				       .timeout_ns = 500000000,
				       .most_bytes = 2 << 20,
				       .most_questions = 4096,
				       .most_question_bytes = 16 << 20,
				       .now_ns = moment_monotonic_ns,
				       .random = driver_random,
				       .channel = "news",
				       .heard = driver_heard };
	struct driver d = { .have = 0 };
	const char *reason;
	int option, ret = 0;

	while ((option = getopt(argc, argv, "t:m:q:")) > 0) {
		uint64_t number = strtoull(optarg, NULL, 10);

		if (option == 't')
			config.timeout_ns = number * 1000000;
		else if (option == 'm')
			config.most_bytes = number;
		else
			config.most_questions = number;
	}
	for (int i = optind; !ret && i < argc; i++)
		ret = redis_url_add(&url, argv[i], &reason);
	if (ret || !url.count || redis_open(&d.redis, &config)) {
		fprintf(stderr, "redis_driver: not opened\n");
		return 2;
	}
	driver_run(&d);
	redis_close(d.redis);
	return 0;
}
