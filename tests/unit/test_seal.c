#include "rs_test.h"
#include "seal.h"

static void it_is_the_sum_of_rfc_4231(void **state)
{
	char sum[SEAL_TEXT];

	(void)state; /* its test case 2 */
	assert_int_equal(seal_hmac("Jefe", "what do ya want for nothing?", 28, sum), 0);
	assert_string_equal(sum,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_is_the_sum_of_rfc_4231) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
