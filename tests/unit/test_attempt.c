#include "../../agent/capture/attempt.c"
#include "blocked_process.h"
#include "rs_test.h"

#include <string.h>

static void a_function_is_found_in_the_file_that_it_is_of(void **state)
{
	unsigned char here[16], there[16];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t place = attempt_place(attempt_end);

	(void)state;
	assert_true(place);
	memcpy(here, (const void *)(uintptr_t)attempt_end, sizeof(here));
	assert_int_equal(pread(fd, there, sizeof(there), (off_t)place), sizeof(there));
	assert_memory_equal(here, there, sizeof(here));
	assert_int_not_equal(place, attempt_place(attempt_begin));
	assert_int_equal(attempt_place((void (*)(void))(uintptr_t)&fd), 0); /* no code at all */
	close(fd);
}

static void what_works_for_pauses_works_in_the_attempt(void **state)
{
	struct probe_filter *filter;
	struct pauses *p = NULL;

	(void)state;
	if (probe_filter_open(&filter)) {
		assert_true(attempt_probes() < 0);
		rs_skip("bpf() is refused here");
	}
	assert_int_equal(attempt_probes() == 0, pauses_open(&p, probe_filter_fd(filter)) == 0);
	pauses_close(p);
	probe_filter_close(filter);
}

static void samples_and_snapshots_are_tried_too(void **state)
{
	struct probe_filter *filter;

	(void)state;
	if (probe_filter_open(&filter)) {
		assert_true(attempt_samples() < 0);
		assert_true(attempt_snapshots() < 0);
		rs_skip("bpf() is refused here");
	}
	probe_filter_close(filter);
	assert_int_equal(attempt_samples(), 0);
	assert_int_equal(attempt_snapshots(), 0);
}

static void who_keeps_the_kernel_waiting_does_not_keep_us(void **state)
{
	struct blocked b;
	int plain = attempt_probes();

	(void)state;
	if (plain)
		rs_skip("bpf() is refused here");
	b = blocked_start(); /* it maps this program too */
	if (!b.pid)
		rs_skip("FUSE cannot be mounted");
	alarm(10);
	assert_int_equal(attempt_probes(), -ETIMEDOUT);
	alarm(0);
	blocked_end(&b);
	assert_int_equal(attempt_probes(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_found_in_the_file_that_it_is_of),
		cmocka_unit_test(what_works_for_pauses_works_in_the_attempt),
		cmocka_unit_test(samples_and_snapshots_are_tried_too),
		cmocka_unit_test(who_keeps_the_kernel_waiting_does_not_keep_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
