#include "../../agent/profiling.c"
#include "rs_test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void each_question_goes_to_its_part(void **state)
{
	static const uint32_t questions[][2] = { { LINK_FILES, LINK_FILES_END },
						 { LINK_UNWIND, LINK_NO_SNAPSHOTS },
						 { LINK_OFFCPU, LINK_NO_ROWS } };
	const struct finder_sink sink = { .ctx = NULL };
	struct link_message m = { .key = 5, .snapshots.seconds = 1 }, answer;
	struct profiling p = { .sampling.sampler = NULL };
	struct finder *finder; /* knows nobody */
	struct outbox outbox;
	int link[2], passed;

	(void)state;
	assert_int_equal(link_open(link), 0);
	assert_int_equal(finder_open(&finder, "/run/ringside-none", &sink), 0);
	outbox_init(&outbox, link[0]);
	outbox_hello(&outbox);
	profiling_open(&p, &outbox, -EPERM);
	assert_int_equal(outbox.facility_count, 3);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		m.kind = questions[i][0];
		profiling_ask(&p, finder, &m, 1);
		assert_int_equal(link_receive(link[1], &answer, &passed), 1);
		assert_int_equal(answer.kind, questions[i][1]);
		assert_int_equal(answer.key, 5);
	}
	m.kind = LINK_HELLO; /* not about profiles */
	profiling_ask(&p, finder, &m, 1);
	profiling_step(&p, finder, 1);
	profiling_second(&p);
	assert_int_equal(link_receive(link[1], &answer, &passed), -EAGAIN);
	profiling_close(&p);
	finder_close(finder);
	close(link[0]);
	close(link[1]);
	outbox_fini(&outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_question_goes_to_its_part) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
