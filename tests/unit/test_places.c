#include "../../agent/profile/places.c" /* the test itself is the child that it starts */
#include "tls_fixture.h"

#include <poll.h>

/* 0: there is none. */
static uint64_t place(const struct tls_place *all, int count, uint32_t kind)
{
	for (int i = 0; i < count; i++)
		if (all[i].kind == kind)
			return all[i].offset;
	return 0;
}

static int ask(int file, struct tls_place out[TLS_PLACES])
{
	struct places p = { .answer = -1 };
	int count = -EAGAIN;

	assert_int_equal(places_begin(&p, "/proc/self/exe", file), 0);
	for (int i = 0; i < 2000 && count == -EAGAIN; i++) {
		poll(NULL, 0, 10);
		count = places_take(&p, out);
	}
	assert_int_equal(p.pid, 0);
	assert_int_equal(p.answer, -1);
	return count;
}

static void functions_are_found_by_their_names(void **state)
{
	struct tls_place all[TLS_PLACES];
	int file, count;

	(void)state;
	if (SANITIZED)
		rs_skip("the jail leaves a sanitizer no room");
	file = self_open();
	count = ask(file, all);
	assert_int_equal(count, 4);
	assert_int_equal(place(all, count, TLS_READ), place_of((uintptr_t)SSL_read));
	assert_int_equal(place(all, count, TLS_WRITE_EX), place_of((uintptr_t)SSL_write_ex));
	assert_int_equal(place(all, count, TLS_FREE), place_of((uintptr_t)SSL_free));
	assert_int_equal(place(all, count, TLS_READ_EX), 0);
	close(file);
}

static void in_what_is_no_elf_file_there_are_none(void **state)
{
	int file = memfd_create("text", MFD_CLOEXEC);
	struct tls_place all[TLS_PLACES];

	(void)state;
	if (SANITIZED)
		rs_skip("the jail leaves a sanitizer no room");
	assert_int_equal(write(file, "text", 4), 4);
	assert_int_equal(ask(file, all), 0);
	close(file);
}

static void a_child_that_cannot_be_had_is_an_error(void **state)
{
	struct places p = { .answer = -1 };

	(void)state;
	assert_true(places_begin(&p, "/nonexistent", 0) < 0);
	assert_int_equal(p.pid, 0);
	places_end(&p);
}

static void what_is_asked_no_more_is_ended(void **state)
{
	struct places p = { .answer = -1 };
	int file = self_open();

	(void)state;
	assert_int_equal(places_begin(&p, "/proc/self/exe", file), 0);
	places_end(&p);
	assert_int_equal(p.pid, 0);
	close(file);
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
	struct places_found f = { .count = 0 };
	int file = self_open();
	uint64_t begin;

	(void)state;
	if (code_open())
		rs_skip("libcapstone is not there");
	places_look_go(&f, file);
	assert_int_equal(f.count, 10); /* of Close the begin alone */
	begin = place(f.places, (int)f.count, TLS_READ);
	assert_int_equal(f.places[0].role, TLS_GO);
	for (uint32_t i = 0; i < f.count; i++)
		if (f.places[i].kind == TLS_READ && f.places[i].role == TLS_GO_RETURN)
			assert_true(f.places[i].offset == begin + 2 ||
				    f.places[i].offset == begin + 4);
	close(file);
#else
	(void)state;
	rs_skip("the code is of x86-64");
#endif
}

static void two_names_of_one_place_are_one(void **state)
{
	struct places_found f = { .count = 0 };
	struct places_walk walk = { .found = &f, .file = -1 };

	(void)state;
	places_openssl_add(&walk, 0, 64, 0);
	places_openssl_add(&walk, 0, 64, 0);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.places[0].role, TLS_C); /* its code cannot be read */
	for (uint64_t i = 0; i < 2 * TLS_PLACES; i++)
		places_add(&f, i * 100, TLS_READ, TLS_C);
	assert_int_equal(f.count, TLS_PLACES); /* and there is an end to it */
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_by_their_names),
		cmocka_unit_test(in_what_is_no_elf_file_there_are_none),
		cmocka_unit_test(a_child_that_cannot_be_had_is_an_error),
		cmocka_unit_test(what_is_asked_no_more_is_ended),
		cmocka_unit_test(of_go_each_return_is_a_place),
		cmocka_unit_test(two_names_of_one_place_are_one),
	};

	if (count == 2)
		return child_main(arguments[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
