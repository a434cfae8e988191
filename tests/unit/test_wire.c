#include "../../agent/drain/wire.c" /* white box: what is kept */
#include "wire_fixture.h"

static void a_kept_connection_tells_each_request(void **state)
{
	struct wire_counts counts;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /a?b HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	asks(&f, "HEAD /h HTTP/1.1\r\n\r\n");
	answers(&f, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	asks(&f, "GET /n HTTP/1.1\r\n\r\n");
	answers(&f, "HTTP/1.1 304 Not Modified\r\n\r\n");
	simple(&f, HTTP_CLIENT_GONE, 0);
	simple(&f, HTTP_CLOSED, 0);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(f.totals.begun, 3);
	assert_int_equal(f.totals.requests, 3);
	assert_int_equal(f.totals.opened, 1);
	assert_int_equal(f.totals.closed, 1);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 0);
	fixture_close(&f, "1 /a 200 21/40 20 0;2 /h 200 20/38 20 0;1 /n 304 19/29 20 0;");
}

static void a_head_in_pieces_begins_when_its_first_byte_is_read(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GE");
	arrived(&f, "T /p HT");
	arrived(&f, "TP/1.1\r\n\r\n");
	was_read(&f, f.in - 3, 14); /* a small buffer */
	was_read(&f, f.in, 3);
	answers(&f, OK);
	fixture_close(&f, "1 /p 200 19/40 60 0;");
}

static void pipelined_requests_are_answered_in_turn(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
	answers(&f, OK OK);
	fixture_close(&f, "1 /1 200 19/40 20 0;1 /2 200 19/40 20 16;");
}

static void chunks_and_bodies_are_skipped(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n");
	answers(&f, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nHTTP\r\n");
	answers(&f, "0\r\n\r\n");
	asks(&f, "PUT /l HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET ");
	answers(&f, "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_close(&f, "3 /c 200 61/61 40 0;4 /l 204 42/27 20 0;");
}

/* sendfile: the kernel tells how much was written, and no bytes. */
static void a_body_that_moved_unseen_is_counted_by_its_length(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /f HTTP/1.1\r\n\r\n");
	answers(&f, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	f.out += 1000;
	event(&f,
	      (struct http_event){ .kind = HTTP_WROTE, .pid = PID, .seq = f.out, .length = 1000 },
	      NULL);
	asks(&f, "GET /g HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	fixture_close(&f, "1 /f 200 19/1041 30 0;1 /g 200 19/40 20 0;");
}

/* The last bytes of a call come along with its end, those of its other pieces ahead of it. */
static void a_write_is_told_in_one_event_with_its_last_piece(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
	const uint32_t head_bytes = sizeof(head) - 1;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /o HTTP/1.1\r\n\r\n");
	event(&f,
	      (struct http_event){ .kind = HTTP_WROTE,
				   .pid = PID,
				   .seq = f.out + sizeof(OK) - 1,
				   .other = f.out,
				   .length = sizeof(OK) - 1,
				   .kept = sizeof(OK) - 1 },
	      OK);
	f.out += sizeof(OK) - 1;
	asks(&f, "GET /p HTTP/1.1\r\n\r\n");
	event(&f,
	      (struct http_event){ .kind = HTTP_WRITING,
				   .pid = PID,
				   .seq = f.out,
				   .length = head_bytes,
				   .kept = head_bytes },
	      head);
	event(&f,
	      (struct http_event){ .kind = HTTP_WROTE,
				   .pid = PID,
				   .seq = f.out + head_bytes + 2,
				   .other = f.out + head_bytes,
				   .length = head_bytes + 2,
				   .kept = 2 },
	      "ok");
	f.out += head_bytes + 2;
	asks(&f, "GET /q HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	fixture_close(&f, "1 /o 200 19/40 10 0;1 /p 200 19/40 20 0;1 /q 200 19/40 20 0;");
}

static void a_write_that_was_taken_in_part_is_said_again(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /w HTTP/1.1\r\n\r\n");
	writes(&f, OK, 10);
	writes(&f, OK, 0); /* again, in vain */
	answers(&f, &OK[10]);
	fixture_close(&f, "1 /w 200 19/40 60 0;");
}

static void events_that_were_lost_are_unparsed_and_no_request_is_made_up(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	f.in += 19; /* its arrival found no room in the ring */
	was_read(&f, f.in, 19);
	answers(&f, OK);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(f.totals.requests, 1);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 1);
	asks(&f, "GET /3 HTTP/1.1\r\n\r\n"); /* from here on it is clear again */
	answers(&f, OK);
	fixture_close(&f, "1 /1 200 19/40 20 0;1 /3 200 19/40 20 0;");
}

/* A read and a write are one event each, whose bytes come along. */
static void a_call_tells_what_it_moved(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	calls(&f, HTTP_CALL_READ, &f.in, "GET /c HTTP/1.1\r\n\r\n");
	calls(&f, HTTP_CALL_WROTE, &f.out, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	f.out += 9; /* of a file */
	event(&f,
	      (struct http_event){ .kind = HTTP_CALL_WROTE, .pid = PID, .seq = f.out, .length = 9 },
	      NULL);
	fixture_close(&f, "1 /c 200 19/47 20 0;");
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 0);
}

/* Its bytes came, but when they were read was not told: the next read must not be taken for it. */
static void a_read_that_was_not_told_is_no_later_one(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	arrived(&f, "GET /2 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	asks(&f, "GET /3 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	wire_round(f.wire, f.now_ns);
	assert_true(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO] > 0);
	fixture_close(&f, "1 /1 200 19/40 20 0;1 /3 200 19/40 20 0;");
}

/* Told later than what came first, which found no room. */
static void a_begin_that_is_told_late_is_a_servers(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.in = 50;
	f.out = 60;
	was_read(&f, f.in, 50);
	event(&f,
	      (struct http_event){
		      .kind = HTTP_ACCEPTED, .seq = f.in, .other = f.out, .length = 1 },
	      NULL);
	assert_true(parser_is_accepted(&f.wire->connection->parser));
	fixture_close(&f, "");
}

static void one_of_which_all_was_lost_says_how_much_at_its_end(void **state)
{
	struct wire_counts counts;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	event(&f, (struct http_event){ .kind = HTTP_CLOSED, .pid = PID, .length = 1, .other = 9 },
	      NULL); /* a worker before us knew it */
	event(&f, (struct http_event){ .kind = HTTP_CLOSED, .pid = PID, .length = 2, .other = 5 },
	      NULL);
	wire_round(f.wire, f.now_ns);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 0);
	assert_int_equal(f.totals.opened, 1);
	assert_int_equal(f.totals.closed, 1);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 3);
	fixture_close(&f, "");
}

static void what_was_not_answered_is_aborted(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /x HTTP/1.1\r\n\r\n");
	simple(&f, HTTP_CLIENT_GONE, 1);
	simple(&f, HTTP_CLOSED, 0);
	fixture_close(&f, "1 /x 0 19/0 20 1;");
}

static void a_connection_found_in_its_middle_counts_from_its_next_answer(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.in = 50;
	f.out = 60;
	event(&f, (struct http_event){ .kind = HTTP_FOUND, .seq = f.in, .other = f.out }, NULL);
	answers(&f, OK); /* to what was read before */
	asks(&f, "GET /2 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_MID_STREAM], 1);
	fixture_close(&f, "1 /2 200 19/40 20 0;");
}

static void nobody_is_told_of_who_was_let_go(void **state)
{
	struct wire_counts counts;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\n");
	bare_died(&f.bare, &f.sink, 1, 1);
	answers(&f, OK);
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.nobodys, 1);
	fixture_close(&f, "");
}

static void the_end_of_the_ring_ends_no_request(void **state)
{
	struct wire_counts counts;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\n");
	assert_int_equal(wire_ring_put(f.wire, -1, 0), 0);
	assert_false(wire_listens(f.wire));
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 0);
	fixture_close(&f, "");
}

static void what_waits_where_nobody_looks_any_more_is_lost_and_not_in_flight(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
	answers(&f, OK);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(drain_in_flight(&f.totals), 1);
	assert_int_equal(wire_ring_put(f.wire, -1, 0), 0);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(drain_in_flight(&f.totals), 0);
	assert_int_equal(f.totals.requests, 1);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 1);
	assert_int_equal(f.totals.opened, 1);
	assert_int_equal(f.totals.closed, 1);
	fixture_close(&f, "1 /1 200 19/40 20 0;");
}

static void streams_that_are_open_there_are_lost_too(void **state)
{
	static const char frames[] = "\0\0\0\4\0\0\0\0\0"              /* SETTINGS */
				     "\0\0\3\1\5\0\0\0\1\202\204\206"  /* GET / */
				     "\0\0\3\1\5\0\0\0\3\202\204\206"; /* … again */
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	arrived_bytes(&f, frames, sizeof(frames) - 1);
	was_read(&f, f.in, sizeof(frames) - 1);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(drain_in_flight(&f.totals), 2);
	assert_int_equal(wire_ring_put(f.wire, -1, 0), 0);
	wire_round(f.wire, f.now_ns);
	assert_int_equal(drain_in_flight(&f.totals), 0);
	assert_int_equal(f.totals.requests, 0);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 2);
	fixture_close(&f, "");
}

/* Another process's: its bytes arrive, and nobody says that they are read. */
static void what_nobody_reads_is_bounded(void **state)
{
	char *text = calloc(1, 4001); /* four of them are WIRE_UNREAD */
	struct fixture f;

	(void)state;
	fixture_open(&f);
	memset(text, 'x', 4000);
	for (int i = 0; i < 10; i++)
		arrived(&f, text);
	assert_int_equal(f.wire->bytes, WIRE_UNREAD);
	assert_int_equal(wire_ring_put(f.wire, -1, 0), 0);
	assert_int_equal(f.wire->bytes, 0);
	free(text);
	fixture_close(&f, "");
}

/* Or a thousand clients would have gigabytes of it. */
static void what_arrives_byte_by_byte_is_counted_with_what_it_takes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	for (int i = 0; i < 10; i++)
		arrived(&f, "G");
	assert_int_equal(f.wire->bytes, 10 * pieces_cost(1));
	was_read(&f, f.in - 4, 6);
	assert_int_equal(f.wire->bytes, 4 * pieces_cost(1));
	fixture_close(&f, "");
}

static void connections_are_bounded_and_the_rest_is_counted(void **state)
{
	struct wire_counts counts;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (uint64_t id = 1; id <= WIRE_CONNECTIONS + 3; id++) {
		struct http_event e = { .connection = id, .kind = HTTP_ACCEPTED };

		wire_event(f.wire, &e, sizeof(e));
		e.kind = HTTP_READ; /* it goes on, unseen: that is not another one */
		wire_event(f.wire, &e, sizeof(e));
	}
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, WIRE_CONNECTIONS);
	assert_int_equal(counts.refused, 3);
	for (uint64_t id = WIRE_CONNECTIONS + 4; id <= WIRE_CONNECTIONS + 5; id++) {
		struct http_event e = { .connection = id,
					.kind = HTTP_ACCEPTED,
					.at_ns = UINT64_C(400000000000) };

		wire_event(f.wire, &e, sizeof(e)); /* the others were idle long enough */
	}
	wire_counts_get(f.wire, &counts);
	assert_int_equal(counts.connections, 2);
	assert_int_equal(counts.refused, 3);
	fixture_close(&f, "");
}

static void one_that_went_for_want_of_room_has_nothing_in_flight(void **state)
{
	struct http_event e = { .kind = HTTP_ACCEPTED, .at_ns = UINT64_C(400000000000) };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	accepted(&f);
	asks(&f, "GET /1 HTTP/1.1\r\n\r\n");
	for (e.connection = 1 << 20; f.wire->counts.connections < WIRE_CONNECTIONS; e.connection++)
		wire_event(f.wire, &e, sizeof(e));
	wire_event(f.wire, &e, sizeof(e));
	wire_round(f.wire, e.at_ns);
	assert_int_equal(f.totals.begun, 0);
	assert_int_equal(f.totals.unparsed[RS_UNPARSED_UNSEEN_IO], 1);
	assert_int_equal(f.totals.closed, 1);
	fixture_close(&f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_connection_tells_each_request),
		cmocka_unit_test(a_head_in_pieces_begins_when_its_first_byte_is_read),
		cmocka_unit_test(pipelined_requests_are_answered_in_turn),
		cmocka_unit_test(chunks_and_bodies_are_skipped),
		cmocka_unit_test(a_body_that_moved_unseen_is_counted_by_its_length),
		cmocka_unit_test(a_write_is_told_in_one_event_with_its_last_piece),
		cmocka_unit_test(a_write_that_was_taken_in_part_is_said_again),
		cmocka_unit_test(events_that_were_lost_are_unparsed_and_no_request_is_made_up),
		cmocka_unit_test(a_call_tells_what_it_moved),
		cmocka_unit_test(a_read_that_was_not_told_is_no_later_one),
		cmocka_unit_test(a_begin_that_is_told_late_is_a_servers),
		cmocka_unit_test(one_of_which_all_was_lost_says_how_much_at_its_end),
		cmocka_unit_test(what_was_not_answered_is_aborted),
		cmocka_unit_test(a_connection_found_in_its_middle_counts_from_its_next_answer),
		cmocka_unit_test(nobody_is_told_of_who_was_let_go),
		cmocka_unit_test(the_end_of_the_ring_ends_no_request),
		cmocka_unit_test(what_waits_where_nobody_looks_any_more_is_lost_and_not_in_flight),
		cmocka_unit_test(streams_that_are_open_there_are_lost_too),
		cmocka_unit_test(one_that_went_for_want_of_room_has_nothing_in_flight),
		cmocka_unit_test(what_nobody_reads_is_bounded),
		cmocka_unit_test(what_arrives_byte_by_byte_is_counted_with_what_it_takes),
		cmocka_unit_test(connections_are_bounded_and_the_rest_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
