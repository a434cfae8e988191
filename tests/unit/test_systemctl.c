#include "rs_test.h"
#include "systemctl.h"
#include "tree_fixture.h"

#include <errno.h>

static struct tree tree;
static char path[128];

static int setup(void **state)
{
	(void)state;
	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/systemctl", tree.root);
	return setenv("PATH", tree.root, 1);
}

static int teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

/* A systemctl that notes its words and gives this exit code. */
static void put_systemctl(int code)
{
	char text[256];

	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$*\" >> %s/said\nexit %d\n", tree.root,
		 code);
	tree_put(&tree, "/systemctl", text);
	assert_int_equal(chmod(path, 0755), 0);
}

static void it_is_asked_to_reload_and_to_restart_what_runs(void **state)
{
	char said[128] = "";
	FILE *file;

	(void)state;
	put_systemctl(0);
	assert_int_equal(systemctl_reload(), 0);
	assert_int_equal(systemctl_restart("web.service"), 0);
	snprintf(path, sizeof(path), "%s/said", tree.root);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(said, 1, sizeof(said) - 1, file) > 0);
	fclose(file);
	assert_string_equal(said, "daemon-reload\ntry-restart web.service\n");
}

static void its_failure_is_ours(void **state)
{
	(void)state;
	put_systemctl(1);
	assert_int_equal(systemctl_reload(), -EREMOTEIO);
}

static void where_there_is_none_it_is_missing(void **state)
{
	(void)state;
	assert_int_equal(systemctl_reload(), -ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_asked_to_reload_and_to_restart_what_runs),
		TEST(its_failure_is_ours),
		TEST(where_there_is_none_it_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
