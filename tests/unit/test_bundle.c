#include "bundle.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_bundle_XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void file_holds(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct bundle made(void)
{
	struct bundle b;
	int fd;

	assert_int_equal(bundle_make(folder, &fd), 0);
	assert_int_equal(bundle_open(&b, fd), 0);
	close(fd);
	return b;
}

static void the_files_of_a_folder_come_by_name(void **state)
{
	struct bundle_file file;
	struct bundle b;

	(void)state;
	file_holds("b.json", "[1]\n");
	file_holds("a.json", "");
	file_holds("c.txt", "no");
	file_holds(".d.json", "no");
	b = made();
	assert_true(bundle_next(&b, &file));
	assert_non_null(strstr(file.name, "/a.json"));
	assert_int_equal(file.length + (size_t)file.error, 0);
	assert_true(bundle_next(&b, &file));
	assert_int_equal(file.length, 4);
	assert_memory_equal(file.bytes, "[1]\n", 4);
	assert_false(bundle_next(&b, &file));
	bundle_close(&b);
}

static void a_folder_that_is_not_there_has_no_files(void **state)
{
	struct bundle_file file;
	struct bundle b;

	(void)state;
	rmdir(folder);
	b = made();
	assert_false(bundle_next(&b, &file));
	bundle_close(&b);
	assert_true(bundle_mark(folder) != 0);
}

static void what_cannot_be_read_is_there_with_its_error(void **state)
{
	struct bundle_file file;
	struct bundle b;
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/a.json", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/b.json", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/c.json", folder);
	assert_int_equal(symlink("nowhere", path), 0);
	b = made();
	assert_true(bundle_next(&b, &file));
	assert_int_equal(file.error, -EISDIR);
	assert_true(bundle_next(&b, &file));
	assert_int_equal(file.error, -EINVAL);
	assert_true(bundle_next(&b, &file));
	assert_int_equal(file.error, -ENOENT);
	assert_false(bundle_next(&b, &file));
	bundle_close(&b);
}

static void a_file_that_is_too_long_is_refused(void **state)
{
	struct bundle_file file;
	struct bundle b;
	char path[64];

	(void)state;
	file_holds("a.json", "");
	snprintf(path, sizeof(path), "%s/a.json", folder);
	assert_int_equal(truncate(path, BUNDLE_FILE_BYTES + 1), 0);
	b = made();
	assert_true(bundle_next(&b, &file));
	assert_int_equal(file.error, -EFBIG);
	bundle_close(&b);
}

static void too_many_files_are_told(void **state)
{
	struct bundle_file file;
	struct bundle b;
	char name[16];
	unsigned int count = 0, refused = 0;

	(void)state;
	for (unsigned int i = 0; i < BUNDLE_FILES + 2; i++) {
		snprintf(name, sizeof(name), "%03u.json", i);
		file_holds(name, "[]");
	}
	b = made();
	while (bundle_next(&b, &file)) {
		count++;
		refused += file.error == -E2BIG;
	}
	assert_int_equal(count, BUNDLE_FILES + 1);
	assert_int_equal(refused, 1);
	bundle_close(&b);
}

static void a_change_of_any_file_is_marked(void **state)
{
	uint64_t empty = bundle_mark(folder), one, two;

	(void)state;
	file_holds("a.json", "[]");
	one = bundle_mark(folder);
	assert_int_equal(one, bundle_mark(folder));
	assert_int_not_equal(one, empty);
	file_holds("a.json", "[ ]");
	two = bundle_mark(folder);
	assert_int_not_equal(two, one);
	file_holds("b.txt", "");
	assert_int_equal(bundle_mark(folder), two);
}

static void a_bundle_that_was_cut_off_says_so(void **state)
{
	static const char *const cut[] = { "0 10 a\nshort", "0 5", "garbage\n",
					   "0 99999999999 a\nb" };
	struct bundle_file file;

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		struct bundle b = { .bytes = strdup(cut[i]), .length = strlen(cut[i]) };

		assert_true(bundle_next(&b, &file));
		assert_int_equal(file.error, -EBADMSG);
		assert_false(bundle_next(&b, &file));
		bundle_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_files_of_a_folder_come_by_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_has_no_files, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_there_with_its_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_too_long_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_many_files_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_of_any_file_is_marked, setup, teardown),
		cmocka_unit_test(a_bundle_that_was_cut_off_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
