#include "../../agent/control.c" /* with a drain and a metrics of its own */
#include "../../agent/governor.c"
#include "rs_test.h"

#include <errno.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static struct metrics_cost told[3]; /* by metrics */
static int told_count;              /* negative: an error */
static struct drain_detail got[3];  /* by drain, of key 1 … 3 */
static int got_count;
static int drain_says;

int metrics_costs(struct metrics *m, struct metrics_cost **rows)
{
	(void)m;
	*rows = NULL;
	if (told_count <= 0)
		return told_count;
	*rows = malloc(sizeof(told));
	assert_non_null(*rows);
	memcpy(*rows, told, sizeof(told));
	return told_count;
}

int drain_detail(struct drain *d, uint64_t key, const struct drain_detail *detail)
{
	(void)d;
	assert_in_range(key, 1, 3);
	got[key - 1] = *detail;
	got_count++;
	return drain_says;
}

static char folder[] = "/tmp/rs_control_XXXXXX";
static struct control control;

static int setup(void **state)
{
	(void)state;
	memset(told, 0, sizeof(told));
	memset(got, 0, sizeof(got));
	told_count = 3;
	got_count = drain_says = 0;
	for (int i = 0; i < 3; i++) {
		told[i].key = (uint64_t)i + 1;
		told[i].pid = 70 + i;
		told[i].state = RS_STATE_ON;
		told[i].time_ns = 1000 * SECOND;
		snprintf(told[i].service, sizeof(told[i].service), "%s", i ? "shop" : "bank");
		snprintf(told[i].exe, sizeof(told[i].exe), "/usr/bin/%d", i);
	}
	control_init(&control, folder);
	control.budget = 10;
	return health_open(&control.health);
}

static int teardown(void **state)
{
	(void)state;
	unlink(control.off);
	control_fini(&control);
	health_close(control.health);
	return 0;
}

static void off_holds(const char *text)
{
	FILE *file = fopen(control.off, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* So many seconds in which each uses a core, and the first one's percent is ours. */
static void run(int seconds, uint64_t percent)
{
	for (int s = 0; s < seconds; s++) {
		control_second(&control, 1);
		for (int i = 0; i < 3; i++) {
			told[i].time_ns += SECOND;
			told[i].cpu_ns += SECOND;
		}
		told[0].own_ns += SECOND / 100 * percent;
	}
	control_second(&control, 1);
}

static void only_who_is_past_its_budget_is_told_to_record_less(void **state)
{
	(void)state;
	run(10, 20);
	assert_int_equal(got_count, 1);
	assert_int_equal(got[0].level, DRAIN_DETAIL_NO_STRINGS);
	run(10, 20);
	assert_int_equal(got_count, 2);
	assert_int_equal(got[0].level, DRAIN_DETAIL_SAMPLED);
	assert_int_equal(got[0].sample, 8);
	assert_true(got[0].share > 19 && got[0].share < 21);
	run(60, 0);
	assert_int_equal(got_count, 3);
	assert_int_equal(got[0].level, DRAIN_DETAIL_NO_STRINGS);
}

static void without_a_budget_nobody_is_told_anything(void **state)
{
	(void)state;
	control.budget = 0;
	run(30, 90);
	assert_int_equal(got_count, 0);
}

static void the_file_switches_off_what_it_names_once(void **state)
{
	struct health_part parts[4];

	(void)state;
	off_holds("shop\n");
	control_second(&control, 1);
	control_second(&control, 1);
	assert_int_equal(got_count, 2);
	assert_int_equal(got[1].level, DRAIN_DETAIL_OFF);
	assert_int_equal(got[2].level, DRAIN_DETAIL_OFF);
	assert_int_equal(got[0].level, DRAIN_DETAIL_ALL);
	assert_int_equal(health_list(control.health, parts, 4), 1);
	assert_int_equal(parts[0].status, HEALTH_INFO);
	unlink(control.off);
	control_second(&control, 2);
	health_list(control.health, parts, 4);
	assert_int_equal(parts[0].status, HEALTH_HEALTHY);
}

static void an_empty_file_switches_all_off_but_those_that_are(void **state)
{
	(void)state;
	told[1].state = RS_STATE_OFF;
	off_holds("");
	control_second(&control, 1);
	assert_int_equal(got_count, 2);
	assert_int_equal(got[1].level, DRAIN_DETAIL_ALL);
}

static void what_drain_did_not_hear_is_said_again(void **state)
{
	(void)state;
	off_holds("bank\n");
	drain_says = -ENOMEM;
	control_second(&control, 1);
	drain_says = 0;
	control_second(&control, 1);
	control_second(&control, 1);
	assert_int_equal(got_count, 2);
}

static void who_is_gone_is_forgotten(void **state)
{
	(void)state;
	control_second(&control, 1);
	assert_int_equal(control.count, 3);
	told_count = 1;
	control_second(&control, 1);
	assert_int_equal(control.count, 1);
	assert_int_equal(control.items[0].key, 1);
	told_count = -ENOMEM;
	control_second(&control, 1);
	assert_int_equal(control.count, 1);
	told_count = 0;
	control_second(&control, 1);
	assert_int_equal(control.count, 0);
}

static void each_is_found_in_whatever_order_they_come(void **state)
{
	const struct control_item *first;

	(void)state;
	control_second(&control, 1);
	first = control_find(&control, 1);
	assert_non_null(first);
	assert_int_equal(control.next, 1); /* so that the second one is found at once */
	assert_ptr_equal(control_find(&control, 2), first + 1);
	assert_ptr_equal(control_find(&control, 1), first);
	assert_ptr_equal(control_find(&control, 3), first + 2);
	assert_ptr_equal(control_find(&control, 1), first);
	assert_null(control_find(&control, 4));
	assert_int_equal(control.count, 3);
}

static int folder_make(void **state)
{
	(void)state;
	log_open("test", LOG_LEVEL_ERROR);
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_who_is_past_its_budget_is_told_to_record_less),
		TEST(without_a_budget_nobody_is_told_anything),
		TEST(the_file_switches_off_what_it_names_once),
		TEST(an_empty_file_switches_all_off_but_those_that_are),
		TEST(what_drain_did_not_hear_is_said_again),
		TEST(each_is_found_in_whatever_order_they_come),
		TEST(who_is_gone_is_forgotten),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
