#include "load.h"

#include "metrics_fixture.h"

static void shares_are_those_of_the_worst_and_amounts_add_up(void **state)
{
	struct metrics_process one = { .core_percent = 10,
				       .rss = 1000,
				       .cpu_percent = 5,
				       .throttled_percent = METRICS_UNKNOWN,
				       .throttled_ms = 7,
				       .memory_percent = 1 };
	struct metrics_process other = { .core_percent = 20,
					 .rss = METRICS_UNKNOWN,
					 .cpu_percent = 3,
					 .throttled_percent = METRICS_UNKNOWN,
					 .throttled_ms = 6,
					 .memory_percent = 2 };
	struct metrics_row row = { .pid = 1 };

	(void)state;
	load_init(&row);
	assert_true(row.rss < 0 && row.cpu_percent < 0 && row.strain.reads < 0);
	load_add(&row, &one);
	load_add(&row, &other);
	assert_true(row.core_percent == 30 && row.rss == 1000);
	assert_true(row.cpu_percent == 5 && row.memory_percent == 2 && row.throttled_ms == 7);
	assert_true(row.throttled_percent < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_those_of_the_worst_and_amounts_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
