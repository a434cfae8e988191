#include "core.h"
#include "dialect.h"

static int setup(void **state)
{
	core_setup(state);
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guard_leave();
	return 0;
}

static void a_connection_takes_one_and_no_second(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	struct dialect first = { 0 }, second = { 0 };

	(void)state;
	assert_true(dialect_take(c, &first));
	assert_false(dialect_take(c, &second));
	assert_ptr_equal(c->dialect, &first);
	c->dialect = NULL;
	connection_put(c);
}

static void what_http1_did_not_refuse_begins_none(void **state)
{
	static const uint8_t text[] = "GET / HTTP/1.1\r\n";
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	struct exchange_call call = { .context = c };
	bool more;

	(void)state;
	assert_false(dialect_begins(c, CONNECTION_READ, text, sizeof(text) - 1, &call, &more));
	assert_null(c->dialect);
	connection_put(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_connection_takes_one_and_no_second, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_http1_did_not_refuse_begins_none, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
