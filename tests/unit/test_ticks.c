#include "../../agent/capture/ticks.c"
#include "rs_test.h"

static void what_is_no_program_starts_no_clock(void **state)
{
	struct ticks t = { 0 };
	int result = ticks_start(&t, STDIN_FILENO, 99);

	(void)state;
	assert_true(result < 0);
	assert_null(t.clocks);
	assert_int_equal(t.cpus, 0);
}

static void stopping_closes_each_clock_once(void **state)
{
	struct ticks t = { .clocks = calloc(2, sizeof(int)), .cpus = 2 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	t.clocks[0] = -1; /* offline */
	t.clocks[1] = ends[1];
	ticks_stop(&t);
	assert_int_equal(read(ends[0], &(char){ 0 }, 1), 0);
	assert_null(t.clocks);
	ticks_stop(&t);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_program_starts_no_clock),
		cmocka_unit_test(stopping_closes_each_clock_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
