#include "frame.h"
#include "rs_test.h"

#include <string.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* What a stream of frames says, however it is cut. */
struct told {
	uint32_t frames, blocks, lasts, block_bytes;
	uint8_t bytes[64];
	bool bad;
};

static void feed(struct frame *f, struct told *told, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	enum frame_event event;

	while ((event = frame_next(f, &at, end)) != FRAME_MORE && event != FRAME_BAD) {
		told->frames += event == FRAME_END;
		if (event != FRAME_BLOCK)
			continue;
		told->blocks++;
		told->lasts += f->last;
		assert_true(told->block_bytes + f->piece_bytes <= sizeof(told->bytes));
		memcpy(told->bytes + told->block_bytes, f->piece, f->piece_bytes);
		told->block_bytes += f->piece_bytes;
	}
	told->bad |= event == FRAME_BAD;
}

static struct told tell(const uint8_t *bytes, size_t n, uint8_t skip)
{
	struct told told = { 0 };
	struct frame f;

	frame_init(&f, skip);
	feed(&f, &told, bytes, n);
	return told;
}

static void a_block_is_the_same_at_every_split(void **state)
{
	/* padded, with priority, empty in the middle, and its end in a third frame */
	static const char stream[] = PREFACE SETTINGS "\0\0\xc\1\x28\0\0\0\1\2\0\0\0\0\20abcd"
						      "\0\0"
						      "\0\0\0\x9\0\0\0\0\1"
						      "\0\0\3\x9\4\0\0\0\1xyz"
						      "\0\0\2\0\1\0\0\0\1hi";

	(void)state;
	for (size_t cut = 0; cut <= sizeof(stream) - 1; cut++) {
		struct told told = { 0 };
		struct frame f;

		frame_init(&f, 0);
		feed(&f, &told, (const uint8_t *)stream, cut);
		feed(&f, &told, (const uint8_t *)stream + cut, sizeof(stream) - 1 - cut);
		assert_false(told.bad);
		assert_int_equal(told.frames, 5);
		assert_int_equal(told.lasts, 1);
		assert_int_equal(told.block_bytes, 7);
		assert_memory_equal(told.bytes, "abcdxyz", 7);
	}
}

static void the_preface_goes_on_behind_its_line(void **state)
{
	(void)state;
	assert_int_equal(tell(BYTES("\r\nSM\r\n\r\n" SETTINGS), FRAME_LINE_BYTES).frames, 1);
	assert_true(tell(BYTES("\r\nSN"), FRAME_LINE_BYTES).bad);
	assert_true(frame_is_preface(BYTES("PRI * HTTP/2.0")));
	assert_false(frame_is_preface(BYTES("PRI * HTTP/2.1")));
	assert_false(frame_is_preface(BYTES("PRI * HTTP/2.0 ")));
}

static void what_begins_without_settings_is_bad(void **state)
{
	(void)state;
	assert_true(tell(BYTES("\0\0\0\1\5\0\0\0\1"), FRAME_PREFACE_BYTES).bad);
	assert_true(frame_is_settings(BYTES(SETTINGS)));
	assert_true(frame_is_settings(BYTES("\0\0\6\4\0\0\0\0\0")));
	assert_false(frame_is_settings(BYTES("\0\0\5\4\0\0\0\0\0")));
	assert_false(frame_is_settings(BYTES("\0\0\0\4\0\0\0\0\1")));
	assert_false(frame_is_settings(BYTES("\0\0\0\4\0\0\0\0")));
}

static void what_the_protocol_forbids_is_bad(void **state)
{
	(void)state;
	/* headers and data of no stream; padding longer than its frame; no room for a priority */
	assert_true(tell(BYTES(SETTINGS "\0\0\0\1\4\0\0\0\0"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\0\0\0\0\0\0\0"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\3\0\x8\0\0\0\1\3ab"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\4\1\x24\0\0\0\1"), FRAME_PREFACE_BYTES).bad);
	/* a CONTINUATION of nothing, of another stream, and something else in a block */
	assert_true(tell(BYTES(SETTINGS "\0\0\0\x9\4\0\0\0\1"), FRAME_PREFACE_BYTES).bad);
	assert_true(
		tell(BYTES(SETTINGS "\0\0\0\1\0\0\0\0\1\0\0\0\x9\4\0\0\0\3"), FRAME_PREFACE_BYTES)
			.bad);
	assert_true(
		tell(BYTES(SETTINGS "\0\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0\0\1"), FRAME_PREFACE_BYTES)
			.bad);
	/* RST_STREAM, PING, WINDOW_UPDATE and GOAWAY of other lengths than theirs */
	assert_true(tell(BYTES(SETTINGS "\0\0\5\3\0\0\0\0\1"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\7\6\0\0\0\0\0"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\3\x8\0\0\0\0\0"), FRAME_PREFACE_BYTES).bad);
	assert_true(tell(BYTES(SETTINGS "\0\0\7\7\0\0\0\0\0"), FRAME_PREFACE_BYTES).bad);
}

static void an_empty_block_has_its_end_too(void **state)
{
	struct told told;

	(void)state;
	told = tell(BYTES(SETTINGS "\0\0\0\1\5\0\0\0\1"), FRAME_PREFACE_BYTES);
	assert_int_equal(told.blocks, 1);
	assert_int_equal(told.lasts, 1);
	assert_int_equal(told.frames, 2);
}

static void the_longest_frame_is_counted_to_its_end(void **state)
{
	static uint8_t body[65536];
	static const char head[] = SETTINGS "\xff\xff\xff\0\0\0\0\0\1";
	struct told told = { 0 };
	struct frame f;

	(void)state;
	frame_init(&f, FRAME_PREFACE_BYTES);
	feed(&f, &told, BYTES(head));
	for (uint32_t left = 0xffffff; left;) {
		uint32_t n = left < sizeof(body) ? left : sizeof(body);

		assert_int_equal(told.frames, 1);
		feed(&f, &told, body, n);
		left -= n;
	}
	assert_int_equal(told.frames, 2);
	assert_false(told.bad);
}

static void bytes_unseen_lie_in_data_or_nowhere(void **state)
{
	static const char head[] = SETTINGS "\0\0\5\0\1\0\0\0\1ab";
	const uint8_t *none = (const uint8_t *)head;
	struct told told = { 0 };
	struct frame f;

	(void)state;
	frame_init(&f, FRAME_PREFACE_BYTES);
	feed(&f, &told, BYTES(head));
	assert_int_equal(frame_skip(&f, 3), FRAME_MORE);
	assert_int_equal(frame_next(&f, &none, none), FRAME_END);
	assert_int_equal(frame_skip(&f, 1), FRAME_BAD);
	frame_init(&f, FRAME_PREFACE_BYTES);
	feed(&f, &told, BYTES(head));
	assert_int_equal(frame_skip(&f, 4), FRAME_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_the_same_at_every_split),
		cmocka_unit_test(the_preface_goes_on_behind_its_line),
		cmocka_unit_test(what_begins_without_settings_is_bad),
		cmocka_unit_test(what_the_protocol_forbids_is_bad),
		cmocka_unit_test(an_empty_block_has_its_end_too),
		cmocka_unit_test(the_longest_frame_is_counted_to_its_end),
		cmocka_unit_test(bytes_unseen_lie_in_data_or_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
