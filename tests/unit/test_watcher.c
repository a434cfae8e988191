#include "rs_test.h"
#include "watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that only waits, with the program of this test in it. */
static pid_t test_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0)
		pause();
	return pid;
}

static void test_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void process_without_the_library_shows_nothing(void **state)
{
	(void)state;
	assert_int_equal(watcher_look(getpid()), WATCHER_SEES_NOTHING);
}

static void first_page_of_a_segment_is_what_counts(void **state)
{
	int fd = memfd_create("ringside", MFD_CLOEXEC);
	void *page;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(watcher_look(getpid()), WATCHER_SEES_NOTHING);
	munmap(page, 4096);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(watcher_look(getpid()), WATCHER_SEES_SEGMENT);
	munmap(page, 4096);
	close(fd);
}

static void ended_process_is_seen_as_ended(void **state)
{
	pid_t pid = test_child();

	(void)state;
	test_end(pid);
	assert_int_equal(watcher_look(pid), WATCHER_SEES_END);
}

static void reason_names_the_program(void **state)
{
	char why[1024];
	pid_t pid = test_child();

	(void)state;
	watcher_explain(pid, WATCHER_SEES_NOTHING, why, sizeof(why));
	test_end(pid);
	assert_non_null(strstr(why, "test_watcher"));
	assert_non_null(strstr(why, "did not take the library in"));
	watcher_explain(pid, WATCHER_SEES_LIBRARY, why, sizeof(why));
	assert_non_null(strstr(why, "loaded, but records nothing"));
}

/* What a watcher says when it is started by a child that then calls end; returned as a text. */
static void test_watched(void (*end)(struct watcher *), char *said, size_t size)
{
	int out[2], status;
	ssize_t n;
	size_t have = 0;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		struct watcher w;

		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		if (watcher_start(&w, "thing"))
			_exit(3);
		/* the watcher is no child of ours: nothing of it may be found here */
		if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
			_exit(4);
		end(&w);
		_exit(0);
	}
	close(out[1]);
	/* end of file: the child and its watcher are both gone */
	while ((n = read(out[0], said + have, size - 1 - have)) > 0) {
		have += (size_t)n;
		kill(pid, SIGTERM); /* one that runs on has served its turn */
	}
	said[have] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, have ? SIGTERM : 0);
}

/* As exec does, and then the process runs on without the library. */
static void test_end_by_running_on(struct watcher *w)
{
	close(w->go);
	pause();
}

static void test_end_by_dying(struct watcher *w)
{
	close(w->go);
}

static void missing_library_is_said_once_with_the_pid(void **state)
{
	char said[1024];

	(void)state;
	test_watched(test_end_by_running_on, said, sizeof(said));
	assert_ptr_equal(strstr(said, "ringside: warning: thing (pid "), said);
	assert_non_null(strstr(said, ") is not watched: "));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void command_that_ended_or_never_began_is_not_talked_about(void **state)
{
	char said[1024];

	(void)state;
	test_watched(test_end_by_dying, said, sizeof(said));
	assert_string_equal(said, "");
	test_watched(watcher_cancel, said, sizeof(said));
	assert_string_equal(said, "");
}

static void no_watcher_where_it_would_become_the_commands_child(void **state)
{
	struct watcher w;
	int result;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	result = watcher_start(&w, "thing");
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	assert_int_equal(result, -ENOTSUP);
	watcher_cancel(&w); /* harmless */
}

static void blocked_sigchld_is_not_left_pending(void **state)
{
	struct watcher w;
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(watcher_start(&w, "thing"), 0);
	sigpending(&set);
	assert_int_equal(sigismember(&set, SIGCHLD), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	watcher_cancel(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_without_the_library_shows_nothing),
		cmocka_unit_test(first_page_of_a_segment_is_what_counts),
		cmocka_unit_test(ended_process_is_seen_as_ended),
		cmocka_unit_test(reason_names_the_program),
		cmocka_unit_test(missing_library_is_said_once_with_the_pid),
		cmocka_unit_test(command_that_ended_or_never_began_is_not_talked_about),
		cmocka_unit_test(no_watcher_where_it_would_become_the_commands_child),
		cmocka_unit_test(blocked_sigchld_is_not_left_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
