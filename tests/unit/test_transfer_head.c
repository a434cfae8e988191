#include "rs_test.h"
#include "transfer_head.h"

static void headers_are_found_by_name(void **state)
{
	static const char head[] = "A: 1\nab: 2\nA:3 \na:\nB\n";
	const char *from = NULL, *value;
	size_t length;

	(void)state;
	value = transfer_head_find(head, "a", &from, &length);
	assert_ptr_equal(value, head + 3);
	assert_int_equal(length, 1);
	value = transfer_head_find(head, "a", &from, &length);
	assert_int_equal(*value, '3');
	assert_int_equal(length, 1);
	assert_non_null(transfer_head_find(head, "a", &from, &length));
	assert_int_equal(length, 0);
	assert_null(transfer_head_find(head, "a", &from, &length));
	assert_null(transfer_head_find(head, "B", NULL, &length));
	assert_null(transfer_head_find("", "a", NULL, &length));
	assert_null(transfer_head_find(NULL, "a", NULL, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
