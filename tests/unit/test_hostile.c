/* What a process may do to its own memory, and what comes of it. */
#include "watched_fixture.h"

#include <errno.h>

static void memory_that_is_taken_away_ends_the_watch(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	assert_true(watched_round(b.w, NOW));
	assert_int_equal(ftruncate(b.f.fd, RS_BLOCKS_AT), 0);
	assert_false(watched_round(b.w, NOW));
	assert_int_equal(b.shared->broken, 1);
	assert_int_equal(b.r.gone, 1);
	bench_close(&b);
}

static void what_is_no_segment_is_refused_and_never_seen(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	b.f.header->abi++;
	assert_int_equal(watched_open(&b.w, b.shared, &bench_target, b.f.fd, NULL), -EPROTO);
	assert_null(b.w);
	assert_int_equal(b.r.seen, 0);
	bench_close(&b);
}

static void records_of_other_kinds_are_taken_and_counted(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint8_t kinds[3] = { RS_KIND_CALL, RS_KINDS, RS_KIND_NONE };

		fixture_fill(&b.f, 0, &request);
		fixture_slot(&b.f, 0, i)->kind = kinds[i];
		fixture_publish(&b.f, 0, 1);
	}
	watched_round(b.w, NOW);
	assert_int_equal(b.r.requests, 0);
	assert_int_equal(b.shared->unknown, 1);
	assert_int_equal(b.r.ledger.delivered[RS_KIND_CALL], 1);
	assert_int_equal(b.r.ledger.bad, 2);
	bench_close(&b);
}

static void positions_wrap_with_the_lane(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane_at(&b.f, 2, RS_SLOTS - 2);
	bench_watch(&b);
	request.path = "/over/the/end/of/the/lane/with/a/path/of/more/than/one/slot/";
	for (int i = 0; i < 1000; i++) {
		fixture_serve(&b.f, 2, &request, 0);
		if (i % 10 == 9)
			watched_round(b.w, NOW);
	}
	assert_int_equal(b.r.requests, 1000);
	assert_int_equal(b.r.ledger.torn + b.r.ledger.bad, 0);
	assert_string_equal(b.r.path, request.path);
	bench_close(&b);
}

static uint64_t bench_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void bench_garble(struct bench *b, uint64_t *seed)
{
	struct rs_header keep = *b->f.header;

	for (uint32_t at = 0; at < RS_SEGMENT_BYTES; at += sizeof(*seed)) {
		bench_random(seed);
		memcpy(b->f.base + at, seed, sizeof(*seed));
	}
	memcpy(b->f.base, &keep, offsetof(struct rs_header, agent));
}

static void random_bytes_everywhere_hurt_nobody(void **state)
{
	uint64_t seed = 88172645463325252u;
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_garble(&b, &seed);
	bench_watch(&b);
	for (int i = 0; i < 3; i++) {
		assert_true(watched_round(b.w, NOW));
		watched_list(b.w, NOW);
		bench_garble(&b, &seed);
	}
	watched_end(b.w, NOW);
	assert_int_equal(b.r.gone, 1);
	bench_close(&b);
}

/* The words are right, all else is random: as much is taken as lanes hold, and all is counted. */
static void random_records_are_bounded_and_counted(void **state)
{
	uint64_t seed = 88172645463325252u, slots = 0, got = 0;
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_garble(&b, &seed);
	for (uint32_t n = 0; n < RS_BLOCKS; n++) {
		fixture_lane_at(&b.f, n, n);
		for (uint32_t i = 0; i < rs_lane_slots(n); i++)
			fixture_slot(&b.f, n, n + i)->seq = ring_word(n + i, 0, 1);
		slots += rs_lane_slots(n);
	}
	b.f.header->lanes = RS_LANES;
	bench_watch(&b);
	assert_true(watched_round(b.w, NOW));
	for (uint32_t kind = 0; kind < RS_KINDS; kind++)
		got += b.r.ledger.delivered[kind];
	assert_int_equal(got + b.r.ledger.bad + b.r.ledger.torn, slots);
	assert_true(b.r.ledger.bad > slots / 2);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_taken_away_ends_the_watch),
		cmocka_unit_test(what_is_no_segment_is_refused_and_never_seen),
		cmocka_unit_test(records_of_other_kinds_are_taken_and_counted),
		cmocka_unit_test(positions_wrap_with_the_lane),
		cmocka_unit_test(random_bytes_everywhere_hurt_nobody),
		cmocka_unit_test(random_records_are_bounded_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
