#include "core.h"

static int claim(uint32_t connection)
{
	int entry;

	assert_true(guard_enter());
	entry = open_claim(connection, 77);
	guard_leave();
	return entry;
}

static void give_back(int entry)
{
	assert_true(guard_enter());
	open_free(entry);
	guard_leave();
}

static void a_request_shows_while_it_lasts(void **state)
{
	int entry = claim(5);

	(void)state;
	assert_int_equal(open_at(entry)->connection, 5);
	assert_int_equal(open_at(entry)->t0, 77);
	assert_int_equal(open_at(entry)->state, RS_OPEN_HEAD);
	open_update(entry, 2050, RS_METHOD_PUT, RS_OPEN_BODY);
	open_progress(entry, RS_OPEN_ANSWERING, 900, 2);
	assert_int_equal(open_at(entry)->shape, 2050);
	assert_int_equal(open_at(entry)->method, RS_METHOD_PUT);
	assert_int_equal(open_at(entry)->state, RS_OPEN_ANSWERING);
	assert_int_equal(open_at(entry)->bytes_out, 900);
	assert_int_equal(open_at(entry)->queued, 2);
	give_back(entry);
	assert_int_equal(open_at(entry)->connection, 0);
	assert_int_equal(claim(6), entry);
	assert_int_equal(open_at(entry)->bytes_out, 0);
	give_back(entry);
}

static void all_entries_are_given_once(void **state)
{
	static bool seen[RS_OPEN_ENTRIES];

	(void)state;
	for (uint32_t i = 0; i < RS_OPEN_ENTRIES; i++) {
		int entry = claim(i + 1);

		assert_in_range(entry, 0, RS_OPEN_ENTRIES - 1);
		assert_false(seen[entry]);
		seen[entry] = true;
	}
	assert_int_equal(claim(9), -1);
	assert_int_equal(here.block->lost[RS_LOST_OPEN_FULL], 1);
	for (int i = 0; i < (int)RS_OPEN_ENTRIES; i++)
		give_back(i);
	assert_in_range(claim(9), 0, RS_OPEN_ENTRIES - 1);
}

static void none_is_an_entry_too(void **state)
{
	(void)state;
	open_update(-1, 1, 1, 1);
	open_progress(-1, 1, 1, 1);
	open_free(-1);
	assert_int_equal(here.spares, 0);
}

static void a_frozen_host_keeps_the_page_it_has(void **state)
{
	int entry = 0;

	(void)state;
	atomic_store(&home.frozen, 1);
	for (uint32_t i = 0; i < RS_PAGE / sizeof(struct rs_open); i++) {
		entry = claim(i + 1);
		assert_true(entry >= 0);
	}
	assert_int_equal(claim(1), -1);
	give_back(entry);
	assert_int_equal(claim(1), entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_shows_while_it_lasts, core_setup),
		cmocka_unit_test_setup(all_entries_are_given_once, core_setup),
		cmocka_unit_test_setup(none_is_an_entry_too, core_setup),
		cmocka_unit_test_setup(a_frozen_host_keeps_the_page_it_has, core_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
