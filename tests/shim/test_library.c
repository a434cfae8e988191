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
	library_doubt();
	assert_ptr_equal(called_from((uintptr_t)heap), l);
	assert_int_equal(library_claimed[LIBRARY_OPENSSL], claimed);
	test_free(heap);
}

static struct library_entry *entry_of(const struct library *l)
{
	return (struct library_entry *)(void *)((uint8_t *)(uintptr_t)l -
						offsetof(struct library_entry, library));
}

/* A fork, or a jump out of a handler, may leave it so for good. */
static void an_entry_that_is_not_made_hides_no_other(void **state)
{
	const uintptr_t at = (uintptr_t)dlsym(RTLD_DEFAULT, "_assert_true");
	const struct library *l;
	uint32_t claimed;

	(void)state;
	open_or_skip(SSL, RTLD_LOCAL);
	library_claimed[LIBRARY_OPENSSL]++;
	l = called_from(at); /* behind the one that is being made */
	claimed = library_claimed[LIBRARY_OPENSSL];
	assert_ptr_equal(called_from(at), l);
	assert_int_equal(library_claimed[LIBRARY_OPENSSL], claimed);
}

static void what_may_have_been_unloaded_is_found_again(void **state)
{
	const struct library *l;
	uint32_t claimed;

	(void)state;
	open_or_skip(SSL, RTLD_LOCAL);
	l = called_from((uintptr_t)called_from);
	claimed = library_claimed[LIBRARY_OPENSSL];
	library_doubt();
	assert_ptr_equal(called_from((uintptr_t)l->openssl.SSL_free), l); /* its own call */
	assert_int_equal(entry_of(l)->found, library_turn);
	assert_int_equal(library_claimed[LIBRARY_OPENSSL], claimed);
}

static void what_is_another_one_is_given_up(void **state)
{
	void *handle = open_or_skip(SSL, RTLD_LOCAL);
	const struct library *l = called_from((uintptr_t)called_from), *other;
	struct library_entry *entry = entry_of(l);

	(void)state;
	*(void **)(void *)&entry->library.openssl.SSL_read = (void *)called_from; /* as if it had */
	library_doubt();
	other = called_from((uintptr_t)called_from);
	assert_ptr_not_equal(other, l);
	assert_ptr_equal((void *)other->openssl.SSL_read, dlsym(handle, "SSL_read"));
	assert_int_equal(entry->found, LIBRARY_GONE);
	library_doubt();
	assert_ptr_equal(called_from((uintptr_t)called_from), other);
}

static void a_function_is_found_in_whatever_object(void **state)
{
	(void)state;
	assert_ptr_equal(library_function("dlclose"), dlsym(RTLD_DEFAULT, "dlclose"));
	assert_null(library_function("there is no such function"));
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
		cmocka_unit_test(an_entry_that_is_not_made_hides_no_other),
		cmocka_unit_test(what_may_have_been_unloaded_is_found_again),
		cmocka_unit_test(what_is_another_one_is_given_up),
		cmocka_unit_test(a_function_is_found_in_whatever_object),
		cmocka_unit_test(beyond_the_entries_the_caller_lends_one),
		cmocka_unit_test(what_an_object_needs_by_name_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
