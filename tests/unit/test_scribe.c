#include "scribe.h"

#include "stalled_disk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static char folder[32];
static struct scribe *s;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_scribe_XXXXXX");
	return mkdtemp(folder) ? scribe_open(&s, folder) : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	scribe_close(s);
	scribe_close(NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static int give(const char *file, enum scribe_how how, const char *text)
{
	const struct scribe_page page = {
		.file = file, .how = how, .bytes = strdup(text), .length = strlen(text)
	};

	return scribe_give(s, &page);
}

static void holds(const char *file, const char *text)
{
	char path[128], bytes[8192];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes) - 1, f);
	fclose(f);
	bytes[n] = '\0';
	assert_string_equal(bytes, text);
}

static void each_way_of_writing_does_what_it_says(void **state)
{
	(void)state;
	assert_int_equal(give("a", SCRIBE_WHOLE, "one\n"), 0);
	assert_int_equal(give("a", SCRIBE_APPEND, "two\n"), 0);
	assert_int_equal(give("a", SCRIBE_SYNC, ""), 0);
	holds("a", "one\ntwo\n");
	assert_int_equal(give("a", SCRIBE_WHOLE, "three\n"), 0);
	assert_int_equal(give("a", SCRIBE_APPEND, "four\n"), 0);
	holds("a", "three\nfour\n");
	assert_int_equal(give("b", SCRIBE_OVER, "12345678"), 0);
	assert_int_equal(give("b", SCRIBE_OVER, "abcd"), 0);
	holds("b", "abcd5678");
	assert_int_equal(scribe_error(s, "a"), 0);
	assert_int_equal(scribe_error(s, "b"), 0);
	assert_int_equal(scribe_given(s), 7);
	assert_true(scribe_wrote(s, 7));
	assert_false(scribe_wrote(s, 8));
}

static void its_thread_writes_all_in_order_before_it_ends(void **state)
{
	char all[8192] = "", line[16];

	(void)state;
	assert_int_equal(scribe_run(s), 0);
	assert_int_equal(give("a", SCRIBE_WHOLE, ""), 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "%d\n", i);
		strcat(all, line);
		assert_int_equal(give("a", SCRIBE_APPEND, line), 0);
	}
	scribe_close(s);
	holds("a", all);
	assert_int_equal(scribe_open(&s, folder), 0);
}

static void a_disk_that_stalls_holds_up_nobody_who_gives(void **state)
{
	struct pollfd more = { .fd = scribe_fd(s), .events = POLLIN };
	uint64_t number;

	(void)state;
	assert_int_equal(scribe_run(s), 0);
	disk_stalls(s);
	assert_int_equal(give("a", SCRIBE_WHOLE, "one"), 0);
	number = scribe_given(s);
	assert_int_equal(give("a", SCRIBE_APPEND, " two"), 0);
	assert_false(scribe_wait(s, number, 100));
	assert_int_equal(poll(&more, 1, 0), 0);
	disk_goes_on(s);
	assert_int_equal(poll(&more, 1, 0), 1);
	scribe_clear(s);
	assert_int_equal(poll(&more, 1, 0), 0);
	assert_true(scribe_wrote(s, number));
	assert_int_equal(scribe_error(s, "a"), 0);
	holds("a", "one two");
}

static void what_waits_is_bounded(void **state)
{
	struct scribe_page page = { .file = "a", .how = SCRIBE_WHOLE, .length = SCRIBE_BYTES };

	(void)state;
	assert_int_equal(scribe_run(s), 0);
	disk_stalls(s);
	assert_int_equal(give("a", SCRIBE_WHOLE, "one"), 0);
	page.bytes = malloc(page.length); /* never touched */
	assert_int_equal(scribe_give(s, &page), -ENOBUFS);
	assert_int_equal(give("a", SCRIBE_APPEND, " two"), 0);
	disk_goes_on(s);
	holds("a", "one two");
}

static void what_the_disk_refuses_is_told_by_file(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/a.next", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(give("a", SCRIBE_WHOLE, "one"), 0);
	assert_int_equal(scribe_error(s, "a"), -EISDIR);
	assert_true(scribe_wrote(s, 1));
	assert_int_equal(give("b", SCRIBE_WHOLE, "one"), 0);
	assert_int_equal(scribe_error(s, "b"), 0);
	rmdir(path);
	assert_int_equal(give("a", SCRIBE_WHOLE, "two"), 0);
	assert_int_equal(scribe_error(s, "a"), 0);
	holds("a", "two");
}

static void behind_what_was_cut_short_nothing_is_appended(void **state)
{
	struct rlimit before, few = { 6, 0 };

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(give("a", SCRIBE_WHOLE, "one\n"), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(give("a", SCRIBE_APPEND, "two\n"), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(scribe_error(s, "a"), -EFBIG);
	assert_int_equal(give("a", SCRIBE_APPEND, "three\n"), 0);
	assert_int_equal(give("a", SCRIBE_SYNC, ""), 0);
	assert_int_equal(scribe_error(s, "a"), -EFBIG);
	holds("a", "one\ntw");
	assert_int_equal(give("a", SCRIBE_WHOLE, "all\n"), 0);
	assert_int_equal(give("a", SCRIBE_APPEND, "more\n"), 0);
	assert_int_equal(scribe_error(s, "a"), 0);
	holds("a", "all\nmore\n");
}

static void more_files_than_it_has_room_for_are_refused(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

	(void)state;
	for (int i = 0; i < SCRIBE_FILES; i++)
		assert_int_equal(give(names[i], SCRIBE_OVER, "x"), 0);
	assert_int_equal(give("i", SCRIBE_OVER, "x"), -ENOSPC);
	assert_int_equal(give("h", SCRIBE_OVER, "x"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_way_of_writing_does_what_it_says),
		TEST(its_thread_writes_all_in_order_before_it_ends),
		TEST(a_disk_that_stalls_holds_up_nobody_who_gives),
		TEST(what_waits_is_bounded),
		TEST(what_the_disk_refuses_is_told_by_file),
		TEST(behind_what_was_cut_short_nothing_is_appended),
		TEST(more_files_than_it_has_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
