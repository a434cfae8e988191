#include "../../agent/profile/cleartext.c" /* the test's own program is the file that is read */
#include "tls_fixture.h"

static struct image image;

/* 0: there is none. */
static uint64_t place(const struct sites *all, uint32_t kind)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (all->at[i].cookie == kind)
			return all->at[i].offset;
	return 0;
}

static void image_open_self(void)
{
	int file = self_open();

	assert_int_equal(image_open(&image, file), 0);
}

static void functions_are_found_by_their_names(void **state)
{
	struct sites all;

	(void)state;
	image_open_self();
	cleartext_read(&image, &all);
	assert_int_equal(all.why, RUNTIME_ATTACHED);
	assert_int_equal(all.count, 4);
	assert_int_equal(place(&all, TLS_READ), place_of((uintptr_t)SSL_read));
	assert_int_equal(place(&all, TLS_WRITE_EX), place_of((uintptr_t)SSL_write_ex));
	assert_int_equal(place(&all, TLS_FREE), place_of((uintptr_t)SSL_free));
	assert_int_equal(place(&all, TLS_READ_EX), 0);
	close(image.fd);
}

#ifdef __x86_64__
/* As Go makes them: where the stack grows is 4 bytes from its begin. */
#define GO(name)                                                                                   \
	__asm__(".text\n .type \"" name "\", @function\n \"" name                                  \
		"\": cmp 16(%r14), %rsp\n jbe 1f\n ret\n 1: nop\n ret\n .size \"" name             \
		"\", . - \"" name "\"\n")
GO("crypto/tls.(*Conn).Read");
GO("crypto/tls.(*Conn).Write");
GO("crypto/tls.(*Conn).Close");
GO("crypto/tls.(*Conn).handshakeContext");
#endif

static void of_go_each_return_is_a_place(void **state)
{
#ifdef __x86_64__
	struct sites all = { .count = 0 };
	uint64_t begin;

	(void)state;
	if (code_open())
		rs_skip("libcapstone is not there");
	image_open_self();
	cleartext_go_read(&image, &all);
	assert_int_equal(all.count, 10); /* of Close the begin alone */
	begin = place(&all, TLS_READ);
	assert_int_equal(all.at[0].role, TLS_GO);
	for (uint32_t i = 0; i < all.count; i++)
		if (all.at[i].cookie == TLS_READ && all.at[i].role == TLS_GO_RETURN)
			assert_true(all.at[i].offset == begin + 2 || all.at[i].offset == begin + 4);
	close(image.fd);
#else
	(void)state;
	rs_skip("the code is of x86-64");
#endif
}

static void two_names_of_one_place_are_one(void **state)
{
	struct sites all = { .count = 0 };
	struct cleartext c = { .file = &image, .out = &all };

	(void)state;
	cleartext_openssl_add(&c, cleartext_openssl, 64, 0);
	cleartext_openssl_add(&c, cleartext_openssl, 64, 0);
	assert_int_equal(all.count, 1);
	assert_int_equal(all.at[0].role, TLS_C); /* its code cannot be read */
	for (uint64_t i = 0; i < 2 * SITES; i++)
		cleartext_add(&all, i * 100, TLS_READ, TLS_C);
	assert_int_equal(all.count, SITES); /* and there is an end to it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_by_their_names),
		cmocka_unit_test(of_go_each_return_is_a_place),
		cmocka_unit_test(two_names_of_one_place_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
