#include "siphash.h"

#include "rs_test.h"

/* The vectors of the paper and of its reference: key 00 … 0f, message 00 01 02 … */
static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

static void it_is_the_published_function(void **state)
{
	static const struct {
		size_t length;
		uint64_t hash;
	} known[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },  { 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	unsigned char message[16];

	(void)state;
	for (unsigned char i = 0; i < sizeof(message); i++)
		message[i] = i;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(siphash(key, message, known[i].length), known[i].hash);
}

static void another_key_gives_another_hash(void **state)
{
	const uint64_t other[2] = { key[0] ^ 1, key[1] };

	(void)state;
	assert_int_not_equal(siphash(key, "a", 1), siphash(other, "a", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_published_function),
		cmocka_unit_test(another_key_gives_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
