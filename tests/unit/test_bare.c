#include "bare.h"
#include "rs_test.h"

struct heard {
	const struct capture_target *seen;
	uint64_t gone_key, gone_ns;
	int seen_count, gone_count;
};

static void on_seen(void *ctx, const struct capture_target *target)
{
	struct heard *h = ctx;

	h->seen = target;
	h->seen_count++;
}

static void on_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	struct heard *h = ctx;

	assert_ptr_equal(target, h->seen); /* the same from seen to gone */
	h->gone_key = target->key;
	h->gone_ns = now_ns;
	h->gone_count++;
}

static void a_process_is_seen_once_and_gone_once(void **state)
{
	struct capture_target target = { .key = 7, .pid = 70 };
	struct heard h = { 0 };
	const struct drain_sink sink = { .ctx = &h, .seen = on_seen, .gone = on_gone };
	struct bare b = { 0 };

	(void)state;
	assert_int_equal(bare_add(&b, &sink, &target), 0);
	assert_int_equal(bare_add(&b, &sink, &target), 0); /* told again */
	assert_int_equal(h.seen_count, 1);
	assert_int_equal(h.seen->pid, 70);
	bare_died(&b, &sink, 8, 1); /* nobody's */
	assert_int_equal(h.gone_count, 0);
	bare_died(&b, &sink, 7, 5);
	bare_died(&b, &sink, 7, 6);
	assert_int_equal(h.gone_count, 1);
	assert_int_equal(h.gone_key, 7);
	assert_int_equal(h.gone_ns, 5);
	bare_fini(&b);
}

static void the_others_stay_when_one_in_the_middle_goes(void **state)
{
	struct heard h = { 0 };
	const struct drain_sink sink = { .ctx = &h, .seen = on_seen, .gone = on_gone };
	struct bare b = { 0 };

	(void)state;
	for (uint64_t key = 1; key <= 3; key++) {
		struct capture_target target = { .key = key };

		assert_int_equal(bare_add(&b, &sink, &target), 0);
		if (key == 2)
			bare_died(&b, &sink, 2, 1);
	}
	h.seen = NULL;
	for (uint64_t key = 1; key <= 3; key++) {
		struct capture_target target = { .key = key };

		assert_int_equal(bare_add(&b, &sink, &target), 0);
	}
	assert_int_equal(h.seen_count, 4); /* 2 alone is new */
	assert_int_equal(h.seen->key, 2);
	bare_fini(&b);
	assert_null(b.first);
}

static int32_t pid_of(uint64_t key)
{
	return key == 4 ? 70 : 70 + (int32_t)(key * BARE_BUCKETS);
}

/* All of them in one bucket, and two of one pid: it was given anew before the end was told. */
static void each_is_found_by_its_pid_and_the_newest_of_a_pid(void **state)
{
	struct heard h = { 0 };
	const struct drain_sink sink = { .ctx = &h, .seen = on_seen, .gone = on_gone };
	struct capture_target older = { .key = 9, .pid = 70 };
	const struct bare_one *newest;
	struct bare b = { 0 };

	(void)state;
	assert_int_equal(bare_add(&b, &sink, &older), 0);
	for (uint64_t key = 1; key <= 4; key++) {
		struct capture_target target = { .key = key, .pid = pid_of(key) };

		assert_int_equal(bare_add(&b, &sink, &target), 0);
	}
	newest = bare_by_pid(&b, 70);
	assert_ptr_equal(newest, b.first);
	for (uint64_t key = 1; key <= 3; key++)
		assert_non_null(bare_by_pid(&b, pid_of(key)));
	assert_null(bare_by_pid(&b, pid_of(5)));
	bare_fini(&b);
	assert_null(bare_by_pid(&b, 70));
}

static void an_ended_one_is_not_found_by_its_pid(void **state)
{
	struct heard h = { 0 };
	const struct drain_sink sink = { .ctx = &h, .seen = on_seen, .gone = on_gone };
	struct capture_target older = { .key = 9, .pid = 70 }, newer = { .key = 10, .pid = 70 };
	const struct bare_one *first;
	struct bare b = { 0 };

	(void)state;
	assert_int_equal(bare_add(&b, &sink, &older), 0);
	first = bare_by_pid(&b, 70);
	assert_int_equal(bare_add(&b, &sink, &newer), 0);
	assert_ptr_not_equal(bare_by_pid(&b, 70), first);
	bare_died(&b, &sink, 10, 1);
	assert_ptr_equal(bare_by_pid(&b, 70), first);
	bare_fini(&b);
}

static struct drain_counters booked;
static int books;

static void on_counters(void *ctx, const struct capture_target *target,
			const struct drain_counters *delta, const struct drain_ledger *ledger,
			uint64_t now_ns, bool gap)
{
	(void)ctx;
	(void)target;
	(void)ledger;
	(void)now_ns;
	(void)gap;
	booked = *delta;
	books++;
}

static void lost_requests_are_counted_by_their_status_and_told_once(void **state)
{
	const uint64_t status[RS_STATUS_CLASSES] = { 0, 7, 0, 2, 0 };
	struct capture_target target = { .key = 7, .pid = 70 };
	struct heard h = { 0 };
	const struct drain_sink sink = {
		.ctx = &h, .seen = on_seen, .gone = on_gone, .counters = on_counters
	};
	struct bare b = { 0 };

	(void)state;
	assert_int_equal(bare_add(&b, &sink, &target), 0);
	assert_null(bare_by_pid(&b, 71));
	assert_non_null(bare_by_pid(&b, 70));
	bare_lost(&b, 8, status); /* nobody's */
	bare_book(&b, &sink, 1);
	assert_int_equal(books, 0);
	bare_lost(&b, 7, status);
	bare_book(&b, &sink, 2);
	bare_book(&b, &sink, 3);
	assert_int_equal(books, 1);
	assert_int_equal(booked.requests, 9);
	assert_int_equal(booked.status[1], 7);
	assert_int_equal(booked.status[3], 2);
	assert_int_equal(booked.dropped[RS_KIND_REQUEST], 9);
	bare_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found_by_its_pid_and_the_newest_of_a_pid),
		cmocka_unit_test(an_ended_one_is_not_found_by_its_pid),
		cmocka_unit_test(lost_requests_are_counted_by_their_status_and_told_once),
		cmocka_unit_test(a_process_is_seen_once_and_gone_once),
		cmocka_unit_test(the_others_stay_when_one_in_the_middle_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
