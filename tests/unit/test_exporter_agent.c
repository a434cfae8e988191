#include "exporter_fixture.h"

static void the_agent_tells_of_itself(void **state)
{
	struct document_fixture d;
	char *text;

	(void)state;
	document_open(&d);
	fixture_tick(&d.f, NOW);
	health_put(d.site.health, "clock", HEALTH_DEGRADED, "", NOW_MS);
	text = exporter_text(&d, false);
	assert_holds(text, "# TYPE process_cpu_seconds_total counter\n");
	assert_true(exporter_sample(text, "process_resident_memory_bytes") > 0);
	assert_true(exporter_sample(text, "process_open_fds") >= 3);
	assert_true(exporter_sample(text, "process_start_time_seconds") ==
		    (double)NOW_MS / 1000 - 600);
	assert_true(exporter_sample(text, "ringside_build_info{version=\"" RS_VERSION "\"}") == 1);
	assert_true(exporter_sample(text, "ringside_ready") == 0);
	assert_true(exporter_sample(text, "ringside_health") == HEALTH_DEGRADED);
	assert_true(exporter_sample(text, "ringside_metrics_bytes") >= 0);
	free(text);
	health_ready_put(d.site.health, true, "");
	text = exporter_text(&d, false);
	assert_true(exporter_sample(text, "ringside_ready") == 1);
	free(text);
	document_close(&d);
}

static void every_kind_of_the_tally_is_told(void **state)
{
	struct document_fixture d;
	char *text, sample[128];

	(void)state;
	document_open(&d);
	for (int i = 0; i < TALLY_KINDS; i++)
		d.site.tally.counts[i] = 100 + (uint64_t)i;
	text = exporter_text(&d, false);
	for (int i = 0; i < TALLY_KINDS; i++) {
		const struct tally_info *info = tally_info((enum tally_kind)i);

		if (info->label)
			snprintf(sample, sizeof(sample), "%s_total{%s=\"%s\"}", info->name,
				 info->label, info->value);
		else
			snprintf(sample, sizeof(sample), "%s_total", info->name);
		assert_true(exporter_sample(text, sample) == 100 + i);
	}
	free(text);
	document_close(&d);
}

static size_t others(void *ctx, struct web_counter *out, size_t room)
{
	static const struct web_counter rows[] = {
		{ "ringside_drain_refused", "why", "map", "Segments refused.", 3, false },
		{ "ringside_drain_refused", "why", "memory", "Segments refused.", 4, false },
		{ "ringside_drain_period_seconds", NULL, NULL, "Between rounds.", 0.25, true },
	};

	assert_string_equal(ctx, "ctx");
	assert_true(room >= 3);
	memcpy(out, rows, sizeof(rows));
	return 3;
}

static void other_parts_add_their_own(void **state)
{
	static char ctx[] = "ctx";
	struct document_fixture d;
	const char *head;
	char *text;

	(void)state;
	document_open(&d);
	d.site.counters = others;
	d.site.counters_ctx = ctx;
	text = exporter_text(&d, false);
	head = strstr(text, "# TYPE ringside_drain_refused_total counter\n");
	assert_non_null(head);
	assert_null(strstr(head + 1, "# TYPE ringside_drain_refused_total"));
	assert_true(exporter_sample(text, "ringside_drain_refused_total{why=\"map\"}") == 3);
	assert_true(exporter_sample(text, "ringside_drain_refused_total{why=\"memory\"}") == 4);
	assert_holds(text, "# TYPE ringside_drain_period_seconds gauge\n");
	assert_true(exporter_sample(text, "ringside_drain_period_seconds") == 0.25);
	free(text);
	document_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agent_tells_of_itself),
		cmocka_unit_test(every_kind_of_the_tally_is_told),
		cmocka_unit_test(other_parts_add_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
