#include "../../agent/capture/sampler.c" /* white box: the map of targets is the test's own */
#include "filter.h"
#include "probe.h"
#include "rs_test.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define SKIPPED 77

static struct sampler *sampler; /* NULL: refused here */
static struct probe_filter *filter;

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static pid_t burner(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30);
		for (volatile unsigned int i = 0;; i++)
			continue;
	}
	return pid;
}

static uint64_t taken(void)
{
	struct sampler_counts counts;

	sampler_counts_get(sampler, &counts);
	return counts.taken;
}

static void watched_processes_alone_are_sampled(void **state)
{
	pid_t pid = burner();
	uint64_t before = taken();

	(void)state;
	assert_int_equal(sampler_run(sampler, true), 0);
	assert_int_equal(sampler_run(sampler, true), 0); /* twice does no harm */
	pause_ms(200);
	assert_int_equal(taken(), before);
	probe_filter_put(filter, pid, FILTER_WATCHED);
	for (int i = 0; i < 500 && taken() == before; i++)
		pause_ms(10);
	assert_true(taken() > before);
	probe_filter_put(filter, pid, 0);
	sampler_run(sampler, false);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_stopped_clock_takes_nothing(void **state)
{
	pid_t pid = burner();
	uint64_t before;

	(void)state;
	probe_filter_put(filter, pid, FILTER_WATCHED);
	assert_int_equal(sampler_run(sampler, true), 0);
	assert_int_equal(sampler_run(sampler, false), 0);
	before = taken();
	pause_ms(200);
	assert_int_equal(taken(), before);
	probe_filter_put(filter, pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What it looks like when a CPU has come since. */
static void clocks_are_set_anew_for_other_cpus(void **state)
{
	pid_t pid = burner();
	uint64_t before;
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC), *clocks;

	(void)state;
	probe_filter_put(filter, pid, FILTER_WATCHED);
	assert_int_equal(sampler_second(sampler), 0); /* stopped: it stays so */
	assert_false(sampler->running);
	assert_int_equal(sampler_run(sampler, true), 0);
	clocks = sampler->ticks.clocks;
	for (int i = 0; i < sampler->ticks.cpus; i++)
		dup2(none, clocks[i]); /* as good as gone */
	pause_ms(30);
	before = taken();
	assert_int_equal(sampler_second(sampler), 0); /* the same CPUs: nothing is done */
	pause_ms(100);
	assert_int_equal(taken(), before);
	snprintf(sampler->ticks.online, sizeof(sampler->ticks.online), "0-77\n");
	assert_int_equal(sampler_second(sampler), 0);
	for (int i = 0; i < 500 && taken() == before; i++)
		pause_ms(10);
	assert_true(taken() > before);
	probe_filter_put(filter, pid, 0);
	sampler_run(sampler, false);
	close(none);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void the_ring_holds_seconds_of_the_deepest_stacks(void **state)
{
	(void)state;
	assert_true(sampler_ring_size(2) >= 2 * SAMPLER_HZ * 3 * sizeof(struct profile_sample));
	assert_int_equal(sampler_ring_size(2) & (sampler_ring_size(2) - 1), 0);
	assert_int_equal(sampler_ring_size(100000), SAMPLER_RING_MAX);
}

/* A tick's cost by the kernel's own count, of a period: the budget is a hundredth. */
static void a_tick_costs_less_than_a_hundredth_of_its_period(void **state)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);
	uint64_t before = taken();
	pid_t pid = burner();

	(void)state;
	if (stats < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		rs_skip("kernel.bpf_stats_enabled may not be set");
	}
	probe_filter_put(filter, pid, FILTER_WATCHED);
	sampler_run(sampler, true);
	for (int i = 0; i < 1000 && taken() < before + 50; i++)
		pause_ms(10);
	sampler_run(sampler, false);
	probe_filter_put(filter, pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(
		bpf_obj_get_info_by_fd(bpf_program__fd(sampler->probes->progs.profile_tick), &info,
				       &bytes),
		0);
	close(stats);
	assert_true(info.run_cnt >= 50);
	print_message("%llu ns a tick\n", info.run_time_ns / info.run_cnt);
	assert_true(info.run_time_ns / info.run_cnt < 1000000000 / SAMPLER_HZ / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watched_processes_alone_are_sampled),
		cmocka_unit_test(a_stopped_clock_takes_nothing),
		cmocka_unit_test(clocks_are_set_anew_for_other_cpus),
		cmocka_unit_test(the_ring_holds_seconds_of_the_deepest_stacks),
		cmocka_unit_test(a_tick_costs_less_than_a_hundredth_of_its_period),
	};
	int result = probe_filter_open(&filter);

	if (result == 0)
		result = sampler_open(&sampler, probe_filter_fd(filter));
	if (result) {
		print_message("skipped: bpf() is refused here: %d\n", result);
		return SKIPPED;
	}
	result = cmocka_run_group_tests(tests, NULL, NULL);
	sampler_close(sampler);
	probe_filter_close(filter);
	return result;
}
