#include "vocabulary.h"

#include "pairs.h"
#include "rs_test.h"

#include <string.h>

static const struct vocabulary *command(const char *word)
{
	return vocabulary_command((const uint8_t *)word, strlen(word));
}

static void commands_are_known_by_their_exact_word(void **state)
{
	(void)state;
	assert_string_equal(command("get")->name, "get");
	assert_int_equal(command("set")->size, 5);
	assert_int_equal(command("ms")->size, 3);
	assert_true(command("cas")->traits & VOCABULARY_STORES);
	assert_string_equal(command("cache_memlimit")->name, "cache_memlimit");
	assert_null(command("GET"));
	assert_null(command("ge"));
	assert_null(command("getx"));
	assert_null(command(""));
}

static uint8_t line(const char *text)
{
	struct words w = { .number = 1, .length = (uint32_t)strlen(text) };

	memcpy(w.word, text, strlen(text) < WORDS_KEPT ? strlen(text) : WORDS_KEPT);
	return vocabulary_line(&w);
}

static void lines_of_answers_are_told_by_their_first_word(void **state)
{
	(void)state;
	assert_int_equal(line("END"), VOCABULARY_LAST);
	assert_int_equal(line("42"), VOCABULARY_LAST);
	assert_int_equal(line("VALUE"), VOCABULARY_VALUE);
	assert_int_equal(line("VA"), VOCABULARY_META_VALUE);
	assert_int_equal(line("MN"), VOCABULARY_MN);
	assert_int_equal(line("STAT"), VOCABULARY_ONE_OF_MANY);
	assert_int_equal(line("key=abc"), VOCABULARY_ONE_OF_MANY);
	assert_int_equal(line("ERROR"), VOCABULARY_UNKNOWN);
	assert_int_equal(line("CLIENT_ERROR"), VOCABULARY_CLIENT_ERROR);
	assert_int_equal(line("SERVER_ERROR"), VOCABULARY_SERVER_ERROR);
	assert_int_equal(line("HTTP/1.1"), VOCABULARY_ODD);
}

static void opcodes_have_names_and_some_are_quiet(void **state)
{
	(void)state;
	assert_string_equal(vocabulary_opcode(0x00), "get");
	assert_string_equal(vocabulary_opcode(VOCABULARY_STAT), "stat");
	assert_string_equal(vocabulary_opcode(0x1c), "touch");
	assert_string_equal(vocabulary_opcode(0x24), "gatkq");
	assert_string_equal(vocabulary_opcode(0x1f), "");
	assert_string_equal(vocabulary_opcode(0xff), "");
	for (int i = 0; i < 0x25; i++) {
		const char *name = vocabulary_opcode((uint8_t)i);
		size_t n = strlen(name);

		assert_int_equal(vocabulary_is_quiet((uint8_t)i), n && name[n - 1] == 'q');
	}
}

static void codes_are_the_clients_fault_or_the_servers(void **state)
{
	(void)state;
	assert_int_equal(vocabulary_status(0), PAIRS_OK);
	assert_int_equal(vocabulary_status(1), PAIRS_OK); /* a miss is no error */
	assert_int_equal(vocabulary_status(4), PAIRS_REFUSED);
	assert_int_equal(vocabulary_status(0x81), PAIRS_REFUSED);
	assert_int_equal(vocabulary_status(0x82), PAIRS_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_known_by_their_exact_word),
		cmocka_unit_test(lines_of_answers_are_told_by_their_first_word),
		cmocka_unit_test(opcodes_have_names_and_some_are_quiet),
		cmocka_unit_test(codes_are_the_clients_fault_or_the_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
