#include "bridge.h"

#include "rs_test.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static struct bridge *b;

static int set_up(void **state)
{
	(void)state;
	return bridge_open(&b);
}

static int tear_down(void **state)
{
	(void)state;
	bridge_close(b);
	return 0;
}

static struct letter *letter(enum letter_kind kind, uint64_t id)
{
	struct letter *l = letter_open(kind, &(struct cache_bytes){ "key", 3 });

	assert_non_null(l);
	l->id = id;
	return l;
}

static struct drop *drop(void)
{
	struct drop *d;

	assert_int_equal(drop_open(&d, DROP_KEY, &(struct cache_bytes){ "k", 1 }), 0);
	return d;
}

static bool is_woken(const struct bridge_lane *lane)
{
	struct pollfd fd = { .fd = lane->wake, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* How many there were; all are closed. */
static unsigned int take(struct bridge_lane *lane, bool *overflowed)
{
	struct letter *l = bridge_take(lane, overflowed), *next;
	unsigned int count = 0;

	for (; l; l = next, count++) {
		next = l->next;
		letter_close(l);
	}
	return count;
}

static void letters_come_in_order_and_each_once(void **state)
{
	struct letter *l, *next;
	uint64_t id = 0;
	bool lost;

	(void)state;
	assert_false(is_woken(&b->there));
	assert_null(bridge_take(&b->there, &lost));
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(bridge_put(&b->there, letter(LETTER_ASK, i)), 0);
	assert_false(is_woken(&b->there)); /* once for all of them */
	bridge_tell(&b->there);
	assert_true(is_woken(&b->there));
	assert_false(is_woken(&b->back)); /* the other way is another lane */
	for (l = bridge_take(&b->there, &lost); l; l = next) {
		next = l->next;
		assert_int_equal(l->id, ++id);
		assert_memory_equal(l->key, "key", 3);
		letter_close(l);
	}
	assert_int_equal(id, 3);
	assert_false(lost);
	assert_false(is_woken(&b->there));
	assert_null(bridge_take(&b->there, &lost));
	assert_int_equal(bridge_put(&b->there, letter(LETTER_ASK, 4)), 0);
	assert_int_equal(take(&b->there, &lost), 1);
	bridge_tell(&b->there);
	assert_false(is_woken(&b->there)); /* somebody was quicker: there is nothing */
	assert_int_equal(bridge_put(&b->there, letter(LETTER_ASK, 5)), 0);
	bridge_tell(&b->there);
	assert_true(is_woken(&b->there)); /* what is left is freed with it */
}

static void a_full_lane_refuses_but_has_a_reserve_for_drops(void **state)
{
	unsigned int count = 0, drops = 0;
	struct letter *l;
	bool lost;

	(void)state;
	while (!bridge_put(&b->there, l = letter(LETTER_ASK, 1)))
		count++;
	letter_close(l);
	assert_int_equal(count, BRIDGE_LETTERS / 4 * 3);
	while (!bridge_drop(&b->there, drop()))
		drops++;
	assert_int_equal(drops, BRIDGE_LETTERS / 4);
	assert_int_equal(take(&b->there, &lost), BRIDGE_LETTERS);
	assert_true(lost);
	assert_int_equal(take(&b->there, &lost), 0);
	assert_false(lost); /* it is told once */
}

static void bytes_are_bounded_too(void **state)
{
	unsigned int count = 0;
	struct letter *l;
	bool lost;

	(void)state;
	for (;;) {
		l = letter(LETTER_SET, 0);
		l->length = 1 << 20; /* of a capsule that is none */
		if (bridge_put(&b->there, l))
			break;
		count++;
	}
	letter_close(l);
	assert_int_equal(count, (BRIDGE_BYTES >> 20) / 4 * 3 - 1); /* beside what they are in */
	assert_int_equal(bridge_drop(&b->there, drop()), 0);
	assert_int_equal(take(&b->there, &lost), count + 1);
	assert_int_equal(bridge_put(&b->there, letter(LETTER_SET, 0)), 0);
}

static void an_overflow_alone_wakes_too(void **state)
{
	bool lost;

	(void)state;
	bridge_overflow(&b->back);
	assert_true(is_woken(&b->back));
	assert_null(bridge_take(&b->back, &lost));
	assert_true(lost);
	assert_false(is_woken(&b->back));
}

static void a_letter_owns_what_it_carries(void **state)
{
	const struct cache_stored stored = { .type = "t", .tags = "" };
	struct letter *l = letter(LETTER_TOLD, 1);

	(void)state;
	l->capsule = malloc(10);
	l->length = 10;
	l->tags = strdup("a b");
	l->drop = drop();
	assert_int_equal(cache_value_restore(&l->value, &stored), 0);
	assert_int_equal(letter_size(l), sizeof(*l) + 3 + 10 + 1);
	letter_close(l);
	letter_close(NULL);
}

static void the_state_is_the_newest(void **state)
{
	struct bridge_state s;

	(void)state;
	bridge_state_get(b, &s);
	assert_false(s.ready);
	assert_string_equal(s.circuit, "closed");
	s.written = 7;
	s.progress.pending = 1; /* has a call of its own */
	bridge_state_put(b, &s);
	bridge_state_get(b, &s);
	assert_int_equal(s.written, 7);
	assert_int_equal(s.progress.pending, 0);
	bridge_progress_put(b, &(struct bridge_progress){ .seen = 3, .pending = 2 });
	s.written = 8;
	bridge_state_put(b, &s);
	bridge_state_get(b, &s);
	assert_int_equal(s.written, 8);
	assert_int_equal(s.progress.seen, 3);
	assert_int_equal(s.progress.pending, 2);
}

#define STORM 200000u
#define STORM_AT_ONCE 7

static void *storm(void *ctx)
{
	for (uint64_t i = 1; i <= STORM; i++) {
		struct letter *l = letter_open(LETTER_ASK, &(struct cache_bytes){ "k", 1 });

		while (l && (l->id = i, bridge_put(ctx, l))) {
			bridge_tell(ctx);
			sched_yield();
		}
		if (i % STORM_AT_ONCE == 0)
			bridge_tell(ctx);
	}
	bridge_tell(ctx);
	return NULL;
}

/* Never asleep with something in it, and nothing twice, lost or out of order. */
static void two_threads_lose_nothing(void **state)
{
	struct pollfd fd = { .fd = b->there.wake, .events = POLLIN };
	uint64_t last = 0, wrong = 0;
	struct letter *l, *next;
	pthread_t thread;
	bool lost;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, storm, &b->there), 0);
	while (last < STORM && poll(&fd, 1, 10000) == 1) {
		for (l = bridge_take(&b->there, &lost); l; l = next) {
			next = l->next;
			wrong += l->id != ++last;
			letter_close(l);
		}
	}
	pthread_join(thread, NULL);
	assert_int_equal(last, STORM);
	assert_int_equal(wrong, 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(letters_come_in_order_and_each_once),
		WITH(a_full_lane_refuses_but_has_a_reserve_for_drops),
		WITH(bytes_are_bounded_too),
		WITH(an_overflow_alone_wakes_too),
		WITH(a_letter_owns_what_it_carries),
		WITH(the_state_is_the_newest),
		WITH(two_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
