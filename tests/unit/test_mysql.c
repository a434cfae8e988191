#include "mysql.h"

#include "mysql_fixture.h"

static void the_statements_of_a_text_are_requests(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3BEGIN; SELECT a FROM t WHERE b = 'secret'; ");
	ASK(&in, "\3");
	ASK(&in, "\3SELECT 1; SELECT 2");
	SAY(&out, OK_MORE);
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, "\6secret");
	SAY(&out, "\xfb");
	SAY(&out, EOF_PACKET);
	SAY(&out, "\xff\x29\4#42000Query was empty");
	SAY(&out, "\xff\x29\4#22012zero");
	tells(&in, &out, "BEGIN 200, SELECT a FROM t WHERE b = ? 200, _unknown 400, SELECT ? 400",
	      1);
}

static void what_the_server_does_not_count_is_no_request(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\x0e");                   /* ping */
	ASK(&in, "\x09");                   /* statistics */
	ASK(&in, "\x1a\1\0\0\0");           /* reset */
	ASK(&in, "\x18\1\0\0\0\0\0secret"); /* a long parameter */
	ASK(&in, "\x19\1\0\0\0");           /* close */
	ASK(&in, "\2secret");               /* init db */
	ASK(&in, "\x77secret");             /* nobody's */
	ASK(&in, "\1");                     /* quit */
	SAY(&out, OK);
	SAY(&out, "Uptime: 7");
	SAY(&out, OK);
	SAY(&out, OK);
	SAY(&out, "\xff\x17\4#08S01Unknown command");
	tells(&in, &out, "(init db) 200, _unknown 500", 0);
}

static void an_execution_has_the_text_of_its_statement(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\x16SELECT a FROM t WHERE b = ? AND c = 'secret'");
	ASK(&in, "\x17\7\0\0\0\0\1\0\0\0secret");
	ASK(&in, "\x17\xff\xff\xff\xff\0\1\0\0\0");
	ASK(&in, "\x1c\7\0\0\0\5\0\0\0");
	ASK(&in, "\xfa\7\0\0\0\0\1\0\0\0");
	ASK(&in, "\x17\x09\0\0\0\0\1\0\0\0");
	SAY(&out, "\0\7\0\0\0\1\0\1\0\0\0\0");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, EOF_PACKET);
	SAY(&out, "\0\0\6secret");
	SAY(&out, EOF_PACKET);
	SAY(&out, "\1");
	SAY(&out, COLUMN);
	SAY(&out, "\xfe\0\0\x42\0"); /* a cursor: its rows are fetched */
	SAY(&out, "\0\0\6secret");
	SAY(&out, EOF_PACKET);
	SAY(&out, OK);
	SAY(&out, "\xff\xdb\4#HY000Unknown prepared statement");
	tells(&in, &out,
	      "SELECT a FROM t WHERE b = ? AND c = ? 200, SELECT a FROM t WHERE b = ? AND c = ? "
	      "200, "
	      "SELECT a FROM t WHERE b = ? AND c = ? 200, SELECT a FROM t WHERE b = ? AND c = ? "
	      "200, "
	      "- 400",
	      0);
}

static void a_clients_file_is_no_command(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 }, file = { .n = 0 }, end = { .n = 0 };

	(void)state;
	session_begin(CAN, 0);
	ASK(&in, "\3LOAD DATA LOCAL INFILE 'secret' INTO TABLE t");
	move(false, in.at, in.n);
	SAY(&out, "\xfbsecret");
	move(true, out.at, out.n);
	for (int i = 0; i < 300; i++)
		put(&file, i + 2, "\3secret", 7); /* its number comes to 0 again */
	put(&file, 302, "", 0);
	for (size_t i = 0; i < file.n; i++)
		move(false, file.at + i, 1);
	SAY(&end, OK);
	move(true, end.at, end.n);
	session_end();
	assert_string_equal(heard_story(), "LOAD DATA LOCAL INFILE ? INTO TABLE t 200");
	assert_int_equal(heard.served[0].bytes_in, in.n + file.n);
	assert_int_equal(heard.served[0].bytes_out, out.n + end.n);
}

static void a_long_packet_is_one_command(void **state)
{
	static char text[MYSQL_PART];
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "\3SELECT '", 9);
	session_begin(CAN, 0);
	move(false, "\xff\xff\xff\0", 4);
	move(false, text, sizeof(text));
	put(&in, 1, "secret', 7", 10);
	move(false, in.at, in.n);
	SAY(&out, OK);
	move(true, out.at, out.n);
	session_end();
	assert_string_equal(heard_story(), "SELECT ?, ? 200");
	assert_int_equal(heard.served[0].bytes_in, sizeof(text) + 4 + in.n);
}

static void attributes_ahead_of_a_text_are_passed_over(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	ASK(&in, "\3\0\1SELECT 7");
	ASK(&in, "\3\1\1\0\1\xfe\0\4name\6secretSELECT 7");
	SAY(&out, OK);
	SAY(&out, OK);
	tells_of(CAN | MYSQL_QUERY_ATTRIBUTES, 0, &in, &out, "SELECT ? 200, _unknown 200", 0);
}

static void tls_begins_where_its_client_asks_for_it(void **state)
{
	struct bytes in = { .n = 0 }, out;
	struct pairs_call call = { 0 };
	const uint8_t *at;

	(void)state;
	heard_nothing();
	mysql_init(&m, false);
	greet(&out);
	move(true, out.at, out.n);
	respond(&in, CAN | MYSQL_SSL, 0, 32);
	memcpy(in.at + in.n, "\x16\3\1", 3);
	at = (const uint8_t *)in.at;
	mysql_read(&m, &call, &at, in.n + 3);
	assert_true(m.pairs.encrypted);
	assert_ptr_equal(at, in.at + in.n);
	session_end();
	mysql_init(&m, true);
	in.n = 0;
	respond(&in, CAN | MYSQL_SSL, 0, 40);
	ASK(&in, "\3SELECT 7");
	move(false, in.at, in.n);
	out.n = 0;
	SAY(&out, OK);
	SAY(&out, OK);
	move(true, out.at, out.n);
	session_end();
	assert_string_equal(heard_story(), "SELECT ? 200");
}

static void another_client_is_not_followed(void **state)
{
	struct bytes in = { .n = 0 }, out;

	(void)state;
	heard_nothing();
	mysql_init(&m, false);
	greet(&out);
	move(true, out.at, out.n);
	SAY(&in, "GET / HTTP/1.1\r\n\r\n and so on, but no capabilities");
	assert_false(move(false, in.at, in.n));
	session_end();
	assert_int_equal(heard.begun + heard.done, 0);
}

static void its_first_bytes_are_known(void **state)
{
	struct bytes out;

	(void)state;
	greet(&out);
	for (size_t i = MYSQL_GREETING_LEAST; i <= out.n; i++)
		assert_true(mysql_greets((const uint8_t *)out.at, i));
	assert_false(mysql_greets((const uint8_t *)out.at, MYSQL_GREETING_LEAST - 1));
	assert_false(mysql_greets((const uint8_t *)"220 mail ESMTP\r\n", 16));
	assert_false(mysql_greets((const uint8_t *)"SSH-2.0-OpenSSH_9.2\r\n", 21));
	assert_false(mysql_greets((const uint8_t *)"\x4a\0\0\0\xff\x10\4Too many", 15));
	out.at[3] = 1;
	assert_false(mysql_greets((const uint8_t *)out.at, out.n));
	out.at[3] = 0;
	out.at[8] = 3;
	assert_false(mysql_greets((const uint8_t *)out.at, out.n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_statements_of_a_text_are_requests),
		cmocka_unit_test(what_the_server_does_not_count_is_no_request),
		cmocka_unit_test(an_execution_has_the_text_of_its_statement),
		cmocka_unit_test(a_clients_file_is_no_command),
		cmocka_unit_test(a_long_packet_is_one_command),
		cmocka_unit_test(attributes_ahead_of_a_text_are_passed_over),
		cmocka_unit_test(tls_begins_where_its_client_asks_for_it),
		cmocka_unit_test(another_client_is_not_followed),
		cmocka_unit_test(its_first_bytes_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
