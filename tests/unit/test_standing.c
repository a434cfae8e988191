#include "blocked_process.h"
#include "health.h"
#include "proc.h"
#include "rs_test.h"
#include "standing.h"

static struct link_part part_of(const struct outbox *o, const char *name)
{
	for (uint32_t i = 0; i < o->part_count; i++)
		if (strcmp(o->parts[i].name, name) == 0)
			return o->parts[i];
	fail_msg("there is no part %s", name);
	return o->parts[0];
}

static void what_is_missing_is_named(void **state)
{
	struct outbox o;

	(void)state;
	outbox_init(&o, -1);
	standing_privileges(&o);
	if (geteuid() == 0)
		assert_int_equal(part_of(&o, "privileges").status, HEALTH_HEALTHY);
	else
		assert_non_null(strstr(part_of(&o, "privileges").reason, "CAP_SYS_PTRACE"));
	outbox_fini(&o);
}

static void without_a_process_that_blocks_the_scout_has_nothing_to_say(void **state)
{
	struct scout *s;
	struct outbox o;

	(void)state;
	outbox_init(&o, -1);
	assert_int_equal(scout_open(&s), 0);
	close(scout_fetch(s, getpid(), "maps", O_RDONLY));
	standing_scout(&o, s);
	assert_int_equal(part_of(&o, "scout").status, HEALTH_HEALTHY);
	assert_string_equal(part_of(&o, "scout").reason, "");
	scout_close(s);
	outbox_fini(&o);
}

static void a_process_that_blocks_is_told_by_its_pid(void **state)
{
	struct blocked b = blocked_start();
	char text[160], wanted[64];
	struct scout *s;
	struct outbox o;

	(void)state;
	if (!b.pid)
		rs_skip("FUSE cannot be mounted");
	outbox_init(&o, -1);
	assert_int_equal(scout_open(&s), 0);
	proc_opener_set(scout_fetch, s);
	assert_int_equal(proc_memory_file_read(b.pid, "cmdline", text, sizeof(text)), -ETIMEDOUT);
	proc_opener_set(NULL, NULL);
	standing_scout(&o, s);
	snprintf(wanted, sizeof(wanted),
		 "1 times a process kept its reader in /proc waiting, pid %d", b.pid);
	assert_int_equal(part_of(&o, "scout").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part_of(&o, "scout").reason, wanted));
	blocked_end(&b);
	scout_close(s);
	outbox_fini(&o);
}

static void who_keeps_the_kernel_from_changing_probes_is_told(void **state)
{
	struct outbox o;

	(void)state;
	outbox_init(&o, -1);
	standing_keeper(&o, false, 0);
	assert_int_equal(part_of(&o, "keeper").status, HEALTH_HEALTHY);
	assert_string_equal(part_of(&o, "keeper").reason, "");
	standing_keeper(&o, false, 77);
	assert_int_equal(part_of(&o, "keeper").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part_of(&o, "keeper").reason, "pid 77 keeps its memory"));
	standing_keeper(&o, true, 77);
	assert_int_equal(part_of(&o, "keeper").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part_of(&o, "keeper").reason, "until it lets go nobody can fork"));
	outbox_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(without_a_process_that_blocks_the_scout_has_nothing_to_say),
		cmocka_unit_test(a_process_that_blocks_is_told_by_its_pid),
		cmocka_unit_test(who_keeps_the_kernel_from_changing_probes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
