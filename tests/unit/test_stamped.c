#include "rs_test.h"
#include "stamped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "x.state"

static char folder[32], path[64], other[64], bytes[256], why[STAMPED_WHY];
static struct scribe *scribe;
static struct stamped file;
static size_t length;

static int setup(void **state)
{
	char text[] = "all of it\n";
	const struct scribe_page page = {
		.file = NAME, .how = SCRIBE_WHOLE, .bytes = text, .length = 10
	};
	FILE *f;

	(void)state;
	strcpy(folder, "/tmp/rs_stamped_XXXXXX");
	if (!mkdtemp(folder) || scribe_open(&scribe, folder) || stamped_give(scribe, &page))
		return -1;
	snprintf(path, sizeof(path), "%s/" NAME, folder);
	snprintf(other, sizeof(other), "%s/y.state", folder);
	f = fopen(path, "r");
	if (!f)
		return -1;
	length = fread(bytes, 1, sizeof(bytes), f);
	return fclose(f);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	scribe_close(scribe);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void put(const char *to, size_t count)
{
	FILE *f = fopen(to, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, count, f), count);
	assert_int_equal(fclose(f), 0);
}

static void is_refused(const char *because)
{
	assert_int_equal(stamped_read(scribe, NAME, &file, why), -EBADMSG);
	assert_null(file.file);
	if (!strstr(why, because))
		fail_msg("no '%s' in '%s'", because, why);
}

static void what_was_given_comes_back(void **state)
{
	(void)state;
	assert_int_equal(stamped_read(scribe, NAME, &file, why), 0);
	assert_int_equal(file.length, 10);
	assert_string_equal(file.body, "all of it\n");
	stamped_free(&file);
	stamped_free(&file);
}

static void one_that_is_not_there_is_no_fault(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(stamped_read(scribe, NAME, &file, why), -ENOENT);
	stamped_free(&file);
}

static void a_cut_is_known_with_its_place(void **state)
{
	char place[64];
	size_t head = length - 10;

	(void)state;
	for (size_t cut = 0; cut < length; cut++) {
		put(path, cut);
		snprintf(place, sizeof(place), "cut off at byte %zu of %zu", cut, length);
		is_refused(cut < head ? "byte 0 begins no such file" : place);
	}
}

static void a_change_of_any_byte_is_known(void **state)
{
	(void)state;
	for (size_t at = 0; at < length; at++) {
		bytes[at] ^= 4;
		put(path, length);
		is_refused("byte ");
		bytes[at] ^= 4;
	}
	bytes[length - 1] ^= 1;
	put(path, length);
	is_refused("from byte 39 on it is not what was written");
	bytes[length - 1] ^= 1;
	bytes[length] = '\n'; /* more than was written */
	put(path, length + 1);
	is_refused("from byte 39 on");
}

static void a_file_of_another_name_is_not_taken_for_it(void **state)
{
	(void)state;
	put(other, length);
	assert_int_equal(stamped_read(scribe, "y.state", &file, why), -EBADMSG);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	is_refused("no file of 64 MiB at most");
	rmdir(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(stamped_read(scribe, NAME, &file, why), -ELOOP);
	assert_string_equal(why, strerrordesc_np(ELOOP));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_given_comes_back),
		TEST(one_that_is_not_there_is_no_fault),
		TEST(a_cut_is_known_with_its_place),
		TEST(a_change_of_any_byte_is_known),
		TEST(a_file_of_another_name_is_not_taken_for_it),
		TEST(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
