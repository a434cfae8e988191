/* The resolver is the test's: what it is asked is counted, what it says is put. */
#define redis_name_ask fake_name_ask
#define redis_name_fd fake_name_fd
#define redis_name_get fake_name_get
#define redis_name_drop fake_name_drop
#include "../../agent/redis/redis_search.c"
#include "rs_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define S UINT64_C(1000000000)

static struct redis_search s;
static const struct redis_place localhost = { .host = "localhost", .port = 6379 };
static unsigned int asked, dropped;
static int said; /* by redis_name_get */
static struct redis_addresses list;
static uint64_t now_ns;

int fake_name_ask(struct redis_name **out, const struct redis_place *place)
{
	assert_string_equal(place->host, "localhost");
	*out = (struct redis_name *)&list;
	asked++;
	return 0;
}

int fake_name_fd(const struct redis_name *n)
{
	return n ? 77 : -1;
}

int fake_name_get(const struct redis_name *n, struct redis_addresses *out, const char **fault)
{
	(void)n;
	*fault = "no such name";
	*out = list;
	return said;
}

void fake_name_drop(struct redis_name *n)
{
	dropped += n != NULL;
}

/* What the resolver says from now on. */
static void resolve(const char *first, const char *second)
{
	const char *const hosts[] = { first, second };

	memset(&list, 0, sizeof(list));
	for (int i = 0; i < 2 && hosts[i]; i++) {
		struct redis_place place = { .port = 6379 };

		memcpy(place.host, hosts[i], strlen(hosts[i]));
		assert_int_equal(redis_place_address(&place, &list.at[list.count++]), 0);
	}
	said = list.count ? 0 : -ENOENT;
}

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	asked = dropped = 0;
	now_ns = 100 * S;
	resolve("::1", "127.0.0.1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	redis_search_fini(&s);
	assert_int_equal(dropped, asked);
	return 0;
}

/* The one to be tried now is of this family. */
static void tries(int family)
{
	struct redis_address a;
	const char *fault;

	assert_int_equal(redis_search_next(&s, now_ns, &a, &fault), 1);
	assert_int_equal(a.at.ss_family, family);
}

static void all_are_tried_in_order_and_the_one_that_worked_is_first(void **state)
{
	(void)state;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	assert_true(redis_search_more(&s));
	redis_search_failed(&s);
	tries(AF_INET);
	assert_false(redis_search_more(&s));
	redis_search_worked(&s);
	now_ns += S;
	redis_search_begin(&s, &localhost);
	tries(AF_INET);
	assert_true(redis_search_more(&s)); /* that the other one works now is not ruled out */
	assert_int_equal(asked, 1);
}

static void an_answer_is_kept_and_asked_for_again_when_it_is_old(void **state)
{
	(void)state;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	redis_search_worked(&s);
	for (int i = 0; i < 29; i++) {
		now_ns += S;
		redis_search_begin(&s, &localhost);
		tries(AF_INET6);
	}
	assert_int_equal(asked, 1);
	now_ns += S;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	assert_int_equal(asked, 2);
}

/* As a link does while its Redis is away: some two tries a second. */
static void after_failures_it_is_asked_again_but_not_each_time(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		redis_search_begin(&s, &localhost);
		tries(AF_INET6);
		redis_search_failed(&s);
		tries(AF_INET);
		redis_search_failed(&s);
		now_ns += S / 2;
	}
	assert_int_equal(asked, 4); /* in 20 s */
}

static void a_new_answer_goes_on_where_the_old_one_was(void **state)
{
	(void)state;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	redis_search_failed(&s);
	tries(AF_INET);
	redis_search_worked(&s);
	now_ns += 40 * S;
	resolve("127.0.0.1", "::1"); /* resolvers turn them round */
	redis_search_begin(&s, &localhost);
	tries(AF_INET);
	assert_int_equal(asked, 2);
	now_ns += 40 * S;
	resolve("::1", NULL);
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
}

static void a_name_that_is_not_found_is_asked_for_each_second(void **state)
{
	struct redis_address a;
	const char *fault = "";

	(void)state;
	resolve(NULL, NULL);
	for (int i = 0; i < 20; i++) {
		redis_search_begin(&s, &localhost);
		assert_int_equal(redis_search_next(&s, now_ns, &a, &fault), -ENOENT);
		assert_string_equal(fault, "no such name");
		redis_search_failed(&s);
		now_ns += S / 2;
	}
	assert_int_equal(asked, 10);
	resolve("127.0.0.1", NULL);
	now_ns += S;
	redis_search_begin(&s, &localhost);
	tries(AF_INET);
	now_ns += 40 * S; /* … and of one that was, a bad day of the resolver does no harm */
	resolve(NULL, NULL);
	redis_search_begin(&s, &localhost);
	tries(AF_INET);
}

static void a_slow_answer_is_waited_for(void **state)
{
	struct redis_address a;
	const char *fault;

	(void)state;
	said = -EAGAIN;
	assert_int_equal(redis_search_fd(&s), -1);
	for (int i = 0; i < 10; i++) {
		redis_search_begin(&s, &localhost);
		assert_int_equal(redis_search_next(&s, now_ns, &a, &fault), 0);
		assert_int_equal(redis_search_fd(&s), 77);
		now_ns += S / 2;
	}
	said = 0;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	assert_int_equal(asked, 1);
}

static void a_number_is_never_looked_up_and_another_place_is_anew(void **state)
{
	const struct redis_place number = { .host = "10.0.0.1", .port = 1 };
	const struct redis_place path = { .path = "/run/redis.sock" };

	(void)state;
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	redis_search_begin(&s, &number);
	tries(AF_INET);
	redis_search_failed(&s);
	now_ns += 100 * S;
	tries(AF_INET);
	assert_false(redis_search_more(&s));
	redis_search_begin(&s, &path);
	tries(AF_UNIX);
	assert_int_equal(asked, 1);
	redis_search_begin(&s, &localhost);
	tries(AF_INET6);
	assert_int_equal(asked, 2);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(all_are_tried_in_order_and_the_one_that_worked_is_first),
		WITH(an_answer_is_kept_and_asked_for_again_when_it_is_old),
		WITH(after_failures_it_is_asked_again_but_not_each_time),
		WITH(a_new_answer_goes_on_where_the_old_one_was),
		WITH(a_name_that_is_not_found_is_asked_for_each_second),
		WITH(a_slow_answer_is_waited_for),
		WITH(a_number_is_never_looked_up_and_another_place_is_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
