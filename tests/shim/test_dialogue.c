#include "dialogue.h"
#include "moves.h"

#include <ringside/ring.h>
#include <string.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define GET "*2\r\n$3\r\nget\r\n$6\r\nsecret\r\n"

static bool shape_reads(uint16_t shape, const char *name)
{
	const struct rs_shape *s = (void *)(home.base + RS_SHAPES_AT + shape * 8u);

	return shape && s->length == strlen(name) && !memcmp(s->bytes, name, s->length);
}

static void a_command_is_a_request_of_its_name(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, GET);
	assert_int_equal(here.block->begun, 0); /* no answer has shown what it is */
	WRITE(c, "$-1\r\n");
	assert_int_equal(here.block->begun, 1);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(here.block->bytes_in, sizeof(GET) - 1);
	assert_int_equal(here.block->bytes_out, 5);
	assert_int_equal(record(at)->kind, RS_KIND_REQUEST);
	assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_REDIS);
	assert_int_equal(record(at)->served.method, RS_METHOD_OTHER);
	assert_int_equal(record(at)->served.status, 200);
	assert_int_equal(record(at)->connection, c->id);
	assert_true(shape_reads(record(at)->shape, "GET"));
	READ(c, PING);
	assert_int_equal(here.block->begun, 2);
	WRITE(c, "+PONG\r\n");
	assert_int_equal(here.lane->head - at, 2); /* no section: its shape tells it all */
	connection_put(c);
	assert_int_equal(record(at + 2)->closed.protocol, RS_PROTOCOL_REDIS);
	assert_int_equal(record(at + 2)->closed.requests, 2);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_GARBAGE], 0);
}

static bool segment_has(const char *text)
{
	size_t n = strlen(text);

	return memmem(home.base + RS_SHAPES_AT, 65536, text, n) ||
	       memmem(here.slots, (size_t)RS_SLOT_BYTES * (here.mask + 1), text, n);
}

static void a_word_that_the_server_does_not_know_stays_here(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, "*2\r\n$8\r\npassword\r\n$6\r\nhunter\r\n");
	WRITE(c, "-ERR unknown command 'password', with args beginning with: 'hunter'\r\n");
	assert_int_equal(record(at)->served.status, 400);
	assert_true(shape_reads(record(at)->shape, "_unknown"));
	READ(c, "*1\r\n$6\r\nbroken\r\n");
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
	assert_false(segment_has("PASSWORD"));
	assert_false(segment_has("hunter"));
	assert_false(segment_has("BROKEN"));
	assert_true(segment_has("_unknown"));
}

static void the_first_words_come_in_any_pieces(void **state)
{
	static const char *const words[] = {
		PING,
		"PING\r\n",
		"ping\n",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\r\n\r\r\n",
		"SET k \"a long value and more of it, so that no line of 152 bytes can hold it "
		"......"
		"......................................................................... \"\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		for (size_t cut = 0; cut < n && cut < 140; cut++) {
			struct connection *c = connection_open(EXCHANGE_ACCEPTED);
			uint64_t requests = here.block->requests, in = here.block->bytes_in;

			if (cut)
				move(c, CONNECTION_READ, words[i], cut);
			move(c, CONNECTION_READ, words[i] + cut, n - cut);
			WRITE(c, "+OK\r\n");
			assert_int_equal(here.block->requests, requests + 1);
			assert_int_equal(here.block->bytes_in, in + n);
			connection_put(c);
		}
	}
	assert_int_equal(here.block->aborted, 0);
	assert_int_equal(here.block->refused, 0);
}

static void each_byte_may_come_alone(void **state)
{
	static const char in[] = GET PING, out[] = "$3\r\nabc\r\n+PONG\r\n";
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	for (size_t i = 0; i < sizeof(in) - 1; i++)
		move(c, CONNECTION_READ, in + i, 1);
	for (size_t i = 0; i < sizeof(out) - 1; i++)
		move(c, CONNECTION_WRITE, out + i, 1);
	assert_int_equal(here.block->requests, 2);
	connection_put(c);
	assert_int_equal(here.block->aborted, 0);
}

static void a_proxy_line_may_stand_ahead(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" PING);
	WRITE(c, "+PONG\r\n");
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->bytes_in, sizeof(PING) - 1);
	connection_put(c);
}

/* Whoever speaks so to a web server finds what was counted before. */
static void a_server_that_answers_by_http_declines(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PING PING);
	WRITE(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
	READ(c, PING);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[3], 1);
	assert_int_equal(here.block->status[1], 0);
	assert_int_equal(here.block->begun, 1);
	assert_int_equal(here.block->aborted, 0);
}

static void what_is_never_answered_was_no_request(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PING);
	connection_put(c);
	assert_int_equal(here.block->begun, 0);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(here.block->closed, 1);
}

static void a_server_that_speaks_first_is_no_redis(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	WRITE(c, "+OK POP3 ready\r\n");
	READ(c, "USER x\r\n");
	WRITE(c, "+OK\r\n");
	assert_null(c->dialect);
	connection_put(c);
	assert_int_equal(here.block->requests, 0);
}

/* A server's greeting, its client's answer with this flag more, and the server's. */
static const uint8_t mysql_greeting[78] = "\x4a\0\0\0\n8.0.30";
static const uint8_t mysql_response[44] = { 40, 0, 0, 1, 1, 2 };
static const uint8_t mysql_wish[36] = { 32, 0, 0, 1, 1, 0x0a };
static const uint8_t tls_hello[64] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 'r', 'a', 'n', 'd' };

static void mysql_is_known_by_its_greeting(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	move(c, CONNECTION_WRITE, mysql_greeting, sizeof(mysql_greeting));
	move(c, CONNECTION_READ, mysql_response, sizeof(mysql_response));
	WRITE(c, "\7\0\0\2\0\0\0\2\0\0\0");
	READ(c, "\x10\0\0\0\3SELECT 'secret'");
	WRITE(c, "\7\0\0\1\0\0\0\2\0\0\0");
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_MYSQL);
	assert_true(shape_reads(record(at)->shape, "SELECT ?"));
	assert_false(segment_has("secret"));
	connection_put(c);
}

/* together: the hello comes with the wish for it. */
static void mysql_goes_on_inside_tls_of(bool together)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint8_t both[sizeof(mysql_wish) + sizeof(tls_hello)];
	uint8_t response[sizeof(mysql_response)];
	struct iovec iov = { .iov_base = response, .iov_len = sizeof(response) };
	static uint8_t ok[] = "\7\0\0\3\0\0\0\2\0\0\0\7\0\0\1\0\0\0\2\0\0\0";
	static uint8_t query[] = "\x09\0\0\0\3SELECT 7";
	size_t first = together ? sizeof(both) : sizeof(mysql_wish);
	uint64_t at;

	memcpy(both, mysql_wish, sizeof(mysql_wish));
	memcpy(both + sizeof(mysql_wish), tls_hello, sizeof(tls_hello));
	memcpy(response, mysql_response, sizeof(response));
	response[3] = 2;
	move(c, CONNECTION_WRITE, mysql_greeting, sizeof(mysql_greeting));
	move(c, CONNECTION_READ, both, first);
	if (!together)
		move(c, CONNECTION_READ, tls_hello, sizeof(tls_hello));
	assert_true(connection_is_greeted(c, tls_hello + HELLO_RANDOM_AT));
	assert_true(connection_secure(c));
	at = here.lane->head;
	for (size_t i = 0; i < sizeof(response); i++) {
		iov = (struct iovec){ .iov_base = response + i, .iov_len = 1 };
		connection_move_plain(c, CONNECTION_READ, &iov, 1);
	}
	iov = (struct iovec){ .iov_base = ok, .iov_len = 11 };
	connection_move_plain(c, CONNECTION_WRITE, &iov, 11);
	iov = (struct iovec){ .iov_base = query, .iov_len = 13 };
	connection_move_plain(c, CONNECTION_READ, &iov, 13);
	iov = (struct iovec){ .iov_base = ok + 11, .iov_len = 11 };
	connection_move_plain(c, CONNECTION_WRITE, &iov, 11);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_MYSQL);
	connection_put(c);
}

static void mysql_goes_on_inside_tls(void **state)
{
	(void)state;
	mysql_goes_on_inside_tls_of(false);
}

static void a_hello_may_come_with_the_wish_for_it(void **state)
{
	(void)state;
	mysql_goes_on_inside_tls_of(true);
}

static void memcached_is_known_by_its_words(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, "set secret 0 0 5\r\nva");
	READ(c, "lue\r\nget secret\r\n");
	WRITE(c, "STORED\r\nVALUE secret 0 5\r\nvalue\r\nEND\r\n");
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(record(at)->served.protocol, RS_PROTOCOL_MEMCACHED);
	assert_true(shape_reads(record(at)->shape, "set"));
	assert_true(shape_reads(record(at + 1)->shape, "get"));
	assert_false(segment_has("secret"));
	connection_put(c);
}

static void a_word_of_memcached_that_redis_answers_is_said(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, "get k\r\n");
	WRITE(c, "$-1\r\n");
	assert_int_equal(here.block->unparsed[RS_UNPARSED_AMBIGUOUS], 1);
	READ(c, "get k\r\n");
	WRITE(c, "$-1\r\n");
	connection_put(c);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(here.block->begun, 0);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_AMBIGUOUS], 1);
}

static uint32_t listed(uint16_t *shape)
{
	uint32_t n = 0;

	for (int i = 0; i < 8; i++) {
		if (!open_at(i)->connection)
			continue;
		*shape = open_at(i)->shape;
		n++;
	}
	return n;
}

static void the_command_that_is_waited_for_is_listed(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint16_t shape = 0;

	(void)state;
	READ(c, PING PING "*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n");
	assert_int_equal(listed(&shape), 0);
	WRITE(c, "+PONG\r\n+PONG\r\n");
	assert_int_equal(listed(&shape), 0); /* read before it was known what this is */
	WRITE(c, "*-1\r\n");
	READ(c, "*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n" PING);
	assert_int_equal(listed(&shape), 1);
	assert_true(shape_reads(shape, "BLPOP"));
	WRITE(c, "*-1\r\n");
	assert_int_equal(listed(&shape), 1);
	assert_true(shape_reads(shape, "PING"));
	WRITE(c, "+PONG\r\n");
	assert_int_equal(listed(&shape), 0);
	connection_put(c);
}

static void bytes_that_move_unseen_end_it(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PING);
	WRITE(c, "+PONG\r\n");
	READ(c, PING);
	connection_move(c, CONNECTION_WRITE, NULL, 7);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_UNSEEN_IO], 1);
	READ(c, PING);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->begun, 2);
	assert_int_equal(here.block->refused, 1);
	assert_int_equal(here.block->aborted, 0);
}

static void a_fork_child_takes_what_had_begun_along(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PING);
	WRITE(c, "+PONG\r\n");
	READ(c, PING PING GET);
	guard_leave();
	core_restart();
	assert_true(guard_enter());
	assert_int_equal(here.block->begun, 0);
	WRITE(c, "+PONG\r\n+PONG\r\n$-1\r\n");
	assert_int_equal(here.block->begun, 3);
	assert_int_equal(here.block->requests, 3);
	connection_put(c);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_command_is_a_request_of_its_name),
		CASE(a_word_that_the_server_does_not_know_stays_here),
		CASE(the_first_words_come_in_any_pieces),
		CASE(each_byte_may_come_alone),
		CASE(a_proxy_line_may_stand_ahead),
		CASE(a_server_that_answers_by_http_declines),
		CASE(what_is_never_answered_was_no_request),
		CASE(a_server_that_speaks_first_is_no_redis),
		CASE(mysql_is_known_by_its_greeting),
		CASE(mysql_goes_on_inside_tls),
		CASE(a_hello_may_come_with_the_wish_for_it),
		CASE(memcached_is_known_by_its_words),
		CASE(a_word_of_memcached_that_redis_answers_is_said),
		CASE(the_command_that_is_waited_for_is_listed),
		CASE(bytes_that_move_unseen_end_it),
		CASE(a_fork_child_takes_what_had_begun_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
