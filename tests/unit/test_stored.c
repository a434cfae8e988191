#include "stored.h"

#include "http_head_fixture.h"

#include <errno.h>
#include <stdlib.h>

#define NOW INT64_C(784111777)

static char of_reply[4096], of_request[4096];
static struct http_head reply, request;
static struct stored_view view;
static void *made;
static size_t length;

static void make(const char *first, const char *lines, const char *body, bool chunked, size_t n)
{
	struct stored_parts parts = { .reply = &reply,
				      .body = { body, strlen(body) },
				      .chunked = chunked,
				      .length = n,
				      .wall_s = NOW };

	free(made);
	parts.times = (struct freshness_stored){ .stored_ns = 5, .age_s = 7 };
	head_read_as(&reply, of_reply, sizeof(of_reply), first, lines);
	assert_int_equal(stored_make(&parts, &made, &length), 0);
	assert_int_equal(stored_read(made, length, &view), 0);
}

static int free_made(void **state)
{
	(void)state;
	free(made);
	made = NULL;
	return 0;
}

static void it_is_ready_to_be_sent(void **state)
{
	(void)state;
	make("HTTP/1.0 200 Fine",
	     "Date: x\r\nAge: 5\r\nETag: \"e\"\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
	     "X-Cache: HIT\r\nContent-Length: 3\r\nVary: a\r\nX:y\r\n",
	     "abc", false, 3);
	assert_true(text_is(&view.head, "HTTP/1.1 200 Fine\r\nDate: x\r\nETag: \"e\"\r\nVary: a\r\n"
					"X:y\r\nContent-Length: 3\r\n"));
	assert_true(text_is(&view.short_head, "HTTP/1.1 304 Not Modified\r\nDate: x\r\n"
					      "ETag: \"e\"\r\nVary: a\r\n"));
	assert_true(text_is(&view.body, "abc"));
	assert_int_equal(view.is.kind, STORED_REPLY);
	assert_int_equal(view.is.status, 200);
	assert_int_equal(view.is.times.stored_ns, 5);
	assert_int_equal(view.is.times.age_s, 7);
}

static void chunks_become_a_length_and_a_date_is_added(void **state)
{
	(void)state;
	make("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	     true, 3);
	assert_true(text_is(&view.head, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
					"Content-Length: 3\r\n"));
	assert_true(text_is(&view.body, "abc"));
	make("HTTP/1.1 204 None", "Date: x\r\n", "", false, 0);
	assert_true(text_is(&view.head, "HTTP/1.1 204 None\r\nDate: x\r\n"));
	assert_int_equal(view.body.length, 0);
}

static bool is_known(const char *lines)
{
	head_read_as(&request, of_request, sizeof(of_request), "GET / HTTP/1.1", lines);
	return stored_is_known(&view, &request, NOW);
}

static void a_client_may_have_it_already(void **state)
{
	(void)state;
	make("HTTP/1.1 200 OK", "ETag: \"a,b\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
	     "", false, 0);
	assert_true(is_known("If-None-Match: \"a,b\"\r\n"));
	assert_true(is_known("If-None-Match: \"x\", W/\"a,b\" ,\"y\"\r\n"));
	assert_true(is_known("If-None-Match: \"x\"\r\nIf-None-Match: \"a,b\"\r\n"));
	assert_true(is_known("If-None-Match: *\r\n"));
	assert_false(is_known("If-None-Match: \"a\", \"b\"\r\n"));
	assert_false(is_known("If-None-Match: a,b\r\n"));
	assert_false(is_known("If-None-Match:\r\n"));
	assert_true(is_known("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_false(is_known("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
	assert_false(is_known("If-Modified-Since: yesterday\r\n"));
	assert_false(is_known("If-None-Match: \"x\"\r\n"
			      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	assert_false(is_known(""));
	make("HTTP/1.1 200 OK", "ETag: W/\"a\"\r\n", "", false, 0);
	assert_true(is_known("If-None-Match: \"a\"\r\n"));
	assert_false(is_known("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	make("HTTP/1.1 200 OK", "", "", false, 0);
	assert_false(is_known("If-None-Match: \"\"\r\n"));
	make("HTTP/1.1 404 x", "ETag: \"a\"\r\n", "", false, 0);
	assert_false(is_known("If-None-Match: \"a\"\r\n"));
}

static void marks_are_told_from_replies(void **state)
{
	const struct http_text names = { "a,b", 3 }, none = { "", 0 };

	(void)state;
	free(made);
	assert_int_equal(stored_mark(STORED_VARY, &names, &made, &length), 0);
	assert_int_equal(stored_read(made, length, &view), 0);
	assert_int_equal(view.is.kind, STORED_VARY);
	assert_true(text_is(&view.vary, "a,b"));
	free(made);
	assert_int_equal(stored_mark(STORED_PASS, &none, &made, &length), 0);
	assert_int_equal(stored_read(made, length, &view), 0);
	assert_int_equal(view.is.kind, STORED_PASS);
}

static void other_bytes_are_none(void **state)
{
	struct stored s = { .kind = STORED_REPLY };

	(void)state;
	assert_int_equal(stored_read("", 0, &view), -EBADMSG);
	assert_int_equal(stored_read(&s, sizeof(s) - 1, &view), -EBADMSG);
	assert_int_equal(stored_read(&s, sizeof(s), &view), 0);
	s.head = 1;
	assert_int_equal(stored_read(&s, sizeof(s), &view), -EBADMSG);
	s = (struct stored){ .kind = STORED_REPLY, .etag_at = 1 };
	assert_int_equal(stored_read(&s, sizeof(s), &view), -EBADMSG);
	s = (struct stored){ .kind = STORED_PASS + 1 };
	assert_int_equal(stored_read(&s, sizeof(s), &view), -EBADMSG);
}

static void names_of_vary_are_gathered(void **state)
{
	char names[64];
	struct rewrite out = { .at = names, .size = sizeof(names) };

	(void)state;
	head_read_as(&reply, of_reply, sizeof(of_reply), "HTTP/1.1 200 OK",
		     "Vary: a, b\r\nVary: C\r\n");
	assert_int_equal(stored_vary(&reply, &out), 0);
	assert_int_equal(out.length, 6);
	assert_memory_equal(names, "a, b,C", 6);
	out = (struct rewrite){ .at = names, .size = 5 };
	assert_int_equal(stored_vary(&reply, &out), -EFBIG);
}

static void tags_are_of_both_kinds(void **state)
{
	struct cache_bytes tags[STORED_TAGS];
	char lines[512] = "Surrogate-Key:";
	size_t count;

	(void)state;
	head_read_as(&reply, of_reply, sizeof(of_reply), "HTTP/1.1 200 OK",
		     "Surrogate-Key: a  b\tc\r\nCache-Tag: d, e,f\r\nSurrogate-Key: g\r\n");
	assert_int_equal(stored_tags(&reply, tags, &count), 0);
	assert_int_equal(count, 7);
	assert_memory_equal(tags[0].at, "a", 1);
	assert_memory_equal(tags[3].at, "g", 1);
	assert_memory_equal(tags[6].at, "f", 1);
	for (int i = 0; i < 15; i++)
		strcat(lines, " x");
	strcat(lines, "\r\n");
	head_read_as(&reply, of_reply, sizeof(of_reply), "HTTP/1.1 200 OK", lines);
	assert_int_equal(stored_tags(&reply, tags, &count), 0);
	strcpy(lines + strlen(lines) - 2, " y\r\n");
	head_read_as(&reply, of_reply, sizeof(of_reply), "HTTP/1.1 200 OK", lines);
	assert_int_equal(stored_tags(&reply, tags, &count), -EFBIG); /* one could not be purged */
	snprintf(lines, sizeof(lines), "Cache-Tag: %0129d\r\n", 0);
	head_read_as(&reply, of_reply, sizeof(of_reply), "HTTP/1.1 200 OK", lines);
	assert_int_equal(stored_tags(&reply, tags, &count), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ready_to_be_sent),
		cmocka_unit_test(chunks_become_a_length_and_a_date_is_added),
		cmocka_unit_test(a_client_may_have_it_already),
		cmocka_unit_test(marks_are_told_from_replies),
		cmocka_unit_test(other_bytes_are_none),
		cmocka_unit_test(names_of_vary_are_gathered),
		cmocka_unit_test(tags_are_of_both_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, free_made);
}
