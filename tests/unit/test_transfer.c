#include "../../agent/send/transfer.c" /* white box: what a mail server says, line by line */
#include "rs_test.h"

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
	assert_string_equal(r.got, "");
}

static void says(struct transfer *one, bool server, const char *line)
{
	char bytes[400];

	snprintf(bytes, sizeof(bytes), "%s\r\n", line);
	transfer_watch(NULL, server ? CURLINFO_HEADER_IN : CURLINFO_HEADER_OUT, bytes,
		       strlen(bytes), one);
}

static void who_may_take_a_mail_later_is_named(void **state)
{
	static struct transfer one;

	(void)state;
	says(&one, true, "450 nobody was asked for");
	says(&one, false, "MAIL FROM:<a@b>");
	says(&one, true, "451 nor here");
	says(&one, false, "RCPT TO:<c@d>");
	says(&one, true, "250 fine");
	says(&one, false, "RCPT TO:<e@f> NOTIFY=NEVER");
	says(&one, true, "450-busy,");
	says(&one, true, "450 as it says");
	says(&one, true, "450 twice");
	says(&one, false, "RCPT TO:<g@h>");
	says(&one, true, "421 too");
	says(&one, false, "RCPT TO:<i@j>");
	says(&one, true, "550 is no more");
	assert_string_equal(one.later, "e@f,g@h");
	assert_memory_equal(one.refused, "i@j: 550 is no more", 19);
	says(&one, false, "RCPT TO:<k@l");
	says(&one, true, "450 cut off");
	assert_string_equal(one.later, "e@f,g@h");
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
	assert_non_null(strstr(result.text, "connect"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_has_arrived),
		cmocka_unit_test(a_refusal_is_told_in_its_words),
		cmocka_unit_test(it_never_connects_to_ourselves),
		cmocka_unit_test(who_may_take_a_mail_later_is_named),
		cmocka_unit_test(a_redirect_is_a_failure),
		cmocka_unit_test(one_that_hangs_is_left_in_time),
		cmocka_unit_test(one_that_is_away_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
