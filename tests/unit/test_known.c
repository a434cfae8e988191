#include "exchange_fixture.h"
#include "known.h"

#define CONVERSATIONS 30000
#define TURNS 6
#define BYTES_MOST 2048

#define GET "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 3\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nServer: one\r\nContent-Length: 2\r\n\r\n"
#define ALL "HTTP/1.1 200 OK\r\nServer: until the end\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\nServer: one\r\n\r\n"
#define OPTIONS "OPTIONS * HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct memo memo;
static uint32_t seed;
static uint32_t hits; /* moves that were */

static uint32_t lot(uint32_t n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static bool knows(struct server *s, char way, const char *bytes, size_t n)
{
	const uint8_t *at = (const uint8_t *)bytes;

	s->call.now = 0;
	return way == '<' ? known_read(&s->x, s->call.context, s->call.memo, at, n)
			  : known_write(&s->x, s->call.context, s->call.memo, at, bytes ? n : 0, n);
}

static void moves(struct server *s, char way, const char *bytes, size_t n)
{
	char *copy = malloc(n); /* so that a look behind its end is found */

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	if (knows(s, way, copy, n))
		hits++;
	else
		move(s, way, copy, n);
	free(copy);
}

#define MOVES(s, way, text) moves(s, way, text, sizeof(text) - 1)
#define KNOWS(s, way, text) knows(s, way, text, sizeof(text) - 1)

static void begin_known(struct server *s)
{
	begin(s, EXCHANGE_ACCEPTED);
	s->call.memo = &memo;
}

/* A connection that has had a request and its answer, both of them known from now on. */
static void warm(struct server *s, const char *request, const char *answer)
{
	memset(&memo, 0, sizeof(memo));
	begin_known(s);
	MOVES(s, '<', GET);
	MOVES(s, '>', "HTTP/1.1 204 No Content\r\nServer: one\r\n\r\n");
	memset(&memo, 0, sizeof(memo));
	moves(s, '<', request, strlen(request));
	moves(s, '>', answer, strlen(answer));
	assert_int_equal(s->in_progress, 0);
}

static void a_known_request_and_its_answer_are_done_at_once(void **state)
{
	static struct server s;
	struct exchange_done first;

	(void)state;
	warm(&s, GET, OK "ok");
	first = s.last;
	assert_true(KNOWS(&s, '<', GET));
	assert_int_equal(s.in_progress, 1);
	assert_int_equal(exchange_waiting(&s.x), 1);
	assert_true(KNOWS(&s, '>', OK "ok"));
	assert_int_equal(s.last.request.bytes_in, sizeof(GET) - 1);
	assert_int_equal(s.last.request.bytes_out, sizeof(OK) + 1);
	assert_int_equal(s.last.request.shape, first.request.shape);
	assert_int_equal(s.last.request.method, RS_METHOD_GET);
	assert_int_equal(s.last.request.status, 200);
	assert_int_equal(s.last.request.flags, 0);
	assert_true(s.last.request.first_byte > s.last.request.t0);
	end(&s, 'c');
	assert_string_equal(s.text, "1/204 1/200 1/200 ");
}

/* In a place that had one which is over. */
static void a_known_request_is_as_new_as_any(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	for (uint32_t i = 0; i < 2 * EXCHANGE_INLINE; i++) {
		const struct exchange_request *r = &s.x.requests[s.x.queue.tail % EXCHANGE_INLINE];

		assert_true(KNOWS(&s, '<', GET));
		assert_false(r->gone);
		assert_true(KNOWS(&s, '>', OK "ok"));
		assert_true(r->gone);
	}
	end(&s, 'c');
}

static void a_body_may_follow_in_pieces_seen_or_not(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, POST "abc", OK "ok");
	assert_true(KNOWS(&s, '<', POST "xyz"));
	assert_int_equal(s.x.bytes_out, 0);
	assert_true(KNOWS(&s, '>', OK));
	assert_false(knows(&s, '>', NULL, 3)); /* more than there is to come */
	assert_true(knows(&s, '>', NULL, 1));
	assert_int_equal(s.in_progress, 1);
	assert_true(KNOWS(&s, '>', "k"));
	assert_int_equal(s.in_progress, 0);
	assert_int_equal(s.last.request.bytes_in, sizeof(POST) + 2);
	assert_int_equal(s.last.request.bytes_out, sizeof(OK) + 1);
	assert_true(KNOWS(&s, '<', POST "xyz"));
	assert_true(known_write(&s.x, s.call.context, s.call.memo, (const uint8_t *)OK,
				sizeof(OK) - 1, sizeof(OK) + 1)); /* two pieces by one call */
	assert_int_equal(s.in_progress, 0);
	end(&s, 'c');
}

static void a_head_that_came_alone_is_known_with_its_body(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	memset(memo.answers, 0, sizeof(memo.answers));
	MOVES(&s, '<', GET);
	MOVES(&s, '>', OK);
	MOVES(&s, '>', "ok");
	assert_true(KNOWS(&s, '<', GET));
	assert_true(KNOWS(&s, '>', OK "ok"));
	assert_int_equal(s.in_progress, 0);
	assert_true(KNOWS(&s, '<', GET));
	assert_true(KNOWS(&s, '>', OK));
	assert_int_equal(s.in_progress, 1);
	end(&s, 'e');
}

static void what_has_no_body_is_over_with_its_head(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 612\r\n\r\n");
	assert_true(KNOWS(&s, '<', GET));
	assert_true(KNOWS(&s, '>', "HTTP/1.1 304 Not Modified\r\nContent-Length: 612\r\n\r\n"));
	assert_int_equal(s.last.request.status, 304);
	assert_int_equal(s.in_progress, 0);
	end(&s, 'c');
}

static void nothing_is_done_where_no_bytes_were_moved(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	assert_false(knows(&s, '<', GET, 0));
	assert_true(KNOWS(&s, '<', GET));
	assert_false(knows(&s, '>', OK, 0));
	assert_int_equal(s.in_progress, 1);
	end(&s, 'e');
}

static void one_that_waits_for_another_is_parsed(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	assert_true(KNOWS(&s, '<', GET));
	assert_false(KNOWS(&s, '<', GET));
	MOVES(&s, '<', GET);
	assert_false(KNOWS(&s, '>', OK "ok"));
	MOVES(&s, '>', OK "ok");
	assert_true(KNOWS(&s, '>', OK "ok"));
	end(&s, 'c');
	assert_string_equal(s.text, "1/204 1/200 1/200 1/200p ");
}

static void a_head_says_something_else_to_another_method(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	MOVES(&s, '<', "HEAD / HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
	assert_false(KNOWS(&s, '>', OK));
	MOVES(&s, '>', OK);
	end(&s, 'c');
	assert_string_equal(s.text, "1/204 1/200 2/200 ");
}

static void what_does_not_end_by_a_length_is_not_kept(void **state)
{
	static const char *const answers[] = { CHUNKED "0\r\n\r\n", ALL,
					       "HTTP/1.1 101 On\r\nServer: one\r\n\r\n",
					       "\r\n" OK "ok" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		static struct server s;

		warm(&s, GET, OK "ok");
		memset(memo.answers, 0, sizeof(memo.answers));
		MOVES(&s, '<', GET);
		moves(&s, '>', answers[i], strlen(answers[i]));
		for (uint32_t k = 0; k < MEMO_PLACES; k++)
			assert_int_equal(memo.answers[k].said.length, 0);
		end(&s, 'c');
	}
}

static void a_head_in_pieces_is_not_kept(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	memset(&memo, 0, sizeof(memo));
	moves(&s, '<', GET, 4);
	moves(&s, '<', &GET[4], sizeof(GET) - 5);
	moves(&s, '>', OK, 4);
	moves(&s, '>', &OK[4], sizeof(OK) - 5);
	MOVES(&s, '>', "ok");
	for (uint32_t k = 0; k < MEMO_PLACES; k++)
		assert_int_equal(memo.requests[k].said.length + memo.answers[k].said.length, 0);
	end(&s, 'c');
}

static void a_request_of_a_new_path_is_not_kept(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	memset(&memo, 0, sizeof(memo));
	for (int i = 0; i < 2; i++) { /* its path goes with it: see target */
		assert_false(KNOWS(&s, '<', "GET /new HTTP/1.1\r\nHost: example.org\r\n\r\n"));
		MOVES(&s, '<', "GET /new HTTP/1.1\r\nHost: example.org\r\n\r\n");
		MOVES(&s, '>', OK "ok");
	}
	end(&s, 'c');
}

static void a_first_request_is_parsed(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	end(&s, 'c');
	for (int i = 0; i < 2; i++) {
		begin_known(&s);
		if (i) /* as of what is plain text in TLS */
			s.x.preface.step = PREFACE_OVER;
		assert_false(KNOWS(&s, '<', GET));
		assert_false(KNOWS(&s, '>', OK "ok"));
		end(&s, 'c');
	}
}

/* How much of it is the request's, the parser knows. */
static void what_begins_with_an_empty_line_is_not_kept(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, "\r\n" GET, OK "ok");
	assert_false(KNOWS(&s, '<', "\r\n" GET));
	MOVES(&s, '<', "\r\n" GET);
	assert_true(KNOWS(&s, '>', OK "ok"));
	assert_int_equal(s.last.request.bytes_in, sizeof(GET) - 1);
	end(&s, 'c');
}

static void an_answer_that_began_ahead_of_a_request_is_not_its(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	MOVES(&s, '>', CONTINUE);
	assert_true(KNOWS(&s, '<', GET));
	assert_false(KNOWS(&s, '>', OK "ok"));
	MOVES(&s, '>', OK "ok");
	assert_int_equal(s.in_progress, 1);
	assert_true(KNOWS(&s, '>', OK "ok"));
	end(&s, 'c');
}

static void what_follows_a_tunnel_is_no_request(void **state)
{
	static struct server s;

	(void)state;
	warm(&s, GET, OK "ok");
	MOVES(&s, '<', GET);
	MOVES(&s, '>', "HTTP/1.1 101 On\r\nServer: one\r\n\r\n");
	assert_false(KNOWS(&s, '<', GET));
	assert_false(KNOWS(&s, '>', OK "ok"));
	end(&s, 'c');
}

#define POSTED (POST "abc")
#define TWO (OPTIONS GET)
#define WHOLE (OK "ok")
#define INTERIM (CONTINUE OK "ok")
#define PIECES (CHUNKED "2\r\nok\r\n0\r\n\r\n")
#define TWICE (OK "ok" OK "ok")

/* What clients and servers say, and what they hardly ever say, behind one another. */
static const char *const requests[] = {
	GET,
	GET,
	GET,
	POSTED,
	"HEAD / HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
	"GET /?query=1 HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
	"CONNECT www.example.org:443 HTTP/1.1\r\nHost: b\r\n\r\n",
	TWO,
};

static const char *const answers[] = {
	WHOLE,
	WHOLE,
	OK,
	"ok",
	"HTTP/1.1 404 Not Found\r\nServer: one\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nServer: one\r\nContent-Length: 9\r\n\r\n",
	INTERIM,
	PIECES,
	"HTTP/1.1 405 No\r\nServer: one\r\nContent-Length: 1\r\n\r\nx",
	ALL,
	TWICE,
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void both(struct server *with, struct server *without, char way, const char *bytes, size_t n)
{
	moves(with, way, bytes, n);
	move(without, way, bytes, n);
	assert_int_equal(with->x.bytes_out, without->x.bytes_out);
	assert_int_equal(with->in_progress, without->in_progress);
	assert_int_equal(with->x.answered, without->x.answered);
	assert_int_equal(with->x.status, without->x.status);
	assert_int_equal(!with->x.first_byte, !without->x.first_byte);
	assert_int_equal(with->x.in.step, without->x.in.step);
	assert_int_equal(with->x.out.step, without->x.out.step);
}

/* Whole as a rule, at times cut, at times with one byte another. */
static void turn(struct server *with, struct server *without, char way, const char *text)
{
	char bytes[BYTES_MOST];
	size_t n = strlen(text);
	size_t cut = lot(6) ? n : lot((uint32_t)n);

	memcpy(bytes, text, n);
	if (!lot(8))
		bytes[lot((uint32_t)n)] ^= (char)(1 << lot(7));
	if (cut)
		both(with, without, way, bytes, cut);
	if (cut < n)
		both(with, without, way, bytes + cut, n - cut);
}

static void what_is_known_tells_the_same_as_what_is_parsed(void **state)
{
	static struct server with, without;
	uint32_t turns = 0;

	(void)state;
	memset(&memo, 0, sizeof(memo));
	seed = 7;
	hits = 0;
	for (int i = 0; i < CONVERSATIONS; i++) {
		char how = "cer"[lot(3)];

		begin_known(&with);
		begin(&without, EXCHANGE_ACCEPTED);
		for (uint32_t k = 1 + lot(TURNS); k; k--, turns += 2) {
			uint32_t usual = lot(4) ? 3 : 0;

			turn(&with, &without, '<', requests[lot(usual ? usual : LENGTH(requests))]);
			turn(&with, &without, '>', answers[lot(usual ? 2 : LENGTH(answers))]);
		}
		end(&with, how);
		end(&without, how);
		assert_string_equal(with.text, without.text);
		assert_int_equal(with.bytes_in, without.bytes_in);
		assert_int_equal(with.bytes_out, without.bytes_out);
	}
	assert_in_range(hits, turns / 10, turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_request_and_its_answer_are_done_at_once),
		cmocka_unit_test(a_known_request_is_as_new_as_any),
		cmocka_unit_test(a_body_may_follow_in_pieces_seen_or_not),
		cmocka_unit_test(a_head_that_came_alone_is_known_with_its_body),
		cmocka_unit_test(what_has_no_body_is_over_with_its_head),
		cmocka_unit_test(nothing_is_done_where_no_bytes_were_moved),
		cmocka_unit_test(one_that_waits_for_another_is_parsed),
		cmocka_unit_test(a_head_says_something_else_to_another_method),
		cmocka_unit_test(what_does_not_end_by_a_length_is_not_kept),
		cmocka_unit_test(a_head_in_pieces_is_not_kept),
		cmocka_unit_test(a_request_of_a_new_path_is_not_kept),
		cmocka_unit_test(a_first_request_is_parsed),
		cmocka_unit_test(what_begins_with_an_empty_line_is_not_kept),
		cmocka_unit_test(an_answer_that_began_ahead_of_a_request_is_not_its),
		cmocka_unit_test(what_follows_a_tunnel_is_no_request),
		cmocka_unit_test(what_is_known_tells_the_same_as_what_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
