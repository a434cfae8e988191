#include "../../agent/send/board.c" /* white box: somebody puts up a set as another one is read */
#include "rs_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct config_alerts alerts;
static struct board *board;
static struct board_set set;

static void configure(const char *text)
{
	struct channel_error why;

	memset(&alerts, 0, sizeof(alerts));
	alerts.count = 3;
	assert_int_equal(channel_parse(text, &alerts.channels[2], &why), 0);
}

static int setup(void **state)
{
	(void)state;
	return board_open(&board);
}

static int teardown(void **state)
{
	(void)state;
	return munmap(board, sizeof(*board));
}

/* What is up there now. */
static const struct board_set *up(void)
{
	uint32_t seen = 0;

	board_put(board, &alerts);
	assert_true(board_take(board, &seen, &set));
	return &set;
}

static void secrets_come_from_files(void **state)
{
	char path[] = "/tmp/rs_board_XXXXXX", text[128];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "s3cret\n", 7), 7);
	close(fd);
	snprintf(text, sizeof(text), "w type=webhook url=http://x/ secret_file=%s", path);
	configure(text);
	assert_string_equal(up()->channels[2].values[CHANNEL_SECRET], "s3cret");
	assert_string_equal(set.faults[2], "");
	assert_true(set.sums[2] == channel_sum(&alerts.channels[2])); /* as it is configured */
	assert_int_equal(truncate(path, 0), 0);
	assert_non_null(strstr(up()->faults[2], "No data available"));
	assert_int_equal(truncate(path, 4000), 0);
	assert_non_null(strstr(up()->faults[2], "File too large"));
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "k", 1), 1);
	close(fd);
	assert_string_equal(up()->faults[2], "");
	assert_int_equal(chmod(path, 0620), 0); /* whoever may write it may know it */
	assert_non_null(strstr(up()->faults[2], "others than root may write it"));
	assert_string_equal(set.channels[2].values[CHANNEL_SECRET], "");
	unlink(path);
	assert_non_null(strstr(up()->faults[2], "secret_file: /tmp/rs_board_"));
	assert_non_null(strstr(set.faults[2], "No such file"));
	assert_string_equal(set.faults[1], "");
}

static void a_set_is_taken_once_in_another_process_too(void **state)
{
	uint32_t seen = 0;
	int status;

	(void)state;
	assert_false(board_take(board, &seen, &set)); /* nothing is up */
	configure("w type=webhook url=http://x/");
	board_put(board, &alerts);
	if (fork() == 0) {
		configure("w type=webhook url=http://y/");
		board_put(board, &alerts);
		_exit(0);
	}
	wait(&status);
	assert_true(board_take(board, &seen, &set));
	assert_string_equal(set.channels[2].values[CHANNEL_URL], "http://y/");
	assert_int_equal(set.count, 3);
	assert_false(board_take(board, &seen, &set));
}

static void who_is_forked_behind_it_has_it_not(void **state)
{
	int status;

	(void)state;
	board_hide(board);
	if (fork() == 0) {
		unsigned char there;

		_exit(mincore(board, 4096, &there) && errno == ENOMEM ? 0 : 1);
	}
	wait(&status);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(secrets_come_from_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_set_is_taken_once_in_another_process_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_is_forked_behind_it_has_it_not, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
