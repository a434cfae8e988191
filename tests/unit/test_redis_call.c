#include "redis_call.h"
#include "redis_key.h"
#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

static struct redis_call *call(uint64_t deadline_ns)
{
	const struct redis_text words[] = { REDIS_TEXT("PING") };
	struct redis_call *c;

	assert_int_equal(redis_call_open(&c, words, 1), 0);
	assert_int_equal(c->slot, REDIS_SLOTS);
	c->deadline_ns = deadline_ns;
	return c;
}

static void told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	unsigned int *times = ctx;

	assert_int_equal(fault, REDIS_AWAY);
	assert_null(v);
	++*times;
}

static void a_queue_keeps_order_and_counts(void **state)
{
	struct redis_call *a = call(3), *b = call(1), *c = call(2), *d = call(9);
	struct redis_queue q;

	(void)state;
	redis_queue_init(&q);
	assert_int_equal(redis_queue_deadline_ns(&q), UINT64_MAX);
	assert_null(redis_queue_take(&q));
	redis_queue_put(&q, a);
	redis_queue_put(&q, c);
	redis_queue_insert(&q, &a->next, b);
	assert_int_equal(q.count, 3);
	assert_int_equal(q.bytes, 3 * a->length);
	assert_int_equal(redis_queue_deadline_ns(&q), 1);
	assert_ptr_equal(redis_queue_take_at(&q, &b->next), c); /* the last one */
	redis_queue_put(&q, d);
	assert_ptr_equal(redis_queue_take(&q), a);
	assert_ptr_equal(redis_queue_take(&q), b);
	assert_ptr_equal(redis_queue_take(&q), d);
	assert_int_equal(q.count, 0);
	assert_int_equal(q.bytes, 0);
	redis_queue_put(&q, a);
	assert_ptr_equal(q.first, a);
	redis_queue_take(&q);
	redis_call_answer(a, REDIS_FINE, NULL);
	redis_call_answer(b, REDIS_FINE, NULL);
	redis_call_answer(c, REDIS_FINE, NULL);
	redis_call_answer(d, REDIS_FINE, NULL);
}

static void an_answer_is_told(void **state)
{
	struct redis_call *c = call(1);
	unsigned int times = 0;

	(void)state;
	c->done = told;
	c->ctx = &times;
	redis_call_answer(c, REDIS_AWAY, NULL);
	assert_int_equal(times, 1);
}

static struct redis_value *value(enum redis_type type, const char *text)
{
	struct redis_value *v = calloc(1, sizeof(*v) + strlen(text) + 1);

	v->type = type;
	v->length = strlen(text);
	memcpy(v->text, text, v->length);
	return v;
}

static void a_transaction_is_one_question_with_answers_of_its_parts(void **state)
{
	const struct redis_text exec[] = { REDIS_TEXT("EXEC") };
	struct redis_value *status = value(REDIS_STATUS, "QUEUED"), *array = value(REDIS_ARRAY, "");
	struct redis_call *c = call(1);
	size_t alone = c->length;

	(void)state;
	assert_int_equal(redis_call_append(c, exec, 1), 0);
	assert_memory_equal(c->question + alone, "*1\r\n$4\r\nEXEC\r\n", c->length - alone);
	c->taken = REDIS_BIT(REDIS_ARRAY);
	redis_call_ready(c);
	assert_true(redis_call_takes(c, status));
	assert_false(redis_call_takes(c, array));
	assert_true(redis_call_part(c, status));
	assert_true(redis_call_takes(c, array));
	assert_false(redis_call_part(c, array)); /* it is the whole's */
	assert_null(redis_call_refusal(c, array));
	redis_call_ready(c); /* it is asked anew: what was refused before counts no more */
	assert_true(redis_call_part(c, value(REDIS_REFUSAL, "MOVED 1 h:1")));
	assert_string_equal(redis_call_refusal(c, array)->text, "MOVED 1 h:1");
	redis_call_ready(c);
	assert_null(redis_call_refusal(c, array));
	redis_value_free(array);
	redis_call_answer(c, REDIS_FINE, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_keeps_order_and_counts),
		cmocka_unit_test(an_answer_is_told),
		cmocka_unit_test(a_transaction_is_one_question_with_answers_of_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
