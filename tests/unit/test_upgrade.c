#include "fields.h"
#include "rs_test.h"
#include "upgrade.h"

#include <string.h>

/* The head is cut at every place; what it said, or -1 where its end was not found. */
static int said(const char *head)
{
	size_t n = strlen(head);
	int first = -1;

	for (size_t cut = 0; cut <= n; cut++) {
		const uint8_t *at = (const uint8_t *)head;
		struct http1 p;
		int now;

		http1_init(&p);
		if (upgrade_read(&p, &at, at + cut))
			assert_int_equal(cut, n);
		else if (!upgrade_read(&p, &at, (const uint8_t *)head + n))
			return -1;
		assert_ptr_equal(at, head + n);
		now = (p.fields & FIELDS_H2C) != 0;
		assert_true(first < 0 || first == now);
		first = now;
	}
	return first;
}

static void h2c_is_known_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(said("Upgrade: h2c\r\n\r\n"), 1);
	assert_int_equal(said("Connection: Upgrade\r\nupgrade:\tH2C \r\nServer: x\r\n\r\n"), 1);
	assert_int_equal(said("A: b\nUPGRADE:h2c\n\n"), 1);
}

static void anything_else_is_not(void **state)
{
	(void)state;
	assert_int_equal(said("\r\n"), 0);
	assert_int_equal(said("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), 0);
	assert_int_equal(said("Upgrade: h2\r\n\r\n"), 0);
	assert_int_equal(said("Upgrade: h2cx\r\n\r\n"), 0);
	assert_int_equal(said("X-Upgrade: h2c\r\nUpgrade:\r\nh2c\r\n\r\n"), 0);
	assert_int_equal(said("Upgrade"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h2c_is_known_by_its_name),
		cmocka_unit_test(anything_else_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
