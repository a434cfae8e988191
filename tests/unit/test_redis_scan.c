#include "redis_client.h"
#include "redis_client_fixture.h"

#define SCAN(cursor, length, pattern)                                                              \
	"*6\r\n$4\r\nSCAN\r\n$1\r\n" cursor "\r\n$5\r\nMATCH\r\n$" length "\r\n" pattern           \
	"\r\n$5\r\nCOUNT\r\n$3\r\n500\r\n"

static struct client c;

struct found {
	struct fixture_told told; /* first: it is what is told at the end */
	char keys[64];
};

static void key(void *ctx, const void *bytes, size_t length)
{
	struct found *f = ctx;
	size_t n = strlen(f->keys);

	assert_int_equal(f->told.times, 0);
	snprintf(f->keys + n, sizeof(f->keys) - n, "%.*s,", (int)length, (const char *)bytes);
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

static void scan(const char *text, struct found *f)
{
	const struct redis_text pattern = { text, strlen(text) };
	const struct redis_then then = { fixture_told, &f->told };

	memset(f, 0, sizeof(*f));
	assert_int_equal(redis_scan(c.redis, &pattern, key, &then), 0);
	client_step(&c);
}

static void pages_are_asked_for_until_there_is_none(void **state)
{
	struct found f;

	(void)state;
	scan("a[*", &f);
	fixture_hear(&c.server, SCAN("0", "6", "p:a\\[*"));
	client_say(&c, "*2\r\n$1\r\n7\r\n*1\r\n$3\r\np:a\r\n");
	fixture_hear(&c.server, SCAN("7", "6", "p:a\\[*"));
	assert_int_equal(f.told.times, 0);
	client_say(&c, "*2\r\n$1\r\n0\r\n*2\r\n$3\r\np:b\r\n$2\r\np:\r\n");
	assert_int_equal(f.told.times, 1);
	assert_int_equal(f.told.fault, REDIS_FINE);
	assert_string_equal(f.keys, "a,b,,");
	assert_true(fixture_is_quiet(&c.server));
}

static void keys_that_are_not_ours_are_not_told(void **state)
{
	struct found f;

	(void)state;
	scan("*", &f);
	client_say(&c, "*2\r\n$1\r\n0\r\n*4\r\n$3\r\nq:a\r\n$1\r\np\r\n:1\r\n$4\r\nxp:a\r\n");
	assert_string_equal(f.keys, "");
	assert_int_equal(f.told.times, 1);
}

static void a_fault_ends_it(void **state)
{
	static const char *const odd[] = { "*0\r\n", "*2\r\n:0\r\n*0\r\n", "*2\r\n$0\r\n\r\n*0\r\n",
					   "*2\r\n$1\r\nx\r\n*0\r\n",
					   "*2\r\n$1\r\n0\r\n$1\r\n0\r\n" };
	struct found f;

	(void)state;
	scan("*", &f);
	client_say(&c, "-NOPERM no\r\n");
	assert_int_equal(f.told.times, 1);
	assert_int_equal(f.told.fault, REDIS_NOPERM);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		scan("*", &f);
		client_say(&c, odd[i]);
		assert_int_equal(f.told.times, 1);
		assert_int_equal(f.told.fault, REDIS_ODD);
	}
}

static void the_end_ends_it(void **state)
{
	struct found f;

	(void)state;
	scan("*", &f);
	redis_close(c.redis);
	assert_int_equal(f.told.times, 1);
	assert_int_equal(f.told.fault, REDIS_CLOSED);
	assert_int_equal(redis_open(&c.redis, &c.config), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)
	const struct CMUnitTest tests[] = {
		WITH(pages_are_asked_for_until_there_is_none),
		WITH(keys_that_are_not_ours_are_not_told),
		WITH(a_fault_ends_it),
		WITH(the_end_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
