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
					     "writing", "wrote",    "gone",  "closed",  "?",
					     "?",       "?",        "?",     "resumed" };
	const struct http_event *e = record;
	struct heard *h = ctx;
	size_t n = strlen(h->text);

	assert_true(bytes >= sizeof(*e) + e->kept);
	if (!h->connection)
		h->connection = e->connection;
	if (e->connection != h->connection || n > sizeof(h->text) / 2)
		return;
	if (e->kind == HTTP_CLOSED && e->length)
		snprintf(h->text + n, sizeof(h->text) - n, "closed behind %u, %u;", e->seq,
			 e->other);
	else
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
	struct heard h = { 0 };
	struct sockaddr_in at;
	char buffer[16];
	int listener, client, server;

	(void)state;
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	assert_int_equal(arrival_strain_add(http_probe(probes), getpid(), 0, &now), -ENOENT);
	assert_int_equal(arrival_watch(http_probe(probes), getpid(), true), 0);
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
	arrival_watch(http_probe(probes), getpid(), false);
	close(client);
	close(server);
	close(listener);
	ring_read(ring, hear, &h);
}

#define RING_HEAD 8u /* the kernel's, ahead of each event */
#define EVENT_BYTES (sizeof(struct http_event) + RING_HEAD)
#define SMALL_BYTES (EVENT_BYTES + HTTP_SMALL)

/* A connection of ours, and no more room in the ring than left. */
struct crowded {
	struct heard heard;
	int listener, client, server;
};

static void empty(void)
{
	struct heard h = { .connection = UINT64_MAX }; /* nobody's */

	ring_read(ring, hear, &h);
}

/* What is written in vain tells one small event; and so no more is written than what fits. */
static void crowd(struct crowded *c, uint32_t left)
{
	struct sockaddr_in at;

	memset(c, 0, sizeof(*c));
	assert_int_equal(probe_filter_put(filter, getpid(), FILTER_WATCHED | FILTER_BARE), 0);
	http_forget(probes, getpid());
	c->listener = listens(&at);
	c->client = connects(&at);
	c->server = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
	heard(&c->heard, "accepted 0 ;");
	for (uint32_t i = 0; i < (HTTP_RING_BYTES - 1 - left) / EVENT_BYTES; i++)
		send(c->server, "", 0, 0);
}

static void uncrowd(struct crowded *c)
{
	close(c->client);
	close(c->server);
	close(c->listener);
	empty();
	assert_int_equal(http_find(probes), 0);
	empty();
	http_forget(probes, getpid());
}

static void asks(const struct crowded *c, const char *text)
{
	char buffer[256];
	ssize_t n = (ssize_t)strlen(text);

	assert_int_equal(send(c->client, text, (size_t)n, 0), n);
	assert_int_equal(recv(c->server, buffer, sizeof(buffer), 0), n);
}

static void answers(const struct crowded *c, const char *text)
{
	char buffer[256];
	ssize_t n = (ssize_t)strlen(text);

	assert_int_equal(send(c->server, text, (size_t)n, 0), n);
	assert_int_equal(recv(c->client, buffer, sizeof(buffer), 0), n);
}

static uint64_t lost(uint32_t class)
{
	struct http_lost row = { 0 };

	assert_int_equal(http_lost_read(probes, getpid(), &row), 0);
	return row.status[class - 1];
}

static void an_answer_without_room_is_counted_by_its_status(void **state)
{
	struct http_lost row;
	struct crowded c;

	(void)state;
	crowd(&c, 0);
	assert_int_equal(http_lost_read(probes, getpid(), &row), -ENOENT);
	answers(&c, "HTTP/1.1 404 Not Found\r\n\r\n");
	answers(&c, "no answer begins here");
	assert_int_equal(lost(4), 1);
	assert_int_equal(lost(1) + lost(2) + lost(3) + lost(5), 0);
	uncrowd(&c);
	assert_int_equal(http_lost_read(probes, getpid(), &row), -ENOENT);
}

/* Its head was told, and its body not: the agent will never see its end. */
static void an_answer_that_had_begun_is_counted_too(void **state)
{
	struct crowded c;

	(void)state;
	crowd(&c, 2 * SMALL_BYTES + EVENT_BYTES);
	asks(&c, "GET /1 HTTP/1.1\r\n\r\n");
	answers(&c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
	answers(&c, "bo");
	answers(&c, "dy");
	assert_int_equal(lost(2), 1);
	empty();
	asks(&c, "GET /2 HTTP/1.1\r\n\r\n");
	answers(&c, "HTTP/1.1 204 No Content\r\n\r\n");
	heard(&c.heard, "resumed 1 ;arrived 19 GET /2 HTTP/1.1\r\n\r\n;read 19 ;"
			"wrote 27 HTTP/1.1 204 No Content\r\n\r\n;");
	assert_int_equal(lost(2), 1);
	uncrowd(&c);
}

/* There was room for small ones: what has no begin or end is not told by halves. */
static void in_a_gap_nothing_is_told_of_what_is_counted(void **state)
{
	struct crowded c;

	(void)state;
	crowd(&c, SMALL_BYTES - 1);
	asks(&c, "GET /1 HTTP/1.1\r\n\r\n");
	empty();
	answers(&c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	answers(&c, "hi");
	heard(&c.heard, "");
	assert_int_equal(lost(2), 1);
	uncrowd(&c);
}

/* A child that ended before anybody knew it leaves its row behind. */
static void a_map_full_of_rows_of_the_dead_still_counts(void **state)
{
	const struct http_lost dead = { .status = { 1 } };
	struct crowded c;

	(void)state;
	for (uint32_t i = 0; i < 2 * FILTER_TARGETS; i++)
		assert_int_equal(
			probe_row_put(http_probe(probes), HTTP_LOST_MAP, (1u << 22) + i, &dead), 0);
	crowd(&c, 0);
	answers(&c, "HTTP/1.1 404 Not Found\r\n\r\n");
	assert_int_equal(lost(4), 1);
	uncrowd(&c);
}

static void an_end_without_room_is_told_later(void **state)
{
	struct crowded c;

	(void)state;
	crowd(&c, 0);
	asks(&c, "GET /1 HTTP/1.1\r\n\r\n");
	answers(&c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_false(http_ends_wait(probes));
	close(c.client);
	close(c.server);
	assert_true(http_ends_wait(probes));
	empty();
	assert_int_equal(http_find(probes), 0);
	assert_false(http_ends_wait(probes));
	heard(&c.heard, "closed behind 1, 0;");
	c.client = c.server = -1;
	uncrowd(&c);
}

static void kept(void *ctx, const void *record, size_t bytes)
{
	const struct http_event *e = record;
	uint32_t *most = ctx;

	(void)bytes;
	if (e->kind == HTTP_ARRIVED)
		*most = e->kept;
}

static uint32_t kept_of(const struct crowded *c, const char *packet, size_t bytes)
{
	char buffer[4096];
	uint32_t most = 0;

	assert_int_equal(send(c->client, packet, bytes, 0), bytes);
	assert_int_equal(recv(c->server, buffer, bytes, MSG_WAITALL), bytes);
	ring_read(ring, kept, &most);
	return most;
}

static void where_there_is_little_room_bodies_are_cut_and_streams_are_not(void **state)
{
	static const char head[] = "\0\0\1\1\5\0\0\0\3\x82"; /* HEADERS, and many of them */
	char packet[HTTP_MIDDLE + 100] = "";
	struct crowded c;

	(void)state;
	crowd(&c, HTTP_RING_BYTES / 2);
	assert_int_equal(kept_of(&c, packet, sizeof(packet)), HTTP_MIDDLE);
	uncrowd(&c);
	memcpy(packet, head, sizeof(head));
	crowd(&c, HTTP_RING_BYTES / 2);
	assert_int_equal(kept_of(&c, packet, sizeof(packet)), sizeof(packet));
	uncrowd(&c);
}

static void streams_that_found_no_room_are_told_by_the_last(void **state)
{
	static const char frames[] = "\0\0\1\1\5\0\0\0\3\x82" /* HEADERS, of stream 3 */
				     "\0\0\0\4\1\0\0\0\0"     /* SETTINGS */
				     "\0\0\1\1\5\0\0\0\7\x82";
	struct crowded c;
	char buffer[64];

	(void)state;
	crowd(&c, 0);
	assert_int_equal(send(c.client, frames, sizeof(frames) - 1, 0), sizeof(frames) - 1);
	assert_int_equal(recv(c.server, buffer, sizeof(buffer), 0), sizeof(frames) - 1);
	empty();
	close(c.client);
	c.client = -1;
	close(c.server);
	c.server = -1;
	heard(&c.heard, "gone 0 ;closed behind 0, 7;");
	uncrowd(&c);
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
		cmocka_unit_test(an_answer_that_had_begun_is_counted_too),
		cmocka_unit_test(in_a_gap_nothing_is_told_of_what_is_counted),
		cmocka_unit_test(a_map_full_of_rows_of_the_dead_still_counts),
		cmocka_unit_test(an_end_without_room_is_told_later),
		cmocka_unit_test(where_there_is_little_room_bodies_are_cut_and_streams_are_not),
		cmocka_unit_test(streams_that_found_no_room_are_told_by_the_last),
		cmocka_unit_test(what_was_open_before_is_found_and_of_others_nothing_is_told),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = http_open(&probes, HTTP_SOCKETS, filter, &now);
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
