#include "rs_test.h"
#include "tree_fixture.h"
#include "unit.h"

#include <errno.h>

#define SYSTEM "/etc/systemd/system"
#define VENDOR "/usr/lib/systemd/system"

static struct tree tree;
static struct unit u;
static struct unit_error error;

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

static int opens(const char *name)
{
	return unit_open(&u, tree.root, name, &error);
}

static void nonsense_is_no_unit(void **state)
{
	static const char *const names[] = { "",           "a b",          "../x",
					     "x/y",        "-x",           ".x",
					     "@x",         "nginx.socket", "multi-user.target",
					     "caf\xc3\xa9" };
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(opens(names[i]), -EINVAL);
		assert_true(strlen(error.text) > 0);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[299] = '\0';
	assert_int_equal(opens(longest), -EINVAL);
	assert_int_equal(opens("nginx"), -ENOENT);
}

static void the_first_folder_counts_and_the_ending_is_added(void **state)
{
	(void)state;
	tree_put(&tree, VENDOR "/web.service", "[Service]\nEnvironment=LD_PRELOAD=/vendor.so\n");
	assert_int_equal(opens("web"), 0);
	assert_string_equal(u.name, "web.service");
	assert_string_equal(u.settings.preload, "/vendor.so");
	tree_put(&tree, SYSTEM "/web.service", "[Service]\nEnvironment=LD_PRELOAD=/own.so\n");
	assert_int_equal(opens("web.service"), 0);
	assert_string_equal(u.settings.preload, "/own.so");
}

static void an_instance_has_the_file_of_its_template(void **state)
{
	(void)state;
	tree_put(&tree, VENDOR "/app@.service", "[Service]\nEnvironment=LD_PRELOAD=/t.so\n");
	tree_put(&tree, VENDOR "/app@.service.d/10-x.conf",
		 "[Service]\nEnvironment=LD_PRELOAD=/d.so\n");
	assert_int_equal(opens("app@one"), 0);
	assert_string_equal(u.settings.preload, "/d.so");
	assert_int_equal(opens("app@"), 0);
	assert_int_equal(opens("other@one"), -ENOENT);
}

static void dropins_are_read_in_the_order_of_their_names(void **state)
{
	(void)state;
	tree_put(&tree, VENDOR "/web.service", "[Service]\nEnvironment=LD_PRELOAD=/a.so\n");
	tree_put(&tree, SYSTEM "/web.service.d/10-x.conf",
		 "[Service]\nEnvironment=LD_PRELOAD=/10.so\n");
	tree_put(&tree, VENDOR "/web.service.d/20-x.conf",
		 "[Service]\nEnvironment=LD_PRELOAD=/20.so\n");
	tree_put(&tree, SYSTEM "/web.service.d/" UNIT_DROPIN,
		 "[Service]\nEnvironment=LD_PRELOAD=/ours.so\n");
	tree_put(&tree, SYSTEM "/web.service.d/notes.txt",
		 "[Service]\nEnvironment=LD_PRELOAD=/no.so\n");
	assert_int_equal(opens("web"), 0);
	assert_string_equal(u.settings.preload, "/20.so");
	assert_string_equal(u.override, "");
	/* of the same name, the one in /etc hides the other */
	tree_put(&tree, SYSTEM "/web.service.d/20-x.conf", "[Service]\nEnvironment=X=1\n");
	assert_int_equal(opens("web"), 0);
	assert_string_equal(u.settings.preload, "/10.so");
}

static void what_comes_behind_ours_overrides_it(void **state)
{
	(void)state;
	tree_put(&tree, VENDOR "/web.service", "[Service]\nEnvironmentFile=-/etc/default/web\n");
	tree_put(&tree, SYSTEM "/web.service.d/90-x.conf",
		 "[Service]\nEnvironment=LD_PRELOAD=/90.so\n");
	assert_int_equal(opens("web"), 0);
	assert_string_equal(u.settings.preload, "");
	assert_non_null(strstr(u.override, "90-x.conf"));
	tree_remove(&tree, SYSTEM "/web.service.d");
	assert_int_equal(opens("web"), 0);
	assert_string_equal(u.override, "");
	tree_put(&tree, "/etc/default/web", "LD_PRELOAD=/x.so\n");
	assert_int_equal(opens("web"), 0);
	assert_non_null(strstr(u.override, "/etc/default/web"));
}

static void masked_units_and_scripts_are_known(void **state)
{
	char path[128];

	(void)state;
	tree_put(&tree, SYSTEM "/x", "");
	snprintf(path, sizeof(path), "%s" SYSTEM "/gone.service", tree.root);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(opens("gone"), -EPERM);
	tree_put(&tree, "/etc/init.d/old", "#!/bin/sh\n");
	assert_int_equal(opens("old"), -ENOENT);
	snprintf(path, sizeof(path), "%s/etc/init.d/old", tree.root);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(opens("old"), 0);
}

static void the_dropin_keeps_what_the_unit_preloads(void **state)
{
	struct unit_dropin d = { .library = "/l/libringside.so" };
	char path[UNIT_PATH], *text;

	(void)state;
	tree_put(&tree, VENDOR "/web.service",
		 "[Service]\nEnvironment=\"LD_PRELOAD=/a.so /%i.so\"\n");
	assert_int_equal(opens("web"), 0);
	text = unit_dropin_text(&u, &d);
	assert_non_null(strstr(text, "\n[Service]\nEnvironment=\"LD_PRELOAD=/l/libringside.so:"
				     "/a.so:/%i.so\"\n"));
	assert_true(unit_dropin_ours(text));
	free(text);
	d = (struct unit_dropin){ "/100%/libringside.so", "/run/x", "sh\"op" };
	text = unit_dropin_text(&u, &d);
	assert_non_null(strstr(text, "\"LD_PRELOAD=/100%%/libringside.so:/a.so"));
	assert_non_null(strstr(text, "\nEnvironment=\"RINGSIDE_RUN_DIR=/run/x\"\n"
				     "Environment=\"RINGSIDE_SERVICE=sh\\\"op\"\n"));
	assert_true(unit_dropin_ours(text));
	free(text);
	unit_dropin_path(&u, "/r", path);
	assert_string_equal(path, "/r" SYSTEM "/web.service.d/" UNIT_DROPIN);
}

static void a_file_that_was_edited_is_not_ours(void **state)
{
	const struct unit_dropin d = { .library = "/l/libringside.so" };
	char edited[512], *text;

	(void)state;
	tree_put(&tree, VENDOR "/web.service", "");
	assert_int_equal(opens("web"), 0);
	text = unit_dropin_text(&u, &d);
	snprintf(edited, sizeof(edited), "%sNice=5\n", text);
	assert_false(unit_dropin_ours(edited));
	snprintf(edited, sizeof(edited), "%s[Service]", text);
	assert_false(unit_dropin_ours(edited));
	assert_false(unit_dropin_ours("[Service]\nEnvironment=\"LD_PRELOAD=/l/libringside.so\"\n"));
	assert_false(unit_dropin_ours(""));
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nonsense_is_no_unit),
		TEST(the_first_folder_counts_and_the_ending_is_added),
		TEST(an_instance_has_the_file_of_its_template),
		TEST(dropins_are_read_in_the_order_of_their_names),
		TEST(what_comes_behind_ours_overrides_it),
		TEST(masked_units_and_scripts_are_known),
		TEST(the_dropin_keeps_what_the_unit_preloads),
		TEST(a_file_that_was_edited_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
