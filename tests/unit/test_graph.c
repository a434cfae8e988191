#include "../../agent/profile/graph.c"
#include "graph_fixture.h"

static void a_frame_is_known_again_by_name_module_and_side(void **state)
{
	struct graph *g = graph_fixture();

	(void)state;
	assert_int_equal(g->frame_count, 4);
	assert_int_equal(graph_fixture_frame(g, "main", NULL, false), 0);
	assert_int_equal(graph_fixture_frame(g, "main", NULL, true), 4);
	assert_int_equal(g->frame_count, 5);
	graph_close(g);
}

static void equal_stacks_are_one(void **state)
{
	struct graph *g = graph_fixture();

	(void)state;
	assert_int_equal(g->stack_count, 3);
	assert_int_equal(g->samples, 100);
	graph_add(g, (uint32_t[]){ 0, 1 }, 2, 5);
	assert_int_equal(g->stack_count, 3);
	assert_int_equal(g->stacks[0].samples, 65);
	graph_add(g, (uint32_t[]){ 1, 0 }, 2, 5);
	assert_int_equal(g->stack_count, 4);
	assert_int_equal(g->samples, 110);
	graph_close(g);
}

static void a_graph_grows(void **state)
{
	struct graph *g = graph_fixture();
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t frame;

		snprintf(name, sizeof(name), "f%u", i);
		frame = graph_fixture_frame(g, name, NULL, false);
		assert_int_equal(frame, i + 4);
		assert_int_equal(graph_add(g, &frame, 1, 1), 0);
	}
	assert_string_equal(g->frames[3003].name, "f2999");
	assert_int_equal(g->places[g->stacks[3002].first], 3003);
	assert_int_equal(g->samples, 3100);
	graph_close(g);
	graph_close(NULL);
}

static void equal_stacks_with_another_cause_are_two(void **state)
{
	struct graph_stack like = { .samples = 5, .waits = 1, .cause = CAUSE_DISK, .depth = 1 };
	struct graph *g = graph_fixture();
	uint32_t frame = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(graph_wait_add(g, &frame, &like), 0);
	like.cause = CAUSE_RUN_QUEUE;
	assert_int_equal(graph_wait_add(g, &frame, &like), 0);
	assert_int_equal(g->stack_count, 5);
	assert_int_equal(g->stacks[3].samples, 10);
	assert_int_equal(g->stacks[3].waits, 2);
	assert_int_equal(g->waits, 3);
	assert_int_equal(g->samples, 115);
	graph_close(g);
}

static void every_cause_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(graph_cause(CAUSE_SOCKET), "socket");
	assert_string_equal(graph_cause(CAUSE_RUN_QUEUE), "run queue");
	assert_string_equal(graph_cause(CAUSES), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_known_again_by_name_module_and_side),
		cmocka_unit_test(equal_stacks_are_one),
		cmocka_unit_test(equal_stacks_with_another_cause_are_two),
		cmocka_unit_test(every_cause_has_a_name),
		cmocka_unit_test(a_graph_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
