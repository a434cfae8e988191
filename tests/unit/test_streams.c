#include "rs_test.h"
#include "streams.h"

#include <string.h>

static struct streams *s;
static struct streams_budget budget;
static struct drain_request request;
static struct decode_raw raw;

static int setup(void **state)
{
	(void)state;
	s = NULL;
	memset(&budget, 0, sizeof(budget));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	streams_close(s, &budget);
	return budget.connections != 0;
}

struct piece {
	uint32_t connection, number, stream;
	uint8_t place;
	bool more;
};

static void send(struct piece piece, const char *bytes, size_t n)
{
	struct lane_record record = { .detail_bytes = 2 * RS_SLOT_PAYLOAD };

	record.head.kind = RS_KIND_HEADERS;
	record.head.connection = piece.connection;
	record.head.headers.number = piece.number;
	record.head.headers.stream = piece.stream;
	record.head.headers.place = piece.place;
	record.head.headers.last = !piece.more;
	record.head.headers.length = (uint16_t)n;
	assert_true(n < 256);
	if (n <= RS_PIECE_INLINE) {
		memcpy(record.head.headers.bytes, bytes, n);
		record.detail_bytes = 0;
	} else {
		record.detail[0] = RS_SECTION_HEADERS;
		record.detail[2] = (uint8_t)n;
		memcpy(record.detail + 4, bytes, n);
	}
	assert_true(streams_record(&s, &budget, &record));
}

#define SEND(text, ...) send((struct piece){ __VA_ARGS__ }, text, sizeof(text) - 1)

static const char *told(uint32_t connection, uint32_t stream, uint32_t block)
{
	static char path[RS_PATH_BYTES + 1];

	memset(&request, 0, sizeof(request));
	request.connection = connection;
	request.protocol = RS_PROTOCOL_HTTP2;
	raw = (struct decode_raw){ .stream = stream, .block = block };
	budget.lost += !streams_fill(s, &request, &raw);
	if (!raw.path)
		return NULL;
	memcpy(path, raw.path, raw.path_bytes);
	path[raw.path_bytes] = '\0';
	return path;
}

static const char *path_of(uint32_t connection, uint32_t stream)
{
	return told(connection, stream, 0);
}

static const char *path_kept(uint32_t connection, uint32_t block)
{
	return told(connection, 0, block);
}

static void a_request_finds_what_its_block_said(void **state)
{
	(void)state;
	SEND("\x83\x44\6/a?b=c", .connection = 5, .stream = 1);
	assert_string_equal(path_of(5, 1), "/a");
	assert_int_equal(request.method, RS_METHOD_POST);
	assert_int_equal(request.protocol, RS_PROTOCOL_HTTP2);
	assert_int_equal(budget.lost, 0);
	assert_null(path_of(5, 1)); /* once */
	assert_int_equal(budget.lost, 1);
}

/* As the shim sends it where it did not know that a field is a path. */
static void filler_is_no_path(void **state)
{
	(void)state;
	SEND("\x82\x44\2aa", .connection = 5, .stream = 1);
	assert_null(path_of(5, 1));
	assert_int_equal(budget.lost, 1);
	SEND("\x87\x04\1*", .connection = 5, .number = 1, .stream = 3);
	assert_string_equal(path_of(5, 3), "*");
}

static void a_block_may_come_in_pieces(void **state)
{
	(void)state;
	SEND("\x82\x44\6/a", .connection = 5, .stream = 1, .more = true);
	SEND("", .connection = 5, .number = 1, .stream = 1, .more = true);
	SEND("/b/c", .connection = 5, .number = 2, .stream = 1);
	assert_string_equal(path_of(5, 1), "/a/b/c");
}

static void the_table_belongs_to_its_connection(void **state)
{
	(void)state;
	SEND("\x82\x44\2/a", .connection = 5, .stream = 1);
	SEND("\x82\x44\2/b", .connection = 6, .stream = 1);
	SEND("\x82\xbe", .connection = 5, .number = 1, .stream = 3);
	SEND("\x82\xbe", .connection = 6, .number = 1, .stream = 3);
	assert_string_equal(path_of(5, 3), "/a");
	assert_string_equal(path_of(6, 3), "/b");
}

static void after_a_gap_nothing_is_guessed(void **state)
{
	(void)state;
	SEND("\x82\x44\2/a", .connection = 5, .stream = 1);
	SEND("\x82\x84", .connection = 5, .number = 2, .stream = 5);
	SEND("\x82\x84", .connection = 5, .number = 3, .stream = 7);
	assert_string_equal(path_of(5, 1), "/a"); /* it was ahead of the gap */
	assert_null(path_of(5, 5));
	assert_null(path_of(5, 7));
}

/* By threads whose lanes are visited in another order. */
static void pieces_wait_for_those_before_them(void **state)
{
	(void)state;
	SEND("\x82\x44\2/a", .connection = 5, .stream = 1);
	SEND("\x82\xbe", .connection = 5, .number = 3, .stream = 7);
	SEND("\x82\xbe", .connection = 5, .number = 1, .stream = 3);
	assert_string_equal(path_of(5, 3), "/a");
	assert_null(path_of(5, 7));
	SEND("\x82\x44\2/b", .connection = 5, .number = 2, .stream = 5);
	assert_string_equal(path_of(5, 5), "/b");
	assert_string_equal(path_of(5, 7), "/b");
	assert_int_equal(budget.ahead.count, 0);
}

static void what_does_not_come_is_a_gap(void **state)
{
	(void)state;
	SEND("\x82\x84", .connection = 5, .stream = 1);
	SEND("\x82\x84", .connection = 5, .number = 2, .stream = 5);
	assert_int_equal(budget.ahead.count, 1);
	streams_settle(s, &budget);
	assert_int_equal(budget.ahead.count, 0);
	assert_null(path_of(5, 5));
	SEND("\x82\x84", .connection = 5, .number = 1, .stream = 3); /* too late */
	assert_null(path_of(5, 3));
	SEND("\x82\x84", .connection = 6, .number = 100000, .stream = 1); /* not ahead, but a lie */
	assert_int_equal(budget.ahead.count, 0);
}

static void a_connection_first_seen_in_its_middle_says_nothing(void **state)
{
	(void)state;
	SEND("\x82\x84", .connection = 5, .number = 9, .stream = 1);
	assert_null(path_of(5, 1));
	assert_int_equal(budget.lost, 1);
}

static void a_bad_index_ends_the_knowledge(void **state)
{
	(void)state;
	SEND("\x82\xff\x7f", .connection = 5, .stream = 1);
	SEND("\x82\x84", .connection = 5, .number = 1, .stream = 3);
	assert_null(path_of(5, 1));
	assert_null(path_of(5, 3));
}

static void grpc_is_known_by_its_content_type(void **state)
{
	(void)state;
	SEND("\x83\x44\6/p.S/M\x5f\x10"
	     "application/grpc",
	     .connection = 5, .stream = 1);
	SEND("\x83\xbf\xbe", .connection = 5, .number = 1, .stream = 3);
	assert_string_equal(path_of(5, 1), "/p.S/M");
	assert_int_equal(request.protocol, RS_PROTOCOL_GRPC);
	assert_string_equal(path_of(5, 3), "/p.S/M");
	assert_int_equal(request.protocol, RS_PROTOCOL_GRPC);
}

static void a_block_that_is_kept_tells_of_each_request(void **state)
{
	(void)state;
	SEND("\x83\x04\2/a", .connection = 5, .stream = 1, .place = 1);
	SEND("\x82\x04\2/b", .connection = 5, .number = 1, .stream = 3, .place = RS_PLACES);
	SEND("\x82\x04\2/c", .connection = 6, .stream = 1, .place = 1);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(path_kept(5, 1), "/a");
		assert_int_equal(request.method, RS_METHOD_POST);
		assert_string_equal(path_kept(5, 2), "/b");
		assert_string_equal(path_kept(6, 1), "/c");
	}
	assert_null(path_of(5, 1)); /* by its number alone */
	assert_null(path_kept(5, 3));
	assert_null(path_kept(7, 1));
	assert_int_equal(budget.lost, 3);
}

static void a_place_has_one_block_at_a_time(void **state)
{
	(void)state;
	SEND("\x82\x04\2/a", .connection = 5, .stream = 1, .place = 3);
	SEND("\x82\x04\2/b", .connection = 5, .number = 1, .stream = 3, .place = 3);
	assert_null(path_kept(5, 1));
	assert_string_equal(path_kept(5, 2), "/b");
}

/* As it was read when its number was given: what is inserted later changes nothing. */
static void what_is_kept_stays_what_it_was(void **state)
{
	(void)state;
	SEND("\x82\x44\2/a", .connection = 5, .stream = 1);
	SEND("\x82\xbe", .connection = 5, .number = 1, .stream = 3, .place = 1);
	SEND("\x82\x44\2/b", .connection = 5, .number = 2, .stream = 5);
	SEND("\x82\xbe", .connection = 5, .number = 3, .stream = 7, .place = 2);
	assert_string_equal(path_kept(5, 2), "/a");
	assert_string_equal(path_kept(5, 4), "/b");
	SEND("\x82\xbe", .connection = 5, .number = 9, .stream = 9, .place = 2); /* a gap */
	assert_string_equal(path_kept(5, 4), "/b");
	assert_null(path_kept(5, 10));
}

static void nothing_bad_is_kept(void **state)
{
	(void)state;
	SEND("\x82\x84", .connection = 5, .stream = 1, .place = RS_PLACES + 1);
	assert_null(path_kept(5, 1));
	SEND("\x82\x84", .connection = 6, .stream = 1, .place = 1, .more = true);
	assert_null(path_kept(6, 1));
	SEND("\x82", .connection = 7, .stream = 1, .more = true);
	SEND("\x84", .connection = 7, .number = 1, .stream = 1, .place = 1);
	assert_null(path_kept(7, 2));
	SEND("\x84\xff\x7f", .connection = 8, .stream = 1, .place = 1); /* no such index */
	assert_null(path_kept(8, 1));
	SEND("\x82\x84", .connection = 5, .number = 1, .stream = 3, .place = 1);
	assert_null(path_kept(5, 2)); /* nothing of this connection is known any more */
	assert_null(path_kept(5, 0));
}

static void as_many_streams_as_the_shim_follows_are_kept(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 256; i++)
		SEND("\x82\x84", .connection = 5, .number = i, .stream = 2 * i + 1);
	for (uint32_t i = 0; i < 256; i++)
		assert_string_equal(path_of(5, 2 * i + 1), "/");
	for (uint32_t i = 0; i < 300; i++)
		SEND("\x82\x84", .connection = 5, .number = 256 + i, .stream = 2 * i + 1);
	assert_null(path_of(5, 1)); /* the younger has its place */
	assert_string_equal(path_of(5, 2 * 256 + 1), "/");
}

static void connections_are_bounded_and_given_back(void **state)
{
	struct lane_record closed = { .head.kind = RS_KIND_CONNECTION };

	(void)state;
	for (uint32_t i = 1; i <= STREAMS_CONNECTIONS + 1; i++)
		SEND("\x82\x84", .connection = i, .stream = 1);
	assert_int_equal(budget.connections, STREAMS_CONNECTIONS);
	assert_null(path_of(STREAMS_CONNECTIONS + 1, 1));
	closed.head.connection = 77;
	assert_true(streams_record(&s, &budget, &closed));
	assert_string_equal(path_of(77, 1), "/"); /* found in another lane, later */
	streams_settle(s, &budget);
	assert_int_equal(budget.connections, STREAMS_CONNECTIONS - 1);
	assert_null(path_of(77, 1));
	assert_string_equal(path_of(78, 1), "/");
}

static void a_liar_gets_nothing(void **state)
{
	struct lane_record record = { .detail_bytes = RS_SLOT_PAYLOAD };

	(void)state;
	record.head.kind = RS_KIND_HEADERS;
	record.head.connection = 5;
	record.head.headers.stream = 1;
	record.head.headers.length = 500; /* more than there is */
	record.detail[0] = RS_SECTION_HEADERS;
	record.detail[2] = 500 & 255;
	record.detail[3] = 500 >> 8;
	assert_true(streams_record(&s, &budget, &record));
	assert_null(path_of(5, 1));
	record.head.kind = RS_KIND_STACK;
	assert_false(streams_record(&s, &budget, &record));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_finds_what_its_block_said),
		TEST(filler_is_no_path),
		TEST(a_block_may_come_in_pieces),
		TEST(the_table_belongs_to_its_connection),
		TEST(after_a_gap_nothing_is_guessed),
		TEST(pieces_wait_for_those_before_them),
		TEST(what_does_not_come_is_a_gap),
		TEST(a_connection_first_seen_in_its_middle_says_nothing),
		TEST(a_bad_index_ends_the_knowledge),
		TEST(grpc_is_known_by_its_content_type),
		TEST(a_block_that_is_kept_tells_of_each_request),
		TEST(a_place_has_one_block_at_a_time),
		TEST(what_is_kept_stays_what_it_was),
		TEST(nothing_bad_is_kept),
		TEST(as_many_streams_as_the_shim_follows_are_kept),
		TEST(connections_are_bounded_and_given_back),
		TEST(a_liar_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
