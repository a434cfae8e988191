#include "../../agent/profile/stacks.c"
#include "rs_test.h"

/* The compiler would see into it, and that it may give nothing. */
static __attribute__((noinline, returns_nonnull)) struct stacks *made(uint32_t samples)
{
	struct stacks *s;

	assert_int_equal(stacks_open(&s, samples), 0);
	return s;
}

struct heard {
	uint32_t stacks, samples;
	uint64_t first; /* address of the last stack */
};

static int hear(void *ctx, const struct stack *stack, uint32_t samples)
{
	struct heard *h = ctx;

	h->stacks++;
	h->samples += samples;
	h->first = stack->addresses[0];
	return 0;
}

static int put(struct stacks *s, uint64_t key, uint64_t address, uint32_t second)
{
	const uint64_t addresses[] = { address, 1 };
	const struct stacks_sample sample = { .key = key,
					      .second = second,
					      .kernel_count = 1,
					      .user_count = 1,
					      .addresses = addresses };

	return stacks_put(s, &sample);
}

static struct heard ask(struct stacks *s, uint64_t key, uint32_t from, uint32_t to)
{
	const struct stacks_range range = { &key, 1, from, to };
	struct heard h = { 0 };

	assert_int_equal(stacks_each(s, &range, hear, &h), 0);
	return h;
}

static void one_stack_is_kept_once_and_counted_each_time(void **state)
{
	struct stacks_counts counts;
	struct stacks *s = made(100);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(put(s, 7, i < 7 ? 100 : 200, 50), 0);
	assert_int_equal(ask(s, 7, 50, 51).stacks, 2);
	assert_int_equal(ask(s, 7, 50, 51).samples, 10);
	stacks_counts_get(s, &counts);
	assert_int_equal(counts.distinct, 2);
	assert_int_equal(counts.samples, 10);
	stacks_close(s);
}

static void a_range_takes_its_own_seconds_and_processes_alone(void **state)
{
	struct stacks *s = made(100);

	(void)state;
	put(s, 7, 100, 50);
	put(s, 8, 100, 50);
	put(s, 7, 200, 51);
	put(s, 7, 300, 52);
	assert_int_equal(ask(s, 7, 51, 52).samples, 1);
	assert_int_equal(ask(s, 7, 51, 52).first, 200);
	assert_int_equal(ask(s, 8, 0, 100).samples, 1);
	assert_int_equal(ask(s, 9, 0, 100).samples, 0);
	stacks_close(s);
}

static void the_same_addresses_split_otherwise_are_another_stack(void **state)
{
	const uint64_t addresses[] = { 5, 6 };
	struct stacks_sample sample = { .key = 7, .kernel_count = 2, .addresses = addresses };
	struct stacks_counts counts;
	struct stacks *s = made(100);

	(void)state;
	assert_int_equal(stacks_put(s, &sample), 0);
	sample.kernel_count = 1;
	sample.user_count = 1;
	assert_int_equal(stacks_put(s, &sample), 0);
	stacks_counts_get(s, &counts);
	assert_int_equal(counts.distinct, 2);
	stacks_close(s);
}

static void what_is_older_than_five_minutes_leaves(void **state)
{
	struct stacks *s = made(100);

	(void)state;
	put(s, 7, 100, 50);
	put(s, 7, 200, 51);
	stacks_expire(s, 50 + STACKS_SPAN_S - 1);
	assert_int_equal(s->count, 2);
	stacks_expire(s, 50 + STACKS_SPAN_S);
	assert_int_equal(s->count, 1);
	assert_int_equal(s->counts.distinct, 1);
	assert_int_equal(s->counts.early, 0);
	stacks_close(s);
}

static void a_full_ring_loses_its_oldest_and_counts_it(void **state)
{
	struct stacks *s = made(3);

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		put(s, 7, 100 + i, 50);
	assert_int_equal(s->counts.early, 2);
	assert_int_equal(s->counts.distinct, 3);
	for (int i = 0; i < 9; i++) /* its own last use leaves as it comes in */
		put(s, 7, 100, 50);
	assert_int_equal(s->counts.distinct, 1);
	assert_int_equal(ask(s, 7, 0, 100).samples, 3);
	stacks_close(s);
}

static void stacks_without_room_are_lost_and_counted(void **state)
{
	struct stacks *s = made(100);

	(void)state;
	put(s, 7, 100, 50);
	s->counts.bytes += STACKS_BYTES;
	assert_int_equal(put(s, 7, 200, 50), -ENOSPC);
	assert_int_equal(put(s, 7, 100, 50), 0); /* it is there already */
	s->counts.bytes -= STACKS_BYTES;
	assert_int_equal(s->counts.no_room, 1);
	assert_int_equal(ask(s, 7, 0, 100).samples, 2);
	stacks_close(s);
}

static void what_is_lost_counts_in_its_own_second_alone(void **state)
{
	struct stacks *s = made(3);

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		put(s, 7, 100 + i, 50 + i);
	assert_int_equal(stacks_lost(s, 50, 54), 2); /* those of the seconds 50 and 51 left early */
	assert_int_equal(stacks_lost(s, 51, 54), 1);
	assert_int_equal(stacks_lost(s, 52, 54), 0);
	stacks_lose(s, 60, 4);
	stacks_lose(s, 60, 1);
	assert_int_equal(stacks_lost(s, 60, 60), 5);
	assert_int_equal(stacks_lost(s, 61, 61), 0);
	stacks_lose(s, 60 + STACKS_LOSSES, 1); /* its place is the same */
	assert_int_equal(stacks_lost(s, 61, 60 + STACKS_LOSSES), 1);
	assert_int_equal(stacks_lost(s, 0, 60 + STACKS_LOSSES), 1); /* what is older is not kept */
	stacks_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stack_is_kept_once_and_counted_each_time),
		cmocka_unit_test(a_range_takes_its_own_seconds_and_processes_alone),
		cmocka_unit_test(the_same_addresses_split_otherwise_are_another_stack),
		cmocka_unit_test(what_is_older_than_five_minutes_leaves),
		cmocka_unit_test(a_full_ring_loses_its_oldest_and_counts_it),
		cmocka_unit_test(stacks_without_room_are_lost_and_counted),
		cmocka_unit_test(what_is_lost_counts_in_its_own_second_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
