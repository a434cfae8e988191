#include "backlog.h"
#include "moves.h"
#include "multiplex.h"
#include "turn.h"

#include <ringside/ring.h>
#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define ASKED "\0\0\2\1\5\0\0\0\1\x82\x84"
#define ANSWERED "\0\0\1\1\5\0\0\0\1\x88"

static void a_stream_is_a_request_and_its_blocks_come_before(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	assert_int_equal(here.block->begun, 1);
	WRITE(c, SETTINGS ANSWERED);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(here.lane->head - at, 2);
	assert_int_equal(record(at)->kind, RS_KIND_HEADERS);
	assert_int_equal(record(at)->connection, c->id);
	assert_int_equal(record(at)->headers.number, 0);
	assert_int_equal(record(at)->headers.stream, 1);
	assert_int_equal(record(at)->headers.place, 1);
	assert_int_equal(record(at)->headers.last, 1);
	assert_int_equal(record(at)->headers.length, 2);
	assert_memory_equal(record(at)->headers.bytes, "\x82\x84", 2);
	assert_int_equal(record(at + 1)->kind, RS_KIND_REQUEST);
	assert_int_equal(record(at + 1)->served.status, 200);
	assert_int_equal(record(at + 1)->served.protocol, RS_PROTOCOL_HTTP2);
	assert_int_equal(rs_block_of(record(at + 1)), 1);
	connection_put(c);
	assert_int_equal(record(at + 2)->closed.protocol, RS_PROTOCOL_HTTP2);
	assert_int_equal(record(at + 2)->closed.requests, 1);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_GARBAGE], 0);
	assert_int_equal(here.block->aborted, 0);
}

static uint32_t stream_of(uint64_t at)
{
	uint32_t stream;

	assert_int_equal(*((uint8_t *)record(at + 1) + 8), RS_SECTION_STREAM);
	memcpy(&stream, (uint8_t *)record(at + 1) + 12, sizeof(stream));
	return stream;
}

static void a_block_that_inserts_is_known_by_its_stream(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\5\1\5\0\0\0\1\x82\x44\2/a");
	WRITE(c, SETTINGS ANSWERED);
	assert_int_equal(record(at)->headers.place, 0);
	assert_int_equal(rs_block_of(record(at + 1)), 0);
	assert_int_equal(stream_of(at + 1), 1);
	connection_put(c);
}

/* All ends are written later, so that what is asked stands alone. */
static void a_block_that_comes_again_is_not_sent_again(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, PREFACE SETTINGS ASKED "\0\0\2\1\5\0\0\0\3\x82\x84\0\0\2\1\5\0\0\0\5\x82\x85");
	READ(c, "\0\0\2\1\5\0\0\0\7\x82\x84");
	assert_int_equal(here.lane->head - at, 2); /* of the first and the third */
	assert_int_equal(here.block->counted[RS_KIND_HEADERS], 2);
	here.lane->head += RS_BIG_SLOTS - 2; /* full: what is known needs no room */
	READ(c, "\0\0\2\1\5\0\0\0\x9\x82\x85");
	here.lane->head = at = 1;
	WRITE(c, SETTINGS ANSWERED "\0\0\1\1\5\0\0\0\3\x88\0\0\1\1\5\0\0\0\5\x88"
				   "\0\0\1\1\5\0\0\0\7\x88\0\0\1\1\5\0\0\0\x9\x88");
	assert_int_equal(here.lane->head - at, 5);
	assert_int_equal(rs_block_of(record(at)), 1);
	assert_int_equal(rs_block_of(record(at + 1)), 1);
	assert_int_equal(rs_block_of(record(at + 2)), 2);
	assert_int_equal(rs_block_of(record(at + 3)), 1);
	assert_int_equal(rs_block_of(record(at + 4)), 2);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 0);
	connection_put(c);
}

/* What 0xbe means is another thing behind each insertion. */
static void behind_an_insertion_the_same_bytes_are_sent_again(void **state)
{
	static const char *const changes[] = {
		"\0\0\5\1\5\0\0\0\5\x82\x44\2/b", /* inserts */
		"\0\0\3\1\5\0\0\0\5\x20\x82\x84", /* empties the table */
		"\0\0\2\1\1\0\0\0\5\x82\x84",     /* is cut … */
	};
	static const size_t lengths[] = { 14, 12, 11 };

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct connection *c = connection_open(EXCHANGE_ACCEPTED);
		uint64_t at;

		READ(c, PREFACE SETTINGS "\0\0\5\1\5\0\0\0\1\x82\x44\2/a");
		READ(c, "\0\0\2\1\5\0\0\0\3\x82\xbe");
		move(c, CONNECTION_READ, changes[i], lengths[i]);
		if (i == 2)
			READ(c, "\0\0\4\x9\4\0\0\0\5\x44\2/b"); /* … and inserts at its end */
		at = here.lane->head;
		READ(c, "\0\0\2\1\5\0\0\0\7\x82\xbe");
		assert_int_equal(here.lane->head - at, 1);
		assert_memory_equal(record(at)->headers.bytes, "\x82\xbe", 2);
		assert_int_equal(record(at)->headers.last, 1);
		connection_put(c);
	}
}

static void trailers_are_not_what_a_request_is_known_by(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\2\1\4\0\0\0\1\x83\x84\0\0\1\1\5\0\0\0\1\x90");
	READ(c, "\0\0\1\1\5\0\0\0\3\x90");
	at = here.lane->head;
	assert_int_equal(record(at - 2)->headers.place, 0);
	WRITE(c, SETTINGS ANSWERED "\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(rs_block_of(record(at)), 1);
	assert_int_equal(rs_block_of(record(at + 1)), 3);
	connection_put(c);
}

static void a_child_refers_to_nothing_of_its_parent(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at;

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	connection_adopt(c);
	READ(c, "\0\0\2\1\5\0\0\0\3\x82\x84");
	at = here.lane->head;
	WRITE(c, SETTINGS ANSWERED "\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(here.lane->head - at, 2);
	assert_int_equal(rs_block_of(record(at)), 0);
	assert_int_equal(rs_block_of(record(at + 1)), 0);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 2);
	connection_put(c);
}

/* A client with prior knowledge of what is not so. */
static void a_server_that_answers_by_http1_declines(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	WRITE(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[3], 1);
	assert_int_equal(here.block->refused, 1);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_GARBAGE], 1);
	READ(c, ASKED);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->aborted, 0);
}

static void no_server_declines_behind_its_first_frame(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	WRITE(c, SETTINGS);
	WRITE(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
	assert_int_equal(here.block->status[3], 0);
	assert_int_equal(here.block->refused, 0);
	connection_put(c);
}

static void it_begins_at_every_split(void **state)
{
	static const char in[] = PREFACE SETTINGS ASKED;

	(void)state;
	for (size_t cut = 1; cut < sizeof(in) - 1; cut++) {
		struct connection *c = connection_open(EXCHANGE_ACCEPTED);
		uint64_t requests = here.block->requests;

		move(c, CONNECTION_READ, in, cut);
		move(c, CONNECTION_READ, in + cut, sizeof(in) - 1 - cut);
		WRITE(c, SETTINGS ANSWERED);
		assert_int_equal(here.block->requests, requests + 1);
		connection_put(c);
	}
	assert_int_equal(here.block->aborted, 0);
}

static void a_proxy_line_may_stand_ahead(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" PREFACE SETTINGS ASKED);
	WRITE(c, SETTINGS ANSWERED);
	assert_int_equal(here.block->requests, 1);
	connection_put(c);
}

static void a_server_may_speak_first(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	WRITE(c, SETTINGS);
	READ(c, "PRI * HT");
	READ(c, "TP/2.0\r\n\r\nSM\r\n\r\n" SETTINGS ASKED);
	WRITE(c, ANSWERED);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	connection_put(c);
}

static void what_was_inherited_is_known_by_its_preface(void **state)
{
	struct connection *c = connection_open(EXCHANGE_UNKNOWN);

	(void)state;
	assert_true(READ(c, PREFACE SETTINGS ASKED));
	assert_true(WRITE(c, SETTINGS ANSWERED));
	assert_int_equal(here.block->requests, 1);
	connection_put(c);
}

static void a_file_that_is_sent_counts(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	WRITE(c, SETTINGS "\0\0\1\1\4\0\0\0\1\x88\0\1\0\0\1\0\0\0\1");
	connection_move(c, CONNECTION_WRITE, NULL, 255);
	assert_int_equal(here.block->requests, 0);
	connection_move(c, CONNECTION_WRITE, NULL, 1);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->bytes_out, 10 + 9 + 256);
	connection_put(c);
}

static void what_is_open_at_the_end_was_aborted(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	connection_gone(c, true);
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
	assert_int_equal(here.block->cut_by_client, 1);
	assert_int_equal(here.block->requests, here.block->begun);
}

static void a_block_that_inserts_nothing_is_lost_alone(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	here.lane->head += RS_BIG_SLOTS - 1; /* full */
	READ(c, "\0\0\2\1\5\0\0\0\3\x82\x85");
	assert_int_equal(here.block->dropped[RS_KIND_HEADERS], 1);
	here.lane->head = 1;
	READ(c, "\0\0\2\1\5\0\0\0\5\x82\x85");
	assert_int_equal(record(1)->headers.stream, 5);
	assert_int_equal(record(1)->headers.number, 1);
	WRITE(c, SETTINGS ANSWERED "\0\0\1\1\5\0\0\0\3\x88\0\0\1\1\5\0\0\0\5\x88");
	assert_int_equal(here.block->requests, 3);
	assert_int_equal(here.block->status[1], 3);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 1);
	assert_int_equal(here.block->counted[RS_KIND_HEADERS],
			 here.block->pushed[RS_KIND_HEADERS] +
				 here.block->dropped[RS_KIND_HEADERS]);
	connection_put(c);
}

static void a_block_that_inserts_goes_first_once_there_is_room(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	READ(c, PREFACE SETTINGS ASKED);
	here.lane->head += RS_BIG_SLOTS - 1; /* full */
	READ(c, "\0\0\5\1\5\0\0\0\3\x82\x44\2/a");
	READ(c, "\0\0\2\1\5\0\0\0\5\x82\xbe"); /* told, and lost alone */
	here.lane->head = 1;
	READ(c, "\0\0\2\1\5\0\0\0\7\x82\xbe");
	assert_int_equal(record(1)->headers.stream, 3);
	assert_int_equal(record(1)->headers.number, 1);
	assert_memory_equal(record(1)->headers.bytes, "\x82\x44\2/a", 5);
	assert_int_equal(record(2)->headers.stream, 7);
	assert_int_equal(record(2)->headers.number, 2);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 1);
	connection_put(c);
}

static void what_no_room_is_left_for_is_told_for_each_request_from_there_on(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	static char block[BACKLOG_BYTES];

	(void)state;
	memset(block, 0x82, sizeof(block));
	READ(c, PREFACE SETTINGS "\0\x8\0\1\5\0\0\0\1");
	here.lane->head += RS_BIG_SLOTS; /* full */
	move(c, CONNECTION_READ, block, sizeof(block));
	here.lane->head = 1;
	READ(c, "\0\0\2\1\5\0\0\0\3\x82\x84");
	assert_int_equal(here.lane->head, 1); /* nobody reads on */
	WRITE(c, SETTINGS ANSWERED "\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 2);
	connection_put(c);
}

static void an_agent_that_comes_later_is_told_of_the_gap(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	atomic_store(&home.header->agent.epoch, 0);
	READ(c, PREFACE SETTINGS ASKED);
	WRITE(c, SETTINGS ANSWERED);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 0); /* nobody asked */
	atomic_store(&home.header->agent.epoch, 2);
	READ(c, "\0\0\2\1\5\0\0\0\3\x82\x84");
	WRITE(c, "\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 1);
	assert_int_equal(here.block->pushed[RS_KIND_HEADERS], 0);
	connection_put(c);
}

static void a_long_block_travels_in_several_records(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	static char block[2000];
	uint64_t at;

	(void)state;
	memset(block, 0x82, sizeof(block));
	READ(c, PREFACE SETTINGS "\0\x7\xd0\1\5\0\0\0\1");
	at = here.lane->head;
	move(c, CONNECTION_READ, block, sizeof(block));
	assert_int_equal(record(at)->headers.length, EMIT_PIECE_MOST);
	assert_int_equal(record(at)->headers.last, 0);
	assert_int_equal(record(at + 16)->headers.number, 1);
	assert_int_equal(record(at + 32)->headers.number, 2);
	assert_int_equal(record(at + 32)->headers.length, 2000 - 2 * EMIT_PIECE_MOST);
	assert_int_equal(record(at + 32)->headers.last, 1);
	connection_put(c);
}

static void nothing_confidential_is_sent(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\x0a\1\5\0\0\0\1\x82\x04\7/a?b=cd");
	assert_int_equal(record(at)->headers.length, 10);
	assert_memory_equal(record(at)->headers.bytes, "\x82\x04\7/a?aaaa", 10);
	at = here.lane->head;
	READ(c, "\0\0\x0a\1\5\0\0\0\3\x82\x04\7/a?b=cd"); /* known by what it was */
	READ(c, "\0\0\x0a\1\5\0\0\0\5\x82\x04\7/a?e=fg");
	assert_int_equal(here.lane->head - at, 1);
	assert_memory_equal(record(at)->headers.bytes, "\x82\x04\7/a?aaaa", 10);
	connection_put(c);
}

static void what_is_cut_within_a_string_is_masked_as_a_whole(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\5\1\1\0\0\0\1\x82\x04\7/a");
	at = here.lane->head;
	assert_int_equal(record(at - 1)->headers.length, 2);
	assert_int_equal(record(at - 1)->headers.last, 0);
	READ(c, "\0\0\2\x9\0\0\0\0\1?b");
	assert_int_equal(here.lane->head - at, 0); /* nothing is certain yet */
	READ(c, "\0\0\3\x9\4\0\0\0\1=cd");
	assert_int_equal(here.lane->head - at, 1);
	assert_memory_equal(record(at)->headers.bytes, "\7/a?aaaa", 8);
	assert_int_equal(record(at)->headers.last, 1);
	connection_put(c);
}

static void a_tunnel_is_a_request_until_it_is_open(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\x0a\1\4\0\0\0\1\x02\7CONNECT\x84");
	READ(c, "\0\0\x0a\1\4\0\0\0\3\x02\7CONNECT\x84"); /* the same is one too */
	at = here.lane->head;
	WRITE(c, SETTINGS "\0\0\1\1\4\0\0\0\1\x88\0\0\1\1\4\0\0\0\3\x88");
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(record(at)->served.status, 200);
	assert_int_equal(stream_of(at), 1);
	assert_int_equal(stream_of(at + 2), 3);
	READ(c, "\0\0\1\0\1\0\0\0\1x");
	connection_put(c);
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(here.block->aborted, 0);
}

static void behind_a_block_without_sense_nothing_is_sent(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	uint64_t at = here.lane->head;

	(void)state;
	READ(c, PREFACE SETTINGS "\0\0\5\1\5\0\0\0\1\x82\x04\7/a"
				 "\0\0\2\1\5\0\0\0\3\x82\x84");
	assert_int_equal(here.lane->head - at, 0);
	WRITE(c, SETTINGS ANSWERED);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 1);
	assert_int_equal(record(at)->flags, RS_FLAG_DETAIL_CUT);
	connection_put(c);
}

/* Several records of a block that changes nothing: those that find no room wait for it. */
static void a_block_that_grows_is_not_lost_in_its_middle(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	char block[798];
	uint64_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(block); i += 7) /* seven symbols in five bytes */
		memcpy(block + i, "\x04\x85\0\0\0\0\x1f", 7);
	READ(c, PREFACE SETTINGS "\0\3\x1e\1\5\0\0\0\1");
	at = here.lane->head;
	here.lane->head += RS_BIG_SLOTS - 16; /* room for one */
	move(c, CONNECTION_READ, block, sizeof(block));
	here.lane->head = at;
	READ(c, "\0\0\2\1\5\0\0\0\3\x82\x84");
	assert_int_equal(record(at)->headers.number, 1);
	assert_int_equal(record(at)->headers.last, 1);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_HPACK_GAP], 0);
	connection_put(c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stream_is_a_request_and_its_blocks_come_before),
		TEST(a_block_that_inserts_is_known_by_its_stream),
		TEST(a_block_that_comes_again_is_not_sent_again),
		TEST(behind_an_insertion_the_same_bytes_are_sent_again),
		TEST(trailers_are_not_what_a_request_is_known_by),
		TEST(a_child_refers_to_nothing_of_its_parent),
		TEST(a_server_that_answers_by_http1_declines),
		TEST(no_server_declines_behind_its_first_frame),
		TEST(it_begins_at_every_split),
		TEST(a_proxy_line_may_stand_ahead),
		TEST(a_server_may_speak_first),
		TEST(what_was_inherited_is_known_by_its_preface),
		TEST(a_file_that_is_sent_counts),
		TEST(what_is_open_at_the_end_was_aborted),
		TEST(a_block_that_inserts_nothing_is_lost_alone),
		TEST(a_block_that_inserts_goes_first_once_there_is_room),
		TEST(what_no_room_is_left_for_is_told_for_each_request_from_there_on),
		TEST(an_agent_that_comes_later_is_told_of_the_gap),
		TEST(a_long_block_travels_in_several_records),
		TEST(nothing_confidential_is_sent),
		TEST(what_is_cut_within_a_string_is_masked_as_a_whole),
		TEST(a_tunnel_is_a_request_until_it_is_open),
		TEST(behind_a_block_without_sense_nothing_is_sent),
		TEST(a_block_that_grows_is_not_lost_in_its_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
