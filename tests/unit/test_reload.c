#include "reload.h"

#include "board.h"
#include "link.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD                                                                                       \
	"{\"alerts\": {\"channels\": {\"a\": {\"type\": \"webhook\", \"url\": \"http://x/\"}}}}"
#define OTHER                                                                                      \
	"{\"alerts\": {\"channels\": {\"a\": {\"type\": \"webhook\", \"url\": \"http://y/\"}}}}"

static char path[32];
static char name[] = "ringsided";
static char *arguments[] = { name, NULL };
static struct options options;
static struct reload r;
static struct board_set set;
static uint32_t seen;
static int links[2];

static void put(const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	strcpy(path, "/tmp/rs_reload_XXXXXX");
	close(mkstemp(path));
	options =
		(struct options){ .argc = 1, .argv = arguments, .file = path, .file_named = true };
	r = (struct reload){ .options = &options, .good = -1 };
	seen = 0;
	if (link_open(links) || board_open(&r.board))
		return -1;
	r.link = links[0];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	close(links[0]);
	close(links[1]);
	if (r.good >= 0)
		close(r.good);
	return 0;
}

/* What the worker is given to read; false: nothing. */
static bool given(char text[256])
{
	struct link_message m;
	int passed = -1;
	ssize_t n;

	if (link_receive(links[1], &m, &passed) != 1)
		return false;
	assert_int_equal(m.kind, LINK_RELOAD);
	n = read(passed, text, 255);
	close(passed);
	text[n > 0 ? n : 0] = '\0';
	return true;
}

static void what_is_good_goes_to_the_worker_and_the_courier(void **state)
{
	char text[256];

	(void)state;
	reload_again(&r); /* none was read yet */
	assert_false(given(text));
	put(GOOD);
	reload_now(&r);
	assert_true(given(text));
	assert_string_equal(text, GOOD);
	assert_true(board_take(r.board, &seen, &set));
	assert_string_equal(set.channels[2].values[CHANNEL_URL], "http://x/");
	put("whatever somebody writes into it now");
	reload_again(&r); /* a new worker has what is in force */
	assert_true(given(text));
	assert_string_equal(text, GOOD);
}

static void what_is_bad_changes_nothing(void **state)
{
	char text[256];

	(void)state;
	put(GOOD);
	reload_now(&r);
	assert_true(given(text));
	assert_true(board_take(r.board, &seen, &set));
	put("{\"alerts\": {\"channels\": {\"a\": {\"type\": \"webhok\"}}}}");
	reload_now(&r);
	put("{\"alerts\": {\"notify\": [\"nobody\"]}}");
	reload_now(&r);
	unlink(path);
	reload_now(&r);
	assert_false(given(text));
	assert_false(board_take(r.board, &seen, &set));
	reload_again(&r);
	assert_true(given(text));
	assert_string_equal(text, GOOD);
}

static void the_last_one_counts_and_a_courier_need_not_be(void **state)
{
	char text[256];

	(void)state;
	r.board = NULL;
	put(GOOD);
	reload_now(&r);
	put(OTHER);
	reload_now(&r);
	assert_true(given(text));
	assert_true(given(text));
	assert_string_equal(text, OTHER);
	reload_again(&r);
	assert_true(given(text));
	assert_string_equal(text, OTHER);
}

static void passed_on(const char *password)
{
	struct link_message m;

	assert_int_equal(link_receive(links[1], &m, NULL), 1);
	assert_int_equal(m.kind, LINK_PASSWORD);
	assert_string_equal(m.password, password);
}

static void a_password_is_read_again_though_the_configuration_is_bad(void **state)
{
	char secret[] = "/tmp/rs_secret_XXXXXX";
	int fd = mkstemp(secret);
	struct link_message m;

	(void)state;
	r.password_file = secret;
	put("{");
	assert_int_equal(write(fd, "one\n", 4), 4);
	reload_now(&r);
	passed_on("one");
	assert_int_equal(pwrite(fd, "two\n", 4, 0), 4);
	reload_now(&r);
	passed_on("two");
	assert_int_equal(fchmod(fd, 0622),
			 0); /* what others may write is not read: what was is good */
	assert_int_equal(pwrite(fd, "bad\n", 4, 0), 4);
	reload_now(&r);
	passed_on("two");
	reload_again(&r); /* a new worker began with what the agent did */
	passed_on("two");
	assert_int_equal(link_receive(links[1], &m, NULL), -EAGAIN);
	unlink(secret);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_good_goes_to_the_worker_and_the_courier,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_bad_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_one_counts_and_a_courier_need_not_be,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_password_is_read_again_though_the_configuration_is_bad, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
