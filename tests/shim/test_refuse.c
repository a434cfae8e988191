#include "claims.h"
#include "core.h"
#include "refuse.h"
#include "rs_test.h"

#include <ringside/list.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static bool refused(const char *run_dir, const char *service)
{
	struct home_claims claims = { .unseen = 0 };

	snprintf(claims.run_dir, sizeof(claims.run_dir), "%s", run_dir);
	snprintf(claims.service, sizeof(claims.service), "%s", service);
	return refuse_off(&claims);
}

static bool refused_everywhere(const char *preload, const char *service)
{
	struct home_claims claims = { .unseen = 0 };

	snprintf(claims.service, sizeof(claims.service), "%s", service);
	return refuse_everywhere(preload, off, &claims);
}

static void without_a_file_nothing_is_refused(void **state)
{
	(void)state;
	unlink(off);
	assert_false(refused(folder, "shop"));
	assert_false(refused(folder, ""));
	assert_false(refused("/nonexistent", "shop"));
	assert_false(refused(off, "shop")); /* no folder */
}

static void a_file_without_a_line_refuses_all(void **state)
{
	(void)state;
	off_holds("");
	assert_true(refused(folder, "shop"));
	off_holds("# nobody\n\n \t\n");
	assert_true(refused(folder, ""));
}

static void a_list_refuses_those_that_it_names(void **state)
{
	(void)state;
	off_holds("# these\nbank\n  sh?p\t\n");
	assert_true(refused(folder, "shop"));
	assert_true(refused(folder, "bank"));
	assert_false(refused(folder, "bankers"));
	assert_false(refused(folder, "other"));
}

static void an_executable_is_named_by_its_path_and_else_by_its_last_part(void **state)
{
	char line[600];

	(void)state;
	off_holds("*/shim_refuse\n");
	assert_true(refused(folder, "shop"));
	snprintf(line, sizeof(line), "%s\n", exe);
	off_holds(line);
	assert_true(refused(folder, ""));
	off_holds("*/shim_refus\n");
	assert_false(refused(folder, ""));
	off_holds("shim_refuse\n"); /* a service's name: not of one that claims another */
	assert_false(refused(folder, "shop"));
}

static void a_claim_is_named_as_it_is_or_as_it_is_shown(void **state)
{
	(void)state;
	off_holds("my%20shop\n");
	assert_true(refused(folder, "my shop"));
	assert_false(refused(folder, "my_shop"));
	off_holds("my shop\n");
	assert_true(refused(folder, "my shop"));
}

/*
 * This program again, as an interpreter of that name: whether a list with this line alone refuses
 * it. told: it knows its arguments as boot tells them; else it has to look for them.
 */
static bool run_is_refused(const char *line, bool told, const char *name, const char *first,
			   const char *second)
{
	char path[96], command[700], holds[256];
	int status = -1;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(command, sizeof(command), "cp '%s' '%s'", exe, path);
	assert_int_equal(system(command), 0);
	snprintf(holds, sizeof(holds), "%s\n", line);
	off_holds(holds);
	pid = fork();
	if (pid == 0) {
		setenv(told ? "REFUSE_TOLD" : "REFUSE_UNTOLD", folder, 1);
		execl(path, name, first, second, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 1;
}

/* As run_is_refused runs it; its second is "spawn": what a child says whose code has no name. */
static int run_answer(const char *run_dir, char **argv)
{
	struct home_claims claims = { .unseen = 0 };
	int status = -1;
	pid_t pid;

	if (!argv[1] || !argv[2] || strcmp(argv[2], "spawn") != 0) {
		snprintf(claims.run_dir, sizeof(claims.run_dir), "%s", run_dir);
		if (getenv("REFUSE_TOLD")) {
			claims_arguments((const char *const *)argv, claims.arguments,
					 sizeof(claims.arguments));
			memset(argv[1], 'x', strlen(argv[1])); /* as titles are written */
		}
		return refuse_off(&claims);
	}
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", argv[0], "-c", "worker", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static void skip_in_a_unit(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512];
	bool unit = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		unit = unit || strstr(line, ".service");
	fclose(file);
	if (unit)
		rs_skip("in a systemd unit all goes by that");
}

static void a_script_is_named_and_its_interpreter_is_not(void **state)
{
	(void)state;
	skip_in_a_unit();
	for (int told = 0; told < 2; told++) {
		assert_true(run_is_refused("/srv/a/app.js", told, "node", "/srv/a/app.js", NULL));
		assert_false(run_is_refused("/srv/b/app.js", told, "node", "/srv/a/app.js", NULL));
		assert_false(run_is_refused("node", told, "node", "/srv/a/app.js", NULL));
		assert_true(run_is_refused("*/node", told, "node", "/srv/a/app.js",
					   NULL)); /* the executable */
		assert_true(run_is_refused("node", told, "node", "-e", "x"));
		assert_true(run_is_refused("edon", told, "edon", "/srv/a/app.js",
					   NULL)); /* no interpreter */
		assert_false(run_is_refused("/srv/a/app.js", told, "edon", "/srv/a/app.js", NULL));
	}
}

static void a_spawned_worker_is_named_by_the_script_above_it(void **state)
{
	(void)state;
	skip_in_a_unit();
	for (int told = 0; told < 2; told++) {
		assert_true(run_is_refused("/srv/a.py", told, "python3", "/srv/a.py", "spawn"));
		assert_false(run_is_refused("python3", told, "python3", "/srv/a.py", "spawn"));
		assert_true(run_is_refused("python3", told, "python3", "-c", "spawn"));
	}
}

static void what_is_no_list_refuses_all_and_never_waits(void **state)
{
	static char text[RS_LIST_BYTES + 2];

	(void)state;
	memset(text, '#', sizeof(text) - 1);
	text[RS_LIST_BYTES] = '\0';
	memcpy(text, "bank\n", 5);
	off_holds(text);
	assert_false(refused(folder, "shop")); /* as long as may be */
	text[RS_LIST_BYTES] = '#';
	off_holds(text);
	assert_true(refused(folder, "shop"));
	unlink(off);
	assert_int_equal(mkfifo(off, 0600), 0);
	assert_true(refused(folder, "shop"));
	unlink(off);
	assert_int_equal(mkdir(off, 0700), 0);
	assert_true(refused(folder, "shop"));
	assert_int_equal(rmdir(off), 0);
}

static void who_asked_for_us_needs_no_permission(void **state)
{
	(void)state;
	unlink(off);
	assert_false(refused_everywhere("/x/libringside.so", "shop"));
	assert_false(refused_everywhere("/a.so:/usr/$LIB/libringside.so", "shop"));
}

static void where_nobody_asked_only_the_allowed_are_watched(void **state)
{
	(void)state;
	unlink(off);
	assert_true(refused_everywhere(NULL, "shop"));
	assert_true(refused_everywhere("/a.so", "shop"));
	off_holds("");
	assert_true(refused_everywhere(NULL, "shop"));
	off_holds("/usr/sbin/nginx\nshop\n");
	assert_false(refused_everywhere(NULL, "shop"));
	assert_true(refused_everywhere(NULL, "bank"));
	off_holds("*/shim_refuse\n");
	assert_false(refused_everywhere("", "bank"));
}

int main(int argc, char **argv)
{
	const char *told = getenv("REFUSE_TOLD");
	const char *run_dir = told ? told : getenv("REFUSE_UNTOLD");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_nothing_is_refused),
		cmocka_unit_test(a_file_without_a_line_refuses_all),
		cmocka_unit_test(a_list_refuses_those_that_it_names),
		cmocka_unit_test(an_executable_is_named_by_its_path_and_else_by_its_last_part),
		cmocka_unit_test(a_claim_is_named_as_it_is_or_as_it_is_shown),
		cmocka_unit_test(a_script_is_named_and_its_interpreter_is_not),
		cmocka_unit_test(a_spawned_worker_is_named_by_the_script_above_it),
		cmocka_unit_test(what_is_no_list_refuses_all_and_never_waits),
		cmocka_unit_test(who_asked_for_us_needs_no_permission),
		cmocka_unit_test(where_nobody_asked_only_the_allowed_are_watched),
	};

	(void)argc;
	if (run_dir)
		return run_answer(run_dir, argv);
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
