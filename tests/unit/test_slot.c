#include "slot.h"

#include "metrics_fixture.h"

#include <errno.h>

static void fill(struct slot *slot, uint32_t step)
{
	uint64_t *words = (uint64_t *)&slot->sums;

	slot_init(slot, 5);
	for (size_t i = 0; i < SLOT_SUMS; i++)
		words[i] = UINT64_MAX - i * step;
	for (uint32_t i = RS_HIST_SLOTS; i > 0; i--)
		slot_bucket_add(slot, i - 1, UINT32_MAX - i);
}

static void the_largest_slot_fits_and_comes_back(void **state)
{
	static struct slot full, back;
	uint8_t bytes[SLOT_PACKED_MAX];
	size_t size;

	(void)state;
	fill(&full, 3);
	full.sums.min_ns = 17;
	size = slot_pack(&full, bytes);
	assert_true(size <= sizeof(bytes));
	slot_init(&back, 5);
	assert_int_equal(slot_unpack(bytes, size, &back), 0);
	assert_memory_equal(&back.sums, &full.sums, sizeof(full.sums));
	assert_memory_equal(back.buckets, full.buckets, sizeof(full.buckets));
}

static void an_empty_slot_keeps_that_nothing_was_measured(void **state)
{
	static struct slot empty, back;
	uint8_t bytes[SLOT_PACKED_MAX];
	size_t size;

	(void)state;
	slot_init(&empty, 5);
	size = slot_pack(&empty, bytes);
	assert_true(size <= 2);
	slot_init(&back, 5);
	assert_int_equal(slot_unpack(bytes, size, &back), 0);
	assert_true(back.sums.min_ns == UINT64_MAX && back.sums.max_ns == 0);
}

static void minimum_and_maximum_do_not_add(void **state)
{
	static struct slot a, b;

	(void)state;
	slot_init(&a, 1);
	slot_init(&b, 1);
	a.sums.count = 1;
	a.sums.min_ns = a.sums.max_ns = 40;
	b.sums.count = 2;
	b.sums.min_ns = 30;
	b.sums.max_ns = 35;
	slot_bucket_add(&b, 9, 2);
	slot_add(&a, &b);
	assert_int_equal(a.sums.count, 3);
	assert_int_equal(a.sums.min_ns, 30);
	assert_int_equal(a.sums.max_ns, 40);
	assert_int_equal(a.buckets[9], 2);
}

static void a_cleared_slot_is_as_new(void **state)
{
	static struct slot used, fresh;

	(void)state;
	fill(&used, 1);
	slot_clear(&used, 8);
	slot_init(&fresh, 8);
	assert_memory_equal(used.buckets, fresh.buckets, sizeof(fresh.buckets));
	assert_memory_equal(&used.sums, &fresh.sums, sizeof(fresh.sums));
	assert_int_equal(used.blocks, 0);
}

static void a_full_bucket_stays_full(void **state)
{
	static struct slot slot;

	(void)state;
	slot_init(&slot, 1);
	slot_bucket_add(&slot, 3, UINT32_MAX - 1);
	slot_bucket_add(&slot, 3, 5);
	assert_int_equal(slot.buckets[3], UINT32_MAX);
	assert_int_equal(slot.blocks, 1);
}

static void bad_bytes_change_nothing(void **state)
{
	static struct slot slot, back, before;
	uint8_t bytes[SLOT_PACKED_MAX];
	size_t size;

	(void)state;
	slot_init(&slot, 1);
	slot.sums.count = 300;
	slot_bucket_add(&slot, 700, 300);
	size = slot_pack(&slot, bytes);
	slot_init(&back, 1);
	before = back;
	for (size_t cut = 0; cut < size; cut++) {
		assert_int_equal(slot_unpack(bytes, cut, &back), -EBADMSG);
		assert_memory_equal(&back, &before, sizeof(back));
	}
	bytes[size] = 0;
	assert_int_equal(slot_unpack(bytes, size + 1, &back), -EBADMSG);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(slot_unpack(bytes, sizeof(bytes), &back), -EBADMSG);
}

static void the_count_is_read_without_the_rest(void **state)
{
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];

	(void)state;
	slot_init(&slot, 1);
	slot.sums.bytes_in = 9;
	assert_int_equal(slot_unpack_count(bytes, slot_pack(&slot, bytes)), 0);
	slot.sums.count = 70000;
	assert_int_equal(slot_unpack_count(bytes, slot_pack(&slot, bytes)), 70000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_slot_fits_and_comes_back),
		cmocka_unit_test(an_empty_slot_keeps_that_nothing_was_measured),
		cmocka_unit_test(minimum_and_maximum_do_not_add),
		cmocka_unit_test(a_cleared_slot_is_as_new),
		cmocka_unit_test(a_full_bucket_stays_full),
		cmocka_unit_test(bad_bytes_change_nothing),
		cmocka_unit_test(the_count_is_read_without_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
