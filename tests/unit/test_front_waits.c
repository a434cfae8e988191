#include "front_fixture.h"

static void a_request_that_trickles_is_cut_at_its_deadline(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	for (int ms = 0; ms < DEADLINE_MS; ms += 500) { /* never idle for long */
		assert_int_equal(said(&h, fd, ms ? "x" : "GET /", out, sizeof(out)), -EAGAIN);
		h.now += 500 * MILLISECOND;
	}
	settle(&h);
	assert_false(is_open(fd));
	assert_int_equal(h.tally.counts[TALLY_CUT_SLOW], 1);
	assert_int_equal(h.asked, 0);
	close(fd);
	house_close(&h);
}

static void a_body_that_trickles_is_cut_at_the_same_deadline(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	h.now += 4000 * MILLISECOND;
	said(&h, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nx", out, sizeof(out));
	assert_true(is_open(fd));
	h.now += 1000 * MILLISECOND;
	settle(&h);
	assert_false(is_open(fd));
	assert_int_equal(h.tally.counts[TALLY_CUT_SLOW], 1);
	close(fd);
	house_close(&h);
}

static void an_idle_connection_is_kept_for_a_while(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	assert_true(said(&h, fd, GET("/1"), out, sizeof(out)) > 0);
	h.now += 59 * SECOND;
	settle(&h);
	assert_true(said(&h, fd, GET("/2"), out, sizeof(out)) > 0);
	h.now += 60 * SECOND;
	settle(&h);
	assert_false(is_open(fd));
	assert_int_equal(h.tally.counts[TALLY_CUT_IDLE], 1);
	assert_int_equal(h.tally.counts[TALLY_CUT_SLOW], 0);
	close(fd);
	house_close(&h);
}

static void the_next_request_has_its_own_deadline_from_its_first_line(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	assert_true(said(&h, fd, GET("/1"), out, sizeof(out)) > 0);
	h.now += 30 * SECOND;
	assert_int_equal(said(&h, fd, "GET /2 HTTP/1.1\r\nHost: a\r\n", out, sizeof(out)), -EAGAIN);
	h.now += 5 * SECOND;
	settle(&h);
	assert_false(is_open(fd));
	assert_int_equal(h.tally.counts[TALLY_CUT_SLOW], 1);
	close(fd);
	house_close(&h);
}

static void a_reply_that_nobody_reads_is_given_up(void **state)
{
	struct house h;
	int fd, small = 4096;

	(void)state;
	house_open(&h, 16);
	h.reply_length = 64u << 20; /* more than all buffers on the way */
	fd = visit(&h);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	web_send(fd, GET("/"));
	settle(&h);
	assert_int_equal(h.asked, 1);
	h.now += 19 * SECOND;
	settle(&h);
	assert_int_equal(h.tally.counts[TALLY_CUT_UNREAD], 0);
	h.now += SECOND;
	settle(&h);
	assert_int_equal(h.tally.counts[TALLY_CUT_UNREAD], 1);
	close(fd);
	house_close(&h);
}

static void with_nobody_there_it_sleeps_without_end(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	settle(&h);
	assert_int_equal(run(&h), -1);
	fd = visit(&h);
	assert_int_equal(run(&h), DEADLINE_MS);
	h.now += 1500 * MILLISECOND;
	assert_int_equal(run(&h), DEADLINE_MS - 1500);
	assert_true(said(&h, fd, GET("/"), out, sizeof(out)) > 0);
	assert_int_equal(run(&h), 12 * DEADLINE_MS);
	close(fd);
	settle(&h);
	assert_int_equal(run(&h), -1);
	house_close(&h);
}

static void a_full_house_takes_nobody_until_somebody_leaves(void **state)
{
	struct house h;
	char out[4096];
	int in[2], out_there;

	(void)state;
	house_open(&h, 2);
	in[0] = visit(&h);
	in[1] = visit(&h);
	out_there = visit(&h);
	assert_int_equal(said(&h, out_there, GET("/"), out, sizeof(out)), -EAGAIN);
	assert_int_equal(h.asked, 0);
	assert_int_equal(h.tally.counts[TALLY_CONNECTIONS], 2);
	close(in[0]);
	settle(&h);
	assert_int_equal(h.asked, 1);
	assert_true(recv(out_there, out, sizeof(out), MSG_DONTWAIT) > 0);
	close(in[1]);
	close(out_there);
	house_close(&h);
}

static void whoever_is_idle_longest_makes_room_in_a_full_house(void **state)
{
	struct house h;
	char out[4096];
	int first, second, third;

	(void)state;
	house_open(&h, 2);
	first = visit(&h);
	assert_true(said(&h, first, GET("/"), out, sizeof(out)) > 0);
	second = visit(&h);
	settle(&h);
	assert_false(is_open(first));
	assert_true(is_open(second));
	third = visit(&h);
	assert_true(said(&h, third, GET("/"), out, sizeof(out)) > 0);
	assert_int_equal(h.tally.counts[TALLY_CONNECTIONS], 3);
	assert_true(h.tally.counts[TALLY_CUT_ROOM] >= 1);
	close(first);
	close(second);
	close(third);
	house_close(&h);
}

static void a_reply_that_is_made_elsewhere_is_asked_for_again(void **state)
{
	const void *who;
	struct house h;
	char out[4096];
	int fd, other;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	other = visit(&h);
	h.later = true;
	assert_int_equal(said(&h, fd, GET("/slow"), out, sizeof(out)), -EAGAIN);
	who = h.last.who;
	assert_non_null(who);
	assert_int_equal(h.asked, 1);
	assert_in_range(run(&h), 1, FRONT_LATER_MS);
	assert_int_equal(h.asked, 1); /* not before its time */
	h.now += FRONT_LATER_MS * MILLISECOND;
	settle(&h);
	assert_int_equal(h.asked, 2);
	assert_ptr_equal(h.last.who, who);
	h.later = false; /* meanwhile others are answered at once */
	assert_true(said(&h, other, GET("/quick"), out, sizeof(out)) > 0);
	assert_int_equal(h.lefts, 1);
	h.now += FRONT_LATER_MS * MILLISECOND;
	settle(&h);
	assert_string_equal(h.target, "/slow");
	assert_true(recv(fd, out, sizeof(out), MSG_DONTWAIT) > 0);
	assert_int_equal(h.lefts, 2);
	assert_ptr_equal(h.gone, who);
	close(fd);
	close(other);
	house_close(&h);
}

/* Who waits for a place is asked again when it is woken, and nobody else. */
static void a_place_that_is_woken_is_asked_again_at_once(void **state)
{
	struct house h;
	char out[4096];
	int one, two;

	(void)state;
	house_open(&h, 16);
	one = visit(&h);
	two = visit(&h);
	h.later = true;
	h.later_for = 7;
	assert_int_equal(said(&h, one, GET("/one"), out, sizeof(out)), -EAGAIN);
	assert_false(h.last.again);
	h.later_for = 8;
	assert_int_equal(said(&h, two, GET("/two"), out, sizeof(out)), -EAGAIN);
	h.later = false;
	front_wake(h.front, 9);
	settle(&h);
	assert_int_equal(h.asked, 2);
	front_wake(h.front, 7);
	settle(&h);
	assert_int_equal(h.asked, 3);
	assert_string_equal(h.target, "/one");
	assert_true(h.last.again);
	assert_true(recv(one, out, sizeof(out), MSG_DONTWAIT) > 0);
	assert_true(said(&h, one, GET("/three"), out, sizeof(out)) > 0);
	assert_false(h.last.again); /* another request of the same connection */
	assert_true(recv(two, out, sizeof(out), MSG_DONTWAIT) < 0);
	h.now += FRONT_LATER_MS * MILLISECOND;
	settle(&h);
	assert_string_equal(h.target, "/two");
	close(one);
	close(two);
	house_close(&h);
}

/* However many come meanwhile: the time of those that wait already does not move. */
static void those_that_wait_are_asked_again_in_time_though_others_come(void **state)
{
	struct house h;
	char out[4096];
	int fds[4];

	(void)state;
	house_open(&h, 16);
	h.later = true;
	for (unsigned int i = 0; i < 4; i++) {
		fds[i] = visit(&h);
		said(&h, fds[i], GET("/slow"), out, sizeof(out));
		h.now += FRONT_LATER_MS * MILLISECOND / 4;
	}
	assert_int_equal(h.asked, 4);
	settle(&h);
	assert_int_equal(h.asked, 8);
	for (unsigned int i = 0; i < 4; i++)
		close(fds[i]);
	house_close(&h);
}

static void too_many_that_wait_are_refused(void **state)
{
	int fds[FRONT_LATER + 1], other;
	struct house h;
	char out[4096];

	(void)state;
	house_open(&h, FRONT_LATER + 2);
	h.later = true;
	for (unsigned int i = 0; i <= FRONT_LATER; i++) {
		fds[i] = visit(&h);
		said(&h, fds[i], GET("/slow"), out, sizeof(out));
	}
	assert_non_null(strstr(out, " 503 "));
	assert_non_null(strstr(out, "\"busy\""));
	assert_true(h.last.at_once);
	h.later = false; /* who need not wait is answered all the same */
	other = visit(&h);
	assert_true(said(&h, other, GET("/quick"), out, sizeof(out)) > 0);
	assert_non_null(strstr(out, " 200 "));
	close(other);
	for (unsigned int i = 0; i <= FRONT_LATER; i++)
		close(fds[i]);
	house_close(&h); /* with all of them waiting */
}

static void a_client_that_leaves_while_it_waits_is_let_go(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	h.later = true;
	assert_int_equal(said(&h, fd, GET("/slow"), out, sizeof(out)), -EAGAIN);
	close(fd);
	h.now += FRONT_LATER_MS * MILLISECOND;
	settle(&h);
	settle(&h);
	assert_int_equal(h.lefts, 1); /* though its reply is not made yet */
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_that_trickles_is_cut_at_its_deadline),
		cmocka_unit_test(a_body_that_trickles_is_cut_at_the_same_deadline),
		cmocka_unit_test(an_idle_connection_is_kept_for_a_while),
		cmocka_unit_test(the_next_request_has_its_own_deadline_from_its_first_line),
		cmocka_unit_test(a_reply_that_nobody_reads_is_given_up),
		cmocka_unit_test(with_nobody_there_it_sleeps_without_end),
		cmocka_unit_test(a_full_house_takes_nobody_until_somebody_leaves),
		cmocka_unit_test(whoever_is_idle_longest_makes_room_in_a_full_house),
		cmocka_unit_test(a_reply_that_is_made_elsewhere_is_asked_for_again),
		cmocka_unit_test(a_place_that_is_woken_is_asked_again_at_once),
		cmocka_unit_test(those_that_wait_are_asked_again_in_time_though_others_come),
		cmocka_unit_test(too_many_that_wait_are_refused),
		cmocka_unit_test(a_client_that_leaves_while_it_waits_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
