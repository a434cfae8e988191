#include "../../agent/profile/symtab.c"
#include "rs_test.h"

static void add(struct symtab *t, uint64_t start, uint64_t size, const char *name)
{
	const struct symtab_entry entry = { .start = start, .size = size };

	assert_int_equal(symtab_add(t, &entry, name, strlen(name)), 0);
}

static void an_address_inside_a_function_has_its_name(void **state)
{
	struct symtab t = { 0 };

	(void)state;
	add(&t, 300, 10, "third");
	add(&t, 100, 10, "first");
	add(&t, 110, 10, "second");
	symtab_sort(&t);
	assert_string_equal(symtab_find(&t, 100), "first");
	assert_string_equal(symtab_find(&t, 109), "first");
	assert_string_equal(symtab_find(&t, 110), "second");
	assert_string_equal(symtab_find(&t, 309), "third");
	assert_null(symtab_find(&t, 99));
	assert_null(symtab_find(&t, 120));
	assert_null(symtab_find(&t, 310));
	symtab_fini(&t);
}

static void a_function_without_a_size_goes_up_to_the_next(void **state)
{
	struct symtab t = { 0 };

	(void)state;
	add(&t, 100, 0, "first");
	add(&t, 200, 10, "second");
	symtab_sort(&t);
	assert_string_equal(symtab_find(&t, 199), "first");
	symtab_fini(&t);
}

static void of_two_names_at_one_address_the_one_with_a_size_is_taken(void **state)
{
	struct symtab t = { 0 };

	(void)state;
	add(&t, 100, 10, "sized");
	add(&t, 100, 10, "alias");
	add(&t, 100, 0, "label");
	symtab_sort(&t);
	assert_string_equal(symtab_find(&t, 105), "sized");
	symtab_fini(&t);
}

static void the_kernels_list_gives_functions_alone(void **state)
{
	static const char text[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000100 t helper\t[ext4]\n"
				   "ffffffff81000200 D data\n"
				   "0000000000000000 T hidden\n"
				   "rubbish\n\n"
				   "ffffffff81000300 W";
	struct symtab t = { 0 };

	(void)state;
	assert_int_equal(symtab_kernel(&t, text, sizeof(text) - 1), 0);
	symtab_sort(&t);
	assert_int_equal(t.count, 2);
	assert_string_equal(symtab_find(&t, 0xffffffff81000050), "_text");
	assert_string_equal(symtab_find(&t, 0xffffffff81000150), "helper");
	symtab_fini(&t);
}

static void a_perf_map_gives_names_with_blanks(void **state)
{
	static const char text[] = "7f0010 20 LazyCompile:*add /a b.js:1\n"
				   "0x7f0030 0x8 other\n"
				   "7f0040 0 empty\n"
				   "7f0050 zz bad\n"
				   "fffffffffffffffff 8 long\n"
				   "7f0060 10";
	struct symtab t = { 0 };

	(void)state;
	assert_int_equal(symtab_perf(&t, text, sizeof(text) - 1), 0);
	symtab_sort(&t);
	assert_int_equal(t.count, 2);
	assert_string_equal(symtab_find(&t, 0x7f002f), "LazyCompile:*add /a b.js:1");
	assert_string_equal(symtab_find(&t, 0x7f0030), "other");
	assert_null(symtab_find(&t, 0x7f0038));
	symtab_fini(&t);
}

static void a_table_has_an_end(void **state)
{
	struct symtab t = { .count = SYMTAB_ENTRIES };
	const struct symtab_entry entry = { .start = 1 };

	(void)state;
	assert_int_equal(symtab_add(&t, &entry, "x", 1), -E2BIG);
	t.count = 0;
	t.text_length = SYMTAB_TEXT - 1;
	assert_int_equal(symtab_add(&t, &entry, "x", 1), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_inside_a_function_has_its_name),
		cmocka_unit_test(a_function_without_a_size_goes_up_to_the_next),
		cmocka_unit_test(of_two_names_at_one_address_the_one_with_a_size_is_taken),
		cmocka_unit_test(the_kernels_list_gives_functions_alone),
		cmocka_unit_test(a_perf_map_gives_names_with_blanks),
		cmocka_unit_test(a_table_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
