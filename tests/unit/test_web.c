#include "web_fixture.h"

#include "behind.h"
#include "cache.h"
#include "courier.h"
#include "wipe.h"

#include <time.h>
#include <zlib.h>

static void it_serves_on_tcp_and_on_the_unix_socket(void **state)
{
	struct web_fixture w;
	char *reply;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	reply = web_ask(&w, "GET /healthz", "");
	assert_int_equal(web_status(reply), 200);
	assert_int_equal(strncmp(web_body(reply), "{\"success\":true,\"data\":{\"status\":", 33),
			 0);
	free(reply);
	reply = web_ask_on(web_connect_unix(&w), "GET /api/performance/metrics", "");
	assert_int_equal(web_status(reply), 200);
	assert_non_null(strstr(web_body(reply), "\"responseTimes\":{\"count\":0,"));
	free(reply);
	web_stop(&w);
}

static void what_is_booked_meanwhile_is_served(void **state)
{
	struct web_fixture w;
	char *reply;
	uint64_t now;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	for (uint64_t i = 1; i <= 20; i++) {
		now = moment_monotonic_ns();
		fixture_request(&w.f, now, MILLISECOND);
		fixture_counters(&w.f, &w.f.target, 1, 1, now);
		fixture_tick(&w.f, now);
		reply = web_ask(&w, "GET /api/performance/metrics?service=shop", "");
		assert_int_equal(web_status(reply), 200);
		free(reply);
	}
	/* A query holds the lock but for a moment; a tick that found it taken comes again. */
	fixture_tick(&w.f, now + SECOND);
	reply = web_ask(&w, "GET /api/performance/metrics?service=shop&window=1h", "");
	assert_non_null(strstr(web_body(reply), "\"responseTimes\":{\"count\":20,"));
	free(reply);
	web_stop(&w);
}

static void gzip_comes_back_as_the_same_document(void **state)
{
	static char out[1 << 20];
	struct web_fixture w;
	z_stream z = { 0 };
	size_t length;
	char *plain, *packed;
	int fd;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	plain = web_ask(&w, "GET /api/openapi.json", "");
	fd = web_connect(&w);
	web_send(fd, "GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		     "Accept-Encoding: gzip\r\n\r\n");
	packed = web_drain(fd, &length);
	assert_non_null(strstr(packed, "Content-Encoding: gzip\r\n"));
	assert_true(length < strlen(plain) / 2);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)web_body(packed);
	z.avail_in = (uInt)(length - (size_t)(web_body(packed) - packed));
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	assert_int_equal(z.total_out, strlen(web_body(plain)));
	assert_memory_equal(out, web_body(plain), z.total_out);
	free(plain);
	free(packed);
	web_stop(&w);
}

static void an_asset_is_not_sent_to_whom_has_it(void **state)
{
	char header[128], tag[64];
	struct web_fixture w;
	const char *at;
	char *reply;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	reply = web_ask(&w, "GET /api/openapi.json", "");
	at = strstr(reply, "ETag: ");
	assert_non_null(at);
	snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
	free(reply);
	snprintf(header, sizeof(header), "If-None-Match: %s\r\nAccept-Encoding: gzip\r\n", tag);
	reply = web_ask(&w, "GET /api/openapi.json", header);
	assert_int_equal(web_status(reply), 304);
	assert_string_equal(web_body(reply), "");
	assert_null(strstr(reply, "Content-Encoding"));
	assert_non_null(strstr(reply, tag));
	free(reply);
	web_stop(&w);
}

static void refusals_carry_their_headers(void **state)
{
	struct web_fixture w;
	char *reply;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	reply = web_ask(&w, "POST /api/services", "");
	assert_int_equal(web_status(reply), 405);
	assert_non_null(strstr(reply, "Allow: GET, HEAD\r\n"));
	free(reply);
	reply = web_ask(&w, "GET /api/requests/slow", "");
	assert_int_equal(web_status(reply), 401);
	assert_non_null(strstr(reply, "WWW-Authenticate: Bearer"));
	free(reply);
	assert_int_equal(web_status_of(&w, "GET /healthz%00", ""), 400);
	assert_int_equal(web_status_of(&w, "GET /nowhere", ""), 404);
	assert_int_equal(web_status_of(&w, "GET /healthz", "Origin: http://evil.example\r\n"), 403);
	web_stop(&w);
}

static void the_token_opens_what_is_inner(void **state)
{
	struct web_fixture w;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	assert_int_equal(web_status_of(&w, "GET /api/requests/slow",
				       "Authorization: Bearer " WEB_TOKEN "\r\n"),
			 200);
	assert_int_equal(web_status_of(&w, "GET /api/requests/slow",
				       "Authorization: Bearer x" WEB_TOKEN "\r\n"),
			 401);
	if (geteuid() == 0) {
		char *reply = web_ask_on(web_connect_unix(&w), "GET /api/requests/inflight", "");

		assert_int_equal(web_status(reply), 200);
		free(reply);
	}
	web_stop(&w);
}

static void a_slow_client_is_cut_by_a_thread_that_sleeps(void **state)
{
	struct web_fixture w;
	char *reply;
	int fd;

	(void)state;
	web_prepare(&w);
	w.how.deadline_ms = 50;
	web_start(&w);
	fd = web_connect(&w);
	web_send(fd, "GET /healthz HT");
	reply = web_drain(fd, NULL); /* until the other end closes, for as long as it takes */
	assert_string_equal(reply, "");
	free(reply);
	reply = web_ask(&w, "GET /metrics", "");
	assert_non_null(strstr(reply, "ringside_web_connections_cut_total{reason=\"slow\"} 1\n"));
	free(reply);
	web_stop(&w);
}

static void many_windows_at_once_are_all_answered(void **state)
{
	struct web_fixture w;
	int fds[64];

	(void)state;
	web_prepare(&w);
	w.how.connections = 16; /* the rest wait in the backlog */
	web_start(&w);
	for (int i = 0; i < 64; i++) {
		char text[256];

		fds[i] = web_connect(&w);
		snprintf(text, sizeof(text),
			 "GET /api/routes?limit=%d HTTP/1.1\r\nHost: localhost\r\n"
			 "Connection: close\r\n\r\n",
			 i + 1);
		web_send(fds[i], text);
	}
	for (int i = 0; i < 64; i++) {
		char *reply = web_drain(fds[i], NULL);

		assert_int_equal(web_status(reply), 200);
		free(reply);
	}
	web_stop(&w);
}

static void cache_keep(struct cache *c, const char *key)
{
	const struct cache_put put = { .key = { key, strlen(key) },
				       .value = { "x", 1 },
				       .type = "text/plain",
				       .now_ns = moment_monotonic_ns() };

	assert_int_equal(cache_set(c, &put), 0);
}

/* What goes behind the cache is that clear alone. */
static void assert_cleared_behind(struct bridge *bridge, const char *pattern)
{
	bool lost;
	struct letter *l = bridge_take(&bridge->there, &lost);

	assert_non_null(l);
	assert_null(l->next);
	assert_int_equal(l->drop->kind, DROP_PATTERN);
	assert_int_equal(l->drop->length, strlen(pattern));
	assert_memory_equal(l->drop->text, pattern, strlen(pattern));
	letter_close(l);
}

/* More of it than goes at a time. */
static void the_cache_is_cleared_as_it_is_ordered(void **state)
{
	const struct cache_config config = {
		.max_items = 10000, .max_bytes = 16 << 20, .max_value = 100, .ttl_s = 300
	};
	struct wipe_order order = { .pattern = "a:*" };
	struct pollfd answer = { .events = POLLIN };
	struct cache_counts counts;
	struct courier_word word;
	struct web_fixture w;
	struct bridge *bridge;
	struct behind *behind;
	struct cache *cache;
	char key[16];
	int links[2];

	(void)state;
	web_prepare(&w);
	assert_int_equal(courier_link(links), 0);
	assert_int_equal(cache_open(&cache, &config), 0);
	assert_int_equal(bridge_open(&bridge), 0);
	assert_int_equal(behind_open(&behind, cache, bridge, 1), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "a:%d", i);
		cache_keep(cache, key);
	}
	cache_keep(cache, "b:1");
	w.how.cache = cache;
	w.how.behind = behind;
	w.how.wipe = links[1];
	web_start(&w);
	assert_int_equal(wipe_order(links[0], &order), 0);
	answer.fd = links[0];
	assert_int_equal(poll(&answer, 1, WEB_PATIENCE_MS), 1);
	assert_int_equal(courier_hear(links[0], &word), 1);
	assert_string_equal(word.text, "5000 entries cleared");
	order.pattern[0] = '\0';
	assert_int_equal(wipe_order(links[0], &order), 0);
	assert_int_equal(poll(&answer, 1, WEB_PATIENCE_MS), 1);
	assert_int_equal(courier_hear(links[0], &word), 1);
	assert_int_equal(word.outcome, COURIER_REFUSED);
	web_stop(&w);
	cache_counts_get(cache, &counts);
	assert_int_equal(counts.items, 1);
	assert_cleared_behind(bridge, "a:*");
	behind_close(behind);
	bridge_close(bridge);
	cache_close(cache);
	close(links[0]);
	close(links[1]);
}

static void idle_it_uses_no_time_at_all(void **state)
{
	struct timespec before, after, pause = { 0, 200000000 };
	struct web_fixture w;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	assert_int_equal(web_status_of(&w, "GET /healthz", ""), 200);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	/* A loop that spins would have used all of the 200 ms. */
	assert_true((after.tv_sec - before.tv_sec) * 1000 +
			    (after.tv_nsec - before.tv_nsec) / 1000000 <
		    100);
	web_stop(&w);
}

static void closing_ends_the_thread_whatever_is_open(void **state)
{
	struct web_fixture w;
	int idle, half;

	(void)state;
	web_prepare(&w);
	web_start(&w);
	idle = web_connect(&w);
	half = web_connect(&w);
	web_send(half, "GET / HTTP/1.1\r\n");
	assert_int_equal(web_status_of(&w, "GET /healthz", ""), 200);
	web_stop(&w);
	close(idle);
	close(half);
	web_close(NULL);
}

static void one_that_never_ran_is_closed_too(void **state)
{
	struct web_fixture w;

	(void)state;
	web_prepare(&w);
	assert_int_equal(web_open(&w.web, &w.how), 0);
	web_stop(&w);
}

static void without_sockets_it_does_not_open(void **state)
{
	struct web_fixture w;

	(void)state;
	web_prepare(&w);
	w.how.socket_count = 0;
	assert_true(web_open(&w.web, &w.how) < 0);
	close(w.sockets[0]);
	close(w.sockets[1]);
	w.web = NULL;
	web_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_serves_on_tcp_and_on_the_unix_socket),
		cmocka_unit_test(what_is_booked_meanwhile_is_served),
		cmocka_unit_test(gzip_comes_back_as_the_same_document),
		cmocka_unit_test(an_asset_is_not_sent_to_whom_has_it),
		cmocka_unit_test(refusals_carry_their_headers),
		cmocka_unit_test(the_token_opens_what_is_inner),
		cmocka_unit_test(a_slow_client_is_cut_by_a_thread_that_sleeps),
		cmocka_unit_test(many_windows_at_once_are_all_answered),
		cmocka_unit_test(the_cache_is_cleared_as_it_is_ordered),
		cmocka_unit_test(idle_it_uses_no_time_at_all),
		cmocka_unit_test(closing_ends_the_thread_whatever_is_open),
		cmocka_unit_test(one_that_never_ran_is_closed_too),
		cmocka_unit_test(without_sockets_it_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
