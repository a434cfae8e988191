#include "http_head_fixture.h"

static char bytes[65536];
static struct http_head head;

static int request(const char *text)
{
	return http_head_request(&head, text, strlen(text));
}

static int response(const char *text)
{
	return http_head_response(&head, text, strlen(text));
}

static void its_end_is_found_however_it_comes(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n";
	size_t seen, whole = strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

	(void)state;
	for (size_t first = 0; first < whole; first++) {
		seen = 0;
		assert_int_equal(http_head_find(text, first, &seen), 0);
		for (size_t next = first; next < whole; next++)
			assert_int_equal(http_head_find(text, next, &seen), 0);
		assert_int_equal(http_head_find(text, sizeof(text) - 1, &seen), whole);
	}
}

static void a_line_ends_in_both(void **state)
{
	static const char *const bad[] = {
		"\n",
		"GET / HTTP/1.1\n",
		"GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\n",
		"GET / HTTP/1.1\r\n\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t seen = 0;

		assert_int_equal(http_head_find(bad[i], strlen(bad[i]), &seen), -400);
	}
}

static void parts_stand_where_they_are(void **state)
{
	(void)state;
	head_read_as(&head, bytes, sizeof(bytes), "GET /a?b=c HTTP/1.1",
		     "Host:example.org\r\nX-Empty:\r\nX-Blank: \t a b \t\r\n");
	assert_true(text_is(&head.method, "GET"));
	assert_true(text_is(&head.target, "/a?b=c"));
	assert_int_equal(head.minor, 1);
	assert_int_equal(head.count, 3);
	assert_true(text_is(&head.fields[0].name, "Host"));
	assert_true(text_is(&head.fields[0].value, "example.org"));
	assert_int_equal(head.fields[0].id, HTTP_HOST);
	assert_int_equal(head.fields[1].value.length, 0);
	assert_true(text_is(&head.fields[2].value, "a b"));
	assert_int_equal(head.fields[2].id, HTTP_OTHER);
	head_read_as(&head, bytes, sizeof(bytes), "HTTP/1.0 404 Not  Found", "Age: 3\r\n");
	assert_int_equal(head.status, 404);
	assert_int_equal(head.minor, 0);
	assert_true(text_is(&head.reason, "Not  Found"));
	head_read_as(&head, bytes, sizeof(bytes), "HTTP/1.1 200 ", "");
	assert_int_equal(head.reason.length, 0);
	head_read_as(&head, bytes, sizeof(bytes), "HTTP/1.1 200", "");
	assert_int_equal(head.status, 200);
}

static void every_name_is_known_in_any_case(void **state)
{
	static const struct {
		const char *line;
		enum http_name id;
	} names[] = {
		{ "transfer-ENCODING: x\r\n", HTTP_TRANSFER_ENCODING },
		{ "Content-length: 1\r\n", HTTP_CONTENT_LENGTH },
		{ "ETAG: x\r\n", HTTP_ETAG },
		{ "X-Forwarded-Host: x\r\n", HTTP_X_FORWARDED_HOST },
		{ "X-Rewrite-URL: x\r\n", HTTP_X_REWRITE_URL },
		{ "Te: x\r\n", HTTP_TE },
		{ "Set-Cookie: x\r\n", HTTP_SET_COOKIE },
		{ "Set-Cookie2: x\r\n", HTTP_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		head_read_as(&head, bytes, sizeof(bytes), "GET / HTTP/1.1", names[i].line);
		assert_int_equal(head.fields[0].id, names[i].id);
		assert_true(head.known >> names[i].id & 1);
	}
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
		{ "\r\n\r\n", -400 },
		{ "GET /\r\n\r\n", -400 },
		{ "GET / HTTP/1.1 \r\n\r\n", -400 },
		{ "GET  / HTTP/1.1\r\n\r\n", -400 },
		{ "GET\t/ HTTP/1.1\r\n\r\n", -400 },
		{ " GET / HTTP/1.1\r\n\r\n", -400 },
		{ "GET / a HTTP/1.1\r\n\r\n", -400 },
		{ "GET /#a HTTP/1.1\r\n\r\n", -400 },
		{ "GET /\x01 HTTP/1.1\r\n\r\n", -400 },
		{ "GET /\x7f HTTP/1.1\r\n\r\n", -400 },
		{ "G(T / HTTP/1.1\r\n\r\n", -400 },
		{ "GET / http/1.1\r\n\r\n", -400 },
		{ "GET / HTTP/1\r\n\r\n", -400 },
		{ "GET / HTTP/1.1.1\r\n\r\n", -400 },
		{ "GET / HTTP/2.0\r\n\r\n", -505 },
		{ "GET / HTTP/0.9\r\n\r\n", -505 },
		{ "GET / HTTP/1.2\r\n\r\n", -505 },
		{ "PRI * HTTP/2.0\r\n\r\n", -505 },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nHost\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\n: a\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\n A: b\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nA: b\x0b\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nA\x80: b\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nA: b\n\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nConnection: close, Host\r\nHost: a\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nConnection: content-length\r\n\r\n", -400 },
		{ "GET / HTTP/1.1\r\nConnection: Transfer-Encoding\r\n\r\n", -400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (request(bad[i].text) != bad[i].status)
			fail_msg("%s: %d", bad[i].text, request(bad[i].text));
	assert_int_equal(http_head_request(&head, "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26), -400);
	assert_int_equal(request("GET / HTTP/1.1\r\nA: b\xff\tc\r\n\r\n"), 0);
}

static void a_reply_is_read_as_strictly(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 99 x\r\n\r\n",         "HTTP/1.1 600 x\r\n\r\n",
		"HTTP/1.1 2000 x\r\n\r\n",       "HTTP/1.1 20x x\r\n\r\n",
		"HTTP/1.1  200 x\r\n\r\n",       "HTTP/1.1200 x\r\n\r\n",
		"HTTP/2.0 200 x\r\n\r\n",        "ICY 200 x\r\n\r\n",
		"HTTP/1.1 200 x\x01\r\n\r\n",    "HTTP/1.1 200 x\r\nA\r\n",
		"HTTP/1.1 200 x\r\nA b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!response(bad[i]))
			fail_msg("it takes %s", bad[i]);
}

static void there_are_at_most_128_fields(void **state)
{
	size_t n = (size_t)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\n");

	(void)state;
	for (unsigned int i = 0; i < HTTP_HEAD_FIELDS; i++)
		n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "A%u: b\r\n", i);
	snprintf(bytes + n, sizeof(bytes) - n, "\r\n");
	assert_int_equal(request(bytes), 0);
	snprintf(bytes + n, sizeof(bytes) - n, "B: c\r\n\r\n");
	assert_int_equal(request(bytes), -431);
}

static void what_is_of_this_connection_is_marked(void **state)
{
	(void)state;
	head_read_as(
		&head, bytes, sizeof(bytes), "GET / HTTP/1.1",
		"X-Tenant: a\r\nConnection: close,x-tenant ,, Upgrade\r\nUpgrade: websocket\r\n"
		"TE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nCookie: a\r\n");
	assert_true(head.close && head.upgrade && !head.keep_alive);
	assert_null(http_head_named(&head, "x-tenant", NULL));
	assert_null(http_head_get(&head, HTTP_TE, NULL));
	assert_true(http_head_has(&head, HTTP_COOKIE));
	for (uint32_t i = 0; i < head.count; i++)
		assert_int_equal(head.fields[i].hop, head.fields[i].id != HTTP_COOKIE);
	head_read_as(&head, bytes, sizeof(bytes), "GET / HTTP/1.0", "Connection: Keep-Alive\r\n");
	assert_true(head.keep_alive && !head.upgrade);
	head_read_as(&head, bytes, sizeof(bytes), "GET / HTTP/1.1", "Connection: upgrade\r\n");
	assert_false(head.upgrade); /* to nothing */
}

static void several_of_a_name_follow_each_other(void **state)
{
	const struct http_field *f;

	(void)state;
	head_read_as(&head, bytes, sizeof(bytes), "GET / HTTP/1.1",
		     "Vary: a\r\nB: x\r\nvary: c\r\nb: y\r\n");
	f = http_head_get(&head, HTTP_VARY, NULL);
	assert_true(text_is(&f->value, "a"));
	f = http_head_get(&head, HTTP_VARY, f);
	assert_true(text_is(&f->value, "c"));
	assert_null(http_head_get(&head, HTTP_VARY, f));
	f = http_head_named(&head, "b", NULL);
	f = http_head_named(&head, "B", f);
	assert_true(text_is(&f->value, "y"));
	assert_null(http_head_named(&head, "b", f));
}

static void lists_are_parted_by_commas(void **state)
{
	struct http_text rest = { " ,a ,\t, b c,", 12 }, one;

	(void)state;
	assert_true(http_text_next(&rest, &one));
	assert_true(text_is(&one, "a"));
	assert_true(http_text_next(&rest, &one));
	assert_true(text_is(&one, "b c"));
	assert_false(http_text_next(&rest, &one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_end_is_found_however_it_comes),
		cmocka_unit_test(a_line_ends_in_both),
		cmocka_unit_test(parts_stand_where_they_are),
		cmocka_unit_test(every_name_is_known_in_any_case),
		cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_reply_is_read_as_strictly),
		cmocka_unit_test(there_are_at_most_128_fields),
		cmocka_unit_test(what_is_of_this_connection_is_marked),
		cmocka_unit_test(several_of_a_name_follow_each_other),
		cmocka_unit_test(lists_are_parted_by_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
