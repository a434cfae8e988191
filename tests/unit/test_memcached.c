#include "memcached.h"

#include "pairs_fixture.h"
#include "rs_test.h"

static struct memcached m;

static void begin(void)
{
	heard_nothing();
	memcached_init(&m);
}

static bool move(bool out, const char *bytes, size_t n)
{
	struct pairs_call call = { 0 };
	uint8_t *copy = malloc(n ? n : 1); /* a look beyond its end is found */
	bool more;

	memcpy(copy, bytes, n);
	more = out ? memcached_write(&m, &call, copy, n) : memcached_read(&m, &call, copy, n);
	free(copy);
	return more;
}

#define READ(text) move(false, text, sizeof(text) - 1)
#define WRITE(text) move(true, text, sizeof(text) - 1)

static void end(void)
{
	struct pairs_call call = { 0 };

	memcached_close(&m, &call, false);
	assert_int_equal(heard.lent, 0);
	assert_int_equal(heard.listed, 0);
	assert_int_equal(heard.begun, heard.done + heard.dropped);
}

static uint64_t bytes_told(bool out)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < heard.done; i++)
		sum += out ? heard.served[i].bytes_out : heard.served[i].bytes_in;
	return sum;
}

static const struct scene {
	const char *in;
	const char *out;
	const char *told;
} scenes[] = {
	{ "get k\r\n", "END\r\n", "get 200" },
	{ "get a b c\r\ngets a\r\n", "VALUE a 0 3\r\nEND\r\nVALUE b 0 0\r\n\r\nEND\r\nEND\r\n",
	  "get 200, gets 200" },
	{ "set k 0 0 9\r\nget x\r\n\r\n\r\nget k\r\n", "STORED\r\nEND\r\n", "set 200, get 200" },
	{ "cas k 0 0 1 7 \r\nx\r\nadd k 0 0 0\r\n\r\n", "EXISTS\r\nNOT_STORED\r\n",
	  "cas 200, add 200" },
	{ "version\r\nset k 0 0 1 noreply\r\nx\r\ndelete noreply\r\ndelete k noreply\r\nincr k "
	  "1\r\n",
	  "VERSION 1\r\nNOT_FOUND\r\n41\r\n",
	  "version 200, set 200, delete 200, delete 200, incr 200" },
	{ "set k 0 0 x\r\nget k\r\n", "CLIENT_ERROR bad command line format\r\nEND\r\n",
	  "set 400, get 200" },
	{ "set k 0 0 2\r\nab\r\n", "SERVER_ERROR out of memory storing object\r\n", "set 500" },
	{ "version\r\nhunter2 x\r\n\r\n", "VERSION 1\r\nERROR\r\nERROR\r\n",
	  "version 200, _unknown 400, _unknown 400" },
	{ "stats\r\nstats reset\r\n", "STAT pid 1\r\nSTAT x y\r\nEND\r\nRESET\r\n",
	  "stats 200, stats 200" },
	{ "mg a v\r\nms a 2\r\nhi\r\nmg a v\r\nmd a\r\nmn\r\n",
	  "EN\r\nHD\r\nVA 2 x\r\nhi\r\nNF\r\nMN\r\n", "mg 200, ms 200, mg 200, md 200, mn 200" },
	{ "version\r\nmg a v q\r\nmg b v q k\r\nms c 1 T0 q\r\nx\r\nmn\r\nget a\r\n",
	  "VERSION 1\r\nVA 2 kb\r\nhi\r\nMN\r\nEND\r\n",
	  "version 200, mg 200, mg 200, ms 200, mn 200, get 200" },
	{ "version\r\nquit\r\n", "VERSION 1\r\n", "version 200, quit 200" },
};

static bool all_are_answers(const char *told)
{
	return !strstr(told, "_unknown");
}

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
			assert_int_equal(bytes_told(false), in);
			assert_int_equal(bytes_told(true), out);
			assert_int_equal(heard.dropped, 0);
			for (int why = 0; why < RS_UNPARSED_REASONS; why++)
				assert_int_equal(heard.unparsed[why], 0);
			assert_true(all_are_answers(s->told) || heard.names <= 2);
		}
	}
}

static size_t message(char *to, uint8_t magic, uint8_t opcode, uint16_t code, const char *body)
{
	size_t n = strlen(body);

	memset(to, 0, MEMCACHED_HEAD);
	to[0] = (char)magic;
	to[1] = (char)opcode;
	to[3] = (char)(opcode == VOCABULARY_STAT ? n : 0); /* its key */
	to[6] = (char)(code >> 8);
	to[7] = (char)code;
	to[11] = (char)n;
	memcpy(to + MEMCACHED_HEAD, body, n);
	return MEMCACHED_HEAD + n;
}

static void binary_messages_are_told_by_their_opcodes(void **state)
{
	char in[512], out[512];
	size_t n = 0, o = 0;

	(void)state;
	n += message(in + n, 0x80, 0x01, 0, "secret key and value");
	n += message(in + n, 0x80, 0x09, 0, "a"); /* hit */
	n += message(in + n, 0x80, 0x09, 0, "b"); /* a miss is not answered */
	n += message(in + n, 0x80, 0x0a, 0, "");
	n += message(in + n, 0x80, 0x10, 0, "");
	n += message(in + n, 0x80, 0x00, 0, "c");
	n += message(in + n, 0x80, 0x55, 0, "c");
	o += message(out + o, 0x81, 0x01, 0, "");
	o += message(out + o, 0x81, 0x09, 0, "value");
	o += message(out + o, 0x81, 0x0a, 0, "");
	o += message(out + o, 0x81, 0x10, 0, "pid 1");
	o += message(out + o, 0x81, 0x10, 0, "");
	o += message(out + o, 0x81, 0x00, 1, "Not found");
	o += message(out + o, 0x81, 0x55, 0x81, "Unknown command");
	for (size_t cut = 0; cut < n + o; cut++) {
		size_t a = cut < n ? cut : n, b = cut < n ? 0 : cut - n;

		begin();
		move(false, in, a);
		move(false, in + a, n - a);
		move(true, out, b);
		move(true, out + b, o - b);
		end();
		assert_string_equal(heard_story(),
				    "set 200, getq 200, getq 200, noop 200, stat 200, "
				    "get 200, _unknown 400");
		assert_int_equal(bytes_told(false), n);
		assert_int_equal(bytes_told(true), o);
	}
}

static void a_client_that_wants_no_answer_at_all_is_counted_at_the_end(void **state)
{
	(void)state;
	begin();
	READ("set k 0 0 1 noreply\r\nx\r\nset k 0 0 1 noreply\r\nx\r\nquit\r\n");
	assert_int_equal(heard.begun, 0);
	end();
	assert_string_equal(heard_story(), "set 200, set 200, quit 200");
	assert_int_equal(heard.served[0].t0, 0); /* how long they took nobody knows */
}

static void who_says_quit_to_anybody_is_not_counted(void **state)
{
	(void)state;
	begin();
	READ("quit\r\n");
	end();
	assert_int_equal(heard.done + heard.dropped, 0);
}

static void a_watcher_is_a_stream(void **state)
{
	(void)state;
	begin();
	READ("version\r\n");
	WRITE("VERSION 1\r\n");
	READ("watch fetchers\r\nget k\r\n");
	assert_false(WRITE("OK\r\nts=1 gid=1 type=item_get\r\n"));
	assert_int_equal(heard.unparsed[RS_UNPARSED_UNPAIRED], 1);
	assert_true(heard.served[1].flags & RS_FLAG_UPGRADED);
	end();
	assert_string_equal(heard_story(), "version 200, watch 200");
}

static void lengths_beyond_all_limits_are_no_lengths(void **state)
{
	(void)state;
	begin();
	READ("set k 0 0 2147483648\r\nget k\r\n");
	WRITE("CLIENT_ERROR bad command line format\r\nEND\r\n");
	assert_false(WRITE("VALUE k 0 99999999999\r\n"));
	end();
	assert_string_equal(heard_story(), "set 400, get 200");
	assert_int_equal(heard.unparsed[RS_UNPARSED_GARBAGE], 1);
}

static void a_line_without_an_end_is_given_up(void **state)
{
	static char piece[65536];
	bool more = true;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	begin();
	READ("version\r\n");
	WRITE("VERSION 1\r\n");
	for (int i = 0; i < 40 && more; i++)
		more = move(false, piece, sizeof(piece));
	assert_false(more);
	assert_int_equal(heard.unparsed[RS_UNPARSED_HEAD_LIMIT], 1);
	end();
}

static bool begins(const char *text)
{
	return memcached_begins((const uint8_t *)text, strlen(text));
}

static void its_first_bytes_are_known(void **state)
{
	(void)state;
	assert_true(begins("get k\r\n"));
	assert_true(begins("version\r\n"));
	assert_true(begins("\x80"));
	assert_true(memcached_begins((const uint8_t *)"\x80\x0a\0\0\0\0", 6));
	assert_false(memcached_begins((const uint8_t *)"\x80\x0a\0\0\0\1", 6));
	assert_false(begins("\x80\x7f"));
	assert_false(begins("GET k\r\n"));
	assert_false(begins("getx k\r\n"));
	assert_false(begins("get"));
	assert_false(begins(""));
}

static bool declines(const char *text)
{
	return memcached_declines(&m, (const uint8_t *)text, strlen(text));
}

static void the_first_bytes_of_an_answer_tell_another_protocol(void **state)
{
	(void)state;
	begin();
	READ("get k\r\n");
	assert_true(declines("HTTP/1.1 400 Bad Request\r\n"));
	assert_true(declines("$-1\r\n"));
	assert_false(declines("HD\r\n"));
	assert_false(declines("END\r\n"));
	WRITE("421 go away\r\n"); /* fits; what follows does not have to */
	end();
	begin();
	READ("get k\r\n");
	assert_false(WRITE("Login: k\r\n"));
	end();
	assert_int_equal(heard.done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scene_is_told_wherever_it_is_cut),
		cmocka_unit_test(binary_messages_are_told_by_their_opcodes),
		cmocka_unit_test(a_client_that_wants_no_answer_at_all_is_counted_at_the_end),
		cmocka_unit_test(who_says_quit_to_anybody_is_not_counted),
		cmocka_unit_test(a_watcher_is_a_stream),
		cmocka_unit_test(lengths_beyond_all_limits_are_no_lengths),
		cmocka_unit_test(a_line_without_an_end_is_given_up),
		cmocka_unit_test(its_first_bytes_are_known),
		cmocka_unit_test(the_first_bytes_of_an_answer_tell_another_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
