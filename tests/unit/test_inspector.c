#include "../../agent/inspector.c"
#include "elf_fixture.h"

#include <poll.h>

#define SECOND UINT64_C(1000000000)

static int answer_of(struct inspector *i, struct sites *out)
{
	struct pollfd end = { .fd = i->answer, .events = POLLIN };

	assert_true(poll(&end, 1, 20000) == 1);
	return inspector_poll(i, 0, out);
}

static void a_child_says_what_stands_in_a_file(void **state)
{
	struct inspector i = { 0 };
	struct elf_fixture e;
	struct sites sites;
	int fd;

	(void)state;
	elf_python(&e);
	fd = elf_memfd(&e, e.length);
	assert_int_equal(inspector_start(&i, fd, RUNTIME_PYTHON, 0), 0);
	assert_int_equal(answer_of(&i, &sites), 0);
	assert_int_equal(sites.why, RUNTIME_ATTACHED);
	assert_int_equal(sites.count, 2);
	assert_int_equal(i.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	close(fd);
}

/* Under any descriptors, those that the child itself wants included. */
static void files_that_cannot_be_read_are_told_so(void **state)
{
	struct inspector i = { 0 };
	struct sites sites;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(inspector_start(&i, ends[0], RUNTIME_PYTHON, 0), 0);
	assert_int_equal(answer_of(&i, &sites), 0);
	assert_int_equal(sites.why, RUNTIME_UNREADABLE);
	close(ends[0]);
	close(ends[1]);
}

static void a_child_has_its_time_and_no_more(void **state)
{
	struct inspector i = { .until_ns = 2 * SECOND };
	struct sites sites;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	i.answer = ends[0];
	i.pid = fork();
	if (i.pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(inspector_poll(&i, SECOND, &sites), -EAGAIN);
	assert_int_equal(inspector_poll(&i, 2 * SECOND, &sites), -ETIMEDOUT);
	assert_int_equal(i.pid, 0);
	close(ends[1]);
	inspector_stop(&i); /* none */
}

static void a_child_that_died_or_talks_rubbish_is_not_believed(void **state)
{
	static const char rubbish[sizeof(struct sites)] = "rubbish";

	(void)state;
	for (int k = 0; k < 3; k++) {
		struct inspector i = { .until_ns = SECOND };
		struct sites sites;
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
		i.answer = ends[0];
		if (k) /* all of it, and a piece */
			assert_true(write(ends[1], rubbish, sizeof(rubbish) / (unsigned int)k) > 0);
		close(ends[1]);
		i.pid = fork();
		if (i.pid == 0)
			_exit(0);
		assert_int_equal(inspector_poll(&i, 0, &sites), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_says_what_stands_in_a_file),
		cmocka_unit_test(files_that_cannot_be_read_are_told_so),
		cmocka_unit_test(a_child_has_its_time_and_no_more),
		cmocka_unit_test(a_child_that_died_or_talks_rubbish_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
