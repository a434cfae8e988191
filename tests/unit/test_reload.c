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
static int links[2], kept[2];

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
	r = (struct reload){ .options = &options, .good = -1, .kept = kept };
	seen = 0;
	if (link_open(links) || link_open(kept) || board_open(&r.board))
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
	close(kept[0]);
	close(kept[1]);
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
	n = pread(passed, text, 255, 0);
	assert_int_equal(pwrite(passed, "x", 1, 0), -1); /* the next one has it too */
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

/* What a worker finds that is forked now; false: nothing. */
static bool lies(char text[256])
{
	struct link_message m;
	int passed = -1;
	ssize_t n;

	if (link_peek(kept[1], &m, &passed) != 1)
		return false;
	assert_int_equal(m.kind, LINK_RELOAD);
	n = pread(passed, text, 255, 0);
	close(passed);
	text[n > 0 ? n : 0] = '\0';
	return true;
}

static void the_last_good_one_lies_for_workers_to_come(void **state)
{
	struct link_message m;
	char text[256];
	int fd;

	(void)state;
	assert_false(lies(text));
	put(GOOD);
	reload_now(&r);
	for (int i = 0; i < 30; i++) {
		assert_true(lies(text));
		assert_string_equal(text, GOOD);
	}
	for (int i = 0; i < 30; i++) {
		put(i % 2 ? GOOD : OTHER);
		reload_now(&r);
		while (given(text))
			continue;
		assert_true(lies(text));
		assert_string_equal(text, i % 2 ? GOOD : OTHER);
	}
	put("{");
	reload_now(&r);
	assert_true(lies(text));
	assert_string_equal(text, GOOD);
	assert_int_equal(link_receive(kept[1], &m, &fd), 1);
	close(fd);
	assert_false(lies(text)); /* there is one alone */
}

static void passed_on(const char *password)
{
	struct link_message m;

	assert_int_equal(link_receive(links[1], &m, NULL), 1);
	assert_int_equal(m.kind, LINK_PASSWORD);
	assert_string_equal(m.password, password);
}

static void a_worker_that_is_behind_is_told_later_and_once(void **state)
{
	struct link_message message = { .kind = LINK_PART };
	char text[256];
	int passed;

	(void)state;
	put(GOOD);
	while (!link_send(links[0], &message, -1))
		continue;
	reload_now(&r);
	reload_second(&r);
	while (link_receive(links[1], &message, &passed) == 1)
		assert_int_equal(message.kind, LINK_PART);
	reload_second(&r);
	assert_true(given(text));
	assert_string_equal(text, GOOD);
	reload_second(&r);
	assert_false(given(text));
}

static void nor_is_a_password_lost_on_it(void **state)
{
	struct link_message message = { .kind = LINK_PART };
	int passed;

	(void)state;
	strcpy(r.password.text, "one");
	while (!link_send(links[0], &message, -1))
		continue;
	reload_again(&r);
	while (link_receive(links[1], &message, &passed) == 1)
		assert_int_equal(message.kind, LINK_PART);
	reload_second(&r);
	passed_on("one");
	reload_second(&r);
	assert_int_equal(link_receive(links[1], &message, &passed), -EAGAIN);
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
		cmocka_unit_test_setup_teardown(the_last_good_one_lies_for_workers_to_come, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_worker_that_is_behind_is_told_later_and_once,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nor_is_a_password_lost_on_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_bad_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_one_counts_and_a_courier_need_not_be,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_password_is_read_again_though_the_configuration_is_bad, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
