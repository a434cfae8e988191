#include "../../agent/drain/wire.c" /* white box: how they are linked */
#include "wire_fixture.h"

/* A session of TLS and the connection that carries it. */
#define SESSION (HTTP_SESSION | 9)

static void session_event(struct fixture *f, uint32_t kind, uint32_t *at, const char *text)
{
	uint32_t n = (uint32_t)strlen(text);
	struct {
		struct http_event event;
		char text[256];
	} record = { .event = { .kind = kind,
				.connection = SESSION,
				.at_ns = f->now_ns += 10,
				.pid = PID,
				.seq = *at += n,
				.length = n,
				.kept = n } };

	memcpy(record.text, text, n);
	wire_event(f->wire, &record, sizeof(record.event) + n);
}

static void session_carried(struct fixture *f)
{
	const struct http_event e = { .kind = HTTP_TLS_CARRIER,
				      .connection = SESSION,
				      .at_ns = f->now_ns += 10,
				      .pid = PID,
				      .seq = 5 };

	wire_event(f->wire, &e, sizeof(e));
}

static void greeted(struct fixture *f)
{
	char hello[HELLO_BYTES];

	memset(hello, 'r', sizeof(hello)); /* a client's random */
	memcpy(hello, "\x16\3\1\2\x11\1\0\1\xfc\3\3", HELLO_RANDOM_AT);
	accepted(f);
	event(f,
	      (struct http_event){ .kind = HTTP_ARRIVED,
				   .seq = f->in,
				   .length = sizeof(hello),
				   .kept = sizeof(hello) },
	      hello);
	f->in += sizeof(hello);
	was_read(f, f->in, sizeof(hello));
}

static uint64_t unlinked(struct fixture *f, uint64_t after_ns)
{
	wire_round(f->wire, f->now_ns + after_ns);
	return f->totals.unparsed[RS_UNPARSED_TLS_UNLINKED];
}

static void of_tls_the_plain_text_counts_once(void **state)
{
	struct wire_counts counts;
	uint32_t in = 0, out = 0;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	session_carried(&f);
	session_event(&f, HTTP_TLS_READ, &in, "GET /s HTTP/1.1\r\n\r\n");
	session_event(&f, HTTP_TLS_WROTE, &out, OK);
	simple(&f, HTTP_CLOSED, 0);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 0); /* the session went with it */
	assert_int_equal(unlinked(&f, 2 * WIRE_DOUBT_NS), 0);
	assert_int_equal(f.totals.opened, 1);
	assert_int_equal(f.totals.closed, 1);
	fixture_close(&f, "1 /s 200 19/40 10 0;");
}

static void cipher_text_that_stays_so_is_said(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	assert_int_equal(unlinked(&f, 0), 0); /* its handshake is under way */
	assert_int_equal(unlinked(&f, 2 * WIRE_DOUBT_NS), 1);
	simple(&f, HTTP_CLOSED, 0);
	assert_int_equal(unlinked(&f, 4 * WIRE_DOUBT_NS), 1); /* once */
	greeted(&f);
	simple(&f, HTTP_CLOSED, 0);
	assert_int_equal(unlinked(&f, 0), 2);
	assert_int_equal(f.wire->doubts, 0);
	fixture_close(&f, "");
}

static void a_session_whose_client_went_is_aborted_with_it(void **state)
{
	uint32_t in = 0;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	session_carried(&f);
	session_event(&f, HTTP_TLS_READ, &in, "GET /s HTTP/1.1\r\n\r\n");
	simple(&f, HTTP_CLIENT_GONE, 1);
	simple(&f, HTTP_CLOSED, 0);
	session_event(&f, HTTP_TLS_OVER, &in, "");
	assert_int_equal(f.wire->doubts, 1);
	wire_round(f.wire, f.now_ns + 2 * WIRE_DOUBT_NS);
	assert_int_equal(f.wire->doubts, 0);
	assert_non_null(strstr(f.text, "1 /s 0 19/0 "));
	fixture_close(&f, f.text);
}

/* A client that closes at once may be told of ahead of the call that answered it. */
static void an_answer_counts_that_is_told_behind_the_end(void **state)
{
	struct wire_counts counts;
	uint32_t in = 0, out = 0;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	session_carried(&f);
	session_event(&f, HTTP_TLS_READ, &in, "GET /s HTTP/1.1\r\n\r\n");
	simple(&f, HTTP_CLIENT_GONE, 1);
	simple(&f, HTTP_CLOSED, 0);
	session_event(&f, HTTP_TLS_OVER, &in, "");
	session_event(&f, HTTP_TLS_WROTE, &out, OK);
	wire_round(f.wire, f.now_ns + 2 * WIRE_DOUBT_NS);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 0);
	fixture_close(&f, "1 /s 200 19/40 40 0;");
}

static void a_session_that_is_over_leaves_its_connection(void **state)
{
	struct wire_counts counts;
	uint32_t in = 0, out = 0;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	session_carried(&f);
	session_event(&f, HTTP_TLS_READ, &in, "GET /s HTTP/1.0\r\n\r\n");
	session_event(&f, HTTP_TLS_WROTE, &out, "HTTP/1.0 200 OK\r\n\r\nto its end");
	session_event(&f, HTTP_TLS_OVER, &out, "");
	wire_round(f.wire, f.now_ns + 2 * WIRE_DOUBT_NS);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 1);
	in = 0;
	session_event(&f, HTTP_TLS_OVER, &in, ""); /* it is none any more */
	simple(&f, HTTP_CLOSED, 0);
	fixture_close(&f, "1 /s 200 19/29 20 0;");
}

static void a_session_of_a_client_serves_nothing(void **state)
{
	uint32_t in = 0, out = 0;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	session_event(&f, HTTP_TLS_WROTE, &out, "GET /s HTTP/1.1\r\n\r\n");
	session_event(&f, HTTP_TLS_READ, &in, OK);
	session_event(&f, HTTP_TLS_OVER, &in, "");
	wire_round(f.wire, f.now_ns);
	assert_int_equal(f.totals.begun, 0);
	fixture_close(&f, "");
}

static uint64_t other_of(const struct fixture *f, uint64_t id)
{
	const struct wire_connection *c = *wire_find(f->wire, id);

	return c ? c->other : 0;
}

static void a_connection_carries_one_session(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	greeted(&f);
	session_carried(&f);
	session_carried(&f);
	assert_int_equal(other_of(&f, 5), SESSION);
	assert_int_equal(other_of(&f, SESSION), 5);
	fixture_close(&f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_tls_the_plain_text_counts_once),
		cmocka_unit_test(cipher_text_that_stays_so_is_said),
		cmocka_unit_test(a_session_whose_client_went_is_aborted_with_it),
		cmocka_unit_test(an_answer_counts_that_is_told_behind_the_end),
		cmocka_unit_test(a_session_that_is_over_leaves_its_connection),
		cmocka_unit_test(a_session_of_a_client_serves_nothing),
		cmocka_unit_test(a_connection_carries_one_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
