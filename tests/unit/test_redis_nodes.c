#include "redis_fixture.h"
#include "redis_nodes.h"

#define GET(key) "*2\r\n$3\r\nGET\r\n$1\r\n" key "\r\n"
#define ASKS_SLOTS "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"

static struct redis_nodes n;
static struct redis_url who;
static struct fixture_server a, b;

static void step(void)
{
	struct epoll_event events[8];
	int count = epoll_wait(n.shared.epoll, events, 8, 20);

	n.now_ns = fixture_now_ns;
	for (int i = 0; i < count; i++)
		redis_link_event(events[i].data.ptr, events[i].events, fixture_now_ns);
	redis_nodes_step(&n, fixture_now_ns);
}

static void greet(struct fixture_server *s, const char *info)
{
	step();
	step();
	fixture_accept(s);
	step();
	fixture_hear(s, FIXTURE_ASKS_INFO);
	fixture_say(s, info);
	fixture_say(s, FIXTURE_SAVE);
	step();
	step();
}

static int open_nodes(void **state)
{
	(void)state;
	memset(&n, 0, sizeof(n));
	fixture_serve(&a);
	fixture_serve(&b);
	who = (struct redis_url){ .count = 1, .places = { fixture_place(&a) } };
	n.shared = (struct redis_links){ .who = &who,
					 .epoll = epoll_create1(EPOLL_CLOEXEC),
					 .timeout_ns = 500 * FIXTURE_MS,
					 .most_bytes = 4096,
					 .limits = { 3, 50 * FIXTURE_MS, 400 * FIXTURE_MS },
					 .random = fixture_random };
	n.most_questions = 4;
	n.most_bytes = 1000;
	redis_nodes_init(&n);
	return 0;
}

static int close_nodes(void **state)
{
	(void)state;
	redis_nodes_fini(&n);
	close(n.shared.epoll);
	fixture_end(&a);
	fixture_end(&b);
	return 0;
}

static int ask(const char *key, struct fixture_told *told)
{
	const struct redis_text words[] = { REDIS_TEXT("GET"), { key, strlen(key) } };
	struct redis_call *c;
	int ret;

	memset(told, 0, sizeof(*told));
	assert_int_equal(redis_call_open(&c, words, 2), 0);
	c->slot = redis_key_slot(key, strlen(key));
	c->taken = REDIS_BIT(REDIS_STRING) | REDIS_BIT(REDIS_NIL);
	c->asked_ns = fixture_now_ns;
	c->deadline_ns = fixture_now_ns + 500 * FIXTURE_MS;
	ret = redis_nodes_ask(&n, c);
	if (ret) {
		redis_call_answer(c, REDIS_AWAY, NULL);
		return ret;
	}
	c->done = fixture_told;
	c->ctx = told;
	step();
	return 0;
}

static void told(const struct fixture_told *t, enum redis_fault fault, const char *text)
{
	assert_int_equal(t->times, 1);
	assert_int_equal(t->fault, fault);
	assert_string_equal(t->text, text);
}

static void say(const struct fixture_server *s, const char *text)
{
	fixture_say(s, text);
	step();
	step();
}

/* "MOVED 15495 127.0.0.1:PORT": 15495 is the slot of "a". */
static void redirect(const struct fixture_server *from, const char *how,
		     const struct fixture_server *to)
{
	char text[64];

	snprintf(text, sizeof(text), "-%s 15495 127.0.0.1:%u\r\n", how, to->port);
	say(from, text);
}

/* All slots are of this one. */
static void slots(const struct fixture_server *from, const struct fixture_server *of)
{
	char text[128];

	fixture_hear(from, ASKS_SLOTS);
	snprintf(text, sizeof(text), "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
		 of->port);
	say(from, text);
}

static void one_alone_has_all_keys(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_INFO);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&a, GET("a"));
	say(&a, "$1\r\n1\r\n");
	told(&t, REDIS_FINE, "1");
	assert_false(n.cluster);
	assert_int_equal(redis_nodes_next(&n, 0), 0);
	assert_int_equal(redis_nodes_next(&n, 1), REDIS_NODES);
}

static void a_cluster_is_asked_for_its_slots(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_CLUSTER);
	assert_true(n.cluster);
	slots(&a, &b);
	assert_int_equal(redis_nodes_next(&n, 0), 1);
	greet(&b, FIXTURE_CLUSTER);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&b, GET("a"));
	say(&b, "$1\r\n1\r\n");
	told(&t, REDIS_FINE, "1");
}

static void moved_changes_its_slot_alone(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_CLUSTER);
	slots(&a, &a);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&a, GET("a"));
	redirect(&a, "MOVED", &b);
	greet(&b, FIXTURE_CLUSTER);
	fixture_hear(&b, GET("a"));
	say(&b, "$1\r\n1\r\n");
	told(&t, REDIS_FINE, "1");
	assert_int_equal(n.owners[15495], 1);
	assert_int_equal(n.owners[15494], 0);
	assert_int_equal(n.owners[15496], 0);
	assert_int_equal(n.redirected, 1);
}

static void ask_changes_nothing(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_CLUSTER);
	slots(&a, &a);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&a, GET("a"));
	redirect(&a, "ASK", &b);
	greet(&b, FIXTURE_CLUSTER);
	fixture_hear(&b, "*1\r\n$6\r\nASKING\r\n" GET("a"));
	say(&b, "+OK\r\n$1\r\n1\r\n");
	told(&t, REDIS_FINE, "1");
	assert_int_equal(n.owners[15495], 0);
}

static void no_more_than_five_redirections_are_followed(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_CLUSTER);
	slots(&a, &a);
	assert_int_equal(ask("a", &t), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(t.times, 0);
		fixture_hear(&a, GET("a"));
		redirect(&a, "MOVED", &a);
	}
	assert_int_equal(t.times, 1);
	assert_int_equal(t.fault, REDIS_MOVED);
}

static void a_redirection_that_is_none_is_told(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_INFO);
	assert_int_equal(ask("a", &t), 0);
	say(&a, "-MOVED here\r\n");
	told(&t, REDIS_MOVED, "MOVED here");
}

static void what_passes_is_asked_again_in_a_moment(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_INFO);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&a, GET("a"));
	say(&a, "-TRYAGAIN later\r\n");
	assert_true(fixture_is_quiet(&a));
	assert_int_equal(t.times, 0);
	fixture_now_ns = redis_nodes_due_ns(&n);
	step();
	fixture_hear(&a, GET("a"));
	say(&a, "-CLUSTERDOWN no\r\n");
	fixture_now_ns += 500 * FIXTURE_MS; /* the deadline is the question's, not the try's */
	step();
	told(&t, REDIS_CLUSTERDOWN, "-");
	assert_int_equal(n.asked_again, 2);
}

static void too_many_and_too_much_are_not_taken(void **state)
{
	static char long_key[1000];
	static struct fixture_told t[5]; /* some are told at the very end */

	(void)state;
	greet(&a, FIXTURE_INFO);
	memset(long_key, 'k', sizeof(long_key) - 1);
	assert_int_equal(ask(long_key, &t[0]), -ENOBUFS);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask("a", &t[i]), 0);
	assert_int_equal(ask("a", &t[4]), -ENOBUFS);
	say(&a, "$1\r\n1\r\n");
	assert_int_equal(ask("a", &t[4]), 0);
}

static void an_open_circuit_is_not_asked(void **state)
{
	struct fixture_told t;

	(void)state;
	greet(&a, FIXTURE_INFO);
	n.at[0].link.breaker.state = BREAKER_OPEN;
	assert_int_equal(ask("a", &t), -EHOSTDOWN);
}

static void several_that_are_no_cluster_are_not_used(void **state)
{
	(void)state;
	who.count = 2;
	greet(&a, FIXTURE_INFO);
	assert_int_equal(n.at[0].link.state, REDIS_LINK_DOWN);
	assert_non_null(strstr(n.at[0].link.text, "no node of a cluster"));
	assert_int_equal(n.at[0].link.breaker.state, BREAKER_OPEN);
	assert_int_equal(n.at[0].link.due_ns, fixture_now_ns + 10000 * FIXTURE_MS);
	fixture_now_ns += 9999 * FIXTURE_MS; /* it is no accident that passes */
	step();
	assert_int_equal(n.at[0].link.state, REDIS_LINK_DOWN);
	fixture_hang_up(&a);
	fixture_now_ns += FIXTURE_MS;
	greet(&a, FIXTURE_CLUSTER); /* … but it may be set right */
	assert_int_equal(n.at[0].link.state, REDIS_LINK_READY);
	assert_int_equal(n.at[0].link.breaker.state, BREAKER_CLOSED);
}

/* A failover: the slots are asked for again, and soon. */
static void when_a_node_is_lost_the_slots_are_asked_for(void **state)
{
	static struct fixture_told t; /* told at the very end */

	(void)state;
	greet(&a, FIXTURE_CLUSTER);
	slots(&a, &b);
	greet(&b, FIXTURE_CLUSTER);
	fixture_now_ns += 300 * FIXTURE_MS;
	step();
	slots(n.asked_node ? &b : &a, &b);                              /* by turns */
	assert_true(n.refresh_ns > fixture_now_ns + 5000 * FIXTURE_MS); /* all is well */
	fixture_hang_up(&b);
	step();
	step();
	fixture_now_ns += 250 * FIXTURE_MS;
	step();
	slots(&a, &a);
	assert_int_equal(ask("a", &t), 0);
	fixture_hear(&a, GET("a"));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_nodes, close_nodes)
	const struct CMUnitTest tests[] = {
		WITH(one_alone_has_all_keys),
		WITH(a_cluster_is_asked_for_its_slots),
		WITH(moved_changes_its_slot_alone),
		WITH(ask_changes_nothing),
		WITH(no_more_than_five_redirections_are_followed),
		WITH(a_redirection_that_is_none_is_told),
		WITH(what_passes_is_asked_again_in_a_moment),
		WITH(too_many_and_too_much_are_not_taken),
		WITH(an_open_circuit_is_not_asked),
		WITH(several_that_are_no_cluster_are_not_used),
		WITH(when_a_node_is_lost_the_slots_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
