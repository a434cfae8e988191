#include "http_body.h"

#include "http_head_fixture.h"

#include <stdlib.h>

static char bytes[4096];
static struct http_head head;
static struct http_body body;

static int of_request(const char *first, const char *lines)
{
	head_read_as(&head, bytes, sizeof(bytes), first, lines);
	return http_body_of_request(&body, &head);
}

static int of_reply(const char *first, const char *lines, bool to_head)
{
	head_read_as(&head, bytes, sizeof(bytes), first, lines);
	return http_body_of_response(&body, &head, to_head);
}

static void a_request_says_where_it_ends(void **state)
{
	(void)state;
	assert_int_equal(of_request("GET / HTTP/1.1", ""), 0);
	assert_true(body.kind == HTTP_BODY_NONE && body.done);
	assert_int_equal(of_request("POST / HTTP/1.1", "Content-Length: 0\r\n"), 0);
	assert_true(body.kind == HTTP_BODY_LENGTH && body.done);
	assert_int_equal(of_request("POST / HTTP/1.0", "Content-Length: 12\r\n"), 0);
	assert_true(body.kind == HTTP_BODY_LENGTH && !body.done && body.left == 12);
	assert_int_equal(of_request("POST / HTTP/1.1", "Transfer-Encoding: Chunked \r\n"), 0);
	assert_true(body.kind == HTTP_BODY_CHUNKED && !body.done);
}

static void what_ends_in_two_ways_is_refused(void **state)
{
	static const char *const bad[] = {
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: 5, 5\r\n",
		"Content-Length: +5\r\n",
		"Content-Length: -5\r\n",
		"Content-Length: 0x5\r\n",
		"Content-Length: 5 5\r\n",
		"Content-Length: \r\n",
		"Content-Length: 99999999999999999999\r\n",
		"Transfer-Encoding: chunked, chunked\r\n",
		"Transfer-Encoding: gzip, chunked\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: xchunked\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: \r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (of_request("POST / HTTP/1.1", bad[i]) != -400)
			fail_msg("it takes %s", bad[i]);
	assert_int_equal(of_request("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n"), -400);
}

static void a_reply_ends_by_its_status_too(void **state)
{
	(void)state;
	assert_int_equal(of_reply("HTTP/1.1 200 OK", "Content-Length: 3\r\n", false), 0);
	assert_true(body.kind == HTTP_BODY_LENGTH && body.left == 3);
	assert_int_equal(of_reply("HTTP/1.1 200 OK", "Content-Length: 3\r\n", true), 0);
	assert_true(body.kind == HTTP_BODY_NONE && body.done);
	assert_int_equal(of_reply("HTTP/1.1 304 x", "Content-Length: 3\r\n", false), 0);
	assert_true(body.done);
	assert_int_equal(of_reply("HTTP/1.1 204 x", "", false), 0);
	assert_true(body.done);
	assert_int_equal(of_reply("HTTP/1.1 100 x", "", false), 0);
	assert_true(body.done);
	assert_int_equal(of_reply("HTTP/1.0 200 OK", "", false), 0);
	assert_true(body.kind == HTTP_BODY_CLOSE && !body.done);
	assert_int_equal(of_reply("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", false), 0);
	assert_true(body.kind == HTTP_BODY_CHUNKED);
	assert_int_equal(of_reply("HTTP/1.1 200 OK",
				  "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", false),
			 -400);
	assert_int_equal(
		of_reply("HTTP/1.1 200 OK", "Content-Length: 3\r\nContent-Length: 4\r\n", false),
		-400);
	assert_int_equal(of_reply("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n", false),
			 -400);
}

static void a_length_is_counted(void **state)
{
	(void)state;
	of_request("POST / HTTP/1.1", "Content-Length: 5\r\n");
	assert_int_equal(http_body_take(&body, "abc", 3), 3);
	assert_false(body.done);
	assert_int_equal(http_body_take(&body, "deGET", 5), 2);
	assert_true(body.done);
	assert_int_equal(http_body_take(&body, "GET", 3), 0);
}

static void chunked(void)
{
	body = (struct http_body){ .kind = HTTP_BODY_CHUNKED };
}

/* Cut at every place; how much of the text is the body's, -400: malformed. */
static ssize_t take(const char *text, size_t length)
{
	ssize_t whole;

	chunked();
	whole = http_body_take(&body, text, length);
	for (size_t cut = 1; cut < length; cut++) {
		struct http_body once = body;
		ssize_t first, second = 0;

		chunked();
		first = http_body_take(&body, text, cut);
		if (first >= 0)
			second = http_body_take(&body, text + first, length - (size_t)first);
		if ((first < 0 || second < 0) != (whole < 0) ||
		    (whole >= 0 && first + second != whole) || body.done != once.done)
			fail_msg("cut at %zu: %s", cut, text);
	}
	chunked();
	return http_body_take(&body, text, length);
}

static void chunks_end_with_the_last_one(void **state)
{
	static const char *const good[] = {
		"0\r\n\r\n",
		"5\r\nabcde\r\n0\r\n\r\n",
		"00005\r\nabcde\r\n1\r\n\n\r\n0\r\n\r\n",
		"a\r\n0123456789\r\n0\r\n\r\n",
		"A;x=\"y z\";q\r\n0123456789\r\n0;last\r\n\r\n",
		"5 \t;x\r\nabcde\r\n0\r\n\r\n",
		"0\r\nX-Sum: 1\r\nY:\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ssize_t length = (ssize_t)strlen(good[i]);
		char more[128];

		assert_int_equal(take(good[i], (size_t)length), length);
		assert_true(body.done);
		snprintf(more, sizeof(more), "%sGET / HTTP/1.1\r\n\r\n", good[i]);
		assert_int_equal(take(more, strlen(more)), length);
	}
}

static void malformed_chunks_are_refused(void **state)
{
	static const char *const bad[] = {
		"\r\n",
		"g\r\n",
		" 5\r\nabcde\r\n",
		"+5\r\nabcde\r\n",
		"-1\r\n",
		"0x5\r\nabcde\r\n",
		"5\nabcde\r\n0\r\n\r\n",
		"5\r\nabcde\n0\r\n\r\n",
		"5\r\nabcdef\r\n0\r\n\r\n",
		"5\r\nabcd\r\n0\r\n\r\n",
		"5 \r\nabcde\r\n",
		"5\rabcde",
		"5\r\r\nabcde",
		"5;x\ny\r\nabcde",
		"5;x\x01\r\nabcde",
		"0\r\n\n",
		"0\n\n",
		"0\r\n X: y\r\n\r\n",
		"0\r\nX : y\r\n\r\n",
		"0\r\nX\r\n\r\n",
		"0\r\n: y\r\n\r\n",
		"0\r\nX: y\n\r\n",
		"0\r\nX: y\rz\r\n\r\n",
		"ffffffffffffffff\r\n",
		"100000000000000000\r\n",
		"10000000000000005\r\nabcde\r\n",
		";x\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (take(bad[i], strlen(bad[i])) != -400)
			fail_msg("it takes %s", bad[i]);
}

static void lines_and_trailers_have_their_length(void **state)
{
	char line[HTTP_BODY_LINE + 64], *trailers = malloc(HTTP_BODY_TRAILERS + 64);
	size_t n = HTTP_BODY_LINE + 1;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "1;", 2);
	chunked();
	assert_int_equal(http_body_take(&body, line, HTTP_BODY_LINE), HTTP_BODY_LINE);
	chunked();
	assert_int_equal(http_body_take(&body, line, n), -400);
	memset(trailers, 'x', HTTP_BODY_TRAILERS + 64);
	memcpy(trailers, "0\r\nX:", 5);
	chunked();
	assert_int_equal(http_body_take(&body, trailers, HTTP_BODY_TRAILERS), HTTP_BODY_TRAILERS);
	assert_int_equal(http_body_take(&body, trailers + 10, 50), -400);
	free(trailers);
}

static void chunks_are_taken_off(void **state)
{
	static const char text[] = "5;x\r\nabc\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
	char out[64];

	(void)state;
	assert_int_equal(take(text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(body.bytes, 15);
	assert_int_equal(http_body_unchunk(text, sizeof(text) - 1, out), 15);
	assert_memory_equal(out, "abc\r\n0123456789", 15);
	assert_int_equal(http_body_unchunk("0\r\n\r\n", 5, out), 0);
}

static void until_the_end_all_is_its(void **state)
{
	(void)state;
	http_body_of_tunnel(&body);
	assert_int_equal(http_body_take(&body, "any\nthing", 9), 9);
	assert_false(body.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_where_it_ends),
		cmocka_unit_test(what_ends_in_two_ways_is_refused),
		cmocka_unit_test(a_reply_ends_by_its_status_too),
		cmocka_unit_test(a_length_is_counted),
		cmocka_unit_test(chunks_end_with_the_last_one),
		cmocka_unit_test(malformed_chunks_are_refused),
		cmocka_unit_test(lines_and_trailers_have_their_length),
		cmocka_unit_test(chunks_are_taken_off),
		cmocka_unit_test(until_the_end_all_is_its),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
