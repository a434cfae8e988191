#include "redis.h"

#include "pairs_fixture.h"
#include "rs_test.h"

#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define GET "*2\r\n$3\r\nget\r\n$1\r\nk\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define DISCARD "*1\r\n$7\r\nDISCARD\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"
#define QUEUED "+QUEUED\r\n"

static struct redis r;

static void begin(void)
{
	heard_nothing();
	redis_init(&r);
}

static bool move(bool out, const char *bytes, size_t n)
{
	struct pairs_call call = { 0 };
	uint8_t *copy = malloc(n ? n : 1); /* a look beyond its end is found */
	bool more;

	memcpy(copy, bytes, n);
	more = out ? redis_write(&r, &call, copy, n) : redis_read(&r, &call, copy, n);
	free(copy);
	return more;
}

#define READ(text) move(false, text, sizeof(text) - 1)
#define WRITE(text) move(true, text, sizeof(text) - 1)

static void end(void)
{
	struct pairs_call call = { 0 };

	redis_close(&r, &call, false);
	assert_int_equal(heard.lent, 0);
	assert_int_equal(heard.listed, 0);
	assert_int_equal(heard.begun, heard.done + heard.dropped);
}

struct scene {
	const char *in;
	const char *out;
	const char *told;
	uint32_t dropped;
};

static const struct scene scenes[] = {
	{ PING, "+PONG\r\n", "PING 200", 0 },
	{ "PING\r\n\r\nget k\n", "+PONG\r\n$-1\r\n", "PING 200, GET 200", 0 },
	{ GET GET SET, "$1\r\nv\r\n$-1\r\n+OK\r\n", "GET 200, GET 200, SET 200", 0 },
	{ GET, "-WRONGTYPE Operation\r\n", "GET 400", 0 },
	{ GET, "-LOADING Redis is\r\n", "GET 500", 0 },
	{ GET, "-OOM command not\r\n", "GET 500", 0 },
	{ GET, "-CLUSTERDOWN Hash\r\n", "GET 500", 0 },
	{ GET, "-MOVED 3999 127.0.0.1:6381\r\n", "GET 302", 0 },
	{ GET, "-MOVEDX\r\n", "GET 400", 0 },
	{ "*1\r\n$3\r\nXYZ\r\n", "-ERR unknown command 'XYZ'\r\n", "_unknown 400", 0 },
	{ "*1\r\n$3\r\n\1YZ\r\n", "+OK\r\n", "_unknown 200", 0 },
	{ MULTI SET GET EXEC, "+OK\r\n" QUEUED QUEUED "*2\r\n+OK\r\n$1\r\nv\r\n",
	  "MULTI 200, SET 200, GET 200, EXEC 200", 0 },
	{ MULTI SET GET SET EXEC,
	  "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n-WRONGTYPE no\r\n*2\r\n*1\r\n:1\r\n-ERR in it\r\n"
	  "-OOM no\r\n",
	  "MULTI 200, SET 400, GET 200, SET 500, EXEC 200", 0 },
	{ MULTI SET EXEC PING, "+OK\r\n" QUEUED "*1\r\n*0\r\n+PONG\r\n",
	  "MULTI 200, SET 200, EXEC 200, PING 200", 0 },
	{ MULTI SET EXEC, "+OK\r\n" QUEUED "*-1\r\n", "MULTI 200, EXEC 200", 1 },
	{ MULTI SET EXEC, "+OK\r\n" QUEUED "_\r\n", "MULTI 200, EXEC 200", 1 },
	{ MULTI EXEC, "+OK\r\n*0\r\n", "MULTI 200, EXEC 200", 0 },
	{ MULTI SET DISCARD, "+OK\r\n" QUEUED "+OK\r\n", "MULTI 200, DISCARD 200", 1 },
	{ MULTI GET SET EXEC, "+OK\r\n-ERR wrong number\r\n" QUEUED "-EXECABORT T\r\n",
	  "MULTI 200, GET 400, EXEC 400", 1 },
	{ MULTI SET, "+OK\r\n" QUEUED, "MULTI 200", 1 },
	{ PING GET, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n+PONG\r\n>1\r\n+x\r\n_\r\n",
	  "PING 200, GET 200", 0 },
	{ "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n",
	  "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
	  "SUBSCRIBE 200", 0 },
	{ "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n", ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
	  "SUBSCRIBE 200", 0 },
	{ "*1\r\n$7\r\nMONITOR\r\n", "+OK\r\n+1.2 [0 x] \"SET\"\r\n", "MONITOR 200", 0 },
};

static void each_scene_is_told_wherever_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		const struct scene *s = &scenes[i];
		size_t in = strlen(s->in), out = strlen(s->out);

		for (size_t cut = 0; cut < in + out; cut++) {
			size_t a = cut < in ? cut : in, b = cut < in ? 0 : cut - in;

			begin();
			move(false, s->in, a);
			move(false, s->in + a, in - a);
			move(true, s->out, b);
			move(true, s->out + b, out - b);
			end();
			assert_string_equal(heard_story(), s->told);
			assert_int_equal(heard.dropped, s->dropped);
			for (int why = 0; why < RS_UNPARSED_REASONS; why++)
				assert_int_equal(heard.unparsed[why], 0);
		}
	}
}

static void behind_a_subscription_commands_are_only_counted(void **state)
{
	(void)state;
	begin();
	READ(PING);
	WRITE("+PONG\r\n");
	READ("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n" PING);
	assert_false(WRITE("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"));
	assert_true(heard.served[1].flags & RS_FLAG_UPGRADED);
	READ(PING);
	assert_int_equal(heard.unparsed[RS_UNPARSED_UNPAIRED], 2);
	end();
	assert_string_equal(heard_story(), "PING 200, SUBSCRIBE 200");
}

static void a_transaction_longer_than_its_room_counts_whole(void **state)
{
	static char sets[(PAIRS_LATERS + 2) * (sizeof(SET) - 1)];
	char head[32];

	(void)state;
	begin();
	heard.blocks = 1;
	READ(MULTI);
	WRITE("+OK\r\n");
	for (size_t i = 0; i < PAIRS_LATERS + 2; i++)
		memcpy(sets + i * (sizeof(SET) - 1), SET, sizeof(SET) - 1);
	move(false, sets, sizeof(sets)); /* one run */
	for (size_t i = 0; i < PAIRS_LATERS + 2; i++)
		WRITE(QUEUED);
	assert_int_equal(heard.unparsed[RS_UNPARSED_DEPTH], 2);
	READ(EXEC);
	snprintf(head, sizeof(head), "*%zu\r\n", PAIRS_LATERS + 2);
	move(true, head, strlen(head));
	for (size_t i = 0; i < PAIRS_LATERS + 2; i++)
		WRITE("+OK\r\n");
	assert_int_equal(heard.done, PAIRS_LATERS + 4);
	end();
	assert_int_equal(heard.dropped, 0);
}

static void long_transactions_follow_each_other(void **state)
{
	(void)state;
	begin();
	for (int turn = 0; turn < 3; turn++) {
		READ(MULTI);
		WRITE("+OK\r\n");
		for (int i = 0; i < 70; i++) {
			READ(SET);
			WRITE(QUEUED);
		}
		READ(EXEC);
		WRITE("*70\r\n");
		for (int i = 0; i < 70; i++)
			WRITE("+OK\r\n");
		assert_int_equal(heard.done, (turn + 1) * 72);
		assert_true(heard.lent <= 1);
	}
	end();
}

static void an_answer_to_nothing_is_said_and_left_out(void **state)
{
	(void)state;
	begin();
	READ(PING);
	WRITE("+PONG\r\n-ERR idle\r\n");
	assert_int_equal(heard.unparsed[RS_UNPARSED_UNASKED], 1);
	READ(GET);
	WRITE("$-1\r\n");
	end();
	assert_string_equal(heard_story(), "PING 200, GET 200");
}

static void lengths_beyond_all_limits_end_the_connection(void **state)
{
	(void)state;
	begin();
	READ(PING);
	WRITE("+PONG\r\n");
	assert_false(READ(GET "*99999999999\r\n"));
	assert_int_equal(heard.unparsed[RS_UNPARSED_HEAD_LIMIT], 1);
	assert_false(WRITE("$-1\r\n"));
	assert_false(READ(PING));
	end();
	assert_string_equal(heard_story(), "PING 200");
	assert_int_equal(heard.dropped, 1);
}

static bool begins(const char *text)
{
	return redis_begins((const uint8_t *)text, strlen(text));
}

static void its_first_bytes_are_known(void **state)
{
	(void)state;
	assert_true(begins("*1\r\n$4\r\nPING\r\n"));
	assert_true(begins("*1"));
	assert_true(begins("PING\r\n"));
	assert_true(begins("set k v\r\n"));
	assert_false(begins("*x"));
	assert_false(begins("\r\n"));
	assert_false(begins("{\"a\": 1}\r\n"));
	assert_false(begins("\x16\x03\x01"));
	assert_false(begins(""));
}

static bool declines(const char *text)
{
	return redis_declines(&r, (const uint8_t *)text, strlen(text));
}

static void the_first_byte_of_an_answer_tells_another_protocol(void **state)
{
	(void)state;
	begin();
	READ(PING);
	assert_true(declines("HTTP/1.1 400"));
	assert_true(declines("ERROR\r\n"));
	assert_false(declines("-ERR\r\n"));
	WRITE("+PO");
	assert_false(declines("NG\r\n"));
	end();
}

static void queued_commands_go_along_with_a_fork(void **state)
{
	(void)state;
	begin();
	READ(MULTI);
	WRITE("+OK\r\n");
	READ(SET SET);
	WRITE(QUEUED);
	assert_int_equal(redis_adopt(&r), 2);
	heard.listed = 0;
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scene_is_told_wherever_it_is_cut),
		cmocka_unit_test(behind_a_subscription_commands_are_only_counted),
		cmocka_unit_test(a_transaction_longer_than_its_room_counts_whole),
		cmocka_unit_test(long_transactions_follow_each_other),
		cmocka_unit_test(an_answer_to_nothing_is_said_and_left_out),
		cmocka_unit_test(lengths_beyond_all_limits_end_the_connection),
		cmocka_unit_test(its_first_bytes_are_known),
		cmocka_unit_test(the_first_byte_of_an_answer_tells_another_protocol),
		cmocka_unit_test(queued_commands_go_along_with_a_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
