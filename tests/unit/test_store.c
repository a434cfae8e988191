#include "../../agent/store/store.c" /* white box: a store that was killed */

#include "parcel_fixture.h"

#include "registry.h"

#include <signal.h>
#include <sys/resource.h>

#define BEGIN 30000u

static struct folder f;
static struct fixture x;
static int64_t wall_ms;
static int64_t kept_from_s, memory_from_s; /* of what was told last */

static int64_t wall(void)
{
	return wall_ms;
}

static struct store *open_store(uint64_t budget)
{
	const struct store_config config = { .metrics = x.m,
					     .folder = f.path,
					     .boot = store_boot,
					     .budget = budget,
					     .wall_ms = wall };
	struct store *s;

	assert_int_equal(store_open(&s, &config), 0);
	return s;
}

static struct store *begin(uint64_t budget)
{
	folder_open(&f);
	fixture_open(&x, BEGIN * SECOND);
	x.m->wall_offset_ms = 0;
	return open_store(budget);
}

static void end(struct store *s)
{
	store_close(s);
	metrics_close(x.m);
	folder_close(&f);
}

/* As metrics_sample does: so many KiB are resident as seconds have passed. */
static void sample(uint64_t at)
{
	struct means_sample sample = { .time_ns = at * SECOND,
				       .rss = 1024.0 * (double)(at - BEGIN) };

	if (!x.m->sampled_s)
		x.m->sampled_s = (uint32_t)at;
	for (struct process *p = x.m->registry.processes; p; p = p->next)
		means_put(&p->means, &sample, &x.m->budget);
}

/* A request a second up to and with `to`; the store looks each five seconds. */
static void live(struct store *s, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at <= to; at++) {
		fixture_request(&x, at * SECOND, MILLISECOND);
		fixture_counters(&x, &x.target, 1, 1, at * SECOND);
		fixture_tick(&x, at * SECOND);
		sample(at);
		wall_ms = (int64_t)at * 1000;
		if (s && at % 5 == 0)
			store_step(s);
	}
}

static uint64_t told(struct store *s, int64_t from_s, int64_t to_s, uint32_t step_s)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	const struct timeline_span span = { from_s, to_s, step_s };
	struct metrics_sums sums;
	struct timeline t;
	int ret;

	assert_int_equal(timeline_open(&t, &span, TIMELINE_SUMS), 0);
	ret = metrics_timeline(x.m, &scope, &t);
	assert_true(ret == 0 || ret == -ENOENT);
	assert_int_equal(store_timeline(s, &scope, &t), 0);
	timeline_sum(&t, &sums, NULL);
	kept_from_s = t.kept_from_s;
	memory_from_s = t.memory_from_s;
	timeline_fini(&t);
	return sums.count;
}

/* How many points are known, each of them as sampled last in it. */
static uint32_t resident(struct store *s, int64_t from_s, int64_t to_s, uint32_t step_s)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	const struct timeline_span span = { from_s, to_s, step_s };
	struct timeline t;
	uint32_t count = 0;
	int ret;

	assert_int_equal(timeline_open(&t, &span, TIMELINE_VALUES), 0);
	ret = metrics_gauges(x.m, &scope, METRICS_GAUGE_RSS, &t);
	assert_true(ret == 0 || ret == -ENOENT);
	assert_int_equal(store_gauges(s, &scope, METRICS_GAUGE_RSS, &t), 0);
	for (uint32_t i = 0; i < t.count; i++) {
		double last = 1024.0 * (double)(t.from_s + (i + 1) * step_s - 1 - BEGIN);

		if (t.values[i] < 0)
			continue;
		count++;
		/* at an end (of an agent, or now) a point is not as long */
		assert_true(t.values[i] <= last && t.values[i] > last - 1024.0 * step_s);
	}
	assert_false(t.is_cut);
	timeline_fini(&t);
	return count;
}

static void what_memory_gives_up_is_still_told(void **state)
{
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 2000);
	/* memory has ten minutes of seconds */
	assert_int_equal(told(s, BEGIN, BEGIN + 1400, 1), 1400);
	assert_true(kept_from_s <= BEGIN);
	assert_int_equal(told(s, BEGIN + 900, BEGIN + 2001, 1), 1101);
	assert_int_equal(resident(s, BEGIN, BEGIN + 2000, 2), 1000);
	assert_int_equal(resident(s, BEGIN, BEGIN + 2000, 100), 20);
	store_state_get(s, &now);
	assert_true(now.is_ready && !now.error && now.bytes && !now.cuts && !now.deleted);
	assert_int_equal(now.files, folder_each(&f, NULL));
	for (int i = 0; i < SERIES_STEPS; i++) /* what is complete was made compact */
		assert_int_equal(archive_loose(&s->archives[i]), -1);
	assert_true(s->archives[SERIES_FINE].files[0].is_compact);
	end(s);
}

/* An agent that is killed has lost what was not written yet, and its successor begins anew. */
static void a_killed_agent_loses_ten_seconds_at_most(void **state)
{
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 304);
	metrics_close(x.m); /* and nothing is written any more */
	fixture_open(&x, (BEGIN + 306) * SECOND);
	x.m->wall_offset_ms = 0;
	s->config.metrics = x.m;
	s->state.is_ready = false;
	for (int i = 0; i < SERIES_STEPS; i++)
		archive_close(&s->archives[i]);
	live(s, BEGIN + 310, BEGIN + 400);
	assert_true(told(s, BEGIN, BEGIN + 305, 1) >= 305 - 10);
	assert_int_equal(told(s, BEGIN + 310, BEGIN + 401, 1), 91);
	assert_true(resident(s, BEGIN, BEGIN + 305, 1) >= 305 - 10);
	assert_int_equal(resident(s, BEGIN + 310, BEGIN + 401, 1), 91);
	assert_int_equal(resident(s, BEGIN, BEGIN + 401, 10), 40); /* 305 to 310 lie within two */
	assert_int_equal(resident(s, BEGIN, BEGIN + 401, 300), 2);
	/* five minutes had not been written yet: they are made of what was, and nothing twice */
	assert_in_range(told(s, BEGIN, BEGIN + 401, 300), 305 - 10 + 91, 305 + 91);
	live(s, BEGIN + 401, BEGIN + 25000);
	assert_in_range(told(s, BEGIN, BEGIN + 3000, 300), 305 - 10 + 2690, 305 + 2690);
	assert_true(memory_from_s > BEGIN + 3000);
	end(s);
}

/* The memory of the one before came along: nothing is written twice, and nothing left out. */
static void a_restart_with_its_memory_goes_on_where_it_was(void **state)
{
	static uint8_t blob[METRICS_SAVE_BYTES];
	struct store *s;
	size_t size;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 1003);
	size = metrics_save(x.m, blob, sizeof(blob));
	assert_true(size > 0);
	metrics_close(x.m);
	store_close(s);
	assert_int_equal(metrics_open(&x.m, &fixture_limits, (BEGIN + 1004) * SECOND), 0);
	assert_int_equal(metrics_restore(x.m, blob, size, (BEGIN + 1004) * SECOND), 0);
	metrics_sink(x.m, &x.sink);
	x.sink.seen(x.sink.ctx, &x.target);
	x.m->wall_offset_ms = 0;
	s = open_store(0);
	live(s, BEGIN + 1004, BEGIN + 3000);
	assert_int_equal(told(s, BEGIN + 500, BEGIN + 1900, 1), 1400);
	assert_int_equal(told(s, BEGIN, BEGIN + 3001, 10), 3001);
	/* samples do not come along: what was not written in tens is made of seconds */
	assert_int_equal(resident(s, BEGIN, BEGIN + 3001, 10), 301);
	assert_int_equal(resident(s, BEGIN, BEGIN + 3001, 300), 11);
	end(s);
}

static void a_clock_that_is_set_loses_and_doubles_nothing(void **state)
{
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 1000);
	x.m->wall_offset_ms = 3600 * 1000;
	wall_ms += 3600 * 1000;
	store_step(s);
	live(s, BEGIN + 1001, BEGIN + 1700);
	x.m->wall_offset_ms = -3600 * 1000;
	live(s, BEGIN + 1701, BEGIN + 2400);
	assert_int_equal(told(s, BEGIN, BEGIN + 1400, 1), 1400);
	assert_int_equal(told(s, BEGIN, BEGIN + 2401, 10), 2401);
	end(s);
}

static void the_budget_holds_and_the_finest_goes_first(void **state)
{
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(60000);
	live(s, BEGIN, BEGIN + 3500);
	store_state_get(s, &now);
	assert_true(now.bytes <= 60000 && now.deleted > 0);
	assert_true(s->archives[SERIES_FINE].files[0].serial > 1);
	assert_int_equal(s->archives[SERIES_COARSE].files[0].serial, 1);
	assert_int_equal(s->archives[SERIES_WIDE].files[0].serial, 1);
	end(s);
}

static void what_is_too_old_is_deleted(void **state)
{
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 5300);
	assert_true(s->archives[SERIES_FINE].files[0].from_s > BEGIN + 900);
	assert_true(s->archives[SERIES_FINE].files[0].from_s < BEGIN + 1800);
	store_state_get(s, &now);
	assert_int_equal(now.deleted, 0); /* it was their time */
	end(s);
}

/* Another agent may read it, or another day: it goes for the budget's sake alone. */
static void a_file_that_cannot_be_read_is_kept_and_counted(void **state)
{
	static const char name[] = "1s-0000000001.history";
	static char foreign[30000] = "of a later version";
	struct store_state now;
	struct store *s;
	struct stat st;
	int fd;

	(void)state;
	s = begin(60000);
	fd = openat(f.fd, name, O_WRONLY | O_CREAT | O_EXCL, 0640);
	assert_int_equal(write(fd, foreign, sizeof(foreign)), sizeof(foreign));
	close(fd);
	live(s, BEGIN, BEGIN + 900);
	store_state_get(s, &now);
	assert_int_equal(fstatat(f.fd, name, &st, 0), 0);
	assert_int_equal(st.st_size, sizeof(foreign));
	assert_true(now.bytes > sizeof(foreign) && now.cuts == 1);
	assert_non_null(strstr(now.cut, "1s-0000000001.history is set aside, 30000 bytes"));
	assert_int_equal(told(s, BEGIN, BEGIN + 800, 1), 800);
	live(s, BEGIN + 901, BEGIN + 3500);
	store_state_get(s, &now);
	assert_true(now.bytes <= 60000 && now.deleted > 0);
	assert_true(fstatat(f.fd, name, &st, 0) < 0);
	end(s);
}

static void spoil(const char *name, uint32_t version)
{
	int fd = openat(f.fd, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &version, sizeof(version), sizeof(uint64_t)), sizeof(version));
	close(fd);
}

static void what_was_set_aside_and_can_be_read_again_counts_once(void **state)
{
	static const char name[] = "1s-0000000001.history";
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 300);
	store_close(s);
	spoil(name, 99);
	s = open_store(0);
	live(s, BEGIN + 301, BEGIN + 310); /* memory stands in for it */
	store_state_get(s, &now);
	assert_int_equal(now.cuts, 1);
	store_close(s);
	spoil(name, 1);
	s = open_store(0);
	live(s, BEGIN + 311, BEGIN + 1500);
	assert_int_equal(told(s, BEGIN, BEGIN + 700, 1), 700);
	assert_int_equal(resident(s, BEGIN, BEGIN + 700, 2), 350);
	end(s);
}

/* No file may grow: as a full disk, memory goes on, and once there is room, all is written. */
static void a_full_disk_is_told_and_made_good_later(void **state)
{
	struct rlimit before, none;
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(0);
	live(s, BEGIN, BEGIN + 100);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 10, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	live(s, BEGIN + 101, BEGIN + 400);
	store_state_get(s, &now);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(now.error < 0 && now.error_ms > 0);
	assert_int_equal(told(s, BEGIN, BEGIN + 401, 1), 401);
	live(s, BEGIN + 401, BEGIN + 1600);
	store_state_get(s, &now);
	assert_int_equal(now.error, 0);
	assert_int_equal(now.cuts, 0);
	assert_int_equal(told(s, BEGIN, BEGIN + 1400, 1), 1400);
	end(s);
}

static void the_thread_writes_and_ends_with_what_is_complete(void **state)
{
	struct store *s;

	(void)state;
	folder_open(&f);
	fixture_open(&x, BEGIN * SECOND);
	live(NULL, BEGIN, BEGIN + 50);
	s = open_store(0);
	assert_int_equal(store_run(s), 0);
	store_close(s);
	s = open_store(0);
	live(s, BEGIN + 51, BEGIN + 51);
	store_step(s);
	assert_int_equal(s->archives[SERIES_FINE].files[0].from_s, BEGIN + 0);
	assert_int_equal(archive_until(&s->archives[SERIES_FINE]), BEGIN + 47);
	end(s);
}

/* A stock of slots of ten seconds, each with ten requests, two routes of them and gauges. */
static struct stock stock_of(const char *boot, uint32_t from_s, uint32_t until_s)
{
	struct stock k;

	stock_init(&k, SERIES_COARSE);
	for (uint32_t at = from_s; at < until_s; at += 10) {
		struct parcel_label label = parcel_label(SERIES_COARSE, at);
		struct parcel p;

		memset(label.boot, 0, sizeof(label.boot));
		memcpy(label.boot, boot, strlen(boot));
		label.wall_offset_ms = 0;
		label.environment[0] = '\0';
		p = parcel_of(&label, 9);
		assert_int_equal(stock_add(&k, &label, p.bytes, p.size), 0);
	}
	return k;
}

/* The folder was emptied: what a Redis has of the time before is told as what was written. */
static void what_comes_from_elsewhere_is_told_where_it_is_lacking(void **state)
{
	struct stock k = stock_of(store_boot, BEGIN - 1000, BEGIN + 50);
	struct store_state now;
	struct store *s;

	(void)state;
	s = begin(0);
	assert_int_equal(store_give(s, &k), -EAGAIN); /* nobody has looked yet */
	live(s, BEGIN, BEGIN + 20);
	assert_true(store_lacks(s, SERIES_COARSE, (BEGIN - 20) * 1000, BEGIN * 1000));
	assert_int_equal(store_give(s, &k), 0);
	assert_int_equal(k.count, 0);
	assert_int_equal(store_give(s, &k), -EAGAIN); /* one at a time */
	live(s, BEGIN + 21, BEGIN + 200);
	store_state_get(s, &now);
	assert_int_equal(now.regained, 100);
	assert_int_equal(now.had, 5); /* memory has what was since it began */
	assert_int_equal(now.lost, 0);
	assert_int_equal(told(s, BEGIN - 1000, BEGIN, 10), 1000);
	assert_int_equal(told(s, BEGIN - 1000, BEGIN + 201, 10), 1201);
	assert_int_equal(kept_from_s, BEGIN - 1000);
	assert_false(store_lacks(s, SERIES_COARSE, (BEGIN - 900) * 1000, (BEGIN - 890) * 1000));
	assert_true(store_lacks(s, SERIES_COARSE, (BEGIN - 1001) * 1000, (BEGIN - 890) * 1000));
	assert_true(store_lacks(s, SERIES_WIDE, (BEGIN - 900) * 1000, (BEGIN - 890) * 1000));
	k = stock_of(store_boot, BEGIN - 1000, BEGIN - 500); /* once more changes nothing */
	assert_int_equal(store_give(s, &k), 0);
	live(s, BEGIN + 201, BEGIN + 9000);
	store_state_get(s, &now);
	assert_int_equal(now.regained, 100);
	assert_int_equal(now.had, 55);
	/* long after memory has given it up, nothing is missing or doubled */
	assert_int_equal(told(s, BEGIN - 1000, BEGIN + 1700, 10), 1000 + 1700);
	assert_true(memory_from_s > BEGIN + 1700);
	end(s);
}

static void of_another_boot_it_is_told_by_the_wall_clock(void **state)
{
	struct stock k = stock_of(store_other_boot, 500, 800);
	struct store_state now;
	struct store *s;

	(void)state;
	for (uint32_t i = 0; i < k.count; i++) /* it is of half an hour before this boot's begin */
		k.at[i]->label.wall_offset_ms = ((int64_t)BEGIN - 2300) * 1000;
	s = begin(0);
	live(s, BEGIN, BEGIN + 20);
	assert_int_equal(store_give(s, &k), 0);
	live(s, BEGIN + 21, BEGIN + 30);
	store_state_get(s, &now);
	assert_int_equal(now.regained, 30);
	assert_int_equal(told(s, BEGIN - 1800, BEGIN - 1500, 10), 300);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_memory_gives_up_is_still_told),
		cmocka_unit_test(a_killed_agent_loses_ten_seconds_at_most),
		cmocka_unit_test(a_restart_with_its_memory_goes_on_where_it_was),
		cmocka_unit_test(a_clock_that_is_set_loses_and_doubles_nothing),
		cmocka_unit_test(the_budget_holds_and_the_finest_goes_first),
		cmocka_unit_test(what_is_too_old_is_deleted),
		cmocka_unit_test(a_file_that_cannot_be_read_is_kept_and_counted),
		cmocka_unit_test(what_was_set_aside_and_can_be_read_again_counts_once),
		cmocka_unit_test(a_full_disk_is_told_and_made_good_later),
		cmocka_unit_test(what_comes_from_elsewhere_is_told_where_it_is_lacking),
		cmocka_unit_test(of_another_boot_it_is_told_by_the_wall_clock),
		cmocka_unit_test(the_thread_writes_and_ends_with_what_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
