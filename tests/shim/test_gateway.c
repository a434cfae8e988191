#include "gateway.h"
#include "moves.h"

#include <string.h>

#define BEGIN "\1\1\0\1\0\10\0\0"
#define ROLE "\0\1\1\0\0\0\0\0"
#define PARAMS                                                                                     \
	"\1\4\0\1\0\x26\0\0\xe\4REQUEST_METHODPOST\xb\5REQUEST_URI/a?bc"                           \
	"\1\4\0\1\0\0\0\0"
#define STDIN "\1\5\0\1\0\0\0\0"
#define ANSWERED "\1\6\0\1\0\x11\7\0Status: 404 x\r\n\r\nppppppp\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"
#define UWSGI_HEAD "\0\x2b\0\0"
#define UWSGI "\xe\0REQUEST_METHOD\4\0POST\xb\0REQUEST_URI\x6\0/a?bcd"
#define SCGI                                                                                       \
	"70:CONTENT_LENGTH\0"                                                                      \
	"4\0SCGI\0"                                                                                \
	"1\0REQUEST_METHOD\0POST\0REQUEST_URI\0/a?bcdefg\0N\0\n\0,"

static void assert_nothing_is_wrong(void)
{
	for (uint32_t i = 0; i < RS_UNPARSED_REASONS; i++)
		assert_int_equal(here.block->unparsed[i], 0);
	assert_int_equal(here.block->aborted, 0);
	assert_int_equal(here.block->begun, here.block->requests);
}

static void requests_of_a_kept_connection_count_one_by_one(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		READ(c, BEGIN);
		assert_int_equal(here.block->begun, i);
		READ(c, ROLE PARAMS STDIN);
		WRITE(c, ANSWERED);
		assert_int_equal(here.block->requests, i);
		assert_int_equal(here.block->status[3], i);
	}
	assert_int_equal(record(at)->kind, RS_KIND_REQUEST);
	assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_FASTCGI);
	assert_int_equal(record(at)->served.method, RS_METHOD_POST);
	assert_int_equal(record(at)->served.status, 404);
	assert_true(record(at)->shape);
	at = here.lane->head;
	connection_put(c);
	assert_int_equal(record(at)->kind, RS_KIND_CONNECTION);
	assert_int_equal(record(at)->closed.requests, 3);
	assert_int_equal(record(at)->closed.protocol, RS_PROTOCOL_FASTCGI);
	assert_nothing_is_wrong();
}

/* As uWSGI reads: four bytes, then the rest. */
static void uwsgi_begins_at_its_first_byte(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at, t0;

	(void)state;
	READ(c, UWSGI_HEAD);
	assert_null(c->dialect);
	t0 = c->exchange.reading->t0;
	READ(c, UWSGI);
	assert_non_null(c->dialect);
	assert_int_equal(here.block->begun, 1);
	WRITE(c, "HTTP/1.1 200 OK\r\n\r\n");
	WRITE(c, "body");
	assert_int_equal(here.block->requests, 0);
	at = here.lane->head;
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(record(at)->t0, t0);
	assert_nothing_is_wrong();
}

static void a_line_end_in_the_first_bytes_is_a_byte(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, SCGI);
	WRITE(c, "Status: 503\r\n\r\n");
	connection_put(c);
	assert_int_equal(here.block->status[4], 1);
	c = connection_open(EXCHANGE_ACCEPTED);
	READ(c, "\1\1\0\12\0\10\0\0");
	assert_non_null(c->dialect);
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
}

static void whoever_did_not_accept_it_is_no_application(void **state)
{
	struct connection *c = connection_open(EXCHANGE_UNKNOWN);

	(void)state;
	READ(c, BEGIN ROLE);
	assert_null(c->dialect);
	connection_put(c);
	c = connection_open(EXCHANGE_ACCEPTED);
	WRITE(c, "220 who are you\r\n");
	READ(c, BEGIN ROLE);
	assert_null(c->dialect);
	connection_put(c);
	assert_int_equal(here.block->begun, 0);
}

static void only_first_bytes_tell(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, "\x16\3\1\1");
	READ(c, UWSGI_HEAD UWSGI);
	READ(c, BEGIN ROLE);
	assert_null(c->dialect);
	connection_put(c);
	assert_int_equal(here.block->begun, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_of_a_kept_connection_count_one_by_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(uwsgi_begins_at_its_first_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_end_in_the_first_bytes_is_a_byte, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_first_bytes_tell, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_did_not_accept_it_is_no_application, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
