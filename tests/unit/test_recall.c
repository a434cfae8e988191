#include "recall.h"

#include "store_fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

static struct folder f;

static int folder_make(void **state)
{
	(void)state;
	folder_open(&f);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	folder_close(&f);
	return 0;
}

/* Ten minutes of one request a slot, from 5,000 s on, as a boot left them. */
static void keep(struct archive *a, enum series_step step, const char boot[ARCHIVE_BOOT_BYTES])
{
	uint32_t span_s = series_step_s[step] == 1 ? 50 : series_step_s[step] * 2;
	struct block b = { 0 };

	assert_int_equal(archive_open(a, f.fd, step, boot), 0);
	for (uint32_t s = 5100; s < 5700; s += span_s) {
		store_block(&b, archive_names(a), step, s, s + span_s);
		b.head.wall_offset_ms = 0;
		assert_int_equal(archive_append(a, &b), 0);
	}
	block_fini(&b);
}

static void open_timeline(struct timeline *t, int64_t from_s, int64_t to_s, uint32_t step_s)
{
	const struct timeline_span span = { from_s, to_s, step_s };

	assert_int_equal(timeline_open(t, &span, TIMELINE_HISTOGRAMS), 0);
}

/* Of a thousand seconds of which memory has nothing. */
static void open_seconds(struct timeline *t)
{
	open_timeline(t, 5000, 6000, 1);
	t->kept_from_s = t->memory_from_s = 6000;
}

static uint64_t count_of(struct archive *a, struct timeline *t, const struct metrics_scope *scope)
{
	struct recall r = {
		.scope = scope, .t = t, .step = a->step, .folder = f.fd, .boot = store_boot
	};
	struct metrics_sums sums;

	assert_int_equal(recall_files(&r, a->files, a->count), 0);
	timeline_sum(t, &sums, NULL);
	return sums.count;
}

static void memory_and_disk_meet_without_a_gap_or_twice(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep(&a, SERIES_FINE, store_boot);
	for (int64_t kept = 5090; kept < 5710; kept += 13) {
		int64_t from_disk = kept < 5100 ? 0 : kept > 5700 ? 600 : kept - 5100;

		open_timeline(&t, 5000, 6000, 1);
		t.kept_from_s = t.memory_from_s = kept;
		assert_int_equal(count_of(&a, &t, &scope), from_disk);
		assert_int_equal(t.kept_from_s, kept < 5100 ? kept : 5100);
		assert_int_equal(t.schema, RS_HIST_SCHEMA);
		timeline_fini(&t);
	}
	archive_close(&a);
}

/* An earlier boot ended at 5,700 s of its own, when the wall clock said what ours does at -300. */
static void an_earlier_boot_lies_where_the_wall_clock_says(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep(&a, SERIES_FINE, store_other_boot);
	open_timeline(&t, -900, -200, 10);
	t.wall_offset_ms = 6000 * 1000;
	t.kept_from_s = t.memory_from_s = 0;
	assert_int_equal(count_of(&a, &t, &scope), 600);
	assert_int_equal(timeline_sums(&t, 0)->count, 10);
	assert_int_equal(timeline_sums(&t, 59)->count, 10);
	assert_int_equal(timeline_sums(&t, 60)->count, 0);
	assert_int_equal(t.kept_from_s, -900);
	timeline_fini(&t);
	archive_close(&a);
}

static void five_minutes_are_at_schema_3_and_say_so(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep(&a, SERIES_WIDE, store_boot);
	open_timeline(&t, 5100, 5700, 300);
	t.kept_from_s = t.memory_from_s = 6000;
	assert_int_equal(count_of(&a, &t, &scope), 2);
	assert_int_equal(t.schema, 3);
	timeline_fini(&t);
	archive_close(&a);
}

static void only_what_the_scope_says_is_read(void **state)
{
	struct metrics_scope other = fixture_scope("bank", 0, NULL);
	struct metrics_scope route = fixture_scope("shop", 0, "/a");
	struct metrics_scope process = fixture_scope("shop", 7, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep(&a, SERIES_FINE, store_boot);
	open_seconds(&t);
	assert_int_equal(count_of(&a, &t, &other), 0);
	assert_int_equal(count_of(&a, &t, &route), 0);
	assert_int_equal(count_of(&a, &t, &process), 0);
	assert_false(t.is_found);
	timeline_fini(&t);
	archive_close(&a);
}

static void reading_is_work_and_bounded(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep(&a, SERIES_FINE, store_boot);
	open_seconds(&t);
	t.work = 100;
	assert_true(count_of(&a, &t, &scope) < 100);
	assert_true(t.is_cut);
	timeline_fini(&t);
	archive_close(&a);
}

/* What is resident at each second, of a boot of this name: 40 seconds by block. */
static void keep_gauges(struct archive *a, const char boot[ARCHIVE_BOOT_BYTES], double rss)
{
	struct block b = { 0 };

	assert_int_equal(archive_open(a, f.fd, SERIES_FINE, boot), 0);
	for (uint32_t s = 5100; s < 5700; s += 40) {
		const struct export_span span = { .from_s = s, .until_s = s + 40 };

		store_gauge_block(&b, archive_names(a), &span, rss);
		assert_int_equal(archive_append(a, &b), 0);
	}
	block_fini(&b);
}

static uint32_t known(struct archive *a, struct timeline *t, const struct metrics_scope *scope,
		      enum metrics_gauge gauge)
{
	struct cells cells;
	struct recall r = { .scope = scope,
			    .t = t,
			    .cells = &cells,
			    .step = a->step,
			    .folder = f.fd,
			    .boot = store_boot };
	uint32_t count = 0;

	assert_int_equal(cells_open(&cells, t, gauge), 0);
	assert_int_equal(recall_files(&r, a->files, a->count), 0);
	cells_fold(&cells, t);
	cells_fini(&cells);
	for (uint32_t i = 0; i < t->count; i++)
		count += t->values[i] >= 0;
	return count;
}

static void open_values(struct timeline *t, int64_t memory_from_s)
{
	const struct timeline_span span = { 5000, 6000, 1 };

	assert_int_equal(timeline_open(t, &span, TIMELINE_VALUES), 0);
	t->kept_from_s = t->memory_from_s = memory_from_s;
}

static void gauges_are_told_of_a_service_and_of_its_process(void **state)
{
	struct metrics_scope service = fixture_scope("shop", 0, NULL);
	struct metrics_scope process = fixture_scope(NULL, 70, NULL);
	struct metrics_scope other = fixture_scope("shop", 71, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep_gauges(&a, store_boot, 8192);
	open_values(&t, 5650);
	assert_int_equal(known(&a, &t, &service, METRICS_GAUGE_RSS), 550);
	assert_true(t.values[100] == 8192 && t.values[649] == 8192);
	assert_int_equal(t.kept_from_s, 5100);
	timeline_fini(&t);
	open_values(&t, 6000);
	assert_int_equal(known(&a, &t, &process, METRICS_GAUGE_CPU_PERCENT), 600);
	assert_true(t.values[100] == 40);
	timeline_fini(&t);
	open_values(&t, 6000);
	assert_int_equal(known(&a, &t, &service, METRICS_GAUGE_READ), 0);
	assert_int_equal(known(&a, &t, &other, METRICS_GAUGE_RSS), 0);
	timeline_fini(&t);
	archive_close(&a);
}

/* The clock says that both boots were at once: the later one is believed, and nothing doubled. */
static void two_boots_in_one_second_do_not_add_up(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep_gauges(&a, store_other_boot, 4096);
	archive_close(&a);
	keep_gauges(&a, store_boot, 8192);
	open_values(&t, 6000);
	assert_int_equal(known(&a, &t, &scope, METRICS_GAUGE_RSS), 600);
	assert_true(t.values[100] == 8192 && t.values[649] == 8192);
	timeline_fini(&t);
	archive_close(&a);
}

/* Requests and gauges of one file: neither is taken for the other. */
static void gauges_are_no_requests(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct timeline t;
	struct archive a;

	(void)state;
	keep_gauges(&a, store_boot, 4096);
	open_seconds(&t);
	assert_int_equal(count_of(&a, &t, &scope), 0);
	timeline_fini(&t);
	archive_close(&a);
	keep(&a, SERIES_FINE, store_boot);
	open_values(&t, 6000);
	assert_int_equal(known(&a, &t, &scope, METRICS_GAUGE_RSS), 600);
	timeline_fini(&t);
	open_seconds(&t);
	assert_int_equal(count_of(&a, &t, &scope), 600);
	timeline_fini(&t);
	archive_close(&a);
}

/* A block of one slot: a statement and a route of the same text, of 3 and 4 requests. */
static void keep_statement(struct archive *a)
{
	const struct export_span span = { .from_s = 5100, .until_s = 5101 };
	struct export_key key = {
		.kind = EXPORT_STATEMENT, .service = "shop", .environment = "", .route = "SELECT a"
	};
	uint8_t bytes[SLOT_PACKED_MAX];
	struct block b = { 0 };
	static struct slot slot;

	assert_int_equal(archive_open(a, f.fd, SERIES_FINE, store_boot), 0);
	block_begin(&b, archive_names(a), &span);
	for (uint64_t i = 3; i < 5; i++) {
		slot_init(&slot, 5100);
		slot.sums.count = i;
		block_series(&b, &key);
		block_slot(&b, 5100, bytes, (uint32_t)slot_pack(&slot, bytes));
		key.kind = EXPORT_ROUTE;
	}
	assert_int_equal(block_end(&b), 0);
	assert_int_equal(archive_append(a, &b), 0);
	block_fini(&b);
}

static void statements_are_routes_and_can_be_asked_for_alone(void **state)
{
	struct metrics_scope scopes[] = { fixture_scope("shop", 0, "SELECT a"),
					  fixture_scope("shop", 0, "SELECT a"),
					  fixture_scope(NULL, 0, NULL),
					  fixture_scope(NULL, 0, "SELECT b") };
	static const uint64_t counts[] = { 3 + 4, 3, 3, 0 };
	struct timeline t;
	struct archive a;

	(void)state;
	keep_statement(&a);
	for (int i = 0; i < 4; i++) {
		scopes[i].statements = i > 0;
		open_seconds(&t);
		assert_int_equal(count_of(&a, &t, &scopes[i]), counts[i]);
		timeline_fini(&t);
	}
	archive_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_and_disk_meet_without_a_gap_or_twice),
		TEST(an_earlier_boot_lies_where_the_wall_clock_says),
		TEST(five_minutes_are_at_schema_3_and_say_so),
		TEST(only_what_the_scope_says_is_read),
		TEST(reading_is_work_and_bounded),
		TEST(gauges_are_told_of_a_service_and_of_its_process),
		TEST(two_boots_in_one_second_do_not_add_up),
		TEST(gauges_are_no_requests),
		TEST(statements_are_routes_and_can_be_asked_for_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
