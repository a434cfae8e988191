/* What becomes of a process when the rules of the configuration have a say. */
#include "../../agent/capture/finder.c" /* white box: when the next look is due */
#include "target_process.h"

#define SKIPPED 77
#define S SCAN_SECOND_NS

static char run_dir[64];

struct scene {
	struct finder *finder;
	struct admit *admit;
	struct watched child;
	uint64_t now_ns;
	uint32_t found, gone;
	char service[72]; /* of the last one found */
};

static void scene_found(void *ctx, struct finder_target *found)
{
	struct scene *s = ctx;

	s->found++;
	snprintf(s->service, sizeof(s->service), "%s", found->target.service);
}

static void scene_gone(void *ctx, const struct finder_target *gone)
{
	struct scene *s = ctx;

	(void)gone;
	s->gone++;
}

/* A port that nobody listens on, most likely not before this test is over. */
static uint16_t scene_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static int scene_setup(void **state)
{
	static struct scene s;
	const struct finder_sink sink = { &s, scene_found, scene_gone };

	memset(&s, 0, sizeof(s));
	s.now_ns = 100 * S;
	s.child.run_dir = run_dir;
	s.child.port = scene_port();
	*state = &s;
	watched_start(&s.child);
	watched_tell(&s.child, WATCHED_SEGMENT);
	return finder_open(&s.finder, run_dir, &sink);
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	watched_end(&s->child);
	finder_close(s->finder);
	admit_close(s->admit);
	return 0;
}

/* key: "include", … with one rule, in which %d is the child's port. */
static void scene_rule(struct scene *s, const char *key, const char *rule)
{
	char text[256], filled[128];
	struct config_error error = { "" };
	struct config *config;

	snprintf(filled, sizeof(filled), "%s", rule);
	if (strstr(rule, "PORT"))
		snprintf(strstr(filled, "PORT"), 64, "%d%s", s->child.port,
			 strstr(rule, "PORT") + 4);
	snprintf(text, sizeof(text), "{\"targets\": {\"%s\": [{%s}]}}", key, filled);
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "x", text, strlen(text), &error), 0);
	assert_int_equal(admit_open(&s->admit, config), 0);
	config_close(config);
	finder_admit_set(s->finder, s->admit);
}

static void scene_step(struct scene *s, uint64_t later_ns)
{
	s->now_ns += later_ns;
	finder_step(s->finder, s->now_ns, false);
}

static uint64_t scene_ruled_out(const struct scene *s)
{
	struct finder_counts counts;

	finder_counts_get(s->finder, &counts);
	return counts.refused[ACCEPT_RULED];
}

static void what_is_excluded_is_left_alone_and_counted_once(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "exclude", "\"exe\": \"test_finder_admit\"");
	scene_step(s, 0);
	scene_step(s, 1 * S);
	scene_step(s, 2 * S);
	assert_int_equal(s->found, 0);
	assert_int_equal(scene_ruled_out(s), 1);
	assert_false(scan_find(s->finder->scan, s->child.pid)->shim);
	assert_int_equal(s->child.pid, scan_find(s->finder->scan, s->child.pid)->pid);
}

static void what_is_included_is_watched(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "include", "\"exe\": \"test_finder_admit\"");
	scene_step(s, 0);
	assert_int_equal(s->found, 1);
	assert_int_equal(scene_ruled_out(s), 0);
}

static void what_is_not_included_is_not(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "include", "\"exe\": \"another\"");
	scene_step(s, 0);
	assert_int_equal(s->found, 0);
	assert_int_equal(scene_ruled_out(s), 1);
}

static void a_rule_gives_the_name(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "names", "\"exe\": \"test_finder_admit\", \"service\": \"edge\"");
	scene_step(s, 0);
	assert_string_equal(s->service, "edge");
}

static void a_server_is_waited_for_until_it_listens(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "names", "\"port\": PORT, \"service\": \"edge\"");
	scene_step(s, 0);
	scene_step(s, 1 * S);
	assert_int_equal(s->found, 0);
	assert_int_equal(scene_ruled_out(s), 0);
	watched_tell(&s->child, WATCHED_LISTEN);
	finder_knock(s->finder, s->child.pid, s->now_ns + 1);
	scene_step(s, 1); /* at once, not at the next round */
	assert_int_equal(s->found, 1);
	assert_string_equal(s->service, "edge");
}

static void a_server_that_never_listens_is_not_waited_for_for_ever(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "exclude", "\"port\": PORT");
	for (int i = 0; i < FINDER_WAITS; i++)
		scene_step(s, 1 * S);
	assert_int_equal(s->found, 0);
	scene_step(s, 1 * S);
	assert_int_equal(s->found, 1);
}

static void a_target_that_comes_to_listen_where_it_is_not_wanted_goes(void **state)
{
	struct scene *s = *state;

	scene_rule(s, "exclude", "\"port\": PORT");
	for (int i = 0; i <= FINDER_WAITS; i++)
		scene_step(s, 1 * S);
	assert_int_equal(s->found, 1);
	watched_tell(&s->child, WATCHED_LISTEN);
	finder_knock(s->finder, s->child.pid, s->now_ns + 1);
	scene_step(s, 1);
	assert_int_equal(s->gone, 1);
	assert_int_equal(finder_size(s->finder), 0);
	assert_int_equal(scene_ruled_out(s), 1);
	scene_step(s, 60 * S);
	assert_int_equal(s->found, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_excluded_is_left_alone_and_counted_once,
						scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(what_is_included_is_watched, scene_setup,
						scene_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_included_is_not, scene_setup,
						scene_teardown),
		cmocka_unit_test_setup_teardown(a_rule_gives_the_name, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(a_server_is_waited_for_until_it_listens,
						scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			a_server_that_never_listens_is_not_waited_for_for_ever, scene_setup,
			scene_teardown),
		cmocka_unit_test_setup_teardown(
			a_target_that_comes_to_listen_where_it_is_not_wanted_goes, scene_setup,
			scene_teardown),
	};

	snprintf(run_dir, sizeof(run_dir), "/tmp/rs_admit_%d", getpid());
	log_open("test", LOG_LEVEL_ERROR);
	if (!may_open_mappings(run_dir)) {
		printf("skipped: a mapping may not be opened here\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
