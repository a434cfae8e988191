#include "stream.h"

#include "front_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* A source: so many bytes are there. */
struct spring {
	size_t bytes;
	unsigned int asked, closed;
};

static size_t spring_read(void *ctx, char *out, size_t room, uint64_t now_ns)
{
	struct spring *s = ctx;
	size_t n = s->bytes < room ? s->bytes : room;

	(void)now_ns;
	s->asked++;
	memset(out, 'x', n);
	s->bytes -= n;
	return n;
}

static void spring_close(void *ctx)
{
	((struct spring *)ctx)->closed++;
}

static struct house h;
static struct spring spring;
static char out[8192];

static int setup(void **state)
{
	(void)state;
	house_open(&h, 16);
	spring = (struct spring){ .bytes = 10 };
	h.stream = (struct reply_stream){ &spring, spring_read, spring_close };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	house_close(&h);
	return 0;
}

static size_t count(const char *text, ssize_t n)
{
	size_t found = 0;

	for (ssize_t i = 0; i < n; i++)
		found += text[i] == 'x';
	return found;
}

static void what_is_there_is_sent_and_then_it_rests(void **state)
{
	int fd = visit(&h);
	ssize_t n = said(&h, fd, GET("/"), out, sizeof(out));
	unsigned int asked = spring.asked;

	(void)state;
	assert_true(n > 0);
	assert_non_null(strstr(out, "Content-Type: text/event-stream"));
	assert_int_equal(count(strstr(out, "\r\n\r\n"), out + n - strstr(out, "\r\n\r\n")), 10);
	spring.bytes = 5;
	settle(&h);
	assert_int_equal(spring.asked, asked); /* it is not asked all the time */
	close(fd);
}

static void each_second_it_is_asked_again(void **state)
{
	int fd = visit(&h);
	unsigned int seconds;

	(void)state;
	said(&h, fd, GET("/"), out, sizeof(out));
	seconds = h.seconds;
	assert_in_range(run(&h), 1, 1000);
	spring.bytes = 5;
	h.now += STREAM_SECOND_NS;
	settle(&h);
	assert_int_equal(h.seconds, seconds + 1);
	assert_int_equal(count(out, recv(fd, out, sizeof(out), MSG_DONTWAIT)), 5);
	close(fd);
}

static void one_that_is_read_is_not_cut_and_one_that_is_not_is(void **state)
{
	int fd = visit(&h), i;
	char c;

	(void)state;
	said(&h, fd, GET("/"), out, sizeof(out));
	for (i = 0; i < 100; i++) { /* nothing comes, and nobody is blamed */
		h.now += STREAM_SECOND_NS;
		settle(&h);
	}
	assert_int_equal(h.tally.counts[TALLY_CUT_UNREAD], 0);
	spring.bytes = 64 * 1024 * 1024;
	for (i = 0; i < 100 && !h.tally.counts[TALLY_CUT_UNREAD]; i++) {
		h.now += STREAM_SECOND_NS;
		settle(&h);
	}
	assert_int_equal(h.tally.counts[TALLY_CUT_UNREAD], 1);
	assert_in_range(i, 19, 99); /* once its buffers are full */
	settle(&h);
	assert_int_equal(spring.closed, 1);
	assert_true(spring.bytes > 32 * 1024 * 1024); /* what nobody reads is not taken in */
	while (recv(fd, &c, 1, MSG_DONTWAIT) == 1)
		;
	close(fd);
}

static void one_that_leaves_at_rest_is_let_go(void **state)
{
	int fd = visit(&h);

	(void)state;
	said(&h, fd, GET("/"), out, sizeof(out));
	close(fd);
	h.now += STREAM_SECOND_NS;
	settle(&h);
	assert_int_equal(spring.closed, 1);
	assert_int_equal(h.lefts, 1);
}

static void without_streams_nobody_wakes_for_them(void **state)
{
	int fd = visit(&h);

	(void)state;
	said(&h, fd, GET("/"), out, sizeof(out));
	close(fd);
	h.now += STREAM_SECOND_NS;
	settle(&h);
	assert_int_equal(run(&h), -1);
}

static void a_head_has_no_body_and_closes_its_source(void **state)
{
	int fd = visit(&h);

	(void)state;
	assert_true(said(&h, fd, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", out, sizeof(out)) >
		    0);
	assert_int_equal(spring.closed, 1);
	assert_int_equal(spring.asked, 0);
	close(fd);
}

static void the_end_of_the_house_ends_them(void **state)
{
	int fd;

	(void)state;
	fd = visit(&h);
	said(&h, fd, GET("/"), out, sizeof(out));
	house_close(&h);
	assert_int_equal(spring.closed, 1);
	close(fd);
	house_open(&h, 16);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_sent_and_then_it_rests),
		TEST(each_second_it_is_asked_again),
		TEST(one_that_is_read_is_not_cut_and_one_that_is_not_is),
		TEST(one_that_leaves_at_rest_is_let_go),
		TEST(without_streams_nobody_wakes_for_them),
		TEST(a_head_has_no_body_and_closes_its_source),
		TEST(the_end_of_the_house_ends_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
