#include "capture_fixture.h"
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static struct capture_target chosen(const char *claim, const char *cgroup, const char *exe)
{
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t;

	memset(&t, 0, sizeof(t));
	snprintf(claims.service, sizeof(claims.service), "%s", claim);
	claims.service_from = RS_SERVICE_OTEL_NAME;
	snprintf(t.cgroup, sizeof(t.cgroup), "%s", cgroup);
	snprintf(t.exe, sizeof(t.exe), "%s", exe);
	strcpy(t.comm, "comm");
	target_service_choose(&t, &claims);
	return t;
}

static void the_environments_name_comes_first(void **state)
{
	struct capture_target t = chosen("my shop", "/system.slice/nginx.service", "/usr/bin/x");

	(void)state;
	assert_string_equal(t.service, "my%20shop");
	assert_int_equal(t.named, TARGET_NAMED_OTEL_NAME);
}

static void the_unit_comes_next(void **state)
{
	struct capture_target t = chosen("", "/system.slice/nginx.service", "/usr/bin/x");

	(void)state;
	assert_string_equal(t.service, "nginx");
	assert_int_equal(t.named, TARGET_NAMED_UNIT);
}

static void the_programs_name_comes_last(void **state)
{
	(void)state;
	assert_string_equal(chosen("", "", "/usr/sbin/nginx").service, "nginx");
	assert_int_equal(chosen("", "", "/usr/sbin/nginx").named, TARGET_NAMED_PROGRAM);
	assert_string_equal(chosen("", "", "").service, "comm");
}

static void a_script_comes_ahead_of_its_interpreter(void **state)
{
	static const char arguments[] = "node\0/srv/app.js\0--port\0";
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t = { .pid = -1, .exe = "/usr/bin/node" };

	(void)state;
	memcpy(claims.arguments, arguments, sizeof(arguments));
	target_service_choose(&t, &claims);
	assert_string_equal(t.service, "/srv/app.js");
	assert_int_equal(t.named, TARGET_NAMED_SCRIPT);
	strcpy(t.exe, "/usr/sbin/nginx");
	target_service_choose(&t, &claims);
	assert_string_equal(t.service, "nginx");
	/* filled to its last byte: accept ends it */
	memset(claims.arguments, 'x', sizeof(claims.arguments) - 1);
	strcpy(t.exe, "/usr/bin/node");
	target_service_choose(&t, &claims);
	assert_string_equal(t.service, "node");
	strcpy(t.cgroup, "/system.slice/shop.service");
	target_service_choose(&t, &claims);
	assert_string_equal(t.service, "shop");
}

/* A shell that spawned another, whose code has no name, with a pipe to end both. */
static pid_t shells_start(const char *folder, int *told, int *alive)
{
	char script[64], command[256];
	int orders[2], answers[2];
	pid_t pid, worker = 0;
	FILE *answer;

	snprintf(script, sizeof(script), "%s/serve.sh", folder);
	snprintf(command, sizeof(command), "echo 'bash -c \"echo \\$\\$; read x; :\" <&0; :' >%s",
		 script);
	assert_int_equal(system(command), 0);
	assert_int_equal(pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(orders[0], 0);
		dup2(answers[1], 1);
		execl("/bin/bash", "bash", script, (char *)NULL);
		_exit(127);
	}
	close(orders[0]);
	close(answers[1]);
	*alive = orders[1];
	answer = fdopen(answers[0], "re");
	assert_int_equal(fscanf(answer, "%d", &worker), 1);
	fclose(answer);
	unlink(script);
	*told = pid;
	return worker;
}

static void a_spawned_worker_goes_by_its_parents_script(void **state)
{
	static const char began_with[] = "bash\0-c\0read x; :";
	char folder[] = "/tmp/rs_target_XXXXXX", wanted[64];
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t, told;
	int parent, alive;
	pid_t worker;

	(void)state;
	assert_non_null(mkdtemp(folder));
	worker = shells_start(folder, &parent, &alive);
	assert_int_equal(target_read(worker, &claims, &t), 0);
	memcpy(claims.arguments, began_with, sizeof(began_with));
	assert_int_equal(target_read(worker, &claims, &told), 0);
	close(alive);
	waitpid(parent, NULL, 0);
	rmdir(folder);
	assert_int_equal(t.parent, parent);
	snprintf(wanted, sizeof(wanted), "%s/serve.sh", folder);
	assert_string_equal(t.service, wanted);
	assert_int_equal(t.named, TARGET_NAMED_SCRIPT);
	assert_string_equal(told.service, wanted);
}

static void claims_out_of_range_are_not_passed_on(void **state)
{
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t;

	(void)state;
	claims.allocator = 200;
	claims.clock = 0x102; /* its low byte alone would be one */
	claims.service_from = 200;
	strcpy(claims.service, "s");
	memset(claims.environment, 'e', sizeof(claims.environment) - 1);
	assert_int_equal(target_read(getpid(), &claims, &t), 0);
	assert_int_equal(t.allocator, RS_ALLOCATOR_UNKNOWN);
	assert_int_equal(t.clock, RS_CLOCK_NONE);
	assert_int_equal(t.named, TARGET_NAMED_PROGRAM);
	assert_int_equal(strlen(t.environment), sizeof(t.environment) - 1);
}

static void a_process_is_described_by_the_kernel(void **state)
{
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t;
	int64_t now_ms = (int64_t)time(NULL) * 1000;

	(void)state;
	strcpy(claims.environment, "prod uction");
	assert_int_equal(target_read(getpid(), &claims, &t), 0);
	assert_int_equal(t.key, 0);
	assert_int_equal(t.pid, getpid()); /* not the pid that it claims */
	assert_int_equal(t.uid, geteuid());
	assert_true(t.start_ticks > 0);
	assert_in_range(t.started_ms, now_ms - 600000, now_ms + 60000);
	assert_string_equal(strrchr(t.exe, '/'), "/test_target");
	assert_string_equal(t.comm, "test_target");
	assert_string_equal(t.environment, "prod%20uction");
	assert_int_equal(t.allocator, RS_ALLOCATOR_SEEN);
	assert_int_equal(t.clock, RS_CLOCK_MONOTONIC);
}

/* Runs a copy of a program that is deleted meanwhile, as an upgrade does. */
static void an_upgraded_program_keeps_its_path(void **state)
{
	char folder[] = "/tmp/rs_target_XXXXXX", path[64], command[128];
	struct rs_header claims = capture_header("/run/x", 7);
	struct capture_target t;
	int started[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sleeper", folder);
	snprintf(command, sizeof(command), "cp -L /bin/sleep %s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(pipe2(started, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execl(path, path, "60", (char *)NULL);
		_exit(127);
	}
	close(started[1]);
	assert_int_equal(read(started[0], &byte, 1), 0); /* the exec closed the other end */
	close(started[0]);
	unlink(path);
	rmdir(folder);
	assert_int_equal(target_read(pid, &claims, &t), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_string_equal(t.exe, path);
	assert_string_equal(t.comm, "sleeper");
	assert_int_equal(target_read(pid, &claims, &t), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environments_name_comes_first),
		cmocka_unit_test(the_unit_comes_next),
		cmocka_unit_test(the_programs_name_comes_last),
		cmocka_unit_test(a_script_comes_ahead_of_its_interpreter),
		cmocka_unit_test(a_spawned_worker_goes_by_its_parents_script),
		cmocka_unit_test(claims_out_of_range_are_not_passed_on),
		cmocka_unit_test(a_process_is_described_by_the_kernel),
		cmocka_unit_test(an_upgraded_program_keeps_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
