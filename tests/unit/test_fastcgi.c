#include "fastcgi.h"

#include "rs_test.h"

#include <string.h>

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define BEGIN "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
#define PARAMS "\1\4\0\1\0\3\5\0abcppppp"
#define EMPTY "\1\4\0\1\0\0\0\0"

struct told {
	uint32_t records, ends, bytes;
	bool bad;
};

static void feed(struct fastcgi *f, struct told *told, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	enum fastcgi_event event;

	while ((event = fastcgi_next(f, &at, end)) != FASTCGI_MORE && event != FASTCGI_BAD) {
		told->records += event == FASTCGI_RECORD;
		told->ends += event == FASTCGI_END;
		told->bytes += event == FASTCGI_PIECE ? f->piece_bytes : 0;
	}
	told->bad |= event == FASTCGI_BAD;
}

static void records_are_the_same_at_every_split(void **state)
{
	static const char stream[] = BEGIN PARAMS EMPTY PARAMS;

	(void)state;
	for (size_t cut = 0; cut < sizeof(stream); cut++) {
		struct told told = { 0 };
		struct fastcgi f;

		fastcgi_init(&f);
		feed(&f, &told, (const uint8_t *)stream, cut);
		feed(&f, &told, (const uint8_t *)stream + cut, sizeof(stream) - 1 - cut);
		assert_false(told.bad);
		assert_int_equal(told.records, 4);
		assert_int_equal(told.ends, 4);
		assert_int_equal(told.bytes, 14);
	}
}

static void what_no_record_begins_with_is_bad(void **state)
{
	static const char *heads[] = { "\2\1\0\1\0\10\0\0", "\1\0\0\1\0\10\0\0",
				       "\1\4\0\0\0\10\0\0", "\1\x9\0\1\0\10\0\0" };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct told told = { 0 };
		struct fastcgi f;

		fastcgi_init(&f);
		feed(&f, &told, (const uint8_t *)heads[i], FASTCGI_HEAD_BYTES);
		assert_true(told.bad);
		feed(&f, &told, BYTES(BEGIN));
		assert_int_equal(told.records, 0);
	}
}

static void a_begin_is_known_by_what_there_is_of_it(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(BEGIN); n++)
		assert_true(fastcgi_is_begin((const uint8_t *)BEGIN, n));
	assert_false(fastcgi_is_begin(BYTES("\1\1\0\0")));
	assert_false(fastcgi_is_begin(BYTES("\1\4")));
	assert_false(fastcgi_is_begin(BYTES("\1\1\0\1\0\7")));
}

static void unseen_bytes_pass_in_content_only(void **state)
{
	struct told told = { 0 };
	struct fastcgi f;

	(void)state;
	fastcgi_init(&f);
	assert_false(fastcgi_skip(&f, 1));
	feed(&f, &told, BYTES("\1\5\0\1\0\4\0\0a"));
	assert_false(fastcgi_skip(&f, 4));
	assert_true(fastcgi_skip(&f, 3));
	feed(&f, &told, BYTES(EMPTY));
	assert_int_equal(told.ends, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_the_same_at_every_split),
		cmocka_unit_test(what_no_record_begins_with_is_bad),
		cmocka_unit_test(a_begin_is_known_by_what_there_is_of_it),
		cmocka_unit_test(unseen_bytes_pass_in_content_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
