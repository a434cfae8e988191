#include "../../agent/capture/uprobes.c"
#include "rs_test.h"

#include <fcntl.h>

static void the_kernels_own_layout_is_kept(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct uprobes_attr, path), 16);
	assert_int_equal(offsetof(struct uprobes_attr, cookies), 40);
	assert_int_equal(offsetof(struct uprobes_attr, count), 48);
	assert_int_equal(offsetof(struct uprobes_attr, pid), 56);
}

static void who_has_no_program_gets_an_error_and_no_descriptor(void **state)
{
	const uint64_t offset = 64;
	struct uprobes u = { .program = -1, .offsets = &offset, .count = 1 };
	int next;

	(void)state;
	u.file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(uprobes_attach(&u) < 0);
	u.program = u.file; /* no program either */
	assert_true(uprobes_attach(&u) < 0);
	next = dup(u.file);
	assert_int_equal(next, u.file + 1);
	close(next);
	close(u.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernels_own_layout_is_kept),
		cmocka_unit_test(who_has_no_program_gets_an_error_and_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
