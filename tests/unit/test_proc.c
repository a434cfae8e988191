#include "capture_fixture.h"
#include "proc.h"
#include "subordinate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define TAIL                                                                                       \
	" S 1 2 3 4 5 4194560 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21 22 99 24 25 26 27 28\n"

static void the_columns_are_counted_from_the_last_bracket(void **state)
{
	static const struct {
		const char *text, *comm;
	} cases[] = {
		{ "42 (nginx)" TAIL, "nginx" },
		{ "42 (a b)" TAIL, "a b" },
		{ "42 (a) R 1 (b)" TAIL, "a) R 1 (b" },
		{ "42 ()" TAIL, "" },
		{ "42 ())" TAIL, ")" },
		{ "42 (a\n(b)" TAIL, "a\n(b" },
		{ "42 (kworker/u16:0-events)" TAIL, "kworker/u16:0-e" }, /* cut to a comm */
	};
	struct proc_stat got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(proc_stat_parse(cases[i].text, &got), 0);
		assert_int_equal(got.pid, 42);
		assert_string_equal(got.comm, cases[i].comm);
		assert_int_equal(got.state, 'S');
		assert_int_equal(got.start_ticks, 4711);
		assert_int_equal(got.start_code, 99);
		assert_int_equal(got.parent, 1);
		assert_false(got.kernel);
	}
}

static void a_kernel_thread_is_known_by_its_flag(void **state)
{
	struct proc_stat got;

	(void)state;
	assert_int_equal(proc_stat_parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 "
					 "0 8 0 0 1 0 0 0\n",
					 &got),
			 0);
	assert_true(got.kernel);
	assert_int_equal(got.start_ticks, 8);
}

static void a_form_that_is_not_known_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "42",
					   "42 nginx S 1",
					   "42 )nginx( S 1",
					   "42 (nginx)S 1",
					   "42 (nginx)",
					   "42 (nginx) S 1 2 3 4 5 6" };
	struct proc_stat got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(proc_stat_parse(bad[i], &got), -EPROTO);
}

/* A child that waits until the end of the pipe *end; init runs in it first. */
static pid_t proc_child(int *end, void (*init)(void))
{
	int live[2], ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(live, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(live[1]);
		init();
		if (write(ready[1], &byte, 1) == 1 && read(live[0], &byte, 1) == 0)
			_exit(0);
		_exit(1);
	}
	close(live[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*end = live[1];
	return pid;
}

static void proc_child_end(pid_t pid, int end)
{
	close(end);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void evil_name(void)
{
	prctl(PR_SET_NAME, ") R 1 (\n) 0");
}

static void a_process_with_an_evil_name_is_read_right(void **state)
{
	struct proc_stat got;
	int end;
	pid_t pid = proc_child(&end, evil_name);

	(void)state;
	assert_int_equal(proc_stat_read(pid, &got), 0);
	assert_int_equal(got.pid, pid);
	assert_string_equal(got.comm, ") R 1 (\n) 0");
	assert_true(got.start_ticks > 0);
	assert_true(got.start_code > 1); /* our own: it may be read */
	proc_child_end(pid, end);
}

static void a_process_that_is_gone_is_esrch(void **state)
{
	struct proc_maps maps;
	struct proc_stat got;
	struct proc_usage usage;
	char text[16] = "old";
	int end;
	pid_t pid = proc_child(&end, evil_name);

	(void)state;
	proc_child_end(pid, end);
	assert_int_equal(proc_stat_read(pid, &got), -ESRCH);
	assert_int_equal(proc_maps_read(pid, &maps), -ESRCH);
	assert_int_equal(proc_file_read(pid, "stat", text, sizeof(text)), -ESRCH);
	assert_string_equal(text, "");
	assert_int_equal(proc_own_pid(pid), 0);
	assert_int_equal(proc_uid(pid), UINT32_MAX);
	proc_memory_read(pid, &usage);
	proc_io_read(pid, &usage);
	assert_true(usage.pss < 0 && usage.anonymous < 0);
	assert_true(usage.read_bytes < 0 && usage.write_bytes < 0);
}

static void a_file_longer_than_its_room_is_cut(void **state)
{
	char text[8];

	(void)state;
	memset(text, '#', sizeof(text));
	assert_int_equal(proc_file_read(getpid(), "status", text, 6), 5);
	assert_string_equal(text, "Name:");
	assert_int_equal(text[6], '#');
}

#define SEGMENT_LINE                                                                               \
	"7f0011112000-7f0011332000 rw-s 00000000 00:01 1234    /memfd:ringside (deleted)\n"

static void the_first_page_of_a_segment_is_noted_by_its_range(void **state)
{
	struct proc_maps maps = { 0 };

	(void)state;
	proc_maps_line(&maps, SEGMENT_LINE);
	assert_int_equal(maps.segments, 1);
	assert_string_equal(maps.range[0], "7f0011112000-7f0011332000");
	assert_false(maps.shim);
}

static void a_segment_for_children_is_noted_apart(void **state)
{
	struct proc_maps maps = { 0 };

	(void)state;
	for (int i = 0; i < PROC_KINS + 3; i++)
		proc_maps_line(&maps, "7f00-7f01 rw-s 00000000 00:01 1 /memfd:ringside-kin "
				      "(deleted)\n");
	proc_maps_line(&maps, "7f02-7f03 rw-s 00001000 00:01 1 /memfd:ringside-kin (deleted)\n");
	assert_int_equal(maps.kins, PROC_KINS);
	assert_string_equal(maps.kin[0], "7f00-7f01");
	assert_int_equal(maps.segments, 0);
}

static void lines_that_are_no_first_page_are_passed_over(void **state)
{
	static const char *const others[] = {
		"",
		"\n",
		"7f0011112000-7f0011332000 rw-s 00001000 00:01 1 /memfd:ringside (deleted)\n",
		"7f0011112000-7f0011332000 r--s 00000000 00:01 1 /memfd:ringside (deleted)\n",
		"7f0011112000-7f0011332000 rw-p 00000000 00:01 1 /memfd:ringside (deleted)\n",
		"7f0011112000-7f0011332000 rw-s 00000000 00:01 1 /memfd:ringsides (deleted)\n",
		"7f0011112000-7f0011332000 rw-s 00000000 00:01 1 /x/memfd:ringside (deleted)\n",
		"7f0011112000-7f0011332000 rw-s 00000000 00:01 1 /memfd:ringside\n",
		"7f0011112000-7f0011332000 rw-s 00000000 00:00 0 \n",
		"../../1/exe rw-s 00000000 00:01 1 /memfd:ringside (deleted)\n",
		"7f00 x rw-s 00000000 00:01 1 /memfd:ringside (deleted)\n",
		"000000000000000000-000000000000000000000 rw-s 0 0:1 1 /memfd:ringside (deleted)\n",
	};
	struct proc_maps maps = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		proc_maps_line(&maps, others[i]);
	assert_int_equal(maps.segments, 0);
	assert_false(maps.shim);
}

static void queues_of_io_uring_are_noted(void **state)
{
	struct proc_maps maps = { 0 };

	(void)state;
	proc_maps_line(&maps, "7f00-7f01 rw-s 00000000 00:0e 1043 anon_inode:[eventpoll]\n");
	assert_false(maps.rings);
	proc_maps_line(&maps, "7f00-7f01 rw-s 10000000 00:0e 1043 anon_inode:[io_uring]\n");
	assert_true(maps.rings);
	assert_int_equal(maps.segments, 0);
}

static void the_shim_is_known_by_its_file(void **state)
{
	struct proc_maps maps = { 0 };

	(void)state;
	proc_maps_line(&maps, "7f00-7f01 r-xp 00000000 08:01 5 /opt/lib/libringside.so.bak\n");
	assert_true(maps.shim);
	memset(&maps, 0, sizeof(maps));
	proc_maps_line(&maps, "7f00-7f01 r-xp 00000000 08:01 5 /opt/mylibringside.so\n");
	assert_false(maps.shim);
}

static void more_segments_than_fit_are_left_out(void **state)
{
	struct proc_maps maps = { 0 };

	(void)state;
	for (int i = 0; i < PROC_SEGMENTS + 3; i++)
		proc_maps_line(&maps, SEGMENT_LINE);
	assert_int_equal(maps.segments, PROC_SEGMENTS);
}

static void our_own_segment_is_found_in_our_maps(void **state)
{
	int fd = capture_segment("/run/x", 7);
	void *at = mmap(NULL, RS_START_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char range[40];
	struct proc_maps maps;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(proc_maps_read(getpid(), &maps), 0);
	assert_true(maps.readable);
	assert_int_equal(maps.segments, 1);
	snprintf(range, sizeof(range), "%lx-%lx", (unsigned long)(uintptr_t)at,
		 (unsigned long)((uintptr_t)at + RS_START_BYTES));
	assert_string_equal(maps.range[0], range);
	munmap(at, RS_START_BYTES);
	assert_int_equal(proc_maps_read(getpid(), &maps), 0);
	assert_int_equal(maps.segments, 0);
	close(fd);
}

static void a_process_in_no_namespace_calls_itself_as_we_do(void **state)
{
	(void)state;
	assert_int_equal(proc_own_pid(getpid()), getpid());
	assert_int_equal(proc_uid(getpid()), geteuid());
}

static void subordinate_users_are_their_owners(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(proc_owner(getpid()), geteuid());
	assert_int_equal(proc_owner(INT32_MAX), UINT32_MAX);
	if (geteuid() != 0)
		rs_skip("only root may map other users");
	pid = subordinate(12345, "7 200007 1");
	if (!pid)
		rs_skip("user namespaces are refused here");
	assert_int_equal(proc_uid(pid), 200007);
	assert_int_equal(proc_owner(pid), 12345);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = subordinate(0, "7 300007 1"); /* a container of root's: its users are apart */
	assert_int_equal(proc_owner(pid), 300007);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_process_in_a_pid_namespace_has_a_pid_of_its_own(void **state)
{
	int live[2], told[2];
	pid_t middle, inner = -1;
	char byte;

	(void)state;
	assert_int_equal(pipe2(live, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		close(live[1]);
		if (unshare(CLONE_NEWPID) == 0)
			inner = fork();
		if (inner == 0)
			_exit(read(live[0], &byte, 1) != 0);
		if (write(told[1], &inner, sizeof(inner)) != sizeof(inner))
			_exit(1);
		_exit(inner > 0 ? waitpid(inner, NULL, 0) != inner : 0);
	}
	close(live[0]);
	assert_int_equal(read(told[0], &inner, sizeof(inner)), sizeof(inner));
	if (inner > 0)
		assert_int_equal(proc_own_pid(inner), 1);
	close(live[1]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	close(told[0]);
	close(told[1]);
	if (inner < 0)
		rs_skip("no pid namespace can be had");
}

static void what_only_its_owner_may_read_is_read_of_ourselves(void **state)
{
	struct proc_usage usage;

	(void)state;
	proc_memory_read(getpid(), &usage);
	proc_io_read(getpid(), &usage);
	assert_true(usage.pss >= 4096);
	assert_true(usage.anonymous >= 4096);
	assert_true(usage.read_bytes >= 0);
	assert_true(usage.write_bytes >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_columns_are_counted_from_the_last_bracket),
		cmocka_unit_test(a_kernel_thread_is_known_by_its_flag),
		cmocka_unit_test(a_form_that_is_not_known_is_refused),
		cmocka_unit_test(a_process_with_an_evil_name_is_read_right),
		cmocka_unit_test(a_process_that_is_gone_is_esrch),
		cmocka_unit_test(a_file_longer_than_its_room_is_cut),
		cmocka_unit_test(the_first_page_of_a_segment_is_noted_by_its_range),
		cmocka_unit_test(a_segment_for_children_is_noted_apart),
		cmocka_unit_test(lines_that_are_no_first_page_are_passed_over),
		cmocka_unit_test(queues_of_io_uring_are_noted),
		cmocka_unit_test(the_shim_is_known_by_its_file),
		cmocka_unit_test(more_segments_than_fit_are_left_out),
		cmocka_unit_test(our_own_segment_is_found_in_our_maps),
		cmocka_unit_test(a_process_in_no_namespace_calls_itself_as_we_do),
		cmocka_unit_test(subordinate_users_are_their_owners),
		cmocka_unit_test(a_process_in_a_pid_namespace_has_a_pid_of_its_own),
		cmocka_unit_test(what_only_its_owner_may_read_is_read_of_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
