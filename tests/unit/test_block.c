#include "store_fixture.h"

static size_t whole(const struct block *b, uint8_t *out)
{
	memcpy(out, &b->head, sizeof(b->head));
	memcpy(out + sizeof(b->head), b->table.at, b->table.size);
	memcpy(out + sizeof(b->head) + b->table.size, b->runs.at, b->runs.size);
	return b->head.bytes;
}

static void a_block_that_is_not_whole_or_not_as_it_was_is_told(void **state)
{
	static struct block_names names;
	static uint8_t bytes[65536];
	struct block b = { 0 };
	size_t size;

	(void)state;
	store_block(&b, &names, SERIES_FINE, 1000, 1040);
	assert_int_equal(b.slots, 40);
	size = whole(&b, bytes);
	assert_null(block_check(bytes, size));
	assert_null(block_check(bytes, size + 100)); /* another one follows */
	assert_string_equal(block_check(bytes, 10), "it ends within a head");
	assert_string_equal(block_check(bytes, size - 1), "it ends within a block");
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0x10;
		assert_non_null(block_check(bytes, size));
		bytes[i] ^= 0x10;
	}
	memset(bytes, 0, size);
	assert_string_equal(block_check(bytes, size), "there is no head");
	block_fini(&b);
}

static void gauges_have_runs_of_their_own(void **state)
{
	const struct export_span span = { .step = SERIES_FINE, .from_s = 1000, .until_s = 1040 };
	static struct block_names names;
	static uint8_t bytes[65536];
	struct block b = { 0 };
	size_t size;

	(void)state;
	store_gauge_block(&b, &names, &span, 4096);
	assert_int_equal(b.slots, 80);
	assert_int_equal(b.head.series, 2);
	size = whole(&b, bytes);
	assert_null(block_check(bytes, size));
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0x10;
		assert_non_null(block_check(bytes, size));
		bytes[i] ^= 0x10;
	}
	block_fini(&b);
}

static void a_key_comes_back(void **state)
{
	const struct export_key key = { .kind = EXPORT_PROCESS,
					.pid = 4194304,
					.start_ticks = UINT64_MAX,
					.service = "shop",
					.environment = "staging",
					.route = "" };
	uint8_t bytes[BLOCK_KEY_MAX];
	size_t size = block_key_put(&key, bytes);
	struct export_key back;

	(void)state;
	assert_int_equal(block_key_get(bytes, size, &back), 0);
	assert_int_equal(back.kind, EXPORT_PROCESS);
	assert_int_equal(back.pid, key.pid);
	assert_true(back.start_ticks == key.start_ticks);
	assert_string_equal(back.service, "shop");
	assert_string_equal(back.environment, "staging");
	assert_string_equal(back.route, "");
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(block_key_get(bytes, cut, &back), -EBADMSG);
}

/* As a file has it that is not ours alone: whoever reads it has room for BLOCK_KEY_MAX. */
static void a_key_longer_than_any_of_ours_is_none(void **state)
{
	uint8_t bytes[8 + 3 * 257] = { EXPORT_ROUTE, 1, 0, 0 }, *at = bytes + 4;
	struct export_key back;

	(void)state;
	for (int i = 0; i < 3; i++) {
		*at = 255;
		memset(at + 1, 'x', 255);
		at += 257;
	}
	assert_int_equal(block_key_get(bytes, (size_t)(at - bytes), &back), -EBADMSG);
}

static void a_name_is_written_once_in_a_file(void **state)
{
	static struct block_names names;
	struct block b = { 0 };
	size_t first;

	(void)state;
	store_block(&b, &names, SERIES_FINE, 1000, 1005);
	first = b.table.size;
	assert_int_equal(b.head.keys, 0);
	store_block(&b, &names, SERIES_FINE, 1005, 1010);
	assert_int_equal(b.head.keys, 1);
	assert_true(b.table.size <= 3 && first > 10);
	block_fini(&b);
}

static void series_beyond_the_most_are_counted(void **state)
{
	static struct block_names names;
	struct block b = { 0 };

	(void)state;
	names.count = BLOCK_SERIES;
	store_block(&b, &names, SERIES_FINE, 1000, 1005);
	assert_int_equal(b.head.series, 0);
	assert_int_equal(b.lost, 5);
	block_fini(&b);
}

static uint64_t noise(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % below;
}

/* One slot of a series with a request a second: about 20 ms, hardly one beyond 80. */
static void fill(struct slot *slot, uint32_t second, uint32_t requests)
{
	slot_init(slot, second);
	slot->sums.count = requests;
	for (uint32_t i = 0; i < requests; i++) {
		uint64_t ns =
			5000000 + noise(10000000) + noise(10000000) + noise(1000) * noise(30000);

		slot->sums.span_ns += ns;
		slot->sums.min_ns = ns < slot->sums.min_ns ? ns : slot->sums.min_ns;
		slot->sums.max_ns = ns > slot->sums.max_ns ? ns : slot->sums.max_ns;
		slot->sums.bytes_in += 90 + noise(10);
		slot->sums.bytes_out += 800 + noise(100);
		slot_bucket_add(slot, rs_hist_slot(ns), 1);
	}
	slot->sums.recorded = slot->sums.status[1] = requests;
}

/* Bytes that a slot takes, in blocks as they are written. */
static double slot_bytes(enum series_step step, uint32_t slots)
{
	static struct block_names names;
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];
	struct block b = { 0 };
	const struct export_span span = { .step = step, .until_s = slots * series_step_s[step] };
	uint64_t all = 0, count = 0;
	char name[32];

	memset(&names, 0, sizeof(names));
	for (int block = 0; block < 10; block++) {
		block_begin(&b, &names, &span);
		for (int i = 0; i < 40; i++) {
			const struct export_key key = { .kind = EXPORT_ROUTE,
							.service = "shop",
							.environment = "",
							.route = name };

			snprintf(name, sizeof(name), "/route/%d", i);
			block_series(&b, &key);
			for (uint32_t s = 0; s < slots; s++) {
				fill(&slot, s * series_step_s[step], series_step_s[step]);
				block_slot(&b, slot.second, bytes,
					   (uint32_t)slot_pack(&slot, bytes));
			}
		}
		assert_int_equal(block_end(&b), 0);
		all += b.head.bytes;
		count += b.slots;
	}
	assert_int_equal(count, slots * 400);
	block_fini(&b);
	return (double)all / (double)count;
}

static void thirty_days_of_a_thousand_series_fit_into_1_gib(void **state)
{
	const struct {
		const char *what;
		uint32_t fine, coarse, wide; /* slots of a block */
	} files[] = { { "as written", 5, 6, 1 }, { "as compact", 60, 60, RUN_SLOTS } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		double fine = slot_bytes(SERIES_FINE, files[i].fine);
		double coarse = slot_bytes(SERIES_COARSE, files[i].coarse);
		double wide = slot_bytes(SERIES_WIDE, files[i].wide);
		double all = 1000 * (fine * 3600 + coarse * 8640 + wide * 8640);

		print_message("bytes of a slot with its histogram, %s: 1 s %.1f, 10 s %.1f, 5 min "
			      "%.1f; of a thousand series for 1 h, 24 h, 30 d %.0f MiB\n",
			      files[i].what, fine, coarse, wide, all / 1048576);
		assert_true(all < 1073741824.0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_that_is_not_whole_or_not_as_it_was_is_told),
		cmocka_unit_test(gauges_have_runs_of_their_own),
		cmocka_unit_test(a_key_comes_back),
		cmocka_unit_test(a_key_longer_than_any_of_ours_is_none),
		cmocka_unit_test(a_name_is_written_once_in_a_file),
		cmocka_unit_test(series_beyond_the_most_are_counted),
		cmocka_unit_test(thirty_days_of_a_thousand_series_fit_into_1_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
