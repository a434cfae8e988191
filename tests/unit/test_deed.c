#include "../../agent/send/deed.c" /* white box: what its process was left */
#include "rs_test.h"

#include <poll.h>
#include <sys/mman.h>

#define SECOND INT64_C(1000000000)

static struct deed d;
static struct deed_result result;

/* Steps until it is over, by a clock that stands still. */
static void over(int64_t now_ns)
{
	struct pollfd fd = { .events = POLLIN };

	for (int i = 0; !deed_step(&d, now_ns, &result); i++) {
		fd.fd = d.pidfd;
		assert_true(i < 100 && poll(&fd, 1, 10000) == 1);
	}
}

static int good(void *ctx, char text[DEED_TEXT])
{
	snprintf(text, DEED_TEXT, "%s", (const char *)ctx);
	return 0;
}

static int bad(void *ctx, char text[DEED_TEXT])
{
	(void)text;
	return *(int *)ctx;
}

static int killed(void *ctx, char text[DEED_TEXT])
{
	(void)ctx;
	(void)text;
	raise(SIGSEGV);
	return 0;
}

static void how_it_went_is_told(void **state)
{
	char word[] = "well";
	int code = 3;

	(void)state;
	assert_int_equal(deed_begin(&d, good, word, 0, 1000), 0);
	over(1);
	assert_true(result.good);
	assert_string_equal(result.text, "well");
	assert_true(deed_step(&d, 1, &result)); /* there is none */
	assert_int_equal(deed_begin(&d, bad, &code, 0, 1000), 0);
	over(SECOND / 2);
	assert_false(result.good);
	assert_string_equal(result.text, "exit code 3 after 0.5 s");
	code = 0;
	assert_int_equal(deed_begin(&d, bad, &code, 0, 1000), 0);
	over(1);
	assert_true(result.good);
	assert_string_equal(result.text, "exit code 0 after 0.0 s");
	assert_int_equal(deed_begin(&d, killed, NULL, 0, 1000), 0);
	over(1);
	assert_false(result.good);
	assert_string_equal(result.text, "killed by signal 11 after 0.0 s");
}

/* A group of two that would stay for ever; ctx: where the second one is named. */
static int hangs(void *ctx, char text[DEED_TEXT])
{
	volatile pid_t *second = ctx;
	pid_t child = fork();

	(void)text;
	if (child)
		*second = child;
	pause();
	return 0;
}

/* Its parent may be about to end yet. How it ended itself. */
static int comes_to_us(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 2000 && waitpid(pid, &status, WNOHANG) != pid; i++)
		usleep(1000);
	return status;
}

static void all_of_it_is_killed_when_its_time_is_over(void **state)
{
	void *shared = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	volatile pid_t *second = shared;

	(void)state;
	assert_true(shared != MAP_FAILED);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(deed_begin(&d, hangs, shared, 0, 1000), 0);
	for (int i = 0; !*second && i < 1000; i++)
		usleep(10000);
	assert_false(deed_step(&d, SECOND - 1, &result));
	assert_false(d.late);
	over(SECOND);
	assert_false(result.good);
	assert_string_equal(result.text, "killed after 1.0 s, its timeout");
	assert_int_equal(WTERMSIG(comes_to_us(*second)), SIGKILL);
	*second = 0;
	assert_int_equal(deed_begin(&d, hangs, shared, 0, 1000), 0);
	for (int i = 0; !*second && i < 1000; i++)
		usleep(10000);
	deed_end(&d);
	assert_int_equal(d.pid, 0);
	assert_int_equal(WTERMSIG(comes_to_us(*second)), SIGKILL);
	deed_end(&d);
	munmap(shared, sizeof(pid_t));
}

static void it_ends_with_who_began_it_whatever_that_had_begun(void **state)
{
	void *shared = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	volatile pid_t *second = shared;
	pid_t begun, got = 0;
	int status = 0;

	(void)state;
	assert_true(shared != MAP_FAILED);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	begun = fork();
	if (begun == 0) {
		deed_begin(&d, hangs, shared, 0, 60000);
		pause();
	}
	for (int i = 0; !*second && i < 1000; i++)
		usleep(10000);
	assert_int_equal(waitpid(*second, &status, WNOHANG), -1); /* it is not ours yet */
	kill(begun, SIGKILL);
	assert_int_equal(waitpid(begun, &status, 0), begun);
	for (int i = 0; got != *second && i < 1000; i++) {
		usleep(10000);
		got = waitpid(*second, &status, WNOHANG);
	}
	assert_int_equal(got, *second);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	munmap(shared, sizeof(pid_t));
}

/* What is not as it has to be, in its process. */
static int looks(void *ctx, char text[DEED_TEXT])
{
	struct stat in, nowhere;
	sigset_t blocked;
	int other = *(int *)ctx, first = -1;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	stat("/dev/null", &nowhere);
	for (int fd = 0; fd < DEED_REPORT; fd++)
		if (fstat(fd, &in) || in.st_rdev != nowhere.st_rdev)
			first = fd;
	snprintf(text, DEED_TEXT, "%d %d %d %d %d %d", first, fcntl(other, F_GETFD),
		 getsid(0) == getppid(), signal(SIGTERM, SIG_DFL) == SIG_DFL,
		 sigismember(&blocked, SIGTERM), (fcntl(DEED_REPORT, F_GETFD) & FD_CLOEXEC) != 0);
	return 0;
}

static void nothing_is_left_to_it(void **state)
{
	int other = fcntl(1, F_DUPFD, 100);
	sigset_t term, before;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(deed_begin(&d, looks, &other, 0, 1000), 0);
	over(1);
	assert_string_equal(result.text, "-1 -1 1 1 0 1");
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_it_went_is_told),
		cmocka_unit_test(nothing_is_left_to_it),
		cmocka_unit_test(all_of_it_is_killed_when_its_time_is_over),
		cmocka_unit_test(it_ends_with_who_began_it_whatever_that_had_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
