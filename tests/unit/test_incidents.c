#include "../../agent/metrics/incidents.c" /* white box: services beyond the last place */
#include "metrics_fixture.h"

#include <stdio.h>

#define BOOT_NS(m, s) (((m)->incidents.restarts.begin_ticks + 100 * (s)) * INCIDENTS_TICK_NS)

/* One that began so many seconds after metrics did; told: by the kernel. */
static struct capture_target target_at(const struct fixture *f, uint64_t key, uint64_t s, bool told)
{
	struct capture_target t;

	fixture_target(&t, key, (int32_t)key * 10, "shop");
	t.parent = 5;
	t.start_ticks = f->m->incidents.restarts.begin_ticks + 100 * s;
	t.kernel = told;
	return t;
}

static struct metrics_incidents of(struct fixture *f, const char *service, int32_t pid,
				   uint64_t from_s)
{
	struct metrics_scope scope = { .service = service, .pid = pid, .from_ns = from_s * SECOND };
	struct metrics_incidents out;

	metrics_incidents_get(f->m, &scope, &out);
	return out;
}

static void starts_ends_and_restarts_are_counted_by_window_and_in_all(void **state)
{
	struct metrics_incidents i;
	struct capture_target t;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	t = target_at(&f, 1, 1, true);
	metrics_started(f.m, &t, 1001 * SECOND);
	metrics_ended(f.m, 1, BOOT_NS(f.m, 2), 1002 * SECOND);
	t = target_at(&f, 2, 3, true);
	metrics_started(f.m, &t, 1003 * SECOND);
	metrics_ended(f.m, 4, BOOT_NS(f.m, 3), 1003 * SECOND); /* nobody's */
	fixture_tick(&f, 1004 * SECOND);
	i = of(&f, "shop", 0, 1002);
	assert_true(i.window[METRICS_STARTS] == 1 && i.total[METRICS_STARTS] == 2);
	assert_true(i.window[METRICS_ENDS] == 0 && i.total[METRICS_ENDS] == 1);
	assert_true(i.window[METRICS_RESTARTS] == 1);
	i = of(&f, NULL, 0, 1003);
	assert_true(i.window[METRICS_RESTARTS] == 0 && i.total[METRICS_RESTARTS] == 1);
	assert_true(of(&f, "nobody", 0, 0).total[METRICS_STARTS] < 0);
	assert_true(of(&f, NULL, 20, 0).total[METRICS_STARTS] < 0); /* of services alone */
	metrics_close(f.m);
}

static void without_the_kernels_word_they_are_unknown(void **state)
{
	struct metrics_incidents i;
	struct capture_target t;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	t = target_at(&f, 1, 1, false);
	metrics_started(f.m, &t, 1001 * SECOND);
	fixture_tick(&f, 1002 * SECOND);
	i = of(&f, "shop", 0, 0);
	assert_true(i.window[METRICS_STARTS] < 0 && i.total[METRICS_RESTARTS] < 0);
	assert_true(i.window[METRICS_KILLS] < 0);
	metrics_close(f.m);
}

static void a_victim_is_its_services_though_it_has_ended(void **state)
{
	const struct strain strain = { .known = STRAIN_KILLS };
	struct metrics_incidents i;
	struct capture_target t;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND); /* with the target of key 7, pid 70 */
	fixture_tick(&f, 1000 * SECOND);
	t = target_at(&f, 7, 1, true);
	metrics_started(f.m, &t, 1001 * SECOND);
	assert_true(of(&f, "shop", 0, 0).window[METRICS_KILLS] < 0); /* would it be told? */
	metrics_strain_put(f.m, 7, &strain);
	assert_true(of(&f, "shop", 0, 0).window[METRICS_KILLS] == 0);
	assert_true(of(&f, NULL, 70, 0).window[METRICS_KILLS] == 0);
	metrics_ended(f.m, 7, BOOT_NS(f.m, 2), 1002 * SECOND);
	f.sink.gone(f.sink.ctx, &f.target, 1002 * SECOND);
	metrics_killed(f.m, 7, 1003 * SECOND);
	metrics_killed(f.m, 8, 1003 * SECOND); /* nobody's */
	fixture_tick(&f, 1005 * SECOND);
	i = of(&f, "shop", 0, 0);
	assert_true(i.window[METRICS_KILLS] == 1 && i.total[METRICS_KILLS] == 1);
	assert_true(of(&f, NULL, 70, 0).window[METRICS_KILLS] == 1);
	i = of(&f, NULL, 70, 1004);
	assert_true(i.window[METRICS_KILLS] == 0 && i.total[METRICS_KILLS] == 1);
	metrics_close(f.m);
}

static void services_beyond_the_last_place_are_one(void **state)
{
	struct incidents in = { 0 };
	struct incidents_service *one;
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < REGISTRY_SERVICES; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		assert_non_null(incidents_service(&in, name, ""));
	}
	one = incidents_service(&in, "more", "");
	assert_string_equal(one->service, REGISTRY_OTHER);
	assert_ptr_equal(incidents_service(&in, "and more", "test"), one);
	assert_string_equal(incidents_service(&in, "s7", "")->service, "s7");
	assert_int_equal(in.count, REGISTRY_SERVICES + 1);
	incidents_fini(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_ends_and_restarts_are_counted_by_window_and_in_all),
		cmocka_unit_test(without_the_kernels_word_they_are_unknown),
		cmocka_unit_test(a_victim_is_its_services_though_it_has_ended),
		cmocka_unit_test(services_beyond_the_last_place_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
