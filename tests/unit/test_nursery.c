#include "rs_test.h"

#include <poll.h>

/* The same waits, a tenth as long. */
static int quick_poll(struct pollfd *fds, nfds_t count, int ms)
{
	return poll(fds, count, ms > 0 ? (ms + 9) / 10 : ms);
}

#define poll quick_poll
#include "../../agent/nursery.c" /* white box: its waits */
#undef poll

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* What the workers of one nursery leave for the test to see. */
struct seen {
	_Atomic uint32_t starts;
	_Atomic int32_t worker; /* pid of the newest */
	_Atomic uint32_t wrong; /* facts that did not hold in a worker */
	_Atomic uint32_t ended; /* workers that ended by themselves */
};

struct nest {
	struct seen *seen;
	int alive[2], link[2];
	pid_t pid; /* of the nursery */
};

static int nest_setup(void **state)
{
	static struct nest n;

	n.seen = mmap(NULL, sizeof(*n.seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	*state = &n;
	return n.seen == MAP_FAILED || pipe2(n.alive, O_CLOEXEC) || pipe2(n.link, O_CLOEXEC);
}

static int nest_teardown(void **state)
{
	struct nest *n = *state;

	munmap(n->seen, sizeof(*n->seen));
	for (int i = 0; i < 2; i++) {
		close(n->alive[i]);
		close(n->link[i]);
	}
	return 0;
}

static void nest_start(struct nest *n, nursery_fn worker)
{
	const struct privilege_user user = { .uid = 65534, .gid = 65534 };

	n->pid = fork();
	if (n->pid == 0) {
		close(n->alive[1]);
		close(n->link[1]);
		log_open("test", LOG_LEVEL_ERROR);
		close(STDERR_FILENO);
		_exit(nursery_run("the worker", &user, n->alive[0], worker, n));
	}
	close(n->alive[0]);
	n->alive[0] = -1;
}

/* As the broker's end does: both pipes end at once. */
static void nest_broker_ends(struct nest *n)
{
	close(n->alive[1]);
	close(n->link[1]);
	n->alive[1] = -1;
	n->link[1] = -1;
}

static int nest_code(const struct nest *n)
{
	int status;

	assert_int_equal(waitpid(n->pid, &status, 0), n->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void nest_await(const struct nest *n, uint32_t starts)
{
	for (int i = 0; i < 20000 && n->seen->starts < starts; i++)
		usleep(1000);
	assert_true(n->seen->starts >= starts);
}

static uint32_t worker_born(struct nest *n)
{
	struct sigaction action;

	n->seen->wrong += geteuid() == 0;
	n->seen->wrong += fcntl(n->alive[0], F_GETFD) >= 0; /* it would keep the pipe open */
	sigaction(SIGTERM, NULL, &action);
	n->seen->wrong += action.sa_handler != SIG_IGN;
	n->seen->worker = getpid();
	return ++n->seen->starts;
}

/* Lives until its link ends. */
static int worker_good(void *ctx)
{
	struct nest *n = ctx;
	char byte;

	worker_born(n);
	if (read(n->link[0], &byte, 1) == 0)
		n->seen->ended++;
	return 0;
}

static int worker_dies_twice(void *ctx)
{
	struct nest *n = ctx;
	uint32_t start = worker_born(n);
	char byte;

	if (start == 1)
		kill(getpid(), SIGKILL);
	if (start == 2)
		return 3;
	if (read(n->link[0], &byte, 1) == 0)
		n->seen->ended++;
	return 0;
}

static int worker_cannot(void *ctx)
{
	worker_born(ctx);
	return NURSERY_CANNOT;
}

/* Sees no end of anything. */
static int worker_deaf(void *ctx)
{
	worker_born(ctx);
	while (pause() < 0)
		continue;
	return 0;
}

static void the_worker_ends_with_the_broker(void **state)
{
	struct nest *n = *state;

	nest_start(n, worker_good);
	nest_await(n, 1);
	nest_broker_ends(n);
	assert_int_equal(nest_code(n), 0);
	assert_int_equal(n->seen->ended, 1);
	assert_int_equal(n->seen->starts, 1);
	assert_int_equal(n->seen->wrong, 0);
}

static void a_worker_that_died_is_forked_again(void **state)
{
	struct nest *n = *state;

	nest_start(n, worker_dies_twice);
	nest_await(n, 3);
	nest_broker_ends(n);
	assert_int_equal(nest_code(n), 0);
	assert_int_equal(n->seen->starts, 3);
	assert_int_equal(n->seen->ended, 1);
	assert_int_equal(n->seen->wrong, 0);
}

static void a_worker_killed_by_somebody_is_forked_again(void **state)
{
	struct nest *n = *state;

	if (geteuid() != 0)
		rs_skip("needs root");
	nest_start(n, worker_good);
	nest_await(n, 1);
	kill(n->seen->worker, SIGKILL);
	nest_await(n, 2);
	nest_broker_ends(n);
	assert_int_equal(nest_code(n), 0);
}

static void where_another_try_would_not_help_it_ends(void **state)
{
	struct nest *n = *state;

	nest_start(n, worker_cannot);
	assert_int_equal(nest_code(n), 1);
	assert_int_equal(n->seen->starts, 1);
}

static void a_worker_that_does_not_follow_is_killed(void **state)
{
	struct nest *n = *state;

	nest_start(n, worker_deaf);
	nest_await(n, 1);
	nest_broker_ends(n);
	assert_int_equal(nest_code(n), 0);
	assert_int_equal(n->seen->ended, 0);
	assert_int_equal(kill(n->seen->worker, 0), -1); /* it was reaped, too */
}

static void a_stop_and_a_continue_change_nothing(void **state)
{
	struct nest *n = *state;
	int status;

	nest_start(n, worker_good);
	nest_await(n, 1);
	kill(n->pid, SIGSTOP);
	assert_int_equal(waitpid(n->pid, &status, WUNTRACED), n->pid);
	kill(n->pid, SIGCONT);
	assert_int_equal(waitpid(n->pid, &status, WCONTINUED), n->pid);
	nest_broker_ends(n);
	assert_int_equal(nest_code(n), 0);
	assert_int_equal(n->seen->starts, 1);
}

static void a_killed_nursery_takes_its_worker_along(void **state)
{
	struct nest *n = *state;
	int status;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	nest_start(n, worker_deaf);
	nest_await(n, 1);
	kill(n->pid, SIGKILL);
	assert_int_equal(waitpid(n->pid, &status, 0), n->pid);
	assert_int_equal(waitpid(n->seen->worker, &status, 0), n->seen->worker);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void waits_double_up_to_five_seconds(void **state)
{
	static const uint32_t wanted[] = { 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
	uint32_t deaths = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(nursery_wait_ms(&deaths, 9999), wanted[i]);
	assert_int_equal(nursery_wait_ms(&deaths, 10000), 50); /* that one lived long enough */
	assert_int_equal(nursery_wait_ms(&deaths, 0), 100);
}

#define NEST(fact) cmocka_unit_test_setup_teardown(fact, nest_setup, nest_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEST(the_worker_ends_with_the_broker),
		NEST(a_worker_that_died_is_forked_again),
		NEST(a_worker_killed_by_somebody_is_forked_again),
		NEST(where_another_try_would_not_help_it_ends),
		NEST(a_worker_that_does_not_follow_is_killed),
		NEST(a_stop_and_a_continue_change_nothing),
		NEST(a_killed_nursery_takes_its_worker_along),
		cmocka_unit_test(waits_double_up_to_five_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
