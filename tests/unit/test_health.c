#include "health.h"
#include "rs_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void nobody_is_ready_at_the_start(void **state)
{
	char reason[HEALTH_REASON];
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	assert_false(health_ready_get(h, reason));
	assert_string_equal(reason, "starting");
	health_ready_put(h, true, NULL);
	assert_true(health_ready_get(h, reason));
	assert_string_equal(reason, "");
	health_close(h);
	health_close(NULL);
}

static void since_stays_while_the_status_does(void **state)
{
	struct health_part part;
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	health_put(h, "redis", HEALTH_HEALTHY, "", 100);
	health_put(h, "redis", HEALTH_HEALTHY, "fine", 200);
	assert_int_equal(health_list(h, &part, 1), 1);
	assert_int_equal(part.since_ms, 100);
	assert_string_equal(part.reason, "fine");
	health_put(h, "redis", HEALTH_UNHEALTHY, NULL, 300);
	assert_int_equal(health_list(h, &part, 1), 1);
	assert_int_equal(part.since_ms, 300);
	assert_int_equal(part.status, HEALTH_UNHEALTHY);
	assert_string_equal(part.reason, "");
	health_close(h);
}

static void the_worst_part_decides_but_info_makes_nothing_worse(void **state)
{
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	assert_int_equal(health_worst(h), HEALTH_HEALTHY);
	health_put(h, "a", HEALTH_INFO, "off", 1);
	assert_int_equal(health_worst(h), HEALTH_HEALTHY);
	health_put(h, "b", HEALTH_DEGRADED, "slow", 1);
	assert_int_equal(health_worst(h), HEALTH_DEGRADED);
	health_put(h, "c", HEALTH_UNHEALTHY, "dead", 1);
	assert_int_equal(health_worst(h), HEALTH_UNHEALTHY);
	health_put(h, "c", HEALTH_HEALTHY, "", 2);
	assert_int_equal(health_worst(h), HEALTH_DEGRADED);
	health_close(h);
}

static void what_is_no_part_any_more_makes_room(void **state)
{
	struct health_part parts[4];
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	health_put(h, "a", HEALTH_HEALTHY, "", 1);
	health_put(h, "b", HEALTH_UNHEALTHY, "", 1);
	health_put(h, "c", HEALTH_DEGRADED, "", 1);
	health_drop(h, "b");
	health_drop(h, "b");
	health_drop(h, "no such part");
	assert_int_equal(health_list(h, parts, 4), 2);
	assert_string_equal(parts[0].name, "a");
	assert_string_equal(parts[1].name, "c");
	assert_int_equal(health_worst(h), HEALTH_DEGRADED);
	health_drop(h, "c");
	assert_int_equal(health_list(h, parts, 4), 1);
	health_close(h);
}

static void one_part_too_many_is_refused_and_the_others_stay(void **state)
{
	static struct health_part parts[HEALTH_PARTS + 1];
	struct health *h;
	char name[HEALTH_NAME];

	(void)state;
	assert_int_equal(health_open(&h), 0);
	for (unsigned int i = 0; i < HEALTH_PARTS; i++) {
		snprintf(name, sizeof(name), "part.%u", i);
		assert_int_equal(health_put(h, name, HEALTH_HEALTHY, "", 1), 0);
	}
	assert_int_equal(health_put(h, "one more", HEALTH_UNHEALTHY, "", 1), -ENOSPC);
	assert_int_equal(health_put(h, "part.3", HEALTH_DEGRADED, "", 1), 0);
	assert_int_equal(health_list(h, parts, HEALTH_PARTS + 1), HEALTH_PARTS);
	assert_int_equal(health_list(h, parts, 2), 2);
	assert_int_equal(health_worst(h), HEALTH_DEGRADED);
	health_close(h);
}

static void names_and_reasons_are_cut_and_found_again(void **state)
{
	char name[HEALTH_NAME + 20], reason[HEALTH_REASON + 20];
	struct health_part parts[2];
	struct health *h;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(reason, 'r', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	assert_int_equal(health_open(&h), 0);
	assert_int_equal(health_put(h, name, HEALTH_HEALTHY, reason, 1), 0);
	assert_int_equal(health_put(h, name, HEALTH_DEGRADED, reason, 1), 0);
	assert_int_equal(health_list(h, parts, 2), 1);
	assert_int_equal(strlen(parts[0].name), HEALTH_NAME - 1);
	assert_int_equal(strlen(parts[0].reason), HEALTH_REASON - 1);
	health_ready_put(h, false, reason);
	assert_false(health_ready_get(h, reason));
	assert_int_equal(strlen(reason), HEALTH_REASON - 1);
	health_close(h);
}

static void every_status_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(health_status_name(HEALTH_HEALTHY), "healthy");
	assert_string_equal(health_status_name(HEALTH_INFO), "info");
	assert_string_equal(health_status_name(HEALTH_DEGRADED), "degraded");
	assert_string_equal(health_status_name(HEALTH_UNHEALTHY), "unhealthy");
}

static void *writer(void *h)
{
	for (int i = 0; i < 2000; i++) {
		const char *reason = i % 2 ? "oddly odd" : "evenly even";

		health_put(h, "shared", i % 2 ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason, i);
		health_ready_put(h, i % 2, reason);
	}
	return NULL;
}

static void readers_see_one_state_never_a_mix(void **state)
{
	int mixed = 0;
	pthread_t thread;
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer, h), 0);
	for (int i = 0; i < 2000; i++) {
		char reason[HEALTH_REASON];
		struct health_part part;
		bool ready = health_ready_get(h, reason);

		mixed += strcmp(reason, "starting") &&
			 strcmp(reason, ready ? "oddly odd" : "evenly even");
		if (health_list(h, &part, 1))
			mixed += strcmp(part.reason, part.status == HEALTH_DEGRADED
							     ? "oddly odd"
							     : "evenly even") != 0;
	}
	pthread_join(thread, NULL);
	assert_int_equal(mixed, 0);
	health_close(h);
}

static void a_facility_is_known_by_its_set_and_name(void **state)
{
	struct facility f = { .set = "life", .name = "x", .dropped = 1 }, out[HEALTH_FACILITIES];
	struct health *h;

	(void)state;
	assert_int_equal(health_open(&h), 0);
	assert_int_equal(health_facility_put(h, &f), 0);
	f.dropped = 2;
	assert_int_equal(health_facility_put(h, &f), 0);
	strcpy(f.set, "wait");
	assert_int_equal(health_facility_put(h, &f), 0);
	assert_int_equal(health_facilities(h, out, 1), 1);
	assert_int_equal(health_facilities(h, out, HEALTH_FACILITIES), 2);
	assert_int_equal(out[0].dropped, 2);
	assert_string_equal(out[1].set, "wait");
	for (unsigned int i = 2; i < HEALTH_FACILITIES; i++) {
		snprintf(f.name, sizeof(f.name), "f%u", i);
		assert_int_equal(health_facility_put(h, &f), 0);
	}
	strcpy(f.name, "more");
	assert_int_equal(health_facility_put(h, &f), -ENOSPC);
	health_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_ready_at_the_start),
		cmocka_unit_test(since_stays_while_the_status_does),
		cmocka_unit_test(the_worst_part_decides_but_info_makes_nothing_worse),
		cmocka_unit_test(what_is_no_part_any_more_makes_room),
		cmocka_unit_test(one_part_too_many_is_refused_and_the_others_stay),
		cmocka_unit_test(names_and_reasons_are_cut_and_found_again),
		cmocka_unit_test(every_status_has_a_name),
		cmocka_unit_test(a_facility_is_known_by_its_set_and_name),
		cmocka_unit_test(readers_see_one_state_never_a_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
