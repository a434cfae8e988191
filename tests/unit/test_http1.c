#include "http1.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum http1_event next_fn(struct http1 *p, const uint8_t **at, const uint8_t *end);

/* What a stream says, as text: the same for every way of cutting it. */
struct story {
	struct http1 parser;
	next_fn *next;
	uint8_t method; /* of the request that a response answers */
	char text[4096];
	size_t length;
};

static void tell(struct story *s, const char *text)
{
	size_t n = strlen(text);

	assert_true(s->length + n < sizeof(s->text));
	memcpy(s->text + s->length, text, n + 1);
	s->length += n;
}

static void tell_event(struct story *s, enum http1_event event)
{
	static const char *const names[] = {
		[HTTP1_INTERIM] = "interim ",
		[HTTP1_END] = "end ",
		[HTTP1_TUNNEL] = "tunnel ",
	};
	char line[256];

	switch (event) {
	case HTTP1_BEGIN:
		return;
	case HTTP1_TARGET:
		snprintf(line, sizeof(line), "%d %.*s ", s->parser.method, s->parser.path_length,
			 (const char *)s->parser.path);
		break;
	case HTTP1_STATUS:
		s->parser.method = s->method;
		snprintf(line, sizeof(line), "%d ", s->parser.status);
		break;
	case HTTP1_BAD:
		snprintf(line, sizeof(line), "bad%d ", s->parser.why);
		break;
	default:
		snprintf(line, sizeof(line), "%s", names[event]);
	}
	tell(s, line);
}

/* A copy of exactly n bytes on the heap: a look beyond them is found by the sanitizer. */
static void feed(struct story *s, const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	const uint8_t *at = copy;
	enum http1_event event;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	do {
		event = s->next(&s->parser, &at, copy + n);
		if (event != HTTP1_MORE)
			tell_event(s, event);
	} while (event != HTTP1_MORE && event != HTTP1_BAD);
	free(copy);
}

static void begin(struct story *s, next_fn *next, uint8_t method)
{
	memset(s, 0, sizeof(*s));
	memset(&s->parser, 0xa5, sizeof(s->parser));
	http1_init(&s->parser);
	s->next = next;
	s->method = method;
}

static void tells(next_fn *next, uint8_t method, const char *bytes, const char *story)
{
	size_t n = strlen(bytes);
	struct story s;

	begin(&s, next, method);
	feed(&s, bytes, n);
	assert_string_equal(s.text, story);
	for (size_t a = 0; a <= n; a++) {
		for (size_t b = a; b <= n; b += n > 300 ? 41 : 1) {
			begin(&s, next, method);
			feed(&s, bytes, a);
			feed(&s, bytes + a, b - a);
			feed(&s, bytes + b, n - b);
			assert_string_equal(s.text, story);
		}
	}
	begin(&s, next, method);
	for (size_t i = 0; i < n; i++)
		feed(&s, bytes + i, 1);
	assert_string_equal(s.text, story);
}

/* Behind a Content-Length: enough to read it in its usual form. */
#define REST "User-Agent: somebody who says more than he must\r\n"
#define REQUEST(bytes, story) tells(http1_request, RS_METHOD_OTHER, bytes, story)
#define RESPONSE(method, bytes, story) tells(http1_response, method, bytes, story)

static void request_lines(void **state)
{
	(void)state;
	REQUEST("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "1 / end ");
	REQUEST("GET /a/b?q=1#f HTTP/1.0\n\n", "1 /a/b end ");
	REQUEST("\r\n\r\nHEAD /x#f HTTP/1.1\r\n\r\n", "2 /x end ");
	REQUEST("OPTIONS * HTTP/1.1\r\n\r\n", "7 * end ");
	REQUEST("PROPFIND /dav HTTP/1.1\r\n\r\n", "0 /dav end ");
	REQUEST("M-SEARCH * HTTP/1.1\r\n\r\n", "0 * end ");
	REQUEST("GET http://host:80/p/q?x HTTP/1.1\r\n\r\n", "1 /p/q end ");
	REQUEST("GET http://host HTTP/1.1\r\n\r\n", "1 / end ");
	REQUEST("GET http://host?x=/y HTTP/1.1\r\n\r\n", "1 / end ");
	REQUEST("PUT /1 HTTP/1.1\r\n\r\nDELETE /2 HTTP/1.1\r\n\r\nPATCH /3 HTTP/1.1\r\n\r\n",
		"4 /1 end 5 /2 end 6 /3 end ");
	REQUEST("GET   /many   HTTP/1.1\r\n\r\n", "1 /many end ");
	REQUEST("GET http:///p HTTP/1.1\r\n\r\n", "1 /p end ");
	REQUEST("GET /a\rb HTTP/1.1\r\n\r\n", "1 /a\rb end ");
	REQUEST("TRACE /t HTTP/1.1\r\nmax-forwards: 0\r\n\r\n", "9 /t end ");
	REQUEST("CONNECT host:443 HTTP/1.1\r\n\r\n\x16\x03\x01garbage", "8 host:443 end ");
}

static void no_request_lines(void **state)
{
	(void)state;
	REQUEST("\x16\x03\x01\x02\n", "bad0 ");
	REQUEST("GET /\r\n", "bad0 ");
	REQUEST("GET  HTTP/1.1\r\n\r\n", "bad0 ");
	REQUEST("GET    HTTP/1.1\r\n\r\n", "bad0 ");
	REQUEST("GET\t/\tHTTP/1.1\r\n\r\n", "bad0 ");
	REQUEST("GET / HTTP/2.0\r\n\r\n", "bad0 ");
	REQUEST("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad0 ");
	REQUEST("GET / HTTP/1.x\r\n\r\n", "bad0 ");
	REQUEST(" GET / HTTP/1.1\r\n\r\n", "bad0 ");
	REQUEST("ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\n\r\n", "bad0 ");
	REQUEST("HTTP/1.1 200 OK\r\n\r\n", "bad0 ");
	REQUEST("*3\r\n$3\r\nSET\r\n", "bad0 ");
}

static void request_bodies(void **state)
{
	(void)state;
	REQUEST("POST /p HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\nhelloGET /q HTTP/1.1\r\n\r\n",
		"3 /p end 1 /q end ");
	REQUEST("POST /p HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET /q HTTP/1.1\r\n\r\n",
		"3 /p end 1 /q end ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n"
		"A\r\nGET / HTTP\r\n0\r\nTrailer: x\r\n\r\nGET /q HTTP/1.1\r\n\r\n",
		"3 /p end 1 /q end ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n",
		"3 /p end ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "3 /p bad0 ");
	REQUEST("POST /p HTTP/1.1\nTransfer-Encoding: chunked\n\n1\na\n10 ;x\n0123456789abcdef\n"
		"00\n\nGET /q HTTP/1.1\n\n",
		"3 /p end 1 /q end ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"3 /p bad0 ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na10\r\n", "3 /p bad0 ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "3 /p bad0 ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1x\r\n", "3 /p bad0 ");
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		"3 /p bad4 ");
#define CHUNK(size, story)                                                                         \
	REQUEST("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" size "\r\n", "3 "         \
										      "/p " story)
	CHUNK("0fffffffffffffff", "");
	CHUNK("1000000000000000", "bad4 ");
	CHUNK("7fffffffffffffff", "bad4 ");
	CHUNK("8000000000000000", "bad4 ");
	CHUNK("FFFFFFFFFFFFFFFF", "bad4 ");
	CHUNK("10000000000000000", "bad4 ");
	REQUEST("POST /p HTTP/1.1\r\nContent-Lengthy: 5\r\nX-Content-Length: 6\r\n\r\n",
		"3 /p end ");
}

static void ambiguous_bodies(void **state)
{
	(void)state;
#define AMBIGUOUS(fields) REQUEST("POST / HTTP/1.1\r\n" fields "\r\n\r\n", "3 / bad4 ")
	AMBIGUOUS("Content-Length: 5\r\nTransfer-Encoding: chunked");
	AMBIGUOUS("Transfer-Encoding: chunked\r\nContent-Length: 5");
	AMBIGUOUS("Content-Length: 5\r\nContent-Length: 6");
	AMBIGUOUS("Content-Length: 5, 5");
	AMBIGUOUS("Content-Length: -5");
	AMBIGUOUS("Content-Length:");
	AMBIGUOUS("Content-Length: 99999999999999999999999");
	AMBIGUOUS("Content-Length: 1152921504606846977");
	AMBIGUOUS("Content-Length: 9223372036854775807");
	AMBIGUOUS("Content-Length: 9223372036854775808");
	AMBIGUOUS("Content-Length: 18446744073709551615");
	AMBIGUOUS("Content-Length: 18446744073709551616");
	AMBIGUOUS("Content-Length: 18446744073709551621"); /* 5, if it wrapped */
	AMBIGUOUS("Content-Length : 5");
	AMBIGUOUS("Content-Length: 5\r\n 6");
	AMBIGUOUS("Content-Length: 5\r\n\t6");
	AMBIGUOUS("Transfer-Encoding: identity");
	AMBIGUOUS("Transfer-Encoding: xchunked");
	AMBIGUOUS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked");
	REQUEST("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "3 / bad4 ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"3 / end ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n" REST "\r\nx", "3 / bad4 ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" REST "\r\nx",
		"3 / bad4 ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" REST "\r\nx",
		"3 / end ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 1x\r\n" REST "\r\nx", "3 / bad4 ");
	REQUEST("POST / HTTP/1.1\r\nContent-Length: 1x\n" REST "\r\nx", "3 / bad4 ");
	REQUEST("POST / HTTP/1.1\r\nX: 1\r\n 2\r\nContent-Length: 1\r\n\r\nx", "3 / end ");
}

static void responses(void **state)
{
	(void)state;
	RESPONSE(RS_METHOD_GET,
		 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 404\r\n"
		 "Content-Length: 0\r\n\r\n",
		 "200 end 404 end ");
	RESPONSE(RS_METHOD_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "200 end ");
	RESPONSE(RS_METHOD_GET,
		 "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n",
		 "204 end 304 end ");
	RESPONSE(RS_METHOD_POST,
		 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
		 "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
		 "0\r\n\r\n",
		 "100 interim 103 interim 201 end ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nall that follows\r\n\r\n",
		 "200 ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "200 ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x05xx\n",
		 "101 tunnel ");
	RESPONSE(RS_METHOD_CONNECT, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef",
		 "200 tunnel ");
	RESPONSE(RS_METHOD_CONNECT, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nabc", "403 end ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.1 2000 OK\r\n\r\n", "bad0 ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.1 099 OK\r\n\r\n", "bad0 ");
	RESPONSE(RS_METHOD_GET, "220 smtp ready\r\n", "bad0 ");
	RESPONSE(RS_METHOD_GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
		 "200 bad4 ");
	RESPONSE(RS_METHOD_GET,
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: x\r\n"
		 "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 404\r\n"
		 "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
		 "200 end 404 bad4 ");
	RESPONSE(RS_METHOD_GET,
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
		 "200 bad4 ");
}

static void long_lines_are_cut_at_the_same_place(void **state)
{
	char bytes[1024];
	char path[RS_PATH_BYTES + 1] = "/";
	char story[256];

	(void)state;
	for (int length = 100; length < 400; length += 23) {
		memset(path + 1, 'p', RS_PATH_BYTES - 1);
		if (length < (int)RS_PATH_BYTES)
			path[length] = 0;
		snprintf(bytes, sizeof(bytes), "GET /%0*d HTTP/1.1\r\nX: %0*d\r\n\r\n", length - 1,
			 0, length, 0);
		memset(bytes + 5, 'p', (size_t)length - 1);
		snprintf(story, sizeof(story), "1 %s end ", path);
		REQUEST(bytes, story);
	}
	snprintf(bytes, sizeof(bytes),
		 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%0200d5\r\n", 0);
	REQUEST(bytes, "3 / bad0 "); /* of such a number we would not see the end */
	snprintf(bytes, sizeof(bytes), "POST / HTTP/1.1\r\nContent-Length: %300d\r\n\r\n", 5);
	REQUEST(bytes, "3 / bad4 ");
}

static void a_head_without_end_is_given_up(void **state)
{
	static char line[70000];
	struct story s;

	(void)state;
	memset(line, 'a', sizeof(line));
	begin(&s, http1_request, RS_METHOD_OTHER);
	feed(&s, "GET / HTTP/1.1\r\n", 16);
	for (int i = 0; i < 3; i++)
		feed(&s, line, sizeof(line));
	assert_string_equal(s.text, "1 / ");
	feed(&s, line, sizeof(line));
	assert_string_equal(s.text, "1 / bad3 ");
}

static void unseen_bytes_are_counted_in_bodies_only(void **state)
{
	struct story s;

	(void)state;
	begin(&s, http1_response, RS_METHOD_GET);
	assert_int_equal(http1_skip(&s.parser, 7), 0);
	feed(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nab", 47 + 2);
	assert_int_equal(http1_skip(&s.parser, 4999999997), 4999999997);
	feed(&s, "", 0);
	assert_string_equal(s.text, "200 ");
	assert_int_equal(http1_skip(&s.parser, 100), 1);
	feed(&s, "", 0);
	assert_string_equal(s.text, "200 end ");
	feed(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n", 51);
	assert_int_equal(http1_skip(&s.parser, 16), 16);
	feed(&s, "\r\n0\r\n\r\n", 7);
	assert_string_equal(s.text, "200 end 200 end ");
	feed(&s, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(http1_skip(&s.parser, 1), 0);
}

static void a_request_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	assert_true(http1_is_request((const uint8_t *)"G", 1));
	assert_true(http1_is_request((const uint8_t *)"GET /", 5));
	assert_true(http1_is_request((const uint8_t *)"\r\nPOST", 6));
	assert_true(http1_is_request((const uint8_t *)"PROPFIND /", 10));
	assert_true(http1_is_request((const uint8_t *)"MKCALENDAR /", 12));
	assert_true(http1_is_request((const uint8_t *)"PROXY TCP4", 10));
	assert_true(http1_is_request((const uint8_t *)"\r\n", 2));
	assert_false(http1_is_request((const uint8_t *)"GET  /", 6));
	assert_false(http1_is_request((const uint8_t *)"HTTP/1.1 200", 12));
	/* the rest of a body */
	assert_false(http1_is_request((const uint8_t *)"AAAA BBBB", 9));
	assert_false(http1_is_request((const uint8_t *)"AAAAAAAAAA", 10));
	assert_false(http1_is_request((const uint8_t *)"GETS", 4));
	assert_false(http1_is_request((const uint8_t *)"MKCALENDARS", 11));
	assert_false(http1_is_request((const uint8_t *)"\x16\x03", 2));
	assert_false(http1_is_request((const uint8_t *)"hello", 5));
	assert_false(http1_is_request((const uint8_t *)"*1\r\n", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_lines),
		cmocka_unit_test(no_request_lines),
		cmocka_unit_test(request_bodies),
		cmocka_unit_test(ambiguous_bodies),
		cmocka_unit_test(responses),
		cmocka_unit_test(long_lines_are_cut_at_the_same_place),
		cmocka_unit_test(a_head_without_end_is_given_up),
		cmocka_unit_test(unseen_bytes_are_counted_in_bodies_only),
		cmocka_unit_test(a_request_is_known_by_its_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
