#include "rates.h"

#include "rs_test.h"

#define S UINT64_C(1000000000)

static struct rates r;

static void note(uint64_t at_s, uint64_t hits)
{
	const struct rates_counts counts = { hits, 2 * hits, 3 * hits };

	rates_note(&r, at_s * S, &counts);
}

static uint64_t hits(uint64_t from_s, uint64_t to_ns)
{
	struct rates_counts out;

	rates_window(&r, from_s * S, to_ns, &out);
	assert_int_equal(out.misses, 2 * out.hits);
	assert_int_equal(out.evictions, 3 * out.hits);
	return out.hits;
}

static void a_window_has_what_happened_in_it(void **state)
{
	(void)state;
	rates_init(&r);
	assert_int_equal(hits(0, UINT64_MAX), 0);
	for (uint64_t s = 1000; s <= 1100; s++)
		note(s, 10 * (s - 1000));
	assert_int_equal(hits(1040, UINT64_MAX), 600);
	assert_int_equal(hits(1042, UINT64_MAX), 600); /* to the step */
	assert_int_equal(hits(0, UINT64_MAX), 1000);
	assert_int_equal(hits(1040, 1060 * S), 200);
	note(1101, 5000); /* between two marks: it counts all the same */
	assert_int_equal(hits(1100, UINT64_MAX), 4000);
	rates_fini(&r);
}

static void what_is_older_than_an_hour_is_forgotten(void **state)
{
	(void)state;
	rates_init(&r);
	for (uint64_t s = 0; s < 2 * 3600; s += 5)
		note(s, s);
	assert_int_equal(hits(0, UINT64_MAX), 5 * (RATES_STEPS - 1));
	assert_int_equal(hits(7195 - 300, UINT64_MAX), 300);
	rates_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_what_happened_in_it),
		cmocka_unit_test(what_is_older_than_an_hour_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
