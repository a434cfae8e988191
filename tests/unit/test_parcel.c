#include "parcel_fixture.h"

static void assert_same_label(const struct parcel_label *a, const struct parcel_label *b)
{
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->second, b->second);
	assert_memory_equal(a->boot, b->boot, sizeof(a->boot));
	assert_int_equal(a->wall_offset_ms, b->wall_offset_ms);
	assert_memory_equal(a->host, b->host, sizeof(a->host));
	assert_memory_equal(a->service, b->service, sizeof(a->service));
	assert_memory_equal(a->environment, b->environment, sizeof(a->environment));
}

static void what_was_put_is_read(void **state)
{
	static const char *const routes[] = { "", "/a", "/b/{id}", "SELECT * FROM t", "" };
	static const uint64_t requests[] = { 8, 7, 1, 3, 0 };
	const struct parcel_label label = parcel_label(SERIES_COARSE, 1230);
	struct parcel p = parcel_of(&label, 7);
	struct parcel_label back;
	struct parcel_series s;
	struct column_reader r;
	uint32_t count;

	(void)state;
	assert_int_equal(p.left_out, 0);
	assert_null(parcel_check(p.bytes, p.size, &back, &count));
	assert_int_equal(count, 5);
	assert_same_label(&back, &label);
	r = parcel_read(p.bytes, p.size, &back);
	for (uint32_t i = 0; i < count; i++) {
		static struct slot slot;

		assert_true(parcel_next(&r, &back, &s));
		assert_string_equal(s.key.service, "shop");
		assert_string_equal(s.key.environment, "live");
		assert_string_equal(s.key.route, routes[i]);
		slot_init(&slot, 1230);
		if (!block_is_gauges(s.key.kind)) {
			assert_int_equal(slot_unpack(s.bytes, s.size, &slot), 0);
			assert_int_equal(slot.buckets[rs_hist_slot(10 * MILLISECOND)], requests[i]);
		}
		assert_int_equal(slot.sums.count, requests[i]);
	}
	assert_false(parcel_next(&r, &back, &s));
}

/* The same slot makes the same bytes: it may be put as often as one likes. */
static void it_says_the_same_each_time(void **state)
{
	static uint8_t first[PARCEL_MOST];
	const struct parcel_label label = parcel_label(SERIES_WIDE, 3000);
	struct parcel p = parcel_of(&label, 7);
	size_t size = p.size;

	(void)state;
	memcpy(first, p.bytes, size);
	memset(parcel_bytes, 0xaa, sizeof(parcel_bytes));
	p = parcel_of(&label, 7);
	assert_int_equal(p.size, size);
	assert_memory_equal(p.bytes, first, size);
}

static void processes_are_not_in_it(void **state)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 10);
	struct parcel p = { .bytes = parcel_bytes };
	size_t empty;

	(void)state;
	parcel_begin(&p, &label);
	empty = p.size;
	parcel_add(&p, EXPORT_PROCESS, "", 1);
	parcel_add_gauges(&p, EXPORT_PROCESS_GAUGES, 1);
	assert_int_equal(p.size, empty);
	assert_int_equal(p.series + p.left_out, 0);
}

static void what_finds_no_room_is_counted(void **state)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 10);
	struct parcel p = { .bytes = parcel_bytes };
	struct parcel_label back;
	char route[RS_PATH_BYTES + 1];
	uint32_t count;

	(void)state;
	memset(route, 'r', sizeof(route) - 1);
	route[sizeof(route) - 1] = '\0';
	parcel_begin(&p, &label);
	for (int i = 0; i < 4000; i++)
		parcel_add(&p, EXPORT_ROUTE, route, 5);
	assert_true(p.left_out > 0);
	assert_int_equal(p.series + p.left_out, 4000);
	parcel_end(&p);
	assert_in_range(p.size, PARCEL_MOST - 400, PARCEL_MOST);
	assert_null(parcel_check(p.bytes, p.size, &back, &count));
	assert_int_equal(count, p.series);
	parcel_begin(&p, &label); /* … and of short ones no more than anybody reads */
	for (uint32_t i = 0; i < PARCEL_SERIES + 1; i++)
		parcel_add(&p, EXPORT_ROUTE, "/", 5);
	parcel_end(&p);
	assert_int_equal(p.left_out, 1);
	assert_null(parcel_check(p.bytes, p.size, &back, NULL));
}

static void no_cut_and_no_flip_goes_unseen(void **state)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 1230);
	struct parcel p = parcel_of(&label, 7);
	struct parcel_label back;

	(void)state;
	for (size_t size = 0; size < p.size; size++)
		assert_non_null(parcel_check(p.bytes, size, &back, NULL));
	for (size_t i = 0; i < p.size; i++) {
		p.bytes[i] ^= 0x10;
		assert_non_null(parcel_check(p.bytes, p.size, &back, NULL));
		p.bytes[i] ^= 0x10;
	}
	assert_null(parcel_check(p.bytes, p.size, &back, NULL));
	assert_string_equal(parcel_check(p.bytes, PARCEL_MOST + 1, &back, NULL),
			    "its size is none of a parcel");
	assert_string_equal(parcel_check((const uint8_t *)"a cache's value", 15, &back, NULL),
			    "it does not begin as a parcel");
}

/* Whoever may write it can make the sum right: what is taken is within bounds all the same. */
static void with_its_sum_right_it_is_sound_or_refused(void **state)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 1230);
	struct parcel p = parcel_of(&label, 7);
	uint32_t refused = 0;

	(void)state;
	for (size_t i = 12; i < p.size; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct parcel_label back;

			p.bytes[i] ^= (uint8_t)(1 << bit);
			parcel_sum_right(p.bytes, p.size);
			if (parcel_check(p.bytes, p.size, &back, NULL)) {
				refused++;
			} else {
				assert_true(back.step != SERIES_FINE && *back.service);
				assert_int_equal(back.second % series_step_s[back.step], 0);
			}
			p.bytes[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_true(refused > 0);
	for (size_t size = 12; size < p.size; size++) {
		struct parcel_label back;
		uint32_t count;

		parcel_sum_right(p.bytes, size);
		if (!parcel_check(p.bytes, size, &back, &count)) /* it ends behind a series */
			assert_true(count < 5);
	}
}

static const char *relabelled(const struct parcel_label *label)
{
	struct parcel p = parcel_of(label, 7);
	struct parcel_label back;

	return parcel_check(p.bytes, p.size, &back, NULL);
}

static void a_label_that_is_not_ours_says_why(void **state)
{
	struct parcel_label label = parcel_label(SERIES_COARSE, 1230);

	(void)state;
	assert_null(relabelled(&label));
	label.second = 1231;
	assert_string_equal(relabelled(&label), "it is of no slot of ours");
	label.second = UINT32_MAX - 5;
	assert_string_equal(relabelled(&label), "its label is not sound");
	label = parcel_label(SERIES_FINE, 1230);
	assert_string_equal(relabelled(&label), "it is of no slot of ours");
	label = parcel_label(SERIES_COARSE, 1230);
	label.wall_offset_ms = -1231000;
	assert_string_equal(relabelled(&label), "its wall clock is none");
	label.wall_offset_ms = INT64_MIN;
	assert_string_equal(relabelled(&label), "its wall clock is none");
	label.wall_offset_ms = INT64_MAX;
	assert_string_equal(relabelled(&label), "its wall clock is none");
	label = parcel_label(SERIES_COARSE, 1230);
	memcpy(label.service, "sh\x1b[2J", 7);
	assert_string_equal(relabelled(&label), "its label is not sound");
	label.service[0] = '\0';
	assert_string_equal(relabelled(&label), "its label is not sound");
}

static const char *with_series(enum export_kind kind, const char *route)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 1230);
	struct parcel p = { .bytes = parcel_bytes };
	struct parcel_label back;
	size_t at;

	parcel_begin(&p, &label);
	at = p.size;
	parcel_add(&p, EXPORT_ROUTE, route, 1);
	p.bytes[at] = (uint8_t)kind;
	parcel_end(&p);
	return parcel_check(p.bytes, p.size, &back, NULL);
}

static void a_series_that_is_none_refuses_all(void **state)
{
	static const char not_sound[] = "a series in it is not sound";

	(void)state;
	assert_null(with_series(EXPORT_ROUTE, "/a"));
	assert_string_equal(with_series(EXPORT_SERVICE, "/a"), not_sound);
	assert_string_equal(with_series(EXPORT_PROCESS, "/a"), not_sound);
	assert_string_equal(with_series(EXPORT_PROCESS_GAUGES, "/a"), not_sound);
	assert_string_equal(with_series(EXPORT_SERVICE_GAUGES, ""), not_sound);
	assert_string_equal(with_series((enum export_kind)77, "/a"), not_sound);
	assert_string_equal(with_series(EXPORT_ROUTE, ""), not_sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_read),
		cmocka_unit_test(it_says_the_same_each_time),
		cmocka_unit_test(processes_are_not_in_it),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(no_cut_and_no_flip_goes_unseen),
		cmocka_unit_test(with_its_sum_right_it_is_sound_or_refused),
		cmocka_unit_test(a_label_that_is_not_ours_says_why),
		cmocka_unit_test(a_series_that_is_none_refuses_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
