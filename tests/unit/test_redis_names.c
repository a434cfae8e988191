#include "redis_names.h"
#include "rs_test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

static void a_number_or_a_path_needs_no_looking_up(void **state)
{
	struct redis_place p = { .host = "127.0.0.1", .port = 7000 };
	struct redis_address a;

	(void)state;
	assert_int_equal(redis_place_address(&p, &a), 0);
	assert_int_equal(((struct sockaddr_in *)&a.at)->sin_port, htons(7000));
	memcpy(p.host, "::1", 4);
	assert_int_equal(redis_place_address(&p, &a), 0);
	assert_int_equal(a.at.ss_family, AF_INET6);
	memcpy(p.path, "/run/s", 7);
	assert_int_equal(redis_place_address(&p, &a), 0);
	assert_int_equal(a.at.ss_family, AF_UNIX);
	p = (struct redis_place){ .host = "localhost", .port = 1 };
	assert_int_equal(redis_place_address(&p, &a), -ENOENT);
}

static int found(const char *name, struct redis_addresses *a, const char **fault)
{
	struct redis_place p = { .port = 7000 };
	struct pollfd fd = { .events = POLLIN };
	struct redis_name *n;
	int ret;

	memcpy(p.host, name, strlen(name));
	assert_int_equal(redis_name_ask(&n, &p), 0);
	fd.fd = redis_name_fd(n);
	assert_int_equal(poll(&fd, 1, 20000), 1);
	ret = redis_name_get(n, a, fault);
	redis_name_drop(n);
	return ret;
}

static void a_name_is_found_by_a_thread(void **state)
{
	struct redis_addresses a;
	const char *fault;

	(void)state;
	assert_int_equal(found("localhost", &a, &fault), 0);
	assert_in_range(a.count, 1, REDIS_ADDRESSES);
	for (uint32_t i = 0; i < a.count; i++) {
		const struct sockaddr_storage *at = &a.at[i].at;

		assert_true(at->ss_family == AF_INET || at->ss_family == AF_INET6);
		/* in both there */
		assert_int_equal(((const struct sockaddr_in *)at)->sin_port, htons(7000));
	}
}

static void a_name_that_is_none_says_so(void **state)
{
	struct redis_addresses a;
	const char *fault = "";

	(void)state;
	assert_int_equal(found("a name..of none", &a, &fault), -ENOENT);
	assert_true(strlen(fault) > 0);
}

static void one_that_is_not_waited_for_ends_by_itself(void **state)
{
	struct redis_place p = { .host = "localhost", .port = 1 };
	struct redis_name *n;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(redis_name_ask(&n, &p), 0);
		redis_name_drop(n);
	}
	redis_name_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_or_a_path_needs_no_looking_up),
		cmocka_unit_test(a_name_is_found_by_a_thread),
		cmocka_unit_test(a_name_that_is_none_says_so),
		cmocka_unit_test(one_that_is_not_waited_for_ends_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
