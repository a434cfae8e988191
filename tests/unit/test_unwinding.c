#include "../../agent/capture/snapshots.c" /* white box: its clocks */
#include "../../agent/unwinding.c"
#include "rs_test.h"

#include <unistd.h>

struct fixture {
	struct outbox outbox;
	struct unwinding unwinding;
	struct finder *finder; /* knows nobody */
	int worker;            /* its end of the link */
};

static void fixture_open(struct fixture *f)
{
	const struct finder_sink sink = { .ctx = NULL };
	int link[2];

	memset(f, 0, sizeof(*f));
	assert_int_equal(link_open(link), 0);
	assert_int_equal(finder_open(&f->finder, "/run/ringside-none", &sink), 0);
	outbox_init(&f->outbox, link[0]);
	f->worker = link[1];
	outbox_hello(&f->outbox);
	unwinding_open(&f->unwinding, &f->outbox);
	assert_int_equal(f->outbox.facilities[0].state, FACILITY_IDLE);
}

static void fixture_close(struct fixture *f)
{
	unwinding_end(&f->unwinding);
	finder_close(f->finder);
	close(f->outbox.link);
	close(f->worker);
	outbox_fini(&f->outbox);
}

static void who_is_not_watched_is_not_looked_at(void **state)
{
	const struct link_message ask = { .kind = LINK_UNWIND, .key = 5, .snapshots.seconds = 10 };
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f);
	unwinding_ask(&f.unwinding, f.finder, &ask, 1);
	assert_null(f.unwinding.snapshots);
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.kind, LINK_NO_SNAPSHOTS);
	assert_int_equal(m.key, 5);
	assert_int_equal(m.snapshots.error, -ENOENT);
	fixture_close(&f);
}

static void no_seconds_end_it_without_a_word(void **state)
{
	const struct link_message end = { .kind = LINK_UNWIND, .key = 5 };
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f);
	if (snapshots_open(&f.unwinding.snapshots, getpid())) {
		fixture_close(&f);
		rs_skip("bpf() is refused here");
	}
	unwinding_tell(&f.unwinding, FACILITY_LOADED, 0);
	unwinding_ask(&f.unwinding, f.finder, &end, 1);
	assert_null(f.unwinding.snapshots);
	assert_int_equal(f.outbox.facility_count, 1);
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_IDLE);
	assert_int_equal(link_receive(f.worker, &m, &passed), -EAGAIN);
	fixture_close(&f);
}

static void it_ends_with_its_process(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	unwinding_step(&f.unwinding, f.finder, 1);
	if (snapshots_open(&f.unwinding.snapshots, getpid())) {
		fixture_close(&f);
		rs_skip("bpf() is refused here");
	}
	f.unwinding.key = 5; /* which the finder does not know any more */
	f.unwinding.until_ns = UINT64_MAX;
	f.unwinding.worker = f.outbox.worker;
	unwinding_step(&f.unwinding, f.finder, 1);
	assert_null(f.unwinding.snapshots);
	fixture_close(&f);
}

/* What it looks like when a CPU has come since; then the kernel refuses the new clocks. */
static void its_clocks_follow_the_cpus_while_the_kernel_lets_them(void **state)
{
	struct fixture f;
	struct snapshots *s;

	(void)state;
	fixture_open(&f);
	unwinding_second(&f.unwinding); /* none are taken */
	if (snapshots_open(&s, getpid())) {
		fixture_close(&f);
		rs_skip("bpf() is refused here");
	}
	f.unwinding.snapshots = s;
	snprintf(s->ticks.online, sizeof(s->ticks.online), "0-77\n");
	unwinding_second(&f.unwinding);
	assert_string_not_equal(s->ticks.online, "0-77\n");
	assert_ptr_equal(f.unwinding.snapshots, s);
	snprintf(s->ticks.online, sizeof(s->ticks.online), "0-77\n");
	dup2(STDERR_FILENO, bpf_program__fd(s->probes->progs.snapshot_tick));
	unwinding_second(&f.unwinding);
	assert_null(f.unwinding.snapshots);
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_REFUSED);
	assert_int_equal(f.outbox.facilities[0].error, EINVAL);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_not_watched_is_not_looked_at),
		cmocka_unit_test(no_seconds_end_it_without_a_word),
		cmocka_unit_test(it_ends_with_its_process),
		cmocka_unit_test(its_clocks_follow_the_cpus_while_the_kernel_lets_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
