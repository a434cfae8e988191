#include "file.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECES 4u
#define PIECE 3u

static int file_of(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(file_write(fd, text, strlen(text)), 0);
	return fd;
}

static void a_part_is_read_wherever_it_stands(void **state)
{
	int fd = file_of("abcdefgh");
	char out[16];

	(void)state;
	assert_int_equal(file_read_at(fd, out, 3, 2), 3);
	assert_memory_equal(out, "cde", 3);
	assert_int_equal(file_read_at(fd, out, sizeof(out), 5), 3);
	assert_memory_equal(out, "fgh", 3);
	assert_int_equal(file_read(fd, out, sizeof(out)), 0); /* it stands at its end */
	assert_int_equal(file_read_at(fd, out, sizeof(out), UINT64_MAX), -EINVAL);
	close(fd);
}

static void all_or_nothing_is_told(void **state)
{
	int fd = file_of("abcd");
	char out[8];

	(void)state;
	assert_true(file_has(fd, out, 4, 0));
	assert_false(file_has(fd, out, 4, 1));
	assert_false(file_has(-1, out, 0, UINT64_MAX));
	close(fd);
	assert_false(file_has(fd, out, 4, 0));
}

static void one_that_others_may_write_is_not_ours(void **state)
{
	char path[] = "/tmp/rs_file_XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_true(file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_false(file_is_ours(fd));
	assert_int_equal(fchmod(fd, 0606), 0);
	assert_false(file_is_ours(fd));
	unlink(path);
	close(fd);
	assert_false(file_is_ours(fd));
}

static void errors_are_the_calls_own(void **state)
{
	int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];
	char out[4];

	(void)state;
	assert_int_equal(file_write(read_only, "a", 1), -EBADF);
	assert_int_equal(file_write(read_only, "", 0), 0);
	assert_int_equal(file_read(-1, out, sizeof(out)), -EBADF);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(file_read_at(ends[0], out, sizeof(out), 0), -ESPIPE);
	close(ends[0]);
	close(ends[1]);
	close(read_only);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* Each piece comes alone, and a signal before it: neither ends the reading. */
static void pieces(int fd, pid_t reader)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (uint32_t i = 0; i < PIECES; i++) {
		nanosleep(&pause, NULL);
		kill(reader, SIGUSR1);
		nanosleep(&pause, NULL);
		if (write(fd, "xyz", PIECE) != PIECE)
			_exit(1);
	}
	_exit(0);
}

static void pieces_and_signals_make_a_whole(void **state)
{
	struct sigaction action = { .sa_handler = on_signal }; /* without SA_RESTART */
	char out[PIECES * PIECE + 1];
	int ends[2], status;
	pid_t reader = getpid(), writer;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	writer = fork();
	if (writer == 0)
		pieces(ends[1], reader);
	close(ends[1]);
	assert_int_equal(file_read(ends[0], out, sizeof(out)), PIECES * PIECE);
	assert_memory_equal(out, "xyzxyzxyzxyz", PIECES * PIECE);
	close(ends[0]);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
}

/* The disk takes a part: what it says of the rest is the error. */
static void what_does_not_fit_is_told(void **state)
{
	struct rlimit before, small;
	int fd = memfd_create("file", MFD_CLOEXEC);
	char out[8] = "";

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_write(fd, "abcdef", 6), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(file_read_at(fd, out, sizeof(out), 0), 4);
	assert_string_equal(out, "abcd");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_read_wherever_it_stands),
		cmocka_unit_test(all_or_nothing_is_told),
		cmocka_unit_test(one_that_others_may_write_is_not_ours),
		cmocka_unit_test(errors_are_the_calls_own),
		cmocka_unit_test(pieces_and_signals_make_a_whole),
		cmocka_unit_test(what_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
