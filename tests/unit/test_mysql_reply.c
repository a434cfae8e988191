#include "mysql_reply.h"

#include "mysql_fixture.h"

static void an_error_is_the_clients_fault_or_the_servers(void **state)
{
	static const struct {
		const char *packet;
		const char *told;
	} errors[] = {
		{ "\xff\x26\4#23000", "SELECT ? 400" }, /* a duplicate */
		{ "\xff\x1e\4#42S22", "_unknown 400" }, /* no such column */
		{ "\xff\xa9\4#HY000", "_unknown 400" }, /* no such variable */
		{ "\xff\xb5\4#HY000", "SELECT ? 500" }, /* it waited for a lock */
		{ "\xff\xbd\4#40001", "SELECT ? 500" }, /* a deadlock */
		{ "\xff\x25\5#70100", "SELECT ? 500" }, /* killed */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct bytes in = { .n = 0 }, out = { .n = 0 };

		ASK(&in, "\3SELECT 7");
		put(&out, 1, errors[i].packet, 9);
		tells(&in, &out, errors[i].told, 0);
	}
}

static void a_procedure_has_many_results_and_is_one_request(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3CALL p(); SELECT 7");
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, EOF_MORE);
	SAY(&out, OK_MORE);
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, "\1\x37");
	SAY(&out, EOF_PACKET);
	tells(&in, &out, "CALL p() 200, SELECT ? 200", 0);
}

static void a_body_that_holds_semicolons_is_one_request(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END");
	ASK(&in, "\3SHOW x");
	SAY(&out, OK);
	SAY(&out, OK);
	tells(&in, &out, "CREATE PROCEDURE p() BEGIN SELECT ? 200, SHOW x 200", 2);
}

static void rows_may_end_with_an_ok(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3SELECT 7; SELECT 8");
	ASK(&in, "\x16SELECT ?");
	ASK(&in, "\x17\1\0\0\0\0\1\0\0\0");
	ASK(&in, "\4t");
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, "\1\x37");
	SAY(&out, "\xfe\0\0\x0a\0\0\0");
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, "\xfe\0\0\2\0\0\0");
	SAY(&out, "\0\1\0\0\0\1\0\1\0\0\0\0");
	SAY(&out, COLUMN);
	SAY(&out, COLUMN);
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, "\xff\x25\5#70100killed");
	SAY(&out, COLUMN);
	SAY(&out, "\xfe\0\0\2\0\0\0");
	tells_of(CAN | MYSQL_DEPRECATE_EOF, 0, &in, &out,
		 "SELECT ? 200, SELECT ? 200, SELECT ? 500, (field list) 200", 0);
}

static void descriptions_may_be_left_out(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3SELECT 7");
	ASK(&in, "\3SELECT a");
	SAY(&out, "\1\1");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, EOF_PACKET);
	SAY(&out, "\1\0");
	SAY(&out, EOF_PACKET);
	SAY(&out, "\1\x37");
	SAY(&out, EOF_PACKET);
	tells_of(MYSQL_PROTOCOL_41, MYSQL_CACHE_METADATA, &in, &out, "SELECT ? 200, SELECT a 200",
		 0);
}

static void progress_is_no_error_and_what_nobody_asked_for_no_answer(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	session_begin(CAN, 0);
	SAY(&out, "\xff\x87\7#70100killed");
	move(true, out.at, out.n);
	ASK(&in, "\3ALTER TABLE t");
	move(false, in.at, in.n);
	out.n = 0;
	SAY(&out, "\xff\xff\xff\1\1\2\0\0\0\4work");
	SAY(&out, OK);
	move(true, out.at, out.n);
	session_end();
	assert_string_equal(heard_story(), "ALTER TABLE t 200");
}

static void a_client_may_become_another(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\x11user\0\0secret\0");
	put(&in, 3, "secret", 6);
	ASK(&in, "\3SELECT 7");
	SAY(&out, "\xfemysql_native_password\0salt");
	SAY(&out, OK);
	SAY(&out, OK);
	tells(&in, &out, "(change user) 200, SELECT ? 200", 0);
}

static void a_stream_of_the_binary_log_is_an_upgrade(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	session_begin(CAN, 0);
	ASK(&in, "\x12\4\0\0\0\0\0\1\0\0\0secret");
	move(false, in.at, in.n);
	SAY(&out, "\0\0\0\0\0\4\1\0\0\0");
	assert_false(move(true, out.at, out.n));
	session_end();
	assert_string_equal(heard_story(), "(binlog dump) 200");
	assert_true(heard.served[0].flags & RS_FLAG_UPGRADED);
}

static void a_compressed_session_is_said_and_not_followed(void **state)
{
	(void)state;
	session_begin(CAN | MYSQL_COMPRESS, 0);
	assert_false(move(false, "\x0c\0\0\0\0\0\0\x08\0\0\0\3SELECT 7", 19));
	session_end();
	assert_int_equal(heard.unparsed[RS_UNPARSED_UNPAIRED], 1);
	assert_int_equal(heard.begun, 0);
}

static void what_is_no_answer_ends_it(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	session_begin(CAN, 0);
	ASK(&in, "\3SELECT 7");
	move(false, in.at, in.n);
	SAY(&out, "HTTP/1.1 400");
	assert_false(move(true, out.at, out.n));
	session_end();
	assert_int_equal(heard.unparsed[RS_UNPARSED_GARBAGE], 1);
	assert_int_equal(heard.done, 0);
}

static void many_prepared_statements_keep_their_names(void **state)
{
	(void)state;
	session_begin(CAN, 0);
	for (int i = 0; i < 2000; i++) {
		struct bytes in = { .n = 0 }, out = { .n = 0 };
		uint32_t id = (uint32_t)i - 99;
		char text[64], number[] = { 0x17, (char)id, (char)(id >> 8), 0, 0 };
		int n = snprintf(text, sizeof(text), "\x16SELECT a%d", i % 9);

		put(&in, 0, text, (size_t)n);
		put(&in, 0, number, sizeof(number));
		memcpy(text, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
		text[1] = (char)i;
		text[2] = (char)(i >> 8);
		put(&out, 1, text, 12);
		put(&out, 1, OK, 7);
		move(false, in.at, in.n);
		move(true, out.at, out.n);
		snprintf(text, sizeof(text), "SELECT a%d", (i + 9 * 99 - 99) % 9);
		if (i >= 99)
			assert_string_equal(
				heard.name[heard.served[(heard.done - 1) % HEARD_MOST].shape - 1],
				text);
	}
	assert_true(heard.lent <= MYSQL_STATEMENTS / PAIRS_NAMES + 2);
	session_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_the_clients_fault_or_the_servers),
		cmocka_unit_test(a_procedure_has_many_results_and_is_one_request),
		cmocka_unit_test(a_body_that_holds_semicolons_is_one_request),
		cmocka_unit_test(rows_may_end_with_an_ok),
		cmocka_unit_test(descriptions_may_be_left_out),
		cmocka_unit_test(progress_is_no_error_and_what_nobody_asked_for_no_answer),
		cmocka_unit_test(a_client_may_become_another),
		cmocka_unit_test(a_stream_of_the_binary_log_is_an_upgrade),
		cmocka_unit_test(a_compressed_session_is_said_and_not_followed),
		cmocka_unit_test(what_is_no_answer_ends_it),
		cmocka_unit_test(many_prepared_statements_keep_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
