#include "memo.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <stdbool.h>
#include <string.h>

#define ASKED "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n\r\n"
#define OTHER "GET /other.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n\r\n"
#define SHAPE 77

static struct memo m;

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	return 0;
}

static struct memo_said said_of(uint64_t body)
{
	return (struct memo_said){
		.body = body, .status = 200, .shape = SHAPE, .method = RS_METHOD_GET
	};
}

static void keep_request(const char *head, size_t length, uint64_t body)
{
	const struct memo_said said = said_of(body);

	memo_keep_request(&m, &said, (const uint8_t *)head, length);
}

static void keep_answer(const char *head, size_t length)
{
	const struct memo_said said = said_of(5);

	memo_keep_answer(&m, &said, (const uint8_t *)head, length);
}

static bool asks(const char *bytes, size_t n)
{
	const struct memo_said *said = memo_request(&m, (const uint8_t *)bytes, n);

	if (said)
		assert_int_equal(said->shape, SHAPE);
	return said != NULL;
}

static bool answers(uint8_t method, const char *bytes, size_t n)
{
	const struct memo_said *said = memo_answer(&m, SHAPE, method, (const uint8_t *)bytes, n);

	if (said)
		assert_int_equal(said->status, 200);
	return said != NULL;
}

/* Of every length there is, from a copy that ends where it ends. */
static void a_head_is_known_and_is_not_with_any_byte_another(void **state)
{
	char head[MEMO_BYTES];

	(void)state;
	for (size_t length = MEMO_LEAST; length <= MEMO_BYTES; length++) {
		for (size_t i = 0; i < length; i++)
			head[i] = (char)(i * 7 + length);
		memo_forget(&m);
		keep_request(head, length, 0);
		keep_answer(head, length);
		assert_true(asks(head, length));
		assert_true(answers(RS_METHOD_GET, head, length));
		for (size_t i = 0; i < length; i++) {
			head[i] ^= (char)(1 << i % 8);
			assert_false(asks(head, length));
			assert_false(answers(RS_METHOD_GET, head, length));
			head[i] ^= (char)(1 << i % 8);
		}
	}
}

static void a_request_comes_whole_or_is_not_known(void **state)
{
	(void)state;
	keep_request(ASKED, sizeof(ASKED) - 1, 2);
	assert_true(asks(ASKED "ok", sizeof(ASKED) + 1));
	assert_true(asks(ASKED "no", sizeof(ASKED) + 1)); /* a body is not looked at */
	assert_false(asks(ASKED "ok", sizeof(ASKED)));
	assert_false(asks(ASKED "okk", sizeof(ASKED) + 2));
	assert_false(asks(ASKED, 0));
}

static void an_answer_is_its_head_to_the_same_method_and_shape(void **state)
{
	(void)state;
	keep_answer(ASKED, sizeof(ASKED) - 1);
	assert_true(answers(RS_METHOD_GET, ASKED, sizeof(ASKED) - 1));
	assert_true(answers(RS_METHOD_GET, ASKED "body", sizeof(ASKED) + 3));
	assert_false(answers(RS_METHOD_GET, ASKED, sizeof(ASKED) - 2));
	assert_false(answers(RS_METHOD_GET, ASKED, 0));
	assert_false(answers(RS_METHOD_HEAD, ASKED, sizeof(ASKED) - 1));
	assert_null(memo_answer(&m, SHAPE + 1, RS_METHOD_GET, (const uint8_t *)ASKED,
				sizeof(ASKED) - 1));
}

static void nothing_is_known_of_nothing(void **state)
{
	static const char zeros[2 * MEMO_BYTES];

	(void)state;
	for (size_t n = 0; n <= sizeof(zeros); n++) {
		assert_false(asks(zeros, n));
		assert_false(answers(RS_METHOD_OTHER, zeros, n));
	}
}

static void what_is_too_short_or_too_long_is_not_kept(void **state)
{
	static const char bytes[MEMO_BYTES + 1];

	(void)state;
	keep_request(bytes, MEMO_LEAST - 1, MEMO_LEAST);
	keep_answer(bytes, MEMO_LEAST - 1);
	keep_request(bytes, MEMO_BYTES + 1, 0);
	keep_answer(bytes, MEMO_BYTES + 1);
	assert_false(asks(bytes, 2 * MEMO_LEAST - 1));
	assert_false(asks(bytes, MEMO_BYTES + 1));
	assert_false(answers(RS_METHOD_GET, bytes, MEMO_BYTES + 1));
}

static void routes_have_places_of_their_own(void **state)
{
	(void)state;
	keep_request(ASKED, sizeof(ASKED) - 1, 0);
	keep_request(OTHER, sizeof(OTHER) - 1, 0);
	assert_true(asks(ASKED, sizeof(ASKED) - 1));
	assert_true(asks(OTHER, sizeof(OTHER) - 1));
}

/* What is asked but once does not drive out what is asked again and again. */
static void a_head_gives_way_when_it_is_asked_no_more(void **state)
{
	char other[] = ASKED;

	(void)state;
	other[sizeof(other) - 8]++;
	keep_request(ASKED, sizeof(ASKED) - 1, 0);
	for (unsigned int i = 0; i < 3 * MEMO_PATIENCE; i++) {
		keep_request(other, sizeof(other) - 1, 0);
		assert_true(asks(ASKED, sizeof(ASKED) - 1));
	}
	for (unsigned int i = 0; i < MEMO_PATIENCE; i++) {
		assert_false(asks(other, sizeof(other) - 1));
		keep_request(other, sizeof(other) - 1, 0);
	}
	assert_false(asks(other, sizeof(other) - 1));
	keep_request(other, sizeof(other) - 1, 0);
	assert_true(asks(other, sizeof(other) - 1));
	assert_false(asks(ASKED, sizeof(ASKED) - 1));
}

static void what_is_forgotten_is_not_known(void **state)
{
	(void)state;
	keep_request(ASKED, sizeof(ASKED) - 1, 0);
	keep_answer(ASKED, sizeof(ASKED) - 1);
	memo_forget(&m);
	assert_false(asks(ASKED, sizeof(ASKED) - 1));
	assert_false(answers(RS_METHOD_GET, ASKED, sizeof(ASKED) - 1));
	keep_request(OTHER, sizeof(OTHER) - 1, 0); /* an empty place needs no patience */
	assert_true(asks(OTHER, sizeof(OTHER) - 1));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_head_is_known_and_is_not_with_any_byte_another),
		TEST(a_request_comes_whole_or_is_not_known),
		TEST(an_answer_is_its_head_to_the_same_method_and_shape),
		TEST(nothing_is_known_of_nothing),
		TEST(what_is_too_short_or_too_long_is_not_kept),
		TEST(routes_have_places_of_their_own),
		TEST(a_head_gives_way_when_it_is_asked_no_more),
		TEST(what_is_forgotten_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
