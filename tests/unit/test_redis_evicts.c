#include "redis_client.h"
#include "redis_client_fixture.h"

#define ASKS "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n"
#define LIMITED "$48\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lfu\r\n\r\n\r\n"
#define FREE "$45\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lfu\r\n\r\n\r\n"

static struct client c;

struct answer {
	unsigned int times;
	enum redis_fault fault;
	int64_t number;
};

static void answered(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct answer *a = ctx;

	a->times++;
	a->fault = fault;
	a->number = v ? v->number : -1;
}

static int open_client(void **state)
{
	(void)state;
	client_open(&c, NULL);
	client_ready(&c);
	return 0;
}

static int close_client(void **state)
{
	(void)state;
	client_close(&c);
	return 0;
}

static struct answer ask(const char *answer)
{
	struct answer a = { .times = 0 };

	assert_int_equal(redis_evicts(c.redis, &(struct redis_then){ answered, &a }), 0);
	client_step(&c);
	fixture_hear(&c.server, ASKS);
	client_say(&c, answer);
	assert_int_equal(a.times, 1);
	return a;
}

static void it_is_the_servers_word(void **state)
{
	(void)state;
	assert_int_equal(ask(LIMITED).number, 1);
	assert_int_equal(ask(FREE).number, 0);
	assert_true(fixture_is_quiet(&c.server));
}

/* Who may not ask cannot rule it out. */
static void what_may_not_be_asked_may_be(void **state)
{
	struct answer a;

	(void)state;
	a = ask("-NOPERM this user has no permissions to run the 'info' command\r\n");
	assert_int_equal(a.fault, REDIS_FINE);
	assert_int_equal(a.number, 1);
}

static void a_fault_is_told(void **state)
{
	struct answer a;

	(void)state;
	a = ask("-ERR no\r\n");
	assert_int_equal(a.fault, REDIS_ERROR);
	assert_int_equal(a.number, -1);
}

static void the_end_is_told(void **state)
{
	struct answer a = { .times = 0 };

	(void)state;
	assert_int_equal(redis_evicts(c.redis, &(struct redis_then){ answered, &a }), 0);
	redis_close(c.redis);
	assert_int_equal(a.times, 1);
	assert_int_equal(a.fault, REDIS_CLOSED);
	assert_int_equal(redis_open(&c.redis, &c.config), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)
	const struct CMUnitTest tests[] = {
		WITH(it_is_the_servers_word),
		WITH(what_may_not_be_asked_may_be),
		WITH(a_fault_is_told),
		WITH(the_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
