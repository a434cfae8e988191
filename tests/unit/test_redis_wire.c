#include "redis_wire.h"
#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096

static struct redis_wire *wire;

static int open_wire(void **state)
{
	(void)state;
	return redis_wire_open(&wire, MOST);
}

static int close_wire(void **state)
{
	(void)state;
	redis_wire_close(wire);
	return 0;
}

static int next(const char *text, struct redis_value **out)
{
	assert_int_equal(redis_wire_feed(wire, text, strlen(text)), 0);
	return redis_wire_next(wire, out);
}

static void a_question_is_written_with_any_bytes(void **state)
{
	const struct redis_text words[] = {
		REDIS_TEXT("SET"), { "a\r\n", 3 }, { "\0$1", 3 }, { "", 0 }
	};
	static const char wanted[] = "*4\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$3\r\n\0$1\r\n$0\r\n\r\n";
	size_t length;
	char *question = redis_wire_question(words, 4, &length);

	(void)state;
	assert_non_null(question);
	assert_int_equal(length, sizeof(wanted) - 1);
	assert_memory_equal(question, wanted, length);
	free(question);
}

static void answers_of_each_type_are_read(void **state)
{
	struct redis_value *v;

	(void)state;
	assert_int_equal(next("$3\r\na\nb\r\n", &v), 1);
	assert_int_equal(v->type, REDIS_STRING);
	assert_int_equal(v->length, 3);
	assert_string_equal(v->text, "a\nb");
	redis_value_free(v);
	assert_int_equal(next("$-1\r\n", &v), 1);
	assert_int_equal(v->type, REDIS_NIL);
	redis_value_free(v);
	assert_int_equal(next("*-1\r\n", &v), 1);
	assert_int_equal(v->type, REDIS_NIL);
	redis_value_free(v);
	assert_int_equal(next(":-7\r\n", &v), 1);
	assert_int_equal(v->number, -7);
	redis_value_free(v);
	assert_int_equal(next("-ERR no\r\n", &v), 1);
	assert_int_equal(v->type, REDIS_REFUSAL);
	assert_string_equal(v->text, "ERR no");
	redis_value_free(v);
	assert_int_equal(next("*3\r\n$1\r\na\r\n*1\r\n:1\r\n+OK\r\n", &v), 1);
	assert_int_equal(v->count, 3);
	assert_string_equal(v->items[0]->text, "a");
	assert_int_equal(v->items[1]->items[0]->number, 1);
	assert_int_equal(v->items[2]->type, REDIS_STATUS);
	redis_value_free(v);
	assert_int_equal(next("*0\r\n", &v), 1);
	assert_int_equal(v->count, 0);
	redis_value_free(v);
}

static void a_byte_at_a_time_is_the_same(void **state)
{
	static const char text[] = "*2\r\n$2\r\nab\r\n:5\r\n+OK\r\n";
	struct redis_value *v;
	int found = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(redis_wire_feed(wire, text + i, 1), 0);
		if (redis_wire_next(wire, &v) == 1)
			found++;
		redis_value_free(v);
	}
	assert_int_equal(found, 2);
}

static void what_is_too_long_is_told_before_it_is_there(void **state)
{
	char bytes[2 * MOST] = "$1000000\r\n";
	struct redis_value *v;

	(void)state;
	memset(bytes + 10, 'x', sizeof(bytes) - 10);
	assert_int_equal(redis_wire_feed(wire, bytes, 2000), 0);
	assert_int_equal(redis_wire_next(wire, &v), 0);
	assert_int_equal(redis_wire_feed(wire, bytes + 2000, MOST - 1000), 0);
	assert_int_equal(redis_wire_next(wire, &v), -EMSGSIZE);
}

static void an_array_is_too_long_by_what_it_is_made_of(void **state)
{
	struct redis_value *v;
	int ret = next("*100\r\n", &v);

	(void)state;
	assert_true(ret == -EMSGSIZE || ret == 0);
	for (int i = 0; i < 99 && !ret; i++)
		ret = next(":1\r\n", &v);
	assert_int_equal(ret, -EMSGSIZE);
}

static void a_count_that_no_memory_holds_is_too_long(void **state)
{
	struct redis_value *v;

	(void)state;
	assert_int_equal(next("*2147483647\r\n", &v), -EMSGSIZE);
}

static void each_answer_has_the_limit_of_its_own(void **state)
{
	struct redis_value *v;
	char text[1100] = "$1000\r\n";

	(void)state;
	memset(text + 7, 'x', 1000);
	memcpy(text + 1007, "\r\n", 3);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(next(text, &v), 1);
		redis_value_free(v);
	}
}

static void what_is_no_resp_is_told(void **state)
{
	struct redis_value *v;

	(void)state;
	assert_int_equal(next("HTTP/1.1 400 Bad Request\r\n", &v), -EPROTO);
}

static void one_in_one_too_often_is_none(void **state)
{
	struct redis_value *v;

	(void)state;
	assert_int_equal(next("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", &v),
			 -EPROTO);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_written_with_any_bytes),
		WITH(answers_of_each_type_are_read),
		WITH(a_byte_at_a_time_is_the_same),
		WITH(what_is_too_long_is_told_before_it_is_there),
		WITH(an_array_is_too_long_by_what_it_is_made_of),
		WITH(a_count_that_no_memory_holds_is_too_long),
		WITH(each_answer_has_the_limit_of_its_own),
		WITH(what_is_no_resp_is_told),
		WITH(one_in_one_too_often_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
