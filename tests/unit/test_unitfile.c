#include "rs_test.h"
#include "unitfile.h"

#include <string.h>

static void reads(struct unitfile *u, const char *text)
{
	unitfile_read(u, text);
}

static void preload_is_found_among_assignments(void **state)
{
	static const struct {
		const char *text, *preload;
	} cases[] = {
		{ "[Service]\nEnvironment=LD_PRELOAD=/a.so\n", "/a.so" },
		{ "[Service]\nEnvironment=\"LD_PRELOAD=/a.so /b.so\" X=1\n", "/a.so /b.so" },
		{ "[Service]\nEnvironment=X=1 'LD_PRELOAD=/a.so'\n", "/a.so" },
		{ "[Service]\n Environment = X=1 \\\n  LD_PRELOAD=/a.so:/%i.so\n", "/a.so:/%i.so" },
		{ "[Service]\nEnvironment=LD_PRELOAD=/a\nEnvironment=LD_PRELOAD=/b\n", "/b" },
		{ "[Service]\nEnvironment=LD_PRELOAD=/a\nEnvironment=\nEnvironment=X=1", "" },
		{ "[Service]\n#Environment=LD_PRELOAD=/a\n;Environment=LD_PRELOAD=/b\n", "" },
		{ "[Unit]\nEnvironment=LD_PRELOAD=/a.so\n[Service]\nEnvironment=X=LD_PRELOAD=/a",
		  "" },
		{ "[Service]\nEnvironments=LD_PRELOAD=/a\nLD_PRELOAD=/b\nEnvironment", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unitfile u = { .told = true };

		reads(&u, cases[i].text);
		if (strcmp(u.preload, cases[i].preload) != 0)
			fail_msg("%s: %s", cases[i].text, u.preload);
	}
}

static void later_files_win_and_say_so(void **state)
{
	struct unitfile u = { .told = true };

	(void)state;
	reads(&u, "[Service]\nEnvironment=LD_PRELOAD=/a.so\n");
	assert_true(u.told);
	reads(&u, "[Service]\nEnvironment=X=1\n");
	assert_false(u.told);
	assert_string_equal(u.preload, "/a.so");
	reads(&u, "[Service]\nEnvironment=\n");
	assert_true(u.told);
	assert_string_equal(u.preload, "");
}

static void other_settings_that_matter_are_noted(void **state)
{
	struct unitfile u = { .told = false };

	(void)state;
	reads(&u, "[Service]\nEnvironmentFile=-/etc/default/x\nEnvironmentFile=/etc/y\n"
		  "RootDirectory=/srv/x\nSystemCallFilter=@system-service\n");
	assert_string_equal(u.files, "/etc/default/x\n/etc/y\n");
	assert_true(u.rooted);
	assert_true(u.filtered);
	reads(&u, "[Service]\nEnvironmentFile=\nRootDirectory=/\nSystemCallFilter=\n");
	assert_string_equal(u.files, "");
	assert_false(u.rooted);
	assert_false(u.filtered);
}

static void an_environment_file_has_its_own_form(void **state)
{
	(void)state;
	assert_true(unitfile_environment("A=1\n LD_PRELOAD=/a.so\n"));
	assert_false(unitfile_environment("#LD_PRELOAD=/a.so\nXLD_PRELOAD=1\n"));
}

static void too_much_is_cut(void **state)
{
	static char text[3 * UNITFILE_VALUE];
	struct unitfile u = { .told = false };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "[Service]\nEnvironment=LD_PRELOAD=", 33);
	reads(&u, text);
	assert_true(strlen(u.preload) < UNITFILE_VALUE);
	for (int i = 0; i < 100; i++)
		reads(&u,
		      "[Service]\nEnvironmentFile=/a/rather/long/path/to/a/file/of/the/system\n");
	assert_true(strlen(u.files) < UNITFILE_VALUE);
}

static void quoting_keeps_a_path_what_it_is(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(unitfile_quote("/a%i/\"b\\", out, sizeof(out)), 11);
	assert_string_equal(out, "/a%%i/\\\"b\\\\");
	assert_int_equal(unitfile_quote("/a/very/long/path/that/has/no/room/here", out, 32), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preload_is_found_among_assignments),
		cmocka_unit_test(later_files_win_and_say_so),
		cmocka_unit_test(other_settings_that_matter_are_noted),
		cmocka_unit_test(an_environment_file_has_its_own_form),
		cmocka_unit_test(too_much_is_cut),
		cmocka_unit_test(quoting_keeps_a_path_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
