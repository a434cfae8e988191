#include "strains.h"

#include "metrics_fixture.h"

static void what_is_known_of_two_samples_is_their_difference(void **state)
{
	const struct means_sample first = {
		.major_faults = 3,
		.read_bytes = 1000,
		.write_bytes = METRICS_UNKNOWN,
		.each_disk_ns = 5000000,
		.strain = { .reads = 2, .read_ns = 1000000, .segments = 50, .trips_us = 7000 }
	};
	const struct means_sample last = { .major_faults = 10,
					   .minor_faults = 4,
					   .read_bytes = 5096,
					   .write_bytes = METRICS_UNKNOWN,
					   .each_disk_ns = 8000000,
					   .each_known = true,
					   .strain = { .reads = 6,
						       .read_ns = 9000000,
						       .writes = 1,
						       .write_ns = 500000,
						       .segments = 80,
						       .retransmits = 2,
						       .looks = 4,
						       .trips_us = 9000,
						       .known = STRAIN_TCP | STRAIN_DISK } };
	struct metrics_strain s;

	(void)state;
	strains_between(&first, &last, &s);
	assert_true(s.major_faults == 7 && s.minor_faults == 4);
	assert_true(s.read_bytes == 4096 && s.write_bytes < 0);
	assert_true(s.reads == 4 && s.read_ms == 8 && s.writes == 1 && s.write_ms == 0.5);
	assert_true(s.segments == 30 && s.retransmits == 2 && s.looks == 4 && s.trips_ms == 2);
	assert_true(s.wait_ms == 3 && s.shortest_ms < 0);
}

static void the_kernels_own_count_of_waits_is_taken_where_it_keeps_one(void **state)
{
	struct means_sample first = { .threads = 2, .each_disk_ns = 5000000 };
	struct means_sample last = {
		.each_disk_ns = 8000000, .disk_ns = 90000000, .each_known = true, .disk_known = true
	};
	struct metrics_strain s;

	(void)state;
	strains_between(&first, &last, &s);
	assert_true(s.wait_ms == 3); /* it was turned on in between */
	first.disk_known = true;
	first.disk_ns = 50000000;
	strains_between(&first, &last, &s);
	assert_true(s.wait_ms == 40);
	first = (struct means_sample){ .time_ns = 1 }; /* the process's beginning */
	strains_between(&first, &last, &s);
	assert_true(s.wait_ms == 90);
}

static void what_nobody_tells_is_unknown(void **state)
{
	const struct means_sample first = { .strain = { .segments = 9 } };
	struct means_sample last = { .strain = { .segments = 5, .known = STRAIN_TCP } };
	struct metrics_strain s;

	(void)state;
	strains_between(&first, &last, &s);
	assert_true(s.segments < 0); /* it was counted anew */
	assert_true(s.retransmits == 0 && s.reads < 0 && s.read_ms < 0 && s.wait_ms < 0);
	last.strain.known = STRAIN_DISK;
	strains_between(&first, &last, &s);
	assert_true(s.retransmits < 0 && s.looks < 0 && s.trips_ms < 0 && s.reads == 0);
	assert_true(s.arrivals < 0 && s.arrival_ms < 0);
	last.strain =
		(struct strain){ .arrivals = 4, .arrival_ns = 6000000, .known = STRAIN_ARRIVAL };
	strains_between(&first, &last, &s);
	assert_true(s.arrivals == 4 && s.arrival_ms == 6 && s.longest_ms < 0);
}

static void several_add_up_but_for_the_shortest_and_the_longest(void **state)
{
	struct metrics_strain sum, one;

	(void)state;
	metrics_strain_init(&sum);
	metrics_strain_init(&one);
	metrics_strain_add(&sum, &one);
	assert_true(sum.reads < 0 && sum.shortest_ms < 0);
	one.reads = 3;
	one.shortest_ms = 5;
	metrics_strain_add(&sum, &one);
	one.shortest_ms = 2;
	one.longest_ms = 4;
	metrics_strain_add(&sum, &one);
	one.shortest_ms = 9;
	one.longest_ms = 3;
	metrics_strain_add(&sum, &one);
	assert_true(sum.reads == 9 && sum.shortest_ms == 2 && sum.writes < 0);
	assert_true(sum.longest_ms == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_of_two_samples_is_their_difference),
		cmocka_unit_test(the_kernels_own_count_of_waits_is_taken_where_it_keeps_one),
		cmocka_unit_test(what_nobody_tells_is_unknown),
		cmocka_unit_test(several_add_up_but_for_the_shortest_and_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
