#include "stock.h"

#include "parcel_fixture.h"

static struct stock stock;

static void add(enum series_step step, uint32_t second, const char *boot, const char *service,
		uint32_t requests)
{
	struct parcel_label label = parcel_label(step, second);
	struct parcel p;

	memset(label.boot, 0, sizeof(label.boot));
	memcpy(label.boot, boot, strlen(boot));
	memset(label.service, 0, sizeof(label.service));
	memcpy(label.service, service, strlen(service));
	p = parcel_of(&label, requests);
	assert_int_equal(stock_add(&stock, &label, p.bytes, p.size), 0);
}

static int setup(void **state)
{
	(void)state;
	stock_init(&stock, SERIES_COARSE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stock_fini(&stock);
	return 0;
}

static void windows_are_of_one_boot_and_as_long_as_a_block(void **state)
{
	struct stock_window w;

	(void)state;
	assert_false(stock_window(&stock, 0, &w));
	add(SERIES_COARSE, 1630, store_boot, "b", 1);
	add(SERIES_COARSE, 20, store_other_boot, "a", 1);
	add(SERIES_COARSE, 1000, store_boot, "a", 1);
	add(SERIES_COARSE, 1640, store_boot, "a", 1);
	add(SERIES_COARSE, 1010, store_boot, "a", 1);
	stock_sort(&stock);
	assert_true(stock_window(&stock, 0, &w));
	assert_int_equal(w.count, 3); /* 1640 is the 65th slot */
	assert_int_equal(w.first->second, 1000);
	assert_int_equal(w.last->second, 1630);
	assert_true(stock_window(&stock, 3, &w));
	assert_int_equal(w.count, 1);
	assert_int_equal(w.first->second, 1640);
	assert_true(stock_window(&stock, 4, &w));
	assert_int_equal(w.first->second, 20);
	assert_string_equal(w.first->boot, store_other_boot);
	assert_false(stock_window(&stock, 5, &w));
}

static void what_is_had_is_thrown_away(void **state)
{
	struct archive_file files[] = {
		{ .from_s = 1000, .until_s = 1100 },
		{ .from_s = 1200, .until_s = 1300, .is_gauges = true },
	};
	struct archive a = { .files = files, .count = 2 };

	(void)state;
	memcpy(a.boot, store_boot, sizeof(a.boot));
	memcpy(files[0].boot, store_boot, sizeof(a.boot));
	memcpy(files[1].boot, store_boot, sizeof(a.boot));
	add(SERIES_COARSE, 990, store_boot, "a", 1);
	add(SERIES_COARSE, 1000, store_boot, "a", 1);
	add(SERIES_COARSE, 1090, store_boot, "a", 1);
	add(SERIES_COARSE, 1100, store_boot, "a", 1);
	add(SERIES_COARSE, 1090, store_other_boot, "a", 1);
	add(SERIES_COARSE, 1200, store_boot, "a", 1); /* of this the file has gauges alone */
	add(SERIES_COARSE, 5000, store_boot, "a", 1);
	add(SERIES_COARSE, 5010, store_boot, "a", 1);
	add(SERIES_COARSE, 9000, store_other_boot, "a", 1);
	assert_int_equal(stock_drop(&stock, &a, 5010), 3);
	assert_int_equal(stock.count, 6);
	assert_int_equal(stock.at[0]->label.second, 990);
	assert_int_equal(stock.at[1]->label.second, 1100);
	assert_int_equal(stock.at[4]->label.second, 5000); /* it ends where memory begins */
	assert_int_equal(stock.at[5]->label.second, 9000);
}

/* What a block has then, series by series. */
static struct read {
	char names[32][160];
	uint64_t requests[32];
	uint32_t slots[32], count, wanted;
} got;

static bool got_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct read *r = ctx;

	assert_int_equal(second % 10, 0);
	r->requests[r->count - 1] += slot->sums.count;
	r->slots[r->count - 1]++;
	return true;
}

static bool got_level(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct read *r = ctx;

	assert_int_equal(second % 10, 0);
	assert_true(values[METRICS_GAUGE_RSS] == 4096.0 * 1024);
	r->slots[r->count - 1]++;
	return true;
}

static bool got_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	const struct run_span span = { .from_s = head->from_s, .step_s = 10 };
	static struct slot scratch;
	const struct run_reader slots = { &scratch, got_slot, ctx };
	const struct levels_reader levels = { got_level, ctx };
	struct read *r = ctx;

	if (strstr(r->names[r->count], "gauges")) {
		r->count++;
		assert_int_equal(levels_unpack(bytes, size, &span, &levels), 0);
	} else {
		r->count++;
		assert_int_equal(run_unpack(bytes, size, &span, &slots), 0);
	}
	return true;
}

static bool got_want(void *ctx, const struct export_key *key)
{
	struct read *r = ctx;

	snprintf(r->names[r->wanted++], sizeof(r->names[0]), "%s %s%s", key->service, key->route,
		 block_is_gauges(key->kind) ? "gauges" : "");
	return true;
}

static bool got_block(void *ctx, const struct block_head *head)
{
	(void)ctx;
	assert_int_equal(head->from_s, 1000);
	return true;
}

static void they_become_a_block_series_by_series(void **state)
{
	const struct archive_walk walk = {
		.ctx = &got, .want = got_want, .block = got_block, .run = got_run
	};
	struct export_span span = { .step = SERIES_COARSE, .from_s = 1000, .until_s = 1020 };
	struct stock_window w;
	struct folder f;
	struct archive a;
	struct block b = { .error = 0 };

	(void)state;
	folder_open(&f);
	assert_int_equal(archive_open(&a, f.fd, SERIES_COARSE, store_boot), 0);
	add(SERIES_COARSE, 1010, store_boot, "shop", 20);
	add(SERIES_COARSE, 1000, store_boot, "api", 5);
	add(SERIES_COARSE, 1000, store_boot, "shop", 10);
	add(SERIES_COARSE, 1000, store_boot, "shop", 10); /* by two names of one slot */
	stock_sort(&stock);
	assert_true(stock_window(&stock, 0, &w));
	assert_int_equal(w.count, 4);
	block_begin(&b, archive_names(&a), &span);
	assert_int_equal(stock_put(&stock, &w, &b), 0);
	assert_int_equal(block_end(&b), 0);
	assert_int_equal(b.lost, 0);
	assert_int_equal(b.head.series, 10);
	assert_int_equal(archive_append_alone(&a, &b, store_boot), 0);
	assert_int_equal(archive_read(f.fd, SERIES_COARSE, &a.files[0], &walk), 0);
	assert_int_equal(got.count, 10);
	assert_string_equal(got.names[0], "api ");
	assert_int_equal(got.requests[0], 6);
	assert_string_equal(got.names[5], "shop ");
	assert_int_equal(got.requests[5], 32);
	assert_int_equal(got.slots[5], 2);
	assert_string_equal(got.names[6], "shop /a");
	assert_int_equal(got.requests[6], 30);
	assert_string_equal(got.names[8], "shop gauges");
	assert_int_equal(got.slots[8], 2);
	assert_string_equal(got.names[9], "shop SELECT * FROM t");
	assert_int_equal(got.requests[9], 6);
	block_fini(&b);
	archive_close(&a);
	folder_close(&f);
}

static void no_more_is_taken_than_there_is_room_for(void **state)
{
	const struct parcel_label label = parcel_label(SERIES_COARSE, 10);
	size_t taken = 0;

	(void)state;
	while (!stock_add(&stock, &label, parcel_bytes, PARCEL_MOST))
		taken += PARCEL_MOST;
	assert_int_equal(stock_add(&stock, &label, parcel_bytes, PARCEL_MOST), -ENOSPC);
	assert_in_range(taken, STOCK_MOST - 2 * PARCEL_MOST, STOCK_MOST);
	stock_fini(&stock);
	assert_int_equal(stock_add(&stock, &label, parcel_bytes, PARCEL_MOST), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(windows_are_of_one_boot_and_as_long_as_a_block),
		WITH(what_is_had_is_thrown_away),
		WITH(they_become_a_block_series_by_series),
		WITH(no_more_is_taken_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
