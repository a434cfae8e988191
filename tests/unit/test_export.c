#include "export.h"

#include "metrics_fixture.h"
#include "registry.h"
#include "timeline.h"

#define BEGIN 30000u

struct taken {
	uint32_t series, slots, first, last;
	uint64_t requests;
	uint64_t by_kind[EXPORT_STATEMENT + 1];
	enum export_kind kind;
	double rss[EXPORT_PROCESS_GAUGES + 1]; /* the newest */
	uint32_t gauge_slots;
};

static void take_series(void *ctx, const struct export_key *key)
{
	struct taken *t = ctx;

	t->series++;
	t->kind = key->kind;
	assert_string_equal(key->service, "shop");
	assert_string_equal(key->route, key->kind == EXPORT_ROUTE ? "/a" : "");
	if (key->kind != EXPORT_PROCESS_GAUGES)
		assert_int_equal(key->pid, key->kind == EXPORT_PROCESS ? 70 : 0);
}

static void take_slot(void *ctx, uint32_t second, const uint8_t *packed, uint32_t size)
{
	struct taken *t = ctx;
	uint64_t count = slot_unpack_count(packed, size);

	t->first = t->slots && t->first < second ? t->first : second;
	t->last = second > t->last ? second : t->last;
	t->slots++;
	t->by_kind[t->kind] += count;
}

/* Of shop alone. */
static void note_series(void *ctx, const struct export_key *key)
{
	((struct taken *)ctx)->kind = strcmp(key->service, "shop") ? 0 : key->kind;
}

static void take_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct taken *t = ctx;

	t->last = second;
	t->gauge_slots += t->kind != 0;
	t->rss[t->kind] = values[METRICS_GAUGE_RSS];
}

static struct taken take(struct metrics *m, struct export_span *span)
{
	struct taken taken = { 0 };
	const struct export_sink sink = { &taken, take_series, take_slot, NULL };

	metrics_export(m, span, &sink);
	return taken;
}

static void open_gauges(struct timeline *t, int64_t from_s, int64_t to_s)
{
	const struct timeline_span span = { from_s, to_s, 10 };

	assert_int_equal(timeline_open(t, &span, TIMELINE_VALUES), 0);
}

/* A request a second, for an hour. */
static void fill(struct fixture *f, uint32_t seconds)
{
	fixture_open(f, BEGIN * SECOND);
	for (uint64_t s = 0; s < seconds; s++) {
		fixture_request(f, (BEGIN + s) * SECOND, MILLISECOND);
		fixture_counters(f, &f->target, 1, 1, (BEGIN + s) * SECOND);
		fixture_tick(f, (BEGIN + s) * SECOND);
	}
}

/* Each step by step, as who keeps them does: nothing is handed out twice, and nothing missed. */
static void all_that_is_complete_is_handed_out_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	for (int step = 0; step < SERIES_STEPS; step++) {
		struct export_span span = { .step = (enum series_step)step, .most_s = 1000000 };
		uint64_t requests = 0;
		uint32_t from_s = BEGIN;

		metrics_close(f.m);
		fixture_open(&f, BEGIN * SECOND);
		for (uint64_t s = 0; s < 1300; s++) {
			struct taken taken;

			fixture_request(&f, (BEGIN + s) * SECOND, MILLISECOND);
			fixture_counters(&f, &f.target, 1, 1, (BEGIN + s) * SECOND);
			fixture_tick(&f, (BEGIN + s) * SECOND);
			if (s % 7)
				continue;
			span.from_s = from_s;
			taken = take(f.m, &span);
			assert_true(span.from_s == from_s && span.until_s >= from_s);
			assert_int_equal(span.until_s % series_step_s[step], 0);
			from_s = span.until_s;
			requests += taken.by_kind[EXPORT_SERVICE];
			assert_int_equal(taken.by_kind[EXPORT_ROUTE],
					 taken.by_kind[EXPORT_SERVICE]);
			assert_int_equal(taken.by_kind[EXPORT_PROCESS],
					 taken.by_kind[EXPORT_SERVICE]);
		}
		assert_int_equal(requests, from_s - BEGIN);
		assert_true(from_s + series_step_s[step] + 24 > BEGIN + 1300);
	}
	metrics_close(f.m);
}

static void a_span_is_no_longer_than_wanted_and_what_is_gone_is_not_waited_for(void **state)
{
	struct export_span span = { .step = SERIES_FINE, .from_s = 5, .most_s = 60 };
	struct taken taken;
	struct fixture f;

	(void)state;
	fill(&f, 2000);
	taken = take(f.m, &span);
	assert_int_equal(span.from_s, BEGIN + 2000 - 600);
	assert_int_equal(span.until_s, span.from_s + 60);
	assert_int_equal(taken.first, span.from_s);
	assert_int_equal(taken.last, span.until_s - 1);
	assert_int_equal(taken.series, 3);
	metrics_close(f.m);
}

static void who_comes_later_than_that_is_counted(void **state)
{
	struct export_span span = { .step = SERIES_FINE, .most_s = 1000 };
	struct metrics_losses losses;
	struct fixture f;

	(void)state;
	fill(&f, 100);
	metrics_losses_get(f.m, &losses);
	assert_int_equal(losses.untaken, 0);
	take(f.m, &span);
	fixture_counters(&f, &f.target, 1, 2, (BEGIN + 50) * SECOND);
	fixture_tick(&f, (BEGIN + 101) * SECOND);
	metrics_losses_get(f.m, &losses);
	assert_int_equal(losses.untaken, 4); /* of the process, and of its service */
	metrics_close(f.m);
}

/* Two processes, sampled each second: each for itself, and both as their service. */
static void gauges_are_those_of_processes_and_of_their_services(void **state)
{
	struct export_span span = { .step = SERIES_COARSE, .from_s = BEGIN, .most_s = 5000 };
	const struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct capture_target second, other;
	struct taken taken = { 0 };
	const struct export_sink sink = { &taken, note_series, take_slot, take_gauges };
	struct timeline t;
	struct fixture f;

	(void)state;
	fill(&f, 1000);
	fixture_target(&second, 8, 80, "shop");
	fixture_target(&other, 9, 90, "bank");
	f.sink.seen(f.sink.ctx, &second);
	f.sink.seen(f.sink.ctx, &other);
	fixture_tick(&f, (BEGIN + 1000) * SECOND);
	for (uint64_t n = 400; n <= 1000; n++) {
		for (struct process *p = f.m->registry.processes; p; p = p->next) {
			struct means_sample sample = { .time_ns = (BEGIN + n) * SECOND + 5 };

			sample.rss = (double)(n * (p->now.target.pid == 80 ? 100 : 1));
			means_put(&p->means, &sample, &f.m->budget);
		}
	}
	metrics_export(f.m, &span, &sink);
	assert_int_equal(span.until_s - span.from_s, EXPORT_SLOTS * 10); /* no more at once */
	assert_int_equal(taken.last, span.until_s - 10);
	/* of [BEGIN, BEGIN + 640) there are samples from 400 on: 24 slots of three series */
	assert_int_equal(taken.gauge_slots, 3 * 24);
	assert_true(taken.rss[EXPORT_SERVICE_GAUGES] == 639 * 101);
	assert_true(taken.rss[EXPORT_PROCESS_GAUGES] == 639 ||
		    taken.rss[EXPORT_PROCESS_GAUGES] == 63900);
	f.m->sampled_s = BEGIN + 400;
	open_gauges(&t, BEGIN + 600, BEGIN + 640);
	assert_int_equal(metrics_gauges(f.m, &scope, METRICS_GAUGE_RSS, &t), 0);
	assert_true(t.values[3] == 639 * 101); /* as memory tells it */
	timeline_fini(&t);
	metrics_close(f.m);
}

static void statements_are_told_from_routes(void **state)
{
	struct export_span span = { .step = SERIES_FINE, .most_s = 60 };
	struct taken taken = { 0 };
	const struct export_sink sink = { &taken, note_series, take_slot, NULL };
	struct fixture f;

	(void)state;
	fixture_open(&f, BEGIN * SECOND);
	for (uint64_t n = 0; n < 10; n++) {
		fixture_request(&f, (BEGIN + n) * SECOND, MILLISECOND);
		fixture_statement(&f, (BEGIN + n) * SECOND, "SELECT a");
		fixture_statement(&f, (BEGIN + n) * SECOND, "SELECT b");
		fixture_tick(&f, (BEGIN + n) * SECOND);
	}
	fixture_tick(&f, (BEGIN + 20) * SECOND);
	metrics_export(f.m, &span, &sink);
	assert_int_equal(taken.by_kind[EXPORT_ROUTE], 10);
	assert_int_equal(taken.by_kind[EXPORT_STATEMENT], 20);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_complete_is_handed_out_once),
		cmocka_unit_test(
			a_span_is_no_longer_than_wanted_and_what_is_gone_is_not_waited_for),
		cmocka_unit_test(who_comes_later_than_that_is_counted),
		cmocka_unit_test(gauges_are_those_of_processes_and_of_their_services),
		cmocka_unit_test(statements_are_told_from_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
