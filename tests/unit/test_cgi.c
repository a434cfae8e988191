#include "cgi.h"

#include "rs_test.h"

#include <string.h>

#define BEGIN "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
#define PARAMS                                                                                     \
	"\1\4\0\1\0\x26\0\0\xe\4REQUEST_METHODPOST\xb\5REQUEST_URI/a?bc"                           \
	"\1\4\0\1\0\0\0\0"
#define STDIN                                                                                      \
	"\1\5\0\1\0\3\1\0xyzp"                                                                     \
	"\1\5\0\1\0\0\0\0"
#define ASKED BEGIN PARAMS STDIN
#define ANSWER                                                                                     \
	"\1\6\0\1\0\x19\3\0Status: 404 x\r\n\r\nno page!ppp"                                       \
	"\1\6\0\1\0\0\0\0"
#define END "\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"
#define ANSWERED ANSWER END
#define SCGI                                                                                       \
	"68:CONTENT_LENGTH\0"                                                                      \
	"4\0SCGI\0"                                                                                \
	"1\0REQUEST_METHOD\0POST\0REQUEST_URI\0/a?bcdefghi\0,body"
#define UWSGI "\0\x2b\0\0\xe\0REQUEST_METHOD\4\0POST\xb\0REQUEST_URI\x6\0/a?bcdbody"

struct log {
	uint64_t clock;
	uint32_t begun, done, targets, unparsed;
	uint8_t why, state;
	bool elsewhere;
	char path[RS_PATH_BYTES];
	struct served last;
};

static uint64_t log_now(void *context)
{
	struct log *log = context;

	return ++log->clock;
}

static int32_t log_begun(void *context, uint64_t t0)
{
	struct log *log = context;

	assert_true(t0);
	return (int32_t)log->begun++;
}

static uint16_t log_target(void *context, const uint8_t *path, size_t length, bool *has_path)
{
	struct log *log = context;

	memset(log->path, 0, sizeof(log->path));
	memcpy(log->path, path, length < sizeof(log->path) ? length : sizeof(log->path) - 1);
	log->targets++;
	*has_path = true;
	return 7;
}

static void log_step(void *context, const struct cgi_request *r, uint8_t state)
{
	struct log *log = context;

	assert_int_not_equal(r->state, CGI_FREE);
	log->state = state;
}

static void log_done(void *context, struct cgi_done *done)
{
	struct log *log = context;

	log->done++;
	log->last = done->request;
	log->elsewhere = done->elsewhere;
}

static void log_unparsed(void *context, uint8_t why)
{
	struct log *log = context;

	log->unparsed++;
	log->why = why;
}

const struct cgi_ops cgi_ops = {
	.now = log_now,
	.begun = log_begun,
	.target = log_target,
	.step = log_step,
	.done = log_done,
	.unparsed = log_unparsed,
};

static bool move(struct cgi *x, struct log *log, enum cgi_way way, const char *bytes, size_t n)
{
	struct cgi_call call = { .context = log };

	return way == CGI_READ ? cgi_read(x, &call, (const uint8_t *)bytes, n)
			       : cgi_write(x, &call, (const uint8_t *)bytes, n);
}

static void end(struct cgi *x, struct log *log, bool reset)
{
	struct cgi_call call = { .context = log };

	cgi_close(x, &call, reset);
}

#define READ(x, log, text) move(x, log, CGI_READ, text, sizeof(text) - 1)
#define WRITE(x, log, text) move(x, log, CGI_WRITE, text, sizeof(text) - 1)

static void assert_post_of_a(const struct log *log, uint16_t status, uint8_t protocol)
{
	assert_int_equal(log->unparsed, 0);
	assert_int_equal(log->last.method, RS_METHOD_POST);
	assert_int_equal(log->last.status, status);
	assert_int_equal(log->last.shape, 7);
	assert_int_equal(log->last.flags, 0);
	assert_int_equal(log->last.protocol, protocol);
	assert_string_equal(log->path, "/a");
}

static void fastcgi_is_exact_at_every_split_and_request_by_request(void **state)
{
	static const char asked[] = ASKED, answered[] = ANSWERED;

	(void)state;
	for (size_t cut = 0; cut < sizeof(asked); cut++) {
		size_t back = cut < sizeof(answered) ? cut : sizeof(answered) - 1;
		struct log log = { 0 };
		struct cgi x;

		cgi_init(&x, CGI_FASTCGI);
		for (uint32_t i = 1; i <= 3; i++) {
			assert_true(move(&x, &log, CGI_READ, asked, cut));
			assert_true(move(&x, &log, CGI_READ, asked + cut, sizeof(asked) - 1 - cut));
			assert_int_equal(log.state, RS_OPEN_WAITING);
			assert_true(move(&x, &log, CGI_WRITE, answered, back));
			assert_true(move(&x, &log, CGI_WRITE, answered + back,
					 sizeof(answered) - 1 - back));
			assert_int_equal(log.begun, i);
			assert_int_equal(log.done, i);
			assert_post_of_a(&log, 404, RS_PROTOCOL_FASTCGI);
			assert_int_equal(log.last.bytes_out, sizeof(answered) - 1);
			assert_int_equal(log.last.bytes_in, sizeof(asked) - 1);
			assert_false(cgi_waits(&x));
		}
		end(&x, &log, false);
		assert_int_equal(log.done, 3);
	}
}

static void an_end_alone_is_aborted_and_an_answer_alone_cut(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	READ(&x, &log, ASKED);
	WRITE(&x, &log, END);
	assert_int_equal(log.last.status, 0);
	assert_int_equal(log.last.flags, RS_FLAG_ABORTED);
	READ(&x, &log, ASKED);
	WRITE(&x, &log, ANSWER);
	end(&x, &log, false);
	assert_int_equal(log.last.status, 404);
	assert_int_equal(log.last.flags, RS_FLAG_CUT_BY_SERVER);
	assert_int_equal(log.done, 2);
}

static void a_request_that_its_server_gave_up_is_cut_by_the_client(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	READ(&x, &log, ASKED "\1\2\0\1\0\0\0\0");
	WRITE(&x, &log, ANSWERED);
	assert_int_equal(log.last.flags, RS_FLAG_CUT_BY_CLIENT);
}

static void a_second_request_ahead_of_the_end_is_too_deep(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	READ(&x, &log, ASKED);
	assert_false(READ(&x, &log, "\1\1\0\2\0\10\0\0"));
	assert_int_equal(log.why, RS_UNPARSED_DEPTH);
	WRITE(&x, &log, ANSWERED);
	assert_post_of_a(&(struct log){ .last = log.last, .path = "/a" }, 404, RS_PROTOCOL_FASTCGI);
}

static void what_is_no_record_and_no_answer_is_told(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	assert_false(WRITE(&x, &log, ANSWER));
	assert_int_equal(log.why, RS_UNPARSED_UNASKED);
	assert_false(READ(&x, &log, "GET / HTTP/1.1\r\n\r\n"));
	assert_int_equal(log.why, RS_UNPARSED_GARBAGE);
	assert_false(READ(&x, &log, ASKED));
	assert_int_equal(log.unparsed, 2);
	assert_int_equal(log.begun, 0);
}

static void endless_variables_end_the_direction(void **state)
{
	static char record[8 + 0xffff] = "\1\4\0\1\xff\xff";
	struct log log = { 0 };
	struct cgi x;
	uint32_t n = 0;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	READ(&x, &log, BEGIN);
	while (n < 9 && move(&x, &log, CGI_READ, record, sizeof(record)))
		n++;
	assert_int_equal(n, CGI_HEAD_MOST / 0xffff);
	assert_int_equal(log.why, RS_UNPARSED_HEAD_LIMIT);
}

/* The whole of it, whose only request has its end with the connection's. */
static void check_only(enum cgi_kind kind, const char *asked, size_t n, uint8_t protocol)
{
	static const char answered[] = "HTTP/1.1 200 OK\r\n\r\nhello";

	for (size_t cut = 0; cut <= n; cut++) {
		struct log log = { 0 };
		struct cgi x;

		cgi_init(&x, kind);
		assert_true(move(&x, &log, CGI_READ, asked, cut));
		assert_true(move(&x, &log, CGI_READ, asked + cut, n - cut));
		assert_int_equal(log.begun, 1);
		assert_true(WRITE(&x, &log, answered));
		assert_true(cgi_waits(&x));
		end(&x, &log, false);
		assert_int_equal(log.done, 1);
		assert_post_of_a(&log, 200, protocol);
		assert_int_equal(log.last.bytes_out, sizeof(answered) - 1);
		assert_int_equal(log.last.bytes_in, n);
		assert_int_equal(log.last.end, log.clock);
	}
}

static void scgi_and_uwsgi_are_exact_at_every_split(void **state)
{
	(void)state;
	check_only(CGI_SCGI, SCGI, sizeof(SCGI) - 1, RS_PROTOCOL_SCGI);
	check_only(CGI_UWSGI, UWSGI, sizeof(UWSGI) - 1, RS_PROTOCOL_UWSGI);
}

static void what_uwsgi_routes_to_itself_counts_at_its_router(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_UWSGI);
	READ(&x, &log, "\0\x31\0\0\xc\0UWSGI_ROUTER\4\0http\xb\0REQUEST_URI\xe\0/0123456789abc");
	assert_int_equal(log.done, 1);
	assert_true(log.elsewhere);
	WRITE(&x, &log, "HTTP/1.1 200 OK\r\n\r\n");
	end(&x, &log, false);
	assert_int_equal(log.done, 1);
	assert_int_equal(log.unparsed, 0);
}

static void an_only_request_without_an_answer_is_aborted(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_UWSGI);
	READ(&x, &log, UWSGI);
	end(&x, &log, true);
	assert_int_equal(log.last.flags, RS_FLAG_ABORTED);
	cgi_init(&x, CGI_UWSGI);
	READ(&x, &log, UWSGI);
	WRITE(&x, &log, "HTTP/1.1 200 OK\r\n\r\nhel");
	end(&x, &log, true);
	assert_int_equal(log.last.flags, RS_FLAG_CUT_BY_CLIENT);
}

static void variables_that_do_not_fit_their_length_are_garbage(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_UWSGI);
	assert_false(READ(&x, &log, "\0\x5\0\0\xe\0REQUEST_METHOD\4\0POST"));
	assert_int_equal(log.why, RS_UNPARSED_GARBAGE);
	cgi_init(&x, CGI_SCGI);
	assert_false(READ(&x, &log,
			  "22:CONTENT_LENGTH\0"
			  "12\0A\0B\0!"));
	cgi_init(&x, CGI_SCGI);
	assert_false(READ(&x, &log, "2x:CONTENT_LENGTH\0"));
	assert_int_equal(log.unparsed, 3);
}

static void bytes_unseen_pass_in_bodies_only(void **state)
{
	struct log log = { 0 };
	struct cgi_call call = { .context = &log };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	READ(&x, &log, ASKED);
	WRITE(&x, &log, "\1\6\0\1\0\x15\0\0Status: 404 x\r\n\r\n");
	assert_true(cgi_unseen(&x, &call, CGI_WRITE, 4));
	WRITE(&x, &log, END);
	assert_int_equal(log.done, 1);
	assert_int_equal(log.last.bytes_out, 8 + 21 + 16);
	assert_false(cgi_unseen(&x, &call, CGI_WRITE, 4));
	assert_int_equal(log.why, RS_UNPARSED_UNSEEN_IO);
	cgi_init(&x, CGI_SCGI);
	READ(&x, &log, SCGI);
	assert_true(cgi_unseen(&x, &call, CGI_READ, 4));
	assert_true(cgi_unseen(&x, &call, CGI_WRITE, 4));
	cgi_init(&x, CGI_SCGI);
	assert_false(cgi_unseen(&x, &call, CGI_READ, 4));
}

static void first_bytes_tell(void **state)
{
	(void)state;
	assert_int_equal(cgi_begins((const uint8_t *)ASKED, 6), CGI_FASTCGI);
	assert_int_equal(cgi_begins((const uint8_t *)SCGI, 8), CGI_SCGI);
	for (size_t n = 4; n <= 8; n++)
		assert_int_equal(cgi_begins((const uint8_t *)UWSGI, n), CGI_UWSGI);
	assert_int_equal(cgi_begins((const uint8_t *)"\x16\3\1\0\xc8\1\0", 7), CGI_NONE);
	assert_int_equal(cgi_begins((const uint8_t *)"\0\0\0\x8\x4\xd2\x16\x2f", 8), CGI_NONE);
	assert_int_equal(cgi_begins((const uint8_t *)"\0\x20\0\0\x4\0abcd", 8), CGI_NONE);
	assert_int_equal(cgi_begins((const uint8_t *)"70:GARBAGE", 8), CGI_NONE);
	assert_int_equal(cgi_begins((const uint8_t *)"\1\1\0\1\0\7\0\0", 8), CGI_NONE);
	assert_int_equal(cgi_begins((const uint8_t *)"GET / HTTP/1.1", 8), CGI_NONE);
}

static void a_child_goes_on_without_its_parents_entry(void **state)
{
	struct log log = { 0 };
	struct cgi x;

	(void)state;
	cgi_init(&x, CGI_FASTCGI);
	assert_int_equal(cgi_adopt(&x), 0);
	READ(&x, &log, BEGIN);
	assert_int_equal(cgi_adopt(&x), 1);
	assert_int_equal(x.request.open, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fastcgi_is_exact_at_every_split_and_request_by_request),
		cmocka_unit_test(an_end_alone_is_aborted_and_an_answer_alone_cut),
		cmocka_unit_test(a_request_that_its_server_gave_up_is_cut_by_the_client),
		cmocka_unit_test(a_second_request_ahead_of_the_end_is_too_deep),
		cmocka_unit_test(what_is_no_record_and_no_answer_is_told),
		cmocka_unit_test(endless_variables_end_the_direction),
		cmocka_unit_test(scgi_and_uwsgi_are_exact_at_every_split),
		cmocka_unit_test(what_uwsgi_routes_to_itself_counts_at_its_router),
		cmocka_unit_test(an_only_request_without_an_answer_is_aborted),
		cmocka_unit_test(variables_that_do_not_fit_their_length_are_garbage),
		cmocka_unit_test(bytes_unseen_pass_in_bodies_only),
		cmocka_unit_test(first_bytes_tell),
		cmocka_unit_test(a_child_goes_on_without_its_parents_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
