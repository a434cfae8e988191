#include "proxying.h"

#include "rs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct config *config;
static struct health *health;
static struct proxying proxying;
static struct proxying_sockets sockets;

static int set_up(void **state)
{
	(void)state;
	sockets.count = 0;
	return config_open(&config) || health_open(&health);
}

static int tear_down(void **state)
{
	(void)state;
	proxying_close(&proxying);
	config_close(config);
	health_close(health);
	return 0;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	return ntohs(at.sin_port);
}

static void configure(unsigned int upstream, const char *more)
{
	struct config_error error;
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "{\"cache\": {%s\"proxy\": [{\"listen\": \"127.0.0.1:0\", \"upstream\": "
			 "\"127.0.0.1:%u\", \"rules\": [{\"match\": \"*\"}]}]}}",
			 more, upstream);

	if (config_read(config, "t", text, (size_t)n, &error))
		fail_msg("%s", error.text);
}

static void open_it(int api)
{
	const struct proxying_config c = { .config = config,
					   .sockets = &sockets,
					   .api = &api,
					   .api_count = api >= 0,
					   .health = health };
	const char *address = "";

	assert_int_equal(proxying_listen(config, &sockets, &address), 0);
	proxying_open(&proxying, &c, 1);
}

static void told(enum health_status status, const char *reason)
{
	struct health_part part;

	assert_int_equal(health_list(health, &part, 1), 1);
	assert_string_equal(part.name, "proxy");
	assert_int_equal(part.status, status);
	if (!strstr(part.reason, reason))
		fail_msg("%s", part.reason);
}

static void without_one_there_is_nothing(void **state)
{
	struct health_part part;

	(void)state;
	open_it(-1);
	assert_int_equal(sockets.count, 0);
	assert_null(proxying.proxy);
	proxying_second(&proxying, 1);
	assert_int_equal(health_list(health, &part, 1), 0);
}

/* What the proxy answers to a request for /. */
static void ask(char *answer, size_t size)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	ssize_t n;

	at.sin_port = htons(port_of(sockets.at[0]));
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(send(client, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	n = recv(client, answer, size - 1, 0);
	assert_true(n > 0);
	answer[n] = '\0';
	close(client);
}

static void it_serves_and_tells_how_its_upstream_is(void **state)
{
	char answer[256];

	(void)state;
	configure(1, ""); /* where nobody listens */
	open_it(-1);
	told(HEALTH_HEALTHY, "1 listeners, 0 clients; 0 requests");
	ask(answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 502 "));
	proxying_second(&proxying, 2);
	told(HEALTH_DEGRADED, "the upstream fails: 1 listeners");
	proxying_second(&proxying, 3);
	told(HEALTH_HEALTHY, "1 upstream failures");
}

static void it_is_not_opened_towards_the_agent_itself(void **state)
{
	int api = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	assert_int_equal(bind(api, (struct sockaddr *)&at, sizeof(at)), 0);
	configure(port_of(api), "");
	open_it(api);
	assert_null(proxying.proxy);
	told(HEALTH_DEGRADED, "an upstream is a listener of this agent");
	assert_int_equal(close(sockets.at[0]), -1); /* nobody is left to hang there */
	close(api);
}

static void an_address_in_use_is_told(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *address = "";
	struct config_error error;
	char text[256];
	int n;

	(void)state;
	assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(taken, 1), 0);
	n = snprintf(text, sizeof(text),
		     "{\"cache\": {\"proxy\": [{\"listen\": \"127.0.0.1:%u\", \"upstream\": "
		     "\"127.0.0.1:1\"}]}}",
		     port_of(taken));
	assert_int_equal(config_read(config, "t", text, (size_t)n, &error), 0);
	assert_int_equal(proxying_listen(config, &sockets, &address), -EADDRINUSE);
	assert_non_null(strstr(address, "listen=127.0.0.1:"));
	close(taken);
}

static void without_the_cache_it_still_passes(void **state)
{
	struct cache_counts counts;
	char answer[256];

	(void)state;
	configure(1, "\"enabled\": false, ");
	open_it(-1);
	assert_non_null(proxying.proxy);
	ask(answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 502 "));
	proxy_cache_counts_get(proxying.proxy, &counts);
	assert_int_equal(counts.max_items, 0);
}

#define PROXYING_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROXYING_TEST(without_one_there_is_nothing),
		PROXYING_TEST(it_serves_and_tells_how_its_upstream_is),
		PROXYING_TEST(it_is_not_opened_towards_the_agent_itself),
		PROXYING_TEST(an_address_in_use_is_told),
		PROXYING_TEST(without_the_cache_it_still_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
