#include "postgres.h"

#include "postgres_fixture.h"

static void the_statements_of_a_query_are_requests(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	PUT(&in, 'Q', "BEGIN; SELECT a FROM t WHERE b = 'secret';\0");
	PUT(&in, 'Q', "\0");
	PUT(&in, 'Q', " ; \0");
	PUT(&out, 'C', "BEGIN\0");
	PUT(&out, 'T', "\0\1a\0....");
	PUT(&out, 'D', "\0\1\0\0\0\1x");
	PUT(&out, 'N', "SNOTICE\0C00000\0\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "T");
	PUT(&out, 'I', "");
	PUT(&out, 'Z', "T");
	PUT(&out, 'I', "");
	PUT(&out, 'Z', "T");
	tells(&in, &out, "BEGIN 200, SELECT a FROM t WHERE b = ? 200, (empty) 200, (empty) 200", 0);
}

/* Sent ahead of all answers: what one query leaves over is not taken from the next. */
static void queries_in_a_row_keep_apart(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	PUT(&in, 'Q', "SELECT a;     SELECT a\0"); /* of the same length: they are one run */
	PUT(&in, 'Q', "BAD; SELECT b; SELECT c\0");
	PUT(&in, 'Q', "SELECT d\0");
	PUT(&in, 'Q', "SELECT e\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "I");
	PUT(&out, 'E', "SERROR\0C42601\0\0");
	PUT(&out, 'Z', "I");
	PUT(&out, 'T', "\0\1d\0....");
	PUT(&out, 'D', "\0\1\0\0\0\1x");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'C', "SELECT 1\0"); /* of a rule: nobody's */
	PUT(&out, 'Z', "I");
	PUT(&out, 'E', "SERROR\0C57014\0\0");
	PUT(&out, 'Z', "I");
	tells(&in, &out, "SELECT a 200, SELECT a 200, _unknown 400, SELECT d 200, SELECT e 500", 2);
}

static uint64_t bytes_told(bool out)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < heard.done; i++)
		sum += out ? heard.served[i].bytes_out : heard.served[i].bytes_in;
	return sum;
}

/* Also of rows that look like messages themselves. */
static void rows_belong_to_their_statement(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };
	size_t first;

	(void)state;
	PUT(&in, 'Q', "SELECT a; SELECT b\0");
	PUT(&out, 'T', "D\0\0\0\4....");
	PUT(&out, 'D', "D\0\0\0\4D\0\0\0\7");
	PUT(&out, 'C', "SELECT 1\0");
	first = out.n;
	PUT(&out, 'T', "\0\1b\0....");
	PUT(&out, 'D', "D\0\0\0\4");
	PUT(&out, 'D', "T\0\0\0\4D");
	PUT(&out, 'C', "SELECT 2\0");
	PUT(&out, 'Z', "I");
	tells(&in, &out, "SELECT a 200, SELECT b 200", 0);
	session_begin();
	move(false, in.at, in.n);
	move(true, out.at, out.n);
	session_end();
	assert_int_equal(heard.served[0].bytes_out, first);
	assert_int_equal(heard.served[1].bytes_out, out.n - first);
}

static void a_copy_counts_the_bytes_that_it_moves(void **state)
{
	struct bytes in = { .n = 0 }, copy = { .n = 0 }, begin = { .n = 0 }, end = { .n = 0 };

	(void)state;
	session_begin();
	PUT(&in, 'Q', "COPY t FROM STDIN\0");
	move(false, in.at, in.n);
	PUT(&begin, 'G', "\0\0\1\0\0");
	move(true, begin.at, begin.n);
	PUT(&copy, 'd', "1\tsecret\n");
	PUT(&copy, 'd', "2\tsecret\n");
	PUT(&copy, 'c', "");
	move(false, copy.at, copy.n);
	PUT(&end, 'C', "COPY 2\0");
	PUT(&end, 'Z', "I");
	move(true, end.at, end.n);
	session_end();
	assert_string_equal(heard_story(), "COPY t FROM STDIN 200");
	assert_int_equal(bytes_told(false), in.n + copy.n);
	assert_int_equal(bytes_told(true), begin.n + end.n);
}

static void an_execute_has_the_text_of_its_statement(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	PUT(&in, 'P', "S_1\0SELECT a FROM t WHERE b = $1\0\0\0");
	PUT(&in, 'S', "");
	PUT(&in, 'B', "\0S_1\0\0\0\0\1\0\0\0\6secret\0\0");
	PUT(&in, 'D', "P\0");
	PUT(&in, 'E', "\0\0\0\0\0");
	PUT(&in, 'P', "\0SELECT 7\0\0\0");
	PUT(&in, 'B', "portal\0\0\0\0\0\0\0\0");
	PUT(&in, 'E', "portal\0\0\0\0\2");
	PUT(&in, 'E', "portal\0\0\0\0\2");
	PUT(&in, 'S', "");
	PUT(&in, 'B', "\0S_1\0\0\0\0\0\0\0");
	PUT(&in, 'E', "\0\0\0\0\0");
	PUT(&in, 'C', "SS_1\0");
	PUT(&in, 'S', "");
	PUT(&in, 'X', "");
	PUT(&out, '1', "");
	PUT(&out, 'Z', "I");
	PUT(&out, '2', "");
	PUT(&out, 'n', "");
	PUT(&out, 'C', "SELECT 0\0");
	PUT(&out, '1', "");
	PUT(&out, '2', "");
	PUT(&out, 's', "");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "I");
	PUT(&out, '2', "");
	PUT(&out, 'C', "SELECT 0\0");
	PUT(&out, '3', "");
	PUT(&out, 'Z', "I");
	tells(&in, &out,
	      "SELECT a FROM t WHERE b = $1 200, SELECT ? 200, SELECT ? 200, "
	      "SELECT a FROM t WHERE b = $1 200",
	      0);
	assert_int_equal(heard.names, 2);
}

static void encryption_may_be_asked_for_and_refused(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	heard_nothing();
	postgres_init(&g);
	move(false, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
	move(true, "N", 1);
	move(false, START, START_BYTES);
	PUT(&out, 'Z', "I");
	move(true, out.at, out.n);
	PUT(&in, 'Q', "SELECT 1\0");
	move(false, in.at, in.n);
	out.n = 0;
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "I");
	move(true, out.at, out.n);
	session_end();
	assert_string_equal(heard_story(), "SELECT ? 200");
}

static void a_start_is_whole_wherever_it_is_cut(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < START_BYTES; cut++) {
		heard_nothing();
		postgres_init(&g);
		move(false, START, cut);
		assert_false(g.started);
		move(false, &START[cut], START_BYTES - cut);
		assert_true(g.started);
		session_end();
	}
}

static void a_session_that_does_not_begin_is_no_request(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	heard_nothing();
	postgres_init(&g);
	move(false, START, START_BYTES);
	PUT(&out, 'R', "\0\0\0\3");
	move(true, out.at, out.n);
	PUT(&in, 'p', "secret\0");
	move(false, in.at, in.n);
	out.n = 0;
	PUT(&out, 'E', "SFATAL\0C28P01\0Mpassword\0\0");
	move(true, out.at, out.n);
	session_end();
	assert_int_equal(heard.done + heard.begun + heard.names, 0);
}

static void lengths_beyond_all_limits_end_it(void **state)
{
	(void)state;
	session_begin();
	assert_false(move(false, "Q\x7f\xff\xff\xff", 5));
	assert_int_equal(heard.unparsed[RS_UNPARSED_GARBAGE], 1);
	assert_false(move(false, "X\0\0\0\4", 5));
	session_end();
	session_begin();
	assert_false(move(false, "Q\0\0\0\3", 5));
	session_end();
}

static void its_first_bytes_are_known(void **state)
{
	(void)state;
	assert_true(postgres_begins((const uint8_t *)START, START_BYTES));
	assert_true(postgres_begins((const uint8_t *)"\0\0\0\x08\x04\xd2\x16\x2f", 8));
	assert_true(postgres_begins((const uint8_t *)"\0\0\0\x08\x04\xd2\x16\x30", 8));
	assert_false(
		postgres_begins((const uint8_t *)"\0\0\0\x10\x04\xd2\x16\x2e", 8)); /* cancel */
	assert_false(postgres_begins((const uint8_t *)"\0\0\0\x08\0\2\0\0", 8));
	assert_false(postgres_begins((const uint8_t *)"\0\1\0\x08\0\3\0\0", 8));
	assert_false(postgres_begins((const uint8_t *)START, 7));
}

/* s0, s1 …, each with one of nine texts, and an answer. */
static void prepare(int i)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };
	char text[64];
	int n = snprintf(text, sizeof(text), "s%d%cSELECT a%d%c%c%c", i, 0, i % 9, 0, 0, 0);

	put(&in, 'P', text, (size_t)n);
	PUT(&in, 'S', "");
	PUT(&out, '1', "");
	PUT(&out, 'Z', "I");
	play(&in, &out, 0);
}

/* The name that an execution of it is told with; NULL: none. */
static const char *executed(int i)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };
	char text[64];
	int n = snprintf(text, sizeof(text), "%cs%d%c%c%c%c%c%c%c", 0, i, 0, 0, 0, 0, 0, 0, 0);
	uint16_t shape;

	put(&in, 'B', text, (size_t)n);
	PUT(&in, 'E', "\0\0\0\0\0");
	PUT(&in, 'S', "");
	PUT(&out, '2', "");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "I");
	play(&in, &out, 0);
	shape = heard.served[(heard.done - 1) % HEARD_MOST].shape;
	return shape ? heard.name[shape - 1] : NULL;
}

static void prepared_statements_keep_their_names(int from, int to)
{
	for (int i = from; i < to; i += 7) {
		const char *name = executed(i);
		char text[64];

		snprintf(text, sizeof(text), "SELECT a%d", i % 9);
		assert_non_null(name);
		assert_string_equal(name, text);
	}
}

static void many_prepared_statements_keep_their_names(void **state)
{
	(void)state;
	session_begin();
	for (int i = 0; i < 300; i++)
		prepare(i);
	prepared_statements_keep_their_names(0, 300);
	session_end();
}

static void of_too_many_prepared_statements_the_oldest_gives_way(void **state)
{
	const int most = (int)(POSTGRES_STATEMENTS / PAIRS_NAMES * PAIRS_NAMES);

	(void)state;
	session_begin();
	for (int i = 0; i < most + 100; i++)
		prepare(i);
	assert_true(heard.lent <= POSTGRES_STATEMENTS / PAIRS_NAMES + 2);
	prepared_statements_keep_their_names(100, most + 100);
	assert_null(executed(99));
	for (int i = most + 100; i < 3 * most + 7; i++)
		prepare(i);
	prepared_statements_keep_their_names(2 * most + 7, 3 * most + 7);
	assert_null(executed(2 * most + 6));
	session_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_statements_of_a_query_are_requests),
		cmocka_unit_test(queries_in_a_row_keep_apart),
		cmocka_unit_test(rows_belong_to_their_statement),
		cmocka_unit_test(a_copy_counts_the_bytes_that_it_moves),
		cmocka_unit_test(an_execute_has_the_text_of_its_statement),
		cmocka_unit_test(encryption_may_be_asked_for_and_refused),
		cmocka_unit_test(a_start_is_whole_wherever_it_is_cut),
		cmocka_unit_test(a_session_that_does_not_begin_is_no_request),
		cmocka_unit_test(lengths_beyond_all_limits_end_it),
		cmocka_unit_test(its_first_bytes_are_known),
		cmocka_unit_test(many_prepared_statements_keep_their_names),
		cmocka_unit_test(of_too_many_prepared_statements_the_oldest_gives_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
