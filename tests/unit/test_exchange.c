#include "exchange_fixture.h"

/*
 * A scene is a list of moves: '<' read, '>' written; it is played whole, byte by byte, and with
 * each move cut at every place. how: 'c' closed by the server, 'e' after an end of file, 'r' a
 * reset.
 */
#define MOVES 12
struct scene {
	enum exchange_trust trust;
	char how;
	const char *moves[MOVES];
	const char *story;
};

static void play(const struct scene *scene, size_t cut)
{
	static struct server s;

	begin(&s, scene->trust);
	for (int i = 0; i < MOVES && scene->moves[i]; i++) {
		const char *bytes = scene->moves[i] + 1;
		size_t n = strlen(bytes);
		size_t first = cut < n ? cut : n;

		for (size_t k = 0; !cut && k < n; k++)
			move(&s, scene->moves[i][0], bytes + k, 1);
		if (cut) {
			move(&s, scene->moves[i][0], bytes, first);
			move(&s, scene->moves[i][0], bytes + first, n - first);
		}
	}
	end(&s, scene->how);
	assert_string_equal(s.text, scene->story);
}

static void plays(const struct scene *scene)
{
	for (size_t cut = 0; cut < 300; cut++)
		play(scene, cut);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define BAD "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"
#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static const struct scene scenes[] = {
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">" OK("2") "ok" }, "1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<PROXY TCP4 10.0.0.1 10.0.0.2 5 80\r\n" GET("/a"), ">" OK("0"), "<" GET("/b"),
	    ">" OK("0") },
	  "1a200 1b200 " },
	{ EXCHANGE_UNKNOWN, 'c', { "<PROXY UNKNOWN\r\n" GET("/a"), ">" OK("0") }, "1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<PROXY /p HTTP/1.1\r\n\r\n", ">" OK("0"), "<" GET("/b"), ">" OK("0") },
	  "0p200 1b200 " },
	{ EXCHANGE_ACCEPTED, 'e', { "<PRO" }, "0?0a " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">\x15\x03\x03" }, "!0 1a0a " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">HTTP/1" }, "1a0a " },
	{ EXCHANGE_ACCEPTED, 'e', { "<PROXY TCP4 10.0" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<PRO" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<PROXY UNKNOWN\r\n" }, "" },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<PROXY TCP4 ", ">" BAD, "<10.0.0.1 10.0.0.2 5 80\r\n" GET("/a") GET("/b") },
	  "0?400 " },
	{ EXCHANGE_ACCEPTED, 'c', { "<PROXY UNKNOWN\r\n", ">" BAD, "<" GET("/a") }, "0?400 " },
	{ EXCHANGE_ACCEPTED, 'e', { "<PRO", ">" BAD }, "0?400 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<PROXY UNKNOWN\r\n", "<" GET("/a"), ">" OK("0") OK("0") },
	  "1a200 !6 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<PROXY UNKNOWN\r\n", ">220 smtp\r\n", "<" GET("/a") },
	  "1a0a " },
	{ EXCHANGE_UNKNOWN, 'c', { "<PROXY UNKNOWN\r\n", ">" BAD }, "!1 " },
	{ EXCHANGE_ACCEPTED,
	  'e',
	  { "<" GET("/a"), ">" OK("0"), "<" HEAD("/b"), ">" OK("9"), "<" POST("/c", "3") "abc",
	    ">" OK("1") "x" },
	  "1a200 2b200 3c200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/a") HEAD("/b") GET("/c"), ">" OK("1") "x" OK("9") OK("2") "xy" },
	  "1a200 2b200p 1c200p " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" POST("/a", "3"), ">HTTP/1.1 100 Continue\r\n\r\n", "<abc",
	    ">HTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n" },
	  "3a201 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" POST("/a", "62"), ">HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n",
	    "<GET /x HTTP/1.1\r\n\r\nthis is a body that looks like one:....", "<....",
	    "<" GET("/b"), ">" OK("0") },
	  "3a413 1b200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/w"), ">HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
	    "<\x81\x05hello", ">\x81\x05world", "<" GET("/x") },
	  "1w101u " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<CONNECT a:b HTTP/1.1\r\n\r\n", ">HTTP/1.1 200 OK\r\n\r\n", "<\x16\x03", ">\x16" },
	  "8b200u " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<CONNECT a:b HTTP/1.1\r\n\r\n", ">HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n",
	    "<" GET("/a"), ">" OK("0") },
	  "8b405 1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/a"), ">HTTP/1.1 200 OK\r\n\r\nuntil the end" },
	  "1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'e',
	  { "<" GET("/a"), ">HTTP/1.0 200 OK\r\n\r\nuntil the end" },
	  "1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'r',
	  { "<" GET("/a"), ">HTTP/1.1 200 OK\r\n\r\nuntil the end" },
	  "1a200c " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">" OK("9") "abc" }, "1a200s " },
	{ EXCHANGE_ACCEPTED, 'e', { "<" GET("/a"), ">" OK("9") "abc" }, "1a200c " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a") GET("/b"), ">" OK("9") "abc" }, "1a200s 1b0ap " },
	{ EXCHANGE_ACCEPTED, 'e', { "<" GET("/a") }, "1a0a " },
	{ EXCHANGE_ACCEPTED, 'e', { "<GE" }, "0?0a " },
	{ EXCHANGE_ACCEPTED, 'e', { "<" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<\x01\x01 no line ends here", ">\x01\x06 nor here" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">HTTP/1.1 100 Continue\r\n\r\n" }, "1a0a " },
	{ EXCHANGE_ACCEPTED, 'c', { "<*3\r\n$3\r\nSET\r\n", ">+OK\r\n" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<hello\n", ">HTTP/2.0 200 OK\r\n\r\n" }, "" },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<\x16\x03\x01\x02\n", ">HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nbad" },
	  "!0 0?400 " },
	{ EXCHANGE_ACCEPTED, 'c', { "<\x16\x03", ">HTTP/1.1 400 Bad\r\n\r\n" }, "!0 0?400 " },
	{ EXCHANGE_ACCEPTED, 'c', { "<\x01\x40\x01 uwsgi", ">" OK("2") "ok" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<\x01\x40\x01 uw\nsgi", ">" OK("2") "ok" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<\x01\x40\x01 uwsgi", ">HTTP/1.1 404 No\r\n\r\n" }, "" },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<GET /a HTTP/3.0\r\n\r\n", ">HTTP/1.1 505 No\r\nConnection: close\r\n\r\nno" },
	  "!0 0?505 " },
	{ EXCHANGE_UNKNOWN,
	  'c',
	  { "<GET /a HTTP/3.0\r\n\r\n", ">HTTP/1.1 505 No\r\nConnection: close\r\n\r\nno" },
	  "" },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<CONNECT a:b HTTP/1.1\r\nX: y\r\n", ">HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n",
	    "<\r\n" GET("/a"), ">" OK("0") },
	  "8b405 1a200 " },
	{ EXCHANGE_ACCEPTED, 'e', { "<" POST("/a", "9") "abc" }, "3a0a " },
	{ EXCHANGE_ACCEPTED, 'r', { "<" POST("/a", "9") "abc" }, "3a0a " },
	{ EXCHANGE_ACCEPTED, 'e', { "<GET /a HTTP/1.1\r\nHost: h" }, "1a0a " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">" CHUNKED "3\r\nabc\r\n" }, "1a200s " },
	{ EXCHANGE_ACCEPTED, 'r', { "<" GET("/a"), ">" CHUNKED "3\r\nabc\r\n" }, "1a200c " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/a") GET("/b"), ">" CHUNKED "3;x=\"y\"\r\nabc\r\n0\r\nT: r\r\n\r\n" OK("0") },
	  "1a200 1b200p " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<POST /a HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n3\nabc\n0\n\n" GET("/b"),
	    ">" OK("0") OK("0") },
	  "3a200 1b200p " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" POST("/a", "3") "abc" POST("/b", "2") "de" HEAD("/c"), ">" OK("1") "x",
	    ">HTTP/1.1 204 No\r\nContent-Length: 7\r\n\r\n" OK("5") },
	  "3a200 3b204p 2c200p " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	    ">HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" },
	  "!4 3a400 " },
	{ EXCHANGE_UNKNOWN, 'c', { "<" GET("/a"), ">" OK("0"), "<" GET("/b") }, "1a200 1b0a " },
	{ EXCHANGE_UNKNOWN, 'c', { "<" GET("/a"), ">hello\n" }, "" },
	{ EXCHANGE_UNKNOWN, 'c', { "<" GET("/a") }, "" },
	{ EXCHANGE_UNKNOWN,
	  'c',
	  { "<\r\n", ">" OK("0"), "<" GET("/a"), ">" OK("0") },
	  "!1 1a200 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
	    ">HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" },
	  "!4 3a400 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/a"), ">" OK("0"), "<nonsense\r\n",
	    ">HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" },
	  "1a200 !0 0?400 " },
	{ EXCHANGE_ACCEPTED,
	  'c',
	  { "<" GET("/a"), ">" OK("0"), ">HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n" },
	  "1a200 !6 " },
	{ EXCHANGE_ACCEPTED, 'c', { "<" GET("/a"), ">hello\n" }, "!0 1a0a " },
	{ EXCHANGE_ACCEPTED, 'c', { ">220 mail\r\n", "<EHLO a\r\n", ">250 mail\r\n" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<PING\r\n", ">+PONG\r\n" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<get key\r\n", ">END\r\n" }, "" },
	{ EXCHANGE_ACCEPTED, 'c', { "<EHLO a\r\n", ">HTTP/1.1 400 Bad\r\n\r\n" }, "!0 0?400 " },
};

static void scenes_tell_their_story_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		plays(&scenes[i]);
}

static void each_byte_belongs_to_one_request(void **state)
{
	static struct server s;
	const char *in = "\r\n" POST("/a", "3") "abc" GET("/b");
	const char *out = OK("1") "x" OK("2") "xy";

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', in, strlen(in));
	move(&s, '>', out, strlen(out));
	assert_int_equal(s.bytes_in, strlen(in) - 2);
	assert_int_equal(s.bytes_out, strlen(out));
	end(&s, 'c');
}

/* Nulls end a scene's strings: uwsgi's own protocol has to be played by hand. */
static void an_uwsgi_worker_refuses_no_request_of_http(void **state)
{
	static const char packet[] = "\0\x10\1\0\x0e\0REQUEST_METHOD\3\0GET";
	static const char refusal[] = "HTTP/1.1 400 Bad\r\n\r\n";
	static struct server s;

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', packet, sizeof(packet) - 1);
	move(&s, '>', refusal, sizeof(refusal) - 1);
	end(&s, 'c');
	assert_string_equal(s.text, "");
}

static void times_are_those_of_first_and_last_bytes(void **state)
{
	static struct server s;
	const char *get = GET("/a");

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', "G", 1); /* 1 */
	move(&s, '<', get + 1, strlen(get) - 1);
	s.ticks = 10;
	move(&s, '>', "HTTP/1.1 100 C\r\n\r\n", 18); /* 11 */
	move(&s, '>', OK("5"), strlen(OK("5")));     /* 12 */
	move(&s, '>', "abc", 3);
	s.ticks = 20;
	move(&s, '>', "de", 2); /* 21 */
	assert_int_equal(s.last.request.t0, 1);
	assert_int_equal(s.last.request.first_byte, 12);
	assert_int_equal(s.last.request.end, 21);
	assert_int_equal(s.ticks, 21);
	end(&s, 'c');
}

static void a_body_may_be_sent_unseen(void **state)
{
	static struct server s;

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', GET("/a"), strlen(GET("/a")));
	move(&s, '>', OK("5000000000"), strlen(OK("5000000000")));
	s.call.now = 0;
	assert_true(exchange_write_unseen(&s.x, &s.call, 2000000000));
	assert_string_equal(s.text, "");
	assert_true(exchange_write_unseen(&s.x, &s.call, 3000000000));
	assert_string_equal(s.text, "1a200 ");
	assert_int_equal(s.last.request.bytes_out, 5000000000 + strlen(OK("5000000000")));
	move(&s, '<', POST("/b", "9"), strlen(POST("/b", "9")));
	assert_true(exchange_read_unseen(&s.x, &s.call, 9));
	assert_false(exchange_write_unseen(&s.x, &s.call, 4));
	end(&s, 'c');
	assert_string_equal(s.text, "1a200 !11 3b0a ");
}

/* Whatever the answer says: what was read is not known. */
static void a_request_that_was_read_unseen_is_told_by_its_answer(void **state)
{
	static const char *const answers[] = { OK("0"), "HTTP/1.1 400 Bad\r\n\r\n" };
	static struct server s;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		begin(&s, EXCHANGE_ACCEPTED);
		assert_false(exchange_read_unseen(&s.x, &s.call, 100));
		move(&s, '>', answers[i], strlen(answers[i]));
		end(&s, 'c');
		assert_string_equal(s.text, "!11 ");
	}
	begin(&s, EXCHANGE_ACCEPTED); /* no HTTP: nothing is told */
	assert_false(exchange_read_unseen(&s.x, &s.call, 100));
	move(&s, '>', "+OK\r\n", 5);
	end(&s, 'c');
	assert_string_equal(s.text, "");
}

static void shutdown_ends_what_the_end_delimits(void **state)
{
	static struct server s;

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', GET("/a"), strlen(GET("/a")));
	move(&s, '>', "HTTP/1.1 200 OK\r\n\r\nabc", 22);
	s.call.now = 0;
	exchange_shutdown(&s.x, &s.call);
	assert_string_equal(s.text, "1a200 ");
	end(&s, 'c');
	assert_string_equal(s.text, "1a200 ");
}

static void the_queue_is_deep_in_order_and_bounded(void **state)
{
	static struct server s;
	char expected[8192] = "";

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	for (int round = 0; round < 30; round++) {
		int depth = 1 + round * 7 % (int)(EXCHANGE_INLINE + EXCHANGE_MORE);
		char get[64];

		s.length = 0;
		expected[0] = 0;
		for (int i = 0; i < depth; i++) {
			snprintf(get, sizeof(get), "GET /%c HTTP/1.1\r\n\r\n", 'a' + i % 26);
			move(&s, '<', get, strlen(get));
			snprintf(expected + strlen(expected), 32, "1%c200%s ", 'a' + i % 26,
				 i ? "p" : "");
			if (i == depth / 2) /* the order must hold over the change of places */
				move(&s, '>', OK("1"), strlen(OK("1")));
		}
		assert_int_equal(exchange_waiting(&s.x), depth);
		move(&s, '>', "x", 1);
		for (int i = 1; i < depth; i++)
			move(&s, '>', OK("1") "x", strlen(OK("1")) + 1);
		assert_string_equal(s.text, expected);
		assert_int_equal(exchange_waiting(&s.x), 0);
	}
	s.length = 0;
	for (uint32_t i = 0; i < EXCHANGE_INLINE + EXCHANGE_MORE + 2; i++)
		move(&s, '<', GET("/z"), strlen(GET("/z")));
	assert_string_equal(s.text, "!5 ");
	end(&s, 'c');
}

static void a_child_does_not_free_what_its_parent_has_open(void **state)
{
	static struct server s;

	(void)state;
	begin(&s, EXCHANGE_ACCEPTED);
	move(&s, '<', GET("/a"), strlen(GET("/a")));
	move(&s, '<', "G", 1);
	assert_int_equal(exchange_adopt(&s.x), 2);
	assert_int_equal(s.x.requests[0].open, -1);
	assert_int_equal(s.x.requests[1].open, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenes_tell_their_story_however_they_are_cut),
		cmocka_unit_test(each_byte_belongs_to_one_request),
		cmocka_unit_test(an_uwsgi_worker_refuses_no_request_of_http),
		cmocka_unit_test(times_are_those_of_first_and_last_bytes),
		cmocka_unit_test(a_body_may_be_sent_unseen),
		cmocka_unit_test(a_request_that_was_read_unseen_is_told_by_its_answer),
		cmocka_unit_test(shutdown_ends_what_the_end_delimits),
		cmocka_unit_test(the_queue_is_deep_in_order_and_bounded),
		cmocka_unit_test(a_child_does_not_free_what_its_parent_has_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
