#include "identity.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static void cgroup_is(const char *text, const char *wanted)
{
	char out[IDENTITY_PATH_BYTES];

	identity_cgroup(text, out, sizeof(out));
	assert_string_equal(out, wanted);
}

static void version_1_is_read_by_its_memory_controller(void **state)
{
	(void)state;
	cgroup_is("12:cpu,cpuacct:/a\n11:memory:/docker/x\n0::/unified\n", "/docker/x");
	cgroup_is("0::/unified\n11:memory:/docker/x\n", "/docker/x");
	cgroup_is("4:hugetlb,memory,pids:/b\n", "/b");
	cgroup_is("4:memory,pids:/b\n", "/b");
	cgroup_is("4:pids,memory:/b", "/b");
	/* names that only contain it */
	cgroup_is("5:name=memory:/no\n4:memoryx:/no\n3:xmemory:/no\n0::/yes\n", "/yes");
	cgroup_is("5:pids:/memory:/x\n0::/yes\n", "/yes");
}

static void version_2_is_read_by_its_only_line(void **state)
{
	(void)state;
	cgroup_is("0::/system.slice/nginx.service\n", "/system.slice/nginx.service");
	cgroup_is("0::/\n", "/");
	cgroup_is("1:name=systemd:/x\n0::/a:b\n", "/a:b");
}

static void what_is_no_cgroup_file_has_no_path(void **state)
{
	(void)state;
	cgroup_is("", "");
	cgroup_is("\n", "");
	cgroup_is("nothing\n", "");
	cgroup_is("0:half\n", "");
	cgroup_is("3:pids:/only\n", "");
}

static void a_cgroups_path_takes_canonical_form(void **state)
{
	char out[8];

	(void)state;
	cgroup_is("0::/a b\x7f\n", "/a%20b%7F");
	identity_cgroup("0::/abcd e\n", out, sizeof(out));
	assert_string_equal(out, "/abcd"); /* never cut inside a %XX */
}

static void exe_is(const char *link, const char *wanted)
{
	char out[IDENTITY_PATH_BYTES];

	identity_exe(link, strlen(link), out, sizeof(out));
	assert_string_equal(out, wanted);
}

static void an_executable_that_was_replaced_keeps_its_path(void **state)
{
	(void)state;
	exe_is("/usr/sbin/nginx", "/usr/sbin/nginx");
	exe_is("/usr/sbin/nginx (deleted)", "/usr/sbin/nginx");
	exe_is("/a b (deleted) (deleted)", "/a%20b%20(deleted)");
	exe_is(" (deleted)", "%20(deleted)");
	exe_is("", "");
}

/* A process, then its parent, and so on: an executable and its arguments by '|'. */
struct ancestry {
	const char *const (*lines)[2];
	int count, at; /* steps that were gone up; -1: nobody was asked */
	char arguments[128];
};

static const char *above(void *ctx)
{
	struct ancestry *a = ctx;

	return ++a->at < a->count ? a->lines[a->at][0] : "";
}

static const char *arguments(void *ctx, size_t *bytes)
{
	struct ancestry *a = ctx;

	a->at += a->at < 0;
	assert_true(a->at < a->count);
	memset(a->arguments, 0, sizeof(a->arguments));
	snprintf(a->arguments, sizeof(a->arguments), "%s", a->lines[a->at][1]);
	for (char *at = strchr(a->arguments, '|'); at; at = strchr(at + 1, '|'))
		*at = '\0';
	*bytes = sizeof(a->arguments);
	return a->arguments;
}

static char name[IDENTITY_BYTES];

static enum identity_by named(const char *claim, const char *cgroup, struct ancestry *a)
{
	const struct identity of = { .claim = claim,
				     .cgroup = cgroup,
				     .exe = a->lines[0][0],
				     .comm = "comm",
				     .arguments = arguments,
				     .above = above,
				     .ctx = a };

	memset(name, 'x', sizeof(name));
	a->at = -1;
	return identity_name(&of, name);
}

static enum identity_by named_alone(const char *claim, const char *cgroup, const char *exe)
{
	const char *const line[][2] = { { exe, "x" } };
	struct ancestry a = { .lines = line, .count = 1 };

	return named(claim, cgroup, &a);
}

static void a_claim_comes_first_in_canonical_form(void **state)
{
	(void)state;
	assert_int_equal(named_alone("my shop", "/system.slice/nginx.service", "/usr/bin/x"),
			 IDENTITY_CLAIM);
	assert_string_equal(name, "my%20shop");
}

static void the_innermost_unit_comes_next(void **state)
{
	static const struct {
		const char *cgroup, *service;
	} cases[] = {
		{ "/system.slice/nginx.service", "nginx" },
		{ "/system.slice/nginx.service/worker", "nginx" },
		{ "/user.slice/user@1000.service/app.slice/shop.service", "shop" },
		{ "/system.slice/php-fpm@8.2.service", "php-fpm@8.2" },
		{ "/system.slice/a.service/b.service/c", "b" },
		{ "/user.slice/user@1000.service", "x" }, /* a login is none */
		{ "/user.slice/user@1000.service/session.scope", "x" },
		{ "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:2", "x" },
		{ "/system.slice/docker.service/docker-1.scope", "x" },
		{ "/system.slice/docker.service/a.slice/x", "x" },
		{ "/system.slice/docker.service/x:y", "x" },
		{ "/system.slice/a.services", "x" },
		{ "/.service", "x" },
		{ "/", "x" },
		{ "", "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum identity_by by = named_alone("", cases[i].cgroup, "/usr/bin/x");

		assert_string_equal(name, cases[i].service);
		assert_int_equal(by, cases[i].service[0] == 'x' ? IDENTITY_PROGRAM : IDENTITY_UNIT);
	}
}

static void the_programs_name_comes_last(void **state)
{
	(void)state;
	assert_int_equal(named_alone("", "", "/usr/sbin/nginx"), IDENTITY_PROGRAM);
	assert_string_equal(name, "nginx");
	named_alone("", "", "");
	assert_string_equal(name, "comm");
	named_alone("", "", "/strange/");
	assert_string_equal(name, "comm");
}

static void a_script_comes_ahead_of_its_interpreter(void **state)
{
	static const char *const lines[][2] = { { "/usr/bin/node", "node|/srv/app.js|--port" },
						{ "/usr/bin/node", "node|other.js" } };
	struct ancestry a = { .lines = lines, .count = 2 };

	(void)state;
	assert_int_equal(named("", "", &a), IDENTITY_SCRIPT);
	assert_string_equal(name, "/srv/app.js");
	assert_int_equal(a.at, 0); /* nobody else was looked at */
	assert_int_equal(named("", "/system.slice/shop.service", &a), IDENTITY_UNIT);
	assert_int_equal(a.at, -1);
}

static void a_spawned_worker_goes_by_the_script_above_it(void **state)
{
	static const char *const lines[][2] = {
		{ "/bin/python3", "python3|-c|worker" },    { "/bin/python3", "python3|-c|server" },
		{ "/bin/python3", "python3|-c|a" },         { "/bin/python3", "python3|-c|b" },
		{ "/bin/python3", "python3|/srv/near.py" }, { "/bin/python3", "python3|far.py" },
	};
	struct ancestry a = { .lines = lines, .count = 6 };

	(void)state;
	assert_int_equal(named("", "", &a), IDENTITY_SCRIPT);
	assert_string_equal(name, "/srv/near.py");
	assert_int_equal(a.at, 4);
	/* no further than that, and not past the end */
	a.lines = (const char *const[][2]){
		{ "/bin/python3", "python3|-c|x" }, { "/bin/python3", "python3|-c|x" },
		{ "/bin/python3", "python3|-c|x" }, { "/bin/python3", "python3|-c|x" },
		{ "/bin/python3", "python3|-c|x" }, { "/bin/python3", "python3|far.py" }
	};
	assert_int_equal(named("", "", &a), IDENTITY_PROGRAM);
	assert_string_equal(name, "python3");
	a.count = 2;
	assert_int_equal(named("", "", &a), IDENTITY_PROGRAM);
}

static void another_program_between_them_gives_no_name(void **state)
{
	static const char *const lines[][2] = { { "/bin/python3", "python3|-c|worker" },
						{ "/bin/python3.11", "python3|near.py" },
						{ "/bin/python3", "python3|far.py" } };
	struct ancestry a = { .lines = lines, .count = 3 };

	(void)state;
	assert_int_equal(named("", "", &a), IDENTITY_PROGRAM);
	assert_string_equal(name, "python3");
	assert_int_equal(a.at, 1);
}

static void a_long_name_is_never_cut_inside_a_percent_xx(void **state)
{
	char path[128];

	(void)state;
	for (int pad = 66; pad <= 72; pad++) {
		size_t length = pad <= 68 ? (size_t)pad + 3 : pad >= 71 ? 71 : (size_t)pad;

		snprintf(path, sizeof(path), "/%0*d%%20", pad, 0);
		named_alone("", "", path);
		assert_int_equal(strlen(name), length);
		snprintf(path, sizeof(path), "/%0*d%%20.service", pad, 0);
		named_alone("", path, "/x");
		assert_int_equal(strlen(name), length);
		snprintf(path, sizeof(path), "%0*d ", pad, 0);
		named_alone(path, "", "/x");
		assert_int_equal(strlen(name), length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_read_by_its_memory_controller),
		cmocka_unit_test(version_2_is_read_by_its_only_line),
		cmocka_unit_test(what_is_no_cgroup_file_has_no_path),
		cmocka_unit_test(a_cgroups_path_takes_canonical_form),
		cmocka_unit_test(an_executable_that_was_replaced_keeps_its_path),
		cmocka_unit_test(a_claim_comes_first_in_canonical_form),
		cmocka_unit_test(the_innermost_unit_comes_next),
		cmocka_unit_test(the_programs_name_comes_last),
		cmocka_unit_test(a_script_comes_ahead_of_its_interpreter),
		cmocka_unit_test(a_spawned_worker_goes_by_the_script_above_it),
		cmocka_unit_test(another_program_between_them_gives_no_name),
		cmocka_unit_test(a_long_name_is_never_cut_inside_a_percent_xx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
