#include "attach.h"
#include "rs_test.h"

#include <ringside/list.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32], file[64];

static int folder_make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/attach.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/" ATTACH_FILE, folder);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static void file_says(const char *text)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static struct capture_target shop(void)
{
	return (struct capture_target){
		.pid = 70, .start_ticks = 123, .service = "shop", .exe = "/srv/shop"
	};
}

static void a_process_is_wanted_by_service_path_or_its_own_line(void **state)
{
	static const char *const yes[] = { "shop\n", "sh*\n", "/srv/s?op\n", "x\n 70:123 \n" };
	static const char *const no[] = {
		"", "# shop\n", "shops\n", "70:124\n", "71:123\n", "70\n"
	};
	struct capture_target target = shop();
	struct attach *a;

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		file_says(yes[i]);
		assert_int_equal(attach_open(&a, folder, NULL), 0);
		assert_true(attach_any(a));
		assert_true(attach_wants(a, &target));
		attach_close(a);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		file_says(no[i]);
		assert_int_equal(attach_open(&a, folder, NULL), 0);
		assert_false(attach_wants(a, &target));
		attach_close(a);
	}
}

static void a_file_that_came_changed_or_went_is_noticed_once(void **state)
{
	struct capture_target target = shop();
	struct attach *a;

	(void)state;
	assert_int_equal(attach_open(&a, folder, NULL), 0);
	assert_false(attach_changed(a));
	assert_false(attach_any(a));
	file_says("shop\n");
	assert_true(attach_changed(a));
	assert_false(attach_by_port(a));
	assert_false(attach_changed(a));
	assert_true(attach_wants(a, &target));
	file_says("bank\n");
	assert_true(attach_changed(a));
	assert_false(attach_wants(a, &target));
	unlink(file);
	assert_true(attach_changed(a));
	assert_false(attach_any(a));
	attach_close(a);
	attach_close(NULL);
}

static bool readable(const struct attach *a)
{
	struct pollfd fd = { .fd = attach_fd(a), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void whatever_happens_to_the_file_is_told_at_once(void **state)
{
	char other[80];
	struct attach *a;

	(void)state;
	snprintf(other, sizeof(other), "%s.new", file);
	assert_int_equal(attach_open(&a, folder, NULL), 0);
	assert_false(readable(a));
	file_says("shop\n");
	assert_true(readable(a));
	assert_true(attach_changed(a));
	assert_false(readable(a));
	assert_int_equal(rename(file, other), 0);
	assert_true(readable(a));
	assert_true(attach_changed(a));
	assert_int_equal(rename(other, file), 0);
	assert_true(readable(a));
	assert_true(attach_changed(a));
	assert_int_equal(unlink(file), 0);
	assert_true(readable(a));
	assert_true(attach_changed(a));
	assert_false(readable(a));
	attach_close(a);
}

static void without_being_told_the_file_is_read_all_the_same(void **state)
{
	char late[48];
	struct attach *a;

	(void)state;
	snprintf(late, sizeof(late), "%s/late", folder);
	snprintf(file, sizeof(file), "%s/" ATTACH_FILE, late);
	assert_int_equal(attach_open(&a, late, NULL), 0);
	assert_int_equal(attach_fd(a), -1); /* there is no such folder */
	assert_int_equal(mkdir(late, 0700), 0);
	file_says("shop\n");
	assert_true(attach_changed(a));
	assert_int_equal(unlink(file), 0);
	assert_true(attach_changed(a));
	assert_int_equal(rmdir(late), 0);
	attach_close(a);
}

/* Of the off file the same text means everything: here it must mean nobody. */
static void what_is_no_list_names_nobody(void **state)
{
	char text[RS_LIST_BYTES + 64];
	struct capture_target target = shop();
	struct attach *a;

	(void)state;
	memset(text, '*', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	file_says(text);
	assert_int_equal(attach_open(&a, folder, NULL), 0);
	assert_false(attach_wants(a, &target));
	attach_close(a);
}

static void a_line_of_a_port_is_a_colon_and_its_number(void **state)
{
	static const char *const no[] = {
		"", ":", "8080", ":0", ":65536", ":80x", ":-80", ":123456"
	};

	(void)state;
	assert_int_equal(attach_port(":8080", 5), 8080);
	assert_int_equal(attach_port(":65535", 6), 65535);
	assert_int_equal(attach_port(":8080", 3), 80);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_int_equal(attach_port(no[i], strlen(no[i])), 0);
}

static void who_listens_on_a_port_is_wanted_by_it(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct capture_target target = shop();
	struct attach *a;
	char text[32];

	(void)state;
	target.pid = getpid();
	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, length) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	snprintf(text, sizeof(text), "x\n:%u\n", ntohs(at.sin_port));
	assert_int_equal(attach_open(&a, folder, NULL), 0);
	file_says(text);
	assert_true(attach_changed(a));
	assert_false(attach_wants(a, &target)); /* it does not listen yet */
	assert_true(attach_by_port(a));
	assert_int_equal(listen(fd, 1), 0);
	assert_true(attach_wants(a, &target));
	file_says(":1\n");
	assert_true(attach_changed(a));
	assert_false(attach_wants(a, &target));
	attach_close(a);
	file_says(text);
	assert_int_equal(attach_open(&a, folder, NULL), 0);
	assert_true(attach_wants(a, &target));
	attach_close(a);
	close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(a_process_is_wanted_by_service_path_or_its_own_line),
		TEST(a_file_that_came_changed_or_went_is_noticed_once),
		TEST(whatever_happens_to_the_file_is_told_at_once),
		TEST(without_being_told_the_file_is_read_all_the_same),
		TEST(what_is_no_list_names_nobody),
		TEST(a_line_of_a_port_is_a_colon_and_its_number),
		TEST(who_listens_on_a_port_is_wanted_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
