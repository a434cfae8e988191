#include "backlog.h"
#include "core.h"

#include <ringside/ring.h>
#include <string.h>

static struct backlog b;

static int setup(void **state)
{
	core_setup(state);
	memset(&b, 0, sizeof(b));
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guard_leave();
	return 0;
}

static struct rs_head *record(uint64_t position)
{
	return (struct rs_head *)(void *)here.slots + (position & here.mask);
}

static bool put(uint32_t stream, const char *text, bool last)
{
	struct emit_piece piece = {
		.bytes = (const uint8_t *)text,
		.stream = stream,
		.length = (uint16_t)strlen(text),
		.last = last,
	};

	return backlog_put(&b, &piece);
}

static void pieces_come_out_as_they_went_in(void **state)
{
	uint64_t at = here.lane->head;
	uint32_t number = 7;

	(void)state;
	assert_true(put(1, "ab", false));
	assert_true(put(1, "", true));
	assert_true(put(3, "cde", true));
	assert_false(backlog_is_empty(&b));
	backlog_send(&b, 5, &number);
	assert_true(backlog_is_empty(&b));
	assert_int_equal(number, 10);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(record(at + i)->connection, 5);
		assert_int_equal(record(at + i)->headers.number, 7 + i);
		assert_int_equal(record(at + i)->headers.stream, i < 2 ? 1 : 3);
		assert_int_equal(record(at + i)->headers.last, i > 0);
	}
	assert_memory_equal(record(at)->headers.bytes, "ab", 2);
	assert_int_equal(record(at + 1)->headers.length, 0);
	assert_memory_equal(record(at + 2)->headers.bytes, "cde", 3);
}

static void what_finds_no_room_waits(void **state)
{
	uint64_t at = here.lane->head + RS_BIG_SLOTS - 1;
	uint32_t number = 0;

	(void)state;
	here.lane->head = at; /* room for one */
	assert_true(put(1, "a", true));
	assert_true(put(3, "b", true));
	backlog_send(&b, 5, &number);
	assert_int_equal(number, 1);
	assert_int_equal(record(at)->headers.stream, 1);
	backlog_send(&b, 5, &number);
	assert_int_equal(number, 1);
	assert_false(backlog_is_empty(&b));
	here.lane->head = 0;
	backlog_send(&b, 5, &number);
	assert_int_equal(number, 2);
	assert_int_equal(record(0)->headers.stream, 3);
	assert_memory_equal(record(0)->headers.bytes, "b", 1);
	assert_true(backlog_is_empty(&b));
}

static void it_is_full_at_its_bound(void **state)
{
	static const char text[] = "01234567890123456789012345678901234567890123456789012345";

	(void)state;
	for (uint32_t i = 0; i < BACKLOG_BYTES / (8 + sizeof(text) - 1); i++)
		assert_true(put(i, text, true));
	assert_int_equal(b.used, BACKLOG_BYTES);
	assert_false(put(1, "", true));
	assert_int_equal(b.used, BACKLOG_BYTES);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pieces_come_out_as_they_went_in),
		TEST(what_finds_no_room_waits),
		TEST(it_is_full_at_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
