#include "../../agent/capture/scout.c" /* white box: the child, and who is shunned */
#include "blocked_process.h"
#include "rs_test.h"
#include "subordinate.h"

#include <dirent.h>
#include <sys/stat.h>

static struct scout *new_scout(void)
{
	struct scout *s;

	assert_int_equal(scout_open(&s), 0);
	return s;
}

static long fetched(struct scout *s, int32_t pid, const char *name, char *out, size_t size)
{
	int fd = scout_fetch(s, pid, name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, out, size - 1);
	close(fd);
	assert_true(n >= 0);
	out[n] = '\0';
	return n;
}

static void what_it_brings_is_what_stands_there(void **state)
{
	static char own[1 << 20], brought[1 << 20];
	struct scout *s = new_scout();
	long n;

	(void)state;
	assert_true(proc_file_read(getpid(), "status", own, sizeof(own)) > 0);
	assert_true(fetched(s, getpid(), "status", brought, sizeof(brought)) > 0);
	assert_memory_equal(own, brought, strlen("Name:\ttest_scout\n"));
	n = fetched(s, getpid(), "maps", brought, sizeof(brought));
	assert_true(n > SCOUT_COPY / 2);
	assert_int_equal(n, proc_file_read(getpid(), "maps", own, sizeof(own)));
	assert_string_equal(own, brought);
	assert_int_equal(fetched(s, getpid(), "no-such-file", brought, sizeof(brought)), -ENOENT);
	assert_int_equal(fetched(s, INT32_MAX, "maps", brought, sizeof(brought)), -ENOENT);
	scout_close(s);
}

static void a_file_itself_is_held_by_its_path_alone(void **state)
{
	struct scout *s = new_scout();
	struct stat a, b;
	int fd = scout_fetch(s, getpid(), "exe", O_PATH);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &a) | stat("/proc/self/exe", &b), 0);
	assert_true(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	close(fd);
	scout_close(s);
}

static void the_child_holds_nothing_of_ours_but_its_socket(void **state)
{
	struct scout *s = new_scout();
	char path[32], text[4096];
	struct dirent *entry;
	DIR *folder;

	(void)state;
	assert_true(fetched(s, getpid(), "status", text, sizeof(text)) > 0);
	usleep(10000); /* it closes what it sent */
	snprintf(path, sizeof(path), "/proc/%d/fd", s->child);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		assert_true(entry->d_name[0] == '.' || strcmp(entry->d_name, "0") == 0);
	closedir(folder);
	scout_close(s);
}

static void who_keeps_us_waiting_is_left_alone_and_the_others_are_read(void **state)
{
	struct scout *s = new_scout();
	struct blocked b = blocked_start();
	pid_t pid = b.pid, first;
	struct scout_counts counts;
	uint64_t began_ns;
	char text[4096];

	(void)state;
	if (!pid) {
		scout_close(s);
		rs_skip("FUSE cannot be mounted");
	}
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	first = s->child;
	began_ns = moment_monotonic_ns();
	assert_int_equal(fetched(s, pid, "cmdline", text, sizeof(text)), -ETIMEDOUT);
	assert_in_range(moment_monotonic_ns() - began_ns, UINT64_C(200000000),
			UINT64_C(2000000000));
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_true(s->child != first);
	began_ns = moment_monotonic_ns();
	for (int i = 0; i < 100; i++)
		assert_int_equal(fetched(s, pid, "maps", text, sizeof(text)), -ETIMEDOUT);
	assert_true(moment_monotonic_ns() - began_ns < UINT64_C(100000000));
	for (int i = 0; i < 1000 && s->counts.left; i++) {
		usleep(1000);
		scout_reap(s);
	}
	scout_counts_get(s, &counts);
	assert_int_equal(counts.blocked, 1);
	assert_int_equal(counts.pid, pid);
	assert_int_equal(counts.left, 0); /* it could be killed */
	assert_true(counts.shuns);
	assert_int_equal(kill(first, 0), -1);
	blocked_end(&b);
	scout_close(s);
}

static void a_process_is_asked_again_some_minutes_later(void **state)
{
	struct scout *s = new_scout();
	uint64_t now_ns = 1000, key = scout_process(getpid());

	(void)state;
	assert_false(scout_shuns(s, key, now_ns));
	scout_blocked(s, getpid(), now_ns);
	assert_true(scout_shuns(s, key, now_ns + 10 * SCOUT_MINUTE_NS - 1));
	assert_false(scout_shuns(s, key, now_ns + 10 * SCOUT_MINUTE_NS));
	assert_false(scout_shuns(s, scout_user(getpid()), now_ns)); /* it was one of his */
	scout_close(s);
}

static void a_user_of_many_such_is_asked_no_more_and_longer_each_time(void **state)
{
	struct scout *s = new_scout();
	uint64_t user = scout_user(getpid()), now_ns = 1000, minutes = 1;

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < SCOUT_USER_PROCESSES; i++) {
			assert_false(scout_shuns(s, user, now_ns));
			scout_blocked(s, getpid(), now_ns);
		}
		assert_true(scout_shuns(s, user, now_ns + minutes * SCOUT_MINUTE_NS - 1));
		now_ns += minutes * SCOUT_MINUTE_NS;
		assert_false(scout_shuns(s, user, now_ns));
		minutes = minutes < 64 ? minutes * 2 : 64;
	}
	scout_close(s);
}

/* Of whom he has 65,536, as a rule. */
static void subordinate_users_are_their_owner(void **state)
{
	struct scout *s = new_scout();
	uint64_t now_ns = moment_monotonic_ns();

	(void)state;
	for (uint32_t i = 0; i < SCOUT_USER_PROCESSES; i++) {
		char map[32];
		pid_t pid;

		snprintf(map, sizeof(map), "7 %u 1", 200000 + i);
		pid = geteuid() == 0 ? subordinate(12345, map) : 0;
		if (!pid) {
			scout_close(s);
			rs_skip("user namespaces are refused here");
		}
		assert_false(scout_shuns(s, scout_user(pid), now_ns));
		scout_blocked(s, pid, now_ns);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	assert_true(scout_shuns(s, UINT64_MAX - 12345, now_ns));
	scout_close(s);
}

static void what_a_user_did_hours_ago_is_forgotten(void **state)
{
	struct scout *s = new_scout();
	uint64_t user = scout_user(getpid()), now_ns = 1000;

	(void)state;
	for (uint32_t i = 0; i < SCOUT_USER_PROCESSES - 1; i++)
		scout_blocked(s, getpid(), now_ns);
	now_ns += SCOUT_FORGET_MINUTES * SCOUT_MINUTE_NS + 1;
	scout_blocked(s, getpid(), now_ns);
	assert_false(scout_shuns(s, user, now_ns));
	scout_close(s);
}

/* A pid can be chosen so that its row would be its user's. */
static void a_process_does_not_push_its_user_out(void **state)
{
	struct scout *s = new_scout();
	uint64_t user = UINT64_MAX - 1000, process = user % SCOUT_ROWS;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		scout_blame(s, process, 1000);
		scout_blame(s, user, 1000);
	}
	assert_int_equal(scout_row(s, user)->times, 5);
	assert_int_equal(scout_row(s, process)->times, 5);
	scout_close(s);
}

static void no_process_of_such_a_user_is_waited_for(void **state)
{
	struct scout *s = new_scout();
	char text[64];

	(void)state;
	for (uint32_t i = 0; i < SCOUT_USER_PROCESSES; i++)
		scout_blocked(s, INT32_MAX,
			      moment_monotonic_ns()); /* over by now: of an unknown user */
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	scout_blame(s, scout_user(getpid()), moment_monotonic_ns())->times =
		SCOUT_USER_PROCESSES - 1;
	scout_blocked(s, 1, moment_monotonic_ns()); /* of the same user, as this is root */
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)),
			 scout_user(1) == scout_user(getpid()) ? -ETIMEDOUT : (long)strlen(text));
	scout_close(s);
}

static void a_child_that_was_killed_is_made_anew(void **state)
{
	struct scout *s = new_scout();
	char text[64];

	(void)state;
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	kill(s->child, SIGKILL);
	usleep(10000);
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)), -EPIPE);
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_int_equal(s->counts.blocked, 0); /* nobody is to blame */
	scout_close(s);
}

static void no_more_children_are_left_behind_than_there_is_room_for(void **state)
{
	struct scout *s = new_scout();
	pid_t sleeper = fork();
	char text[64];

	(void)state;
	if (sleeper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	scout_end(s);
	for (int i = 0; i < 1000 && s->counts.left; i++) {
		usleep(1000);
		scout_reap(s);
	}
	assert_int_equal(s->counts.left, 0);
	for (uint32_t i = 0; i < SCOUT_LEFT; i++)
		s->left[s->counts.left++] = sleeper;
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)), -EBUSY);
	kill(sleeper, SIGKILL);
	usleep(10000);
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_int_equal(s->counts.left, 0);
	scout_close(s);
}

static void who_lives_and_is_shunned_is_suspected(void **state)
{
	struct scout *s = new_scout();
	uint64_t now_ns = moment_monotonic_ns(), key = scout_process(getpid());
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(scout_suspect(s), 0);
	scout_blocked(s, pid, now_ns);
	assert_int_equal(scout_suspect(s), pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(scout_suspect(s), 0);                  /* it keeps nobody any more */
	scout_shun(s, scout_blame(s, key, now_ns), now_ns - 1); /* that is over */
	assert_int_equal(scout_suspect(s), 0);
	for (uint32_t i = 0; i < SCOUT_USER_PROCESSES; i++)
		scout_blocked(s, INT32_MAX, now_ns); /* of an unknown user */
	assert_int_equal(scout_suspect(s), INT32_MAX);
	scout_close(s);
}

static void while_nobody_may_fork_no_child_is_made(void **state)
{
	struct scout *s = new_scout();
	char text[64];

	(void)state;
	scout_hold(s, true);
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0); /* there is one */
	scout_end(s);
	scout_reserve(s); /* too late */
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)), -EAGAIN);
	assert_int_equal(s->child, 0);
	scout_hold(s, false);
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	scout_close(s);
}

static void a_spare_child_takes_the_place_of_one_that_is_left(void **state)
{
	struct scout *s = new_scout();
	char text[64];
	pid_t spare;

	(void)state;
	scout_reserve(s);
	scout_reserve(s);
	spare = s->spare;
	assert_true(spare > 0 && spare != s->child);
	scout_hold(s, true);
	scout_end(s);
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	assert_int_equal(s->child, spare);
	scout_hold(s, false);
	scout_reserve(s);
	spare = s->spare;
	scout_close(s);
	assert_int_equal(kill(spare, 0), -1);
}

static void a_child_that_runs_or_was_stopped_blames_no_user(void **state)
{
	struct scout *s = new_scout();
	char text[64];

	(void)state;
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	kill(s->child, SIGSTOP);
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)), -EAGAIN);
	assert_int_equal(s->counts.blocked, 0);
	/* what took so long is not asked for again at once */
	assert_int_equal(fetched(s, getpid(), "cmdline", text, sizeof(text)), -ETIMEDOUT);
	assert_true(fetched(s, getppid(), "stat", text, sizeof(text)) > 0);
	scout_row(s, scout_process(getpid()))->until_ns = 0; /* a minute later */
	assert_true(fetched(s, getpid(), "cmdline", text, sizeof(text)) > 0);
	scout_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_brings_is_what_stands_there),
		cmocka_unit_test(a_file_itself_is_held_by_its_path_alone),
		cmocka_unit_test(the_child_holds_nothing_of_ours_but_its_socket),
		cmocka_unit_test(who_keeps_us_waiting_is_left_alone_and_the_others_are_read),
		cmocka_unit_test(a_process_is_asked_again_some_minutes_later),
		cmocka_unit_test(a_user_of_many_such_is_asked_no_more_and_longer_each_time),
		cmocka_unit_test(subordinate_users_are_their_owner),
		cmocka_unit_test(no_process_of_such_a_user_is_waited_for),
		cmocka_unit_test(who_lives_and_is_shunned_is_suspected),
		cmocka_unit_test(while_nobody_may_fork_no_child_is_made),
		cmocka_unit_test(a_spare_child_takes_the_place_of_one_that_is_left),
		cmocka_unit_test(a_child_that_was_killed_is_made_anew),
		cmocka_unit_test(no_more_children_are_left_behind_than_there_is_room_for),
		cmocka_unit_test(a_child_that_runs_or_was_stopped_blames_no_user),
		cmocka_unit_test(what_a_user_did_hours_ago_is_forgotten),
		cmocka_unit_test(a_process_does_not_push_its_user_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
