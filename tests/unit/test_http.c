#include "arrival.h"
#include "filter.h"
#include "http.h"
#include "http_event.h"
#include "ring.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

static struct probe_filter *filter;
static struct http *probes;
static struct ring *ring;

struct heard {
	char text[512];
	unsigned long long connection;
};

static void hear(void *ctx, const void *record, size_t bytes)
{
	static const char *const kinds[] = { "?",       "accepted", "found", "arrived", "read",
					     "writing", "wrote",    "gone",  "closed" };
	const struct http_event *e = record;
	struct heard *h = ctx;
	size_t n = strlen(h->text);

	assert_true(bytes >= sizeof(*e) + e->kept);
	if (!h->connection)
		h->connection = e->connection;
	if (e->connection == h->connection)
		snprintf(h->text + n, sizeof(h->text) - n, "%s %u %.*s;", kinds[e->kind], e->length,
			 (int)e->kept, (const char *)(e + 1));
}

static void heard(struct heard *h, const char *text)
{
	h->text[0] = '\0';
	ring_read(ring, hear, h);
	assert_string_equal(h->text, text);
}

static int listens(struct sockaddr_in *at)
{
	socklen_t bytes = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)at, bytes), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &bytes), 0);
	return fd;
}

static int connects(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)to, sizeof(*to)), 0);
	return fd;
}

static void a_connection_is_told_from_its_begin_to_its_end(void **state)
{
	struct heard h = { 0 };
	struct sockaddr_in at;
	char buffer[16];
	int listener, client, server;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	listener = listens(&at);
	client = connects(&at);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	heard(&h, "accepted 0 ;");
	assert_int_equal(send(client, "question", 8, 0), 8);
	heard(&h, "arrived 8 question;");
	assert_int_equal(recv(server, buffer, 4, MSG_PEEK), 4); /* that takes nothing */
	assert_int_equal(read(server, buffer, 4), 4);
	assert_int_equal(recv(server, buffer, 16, 0), 4);
	heard(&h, "read 4 ;read 4 ;");
	assert_int_equal(send(server, "answer", 6, 0), 6);
	heard(&h, "wrote 6 answer;");
	assert_int_equal(recv(client, buffer, 16, 0), 6);
	close(client); /* with bytes that it had not read it would be a reset */
	heard(&h, "gone 0 ;");
	close(server);
	heard(&h, "closed 0 ;");
	close(listener);
}

/* Who may not take all of it has told no more than was taken. */
static void the_pieces_of_a_write_are_told_as_far_as_they_were_taken(void **state)
{
	struct heard h = { 0 };
	char head[] = "head", body[] = "body and more", nothing[] = "";
	struct iovec pieces[] = { { head, 4 }, { nothing, 0 }, { body, 4 } };
	struct sockaddr_in at;
	char *big = calloc(1, 8 << 20), tail[32];
	int listener, client, server;
	ssize_t taken;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	listener = listens(&at);
	client = connects(&at);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	heard(&h, "accepted 0 ;");
	assert_int_equal(writev(server, pieces, 3), 8);
	heard(&h, "writing 4 head;wrote 8 body;");
	taken = send(server, big, 8 << 20, MSG_DONTWAIT);
	assert_in_range(taken, 1, (8 << 20) - 1);
	snprintf(tail, sizeof(tail), "wrote %zd ;", taken); /* of zeros */
	heard(&h, tail);
	assert_int_equal(send(server, big, 8 << 20, MSG_DONTWAIT), -1);
	heard(&h, "");
	free(big);
	close(client);
	close(server);
	close(listener);
	h.text[0] = '\0';
	ring_read(ring, hear, &h);
}

/* It lay there while nobody had accepted it, and then was read twice. */
static void what_arrives_lies_there_until_it_is_read(void **state)
{
	const struct timespec span = { .tv_nsec = 30000000 };
	struct strain before = { 0 }, now = { 0 };
	struct sockaddr_in at;
	char buffer[16];
	int listener, client, server;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	assert_int_equal(arrival_strain_add(http_probe(probes), getpid(), 0, &now), -ENOENT);
	assert_int_equal(arrival_watch(http_probe(probes), getpid()), 0);
	listener = listens(&at);
	client = connects(&at);
	assert_int_equal(arrival_strain_add(http_probe(probes), getpid(), 0, &before), 0);
	assert_int_equal(send(client, "question", 8, 0), 8);
	nanosleep(&span, NULL);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(recv(server, buffer, 4, 0), 4);
	assert_int_equal(recv(server, buffer, 4, 0), 4);
	assert_int_equal(arrival_strain_add(http_probe(probes), getpid(), 0, &now), 0);
	assert_int_equal(now.arrivals - before.arrivals, 1);
	assert_in_range(now.arrival_ns - before.arrival_ns, 30000000, 10000000000);
	arrival_forget(http_probe(probes), getpid());
	close(client);
	close(server);
	close(listener);
}

static void an_answer_without_room_is_counted_by_its_status(void **state)
{
	static const char answer[] = "HTTP/1.1 404 Not Found\r\n\r\n";
	struct http_lost lost;
	struct sockaddr_in at;
	struct heard h = { 0 };
	char big[2048] = "";
	int listener, client, server;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	assert_int_equal(http_lost_read(probes, getpid(), &lost), -ENOENT);
	listener = listens(&at);
	client = connects(&at);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	for (uint32_t i = 0; i < HTTP_RING_BYTES / 2048;
	     i++) { /* until nothing has room any more */
		assert_int_equal(send(client, big, sizeof(big), 0), sizeof(big));
		assert_int_equal(recv(server, big, sizeof(big), MSG_WAITALL), sizeof(big));
	}
	for (uint32_t i = 0; i < 2048 / HTTP_SMALL; i++) /* and what is left of it */
		assert_int_equal(send(server, big, 1, 0), 1);
	assert_int_equal(send(server, answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
	assert_int_equal(send(server, big, 20, 0), 20); /* no answer begins here */
	assert_int_equal(http_lost_read(probes, getpid(), &lost), 0);
	assert_int_equal(lost.status[3], 1);
	assert_int_equal(lost.status[0] + lost.status[1] + lost.status[2] + lost.status[4], 0);
	http_forget(probes, getpid());
	assert_int_equal(http_lost_read(probes, getpid(), &lost), -ENOENT);
	close(client);
	close(server);
	close(listener);
	h.connection = UINT64_MAX; /* nobody's: the ring is emptied */
	ring_read(ring, hear, &h);
}

static void what_was_open_before_is_found_and_of_others_nothing_is_told(void **state)
{
	struct heard h = { 0 };
	struct sockaddr_in at;
	int listener, client, server, later;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED), 0);
	listener = listens(&at);
	client = connects(&at);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(write(client, "x", 1), 1);
	heard(&h, "");
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	assert_int_equal(http_find(probes), 0);
	ring_read(ring, hear, &h);
	assert_non_null(strstr(h.text, "found 0 ;"));
	memset(&h, 0, sizeof(h));
	later = connects(&at);
	heard(&h, "accepted 0 ;"); /* the listening socket was found too */
	close(later);
	close(client);
	close(server);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_told_from_its_begin_to_its_end),
		cmocka_unit_test(the_pieces_of_a_write_are_told_as_far_as_they_were_taken),
		cmocka_unit_test(what_arrives_lies_there_until_it_is_read),
		cmocka_unit_test(an_answer_without_room_is_counted_by_its_status),
		cmocka_unit_test(what_was_open_before_is_found_and_of_others_nothing_is_told),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = http_open(&probes, filter, &now);
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
	http_close(NULL);
	probe_filter_close(filter);
	return failed;
}
