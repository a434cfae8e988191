#include "../../agent/aides.c"
#include "blocked_process.h"
#include "health.h"
#include "rs_test.h"

static uint32_t status_of(const struct outbox *o, const char *name)
{
	for (uint32_t i = 0; i < o->part_count; i++)
		if (strcmp(o->parts[i].name, name) == 0)
			return o->parts[i].status;
	fail_msg("there is no part %s", name);
	return 0;
}

/* Before the kernel is: who keeps a read waiting would keep it, and every fork of the machine. */
static void who_keeps_the_scout_waiting_is_not_asked_by_the_keeper(void **state)
{
	struct aides a;
	struct outbox o;
	struct blocked b = blocked_start();
	char text[64];

	(void)state;
	if (!b.pid)
		rs_skip("FUSE cannot be mounted");
	outbox_init(&o, -1);
	assert_int_equal(aides_open(&a), 0);
	aides_step(&a);
	assert_false(uprobes_wait());
	assert_int_equal(proc_memory_file_read(b.pid, "cmdline", text, sizeof(text)), -ETIMEDOUT);
	aides_step(&a);
	assert_true(uprobes_wait());
	assert_false(aides_second(&a, &o));
	assert_int_equal(status_of(&o, "keeper"), HEALTH_DEGRADED);
	assert_int_equal(status_of(&o, "scout"), HEALTH_DEGRADED);
	blocked_end(&b);
	aides_step(&a);
	assert_false(uprobes_wait());
	assert_false(aides_second(&a, &o));
	assert_int_equal(status_of(&o, "keeper"), HEALTH_HEALTHY);
	aides_close(&a);
	aides_close(&a);
	assert_false(uprobes_wait());
	outbox_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_keeps_the_scout_waiting_is_not_asked_by_the_keeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
