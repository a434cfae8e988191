/*
 * bench_rules - what one evaluation of a hundred rules over ten thousand series costs, in times of
 *               reading the sums of all series once; and what a thousand series take.
 *
 * The clock is simulated, all else is what the agent runs. Prints its figures; fails above limits.
 * bench_rules [series [even]]: even: all durations are as frequent, which fills the most buckets.
 */
#include "engine.h"
#include "metrics.h"
#include "series.h"
#include "source.h"
#include "store.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define BEGIN_S UINT64_C(1000000)
#define ROUTES 200u /* of a service: as many as there may be */
#define ROUNDS 9
#define COST_MAX 100.0
#define RULES 100
#define RANKED 10 /* of them about a percentile */
#define MIB (1024.0 * 1024)
#define RSS_MAX (64 * MIB)
#define DISK_MAX (1024 * MIB)
#define SERIES 1000u
#define HOURS 7
#define STAY_DAYS 30
#define AGENT_MAPPED (128 * 1024) /* as agent/main.c has it: what is freed goes back */
#define EVEN_LEAST 1000000u       /* ns */
#define EVEN_SPAN 50000000u

struct load {
	struct metrics *m;
	struct drain_sink sink;
	struct capture_target *targets;
	uint32_t services, routes;
	uint64_t now_s, seed;
	bool even; /* durations, of any route */
	char paths[ROUTES][24];
};

static double clock_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process; the pages of the program itself included. */
static double resident(void)
{
	char text[128] = "";
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (file && fgets(text, sizeof(text), file)) {
		strtok(text, " ");
		pages = strtol(strtok(NULL, " "), NULL, 10);
	}
	if (file)
		fclose(file);
	return (double)pages * 4096;
}

static int load_open(struct load *l, uint32_t services, uint32_t routes)
{
	const struct metrics_limits limits = { 80, 90, 95, 70, 85, SECOND, 5 * SECOND };

	memset(l, 0, sizeof(*l));
	l->services = services;
	l->routes = routes;
	l->now_s = BEGIN_S;
	l->seed = 88172645463325252u;
	l->targets = calloc(services, sizeof(*l->targets));
	if (!l->targets || metrics_open(&l->m, &limits, BEGIN_S * SECOND))
		return -1;
	metrics_sink(l->m, &l->sink);
	for (uint32_t i = 0; i < routes; i++)
		snprintf(l->paths[i], sizeof(l->paths[i]), "/%c/%c/list", 'a' + i / 20,
			 'a' + i % 20);
	for (uint32_t i = 0; i < services; i++) {
		l->targets[i].key = i + 1;
		l->targets[i].pid = (int32_t)i + 1;
		snprintf(l->targets[i].service, sizeof(l->targets[i].service), "s%u", i);
		l->sink.seen(l->sink.ctx, &l->targets[i]);
	}
	return 0;
}

static void load_close(struct load *l)
{
	metrics_close(l->m);
	free(l->targets);
}

static uint64_t load_random(struct load *l)
{
	l->seed ^= l->seed << 13;
	l->seed ^= l->seed >> 7;
	l->seed ^= l->seed << 17;
	return l->seed;
}

/* A bell around what is usual for a route, and one in a hundred ten times as long. */
static uint64_t load_span(struct load *l, uint32_t route)
{
	uint64_t usual = 2000000 + route * 500000, bell = 0;

	if (l->even)
		return EVEN_LEAST + load_random(l) % EVEN_SPAN;
	for (int i = 0; i < 4; i++)
		bell += load_random(l) % 256; /* 0 … 1020, 510 on average */
	usual = usual / 2 + usual * bell / 680;
	return load_random(l) % 100 ? usual : 10 * usual;
}

/* A second in which each route is asked once. */
static void load_second(struct load *l)
{
	struct drain_request request = { .status = 200, .method = RS_METHOD_GET, .shape = true };
	const struct drain_ledger ledger = { .delivered = { 0 } };
	uint64_t end_ns = l->now_s * SECOND + SECOND / 2;

	for (uint32_t s = 0; s < l->services; s++) {
		struct drain_counters delta = { .begun = l->routes, .requests = l->routes };

		delta.status[1] = l->routes;
		for (uint32_t r = 0; r < l->routes; r++) {
			request.id++;
			request.end_ns = end_ns;
			request.span_ns = load_span(l, r);
			request.path = l->paths[r];
			request.known = 1 + s * l->routes + r;
			delta.span_ns += request.span_ns;
			l->sink.request(l->sink.ctx, &l->targets[s], &request);
		}
		l->sink.counters(l->sink.ctx, &l->targets[s], &delta, &ledger, end_ns, false);
		l->sink.tick(l->sink.ctx, end_ns);
	}
	l->now_s++;
	l->sink.tick(l->sink.ctx, l->now_s * SECOND);
}

/* Reading the sums of all series, as a scrape does. */
static double sums_once(struct load *l, uint64_t *count)
{
	struct metrics_total *rows;
	double begun = clock_s();
	int n = metrics_totals(l->m, &rows);
	double took;

	*count = 0;
	for (int i = 0; i < n; i++)
		*count += rows[i].sums.count > 0 && *rows[i].route;
	took = clock_s() - begun;
	free(rows);
	return took;
}

static struct book *rules_made(void)
{
	static const char *const ranks[] = { "50", "90", "95", "99", "99.9" };
	static const struct spec_defaults defaults = { 30000000000, 300000000000 };
	static struct findings findings;
	char *text = malloc(RULES * 512), head[64];
	struct bundle bundle = { .at = 0 };
	struct book *book = NULL;
	size_t n = 0;

	for (int i = 0; text && i < RULES; i++)
		n += (size_t)sprintf(
			text + n,
			"%c{\"name\":\"r%d\",\"metric\":\"requests.%s\",%s%s%s\"window\":\"%s\","
			"\"scope\":{\"route\":\"*\"},\"warning\":{\"above\":%s}}",
			i ? ',' : '[', i, i < RANKED ? "duration" : "errors",
			i < RANKED ? "\"p\":" : "", i < RANKED ? ranks[i % 5] : "",
			i < RANKED ? "," : "", i % 2 ? "5m" : "1m", i < RANKED ? "\"9s\"" : "50");
	if (!text)
		return NULL;
	text[n++] = ']';
	bundle.length = (size_t)snprintf(head, sizeof(head), "0 %zu a.json\n", n) + n;
	bundle.bytes = malloc(bundle.length + 1);
	if (bundle.bytes) {
		memcpy(bundle.bytes, head, strlen(head));
		memcpy(bundle.bytes + strlen(head), text, n);
		if (book_read(&book, &defaults, &bundle, &findings))
			printf("%s\n", findings.count ? findings.rows[0] : "no rules");
	}
	free(bundle.bytes);
	free(text);
	return book;
}

/* All rules, each due. */
static double evaluated(struct load *l, struct engine *e, struct source *source)
{
	int64_t now_ns = (int64_t)(l->now_s * SECOND);
	double begun = clock_s();

	for (size_t i = 0; i < e->book->count; i++)
		e->rules[i].due_ns = now_ns;
	source_begin(source, now_ns);
	engine_step(e, now_ns, 0);
	source_end(source);
	return clock_s() - begun;
}

static double least(double a, double b)
{
	return a > 0 && a < b ? a : b;
}

static int rules_over_series(void)
{
	struct load l;
	struct source source = { .metrics = NULL };
	const struct engine_config config = {
		.read = source_read,
		.label = source_label,
		.ctx = &source,
		.second_level = 3,
		.third_level = 6,
		.base = "",
	};
	double sums = 0, rules = 0;
	struct engine *e;
	struct book *book = rules_made();
	uint64_t series = 0;

	if (!book || load_open(&l, 50, ROUTES) || engine_open(&e, &config))
		return 1;
	/* the shipped ones are not what is measured */
	for (size_t i = 0; i < book->count; i++)
		book->specs[i].enabled = !book_is_shipped(&book->specs[i]);
	source.metrics = l.m;
	engine_rules(e, book, (int64_t)(BEGIN_S * SECOND), 0);
	for (int i = 0; i < 310; i++)
		load_second(&l);
	for (int i = 0; i < ROUNDS; i++) {
		sums = least(sums, sums_once(&l, &series));
		rules = least(rules, evaluated(&l, e, &source));
	}
	printf("%llu series: their sums once %.2f ms; %d rules, %d of percentiles, once %.2f ms: "
	       "%.1f times (at most %.0f)\n",
	       (unsigned long long)series, sums * 1e3, RULES, RANKED, rules * 1e3, rules / sums,
	       COST_MAX);
	engine_close(e);
	load_close(&l);
	return series == 50 * ROUTES && rules <= COST_MAX * sums ? 0 : 1;
}

/* What files of one step take. */
static double on_disk(const char *folder, const char *step)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	double bytes = 0;
	struct stat st;

	while (d && (entry = readdir(d)))
		if (!strncmp(entry->d_name, step, strlen(step)) &&
		    !fstatat(dirfd(d), entry->d_name, &st, 0))
			bytes += (double)st.st_size;
	if (d)
		closedir(d);
	return bytes;
}

static int64_t no_wall_ms(void)
{
	return 0;
}

static void empty(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(folder);
}

static int told(struct load *l, const char *folder, double rss)
{
	double fine = on_disk(folder, "1s-"), coarse = on_disk(folder, "10s-") * 24 / HOURS;
	double wide = on_disk(folder, "5m-") * STAY_DAYS * 24 / HOURS;
	double all = fine + coarse + wide;
	struct metrics_losses losses;

	metrics_losses_get(l->m, &losses);
	printf("%u series at 1 request/s, after %d h: %.1f MiB resident (aggregates %.1f), %llu "
	       "requests without room\n",
	       SERIES, HOURS, rss / MIB, (double)losses.bytes_used / MIB,
	       (unsigned long long)losses.requests);
	printf("on disk: 1 s for an hour %.1f MiB, 10 s for a day %.1f, 5 min for 30 days %.1f: "
	       "%.1f MiB; %.1f, %.1f and %.1f bytes a slot of %zu sums and a histogram\n",
	       fine / MIB, coarse / MIB, wide / MIB, all / MIB, fine / (SERIES * 3600.0),
	       coarse / (SERIES * 8640.0), wide / (SERIES * STAY_DAYS * 288.0), SLOT_SUMS);
	return rss <= RSS_MAX && all <= DISK_MAX && !losses.requests ? 0 : 1;
}

/* Until memory, and files of seconds, have all that they keep; of the others a part tells. */
static int a_thousand_series(bool even)
{
	char folder[] = "/tmp/ringside-bench-XXXXXX";
	struct store_config config = { .boot = "a boot", .wall_ms = no_wall_ms };
	double before = resident(), rss;
	struct store *store;
	struct load l;
	int ret;

	if (!mkdtemp(folder) || load_open(&l, SERIES / 100, 100))
		return 1;
	l.even = even;
	config.metrics = l.m;
	config.folder = folder;
	if (store_open(&store, &config))
		return 1;
	for (uint32_t i = 0; i < HOURS * 3600; i++) {
		load_second(&l);
		if (i % 10 == 0)
			store_step(store);
	}
	rss = resident() - before;
	ret = told(&l, folder, rss);
	store_close(store);
	load_close(&l);
	empty(folder);
	return ret;
}

int main(int argc, char **argv)
{
	mallopt(M_MMAP_THRESHOLD, AGENT_MAPPED);
	if (argc > 1 && !strcmp(argv[1], "series"))
		return a_thousand_series(argc > 2 && !strcmp(argv[2], "even"));
	return rules_over_series();
}
