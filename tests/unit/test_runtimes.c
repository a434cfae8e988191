#include "../../agent/runtimes.c" /* the test itself is the child that it starts */
#include "elf_fixture.h"
#include "jailed.h"
#include "probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct fixture {
	struct outbox outbox;
	struct runtimes runtimes;
	struct finder_target target;
	int worker; /* its end of the link */
	uint64_t now_ns;
};

static void fixture_open(struct fixture *f, int targets)
{
	int link[2];

	memset(f, 0, sizeof(*f));
	f->now_ns = RUNTIMES_SECOND_NS;
	f->target.target.key = 9;
	assert_int_equal(link_open(link), 0);
	outbox_init(&f->outbox, link[0]);
	f->worker = link[1];
	runtimes_open(&f->runtimes, &f->outbox, targets);
}

static void fixture_close(struct fixture *f)
{
	runtimes_close(&f->runtimes);
	close(f->outbox.link);
	close(f->worker);
	outbox_fini(&f->outbox);
}

/* A second later: what was told, or RUNTIME_WHYS. */
static struct runtime_state told(struct fixture *f, int32_t pid)
{
	struct runtime_state nothing = { .why = RUNTIME_WHYS };
	struct link_message m;
	int passed;

	f->now_ns += RUNTIMES_SECOND_NS;
	runtimes_step(&f->runtimes, f->now_ns);
	f->target.target.pid = pid;
	assert_int_equal(runtimes_tell(&f->runtimes, &f->target), 0);
	if (link_receive(f->worker, &m, &passed) != 1)
		return nothing;
	assert_int_equal(m.kind, LINK_RUNTIME);
	assert_int_equal(m.key, 9);
	return m.runtime;
}

/* A process that runs code of a file of this name. */
static pid_t mapper(const char *name, const struct elf_fixture *e)
{
	char folder[] = "/tmp/ringside-XXXXXX", path[64];
	int fd, ready[2];
	pid_t pid;
	char byte;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0700);
	assert_int_equal(write(fd, e->bytes, e->length), e->length);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(fd);
	unlink(path);
	rmdir(folder);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct runtime_state settled(struct fixture *f, pid_t pid)
{
	struct runtime_state s = { 0 };

	for (int i = 0; i < 2000 && (s.why == RUNTIME_UNKNOWN || s.why == RUNTIME_WHYS); i++) {
		s = told(f, pid);
		f->runtimes.files.asking.until_ns = UINT64_MAX; /* seconds are short here */
		poll(NULL, 0, 5);
	}
	return s;
}

static void a_process_without_a_runtime_says_so_and_is_looked_at_less_and_less(void **state)
{
	struct fixture f;
	uint64_t before_ns = 0;
	int looks = 0;

	(void)state;
	fixture_open(&f, -EPERM);
	runtimes_watch(&f.runtimes, getpid(), true);
	runtimes_watch(&f.runtimes, getpid(), true);
	assert_int_equal(f.runtimes.count, 1);
	assert_int_equal(told(&f, getpid()).why, RUNTIME_FOREIGN);
	for (int round = 0; round < 2; round++) { /* at once and then now and then */
		assert_int_equal(told(&f, getpid()).why, RUNTIME_FOREIGN);
		for (uint32_t i = 1; i < RUNTIMES_QUIET; i++)
			assert_int_equal(told(&f, getpid()).why, RUNTIME_WHYS);
	}
	for (f.runtimes.processes[0].looks = 1; f.runtimes.look_ns < UINT64_MAX; looks++) {
		assert_true(f.runtimes.look_ns > before_ns && looks < RUNTIMES_LOOKS);
		before_ns = f.runtimes.look_ns;
		runtimes_step(&f.runtimes, before_ns);
	}
	assert_int_equal(looks, RUNTIMES_LOOKS - 1);
	runtimes_forget(&f.runtimes, getpid());
	assert_int_equal(f.runtimes.count, 0);
	assert_int_equal(told(&f, getpid()).why, RUNTIME_WHYS);
	fixture_close(&f);
}

static int shunned(void *ctx, int32_t pid, const char *name, int flags)
{
	(void)pid, (void)name, (void)flags;
	return *(const int *)ctx;
}

/* As one is that kept a read of its memory waiting: later it may have a runtime as others do. */
static void a_process_that_is_left_alone_uses_up_no_look(void **state)
{
	static const int reasons[] = { -ETIMEDOUT, -EBUSY, -EAGAIN, -EPIPE };
	struct fixture f;
	int reason;

	(void)state;
	fixture_open(&f, -EPERM);
	proc_opener_set(shunned, &reason);
	runtimes_watch(&f.runtimes, getpid(), true);
	for (uint32_t i = 0; i < 4 * RUNTIMES_LOOKS; i++) {
		reason = reasons[i % 4];
		f.now_ns += RUNTIMES_SHUNNED_NS;
		runtimes_step(&f.runtimes, f.now_ns);
		assert_int_equal(f.runtimes.processes[0].looks, 0);
		assert_int_equal(f.runtimes.look_ns, f.now_ns + RUNTIMES_SHUNNED_NS);
	}
	assert_int_equal(told(&f, getpid()).why, RUNTIME_UNKNOWN);
	proc_opener_set(NULL, NULL);
	f.now_ns += RUNTIMES_SHUNNED_NS;
	assert_int_equal(told(&f, getpid()).why, RUNTIME_FOREIGN);
	assert_int_equal(f.runtimes.processes[0].looks, 1);
	reason = -ESRCH; /* it is over: that is a look */
	proc_opener_set(shunned, &reason);
	runtimes_step(&f.runtimes, f.runtimes.look_ns);
	assert_int_equal(f.runtimes.processes[0].looks, 2);
	proc_opener_set(NULL, NULL);
	fixture_close(&f);
}

static void processes_are_found_in_any_order(void **state)
{
	static const int32_t pids[] = { 50, 10, 30, 20, 60, 40 };
	struct fixture f;

	(void)state;
	fixture_open(&f, -EPERM);
	for (int i = 0; i < 6; i++)
		runtimes_watch(&f.runtimes, pids[i], true);
	for (int i = 0; i < 6; i++)
		assert_int_equal(runtimes_find(&f.runtimes, pids[i])->pid, pids[i]);
	assert_null(runtimes_find(&f.runtimes, 25));
	runtimes_forget(&f.runtimes, 30);
	runtimes_forget(&f.runtimes, 31);
	assert_null(runtimes_find(&f.runtimes, 30));
	assert_int_equal(f.runtimes.count, 5);
	assert_non_null(runtimes_find(&f.runtimes, 60));
	fixture_close(&f);
}

static void what_refuses_is_a_reason_and_a_facility(void **state)
{
	struct elf_fixture e;
	struct fixture f;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		rs_skip("map_files is root's");
	elf_python(&e);
	pid = mapper("libpython9.so", &e);
	fixture_open(&f, -EPERM);
	runtimes_watch(&f.runtimes, pid, true);
	assert_int_equal(settled(&f, pid).why, RUNTIME_REFUSED);
	runtimes_second(&f.runtimes);
	for (uint32_t i = 0; i < f.outbox.facility_count; i++) {
		const struct facility *facility = &f.outbox.facilities[i];
		bool python = strcmp(facility->name, "python") == 0;

		assert_string_equal(facility->set, "runtime");
		assert_int_equal(facility->state, python ? FACILITY_REFUSED : FACILITY_IDLE);
		assert_int_equal(facility->error, python ? EPERM : 0);
	}
	assert_int_equal(f.outbox.facility_count, RUNTIMES - 1);
	fixture_close(&f);
	end(pid);
}

static void a_runtime_is_attached_while_a_process_uses_it(void **state)
{
	struct probe_filter *filter = NULL;
	struct runtime_state s;
	struct elf_fixture e;
	struct fixture f;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 || probe_filter_open(&filter))
		rs_skip("bpf() is refused here");
	elf_python(&e);
	pid = mapper("libpython9.so", &e);
	fixture_open(&f, probe_filter_fd(filter));
	runtimes_watch(&f.runtimes, pid, true);
	s = settled(&f, pid);
	if (s.why == RUNTIME_REFUSED)
		rs_skip("the kernel refuses uprobe_multi");
	assert_int_equal(s.why, RUNTIME_ATTACHED);
	assert_int_equal(s.runtime, RUNTIME_PYTHON);
	assert_true(s.collections);
	assert_int_equal(s.collected.count, 0);
	assert_int_equal(told(&f, pid).why, RUNTIME_ATTACHED); /* each second */
	runtimes_step(&f.runtimes, UINT64_MAX - 1); /* a later look finds the same file */
	assert_int_equal(f.runtimes.files.at[0].users, 1);
	assert_int_equal(f.runtimes.look_ns, UINT64_MAX);
	runtimes_forget(&f.runtimes, pid);
	assert_null(f.runtimes.files.pauses);
	fixture_close(&f);
	probe_filter_close(filter);
	end(pid);
}

static void by_the_best_of_its_files_a_process_is_judged(void **state)
{
	struct runtimes_process p = { .looks = 1, .file_count = 2, .files = { 3, 5 } };
	struct runtimes r = { 0 };

	(void)state;
	r.files.at[3].why = RUNTIME_BARE; /* a launcher */
	r.files.at[5].runtime = RUNTIME_RUBY;
	runtimes_judge(&r, &p);
	assert_int_equal(p.state.why, RUNTIME_UNKNOWN); /* one is being looked into */
	r.files.at[5].why = RUNTIME_BARE;
	runtimes_judge(&r, &p);
	assert_int_equal(p.state.why, RUNTIME_BARE);
	r.files.at[5].why = RUNTIME_REFUSED;
	runtimes_judge(&r, &p);
	assert_int_equal(p.state.why, RUNTIME_REFUSED);
	r.files.at[5].why = RUNTIME_ATTACHED;
	r.files.at[5].sites.collections = r.files.at[5].sites.full = true;
	p.odd = RUNTIME_UNREADABLE;
	runtimes_judge(&r, &p);
	assert_int_equal(p.state.why, RUNTIME_ATTACHED);
	assert_int_equal(p.state.runtime, RUNTIME_RUBY);
	assert_true(p.state.collections && p.state.full);
	p.file_count = 0;
	runtimes_judge(&r, &p);
	assert_int_equal(p.state.why, RUNTIME_UNREADABLE);
	assert_false(p.state.collections);
}

static void sums_go_on_over_programs_that_were_loaded_again(void **state)
{
	struct pause_sums before = { .count = 5, .full = 1, .ns = 100 };
	struct pause_sums now = { .count = 8, .full = 2, .ns = 300, .max = { 250 } };
	struct runtime_sums sums = { 0 };

	(void)state;
	runtimes_add(&sums, &now, &before);
	assert_int_equal(sums.count, 3);
	assert_int_equal(sums.full, 1);
	assert_int_equal(sums.ns, 200);
	assert_int_equal(sums.max_ns, 250);
	runtimes_add(&sums, &before, &now);
	assert_int_equal(sums.count, 8);
	assert_int_equal(sums.full, 2);
	assert_int_equal(sums.ns, 300);
	assert_int_equal(sums.max_ns, 250); /* it was not told yet */
}

/* Its probes fire at each statement, which the library counts already. */
static void postgres_is_left_alone_unless_somebody_asks(void **state)
{
	const struct mapped_file file = { .name = "/usr/lib/postgresql/15/bin/postgres" };
	struct runtimes r = { 0 };
	struct runtimes_process p = { .pid = 1 };
	struct runtimes_look look = { .runtimes = &r, .process = &p };

	(void)state;
	runtimes_file(&look, &file, -1);
	assert_int_equal(p.odd, 0); /* not even looked at */
	runtimes_ask(&r, &p, true);
	runtimes_file(&look, &file, -1);
	assert_int_equal(p.odd, RUNTIME_UNREADABLE);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_process_without_a_runtime_says_so_and_is_looked_at_less_and_less),
		cmocka_unit_test(postgres_is_left_alone_unless_somebody_asks),
		cmocka_unit_test(a_process_that_is_left_alone_uses_up_no_look),
		cmocka_unit_test(processes_are_found_in_any_order),
		cmocka_unit_test(what_refuses_is_a_reason_and_a_facility),
		cmocka_unit_test(a_runtime_is_attached_while_a_process_uses_it),
		cmocka_unit_test(by_the_best_of_its_files_a_process_is_judged),
		cmocka_unit_test(sums_go_on_over_programs_that_were_loaded_again),
	};

	if (count == 2)
		return jailed_main(arguments[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
