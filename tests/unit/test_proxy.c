#include "proxy_rig.h"

static void a_request_and_its_reply_pass(void **state)
{
	int client, up;

	(void)state;
	rig_open("");
	client = rig_connect();
	rig_say(client, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX: y\r\n\r\nabc");
	up = rig_accept();
	assert_string_equal(rig_read(up), "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
					  "X: y\r\n\r\nabc");
	rig_say(up, RIG_OK("Content-Length: 2\r\n", "ok"));
	assert_string_equal(rig_read(client), RIG_OK("Content-Length: 2\r\n", "ok"));
	assert_false(rig.ended);
	assert_int_equal(rig_counts().requests, 1);
	assert_int_equal(rig_counts().bypassed, 1);
	assert_int_equal(rig_counts().open, 1);
	close(client);
	close(up);
	rig_settle();
	assert_int_equal(rig_counts().open, 0);
	assert_int_equal(rig_counts().connections, 1);
	assert_int_equal(rig_counts().upstream_open, 0);
}

static void past_its_limit_clients_wait_to_be_taken(void **state)
{
	int first, second;

	(void)state;
	rig_open("connections=1 rule match=* ttl=60s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	first = rig_connect();
	second = rig_connect();
	rig_say(second, RIG_GET("/a"));
	assert_string_equal(rig_read(second), "");
	assert_int_equal(rig_counts().open, 1);
	assert_true(rig_counts().paused > 0);
	close(first);
	assert_has(rig_read(second), "X-Cache: HIT");
	close(second);
}

static void it_never_asks_itself(void **state)
{
	const struct proxy_site *sites[1];
	struct own api = { .count = 0 };
	int listening = rig_listen(), other = rig_listen();
	struct proxy_config config = { .sites = sites,
				       .sockets = &listening,
				       .count = 1,
				       .own = { &api },
				       .now_ns = rig_now_ns,
				       .wall_ms = rig_wall_ms };
	struct channel_error error;
	struct proxy *p = NULL;
	char text[128];

	(void)state;
	own_add(&api, other);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "listen=127.0.0.1:1 upstream=127.0.0.1:%u",
			 rig_port(i ? other : listening));
		assert_int_equal(proxy_site_open(&rig.site, text, &error), 0);
		sites[0] = rig.site;
		assert_int_equal(proxy_open(&p, &config), -ELOOP);
		proxy_site_close(rig.site);
	}
	rig.site = NULL;
	assert_int_equal(fcntl(listening, F_GETFD), FD_CLOEXEC); /* the caller's still */
	close(listening);
	close(other);
}

static void it_ends_with_all_that_is_under_way(void **state)
{
	int idle, asking, waiting, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	idle = rig_connect();
	asking = rig_connect();
	waiting = rig_connect();
	rig_say(asking, RIG_GET("/a"));
	rig_say(waiting, RIG_GET("/a"));
	up = rig_accept();
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
	proxy_close(rig.p);
	rig.p = NULL;
	assert_int_equal(recv(idle, rig.read, 9, 0), 0);
	close(idle);
	close(asking);
	close(waiting);
	close(up);
}

static void without_a_cache_all_passes(void **state)
{
	(void)state;
	rig_open("rule match=* ttl=60s");
	cache_close(rig.p->cache);
	rig.p->cache = NULL;
	for (int i = 0; i < 2; i++)
		assert_has(rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x")),
			   "X-Cache: BYPASS");
}

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * PROXY_S_NS + (uint64_t)t.tv_nsec;
}

/* Its own thread, and the caller's sockets that block. */
static void it_runs_by_itself(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[256];
	ssize_t n;

	(void)state;
	rig_open("");
	rig.p->clock_ns = real_ns;
	at.sin_port = htons(rig_port(rig.p->places[0].listener.fd));
	assert_int_equal(proxy_run(rig.p), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(send(client, "GET\r\n\r\n", 7, 0), 7);
	n = recv(client, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_begins(text, "HTTP/1.1 400 Bad Request\r\n");
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_request_and_its_reply_pass),
		RIG_TEST(past_its_limit_clients_wait_to_be_taken),
		RIG_TEST(it_never_asks_itself),
		RIG_TEST(it_ends_with_all_that_is_under_way),
		RIG_TEST(without_a_cache_all_passes),
		RIG_TEST(it_runs_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
