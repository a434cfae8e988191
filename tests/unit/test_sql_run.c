#include "sql.h"

#include "rs_test.h"

#include <string.h>

#define TEXT 400

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1103515245u + 12345u;
	return (dice >> 16) % sides;
}

static const char *const words[] = { "SELECT",    " ",       "a1",      "'it''s'", "\"n\"",
				     "-- x\n",    "/* c */", "0xff",    "*",       "$1",
				     "e'\\''",    "`q`",     "1_0.5e7", "(",       ")",
				     "-7",        "?",       "$t$ $t$", "#c\n",    "\xc3\xa9",
				     "/*!50000 ", "*/",      ";",       "x'1",     "\t",
				     "\\",        "a.b",     "=@v:=" };

static size_t make(char *text)
{
	size_t n = 0;

	for (uint32_t tokens = 1 + roll(30); tokens; tokens--) {
		const char *word = words[roll(sizeof(words) / sizeof(words[0]))];

		memcpy(text + n, word, strlen(word));
		n += strlen(word);
		if (roll(20) == 0)
			text[n++] = (char)(1 + roll(255));
	}
	return n;
}

static void same(const struct sql *a, const struct sql *b)
{
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->blank, b->blank);
	assert_int_equal(a->begun, b->begun);
	assert_int_equal(a->cut, b->cut);
	assert_int_equal(a->operand, b->operand);
	assert_int_equal(a->word, b->word);
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->text, b->text, a->length);
}

static void feed(struct sql *s, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sql_byte(s, at[i]))
			sql_next(s);
}

/* Whatever a run takes leaves what its bytes would, one by one; whatever it leaves, it may. */
static void a_run_is_its_bytes_one_by_one(void **state)
{
	char text[TEXT];
	size_t taken = 0, all = 0;

	(void)state;

	for (int i = 0; i < 20000; i++) {
		size_t n = make(text), at = 0;
		struct sql run, bytes;

		sql_init(&run, (enum sql_flavour)roll(3));
		bytes = run;
		while (at < n) {
			size_t part = 1 + roll((uint32_t)(n - at));
			size_t some = sql_run(&run, (const uint8_t *)text + at, part);
			assert_true(some <= part);
			feed(&bytes, (const uint8_t *)text + at, some);
			same(&run, &bytes);
			taken += some;
			at += some;
			if (at == n)
				break;
			feed(&run, (const uint8_t *)text + at, 1);
			feed(&bytes, (const uint8_t *)text + at++, 1);
		}
		all += n;
	}
	assert_true(taken > all / 4);
}

static void the_end_of_a_text_is_left(void **state)
{
	struct sql s;

	(void)state;

	sql_init(&s, SQL_STANDARD);
	assert_int_equal(sql_run(&s, (const uint8_t *)"SELECT 1\0x", 10), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_its_bytes_one_by_one),
		cmocka_unit_test(the_end_of_a_text_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
