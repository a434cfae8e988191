#include "moment.h"
#include "rs_test.h"
#include "transfer.h"
#include "transfer_head.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Answers one GET with these bytes, and closes or, open, waits for the other side to do so. */
struct server {
	int listening, port;
	const char *answer;
	size_t length;
	bool open;
	pthread_t thread;
	char got[4096];
};

static void *serve(void *ctx)
{
	struct server *s = ctx;
	int fd = accept(s->listening, NULL, NULL);
	size_t n = 0, sent = 0;
	char byte;

	while (fd >= 0 && n < sizeof(s->got) - 1 && !strstr(s->got, "\r\n\r\n")) {
		ssize_t more = read(fd, s->got + n, sizeof(s->got) - 1 - n);

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	while (fd >= 0 && sent < s->length) {
		ssize_t more = send(fd, s->answer + sent, s->length - sent, MSG_NOSIGNAL);

		if (more <= 0)
			break;
		sent += (size_t)more;
	}
	while (s->open && read(fd, &byte, 1) > 0)
		continue;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void open_server(struct server *s, const char *answer, size_t length)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t size = sizeof(at);

	memset(s->got, 0, sizeof(s->got));
	s->answer = answer;
	s->length = length;
	s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listening, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(s->listening, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(listen(s->listening, 1), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* A loop of our own, as who has other descriptors too. */
static void loop(struct transfers *t, struct transfer_result *result)
{
	uint64_t give_up_ns = moment_monotonic_ns() + UINT64_C(20000000000);

	while (!transfers_done(t, result)) {
		struct pollfd fd = { .fd = transfers_fd(t), .events = POLLIN };
		uint64_t now_ns = moment_monotonic_ns(), due_ns = transfers_due_ns(t);

		assert_true(now_ns < give_up_ns);
		if (due_ns > now_ns)
			poll(&fd, 1,
			     due_ns - now_ns < UINT64_C(1000000000)
				     ? (int)((due_ns - now_ns) / 1000000) + 1
				     : 1000);
		transfers_run(t);
	}
}

static struct transfer_result get(struct server *s, size_t most, uint32_t timeout_ms)
{
	struct transfer_result result = { .who = NULL };
	struct transfers *t;
	char url[64];
	const struct transfer_request request = { .url = url,
						  .headers = { "X-One: 1" },
						  .ca_file = "",
						  .most = most,
						  .timeout_ms = timeout_ms };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/a/../%%2e?q=%%2F", s->port);
	assert_int_equal(transfers_open(&t), 0);
	assert_int_equal(transfers_add(t, &request, s), 0);
	loop(t, &result);
	assert_ptr_equal(result.who, s);
	transfers_close(t);
	shutdown(s->listening, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listening);
	return result;
}

static struct transfer_result answered(const char *answer, size_t most)
{
	struct server s = { .open = false };

	open_server(&s, answer, strlen(answer));
	return get(&s, most, 5000);
}

static void the_answer_is_kept_whole(void **state)
{
	static const char answer[] = "HTTP/1.1 103 Early\r\nX-Two: early\r\n\r\n"
				     "HTTP/1.1 200 Fine\r\nx-two:\t two \r\nContent-Length: 3\r\n"
				     "\r\na\0b";
	struct server s = { .open = false };
	struct transfer_result r;
	const char *value;
	size_t length;

	(void)state;
	open_server(&s, answer, sizeof(answer) - 1);
	r = get(&s, 3, 5000);
	assert_int_equal(r.end, TRANSFER_WHOLE);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.content_length, 3);
	assert_memory_equal(r.content, "a\0b", 3);
	value = transfer_head_find(r.head, "X-Two", NULL, &length);
	assert_int_equal(length, 3);
	assert_memory_equal(value, "two", 3);
	transfer_result_fini(&r);
	assert_memory_equal(s.got, "GET /a/../%2e?q=%2F HTTP/1.1\r\n", 30);
	assert_non_null(strstr(s.got, "\r\nX-One: 1\r\n"));
}

static void one_that_is_longer_is_none(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\nabcd",
		("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n"
		 "0\r\n\r\n"),
		"HTTP/1.1 200 Fine\r\n\r\nabcd",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct transfer_result r = answered(answers[i], 3);

		assert_int_equal(r.end, TRANSFER_LARGE);
		assert_string_equal(r.text, "the answer is longer than 3 bytes");
		assert_null(r.content);
		assert_null(r.head);
		r = answered(answers[i], 4);
		assert_int_equal(r.end, TRANSFER_WHOLE);
		assert_int_equal(r.content_length, 4);
		transfer_result_fini(&r);
	}
}

static void one_that_is_cut_is_none(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\nabc",
		"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc",
		"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct transfer_result r = answered(answers[i], 100);

		assert_int_equal(r.end, TRANSFER_CUT);
		assert_null(r.content);
	}
}

static void what_is_no_http_is_odd(void **state)
{
	static char long_head[40000];
	struct transfer_result r = answered("SSH-2.0-x\r\n\r\n", 100);
	size_t n;

	(void)state;
	assert_int_equal(r.end, TRANSFER_ODD);
	r = answered("HTTP/1.1 200 Fine\r\nCache-Control: max-age=9,\r\n no-store\r\n"
		     "Content-Length: 0\r\n\r\n",
		     100);
	assert_int_equal(r.end, TRANSFER_ODD);
	n = (size_t)sprintf(long_head, "HTTP/1.1 200 Fine\r\n");
	while (n < 30000)
		n += (size_t)sprintf(long_head + n, "X-%zu: 0123456789\r\n", n);
	sprintf(long_head + n, "Content-Length: 0\r\n\r\n");
	r = answered(long_head, 100);
	assert_int_equal(r.end, TRANSFER_ODD);
}

static void trailers_are_no_head(void **state)
{
	struct transfer_result r = answered("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n"
					    "Trailer: X-Two\r\n\r\n0\r\nX-Two: two\r\n\r\n",
					    100);
	size_t length;

	(void)state;
	assert_int_equal(r.end, TRANSFER_WHOLE);
	assert_int_equal(r.content_length, 0);
	assert_null(transfer_head_find(r.head, "X-Two", NULL, &length));
	transfer_result_fini(&r);
}

static void a_slow_one_is_left_in_time(void **state)
{
	static const char answer[] = "HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\nabc";
	struct server s = { .open = true };
	uint64_t begun_ns = moment_monotonic_ns();
	struct transfer_result r;

	(void)state;
	open_server(&s, answer, sizeof(answer) - 1);
	r = get(&s, 100, 200);
	assert_int_equal(r.end, TRANSFER_LATE);
	assert_null(r.content);
	assert_true(moment_monotonic_ns() - begun_ns < UINT64_C(3000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_kept_whole),
		cmocka_unit_test(one_that_is_longer_is_none),
		cmocka_unit_test(one_that_is_cut_is_none),
		cmocka_unit_test(what_is_no_http_is_odd),
		cmocka_unit_test(trailers_are_no_head),
		cmocka_unit_test(a_slow_one_is_left_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
