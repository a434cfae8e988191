#include "parts.h"

#include "health.h"
#include "rs_test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static struct turn on_time;

static struct health_part part_of(struct health *h, const char *name)
{
	struct health_part parts[HEALTH_PARTS];
	size_t count = health_list(h, parts, HEALTH_PARTS);

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(parts[i].name, name))
			return parts[i];
	}
	fail_msg("no part %s", name);
	return parts[0];
}

static struct health_part look(const char *name, const struct drain_counts *drain,
			       const struct metrics_losses *losses)
{
	struct parts p = { .turn = &on_time, .pids = { getpid(), getpid(), getpid() } };
	struct health_part part;

	assert_int_equal(health_open(&p.health), 0);
	parts_put(&p, drain, losses, 1000000000, 1);
	part = part_of(p.health, name);
	health_close(p.health);
	return part;
}

static const struct drain_counts no_counts;
static const struct metrics_losses no_losses = { .bytes_limit = 64u << 20 };

static void without_a_loss_all_is_healthy(void **state)
{
	static const char *const names[] = { "intake", "checkpoint", "clock", "aggregates",
					     "agent" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(look(names[i], &no_counts, &no_losses).status, HEALTH_HEALTHY);
}

static void each_loss_of_the_intake_degrades_it(void **state)
{
	struct drain_counts counts[4] = {
		{ .refused = 1 }, { .broken = 1 }, { .unequal = 1 }, { .shapes_lost = 1 }
	};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(look("intake", &counts[i], &no_losses).status, HEALTH_DEGRADED);
}

static void a_checkpoint_that_cannot_be_kept_says_why(void **state)
{
	struct drain_counts counts = { .checkpoint_error = -ENOSPC };
	struct health_part part = look("checkpoint", &counts, &no_losses);

	(void)state;
	assert_int_equal(part.status, HEALTH_DEGRADED);
	assert_non_null(strstr(part.reason, "No space left"));
}

static void a_clock_that_changed_is_told(void **state)
{
	struct drain_counts counts = { .clock_changes = 1 };

	(void)state;
	assert_int_equal(look("clock", &counts, &no_losses).status, HEALTH_DEGRADED);
}

static void what_the_aggregates_gave_up_is_told(void **state)
{
	struct metrics_losses losses = { .requests = 5, .bytes_limit = 64u << 20 };
	struct health_part part = look("aggregates", &no_counts, &losses);

	(void)state;
	assert_int_equal(part.status, HEALTH_DEGRADED);
	assert_non_null(strstr(part.reason, "detail of 5 requests"));
}

static void the_agents_own_cost_is_a_difference(void **state)
{
	struct parts p = { .turn = &on_time, .pids = { getpid(), -1, -1 } };
	struct health_part part;

	(void)state;
	assert_int_equal(health_open(&p.health), 0);
	parts_put(&p, &no_counts, &no_losses, 1000000000, 1);
	part = part_of(p.health, "agent");
	assert_int_equal(strncmp(part.reason, "0.0 % of a core", 15), 0);
	assert_null(strstr(part.reason, " 0.0 MB"));
	p.cpu_ns = 0; /* as if everything so far had been used since */
	p.looked_ns = 1;
	for (volatile unsigned int i = 0; i < 60000000; i++)
		continue;
	parts_put(&p, &no_counts, &no_losses, 1000000001, 1);
	part = part_of(p.health, "agent");
	assert_int_not_equal(strncmp(part.reason, "0.0 %", 5), 0);
	health_close(p.health);
}

static struct health_part agent_of(struct turn *turn, uint64_t drain_late_ns, uint64_t now_ns)
{
	const struct drain_counts counts = { .late_ns = drain_late_ns };
	struct parts p = { .turn = turn, .pids = { getpid() } };
	struct health_part part;

	assert_int_equal(health_open(&p.health), 0);
	parts_put(&p, &counts, &no_losses, now_ns, 1);
	part = part_of(p.health, "agent");
	health_close(p.health);
	return part;
}

static void a_loop_that_is_a_second_late_degrades_the_agent(void **state)
{
	struct turn turn = { 0 };
	struct health_part part;

	(void)state;
	turn_due(&turn, 100 * SECOND);
	turn_begin(&turn, 101 * SECOND);
	turn_due(&turn, 102 * SECOND);
	part = agent_of(&turn, SECOND, 102 * SECOND);
	assert_int_equal(part.status, HEALTH_HEALTHY);
	assert_non_null(strstr(part.reason, "late by up to 1000 ms (each second's work), "
					    "1000 ms (drain)"));
	part = agent_of(&turn, SECOND + 2000000, 102 * SECOND);
	assert_int_equal(part.status, HEALTH_DEGRADED);
	assert_non_null(strstr(part.reason, "1002 ms (drain): the limit is 1 s"));
	turn_begin(&turn, 103 * SECOND + 3000000);
	turn_due(&turn, 104 * SECOND);
	part = agent_of(&turn, 0, 104 * SECOND);
	assert_int_equal(part.status, HEALTH_DEGRADED);
	assert_non_null(strstr(part.reason, "1003 ms (each second's work), 0 ms (drain): the"));
	assert_int_equal(agent_of(&turn, 0, 104 * SECOND).status, HEALTH_DEGRADED);
	turn_begin(&turn, 104 * SECOND);
	turn_due(&turn, 125 * SECOND);
	turn_begin(&turn, 125 * SECOND); /* it goes by */
	assert_int_equal(agent_of(&turn, 0, 125 * SECOND).status, HEALTH_HEALTHY);
}

static void lost_samples_are_told_by_their_reason(void **state)
{
	struct profile_counts counts = { .stacks = { .samples = 500, .distinct = 7 } };
	struct parts p = { .pids = { getpid() } };
	struct health_part parts[HEALTH_PARTS];

	(void)state;
	assert_int_equal(health_open(&p.health), 0);
	parts_profile_put(&p, &counts, 1);
	assert_int_equal(health_list(p.health, parts, HEALTH_PARTS), 0); /* nothing is sampled */
	counts.on = true;
	parts_profile_put(&p, &counts, 1);
	assert_int_equal(part_of(p.health, "profile").status, HEALTH_HEALTHY);
	counts.dropped = 3;
	counts.unknown = 4;
	counts.stacks.no_room = 5;
	counts.stacks.early = 6;
	parts_profile_put(&p, &counts, 1);
	assert_int_equal(part_of(p.health, "profile").status, HEALTH_DEGRADED);
	assert_non_null(
		strstr(part_of(p.health, "profile").reason,
		       "500 samples, 7 stacks in 0.0 MiB; lost: 3 in the kernel, 4 nobody's, "
		       "5 for want of room, 6 too early"));
	health_close(p.health);
}

static struct health_part history(const struct store_state *state, uint64_t untaken)
{
	struct parts p = { .pids = { getpid(), getpid(), getpid() } };
	struct health_part part;

	assert_int_equal(health_open(&p.health), 0);
	parts_history_put(&p, state, untaken, 1);
	part = part_of(p.health, "history");
	health_close(p.health);
	return part;
}

static void the_history_says_what_it_could_not_keep(void **state)
{
	struct store_state good = { .is_ready = true, .budget = STORE_BUDGET };
	struct store_state bad = good;

	(void)state;
	assert_int_equal(history(&good, 0).status, HEALTH_HEALTHY);
	assert_int_equal(history(&good, 1).status, HEALTH_DEGRADED);
	bad.deleted = 3;
	assert_int_equal(history(&bad, 0).status, HEALTH_DEGRADED);
	assert_non_null(strstr(history(&bad, 0).reason, "3 deleted early"));
	bad.cuts = 1;
	strcpy(bad.cut, "a was cut off at byte 7: why");
	assert_string_equal(history(&bad, 0).reason, bad.cut);
	bad.error = -ENOSPC;
	assert_int_equal(history(&bad, 0).status, HEALTH_DEGRADED);
	assert_non_null(strstr(history(&bad, 0).reason, "No space left on device"));
	good.is_ready = false;
	assert_int_equal(history(&good, 0).status, HEALTH_INFO);
}

static void a_child_of_the_broker_is_a_part_of_what_the_agent_costs(void **state)
{
	struct parts p = { .turn = &on_time, .pids = { getpid(), -1, -1 } };
	double alone;
	pid_t child;

	(void)state;
	assert_int_equal(health_open(&p.health), 0);
	parts_put(&p, &no_counts, &no_losses, 1000000000, 1);
	alone = p.memory;
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	parts_put(&p, &no_counts, &no_losses, 2000000000, 1);
	assert_true(p.memory > alone * 1.02);
	p.pids[1] = child; /* and not twice */
	alone = p.memory;
	parts_put(&p, &no_counts, &no_losses, 3000000000, 1);
	assert_true(p.memory < alone * 1.1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	health_close(p.health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_loss_all_is_healthy),
		cmocka_unit_test(each_loss_of_the_intake_degrades_it),
		cmocka_unit_test(the_history_says_what_it_could_not_keep),
		cmocka_unit_test(a_checkpoint_that_cannot_be_kept_says_why),
		cmocka_unit_test(a_clock_that_changed_is_told),
		cmocka_unit_test(what_the_aggregates_gave_up_is_told),
		cmocka_unit_test(the_agents_own_cost_is_a_difference),
		cmocka_unit_test(a_loop_that_is_a_second_late_degrades_the_agent),
		cmocka_unit_test(lost_samples_are_told_by_their_reason),
		cmocka_unit_test(a_child_of_the_broker_is_a_part_of_what_the_agent_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
