#include "../../agent/sampling.c"
#include "probe.h"
#include "rs_test.h"

#include <unistd.h>

struct fixture {
	struct outbox outbox;
	struct sampling sampling;
	int worker; /* its end of the link */
};

static void fixture_open(struct fixture *f, int targets)
{
	int link[2];

	memset(f, 0, sizeof(*f));
	assert_int_equal(link_open(link), 0);
	outbox_init(&f->outbox, link[0]);
	f->worker = link[1];
	outbox_hello(&f->outbox);
	sampling_open(&f->sampling, &f->outbox, targets);
}

static void fixture_close(struct fixture *f)
{
	sampling_close(&f->sampling);
	close(f->outbox.link);
	close(f->worker);
	outbox_fini(&f->outbox);
}

static void without_a_map_of_targets_the_part_says_why(void **state)
{
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f, -EPERM);
	assert_int_equal(f.outbox.facility_count, 1);
	assert_string_equal(f.outbox.facilities[0].name, "profile");
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_REFUSED);
	assert_int_equal(f.outbox.facilities[0].error, EPERM);
	sampling_step(&f.sampling, 5);
	sampling_second(&f.sampling);
	assert_int_equal(link_receive(f.worker, &m, &passed), -EAGAIN);
	fixture_close(&f);
}

static void each_worker_gets_the_ring_once(void **state)
{
	struct probe_filter *filter;
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	if (probe_filter_open(&filter))
		rs_skip("bpf() is refused here");
	fixture_open(&f, probe_filter_fd(filter));
	sampling_step(&f.sampling, 0);
	assert_null(f.sampling.sampler); /* nobody is watched */
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_IDLE);
	sampling_step(&f.sampling, 1);
	assert_non_null(f.sampling.sampler);
	assert_int_equal(f.outbox.facilities[0].state, FACILITY_LOADED);
	for (int i = 0; i < 2; i++) {
		sampling_step(&f.sampling, 0);
		sampling_step(&f.sampling, 0);
		assert_int_equal(link_receive(f.worker, &m, &passed), 1);
		assert_int_equal(m.kind, LINK_RING);
		assert_true(passed >= 0);
		assert_int_equal(m.samples.ring_bytes, sampler_ring_bytes(f.sampling.sampler));
		close(passed);
		assert_int_equal(link_receive(f.worker, &m, &passed), -EAGAIN);
		outbox_hello(&f.outbox);
	}
	sampling_second(&f.sampling);
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.kind, LINK_SAMPLES);
	fixture_close(&f);
	probe_filter_close(filter);
}

static void who_asks_for_an_unknown_process_hears_an_end(void **state)
{
	struct link_message m;
	struct finder *finder;
	struct fixture f;
	int passed;
	const struct finder_sink sink = { .ctx = NULL };

	(void)state;
	assert_int_equal(finder_open(&finder, "/run/ringside-none", &sink), 0);
	fixture_open(&f, -EPERM);
	sampling_files(&f.sampling, finder, 42);
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.kind, LINK_FILES_END);
	assert_int_equal(m.key, 42);
	fixture_close(&f);
	finder_close(finder);
}

static void a_file_goes_with_its_place_or_its_reason(void **state)
{
	const struct mapped_file file = { .start = 1, .end = 2, .why = MAPPED_MOUNT };
	struct sampling_answer a = { .key = 9 };
	struct link_message m;
	struct fixture f;
	int passed;

	(void)state;
	fixture_open(&f, -EPERM);
	a.sampling = &f.sampling;
	assert_int_equal(sampling_file(&a, &file, STDIN_FILENO), 0);
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.kind, LINK_FILE);
	assert_int_equal(m.key, 9);
	assert_true(passed >= 0);
	close(passed);
	assert_int_equal(sampling_file(&a, &file, -1), 0);
	assert_int_equal(link_receive(f.worker, &m, &passed), 1);
	assert_int_equal(m.kind, LINK_NO_FILE);
	assert_int_equal(m.file.why, MAPPED_MOUNT);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_map_of_targets_the_part_says_why),
		cmocka_unit_test(each_worker_gets_the_ring_once),
		cmocka_unit_test(who_asks_for_an_unknown_process_hears_an_end),
		cmocka_unit_test(a_file_goes_with_its_place_or_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
