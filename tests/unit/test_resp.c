#include "resp.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum resp_event next_fn(struct resp *p, const uint8_t **at, const uint8_t *end);

/* What a stream says, as text: the same for every way of cutting it. */
struct story {
	struct resp parser;
	next_fn *next;
	char text[1024];
	size_t length;
};

static void tell(struct story *s, enum resp_event event)
{
	const struct resp *p = &s->parser;
	char line[128] = "";

	if (event == RESP_END && s->next == resp_request)
		snprintf(line, sizeof(line), "[%.*s]", p->name_length, (const char *)p->name);
	else if (event == RESP_END)
		snprintf(line, sizeof(line), "%s%s ",
			 p->error == RESP_OK      ? "ok"
			 : p->error == RESP_ERROR ? "error"
						  : "unknown",
			 p->queued ? "+queued" : "");
	else if (event == RESP_EMPTY)
		snprintf(line, sizeof(line), "empty ");
	else if (event == RESP_PUSH)
		snprintf(line, sizeof(line), "push ");
	else if (event == RESP_BAD)
		snprintf(line, sizeof(line), "bad%d", p->why);
	assert_true(s->length + strlen(line) < sizeof(s->text));
	strcpy(s->text + s->length, line);
	s->length += strlen(line);
}

/* From a copy of exactly n bytes: a look beyond them is found by the sanitizer. */
static bool feed(struct story *s, const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	const uint8_t *at = copy;
	enum resp_event event;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	do {
		event = s->next(&s->parser, &at, copy + n);
		if (event != RESP_MORE)
			tell(s, event);
	} while (event != RESP_MORE && event != RESP_BAD);
	assert_true(event == RESP_BAD || at == copy + n);
	free(copy);
	return event != RESP_BAD;
}

static void begin(struct story *s, next_fn *next)
{
	memset(s, 0, sizeof(*s));
	resp_init(&s->parser);
	s->next = next;
}

/* Whole, in two pieces cut at every place, and byte by byte. */
static void says(next_fn *next, const char *bytes, size_t n, const char *expected)
{
	struct story s;

	for (size_t cut = 0; cut <= n; cut++) {
		begin(&s, next);
		if (feed(&s, bytes, cut))
			feed(&s, bytes + cut, n - cut);
		assert_string_equal(s.text, expected);
	}
	begin(&s, next);
	for (size_t i = 0; i < n; i++)
		if (!feed(&s, bytes + i, 1))
			break;
	assert_string_equal(s.text, expected);
}

#define ASKS(bytes, expected) says(resp_request, bytes, sizeof(bytes) - 1, expected)
#define ANSWERS(bytes, expected) says(resp_reply, bytes, sizeof(bytes) - 1, expected)

static void a_command_is_told_by_its_name_in_upper_case(void **state)
{
	(void)state;
	ASKS("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nv\r\n*1\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\n",
	     "[SET][GET]");
	ASKS("*2\r\n$7\r\nFT.info\r\n$0\r\n\r\n", "[FT.INFO]");
}

static void a_container_command_is_told_with_its_subcommand(void **state)
{
	(void)state;
	ASKS("*3\r\n$6\r\nconfig\r\n$3\r\nget\r\n$9\r\nmaxmemory\r\n", "[CONFIG|GET]");
	ASKS("*1\r\n$6\r\nCONFIG\r\n*2\r\n$6\r\nCONFIG\r\n$0\r\n\r\n", "[CONFIG][CONFIG]");
	ASKS("config  get maxmemory\r\n", "[CONFIG|GET]");
	ASKS("*2\r\n$3\r\nGET\r\n$6\r\nsecret\r\n", "[GET]");
}

static void inline_commands_are_lines(void **state)
{
	(void)state;
	ASKS("PING\r\nset k \"v w\"\r\n  GET k\nEXISTS\tk\n", "[PING][SET][GET][EXISTS]");
}

static void what_has_no_word_gets_no_answer(void **state)
{
	(void)state;
	ASKS("\r\n*0\r\n*-1\r\n \nPING\r\n", "empty empty empty empty [PING]");
}

static void a_name_that_no_command_has_is_left_out(void **state)
{
	(void)state;
	ASKS("*1\r\n$8\r\npass wor\r\n\"get\" k\r\n", "[][]");
	ASKS("*1\r\n$41\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "[]");
	ASKS("*2\r\n$6\r\nCONFIG\r\n$3\r\na b\r\n", "[]");
	ASKS("*2\r\n$6\r\nOBJECT\r\n$34\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "[]");
}

static void lengths_are_limited(void **state)
{
	(void)state;
	ASKS("*2147483648\r\n", "bad3");
	ASKS("*1\r\n$4294967296\r\n", "bad3");
	ASKS("*1\r\n$99999999999999999999\r\n", "bad3");
	ASKS("*1\r\n$00000000000\r\n", "bad3"); /* more digits than a length has */
	ANSWERS("*2147483648\r\n", "bad3");
	ANSWERS("$2147483648\r\n", "bad3");
	ASKS("*2147483647\r\n$2147483647\r\nGET", ""); /* it may all come */
	ANSWERS("*2147483647\r\n:1\r\n", "");
}

static void nested_lengths_have_a_limit_too(void **state)
{
	struct story s;
	int i;

	(void)state;
	begin(&s, resp_reply);
	for (i = 0; i < 1000 && feed(&s, "*2147483647\r\n", 13); i++)
		;
	assert_string_equal(s.text, "bad3");
	assert_in_range(i, 500, 520); /* 2^40 values */
}

static void an_endless_line_is_given_up(void **state)
{
	struct story s;

	(void)state;
	for (int reply = 0; reply < 2; reply++) {
		begin(&s, reply ? resp_reply : resp_request);
		for (int i = 0; i < 70000 && feed(&s, "+", 1); i++)
			;
		assert_string_equal(s.text, "bad3");
	}
}

static void what_is_no_message_is_bad_and_stays_so(void **state)
{
	struct story s;

	(void)state;
	ASKS("*1\r\n:1\r\n", "bad0");
	ASKS("*x\r\n", "bad0");
	ASKS("*\r\n", "bad0");
	ASKS("*1\n", "bad0");
	ASKS("*1\r1", "bad0");
	ASKS("*1\r\n$-1\r\n", "bad0");
	ASKS("*1\r\n$3\r\nGETx\r\n", "bad0");
	ASKS("*1\r\n$3\r\nGET\rx", "bad0");
	ANSWERS("HTTP/1.1 200 OK\r\n", "bad0");
	ANSWERS("*-2\r\n", "bad0");
	ANSWERS("%-1\r\n", "bad0");
	begin(&s, resp_request);
	assert_false(feed(&s, "*x", 2));
	s.length = 0;
	assert_false(feed(&s, "PING\r\n", 6));
	assert_string_equal(s.text, "bad0");
}

static void answers_of_every_type_are_followed(void **state)
{
	(void)state;
	ANSWERS("+OK\r\n$1\r\nv\r\n$-1\r\n:1\r\n*-1\r\n*0\r\n$0\r\n\r\n", "ok ok ok ok ok ok ok ");
	ANSWERS("_\r\n#t\r\n,1.5\r\n(123456789012345678901\r\n=5\r\ntxt:a\r\n~2\r\n:1\r\n:2\r\n"
		"%1\r\n+a\r\n+b\r\n%0\r\n",
		"ok ok ok ok ok ok ok ok ");
	ANSWERS("*2\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n*0\r\n+PONG\r\n", "ok ok ");
	ANSWERS("|1\r\n+ttl\r\n:3600\r\n+OK\r\n:1\r\n", "ok ok ");
	ANSWERS("*1\r\n|1\r\n+ttl\r\n:1\r\n:7\r\n:1\r\n", "ok ok ");
}

static void an_error_is_one_of_the_message_itself(void **state)
{
	(void)state;
	ANSWERS("-WRONGTYPE Operation against a key\r\n", "error ");
	ANSWERS("!5\r\nERR x\r\n!12\r\nERR unknown \r\n", "error unknown ");
	ANSWERS("*2\r\n:1\r\n-ERR unknown command\r\n", "ok "); /* inside of EXEC's */
	ANSWERS("$3\r\n-ER\r\n", "ok ");
}

static void an_unknown_command_is_told(void **state)
{
	(void)state;
	ANSWERS("-ERR unknown command 'hunter2', with args beginning with: 'x' \r\n", "unknown ");
	ANSWERS("-ERR unknown subcommand 'hunter2'. Try CONFIG HELP.\r\n", "unknown ");
	ANSWERS("-ERR Unknown subcommand or wrong number of arguments\r\n", "unknown ");
	ANSWERS("-ERR wrong number of arguments for 'get' command\r\n", "error ");
}

static void a_queued_command_is_told(void **state)
{
	(void)state;
	ANSWERS("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+QUEUED\r\n+QUEUEDX\r\n",
		"ok ok+queued ok+queued ok ok ");
}

static void a_push_answers_no_request(void **state)
{
	(void)state;
	ANSWERS(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n+OK\r\n>2\r\n+a\r\n-ERR x\r\n",
		"push ok push ");
}

static void behind_some_requests_nothing_pairs(void **state)
{
	(void)state;
	assert_true(resp_breaks_pairs((const uint8_t *)"SUBSCRIBE", 9));
	assert_true(resp_breaks_pairs((const uint8_t *)"CLIENT|REPLY", 12));
	assert_true(resp_breaks_pairs((const uint8_t *)"MONITOR", 7));
	assert_false(resp_breaks_pairs((const uint8_t *)"CLIENT|LIST", 11));
	assert_false(resp_breaks_pairs((const uint8_t *)"SUBSCRIB", 8));
}

/* Of the values of its outermost array only, and only if it is asked for. */
static void the_values_of_an_array_are_told_one_by_one(void **state)
{
	static const char bytes[] =
		"*4\r\n*2\r\n*1\r\n:1\r\n-ERR x\r\n-OOM no\r\n%1\r\n+a\r\n-x\r\n"
		"!11\r\nMOVED 1 a:1\r\n";
	const uint8_t *at = (const uint8_t *)bytes, *end = at + sizeof(bytes) - 1;
	struct resp p;

	(void)state;
	resp_init(&p);
	assert_int_equal(resp_reply(&p, &at, end), RESP_BEGIN);
	p.told = true;
	assert_int_equal(resp_reply(&p, &at, end), RESP_ITEM);
	assert_int_equal(p.item_error, RESP_OK);
	assert_int_equal(resp_reply(&p, &at, end), RESP_ITEM);
	assert_int_equal(p.item_error, RESP_ERROR_SERVER);
	assert_int_equal(resp_reply(&p, &at, end), RESP_ITEM);
	assert_int_equal(p.item_error, RESP_OK);
	assert_int_equal(resp_reply(&p, &at, end), RESP_END);
	assert_int_equal(p.item_error, RESP_ERROR_MOVED);
	assert_int_equal(p.error, RESP_OK);
	assert_true(p.listed);
}

static void first_bytes_tell_a_request(void **state)
{
	static const char text[] = "*12\r\n$3";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++)
		assert_true(resp_is_request((const uint8_t *)text, n));
	assert_false(resp_is_request((const uint8_t *)"GET / HTTP/1.1", 14));
	assert_false(resp_is_request((const uint8_t *)"*\r\n", 3));
	assert_false(resp_is_request((const uint8_t *)"*a", 2));
	assert_false(resp_is_request((const uint8_t *)"*123456789012", 13));
}

static void a_connection_costs_what_the_header_says(void **state)
{
	(void)state;
	assert_true(sizeof(struct resp) <= 112);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_told_by_its_name_in_upper_case),
		cmocka_unit_test(a_container_command_is_told_with_its_subcommand),
		cmocka_unit_test(inline_commands_are_lines),
		cmocka_unit_test(what_has_no_word_gets_no_answer),
		cmocka_unit_test(a_name_that_no_command_has_is_left_out),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(nested_lengths_have_a_limit_too),
		cmocka_unit_test(an_endless_line_is_given_up),
		cmocka_unit_test(what_is_no_message_is_bad_and_stays_so),
		cmocka_unit_test(answers_of_every_type_are_followed),
		cmocka_unit_test(an_error_is_one_of_the_message_itself),
		cmocka_unit_test(an_unknown_command_is_told),
		cmocka_unit_test(a_queued_command_is_told),
		cmocka_unit_test(a_push_answers_no_request),
		cmocka_unit_test(behind_some_requests_nothing_pairs),
		cmocka_unit_test(the_values_of_an_array_are_told_one_by_one),
		cmocka_unit_test(first_bytes_tell_a_request),
		cmocka_unit_test(a_connection_costs_what_the_header_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
