#include "filter.h"
#include "http.h"
#include "http_event.h"
#include "ring.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SKIPPED 77
#define EVENT 56 /* bytes of one without text in the ring */
#define ANSWER "HTTP/1.1 404 Not Found\r\n\r\n"

static struct probe_filter *filter;
static struct http *probes;
static struct ring *ring;

/* What was told of the first connection that was. */
struct heard {
	char text[1024];
	unsigned long long connection;
	uint32_t in, out;      /* its positions: where it began, and up to where its calls went */
	struct http_event end; /* the newest of its kind HTTP_CLOSED */
};

/* A server's end of a connection of our own. */
struct pair {
	int listener, client, server;
};

static void hear_position(struct heard *h, const struct http_event *e)
{
	uint32_t *at = e->kind == HTTP_CALL_READ ? &h->in : &h->out;

	if (e->kind == HTTP_ACCEPTED || e->kind == HTTP_FOUND || e->kind == HTTP_RESUMED) {
		h->in = e->seq;
		h->out = e->other;
	} else if (e->kind == HTTP_CALL_READ || e->kind == HTTP_CALL_WROTE) {
		if (e->length)
			assert_int_equal(e->seq - e->length, *at);
		*at = e->seq;
	}
}

static void hear(void *ctx, const void *record, size_t bytes)
{
	static const char *const kinds[] = {
		[HTTP_ACCEPTED] = "accepted", [HTTP_FOUND] = "found",
		[HTTP_CLIENT_GONE] = "gone",  [HTTP_CLOSED] = "closed",
		[HTTP_RESUMED] = "resumed",   [HTTP_CALL_READ] = "read",
		[HTTP_CALL_WROTE] = "wrote",
	};
	const struct http_event *e = record;
	struct heard *h = ctx;
	size_t n = strlen(h->text);

	assert_true(bytes >= sizeof(*e) + e->kept);
	assert_true(e->connection && e->connection < HTTP_SESSION);
	assert_true(e->at_ns);
	if (!h->connection)
		h->connection = e->connection;
	if (e->connection != h->connection)
		return;
	hear_position(h, e);
	if (e->kind == HTTP_CLOSED)
		h->end = *e;
	snprintf(h->text + n, sizeof(h->text) - n, "%s %u %.*s;", kinds[e->kind],
		 e->kind == HTTP_CLOSED ? 0 : e->length, (int)e->kept, (const char *)(e + 1));
}

static void heard(struct heard *h, const char *text)
{
	h->text[0] = '\0';
	ring_read(ring, hear, h);
	assert_string_equal(h->text, text);
}

static void drain(void)
{
	struct heard nobody = { .connection = UINT64_MAX };

	ring_read(ring, hear, &nobody);
}

static void watched(uint32_t why)
{
	assert_int_equal(probe_filter_put(filter, getpid(), why), 0);
}

static void pair_open(struct pair *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(listen(p->listener, 8), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &bytes), 0);
	p->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p->client, (struct sockaddr *)&at, bytes), 0);
	p->server = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p->server >= 0);
}

static void pair_close(const struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
	drain();
}

static void sends(const struct pair *p, const char *text)
{
	assert_int_equal(send(p->client, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void answers(const struct pair *p)
{
	assert_int_equal(send(p->server, ANSWER, strlen(ANSWER), 0), (ssize_t)strlen(ANSWER));
}

/* A watched one, of which that much was told. */
static void pair_accept(struct pair *p, struct heard *h)
{
	watched(FILTER_WATCHED | FILTER_BARE);
	pair_open(p);
	heard(h, "accepted 0 ;");
}

static void a_connection_is_told_from_its_begin_to_its_end(void **state)
{
	struct heard h = { 0 };
	struct pair p;
	char buffer[16];

	(void)state;
	pair_accept(&p, &h);
	sends(&p, "question");
	heard(&h, "");                                            /* it is read when it is */
	assert_int_equal(recv(p.server, buffer, 4, MSG_PEEK), 4); /* that takes nothing */
	assert_int_equal(read(p.server, buffer, 4), 4);
	assert_int_equal(recv(p.server, buffer, 16, 0), 4);
	assert_int_equal(recv(p.server, buffer, 16, MSG_DONTWAIT), -1);
	heard(&h, "read 4 ques;read 4 tion;");
	assert_int_equal(write(p.server, "ans", 3), 3);
	assert_int_equal(send(p.server, "wer", 3, 0), 3);
	heard(&h, "wrote 3 ans;wrote 3 wer;");
	assert_int_equal(recv(p.client, buffer, 16, 0), 6); /* a client's end is none of ours */
	close(p.client);
	heard(&h, "gone 0 ;");
	close(p.server);
	heard(&h, "closed 0 ;");
	assert_int_equal(h.end.length, 0); /* nothing was lost */
	close(p.listener);
}

static void pieces_are_told_by_their_own_positions(void **state)
{
	char first[3], second[16], text[] = "abc", more[] = "defg", none[] = "";
	struct iovec in[] = { { first, 3 }, { second, 16 } };
	struct iovec out[] = { { text, 3 }, { none, 0 }, { more, 4 } };
	struct msghdr message = { .msg_iov = in, .msg_iovlen = 2 };
	struct heard h = { 0 };
	struct pair p;

	(void)state;
	pair_accept(&p, &h);
	sends(&p, "12345");
	assert_int_equal(readv(p.server, in, 2), 5);
	heard(&h, "read 3 123;read 2 45;");
	sends(&p, "6789");
	assert_int_equal(recvmsg(p.server, &message, MSG_PEEK), 4);
	assert_int_equal(recvmsg(p.server, &message, 0), 4);
	heard(&h, "read 3 678;read 1 9;");
	assert_int_equal(writev(p.server, out, 3), 7);
	message = (struct msghdr){ .msg_iov = out, .msg_iovlen = 1 };
	assert_int_equal(sendmsg(p.server, &message, 0), 3);
	heard(&h, "wrote 3 abc;wrote 4 defg;wrote 3 abc;");
	pair_close(&p);
}

/* They are known to have moved, each way. */
static void what_is_in_nobodys_memory_has_moved_all_the_same(void **state)
{
	char text[] = "xyz", buffer[16];
	struct iovec piece = { text, 3 };
	struct mmsghdr messages[2] = { { .msg_hdr = { .msg_iov = &piece, .msg_iovlen = 1 } },
				       { .msg_hdr = { .msg_iov = &piece, .msg_iovlen = 1 } } };
	int file = memfd_create("page", MFD_CLOEXEC), ends[2];
	struct heard h = { 0 };
	struct pair p;
	uint32_t out;

	(void)state;
	watched(FILTER_WATCHED | FILTER_BARE);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(file, "0123456789", 10), 10);
	lseek(file, 0, SEEK_SET);
	pair_open(&p);
	heard(&h, "accepted 0 ;");
	out = h.out;
	assert_int_equal(sendfile(p.server, file, NULL, 10), 10);
	assert_int_equal(write(ends[1], "12345", 5), 5);
	assert_int_equal(splice(ends[0], NULL, p.server, NULL, 5, 0), 5);
	heard(&h, "wrote 10 ;wrote 5 ;");
	assert_int_equal(h.out - out, 15);
	assert_int_equal(sendmmsg(p.server, messages, 2, 0), 2);
	heard(&h, "wrote 0 ;"); /* how long they were nobody says: */
	assert_int_equal(h.out - out, 21);
	sends(&p, "thrown");
	assert_int_equal(recv(p.server, buffer, 16, MSG_TRUNC), 6);
	heard(&h, "read 6 ;");
	sends(&p, "taken");
	piece = (struct iovec){ buffer, 16 };
	assert_int_equal(recvmmsg(p.server, messages, 1, 0, NULL), 1);
	heard(&h, "read 0 ;");
	close(file);
	close(ends[0]);
	close(ends[1]);
	pair_close(&p);
}

/* The end of a stream has a position of its own; what is read with it does not move by that. */
static void bytes_at_the_end_of_a_stream_keep_their_position(void **state)
{
	struct heard h = { 0 };
	struct pair p;
	char buffer[16];

	(void)state;
	watched(FILTER_WATCHED | FILTER_BARE);
	pair_open(&p);
	assert_int_equal(send(p.client, "la", 2, MSG_MORE), 2); /* goes with what follows */
	assert_int_equal(send(p.client, "st", 2, MSG_MORE), 2);
	shutdown(p.client, SHUT_WR);
	assert_int_equal(recv(p.server, buffer, 16, MSG_WAITALL), 4);
	heard(&h, "accepted 0 ;gone 0 ;read 4 last;");
	pair_close(&p);
}

static void a_reset_is_told_as_one(void **state)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct heard h = { 0 };
	struct pair p;

	(void)state;
	watched(FILTER_WATCHED | FILTER_BARE);
	pair_open(&p);
	setsockopt(p.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(p.client);
	p.client = -1;
	heard(&h, "accepted 0 ;gone 1 ;closed 0 ;");
	pair_close(&p);
}

static void of_cipher_text_the_hello_alone_is_told(void **state)
{
	static const char hello[] = "\x16\x03\x01\0\x3hel", plain[] = "HTTP/1.1 400 Bad";
	struct heard h = { 0 };
	struct pair p;
	char buffer[16];

	(void)state;
	pair_accept(&p, &h);
	assert_int_equal(send(p.client, hello, 8, 0), 8);
	sends(&p, "cipher");
	assert_int_equal(read(p.server, buffer, 5), 5); /* as libraries read it: the length first */
	assert_int_equal(read(p.server, buffer, 3), 3);
	heard(&h, "read 5 \x16\x03\x01;read 3 hel;");
	assert_int_equal(read(p.server, buffer, 6), 6);
	assert_int_equal(write(p.server, "cipher", 6), 6);
	heard(&h, "");
	h.out += 6;
	assert_int_equal(write(p.server, plain, sizeof(plain) - 1), sizeof(plain) - 1);
	heard(&h, "wrote 16 HTTP/1.1 400 Bad;");
	pair_close(&p);
}

static void what_was_open_before_is_found_and_of_others_nothing_is_told(void **state)
{
	struct heard h = { 0 };
	struct pair p;
	char buffer[16];

	(void)state;
	watched(FILTER_WATCHED);
	pair_open(&p);
	sends(&p, "x");
	assert_int_equal(read(p.server, buffer, 16), 1);
	heard(&h, "");
	watched(FILTER_WATCHED | FILTER_BARE);
	sends(&p, "y");
	assert_int_equal(read(p.server, buffer, 16), 1);
	heard(&h, ""); /* nobody has found it */
	assert_int_equal(http_find(probes), 0);
	assert_int_equal(http_find(probes), 0); /* once is enough */
	assert_int_equal(write(p.server, "to both", 7), 7);
	ring_read(ring, hear, &h); /* which of the two ends was first is not said */
	assert_non_null(strstr(h.text, "found 0 ;"));
	assert_null(strstr(strstr(h.text, "found 0 ;") + 1, "found"));
	pair_close(&p);
}

/* The ring, by a connection of its own. */
static void fill(struct pair *p)
{
	int file = memfd_create("byte", MFD_CLOEXEC);
	char big[2048] = "";

	pair_open(p);
	shutdown(p->client, SHUT_RD); /* nobody reads what fills the ring */
	assert_int_equal(ftruncate(file, 1), 0);
	for (uint32_t i = 0; i < HTTP_RING_BYTES / sizeof(big); i++) {
		assert_int_equal(send(p->client, big, sizeof(big), 0), sizeof(big));
		assert_int_equal(recv(p->server, big, sizeof(big), MSG_WAITALL), sizeof(big));
	}
	for (uint32_t i = 0; i < HTTP_RING_BYTES / EVENT; i++) { /* what has no text has room yet */
		off_t from = 0;

		assert_int_equal(sendfile(p->server, file, &from, 1), 1);
	}
	close(file);
}

/* Of all that it asks and answers from then on nothing is told. */
static void lose(const struct pair *p)
{
	struct pair other;
	uint64_t dropped;
	char buffer[64];

	fill(&other);
	dropped = probe_dropped(http_probe(probes));
	answers(p);
	assert_int_equal(send(p->server, "its body", 8, 0), 8);
	sends(p, "GET");
	assert_int_equal(read(p->server, buffer, 3), 3);
	answers(p);
	assert_int_equal(probe_dropped(http_probe(probes)), dropped + 2); /* and its resumption */
	pair_close(&other);
}

static void lost_are(uint64_t count)
{
	struct http_lost lost;

	assert_int_equal(http_lost_read(probes, getpid(), &lost), 0);
	assert_int_equal(lost.status[3], count);
	assert_int_equal(lost.status[0] + lost.status[1] + lost.status[2] + lost.status[4], 0);
	http_forget(probes, getpid());
	assert_int_equal(http_lost_read(probes, getpid(), &lost), -ENOENT);
}

static void answers_without_room_are_counted_until_a_request_has_room(void **state)
{
	struct heard h = { 0 };
	struct pair p;
	char buffer[16];

	(void)state;
	pair_accept(&p, &h);
	lose(&p);
	lost_are(2);
	sends(&p, "GET /");
	assert_int_equal(read(p.server, buffer, 5), 5);
	assert_int_equal(send(p.server, "HTTP/1.1 200", 12, 0), 12);
	heard(&h, "resumed 2 ;read 5 GET /;wrote 12 HTTP/1.1 200;");
	pair_close(&p);
}

static void an_end_without_room_is_told_when_there_is_some(void **state)
{
	struct heard h = { 0 };
	struct pair p, other;

	(void)state;
	pair_accept(&p, &h);
	fill(&other);
	answers(&p);
	assert_false(http_ends_wait(probes));
	close(p.server);
	p.server = -1;
	assert_true(http_ends_wait(probes));
	heard(&h, "");
	assert_int_equal(http_find(probes), 0);
	assert_false(http_ends_wait(probes));
	heard(&h, "closed 0 ;");
	assert_int_equal(h.end.length, 1); /* in a gap, … */
	assert_int_equal(h.end.seq, 1);    /* … with an answer that was counted */
	assert_int_equal(h.end.other, 0);
	lost_are(1);
	pair_close(&p);
	pair_close(&other);
}

/* The last one says how many there were. */
static void streams_without_room_are_told_by_their_number(void **state)
{
	static const char asks[] = "\0\0\1\1\5\0\0\0\5\x82"
				   "\0\0\1\1\5\0\0\0\7\x82";
	struct heard h = { 0 };
	struct pair p, other;
	char buffer[32];

	(void)state;
	pair_accept(&p, &h);
	fill(&other);
	assert_int_equal(send(p.client, asks, 20, 0), 20);
	assert_int_equal(read(p.server, buffer, 32), 20);
	drain();
	close(p.server);
	p.server = -1;
	heard(&h, "closed 0 ;");
	assert_int_equal(h.end.length, 1);
	assert_int_equal(h.end.seq, 0);
	assert_int_equal(h.end.other, 7);
	pair_close(&p);
	pair_close(&other);
}

static void the_configuration_says_which_may_be_tried(void **state)
{
	(void)state;
	assert_int_equal(http_sources("sockets"), 1u << HTTP_SOCKETS);
	assert_int_equal(http_sources("syscalls"), 1u << HTTP_CALLS);
	assert_int_equal(http_sources("auto"), (1u << HTTP_SOURCES) - 1);
	assert_string_equal(http_set(HTTP_SOCKETS)->name, "http");
	assert_string_equal(http_set(HTTP_CALLS)->name, "calls");
	assert_false(http_sees_rings(probes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_told_from_its_begin_to_its_end),
		cmocka_unit_test(pieces_are_told_by_their_own_positions),
		cmocka_unit_test(what_is_in_nobodys_memory_has_moved_all_the_same),
		cmocka_unit_test(bytes_at_the_end_of_a_stream_keep_their_position),
		cmocka_unit_test(a_reset_is_told_as_one),
		cmocka_unit_test(of_cipher_text_the_hello_alone_is_told),
		cmocka_unit_test(what_was_open_before_is_found_and_of_others_nothing_is_told),
		cmocka_unit_test(answers_without_room_are_counted_until_a_request_has_room),
		cmocka_unit_test(an_end_without_room_is_told_when_there_is_some),
		cmocka_unit_test(streams_without_room_are_told_by_their_number),
		cmocka_unit_test(the_configuration_says_which_may_be_tried),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = http_open(&probes, HTTP_CALLS, filter, &now);
	if (result == 0)
		result = ring_open(&ring, http_ring(probes), HTTP_RING_BYTES);
	if (result) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		http_close(probes);
		probe_filter_close(filter);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	ring_close(ring);
	http_close(probes);
	probe_filter_close(filter);
	return failed;
}
