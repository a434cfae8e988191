#include "runtime.h"

#include "rs_test.h"

static void files_are_known_by_their_last_part(void **state)
{
	static const struct {
		const char *path;
		enum runtime runtime;
	} files[] = {
		{ "/usr/bin/node", RUNTIME_NODE },
		{ "/usr/lib/x86_64-linux-gnu/libnode.so.108", RUNTIME_NODE },
		{ "/usr/lib/jvm/a/lib/server/libjvm.so", RUNTIME_JVM },
		{ "/usr/bin/python3.11", RUNTIME_PYTHON },
		{ "/usr/bin/python3.11%20(deleted)", RUNTIME_PYTHON },
		{ "/usr/lib/libpython3.11.so.1.0", RUNTIME_PYTHON },
		{ "/usr/lib/libruby-3.1.so.3.1.2", RUNTIME_RUBY },
		{ "/usr/sbin/php-fpm8.2", RUNTIME_PHP },
		{ "/usr/lib/apache2/modules/libphp8.2.so", RUNTIME_PHP },
		{ "/usr/lib/postgresql/15/bin/postgres", RUNTIME_POSTGRES },
		{ "postgres%20(deleted)", RUNTIME_POSTGRES },
		{ "/usr/bin/node/readme", RUNTIME_NONE },
		{ "/usr/sbin/nginx", RUNTIME_NONE },
		{ "/usr/bin/nodent", RUNTIME_NONE },
		{ "[anonymous]", RUNTIME_NONE },
		{ "", RUNTIME_NONE },
		{ "/libpython-of-a-name-that-is-longer-than-any-that-we-look-at-in-full.so",
		  RUNTIME_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(runtime_of_file(files[i].path), files[i].runtime);
}

static void each_has_a_name_and_each_reason_a_text(void **state)
{
	(void)state;
	for (uint32_t i = RUNTIME_NONE + 1; i < RUNTIMES; i++)
		assert_true(runtime_name(i)[0]);
	assert_string_equal(runtime_name(RUNTIMES), "");
	for (uint32_t i = 0; i < RUNTIME_WHYS; i++)
		assert_int_equal(runtime_why_text(i)[0] != '\0', i != RUNTIME_ATTACHED);
	assert_string_equal(runtime_why_text(RUNTIME_WHYS), "unknown");
}

static void a_heap_that_is_mapped_is_not_what_malloc_gave(void **state)
{
	(void)state;
	assert_true(runtime_maps_heap(RUNTIME_NODE) && runtime_maps_heap(RUNTIME_JVM));
	assert_false(runtime_maps_heap(RUNTIME_NONE) || runtime_maps_heap(RUNTIME_PYTHON));
	assert_false(runtime_maps_heap(RUNTIMES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_known_by_their_last_part),
		cmocka_unit_test(each_has_a_name_and_each_reason_a_text),
		cmocka_unit_test(a_heap_that_is_mapped_is_not_what_malloc_gave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
