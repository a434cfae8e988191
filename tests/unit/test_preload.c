#include "preload.h"
#include "rs_test.h"
#include "tree_fixture.h"

#include <errno.h>

#define TEST_BYTES 8192

static struct tree tree;

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

/* A real program stands in for the library: what matters here is that it is of this machine. */
static void test_put_library(const char *path)
{
	char bytes[TEST_BYTES], name[512];
	FILE *from = fopen("/proc/self/exe", "r");
	FILE *to;
	size_t n;

	assert_non_null(from);
	n = fread(bytes, 1, sizeof(bytes), from);
	fclose(from);
	tree_put(&tree, path, "");
	snprintf(name, sizeof(name), "%s%s", tree.root, path);
	to = fopen(name, "w");
	assert_non_null(to);
	assert_int_equal(fwrite(bytes, 1, n, to), n);
	fclose(to);
}

static void test_joined(const char *rest, const char *expected)
{
	char *joined = preload_join("/x/libringside.so", rest);

	assert_non_null(joined);
	assert_string_equal(joined, expected);
	free(joined);
}

static void library_goes_first_and_the_rest_is_kept(void **state)
{
	(void)state;
	test_joined(NULL, "/x/libringside.so");
	test_joined("", "/x/libringside.so");
	test_joined("/a.so", "/x/libringside.so:/a.so");
	test_joined("/a.so /b.so:c.so", "/x/libringside.so:/a.so:/b.so:c.so");
	test_joined(" :: /a.so :", "/x/libringside.so:/a.so");
}

static void other_copies_of_it_are_left_out(void **state)
{
	(void)state;
	test_joined("/x/libringside.so", "/x/libringside.so");
	test_joined("/a.so:/x/libringside.so:/old/libringside.so.1 b.so",
		    "/x/libringside.so:/a.so:b.so");
	test_joined("/y/libringside.d/a.so", "/x/libringside.so:/y/libringside.d/a.so");
}

static void build_tree_comes_before_an_installation(void **state)
{
	char program[512], out[PRELOAD_PATH], expected[512];
	struct preload_error error;

	(void)state;
	test_put_library("/lib/libringside.so");
	tree_put(&tree, "/bin/ringside", "");
	snprintf(program, sizeof(program), "%s/bin/ringside", tree.root);
	assert_int_equal(preload_find(NULL, program, out, &error), 0);
	snprintf(expected, sizeof(expected), "%s/lib/libringside.so", tree.root);
	assert_string_equal(out, expected);

	test_put_library("/shim/libringside.so");
	tree_put(&tree, "/tools/ringside/ringside", "");
	test_put_library("/tools/lib/libringside.so");
	snprintf(program, sizeof(program), "%s/tools/ringside/ringside", tree.root);
	assert_int_equal(preload_find(NULL, program, out, &error), 0);
	snprintf(expected, sizeof(expected), "%s/shim/libringside.so", tree.root);
	assert_string_equal(out, expected);
}

static int test_named(const char *path, struct preload_error *error)
{
	char name[512], out[PRELOAD_PATH];

	snprintf(name, sizeof(name), "%s%s", tree.root, path);
	return preload_find(name, "/bin/ringside", out, error);
}

static void named_library_is_taken_or_refused_with_the_reason(void **state)
{
	struct preload_error error;

	(void)state;
	test_put_library("/named/libringside.so");
	assert_int_equal(test_named("/named/libringside.so", &error), 0);
	assert_int_equal(test_named("/named/absent.so", &error), -ENOENT);
	assert_non_null(strstr(error.text, "absent.so: No such file"));
	test_put_library("/named/other.so");
	assert_int_equal(test_named("/named/other.so", &error), -EINVAL);
	assert_non_null(strstr(error.text, "is not named libringside.so"));
	test_put_library("/with blank/libringside.so");
	assert_int_equal(test_named("/with blank/libringside.so", &error), -EINVAL);
	assert_non_null(strstr(error.text, "blank or a colon"));
	tree_put(&tree, "/text/libringside.so", "no library\n");
	assert_int_equal(test_named("/text/libringside.so", &error), -EINVAL);
	assert_non_null(strstr(error.text, "neither a program nor a script"));
	assert_int_equal(test_named("/named", &error), -EINVAL);
	assert_non_null(strstr(error.text, "is not a file"));
}

static void symlink_is_followed_as_the_maps_will_show_it(void **state)
{
	char link[512], target[512], out[PRELOAD_PATH];
	struct preload_error error;

	(void)state;
	test_put_library("/real/libringside.so.0.1");
	snprintf(target, sizeof(target), "%s/real/libringside.so.0.1", tree.root);
	snprintf(link, sizeof(link), "%s/real/link.so", tree.root);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(preload_find(link, "/bin/ringside", out, &error), 0);
	assert_string_equal(out, target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library_goes_first_and_the_rest_is_kept),
		cmocka_unit_test(other_copies_of_it_are_left_out),
		cmocka_unit_test(build_tree_comes_before_an_installation),
		cmocka_unit_test(named_library_is_taken_or_refused_with_the_reason),
		cmocka_unit_test(symlink_is_followed_as_the_maps_will_show_it),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
