#include "../../agent/profile/unwound.c" /* the test itself is the symbolizer that it starts */
#include "rs_test.h"

struct answer {
	struct unwind_answer head;
	struct unwind_stack first;
	uint64_t first_addresses[3];
	struct unwind_stack second;
	uint64_t second_addresses[1];
};

static const struct answer good = {
	.head = { .taken = 9, .dropped = 2, .no_room = 1, .stack_count = 2 },
	.first = { 5, 1, 2 },
	.first_addresses = { UINT64_C(0xffffffff81000000), 0x1000, 0x2000 },
	.second = { 1, 0, 1 },
	.second_addresses = { 0x3000 },
};

static int parse(const void *bytes, size_t length, struct unwound *out)
{
	memset(out, 0, sizeof(*out));
	return unwound_parse(bytes, length, 7, out);
}

static void an_answer_is_stacks_with_their_addresses(void **state)
{
	struct unwound u;

	(void)state;
	assert_int_equal(parse(&good, sizeof(good), &u), 0);
	assert_int_equal(u.count, 2);
	assert_int_equal(u.taken, 9);
	assert_int_equal(u.lost, 3);
	assert_int_equal(u.stacks[0].key, 7);
	assert_int_equal(u.stacks[0].samples, 5);
	assert_true(u.stacks[0].unwound);
	assert_memory_equal(u.stacks[0].addresses, good.first_addresses, 24);
	assert_int_equal(u.stacks[1].addresses[0], 0x3000);
	unwound_fini(&u);
}

static void an_answer_that_ends_anywhere_before_is_refused(void **state)
{
	struct unwound u;

	(void)state;
	for (size_t length = 0; length < sizeof(good); length++) {
		char *exact = malloc(length + 1); /* its end is where a sanitizer sees it */

		assert_non_null(exact);
		memcpy(exact, &good, length);
		assert_int_equal(parse(exact, length, &u), -EPROTO);
		unwound_fini(&u);
		free(exact);
	}
}

static void no_number_of_it_is_believed(void **state)
{
	struct answer bad = good;
	struct unwound u;

	(void)state;
	bad.head.stack_count = UINT32_MAX;
	assert_int_equal(parse(&bad, sizeof(bad), &u), -EPROTO);
	unwound_fini(&u);
	bad = good;
	bad.second.user_count = UINT16_MAX;
	assert_int_equal(parse(&bad, sizeof(bad), &u), -EPROTO);
	unwound_fini(&u);
	bad = good;
	bad.second.samples = 0;
	assert_int_equal(parse(&bad, sizeof(bad), &u), -EPROTO);
	unwound_fini(&u);
}

static void who_answers_is_heard_and_who_does_not_is_told(void **state)
{
	struct unwound_question q = { .program = "/proc/self/exe", .slots = -1, .cpus = 1 };
	atomic_bool over = true;
	struct unwound u;

	(void)state;
	q.seconds = 1; /* answers at once */
	assert_int_equal(unwound_ask(&q, 7, &u), 0);
	assert_int_equal(u.count, 2);
	unwound_fini(&u);
	q.seconds = 2; /* lacks libdw */
	assert_int_equal(unwound_ask(&q, 7, &u), -ELIBACC);
	q.seconds = 3; /* never ends by itself */
	q.over = &over;
	assert_int_equal(unwound_ask(&q, 7, &u), -ECANCELED);
	q.seconds = 4; /* says nothing */
	q.over = NULL;
	assert_int_equal(unwound_ask(&q, 7, &u), -EPROTO);
	assert_null(u.stacks);
	q.program = "/nonexistent";
	assert_int_equal(unwound_ask(&q, 7, &u), -ENOENT);
}

/* The symbolizer: its behaviour goes by the seconds that it is asked for. */
static int child(void)
{
	struct unwind_head head;

	alarm(60);
	if (read(STDIN_FILENO, &head, sizeof(head)) != sizeof(head))
		return 1;
	if (head.seconds == 1)
		return write(STDOUT_FILENO, &good, sizeof(good)) != sizeof(good);
	if (head.seconds == 3)
		pause();
	return head.seconds == 2 ? CHILD_NO_LIBRARY : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_stacks_with_their_addresses),
		cmocka_unit_test(an_answer_that_ends_anywhere_before_is_refused),
		cmocka_unit_test(no_number_of_it_is_believed),
		cmocka_unit_test(who_answers_is_heard_and_who_does_not_is_told),
	};

	if (argc == 2 && strcmp(argv[1], "--unwind") == 0)
		return child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
