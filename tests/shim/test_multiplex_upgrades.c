#include "moves.h"
#include "multiplex.h"

#include <ringside/ring.h>
#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define ANSWERED "\0\0\1\1\5\0\0\0\1\x88"

#define UPGRADE "GET /up HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"

/* However the server cuts what it writes. */
static void an_upgrade_is_one_request_and_then_streams(void **state)
{
	static const char out[] = SWITCHED SETTINGS ANSWERED;

	(void)state;
	for (size_t cut = 0; cut < sizeof(out); cut++) {
		struct connection *c = connection_open(EXCHANGE_ACCEPTED);
		uint64_t begun = here.block->begun, requests = here.block->requests;
		uint64_t at = here.lane->head;
		bool has_path;

		READ(c, UPGRADE);
		move(c, CONNECTION_WRITE, out, cut);
		assert_int_equal(here.block->requests, requests + (cut == sizeof(out) - 1));
		move(c, CONNECTION_WRITE, out + cut, sizeof(out) - 1 - cut);
		assert_int_equal(here.block->requests, requests + 1);
		assert_int_equal(record(at)->served.status, 200);
		assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_HTTP1);
		assert_int_equal(record(at)->served.method, RS_METHOD_GET);
		assert_int_equal(record(at)->served.bytes_in, sizeof(UPGRADE) - 1);
		assert_int_equal(record(at)->served.bytes_out, sizeof(SWITCHED ANSWERED) - 1);
		assert_int_equal(record(at)->flags, RS_FLAG_UPGRADED);
		assert_int_not_equal(record(at)->shape, 0);
		has_path = !cut; /* it came first */
		assert_int_equal(here.lane->head - at, 1 + has_path);
		at = here.lane->head;
		READ(c, PREFACE SETTINGS "\0\0\2\1\5\0\0\0\3\x82\x84");
		WRITE(c, "\0\0\1\1\5\0\0\0\3\x8d");
		assert_int_equal(here.block->begun, begun + 2);
		assert_int_equal(here.block->requests, requests + 2);
		assert_int_equal(record(at + 1)->served.status, 404);
		assert_int_equal(rs_block_of(record(at + 1)), 1);
		connection_put(c);
		assert_int_equal(record(at + 2)->closed.requests, 2);
		here.lane->head = 0;
	}
	assert_int_equal(here.block->status[0], 0);
	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		assert_int_equal(here.block->unparsed[i], 0);
}

static void an_upgrade_that_is_not_answered_was_aborted(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, UPGRADE);
	WRITE(c, SWITCHED SETTINGS);
	connection_gone(c, true);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->aborted, 1);
	assert_int_equal(here.block->begun, 1);
}

static void an_upgrade_ahead_of_a_body_is_not_followed(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, "POST /up HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 9\r\n\r\nabc");
	WRITE(c, SWITCHED SETTINGS ANSWERED);
	READ(c, "defghi" PREFACE SETTINGS);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[0], 1);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_MID_STREAM], 1);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
}

static void of_a_tunnel_the_bytes_count(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at;

	(void)state;
	READ(c, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
	WRITE(c, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\1a");
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[0], 1);
	for (int i = 0; i < 10; i++) {
		assert_true(READ(c, "\x81\x81....b"));
		assert_true(WRITE(c, SETTINGS));
		connection_move(c, CONNECTION_WRITE, NULL, 1000);
	}
	at = here.lane->head;
	connection_put(c);
	assert_int_equal(record(at)->closed.bytes_in, 40 + 10 * 7);
	assert_int_equal(record(at)->closed.bytes_out, 49 + 10 * (9 + 1000));
	assert_int_equal(record(at)->closed.requests, 1);
	assert_int_equal(here.block->requests, 1);
	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		assert_int_equal(here.block->unparsed[i], 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_upgrade_is_one_request_and_then_streams),
		TEST(an_upgrade_that_is_not_answered_was_aborted),
		TEST(an_upgrade_ahead_of_a_body_is_not_followed),
		TEST(of_a_tunnel_the_bytes_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
