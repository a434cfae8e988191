#include "../../agent/profile/clerk.c" /* profile_graph is the test's own, and waits to be let go */
#include "rs_test.h"

#include <time.h>
#include <unistd.h>

static int gate[2]; /* a byte lets one graph be made */
static int made_result;
static char made_service[64];
static _Atomic int made_count;
static const atomic_bool *_Atomic made_over; /* what tells it that nobody waits */

int profile_graph(struct profile *p, const struct profile_scope *scope, uint64_t now_ns,
		  struct graph **out)
{
	char byte;

	(void)p;
	(void)now_ns;
	made_over = scope->over;
	if (read(gate[0], &byte, 1) != 1)
		return -EIO;
	snprintf(made_service, sizeof(made_service), "%s", scope->service ? scope->service : "");
	made_count++;
	*out = NULL;
	return made_result ? made_result : graph_open(out);
}

static void let_go(void)
{
	assert_int_equal(write(gate[1], "x", 1), 1);
}

static int ask_until_done(struct clerk *c, const void *who, struct graph **out)
{
	const struct profile_scope scope = { .seconds = 1 };
	const struct timespec pause = { 0, 1000000 };
	int result = -EAGAIN;

	for (int i = 0; i < 20000 && result == -EAGAIN; i++) {
		result = clerk_ask(c, who, &scope, 1, out);
		nanosleep(&pause, NULL);
	}
	return result;
}

static __attribute__((noinline, returns_nonnull)) struct clerk *made(void)
{
	struct clerk *c;

	assert_int_equal(pipe(gate), 0);
	assert_int_equal(clerk_open(&c, NULL), 0);
	made_result = 0;
	made_count = 0;
	made_over = NULL;
	return c;
}

static void unmake(struct clerk *c)
{
	clerk_close(c);
	close(gate[0]);
	close(gate[1]);
}

static void who_asks_gets_his_graph_once_it_is_made(void **state)
{
	char service[] = "server";
	const struct profile_scope scope = { .service = service, .seconds = 1 };
	struct clerk *c = made();
	struct graph *g;

	(void)state;
	assert_int_equal(clerk_ask(c, "a", &scope, 1, &g), -EAGAIN);
	service[0] = 'X'; /* it was copied */
	assert_int_equal(clerk_ask(c, "a", &scope, 1, &g), -EAGAIN);
	let_go();
	assert_int_equal(ask_until_done(c, "a", &g), 0);
	assert_non_null(g);
	assert_string_equal(made_service, "server");
	assert_int_equal(made_count, 1);
	graph_close(g);
	unmake(c);
}

static void another_waits_for_his_turn(void **state)
{
	static const char first[] = "a", second[] = "b";
	const struct profile_scope scope = { .seconds = 1 };
	struct clerk *c = made();
	struct graph *g;

	(void)state;
	assert_int_equal(clerk_ask(c, first, &scope, 1, &g), -EAGAIN);
	assert_true(clerk_is_busy(c, second));
	assert_false(clerk_is_busy(c, first));
	let_go();
	while (!atomic_load(&c->done))
		usleep(1000);
	assert_int_equal(clerk_ask(c, second, &scope, 1, &g), -EAGAIN); /* it is not his */
	assert_int_equal(ask_until_done(c, first, &g), 0);
	graph_close(g);
	let_go();
	assert_int_equal(ask_until_done(c, second, &g), 0);
	assert_int_equal(made_count, 2);
	graph_close(g);
	unmake(c);
}

static void who_left_is_not_waited_for(void **state)
{
	static const char first[] = "a", second[] = "b";
	const struct profile_scope scope = { .seconds = 1 };
	struct clerk *c = made();
	struct graph *g;

	(void)state;
	assert_int_equal(clerk_ask(c, first, &scope, 1, &g), -EAGAIN);
	while (!made_over)
		usleep(1000);
	clerk_leave(c, second); /* was never served */
	assert_false(atomic_load(made_over));
	clerk_leave(c, first);
	assert_true(atomic_load(made_over));
	let_go();
	let_go();
	assert_int_equal(ask_until_done(c, second, &g), 0);
	assert_int_equal(made_count, 2);
	graph_close(g);
	unmake(c);
}

static void an_error_ends_it_too(void **state)
{
	struct clerk *c = made();
	struct graph *g;

	(void)state;
	made_result = -ENOENT;
	let_go();
	assert_int_equal(ask_until_done(c, "a", &g), -ENOENT);
	assert_null(g);
	made_result = 0;
	let_go();
	assert_int_equal(ask_until_done(c, "a", &g), 0);
	graph_close(g);
	unmake(c);
}

static void what_is_under_way_is_waited_for_at_the_end(void **state)
{
	const struct profile_scope scope = { .seconds = 1 };
	struct clerk *c = made();
	struct graph *g;

	(void)state;
	assert_int_equal(clerk_ask(c, "a", &scope, 1, &g), -EAGAIN);
	let_go();
	unmake(c);
	assert_int_equal(made_count, 1);
	clerk_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_gets_his_graph_once_it_is_made),
		cmocka_unit_test(another_waits_for_his_turn),
		cmocka_unit_test(who_left_is_not_waited_for),
		cmocka_unit_test(an_error_ends_it_too),
		cmocka_unit_test(what_is_under_way_is_waited_for_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
