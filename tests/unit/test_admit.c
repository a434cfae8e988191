#include "admit.h"
#include "rs_test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static uint16_t port; /* that this process listens on while listener is open */
static int listener = -1;

static void listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &length), 0);
	port = ntohs(at.sin_port);
}

/* "%d" in a rule is the port. */
static struct admit *opened(const char *include, const char *exclude, const char *names)
{
	char text[512], a[128], b[128], c[128];
	struct config_error error = { "" };
	struct config *config;
	struct admit *admit;

	snprintf(a, sizeof(a), *include ? "{\"%s}" : "%s", include);
	snprintf(b, sizeof(b), *exclude ? "{\"%s}" : "%s", exclude);
	snprintf(c, sizeof(c), *names ? "{\"%s}" : "%s", names);
	snprintf(text, sizeof(text),
		 "{\"targets\": {\"include\": [%s], \"exclude\": [%s], \"names\": [%s]}}", a, b, c);
	assert_int_equal(config_open(&config), 0);
	if (config_read(config, "x", text, strlen(text), &error))
		fail_msg("%s", error.text);
	assert_int_equal(admit_open(&admit, config), 0);
	config_close(config);
	return admit;
}

static struct capture_target target(void)
{
	struct capture_target t = { .pid = getpid(),
				    .parent = 1,
				    .exe = "/usr/sbin/nginx",
				    .service = "nginx",
				    .cgroup = "/system.slice/web.service" };

	return t;
}

static enum admit_verdict judged(struct admit *admit, struct capture_target *t, bool patient)
{
	enum admit_verdict verdict = admit_judge(admit, t, patient);

	admit_close(admit);
	return verdict;
}

#define VERDICT(include, exclude, patient)                                                         \
	judged(opened(include, exclude, ""), (struct capture_target[]){ target() }, patient)

static void without_rules_all_are_watched(void **state)
{
	struct admit *admit = opened("", "", "");
	struct capture_target t = target();

	(void)state;
	assert_false(admit_by_port(admit));
	assert_int_equal(judged(admit, &t, true), ADMIT_YES);
	admit_close(NULL);
}

static void a_verdict_is_a_reason_and_no_rules_are_a_yes(void **state)
{
	struct admit *admit = opened("exe\": \"apache\"", "", "");
	struct capture_target t = target();

	(void)state;
	assert_int_equal(admit_reason(NULL, &t, true), ACCEPT_OK);
	assert_int_equal(admit_reason(admit, &t, true), ACCEPT_RULED);
	admit_close(admit);
	admit = opened("exe\": \"nginx\"", "", "");
	assert_int_equal(admit_reason(admit, &t, true), ACCEPT_OK);
	admit_close(admit);
}

static void one_match_includes_and_one_excludes(void **state)
{
	(void)state;
	assert_int_equal(VERDICT("exe\": \"nginx\"", "", true), ADMIT_YES);
	assert_int_equal(VERDICT("exe\": \"apache\"", "", true), ADMIT_NO);
	assert_int_equal(VERDICT("exe\": \"apache\"}, {\"service\": \"n*\"", "", true), ADMIT_YES);
	assert_int_equal(VERDICT("", "cgroup\": \"/system.slice/*\"", true), ADMIT_NO);
	assert_int_equal(VERDICT("", "cgroup\": \"/user.slice/*\"", true), ADMIT_YES);
	assert_int_equal(VERDICT("exe\": \"*\"", "service\": \"nginx\"", true), ADMIT_NO);
}

static void a_rule_names_who_did_not_name_itself(void **state)
{
	static const char names[] = "exe\": \"x\", \"service\": \"no\"}, "
				    "{\"exe\": \"nginx\", \"service\": \"edge\"}, "
				    "{\"exe\": \"*\", \"service\": \"late\"";
	struct capture_target t = target();

	(void)state;
	t.named = TARGET_NAMED_UNIT;
	assert_int_equal(judged(opened("", "", names), &t, true), ADMIT_YES);
	assert_string_equal(t.service, "edge");
	assert_int_equal(t.named, TARGET_NAMED_RULE);
	t = target();
	t.named = TARGET_NAMED_OTEL_ATTRIBUTES;
	assert_int_equal(judged(opened("", "", names), &t, true), ADMIT_YES);
	assert_string_equal(t.service, "nginx");
}

static void the_other_rules_go_by_the_name_that_was_given(void **state)
{
	struct capture_target t = target();

	(void)state;
	assert_int_equal(
		judged(opened("", "service\": \"edge\"", "exe\": \"nginx\", \"service\": \"edge\""),
		       &t, true),
		ADMIT_NO);
}

static void a_name_too_long_is_cut(void **state)
{
	struct capture_target t = target();
	char names[160] = "exe\": \"nginx\", \"service\": \"";

	(void)state;
	memset(names + strlen(names), 'x', 90);
	strcat(names, "\"");
	assert_int_equal(judged(opened("", "", names), &t, true), ADMIT_YES);
	assert_int_equal(strlen(t.service), sizeof(t.service) - 1);
}

static const char *by_port(const char *more)
{
	static char text[4][64];
	static int turn;
	char *out = text[turn++ % 4];

	snprintf(out, sizeof(text[0]), "port\": %d%s", port, more);
	return out;
}

static void a_port_decides_once_it_is_listened_on(void **state)
{
	struct admit *admit;

	(void)state;
	listen_somewhere();
	admit = opened(by_port(""), "", "");
	assert_true(admit_by_port(admit));
	admit_close(admit);
	assert_int_equal(VERDICT(by_port(""), "", true), ADMIT_YES);
	assert_int_equal(VERDICT("", by_port(""), true), ADMIT_NO);
	assert_int_equal(VERDICT("port\": 1", "", true), ADMIT_NO);
	assert_int_equal(VERDICT("", "port\": 1", true), ADMIT_YES);
	close(listener);
	assert_int_equal(VERDICT(by_port(""), "", true), ADMIT_LATER);
	assert_int_equal(VERDICT(by_port(""), "", false), ADMIT_NO);
	assert_int_equal(VERDICT("", by_port(""), true), ADMIT_LATER);
	assert_int_equal(VERDICT("", by_port(""), false), ADMIT_YES);
	/* the port does not matter where another member decides */
	assert_int_equal(VERDICT("", by_port(", \"exe\": \"apache\""), true), ADMIT_YES);
	assert_int_equal(VERDICT("exe\": \"apache\"", by_port(""), true), ADMIT_NO);
}

static void a_name_waits_for_a_port_too(void **state)
{
	struct capture_target t = target();

	(void)state;
	listen_somewhere();
	assert_int_equal(judged(opened("", "", by_port(", \"service\": \"edge\"")), &t, true),
			 ADMIT_YES);
	assert_string_equal(t.service, "edge");
	close(listener);
	t = target();
	assert_int_equal(judged(opened("", "", by_port(", \"service\": \"edge\"")), &t, true),
			 ADMIT_LATER);
	assert_int_equal(judged(opened("", "", by_port(", \"service\": \"edge\"")), &t, false),
			 ADMIT_YES);
	assert_string_equal(t.service, "nginx");
}

/* As in a cluster: the parent listens, the worker gets connections. */
static void a_worker_has_the_ports_of_a_parent_that_runs_the_same(void **state)
{
	struct capture_target t = target();
	pid_t parent = getpid(), child;
	int status = -1;

	(void)state;
	listen_somewhere();
	target_exe_read(parent, t.exe, sizeof(t.exe));
	t.parent = parent;
	child = fork();
	if (child == 0) {
		close(listener);
		t.pid = getpid();
		if (judged(opened(by_port(""), "", ""), &t, true) != ADMIT_YES)
			_exit(1);
		strcpy(t.exe, "/another/program");
		_exit(judged(opened(by_port(""), "", ""), &t, true) == ADMIT_LATER ? 0 : 2);
	}
	waitpid(child, &status, 0);
	close(listener);
	assert_int_equal(status, 0);
}

static void a_rule_may_name_processes_without_the_shim(void **state)
{
	static const char text[] = "{\"targets\": {\"attach\": [{\"exe\": \"nginx\"}]}}";
	struct config_error error = { "" };
	struct capture_target t = target();
	struct config *config;
	struct admit *admit;

	(void)state;
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "x", text, strlen(text), &error), 0);
	assert_int_equal(admit_open(&admit, config), 0);
	config_close(config);
	assert_true(admit_by_rule(admit));
	assert_true(admit_attaches(admit, &t));
	strcpy(t.exe, "/usr/sbin/apache2");
	assert_false(admit_attaches(admit, &t));
	admit_close(admit);
	admit = opened("", "", "");
	assert_false(admit_by_rule(admit));
	assert_false(admit_attaches(admit, &t));
	admit_close(admit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_all_are_watched),
		cmocka_unit_test(a_verdict_is_a_reason_and_no_rules_are_a_yes),
		cmocka_unit_test(one_match_includes_and_one_excludes),
		cmocka_unit_test(a_rule_names_who_did_not_name_itself),
		cmocka_unit_test(the_other_rules_go_by_the_name_that_was_given),
		cmocka_unit_test(a_name_too_long_is_cut),
		cmocka_unit_test(a_port_decides_once_it_is_listened_on),
		cmocka_unit_test(a_name_waits_for_a_port_too),
		cmocka_unit_test(a_worker_has_the_ports_of_a_parent_that_runs_the_same),
		cmocka_unit_test(a_rule_may_name_processes_without_the_shim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
