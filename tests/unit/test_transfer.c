#include "moment.h"
#include "own.h"
#include "rs_test.h"
#include "transfer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A receiver that takes one request and answers so; NULL: never. */
struct receiver {
	int listening, port;
	const char *answer;
	pthread_t thread;
	char got[4096];
};

static void *receive(void *ctx)
{
	struct receiver *r = ctx;
	int fd = accept(r->listening, NULL, NULL);
	size_t n = 0;

	while (fd >= 0 && n < sizeof(r->got) - 1 && !strstr(r->got, "the body")) {
		ssize_t more = read(fd, r->got + n, sizeof(r->got) - 1 - n);

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	if (fd < 0)
		return NULL;
	if (!r->answer)
		while (read(fd, r->got, 1) > 0) /* until the other side has enough */
			continue;
	else if (write(fd, r->answer, strlen(r->answer)) < 0)
		r->got[0] = '\0';
	close(fd);
	return NULL;
}

static void open_receiver(struct receiver *r, const char *answer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(at);

	memset(r, 0, sizeof(*r));
	r->answer = answer;
	r->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->listening, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(r->listening, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(listen(r->listening, 1), 0);
	r->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static struct own never; /* connected to */

static struct transfer_result ask(struct receiver *r, uint32_t timeout_ms)
{
	struct transfer_result result = { .who = NULL };
	struct transfers *t;
	char url[64];
	int who, pipe_fds[2];
	const struct transfer_request request = { .url = url,
						  .headers = { "Idempotency-Key: k" },
						  .username = "",
						  .ca_file = "",
						  .body = "the body",
						  .length = 8,
						  .timeout_ms = timeout_ms,
						  .own = &never };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hook", r->port);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(transfers_open(&t), 0);
	assert_int_equal(transfers_add(t, &request, &who), 0);
	for (int i = 0; i < 1000 && !transfers_done(t, &result); i++)
		transfers_step(t, pipe_fds[0], 100);
	assert_ptr_equal(result.who, &who);
	transfers_close(t);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	shutdown(r->listening, SHUT_RDWR);
	pthread_join(r->thread, NULL);
	close(r->listening);
	return result;
}

static void what_is_taken_has_arrived(void **state)
{
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, "HTTP/1.1 202 Fine\r\nContent-Length: 9\r\n\r\nthank\nyou");
	result = ask(&r, 5000);
	assert_true(result.arrived);
	assert_int_equal(result.status, 202);
	assert_string_equal(result.text, "202: thank you");
	assert_memory_equal(r.got, "POST /hook HTTP/1.1\r\n", 21);
	assert_non_null(strstr(r.got, "\r\nIdempotency-Key: k\r\n"));
	assert_non_null(strstr(r.got, "\r\n\r\nthe body"));
}

static void a_refusal_is_told_in_its_words(void **state)
{
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater");
	result = ask(&r, 5000);
	assert_false(result.arrived);
	assert_int_equal(result.status, 503);
	assert_int_equal(result.retry_ms, 7000);
	assert_string_equal(result.text, "503: later");
}

static void it_never_connects_to_ourselves(void **state)
{
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n");
	own_add(&never, r.listening);
	result = ask(&r, 5000);
	memset(&never, 0, sizeof(never));
	assert_false(result.arrived);
	assert_string_equal(result.text, "not sent: that is an address of this agent itself");
	assert_int_equal(result.end, TRANSFER_OURS);
	assert_string_equal(r.got, "");
}

static void a_redirect_is_a_failure(void **state)
{
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n"
			  "Content-Length: 0\r\n\r\n");
	result = ask(&r, 5000);
	assert_false(result.arrived);
	assert_string_equal(result.text, "302, a redirect, which is not followed");
}

static void one_that_hangs_is_left_in_time(void **state)
{
	struct timespec begun, over;
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	result = ask(&r, 300);
	clock_gettime(CLOCK_MONOTONIC, &over);
	assert_false(result.arrived);
	assert_int_equal(result.status, 0);
	assert_int_equal(result.end, TRANSFER_LATE);
	assert_non_null(strstr(result.text, "timed out"));
	assert_true(over.tv_sec - begun.tv_sec < 3);
}

static void one_that_is_away_is_told(void **state)
{
	struct transfer_result result;
	struct receiver r;

	(void)state;
	open_receiver(&r, NULL);
	shutdown(r.listening, SHUT_RDWR);
	result = ask(&r, 5000);
	assert_false(result.arrived);
	assert_int_equal(result.end, TRANSFER_AWAY);
	assert_non_null(strstr(result.text, "connect"));
}

/* Whoever closes while it is under way has nothing left of it. */
static void what_is_under_way_ends_with_them(void **state)
{
	const struct transfer_request request = {
		.url = "http://127.0.0.1:1/", .ca_file = "", .body = "", .timeout_ms = 5000
	};
	struct transfers *t;
	int who[3];

	(void)state;
	assert_int_equal(transfers_open(&t), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(transfers_add(t, &request, &who[i]), 0);
	assert_true(transfers_due_ns(t) <= moment_monotonic_ns());
	transfers_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_has_arrived),
		cmocka_unit_test(a_refusal_is_told_in_its_words),
		cmocka_unit_test(it_never_connects_to_ourselves),
		cmocka_unit_test(a_redirect_is_a_failure),
		cmocka_unit_test(one_that_hangs_is_left_in_time),
		cmocka_unit_test(one_that_is_away_is_told),
		cmocka_unit_test(what_is_under_way_ends_with_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
