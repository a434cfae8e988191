#include "../../agent/send/runner.c" /* white box: when an action began is put by hand */
#include "rs_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#define SECOND INT64_C(1000000000)

static struct config_alerts alerts;
static struct runner runner;
static int links[2];
static pid_t pid;
static char path[32];

static int stays(uid_t uid, gid_t gid)
{
	(void)gid;
	return uid == 7 ? -EPERM : 0;
}

static int setup(void **state)
{
	static const char *const texts[] = {
		"fix\ntype=exec\nuser=u\nat_most_every=1s\ncommand=/bin/sh\x1f-c\x1f"
		"printf '%s|' \"$#\" \"$@\" > \"$1\"; env >> "
		"\"$1\"\x1fname\x1f{route}\x1f{service}",
		("slow type=exec user=u command=/bin/sleep\x1f"
		 "60 timeout=200ms"),
		"none type=exec user=u command=/there/is/no/such/program",
		"other type=exec user=7 command=/bin/true",
		"unit type=restart_unit units=a.service,b.service",
		"limit\ntype=exec\nuser=u\ncommand=/bin/sh\x1f-c\x1f"
		"echo $(ulimit -Sn) $(ulimit -Hn) > \"$1\"\x1fname\x1f{route}",
		"hook type=webhook url=http://x/",
	};
	struct channel_error why;
	int fd;

	(void)state;
	memset(&alerts, 0, sizeof(alerts));
	alerts.count = sizeof(texts) / sizeof(texts[0]);
	for (uint32_t i = 0; i < alerts.count; i++)
		if (channel_parse(texts[i], &alerts.channels[i], &why))
			fail_msg("%s: %s", texts[i], why.reason);
	strcpy(path, "/tmp/rs_runner_XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || courier_link(links) || runner_init(&runner, &alerts, links[1]))
		return -1;
	close(fd);
	runner.trusted = true;
	getrlimit(RLIMIT_NOFILE, &runner.files);
	runner.become = stays;
	runner.users[3].uid = 7;
	pid = 0;
	return 0;
}

static int teardown(void **state)
{
	int status = 0;

	(void)state;
	close(links[0]);
	if (pid)
		waitpid(pid, &status, 0);
	close(links[1]);
	munmap(runner.begun_ns, CHANNEL_MAX * sizeof(*runner.begun_ns));
	unlink(path);
	return status;
}

static void heard(struct courier_word *word)
{
	struct pollfd fd = { .fd = links[0], .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_int_equal(courier_hear(links[0], word), 1);
}

static void begin(void)
{
	struct courier_word word;

	pid = fork();
	if (pid == 0) {
		close(links[0]);
		_exit(runner_run(&runner));
	}
	close(links[1]);
	links[1] = -1;
	heard(&word);
	assert_int_equal(word.outcome, COURIER_HELLO);
	assert_int_equal(word.pid, pid);
}

static struct runner_order order_of(uint32_t at)
{
	struct runner_order order = {
		.kind = 2, .sum = channel_sum(&alerts.channels[at]), .sequence = 40, .at_ms = 50
	};

	strcpy(order.values.at[ACTION_RULE], "r");
	strcpy(order.values.at[ACTION_SERVICE], "a b; $(c)");
	strcpy(order.values.at[ACTION_ROUTE], path);
	return order;
}

/* What the runner answers to this. */
static struct courier_word asked(const struct runner_order *order)
{
	struct courier_word word = { .outcome = 99 };

	assert_int_equal(runner_order(links[0], order), 0);
	heard(&word);
	assert_true(word.sum == order->sum);
	assert_int_equal(word.kind, 2);
	assert_int_equal(word.sequence, 40);
	assert_int_equal(word.at_ms, 50);
	return word;
}

static void is_refused(const struct runner_order *order, const char *why)
{
	struct courier_word word = asked(order);

	assert_int_equal(word.outcome, COURIER_REFUSED);
	if (!strstr(word.text, why))
		fail_msg("'%s' is not in '%s'", why, word.text);
}

static void a_command_has_its_words_and_no_environment(void **state)
{
	struct runner_order order = order_of(0);
	struct courier_word word;
	char text[512] = "";
	int fd;

	(void)state;
	begin();
	word = asked(&order);
	assert_int_equal(word.outcome, COURIER_ARRIVED);
	assert_non_null(strstr(word.text, "exit code 0 after "));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_memory_equal(text, "2|/tmp/rs_runner_", 17);
	assert_non_null(strstr(text, "|a b; $(c)|"));
	/* what a shell puts there by itself */
	assert_null(strstr(text, "HOME="));
	assert_null(strstr(text, "PATH="));
	is_refused(&order, "at_most_every");
	usleep(1100000);
	assert_int_equal(asked(&order).outcome, COURIER_ARRIVED);
}

static void a_command_has_its_own_limit_of_files(void **state)
{
	struct runner_order order = order_of(5);
	char text[64] = "";
	int fd;

	(void)state;
	runner.files = (struct rlimit){ 50, 60 };
	begin();
	assert_int_equal(asked(&order).outcome, COURIER_ARRIVED);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_string_equal(text, "50 60\n");
}

static void what_takes_too_long_is_killed(void **state)
{
	struct runner_order order = order_of(1), again = order_of(1);
	struct courier_word word;

	(void)state;
	begin();
	assert_int_equal(runner_order(links[0], &order), 0);
	is_refused(&again, "under way");
	heard(&word);
	assert_int_equal(word.outcome, COURIER_REFUSED);
	assert_non_null(strstr(word.text, "its timeout"));
}

static void why_a_command_does_not_run_is_told(void **state)
{
	struct runner_order none = order_of(2), other = order_of(3), unit = order_of(4);

	(void)state;
	begin();
	is_refused(&none, "/there/is/no/such/program: No such file or directory");
	is_refused(&other, "cannot become 7: Operation not permitted");
	is_refused(&unit, "a b; $(c).service is not among its units");
}

static void what_is_not_its_own_is_refused(void **state)
{
	struct runner_order order = order_of(6);

	(void)state;
	begin();
	is_refused(&order, "is not what it was");
	order.sum = 1;
	is_refused(&order, "is not what it was");
	order = order_of(0);
	strcpy(order.values.at[ACTION_SERVICE], "--help");
	is_refused(&order, "option");
}

static void a_configuration_of_others_is_not_trusted(void **state)
{
	struct runner_order order = order_of(0);

	(void)state;
	runner.trusted = false;
	begin();
	is_refused(&order, "not root's alone");
}

static void a_pause_outlives_its_process(void **state)
{
	struct runner_order order = order_of(1);

	(void)state;
	runner.begun_ns[1] =
		(int64_t)moment_monotonic_ns() - 598 * SECOND; /* a second is allowed */
	begin();
	is_refused(&order, "at_most_every");
}

static void it_ends_with_all_that_is_under_way(void **state)
{
	struct runner_order order = order_of(1);
	int status, wait_s = 0;

	(void)state;
	snprintf(alerts.channels[1].values[CHANNEL_TIMEOUT], CHANNEL_VALUE, "60s");
	alerts.channels[1].timeout_ms = 60000;
	order = order_of(1);
	begin();
	assert_int_equal(runner_order(links[0], &order), 0);
	close(links[0]);
	links[0] = -1;
	while (waitpid(pid, &status, WNOHANG) == 0 && wait_s++ < 1000)
		usleep(10000);
	pid = 0;
	assert_true(wait_s < 1000);
	assert_int_equal(status, 0);
}

static void a_user_that_is_nobody_does_nothing(void **state)
{
	struct runner_order order = order_of(0);

	(void)state;
	runner.users[0].error = -ENOENT;
	begin();
	is_refused(&order, "no such user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_command_has_its_words_and_no_environment, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_command_has_its_own_limit_of_files, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_takes_too_long_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(why_a_command_does_not_run_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_not_its_own_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_configuration_of_others_is_not_trusted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pause_outlives_its_process, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_with_all_that_is_under_way, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_user_that_is_nobody_does_nothing, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
