#include "list.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rs_list_XXXXXX";
static char path[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/off", mkdtemp(folder));
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void file_holds(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void a_pattern_fits_the_whole_name(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
		{ "nginx", "nginx", true },
		{ "nginx", "nginx2", false },
		{ "nginx", "ngin", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "?", "", false },
		{ "n?inx", "nginx", true },
		{ "n*x", "nginx", true },
		{ "n*x", "nginy", false },
		{ "*a*b*", "xaxxbx", true },
		{ "*ab", "aab", true },
		{ "*ab*ab", "abab", true },
		{ "*ab*ab", "aab", false },
		{ "/usr/*/node*", "/usr/local/bin/node18", true },
		{ "/usr/*/node", "/bin/node", false },
		{ "my shop", "my%20shop", true }, /* as it is, and as it is shown */
		{ "my%20shop", "my%20shop", true },
		{ "my shop", "my%20", false },
		{ "my shop", "my%2", false },
		{ "my shop", "my%21shop", false },
		{ "*\xc3\xa4", "a%20%C3%A4", true },
		{ "a%", "a%", true },
		{ "a!", "a%21", false }, /* this one is never written so */
		{ "", "", true },
		{ "", "x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (rs_list_fits(cases[i].pattern, strlen(cases[i].pattern), cases[i].text) !=
		    cases[i].fits)
			fail_msg("%s of %s", cases[i].text, cases[i].pattern);
}

static void a_hostile_pattern_ends_in_time(void **state)
{
	static const char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	char text[1001];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[1000] = '\0';
	assert_false(rs_list_fits(pattern, sizeof(pattern) - 1, text));
}

static void lines_are_services_or_executables(void **state)
{
	static const char text[] = "# shop\n\n  bank \n/usr/sbin/ngin?\r\n*/bin/x";

	(void)state;
	assert_true(rs_list_names(text, sizeof(text) - 1, "bank", ""));
	assert_false(rs_list_names(text, sizeof(text) - 1, "shop", "/bank"));
	assert_true(rs_list_names(text, sizeof(text) - 1, "", "/usr/sbin/nginx"));
	assert_true(rs_list_names(text, sizeof(text) - 1, "shop", "/opt/bin/x"));
	assert_true(rs_list_names(text, sizeof(text) - 1, "/srv/bin/x", "")); /* a script's name */
	assert_false(rs_list_names("bank", 4, "", "bank"));
	assert_false(rs_list_names(text, sizeof(text) - 1, "", ""));
	assert_false(rs_list_names("", 0, "bank", "/x"));
}

static void only_a_file_that_is_not_there_is_none(void **state)
{
	struct list l;

	(void)state;
	unlink(path);
	assert_int_equal(list_read(&l, path), -ENOENT);
	file_holds("bank\n");
	assert_int_equal(list_read(&l, path), 0);
	assert_true(list_silences(&l, "bank", ""));
	assert_false(list_silences(&l, "shop", ""));
	file_holds("# all\n");
	assert_int_equal(list_read(&l, path), 0);
	assert_false(l.odd);
	assert_true(list_silences(&l, "shop", ""));
}

static void what_is_no_list_silences_all(void **state)
{
	char text[RS_LIST_BYTES + 2];
	struct list l;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[RS_LIST_BYTES] = '\0';
	file_holds(text);
	assert_int_equal(list_read(&l, path), 0);
	assert_false(list_silences(&l, "shop", ""));
	text[RS_LIST_BYTES] = 'x';
	text[RS_LIST_BYTES + 1] = '\0';
	file_holds(text);
	assert_int_equal(list_read(&l, path), 0);
	assert_true(list_silences(&l, "shop", ""));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(list_read(&l, path), 0);
	assert_true(list_silences(&l, "shop", ""));
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_fits_the_whole_name),
		cmocka_unit_test(a_hostile_pattern_ends_in_time),
		cmocka_unit_test(lines_are_services_or_executables),
		cmocka_unit_test(only_a_file_that_is_not_there_is_none),
		cmocka_unit_test(what_is_no_list_silences_all),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
