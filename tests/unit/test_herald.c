#include "herald.h"
#include "log.h"
#include "rs_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct notice firing(void)
{
	return (struct notice){ .sequence = 9,
				.id = 4,
				.rule = "slow-p95",
				.labels = { .service = "shop", .route = "/a\"b", .method = "GET" },
				.given = { .at = { "team=web", "tier=\"1" }, .count = 2 },
				.kind = NOTICE_FIRING,
				.severity = SPEC_CRITICAL,
				.number = 3,
				.level = 2,
				.unit = METRIC_UNIT_MS,
				.value = 6120,
				.peak = 7000,
				.limit = 5000,
				.since_ms = INT64_C(1767225600000),
				.lasted_ns = INT64_C(90500000000),
				.summary = "it is \"slow\"",
				.link = "http://x/y" };
}

static void a_notice_is_names_and_values(void **state)
{
	struct notice n = firing();
	char line[HERALD_LINE];

	(void)state;
	herald_format(&n, line, sizeof(line));
	assert_string_equal(
		line, "alert firing rule=slow-p95 severity=critical level=2 notice=3 id=4 "
		      "seq=9 service=\"shop\" method=\"GET\" route=\"/a'b\" "
		      "value=\"6.12 s\" limit=\"5 s\" since=2026-01-01T00:00:00.000Z "
		      "link=http://x/y labels=\"team=web, tier='1\" summary=\"it is 'slow'\"");
}

static void a_recovery_says_how_long_and_how_bad_it_was(void **state)
{
	struct notice n = firing();
	char line[HERALD_LINE];

	(void)state;
	n.kind = NOTICE_RECOVERED;
	n.again = true;
	herald_format(&n, line, sizeof(line));
	assert_non_null(strstr(line, "alert recovered "));
	assert_non_null(strstr(line, " lasted=90.5s peak=\"7 s\" again=maybe "));
}

static void what_does_not_fit_is_cut(void **state)
{
	struct notice n = firing();
	char line[40];

	(void)state;
	herald_format(&n, line, sizeof(line));
	assert_int_equal(strlen(line), sizeof(line) - 1);
}

/* What it writes to standard error at the log's own level. */
static void said(enum log_level level, const struct notice *n, char *out, size_t size)
{
	int saved = dup(STDERR_FILENO), fds[2];
	ssize_t got;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	dup2(fds[1], STDERR_FILENO);
	log_open("r", level);
	herald_send(NULL, n);
	dup2(saved, STDERR_FILENO);
	got = read(fds[0], out, size - 1);
	out[got > 0 ? got : 0] = '\0';
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

static void it_is_said_at_every_level_of_the_log(void **state)
{
	struct notice n = firing();
	char text[1200];

	(void)state;
	said(LOG_LEVEL_ERROR, &n, text, sizeof(text));
	assert_int_equal(strncmp(text, "r: error: alert firing", 22), 0);
	n.severity = SPEC_WARNING;
	said(LOG_LEVEL_ERROR, &n, text, sizeof(text));
	assert_int_equal(strncmp(text, "r: warning: alert firing", 24), 0);
	n.kind = NOTICE_RECOVERED;
	said(LOG_LEVEL_ERROR, &n, text, sizeof(text));
	assert_int_equal(strncmp(text, "r: alert recovered", 18), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_is_names_and_values),
		cmocka_unit_test(a_recovery_says_how_long_and_how_bad_it_was),
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(it_is_said_at_every_level_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
