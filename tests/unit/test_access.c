#include "../../agent/web/access.c"
#include "rs_test.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN "aa11"

static struct config *config;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(config_open(&config), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config_close(config);
	return 0;
}

static void settle(const char *text)
{
	struct config_error error;

	assert_int_equal(config_read(config, "test", text, strlen(text), &error), 0);
}

static unsigned int sender_status(const struct request *r)
{
	const struct access a = { config, TOKEN };
	struct refusal no = { .status = 0 };

	if (!access_check_sender(&a, r, &no))
		return 0;
	assert_non_null(no.code);
	return no.status;
}

static unsigned int host_status(const char *host)
{
	const struct request r = { .host = host, .local_host = "10.1.2.3", .target = "/" };

	return sender_status(&r);
}

static void loopback_names_are_good_hosts(void **state)
{
	static const char *const good[] = { "localhost",      "LOCALHOST:9977", "127.0.0.1",
					    "127.0.0.1:9977", "127.9.9.9:1",    "[::1]",
					    "[::1]:9977",     "a.localhost",    "localhost.",
					    "localhost:65535" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(host_status(good[i]), 0);
}

static void everything_else_is_a_bad_host(void **state)
{
	static const char *const bad[] = {
		"example.org",
		"example.org:9977",
		"localhost.example.org",
		"127.0.0.1.example.org",
		"notlocalhost",
		"128.0.0.1",
		"0.0.0.0",
		"[::]",
		"",
		":9977",
		"localhost:",
		"localhost:port",
		"localhost:1 ",
		"localhost:123456",
		"[::1",
		"[::1]9977",
		"127.1",
		"2130706433",
		"localhost@example.org",
		"::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (host_status(bad[i]) != 403)
			fail_msg("taken: %s", bad[i]);
	}
}

static void a_host_longer_than_any_name_is_bad(void **state)
{
	char host[2 * ACCESS_HOST];

	(void)state;
	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(host_status(host), 403);
}

static void the_address_of_our_end_is_a_good_host(void **state)
{
	const struct request v6 = { .host = "[fe80::1]:80", .local_host = "[fe80::1]" };

	(void)state;
	assert_int_equal(host_status("10.1.2.3"), 0);
	assert_int_equal(host_status("10.1.2.3:9977"), 0);
	assert_int_equal(host_status("10.1.2.4"), 403);
	assert_int_equal(sender_status(&v6), 0);
}

static void a_listed_host_is_good(void **state)
{
	(void)state;
	settle("{\"http\":{\"allowed_hosts\":[\"a.example\",\"b.example\"]}}");
	assert_int_equal(host_status("b.example:9977"), 0);
	assert_int_equal(host_status("B.EXAMPLE"), 0);
	assert_int_equal(host_status("c.example"), 403);
}

static void a_missing_or_second_host_is_bad(void **state)
{
	const struct request twice = { .host = "localhost", .host_twice = true, .local_host = "" };

	(void)state;
	assert_int_equal(host_status(NULL), 403);
	assert_int_equal(sender_status(&twice), 403);
}

static void the_unix_socket_needs_no_host(void **state)
{
	const struct request none = { .local = true, .local_host = "" };
	const struct request foreign = { .local = true, .local_host = "", .host = "example.org" };

	(void)state;
	assert_int_equal(sender_status(&none), 0);
	assert_int_equal(sender_status(&foreign), 0);
}

static void only_our_own_origin_is_good(void **state)
{
	static const struct {
		const char *origin;
		unsigned int status;
	} cases[] = {
		{ "http://localhost:9977", 0 },
		{ "HTTPS://LOCALHOST:9977", 0 },
		{ "http://localhost", 403 },
		{ "http://localhost:1", 403 },
		{ "http://example.org", 403 },
		{ "ftp://localhost:9977", 403 },
		{ "null", 403 },
		{ "", 403 },
		{ "http://localhost:9977/", 403 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct request r = { .host = "localhost:9977",
					   .local_host = "",
					   .origin = cases[i].origin };

		assert_int_equal(sender_status(&r), cases[i].status);
	}
}

static unsigned int reader_status(const struct request *r)
{
	const struct access a = { config, TOKEN };
	struct refusal no = { .status = 0 };

	return access_check_reader(&a, r, &no) ? no.status : 0;
}

static void reading_is_free_until_a_token_is_set(void **state)
{
	struct request r = { .host = "localhost", .target = "/" };

	(void)state;
	assert_int_equal(reader_status(&r), 0);
	settle("{\"http\":{\"read_token\":\"secret\"}}");
	assert_int_equal(reader_status(&r), 401);
	r.authorization = "Bearer secre";
	assert_int_equal(reader_status(&r), 401);
	r.authorization = "Basic secret";
	assert_int_equal(reader_status(&r), 401);
	r.authorization = "bearer  secret";
	assert_int_equal(reader_status(&r), 0);
	r.authorization = "Bearer " TOKEN;
	assert_int_equal(reader_status(&r), 0);
	r.authorization = NULL;
	r.local = true;
	assert_int_equal(reader_status(&r), 0);
}

static unsigned int privileged_status(const struct request *r, struct refusal *no)
{
	const struct access a = { config, TOKEN };

	no->status = 0;
	return access_check_privileged(&a, r, false, no) ? no->status : 0;
}

static void the_privileged_are_members_and_bearers_of_the_token(void **state)
{
	struct request r = { .host = "localhost", .target = "/api/requests/slow?limit=1" };
	struct refusal no;

	(void)state;
	assert_int_equal(privileged_status(&r, &no), 401);
	assert_non_null(strstr(no.message, "sudo curl --unix-socket /run/ringside/api.sock "
					   "http://localhost/api/requests/slow"));
	assert_null(strstr(no.message, "limit"));
	r.member = true; /* credentials mean nothing on TCP */
	assert_int_equal(privileged_status(&r, &no), 401);
	r.local = true;
	assert_int_equal(privileged_status(&r, &no), 0);
	r.member = false;
	assert_int_equal(privileged_status(&r, &no), 401);
	r.authorization = "Bearer " TOKEN;
	assert_int_equal(privileged_status(&r, &no), 0);
	r.authorization = "Bearer ";
	assert_int_equal(privileged_status(&r, &no), 401);
}

static void without_a_socket_the_token_is_named(void **state)
{
	struct request r = { .host = "localhost", .target = "/api/requests/slow" };
	struct refusal no;

	(void)state;
	settle("{\"http\":{\"socket\":\"none\"}}");
	assert_int_equal(privileged_status(&r, &no), 401);
	assert_non_null(strstr(no.message, "sudo cat /run/ringside/token"));
}

static void reading_with_the_read_token_is_not_privileged(void **state)
{
	struct request r = { .host = "localhost", .target = "/", .authorization = "Bearer secret" };
	struct refusal no;

	(void)state;
	settle("{\"http\":{\"read_token\":\"secret\"}}");
	assert_int_equal(privileged_status(&r, &no), 401);
}

/* What the peer of a socketpair is, seen from a child with these ids. */
static bool member_as(uid_t uid, gid_t gid, gid_t more, gid_t asked)
{
	int pair[2], status;
	pid_t child = fork();

	if (child == 0) {
		if (setgroups(1, &more) || setgid(gid) || setuid(uid) ||
		    socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			_exit(2);
		_exit(access_peer_is_member(pair[0], asked) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static void a_peer_is_known_by_its_credentials(void **state)
{
	(void)state;
	if (geteuid() != 0)
		rs_skip("needs root");
	assert_true(member_as(0, 0, 5, (gid_t)-1));
	assert_false(member_as(1234, 1234, 5, (gid_t)-1));
	assert_true(member_as(1234, 77, 5, 77));
	assert_true(member_as(1234, 1234, 77, 77));
	assert_false(member_as(1234, 1234, 5, 77));
	assert_false(access_peer_is_member(-1, 0));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(loopback_names_are_good_hosts),
		EACH(everything_else_is_a_bad_host),
		EACH(a_host_longer_than_any_name_is_bad),
		EACH(the_address_of_our_end_is_a_good_host),
		EACH(a_listed_host_is_good),
		EACH(a_missing_or_second_host_is_bad),
		EACH(the_unix_socket_needs_no_host),
		EACH(only_our_own_origin_is_good),
		EACH(reading_is_free_until_a_token_is_set),
		EACH(the_privileged_are_members_and_bearers_of_the_token),
		EACH(without_a_socket_the_token_is_named),
		EACH(reading_with_the_read_token_is_not_privileged),
		EACH(a_peer_is_known_by_its_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
