#include "pack.h"

#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char text[100000], out[100000];

static int make(struct pack *p, size_t length, void **packed, size_t *size)
{
	*packed = NULL;
	return pack_make(p, text, length, packed, size);
}

static void what_was_packed_comes_out_as_it_was(void **state)
{
	struct pack p = { .on = true, .from = 1025, .level = 3 };
	size_t size = 0;
	void *packed;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abcdefg"[i % 7];
	assert_int_equal(make(&p, sizeof(text), &packed, &size), 0);
	assert_true(size < sizeof(text) / 10);
	assert_int_equal(pack_expand(&p, packed, size, out, sizeof(text)), 0);
	assert_memory_equal(out, text, sizeof(text));
	assert_int_equal(pack_expand(&p, packed, size, out, sizeof(text) - 1), -EBADMSG);
	((char *)packed)[0] ^= 1;
	assert_int_equal(pack_expand(&p, packed, size, out, sizeof(text)), -EBADMSG);
	free(packed);
	pack_close(&p);
	assert_int_equal(pack_expand(&p, out, 1, out, 1), -EBADMSG); /* it comes anew */
	pack_close(&p);
}

static void what_does_not_pay_is_left(void **state)
{
	struct pack p = { .on = true, .from = 1025, .level = 3 };
	size_t size;
	void *packed;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(make(&p, 1024, &packed, &size), -ERANGE);
	assert_null(p.library); /* nobody needed it yet */
	assert_int_equal(make(&p, 1025, &packed, &size), 0);
	free(packed);
	srand(5); /* NOLINT(cert-msc51-cpp): the same each time */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)rand();
	assert_int_equal(make(&p, sizeof(text), &packed, &size), -ERANGE);
	assert_null(packed);
	p.on = false;
	memset(text, 'a', sizeof(text));
	assert_int_equal(make(&p, sizeof(text), &packed, &size), -ERANGE);
	pack_close(&p);
}

static void a_library_that_is_not_there_is_said_once_and_for_all(void **state)
{
	struct pack p = { .on = true, .from = 1, .level = 3, .error = -ELIBACC };
	size_t size;
	void *packed;

	(void)state;
	assert_int_equal(make(&p, 1000, &packed, &size), -ELIBACC);
	pack_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_comes_out_as_it_was),
		cmocka_unit_test(what_does_not_pay_is_left),
		cmocka_unit_test(a_library_that_is_not_there_is_said_once_and_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
