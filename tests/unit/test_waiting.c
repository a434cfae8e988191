#include "../../agent/waiting.c"
#include "probe.h"
#include "rs_test.h"

struct fixture {
	struct outbox outbox;
	struct waiting waiting;
	struct probe_filter *filter;
	struct finder *finder; /* knows nobody */
	int worker;            /* its end of the link */
};

static void fixture_open(struct fixture *f)
{
	const struct finder_sink sink = { .ctx = NULL };
	int link[2], targets;

	memset(f, 0, sizeof(*f));
	assert_int_equal(link_open(link), 0);
	assert_int_equal(finder_open(&f->finder, "/run/ringside-none", &sink), 0);
	outbox_init(&f->outbox, link[0]);
	f->worker = link[1];
	outbox_hello(&f->outbox);
	targets = probe_filter_open(&f->filter);
	waiting_open(&f->waiting, &f->outbox, targets ? targets : probe_filter_fd(f->filter));
}

static void fixture_close(struct fixture *f)
{
	waiting_end(&f->waiting);
	probe_filter_close(f->filter);
	finder_close(f->finder);
	close(f->outbox.link);
	close(f->worker);
	outbox_fini(&f->outbox);
}

/* As if the worker had asked for this process, which the finder does not know. */
static bool fixture_begins(struct fixture *f)
{
	struct waiting *w = &f->waiting;

	if (w->targets < 0 || offcpu_open(&w->offcpu, w->targets, getpid()))
		return false;
	w->key = 5;
	w->until_ns = UINT64_MAX;
	w->worker = f->outbox.worker;
	waiting_tell(w, FACILITY_LOADED, 0);
	offcpu_begin(w->offcpu, moment_monotonic_ns());
	return true;
}

static void hear(const struct fixture *f, uint32_t kind, int error, int *passed)
{
	struct link_message m;

	assert_int_equal(link_receive(f->worker, &m, passed), 1);
	assert_int_equal(m.kind, kind);
	assert_int_equal(m.key, 5);
	assert_int_equal(m.snapshots.error, error);
}

static void without_a_map_of_targets_the_part_says_why(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	waiting_open(&f.waiting, &f.outbox, -EPERM);
	assert_int_equal(f.outbox.facility_count, 1);
	assert_string_equal(f.outbox.facilities[0].name, "offcpu");
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_REFUSED);
	assert_int_equal(f.outbox.facilities[0].error, EPERM);
	fixture_close(&f);
}

static void who_is_not_watched_is_not_looked_at(void **state)
{
	const struct link_message begin = { .kind = LINK_OFFCPU, .key = 5, .snapshots.seconds = 9 };
	const struct link_message end = { .kind = LINK_OFFCPU, .key = 5 };
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f);
	waiting_ask(&f.waiting, f.finder, &begin, 1);
	assert_null(f.waiting.offcpu);
	hear(&f, LINK_NO_ROWS, -ENOENT, &passed);
	waiting_ask(&f.waiting, f.finder, &end, 1); /* and there is nothing to tell */
	hear(&f, LINK_NO_ROWS, -ENOENT, &passed);
	fixture_close(&f);
}

static void what_was_seen_is_handed_over_once(void **state)
{
	const struct link_message end = { .kind = LINK_OFFCPU, .key = 5 };
	const struct link_message other = { .kind = LINK_OFFCPU, .key = 6 };
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f);
	if (!fixture_begins(&f)) {
		fixture_close(&f);
		skip(); /* bpf() is refused here */
	}
	waiting_ask(&f.waiting, f.finder, &other, moment_monotonic_ns());
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.snapshots.error, -ENOENT); /* another process's waits are not told */
	waiting_ask(&f.waiting, f.finder, &end, moment_monotonic_ns());
	hear(&f, LINK_ROWS, 0, &passed);
	assert_true(passed >= 0);
	close(passed);
	assert_null(f.waiting.offcpu);
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_IDLE);
	fixture_close(&f);
}

static void who_ended_is_told_of_but_not_looked_at(void **state)
{
	const struct link_message end = { .kind = LINK_OFFCPU, .key = 5 };
	struct fixture f;
	uint64_t now_ns;
	int passed;

	(void)state;
	fixture_open(&f);
	waiting_step(&f.waiting, f.finder, 1);
	if (!fixture_begins(&f)) {
		fixture_close(&f);
		skip(); /* bpf() is refused here */
	}
	now_ns = moment_monotonic_ns();
	waiting_step(&f.waiting, f.finder, now_ns); /* the finder does not know it any more */
	assert_non_null(f.waiting.offcpu);
	assert_int_equal(offcpu_rows(f.waiting.offcpu, &passed), 0); /* it is over */
	close(passed);
	waiting_ask(&f.waiting, f.finder, &end, now_ns + 1);
	hear(&f, LINK_ROWS, 0, &passed);
	close(passed);
	fixture_close(&f);
}

static void a_worker_that_forgets_it_does_not_keep_it(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	if (!fixture_begins(&f)) {
		fixture_close(&f);
		skip(); /* bpf() is refused here */
	}
	f.waiting.until_ns = 7;
	waiting_step(&f.waiting, f.finder, 7);
	assert_null(f.waiting.offcpu);
	assert_true(fixture_begins(&f));
	outbox_hello(&f.outbox); /* another worker */
	waiting_step(&f.waiting, f.finder, 7);
	assert_null(f.waiting.offcpu);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_map_of_targets_the_part_says_why),
		cmocka_unit_test(who_is_not_watched_is_not_looked_at),
		cmocka_unit_test(what_was_seen_is_handed_over_once),
		cmocka_unit_test(who_ended_is_told_of_but_not_looked_at),
		cmocka_unit_test(a_worker_that_forgets_it_does_not_keep_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
