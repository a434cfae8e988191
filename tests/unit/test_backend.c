#include "backend.h"

#include "postgres_fixture.h"

static void an_error_is_the_clients_fault_or_the_servers(void **state)
{
	static const struct {
		const char *state;
		const char *told;
	} errors[] = {
		{ "C23505", "SELECT ? 400" }, { "C22012", "SELECT ? 400" },
		{ "C42601", "_unknown 400" }, { "C53200", "SELECT ? 500" },
		{ "C40P01", "SELECT ? 500" }, { "CXX000", "SELECT ? 500" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct bytes in = { .n = 0 }, out = { .n = 0 };
		char body[32] = "SERROR";

		memcpy(body + 7, errors[i].state, 7);
		PUT(&in, 'Q', "SELECT 1\0");
		put(&out, 'E', body, 15);
		PUT(&out, 'Z', "I");
		tells(&in, &out, errors[i].told, 0);
	}
}

static void behind_an_error_the_rest_did_not_happen(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	PUT(&in, 'Q', "SELECT 1; SELECT 2; SELECT 3\0");
	PUT(&in, 'P', "\0SELECT 4\0\0\0");
	PUT(&in, 'B', "\0\0\0\0\0\0\0\0");
	PUT(&in, 'E', "\0\0\0\0\0");
	PUT(&in, 'P', "\0SELECT a\0\0\0");
	PUT(&in, 'E', "\0\0\0\0\0");
	PUT(&in, 'S', "");
	PUT(&in, 'Q', "SHOW x\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'E', "SERROR\0C22012\0\0");
	PUT(&out, 'Z', "I");
	PUT(&out, '1', "");
	PUT(&out, 'E', "SERROR\0C22012\0\0");
	PUT(&out, 'Z', "I");
	PUT(&out, 'C', "SHOW\0");
	PUT(&out, 'Z', "I");
	tells(&in, &out, "SELECT ? 200, SELECT ? 400, SELECT ? 400, SHOW x 200", 2);
}

static void an_error_without_an_execute_is_no_request(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	PUT(&in, 'P', "\0SELEC secret\0\0\0");
	PUT(&in, 'D', "S\0");
	PUT(&in, 'S', "");
	PUT(&in, 'Q', "SHOW x\0");
	PUT(&out, 'E', "SERROR\0C42601\0\0");
	PUT(&out, 'Z', "I");
	PUT(&out, 'C', "SHOW\0");
	PUT(&out, 'Z', "I");
	tells(&in, &out, "SHOW x 200", 0);
	assert_int_equal(heard.names, 1);
}

static void a_replication_stream_is_an_upgrade(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	session_begin();
	PUT(&in, 'Q', "START_REPLICATION 0/16B3748\0");
	move(false, in.at, in.n);
	PUT(&out, 'W', "\0\0\0");
	assert_false(move(true, out.at, out.n));
	session_end();
	assert_int_equal(heard.done, 1);
	assert_true(heard.served[0].flags & RS_FLAG_UPGRADED);
}

static void tls_begins_the_connection_again(void **state)
{
	(void)state;
	heard_nothing();
	postgres_init(&g);
	move(false, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
	assert_false(g.pairs.encrypted);
	assert_false(move(true, "S", 1));
	assert_true(g.pairs.encrypted);
	/* Nothing behind it is an answer of this one. */
	assert_false(move(true, "Z\0\0\0\x05I", 6));
	assert_false(pairs_is_confirmed(&g.pairs));
	session_end();
	assert_int_equal(heard.done + heard.begun, 0);
}

static void other_encryption_is_said_and_not_followed(void **state)
{
	(void)state;
	heard_nothing();
	postgres_init(&g);
	move(false, "\0\0\0\x08\x04\xd2\x16\x30", 8);
	assert_false(move(true, "G", 1));
	assert_int_equal(heard.unparsed[RS_UNPARSED_TLS_UNLINKED], 1);
	assert_false(move(false, "\x60\x03\x01", 3));
	session_end();
}

static void another_protocol_is_told_by_its_first_bytes(void **state)
{
	(void)state;
	heard_nothing();
	postgres_init(&g);
	move(false, START, START_BYTES);
	assert_true(postgres_declines(&g, (const uint8_t *)"HTTP/1.1 400", 12));
	assert_false(postgres_declines(&g, (const uint8_t *)"R\0\0\0\x08\0\0\0\0", 9));
	assert_true(postgres_declines(&g, (const uint8_t *)"RTSP", 4));
	session_end();
}

static void the_clock_is_read_once_a_call(void **state)
{
	struct bytes in = { .n = 0 }, out = { .n = 0 };

	(void)state;
	session_begin();
	PUT(&in, 'Q', "SELECT 1; SELECT 2\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'C', "SELECT 1\0");
	PUT(&out, 'Z', "I");
	heard.looks = 0;
	move(false, in.at, in.n);
	assert_int_equal(heard.looks, 1);
	move(true, out.at, out.n);
	assert_int_equal(heard.looks, 2);
	session_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_the_clients_fault_or_the_servers),
		cmocka_unit_test(behind_an_error_the_rest_did_not_happen),
		cmocka_unit_test(an_error_without_an_execute_is_no_request),
		cmocka_unit_test(a_replication_stream_is_an_upgrade),
		cmocka_unit_test(tls_begins_the_connection_again),
		cmocka_unit_test(other_encryption_is_said_and_not_followed),
		cmocka_unit_test(another_protocol_is_told_by_its_first_bytes),
		cmocka_unit_test(the_clock_is_read_once_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
