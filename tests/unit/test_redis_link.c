#include "redis_link.h"
#include "redis_rig.h"

static struct rig r;

static int open_rig(void **state)
{
	(void)state;
	rig_open(&r, NULL);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

static void questions_of_a_step_go_at_once_and_are_answered_in_order(void **state)
{
	struct fixture_told a, b;

	(void)state;
	rig_ask(&r, "a", &a); /* before there is a connection */
	rig_ready(&r);
	rig_ask(&r, "b", &b);
	assert_int_equal(redis_link_due_ns(&r.link), 0);
	rig_step(&r);
	fixture_hear(&r.server, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n");
	assert_int_equal(a.times + b.times, 0);
	rig_say(&r, "$1\r\n1\r\n$-1\r\n");
	rig_told(&a, REDIS_FINE, "1");
	rig_told(&b, REDIS_FINE, "");
	assert_int_equal(r.answered, 2);
}

static void a_late_answer_drops_the_connection(void **state)
{
	struct fixture_told a, b, c;

	(void)state;
	rig_ready(&r);
	rig_ask(&r, "a", &a);
	rig_step(&r);
	fixture_now_ns += 400 * FIXTURE_MS;
	rig_ask(&r, "b", &b);
	rig_step(&r);
	assert_int_equal(a.times, 0);
	fixture_now_ns += 100 * FIXTURE_MS;
	assert_true(redis_link_due_ns(&r.link) <= fixture_now_ns);
	rig_step(&r);
	rig_told(&a, REDIS_TIMEOUT, "-");
	rig_told(&b, REDIS_LOST, "-"); /* it was not late, but its answer cannot come any more */
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	assert_true(fixture_was_left(&r.server));
	fixture_hang_up(&r.server);
	rig_ask(&r, "c", &c);
	fixture_now_ns += 100 * FIXTURE_MS;
	rig_ready(&r);
	fixture_hear(&r.server, "*2\r\n$3\r\nGET\r\n$1\r\nc\r\n");
	rig_say(&r, "$1\r\n3\r\n");
	rig_told(&c, REDIS_FINE, "3");
	assert_int_equal(a.times + b.times, 2);
}

static void what_was_not_sent_is_late_by_itself(void **state)
{
	static struct fixture_told a, b; /* told at the very end */

	(void)state;
	rig_ask(&r, "a", &a);
	fixture_now_ns += 300 * FIXTURE_MS;
	rig_connect(&r);
	rig_ask(&r, "b", &b);
	fixture_now_ns += 200 * FIXTURE_MS;
	rig_step(&r);
	rig_told(&a, REDIS_TIMEOUT, "-");
	assert_int_equal(b.times, 0);
	assert_int_equal(r.link.state, REDIS_LINK_GREETING); /* no reason to drop it */
}

static void odd(const char *said, enum redis_fault fault)
{
	struct fixture_told a, b;

	rig_open(&r, NULL);
	rig_ready(&r);
	rig_ask(&r, "a", &a);
	rig_ask(&r, "b", &b);
	rig_step(&r);
	rig_say(&r, said);
	rig_told(&a, fault, "-");
	rig_told(&b, REDIS_LOST, "-");
	assert_int_equal(r.link.fault, fault);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	rig_close(&r);
}

static void an_odd_answer_drops_the_connection(void **state)
{
	(void)state;
	odd("+OK\r\n", REDIS_ODD);
	odd(":1\r\n", REDIS_ODD);
	odd("*1\r\n$1\r\na\r\n", REDIS_ODD);
	odd("HTTP/1.1 400\r\n", REDIS_ODD);
	odd("*1000\r\n", REDIS_TOO_LONG);
}

static void an_answer_that_nobody_asked_for_drops_the_connection(void **state)
{
	struct fixture_told a;

	(void)state;
	rig_ready(&r);
	rig_ask(&r, "a", &a);
	rig_step(&r);
	rig_say(&r, "$1\r\n1\r\n$1\r\n2\r\n");
	rig_told(&a, REDIS_FINE, "1");
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	assert_int_equal(r.link.fault, REDIS_ODD);
}

static void a_refusal_is_an_answer(void **state)
{
	struct fixture_told a;

	(void)state;
	rig_ready(&r);
	rig_ask(&r, "a", &a);
	rig_step(&r);
	rig_say(&r, "-OOM too much\r\n");
	rig_told(&a, REDIS_OOM, "OOM too much");
	assert_int_equal(r.refused, 1);
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	assert_int_equal(r.link.breaker.state, BREAKER_CLOSED);
}

/* It accepts, and says nothing. */
static void silent_connection_of(struct fixture_server *s)
{
	rig_step(&r);
	fixture_accept(s);
	if (r.link.state == REDIS_LINK_CONNECTING)
		rig_turn(&r);
	fixture_now_ns += 500 * FIXTURE_MS;
	rig_step(&r);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	fixture_hang_up(s);
	rig_step(&r); /* what is late is told */
	fixture_now_ns = r.link.due_ns;
}

static void silent_connection(void)
{
	silent_connection_of(&r.server);
}

static void connects_do_not_close_the_circuit_answers_do(void **state)
{
	struct fixture_told a, b;

	(void)state;
	silent_connection();
	rig_ask(&r, "a", &a);
	silent_connection();
	rig_told(&a, REDIS_TIMEOUT, "-");
	rig_connect(&r);
	fixture_now_ns += 100 * FIXTURE_MS;
	rig_ask(&r, "b", &b); /* it is not late yet when the connection is */
	fixture_now_ns += 400 * FIXTURE_MS;
	rig_step(&r);
	assert_int_equal(r.link.breaker.state, BREAKER_OPEN);
	fixture_hang_up(&r.server);
	rig_told(&b, REDIS_AWAY, "-");
	assert_true(r.link.due_ns > fixture_now_ns);
	rig_step(&r);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	fixture_now_ns = r.link.due_ns;
	rig_connect(&r);
	assert_int_equal(r.link.breaker.state, BREAKER_HALF_OPEN);
	rig_say(&r, FIXTURE_INFO FIXTURE_SAVE);
	assert_int_equal(r.link.breaker.state, BREAKER_CLOSED);
	assert_int_equal(r.link.fault, REDIS_FINE);
}

static void who_greets_and_is_silent_then_opens_it_too(void **state)
{
	struct fixture_told a;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r.link.breaker.state, BREAKER_CLOSED);
		rig_ready(&r);
		rig_ask(&r, "a", &a);
		rig_step(&r);
		fixture_now_ns += 500 * FIXTURE_MS;
		rig_step(&r);
		rig_told(&a, REDIS_TIMEOUT, "-");
		fixture_hang_up(&r.server);
		fixture_now_ns = r.link.due_ns;
	}
	assert_int_equal(r.link.breaker.state, BREAKER_OPEN);
}

static void an_idle_one_is_asked_whether_it_is_there(void **state)
{
	(void)state;
	rig_ready(&r);
	assert_int_equal(redis_link_due_ns(&r.link), fixture_now_ns + 1000 * FIXTURE_MS);
	fixture_now_ns += 1000 * FIXTURE_MS;
	rig_step(&r);
	fixture_hear(&r.server, "*1\r\n$4\r\nPING\r\n");
	rig_say(&r, "+PONG\r\n");
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	fixture_now_ns += 1000 * FIXTURE_MS;
	rig_step(&r);
	fixture_now_ns += 500 * FIXTURE_MS;
	rig_step(&r);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	assert_int_equal(r.link.fault, REDIS_TIMEOUT);
}

static void the_end_of_a_connection_says_why(void **state)
{
	(void)state;
	rig_ready(&r);
	fixture_hang_up(&r.server);
	rig_turn(&r);
	assert_int_equal(r.link.fault, REDIS_LOST);
	assert_string_equal(r.link.text, "Connection reset by peer");
	assert_int_equal(r.link.drops, 1);
}

/* Much more than a socket takes: a question that is half written when it ends is not lost. */
static void half_a_question_is_asked_anew(void **state)
{
	static char value[8 << 20];
	const struct redis_text words[] = { REDIS_TEXT("GET"), { value, sizeof(value) } };
	struct fixture_told a;
	struct redis_call *c;

	(void)state;
	rig_ready(&r);
	memset(&a, 0, sizeof(a));
	assert_int_equal(redis_call_open(&c, words, 2), 0);
	c->done = fixture_told;
	c->ctx = &a;
	c->taken = REDIS_BIT(REDIS_STRING);
	c->deadline_ns = fixture_now_ns + 500 * FIXTURE_MS;
	redis_link_ask(&r.link, c);
	rig_step(&r);
	assert_true(c->written > 0 && c->written < c->length);
	assert_true(redis_link_due_ns(&r.link) >
		    0); /* it waits for the socket, and does not spin */
	fixture_hang_up(&r.server);
	rig_turn(&r);
	assert_int_equal(a.times, 0);
	assert_int_equal(c->written, 0);
	fixture_now_ns += 500 * FIXTURE_MS;
	rig_step(&r);
	rig_told(&a, REDIS_TIMEOUT, "-");
}

static void at_the_end_each_is_told(void **state)
{
	struct fixture_told a, b;

	(void)state;
	rig_ready(&r);
	rig_ask(&r, "a", &a);
	rig_step(&r);
	rig_ask(&r, "b", &b);
	redis_link_fini(&r.link);
	rig_told(&a, REDIS_CLOSED, "-");
	rig_told(&b, REDIS_CLOSED, "-");
}

static void one_that_is_refused_says_so(void **state)
{
	(void)state;
	close(r.server.listening);
	rig_step(&r);
	if (r.link.state == REDIS_LINK_CONNECTING)
		rig_turn(&r);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	assert_string_equal(r.link.text, "Connection refused");
	r.server.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void a_name_is_looked_up(void **state)
{
	(void)state;
	memcpy(r.link.place.host, "localhost", 10);
	rig_step(&r);
	assert_int_equal(r.link.state, REDIS_LINK_NAMING);
	rig_turn(&r);
	assert_true(r.link.state != REDIS_LINK_NAMING);
}

/* A name of two addresses, of which the first one has nobody: as "localhost" is with ::1 first. */
static void two_addresses(void)
{
	struct fixture_server nobody;
	struct redis_place place;

	fixture_serve(&nobody);
	place = fixture_place(&nobody);
	redis_place_address(&place, &r.link.search.found.at[0]);
	fixture_end(&nobody);
	place = fixture_place(&r.server);
	redis_place_address(&place, &r.link.search.found.at[1]);
	memcpy(place.host, "two.example", 12);
	r.link.place = r.link.search.place = place;
	r.link.search.found.count = 2;
	r.link.search.is_asked = true;
	r.link.search.asked_ns = fixture_now_ns;
}

static void connected_within_a_turn(void)
{
	rig_step(&r);
	for (int i = 0; i < 2 && r.link.state == REDIS_LINK_CONNECTING; i++)
		rig_turn(&r);
	fixture_accept(&r.server);
	rig_say(&r, FIXTURE_INFO FIXTURE_SAVE);
	assert_int_equal(r.link.state, REDIS_LINK_READY);
}

static void the_address_that_works_is_found_at_once_and_remembered(void **state)
{
	(void)state;
	two_addresses();
	connected_within_a_turn();
	assert_int_equal(r.link.drops, 0);
	assert_int_equal(r.link.search.next, 1);
	fixture_hang_up(&r.server);
	rig_turn(&r);
	fixture_now_ns = r.link.due_ns;
	rig_step(&r); /* it is the first one that is tried, and no name is asked */
	fixture_accept(&r.server);
	assert_int_equal(r.link.search.tried, 0);
	assert_int_equal(r.link.drops, 1);
}

static void an_address_that_is_silent_gives_way_to_the_next_one(void **state)
{
	struct fixture_server silent = r.server;

	(void)state;
	fixture_serve(&r.server);
	two_addresses();
	{
		struct redis_place place = fixture_place(&silent);

		redis_place_address(&place, &r.link.search.found.at[0]);
	}
	silent_connection_of(&silent);
	connected_within_a_turn();
	fixture_end(&silent);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
		WITH(questions_of_a_step_go_at_once_and_are_answered_in_order),
		WITH(a_late_answer_drops_the_connection),
		WITH(what_was_not_sent_is_late_by_itself),
		cmocka_unit_test(an_odd_answer_drops_the_connection),
		WITH(an_answer_that_nobody_asked_for_drops_the_connection),
		WITH(a_refusal_is_an_answer),
		WITH(connects_do_not_close_the_circuit_answers_do),
		WITH(who_greets_and_is_silent_then_opens_it_too),
		WITH(an_idle_one_is_asked_whether_it_is_there),
		WITH(the_end_of_a_connection_says_why),
		WITH(half_a_question_is_asked_anew),
		WITH(at_the_end_each_is_told),
		WITH(one_that_is_refused_says_so),
		WITH(a_name_is_looked_up),
		WITH(the_address_that_works_is_found_at_once_and_remembered),
		WITH(an_address_that_is_silent_gives_way_to_the_next_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
