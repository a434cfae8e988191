#include "../../agent/ledger.c" /* with a drain that tells what the test says */
#include "rs_test.h"

static struct drain_counts told;

void drain_counts_get(struct drain *d, struct drain_counts *out)
{
	(void)d;
	*out = told;
}

size_t depot_counters(const struct depot *d, struct web_counter *out, size_t room)
{
	assert_null(d);
	if (room)
		out[0] = (struct web_counter){ .name = "ringside_redis_parcels", .number = 11 };
	return room > 0;
}

size_t fleeting_counters(const struct fleeting *f, struct web_counter *out, size_t room)
{
	assert_null(f);
	if (room)
		out[0] = (struct web_counter){ .name = "ringside_fleet_views", .number = 13 };
	return room > 0;
}

static struct turn turn;
static struct ledger ledger = { .turn = &turn };

static double number_of(const char *name)
{
	struct web_counter counters[24];
	size_t count = ledger_counters(&ledger, counters, 24);

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(counters[i].name, name))
			return counters[i].number;
	}
	return -1;
}

static void each_loss_has_its_own_number(void **state)
{
	(void)state;
	told = (struct drain_counts){ .refused = 3, .broken = 5, .shapes_lost = 7, .saved = 9 };
	assert_true(number_of("ringside_segments_refused") == 3);
	assert_true(number_of("ringside_segments_broken") == 5);
	assert_true(number_of("ringside_shapes_lost") == 7);
	assert_true(number_of("ringside_checkpoints_saved") == 9);
	assert_true(number_of("ringside_segments_unequal") == 0);
	assert_true(number_of("ringside_redis_parcels") == 11);
	assert_true(number_of("ringside_fleet_views") == 13);
}

static void each_loop_has_how_late_it_is(void **state)
{
	struct web_counter counters[24];
	size_t count, found = 0;

	(void)state;
	told = (struct drain_counts){ .late_ns = 1500000000 };
	turn_due(&turn, moment_monotonic_ns());
	turn_begin(&turn, moment_monotonic_ns() + 30000000000);
	turn_due(&turn, UINT64_MAX);
	count = ledger_counters(&ledger, counters, 24);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(counters[i].name, "ringside_loop_lag_seconds") != 0)
			continue;
		found++;
		assert_true(counters[i].level);
		assert_string_equal(counters[i].label, "loop");
		if (!strcmp(counters[i].value, "drain"))
			assert_true(counters[i].number == 1.5);
		else
			assert_true(counters[i].number >= 30 && counters[i].number < 40);
	}
	assert_int_equal(found, 2);
}

static void no_more_is_written_than_there_is_room(void **state)
{
	struct web_counter counters[2] = { { .name = NULL }, { .name = "untouched" } };

	(void)state;
	assert_int_equal(ledger_counters(&ledger, counters, 1), 1);
	assert_string_equal(counters[1].name, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loss_has_its_own_number),
		cmocka_unit_test(each_loop_has_how_late_it_is),
		cmocka_unit_test(no_more_is_written_than_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
