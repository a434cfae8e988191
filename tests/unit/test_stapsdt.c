#include "../../agent/profile/stapsdt.c"
#include "elf_fixture.h"

#include <stdlib.h>

static void each_note_is_told_with_its_words_and_places(void **state)
{
	struct elf_fixture e;
	struct stapsdt_note note;
	size_t at = 0;

	(void)state;
	elf_init(&e);
	ELF_NOTE(&e, "python\0gc__start\0-4@112(%rsp)", 8, 2);
	elf_word(&e, &(Elf64_Nhdr){ 4, 5, 1 }, 12); /* somebody else's */
	elf_word(&e, "GNU\0id345\0\0\0", 12);
	ELF_NOTE(&e, "python\0gc__done\0", 16, -1);
	assert_true(stapsdt_next(e.notes, e.notes_bytes, &at, &note));
	assert_string_equal(note.provider, "python");
	assert_string_equal(note.name, "gc__start");
	assert_string_equal(note.arguments, "-4@112(%rsp)");
	assert_int_equal(note.place, ELF_CODE_AT + ELF_CODE + 8);
	assert_int_equal(note.base, 0x700000);
	assert_int_equal(note.semaphore, ELF_DATA_AT + 2);
	assert_true(stapsdt_next(e.notes, e.notes_bytes, &at, &note));
	assert_string_equal(note.name, "gc__done");
	assert_string_equal(note.arguments, "");
	assert_int_equal(note.semaphore, 0);
	assert_false(stapsdt_next(e.notes, e.notes_bytes, &at, &note));
	assert_int_equal(at, e.notes_bytes);
}

/* On the heap, so that a byte too much is found. */
static void a_section_cut_anywhere_tells_whole_notes_alone(void **state)
{
	struct elf_fixture e;

	(void)state;
	elf_init(&e);
	ELF_NOTE(&e, "ruby\0gc__mark__begin\0", 8, 2);
	for (size_t cut = 0; cut <= e.notes_bytes; cut++) {
		char *section = malloc(cut + 1);
		struct stapsdt_note note;
		size_t at = 0;
		bool whole;

		assert_non_null(section);
		memcpy(section, e.notes, cut);
		whole = stapsdt_next(section, cut, &at, &note);
		assert_int_equal(whole, cut >= 12 + 8 + 24 + sizeof("ruby\0gc__mark__begin\0"));
		free(section);
	}
}

static void a_note_without_its_words_is_passed_over(void **state)
{
	struct elf_fixture e;
	struct stapsdt_note note;
	size_t at = 0;

	(void)state;
	elf_init(&e);
	elf_note(&e, "no end", 6, 0, -1);  /* no NUL at all */
	elf_note(&e, "a\0b\0c", 5, 0, -1); /* none behind the arguments */
	elf_word(&e, &(Elf64_Nhdr){ 8, 20, 3 }, 12);
	elf_word(&e, "stapsdt\0too short for three.", 28); /* three places */
	ELF_NOTE(&e, "a\0whole\0", 4, -1);
	assert_true(stapsdt_next(e.notes, e.notes_bytes, &at, &note));
	assert_string_equal(note.name, "whole");
}

static void lengths_that_do_not_fit_end_the_section(void **state)
{
	static const Elf64_Nhdr heads[] = { { UINT32_MAX, 0, 3 },
					    { 8, UINT32_MAX, 3 },
					    { UINT32_MAX - 2, UINT32_MAX - 2, 3 } };
	struct stapsdt_note note;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		char section[64] = "";
		size_t at = 0;

		memcpy(section, &heads[i], sizeof(heads[i]));
		assert_false(stapsdt_next(section, sizeof(section), &at, &note));
	}
}

static void arguments_are_split_at_blanks_outside_of_brackets(void **state)
{
#if defined(__x86_64__)
	static const char text[] = " 8@%r14 -4@112(%rsp)  1@$1";
#else
	static const char text[] = " 8@x14 -4@[sp, 112]  1@1";
#endif
	struct stapsdt_argument a;

	(void)state;
	assert_int_equal(stapsdt_argument(text, 0, &a), 0);
	assert_int_equal(a.operand, STAPSDT_REGISTER);
	assert_int_equal(a.bytes, 8);
	assert_false(a.is_signed);
	assert_int_equal(stapsdt_argument(text, 1, &a), 0);
	assert_int_equal(a.operand, STAPSDT_MEMORY);
	assert_int_equal(a.number, 112);
	assert_int_equal(a.bytes, 4);
	assert_true(a.is_signed);
	assert_int_equal(stapsdt_argument(text, 2, &a), 0);
	assert_int_equal(a.operand, STAPSDT_CONSTANT);
	assert_int_equal(a.number, 1);
	assert_int_equal(stapsdt_argument(text, 3, &a), -ENOENT);
	assert_int_equal(stapsdt_argument("", 0, &a), -ENOENT);
}

static void what_is_no_argument_is_told_from_what_we_do_not_read(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "%rdi", -EINVAL },
		{ "@%rdi", -EINVAL },
		{ "3@%rdi", -EINVAL },
		{ "x@%rdi", -EINVAL },
		{ "-9223372036854775808@%rdi", -EINVAL },
		{ "8f@%xmm0", -ENOTSUP },
		{ "8@", -ENOTSUP },
		{ "8@nothing", -ENOTSUP },
		{ "8@%xmm0", -ENOTSUP },
#if defined(__x86_64__)
		{ "1@%ah", -ENOTSUP },
		{ "8@(%rax,%rbx,8)", -ENOTSUP },
		{ "8@name(%rip)", -ENOTSUP },
		{ "8@8+name(%rip)", -ENOTSUP },
		{ "8@8(%rax", -EINVAL },
		{ "8@8(%rax)x", -EINVAL },
		{ "8@$x", -EINVAL },
		{ "8@$9999999999", -ENOTSUP },
		{ "8@9999999999(%rax)", -ENOTSUP },
		{ "8@-8(%rbp)", 0 },
		{ "8@(%rax)", 0 },
		{ "-4@$-1", 0 },
#else
		{ "8@[x0, x1]", -ENOTSUP },
		{ "8@[x0", -EINVAL },
		{ "8@x31", -ENOTSUP },
		{ "8@[x19, -8]", 0 },
		{ "4@w3", 0 },
		{ "8@-1", 0 },
#endif
	};
	char longest[256];
	struct stapsdt_argument a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(stapsdt_argument(cases[i].text, 0, &a), cases[i].result);
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "8@", 2);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(stapsdt_argument(longest, 0, &a), -ENOTSUP);
}

#if defined(__x86_64__)
static void registers_are_told_by_their_place_among_those_of_the_kernel(void **state)
{
	static const struct {
		const char *text;
		uint8_t place;
	} cases[] = { { "8@%r15", 0 },  { "4@%ebp", 4 },  { "2@%ax", 10 },
		      { "1@%dil", 14 }, { "8@%rsp", 19 }, { "4@%r8d", 9 } };
	struct stapsdt_argument a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(stapsdt_argument(cases[i].text, 0, &a), 0);
		assert_int_equal(a.operand, STAPSDT_REGISTER);
		assert_int_equal(a.place, cases[i].place);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_note_is_told_with_its_words_and_places),
		cmocka_unit_test(a_section_cut_anywhere_tells_whole_notes_alone),
		cmocka_unit_test(a_note_without_its_words_is_passed_over),
		cmocka_unit_test(lengths_that_do_not_fit_end_the_section),
		cmocka_unit_test(arguments_are_split_at_blanks_outside_of_brackets),
		cmocka_unit_test(what_is_no_argument_is_told_from_what_we_do_not_read),
#if defined(__x86_64__)
		cmocka_unit_test(registers_are_told_by_their_place_among_those_of_the_kernel),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
