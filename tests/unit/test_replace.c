#include "replace.h"
#include "rs_test.h"
#include "tree_fixture.h"

#include <errno.h>
#include <stdbool.h>

static struct tree tree;
static char path[128];

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/a/b/file", tree.root);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static void holds(const char *text)
{
	char *found;

	assert_int_equal(replace_read(path, &found), 0);
	assert_string_equal(found, text);
	free(found);
}

static void a_new_file_comes_with_its_folders(void **state)
{
	struct stat s;
	char *found;

	(void)state;
	assert_int_equal(replace_read(path, &found), 0);
	assert_null(found);
	assert_int_equal(replace_file(path, "one\n"), 0);
	holds("one\n");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0644);
}

static void an_old_file_keeps_its_mode_and_leaves_nothing_beside_it(void **state)
{
	char folder[128];
	struct stat s;

	(void)state;
	tree_put(&tree, "/a/b/file", "old");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(replace_file(path, ""), 0);
	holds("");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0600);
	assert_int_equal(unlink(path), 0);
	snprintf(folder, sizeof(folder), "%s/a/b", tree.root);
	assert_int_equal(rmdir(folder), 0); /* it was empty */
}

static void a_link_stays_and_the_file_behind_it_is_replaced(void **state)
{
	char link[128];
	struct stat s;

	(void)state;
	tree_put(&tree, "/a/b/file", "old");
	snprintf(link, sizeof(link), "%s/link", tree.root);
	assert_int_equal(symlink("a/b/file", link), 0);
	assert_int_equal(replace_file(link, "new"), 0);
	holds("new");
	assert_int_equal(lstat(link, &s), 0);
	assert_true(S_ISLNK(s.st_mode));
}

static void what_fails_leaves_the_old_file(void **state)
{
	char *found;

	(void)state;
	tree_put(&tree, "/a/b", "no folder");
	assert_int_equal(replace_file(path, "x"), -ENOTDIR);
	assert_int_equal(replace_read(path, &found), 0);
	assert_null(found);
	snprintf(path, sizeof(path), "%s/a", tree.root);
	assert_int_equal(replace_file(path, "x"), -EISDIR);
	assert_int_equal(replace_read(path, &found), -EINVAL);
}

static void a_pipe_and_a_huge_file_are_not_read(void **state)
{
	char *found;

	(void)state;
	tree_put(&tree, "/a/b/x", "");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(replace_read(path, &found), -EINVAL);
	unlink(path);
	tree_put(&tree, "/a/b/file", "");
	assert_int_equal(truncate(path, REPLACE_READ_MAX + 1), 0);
	assert_int_equal(replace_read(path, &found), -EFBIG);
}

static void removing_takes_the_empty_folder_along(void **state)
{
	struct stat s;

	(void)state;
	tree_put(&tree, "/a/b/file", "");
	tree_put(&tree, "/a/other", "");
	assert_int_equal(replace_remove(path), 0);
	assert_int_equal(replace_remove(path), 0);
	snprintf(path, sizeof(path), "%s/a/b", tree.root);
	assert_int_equal(stat(path, &s), -1);
	snprintf(path, sizeof(path), "%s/a", tree.root);
	assert_int_equal(stat(path, &s), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_file_comes_with_its_folders),
		TEST(an_old_file_keeps_its_mode_and_leaves_nothing_beside_it),
		TEST(a_link_stays_and_the_file_behind_it_is_replaced),
		TEST(what_fails_leaves_the_old_file),
		TEST(a_pipe_and_a_huge_file_are_not_read),
		TEST(removing_takes_the_empty_folder_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
