#include "../../agent/profile/jail.c"
#include "rs_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* How a child ends that enters and then does this. */
static int jailed(void (*what)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (jail_enter(2))
			_exit(9);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void work(void)
{
	char *bytes = malloc(8 << 20);

	bytes[0] = 1;
	nanosleep(&(struct timespec){ .tv_nsec = 1 }, NULL);
	if (pread(3, bytes, 10, 0) != 10)
		_exit(1);
	free(bytes);
}

/* It is told no path, and lives. */
static void ask_where_a_file_lies(void)
{
	char path[64];

	if (readlink("/proc/self/fd/0", path, sizeof(path)) != -1 || errno != EACCES)
		_exit(3);
}

/* It gets none, and lives. */
static void ask_for_a_file(void)
{
	if (open("/etc/passwd", O_RDONLY) != -1 || errno != EACCES)
		_exit(3);
}

static void make_process(void)
{
	fork();
}

static void make_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void send_signal(void)
{
	kill(getppid(), 0);
}

static void burn(void)
{
	for (volatile int i = 0;; i++)
		continue;
}

static void take_memory(void)
{
	for (size_t i = 0; i < JAIL_MEMORY_BYTES >> 28; i++) {
		char *volatile bytes = malloc(1 << 28);

		if (!bytes)
			_exit(4);
	}
}

static void reading_open_files_and_taking_memory_go_on(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (fd != 3)
		assert_int_equal(dup2(fd, 3), 3);
	assert_int_equal(jailed(work), 0);
	assert_int_equal(jailed(ask_where_a_file_lies), 0);
	assert_int_equal(jailed(ask_for_a_file), 0);
	close(3);
}

static void everything_else_kills(void **state)
{
	void (*const forbidden[])(void) = { make_process, make_socket, send_signal };

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		int status = jailed(forbidden[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void time_and_memory_have_an_end(void **state)
{
	int status = jailed(burn);

	(void)state;
	assert_true(WIFSIGNALED(status));
	status = jailed(take_memory);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
}

static void no_capability_is_left(void **state)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct left[2] = { { .effective = 1, .permitted = 1 } };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (jail_drop() || syscall(SYS_capget, &header, left))
			_exit(1);
		_exit(left[0].effective || left[0].permitted || left[1].permitted);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_open_files_and_taking_memory_go_on),
		cmocka_unit_test(everything_else_kills),
		cmocka_unit_test(time_and_memory_have_an_end),
		cmocka_unit_test(no_capability_is_left),
	};

	if (SANITIZED) {
		print_message("skipped: the jail leaves a sanitizer no room\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
