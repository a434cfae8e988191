#include "sql.h"

#include "rs_test.h"

#include <string.h>

static void put(const struct sql *s, char *out)
{
	if (!s->begun)
		return;
	strcat(out, out[0] ? "|" : "");
	strncat(out, (const char *)s->text, s->length);
}

/* The statements of a text, a bar between them. runs: of so many bytes at most; 0: none. */
static void tell(const char *text, size_t runs, char *out)
{
	size_t left = strlen(text);
	struct sql s;

	out[0] = '\0';
	sql_init(&s);
	while (left) {
		size_t n = sql_run(&s, (const uint8_t *)text, runs < left ? runs : left);

		text += n;
		left -= n;
		if (!left)
			break;
		left--;
		if (!sql_byte(&s, (uint8_t)*text++))
			continue;
		sql_end(&s);
		put(&s, out);
		sql_next(&s);
	}
	sql_end(&s);
	put(&s, out);
}

static const char *told(const char *text)
{
	static char out[1024];
	char run[sizeof(out)];

	tell(text, 0, out);
	for (size_t runs = 1; runs < 12; runs++) {
		tell(text, runs == 11 ? SIZE_MAX : runs, run);
		assert_string_equal(run, out);
	}
	return out;
}

static void literals_become_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(told("SELECT a FROM t WHERE b = 'secret' AND c = 42"),
			    "SELECT a FROM t WHERE b = ? AND c = ?");
	assert_string_equal(told("SELECT 1.5e10, .25, 0xff, 1_000"), "SELECT ?, .?, ?, ?");
	assert_string_equal(told("SELECT 'it''s', ''''"), "SELECT ?, ?");
	assert_string_equal(told("SELECT E'it\\'s secret', e'\\\\', X'ff', B'01'"),
			    "SELECT ?, ?, ?, ?");
	assert_string_equal(told("SELECT date'2020-01-01'"), "SELECT date?");
	assert_string_equal(told("SELECT $$secret$$, $x$ a $ $y$ ' $x$, $1, $22"),
			    "SELECT ?, ?, $1, $22");
	assert_string_equal(told("INSERT INTO t VALUES (-5, - 6, +7)"),
			    "INSERT INTO t VALUES (?, - ?, +?)");
	assert_string_equal(told("SELECT a -5, b-1, ?-2, (c)-3"), "SELECT a -?, b-?, ?-?, (c)-?");
}

static void names_stay(void **state)
{
	(void)state;
	assert_string_equal(told("SELECT t1.a2, \"A b\" FROM \"x;y\" t1"),
			    "SELECT t1.a2, \"A b\" FROM \"x;y\" t1");
	assert_string_equal(told("SELECT a$ -5, b$1 -5"), "SELECT a$ ?, b$1 -?");
	assert_string_equal(told("SELECT a$1 FROM t_9"), "SELECT a$1 FROM t_9");
	assert_string_equal(told("SELECT n'x', a::int"), "SELECT ?, a::int");
}

static void comments_go_and_blanks_are_one(void **state)
{
	(void)state;
	assert_string_equal(told("  SELECT\t\n 1 -- secret\n  , 2 /* a /* secret */ b */ + 3"),
			    "SELECT ? , ? + ?");
	assert_string_equal(told("SELECT 4 / 2 - 1"), "SELECT ? / ? - ?");
	assert_string_equal(told("-- only secret"), "");
	assert_string_equal(told("a -"), "a -");
	assert_string_equal(told("a /"), "a /");
}

static void statements_end_with_a_semicolon(void **state)
{
	(void)state;
	assert_string_equal(told("BEGIN; SELECT ';' ; END;"), "BEGIN|SELECT ?|END");
	assert_string_equal(told("DO $$ a; b $$; SELECT 1"), "DO ?|SELECT ?");
	assert_string_equal(told(";;  ;"), "");
}

/* Where a setting decides what is a string, nothing more is taken. */
static void what_may_be_a_literal_is_left_out(void **state)
{
	(void)state;
	assert_string_equal(told("SELECT 'it\\'s secret' AS word"), "SELECT ?");
	assert_string_equal(told("SELECT 'a\\' FROM t; SELECT secret"), "SELECT ?|");
	assert_string_equal(told("SELECT 'never ended secret"), "SELECT ?");
	assert_string_equal(told("SELECT $tag$ secret"), "SELECT ?");
	assert_string_equal(told("SELECT $tag secret"), "SELECT");
	assert_string_equal(told("SELECT $a_tag_that_is_longer_than_any_one_has$ secret $"),
			    "SELECT");
}

static void a_long_statement_is_cut(void **state)
{
	char text[400] = "SELECT ";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(text, "abc, ");
	assert_int_equal(strlen(told(text)), RS_PATH_BYTES);
	assert_memory_equal(told(text), text, RS_PATH_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_become_a_question_mark),
		cmocka_unit_test(names_stay),
		cmocka_unit_test(comments_go_and_blanks_are_one),
		cmocka_unit_test(statements_end_with_a_semicolon),
		cmocka_unit_test(what_may_be_a_literal_is_left_out),
		cmocka_unit_test(a_long_statement_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
