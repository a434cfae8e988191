#include "router.h"

#include "cache.h"
#include "document_fixture.h"
#include "front.h"

#include <stdio.h>

static struct reply ask(struct document_fixture *d, const char *method, const char *target)
{
	struct reply reply = { .status = 0 };

	d->request.method = method;
	d->request.target = target;
	router_answer(&d->site, &d->request, &reply);
	assert_non_null(reply.body);
	return reply;
}

static unsigned int status_of(struct document_fixture *d, const char *target)
{
	struct reply reply = ask(d, "GET", target);
	unsigned int status = reply.status;

	reply_fini(&reply);
	return status;
}

static const char *const paths[] = {
	"/healthz",
	"/readyz",
	"/metrics",
	"/api/health",
	"/api/performance/metrics",
	"/api/services",
	"/api/processes",
	"/api/routes",
	"/api/requests/slow",
	"/api/requests/inflight",
	"/api/capture",
	"/api/config",
	"/api/openapi.json",
};

#define PATHS (sizeof(paths) / sizeof(paths[0]))

static int set_up(void **state)
{
	static struct document_fixture d;

	document_open(&d);
	fixture_tick(&d.f, NOW);
	health_ready_put(d.site.health, true, "");
	*state = &d;
	return 0;
}

static int tear_down(void **state)
{
	document_close(*state);
	return 0;
}

static bool is_inner(const char *path)
{
	return strncmp(path, "/api/requests/", 14) == 0;
}

static void every_endpoint_answers_get_and_head(void **state)
{
	struct document_fixture *d = *state;

	d->request.local = d->request.member = true;
	for (size_t i = 0; i < PATHS; i++) {
		struct reply get = ask(d, "GET", paths[i]), head = ask(d, "HEAD", paths[i]);

		assert_int_equal(get.status, 200);
		assert_int_equal(head.status, 200);
		assert_string_equal(get.type, head.type);
		if (strcmp(get.type, REPLY_JSON) == 0 && !get.kept)
			assert_memory_equal(get.body->bytes, "{\"success\":true,\"data\":{", 24);
		reply_fini(&get);
		reply_fini(&head);
	}
}

static void another_method_is_405_and_says_which_are_taken(void **state)
{
	struct document_fixture *d = *state;

	for (size_t i = 0; i < PATHS; i++) {
		struct reply reply = ask(d, i % 2 ? "POST" : "OPTIONS", paths[i]);

		assert_int_equal(reply.status, 405);
		assert_string_equal(reply.allow, "GET, HEAD");
		reply_fini(&reply);
	}
}

static void inner_data_is_for_the_privileged(void **state)
{
	struct document_fixture *d = *state;

	for (size_t i = 0; i < PATHS; i++) {
		struct reply reply = ask(d, "GET", paths[i]);

		assert_int_equal(reply.status, is_inner(paths[i]) ? 401 : 200);
		assert_int_equal(reply.challenge, is_inner(paths[i]));
		reply_fini(&reply);
	}
	d->site.token = "abcd";
	d->request.authorization = "Bearer abcd";
	assert_int_equal(status_of(d, "/api/requests/slow"), 200);
}

static void with_a_read_token_only_the_probes_are_free(void **state)
{
	static const char file[] = "{\"http\":{\"read_token\":\"r\"}}";
	struct document_fixture *d = *state;
	struct config_error error;

	assert_int_equal(config_read(d->config, "t", file, strlen(file), &error), 0);
	for (size_t i = 0; i < PATHS; i++)
		assert_int_equal(status_of(d, paths[i]), i < 2 ? 200 : 401);
	d->request.authorization = "Bearer r";
	for (size_t i = 0; i < PATHS; i++)
		assert_int_equal(status_of(d, paths[i]), is_inner(paths[i]) ? 401 : 200);
}

static void a_foreign_host_reaches_nothing_at_all(void **state)
{
	struct document_fixture *d = *state;

	d->request.host = "example.org";
	for (size_t i = 0; i < PATHS; i++)
		assert_int_equal(status_of(d, paths[i]), 403);
	assert_int_equal(status_of(d, "/nowhere"), 403);
	d->request.host = "localhost";
	d->request.origin = "http://example.org";
	assert_int_equal(status_of(d, "/healthz"), 403);
}

static void what_is_not_there_is_404_in_json(void **state)
{
	static const char *const none[] = { "/",          "/api",
					    "/healthz/",  "//healthz",
					    "/HEALTHZ",   "/api/cache/clean",
					    "/metrics/x", "/api/services%2f" };
	struct document_fixture *d = *state;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct reply reply = ask(d, "GET", none[i]);

		assert_int_equal(reply.status, 404);
		assert_string_equal(reply.type, REPLY_JSON);
		assert_non_null(strstr(reply.body->bytes, "\"code\":\"not_found\""));
		reply_fini(&reply);
	}
	assert_int_equal(status_of(d, "/api%2fservices"), 200); /* the same path, spelt otherwise */
}

static void a_target_that_is_malformed_is_400(void **state)
{
	struct document_fixture *d = *state;

	assert_int_equal(status_of(d, "/healthz%00"), 400);
	assert_int_equal(status_of(d, "/healthz%0"), 400);
	assert_int_equal(status_of(d, "*"), 400);
	assert_int_equal(status_of(d, "/metrics?a=b"), 400);
	assert_int_equal(status_of(d, "/api/openapi.json?v=1"), 400);
	assert_int_equal(status_of(d, "/api/services?pid=5"), 400);
	assert_int_equal(status_of(d, "/api/services?window=1y"), 400);
	assert_int_equal(status_of(d, "/healthz?probe=k8s"), 200);
}

static void a_document_is_rendered_once_a_generation(void **state)
{
	struct document_fixture *d = *state;
	struct reply first = ask(d, "GET", "/api/services"),
		     second = ask(d, "GET", "/api/services");
	struct reply other = ask(d, "GET", "/api/services?limit=5"), third;

	assert_ptr_equal(first.body, second.body);
	assert_ptr_not_equal(first.body, other.body);
	assert_int_equal(d->site.tally.counts[TALLY_SHELF], 1);
	assert_int_equal(d->site.tally.counts[TALLY_RENDERED], 2);
	fixture_tick(&d->f, NOW + SECOND);
	third = ask(d, "GET", "/api/services");
	assert_ptr_not_equal(third.body, first.body);
	reply_fini(&first);
	reply_fini(&second);
	reply_fini(&other);
	reply_fini(&third);
}

static void the_shelf_opens_nothing_to_those_who_may_not(void **state)
{
	struct document_fixture *d = *state;

	d->request.local = d->request.member = true;
	assert_int_equal(status_of(d, "/api/requests/slow"), 200);
	d->request.local = false;
	assert_int_equal(status_of(d, "/api/requests/slow"), 401);
}

static void metrics_come_in_two_forms_side_by_side(void **state)
{
	struct document_fixture *d = *state;
	struct reply text = ask(d, "GET", "/metrics"), open, browser, again;

	d->request.accept = "application/openmetrics-text";
	open = ask(d, "GET", "/metrics");
	again = ask(d, "GET", "/metrics");
	d->request.accept = "text/html,*/*;q=0.8";
	browser = ask(d, "GET", "/metrics");
	assert_string_equal(text.type, "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(open.type,
			    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_ptr_equal(open.body, again.body);
	assert_string_equal(again.type, open.type);
	assert_string_equal(browser.type, text.type);
	assert_ptr_equal(browser.body, text.body);
	reply_fini(&text);
	reply_fini(&open);
	reply_fini(&browser);
	reply_fini(&again);
}

static void the_description_is_kept_by_its_entity_tag(void **state)
{
	struct document_fixture *d = *state;
	struct reply first = ask(d, "GET", "/api/openapi.json"), second;

	assert_true(first.kept);
	d->request.if_none_match = first.body->etag;
	d->request.accept_encoding = "gzip";
	second = ask(d, "GET", "/api/openapi.json");
	assert_int_equal(second.status, 304);
	assert_ptr_equal(second.body, first.body);
	reply_fini(&first);
	reply_fini(&second);
}

static void a_refusal_is_counted_and_not_kept(void **state)
{
	struct document_fixture *d = *state;

	assert_int_equal(status_of(d, "/api/services?sort=x"), 400);
	assert_int_equal(status_of(d, "/api/services?sort=x"), 400);
	assert_int_equal(d->site.tally.counts[TALLY_REPLIES_4XX], 2);
	assert_int_equal(d->site.tally.counts[TALLY_SHELF], 0);
	health_ready_put(d->site.health, false, "not yet");
	assert_int_equal(status_of(d, "/readyz"), 503);
	assert_int_equal(d->site.tally.counts[TALLY_REPLIES_5XX], 1);
}

static void bad_health_is_503_with_its_document(void **state)
{
	struct document_fixture *d = *state;
	struct reply reply;

	health_put(d->site.health, "disk", HEALTH_UNHEALTHY, "full", NOW_MS);
	reply = ask(d, "GET", "/api/health");
	assert_int_equal(reply.status, 503);
	assert_non_null(strstr(reply.body->bytes, "\"status\":\"unhealthy\""));
	reply_fini(&reply);
	assert_int_equal(status_of(d, "/healthz"), 200);
}

static unsigned int status_with(struct document_fixture *d, const char *method, const char *target)
{
	struct reply reply = ask(d, method, target);
	unsigned int status = reply.status;

	reply_fini(&reply);
	return status;
}

static void what_changes_something_takes_its_own_method_alone(void **state)
{
	struct document_fixture *d = *state;
	struct reply reply = ask(d, "GET", "/api/alerts/silences");

	assert_int_equal(reply.status, 405);
	assert_string_equal(reply.allow, "POST, DELETE");
	reply_fini(&reply);
	reply = ask(d, "GET", "/api/alerts/7/ack");
	assert_int_equal(reply.status, 405);
	assert_string_equal(reply.allow, "POST");
	reply_fini(&reply);
	assert_int_equal(status_with(d, "POST", "/api/alerts"), 405);
	assert_int_equal(status_with(d, "POST", "/api/alerts/7/nack"), 404);
}

static void what_changes_something_is_for_the_privileged_and_takes_json_alone(void **state)
{
	struct document_fixture *d = *state;

	d->request.body = "{}";
	d->request.body_length = 2;
	assert_int_equal(status_with(d, "POST", "/api/alerts/silences"), 401);
	assert_int_equal(status_with(d, "DELETE", "/api/alerts/silences?id=1"), 401);
	assert_int_equal(status_with(d, "POST", "/api/alerts/7/ack"), 401);
	d->site.token = "abcd";
	d->request.authorization = "Bearer abcd";
	assert_int_equal(status_with(d, "POST", "/api/alerts/silences"), 415);
	d->request.content_type = "text/plain";
	assert_int_equal(status_with(d, "POST", "/api/alerts/silences"), 415);
	d->request.content_type = "application/json; charset=utf-8";
	assert_int_equal(status_with(d, "POST", "/api/alerts/silences"), 503); /* turned off */
	d->request.content_type = NULL;
	d->request.body_length = 0;
	assert_int_equal(status_with(d, "POST", "/api/alerts/7/ack"), 503);
	assert_int_equal(status_of(d, "/api/alerts"), 503);
	assert_int_equal(status_of(d, "/api/alerts/rules"), 503);
	assert_int_equal(status_of(d, "/api/alerts/rules?state=x"), 400);
}

static void open_cache(struct document_fixture *d, uint32_t max_items)
{
	const struct cache_config config = { .max_items = max_items,
					     .max_bytes = 16 << 20,
					     .max_value = 100000,
					     .ttl_s = 300,
					     .cleanup_ns = 60 * SECOND };

	assert_int_equal(cache_open(&d->site.cache, &config), 0);
	d->request.fd = -1;
}

static unsigned int status_by(struct document_fixture *d, const char *method, const char *target)
{
	struct reply reply = { .status = 0 };
	unsigned int status;

	d->request.method = method;
	d->request.target = target;
	router_answer(&d->site, &d->request, &reply);
	status = reply.status;
	reply_fini(&reply);
	return status;
}

static void an_entry_goes_in_and_out_by_its_path(void **state)
{
	struct document_fixture *d = *state;
	struct reply reply;

	open_cache(d, 10);
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a"), 401);
	assert_int_equal(status_by(d, "POST", "/api/cache/clear"), 401);
	d->request.local = d->request.member = true;
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a"), 404);
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a?x=1"), 400);
	d->request.body = "hello";
	d->request.body_length = 5;
	assert_int_equal(status_by(d, "PUT", "/api/cache/entries/a"), 415);
	assert_int_equal(status_by(d, "POST", "/api/cache/set"), 415);
	d->request.content_type = "text/plain";
	assert_int_equal(status_by(d, "PUT", "/api/cache/entries/a"), 200);
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a"), 200);
	assert_int_equal(status_by(d, "HEAD", "/api/cache/entries/a"), 200);
	d->request.body_length = 0;
	assert_int_equal(status_by(d, "DELETE", "/api/cache/entries/a"), 200);
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a"), 404);
	reply = ask(d, "PATCH", "/api/cache/entries/a");
	assert_string_equal(reply.allow, "GET, HEAD, PUT, DELETE");
	reply_fini(&reply);
	cache_close(d->site.cache);
}

static void only_the_privileged_may_send_much(void **state)
{
	struct document_fixture *d = *state;

	open_cache(d, 10);
	d->request.target = "/api/cache/entries/a";
	assert_int_equal(router_room(&d->site, &d->request), FRONT_BODY);
	d->request.local = d->request.member = true;
	assert_int_equal(router_room(&d->site, &d->request), 100000);
	d->request.target = "/api/cache/set";
	assert_int_equal(router_room(&d->site, &d->request), 6 * 65536 + 200000);
	d->request.target = "/api/alerts/silences";
	assert_int_equal(router_room(&d->site, &d->request), FRONT_BODY);
	cache_close(d->site.cache);
}

/* What a body has to be is told to who may send one: to nobody else. */
static void rights_are_judged_before_sizes(void **state)
{
	struct document_fixture *d = *state;
	struct reply reply;

	open_cache(d, 10);
	d->request.body_too_long = true;
	d->request.body_limit = FRONT_BODY;
	assert_int_equal(status_by(d, "PUT", "/api/cache/entries/a"), 401);
	assert_int_equal(status_by(d, "POST", "/api/cache/set"), 401);
	assert_int_equal(status_by(d, "POST", "/api/cache/clear"), 401);
	assert_int_equal(status_by(d, "POST", "/nowhere"), 404);
	assert_int_equal(status_by(d, "POST", "/healthz"), 405);
	assert_int_equal(status_by(d, "GET", "/healthz"), 413);
	assert_int_equal(status_by(d, "GET", "/api/services"), 413);
	d->request.host = "example.org";
	assert_int_equal(status_by(d, "PUT", "/api/cache/entries/a"), 403);
	d->request.host = "localhost";
	d->request.local = d->request.member = true;
	reply = ask(d, "PUT", "/api/cache/entries/a");
	assert_int_equal(reply.status, 413);
	assert_non_null(strstr(reply.body->bytes, "\"code\":\"body_too_large\""));
	assert_non_null(strstr(reply.body->bytes, "longer than 65536 bytes"));
	reply_fini(&reply);
	d->request.body_too_long = false;
	assert_int_equal(status_by(d, "GET", "/api/cache/entries/a"), 404); /* nothing was kept */
	cache_close(d->site.cache);
}

/* A document that is not known yet is asked for again, and counted when it is. */
static void a_clear_of_much_is_answered_later(void **state)
{
	struct document_fixture *d = *state;
	struct reply reply = { .status = 0 };
	char key[16];

	open_cache(d, 20000);
	for (int i = 0; i < 8000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(
			cache_set(d->site.cache, &(struct cache_put){ .key = { key, strlen(key) },
								      .type = "t",
								      .now_ns = NOW }),
			0);
	}
	d->request.local = d->request.member = true;
	d->request.who = d;
	d->request.method = "POST";
	d->request.target = "/api/cache/clear";
	d->request.content_type = "application/json";
	d->request.body = "{\"pattern\":\"*\"}";
	d->request.body_length = strlen(d->request.body);
	router_answer(&d->site, &d->request, &reply);
	assert_true(reply.later);
	assert_null(reply.body);
	assert_int_equal(d->site.tally.counts[TALLY_REPLIES_2XX], 0);
	while (cache_run(d->site.cache, NOW) == 0)
		;
	reply = ask(d, "POST", "/api/cache/clear");
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.body->bytes, "{\"cleared\":8000}"));
	reply_fini(&reply);
	cache_close(d->site.cache);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(an_entry_goes_in_and_out_by_its_path),
		EACH(only_the_privileged_may_send_much),
		EACH(rights_are_judged_before_sizes),
		EACH(a_clear_of_much_is_answered_later),
		EACH(every_endpoint_answers_get_and_head),
		EACH(another_method_is_405_and_says_which_are_taken),
		EACH(inner_data_is_for_the_privileged),
		EACH(with_a_read_token_only_the_probes_are_free),
		EACH(a_foreign_host_reaches_nothing_at_all),
		EACH(what_is_not_there_is_404_in_json),
		EACH(a_target_that_is_malformed_is_400),
		EACH(a_document_is_rendered_once_a_generation),
		EACH(the_shelf_opens_nothing_to_those_who_may_not),
		EACH(metrics_come_in_two_forms_side_by_side),
		EACH(the_description_is_kept_by_its_entity_tag),
		EACH(a_refusal_is_counted_and_not_kept),
		EACH(bad_health_is_503_with_its_document),
		EACH(what_changes_something_takes_its_own_method_alone),
		EACH(what_changes_something_is_for_the_privileged_and_takes_json_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
