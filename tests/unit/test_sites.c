#include "../../agent/profile/sites.c"
#include "elf_fixture.h"

#define V8_COLLECT "_ZN2v88internal4Heap14CollectGarbageENS0_15AllocationSpaceE"
#define V8_PERFORM                                                                                 \
	"_ZN2v88internal4Heap24PerformGarbageCollectionENS0_16GarbageCollectorENS0_23Garbage"

static struct image image;
static struct elf_fixture e;

static struct sites read_cut(enum runtime runtime, size_t length)
{
	struct sites sites = { .why = RUNTIME_UNREADABLE };
	int fd = elf_memfd(&e, length);

	memset(&image, 0xaa, sizeof(image));
	if (!image_open(&image, fd))
		sites_read(&image, runtime, &sites);
	close(fd);
	return sites;
}

static struct sites read_now(enum runtime runtime)
{
	return read_cut(runtime, e.length);
}

static void probes_are_found_by_notes_with_their_place_in_the_file(void **state)
{
	struct sites s;

	(void)state;
	elf_python(&e);
	s = read_now(RUNTIME_PYTHON);
	assert_int_equal(s.why, RUNTIME_ATTACHED);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.at[0].role, SITES_BEGIN);
	assert_int_equal(s.at[0].offset, ELF_CODE + 8);
	assert_int_equal(s.at[0].semaphore, ELF_DATA + 2);
	assert_int_equal(s.at[1].role, SITES_END);
	assert_int_equal(s.at[1].offset, ELF_CODE + 16);
	assert_true(s.collections);
	assert_false(s.statements);
	assert_false(s.returns);
	assert_true(sites_are_sane(&s, RUNTIME_PYTHON));
	s = read_now(RUNTIME_RUBY); /* which has other names for it */
	assert_int_equal(s.why, RUNTIME_BARE);
	assert_int_equal(s.count, 0);
}

static void an_argument_that_says_full_is_in_the_cookie(void **state)
{
	struct sites s;

	(void)state;
	elf_init(&e);
#if defined(__x86_64__)
	ELF_NOTE(&e,
		 "hotspot\0gc__begin\0"
		 "1@%dil",
		 0, -1);
#else
	ELF_NOTE(&e,
		 "hotspot\0gc__begin\0"
		 "1@w14",
		 0, -1);
#endif
	ELF_NOTE(&e, "hotspot\0gc__end\0", 4, -1);
	elf_finish(&e);
	s = read_now(RUNTIME_JVM);
	assert_true(s.full);
	assert_int_equal(s.at[0].cookie, PAUSE_COLLECTION | PAUSE_COOKIE_COUNTS |
						 (uint64_t)PAUSE_REGISTER << PAUSE_COOKIE_OPERAND |
						 1ull << PAUSE_COOKIE_BYTES |
						 14ull << PAUSE_COOKIE_REGISTER |
						 1ull << PAUSE_COOKIE_FULL);
	elf_init(&e);
	ELF_NOTE(&e,
		 "hotspot\0gc__begin\0"
		 "1@somewhere",
		 0, -1);
	ELF_NOTE(&e, "hotspot\0gc__end\0", 4, -1);
	elf_finish(&e);
	s = read_now(RUNTIME_JVM); /* it cannot be read: the rest stays of use */
	assert_int_equal(s.why, RUNTIME_ATTACHED);
	assert_false(s.full);
}

static void parts_of_a_collection_do_not_count(void **state)
{
	struct sites s;

	(void)state;
	elf_init(&e);
	ELF_NOTE(&e, "ruby\0gc__sweep__begin\0", 0, -1);
	ELF_NOTE(&e, "ruby\0gc__sweep__end\0", 4, -1);
	elf_finish(&e);
	s = read_now(RUNTIME_RUBY);
	assert_int_equal(s.why, RUNTIME_BARE); /* there would be nothing to count */
	ELF_NOTE(&e, "ruby\0gc__mark__begin\0", 8, -1);
	ELF_NOTE(&e, "ruby\0gc__mark__end\0", 12, -1);
	elf_finish(&e);
	s = read_now(RUNTIME_RUBY);
	assert_int_equal(s.count, 4);
	assert_false(s.at[0].cookie & PAUSE_COOKIE_COUNTS);
	assert_true(s.at[2].cookie & PAUSE_COOKIE_COUNTS);
	assert_false(s.full);
}

static void a_begin_without_an_end_is_of_no_use(void **state)
{
	(void)state;
	elf_init(&e);
	ELF_NOTE(&e, "postgresql\0query__start\0", 0, -1);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_POSTGRES).why, RUNTIME_BARE);
	ELF_NOTE(&e, "postgresql\0query__done\0", 4, -1);
	elf_finish(&e);
	assert_true(read_now(RUNTIME_POSTGRES).statements);
	assert_false(read_now(RUNTIME_POSTGRES).collections);
}

static void a_note_of_something_else_than_a_nop_is_not_believed(void **state)
{
	(void)state;
	elf_python(&e);
	e.bytes[ELF_CODE + 8] = '\xcc';
	assert_int_equal(read_now(RUNTIME_PYTHON).why, RUNTIME_UNREADABLE);
	assert_int_equal(read_now(RUNTIME_PYTHON).count, 0);
	elf_init(&e);
	ELF_NOTE(&e, "python\0gc__start\0", 8, 2000); /* a semaphore outside of all data */
	ELF_NOTE(&e, "python\0gc__done\0", 16, 4);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PYTHON).why, RUNTIME_UNREADABLE);
	elf_init(&e);
	ELF_NOTE(&e, "python\0gc__start\0", 8,
		 3); /* one at an odd place, which the kernel refuses */
	ELF_NOTE(&e, "python\0gc__done\0", 16, 4);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PYTHON).why, RUNTIME_UNREADABLE);
	elf_init(&e);
	ELF_NOTE(&e, "python\0gc__start\0", 200, -1); /* outside of all code */
	ELF_NOTE(&e, "python\0gc__done\0", 16, 4);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PYTHON).why, RUNTIME_UNREADABLE);
}

static void more_probes_than_there_is_room_for_are_none(void **state)
{
	(void)state;
	elf_init(&e);
	for (unsigned int i = 0; i <= SITES; i++)
		ELF_NOTE(&e, "ruby\0gc__mark__end\0", 4 * (i % 8), -1);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_RUBY).why, RUNTIME_UNREADABLE);
}

static void functions_are_found_by_how_their_name_begins(void **state)
{
	struct sites s;

	(void)state;
	elf_init(&e);
	elf_function(&e, "_ZN2v88internal4Heap24PerformGarbageCollectionEi.cold", 4);
	elf_function(&e, "x" V8_PERFORM, 8);
	elf_function(&e, V8_COLLECT, 12);
	elf_finish(&e);
	s = read_now(RUNTIME_NODE);
	assert_int_equal(s.why, RUNTIME_ATTACHED);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.at[0].offset, ELF_CODE + 12);
	assert_int_equal(s.at[0].role, SITES_BEGIN);
	assert_int_equal(s.at[1].offset, ELF_CODE + 12);
	assert_int_equal(s.at[1].role, SITES_RETURN);
	assert_true(s.returns);
	assert_false(s.full);
	elf_function(&e, V8_PERFORM, 16);
	elf_finish(&e);
	s = read_now(RUNTIME_NODE); /* it is the better one, and says which collector it is */
	assert_int_equal(s.at[0].offset, ELF_CODE + 16);
	assert_int_equal(s.count, 2);
	assert_true(s.full);
	elf_function(&e, "zend_gc_collect_cycles_too", 20);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PHP).why, RUNTIME_BARE);
	elf_function(&e, "zend_gc_collect_cycles", 20);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PHP).at[0].offset, ELF_CODE + 20);
}

static void a_name_of_two_functions_is_of_none(void **state)
{
	(void)state;
	elf_init(&e);
	elf_function(&e, V8_COLLECT, 12);
	elf_function(&e, V8_COLLECT "x", 20);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_NODE).why, RUNTIME_BARE);
	e.symbols[2].st_value = e.symbols[1].st_value; /* two names of one */
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_NODE).why, RUNTIME_ATTACHED);
	e.symbols[1].st_shndx = e.symbols[2].st_shndx = SHN_UNDEF; /* somebody else's */
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_NODE).why, RUNTIME_BARE);
}

static void a_function_that_begins_with_a_long_nop_is_left_alone(void **state)
{
	(void)state;
	elf_init(&e);
	elf_function(&e, "zend_gc_collect_cycles", 8);
	memcpy(e.code + 8, "\x0f\x1f\x44\x00\x00", 5);
	elf_finish(&e);
	assert_int_equal(read_now(RUNTIME_PHP).why, RUNTIME_BARE);
}

static void a_file_cut_anywhere_is_unreadable_or_bare(void **state)
{
	(void)state;
	elf_python(&e);
	for (size_t cut = 0; cut < e.length; cut++) {
		struct sites s = read_cut(RUNTIME_PYTHON, cut);

		assert_int_equal(s.count, 0);
		assert_true(s.why == RUNTIME_UNREADABLE || s.why == RUNTIME_BARE);
	}
}

static void what_a_child_claims_is_looked_through(void **state)
{
	struct sites s;

	(void)state;
	elf_python(&e);
#define INSANE(change)                                                                             \
	do {                                                                                       \
		s = read_now(RUNTIME_PYTHON);                                                      \
		change;                                                                            \
		assert_false(sites_are_sane(&s, RUNTIME_PYTHON));                                  \
	} while (0)
	INSANE(s.count = SITES + 1);
	INSANE(s.count = 0);
	INSANE(s.why = RUNTIME_BARE);
	INSANE(s.why = RUNTIME_WHYS);
	INSANE(s.at[1].role = SITES_RETURN + 1);
	INSANE(s.at[0].cookie |= 15);
	INSANE(s.at[1].offset = 0);
	INSANE(s.at[1].offset = UINT64_MAX);
	INSANE(s.at[1].semaphore = UINT64_MAX);
#undef INSANE
	s = (struct sites){ .why = RUNTIME_ATTACHED,
			    .count = 1,
			    .at[0] = { .offset = 1, .cookie = TLS_READ, .role = TLS_GO_RETURN } };
	assert_true(sites_are_sane(&s, RUNTIME_NONE));
	s.at[0].role = TLS_ROLES;
	assert_false(sites_are_sane(&s, RUNTIME_NONE));
	s.at[0].role = TLS_C;
	s.at[0].cookie = TLS_KINDS;
	assert_false(sites_are_sane(&s, RUNTIME_NONE));
	s.at[0].cookie = 0;
	assert_false(sites_are_sane(&s, RUNTIME_NONE));
	s.at[0].cookie = TLS_READ;
	s.at[0].semaphore = 2; /* it has none: the kernel would write there */
	assert_false(sites_are_sane(&s, RUNTIME_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_found_by_notes_with_their_place_in_the_file),
		cmocka_unit_test(an_argument_that_says_full_is_in_the_cookie),
		cmocka_unit_test(parts_of_a_collection_do_not_count),
		cmocka_unit_test(a_begin_without_an_end_is_of_no_use),
		cmocka_unit_test(a_note_of_something_else_than_a_nop_is_not_believed),
		cmocka_unit_test(more_probes_than_there_is_room_for_are_none),
		cmocka_unit_test(functions_are_found_by_how_their_name_begins),
		cmocka_unit_test(a_name_of_two_functions_is_of_none),
		cmocka_unit_test(a_function_that_begins_with_a_long_nop_is_left_alone),
		cmocka_unit_test(a_file_cut_anywhere_is_unreadable_or_bare),
		cmocka_unit_test(what_a_child_claims_is_looked_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
