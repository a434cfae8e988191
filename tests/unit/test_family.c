#include "drain_fixture.h"
#include "family.h"

#include <errno.h>
#include <stdlib.h>

#define NOW (1000 * FIXTURE_SECOND)

static const char boot[CHECKPOINT_BOOT_BYTES] = "the boot of this test";
static const struct capture_target target = { .key = 7, .pid = 70, .start_ticks = 700 };

struct bench {
	struct fixture own, kin;
	struct recorder r;
	struct watched_shared *shared;
	struct family *family;
};

static void bench_shared(struct bench *b)
{
	b->shared = calloc(1, sizeof(*b->shared));
	assert_non_null(b->shared);
	b->shared->sink = recorder_sink(&b->r);
	b->shared->slow_warning_ns = FIXTURE_SECOND;
	b->shared->slow_critical_ns = 5 * FIXTURE_SECOND;
	b->shared->epoch = 3;
}

static void bench_open(struct bench *b)
{
	fixture_open(&b->own);
	fixture_open(&b->kin);
	b->kin.header->overflow = 1;
	fixture_lane(&b->own, 0);
	bench_shared(b);
	assert_int_equal(segment_guard(), 0);
	assert_int_equal(family_open(&b->family, b->shared, &target, b->own.fd, NULL), 0);
}

static void bench_close(struct bench *b)
{
	family_close(b->family);
	free(b->shared);
	fixture_close(&b->own);
	fixture_close(&b->kin);
}

static void bench_kin(struct bench *b)
{
	assert_int_equal(family_kin(b->family, b->kin.fd, NULL), 0);
}

/* As a child does it: counted and, while somebody listens, folded. */
static void child_serves(struct fixture *kin, uint32_t cell)
{
	const struct fixture_request request = { .t0 = NOW - FIXTURE_SECOND,
						 .span = 5000,
						 .status = 200 };
	struct rs_block *block = fixture_block(kin, RS_SHARED_BLOCK);

	fixture_count(kin, RS_SHARED_BLOCK, &request);
	if (!kin->header->agent.epoch)
		return;
	block->counted[RS_KIND_REQUEST] += 1;
	fixture_fold(kin, cell, &request);
	block->folded[RS_KIND_REQUEST] += 1;
}

static void what_children_count_is_told_as_the_process_s_own(void **state)
{
	const struct fixture_request request = {
		.t0 = NOW - FIXTURE_SECOND, .span = 7000, .status = 200, .path = "/own"
	};
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	assert_int_equal(b.kin.header->agent.epoch, 3);
	fixture_shape(&b.kin, 0, 5, "/child");
	child_serves(&b.kin, 5);
	child_serves(&b.kin, 5);
	fixture_serve(&b.own, 0, &request, 0);
	assert_true(family_round(b.family, NOW, true));
	assert_true(family_round(b.family, NOW, true));
	assert_int_equal(b.r.seen, 1);
	assert_int_equal(b.r.counters.requests, 3);
	assert_int_equal(b.r.counters.folded[RS_KIND_REQUEST], 2);
	assert_int_equal(b.r.folded, 2);
	assert_string_equal(b.r.fold_path, "/child");
	assert_int_equal(b.r.requests, 1);
	assert_int_equal(b.r.gap.requests, 0);
	assert_int_equal(b.r.ledger.delivered[RS_KIND_REQUEST], 1);
	bench_close(&b);
}

static void a_process_has_one_kin_at_most(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	assert_int_equal(family_kin(b.family, b.kin.fd, NULL), -EEXIST);
	bench_close(&b);
}

static void what_was_counted_before_is_a_gap(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	child_serves(&b.kin, 5);
	bench_kin(&b);
	child_serves(&b.kin, 5);
	family_round(b.family, NOW, true);
	assert_int_equal(b.r.gap.requests, 1);
	assert_int_equal(b.r.counters.requests, 1);
	assert_int_equal(b.r.ledger.gap_requests, 1);
	bench_close(&b);
}

/* Its children write there, and one of them may be hostile: there are no lanes. */
static void records_in_a_kin_are_not_read(void **state)
{
	const struct fixture_request request = { .t0 = NOW - FIXTURE_SECOND, .status = 200 };
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	fixture_lane(&b.kin, 0);
	fixture_lane(&b.kin, RS_OVERFLOW_LANE);
	fixture_serve(&b.kin, 0, &request, 0);
	fixture_serve(&b.kin, RS_OVERFLOW_LANE, &request, 0);
	b.kin.header->state = RS_STATE_OFF;
	family_round(b.family, NOW, true);
	assert_int_equal(b.r.requests, 0);
	assert_int_equal(b.r.counters.requests + b.r.gap.requests, 1); /* of the shared block */
	assert_int_equal(b.r.ledger.state, RS_STATE_ON);
	bench_close(&b);
}

static void without_a_kin_a_dead_process_ends_at_once(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	family_died(b.family);
	assert_false(family_round(b.family, NOW, false));
	assert_int_equal(b.r.gone, 1);
	bench_close(&b);
}

static void children_count_on_for_a_dead_parent_until_their_kin_is_closed(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	assert_true(family_round(b.family, NOW, true));
	family_died(b.family);
	assert_true(family_round(b.family, NOW, false));
	child_serves(&b.kin, RS_OTHER_CELL);
	assert_true(family_round(b.family, NOW + FAMILY_WAIT_NS - 1, false));
	assert_int_equal(b.r.counters.requests, 1);
	assert_int_equal(b.kin.header->agent.off, 0);
	assert_true(family_round(b.family, NOW + FAMILY_WAIT_NS, true));
	assert_int_equal(b.kin.header->agent.off, 1);
	child_serves(&b.kin, RS_OTHER_CELL); /* it had looked just before */
	assert_int_equal(b.r.gone, 0);
	assert_false(family_round(b.family, NOW + FAMILY_WAIT_NS + FAMILY_CLOSE_NS, true));
	assert_int_equal(b.r.counters.requests, 2);
	assert_int_equal(b.r.folded, 2);
	assert_int_equal(b.r.gone, 1);
	assert_int_equal(b.shared->unequal, 0);
	bench_close(&b);
}

static void a_kin_whose_memory_was_taken_away_leaves_its_owner_alone(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	assert_int_equal(ftruncate(b.kin.fd, 0), 0);
	assert_true(family_round(b.family, NOW, true));
	assert_int_equal(b.shared->broken, 1);
	assert_int_equal(b.r.gone, 0);
	assert_true(family_round(b.family, NOW, true));
	assert_int_equal(b.shared->broken, 1);
	bench_close(&b);
}

static void both_are_told_and_both_can_be_silenced(void **state)
{
	const struct drain_detail off = { .level = DRAIN_DETAIL_OFF, .since_ns = NOW };
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_kin(&b);
	family_tell(b.family, false);
	assert_int_equal(b.own.header->agent.epoch, 0);
	assert_int_equal(b.kin.header->agent.epoch, 0);
	family_detail(b.family, &off);
	assert_int_equal(b.own.header->agent.off, 1);
	assert_int_equal(b.kin.header->agent.off, 1);
	bench_close(&b);
}

/* What one agent booked of either is not booked by the next one. */
static void a_checkpoint_has_both(void **state)
{
	char path[] = "/tmp/rs_family_XXXXXX";
	struct checkpoint *c;
	struct bench b;

	(void)state;
	assert_true(mkstemp(path) >= 0);
	bench_open(&b);
	bench_kin(&b);
	child_serves(&b.kin, RS_OTHER_CELL);
	family_round(b.family, NOW, true);
	assert_int_equal(checkpoint_open(&c, path, boot), 0);
	checkpoint_begin(c);
	family_save(b.family, c);
	assert_int_equal(checkpoint_end(c, 0), 0);
	checkpoint_close(c);
	child_serves(&b.kin, RS_OTHER_CELL); /* to the dead agent's, which did not take it */
	family_close(b.family);
	free(b.shared);
	bench_shared(&b);
	assert_int_equal(checkpoint_open(&c, path, boot), 0);
	assert_int_equal(family_open(&b.family, b.shared, &target, b.own.fd, c), 0);
	assert_int_equal(family_kin(b.family, b.kin.fd, c), 0);
	family_round(b.family, NOW, true);
	assert_int_equal(b.r.counters.requests, 1);
	assert_int_equal(b.r.folded, 1);
	assert_int_equal(b.r.gap.requests, 0);
	checkpoint_close(c);
	bench_close(&b);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_children_count_is_told_as_the_process_s_own),
		cmocka_unit_test(a_process_has_one_kin_at_most),
		cmocka_unit_test(what_was_counted_before_is_a_gap),
		cmocka_unit_test(records_in_a_kin_are_not_read),
		cmocka_unit_test(without_a_kin_a_dead_process_ends_at_once),
		cmocka_unit_test(children_count_on_for_a_dead_parent_until_their_kin_is_closed),
		cmocka_unit_test(a_kin_whose_memory_was_taken_away_leaves_its_owner_alone),
		cmocka_unit_test(both_are_told_and_both_can_be_silenced),
		cmocka_unit_test(a_checkpoint_has_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
