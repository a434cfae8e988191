#include "redis_slots.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char told[400];

static void range(void *ctx, uint32_t first, uint32_t last, const struct redis_place *master)
{
	size_t n = strlen(told);

	assert_ptr_equal(ctx, told);
	snprintf(told + n, sizeof(told) - n, "%u-%u %.60s:%u;", first, last, master->host,
		 master->port);
}

static int slots(const char *answer)
{
	struct redis_wire *wire;
	struct redis_value *v;
	int ret;

	told[0] = '\0';
	assert_int_equal(redis_wire_open(&wire, 65536), 0);
	assert_int_equal(redis_wire_feed(wire, answer, strlen(answer)), 0);
	assert_int_equal(redis_wire_next(wire, &v), 1);
	ret = redis_slots_read(v, "asked", range, told);
	redis_value_free(v);
	redis_wire_close(wire);
	return ret;
}

static void masters_are_told_by_ranges(void **state)
{
	(void)state;
	assert_int_equal(
		slots("*2\r\n*4\r\n:0\r\n:5460\r\n*3\r\n$1\r\na\r\n:1\r\n$2\r\nid\r\n"
		      "*2\r\n$1\r\nr\r\n:9\r\n*3\r\n:16383\r\n:16383\r\n*2\r\n$1\r\nb\r\n:2\r\n"),
		0);
	assert_string_equal(told, "0-5460 a:1;16383-16383 b:2;");
	assert_int_equal(slots("*0\r\n"), 0);
	assert_string_equal(told, "");
}

static void a_node_without_a_name_is_where_it_was_asked(void **state)
{
	(void)state;
	assert_int_equal(slots("*1\r\n*3\r\n:1\r\n:2\r\n*2\r\n$0\r\n\r\n:7\r\n"), 0);
	assert_string_equal(told, "1-2 asked:7;");
	assert_int_equal(slots("*1\r\n*3\r\n:1\r\n:2\r\n*2\r\n$-1\r\n:7\r\n"), 0);
	assert_string_equal(told, "1-2 asked:7;");
	assert_int_equal(slots("*1\r\n*3\r\n:1\r\n:2\r\n*2\r\n$1\r\n?\r\n:7\r\n"), 0);
	assert_string_equal(told, "1-2 asked:7;");
}

static void what_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		":1\r\n",
		"*1\r\n:1\r\n",
		"*1\r\n*2\r\n:1\r\n:2\r\n",
		"*1\r\n*3\r\n:1\r\n:2\r\n:3\r\n",
		"*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
		"*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
		"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
		"*1\r\n*3\r\n$1\r\n0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:0\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:65536\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n",
		"*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\na\r\n",
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (slots(wrong[i]) != -EPROTO || *told)
			fail_msg("%zu was taken: %s", i, told);
	snprintf(text, sizeof(text), "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$256\r\n%0256d\r\n:1\r\n", 1);
	assert_int_equal(slots(text), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masters_are_told_by_ranges),
		cmocka_unit_test(a_node_without_a_name_is_where_it_was_asked),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
