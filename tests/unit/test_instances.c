#include "instances.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct notice_labels labels(const char *service, const char *route)
{
	struct notice_labels l;

	memset(&l, 0, sizeof(l));
	snprintf(l.service, sizeof(l.service), "%s", service);
	snprintf(l.route, sizeof(l.route), "%s", route);
	return l;
}

static bool is_even(void *ctx, const struct instance *i)
{
	(void)ctx;
	return i->id % 2 == 0;
}

static void an_alert_is_found_by_its_rule_and_labels(void **state)
{
	struct notice_labels a = labels("a", ""), b = labels("a", "/x"), c = labels("", "a");
	struct instances all;
	struct instance *i;

	(void)state;
	instances_init(&all);
	assert_null(instances_find(&all, "r", &a));
	i = instances_add(&all, "r", &a);
	assert_ptr_equal(instances_find(&all, "r", &a), i);
	assert_true(instances_has(&all, "r"));
	assert_false(instances_has(&all, "s"));
	assert_null(instances_find(&all, "s", &a));
	assert_null(instances_find(&all, "r", &b));
	assert_null(instances_find(&all, "r", &c));
	assert_int_equal(i->alarm.state, ALARM_QUIET);
	assert_int_equal(i->alarm.notice_ns, ALARM_NEVER);
	instances_fini(&all);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct notice_labels a = labels("a", ""), b = labels("b", "");
	struct instances all;

	(void)state;
	instances_init(&all);
	all.max = 1;
	assert_non_null(instances_add(&all, "r", &a));
	assert_null(instances_add(&all, "r", &b));
	assert_int_equal(all.refused, 1);
	instances_fini(&all);
	assert_int_equal(all.count, 0);
}

static void those_that_are_over_go_and_the_others_stay_findable(void **state)
{
	struct notice_labels l;
	struct instances all;
	char name[16];

	(void)state;
	instances_init(&all);
	for (unsigned int i = 0; i < 3 * INSTANCES_BUCKETS; i++) { /* buckets are shared */
		snprintf(name, sizeof(name), "s%u", i);
		l = labels(name, "");
		instances_add(&all, "r", &l)->id = i;
	}
	instances_prune(&all, is_even, NULL);
	assert_int_equal(all.count, 3 * INSTANCES_BUCKETS / 2);
	for (unsigned int i = 0; i < 3 * INSTANCES_BUCKETS; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		l = labels(name, "");
		assert_int_equal(instances_find(&all, "r", &l) != NULL, i % 2);
	}
	instances_fini(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_is_found_by_its_rule_and_labels),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(those_that_are_over_go_and_the_others_stay_findable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
