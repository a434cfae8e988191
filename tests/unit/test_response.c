#include "response.h"

#include "cache_fixture.h"

#include <microhttpd.h>
#include <stdlib.h>

static struct responses responses;

static struct reply hit(uint64_t max_age_s)
{
	const struct cache_bytes key = { "a", 1 };
	uint64_t left_ns;
	struct cache_value *v = cache_get(d.site.cache, &key, NOW, &left_ns);

	return (struct reply){ .status = 200, .type = v->type, .value = v, .max_age_s = max_age_s };
}

/* Asks once, as front does; is the response one of those that stay? */
static bool shared_for(uint64_t max_age_s, struct MHD_Response **out)
{
	struct reply reply = hit(max_age_s);
	bool shared;

	*out = responses_make(&responses, &reply, &shared);
	assert_non_null(*out);
	if (!shared)
		MHD_destroy_response(*out);
	reply_fini(&reply);
	return shared;
}

static void the_second_in_a_second_shares_what_the_first_had(void **state)
{
	struct MHD_Response *first, *second;

	(void)state;
	cache_keep("a", "hello");
	assert_false(shared_for(9, &first));
	assert_true(shared_for(9, &first));
	assert_true(shared_for(9, &second));
	assert_ptr_equal(first, second);
	assert_string_equal(MHD_get_response_header(first, "Cache-Control"), "max-age=9");
	assert_string_equal(MHD_get_response_header(first, "X-Cache"), "memory");
	assert_non_null(MHD_get_response_header(first, "ETag"));
	assert_null(MHD_get_response_header(first, "Surrogate-Key"));
	assert_null(MHD_get_response_header(first, "Vary"));
	assert_false(shared_for(8, &first)); /* another second, other headers */
	assert_true(shared_for(8, &first));
	assert_string_equal(MHD_get_response_header(first, "Cache-Control"), "max-age=8");
	cache_keep("a", "other"); /* another value */
	assert_false(shared_for(8, &first));
	responses_fini(&responses);
}

static void what_is_shared_outlives_its_entry(void **state)
{
	struct MHD_Response *response;
	const struct cache_bytes key = { "a", 1 };

	(void)state;
	cache_keep("a", "hello");
	assert_false(shared_for(9, &response));
	assert_true(shared_for(9, &response));
	assert_true(cache_delete(d.site.cache, &key, NOW));
	responses_fini(&responses);
}

static void long_ones_and_refusals_are_not_shared(void **state)
{
	struct reply none = { .status = 503 }, unchanged;
	struct MHD_Response *response;
	bool shared;

	(void)state;
	cache_keep("a", "hello");
	for (int i = 0; i < 3; i++) {
		unchanged = hit(9);
		unchanged.status = 304;
		response = responses_make(&responses, &unchanged, &shared);
		assert_false(shared);
		assert_null(MHD_get_response_header(response, "Content-Type"));
		MHD_destroy_response(response);
		reply_fini(&unchanged);
		response = responses_make(&responses, &none, &shared);
		assert_false(shared);
		assert_string_equal(MHD_get_response_header(response, "Content-Type"), REPLY_JSON);
		MHD_destroy_response(response);
	}
	responses_fini(&responses);
}

static void what_came_from_behind_says_so_and_is_not_shared(void **state)
{
	struct MHD_Response *response;
	struct reply reply;
	bool shared;

	(void)state;
	cache_keep("a", "hello");
	assert_false(shared_for(9, &response));
	reply = hit(9);
	reply.behind = true;
	response = responses_make(&responses, &reply, &shared);
	assert_false(shared);
	assert_string_equal(MHD_get_response_header(response, "X-Cache"), "redis");
	MHD_destroy_response(response);
	reply.behind = false;
	reply.fetched = reply.unkept = true;
	response = responses_make(&responses, &reply, &shared);
	assert_false(shared);
	assert_string_equal(MHD_get_response_header(response, "X-Cache"), "origin");
	assert_string_equal(MHD_get_response_header(response, "Cache-Control"), "no-store");
	assert_null(MHD_get_response_header(response, "Warning"));
	MHD_destroy_response(response);
	reply.fetched = reply.unkept = false;
	reply.stale = true;
	response = responses_make(&responses, &reply, &shared);
	assert_false(shared);
	assert_string_equal(MHD_get_response_header(response, "X-Cache"), "memory");
	assert_memory_equal(MHD_get_response_header(response, "Warning"), "110 ", 4);
	MHD_destroy_response(response);
	reply_fini(&reply);
	assert_true(shared_for(9, &response));
	assert_string_equal(MHD_get_response_header(response, "X-Cache"), "memory");
	responses_fini(&responses);
}

static void an_expanded_value_goes_with_its_response(void **state)
{
	struct MHD_Response *response;
	struct reply reply;
	bool shared;

	(void)state;
	cache_keep("a", "hello");
	reply = hit(9);
	reply.expanded = malloc(5);
	response = responses_make(&responses, &reply, &shared);
	assert_null(reply.expanded);
	MHD_destroy_response(response);
	reply_fini(&reply);
	responses_fini(&responses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(the_second_in_a_second_shares_what_the_first_had),
		CACHE_TEST(what_is_shared_outlives_its_entry),
		CACHE_TEST(long_ones_and_refusals_are_not_shared),
		CACHE_TEST(what_came_from_behind_says_so_and_is_not_shared),
		CACHE_TEST(an_expanded_value_goes_with_its_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
