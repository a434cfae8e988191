#include "document_fixture.h"

#include <stdlib.h>

static char *put(const struct document_strain *d)
{
	struct json j;

	json_init(&j);
	json_object_begin(&j, NULL);
	document_strain_put(d, &j);
	json_object_end(&j);
	assert_int_equal(json_finish(&j), 0);
	return j.bytes;
}

static struct metrics_process process(void)
{
	struct metrics_process p = { .alive = true,
				     .read_per_s = 100,
				     .write_per_s = METRICS_UNKNOWN,
				     .io_wait_percent = 12.5 };

	metrics_strain_init(&p.strain);
	p.strain.reads = 3;
	p.strain.read_ms = 6;
	p.strain.writes = 1;
	p.strain.write_ms = 4;
	p.strain.read_bytes = 4096;
	p.strain.major_faults = 2;
	p.strain.segments = 200;
	p.strain.retransmits = 3;
	p.strain.looks = 4;
	p.strain.trips_ms = 2;
	p.strain.shortest_ms = 0.25;
	p.strain.arrivals = 8;
	p.strain.arrival_ms = 4;
	p.strain.longest_ms = 3;
	return p;
}

static void what_is_known_is_told_and_what_is_not_says_why(void **state)
{
	struct metrics_process one = process();
	struct document_strain d = { .incidents = { .window = { 7, 6, 5, 0 } } };
	char *text;

	(void)state;
	document_strain_init(&d);
	document_strain_add(&d, &one);
	one.alive = false; /* ended in the window: what it did counts, its rate does not */
	one.io_wait_percent = 90;
	document_strain_add(&d, &one);
	text = put(&d);
	assert_holds(text, "\"io\":{\"readBytesPerSecond\":100,\"writeBytesPerSecond\":null,"
			   "\"latencyMs\":2.5,\"waitPercent\":90,\"readBytes\":8192,"
			   "\"writeBytes\":null,\"reads\":6,\"writes\":2,\"readLatencyMs\":2,"
			   "\"writeLatencyMs\":4,\"unknown\":{\"writeBytesPerSecond\":\"/proc/PID");
	assert_holds(text, "\"faults\":{\"major\":4,\"minor\":null,\"unknown\":{\"minor\":\"");
	assert_holds(text, "\"network\":{\"segments\":400,\"retransmits\":6,"
			   "\"retransmitPercent\":1.5,\"rttMs\":0.5,\"rttMinMs\":0.25,"
			   "\"reads\":16,\"readDelayMs\":0.5,\"readDelayMaxMs\":3,"
			   "\"unknown\":{}}");
	assert_holds(text, "\"incidents\":{\"restarts\":5,\"started\":7,\"ended\":6,"
			   "\"oomKills\":0,\"unknown\":{}}");
	free(text);
}

static void without_the_kernel_each_value_says_so(void **state)
{
	struct document_strain d = { .incidents = { .window = { -1, -1, -1, -1 } } };
	char *text;

	(void)state;
	document_strain_init(&d);
	text = put(&d);
	assert_holds(text, "\"latencyMs\":\"the kernel does not tell");
	assert_holds(text, "\"rttMs\":\"the kernel does not tell");
	assert_holds(text, "\"retransmitPercent\":\"the kernel does not tell");
	assert_holds(text, "\"reads\":null,\"readDelayMs\":null,\"readDelayMaxMs\":null,");
	assert_holds(text, "\"readDelayMs\":\"told of processes that were asked for");
	assert_holds(text, "\"waitPercent\":\"kernel.task_delayacct is 0: told of");
	assert_holds(text, "\"restarts\":\"the kernel does not tell of forks");
	assert_holds(text, "\"oomKills\":\"the kernel does not tell");
	free(text);
	d.of_process = true;
	text = put(&d);
	assert_holds(text, "\"restarts\":\"of services alone\"");
	free(text);
}

static void a_mean_of_nothing_is_null_and_a_share_of_nothing_is_none(void **state)
{
	struct document_strain d = { .of_process = false };
	char *text;

	(void)state;
	document_strain_init(&d);
	d.sum.reads = d.sum.writes = d.sum.read_ms = d.sum.write_ms = 0;
	d.sum.arrivals = d.sum.arrival_ms = 0;
	d.sum.segments = d.sum.retransmits = d.sum.looks = d.sum.trips_ms = 0;
	text = put(&d);
	assert_holds(text, "\"latencyMs\":\"no block I/O came back in this window\"");
	assert_holds(text, "\"retransmitPercent\":0,\"rttMs\":null,\"rttMinMs\":null,\"reads\":0,"
			   "\"readDelayMs\":null,\"readDelayMaxMs\":null,"
			   "\"unknown\":{\"rttMs\":\"no connection");
	assert_holds(text, "\"readDelayMs\":\"nothing that arrived was read in this window\"");
	free(text);
}

static void a_row_has_the_most_of_it(void **state)
{
	struct metrics_row row = { .incidents = { .window = { 1, 2, 3, 4 } } };
	struct json j;

	(void)state;
	row.strain = process().strain;
	json_init(&j);
	json_object_begin(&j, NULL);
	document_strain_row(&row, true, &j);
	document_strain_row(&row, false, &j);
	row.kills_told = true;
	document_strain_row(&row, false, &j);
	row.killed = true;
	document_strain_row(&row, false, &j);
	json_object_end(&j);
	assert_int_equal(json_finish(&j), 0);
	assert_holds(j.bytes, "\"majorFaults\":2,\"readBytes\":4096,\"writeBytes\":null,"
			      "\"ioLatencyMs\":2.5,\"retransmits\":3,\"rttMs\":0.5,\"oomKills\":4,"
			      "\"restarts\":3,");
	assert_holds(j.bytes, "\"oomKills\":null,");
	assert_holds(j.bytes, "\"oomKills\":0,");
	assert_holds(j.bytes, "\"oomKills\":1}");
	json_fini(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_told_and_what_is_not_says_why),
		cmocka_unit_test(without_the_kernel_each_value_says_so),
		cmocka_unit_test(a_mean_of_nothing_is_null_and_a_share_of_nothing_is_none),
		cmocka_unit_test(a_row_has_the_most_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
