#include "exporter_fixture.h"

static char *targets_text(const struct metrics_process *rows, int count)
{
	struct exposition e;
	size_t length;
	char *bytes, *text;

	exposition_init(&e, false);
	exporter_put_targets(&e, rows, count);
	assert_int_equal(exposition_finish(&e, &bytes, &length), 0);
	text = strndup(bytes, length);
	assert_non_null(text);
	free(bytes);
	return text;
}

static struct metrics_process unknown(int32_t pid)
{
	struct metrics_process p = { .alive = true };

	p.target.pid = pid;
	strcpy(p.target.service, "shop");
	p.user_s = p.system_s = p.run_queue_s = METRICS_UNKNOWN;
	p.rss = p.pss = p.heap_live = p.memory_limit = METRICS_UNKNOWN;
	metrics_strain_init(&p.whole);
	p.collected.total_count = p.collected.total_s = METRICS_UNKNOWN;
	p.served.total_count = p.served.total_s = METRICS_UNKNOWN;
	return p;
}

static void each_process_is_told_with_its_service_and_pid(void **state)
{
	struct metrics_process p = unknown(70);
	char *text;

	(void)state;
	p.user_s = 1.5;
	p.system_s = 0.25;
	p.rss = 4096;
	p.heap_live = 100;
	p.collected.total_count = 12;
	p.collected.total_s = 0.5;
	p.totals.allocated_bytes = 300;
	p.totals.freed_bytes = 200;
	p.totals.lost[RS_LOST_RACE] = 3;
	p.totals.unparsed[RS_UNPARSED_UNSEEN_IO] = 4;
	p.target.started_ms = 1500;
	strcpy(p.target.environment, "live");
	text = targets_text(&p, 1);
#define WHO "service=\"shop\",environment=\"live\",pid=\"70\""
	assert_true(exporter_sample(text, "ringside_process_cpu_seconds_total{" WHO
					  ",mode=\"user\"}") == 1.5);
	assert_true(exporter_sample(text, "ringside_process_cpu_seconds_total{" WHO
					  ",mode=\"system\"}") == 0.25);
	assert_true(exporter_sample(text, "ringside_process_resident_memory_bytes{" WHO "}") ==
		    4096);
	assert_true(exporter_sample(text, "ringside_process_heap_bytes{" WHO "}") == 100);
	assert_true(exporter_sample(text, "ringside_process_gc_pauses_total{" WHO "}") == 12);
	assert_true(exporter_sample(text, "ringside_process_gc_pause_seconds_total{" WHO "}") ==
		    0.5);
	assert_lacks(text, "ringside_process_statements_total{");
	assert_true(exporter_sample(text, "ringside_process_allocated_bytes_total{" WHO "}") ==
		    300);
	assert_true(exporter_sample(text, "ringside_process_freed_bytes_total{" WHO "}") == 200);
	assert_true(exporter_sample(text, "ringside_process_start_time_seconds{" WHO "}") == 1.5);
	assert_true(exporter_sample(text, "ringside_process_lost_total{" WHO ",reason=\"race\"}") ==
		    3);
	assert_true(exporter_sample(text, "ringside_process_unparsed_total{" WHO
					  ",reason=\"unseenIo\"}") == 4);
	free(text);
}

static void what_is_unknown_of_one_is_left_out_for_it_alone(void **state)
{
	struct metrics_process rows[] = { unknown(1), unknown(2) };
	char *text;

	(void)state;
	rows[1].rss = 8192;
	text = targets_text(rows, 2);
	assert_lacks(text, "ringside_process_resident_memory_bytes{service=\"shop\",pid=\"1\"}");
	assert_true(exporter_sample(text, "ringside_process_resident_memory_bytes{"
					  "service=\"shop\",pid=\"2\"}") == 8192);
	/* An allocator that is not seen has no bytes, not zero of them. */
	assert_lacks(text, "ringside_process_allocated_bytes_total{");
	free(text);
}

static void each_family_has_one_head(void **state)
{
	struct metrics_process rows[] = { unknown(1), unknown(2) };
	const char *first, *second;
	char *text;

	(void)state;
	text = targets_text(rows, 2);
	first = strstr(text, "# TYPE ringside_process_cpu_seconds_total counter\n");
	assert_non_null(first);
	second = strstr(first + 1, "# TYPE ringside_process_cpu_seconds_total");
	assert_null(second);
	assert_lacks(text, "(null)");
	free(text);
}

static void disks_faults_and_connections_are_counters_of_what_is_known(void **state)
{
	struct metrics_process p = unknown(70);
	char *text;

	(void)state;
	p.whole.major_faults = 5;
	p.whole.read_bytes = 4096;
	p.whole.reads = 2;
	p.whole.read_ms = 1500;
	p.whole.retransmits = 0;
	text = targets_text(&p, 1);
#define OF "service=\"shop\",pid=\"70\""
	assert_true(exporter_sample(text, "ringside_process_page_faults_total{" OF
					  ",kind=\"major\"}") == 5);
	assert_true(exporter_sample(text, "ringside_process_disk_bytes_total{" OF
					  ",operation=\"read\"}") == 4096);
	assert_true(exporter_sample(text, "ringside_process_disk_operations_total{" OF
					  ",operation=\"read\"}") == 2);
	assert_true(exporter_sample(text, "ringside_process_disk_seconds_total{" OF
					  ",operation=\"read\"}") == 1.5);
	assert_true(exporter_sample(text, "ringside_process_tcp_retransmits_total{" OF "}") == 0);
	assert_null(strstr(text, "operation=\"write\"}"));
	assert_null(strstr(text, "ringside_process_tcp_segments_total{"));
	free(text);
}

static void incidents_are_counters_of_services(void **state)
{
	const struct metrics_row row = {
		.service = "shop",
		.incidents = { .total = { [METRICS_RESTARTS] = 3, [METRICS_KILLS] = -1 } }
	};
	struct exposition e;
	size_t length;
	char *bytes;

	(void)state;
	exposition_init(&e, false);
	exporter_put_incidents(&e, &row, 1);
	assert_int_equal(exposition_finish(&e, &bytes, &length), 0);
	bytes[length - 1] = '\0';
	assert_non_null(strstr(bytes, "ringside_service_restarts_total{service=\"shop\"} 3"));
	assert_non_null(strstr(bytes, "ringside_service_starts_total{service=\"shop\"} 0"));
	assert_null(strstr(bytes, "ringside_service_oom_kills_total{"));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disks_faults_and_connections_are_counters_of_what_is_known),
		cmocka_unit_test(incidents_are_counters_of_services),
		cmocka_unit_test(each_process_is_told_with_its_service_and_pid),
		cmocka_unit_test(what_is_unknown_of_one_is_left_out_for_it_alone),
		cmocka_unit_test(each_family_has_one_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
