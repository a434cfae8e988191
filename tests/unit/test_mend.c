#include "mend.h"

#include "store_fixture.h"

static struct folder f;

static void append(struct archive *a, uint32_t from_s, uint32_t until_s)
{
	struct block b = { 0 };

	store_block(&b, archive_names(a), a->step, from_s, until_s);
	assert_int_equal(archive_append(a, &b), 0);
	block_fini(&b);
}

struct counted {
	uint64_t requests, slots;
	uint32_t step_s, flags;
	struct slot scratch;
};

static bool want(void *ctx, const struct export_key *key)
{
	(void)ctx;
	return !strcmp(key->service, "shop") && !block_is_gauges(key->kind);
}

static bool block(void *ctx, const struct block_head *head)
{
	((struct counted *)ctx)->flags |= head->flags;
	return true;
}

static bool count_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct counted *c = ctx;

	assert_int_equal(second % c->step_s, 0);
	c->requests += slot->sums.count;
	c->slots++;
	return true;
}

static bool run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct counted *c = ctx;
	const struct run_span span = { head->from_s, c->step_s, (head->flags & BLOCK_WIDE) != 0,
				       0 };
	const struct run_reader reader = { &c->scratch, count_slot, c };

	assert_int_equal(run_unpack(bytes, size, &span, &reader), 0);
	return true;
}

static struct counted count(const struct archive *a)
{
	struct counted c = { .step_s = series_step_s[a->step] };
	const struct archive_walk walk = { &c, want, block, run, NULL };

	for (uint32_t i = 0; i < a->count; i++)
		assert_int_equal(archive_read(f.fd, a->step, &a->files[i], &walk), 0);
	return c;
}

static void open_both(struct archive *fine, struct archive *coarse,
		      const char boot[ARCHIVE_BOOT_BYTES])
{
	assert_int_equal(archive_open(fine, f.fd, SERIES_FINE, boot), 0);
	assert_int_equal(archive_open(coarse, f.fd, SERIES_COARSE, boot), 0);
}

/* Seconds up to 5,155, tens up to 5,060: 95 requests are in seconds alone. */
static void left_behind(void)
{
	struct archive fine, coarse;

	open_both(&fine, &coarse, store_boot);
	for (uint32_t s = 5000; s < 5155; s += 5)
		append(&fine, s, s + 5);
	append(&coarse, 5000, 5060);
	archive_close(&fine);
	archive_close(&coarse);
}

static void what_another_boot_left_is_mended_once(void **state)
{
	struct archive fine, coarse;
	struct counted c;

	(void)state;
	folder_open(&f);
	left_behind();
	open_both(&fine, &coarse, store_other_boot);
	for (int i = 0; i < 3; i++) {
		const struct mend m = { &coarse, &fine, 0 };

		assert_int_equal(mend_step(&m), 0);
		c = count(&coarse);
		assert_int_equal(c.requests, 6 + 95);
		assert_int_equal(c.slots, 6 + 10);
		assert_true(c.flags & BLOCK_MENDED);
		append(&fine, 100 + 5 * i, 105 + 5 * i); /* the new boot begins */
	}
	archive_close(&fine);
	archive_close(&coarse);
	folder_close(&f);
}

static void what_memory_has_is_left_to_it(void **state)
{
	struct archive fine, coarse;
	struct mend m = { &coarse, &fine, 5060 };

	(void)state;
	folder_open(&f);
	left_behind();
	open_both(&fine, &coarse, store_boot);
	assert_int_equal(mend_step(&m), 0); /* it came along: it will be written from there */
	assert_int_equal(count(&coarse).requests, 6);
	m.memory_from_s = 5100; /* not all of it */
	assert_int_equal(mend_step(&m), 0);
	assert_int_equal(count(&coarse).requests, 6 + 40);
	assert_int_equal(archive_until(&coarse), 5100);
	m.memory_from_s = 6000; /* nothing of it */
	assert_int_equal(mend_step(&m), 0);
	assert_int_equal(count(&coarse).requests, 6 + 95);
	/* the ten seconds that both have a part of are written by memory too */
	assert_int_equal(archive_until(&coarse), 5155);
	assert_int_equal(mend_step(&m), 0); /* nothing is mended twice */
	assert_int_equal(count(&coarse).requests, 6 + 95);
	archive_close(&fine);
	archive_close(&coarse);
	folder_close(&f);
}

struct resident {
	uint32_t count, first, last;
	double rss, cpu;
};

static bool want_gauges(void *ctx, const struct export_key *key)
{
	(void)ctx;
	return key->kind == EXPORT_PROCESS_GAUGES && key->pid == 70;
}

static bool any_block(void *ctx, const struct block_head *head)
{
	(void)ctx;
	(void)head;
	return true;
}

static bool see_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct resident *r = ctx;

	r->first = r->count ? r->first : second;
	r->last = second;
	r->count++;
	r->rss = values[METRICS_GAUGE_RSS];
	r->cpu = values[METRICS_GAUGE_CPU_PERCENT];
	assert_true(values[METRICS_GAUGE_HEAP] == METRICS_UNKNOWN);
	return true;
}

static bool gauge_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	const struct run_span span = { head->from_s, series_step_s[SERIES_COARSE], false, 0 };
	const struct levels_reader reader = { see_gauges, ctx };

	assert_int_equal(levels_unpack(bytes, size, &span, &reader), 0);
	return true;
}

static struct resident resident(const struct archive *a)
{
	struct resident r = { 0 };
	const struct archive_walk walk = { &r, want_gauges, any_block, gauge_run, NULL };

	for (uint32_t i = 0; i < a->count; i++)
		assert_int_equal(archive_read(f.fd, a->step, &a->files[i], &walk), 0);
	return r;
}

/*
 * Seconds up to 5,156: what is resident grows by a page each five. Tens are not there at all, or
 * with_requests up to 5,060 without gauges.
 */
static void gauges_left_behind(bool with_requests)
{
	struct block b = { 0 };
	struct archive fine, coarse;

	open_both(&fine, &coarse, store_boot);
	if (with_requests)
		append(&coarse, 5000, 5060);
	for (uint32_t s = 5001; s < 5156; s += 5) { /* not where tens begin */
		const struct export_span span = { .from_s = s, .until_s = s + 5 };

		if (with_requests)
			append(&fine, s, s + 5);
		store_gauge_block(&b, archive_names(&fine), &span, (s - 4996) / 5 * 4096.0);
		assert_int_equal(archive_append(&fine, &b), 0);
	}
	block_fini(&b);
	archive_close(&fine);
	archive_close(&coarse);
}

static void gauges_are_mended_by_their_last_level_and_their_mean(void **state)
{
	struct archive fine, coarse;
	const struct mend m = { &coarse, &fine, 0 };
	struct resident r;

	(void)state;
	folder_open(&f);
	gauges_left_behind(false);
	open_both(&fine, &coarse, store_other_boot);
	assert_int_equal(mend_step(&m), 0);
	r = resident(&coarse);
	assert_int_equal(r.count, 16);
	assert_int_equal(r.first, 5000);
	assert_int_equal(r.last, 5150);
	assert_true(r.rss == 31 * 4096.0 && r.cpu == 40);
	archive_close(&fine);
	archive_close(&coarse);
	folder_close(&f);
}

/* Memory has the requests of all that time and will write them: gauges it has not. */
static void gauges_that_memory_lacks_are_mended_beside_it(void **state)
{
	struct archive fine, coarse;
	const struct mend m = { &coarse, &fine, 5060 };
	struct resident r;

	(void)state;
	folder_open(&f);
	gauges_left_behind(true);
	open_both(&fine, &coarse, store_boot);
	assert_int_equal(mend_step(&m), 0);
	r = resident(&coarse);
	assert_int_equal(r.count, 10);
	assert_int_equal(r.first, 5060);
	assert_true(r.rss == 31 * 4096.0);
	assert_int_equal(count(&coarse).requests, 6);
	assert_int_equal(archive_until(&coarse), 5060); /* memory goes on from here */
	archive_close(&coarse);
	assert_int_equal(archive_open(&coarse, f.fd, SERIES_COARSE, store_boot), 0);
	assert_int_equal(archive_until(&coarse), 5060);
	archive_close(&fine);
	archive_close(&coarse);
	folder_close(&f);
}

static void nothing_left_is_nothing_done(void **state)
{
	struct archive fine, coarse;
	const struct mend m = { &coarse, &fine, 0 };

	(void)state;
	folder_open(&f);
	open_both(&fine, &coarse, store_boot);
	assert_int_equal(mend_step(&m), 0);
	assert_int_equal(folder_each(&f, NULL), 0);
	archive_close(&fine);
	archive_close(&coarse);
	folder_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_another_boot_left_is_mended_once),
		cmocka_unit_test(what_memory_has_is_left_to_it),
		cmocka_unit_test(gauges_are_mended_by_their_last_level_and_their_mean),
		cmocka_unit_test(gauges_that_memory_lacks_are_mended_beside_it),
		cmocka_unit_test(nothing_left_is_nothing_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
