#include "../../shim/library.c" /* white box: objects are looked at one by one */
#include "rs_test.h"

#include <stdio.h>

#define SSL "libssl.so.3"

static void *open_or_skip(const char *name, int how)
{
	void *handle = dlopen(name, RTLD_NOW | how);

	if (!handle)
		rs_skip("the library is not installed");
	return handle;
}

static const struct library *called_from(uintptr_t at)
{
	static struct library spare;

	return library_of(LIBRARY_OPENSSL, at, &spare);
}

static void nothing_is_found_where_nothing_is(void **state)
{
	const struct library *l = called_from((uintptr_t)called_from);

	(void)state;
	assert_int_equal(l->openssl.SSL_read(NULL, NULL, 0), -1);
	assert_int_equal(l->openssl.SSL_read_ex(NULL, NULL, 0, NULL), 0);
	assert_int_equal(l->self_bytes, 0);
	memset(library_entries, 0, sizeof(library_entries)); /* the next tests load it */
	library_claimed[LIBRARY_OPENSSL] = 0;
}

/* Loaded for its user alone, as Python does it: RTLD_NEXT would not see it. */
static void a_library_loaded_for_its_user_alone_is_found(void **state)
{
	void *handle = open_or_skip(SSL, RTLD_LOCAL);
	const struct library *l = called_from((uintptr_t)called_from);

	(void)state;
	assert_null(dlsym(RTLD_DEFAULT, "SSL_read"));
	assert_ptr_equal((void *)l->openssl.SSL_read, dlsym(handle, "SSL_read"));
	assert_ptr_equal((void *)l->openssl.SSL_sendfile, dlsym(handle, "SSL_sendfile"));
	assert_ptr_equal((void *)l->openssl.SSL_get_client_random,
			 dlsym(handle, "SSL_get_client_random"));
	assert_ptr_equal(called_from((uintptr_t)called_from + 1), l);
	assert_ptr_equal(called_from((uintptr_t)l->openssl.SSL_free), l); /* its own calls */
}

static void every_function_that_the_library_has_is_found(void **state)
{
	void *handle = open_or_skip("libgnutls.so.30", RTLD_LOCAL);
	struct library spare;
	const struct library *l = library_of(LIBRARY_GNUTLS, (uintptr_t)called_from, &spare);
	void *const *entry = (void *const *)(const void *)&l->gnutls;

	(void)state;
	for (const char *name = library_gnutls_names; *name; name += strlen(name) + 1, entry++)
		assert_ptr_equal(*entry, dlsym(handle, name));
}

static void beyond_the_entries_the_caller_lends_one(void **state)
{
	struct library spare;
	const struct library *l;

	(void)state;
	open_or_skip(SSL, RTLD_LOCAL);
	library_claimed[LIBRARY_OPENSSL] = LIBRARY_CALLERS;
	l = library_of(LIBRARY_OPENSSL, (uintptr_t)printf, &spare);
	assert_ptr_equal(l, &spare);
	assert_ptr_equal((void *)l->openssl.SSL_read,
			 (void *)called_from((uintptr_t)called_from)->openssl.SSL_read);
}

/* Code made at run time lies in no object: it must not use up the entries. */
static void callers_outside_of_all_objects_share_an_entry(void **state)
{
	static uint8_t *heap;
	uint32_t claimed = library_claimed[LIBRARY_OPENSSL];
	const struct library *l;

	(void)state;
	open_or_skip(SSL, RTLD_LOCAL);
	heap = test_malloc(64);
	l = called_from((uintptr_t)heap);
	assert_ptr_equal(called_from((uintptr_t)heap + 8), l);
	assert_ptr_equal((void *)l->openssl.SSL_read,
			 (void *)called_from((uintptr_t)called_from)->openssl.SSL_read);
	assert_int_equal(library_claimed[LIBRARY_OPENSSL], claimed);
	test_free(heap);
}

/* An object of two needs: a table of strings, a dynamic section, no code. */
static void what_an_object_needs_by_name_comes_first(void **state)
{
	static const char strings[] = "\0libssl-bundled.so.3\0libc.so.6";
	ElfW(Dyn) needs[] = { { DT_NEEDED, { 21 } },
			      { DT_NEEDED, { 1 } },
			      { DT_STRTAB, { (uintptr_t)strings } },
			      { DT_NULL, { 0 } } };
	ElfW(Dyn) is[] = { { DT_SONAME, { 1 } },
			   { DT_STRTAB, { (uintptr_t)strings } },
			   { DT_NULL, { 0 } } };
	struct library_object user = { .dynamic = needs };
	struct library_object bundled = { .dynamic = is };
	struct library_object nameless = { .dynamic = is + 1 };

	(void)state;
	assert_true(library_needs(&user, &bundled));
	assert_false(library_needs(&user, &nameless));
	assert_false(library_needs(&bundled, &user));
	needs[1].d_un.d_val = 2;
	assert_false(library_needs(&user, &bundled));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_where_nothing_is),
		cmocka_unit_test(a_library_loaded_for_its_user_alone_is_found),
		cmocka_unit_test(every_function_that_the_library_has_is_found),
		cmocka_unit_test(callers_outside_of_all_objects_share_an_entry),
		cmocka_unit_test(beyond_the_entries_the_caller_lends_one),
		cmocka_unit_test(what_an_object_needs_by_name_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
