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

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void a_cpu_that_comes_or_goes_makes_them_old(void **state)
{
	char file[] = "/tmp/ticks.XXXXXX";
	int clock = -1;
	struct ticks t = { .clocks = &clock, .cpus = 1, .online = "0-1\n" };

	(void)state;
	close(mkstemp(file));
	put(file, "0-1\n");
	assert_false(ticks_are_old(&t, file));
	put(file, "0-2\n");
	assert_true(ticks_are_old(&t, file));
	put(file, "0\n");
	assert_true(ticks_are_old(&t, file));
	t.clocks = NULL; /* stopped */
	assert_false(ticks_are_old(&t, file));
	unlink(file);
}

static void where_no_cpus_are_listed_they_stay_as_they_are(void **state)
{
	int clock = -1;
	struct ticks t = { .clocks = &clock, .cpus = 1 };

	(void)state;
	ticks_online("/no/such/file", t.online, sizeof(t.online));
	assert_string_equal(t.online, "");
	assert_false(ticks_are_old(&t, "/no/such/file"));
	assert_false(ticks_are_old(&t, "/")); /* a folder cannot be read either */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_program_starts_no_clock),
		cmocka_unit_test(stopping_closes_each_clock_once),
		cmocka_unit_test(a_cpu_that_comes_or_goes_makes_them_old),
		cmocka_unit_test(where_no_cpus_are_listed_they_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
