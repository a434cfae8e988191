#include "decode.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

#define NOW UINT64_C(5000000000000)

static struct lane_record made(void)
{
	struct lane_record record;

	memset(&record, 0, sizeof(record));
	record.head.t0 = NOW - 1000000;
	record.head.span = 900000;
	record.head.request = 77;
	record.head.connection = 5;
	record.head.kind = RS_KIND_REQUEST;
	record.head.flags = RS_FLAG_SHARED | RS_FLAG_UPGRADED;
	record.head.served.bytes_out = 600;
	record.head.served.bytes_in = 41;
	record.head.served.first_byte = 3;
	record.head.served.thread = 12;
	record.head.served.status = 200;
	record.head.served.method = RS_METHOD_PUT;
	record.head.served.protocol = RS_PROTOCOL_HTTP1;
	return record;
}

static struct drain_request out;
static struct decode_raw raw;

static int decode(const struct lane_record *record)
{
	return decode_request(record, &calibrate_monotonic, NOW, &out, &raw);
}

static uint32_t section(struct lane_record *record, uint32_t at, uint8_t type, const void *bytes,
			uint16_t length)
{
	uint8_t *to = record->detail + at;

	to[0] = type;
	to[1] = 0;
	to[2] = (uint8_t)length;
	to[3] = (uint8_t)(length >> 8);
	if (bytes)
		memcpy(to + 4, bytes, length);
	record->detail_bytes = 3 * RS_SLOT_PAYLOAD;
	return at + 4 + ((length + 3u) & ~3u);
}

static void an_http2_request_names_its_block_where_others_have_shape_and_method(void **state)
{
	struct lane_record record = made();

	(void)state;
	record.head.shape = 9;
	assert_int_equal(decode(&record), 0);
	assert_int_equal(raw.block, 0);
	assert_int_equal(raw.shape, 9);
	record.head.served.protocol = RS_PROTOCOL_HTTP2;
	rs_block_put((struct rs_head *)&record.head, 0xf00102);
	assert_int_equal(decode(&record), 0);
	assert_int_equal(raw.block, 0xf00102);
	assert_int_equal(raw.shape, 0);
	assert_int_equal(out.method, RS_METHOD_OTHER);
}

static void what_the_shim_says_of_itself_is_taken_in_its_ranges(void **state)
{
	struct segment_state from = { .state = RS_STATE_COUNT,
				      .why = RS_WHY_DOUBT,
				      .clock = RS_CLOCK_MONOTONIC,
				      .unseen = RS_UNSEEN_STDIO | RS_UNSEEN_SYSTEM_CALLS };
	struct drain_ledger ledger = { 0 };

	(void)state;
	decode_ledger(&from, true, &ledger);
	assert_int_equal(ledger.state, RS_STATE_COUNT);
	assert_int_equal(ledger.why, RS_WHY_DOUBT);
	assert_int_equal(ledger.clock, RS_CLOCK_MONOTONIC);
	assert_int_equal(ledger.unseen, RS_UNSEEN_STDIO | RS_UNSEEN_SYSTEM_CALLS);
	assert_true(ledger.overflow_lane);
	from = (struct segment_state){ .state = 256 + RS_STATE_ON,
				       .why = RS_WHY_DOUBT + 1,
				       .clock = RS_CLOCK_MONOTONIC + 1,
				       .unseen = 1u << 7 };
	decode_ledger(&from, false, &ledger);
	assert_int_equal(ledger.state, RS_STATE_OFF);
	assert_int_equal(ledger.why, RS_WHY_NONE);
	assert_int_equal(ledger.clock, RS_CLOCK_NONE);
	assert_int_equal(ledger.unseen, 0);
	assert_false(ledger.overflow_lane);
}

static void an_open_request_is_checked_too(void **state)
{
	const struct segment_open_request good = { .t0 = NOW - 1000,
						   .bytes_out = 5,
						   .connection = 3,
						   .queued = 2,
						   .thread = 12,
						   .method = RS_METHOD_PUT,
						   .state = RS_OPEN_ANSWERING };
	struct segment_open_request bad = good;
	struct drain_open open;

	(void)state;
	assert_int_equal(decode_open(&good, &calibrate_monotonic, NOW, &open), 0);
	assert_int_equal(open.t0_ns, NOW - 1000);
	assert_int_equal(open.bytes_out, 5);
	assert_int_equal(open.connection, 3);
	assert_int_equal(open.queued, 2);
	assert_int_equal(open.thread, 12);
	assert_int_equal(open.method, RS_METHOD_PUT);
	assert_int_equal(open.state, RS_OPEN_ANSWERING);
	bad.method = RS_METHODS;
	assert_int_equal(decode_open(&bad, &calibrate_monotonic, NOW, &open), -EBADMSG);
	bad = good;
	bad.state = RS_OPEN_ANSWERING + 1;
	assert_int_equal(decode_open(&bad, &calibrate_monotonic, NOW, &open), -EBADMSG);
	bad = good;
	bad.t0 = 0;
	assert_int_equal(decode_open(&bad, &calibrate_monotonic, NOW, &open), -EBADMSG);
	bad.t0 = NOW + 1;
	assert_int_equal(decode_open(&bad, &calibrate_monotonic, NOW, &open), -EBADMSG);
}

static void a_cell_becomes_a_fold(void **state)
{
	struct segment_cell cell = { .count = 2,
				     .status = { [1] = 1 },
				     .aborted = 1,
				     .span = 30,
				     .span_min = 10,
				     .span_max = 20,
				     .slow_critical = 1 };
	struct drain_fold fold;

	(void)state;
	decode_fold(&cell, &calibrate_monotonic, &fold);
	assert_int_equal(fold.count, 2);
	assert_int_equal(fold.status[1], 1);
	assert_int_equal(fold.aborted, 1);
	assert_int_equal(fold.span_ns, 30);
	assert_int_equal(fold.min_ns, 10);
	assert_int_equal(fold.max_ns, 20);
	assert_int_equal(fold.slow_critical, 1);
	assert_ptr_equal(fold.buckets, cell.buckets);
	cell.span_min = 0;
	decode_fold(&cell, &calibrate_monotonic, &fold);
	assert_int_equal(fold.min_ns, UINT64_MAX);
}

static void one_method_of_all_is_told(void **state)
{
	struct segment_cell cell = { .count = 2, .methods = 1u << RS_METHOD_PUT };
	static const uint32_t others[] = { 0, 1u << RS_METHOD_PUT | 1u << RS_METHOD_GET,
					   1u << RS_METHODS, 1u << 31, UINT32_MAX };
	struct drain_fold fold;

	(void)state;
	decode_fold(&cell, &calibrate_monotonic, &fold);
	assert_int_equal(fold.method, RS_METHOD_PUT);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cell.methods = others[i];
		decode_fold(&cell, &calibrate_monotonic, &fold);
		assert_int_equal(fold.method, RS_METHOD_OTHER);
	}
}

static void each_field_has_its_place(void **state)
{
	struct lane_record record = made();

	(void)state;
	assert_int_equal(decode(&record), 0);
	assert_int_equal(out.id, 77);
	assert_int_equal(out.end_ns, NOW - 100000);
	assert_int_equal(out.span_ns, 900000);
	assert_int_equal(out.first_byte_ns, 2 * 256 + 1);
	assert_int_equal(out.bytes_in, 41);
	assert_int_equal(out.bytes_out, 600);
	assert_int_equal(out.connection, 5);
	assert_int_equal(out.thread, 12);
	assert_int_equal(out.status, 200);
	assert_int_equal(out.method, RS_METHOD_PUT);
	assert_int_equal(out.protocol, RS_PROTOCOL_HTTP1);
	assert_int_equal(out.flags, RS_FLAG_SHARED | RS_FLAG_UPGRADED);
	assert_false(out.has_memory);
	assert_null(raw.path);
}

static void no_first_byte_is_none_and_the_first_ticks_are_some(void **state)
{
	struct lane_record record = made();

	(void)state;
	record.head.served.first_byte = 0;
	assert_int_equal(decode(&record), 0);
	assert_int_equal(out.first_byte_ns, 0);
	record.head.served.first_byte = 1;
	assert_int_equal(decode(&record), 0);
	assert_int_equal(out.first_byte_ns, 1);
}

static void sections_are_found_and_unknown_ones_skipped(void **state)
{
	struct lane_record record = made();
	int64_t delta = -4096;
	uint32_t at;

	(void)state;
	at = section(&record, 0, 200, "whatever", 7);
	at = section(&record, at, RS_SECTION_PATH, "/path", 5);
	at = section(&record, at, RS_SECTION_MEMORY, &delta, sizeof(delta));
	section(&record, at, RS_SECTION_END, NULL, 0xffff);
	assert_int_equal(decode(&record), 0);
	assert_int_equal(raw.path_bytes, 5);
	assert_memory_equal(raw.path, "/path", 5);
	assert_true(out.has_memory);
	assert_int_equal(out.memory_delta, -4096);
}

static void a_section_may_fill_its_record_to_the_last_byte(void **state)
{
	struct lane_record record = made();

	(void)state;
	section(&record, 0, 200, NULL, 3 * RS_SLOT_PAYLOAD - 4);
	assert_int_equal(decode(&record), 0);
	section(&record, 0, 200, NULL, 3 * RS_SLOT_PAYLOAD - 3);
	assert_int_equal(decode(&record), -EBADMSG);
	section(&record, 0, 200, NULL, 0xffff);
	assert_int_equal(decode(&record), -EBADMSG);
}

static void a_path_has_one_to_so_many_bytes(void **state)
{
	struct lane_record record = made();

	(void)state;
	section(&record, 0, RS_SECTION_PATH, NULL, 0);
	assert_int_equal(decode(&record), -EBADMSG);
	section(&record, 0, RS_SECTION_PATH, NULL, RS_PATH_BYTES);
	assert_int_equal(decode(&record), 0);
	section(&record, 0, RS_SECTION_PATH, NULL, RS_PATH_BYTES + 1);
	assert_int_equal(decode(&record), -EBADMSG);
	section(&record, 0, RS_SECTION_MEMORY, NULL, 7);
	assert_int_equal(decode(&record), -EBADMSG);
}

static void a_field_out_of_its_range_is_bad(void **state)
{
	struct lane_record record = made();

	(void)state;
	record.head.served.status = 999;
	record.head.served.method = RS_METHODS - 1;
	record.head.served.protocol = RS_PROTOCOL_TLS;
	assert_int_equal(decode(&record), 0);
	record.head.served.status = 1000;
	assert_int_equal(decode(&record), -EBADMSG);
	record = made();
	record.head.served.method = RS_METHODS;
	assert_int_equal(decode(&record), -EBADMSG);
	record = made();
	record.head.served.protocol = RS_PROTOCOL_TLS + 1;
	assert_int_equal(decode(&record), -EBADMSG);
}

static void a_time_to_come_or_none_is_bad(void **state)
{
	struct lane_record record = made();

	(void)state;
	record.head.t0 = 0;
	assert_int_equal(decode(&record), -EBADMSG);
	record.head.t0 = NOW + 1000000000 - record.head.span;
	assert_int_equal(decode(&record), 0); /* now was the beginning of a round */
	record.head.t0++;
	assert_int_equal(decode(&record), -EBADMSG);
	record = made();
	record.head.span = UINT64_MAX;
	assert_int_equal(decode(&record), -EBADMSG);
	record.head.t0 = UINT64_MAX / 2;
	record.head.span = UINT64_MAX / 2;
	assert_int_equal(decode(&record), -EBADMSG);
}

static void every_length_and_every_end_of_random_sections_is_safe(void **state)
{
	uint64_t seed = 88172645463325252u;
	uint32_t good = 0, bad = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct lane_record record = made();

		for (uint32_t at = 0; at < RS_DETAIL_BYTES; at++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			record.detail[at] = (uint8_t)seed & (at % 4 == 3 ? 1 : 0x7f);
		}
		record.detail_bytes = i % 16 * RS_SLOT_PAYLOAD;
		if (decode(&record)) {
			bad++;
			continue;
		}
		good++;
		if (raw.path) {
			assert_in_range(raw.path_bytes, 1, RS_PATH_BYTES);
			assert_true(raw.path >= record.detail);
			assert_true(raw.path + raw.path_bytes <=
				    record.detail + record.detail_bytes);
		}
	}
	assert_true(good > 1000);
	assert_true(bad > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_http2_request_names_its_block_where_others_have_shape_and_method),
		cmocka_unit_test(an_open_request_is_checked_too),
		cmocka_unit_test(a_cell_becomes_a_fold),
		cmocka_unit_test(one_method_of_all_is_told),
		cmocka_unit_test(each_field_has_its_place),
		cmocka_unit_test(what_the_shim_says_of_itself_is_taken_in_its_ranges),
		cmocka_unit_test(no_first_byte_is_none_and_the_first_ticks_are_some),
		cmocka_unit_test(sections_are_found_and_unknown_ones_skipped),
		cmocka_unit_test(a_section_may_fill_its_record_to_the_last_byte),
		cmocka_unit_test(a_path_has_one_to_so_many_bytes),
		cmocka_unit_test(a_field_out_of_its_range_is_bad),
		cmocka_unit_test(a_time_to_come_or_none_is_bad),
		cmocka_unit_test(every_length_and_every_end_of_random_sections_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
