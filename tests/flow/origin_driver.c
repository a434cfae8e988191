/*
 * origin_driver - fetches through the agent's origins what its standard input says, one line each,
 * and says what came of it, a JSON document a line.
 *
 * usage: origin_driver [-o FD] CONFIGURATION
 *   fetch KEY | many KEY TIMES | warm TTL_S KEY... | state
 * -o: a socket that listens and is our own. `many` asks that often for one key, and tells once what
 * all were told. A loop polls the module's descriptor and time as the agent's main thread does; the
 * state says how long a turn of it took at most.
 */
#include "config.h"
#include "json.h"
#include "moment.h"
#include "origin.h"
#include "own.h"
#include "warm.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct driver {
	struct origin *origin;
	struct warm *warm;
	char input[65536];
	size_t have;
	uint64_t longest_ns, turns;
};

/* One line of it, and whom it waits for. */
struct driver_question {
	const char *what;
	struct driver *driver;
	struct warm_job *job;
	uint32_t awaited, fine, first;
	char key[256];
};

static uint32_t driver_random(void)
{
	static uint32_t seed = 1;

	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void driver_say(struct json *j)
{
	json_object_end(j);
	if (json_finish(j))
		abort();
	printf("%s\n", j->bytes);
	fflush(stdout);
	json_fini(j);
}

static void driver_begin(struct json *j, const char *what, const char *key)
{
	json_init(j);
	json_object_begin(j, NULL);
	json_string(j, "what", what);
	json_string(j, "key", key);
}

static void driver_answer(struct json *j, const struct origin_answer *a)
{
	char start[33];

	json_string(j, "fault", origin_fault_name(a->fault));
	json_string(j, "text", a->text);
	json_bool(j, "found", a->found);
	json_uint(j, "status", a->status);
	if (a->fault != ORIGIN_FINE)
		return;
	json_uint(j, "ttl", a->ttl_s);
	json_string(j, "type", a->type);
	json_string(j, "tags", a->tags);
	json_uint(j, "length", a->value.length);
	snprintf(start, sizeof(start), "%.*s", (int)(a->value.length < 32 ? a->value.length : 32),
		 a->value.length ? (const char *)a->value.at : "");
	json_string(j, "value", start);
}

static void driver_told(void *ctx, const struct origin_answer *a)
{
	struct driver_question *q = ctx;
	struct json j;

	q->fine += a->fault == ORIGIN_FINE && a->found;
	q->first += a->first;
	if (--q->awaited)
		return;
	driver_begin(&j, q->what, q->key);
	driver_answer(&j, a);
	json_uint(&j, "fine", q->fine);
	json_uint(&j, "first", q->first);
	if (q->job) {
		json_uint(&j, "for", q->job->ttl_s);
		warm_done(q->driver->warm, q->job);
	}
	driver_say(&j);
	free(q);
}

static struct driver_question *driver_question(struct driver *d, const char *what, const char *key,
					       uint32_t times)
{
	struct driver_question *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	q->driver = d;
	q->what = what;
	q->awaited = times;
	snprintf(q->key, sizeof(q->key), "%s", key);
	return q;
}

/* Who is refused is told so at once. */
static void driver_fetch(struct driver_question *q)
{
	const struct cache_bytes key = { q->key, strlen(q->key) };
	const struct origin_then then = { driver_told, q };
	struct origin_answer refused = { .fault = ORIGIN_CLOSED };
	uint32_t times = q->awaited;

	for (uint32_t i = 0; i < times; i++) {
		int ret = origin_fetch(q->driver->origin, &key, &then);

		refused.text = ret ? strerrorname_np(-ret) : "";
		if (ret)
			driver_told(q, &refused);
	}
}

static void driver_warm(struct driver *d)
{
	struct warm_job *job;

	while ((job = warm_next(d->warm, moment_monotonic_ns()))) {
		struct driver_question *q = driver_question(d, "warm", "", 1);

		q->job = job;
		snprintf(q->key, sizeof(q->key), "%.*s", (int)job->key.length,
			 (const char *)job->key.at);
		driver_fetch(q);
	}
}

static void driver_plan(struct driver *d, uint64_t ttl_s, char *keys)
{
	char *key;

	while ((key = strsep(&keys, " "))) {
		const struct cache_bytes bytes = { key, strlen(key) };

		if (warm_add(d->warm, &bytes, ttl_s, NULL))
			abort();
	}
}

static void driver_state(struct driver *d)
{
	struct origin_state s;
	struct json j;

	origin_state_get(d->origin, 0, &s);
	driver_begin(&j, "state", "");
	json_uint(&j, "fetches", s.fetches);
	json_uint(&j, "errors", origin_errors(&s));
	json_uint(&j, "coalesced", s.coalesced);
	json_uint(&j, "refused", s.refused);
	json_uint(&j, "crowded", s.crowded);
	json_uint(&j, "negative", s.negative);
	json_uint(&j, "answered", s.answered);
	json_uint(&j, "underWay", s.under_way);
	json_uint(&j, "queued", s.queued);
	json_string(&j, "circuit", breaker_state_name(s.circuit));
	json_string(&j, "fault", origin_fault_name(s.fault));
	json_string(&j, "text", s.text);
	json_double(&j, "p99Ms", (double)s.took_p99_ns / 1e6);
	json_double(&j, "longestMs", (double)d->longest_ns / 1e6);
	json_uint(&j, "turns", d->turns);
	driver_say(&j);
}

static void driver_line(struct driver *d, char *line)
{
	char *rest = line, *what = strsep(&rest, " "), *first = strsep(&rest, " ");

	if (!strcmp(what, "state"))
		driver_state(d);
	else if (!strcmp(what, "fetch") && first)
		driver_fetch(driver_question(d, "fetch", first, 1));
	else if (!strcmp(what, "many") && rest)
		driver_fetch(driver_question(d, "many", first, (uint32_t)strtoul(rest, NULL, 10)));
	else if (!strcmp(what, "warm") && rest)
		driver_plan(d, strtoull(first, NULL, 10), rest);
	else
		abort();
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

static int driver_wait_ms(const struct driver *d)
{
	uint64_t now_ns = moment_monotonic_ns(), due_ns = origin_due_ns(d->origin);
	uint64_t warm_ns = warm_due_ns(d->warm);

	due_ns = warm_ns < due_ns ? warm_ns : due_ns;
	if (due_ns <= now_ns)
		return 0;
	return due_ns - now_ns < UINT64_C(60000000000) ? (int)((due_ns - now_ns) / 1000000) + 1
						       : 60000;
}

static void driver_run(struct driver *d)
{
	struct pollfd fds[] = { { .fd = origin_fd(d->origin), .events = POLLIN },
				{ .events = POLLIN } };

	for (;;) {
		uint64_t begun_ns, took_ns;

		poll(fds, 2, driver_wait_ms(d));
		begun_ns = moment_monotonic_ns();
		if (fds[1].revents && !driver_read(d))
			return;
		driver_warm(d);
		origin_step(d->origin);
		took_ns = moment_monotonic_ns() - begun_ns;
		d->longest_ns = took_ns > d->longest_ns ? took_ns : d->longest_ns;
		d->turns++;
	}
}

static void driver_open(struct driver *d, const char *path, const struct own *own)
{
	struct config_error error = { .text = "" };
	struct origin_settings *settings = NULL;
	struct origin_config origin = { .ttl_s = 300,
					.most_bytes = 1 << 20,
					.own = own,
					.now_ns = moment_monotonic_ns,
					.random = driver_random };
	struct warm_config warm = { .most = 4 };
	struct config *config = NULL;
	FILE *file = fopen(path, "re");

	if (!file || config_open(&config) || config_read_fd(config, path, fileno(file), &error) ||
	    config_check(config, &error) || origin_settings_open(&settings, config) || !settings) {
		fprintf(stderr, "origin_driver: %s\n", error.text);
		exit(2);
	}
	origin.settings = settings;
	warm.per_s = settings->at[0].rule.warm_per_s;
	if (origin_open(&d->origin, &origin) ||
	    warm_open(&d->warm, &warm, moment_monotonic_ns(), driver_random()))
		exit(3);
	origin_settings_close(settings);
	config_close(config);
	fclose(file);
}

int main(int argc, char **argv)
{
	static struct driver d;
	struct own own = { .count = 0 };
	int option;

	while ((option = getopt(argc, argv, "o:")) > 0)
		own_add(&own, (int)strtol(optarg, NULL, 10));
	if (optind + 1 != argc)
		return 2;
	driver_open(&d, argv[optind], &own);
	driver_run(&d);
	origin_close(d.origin);
	warm_close(d.warm);
	return 0;
}
