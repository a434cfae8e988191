#include "kinds.h"

#include "core.h"

#define IS(text, of) kind_is(kind_of_client((const uint8_t *)(text), sizeof(text) - 1), of)

static bool kind_is(const struct kind *kind, uint8_t protocol)
{
	return kind && kind->protocol == protocol;
}

static void a_client_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	assert_true(IS("\0\0\0\x08\x04\xd2\x16\x2f", RS_PROTOCOL_POSTGRESQL));
	assert_true(IS("get key\r\n", RS_PROTOCOL_MEMCACHED));
	assert_true(IS("*1\r\n$4\r\nPING\r\n", RS_PROTOCOL_REDIS));
	assert_null(kind_of_client((const uint8_t *)"\x20\0\0\1\x85\xa6\x0f", 7));
}

static void a_server_is_known_by_its_greeting(void **state)
{
	(void)state;
	assert_true(kind_is(kind_of_server((const uint8_t *)"\x4a\0\0\0\n8.0.30\0", 12),
			    RS_PROTOCOL_MYSQL));
	assert_null(kind_of_server((const uint8_t *)"+OK POP3 ready\r\n", 16));
}

static void inside_tls_mysql_goes_on(void **state)
{
	static union kind_object of;

	(void)state;
	assert_true(kind_is(kind_inside(RS_PROTOCOL_MYSQL), RS_PROTOCOL_MYSQL));
	assert_null(kind_inside(RS_PROTOCOL_POSTGRESQL));
	kind_inside(RS_PROTOCOL_MYSQL)->init(&of.pairs);
	assert_true(of.mysql.greeted);
	kind_of_server((const uint8_t *)"\x4a\0\0\0\n8.0.30\0", 12)->init(&of.pairs);
	assert_false(of.mysql.greeted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_known_by_its_first_bytes),
		cmocka_unit_test(a_server_is_known_by_its_greeting),
		cmocka_unit_test(inside_tls_mysql_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
