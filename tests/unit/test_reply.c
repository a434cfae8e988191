#include "reply.h"

#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

static struct reply reply_of(size_t length)
{
	char *bytes = calloc(1, length);
	struct reply r;

	assert_non_null(bytes);
	reply_bytes(&r, "text/plain", bytes, length);
	assert_int_equal(r.status, 200);
	return r;
}

static void a_refusal_is_an_error_in_the_envelope(void **state)
{
	struct refusal no = { .status = 405, .code = "no", .message = "a \"b\"", .allow = "GET" };
	struct reply r;

	(void)state;
	reply_refuse(&r, &no);
	assert_int_equal(r.status, 405);
	assert_string_equal(r.type, REPLY_JSON);
	assert_string_equal(r.allow, "GET");
	assert_false(r.challenge || r.kept || r.gzip);
	assert_int_equal(r.body->length, strlen("{\"success\":false,\"error\":{\"code\":\"no\","
						"\"message\":\"a \\\"b\\\"\",\"field\":null}}"));
	assert_memory_equal(r.body->bytes, "{\"success\":false,\"error\":{\"code\":\"no\",", 38);
	reply_fini(&r);
	assert_null(r.body);
	strcpy(no.field, "pid");
	no.status = 401;
	reply_refuse(&r, &no);
	assert_true(r.challenge);
	assert_non_null(strstr(r.body->bytes, "\"field\":\"pid\"}}"));
	reply_fini(&r);
}

static void json_moves_into_the_reply(void **state)
{
	struct reply r;
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	reply_json(&r, 503, &j);
	assert_null(j.bytes);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.body->length, 2);
	assert_memory_equal(r.body->bytes, "{}", 2);
	reply_fini(&r);
}

static void json_that_found_no_memory_is_a_503_without_body(void **state)
{
	struct reply r;
	struct json j;

	(void)state;
	json_init(&j);
	json_object_begin(&j, NULL);
	j.failed = true;
	reply_json(&r, 200, &j);
	assert_int_equal(r.status, 503);
	assert_null(r.body);
}

static void gzip_is_for_those_who_take_it_and_for_long_bodies(void **state)
{
	const struct request plain = { .method = "GET" };
	const struct request takes = { .method = "GET", .accept_encoding = "gzip" };
	struct reply r = reply_of(4000);

	(void)state;
	reply_negotiate(&r, &plain);
	assert_false(r.gzip);
	assert_null(r.body->gzip);
	reply_negotiate(&r, &takes);
	assert_true(r.gzip);
	assert_non_null(r.body->gzip);
	reply_fini(&r);
	r = reply_of(100);
	reply_negotiate(&r, &takes);
	assert_false(r.gzip);
	reply_fini(&r);
	reply_negotiate(&r, &takes); /* no body: nothing to do */
}

static void what_may_be_kept_is_not_sent_twice(void **state)
{
	struct request r = { .method = "GET" };
	struct reply reply = reply_of(100);

	(void)state;
	r.if_none_match = reply.body->etag;
	reply_negotiate(&reply, &r);
	assert_int_equal(reply.status, 200); /* data changes: its tag is not looked at */
	reply.kept = true;
	reply_negotiate(&reply, &r);
	assert_int_equal(reply.status, 304);
	reply.status = 200;
	r.if_none_match = "\"another\"";
	reply_negotiate(&reply, &r);
	assert_int_equal(reply.status, 200);
	reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_an_error_in_the_envelope),
		cmocka_unit_test(json_moves_into_the_reply),
		cmocka_unit_test(json_that_found_no_memory_is_a_503_without_body),
		cmocka_unit_test(gzip_is_for_those_who_take_it_and_for_long_bodies),
		cmocka_unit_test(what_may_be_kept_is_not_sent_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
