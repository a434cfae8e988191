#include "core.h"
#include "drained.h"
#include "multiplex.h"

#include <ringside/ring.h>
#include <stdio.h>
#include <string.h>

/* Paths are packed as clients may, most by their place in the table: the agent says the same. */
#define REQUESTS 40000u
#define OPEN 12u /* few, so that none is left behind by all that the agent keeps */
#define PATHS 10u
#define TABLE 40u /* entries that are named: fewer than the table has room for */

static uint32_t seed = 11;

static uint32_t any(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static struct {
	struct connection *c;
	struct {
		uint32_t stream;
		uint16_t path;
	} open[OPEN];
	uint16_t told[RS_BIG_SLOTS]; /* paths of requests that have a record, by order */
	uint16_t table[TABLE];       /* paths by insertion; PATHS: none */
	uint32_t inserted;
	uint32_t open_count, told_first, told_last, next;
	uint32_t known, unknown;
} talk;

static int setup(void **state)
{
	core_setup(state);
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guard_leave();
	return 0;
}

static void move(enum connection_way way, const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t part = any(30) ? n : 1 + any((uint32_t)n);
		struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = part };

		connection_move(talk.c, way, &iov, part);
		bytes += part;
		n -= part;
	}
}

static size_t literal(uint8_t *out, uint8_t form, const char *value)
{
	size_t n = strlen(value);

	out[0] = form;
	out[1] = (uint8_t)n;
	memcpy(out + 2, value, n);
	return n + 2;
}

static void inserted(uint32_t path)
{
	talk.table[talk.inserted++ % TABLE] = (uint16_t)path;
}

/* By an index, if it is in the table still. */
static size_t indexed(uint8_t *out, uint32_t path)
{
	for (uint32_t back = 0; back < TABLE && back < talk.inserted; back++) {
		if (talk.table[(talk.inserted - 1 - back) % TABLE] != path)
			continue;
		out[0] = (uint8_t)(0x80 | (62 + back));
		return 1;
	}
	return 0;
}

/* As clients do: much the same again and again, now and then something that is inserted. */
static size_t pack(uint32_t path, uint8_t *out)
{
	size_t n = 0, by_index;
	char text[64];

	snprintf(text, sizeof(text), "/path/%u%s", path, path % 3 ? "" : "?query");
	out[n++] = path % 2 ? 0x82 : 0x83;
	out[n++] = 0x86;
	by_index = any(20) ? indexed(out + n, path) : 0;
	n += by_index;
	if (!by_index && any(2)) {
		n += literal(out + n, 0x44, text);
		inserted(path);
	} else if (!by_index) {
		n += literal(out + n, 0x04, text);
	}
	if (!any(50)) {
		n += literal(out + n, 0x7a, "another user-agent");
		inserted(PATHS);
	}
	return n;
}

static void frame(uint8_t *out, size_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
	const uint8_t head[9] = {
		(uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, type, flags, 0,
		(uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
	};

	memcpy(out, head, sizeof(head));
}

static void ask(void)
{
	uint8_t bytes[1024];
	uint32_t path = any(PATHS), stream = 2 * talk.next++ + 1;
	size_t n = pack(path, bytes + 9);

	frame(bytes, n, 1, 5, stream);
	talk.open[talk.open_count].stream = stream;
	talk.open[talk.open_count++].path = (uint16_t)path;
	move(CONNECTION_READ, bytes, n + 9);
}

static void answer(void)
{
	uint32_t i = any(talk.open_count);
	uint64_t pushed = here.block->pushed[RS_KIND_REQUEST];
	uint8_t bytes[10];

	bytes[9] = 0x88;
	frame(bytes, 1, 1, 5, talk.open[i].stream);
	move(CONNECTION_WRITE, bytes, sizeof(bytes));
	if (here.block->pushed[RS_KIND_REQUEST] > pushed)
		talk.told[talk.told_last++ % RS_BIG_SLOTS] = talk.open[i].path;
	talk.open[i] = talk.open[--talk.open_count];
}

static void drain(void)
{
	char path[RS_PATH_BYTES + 1], wanted[32];

	while (drained_next(path) >= 0) {
		assert_true(talk.told_first < talk.told_last);
		snprintf(wanted, sizeof(wanted), "/path/%u",
			 talk.told[talk.told_first++ % RS_BIG_SLOTS]);
		if (*path)
			assert_string_equal(path, wanted);
		talk.known += *path != '\0';
		talk.unknown += *path == '\0';
	}
	ring_release(&here.block->tail, drained_tail());
}

static void begin(void)
{
	static const uint8_t first[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

	memset(&talk, 0, sizeof(talk));
	talk.c = connection_open(EXCHANGE_ACCEPTED);
	drained_open((struct rs_head *)(void *)here.slots, RS_BIG_SLOTS);
	move(CONNECTION_READ, first, sizeof(first)); /* the last zero is the end of its head */
	move(CONNECTION_WRITE, first + 24, 9);
}

static void end(void)
{
	while (talk.open_count) {
		answer();
		drain();
	}
	drain();
	assert_int_equal(talk.told_first, talk.told_last);
	assert_int_equal(here.block->requests, talk.next);
	connection_put(talk.c);
	drained_close();
}

/* every: turns between two visits of the agent. */
static void run(uint32_t every)
{
	begin();
	for (uint32_t turn = 0; talk.next < REQUESTS; turn++) {
		if (talk.open_count < OPEN && (any(2) || !talk.open_count))
			ask();
		else
			answer();
		if (turn % every == 0)
			drain();
	}
	end();
}

static void each_path_is_what_was_packed(void **state)
{
	(void)state;
	run(50);
	assert_int_equal(talk.unknown, 0);
	assert_int_equal(talk.known, REQUESTS);
	assert_true(here.block->pushed[RS_KIND_HEADERS] < REQUESTS / 2); /* some came again */
}

static void where_lanes_run_full_no_path_is_wrong(void **state)
{
	(void)state;
	run(1500);
	assert_true(talk.known > 0 && talk.known < REQUESTS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_path_is_what_was_packed),
		TEST(where_lanes_run_full_no_path_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
