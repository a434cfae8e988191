#include "placed.h"
#include "rs_test.h"
#include "tree_fixture.h"

#include <errno.h>

static struct tree tree;

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

/* This program stands in for the library: what matters is that it is of this machine. */
static void put_library(const char *path)
{
	char name[256], bytes[4096];
	FILE *from = fopen("/proc/self/exe", "r"), *to;
	size_t n;

	tree_put(&tree, path, "");
	snprintf(name, sizeof(name), "%s%s", tree.root, path);
	to = fopen(name, "w");
	assert_true(from && to);
	n = fread(bytes, 1, sizeof(bytes), from);
	assert_int_equal(fwrite(bytes, 1, n, to), n);
	fclose(from);
	fclose(to);
}

static void the_library_is_told_as_seen_from_within(void **state)
{
	struct preload_error error;
	char out[PRELOAD_PATH];

	(void)state;
	assert_int_equal(placed_find(tree.root, NULL, out, &error), -ENOENT);
	assert_non_null(strstr(error.text, "--shim"));
	put_library("/usr/lib/libringside.so");
	assert_int_equal(placed_find(tree.root, NULL, out, &error), 0);
	assert_string_equal(out, "/usr/lib/libringside.so");
	put_library("/opt/x/libringside.so");
	assert_int_equal(placed_find(tree.root, "/opt/x/libringside.so", out, &error), 0);
	assert_string_equal(out, "/opt/x/libringside.so");
	assert_true(placed_find(tree.root, "/opt/y/libringside.so", out, &error) < 0);
}

static void a_link_that_leads_out_is_refused(void **state)
{
	struct preload_error error;
	char out[PRELOAD_PATH], link[128], outside[128];
	struct tree other;

	(void)state;
	put_library("/usr/lib/libringside.so");
	tree_make(&other);
	tree_put(&other, "/usr/lib/x", "");
	snprintf(link, sizeof(link), "%s/usr/lib/libringside.so", other.root);
	snprintf(outside, sizeof(outside), "%s/usr/lib/libringside.so", tree.root);
	assert_int_equal(symlink(outside, link), 0);
	assert_int_equal(placed_find(other.root, NULL, out, &error), -EXDEV);
	tree_remove(&other, "");
}

static void a_root_is_a_folder(void **state)
{
	char out[PRELOAD_PATH], given[128];

	(void)state;
	assert_int_equal(placed_root(NULL, out), 0);
	assert_string_equal(out, "");
	assert_int_equal(placed_root("/", out), 0);
	assert_string_equal(out, "");
	snprintf(given, sizeof(given), "%s/./", tree.root);
	assert_int_equal(placed_root(given, out), 0);
	assert_string_equal(out, tree.root);
	assert_int_equal(placed_root("/nonexistent", out), -ENOENT);
	assert_int_equal(placed_root("/proc/self/exe", out), -ENOTDIR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_library_is_told_as_seen_from_within),
		TEST(a_link_that_leads_out_is_refused),
		TEST(a_root_is_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
