#include "moves.h"

#include <string.h>

#define REQUEST "GET /path HTTP/1.1\r\nHost: h\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* A record's head, a message's head, a version, the random, and what follows. */
static const uint8_t hello[64] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 'r', 'a', 'n', 'd' };

static void move_plain(struct connection *c, enum connection_way way, const char *text)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };

	connection_move_plain(c, way, &iov, strlen(text));
}

static struct connection *greeted(void)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	assert_true(move(c, CONNECTION_READ, hello, sizeof(hello)));
	assert_true(connection_is_greeted(c, hello + HELLO_RANDOM_AT));
	return c;
}

static uint64_t unparsed(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < RS_UNPARSED_REASONS; i++)
		sum += here.block->unparsed[i];
	return sum;
}

static void a_hello_is_told_from_another_by_its_random(void **state)
{
	struct connection *c = greeted();
	uint8_t other[HELLO_RANDOM];

	(void)state;
	memcpy(other, hello + HELLO_RANDOM_AT, sizeof(other));
	other[HELLO_RANDOM - 1] ^= 1;
	assert_false(connection_is_greeted(c, other));
	connection_put(c);
}

static void plain_text_is_parsed_and_cipher_text_is_not(void **state)
{
	struct connection *c = greeted();

	(void)state;
	assert_true(connection_secure(c));
	assert_true(connection_is_secure(c));
	move_plain(c, CONNECTION_READ, REQUEST);
	move_plain(c, CONNECTION_WRITE, REPLY);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(here.block->bytes_in, strlen(REQUEST));
	assert_int_equal(here.block->bytes_out, strlen(REPLY));
	connection_put(c);
	assert_int_equal(unparsed(), 0);
	assert_int_equal(here.block->opened, 1);
	assert_int_equal(here.block->closed, 1);
}

static void a_second_call_begins_nothing_anew(void **state)
{
	struct connection *c = greeted();

	(void)state;
	assert_true(connection_secure(c));
	move_plain(c, CONNECTION_READ, REQUEST);
	assert_true(connection_secure(c));
	move_plain(c, CONNECTION_WRITE, REPLY);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->aborted, 0);
	connection_put(c);
}

static void http2_inside_tls_is_known_by_its_preface(void **state)
{
	struct connection *c = greeted();

	(void)state;
	assert_true(connection_secure(c));
	move_plain(c, CONNECTION_READ, PREFACE);
	assert_non_null(c->dialect);
	connection_put(c);
	assert_int_equal(unparsed(), 0);
}

static void what_is_no_http_inside_tls_is_told_once(void **state)
{
	struct connection *c = greeted();

	(void)state;
	assert_true(connection_secure(c));
	for (int i = 0; i < 3; i++) {
		move_plain(c, CONNECTION_READ, "\x01\x02 no request of any kind\r\n");
		move_plain(c, CONNECTION_WRITE, "HTTP/1.1 400 Bad Request\r\n\r\n");
	}
	assert_true(unparsed() <= 1);
	assert_int_equal(here.block->requests, 0);
	connection_put(c);
}

static void a_handshake_is_told_once_with_its_time(void **state)
{
	struct connection *c = greeted();
	uint64_t hello_at = c->exchange.requests[0].t0;
	uint64_t at;

	(void)state;
	assert_true(connection_secure(c));
	assert_int_equal(c->t0, hello_at);
	assert_true(connection_is_shaking(c));
	c->t0 -= 1000000;
	at = here.lane->head;
	connection_shaken(c, RS_TLS_1_2, "Www.Example.org.", 16);
	connection_shaken(c, RS_TLS_1_3, "again", 5);
	assert_int_equal(here.lane->head - at, 2);
	assert_memory_equal((uint8_t *)here.slots + at * RS_SLOT_BYTES + RS_SLOT_BYTES + 12,
			    "sni=www.example.org", 19);
	assert_false(connection_is_shaking(c));
	assert_int_equal(here.block->handshakes[RS_TLS_1_2], 1);
	assert_int_equal(here.block->handshakes[RS_TLS_1_3], 0);
	assert_true(here.block->handshake >= 1000000);
	connection_put(c);
	assert_int_equal(here.block->handshakes_failed, 0);
}

static void what_is_no_name_stays_here(void **state)
{
	struct connection *c = greeted();
	uint64_t at = here.lane->head;

	(void)state;
	assert_true(connection_secure(c));
	connection_shaken(c, RS_TLS_1_3, "se cret", 7);
	assert_int_equal(here.lane->head, at);
	assert_int_equal(here.block->handshakes[RS_TLS_1_3], 1);
	connection_put(c);
}

static void one_that_is_not_over_at_the_end_has_failed(void **state)
{
	struct connection *c = greeted();

	(void)state;
	assert_true(connection_secure(c));
	connection_put(c);
	assert_int_equal(here.block->handshakes_failed, 1);
	assert_int_equal(here.block->handshake, 0);
}

/* As PostgreSQL has it: TLS is asked for in its own words first. */
static void tls_may_follow_what_is_no_tls(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	const char *request = "\0\0\0\x08\x04\xd2\x16\x2f";

	(void)state;
	move(c, CONNECTION_READ, (const uint8_t *)request, 8);
	assert_non_null(c->dialect);
	assert_true(move(c, CONNECTION_WRITE, (const uint8_t *)"S", 1));
	assert_null(c->dialect);
	assert_true(move(c, CONNECTION_READ, hello, sizeof(hello)));
	assert_true(connection_is_greeted(c, hello + HELLO_RANDOM_AT));
	assert_true(connection_secure(c));
	move_plain(c, CONNECTION_READ, "*1\r\n$4\r\nPING\r\n");
	move_plain(c, CONNECTION_WRITE, "+PONG\r\n");
	assert_int_equal(here.block->requests, 1);
	connection_put(c);
	assert_int_equal(unparsed(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tls_may_follow_what_is_no_tls, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hello_is_told_from_another_by_its_random, setup,
						teardown),
		cmocka_unit_test_setup_teardown(plain_text_is_parsed_and_cipher_text_is_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_second_call_begins_nothing_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(http2_inside_tls_is_known_by_its_preface, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_http_inside_tls_is_told_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_handshake_is_told_once_with_its_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_name_stays_here, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_not_over_at_the_end_has_failed, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
