#include "usage.h"

#include "rs_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static void it_is_that_of_this_process(void **state)
{
	struct usage u;
	struct rlimit most;

	(void)state;
	usage_read(&u);
	assert_true(u.cpu_s >= 0);
	assert_true(u.resident_bytes >= 4096 && u.resident_bytes <= u.virtual_bytes);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
	assert_true(u.descriptors_most == (double)most.rlim_cur);
}

static void a_descriptor_more_counts_one_more(void **state)
{
	struct usage before, after;
	int fd;

	(void)state;
	usage_read(&before);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	usage_read(&after);
	close(fd);
	assert_true(after.descriptors == before.descriptors + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_that_of_this_process),
		cmocka_unit_test(a_descriptor_more_counts_one_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
