#include "core.h"
#include "refuse.h"
#include "rs_test.h"

#include <ringside/list.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/ringside-refuse-XXXXXX";
static char off[64];
static char exe[512];

static int folder_make(void **state)
{
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	(void)state;
	snprintf(off, sizeof(off), "%s/off", mkdtemp(folder));
	return n > 0 ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(off);
	return rmdir(folder);
}

static void off_holds(const char *text)
{
	FILE *file = fopen(off, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void without_a_file_nothing_is_refused(void **state)
{
	(void)state;
	unlink(off);
	assert_false(refuse_off(folder, "shop"));
	assert_false(refuse_off(folder, ""));
	assert_false(refuse_off("/nonexistent", "shop"));
	assert_false(refuse_off(off, "shop")); /* no folder */
}

static void a_file_without_a_line_refuses_all(void **state)
{
	(void)state;
	off_holds("");
	assert_true(refuse_off(folder, "shop"));
	off_holds("# nobody\n\n \t\n");
	assert_true(refuse_off(folder, ""));
}

static void a_list_refuses_those_that_it_names(void **state)
{
	(void)state;
	off_holds("# these\nbank\n  sh?p\t\n");
	assert_true(refuse_off(folder, "shop"));
	assert_true(refuse_off(folder, "bank"));
	assert_false(refuse_off(folder, "bankers"));
	assert_false(refuse_off(folder, "other"));
}

static void an_executable_is_named_by_its_path_and_else_by_its_last_part(void **state)
{
	char line[600];

	(void)state;
	off_holds("*/shim_refuse\n");
	assert_true(refuse_off(folder, "shop"));
	snprintf(line, sizeof(line), "%s\n", exe);
	off_holds(line);
	assert_true(refuse_off(folder, ""));
	off_holds("*/shim_refus\n");
	assert_false(refuse_off(folder, ""));
	off_holds("shim_refuse\n"); /* a service's name: not of one that claims another */
	assert_false(refuse_off(folder, "shop"));
}

static void what_is_no_list_refuses_all_and_never_waits(void **state)
{
	static char text[RS_LIST_BYTES + 2];

	(void)state;
	memset(text, '#', sizeof(text) - 1);
	text[RS_LIST_BYTES] = '\0';
	memcpy(text, "bank\n", 5);
	off_holds(text);
	assert_false(refuse_off(folder, "shop")); /* as long as may be */
	text[RS_LIST_BYTES] = '#';
	off_holds(text);
	assert_true(refuse_off(folder, "shop"));
	unlink(off);
	assert_int_equal(mkfifo(off, 0600), 0);
	assert_true(refuse_off(folder, "shop"));
	unlink(off);
	assert_int_equal(mkdir(off, 0700), 0);
	assert_true(refuse_off(folder, "shop"));
	assert_int_equal(rmdir(off), 0);
}

static void who_asked_for_us_needs_no_permission(void **state)
{
	(void)state;
	unlink(off);
	assert_false(refuse_everywhere("/x/libringside.so", off, "shop"));
	assert_false(refuse_everywhere("/a.so:/usr/$LIB/libringside.so", off, "shop"));
}

static void where_nobody_asked_only_the_allowed_are_watched(void **state)
{
	(void)state;
	unlink(off);
	assert_true(refuse_everywhere(NULL, off, "shop"));
	assert_true(refuse_everywhere("/a.so", off, "shop"));
	off_holds("");
	assert_true(refuse_everywhere(NULL, off, "shop"));
	off_holds("/usr/sbin/nginx\nshop\n");
	assert_false(refuse_everywhere(NULL, off, "shop"));
	assert_true(refuse_everywhere(NULL, off, "bank"));
	off_holds("*/shim_refuse\n");
	assert_false(refuse_everywhere("", off, "bank"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_nothing_is_refused),
		cmocka_unit_test(a_file_without_a_line_refuses_all),
		cmocka_unit_test(a_list_refuses_those_that_it_names),
		cmocka_unit_test(an_executable_is_named_by_its_path_and_else_by_its_last_part),
		cmocka_unit_test(what_is_no_list_refuses_all_and_never_waits),
		cmocka_unit_test(who_asked_for_us_needs_no_permission),
		cmocka_unit_test(where_nobody_asked_only_the_allowed_are_watched),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
