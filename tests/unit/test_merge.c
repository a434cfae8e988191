#include "merge.h"

#include "parcel_fixture.h"

#include <math.h>

static const struct merge_scope any;
static struct merge m;
static struct metrics_sums hosts[4];

static int setup(void **state)
{
	(void)state;
	merge_init(&m, &any);
	for (int i = 0; i < 4; i++)
		slot_sums_init(&hosts[i]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	merge_fini(&m);
	return 0;
}

static struct parcel_label named(const char *service, const char *environment)
{
	struct parcel_label label = parcel_label(SERIES_COARSE, 100);

	memset(label.service, 0, sizeof(label.service));
	memset(label.environment, 0, sizeof(label.environment));
	memcpy(label.service, service, strlen(service));
	memcpy(label.environment, environment, strlen(environment));
	return label;
}

static struct merge_pair *pair_of(uint32_t host, const char *service)
{
	struct parcel_label label = named(service, "live");

	assert_int_equal(merge_pair_add(&m, host, &label), 0);
	return &m.pairs[m.pair_count - 1];
}

/* One slot of ten seconds with these durations, each once. */
static void told(uint32_t pair, const uint64_t *ns, uint32_t count)
{
	struct merge_pair *p = &m.pairs[pair];
	struct parcel_label label = named(m.services[p->service].row.service, "live");
	struct parcel parcel = { .bytes = parcel_bytes };
	struct export_key key = { .kind = EXPORT_SERVICE, .route = "" };
	uint8_t packed[SLOT_PACKED_MAX];
	static struct slot slot;

	slot_init(&slot, label.second);
	for (uint32_t i = 0; i < count; i++) {
		slot.sums.count++;
		slot.sums.recorded++;
		slot.sums.span_ns += ns[i];
		slot.sums.min_ns = ns[i] < slot.sums.min_ns ? ns[i] : slot.sums.min_ns;
		slot.sums.max_ns = ns[i] > slot.sums.max_ns ? ns[i] : slot.sums.max_ns;
		slot_bucket_add(&slot, rs_hist_slot(ns[i]), 1);
	}
	parcel_begin(&parcel, &label);
	parcel_slot(&parcel, &key, packed, (uint32_t)slot_pack(&slot, packed));
	parcel_end(&parcel);
	merge_parcel(&m, p, parcel.bytes, parcel.size, &hosts[p->host]);
}

static void sums_of_all_are_added(void **state)
{
	static const uint64_t a[] = { 1 * MILLISECOND, 2 * MILLISECOND }, b[] = { 9 * MILLISECOND };
	struct merge_row row, total;

	(void)state;
	pair_of(0, "shop");
	pair_of(1, "shop");
	pair_of(1, "api");
	told(0, a, 2);
	told(0, b, 1);
	told(1, b, 1);
	told(2, a, 2);
	merge_end(&m);
	assert_int_equal(m.service_count, 2);
	merge_row(&m.services[0], &row);
	assert_string_equal(row.service, "shop");
	assert_string_equal(row.environment, "live");
	assert_int_equal(row.hosts, 2);
	assert_int_equal(row.sums.count, 4);
	assert_int_equal(row.sums.span_ns, 21 * MILLISECOND);
	assert_int_equal(row.sums.min_ns, 1 * MILLISECOND);
	assert_int_equal(row.sums.max_ns, 9 * MILLISECOND);
	assert_int_equal(merge_total(&m, &total), 0);
	assert_int_equal(total.sums.count, 6);
	assert_int_equal(total.hosts, 2);
	assert_int_equal(hosts[0].count, 3);
	assert_int_equal(hosts[1].count, 3);
}

static void the_total_is_of_all_services(void **state)
{
	static const uint64_t shop[] = { MILLISECOND, MILLISECOND, MILLISECOND, MILLISECOND,
					 MILLISECOND };
	static const uint64_t api[] = { MILLISECOND, 2 * MILLISECOND, 2 * MILLISECOND,
					2 * MILLISECOND };
	struct merge_row total;

	(void)state;
	pair_of(0, "shop");
	pair_of(0, "api");
	told(0, shop, 5);
	told(1, api, 4);
	merge_end(&m);
	assert_int_equal(merge_total(&m, &total), 0);
	assert_true(fabs(total.percentile_ns[METRICS_P50] / MILLISECOND - 1) < 0.011);
	assert_true(fabs(total.percentile_ns[METRICS_P95] / (2 * MILLISECOND) - 1) < 0.011);
	assert_true(total.apdex == 1);
	assert_int_equal(total.hosts, 1);
}

/* One host has many fast ones, the other few slow ones: no mean of percentiles is that of all. */
static void percentiles_are_those_of_all_requests_together(void **state)
{
	static uint64_t fast[970], slow[30];
	struct merge_row row;

	(void)state;
	for (int i = 0; i < 970; i++)
		fast[i] = (uint64_t)(1000 + i) * 1000; /* 1 to 2 ms */
	for (int i = 0; i < 30; i++)
		slow[i] = (uint64_t)(1000 + i) * 1000000; /* 1 s and more */
	pair_of(0, "shop");
	pair_of(1, "shop");
	told(0, fast, 970);
	told(1, slow, 30);
	merge_end(&m);
	merge_row(&m.services[0], &row);
	/* nearest rank: the 500th, the 950th and the 990th of the thousand */
	assert_true(fabs(row.percentile_ns[METRICS_P50] / (double)fast[499] - 1) < 0.011);
	assert_true(fabs(row.percentile_ns[METRICS_P95] / (double)fast[949] - 1) < 0.011);
	assert_true(fabs(row.percentile_ns[METRICS_P99] / (double)slow[19] - 1) < 0.011);
}

static void the_order_makes_no_difference(void **state)
{
	static const uint64_t a[] = { 1 * MILLISECOND, 700 * MILLISECOND }, b[] = { 30000 };
	struct merge_row one, other;

	(void)state;
	pair_of(0, "shop");
	pair_of(1, "shop");
	told(0, a, 2);
	told(1, b, 1);
	assert_int_equal(merge_total(&m, &one), 0);
	merge_fini(&m);
	pair_of(1, "shop");
	pair_of(0, "shop");
	told(0, b, 1);
	told(1, a, 2);
	assert_int_equal(merge_total(&m, &other), 0);
	assert_memory_equal(&one.sums, &other.sums, sizeof(one.sums));
	assert_memory_equal(one.percentile_ns, other.percentile_ns, sizeof(one.percentile_ns));
}

static void a_route_is_told_of_alone(void **state)
{
	const struct merge_scope scope = { .route = "/a" };
	struct parcel_label label = named("shop", "live");
	struct parcel p = parcel_of(&label, 5);
	struct merge_row row;

	(void)state;
	merge_init(&m, &scope);
	pair_of(0, "shop");
	merge_parcel(&m, &m.pairs[0], p.bytes, p.size, &hosts[0]);
	merge_end(&m);
	merge_row(&m.services[0], &row);
	assert_int_equal(row.sums.count, 5);
	assert_int_equal(hosts[0].count, 5);
	assert_int_equal(row.hosts, 1);
}

/* Of one host the last level counts, of several their sum; of shares the worst. */
static void gauges_add_up_over_hosts_and_not_over_time(void **state)
{
	static const double rss[] = { 1, 5, 7 }, cpu[] = { 10, 20, 90 };
	struct merge_row row;

	(void)state;
	pair_of(0, "shop");
	pair_of(1, "shop");
	for (uint32_t i = 0; i < 3; i++) {
		struct parcel_label label = named("shop", "live");
		const struct export_key key = { .kind = EXPORT_SERVICE_GAUGES, .route = "" };
		struct parcel p = { .bytes = parcel_bytes };
		double values[METRICS_GAUGES];

		gauges_init(values);
		values[METRICS_GAUGE_RSS] = rss[i] * 1048576;
		values[METRICS_GAUGE_CPU_PERCENT] = cpu[i];
		parcel_begin(&p, &label);
		parcel_gauges(&p, &key, values);
		parcel_end(&p);
		/* two slots of the first host, one of the second */
		merge_parcel(&m, &m.pairs[i / 2], p.bytes, p.size, &hosts[i / 2]);
	}
	merge_end(&m);
	merge_row(&m.services[0], &row);
	assert_true(row.gauges[METRICS_GAUGE_RSS] == (5 + 7) * 1048576.0);
	assert_true(row.gauges[METRICS_GAUGE_CPU_PERCENT] == 90);
	assert_true(row.gauges[METRICS_GAUGE_HEAP] < 0);
	assert_int_equal(row.hosts, 0); /* no requests were told */
}

static void environments_are_apart(void **state)
{
	struct parcel_label live = named("shop", "live"), test = named("shop", "test");

	(void)state;
	assert_int_equal(merge_pair_add(&m, 0, &live), 0);
	assert_int_equal(merge_pair_add(&m, 0, &test), 0);
	assert_int_equal(merge_pair_add(&m, 1, &live), 0);
	assert_int_equal(m.service_count, 2);
	assert_int_equal(m.pairs[2].service, 0);
}

static void there_is_an_end_to_services_and_pairs(void **state)
{
	char name[16];
	struct parcel_label label;

	(void)state;
	for (uint32_t i = 0; i < MERGE_SERVICES; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		label = named(name, "");
		assert_int_equal(merge_pair_add(&m, 0, &label), 0);
	}
	label = named("more", "");
	assert_int_equal(merge_pair_add(&m, 0, &label), -ENOSPC);
	label = named("s0", "");
	while (m.pair_count < MERGE_PAIRS)
		assert_int_equal(merge_pair_add(&m, 1, &label), 0);
	assert_int_equal(merge_pair_add(&m, 1, &label), -ENOSPC);
}

static void of_nothing_there_is_a_row_of_nothing(void **state)
{
	struct merge_row row;

	(void)state;
	merge_end(&m);
	assert_int_equal(merge_total(&m, &row), 0);
	assert_int_equal(row.sums.count, 0);
	assert_true(row.percentile_ns[METRICS_P95] < 0);
	assert_true(row.apdex < 0);
	assert_true(row.gauges[METRICS_GAUGE_RSS] < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums_of_all_are_added, setup, teardown),
		cmocka_unit_test_setup_teardown(the_total_is_of_all_services, setup, teardown),
		cmocka_unit_test_setup_teardown(percentiles_are_those_of_all_requests_together,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_order_makes_no_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(a_route_is_told_of_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(gauges_add_up_over_hosts_and_not_over_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(environments_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_an_end_to_services_and_pairs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_nothing_there_is_a_row_of_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
